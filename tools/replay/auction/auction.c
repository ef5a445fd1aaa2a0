/* SPDX-License-Identifier: Apache-2.0 */
/* Integers only: a price that differs by a micro differs. */
#include "tools/replay/auction/auction.h"

int64_t qbid_replay_auction_needed(const struct qbid_replay_row *row)
{
    return row->market_micros > row->floor_micros ? row->market_micros : row->floor_micros;
}

struct qbid_replay_outcome qbid_replay_auction_price(enum qbid_replay_auction_kind kind,
                                                     const struct qbid_replay_row *row,
                                                     int64_t bid_micros)
{
    struct qbid_replay_outcome outcome = {.kind = QBID_REPLAY_LOSS,
                                          .bid_micros = bid_micros,
                                          .min_win_micros = qbid_replay_auction_needed(row)};
    if (bid_micros < row->floor_micros) {
        outcome.loss_reason = QBID_REPLAY_LOSS_BELOW_FLOOR;
    } else if (bid_micros < row->market_micros) {
        outcome.loss_reason = QBID_REPLAY_LOSS_HIGHER_BID;
    } else {
        outcome.kind = QBID_REPLAY_WIN;
        outcome.settled_micros =
            kind == QBID_REPLAY_FIRST_PRICE ? bid_micros : outcome.min_win_micros;
    }
    return outcome;
}

static int invalid_reason(const struct qbid_replay_row *row,
                          const struct qbid_replay_answer *answer)
{
    char id[QBID_REPLAY_REQUEST_ID_BYTES];
    size_t id_len = qbid_replay_request_id(row, id);
    if (!qbid_replay_answer_equals(answer->id, id, id_len))
        return QBID_REPLAY_LOSS_INVALID_AUCTION_ID;
    if (!answer->bid.has_price || answer->bid.price_micros <= 0)
        return QBID_REPLAY_LOSS_MISSING_PRICE;
    if (!qbid_replay_answer_equals(answer->bid.impid, "1", 1) ||
        !qbid_replay_answer_equals(answer->cur, "CNY", 3))
        return QBID_REPLAY_LOSS_INVALID_RESPONSE;
    return 0;
}

struct qbid_replay_outcome qbid_replay_auction_settle(enum qbid_replay_auction_kind kind,
                                                      const struct qbid_replay_row *row,
                                                      const struct qbid_replay_answer *answer)
{
    if (answer->bids_cnt == 0)
        return (struct qbid_replay_outcome){.kind = QBID_REPLAY_NO_BID,
                                            .min_win_micros = qbid_replay_auction_needed(row)};
    int reason = invalid_reason(row, answer);
    if (reason)
        return (struct qbid_replay_outcome){.kind = QBID_REPLAY_INVALID,
                                            .loss_reason = reason,
                                            .min_win_micros = qbid_replay_auction_needed(row)};
    return qbid_replay_auction_price(kind, row, answer->bid.price_micros);
}
