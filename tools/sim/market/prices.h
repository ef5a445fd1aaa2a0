/* SPDX-License-Identifier: Apache-2.0 */
/* The price landscape of a generated market in closed form, and the best first-price bids in it:
 * what the oracle knows. */
#ifndef QBID_TOOLS_SIM_MARKET_PRICES_H
#define QBID_TOOLS_SIM_MARKET_PRICES_H

#include "tools/sim/market/competitor.h"
#include "tools/sim/market/market.h"

#define QBID_SIM_PRICES_LEVELS 49  /* price levels of a place: log2 from -3 to 3 by eighths */
#define QBID_SIM_PRICES_VALUES 145 /* effective values against the median price: log2 -3 to 6 */

struct qbid_sim_prices {
    float bid[QBID_SIM_PRICES_LEVELS][QBID_SIM_PRICES_VALUES]; /* micros */
    float win[QBID_SIM_PRICES_LEVELS][QBID_SIM_PRICES_VALUES]; /* of that bid */
    double base_micros;
};

/** Probability that a bid wins in a place of this price level, floors in requests aside. */
double qbid_sim_prices_win(const struct qbid_sim_market *market,
                           const struct qbid_sim_competitors *competitors, double place_lg,
                           double bid_micros);

/** Best bids for the rivals' present multipliers. Cost: about 5 ms. */
void qbid_sim_prices_make(const struct qbid_sim_market *market,
                          const struct qbid_sim_competitors *competitors,
                          struct qbid_sim_prices *ret_prices);

/** argmax (e - b) F(b), micros. */
double qbid_sim_prices_shade(const struct qbid_sim_prices *prices, double place_lg,
                             double e_micros);

#endif
