/* SPDX-License-Identifier: Apache-2.0 */
/* The best candidate of a span with vector instructions. The loads of the paces are the limit, four
 * for each nanosecond, so AVX-512 gains nothing over AVX2 in short rows and little in long ones. */
#include "fastpath/rank.h"

#if defined(__x86_64__)

/* The best so far in each of eight lanes: price bits, place in the span. Line items ascend, so of
 * equal prices the first is that of the lowest line item: a later one has to be above it. */
struct lanes8 {
    __m256i price, place;
};

QBID_RANK_AVX2 static inline void lanes8_raise(struct lanes8 *best, __m256i price, __m256i place)
{
    __m256i better = _mm256_cmpgt_epi32(price, best->price);
    best->price = _mm256_max_epi32(best->price, price);
    best->place = _mm256_blendv_epi8(best->place, place, better);
}

/* The first place of those with the top price. */
QBID_RANK_AVX2 static inline uint32_t lanes8_place(const struct lanes8 *best)
{
    __m256i dearest = _mm256_cmpeq_epi32(best->price, qbid_lanes_top(best->price));
    /* ~place is at most -1, and smaller for a later place; lanes that are not the dearest get the
     * least there is */
    __m256i first =
        _mm256_blendv_epi8(_mm256_set1_epi32(INT32_MIN),
                           _mm256_xor_si256(best->place, _mm256_set1_epi32(-1)), dearest);
    return ~(uint32_t)_mm256_cvtsi256_si32(qbid_lanes_top(first));
}

/* high is that of the span, or known to be of no line item: the loop then has no branch. */
QBID_RANK_AVX2 static inline __attribute__((always_inline)) uint32_t
lanes8_best(const struct qbid_live *live, struct qbid_span span, bool none_high)
{
    struct lanes8 best = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (uint32_t i = 0; i < span.cnt; i += 8) {
        const uint16_t *low = span.line_item_low + i;
        uint32_t high = none_high ? QBID_ROW_NONE_HIGH : qbid_lanes_high(span.high, i);
        __m256i price = qbid_lanes_price(live, low, span.value_micros + i, span.cnt - i, high);
        lanes8_raise(&best, price,
                     _mm256_add_epi32(qbid_lanes_number(), _mm256_set1_epi32((int)i)));
    }
    return lanes8_place(&best);
}

QBID_RANK_AVX2 uint32_t qbid_span_best_avx2(const struct qbid_live *live, QBID_SPAN_ARGUMENTS)
{
    const struct qbid_span span = QBID_SPAN_OF_ARGUMENTS;
    return span.high == QBID_ROW_NONE_HIGH ? lanes8_best(live, span, true)
                                           : lanes8_best(live, span, false);
}

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2")))

AVX512 uint32_t qbid_span_best_avx512(const struct qbid_live *live, QBID_SPAN_ARGUMENTS)
{
    const struct qbid_span span = QBID_SPAN_OF_ARGUMENTS;
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    __m512i price = _mm512_setzero_si512(), place = price;
    for (uint32_t i = 0; i < span.cnt; i += 16) {
        const uint16_t *idx = span.line_item_low + i;
        uint32_t left = span.cnt - i, over = qbid_lanes_high(span.high, i);
        __mmask16 in = (__mmask16)(left < 16 ? (1u << left) - 1 : 0xffffu);
        __m256i low = qbid_lanes_paces(live, idx, over);
        __m256i upper = left > 8 ? qbid_lanes_paces(live, idx + 8, qbid_lanes_high(over, 8))
                                 : _mm256_setzero_si256();
        __m512i pace = _mm512_inserti32x8(_mm512_castsi256_si512(low), upper, 1);
        __m512 product = _mm512_maskz_mul_ps(in, _mm512_maskz_loadu_ps(in, span.value_micros + i),
                                             _mm512_castsi512_ps(pace));
        __m512i new_price = _mm512_mask_andnot_epi32(_mm512_castps_si512(product),
                                                     in & _mm512_movepi32_mask(pace), sign, pace);
        __mmask16 better = _mm512_cmpgt_epi32_mask(new_price, price);
        price = _mm512_max_epi32(price, new_price);
        place =
            _mm512_mask_mov_epi32(place, better, _mm512_add_epi32(lane, _mm512_set1_epi32((int)i)));
    }
    __mmask16 dearest =
        _mm512_cmpeq_epi32_mask(price, _mm512_set1_epi32(_mm512_reduce_max_epi32(price)));
    return _mm512_mask_reduce_min_epu32(dearest, place);
}

#endif
