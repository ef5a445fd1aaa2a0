/* SPDX-License-Identifier: Apache-2.0 */
/* The MessagePack schema of bid requests and answers, version 1: one impression a datagram.
 *
 * A request is a map. Its keys are the integers below, each at most once, in any order; a pair with
 * another key (an integer that a later version defines, or a string) is passed over. Nothing may
 * follow the map.
 *
 *   key  field     type             meaning; limits
 *    0   version   uint             1. Required
 *    1   id        str              of the auction, 1 to 64 bytes, comes back in the answer.
 * Required 2   imp       str              of the impression, at most 32 bytes; comes back 3
 * exchange  str              partner, as the account names it: "2" 4   slots     array of str
 * formats that fit, the preferred first: "banner:300x250", "video:640x360", "video:any", "audio",
 * "native"; at most 16 5   position  uint or str      banner.pos 6   device    str devicetype "/"
 * os in lower case: "4/android" 7   geo       str              country in upper case "/" region:
 * "USA/CA" 8   site      str              domain or app bundle, else the site's or app's id 9
 * segments  array of str     audience segments of the user; at most 32 10   hour      uint hour of
 * the week of the user, Monday 0 h = 0; at most 167. Absent: that of UTC now 11   floor     uint
 * CPM, micros of the account's currency; below 2^53 12   auction   uint             1 first price
 * (default), 2 second price 13   flags     uint             1 secure markup only, 2 deals only, 4
 * test (not billable), 8 restricted; other bits must be 0 14   deals     array of arrays  [id str,
 * floor uint as above]; at most 16; elements of a deal behind these two are passed over 15   badv
 * array of str     blocked advertiser domains; at most 64 16   bcat      array of str     blocked
 * categories; at most 64
 *
 * Names are at most 255 bytes; empty ones count as absent. site, badv and bcat are compared in
 * lower case, whatever they come in. Whoever turns an exchange's request into this one has its
 * consent strings and decides what the law allows: with flag 8 segments are not read.
 *
 * An answer is a map:
 *
 *   key  field     type   meaning
 *    0   version   uint   1
 *    1   id        str    as asked
 *    2   imp       str    as asked; absent where it was
 *   no bid, then:
 *    3   nbr       uint   OpenRTB's no-bid reason, or one of ours from 500 on (shm/request.h)
 *   a bid, then:
 *    4   price     uint   CPM, micros of the account's currency
 *    5   creative  uint   id: the sender has its markup, size and landing page from the account
 *    6   line item uint   id
 *    7   campaign  uint   id
 *    8   deal      uint   index into the deals asked; absent in the open auction
 *    9   bid       uint   number of this bid, unique: bid.id
 *   10   token     str    96 characters: what win, loss, bill, imp, click and conv notices of this
 *                         bid carry as "t="
 *   11   generation uint  of the table that decided
 *   an error, then (and no key 1 where the id could not be read):
 *   12   error     uint   1 malformed, 2 version, 3 over a limit
 */
#ifndef QBID_PLUGIN_DPDK_MESSAGE_H
#define QBID_PLUGIN_DPDK_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "plugin/qbid.h"

#define QBID_MESSAGE_VERSION 1
#define QBID_MESSAGE_ID_MAX 64
#define QBID_MESSAGE_IMP_MAX 32
#define QBID_MESSAGE_NAME_MAX 255
#define QBID_MESSAGE_BLOCKS_MAX 64
#define QBID_MESSAGE_FLOOR_MAX (INT64_C(1) << 53)
#define QBID_MESSAGE_ANSWER_MAX 288 /* bytes that are enough for any answer */

enum qbid_message_key {
    QBID_MESSAGE_VERSION_KEY,
    QBID_MESSAGE_ID,
    QBID_MESSAGE_IMP,
    QBID_MESSAGE_EXCHANGE,
    QBID_MESSAGE_SLOTS,
    QBID_MESSAGE_POSITION,
    QBID_MESSAGE_DEVICE,
    QBID_MESSAGE_GEO,
    QBID_MESSAGE_SITE,
    QBID_MESSAGE_SEGMENTS,
    QBID_MESSAGE_HOUR,
    QBID_MESSAGE_FLOOR,
    QBID_MESSAGE_AUCTION,
    QBID_MESSAGE_FLAGS,
    QBID_MESSAGE_DEALS,
    QBID_MESSAGE_BADV,
    QBID_MESSAGE_BCAT,
    QBID_MESSAGE_KEY_CNT
};

enum qbid_message_answer_key {
    QBID_MESSAGE_NBR = 3,
    QBID_MESSAGE_PRICE,
    QBID_MESSAGE_CREATIVE,
    QBID_MESSAGE_LINE_ITEM,
    QBID_MESSAGE_CAMPAIGN,
    QBID_MESSAGE_DEAL,
    QBID_MESSAGE_BID,
    QBID_MESSAGE_TOKEN,
    QBID_MESSAGE_GENERATION,
    QBID_MESSAGE_ERROR
};

#define QBID_MESSAGE_RESTRICTED                                                                    \
    8u /* flag of a request; the others are enum qbid_request_flag's                               \
        */

enum qbid_message_error {
    QBID_MESSAGE_MALFORMED = 1,
    QBID_MESSAGE_OTHER_VERSION = 2,
    QBID_MESSAGE_OVER_LIMIT = 3
};

/* What of a request must live until its answer; qbid_request's block lists point here. */
struct qbid_message {
    uint64_t badv[QBID_MESSAGE_BLOCKS_MAX];
    uint64_t bcat[QBID_MESSAGE_BLOCKS_MAX];
    uint8_t id_len, imp_len;
    char id[QBID_MESSAGE_ID_MAX];
    char imp[QBID_MESSAGE_IMP_MAX];
};

/**
 * Read a request.
 *
 * Shapes:  len bytes, nothing is read behind them; hour_hash is that of the hour in UTC.
 * Returns: 0 with *ret_request, which passes the library's own checks and borrows *ret_message;
 *          QBID_ERR_PARSE, QBID_ERR_VERSION, QBID_ERR_LIMIT. ret_message has id and imp as far as
 *          they were read even then, so that an error can name what it belongs to.
 * Cost:    see README; no allocation, linear in len.
 */
int qbid_message_decode(const void *bytes, size_t len, uint64_t hour_hash,
                        struct qbid_request *ret_request, struct qbid_message *ret_message);

/** Write the answer of a bid; token as qbid_worker_token() made it. Bytes written, at most
 *  QBID_MESSAGE_ANSWER_MAX. out may be where the request was. */
uint32_t qbid_message_bid(const struct qbid_message *message, const struct qbid_decision *decision,
                          const char *token, void *out);

/** Write that there is no bid. */
uint32_t qbid_message_nobid(const struct qbid_message *message, enum qbid_nobid nobid, void *out);

/** Write why a request was not read. */
uint32_t qbid_message_error(const struct qbid_message *message, enum qbid_message_error error,
                            void *out);

/** OpenRTB's number for a reason. */
unsigned qbid_message_nbr(enum qbid_nobid nobid);

#endif
