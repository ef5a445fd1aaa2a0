/* SPDX-License-Identifier: Apache-2.0 */
#include "control/agents/monitor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define HOUR_S 3600
#define WEEK_HOURS 168
#define HISTORY_HOURS 672
#define FRESH_HOURS 24  /* judged, not learned from, when a campaign is first learned */
#define MONDAY_HOURS 72 /* 1970-01-01 was a Thursday: the Monday before was 3 days earlier */

static const char *const metric_names[] = {"bids",        "wins",  "clicks",
                                           "conversions", "views", "completes"};

struct watch {
    uint32_t campaign_id;
    int64_t learned_hour;                   /* 0 = never */
    int64_t tried_hour;                     /* the last that was too early */
    int64_t next_hour;                      /* the first that was not judged */
    double before[QBID_MONITOR_METRIC_CNT]; /* totals at its begin */
    bool usable[QBID_MONITOR_METRIC_CNT];
    struct qbid_counts counts[QBID_MONITOR_METRIC_CNT];
};

struct qbid_monitor {
    struct watch *watch; /* as the account's campaigns, by id */
    uint32_t cnt;
    uint64_t hours, raised;
    struct qbid_monitor_alarm alarm[QBID_MONITOR_ALARMS_MAX]; /* a ring */
};

int qbid_monitor_new(struct qbid_monitor **ret_monitor)
{
    *ret_monitor = calloc(1, sizeof **ret_monitor);
    return *ret_monitor ? 0 : QBID_ERR_NOMEM;
}

void qbid_monitor_free(struct qbid_monitor *monitor)
{
    if (monitor)
        free(monitor->watch);
    free(monitor);
}

const char *qbid_monitor_metric_name(enum qbid_monitor_metric metric)
{
    return metric_names[metric];
}

/* --- counts by the hour, from totals as of any time */

struct hours {
    int64_t from, to; /* hours since 1970 */
    double count[QBID_MONITOR_METRIC_CNT][HISTORY_HOURS];
    double before[QBID_MONITOR_METRIC_CNT]; /* the last totals up to here */
    int64_t first_unix_s;                   /* when there were some; 0 = not yet */
};

static void totals(const struct qbid_stats *s, double ret[QBID_MONITOR_METRIC_CNT])
{
    ret[QBID_MONITOR_BIDS] = (double)s->bids;
    ret[QBID_MONITOR_WINS] = (double)qbid_stats_wins(s);
    ret[QBID_MONITOR_CLICKS] = (double)s->clicks;
    ret[QBID_MONITOR_CONVERSIONS] = (double)s->convs;
    ret[QBID_MONITOR_VIEWS] = (double)s->views;
    ret[QBID_MONITOR_COMPLETES] = (double)s->completes;
}

/* What was counted since the last point belongs to this one's hour. */
static int point_take(void *context, const struct qbid_store_point *point)
{
    struct hours *h = context;
    double now[QBID_MONITOR_METRIC_CNT];
    int64_t hour = (point->unix_s - 1) / HOUR_S; /* totals at its end are those of the hour */
    if (hour >= h->to)
        return 0;
    totals(&point->all, now);
    for (unsigned m = 0; m < QBID_MONITOR_METRIC_CNT; m++) {
        if (h->first_unix_s != 0 && hour >= h->from)
            h->count[m][hour - h->from] += fmax(now[m] - h->before[m], 0);
        h->before[m] = now[m];
    }
    if (h->first_unix_s == 0)
        h->first_unix_s = point->unix_s;
    return 0;
}

/* before: totals at the begin; NULL = the first in the history are those. */
static int hours_load(struct qbid_store *store, uint32_t campaign_id, int64_t from, int64_t to,
                      const double *before, struct hours *ret)
{
    *ret = (struct hours){.from = from, .to = to};
    if (before) {
        memcpy(ret->before, before, sizeof ret->before);
        ret->first_unix_s = from * HOUR_S;
    }
    return qbid_store_load_hours(store, campaign_id, from * HOUR_S + 1, point_take, ret);
}

static uint32_t hour_of_week(int64_t hour)
{
    return (uint32_t)((hour + MONDAY_HOURS) % WEEK_HOURS);
}

/* --- judging */

static void raise_alarm(struct qbid_monitor *monitor, const struct watch *watch, unsigned metric,
                        int64_t hour, double seen, const struct qbid_counts_verdict *verdict)
{
    monitor->alarm[monitor->raised++ % QBID_MONITOR_ALARMS_MAX] = (struct qbid_monitor_alarm){
        .campaign_id = watch->campaign_id,
        .metric = metric,
        .from_unix_s = (hour + 1 - (int64_t)verdict->for_hours) * HOUR_S,
        .to_unix_s = (hour + 1) * HOUR_S,
        .seen = seen,
        .expected = verdict->expected,
        .verdict = *verdict};
}

static int judge(struct qbid_monitor *monitor, struct watch *watch, const struct hours *h)
{
    int raised = 0;
    for (int64_t hour = watch->next_hour; hour < h->to; hour++) {
        for (unsigned m = 0; m < QBID_MONITOR_METRIC_CNT; m++) {
            struct qbid_counts_verdict verdict;
            double seen = h->count[m][hour - h->from];
            if (!watch->usable[m] || qbid_counts_next(&watch->counts[m], seen, &verdict) < 0 ||
                verdict.finding == QBID_COUNTS_USUAL)
                continue;
            raise_alarm(monitor, watch, m, hour, seen, &verdict);
            raised++;
        }
        monitor->hours++;
    }
    watch->next_hour = h->to;
    memcpy(watch->before, h->before, sizeof watch->before);
    return raised;
}

static double mean(const double *y, uint32_t cnt)
{
    double sum = 0;
    for (uint32_t i = 0; i < cnt; i++)
        sum += y[i];
    return sum / cnt;
}

/* What evidence there is goes on: only the expectations are new. */
static void keep_evidence(struct qbid_counts *to, const struct qbid_counts *from)
{
    to->fall = from->fall;
    to->rise = from->rise;
    to->fall_hours = from->fall_hours;
    to->rise_hours = from->rise_hours;
}

static int learn(struct qbid_monitor *monitor, struct watch *watch, struct qbid_store *store,
                 int64_t now_hour)
{
    struct hours *h = malloc(sizeof *h);
    if (!h)
        return QBID_ERR_NOMEM;
    bool first = watch->learned_hour == 0;
    int64_t judged = first ? now_hour - FRESH_HOURS : watch->next_hour;
    int r = hours_load(store, watch->campaign_id, now_hour - HISTORY_HOURS, now_hour, NULL, h);
    int64_t begin = h->first_unix_s / HOUR_S + 1; /* the first whole hour */
    if (begin < h->from)
        begin = h->from;
    uint32_t cnt = judged > begin ? (uint32_t)(judged - begin) : 0;
    if (r == 0 && (h->first_unix_s == 0 || cnt < QBID_COUNTS_HISTORY_MIN)) {
        watch->tried_hour = now_hour;
        free(h);
        return 0;
    }
    for (unsigned m = 0; r == 0 && m < QBID_MONITOR_METRIC_CNT; m++) {
        struct qbid_counts counts;
        const double *y = h->count[m] + (begin - h->from);
        bool usable = mean(y, cnt) >= QBID_MONITOR_LEAST;
        r = usable ? qbid_counts_learn(y, cnt, hour_of_week(begin), &counts) : 0;
        if (r == 0 && usable) {
            if (watch->usable[m])
                keep_evidence(&counts, &watch->counts[m]);
            watch->counts[m] = counts;
        }
        watch->usable[m] = r == 0 && usable;
    }
    if (r == 0) {
        watch->learned_hour = now_hour;
        watch->next_hour = judged;
        r = judge(monitor, watch, h);
    }
    free(h);
    return r;
}

static int follow(struct qbid_monitor *monitor, struct watch *watch, struct qbid_store *store,
                  int64_t now_hour)
{
    struct hours *h = malloc(sizeof *h);
    if (!h)
        return QBID_ERR_NOMEM;
    int r = hours_load(store, watch->campaign_id, watch->next_hour, now_hour, watch->before, h);
    if (r == 0)
        r = judge(monitor, watch, h);
    free(h);
    return r;
}

/* --- campaigns come and go */

static int watches_match(struct qbid_monitor *monitor, const struct qbid_account *account)
{
    uint32_t i = 0;
    while (i < monitor->cnt && i < account->campaign_cnt &&
           monitor->watch[i].campaign_id == account->campaigns[i].id)
        i++;
    if (i == monitor->cnt && i == account->campaign_cnt)
        return 0;
    struct watch *next = calloc(account->campaign_cnt + 1, sizeof *next);
    if (!next)
        return QBID_ERR_NOMEM;
    uint32_t old = 0;
    for (i = 0; i < account->campaign_cnt; i++) {
        uint32_t id = account->campaigns[i].id;
        while (old < monitor->cnt && monitor->watch[old].campaign_id < id)
            old++;
        if (old < monitor->cnt && monitor->watch[old].campaign_id == id)
            next[i] = monitor->watch[old];
        next[i].campaign_id = id;
    }
    free(monitor->watch);
    monitor->watch = next;
    monitor->cnt = account->campaign_cnt;
    return 0;
}

static bool due(const struct watch *watch, int64_t now_hour)
{
    if (watch->learned_hour == 0)
        return watch->tried_hour < now_hour;
    return now_hour - watch->learned_hour >= WEEK_HOURS ||
           now_hour - watch->next_hour > HISTORY_HOURS;
}

int qbid_monitor_tick(struct qbid_monitor *monitor, const struct qbid_account *account,
                      struct qbid_store *store, int64_t unix_s)
{
    int64_t now_hour = (unix_s - QBID_MONITOR_LATE_S) / HOUR_S;
    int raised = 0, r = watches_match(monitor, account);
    bool learned = false;
    for (uint32_t i = 0; r >= 0 && i < monitor->cnt; i++) {
        struct watch *watch = &monitor->watch[i];
        if (!learned && due(watch, now_hour)) {
            r = learn(monitor, watch, store, now_hour);
            learned = true;
        } else if (watch->learned_hour != 0 && watch->next_hour < now_hour &&
                   now_hour - watch->next_hour <= HISTORY_HOURS) {
            r = follow(monitor, watch, store, now_hour);
        }
        raised += r > 0 ? r : 0;
    }
    return r < 0 ? r : raised;
}

const struct qbid_monitor_alarm *qbid_monitor_alarm(const struct qbid_monitor *monitor, uint32_t i)
{
    if (i >= monitor->raised || i >= QBID_MONITOR_ALARMS_MAX)
        return NULL;
    return &monitor->alarm[(monitor->raised - 1 - i) % QBID_MONITOR_ALARMS_MAX];
}

struct qbid_monitor_status qbid_monitor_status(const struct qbid_monitor *monitor)
{
    struct qbid_monitor_status status = {.hours = monitor->hours, .alarms = monitor->raised};
    for (uint32_t i = 0; i < monitor->cnt; i++)
        status.watched += monitor->watch[i].learned_hour != 0;
    status.learning = monitor->cnt - status.watched;
    return status;
}

void qbid_monitor_say(const struct qbid_monitor_alarm *alarm, char ret_text[QBID_MONITOR_TEXT_MAX])
{
    const struct qbid_counts_verdict *v = &alarm->verdict;
    (void)snprintf(ret_text, QBID_MONITOR_TEXT_MAX,
                   "campaign %" PRIu32 ": %s %s: %.0f in the last hour, %.0f expected; for %" PRIu32
                   " h; by chance less than once in %.3g hours",
                   alarm->campaign_id, metric_names[alarm->metric],
                   v->finding == QBID_COUNTS_FALLS ? "fell" : "rose", alarm->seen, alarm->expected,
                   v->for_hours, exp(v->nats));
}
