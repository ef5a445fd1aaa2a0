/* SPDX-License-Identifier: Apache-2.0 */
/* Groups creatives by line item and size and lets the rotation model share out the impressions. */
#include "control/learn/creatives.h"

#include <stdlib.h>

#include "control/models/rotation.h"
#include "shm/error.h"

#define PRIOR_HITS 1.0
#define PRIOR_CTR_DEFAULT 0.001

void qbid_creatives_done(struct qbid_creatives *creatives)
{
    free(creatives->stats);
    qbid_keymap_done(&creatives->map);
    *creatives = (struct qbid_creatives){0};
}

struct qbid_creative_stats *qbid_creatives_touch(struct qbid_creatives *creatives, uint32_t id)
{
    uint32_t i = qbid_keymap_find(&creatives->map, 0, id);
    if (i == QBID_KEYMAP_NONE) {
        if (creatives->cnt == creatives->capacity) {
            uint32_t capacity = creatives->capacity ? creatives->capacity * 2 : 64;
            struct qbid_creative_stats *s = realloc(creatives->stats, capacity * sizeof *s);
            if (!s)
                return NULL;
            creatives->stats = s;
            creatives->capacity = capacity;
        }
        if (qbid_keymap_add(&creatives->map, 0, id, creatives->cnt))
            return NULL;
        i = creatives->cnt++;
        creatives->stats[i] = (struct qbid_creative_stats){.creative_id = id};
    }
    creatives->stats[i].dirty = 1;
    return &creatives->stats[i];
}

void qbid_creatives_post(struct qbid_creatives *creatives, const struct qbid_outcome *outcome)
{
    if (outcome->kind != QBID_EVENT_IMP && outcome->kind != QBID_EVENT_BILL &&
        outcome->kind != QBID_EVENT_CLICK && outcome->kind != QBID_EVENT_CONV)
        return;
    struct qbid_creative_stats *s = qbid_creatives_touch(creatives, outcome->creative_id);
    if (!s)
        return;
    s->imps += outcome->kind == QBID_EVENT_IMP;
    s->bills += outcome->kind == QBID_EVENT_BILL;
    s->clicks += outcome->kind == QBID_EVENT_CLICK;
    s->convs += outcome->kind == QBID_EVENT_CONV;
}

/* Creatives that compete: of one line item, format and size. */
static int group_order(const struct qbid_creative_def *a, const struct qbid_creative_def *b)
{
    if (a->line_item_id != b->line_item_id)
        return a->line_item_id < b->line_item_id ? -1 : 1;
    if (a->format != b->format)
        return a->format < b->format ? -1 : 1;
    if (a->width != b->width)
        return a->width < b->width ? -1 : 1;
    return a->height < b->height ? -1 : a->height > b->height;
}

static int def_order(const void *a, const void *b)
{
    const struct qbid_creative_def *x = *(const struct qbid_creative_def *const *)a;
    const struct qbid_creative_def *y = *(const struct qbid_creative_def *const *)b;
    int order = group_order(x, y);
    return order ? order : x->id < y->id ? -1 : x->id > y->id;
}

static int id_order(const void *a, const void *b)
{
    const struct qbid_plan_creative *x = a, *y = b;
    return x->creative_id < y->creative_id ? -1 : x->creative_id > y->creative_id;
}

static int share_order(const void *a, const void *b)
{
    const struct qbid_plan_creative *x = a, *y = b;
    if (x->probability != y->probability)
        return x->probability > y->probability ? -1 : 1;
    return id_order(a, b);
}

/* Shares of one group. More than a slot draws from: the best keep theirs, scaled up. */
static int group_share(const struct qbid_creatives *creatives,
                       const struct qbid_creative_def *const *def, uint32_t cnt, double prior_ctr,
                       double floor_share, struct qbid_plan_creative *out)
{
    struct qbid_rotation_arm arm[QBID_ROTATION_ARMS_MAX];
    double probability[QBID_ROTATION_ARMS_MAX], kept = 0;
    uint32_t n = cnt < QBID_ROTATION_ARMS_MAX ? cnt : QBID_ROTATION_ARMS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t s = qbid_keymap_find(&creatives->map, 0, def[i]->id);
        arm[i] = (struct qbid_rotation_arm){0};
        if (s == QBID_KEYMAP_NONE)
            continue;
        const struct qbid_creative_stats *stats = &creatives->stats[s];
        uint64_t shown = stats->imps > stats->bills ? stats->imps : stats->bills;
        arm[i].trials = (double)(shown > stats->clicks ? shown : stats->clicks);
        arm[i].hits = (double)stats->clicks;
    }
    struct qbid_rotation_params params = {.prior_hits = PRIOR_HITS,
                                          .prior_misses = PRIOR_HITS / prior_ctr - PRIOR_HITS,
                                          .floor = floor_share < 1.0 / n ? floor_share : 1.0 / n};
    int err = qbid_rotation_best(arm, n, &params, probability);
    if (err)
        return err;
    for (uint32_t i = 0; i < cnt; i++)
        out[i] = (struct qbid_plan_creative){def[i]->id, i < n ? probability[i] : 0};
    qsort(out, cnt, sizeof *out, share_order);
    for (uint32_t i = 0; i < cnt && i < QBID_DRAW_MAX; i++)
        kept += out[i].probability;
    for (uint32_t i = 0; i < cnt; i++)
        out[i].probability = i < QBID_DRAW_MAX ? out[i].probability / kept : 0;
    return 0;
}

int qbid_creatives_rotate(const struct qbid_creatives *creatives,
                          const struct qbid_account *account, double floor_share,
                          struct qbid_plan *plan)
{
    uint32_t cnt = 0;
    const struct qbid_creative_def **def = calloc(account->creative_cnt + 1, sizeof *def);
    plan->creatives = calloc(account->creative_cnt + 1, sizeof *plan->creatives);
    int err = def && plan->creatives ? 0 : QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < account->creative_cnt && !err; i++)
        if (account->creatives[i].active)
            def[cnt++] = &account->creatives[i];
    if (!err && cnt)
        qsort(def, cnt, sizeof *def, def_order);
    for (uint32_t first = 0, end; first < cnt && !err; first = end) {
        for (end = first + 1; end < cnt && group_order(def[first], def[end]) == 0;)
            end++;
        const struct qbid_line_item_def *li =
            qbid_account_line_item(account, def[first]->line_item_id);
        double prior =
            li && li->prior_ctr > 0 && li->prior_ctr < 1 ? li->prior_ctr : PRIOR_CTR_DEFAULT;
        err = group_share(creatives, def + first, end - first, prior, floor_share,
                          plan->creatives + first);
    }
    plan->creative_cnt = err ? 0 : cnt;
    if (!err && cnt)
        qsort(plan->creatives, cnt, sizeof *plan->creatives, id_order);
    free(def);
    return err;
}
