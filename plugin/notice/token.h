/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notice tokens: what a notice URL carries so that only our own bids can come back. */
#ifndef QBID_PLUGIN_NOTICE_TOKEN_H
#define QBID_PLUGIN_NOTICE_TOKEN_H

#include <stdint.h>

#include "shm/handover.h"

#define QBID_TOKEN_VERSION 1
#define QBID_TOKEN_BYTES 72
#define QBID_TOKEN_CHARS 96 /* base64url, no padding */

struct qbid_token {
    uint8_t version;
    uint8_t key_id;
    uint8_t level : 4;
    uint8_t privacy : 4; /* enum qbid_privacy_class of the request */
    uint8_t action;
    uint16_t tenant;
    uint8_t flags;   /* enum qbid_event_flag of the bid */
    uint8_t partner; /* id of the profile that the bid was made by, 0 = none */
    uint64_t nonce;
    uint64_t context;
    int64_t bid_nanos;
    uint64_t bid_time_ns; /* CLOCK_BOOTTIME */
    uint32_t bid_unix_s;  /* long-lived kinds outlive a reboot */
    uint32_t gen;
    uint32_t line_item_id;
    uint32_t creative_id;
};
_Static_assert(sizeof(struct qbid_token) == 56, "a token's payload is 56 bytes");

/** Sign with keys->id[0]; out gets QBID_TOKEN_CHARS characters, no terminator. QBID_ERR_INVAL
 *  without a key. Source: SipHash-2-4, 128-bit output (Aumasson, Bernstein 2012), libsodium. */
int qbid_token_sign(const struct qbid_keys *keys, const struct qbid_token *token, char *out);

/** Verify in constant time. QBID_ERR_PARSE (not a token), QBID_ERR_VERSION, QBID_ERR_MAC. */
int qbid_token_verify(const struct qbid_keys *keys, const char *text, size_t len,
                      struct qbid_token *ret_token);

#endif
