/* SPDX-License-Identifier: Apache-2.0 */
/* From a parsed bid request to what the fast path decides on: one struct qbid_request a
 * impression.
 *
 * Raw values by dimension (shm/dims.h); what is absent has no value:
 *   exchange  as the host names the partner
 *   slot      "banner:WxH" for each of banner.format[], then banner.w and h; "video:WxH", then
 *             "video:any"; "audio"; "native", where its request can be read
 *   position  banner.pos, else video.pos
 *   device    devicetype "/" os in lower case; a missing half is empty. Where device.os is absent
 *             it is sua.platform.brand; where devicetype is, 1 (mobile) with sua.mobile = 1
 *   geo       country in upper case "/" region, of device.geo, else of user.geo
 *   site      first of site.domain, app.bundle (both in lower case), site.id, app.id, dooh.id
 *   segment   user.data[].segment[].id
 *   hour      hour of the week (Monday 0) at the user's utcoffset; without one, in UTC
 *
 * Of place, time zone, segments and identifiers there is only what the privacy class leaves.
 *
 * at = 2 or absent is second price; everything else is decided as first price, in which a bid is
 * what it costs: 1, the exchanges' own types from 500 on, and values that nobody has defined.
 */
#ifndef QBID_PLUGIN_IMPRESSION_H
#define QBID_PLUGIN_IMPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/openrtb/openrtb.h"
#include "plugin/privacy/privacy.h"
#include "shm/image.h"
#include "shm/request.h"
#include "shm/terms.h"

#define QBID_UNKNOWN_MAX 8
#define QBID_UNKNOWN_TEXT 30

/* Raw values of one bid request that the dictionary lacks: all are counted, the first are kept. */
struct qbid_unknown {
    uint32_t total;
    uint32_t cnt;
    struct {
        uint64_t hash;
        uint8_t dim;
        uint8_t len; /* of the raw value, 255 = or more */
        char text[QBID_UNKNOWN_TEXT];
    } value[QBID_UNKNOWN_MAX];
};

/* What all impressions of a bid request share. */
struct qbid_common {
    const struct qbid_image *image;
    const struct qbid_openrtb_request *openrtb;
    struct qbid_privacy privacy;
    struct qbid_request base;
    struct qbid_unknown unknown;
    uint64_t imp_hash[QBID_OPENRTB_IMPS_MAX]; /* of request id and impression id */
    uint64_t badv[QBID_OPENRTB_BADV_MAX];
    uint64_t bcat[QBID_OPENRTB_BCAT_MAX];
    uint64_t acat[QBID_OPENRTB_ACAT_MAX];
    uint64_t bapp[QBID_OPENRTB_BAPP_MAX];
    uint64_t wadomain[QBID_OPENRTB_WADOMAIN_MAX];
};

/**
 * Fill ret_common from a parsed request, from which the privacy class takes what it does not leave
 * before anything else is read. When that is no bid, there is nothing to fill: to be declined.
 *
 * Shapes:  image has a header; exchange may be NULL; unix_s is the wall clock.
 * Threads: any. Wait-free, no allocation.
 */
void qbid_common_fill(const struct qbid_image *image, struct qbid_openrtb_request *openrtb,
                      const char *exchange, uint64_t unix_s, struct qbid_common *ret_common);

/**
 * Fill the request of impression imp_idx; *ret_request borrows the block lists of *common and,
 * where the impression asks for more than slot, floor and block lists, *ret_terms.
 *
 * Returns: QBID_NOBID_NONE, or why there is nothing to decide: INVALID (no id, or one that another
 *          impression has as well: an answer would be ambiguous), CURRENCY (a floor without a
 * rate), EXPIRY (the impression may come later than a notice is taken), MULTIPLIER (what would be
 *          paid is not what would be reserved). deal_idx[i] tells which openrtb deal became
 *          ret_request->deal[i]; deals without a rate for their floor, or closed to all our seats,
 *          are left out.
 */
enum qbid_nobid qbid_impression_fill(struct qbid_common *common, unsigned imp_idx,
                                     uint8_t deal_idx[QBID_REQUEST_DEALS_MAX],
                                     struct qbid_terms *ret_terms,
                                     struct qbid_request *ret_request);

/**
 * Deals and the open auction do not compete for an impression: each gets its own bid ("1+1").
 *
 * Shapes:  request[0] as filled; request[1] is written where there are two parts: first the deals,
 *          then the open auction.
 * Returns: 1 or 2. A request none of whose deals is ours loses them.
 */
unsigned qbid_impression_split(const struct qbid_image *image, struct qbid_request request[2]);

/** Whether any tenant at all may bid. */
bool qbid_seat_any(const struct qbid_seats *wseat);

#endif
