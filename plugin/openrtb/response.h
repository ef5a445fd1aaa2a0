/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenRTB answer: decisions as seatbids, with signed notice URLs and the creatives' markup. */
#ifndef QBID_PLUGIN_OPENRTB_RESPONSE_H
#define QBID_PLUGIN_OPENRTB_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/openrtb/openrtb.h"
#include "plugin/notice/token.h"
#include "plugin/writer.h"
#include "shm/image.h"
#include "shm/request.h"

/* What all bids of an answer share. */
struct qbid_response {
    const struct qbid_image *image;
    const struct qbid_keys *keys;
    const struct qbid_openrtb_request *openrtb;
    const struct qbid_partner *partner; /* never NULL; id 0 = no profile */
    struct qbid_text notice_url;
    uint32_t currency;   /* of the answer */
    int64_t rate_micros; /* account currency for one unit of it */
    uint64_t now_ns;
    uint64_t unix_s;
    bool trace;
};

struct qbid_response_bid {
    const struct qbid_openrtb_imp *imp;
    const struct qbid_openrtb_deal *deal; /* NULL = open auction */
    const struct qbid_decision *decision;
    uint8_t event_flags;
    uint8_t privacy; /* enum qbid_privacy_class of the request */
    bool written;    /* set by qbid_response_write() */
};

/**
 * Currency of the answer: the account's where the request allows it, else the first allowed one
 * that has a rate. A request that names none gets the partner's.
 *
 * Returns: the code with *ret_rate_micros; QBID_CURRENCY_NONE when there is none.
 */
uint32_t qbid_response_currency(const struct qbid_image *image,
                                const struct qbid_openrtb_request *openrtb,
                                const struct qbid_partner *partner, int64_t *ret_rate_micros);

/**
 * Write the answer.
 *
 * Shapes:  n bids in any order; out of out_max bytes, QBID_RESPONSE_BID_BYTES a bid is enough for
 *          templates of up to 8 KiB.
 * Returns: bytes written; 0 when no bid fits. Each bid tells whether it was written.
 * Errors:  none: a bid that does not fit, or whose price vanishes in the answer's currency, is left
 *          out.
 */
size_t qbid_response_write(const struct qbid_response *response, struct qbid_response_bid *bids,
                           unsigned n, char *out, size_t out_max);

/** Sign a bid's token; out gets QBID_TOKEN_CHARS characters. Reads image, keys, now_ns and unix_s
 * of the response, decision, event_flags and privacy of the bid. False without a key. */
bool qbid_response_sign(const struct qbid_response *response, const struct qbid_response_bid *bid,
                        char *out);

/** An exchange as its host names it, NULL = none given, hashed. */
static inline uint64_t qbid_response_exchange(const char *name)
{
    return name ? qbid_hash_dim(QBID_DIM_EXCHANGE, name, strlen(name)) : 0;
}

/** Profile of the partner behind an exchange (0 = none given); never NULL: without one everything
 * is as the host says. The image may be empty. */
const struct qbid_partner *qbid_response_partner(const struct qbid_image *image,
                                                 uint64_t exchange_hash);

/** Whether a creative has all that a partner requires. */
bool qbid_response_complete(const struct qbid_partner *partner,
                            const struct qbid_creative *creative);

/** A no-bid answer with its code: id and nbr. Bytes written, 0 when it does not fit. */
size_t qbid_response_no_bid(struct qbid_text id, enum qbid_nobid nobid, char *out, size_t out_max);

#endif
