/* SPDX-License-Identifier: Apache-2.0 */
/* The shade table: effective value of an impression -> price to offer, for one market segment. */
#ifndef QBID_SHM_SHADE_H
#define QBID_SHM_SHADE_H

#include <stdint.h>
#include <string.h>

/* Knot i lies at 2^(BASE_LG + i / 4) * (1 + i % 4 / 4) micros: four knots an octave, spaced evenly
 * inside it, so that the bits of a float, less those of the first knot, are index and weight:
 *
 *     31     30 ........ 23  22 21  20 ........... 0
 *    sign    | exponent |  | qtr | weight of knot+1 |
 *            '------- index ----'
 */
#define QBID_SHADE_KNOTS 64
#define QBID_SHADE_BASE_LG 12 /* first knot 4,096 micros (0.004 CPM), last 234.9 CPM */
#define QBID_SHADE_WEIGHT_BITS 21
#define QBID_SHADE_BASE_BITS ((uint32_t)(127 + QBID_SHADE_BASE_LG) << 23)
#define QBID_SHADE_SPAN_BITS ((int32_t)(QBID_SHADE_KNOTS - 1) << QBID_SHADE_WEIGHT_BITS)

struct qbid_shade {
    float ratio[QBID_SHADE_KNOTS]; /* bid / effective value at the knot, [0, 1]; 1 = second price */
    float win[QBID_SHADE_KNOTS];   /* probability that this bid wins, [0, 1] */
};
_Static_assert(sizeof(struct qbid_shade) == 512, "a shade table is eight cache lines");

/**
 * Effective value of a knot.
 *
 * Shapes:  i in [0, QBID_SHADE_KNOTS).
 * Units:   CPM micros.
 * Threads: pure.
 */
static inline float qbid_shade_knot(uint32_t i)
{
    uint32_t bits = QBID_SHADE_BASE_BITS + (i << QBID_SHADE_WEIGHT_BITS);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* x held to [0, 1]; NaN becomes 0. */
static inline float qbid_shade_unit(float x)
{
    x = x > 0.0f ? x : 0.0f;
    return x < 1.0f ? x : 1.0f;
}

/* True for a finite float > 0. */
static inline int qbid_shade_positive(float e, uint32_t *ret_bits)
{
    memcpy(ret_bits, &e, sizeof e);
    return *ret_bits - 1u < 0x7f7fffffu;
}

/* Knot below a positive float and weight of the knot above, both at the ends outside the table. */
static inline uint32_t qbid_shade_find(uint32_t bits, float *ret_weight)
{
    int32_t at = (int32_t)(bits - QBID_SHADE_BASE_BITS);
    at = at < 0 ? 0 : at;
    at = at > QBID_SHADE_SPAN_BITS ? QBID_SHADE_SPAN_BITS : at;
    *ret_weight = (float)(at & ((1 << QBID_SHADE_WEIGHT_BITS) - 1)) *
                  (1.0f / (float)(1 << QBID_SHADE_WEIGHT_BITS));
    return (uint32_t)at >> QBID_SHADE_WEIGHT_BITS;
}

/** Ask for the ratios that qbid_shade_eval() reads at that value. Threads: any. */
static inline void qbid_shade_prefetch(const struct qbid_shade *shade, float e_micros)
{
    uint32_t bits;
    float weight;
    memcpy(&bits, &e_micros, sizeof bits);
    __builtin_prefetch(&shade->ratio[qbid_shade_find(bits, &weight)]);
}

/**
 * Price to offer for an impression of effective value e_micros: the bids of the two knots around
 * it, interpolated linearly, which keeps a price monotone in the value where its knots are; outside
 * the table the ratio of the nearest knot.
 *
 * Shapes:  any float; NaN, infinite, zero and negative values give 0.
 * Units:   CPM micros in and out.
 * Returns: a finite price in [0, e_micros], whatever the table holds.
 * Threads: wait-free, no writes.
 * Cost:    two adjacent floats of the table, no division, no libm.
 * Source:  surplus-maximising shading as a table, ALGORITHMS 3.2.
 */
static inline float qbid_shade_eval(const struct qbid_shade *shade, float e_micros)
{
    uint32_t bits;
    if (!qbid_shade_positive(e_micros, &bits))
        return 0.0f;
    if (bits - QBID_SHADE_BASE_BITS >= (uint32_t)QBID_SHADE_SPAN_BITS) {
        uint32_t end = bits < QBID_SHADE_BASE_BITS ? 0 : QBID_SHADE_KNOTS - 1;
        return e_micros * qbid_shade_unit(shade->ratio[end]);
    }
    float weight;
    uint32_t i = qbid_shade_find(bits, &weight);
    float below = qbid_shade_knot(i) * qbid_shade_unit(shade->ratio[i]);
    float above = qbid_shade_knot(i + 1) * qbid_shade_unit(shade->ratio[i + 1]);
    float bid = below + weight * (above - below);
    return bid < e_micros ? bid : e_micros;
}

/**
 * Probability that qbid_shade_eval(shade, e_micros) wins its auction.
 *
 * Shapes:  any float; NaN, infinite, zero and negative values give 0.
 * Returns: a number in [0, 1].
 * Threads: wait-free, no writes.
 */
static inline float qbid_shade_win(const struct qbid_shade *shade, float e_micros)
{
    uint32_t bits;
    if (!qbid_shade_positive(e_micros, &bits))
        return 0.0f;
    float weight;
    uint32_t i = qbid_shade_find(bits, &weight);
    float below = qbid_shade_unit(shade->win[i]);
    float above = qbid_shade_unit(shade->win[i < QBID_SHADE_KNOTS - 1 ? i + 1 : i]);
    return below + weight * (above - below);
}

/* The second-price table: bid = effective value; win probability unknown, held at 1. */
static inline void qbid_shade_identity(struct qbid_shade *shade)
{
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++)
        shade->ratio[i] = shade->win[i] = 1.0f;
}

#endif
