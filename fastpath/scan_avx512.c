/* SPDX-License-Identifier: Apache-2.0 */
/* The AND of eligibility rows with AVX-512: eight words at a time. */
#include "fastpath/scan.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#define TARGET                                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))
#define INLINE TARGET __attribute__((always_inline)) static inline
#define LANES 8
#define ALL_LANES 0xff

/* truth tables of vpternlog */
#define AND3 0x80
#define OR3 0xfe

/* 0, 1, 2 ... 63 */
static const alignas(64) uint8_t byte_places[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

_Static_assert(QBID_ELIGIBLE_SINGLES == 6, "and_words() takes six");
_Static_assert(QBID_ELIGIBLE_PAD == 3, "lists are read in groups of four");

/* Words of a chunk that have a bit, ascending, and their places in the chunk. */
struct list {
    uint64_t bits[QBID_SCAN_CHUNK + LANES];
    uint8_t word[QBID_SCAN_CHUNK + 64];
};
_Static_assert(QBID_SCAN_CHUNK <= 256, "a word of a chunk is a byte");

/* Lanes that the mask leaves out are 0, and nothing is read for them. */
INLINE __m512i load(const uint64_t *row, uint32_t word, __mmask8 lanes)
{
    if (lanes == ALL_LANES)
        return _mm512_loadu_si512(row + word);
    return _mm512_maskz_loadu_epi64(lanes, row + word);
}

/* A group of two rows, and one of four. */
INLINE __m512i or2(const uint64_t *const *row, uint32_t word, __mmask8 lanes)
{
    return _mm512_or_si512(load(row[0], word, lanes), load(row[1], word, lanes));
}

INLINE __m512i or4(const uint64_t *const *row, uint32_t word, __mmask8 lanes)
{
    return _mm512_ternarylogic_epi64(or2(row, word, lanes), load(row[2], word, lanes),
                                     load(row[3], word, lanes), OR3);
}

INLINE __m512i and_words(const uint64_t *const *row, uint32_t word, __mmask8 lanes)
{
    __m512i a = _mm512_ternarylogic_epi64(load(row[0], word, lanes), load(row[1], word, lanes),
                                          load(row[2], word, lanes), AND3);
    return _mm512_ternarylogic_epi64(
        a, load(row[3], word, lanes),
        _mm512_and_si512(load(row[4], word, lanes), load(row[5], word, lanes)), AND3);
}

/* Eight words. Lists of one group, the usual ones, are known to be so when this is compiled. */
INLINE __m512i and_block(const struct qbid_eligible *e, bool short_lists, uint32_t word,
                         __mmask8 lanes)
{
    __m512i slots = or2(e->slot, word, lanes), segments = or4(e->segment, word, lanes);
    for (unsigned i = 2; !short_lists && i < e->slot_cnt; i += 2)
        slots = _mm512_or_si512(slots, or2(e->slot + i, word, lanes));
    for (unsigned i = 4; !short_lists && i < e->segment_cnt; i += 4)
        segments = _mm512_or_si512(segments, or4(e->segment + i, word, lanes));
    return _mm512_ternarylogic_epi64(and_words(e->single, word, lanes), slots, segments, AND3);
}

/* Those of eight words that have a bit, written side by side; returns which they are. Compressed in
 * a register: the form that compresses into memory is microcode on some processors. */
INLINE uint64_t keep_words(__m512i bits, uint64_t *ret_bits)
{
    __mmask8 some = _mm512_test_epi64_mask(bits, bits);
    _mm512_storeu_si512(ret_bits, _mm512_maskz_compress_epi64(some, bits));
    return _cvtmask8_u32(some);
}

/* Up to 64 words; returns which of them have a bit. */
INLINE uint64_t keep_blocks(const struct qbid_eligible *e, bool short_lists, uint32_t word,
                            uint32_t cnt, uint64_t *ret_bits)
{
    uint64_t some = 0;
    uint32_t at = 0;
    for (; at + LANES <= cnt; at += LANES) {
        uint64_t eight = keep_words(and_block(e, short_lists, word + at, ALL_LANES), ret_bits);
        ret_bits += _mm_popcnt_u64(eight);
        some |= eight << at;
    }
    if (at < cnt) {
        __mmask8 lanes = (__mmask8)((1u << (cnt - at)) - 1u);
        some |= keep_words(and_block(e, short_lists, word + at, lanes), ret_bits) << at;
    }
    return some;
}

/* The next cnt words; returns how many of them have a bit. */
INLINE uint32_t list_words(const struct qbid_eligible *e, uint32_t cnt, __m512i places,
                           struct list *ret_list)
{
    bool short_lists = e->slot_cnt <= 2 && e->segment_cnt <= 4;
    uint32_t n = 0;
    for (uint32_t at = 0; at < cnt; at += 64) {
        uint32_t part = cnt - at < 64 ? cnt - at : 64;
        uint64_t *bits = ret_list->bits + n;
        uint64_t some = short_lists ? keep_blocks(e, true, e->word + at, part, bits)
                                    : keep_blocks(e, false, e->word + at, part, bits);
        __m512i word = _mm512_add_epi8(places, _mm512_set1_epi8((char)at));
        _mm512_storeu_si512(ret_list->word + n, _mm512_maskz_compress_epi8(some, word));
        n += (uint32_t)_mm_popcnt_u64(some);
    }
    return n;
}

/* All line items of a word, sixteen at a time. */
INLINE uint32_t decode_word(uint64_t bits, uint32_t base, __m512i places, uint32_t *ret_idx)
{
    uint32_t cnt = (uint32_t)_mm_popcnt_u64(bits);
    __m512i first = _mm512_set1_epi32((int)base);
    __m512i set = _mm512_maskz_compress_epi8(bits, places);
    for (uint32_t at = 0; at < cnt; at += 16) {
        __m512i idx = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set));
        _mm512_storeu_si512(ret_idx + at, _mm512_add_epi32(first, idx));
        set = _mm512_alignr_epi64(set, set, 2);
    }
    return cnt;
}

/* 1023 + place of the lowest bit of each word, 0 where there is none: a power of two as a double is
 * nothing but its exponent. The bit is taken from the word. */
INLINE __m512i take_lowest(__m512i *bits)
{
    __m512i lowest = _mm512_and_si512(*bits, _mm512_sub_epi64(_mm512_setzero_si512(), *bits));
    *bits = _mm512_xor_si512(*bits, lowest);
    return _mm512_srli_epi64(_mm512_castpd_si512(_mm512_cvtepu64_pd(lowest)), 52);
}

INLINE __m512i take_pair(__m512i *bits)
{
    __m512i lower = take_lowest(bits), upper = take_lowest(bits);
    return _mm512_or_si512(lower, _mm512_slli_epi64(upper, 32));
}

/* Those of 16 line items that are there. */
INLINE uint32_t keep_places(__m512i place, __m512i base, uint32_t *ret_idx)
{
    __mmask16 there = _mm512_test_epi32_mask(place, place);
    __m512i idx = _mm512_maskz_compress_epi32(there, _mm512_add_epi32(place, base));
    _mm512_storeu_si512(ret_idx, idx);
    return (uint32_t)_mm_popcnt_u32(there);
}

/* Eight words of at most four line items each, without a branch on how many; UINT32_MAX when one of
 * them has more. first is that of the chunk. */
INLINE uint32_t decode_eight(__m512i bits, __m512i word, uint32_t first, uint32_t *ret_idx)
{
    const __m512i low_words = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i high_words = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    __m512i two = take_pair(&bits), four = take_pair(&bits);
    __m512i base = _mm512_slli_epi64(word, 6);
    base = _mm512_or_si512(base, _mm512_slli_epi64(base, 32));
    base = _mm512_add_epi32(base, _mm512_set1_epi32((int)(first - 1023)));
    uint32_t cnt = keep_places(_mm512_permutex2var_epi64(two, low_words, four),
                               _mm512_permutex2var_epi64(base, low_words, base), ret_idx);
    cnt += keep_places(_mm512_permutex2var_epi64(two, high_words, four),
                       _mm512_permutex2var_epi64(base, high_words, base), ret_idx + cnt);
    return _mm512_test_epi64_mask(bits, bits) ? UINT32_MAX : cnt;
}

/* The words of a list, as long as any number of bits fits; the rest of them is for the next call.
 */
TARGET static uint32_t decode_list(const struct list *list, uint32_t first_word, uint32_t n,
                                   __m512i places, uint32_t cnt, uint32_t *ret_idx,
                                   uint32_t *ret_done)
{
    uint32_t i = 0;
    while (i < n && cnt <= QBID_SCAN_SPAN - 64) {
        uint32_t some = n - i < LANES ? n - i : LANES;
        __mmask8 lanes = (__mmask8)((1u << some) - 1u);
        __m512i bits = _mm512_maskz_loadu_epi64(lanes, list->bits + i);
        __m512i word = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const void *)(list->word + i)));
        uint32_t more = decode_eight(bits, word, first_word * 64, ret_idx + cnt);
        if (more != UINT32_MAX) {
            cnt += more;
            i += some;
            continue;
        }
        for (; some && cnt <= QBID_SCAN_SPAN - 64; some--, i++)
            cnt += decode_word(list->bits[i], (first_word + list->word[i]) * 64, places,
                               ret_idx + cnt);
    }
    *ret_done = i;
    return cnt;
}

TARGET uint32_t qbid_scan_avx512(struct qbid_eligible *eligible,
                                 uint32_t line_item_idx[QBID_SCAN_SPAN])
{
    const __m512i places = _mm512_load_si512(byte_places);
    struct list list;
    uint32_t cnt = 0, done = 0, n = 0;
    while (done == n && eligible->word < eligible->word_cnt) {
        uint32_t left = eligible->word_cnt - eligible->word;
        left = left < QBID_SCAN_CHUNK ? left : QBID_SCAN_CHUNK;
        n = list_words(eligible, left, places, &list);
        cnt = decode_list(&list, eligible->word, n, places, cnt, line_item_idx, &done);
        eligible->word += done == n ? left : list.word[done];
    }
    return cnt;
}
#endif
