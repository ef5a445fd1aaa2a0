/* SPDX-License-Identifier: Apache-2.0 */
/* The dimensions of a context, how they pack into one word, and the context keys of a level. */
#ifndef QBID_SHM_DIMS_H
#define QBID_SHM_DIMS_H

#include <stdint.h>

#include "shm/hash.h"

/* Name, bits of its dense value index. Index 0 = unknown or absent. The layout is ABI: events and
 * tokens carry packed contexts, so an index keeps its meaning for as long as the store lives.
 * What the raw value is: exchange "2"; slot "banner:300x250", "video:640x360", "video:any",
 * "native", "audio"; position "1" (OpenRTB banner.pos); device "2/windows" (devicetype/os);
 * geo "CHN/1" (country/region); site: domain or app bundle, lower case; segment: its id;
 * hour "0".."167", hour of the week (Monday 0) on the user's clock. */
/* clang-format off */
#define QBID_DIM_LIST(X)     \
    X(EXCHANGE, exchange, 5) \
    X(SLOT,     slot,     7) \
    X(POSITION, position, 3) \
    X(DEVICE,   device,   6) \
    X(GEO,      geo,     11) \
    X(SITE,     site,    14) \
    X(SEGMENT,  segment,  8) \
    X(HOUR,     hour,     8)
/* clang-format on */

enum qbid_dim {
#define X(upper, lower, bits) QBID_DIM_##upper,
    QBID_DIM_LIST(X)
#undef X
        QBID_DIM_CNT
};

enum {
#define X(upper, lower, bits) QBID_DIM_BITS_##upper = (bits),
    QBID_DIM_LIST(X)
#undef X
};

/* Where each dimension starts in the packed word. */
enum {
    QBID_DIM_SHIFT_EXCHANGE = 0,
    QBID_DIM_SHIFT_SLOT = QBID_DIM_SHIFT_EXCHANGE + QBID_DIM_BITS_EXCHANGE,
    QBID_DIM_SHIFT_POSITION = QBID_DIM_SHIFT_SLOT + QBID_DIM_BITS_SLOT,
    QBID_DIM_SHIFT_DEVICE = QBID_DIM_SHIFT_POSITION + QBID_DIM_BITS_POSITION,
    QBID_DIM_SHIFT_GEO = QBID_DIM_SHIFT_DEVICE + QBID_DIM_BITS_DEVICE,
    QBID_DIM_SHIFT_SITE = QBID_DIM_SHIFT_GEO + QBID_DIM_BITS_GEO,
    QBID_DIM_SHIFT_SEGMENT = QBID_DIM_SHIFT_SITE + QBID_DIM_BITS_SITE,
    QBID_DIM_SHIFT_HOUR = QBID_DIM_SHIFT_SEGMENT + QBID_DIM_BITS_SEGMENT,
    QBID_DIM_SHIFT_END = QBID_DIM_SHIFT_HOUR + QBID_DIM_BITS_HOUR
};
_Static_assert(QBID_DIM_SHIFT_END <= 62, "two bits are left for the backoff level");

/* Backoff levels that have rows: 0 is the finest. A request that finds no row uses the
 * eligibility bitmaps and the line items' default values: level QBID_LEVEL_DEFAULT. */
#define QBID_LEVEL_MAX 4
#define QBID_LEVEL_DEFAULT QBID_LEVEL_MAX

static inline unsigned qbid_dim_bits(unsigned dim)
{
    static const uint8_t bits[QBID_DIM_CNT] = {
#define X(upper, lower, b) (b),
        QBID_DIM_LIST(X)
#undef X
    };
    return bits[dim];
}

static inline unsigned qbid_dim_shift(unsigned dim)
{
    static const uint8_t shift[QBID_DIM_CNT] = {
#define X(upper, lower, b) QBID_DIM_SHIFT_##upper,
        QBID_DIM_LIST(X)
#undef X
    };
    return shift[dim];
}

/** Highest value index of a dimension (indices run 1..max). */
static inline uint32_t qbid_dim_index_max(unsigned dim)
{
    return (UINT32_C(1) << qbid_dim_bits(dim)) - 1;
}

/** Value index of one dimension inside a packed context. */
static inline uint32_t qbid_dim_unpack(uint64_t context, unsigned dim)
{
    return (uint32_t)(context >> qbid_dim_shift(dim)) & qbid_dim_index_max(dim);
}

/** Put one dimension's value index into a packed context in which it is still 0. */
static inline uint64_t qbid_dim_pack(uint64_t context, unsigned dim, uint32_t index)
{
    return context | ((uint64_t)index << qbid_dim_shift(dim));
}

/** Bits of the packed word that belong to one dimension. */
static inline uint64_t qbid_dim_mask(unsigned dim)
{
    return (uint64_t)qbid_dim_index_max(dim) << qbid_dim_shift(dim);
}

/** Index key of a context at a level: mask is the OR of the level's dimensions. */
static inline uint64_t qbid_context_key(uint64_t context, uint64_t mask, unsigned level)
{
    return (context & mask) | ((uint64_t)level << 62);
}

/** Static name of a dimension ("exchange"). */
static inline const char *qbid_dim_name(unsigned dim)
{
    static const char *const name[QBID_DIM_CNT] = {
#define X(upper, lower, b) #lower,
        QBID_DIM_LIST(X)
#undef X
    };
    return dim < QBID_DIM_CNT ? name[dim] : "?";
}

#endif
