/* SPDX-License-Identifier: Apache-2.0 */
/* What fixed strategies reach on the same auctions with the same budget, without a bidder. */
#ifndef QBID_TOOLS_REPLAY_AUCTION_BASELINE_H
#define QBID_TOOLS_REPLAY_AUCTION_BASELINE_H

#include "tools/replay/auction/auction.h"
#include "tools/replay/source/source.h"

/* One auction, as far as a fixed strategy needs it. */
struct qbid_replay_item {
    int64_t floor_micros;
    int64_t market_micros;
    double narrow, wide; /* the two draws of the random strategies */
    bool click;
};

struct qbid_replay_items {
    struct qbid_replay_item *items;
    size_t cnt;
    int64_t cost_nanos; /* sum of market prices: what the log's own bidder paid */
    uint64_t clicks;
};

/** Take every auction of a source. Errors: QBID_ERR_NOMEM. Release with qbid_replay_items_done. */
int qbid_replay_items_init(struct qbid_replay_items *items, struct qbid_replay_source *source,
                           uint64_t seed);

void qbid_replay_items_done(struct qbid_replay_items *items);

enum qbid_replay_strategy {
    QBID_REPLAY_FLAT,  /* the log's own constant bid */
    QBID_REPLAY_TUNED, /* the lowest constant that would spend the whole budget on the tuning half
                        */
    QBID_REPLAY_BEST,  /* the constant with most clicks on the tuning half; of equals the lowest */
    QBID_REPLAY_RANDOM_NARROW, /* uniform in [0, 2 x tuned) */
    QBID_REPLAY_RANDOM_WIDE,   /* uniform in [0, highest price of the tuning half) */
    QBID_REPLAY_HINDSIGHT,     /* knows the clicks: buys the cheapest clicked ones */
    QBID_REPLAY_STRATEGIES,
};

struct qbid_replay_baseline {
    int64_t bid_micros; /* the constant, or the end of the random range; 0 for hindsight */
    uint64_t auctions;  /* seen before the budget ended it */
    uint64_t wins;
    uint64_t clicks;
    int64_t spend_nanos;
};

/**
 * Run every strategy over the auctions of `run`, constants tuned on `tune` with the budget scaled
 * by the number of auctions. A strategy stops at the first win whose price would pass the budget.
 *
 * Shapes:  both not empty; they may be the same.
 * Returns: 0, a result for each enum qbid_replay_strategy.
 * Errors:  QBID_ERR_NOMEM.
 * Source:  hindsight is the 0/1 knapsack with equal values: the cheapest first is optimal.
 */
int qbid_replay_baseline_run(const struct qbid_replay_items *run,
                             const struct qbid_replay_items *tune,
                             enum qbid_replay_auction_kind kind, int64_t budget_nanos,
                             int64_t flat_bid_micros,
                             struct qbid_replay_baseline ret_results[QBID_REPLAY_STRATEGIES]);

/** Name of a strategy in reports. */
const char *qbid_replay_baseline_name(enum qbid_replay_strategy strategy);

#endif
