/* SPDX-License-Identifier: Apache-2.0 */
/* Competitors that react: each wants to spend its money over the day, in its own way, and so meets
 * a bidder that takes auctions from it with other bids. */
#ifndef QBID_TOOLS_SIM_MARKET_COMPETITOR_H
#define QBID_TOOLS_SIM_MARKET_COMPETITOR_H

#include <stdint.h>

#include "tools/sim/market/market.h"

#define QBID_SIM_RIVALS 3

enum qbid_sim_rival_kind {
    QBID_SIM_RIVAL_FIXED, /* the same multiplier for ever */
    QBID_SIM_RIVAL_PID,   /* every five minutes, by the error of its spend rate */
    QBID_SIM_RIVAL_LP     /* dual descent on the budget's price after every auction */
};

struct qbid_sim_rival {
    enum qbid_sim_rival_kind kind;
    double alpha;     /* its bid is alpha times what the impression is worth to it */
    double rho_nanos; /* what it wants to spend an auction */
    double spent_nanos, integral, error;
    uint64_t auctions, step_ns;
};

struct qbid_sim_competitors {
    struct qbid_sim_rival rival[QBID_SIM_RIVALS];
    double shade; /* first price: what they take off */
};

void qbid_sim_competitors_init(struct qbid_sim_competitors *competitors,
                               const struct qbid_sim_market *market);

/** Bids of the rivals on an auction, and the highest of everybody's but ours, the floor included:
 * the least that wins. */
float qbid_sim_competitors_bid(const struct qbid_sim_competitors *competitors,
                               const struct qbid_sim_auction *a, float bid[QBID_SIM_RIVALS]);

/** Tell them what became of it: ours is our bid if it won, else 0. */
void qbid_sim_competitors_learn(struct qbid_sim_competitors *competitors,
                                const struct qbid_sim_auction *a, enum qbid_auction auction,
                                const float bid[QBID_SIM_RIVALS], float ours_micros);

#endif
