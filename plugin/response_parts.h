/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer has in common in each of its formats; inside response*.c only. */
#ifndef QBID_PLUGIN_RESPONSE_PARTS_H
#define QBID_PLUGIN_RESPONSE_PARTS_H

#include "plugin/response.h"

#define QBID_RESPONSE_WIN_MACROS "&p=${AUCTION_PRICE}&m=${AUCTION_MIN_TO_WIN}"
#define QBID_RESPONSE_BILL_MACROS "&p=${AUCTION_PRICE}"
#define QBID_RESPONSE_LOSS_MACROS "&l=${AUCTION_LOSS}&m=${AUCTION_MIN_TO_WIN}"

struct qbid_text qbid_response_text(const struct qbid_image *image, uint32_t off, uint32_t len);

/** A notice URL with the macros that the exchange replaces. */
void qbid_response_put_notice(struct qbid_writer *w, const struct qbid_response *r,
                              const char *kind, const char *token, const char *macros,
                              int64_t price_micros);

/** A creative's markup. */
void qbid_response_put_markup(struct qbid_writer *w, const struct qbid_response *r,
                              const struct qbid_creative *creative, uint64_t nonce,
                              const char *token);

/** A creative's language as a tag of the returned length, 0 = not declared. */
static inline uint32_t qbid_response_language(const struct qbid_traits *traits, char ret_tag[8])
{
    uint32_t len = 0;
    while (len < 8 && (traits->language >> (8 * len) & 0xff) != 0) {
        ret_tag[len] = (char)(traits->language >> (8 * len) & 0xff);
        len++;
    }
    return len;
}

/** Seconds of a video or audio creative, 0 = not declared. */
static inline uint16_t qbid_response_duration(const struct qbid_creative *creative,
                                              const struct qbid_traits *traits)
{
    bool timed = creative->format == QBID_FORMAT_VIDEO || creative->format == QBID_FORMAT_AUDIO;
    return timed ? traits->duration_s : 0;
}

uint16_t qbid_response_tenant(const struct qbid_response *r, const struct qbid_response_bid *bid);

/** Whether an earlier bid has the same tenant: then its seat is done. */
bool qbid_response_seat_done(const struct qbid_response *r, const struct qbid_response_bid *bids,
                             unsigned i);

#endif
