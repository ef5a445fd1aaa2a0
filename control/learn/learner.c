/* SPDX-License-Identifier: Apache-2.0 */
/* The learner's life, what an outcome teaches it, and the making of a plan. */
#include "control/learn/learner.h"

#include <stdlib.h>

#include "control/learn/pacing/strategy.h"
#include "control/learn/plan/rows.h"
#include "control/learn/state/learner_state.h"
#include "control/models/rates/decay.h"
#include "shm/error.h"
#include "shm/units.h"

#define GOALS QBID_GOAL_CNT /* one Q group for each */

/* Every coarser level's dimensions are among the finer one's. */
static bool levels_nest(const uint64_t mask[QBID_LEVEL_MAX])
{
    bool ended = false;
    for (unsigned l = 0; l < QBID_LEVEL_MAX; l++) {
        if (ended && mask[l])
            return false;
        ended = mask[l] == 0;
        if (l > 0 && (mask[l] & ~mask[l - 1]))
            return false;
    }
    return mask[0] != 0;
}

int qbid_learner_new(const struct qbid_learner_params *params, struct qbid_learner **ret_learner)
{
    if (!levels_nest(params->level_mask) || params->cell_max == 0 || params->sample_max == 0 ||
        params->sample_max > QBID_MARKET_POINTS_MAX || params->pace_period_ns == 0 ||
        !(params->pace_min > 0 && params->pace_max >= params->pace_min) ||
        !(params->step_log2_max > 0))
        return QBID_ERR_INVAL;
    struct qbid_learner *l = calloc(1, sizeof *l);
    if (!l)
        return QBID_ERR_NOMEM;
    l->params = *params;
    l->context_mask = params->level_mask[0] | params->segment_mask;
    l->campaigns.sample_max = params->sample_max;
    l->campaigns.pacing = qbid_pacing_defaults();
    l->campaigns.pacing.pace_min = params->pace_min;
    l->campaigns.pacing.pace_max = params->pace_max;
    l->campaigns.pacing.step_lg = params->step_log2_max;
    qbid_traffic_flat(&l->curve);
    l->points = calloc(params->sample_max, sizeof *l->points);
    l->actions = calloc(GOALS, sizeof *l->actions);
    l->duals_points = calloc(params->sample_max, sizeof *l->duals_points);
    int err = l->points && l->duals_points && l->actions ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_cells_init(&l->cells, params->cell_max);
    if (!err)
        err = qbid_segments_init(&l->segments, params->segment_mask);
    qbid_values_init(&l->values, params->level_mask);
    if (!err && (params->learned.ftrl || params->learned.trees)) {
        l->params.learned.mask = params->level_mask[0];
        err = qbid_learned_new(&l->params.learned, &l->learned);
    }
    if (err) {
        qbid_learner_free(l);
        return err;
    }
    for (unsigned goal = 0; goal < GOALS; goal++)
        qbid_qlearner_init(&l->actions[goal]);
    *ret_learner = l;
    return 0;
}

void qbid_learner_free(struct qbid_learner *learner)
{
    if (!learner)
        return;
    qbid_cells_done(&learner->cells);
    qbid_segments_done(&learner->segments);
    qbid_recency_done(&learner->recency);
    qbid_delays_done(&learner->delays);
    qbid_item_hours_done(&learner->item_hours);
    qbid_creatives_done(&learner->creatives);
    qbid_exposures_learned_done(&learner->exposures);
    qbid_campaigns_done(&learner->campaigns);
    qbid_item_budgets_done(&learner->item_budgets);
    qbid_values_done(&learner->values);
    qbid_learned_free(learner->learned);
    qbid_corrections_done(&learner->corrections);
    free(learner->actions);
    free(learner->points);
    free(learner->duals_points);
    free(learner);
}

void qbid_learner_freeze(struct qbid_learner *learner, bool frozen)
{
    learner->frozen = frozen;
}

bool qbid_learner_frozen(const struct qbid_learner *learner)
{
    return learner->frozen;
}

const struct qbid_learned *qbid_learner_learned(const struct qbid_learner *learner)
{
    return learner->learned;
}

const double *qbid_learner_delays(const struct qbid_learner *learner, uint32_t campaign_id)
{
    uint32_t i = qbid_keymap_find(&learner->delays.map, 0, campaign_id);
    return i == QBID_KEYMAP_NONE ? NULL : learner->delays.campaign[i].convs;
}

uint32_t qbid_learner_cells(const struct qbid_learner *learner)
{
    return learner->cells.cnt;
}

int qbid_learner_correct(struct qbid_learner *learner, const struct qbid_correction_table *table,
                         int64_t now_unix_s)
{
    return qbid_corrections_take(&learner->corrections, table, now_unix_s);
}

struct qbid_learner_correction qbid_learner_correction(const struct qbid_learner *learner)
{
    const struct qbid_corrections *c = &learner->corrections;
    return (struct qbid_learner_correction){.table = c->table != NULL,
                                            .phase = qbid_guard_phase_text(c->guard.phase),
                                            .why = qbid_guard_why_text(c->guard.why),
                                            .share = qbid_guard_share(&c->guard),
                                            .evidence = qbid_guard_evidence(&c->guard),
                                            .gain = qbid_guard_gain(&c->guard),
                                            .blocks = c->guard.blocks_all,
                                            .faults = c->faults};
}

uint64_t qbid_learner_evicted(const struct qbid_learner *learner)
{
    return learner->cells.refused + learner->segments.refused;
}

int qbid_learner_exposures(const struct qbid_learner *learner, const struct qbid_account *account,
                           float (**ret_value)[QBID_FREQUENCY_VALUES_MAX])
{
    return qbid_exposures_learned_fit(&learner->exposures, account, ret_value);
}

/* Since its bid; 0 where that is not known. */
static int64_t delay_s(const struct qbid_outcome *outcome)
{
    if (outcome->bid_time_ns == 0 || outcome->bid_time_ns > outcome->time_ns)
        return 0;
    return (int64_t)((outcome->time_ns - outcome->bid_time_ns) / QBID_NS_PER_S);
}

static void cell_post(struct qbid_learner *learner, const struct qbid_outcome *outcome)
{
    if (outcome->kind > QBID_EVENT_CONV || outcome->kind == QBID_EVENT_WIN ||
        outcome->kind == QBID_EVENT_LOSS)
        return;
    struct qbid_cell *cell =
        qbid_cells_touch(&learner->cells, outcome->line_item_idx,
                         outcome->context & learner->context_mask, learner->now_s);
    if (!cell)
        return;
    double trials = qbid_cell_trials(cell);
    cell->bids += outcome->kind == QBID_EVENT_BID;
    double ratio = qbid_item_hours_ratio(&learner->item_hours, &learner->hours,
                                         outcome->line_item_idx, outcome->context);
    cell->imps += outcome->kind == QBID_EVENT_IMP ? ratio : 0;
    cell->bills += outcome->kind == QBID_EVENT_BILL ? ratio : 0;
    cell->clicks += outcome->kind == QBID_EVENT_CLICK;
    cell->clicked += outcome->kind == QBID_EVENT_CLICK;
    if (outcome->kind == QBID_EVENT_CONV) {
        /* it counts as its click does, however late it comes */
        double weight = qbid_decay_left(learner->cells.memory.conv_s,
                                        learner->now_s - delay_s(outcome), learner->now_s);
        cell->convs += weight;
        cell->value_nanos += weight * (double)outcome->price_nanos;
    }
    trials = qbid_cell_trials(cell) - trials;
    if (learner->learned && (trials > 0 || outcome->kind >= QBID_EVENT_CLICK))
        qbid_learned_post(
            learner->learned, cell->line_item_idx, cell->context, trials,
            outcome->kind == QBID_EVENT_CLICK, outcome->kind == QBID_EVENT_CONV,
            qbid_values_rates(&learner->values, cell->line_item_idx, cell->context, 0));
}

/* What is counted against what the values expect of it: hours of the week, unless contexts are by
 * hour themselves, and the line items' levels of late. What is expected must follow neither. */
static void expected_post(struct qbid_learner *learner, const struct qbid_outcome *outcome)
{
    struct qbid_rate_pair rates = {0};
    bool shown = outcome->kind == QBID_EVENT_IMP || outcome->kind == QBID_EVENT_BILL;
    if (learner->planned && (shown || outcome->kind == QBID_EVENT_CLICK || outcome->first_win))
        rates = qbid_values_expected(&learner->values, outcome->line_item_idx, outcome->context);
    if (learner->planned)
        qbid_recency_post(&learner->recency, outcome,
                          rates.ctr * qbid_item_hours_ratio(&learner->item_hours, &learner->hours,
                                                            outcome->line_item_idx,
                                                            outcome->context),
                          rates.cvr);
    if (learner->context_mask & qbid_dim_mask(QBID_DIM_HOUR))
        return;
    double expected = outcome->first_win ? rates.ctr : 0;
    qbid_hours_post(&learner->hours, outcome, expected, learner->now_s);
    qbid_item_hours_post(&learner->item_hours, &learner->hours, outcome, expected, learner->now_s);
}

/* A win, a loss or silence tells what the action was worth. */
static void action_post(struct qbid_learner *learner, const struct qbid_outcome *outcome,
                        enum qbid_goal goal)
{
    bool won = outcome->first_win;
    if (!outcome->joined || goal == QBID_GOAL_FIXED_CPM ||
        (!won && outcome->kind != QBID_EVENT_LOSS && outcome->kind != QBID_OUTCOME_EXPIRED) ||
        outcome->pace < 0) /* a fixed price took no action */
        return;
    struct qbid_qlearner *actions = &learner->actions[goal - 1];
    bool first = (outcome->flags & QBID_EVENT_FIRST_PRICE) != 0;
    bool told = outcome->kind == QBID_EVENT_LOSS && outcome->price_nanos > 0;
    double multiplier = qbid_qlearner_multiplier(actions, outcome->q_state);
    struct qbid_qlog log = {
        .state = outcome->q_state,
        .action = outcome->action,
        .greedy = outcome->q_state < QBID_QSTATES ? actions->greedy[outcome->q_state] : 0,
        .propensity = (double)outcome->propensity,
        .value_micros = (double)outcome->value_micros,
        .pace = (double)outcome->pace / multiplier,
        .price_micros = told || (won && !first) ? (double)outcome->price_nanos : 0,
        .cost_micros = won ? (double)outcome->price_nanos : 0,
        .won = won,
        .told = told,
        .shade = first ? &learner->shade : NULL,
    };
    qbid_qlearner_learn(actions, &log);
}

void qbid_learner_post(struct qbid_learner *learner, const struct qbid_outcome *outcome,
                       const struct qbid_line_item_def *line_item,
                       const struct qbid_campaign_def *campaign, int64_t spent_nanos)
{
    struct qbid_campaign_state *state =
        qbid_campaigns_touch(&learner->campaigns, line_item->campaign_id);
    learner->heard_ns = outcome->time_ns;
    learner->bids += outcome->kind == QBID_EVENT_BID;
    if (state) {
        qbid_campaign_post(state, outcome, spent_nanos, learner->now_s);
        if (outcome->kind == QBID_EVENT_BID)
            state->others_bids = learner->bids;
        qbid_strategy_post(learner, state, campaign, outcome, spent_nanos);
        if (!state->overridden && outcome->pace >= 0)
            qbid_emergency_post(&state->emergency, campaign, outcome, spent_nanos, learner->now_s);
    }
    qbid_item_budgets_post(&learner->item_budgets, line_item, outcome, spent_nanos);
    if (learner->frozen)
        return;
    cell_post(learner, outcome);
    qbid_delays_post(&learner->delays, outcome, line_item->campaign_id, learner->now_s,
                     learner->cells.memory.conv_s);
    expected_post(learner, outcome);
    qbid_creatives_post(&learner->creatives, outcome, learner->now_s);
    qbid_exposures_learned_post(&learner->exposures, outcome, line_item);
    qbid_segments_post(&learner->segments, outcome);
    action_post(learner, outcome, campaign->goal);
}

static int actions_plan(struct qbid_learner *learner, struct qbid_plan *plan)
{
    struct qbid_qlearner_params params = qbid_qlearner_defaults();
    params.explore = learner->params.explore;
    plan->qrows =
        aligned_alloc(_Alignof(struct qbid_qrow), GOALS * QBID_QSTATES * sizeof *plan->qrows);
    if (!plan->qrows)
        return QBID_ERR_NOMEM;
    for (unsigned goal = 0; goal < GOALS; goal++) {
        struct qbid_qrow *rows = plan->qrows + (size_t)goal * QBID_QSTATES;
        if (!learner->frozen)
            qbid_qlearner_decide(&learner->actions[goal], &params);
        qbid_qlearner_rows(&learner->actions[goal], &params, rows);
        for (unsigned s = 0; s < QBID_QSTATES && goal == QBID_GOAL_FIXED_CPM - 1; s++)
            rows[s].explore_q32 = 0; /* a fixed price is the operator's word */
    }
    plan->qgroup_cnt = GOALS;
    return 0;
}

static int shades_plan(struct qbid_learner *learner, struct qbid_plan *plan)
{
    plan->shade_cnt = learner->segments.cnt;
    plan->shades = calloc(plan->shade_cnt, sizeof *plan->shades);
    if (!plan->shades)
        return QBID_ERR_NOMEM;
    qbid_segments_shades(&learner->segments, plan->shades);
    learner->shade = plan->shades[0];
    return 0;
}

/* Values as the cells have them now; those of a frozen learner as they were when it froze. */
static int values_plan(struct qbid_learner *learner, const struct qbid_account *account)
{
    int err = 0;
    if (learner->learned && learner->planned && !learner->frozen)
        err = qbid_learned_step(learner->learned, account, &learner->cells, &learner->values,
                                learner->now_s);
    if (err)
        return err;
    if (!learner->frozen)
        learner->fitted_s = learner->now_s;
    if (!learner->frozen || learner->delays.item_max <= account->line_item_max)
        err = qbid_delays_tick(&learner->delays, account, learner->fitted_s,
                               learner->cells.memory.conv_s);
    if (!err && !learner->frozen) {
        qbid_recency_tick(&learner->recency, learner->delays.matured, learner->delays.item_max,
                          learner->now_s);
        qbid_cells_remember(&learner->cells, qbid_recency_memory(&learner->recency),
                            learner->now_s);
    }
    if (!err && !learner->frozen) {
        (void)qbid_hours_tick(&learner->hours, learner->now_s);
        err = qbid_item_hours_tick(&learner->item_hours, &learner->hours, account, learner->now_s);
    }
    struct qbid_values_in in = {.account = account,
                                .cells = &learner->cells,
                                .maturity = learner->delays.maturity,
                                .recency = &learner->recency,
                                .hours = &learner->item_hours,
                                .now_s = learner->fitted_s,
                                .explore = learner->params.explore_line_items,
                                .keep = learner->frozen};
    if (!err)
        err = qbid_values_fit(&learner->values, &in);
    learner->planned = err == 0;
    learner->values.learned = learner->learned;
    return err;
}

int qbid_learner_plan(struct qbid_learner *learner, const struct qbid_account *account,
                      const struct qbid_dictionary *dictionary, struct qbid_plan *ret_plan)
{
    struct qbid_plan plan = {0};
    qbid_hours_name(&learner->hours, dictionary);
    int err = values_plan(learner, account);
    if (!err)
        err = qbid_strategy_mix(learner, account);
    if (err)
        return err;
    for (unsigned l = 0; l < QBID_LEVEL_MAX; l++)
        plan.level_mask[l] = learner->params.level_mask[l];
    err = qbid_rows_fill(account, dictionary, &learner->cells, &learner->values, &learner->segments,
                         learner->params.context_max, &plan);
    if (!err)
        err = shades_plan(learner, &plan);
    if (!err)
        err = actions_plan(learner, &plan);
    if (!err)
        err = qbid_creatives_rotate(&learner->creatives, account, learner->params.rotation_floor,
                                    learner->now_s, &plan);
    if (!err)
        err = qbid_exposures_learned_fit(&learner->exposures, account, &plan.exposure_value);
    if (err) {
        qbid_plan_done(&plan);
        return err;
    }
    learner->plans++;
    *ret_plan = plan;
    return 0;
}
