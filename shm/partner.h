/* SPDX-License-Identifier: Apache-2.0 */
/* A partner (an exchange) as data: what all hosts agree on about it, and the keys of its prices. */
#ifndef QBID_SHM_PARTNER_H
#define QBID_SHM_PARTNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QBID_PARTNERS_MAX 32
#define QBID_PARTNER_ID_MAX 255
#define QBID_PARTNER_KEY_BYTES 32

/* How a partner writes the clearing price into our notice URLs. */
/* clang-format off */
#define QBID_PRICE_CODING_LIST(X)  \
    X(PLAIN,   0, "plain", 0)      \
    X(GOOGLE,  1, "google", 2)     \
    X(AES_ECB, 2, "aes-ecb", 1)    \
    X(AES_GCM, 3, "aes-gcm", 1)
/* clang-format on */

enum qbid_price_coding {
#define X(upper, code, word, keys) QBID_PRICE_CODING_##upper = (code),
    QBID_PRICE_CODING_LIST(X)
#undef X
        QBID_PRICE_CODING_CNT
};

/* What a bid to a partner must have. The creative id counts when it is the creative's own. */
/* clang-format off */
#define QBID_PARTNER_FIELD_LIST(X) \
    X(CRID,    "crid")             \
    X(ADOMAIN, "adomain")          \
    X(CAT,     "cat")              \
    X(SIZE,    "size")
/* clang-format on */

enum qbid_partner_field {
#define X(upper, word) QBID_PARTNER_FIELD_##upper,
    QBID_PARTNER_FIELD_LIST(X)
#undef X
        QBID_PARTNER_FIELD_CNT
};

/* Notice URLs that an answer to a partner has. */
/* clang-format off */
#define QBID_PARTNER_NOTICE_LIST(X) \
    X(NURL, "nurl")                 \
    X(BURL, "burl")                 \
    X(LURL, "lurl")
/* clang-format on */

enum qbid_partner_notice {
#define X(upper, word) QBID_PARTNER_##upper,
    QBID_PARTNER_NOTICE_LIST(X)
#undef X
        QBID_PARTNER_NOTICE_CNT
};

enum qbid_partner_flag {
    QBID_PARTNER_NBR = 1u << 0,            /* no bid is said with a body: id and nbr */
    QBID_PARTNER_WIN_BILLS = 1u << 1,      /* it bills with its win notice: nurl is a billing one */
    QBID_PARTNER_TEST_DECLINE = 1u << 2,   /* no bids on test requests */
    QBID_PARTNER_PER_IMPRESSION = 1u << 3, /* its prices are of one impression, not of a thousand */
};

#define QBID_PARTNER_TEXT 32

/* A partner's profile, a section of the image; without secrets. */
struct qbid_partner {
    uint64_t exchange_hash; /* qbid_hash_dim() of its name; 0 = of exchanges that have none */
    uint32_t currency;      /* of the answer to a request that names none; 0 = the account's */
    uint32_t price_age_max_s;
    uint16_t tmax_ms;   /* of a request that has none; 0 = as the host says */
    uint16_t margin_ms; /* of the network; 0 = as the host says */
    uint8_t id;         /* stands in the tokens of its bids, >= 1 */
    uint8_t coding;     /* enum qbid_price_coding */
    uint8_t flags;      /* enum qbid_partner_flag */
    uint8_t required;   /* 1 << enum qbid_partner_field */
    uint8_t notices;    /* 1 << enum qbid_partner_notice */
    uint8_t name_len, seat_len, macro_len;
    uint8_t pad[4];
    char name[QBID_PARTNER_TEXT];  /* "*" = of exchanges that have none */
    char seat[QBID_PARTNER_TEXT];  /* seatbid.seat; empty = the tenant's number */
    char macro[QBID_PARTNER_TEXT]; /* of the price; empty = ${AUCTION_PRICE} */
};
_Static_assert(sizeof(struct qbid_partner) == 128, "partner layout is ABI");

/** Whether a text may go into answers as it is: letters, digits and what macros are made of. */
static inline bool qbid_partner_text_fits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '.' || c == ':' || c == '$' || c == '{' || c == '}' ||
              c == '%'))
            return false;
    }
    return true;
}

/* One key of a partner, on its way from qbidd. len 0 takes it away. */
struct qbid_partner_key {
    uint8_t partner; /* its id */
    uint8_t part;    /* 0 encryption, 1 integrity */
    uint8_t len;
    uint8_t pad;
    uint8_t secret[QBID_PARTNER_KEY_BYTES];
};

/* Secrets of one partner. They travel as the notice keys do, never in an image. len 0 = none. */
struct qbid_partner_keys {
    uint8_t id; /* of the partner, 0 = a free place */
    uint8_t len[2];
    uint8_t secret[2][QBID_PARTNER_KEY_BYTES]; /* [0] encryption, [1] integrity */
};

/** The keys of a partner in a list of QBID_PARTNERS_MAX; NULL when it has none. */
static inline const struct qbid_partner_keys *
qbid_partner_keys_find(const struct qbid_partner_keys *list, uint8_t id)
{
    for (unsigned i = 0; i < QBID_PARTNERS_MAX && id != 0; i++)
        if (list[i].id == id)
            return &list[i];
    return NULL;
}

/** Put one key into such a list. QBID_ERR_PEER for what no qbidd sends, QBID_ERR_FULL. */
int qbid_partner_keys_put(struct qbid_partner_keys *list, const struct qbid_partner_key *key);

#endif
