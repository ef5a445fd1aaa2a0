/* SPDX-License-Identifier: Apache-2.0 */
/* A partner (an exchange) as data: what all hosts agree on about it, and the keys of its prices. */
#ifndef QBID_SHM_PARTNER_H
#define QBID_SHM_PARTNER_H

#include <stdint.h>

#define QBID_PARTNERS_MAX 32
#define QBID_PARTNER_ID_MAX 255
#define QBID_PARTNER_KEY_BYTES 32

/* How a partner writes the clearing price into our notice URLs. */
/* clang-format off */
#define QBID_CODING_LIST(X)  \
    X(PLAIN,   0, "plain", 0)      \
    X(GOOGLE,  1, "google", 2)     \
    X(AES_ECB, 2, "aes-ecb", 1)    \
    X(AES_GCM, 3, "aes-gcm", 1)
/* clang-format on */

enum qbid_coding {
#define X(upper, code, word, keys) QBID_CODING_##upper = (code),
    QBID_CODING_LIST(X)
#undef X
        QBID_CODING_CNT
};

/* Secrets of one partner. They travel as the notice keys do, never in an image. len 0 = none. */
struct qbid_partner_keys {
    uint8_t len[2];
    uint8_t secret[2][QBID_PARTNER_KEY_BYTES]; /* [0] encryption, [1] integrity */
};

#endif
