/* SPDX-License-Identifier: Apache-2.0 */
/* OpenRTB substitution macros in notice URLs and markup. */
#ifndef QBID_TOOLS_REPLAY_NOTICE_MACRO_H
#define QBID_TOOLS_REPLAY_NOTICE_MACRO_H

#include "tools/replay/text/buffer.h"

enum qbid_replay_macro {
    QBID_REPLAY_AUCTION_ID,
    QBID_REPLAY_AUCTION_BID_ID,
    QBID_REPLAY_AUCTION_IMP_ID,
    QBID_REPLAY_AUCTION_SEAT_ID,
    QBID_REPLAY_AUCTION_AD_ID,
    QBID_REPLAY_AUCTION_PRICE,
    QBID_REPLAY_AUCTION_CURRENCY,
    QBID_REPLAY_AUCTION_MBR,
    QBID_REPLAY_AUCTION_LOSS,
    QBID_REPLAY_AUCTION_MIN_TO_WIN,
    QBID_REPLAY_MACRO_CNT,
};

/* What each macro stands for; empty when the exchange has nothing to say. */
struct qbid_replay_macros {
    struct qbid_replay_span values[QBID_REPLAY_MACRO_CNT];
};

/**
 * Add a text with every ${AUCTION_...} of the list replaced by its value; other ${...} stay.
 */
void qbid_replay_macro_expand(struct qbid_replay_buffer *out, const char *text, size_t len,
                              const struct qbid_replay_macros *macros);

#endif
