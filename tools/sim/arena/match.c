/* SPDX-License-Identifier: Apache-2.0 */
/* Finds budgets, targets and levels, then lets everybody play. */
#include "tools/sim/arena/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"

#define DAY_NS (UINT64_C(86400) * QBID_NS_PER_S)
#define WARM_DAYS 6 /* of those that have nothing to learn: exposures, half forgotten in a day */
#define UNBOUNDED (INT64_C(1) << 60)
#define SEARCH_MAX 8
#define SEARCH_NEAR 0.002
#define NOTES_SPENT 0.97

const struct qbid_sim_strategy *const qbid_sim_strategies[QBID_SIM_STRATEGIES] = {
    [QBID_SIM_QBID] = &qbid_sim_strategy_qbid,
    [QBID_SIM_NOTES] = &qbid_sim_strategy_notes,
    [QBID_SIM_ASAP] = &qbid_sim_strategy_asap,
    [QBID_SIM_ORACLE] = &qbid_sim_strategy_oracle,
    [QBID_SIM_HINDSIGHT] = &qbid_sim_strategy_hindsight,
    [QBID_SIM_CONSTANT] = &qbid_sim_strategy_constant,
};

struct qbid_sim_match_params qbid_sim_match_defaults(void)
{
    return (struct qbid_sim_match_params){
        .market = qbid_sim_market_defaults(),
        .notices = {.delay_s = 0.5, .lost = 0.002, .twice = 0.002, .late = 0.002},
        .goal = QBID_GOAL_MAX_VALUE,
        .budget = 0.3,
        .target = 1.5,
        .learn_days = 7,
        .strategies = (1u << QBID_SIM_STRATEGIES) - 1};
}

static int play(const struct qbid_sim_world_params *world, unsigned strategy, bool bounded,
                const double *level, struct qbid_sim_result *ret)
{
    struct qbid_sim_world_params p = *world;
    bool told = strategy >= QBID_SIM_ORACLE;
    p.ladder = strategy == QBID_SIM_QBID ? p.ladder : NULL;
    memcpy(p.level, level, sizeof p.level);
    p.first_day = told && p.from ? p.judged_day - WARM_DAYS : 0;
    p.from = told ? p.from : NULL;
    for (uint32_t c = 0; !bounded && c < QBID_SIM_CAMPAIGNS_MAX; c++)
        p.task[c].budget_nanos = UNBOUNDED;
    return qbid_sim_world_run(&p, qbid_sim_strategies[strategy], ret);
}

/* What may be spent on what was had: the budget, or as much as the target allows. */
static double allowed(const struct qbid_sim_task *task, const struct qbid_sim_campaign_sums *sums)
{
    double most = (double)task->budget_nanos, target = (double)task->target_micros;
    if (task->goal == QBID_GOAL_TARGET_ROAS)
        most = fmin(most, sums->value_nanos * 1e6 / target);
    if (task->goal == QBID_GOAL_TARGET_CPA)
        most = fmin(most, sums->conversions_expected * target * 1000);
    return most;
}

/* Levels at which every campaign spends what it may: secant steps on the logarithms. */
static int levels_find(const struct qbid_sim_world_params *world, unsigned strategy,
                       double level[QBID_SIM_CAMPAIGNS_MAX])
{
    double last_lg[QBID_SIM_CAMPAIGNS_MAX], last_error[QBID_SIM_CAMPAIGNS_MAX];
    for (unsigned n = 0; n < SEARCH_MAX; n++) {
        struct qbid_sim_result r;
        double worst = 0;
        int err = play(world, strategy, false, level, &r);
        if (err)
            return err;
        for (uint32_t c = 0; c < world->market->params.campaigns; c++) {
            double spend = fmax((double)r.campaign[c].spend_nanos, 1);
            double error = log2(fmax(allowed(&world->task[c], &r.campaign[c]), 1) / spend);
            double lg = log2(level[c]), slope = -1.2;
            if (n > 0 && fabs(lg - last_lg[c]) > 1e-9)
                slope = fmin(fmax((error - last_error[c]) / (lg - last_lg[c]), -4), -0.2);
            last_lg[c] = lg;
            last_error[c] = error;
            worst = fmax(worst, fabs(error));
            level[c] = exp2(lg + fmin(fmax(-error / slope, -1.5), 1.5));
        }
        if (worst < SEARCH_NEAR)
            break;
    }
    return 0;
}

/* Budgets and targets from what the oracle spends and gets with no budget, bidding the value. */
static int tasks_make(const struct qbid_sim_match_params *params, struct qbid_sim_world_params *w)
{
    struct qbid_sim_result r;
    double level[QBID_SIM_CAMPAIGNS_MAX];
    for (uint32_t c = 0; c < QBID_SIM_CAMPAIGNS_MAX; c++)
        level[c] = 1;
    int err = play(w, QBID_SIM_ORACLE, false, level, &r);
    for (uint32_t c = 0; c < w->market->params.campaigns && !err; c++) {
        const struct qbid_sim_campaign_sums *sums = &r.campaign[c];
        double spend = (double)sums->spend_nanos, target = 0;
        if (spend < 1e6 || sums->conversions_expected < 1)
            return QBID_ERR_INVAL;
        if (params->goal == QBID_GOAL_TARGET_ROAS)
            target = params->target * sums->value_nanos / spend * 1e6;
        if (params->goal == QBID_GOAL_TARGET_CPA)
            target = spend / 1000 / sums->conversions_expected / params->target;
        w->task[c] = (struct qbid_sim_task){.budget_nanos = (int64_t)(params->budget * spend),
                                            .goal = params->goal,
                                            .target_micros = (int64_t)target,
                                            .pacing = QBID_PACING_EVEN};
    }
    return err;
}

/* The notes' rules bid what they are told to reach, and raise nothing when too little is spent. So
 * that they are compared at equal spend, their target is lowered until the budget goes. */
static int notes_find(const struct qbid_sim_world_params *world,
                      double level[QBID_SIM_CAMPAIGNS_MAX])
{
    for (unsigned n = 0; n < SEARCH_MAX; n++) {
        struct qbid_sim_result r;
        bool all = true;
        int err = play(world, QBID_SIM_NOTES, true, level, &r);
        if (err)
            return err;
        for (uint32_t c = 0; c < world->market->params.campaigns; c++) {
            double part = (double)r.campaign[c].spend_nanos / (double)world->task[c].budget_nanos;
            if (part >= NOTES_SPENT)
                continue;
            level[c] *= fmin(fmax(pow(fmax(part, 1e-3), -0.8), 1.05), 3);
            all = false;
        }
        if (all)
            break;
    }
    return 0;
}

static int levels_make(struct qbid_sim_world_params *w, const struct qbid_sim_match_params *params,
                       struct qbid_sim_match *match)
{
    int err = 0;
    for (unsigned s = 0; s < QBID_SIM_STRATEGIES; s++)
        for (uint32_t c = 0; c < QBID_SIM_CAMPAIGNS_MAX; c++)
            match->level[s][c] = s == QBID_SIM_CONSTANT ? w->market->price_micros : 0.5;
    bool notes = params->strategies >> QBID_SIM_NOTES & 1; /* their target starts at the oracle's */
    for (unsigned s = QBID_SIM_ORACLE; s < QBID_SIM_STRATEGIES && !err; s++)
        if (params->strategies >> s & 1 || (s == QBID_SIM_ORACLE && notes))
            err = levels_find(w, s, match->level[s]);
    for (uint32_t c = 0; c < QBID_SIM_CAMPAIGNS_MAX; c++)
        match->level[QBID_SIM_NOTES][c] = match->level[QBID_SIM_ORACLE][c];
    if (!err && notes && params->goal == QBID_GOAL_MAX_VALUE)
        err = notes_find(w, match->level[QBID_SIM_NOTES]);
    return err;
}

/* Traffic as it stands WARM_DAYS before the judged day. */
static void traffic_skip(const struct qbid_sim_world_params *w, struct qbid_sim_traffic *ret)
{
    struct qbid_sim_auction a = {0};
    qbid_sim_traffic_init(ret, w->market, w->audience);
    while (a.time_ns + DAY_NS * (WARM_DAYS + 1) < w->judged_day * DAY_NS + DAY_NS)
        qbid_sim_traffic_next(ret, &a);
}

int qbid_sim_match_play(const struct qbid_sim_match_params *params,
                        struct qbid_sim_match *ret_match)
{
    static const struct qbid_sim_match none;
    struct qbid_sim_audience audience;
    struct qbid_sim_market *market = calloc(1, sizeof *market);
    if (!market)
        return QBID_ERR_NOMEM;
    *ret_match = none;
    int err = qbid_sim_market_init(market, &params->market);
    if (!err)
        err = qbid_sim_audience_init(&audience, &params->market);
    if (err) {
        free(market);
        return err;
    }
    struct qbid_sim_world_params w = {.market = market,
                                      .audience = &audience,
                                      .notices = params->notices,
                                      .judged_day = params->learn_days,
                                      .ladder = params->ladder};
    struct qbid_sim_traffic from;
    if (w.judged_day > WARM_DAYS) {
        traffic_skip(&w, &from);
        w.from = &from;
    }
    err = tasks_make(params, &w);
    if (!err)
        err = levels_make(&w, params, ret_match);
    memcpy(ret_match->task, w.task, sizeof w.task);
    for (unsigned s = 0; s < QBID_SIM_STRATEGIES && !err; s++)
        if (params->strategies >> s & 1)
            err = play(&w, s, true, ret_match->level[s], &ret_match->result[s]);
    qbid_sim_audience_done(&audience);
    free(market);
    return err;
}
