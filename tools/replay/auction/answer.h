/* SPDX-License-Identifier: Apache-2.0 */
/* What a bidder answered: the best bid of an OpenRTB response, its price an exact integer. */
#ifndef QBID_TOOLS_REPLAY_AUCTION_ANSWER_H
#define QBID_TOOLS_REPLAY_AUCTION_ANSWER_H

#include <stdint.h>

#include "tools/replay/text/buffer.h"

/* Raw JSON text of a bid's fields: escapes are not resolved; what is missing is empty. */
struct qbid_replay_bid {
    struct qbid_replay_span id;
    struct qbid_replay_span impid;
    struct qbid_replay_span seat;
    struct qbid_replay_span adid;
    struct qbid_replay_span adm;
    struct qbid_replay_span nurl;
    struct qbid_replay_span burl;
    struct qbid_replay_span lurl;
    int64_t price_micros;
    uint64_t gen; /* ext.qbid.gen: which table answered */
    bool has_gen;
    bool has_price; /* a JSON number in range */
    bool is_cut;    /* the price was finer than a micro and cut */
};

struct qbid_replay_answer {
    struct qbid_replay_span id;
    struct qbid_replay_span bidid;
    struct qbid_replay_span cur; /* empty: the default of OpenRTB, USD */
    int64_t nbr;                 /* reason for not bidding, -1 when absent */
    uint32_t bids_cnt;
    struct qbid_replay_bid
        bid; /* of those with a price the highest, the first of equals; else the last */
};

/**
 * Read a bid response.
 *
 * Returns: 0; spans point into the text.
 * Errors:  QBID_ERR_PARSE (not JSON, or a field of another type than OpenRTB's); QBID_ERR_LIMIT
 *          (too deep).
 * Threads: any.
 */
int qbid_replay_answer_parse(const char *text, size_t len, struct qbid_replay_answer *ret_answer);

/** Whether a raw JSON string means exactly this text. */
bool qbid_replay_answer_equals(struct qbid_replay_span raw, const char *text, size_t len);

#endif
