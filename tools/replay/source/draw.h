/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded draws without state: a number depends on the seed and its use, never on the order. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_DRAW_H
#define QBID_TOOLS_REPLAY_SOURCE_DRAW_H

#include <math.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/** A random word for (seed, use, a, b). */
static inline uint64_t qbid_replay_draw_word(uint64_t seed, uint32_t use, uint64_t a, uint64_t b)
{
    uint64_t words[3] = {use, a, b};
    return XXH3_64bits_withSeed(words, sizeof words, seed);
}

/** A word as a number in [0, 1) with 53 bits. */
static inline double qbid_replay_draw_unit(uint64_t word)
{
    return (double)(word >> 11) * 0x1p-53;
}

/** A standard normal number for (seed, use, a, b). Source: Box and Muller, 1958. */
static inline double qbid_replay_draw_normal(uint64_t seed, uint32_t use, uint64_t a, uint64_t b)
{
    uint64_t word = qbid_replay_draw_word(seed, use, a, b);
    double radius = sqrt(-2.0 * log(1.0 - qbid_replay_draw_unit(word)));
    return radius * cos(2.0 * M_PI * qbid_replay_draw_unit(word * UINT64_C(0x9e3779b97f4a7c15)));
}

/** A factor with mean 1: lognormal with the given standard deviation of its logarithm. */
static inline double qbid_replay_draw_factor(uint64_t seed, uint32_t use, uint64_t a, uint64_t b,
                                             double deviation)
{
    return exp(deviation * qbid_replay_draw_normal(seed, use, a, b) - deviation * deviation / 2);
}

#endif
