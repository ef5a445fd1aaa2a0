/* SPDX-License-Identifier: Apache-2.0 */
/* The auction: one answer against the recorded market price and the seller's floor. */
#ifndef QBID_TOOLS_REPLAY_AUCTION_AUCTION_H
#define QBID_TOOLS_REPLAY_AUCTION_AUCTION_H

#include "tools/replay/auction/answer.h"
#include "tools/replay/auction/request.h"

enum qbid_replay_outcome_kind {
    QBID_REPLAY_NO_BID,
    QBID_REPLAY_INVALID, /* an answer that an exchange throws out */
    QBID_REPLAY_LOSS,
    QBID_REPLAY_WIN,
};

/* Loss reasons of OpenRTB 2.6 that this exchange gives. */
enum {
    QBID_REPLAY_LOSS_INVALID_RESPONSE = 3,
    QBID_REPLAY_LOSS_INVALID_AUCTION_ID = 5,
    QBID_REPLAY_LOSS_MISSING_PRICE = 9,
    QBID_REPLAY_LOSS_BELOW_FLOOR = 100,
    QBID_REPLAY_LOSS_HIGHER_BID = 102,
};

/* All prices are CPM in micros; CPM micros are nanos per impression. */
struct qbid_replay_outcome {
    enum qbid_replay_outcome_kind kind;
    int loss_reason;        /* of an invalid or lost bid, else 0 */
    int64_t bid_micros;     /* of a bid with a valid price */
    int64_t settled_micros; /* what a win costs, else 0 */
    int64_t min_win_micros; /* the lowest bid that would have won: max(market, floor) */
};

/** The lowest bid that wins a row: max(market price, floor). */
int64_t qbid_replay_auction_needed(const struct qbid_replay_row *row);

/**
 * What a bid of that price gets: it wins when it reaches the floor and the market price, so a bid
 * equal to the market price wins. A second-price win costs max(market, floor), a first-price win
 * costs the bid.
 */
struct qbid_replay_outcome qbid_replay_auction_price(enum qbid_replay_auction_kind kind,
                                                     const struct qbid_replay_row *row,
                                                     int64_t bid_micros);

/**
 * Judge an answer and run the auction.
 *
 * A bid counts when the response's id is the request's, its impid is "1", cur is CNY, and the price
 * is above zero; else the outcome is INVALID with its reason.
 */
struct qbid_replay_outcome qbid_replay_auction_settle(enum qbid_replay_auction_kind kind,
                                                      const struct qbid_replay_row *row,
                                                      const struct qbid_replay_answer *answer);

#endif
