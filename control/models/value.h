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
 *   max profit        ctr * cvr * order value                 alpha <= 1
 *   max roas          ctr * cvr * order value                 none; paced to its spend floor
 *   target CPC  C     ctr * C                                 spend <= C * clicks
 *   target CPA  A     ctr * cvr * A                           spend <= A * conversions
 *   target ROAS tau   ctr * cvr * order value / tau           spend <= revenue / tau
 *   fixed CPM   P     P                                       none
 *
 * With a target, alpha = 1 bids the target itself: a floor, not the optimum. The cap is the same
 * for all three: realised worth >= spend.
 *
 * Any of them but fixed CPM may be held to further caps, each on another metric: spend may be at
 * most what the cap allows. A cap j with price q_j >= 0 (control/models/pacing/duals.h) moves the
 * worth g of an impression towards u_j, the spend that it allows:
 *
 *   cap               u_j, spend that one impression allows   worth = (g + sum q_j u_j) / (1 + sum
 * q_j) CPC <= C          ctr * C CPA <= A          ctr * cvr * A ROAS >= tau       ctr * cvr *
 * order value / tau
 *
 * and the pacer's alpha is (1 + sum q) / (p + sum q), p the price of the budget (ALGORITHMS 3.5).
 */
struct qbid_value_params {
    enum qbid_goal goal;
    int64_t target_micros; /* CPC, CPA; CPM of a fixed goal; ROAS x 10^6 */
    int64_t unit_micros; /* goals without a target: what a click or conversion is taken to be worth
                            until the pacer knows better, > 0 */
    int64_t cap_micros[QBID_CAP_CNT]; /* money a click, a conversion; ROAS x 10^6; 0 = none */
    double cap_price[QBID_CAP_CNT];   /* q, >= 0; what is no number counts as 0 */
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

/* The same for many rates, at most the largest price:
 * fixed + ctr * (click + cvr * (conversion + revenue * order value in micros)). */
struct qbid_value_line {
    double fixed, click, conversion, revenue;
};

/** Line of a goal with its caps. Threads: pure. */
struct qbid_value_line qbid_value_line(const struct qbid_value_params *params);

/** Worth under the goal alone, and the spend that cap allows: g and u of the table above, in CPM
 *  micros as above; 0 without that cap. Threads: pure. */
double qbid_value_goal(const struct qbid_value_params *params, double ctr, double cvr,
                       int64_t order_value_micros);
double qbid_value_allowed(const struct qbid_value_params *params, enum qbid_cap cap, double ctr,
                          double cvr, int64_t order_value_micros);

/** Spend in nanos that a cap allows for what really happened; 0 without that cap. Threads: pure. */
double qbid_value_allowed_realised(const struct qbid_value_params *params, enum qbid_cap cap,
                                   double clicks, double conversions, double revenue_nanos);

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
