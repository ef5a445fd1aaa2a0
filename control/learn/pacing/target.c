/* SPDX-License-Identifier: Apache-2.0 */
/* A target's scale, its market of a day, and its search. */
#include "control/learn/pacing/target.h"

#include <math.h>

#include "control/learn/pacing/strategy.h"

#define SEARCH_BIDS 200 /* of other campaigns without one of its own */

void qbid_target_track(const struct qbid_learner *learner, const struct qbid_campaign_def *campaign,
                       struct qbid_campaign_state *state, double left_nanos,
                       struct qbid_pacing_in *in)
{
    enum qbid_cap metric = qbid_tracking_metric(campaign->goal);
    const struct qbid_resolving *table = &state->market.table;
    if (qbid_tracking_follow(&state->tracking, campaign, learner->now_s))
        state->market.weight = 0; /* in the worth of another target */
    if (metric == QBID_CAP_CNT)
        return;
    in->goal_search = learner->bids - state->others_bids > SEARCH_BIDS;
    if (!in->resolving || !(state->market.weight > 0))
        return;
    struct qbid_tracking_target target = qbid_tracking_target(metric, campaign->target_micros);
    struct qbid_tracking_now now = qbid_strategy_now(learner, state, left_nanos);
    double spend = qbid_resolving_spend(table, state->pacing.pace) * target.unit_nanos;
    bool told = spend > 0 && !state->overridden;
    double said = told ? qbid_resolving_worth(table, state->pacing.pace) / spend : 0;
    qbid_tracking_fit(&state->tracking, metric, said, learner->now_s);
    qbid_tracking_owe(&state->tracking, &target, &now);
    in->goal_table = table;
    in->goal_scale = qbid_tracking_allowed(&state->tracking, &target, &now);
}

void qbid_target_start(const struct qbid_pacing_params *params, const struct qbid_pacing_in *in,
                       struct qbid_pacing_state *pacing)
{
    double solved = in->goal_scale > 0 && in->goal_table
                        ? qbid_resolving_alpha_goal(in->goal_table, in->goal_scale)
                        : 0;
    if (!(solved > 0))
        return;
    pacing->alpha_goal = fmin(fmax(solved, params->pace_min), params->pace_max);
    pacing->pace = fmin(pacing->pace, pacing->alpha_goal);
}
