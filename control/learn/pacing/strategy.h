/* SPDX-License-Identifier: Apache-2.0 */
/* Goals beyond one multiplier: caps on other metrics, profit, ROAS with a spend to reach.
 *
 *     each plan      q_j of every cap, solved on the campaign's samples  -->  mixed row values
 *     each period    the largest multiplier that keeps every cap         -->  the pacer's alpha_cap
 *
 * The mix makes the caps cheap, the multiplier makes them hold: a mix that is off costs worth and
 * breaks nothing. Both go by what the rates promise, scaled by what came of it, and give back what
 * the flight owes its caps.
 */
#ifndef QBID_CONTROL_LEARN_PACING_STRATEGY_H
#define QBID_CONTROL_LEARN_PACING_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

#include "control/learn/state/learner_state.h"

/** Whether a campaign has a cap on another metric than its goal's. */
bool qbid_strategy_capped(const struct qbid_campaign_def *campaign);

/** What a budget is for a campaign's plan: max_roas spends its floor and no more. */
double qbid_strategy_budget_nanos(const struct qbid_campaign_def *campaign, double budget_nanos);

/** Count what the rates promised for an impression that was billed, and what came of it, for
 *  campaigns with a target or caps. */
void qbid_strategy_post(const struct qbid_learner *learner, struct qbid_campaign_state *state,
                        const struct qbid_campaign_def *campaign,
                        const struct qbid_outcome *outcome, int64_t spent_nanos);

/** Where a campaign's flight stands for its targets: budget left in nanos. */
struct qbid_tracking_now qbid_strategy_now(const struct qbid_learner *learner,
                                           const struct qbid_campaign_state *state,
                                           double left_nanos);

/**
 * Move the price of every cap by one step and mix it into the values of the campaign's line items;
 * after a fit, before the rows are made.
 *
 * Returns: 0; QBID_ERR_NOMEM, and the values are those of the goals alone.
 * Cost:    a solve (control/models/pacing/duals.h) for each capped campaign: about a millisecond
 * for 1,000 samples. Campaigns without caps cost nothing.
 */
int qbid_strategy_mix(struct qbid_learner *learner, const struct qbid_account *account);

/**
 * The largest multiplier that keeps a campaign's caps, and the one that profit allows.
 *
 * Shapes:  market: its samples as qbid_market_points_make() and qbid_market_init() left them, NULL
 * without. Returns: > 0 and finite; 0 = nothing holds the pacer back, or nothing is known yet.
 * Threads: writes learner->duals_points and state->tracking.
 */
double qbid_strategy_alpha_cap(struct qbid_learner *learner,
                               const struct qbid_campaign_def *campaign,
                               struct qbid_campaign_state *state, const struct qbid_market *market,
                               double left_nanos);

#endif
