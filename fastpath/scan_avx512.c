/* SPDX-License-Identifier: Apache-2.0 */
/* The AND of eligibility rows with AVX-512: eight words at a time. */
#include "fastpath/scan.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET                                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))
#define INLINE TARGET __attribute__((always_inline)) static inline
#define LANES 8
#define ALL_LANES 0xff

/* truth tables of vpternlog */
#define AND3 0x80
#define OR3 0xfe

_Static_assert(QBID_ELIGIBLE_SINGLES == 6, "and_words() takes six");
_Static_assert(QBID_ELIGIBLE_PAD == 3, "lists are read in groups of four");

/* Words of a chunk that have a bit, and the first line item of each. */
struct list {
    uint64_t bits[QBID_SCAN_CHUNK + LANES];
    uint32_t base[QBID_SCAN_CHUNK + LANES];
};

/* Lanes that the mask leaves out are 0, and nothing is read for them. */
INLINE __m512i load(const uint64_t *row, uint32_t word, __mmask8 lanes)
{
    if (lanes == ALL_LANES)
        return _mm512_loadu_si512(row + word);
    return _mm512_maskz_loadu_epi64(lanes, row + word);
}

INLINE __m512i or_words(const uint64_t *const *row, unsigned cnt, uint32_t word, __mmask8 lanes)
{
    __m512i any = _mm512_setzero_si512();
    for (unsigned i = 0; i < cnt; i += 4) {
        __m512i two = _mm512_or_si512(load(row[i + 2], word, lanes), load(row[i + 3], word, lanes));
        any = _mm512_or_si512(any, two);
        any = _mm512_ternarylogic_epi64(any, load(row[i], word, lanes),
                                        load(row[i + 1], word, lanes), OR3);
    }
    return any;
}

INLINE __m512i and_words(const uint64_t *const *row, uint32_t word, __mmask8 lanes)
{
    __m512i a = _mm512_ternarylogic_epi64(load(row[0], word, lanes), load(row[1], word, lanes),
                                          load(row[2], word, lanes), AND3);
    return _mm512_ternarylogic_epi64(
        a, load(row[3], word, lanes),
        _mm512_and_si512(load(row[4], word, lanes), load(row[5], word, lanes)), AND3);
}

/* Eight words; those that have a bit go to the list. */
INLINE uint32_t list_block(const struct qbid_eligible *e, uint32_t word, __mmask8 lanes,
                           struct list *list, uint32_t n)
{
    const __m256i lane_base = _mm256_setr_epi32(0, 64, 128, 192, 256, 320, 384, 448);
    __m512i bits = _mm512_ternarylogic_epi64(
        and_words(e->single, word, lanes), or_words(e->slot, e->slot_cnt, word, lanes),
        or_words(e->segment, e->segment_cnt, word, lanes), AND3);
    __m256i base = _mm256_add_epi32(_mm256_set1_epi32((int)(word * 64)), lane_base);
    __mmask8 some = _mm512_test_epi64_mask(bits, bits);
    /* compressed in a register: the form that compresses into memory is microcode on some */
    _mm512_storeu_si512(list->bits + n, _mm512_maskz_compress_epi64(some, bits));
    _mm256_storeu_si256((__m256i *)(void *)(list->base + n),
                        _mm256_maskz_compress_epi32(some, base));
    return n + (uint32_t)_mm_popcnt_u32(some);
}

TARGET static uint32_t list_words(const struct qbid_eligible *e, uint32_t word, uint32_t end,
                                  struct list *ret_list)
{
    uint32_t n = 0;
    for (; word + LANES <= end; word += LANES)
        n = list_block(e, word, ALL_LANES, ret_list, n);
    if (word < end)
        n = list_block(e, word, (__mmask8)((1u << (end - word)) - 1u), ret_list, n);
    return n;
}

/* Sixteen line items without a branch, right or not, then the rest: few words have more. */
INLINE uint32_t decode(uint64_t bits, uint32_t base, __m512i places, uint32_t *ret_idx)
{
    uint32_t cnt = (uint32_t)_mm_popcnt_u64(bits);
    __m512i first = _mm512_set1_epi32((int)base);
    __m512i set = _mm512_maskz_compress_epi8(bits, places);
    __m512i idx = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set));
    _mm512_storeu_si512(ret_idx, _mm512_add_epi32(first, idx));
    for (uint32_t at = 16; at < cnt; at += 16) {
        set = _mm512_alignr_epi64(set, set, 2);
        idx = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set));
        _mm512_storeu_si512(ret_idx + at, _mm512_add_epi32(first, idx));
    }
    return cnt;
}

TARGET static __m512i byte_places(void)
{
    uint8_t place[64];
    for (unsigned i = 0; i < 64; i++)
        place[i] = (uint8_t)i;
    return _mm512_loadu_si512(place);
}

TARGET uint32_t qbid_scan_avx512(struct qbid_eligible *eligible,
                                 uint32_t line_item_idx[QBID_SCAN_BUFFER])
{
    const __m512i places = byte_places();
    struct list list;
    uint32_t cnt = 0;
    while (eligible->word < eligible->word_cnt) {
        uint32_t left = eligible->word_cnt - eligible->word;
        uint32_t end = eligible->word + (left < QBID_SCAN_CHUNK ? left : QBID_SCAN_CHUNK);
        uint32_t n = list_words(eligible, eligible->word, end, &list);
        for (uint32_t i = 0; i < n; i++) {
            if (cnt > QBID_SCAN_SPAN - 64) {
                eligible->word = list.base[i] / 64;
                return cnt;
            }
            cnt += decode(list.bits[i], list.base[i], places, line_item_idx + cnt);
        }
        eligible->word = end;
    }
    return cnt;
}
#endif
