/* SPDX-License-Identifier: Apache-2.0 */
/* What one impression is worth under a campaign's goal, before pacing. */
#ifndef QBID_CONTROL_MODELS_VALUE_H
#define QBID_CONTROL_MODELS_VALUE_H

#include <stdint.h>

#include "control/account/account.h"

/* Every goal is one number per impression, and what the pacer multiplies (ALGORITHMS 3.1):
 *
 *   goal              worth of one impression                 the cap on alpha besides the budget
 *   max clicks        ctr * unit                              none
 *   max conversions   ctr * cvr * unit                        none
 *   max value         ctr * cvr * order value                 none
 *   target CPC  C     ctr * C                                 spend <= C * clicks
 *   target CPA  A     ctr * cvr * A                           spend <= A * conversions
 *   target ROAS tau   ctr * cvr * order value / tau           spend <= revenue / tau
 *   fixed CPM   P     P                                       none
 *
 * With a target, alpha = 1 bids the target itself: a floor, not the optimum. The cap is the same
 * for all three: realised worth >= spend.
 */
struct qbid_value_params {
    enum qbid_goal goal;
    int64_t target_micros; /* CPC, CPA; CPM of a fixed goal; ROAS x 10^6 */
    int64_t unit_micros; /* goals without a target: what a click or conversion is taken to be worth
                            until the pacer knows better, > 0 */
};

/**
 * Worth of an impression.
 *
 * Shapes:  ctr and cvr in [0, 1]: clicks per impression, conversions per click.
 * Units:   order value in micros of the currency; the result in CPM micros, which are nanos an
 *          impression.
 * Returns: a number in [0, QBID_PRICE_MICROS_MAX]; 0 for anything that is not a number >= 0, or a
 *          goal that lacks its target or unit.
 * Threads: pure.
 */
double qbid_value_impression(const struct qbid_value_params *params, double ctr, double cvr,
                             int64_t order_value_micros);

/** Whether a goal caps alpha by realised worth (target CPC, CPA, ROAS). */
int qbid_value_has_cap(enum qbid_goal goal);

/**
 * Worth in nanos that the goal gives to what really happened: clicks, conversions, or revenue.
 *
 * Units:   counts; revenue and the result in nanos of the currency.
 * Returns: >= 0; 0 for goals of fixed CPM.
 * Threads: pure.
 */
double qbid_value_realised(const struct qbid_value_params *params, double clicks,
                           double conversions, double revenue_nanos);

/**
 * Join the budget's multiplier and the goal's: alpha is the smaller.
 *
 * Returns: alpha; the larger of the two is pulled down to alpha / 0.8 so that, when it becomes the
 *          active one, it has no wind-up to lose first. A NaN loses to the other; both NaN give 0.
 * Threads: pure.
 */
double qbid_value_alpha(double *alpha_budget, double *alpha_goal);

#endif
