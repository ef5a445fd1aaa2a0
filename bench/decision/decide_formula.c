/* SPDX-License-Identifier: Apache-2.0 */
/* A struct of multipliers on the heap for each campaign, and the loop over them. */
#include "bench/decision/decide_formula.h"

#include <stdlib.h>

#include "shm/hash.h"
#include "shm/qtable.h"

struct formula_campaign {
    double order_value, ctr, cvr, target_roas, roas_recent;
    double bid_min, bid_max;
    double hour[BENCH_HOURS], device[BENCH_DEVICES], position[BENCH_POSITIONS];
    double geo[BENCH_GEOS], site[BENCH_SITES], slot[BENCH_SLOTS];
    double q[QBID_QSTATES][QBID_QROW_ACTIONS];
    double budget_left, time_left, win_rate;
};

struct bench_formula {
    struct formula_campaign *campaign[BENCH_LINE_ITEMS];
};

/* In [low, high). */
static double draw(uint64_t *state, double low, double high)
{
    *state = qbid_mix64(*state + UINT64_C(0x9e3779b97f4a7c15));
    return low + (high - low) * (double)(*state >> 11) * 0x1p-53;
}

static void fill(uint64_t *state, double *multiplier, unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++)
        multiplier[i] = draw(state, 0.8, 1.25);
}

static struct formula_campaign *new_campaign(uint32_t idx)
{
    struct formula_campaign *c = malloc(sizeof *c);
    uint64_t state = idx;
    if (!c)
        return NULL;
    c->order_value = draw(&state, 10, 200);
    c->ctr = draw(&state, 1e-4, 3e-3);
    c->cvr = draw(&state, 1e-3, 5e-2);
    c->target_roas = draw(&state, 1, 5);
    c->roas_recent = draw(&state, 1, 5);
    c->bid_min = 0.01;
    c->bid_max = 50;
    fill(&state, c->hour, BENCH_HOURS);
    fill(&state, c->device, BENCH_DEVICES);
    fill(&state, c->position, BENCH_POSITIONS);
    fill(&state, c->geo, BENCH_GEOS);
    fill(&state, c->site, BENCH_SITES);
    fill(&state, c->slot, BENCH_SLOTS);
    fill(&state, c->q[0], QBID_QSTATES * QBID_QROW_ACTIONS);
    c->budget_left = draw(&state, 0, 1);
    c->time_left = draw(&state, 0, 1);
    c->win_rate = draw(&state, 0, 1);
    return c;
}

struct bench_formula *bench_formula_new(void)
{
    static struct bench_formula *shared;
    if (shared)
        return shared;
    struct bench_formula *formula = calloc(1, sizeof *formula);
    for (uint32_t i = 0; formula && i < BENCH_LINE_ITEMS; i++) {
        formula->campaign[i] = new_campaign(i);
        if (!formula->campaign[i])
            return NULL;
    }
    shared = formula;
    return formula;
}

static double q_action(const struct formula_campaign *c)
{
    const double *row =
        c->q[qbid_qstate((float)c->budget_left, (float)c->time_left, (float)c->win_rate)];
    double best = row[0];
    for (unsigned a = 1; a < QBID_QROW_ACTIONS; a++)
        best = row[a] > best ? row[a] : best;
    return best;
}

static double bid_of(const struct formula_campaign *c, uint64_t random,
                     struct bench_context context)
{
    double value = c->order_value * c->ctr * c->cvr / c->target_roas * 1000;
    double bid = value * c->hour[100 + (random >> 5 & 1)] * c->device[random & 7] *
                 c->position[random >> 3 & 3] * c->geo[context.geo] * c->site[context.site] *
                 c->slot[context.slot];
    bid *= c->roas_recent / c->target_roas;
    bid *= q_action(c);
    bid = bid < c->bid_min ? c->bid_min : bid;
    return bid > c->bid_max ? c->bid_max : bid;
}

uint32_t bench_formula_decide(struct bench_formula *formula, uint64_t at,
                              struct bench_context context, const struct bench_list *candidates)
{
    uint64_t random = qbid_mix64(at);
    uint32_t best = UINT32_MAX;
    double top = 0;
    for (uint32_t i = 0; i < candidates->cnt; i++) {
        uint32_t idx = candidates->line_item_idx[i];
        double bid = bid_of(formula->campaign[idx], random, context);
        if (bid > top) {
            top = bid;
            best = idx;
        }
    }
    return best;
}
