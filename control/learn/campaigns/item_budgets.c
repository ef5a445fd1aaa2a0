/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of line items: the campaign's pacer on their own money, without a sample. */
#include "control/learn/campaigns/item_budgets.h"

#include <math.h>
#include <stdlib.h>

#include "shm/units.h"

#define DAY_S 86400
#define SLACK 2.0 /* a bound that does not bind stays within so much of the campaign's pace */

void qbid_item_budgets_done(struct qbid_item_budgets *items)
{
    free(items->state);
    qbid_keymap_done(&items->map);
    *items = (struct qbid_item_budgets){0};
}

struct qbid_item_budget_state *qbid_item_budgets_touch(struct qbid_item_budgets *items, uint32_t id)
{
    uint32_t i = qbid_keymap_find(&items->map, 0, id);
    if (i != QBID_KEYMAP_NONE)
        return &items->state[i];
    if (items->cnt == items->capacity) {
        uint32_t capacity = items->capacity ? items->capacity * 2 : 16;
        struct qbid_item_budget_state *s = realloc(items->state, capacity * sizeof *s);
        if (!s)
            return NULL;
        items->state = s;
        items->capacity = capacity;
    }
    if (qbid_keymap_add(&items->map, 0, id, items->cnt))
        return NULL;
    items->state[items->cnt] = (struct qbid_item_budget_state){.id = id};
    return &items->state[items->cnt++];
}

static int64_t budget_of(const struct qbid_line_item_def *li, int span)
{
    return span == QBID_ITEM_BUDGET_DAY ? li->daily_nanos : li->budget_nanos;
}

void qbid_item_budgets_post(struct qbid_item_budgets *items,
                            const struct qbid_line_item_def *line_item,
                            const struct qbid_outcome *outcome, int64_t spent_nanos)
{
    if (line_item->budget_nanos == 0 && line_item->daily_nanos == 0)
        return;
    if (outcome->kind != QBID_EVENT_BID && spent_nanos <= 0)
        return;
    struct qbid_item_budget_state *state = qbid_item_budgets_touch(items, line_item->id);
    for (int k = 0; state && k < QBID_ITEM_BUDGET_SPANS; k++) {
        struct qbid_item_budget_bound *b = &state->bound[k];
        b->bids += outcome->kind == QBID_EVENT_BID;
        b->spent_nanos = qbid_add_sat(b->spent_nanos, spent_nanos);
        state->dirty = true;
    }
}

/* Begin anew when the campaign's dates or the day changed. */
static void bound_roll(struct qbid_item_budget_bound *b, int span,
                       const struct qbid_campaign_def *campaign, int64_t now_s)
{
    int64_t start = campaign->start_unix_s, end = campaign->end_unix_s;
    if (span == QBID_ITEM_BUDGET_DAY) {
        int64_t day = now_s - now_s % DAY_S;
        start = day > start ? day : start;
        end = day + DAY_S < end ? day + DAY_S : end;
    }
    if (b->start_unix_s == start && b->end_unix_s == end)
        return;
    bool first = b->end_unix_s == 0; /* what it counted before it was paced is of this flight */
    *b = (struct qbid_item_budget_bound){.start_unix_s = start,
                                         .end_unix_s = end,
                                         .spent_nanos = first ? b->spent_nanos : 0,
                                         .bids = first ? b->bids : 0};
}

static void bound_step(struct qbid_item_budget_bound *b, int64_t budget_nanos,
                       const struct qbid_campaign_def *campaign,
                       const struct qbid_item_budget_now *now)
{
    double now_s = (double)now->now_unix_ns / (double)QBID_NS_PER_S;
    double start_s = (double)b->start_unix_s, end_s = (double)b->end_unix_s;
    double period_s = (double)now->period_ns / (double)QBID_NS_PER_S;
    double all = fmax(qbid_traffic_between(now->curve, start_s, end_s), 1e-9);
    struct qbid_pacing_in in = {
        .mode = campaign->pacing,
        .budget_nanos = (double)budget_nanos,
        .spent_nanos = (double)b->spent_nanos,
        .plan_done = fmin(qbid_traffic_between(now->curve, start_s, now_s) / all, 1),
        .plan_step = fmin(qbid_traffic_between(now->curve, now_s, now_s + period_s) / all, 1),
        .auctions = (double)b->bids,
    };
    if (b->paced_ns == 0)
        b->pacing = qbid_pacing_start(now->params, now->pace);
    b->pacing = qbid_pacing_step(now->params, &in, b->pacing);
    double most = fmax(fmin(SLACK * now->pace, now->params->pace_max), now->params->pace_min);
    b->pacing.pace = fmin(b->pacing.pace, most);
    b->pacing.alpha_budget = fmin(b->pacing.alpha_budget, most);
    b->paced_ns = now->now_ns;
}

double qbid_item_budgets_bound(struct qbid_item_budgets *items,
                               const struct qbid_line_item_def *line_item,
                               const struct qbid_campaign_def *campaign,
                               const struct qbid_item_budget_now *now)
{
    double bound = INFINITY;
    if (line_item->budget_nanos == 0 && line_item->daily_nanos == 0)
        return bound;
    struct qbid_item_budget_state *state = qbid_item_budgets_touch(items, line_item->id);
    if (!state)
        return 0; /* without memory nothing is known of what it spent */
    for (int k = 0; k < QBID_ITEM_BUDGET_SPANS; k++) {
        struct qbid_item_budget_bound *b = &state->bound[k];
        int64_t budget = budget_of(line_item, k);
        bound_roll(b, k, campaign, now->now_unix_ns / (int64_t)QBID_NS_PER_S);
        if (budget == 0)
            continue;
        if (b->spent_nanos >= budget)
            return 0;
        if (b->paced_ns == 0 || now->now_ns - b->paced_ns >= now->period_ns) {
            bound_step(b, budget, campaign, now);
            state->dirty = true;
        }
        bound = fmin(bound, b->pacing.pace);
    }
    return bound;
}
