/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer has in common in each of its formats; inside response*.c only. */
#ifndef QBID_PLUGIN_OPENRTB_RESPONSE_PARTS_H
#define QBID_PLUGIN_OPENRTB_RESPONSE_PARTS_H

#include "plugin/openrtb/response.h"

struct qbid_text qbid_response_text(const struct qbid_image *image, uint32_t off, uint32_t len);

/** Whether the partner calls a notice: then its URL is in the answer. */
static inline bool qbid_response_calls(const struct qbid_response *r,
                                       enum qbid_partner_notice notice)
{
    return r->partner->notices >> notice & 1;
}

/** A notice URL as the partner calls it, with the macros that it replaces. */
void qbid_response_put_notice(struct qbid_writer *w, const struct qbid_response *r,
                              enum qbid_partner_notice notice, const char *token,
                              int64_t price_micros);

/** Seat of a tenant's bids: the partner's, else the tenant's number. */
void qbid_response_put_seat(struct qbid_writer *w, const struct qbid_response *r, uint16_t tenant);

/** OpenRTB's number of a reason. */
unsigned qbid_response_nbr(enum qbid_nobid nobid);

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
