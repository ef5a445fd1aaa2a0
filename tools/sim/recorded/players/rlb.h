/* SPDX-License-Identifier: Apache-2.0 */
/* RLB: the dynamic programme of budgeted second-price bidding, as published and with known values.
 */
#ifndef QBID_TOOLS_SIM_RECORDED_PLAYERS_RLB_H
#define QBID_TOOLS_SIM_RECORDED_PLAYERS_RLB_H

#include "tools/sim/recorded/players/replay.h"

#define QBID_RECORDED_RLB_EPISODE 1000 /* as published */

/* V(t, b): expected clicks of t more auctions with budget b, for auctions of average value. */
struct qbid_recorded_rlb {
    double *v; /* (auctions + 1) rows of budget + 1 */
    uint32_t auctions;
    uint32_t budget;
    uint32_t price_cnt;
};

/**
 * Solve.
 *
 * Shapes:  pmf of price_cnt market prices 0, 1, ..., summing to 1; value > 0.
 * Returns: 0; QBID_ERR_NOMEM.
 * Cost:    auctions x budget x optimal bid; 8 bytes a state.
 * Source:  Cai et al., WSDM 2017: V(t, b) = sum over prices d up to the best bid of
 *          pmf(d) (value + V(t-1, b-d)), plus V(t-1, b) for the prices above.
 */
int qbid_recorded_rlb_init(struct qbid_recorded_rlb *rlb, const double *pmf, uint32_t price_cnt,
                           double value, uint32_t auctions, uint32_t budget);

void qbid_recorded_rlb_done(struct qbid_recorded_rlb *rlb);

/** The largest bid d with value + V(t-1, b-d) - V(t-1, b) >= 0. auctions in [1, rlb's], budget up
 * to rlb's. */
uint32_t qbid_recorded_rlb_bid(const struct qbid_recorded_rlb *rlb, uint32_t auctions,
                               uint32_t budget, double value);

/** pmf = (histogram + 1) / its sum: Laplace's smoothing, as the published runs have it. */
void qbid_recorded_rlb_smooth(const double *histogram, uint32_t price_cnt, double *ret_pmf);

/* RLB over a flight of any length: in episodes of at most QBID_RECORDED_RLB_EPISODE auctions (fewer
 * where the table would grow beyond 32 million states), each with its share of what is left. */
struct qbid_recorded_rlb_bidder {
    struct qbid_recorded_rlb rlb;
    uint32_t auctions; /* of the flight */
    uint32_t episode;  /* that is on */
    double reserve;    /* budget of the flight that the episode must leave */
};

/** Solve on the train part's prices and mean value, for flights of this budget and length.
 *  Errors: QBID_ERR_NOMEM. */
int qbid_recorded_rlb_bidder_init(struct qbid_recorded_rlb_bidder *bidder,
                                  const struct qbid_recorded_log *log, double budget,
                                  uint32_t auctions);

void qbid_recorded_rlb_bidder_done(struct qbid_recorded_rlb_bidder *bidder);

/** As a player; it stays the caller's. */
struct qbid_recorded_player
qbid_recorded_rlb_bidder_player(struct qbid_recorded_rlb_bidder *bidder);

#endif
