/* SPDX-License-Identifier: Apache-2.0 */
/* A campaign's recent auctions: what it would spend and be worth at any multiplier, and the
 * multiplier for a wanted spend. */
#ifndef QBID_CONTROL_MODELS_PACING_MARKET_H
#define QBID_CONTROL_MODELS_PACING_MARKET_H

#include <stdint.h>

#include "shm/shade.h"

#define QBID_MARKET_POINTS_MAX 65536
#define QBID_MARKET_REACH 2.0 /* no answer lies further above what the sample has seen */

enum qbid_market_kind {
    QBID_MARKET_SEEN, /* price_micros: the market price */
    QBID_MARKET_LOST, /* price_micros: the effective value e with which it was lost */
    QBID_MARKET_WON   /* price_micros: the effective value with which it was won, price not told */
};

/* One auction. Value and price together: they are correlated (0.35 on iPinYou), and a multiplier
 * solved on separate curves spends wrongly. */
struct qbid_market_point {
    double value_micros; /* worth at multiplier 1; not above 0 = could never be won */
    double price_micros;
    enum qbid_market_kind kind;
    uint32_t number; /* the caller's name for it */
    /* work of qbid_market_init() */
    double threshold; /* the multiplier at price_micros: from it on, a price seen is won */
    double spend;     /* expected spend and worth of an auction at it */
    double worth;
    double won; /* share of auctions won at it */
};

struct qbid_market {
    struct qbid_market_point *points; /* the caller's */
    const struct qbid_shade *shade;   /* NULL = second price */
    uint32_t cnt;
    uint32_t top; /* points that can be won, sorted by threshold */
};

/**
 * Prepare a sample: sort it in place and spread what the lost auctions leave open over the prices
 * above them.
 *
 * Shapes:  cnt in [1, QBID_MARKET_POINTS_MAX]; points stay the caller's and must outlive
 * ret_market; shade NULL for second price (there WON counts as seen at its bid, the most it can
 * cost). Points with NaN, infinite or negative numbers count as auctions that cannot be won.
 * Returns: 0; QBID_ERR_INVAL for a count out of range.
 * Threads: pure; no allocation.
 * Cost:    n log n; 1,000 points about 0.1 ms.
 * Source:  second price: Kaplan-Meier on price / value, so that spend(alpha) is the mean over
 *          prices paid, weighted by the inverse probability of having been seen.
 */
int qbid_market_init(struct qbid_market_point *points, uint32_t cnt, const struct qbid_shade *shade,
                     struct qbid_market *ret_market);

/**
 * Expected spend and worth of one auction at multiplier alpha, in nanos (= CPM micros).
 *
 * Shapes:  alpha >= 0. Neither falls in alpha.
 * Threads: pure.
 * Cost:    second price: a binary search; first price: a pass over the points.
 */
double qbid_market_spend(const struct qbid_market *market, double alpha);
double qbid_market_worth(const struct qbid_market *market, double alpha);

/** Share of auctions that are won at multiplier alpha. Threads, cost as above. */
double qbid_market_won(const struct qbid_market *market, double alpha);

/**
 * The multiplier at which spend reaches what may be spent.
 *
 * Units:   rho in nanos an auction: remaining budget / remaining auctions.
 * Returns: sup of all alpha with spend(alpha) <= rho; above what the sample has seen, second
 *          price continues the spend as a power of alpha, first price goes by the win curve, both
 * to QBID_MARKET_REACH at most. 0 for rho not above 0, or a sample in which nothing can be won.
 * Threads: pure.
 * Cost:    second price: some microseconds; first price: 26 passes, 1,000 points about 0.3 ms.
 * Source:  re-solving, lambda(rho) of ALGORITHMS 3.6 without the table.
 */
double qbid_market_alpha_budget(const struct qbid_market *market, double rho_nanos);

/**
 * The largest multiplier at which worth still covers spend: scale * worth(alpha) >= spend(alpha).
 *
 * Shapes:  scale > 0 corrects predicted worth by what was realised.
 * Returns: alpha; QBID_MARKET_REACH times the highest seen where no seen multiplier breaks the
 * goal. 0 as above. Threads: pure.
 */
double qbid_market_alpha_goal(const struct qbid_market *market, double scale);

#endif
