/* SPDX-License-Identifier: Apache-2.0 */
#include "control/rules/rule_history.h"

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

/* What is kept of one campaign for one step. */
struct kept {
    uint32_t campaign_id;
    int64_t every_s;
    int64_t from_unix_s; /* all since then is there, as far as it was read */
    struct qbid_rule_points points;
};

struct qbid_rule_history {
    struct kept *kept; /* by campaign and step */
    uint32_t cnt, max;
    uint32_t points; /* of all */
    uint64_t read;
    struct qbid_rule_points passing; /* what is not kept */
};

int qbid_rule_history_new(struct qbid_rule_history **ret_history)
{
    *ret_history = calloc(1, sizeof **ret_history);
    return *ret_history ? 0 : QBID_ERR_NOMEM;
}

static void kept_forget(struct qbid_rule_history *h, struct kept *kept)
{
    h->points -= kept->points.cnt;
    qbid_rule_points_done(&kept->points);
}

void qbid_rule_history_free(struct qbid_rule_history *history)
{
    if (!history)
        return;
    for (uint32_t i = 0; i < history->cnt; i++)
        qbid_rule_points_done(&history->kept[i].points);
    qbid_rule_points_done(&history->passing);
    free(history->kept);
    free(history);
}

uint64_t qbid_rule_history_read(const struct qbid_rule_history *history)
{
    return history->read;
}

static int kept_compare(const struct kept *kept, uint32_t campaign_id, int64_t every_s)
{
    if (kept->campaign_id != campaign_id)
        return kept->campaign_id < campaign_id ? -1 : 1;
    return (kept->every_s > every_s) - (kept->every_s < every_s);
}

/* The place of a campaign and step, made when missing; NULL without memory. */
static struct kept *kept_of(struct qbid_rule_history *h, uint32_t campaign_id, int64_t every_s)
{
    uint32_t low = 0, high = h->cnt;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (kept_compare(&h->kept[middle], campaign_id, every_s) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < h->cnt && kept_compare(&h->kept[low], campaign_id, every_s) == 0)
        return &h->kept[low];
    if (h->cnt == h->max) {
        uint32_t max = h->max ? 2 * h->max : 64;
        struct kept *more = realloc(h->kept, max * sizeof *more);
        if (!more)
            return NULL;
        h->kept = more;
        h->max = max;
    }
    memmove(&h->kept[low + 1], &h->kept[low], (h->cnt++ - low) * sizeof *h->kept);
    h->kept[low] = (struct kept){.campaign_id = campaign_id, .every_s = every_s};
    return &h->kept[low];
}

struct taking {
    struct qbid_rule_history *history;
    struct kept *kept;
};

/* The last point of a step takes the place of the one before; the first of all stays, as a history
 * that is younger than a day begins with it. */
static int point_take(void *context, const struct qbid_store_point *point)
{
    struct taking *t = context;
    struct qbid_rule_points *points = &t->kept->points;
    int64_t every = t->kept->every_s;
    t->history->read++;
    if (points->cnt > 0) {
        struct qbid_store_point *last = &points->point[points->cnt - 1];
        bool same = last->unix_s == point->unix_s,
             step = (last->unix_s + every - 1) / every == (point->unix_s + every - 1) / every;
        if (same || (step && points->cnt > 1)) {
            *last = *point;
            return 0;
        }
    }
    t->history->points++;
    return qbid_rule_point_add(points, point);
}

static uint32_t points_before(const struct qbid_rule_points *points, int64_t unix_s)
{
    uint32_t n = 0;
    while (n < points->cnt && points->point[n].unix_s < unix_s)
        n++;
    return n;
}

static void points_drop(struct qbid_rule_history *h, struct qbid_rule_points *points, uint32_t n)
{
    memmove(points->point, points->point + n, (points->cnt - n) * sizeof *points->point);
    points->cnt -= n;
    h->points -= n;
}

static int passing_load(struct qbid_rule_history *h, struct qbid_store *store,
                        const struct qbid_rule *rule, uint32_t campaign_id, int64_t at_unix_s,
                        struct qbid_rule_points *ret_view)
{
    h->passing.cnt = 0;
    int err = qbid_rule_points_load(store, rule, campaign_id, at_unix_s, &h->passing);
    h->read += h->passing.cnt;
    if (!err)
        *ret_view = h->passing;
    return err;
}

int qbid_rule_history_load(struct qbid_rule_history *history, struct qbid_store *store,
                           const struct qbid_rule *rule, uint32_t campaign_id, int64_t at_unix_s,
                           struct qbid_rule_points *ret_view)
{
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = campaign_id};
    int64_t from = qbid_rule_points_from(rule, at_unix_s);
    if (qbid_rule_by_hours(rule) || history->points >= QBID_RULE_HISTORY_POINTS_MAX)
        return passing_load(history, store, rule, campaign_id, at_unix_s, ret_view);
    struct kept *kept = kept_of(history, campaign_id, rule->every_s);
    if (!kept)
        return QBID_ERR_NOMEM;
    if (kept->points.cnt == 0 || from < kept->from_unix_s) {
        kept_forget(history, kept);
        kept->from_unix_s = from;
    }
    struct taking taking = {history, kept};
    struct qbid_rule_points *points = &kept->points;
    int64_t since = points->cnt ? points->point[points->cnt - 1].unix_s : from;
    int err = qbid_store_load_history(store, key, since, point_take, &taking);
    if (err) {
        kept_forget(history, kept);
        return err;
    }
    uint32_t before = points_before(points, from);
    if (2 * before > points->cnt) {
        points_drop(history, points, before);
        kept->from_unix_s = from;
        before = 0;
    }
    *ret_view = (struct qbid_rule_points){points->point + before, points->cnt - before, 0};
    return 0;
}
