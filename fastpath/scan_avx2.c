/* SPDX-License-Identifier: Apache-2.0 */
/* The AND of eligibility rows with AVX2: four words at a time. */
#include "fastpath/scan.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define LANES 4

_Static_assert(QBID_ELIGIBLE_SINGLES == 6, "and_words() takes six");
_Static_assert(QBID_ELIGIBLE_PAD == LANES - 1, "lists are read in groups of four");

TARGET static inline __m256i load(const uint64_t *row, uint32_t word)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(row + word));
}

TARGET static inline __m256i or_words(const uint64_t *const *row, unsigned cnt, uint32_t word)
{
    __m256i any = _mm256_setzero_si256();
    for (unsigned i = 0; i < cnt; i += 4) {
        __m256i a = _mm256_or_si256(load(row[i], word), load(row[i + 1], word));
        __m256i b = _mm256_or_si256(load(row[i + 2], word), load(row[i + 3], word));
        any = _mm256_or_si256(any, _mm256_or_si256(a, b));
    }
    return any;
}

TARGET static inline __m256i and_words(const struct qbid_eligible *e, uint32_t word)
{
    const uint64_t *const *row = e->single;
    __m256i a = _mm256_and_si256(load(row[0], word), load(row[1], word));
    __m256i b = _mm256_and_si256(load(row[2], word), load(row[3], word));
    __m256i c = _mm256_and_si256(load(row[4], word), load(row[5], word));
    return _mm256_and_si256(a, _mm256_and_si256(b, c));
}

/* Words of a chunk that have a bit, and the first line item of each. */
struct list {
    uint64_t bits[QBID_SCAN_CHUNK + 1];
    uint32_t base[QBID_SCAN_CHUNK + 1];
};

TARGET static inline uint32_t list_word(struct list *list, uint32_t n, uint64_t bits, uint32_t word)
{
    list->bits[n] = bits;
    list->base[n] = word * 64;
    return n + (bits != 0);
}

TARGET static uint32_t list_words(const struct qbid_eligible *e, uint32_t word, uint32_t end,
                                  struct list *ret_list)
{
    uint32_t n = 0;
    for (; word + LANES <= end; word += LANES) {
        uint64_t bits[LANES];
        __m256i slots = or_words(e->slot, e->slot_cnt, word);
        __m256i segments = or_words(e->segment, e->segment_cnt, word);
        __m256i all = _mm256_and_si256(and_words(e, word), _mm256_and_si256(slots, segments));
        _mm256_storeu_si256((__m256i *)(void *)bits, all);
        for (unsigned i = 0; i < LANES; i++)
            n = list_word(ret_list, n, bits[i], word + i);
    }
    for (; word < end; word++)
        n = list_word(ret_list, n, qbid_eligible_word(e, word), word);
    return n;
}

/* Three line items without a branch, right or not, then the rest: few words have more. The first
 * two are made in one word; as three stores the compiler would move them through vector registers.
 */
TARGET static inline uint32_t decode(uint64_t bits, uint32_t base, uint32_t *ret_idx)
{
    uint32_t cnt = (uint32_t)_mm_popcnt_u64(bits), at = 3;
    uint64_t second = _blsr_u64(bits), third = _blsr_u64(second);
    uint64_t two = (_tzcnt_u64(bits) | _tzcnt_u64(second) << 32) + base * UINT64_C(0x100000001);
    memcpy(ret_idx, &two, sizeof two);
    ret_idx[2] = base + (uint32_t)_tzcnt_u64(third);
    for (bits = _blsr_u64(third); bits; bits = _blsr_u64(bits))
        ret_idx[at++] = base + (uint32_t)_tzcnt_u64(bits);
    return cnt;
}

/* The words of a list, as long as any number of bits fits; the rest of them is for the next call.
 */
TARGET static uint32_t decode_list(const struct list *list, uint32_t n, uint32_t cnt,
                                   uint32_t *ret_idx, uint32_t *ret_done)
{
    uint32_t i = 0;
    for (; i < n && cnt <= QBID_SCAN_SPAN - 64; i++)
        cnt += decode(list->bits[i], list->base[i], ret_idx + cnt);
    *ret_done = i;
    return cnt;
}

TARGET uint32_t qbid_scan_avx2(struct qbid_eligible *eligible,
                               uint32_t line_item_idx[QBID_SCAN_SPAN])
{
    struct list list;
    uint32_t cnt = 0, done = 0, n = 0;
    while (done == n && eligible->word < eligible->word_cnt) {
        uint32_t left = eligible->word_cnt - eligible->word;
        uint32_t end = eligible->word + (left < QBID_SCAN_CHUNK ? left : QBID_SCAN_CHUNK);
        n = list_words(eligible, eligible->word, end, &list);
        cnt = decode_list(&list, n, cnt, line_item_idx, &done);
        eligible->word = done == n ? end : list.base[done] / 64;
    }
    return cnt;
}
#endif
