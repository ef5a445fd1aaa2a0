/* SPDX-License-Identifier: Apache-2.0 */
/* The price codings of partners: what stands in place of ${AUCTION_PRICE}, as micros.
 *
 *   plain     a decimal number
 *   google    28 bytes in base64: IV (16: seconds, microseconds, server), price in micros (8, big
 *             endian) XOR HMAC-SHA1(encryption key, IV), and the first 4 bytes of
 *             HMAC-SHA1(integrity key, price | IV).
 *             Source: developers.google.com/authorized-buyers/rtb/response-guide/decrypt-price
 *   aes-ecb   AES-128 or -256 by the key's length, ECB, PKCS #7, base64; inside a decimal number.
 *             Nothing in it tells a good key from a wrong one but the padding and the number.
 *   aes-gcm   IV (12) | ciphertext | tag (16) of AES-128 or -256 in GCM, base64; inside a decimal
 *             number. Source: NIST SP 800-38D
 */
#ifndef QBID_PLUGIN_NOTICE_CLEARING_H
#define QBID_PLUGIN_NOTICE_CLEARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/partner.h"

#define QBID_CLEARING_TEXT_MAX 128 /* bytes of a coded price at most */

/* How one partner writes prices. */
struct qbid_clearing_rule {
    uint8_t coding;      /* enum qbid_price_coding */
    bool per_impression; /* the number is the price of one impression, not of a thousand */
    uint32_t age_max_s;  /* google: of the IV's time, either way; 0 = not looked at */
    const struct qbid_partner_keys *keys; /* NULL is fine with plain */
};

struct qbid_clearing_reader; /* opaque: libcrypto's contexts, one set a worker */

/** Contexts for every coding. NOMEM. */
int qbid_clearing_reader_new(struct qbid_clearing_reader **ret_reader);
/** NULL is fine. */
void qbid_clearing_reader_free(struct qbid_clearing_reader *reader);

/**
 * Read a price.
 *
 * Returns: 0 and *ret_micros >= 0 (CPM); PARSE for what is not of this coding (macros that nobody
 *          replaced, negative numbers), INVAL without the keys that the coding needs, MAC for a
 *          wrong signature, EXPIRED for a price older than age_max_s or from as far ahead, NOMEM.
 * Threads: the reader's own.
 * Cost:    not for the bid path: libcrypto takes and gives back a few small blocks a price. Its
 * error queue is left as it was, so that a host that uses TLS does not find ours in it.
 */
int qbid_clearing_read(struct qbid_clearing_reader *reader, const struct qbid_clearing_rule *rule,
                       const char *text, size_t len, uint64_t unix_s, int64_t *ret_micros);

#endif
