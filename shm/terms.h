/* SPDX-License-Identifier: Apache-2.0 */
/* What an impression asks of a creative and of a deal beyond slot, floor and block lists. */
#ifndef QBID_SHM_TERMS_H
#define QBID_SHM_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#define QBID_TERMS_DURATIONS_MAX 8
#define QBID_TERMS_DURFLOORS_MAX 8
#define QBID_TERMS_LANGUAGES_MAX 16
#define QBID_TERMS_DEALS_MAX 16 /* QBID_REQUEST_DEALS_MAX */
#define QBID_TERMS_SEATS_MAX 14
#define QBID_NATIVE_DATA_CNT 12 /* kinds of data assets, numbered from 1 */

/** The bit of a number in a mask of 64, 0 for numbers outside [0, 63]: lists of small numbers
 *  (attributes, APIs, protocols, ...) are masks here, of which number n is bit n. */
static inline uint64_t qbid_terms_bit(int64_t number)
{
    return number >= 0 && number < 64 ? UINT64_C(1) << number : 0;
}

enum qbid_native_image { QBID_NATIVE_ICON, QBID_NATIVE_MAIN, QBID_NATIVE_IMAGE_CNT };

/* An image asset that a native impression requires: exact where w or h is given, else at least. */
struct qbid_native_image_terms {
    bool required;
    int32_t w, h; /* 0 = any */
    int32_t wmin, hmin;
};

/* Assets that a native impression requires; what it only offers is not held against a creative. */
struct qbid_native_terms {
    bool unmeetable; /* a video, or an asset of a kind that is not known here, is required */
    bool title;
    int32_t title_len;                           /* characters, 0 = any */
    uint16_t data;                               /* required kinds, kind n is bit n */
    uint16_t data_len[QBID_NATIVE_DATA_CNT + 1]; /* characters by kind, 0 = any */
    struct qbid_native_image_terms image[QBID_NATIVE_IMAGE_CNT];
};

/* A floor that depends on how long the creative lasts. */
struct qbid_durfloor {
    int32_t least_s; /* of the duration; 0 = from the start */
    int32_t most_s;  /* 0 = without an end */
    int64_t floor_micros;
};

struct qbid_durfloors {
    uint8_t cnt;               /* the first that holds the duration counts */
    int64_t per_second_micros; /* mincpmpersec, where no entry holds it; 0 = none */
    struct qbid_durfloor floor[QBID_TERMS_DURFLOORS_MAX];
};

/* Of one offered kind of media (banner, video, audio, native). All zero = nothing asked. */
struct qbid_media_terms {
    uint64_t battr;     /* blocked attributes */
    uint64_t api;       /* supported frameworks: one that is not listed is not supported */
    uint64_t mimes;     /* accepted types, bits of shm/mimes.h; 0 = no list */
    uint64_t protocols; /* 0 = no list */
    uint32_t btype;     /* banner: blocked ad types */
    uint32_t expdir;    /* banner: directions in which an ad may expand */
    uint32_t delivery;  /* 0 = no list */
    int32_t linearity;  /* 1 linear, 2 not; 0 = both */
    int32_t duration_least_s;
    int32_t duration_most_s; /* 0 = none */
    int32_t bitrate_least_kbps;
    int32_t bitrate_most_kbps; /* 0 = none */
    bool no_skip;              /* the player lets nobody skip */
    bool duration_listed;      /* only those listed may be used */
    uint8_t duration_cnt;
    int32_t duration_s[QBID_TERMS_DURATIONS_MAX]; /* more are not read: they are not used */
};

/* Where the impression is shown, as bits; a creative has the bits of places that it is not for. */
enum qbid_place_bit {
    QBID_PLACE_INLINE = 1u << 0,
    QBID_PLACE_INTERSTITIAL = 1u << 1,
    QBID_PLACE_PLAIN = 1u << 2,
    QBID_PLACE_REWARDED = 1u << 3,
    QBID_PLACE_VIDEO = 1u << 4 /* plcmt n (1..4) is this shifted by n - 1; unknown: none */
};

/* Buyer seats by tenant. */
struct qbid_seats {
    bool given; /* the list has entries */
    bool over;  /* it has more of our kind than fit here */
    uint8_t cnt;
    uint16_t tenant[QBID_TERMS_SEATS_MAX];
};

static inline bool qbid_seats_hold(const struct qbid_seats *seats, uint16_t tenant)
{
    bool found = false;
    for (unsigned i = 0; i < seats->cnt; i++)
        found |= seats->tenant[i] == tenant;
    return found;
}

/* Of one deal of the request, beside its id and floor. */
struct qbid_deal_terms {
    bool fixed;          /* at = 3: the floor is the agreed price */
    bool guaranteed;     /* guar = 1: bid, whatever the impression is worth */
    bool own_floor;      /* the deal has a floor of its own: durations do not count */
    uint8_t auction;     /* enum qbid_auction of the deal, 0 = the request's */
    bool wadomain_given; /* the list has entries */
    uint16_t wadomain_cnt;
    const struct qbid_seats *wseat; /* NULL = everybody */
    const uint64_t *wadomain;       /* allowed advertiser domains, hashed names */
    struct qbid_durfloors durfloors;
};

/* All terms of one impression; borrowed for the call. */
struct qbid_terms {
    const struct qbid_media_terms *media[4];   /* by format - 1; NULL = nothing asked */
    const struct qbid_native_terms *native;    /* NULL = nothing asked */
    const struct qbid_durfloors *durfloors[4]; /* of the open auction, by format - 1; NULL = none */
    const struct qbid_seats *wseat, *bseat;    /* NULL = everybody, nobody */
    const uint64_t *acat;                      /* allowed categories, hashed names */
    const uint64_t *bapp;                      /* blocked app bundles, hashed names */
    const uint64_t *language;                  /* allowed languages, qbid_language() */
    uint16_t acat_cnt, bapp_cnt;
    uint8_t language_cnt;
    bool language_given;
    bool acat_given;
    uint8_t cattax;   /* taxonomy of the request's category lists; 0 = it has none */
    int32_t pod_s[4]; /* by format - 1: of the pod that the creative must fit into, 0 = none */
    uint32_t places;  /* enum qbid_place_bit */
    struct qbid_durfloors pod_floors[2]; /* where durfloors may point */
    struct qbid_deal_terms deal[QBID_TERMS_DEALS_MAX];
};

/** A language tag ("en", "pt-BR") in lower case as a number, 0 when it has more than eight
 *  characters or none. Its first character is the lowest byte. */
static inline uint64_t qbid_language(const char *text, uint32_t len)
{
    uint64_t packed = 0;
    if (len > 8)
        return 0;
    for (uint32_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        c = (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == '_' ? '-' : c);
        packed |= (uint64_t)c << (8 * i);
    }
    return packed;
}

/** Whether an allowed language covers a creative's: the same, or its beginning up to a "-"
 *  (RFC 4647, basic filtering). */
static inline bool qbid_language_covers(uint64_t allowed, uint64_t language)
{
    unsigned bits = 0;
    while (bits < 64 && (allowed >> bits & 0xff) != 0)
        bits += 8;
    if (bits == 0 || bits == 64)
        return allowed == language && bits != 0;
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t next = language >> bits & 0xff;
    return (language & mask) == allowed && (next == 0 || next == '-');
}

#endif
