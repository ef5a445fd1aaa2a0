/* SPDX-License-Identifier: Apache-2.0 */
/* What the budget could have bought for someone who knew all prices: a knapsack. */
#ifndef QBID_TOOLS_SIM_RECORDED_PLAYERS_HINDSIGHT_H
#define QBID_TOOLS_SIM_RECORDED_PLAYERS_HINDSIGHT_H

#include "tools/sim/recorded/players/replay.h"

#define QBID_RECORDED_KNAPSACK_EXACT 4e6 /* states up to which it is solved exactly */

struct qbid_recorded_item {
    double value;
    uint32_t price;
    uint32_t is_in; /* result */
};

/**
 * Choose items of most value within a budget.
 *
 * Returns: 0 and the value; exact where cnt * budget is at most QBID_RECORDED_KNAPSACK_EXACT, else
 *          by value for money, which misses the optimum by less than one item. *ret_bound, if
 *          wanted, is the bound with fractions of an item.
 * Errors:  QBID_ERR_NOMEM.
 */
int qbid_recorded_knapsack(struct qbid_recorded_item *item, uint32_t cnt, uint32_t budget,
                           double *ret_value, double *ret_bound);

/** The best choice of each flight. Errors: QBID_ERR_NOMEM. */
int qbid_recorded_hindsight(const struct qbid_recorded_flights *flights,
                            struct qbid_recorded_result *ret_result);

#endif
