/* SPDX-License-Identifier: Apache-2.0 */
/* What a creative is, as far as a request may refuse it: one cache line each, in the order of
 * creatives. What is not declared is 0: a request that asks for it does not get the creative. */
#ifndef QBID_SHM_TRAITS_H
#define QBID_SHM_TRAITS_H

#include <stdint.h>

#include "shm/terms.h"
#include "shm/units.h"

/* Data assets whose length is kept by itself; the others share one. */
enum qbid_traits_data { QBID_DATA_OTHER, QBID_DATA_SPONSORED, QBID_DATA_DESC, QBID_DATA_CTA };

struct qbid_traits {
    uint64_t attr;        /* creative attributes that it has */
    uint64_t mimes;       /* content types of its renditions, bits of shm/mimes.h */
    uint64_t language;    /* qbid_language() */
    uint64_t bundle_hash; /* of the app that it advertises; 0 = none */
    uint16_t api;         /* frameworks that it needs, all of them */
    uint16_t protocols;   /* of its renditions */
    uint16_t duration_s;
    uint16_t bitrate_kbps;
    uint16_t image_w[QBID_NATIVE_IMAGE_CNT]; /* native */
    uint16_t image_h[QBID_NATIVE_IMAGE_CNT];
    uint16_t data;         /* native: kinds of data that it has, kind n is bit n */
    uint8_t title_len;     /* native: characters, 0 = no title */
    uint8_t data_len[4];   /* by enum qbid_traits_data: the longest of these kinds */
    uint8_t places;        /* enum qbid_place_bit: where it is not for */
    uint8_t btype;         /* its banner ad types, of 1..4 */
    uint8_t expdir;        /* directions in which it expands, of 1..5 */
    uint8_t delivery_line; /* low half: ways of delivery; high half: 1 linear, 2 not */
    uint8_t cattax;        /* taxonomy of its line item's categories; 0 = it has none */
};
_Static_assert(sizeof(struct qbid_traits) == QBID_CACHE_LINE, "traits are one cache line");

/** Which entry of data_len a kind of data has. */
static inline unsigned qbid_traits_data(unsigned kind)
{
    return kind == 1    ? QBID_DATA_SPONSORED
           : kind == 2  ? QBID_DATA_DESC
           : kind == 12 ? QBID_DATA_CTA
                        : QBID_DATA_OTHER;
}

#endif
