/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for "${" and knows ten names. */
#include "tools/replay/notice/macro.h"

#include <string.h>

static const struct qbid_replay_span names[QBID_REPLAY_MACRO_CNT] = {
    [QBID_REPLAY_AUCTION_ID] = {"AUCTION_ID", 10},
    [QBID_REPLAY_AUCTION_BID_ID] = {"AUCTION_BID_ID", 14},
    [QBID_REPLAY_AUCTION_IMP_ID] = {"AUCTION_IMP_ID", 14},
    [QBID_REPLAY_AUCTION_SEAT_ID] = {"AUCTION_SEAT_ID", 15},
    [QBID_REPLAY_AUCTION_AD_ID] = {"AUCTION_AD_ID", 13},
    [QBID_REPLAY_AUCTION_PRICE] = {"AUCTION_PRICE", 13},
    [QBID_REPLAY_AUCTION_CURRENCY] = {"AUCTION_CURRENCY", 16},
    [QBID_REPLAY_AUCTION_MBR] = {"AUCTION_MBR", 11},
    [QBID_REPLAY_AUCTION_LOSS] = {"AUCTION_LOSS", 12},
    [QBID_REPLAY_AUCTION_MIN_TO_WIN] = {"AUCTION_MIN_TO_WIN", 18},
};

static int find_name(const char *name, size_t len)
{
    for (int i = 0; i < QBID_REPLAY_MACRO_CNT; i++)
        if (names[i].len == len && memcmp(names[i].at, name, len) == 0)
            return i;
    return -1;
}

void qbid_replay_macro_expand(struct qbid_replay_buffer *out, const char *text, size_t len,
                              const struct qbid_replay_macros *macros)
{
    const char *at = text, *end = text + len;
    while (at < end) {
        const char *open = memmem(at, (size_t)(end - at), "${", 2);
        const char *close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;
        if (!close)
            break;
        int macro = find_name(open + 2, (size_t)(close - open) - 2);
        const char *plain_end = macro < 0 ? open + 2 : open;
        qbid_replay_buffer_add(out, at, (size_t)(plain_end - at));
        if (macro >= 0)
            qbid_replay_buffer_add_span(out, macros->values[macro]);
        at = macro < 0 ? open + 2 : close + 1;
    }
    qbid_replay_buffer_add(out, at, (size_t)(end - at));
}
