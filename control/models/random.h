/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded random numbers of the models that train by chance: the same stream on every machine. */
#ifndef QBID_CONTROL_MODELS_RANDOM_H
#define QBID_CONTROL_MODELS_RANDOM_H

#include <math.h>
#include <stdint.h>

#include "shm/hash.h"

/* Counter mode: two numbers are the whole state, so a stream can be saved and goes on. */
struct qbid_random {
    uint64_t start;
    uint64_t at;
};

static inline struct qbid_random qbid_random_init(uint64_t seed)
{
    return (struct qbid_random){qbid_mix64(seed ^ QBID_HASH_SEED_ROLL), 0};
}

static inline uint64_t qbid_random_next(struct qbid_random *random)
{
    return qbid_mix64(random->start + UINT64_C(0x9e3779b97f4a7c15) * ++random->at);
}

/** Uniform in (0, 1). */
static inline double qbid_random_uniform(struct qbid_random *random)
{
    return ((double)(qbid_random_next(random) >> 11) + 0.5) * 0x1p-53;
}

/** Uniform in [0, n); n > 0. */
static inline uint32_t qbid_random_below(struct qbid_random *random, uint32_t n)
{
    return (uint32_t)(((qbid_random_next(random) >> 32) * n) >> 32);
}

/** Standard normal, by Box and Muller. */
static inline double qbid_random_normal(struct qbid_random *random)
{
    double radius = sqrt(-2 * log(qbid_random_uniform(random)));
    return radius * cos(6.283185307179586 * qbid_random_uniform(random));
}

/** Gamma of mean and variance `shape`, > 0: Marsaglia and Tsang 2000. */
static inline double qbid_random_gamma(struct qbid_random *random, double shape)
{
    double boost = 1;
    if (shape < 1) {
        boost = pow(qbid_random_uniform(random), 1 / shape);
        shape += 1;
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double z = qbid_random_normal(random), v = 1 + c * z;
        if (!(v > 0))
            continue;
        v = v * v * v;
        if (log(qbid_random_uniform(random)) < 0.5 * z * z + d - d * v + d * log(v))
            return boost * d * v;
    }
}

#endif
