/* SPDX-License-Identifier: Apache-2.0 */
/* The alias line: a weighted choice among up to eight creatives from one cache line. */
#ifndef QBID_SHM_ALIAS_H
#define QBID_SHM_ALIAS_H

#include <stdint.h>

#define QBID_ALIAS_MAX 8
#define QBID_ALIAS_NONE UINT16_MAX /* what an empty or foreign line draws */

struct qbid_alias_entry {
    uint32_t prob_q32; /* probability of keeping `creative` once this entry is drawn */
    uint16_t creative; /* creative index */
    uint16_t alias;    /* creative index taken otherwise; == creative when the entry is whole */
};

struct qbid_alias {
    _Alignas(64) struct qbid_alias_entry entry[QBID_ALIAS_MAX]; /* the first n are in use */
};
_Static_assert(sizeof(struct qbid_alias) == 64, "an alias line is one cache line");

/**
 * Draw a creative.
 *
 * Shapes:  n in [1, QBID_ALIAS_MAX] entries in use, kept beside the line; random is uniform.
 * Returns: creative index; QBID_ALIAS_NONE when n is outside its range.
 * Threads: wait-free, no writes.
 * Cost:    one cache line, no division, no loop.
 * Source:  alias method, Walker 1977, Vose 1991; entry from the high half of random, coin from the
 *          low half, so each outcome is off by at most 2^-31.
 */
static inline uint16_t qbid_alias_pick(const struct qbid_alias *line, uint32_t n, uint64_t random)
{
    if (n - 1u >= QBID_ALIAS_MAX)
        return QBID_ALIAS_NONE;
    const struct qbid_alias_entry *entry = &line->entry[((random >> 32) * n) >> 32];
    return (uint32_t)random < entry->prob_q32 ? entry->creative : entry->alias;
}

/**
 * Probability with which qbid_alias_pick() draws one creative.
 *
 * Shapes:  n in [1, QBID_ALIAS_MAX].
 * Returns: probability in [0, 1]; 0 for a creative that is not in the line or n out of range.
 * Threads: wait-free, no writes.
 */
static inline float qbid_alias_propensity(const struct qbid_alias *line, uint32_t n,
                                          uint16_t creative)
{
    if (n - 1u >= QBID_ALIAS_MAX)
        return 0.0f;
    uint64_t mass = 0;                 /* of n * 2^32 */
    for (uint32_t i = 0; i < n; i++) { /* no branch: which entries hold it differs by request */
        const struct qbid_alias_entry *entry = &line->entry[i];
        uint64_t keep = entry->prob_q32;
        mass += keep & -(uint64_t)(entry->creative == creative);
        mass += ((UINT64_C(1) << 32) - keep) & -(uint64_t)(entry->alias == creative);
    }
    return (float)((double)mass / (4294967296.0 * (double)n));
}

#endif
