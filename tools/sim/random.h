/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of the simulator: one stream a use, so that a market draws the same traffic
 * whatever a strategy does. */
#ifndef QBID_TOOLS_SIM_RANDOM_H
#define QBID_TOOLS_SIM_RANDOM_H

#include <math.h>
#include <stdint.h>

#include "shm/hash.h"

/* xoshiro256++ 1.0. Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * ACM TOMS 47(4), 2021. */
struct qbid_sim_random {
    uint64_t s[4];
};

/** A stream for (seed, use): its state is filled by a bijective mixer, never all zero. */
static inline struct qbid_sim_random qbid_sim_random_of(uint64_t seed, uint64_t use)
{
    struct qbid_sim_random r;
    uint64_t at = qbid_mix64(seed ^ qbid_mix64(use + UINT64_C(0x51d)));
    for (unsigned i = 0; i < 4; i++)
        r.s[i] = qbid_mix64(at += UINT64_C(0x9e3779b97f4a7c15));
    r.s[0] |= 1;
    return r;
}

static inline uint64_t qbid_sim_rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static inline uint64_t qbid_sim_word(struct qbid_sim_random *r)
{
    uint64_t *s = r->s, result = qbid_sim_rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = qbid_sim_rotl(s[3], 45);
    return result;
}

/** Uniform in [0, 1). */
static inline double qbid_sim_unit(struct qbid_sim_random *r)
{
    return (double)(qbid_sim_word(r) >> 11) * 0x1p-53;
}

/** Uniform in 0 .. n - 1. */
static inline uint32_t qbid_sim_below(struct qbid_sim_random *r, uint32_t n)
{
    return (uint32_t)qbid_mulhi64(qbid_sim_word(r), n);
}

/** True with probability p. */
static inline int qbid_sim_chance(struct qbid_sim_random *r, double p)
{
    return qbid_sim_unit(r) < p;
}

/**
 * Standard normal, near enough for a market: the bits that are set among 64, and a triangle between
 * two counts. Mean 0, variance 1, excess kurtosis -0.03; no tail past 8.
 */
static inline double qbid_sim_normal(struct qbid_sim_random *r)
{
    uint64_t bits = qbid_sim_word(r), fill = qbid_sim_word(r);
    double triangle = (double)(uint32_t)fill * 0x1p-32 - (double)(fill >> 32) * 0x1p-32;
    const double sd = 4.0207793606049394; /* sqrt(64 / 4 + 1 / 6) */
    return ((double)__builtin_popcountll(bits) - 32 + triangle) / sd;
}

/** Exponential with mean 1. */
static inline double qbid_sim_wait(struct qbid_sim_random *r)
{
    return -log(1 - qbid_sim_unit(r));
}

#endif
