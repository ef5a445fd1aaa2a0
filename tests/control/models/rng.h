/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded random numbers of the model tests: the same stream on every machine. */
#ifndef QBID_TESTS_CONTROL_MODELS_RNG_H
#define QBID_TESTS_CONTROL_MODELS_RNG_H

#include <math.h>
#include <stdint.h>

struct rng {
    uint64_t s[4]; /* xoshiro256++, Blackman and Vigna 2019 */
};

static inline struct rng rng_init(uint64_t seed)
{
    struct rng r;
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        r.s[i] = z ^ (z >> 31);
    }
    return r;
}

static inline uint64_t rng_rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rng_rotl(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotl(s[3], 45);
    return result;
}

/* In (0, 1). */
static inline double rng_uniform(struct rng *r)
{
    return ((double)(rng_next(r) >> 11) + 0.5) * 0x1p-53;
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

static inline double rng_normal(struct rng *r)
{
    return sqrt(-2 * log(rng_uniform(r))) * cos(6.283185307179586 * rng_uniform(r));
}

static inline double rng_lognormal(struct rng *r, double mu, double sigma)
{
    return exp(mu + sigma * rng_normal(r));
}

/* Shape a > 0, scale 1: Marsaglia and Tsang 2000. */
static inline double rng_gamma(struct rng *r, double a)
{
    if (a < 1)
        return rng_gamma(r, a + 1) * pow(rng_uniform(r), 1 / a);
    double d = a - 1.0 / 3;
    double c = 1 / sqrt(9 * d);
    for (;;) {
        double x = rng_normal(r);
        double v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(rng_uniform(r)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

static inline double rng_beta(struct rng *r, double a, double b)
{
    double x = rng_gamma(r, a);
    return x / (x + rng_gamma(r, b));
}

static inline uint32_t rng_binomial(struct rng *r, uint32_t n, double p)
{
    uint32_t hits = 0;
    uint64_t below = (uint64_t)(p * 18446744073709551615.0);
    for (uint32_t i = 0; i < n; i++)
        hits += rng_next(r) < below;
    return hits;
}

#endif
