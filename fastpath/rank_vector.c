/* SPDX-License-Identifier: Apache-2.0 */
/* The best candidate of a span with vector instructions. The loads of the paces are the limit, four
 * for each nanosecond, so AVX-512 gains nothing over AVX2 in short rows and little in long ones. */
#include "fastpath/rank.h"

#if defined(__x86_64__)

/* The best so far in each of eight lanes: price bits, line item, place in the span. */
struct lanes8 {
    __m256i price, item, place;
};

QBID_RANK_AVX2 static inline void lanes8_raise(struct lanes8 *best, __m256i price, __m256i item,
                                               __m256i place)
{
    __m256i tie = _mm256_and_si256(_mm256_cmpeq_epi32(price, best->price),
                                   _mm256_cmpgt_epi32(best->item, item));
    __m256i better = _mm256_or_si256(_mm256_cmpgt_epi32(price, best->price), tie);
    best->price = _mm256_blendv_epi8(best->price, price, better);
    best->item = _mm256_blendv_epi8(best->item, item, better);
    best->place = _mm256_blendv_epi8(best->place, place, better);
}

QBID_RANK_AVX2 static inline uint32_t lanes8_place(const struct lanes8 *best)
{
    const __m256i ones = _mm256_set1_epi32(-1);
    __m256i dearest = _mm256_cmpeq_epi32(best->price, qbid_lanes_top(best->price));
    /* ~item is at most -1, and smaller for a higher item; lanes that are not the dearest get the
     * least there is */
    __m256i lowest = _mm256_blendv_epi8(_mm256_set1_epi32(INT32_MIN),
                                        _mm256_xor_si256(best->item, ones), dearest);
    __m256i winner = _mm256_cmpeq_epi32(lowest, qbid_lanes_top(lowest));
    return (uint32_t)_mm256_cvtsi256_si32(qbid_lanes_top(_mm256_and_si256(best->place, winner)));
}

/* high is that of the span, or known to be of no line item: the loop then has no branch. */
QBID_RANK_AVX2 static inline __attribute__((always_inline)) uint32_t
lanes8_best(const struct qbid_live *live, struct qbid_span span, bool none_high)
{
    struct lanes8 best = {_mm256_setzero_si256(), _mm256_set1_epi32(INT32_MAX),
                          _mm256_setzero_si256()};
    for (uint32_t i = 0; i < span.cnt; i += 8) {
        const uint16_t *low = span.line_item_low + i;
        uint32_t high = none_high ? QBID_ROW_NONE_HIGH : qbid_lanes_high(span.high, i);
        __m256i price = qbid_lanes_price(live, low, span.value_micros + i, span.cnt - i, high);
        lanes8_raise(&best, price, qbid_lanes_items(low, high),
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
    __m512i price = _mm512_setzero_si512(), place = price, item = _mm512_set1_epi32(INT32_MAX);
    for (uint32_t i = 0; i < span.cnt; i += 16) {
        const uint16_t *idx = span.line_item_low + i;
        uint32_t left = span.cnt - i, over = qbid_lanes_high(span.high, i);
        __mmask16 in = (__mmask16)(left < 16 ? (1u << left) - 1 : 0xffffu);
        __m256i low = qbid_lanes_paces(live, idx, over);
        __m256i upper = left > 8 ? qbid_lanes_paces(live, idx + 8, qbid_lanes_high(over, 8))
                                 : _mm256_setzero_si256();
        __m512i pace = _mm512_inserti32x8(_mm512_castsi256_si512(low), upper, 1);
        __m512i new_item = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(in, idx));
        __mmask16 above = _mm512_cmpge_epi32_mask(lane, _mm512_set1_epi32((int)over));
        new_item = _mm512_mask_or_epi32(new_item, above, new_item, _mm512_set1_epi32(1 << 16));
        __m512 product = _mm512_maskz_mul_ps(in, _mm512_maskz_loadu_ps(in, span.value_micros + i),
                                             _mm512_castsi512_ps(pace));
        __m512i new_price = _mm512_mask_andnot_epi32(_mm512_castps_si512(product),
                                                     in & _mm512_movepi32_mask(pace), sign, pace);
        __mmask16 tie =
            _mm512_mask_cmplt_epi32_mask(_mm512_cmpeq_epi32_mask(new_price, price), new_item, item);
        __mmask16 better = _kor_mask16(_mm512_cmpgt_epi32_mask(new_price, price), tie);
        price = _mm512_mask_mov_epi32(price, better, new_price);
        item = _mm512_mask_mov_epi32(item, better, new_item);
        place =
            _mm512_mask_mov_epi32(place, better, _mm512_add_epi32(lane, _mm512_set1_epi32((int)i)));
    }
    __mmask16 dearest =
        _mm512_cmpeq_epi32_mask(price, _mm512_set1_epi32(_mm512_reduce_max_epi32(price)));
    int lowest = _mm512_mask_reduce_min_epi32(dearest, item);
    __mmask16 winner = _mm512_mask_cmpeq_epi32_mask(dearest, item, _mm512_set1_epi32(lowest));
    return _mm512_mask_reduce_max_epu32(winner, place);
}

#endif
