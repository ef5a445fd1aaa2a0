/* SPDX-License-Identifier: Apache-2.0 */
/* A notice URL that came back: its fields and what they say about money. */
#ifndef QBID_PLUGIN_NOTICE_NOTICE_H
#define QBID_PLUGIN_NOTICE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/notice/clearing.h"
#include "plugin/text.h"
#include "plugin/notice/token.h"
#include "shm/event.h"

#define QBID_NOTICE_VALUE_MAX 128 /* of a decoded field */

/* The query's fields, decoded; len 0 = absent, empty or undecodable. */
struct qbid_notice {
    enum qbid_event_kind kind;
    char token[QBID_NOTICE_VALUE_MAX];
    char price[QBID_NOTICE_VALUE_MAX];   /* p: WIN, BILL */
    char min[QBID_NOTICE_VALUE_MAX];     /* m: LOSS */
    char bid[QBID_NOTICE_VALUE_MAX];     /* b: our bid in the currency of the answer */
    char value[QBID_NOTICE_VALUE_MAX];   /* v: CONV */
    char loss[QBID_NOTICE_VALUE_MAX];    /* l: LOSS */
    char video[QBID_NOTICE_VALUE_MAX];   /* e: VIDEO */
    char auction[QBID_NOTICE_VALUE_MAX]; /* a: where a template sends on ${AUCTION_ID} */
    uint32_t token_len, price_len, min_len, bid_len, value_len, loss_len, video_len, auction_len;
};

/**
 * Split a notice URL. Kinds: win loss bill imp click conv video. A repeated field replaces the
 * earlier one; unknown fields are skipped.
 *
 * Returns: 0; QBID_ERR_PARSE for an unknown kind; QBID_ERR_LIMIT over QBID_NOTICE_MAX.
 */
int qbid_notice_parse(const char *kind, size_t kind_len, const char *query, size_t query_len,
                      struct qbid_notice *ret_notice);

/* How the price of a notice is read. */
struct qbid_notice_prices {
    struct qbid_clearing_reader *reader; /* NULL is fine with a plain rule */
    struct qbid_clearing_rule rule;      /* of the partner that the bid went to */
    uint64_t unix_s;
};

/**
 * What a notice costs: price_nanos and the flags PRICE_UNKNOWN, PRICE_ABOVE and TEST of its event.
 *
 * AUDIT in p, m, l or a, also in base64, is a test render of any kind of notice (flag TEST, 0).
 * WIN, BILL: p, in the partner's coding. Absent, an unreplaced
 * macro, negative, unreadable, with a wrong signature or too old: PRICE_UNKNOWN and 0. Above our
 * bid: PRICE_ABOVE, with what was claimed. LOSS: m, 0 when unknown, without a flag: it is only
 * information. CONV: v, the order value. An answer in another currency has put its bid into the URL
 * (b), and the price is taken as that share of the reserved money, whatever the rates are by now.
 * Neither m, b, v nor a plain p is signed: whoever holds a token can name any price up to the bid,
 * as the exchange that reports the price can anyway.
 */
int64_t qbid_notice_price(const struct qbid_notice *notice, const struct qbid_token *token,
                          const struct qbid_notice_prices *prices, uint8_t *flags);

/**
 * What a notice tells beside money. LOSS: l, any number of 16 bits, also one that no list has;
 * enum qbid_loss without one. VIDEO: e, enum qbid_video_event; QBID_VIDEO_CNT without a known one.
 * Where something stands that is neither a code nor an empty or unreplaced macro, the flag
 * CODE_UNREADABLE is set. 0 for the other kinds.
 */
uint16_t qbid_notice_code(const struct qbid_notice *notice, uint8_t *flags);

#endif
