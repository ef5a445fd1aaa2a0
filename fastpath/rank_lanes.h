/* SPDX-License-Identifier: Apache-2.0 */
/* Eight candidates in a vector: what fastpath/rank.h does in line and rank_vector.c for long rows.
 *
 * Paces are loaded one by one and put together: on processors whose gather is split into guarded
 * loads (and most are, since 2023) that is three times as fast, and each load stays an atomic one
 * that a sanitizer sees.
 */
#ifndef QBID_FASTPATH_RANK_LANES_H
#define QBID_FASTPATH_RANK_LANES_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#include "shm/live.h"

#define QBID_RANK_AVX2 __attribute__((target("avx2")))

/* Pace of a line item as its bits. */
static inline int qbid_lane_pace(const struct qbid_live *live, uint32_t line_item_idx)
{
    return (int)atomic_load_explicit(&live->pace[line_item_idx], memory_order_relaxed);
}

/* Where the line items are 65,536 or more from lane `high` on. */
QBID_RANK_AVX2 static __attribute__((noinline, unused)) __m256i
qbid_lanes_paces_high(const struct qbid_live *live, const uint16_t *low, uint32_t high)
{
    int pace[8];
    for (uint32_t i = 0; i < 8; i++)
        pace[i] = qbid_lane_pace(live, low[i] | (uint32_t)(i >= high) << 16);
    return _mm256_loadu_si256((const __m256i *)(const void *)pace);
}

QBID_RANK_AVX2 static inline __m256i qbid_lanes_paces(const struct qbid_live *live,
                                                      const uint16_t *low, uint32_t high)
{
    if (__builtin_expect(high < 8, 0))
        return qbid_lanes_paces_high(live, low, high);
    return _mm256_set_epi32(qbid_lane_pace(live, low[7]), qbid_lane_pace(live, low[6]),
                            qbid_lane_pace(live, low[5]), qbid_lane_pace(live, low[4]),
                            qbid_lane_pace(live, low[3]), qbid_lane_pace(live, low[2]),
                            qbid_lane_pace(live, low[1]), qbid_lane_pace(live, low[0]));
}

QBID_RANK_AVX2 static inline __m256i qbid_lanes_number(void)
{
    return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
}

/* Lane from which the candidates from `at` on are line items from 65,536 on. */
static inline uint32_t qbid_lanes_high(uint32_t high, uint32_t at)
{
    return high > at ? high - at : 0;
}

/* qbid_pace_price(): the sign of the pace chooses. */
QBID_RANK_AVX2 static inline __m256 qbid_lanes_pace_price(__m256 value, __m256 pace)
{
    __m256 fixed = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), pace);
    return _mm256_blendv_ps(_mm256_mul_ps(value, pace), fixed, pace);
}

/* Bits of the price of the eight candidates from `at` on; 0 for what lies behind the end. */
QBID_RANK_AVX2 static inline __m256i qbid_lanes_price(const struct qbid_live *live,
                                                      const uint16_t *low,
                                                      const float *value_micros, uint32_t left,
                                                      uint32_t high)
{
    __m256 pace = _mm256_castsi256_ps(qbid_lanes_paces(live, low, high));
    __m256 price = qbid_lanes_pace_price(_mm256_loadu_ps(value_micros), pace);
    __m256i inside = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)left), qbid_lanes_number());
    return _mm256_and_si256(_mm256_castps_si256(price), inside);
}

/* Largest (or, negated, smallest) of eight in every lane. */
QBID_RANK_AVX2 static inline __m256i qbid_lanes_top(__m256i x)
{
    x = _mm256_max_epi32(x, _mm256_permute2x128_si256(x, x, 1));
    x = _mm256_max_epi32(x, _mm256_shuffle_epi32(x, 0x4e));
    return _mm256_max_epi32(x, _mm256_shuffle_epi32(x, 0xb1));
}
#endif

#endif
