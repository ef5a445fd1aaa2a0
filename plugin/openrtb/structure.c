/* SPDX-License-Identifier: Apache-2.0 */
/* Masks of 64 characters at a time, with AVX-512, AVX2 or by a table, and from them where tokens
 * start. */
#include "plugin/openrtb/structure.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "plugin/text.h"
#include "shm/error.h"

#define BLOCK 64
#define FIRST_PUT 12
#define NEXT_PUT 4
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Of 64 characters, the first lowest. Quotes are all of them, escaped or not. */
struct masks {
    uint64_t quote, mark, blank; /* marks are brackets, commas and colons */
    uint64_t backslash, control; /* zero unless rare */
    bool rare;                   /* a backslash, a control character, or one that is not ASCII */
    bool wide;                   /* the last */
};

/* What blocks with something rare leave behind. */
struct rare {
    uint64_t escaped; /* 1: the next character is */
    uint32_t escape;  /* the first backslash */
    uint32_t wide;    /* the first block with characters that are not ASCII */
};

/* What a block leaves to the next. */
struct walk {
    uint32_t *to;    /* the next entry */
    uint32_t at;     /* the block's first character */
    uint64_t inside; /* all ones: a string goes on */
    uint64_t scalar; /* 1: the last character may have been a number's or a word's */
    uint64_t bad;    /* control characters in strings */
};

/* --- what does not depend on the instructions */

/* Characters behind a backslash that is itself not escaped. */
static uint64_t find_escaped(uint64_t backslash, uint64_t *escaped)
{
    uint64_t all = *escaped;
    *escaped = 0;
    backslash &= ~all;
    while (backslash != 0) {
        uint64_t first = backslash & (0 - backslash);
        all |= first << 1;
        *escaped = first >> (BLOCK - 1);
        backslash &= ~(first | first << 1);
    }
    return all;
}

/* The block at `at` has something rare, or its first character is escaped: returns those that are.
 */
static __attribute__((noinline)) uint64_t note_rare(struct rare *rare, uint32_t at,
                                                    uint64_t backslash, bool wide)
{
    if (backslash != 0 && rare->escape == UINT32_MAX)
        rare->escape = at + (uint32_t)__builtin_ctzll(backslash);
    if (wide && rare->wide == UINT32_MAX)
        rare->wide = at;
    return find_escaped(backslash, &rare->escaped);
}

/* Quotes that open or close a string. */
ALWAYS_INLINE uint64_t real_quotes(struct rare *rare, uint32_t at, const struct masks *m)
{
    if (__builtin_expect(!m->rare && rare->escaped == 0, 1))
        return m->quote;
    return m->quote & ~note_rare(rare, at, m->backslash, m->wide);
}

/* Where tokens start, by quotes that are real and the running parity of these: a string's closing
 * quote does not lie inside. */
ALWAYS_INLINE uint64_t find_starts(struct walk *walk, const struct masks *m, uint64_t quote,
                                   uint64_t parity)
{
    uint64_t inside = parity ^ walk->inside;
    uint64_t scalar = ~(m->blank | m->mark | quote | inside);
    uint64_t behind_scalar = scalar << 1 | walk->scalar;
    walk->bad |= m->control & inside;
    walk->inside = 0 - (inside >> (BLOCK - 1));
    walk->scalar = scalar >> (BLOCK - 1);
    return (quote & inside) | (m->mark & ~inside) | (scalar & ~behind_scalar);
}

static const struct rare nothing_rare = {.escape = UINT32_MAX, .wide = UINT32_MAX};

static int finish(struct walk walk, struct rare rare, const char *text, size_t len,
                  const uint32_t *starts, struct qbid_structure *ret)
{
    *walk.to = (uint32_t)len;
    ret->cnt = (uint32_t)(walk.to - starts);
    ret->escape = rare.escape < len ? rare.escape : (uint32_t)len;
    if (walk.inside != 0 || walk.bad != 0)
        return QBID_ERR_PARSE;
    bool sound = rare.wide == UINT32_MAX || qbid_text_utf8_valid(text + rare.wide, len - rare.wide);
    return sound ? 0 : QBID_ERR_PARSE;
}

/* The text from `at` on as a block: what the last one lacks are blanks. */
ALWAYS_INLINE const char *block_at(char *last, const char *text, size_t at, size_t len)
{
    if (__builtin_expect(len - at >= BLOCK, 1))
        return text + at;
    memset(last, ' ', BLOCK);
    memcpy(last, text + at, len - at);
    return last;
}

/* --- by a table */

enum { CLASS_QUOTE = 1, CLASS_MARK = 2, CLASS_BLANK = 4, CLASS_BACKSLASH = 8, CLASS_CONTROL = 16 };

static unsigned class_of(unsigned char c)
{
    static const uint8_t of[256] = {
        ['"'] = CLASS_QUOTE,  ['{'] = CLASS_MARK,   ['}'] = CLASS_MARK,   ['['] = CLASS_MARK,
        [']'] = CLASS_MARK,   [','] = CLASS_MARK,   [':'] = CLASS_MARK,   [' '] = CLASS_BLANK,
        ['\t'] = CLASS_BLANK, ['\n'] = CLASS_BLANK, ['\r'] = CLASS_BLANK, ['\\'] = CLASS_BACKSLASH,
    };
    return c < ' ' ? of[c] | CLASS_CONTROL : of[c];
}

static struct masks masks_scalar(const char *at)
{
    struct masks m = {0};
    for (unsigned i = 0; i < BLOCK; i++) {
        unsigned char c = (unsigned char)at[i];
        unsigned class = class_of(c);
        m.quote |= (uint64_t)(class / CLASS_QUOTE & 1u) << i;
        m.mark |= (uint64_t)(class / CLASS_MARK & 1u) << i;
        m.blank |= (uint64_t)(class / CLASS_BLANK & 1u) << i;
        m.backslash |= (uint64_t)(class / CLASS_BACKSLASH & 1u) << i;
        m.control |= (uint64_t)(class / CLASS_CONTROL & 1u) << i;
        m.wide |= c >= 0x80;
    }
    m.rare = (m.backslash | m.control) != 0 || m.wide;
    return m;
}

/* A bit is the sum of those up to it. */
static uint64_t parity_scalar(uint64_t bits)
{
    for (unsigned step = 1; step < BLOCK; step *= 2)
        bits ^= bits << step;
    return bits;
}

static void note_scalar(struct walk *walk, struct rare *rare, const char *block)
{
    const struct masks m = masks_scalar(block);
    uint64_t quote = real_quotes(rare, walk->at, &m);
    uint64_t starts = find_starts(walk, &m, quote, parity_scalar(quote));
    for (; starts != 0; starts &= starts - 1)
        *walk->to++ = walk->at + (uint32_t)__builtin_ctzll(starts);
    walk->at += BLOCK;
}

static int find_scalar(const char *text, size_t len, uint32_t *starts, struct qbid_structure *ret)
{
    struct walk walk = {.to = starts};
    struct rare rare = nothing_rare;
    char last[BLOCK];
    while (walk.at < len)
        note_scalar(&walk, &rare, block_at(last, text, walk.at, len));
    return finish(walk, rare, text, len, starts, ret);
}

/* --- with AVX2 */

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,pclmul,tune=znver2")))
#define AVX2_INLINE AVX2 ALWAYS_INLINE

AVX2_INLINE uint64_t mask_of(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

AVX2_INLINE __m256i each(char c)
{
    return _mm256_set1_epi8(c);
}

AVX2_INLINE __m256i equals(__m256i chars, char c)
{
    return _mm256_cmpeq_epi8(chars, each(c));
}

AVX2_INLINE __m256i controls_of(__m256i chars)
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(chars, each(0x1f)), chars);
}

/* Brackets, commas and colons; of the control characters maybe wrong ones. A table that a
 * character's low four bits look up holds, at its own place, each of them with 0x20, which makes
 * the brackets of arrays those of objects; other entries have other low bits than their place. */
AVX2_INLINE __m256i marks_of(__m256i chars)
{
    const __m256i entries = _mm256_setr_epi8(
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0, /* for either half */
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0);
    return _mm256_cmpeq_epi8(_mm256_or_si256(chars, each(0x20)),
                             _mm256_shuffle_epi8(entries, chars));
}

AVX2_INLINE __m256i blanks_of(__m256i chars)
{
    return _mm256_or_si256(equals(chars, '\n'),
                           _mm256_or_si256(equals(chars, '\t'), equals(chars, '\r')));
}

/* Not zero where the block has anything rare: by their signs, control characters and those that
 * are not ASCII come before the space. */
AVX2_INLINE int any_rare(__m256i low, __m256i high)
{
    __m256i backslash = _mm256_or_si256(equals(low, '\\'), equals(high, '\\'));
    __m256i before_space = _mm256_cmpgt_epi8(each(' '), _mm256_min_epi8(low, high));
    return _mm256_movemask_epi8(_mm256_or_si256(backslash, before_space));
}

AVX2_INLINE void add_rare(struct masks *m, __m256i low, __m256i high)
{
    m->rare = true;
    m->backslash = mask_of(equals(low, '\\'), equals(high, '\\'));
    m->control = mask_of(controls_of(low), controls_of(high));
    m->blank |= mask_of(blanks_of(low), blanks_of(high));
    m->mark &= ~m->control;
    m->wide = _mm256_movemask_epi8(_mm256_or_si256(low, high)) != 0;
}

AVX2_INLINE struct masks masks_avx2(const char *at)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(at + BLOCK / 2));
    struct masks m = {.quote = mask_of(equals(low, '"'), equals(high, '"')),
                      .mark = mask_of(marks_of(low), marks_of(high)),
                      .blank = mask_of(equals(low, ' '), equals(high, ' '))};
    if (__builtin_expect(any_rare(low, high) != 0, 0))
        add_rare(&m, low, high);
    return m;
}

/* A product without carries by all ones. */
AVX2_INLINE uint64_t parity_avx2(uint64_t bits)
{
    __m128i word = _mm_set_epi64x(0, (int64_t)bits);
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(word, _mm_set1_epi8(-1), 0));
}

/* Entries of so many bits, of which there may be fewer: where none is left, 64 is counted. */
AVX2_INLINE uint64_t put_some(uint32_t *to, unsigned cnt, uint32_t at, uint64_t starts)
{
    for (unsigned i = 0; i < cnt; i++) {
        to[i] = at + (uint32_t)_tzcnt_u64(starts);
        starts = _blsr_u64(starts);
    }
    return starts;
}

/* The tokens of the block at `at`; returns where the next entry goes. Many at once, whether or not
 * there are so many: a branch for each would often be foreseen wrongly. */
AVX2_INLINE uint32_t *put_avx2(uint32_t *to, uint32_t at, uint64_t starts)
{
    unsigned cnt = (unsigned)__builtin_popcountll(starts);
    starts = put_some(to, FIRST_PUT, at, starts);
    for (unsigned put = FIRST_PUT; put < cnt; put += NEXT_PUT)
        starts = put_some(to + put, NEXT_PUT, at, starts);
    return to + cnt;
}

AVX2_INLINE uint64_t note_avx2(struct walk *walk, struct rare *rare, const char *block)
{
    const struct masks m = masks_avx2(block);
    uint64_t quote = real_quotes(rare, walk->at, &m);
    return find_starts(walk, &m, quote, parity_avx2(quote));
}

/* Each block's tokens are put while the masks of the next are made, which do not wait for them: a
 * quarter less time. */
AVX2 static int find_avx2(const char *text, size_t len, uint32_t *starts,
                          struct qbid_structure *ret)
{
    struct walk walk = {.to = starts};
    struct rare rare = nothing_rare;
    char last[BLOCK];
    uint64_t before = 0; /* the tokens of the block before */
    for (; walk.at < len; walk.at += BLOCK) {
        uint64_t found = note_avx2(&walk, &rare, block_at(last, text, walk.at, len));
        walk.to = put_avx2(walk.to, walk.at - BLOCK, before);
        before = found;
    }
    walk.to = put_avx2(walk.to, walk.at - BLOCK, before);
    return finish(walk, rare, text, len, starts, ret);
}

/* --- with AVX-512, which makes masks by itself and moves the numbers of the bits together */

#define LANE 16 /* entries that are written at once */

#define AVX512                                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi,bmi2,popcnt,pclmul," \
                          "tune=icelake-server")))
#define AVX512_INLINE AVX512 ALWAYS_INLINE

AVX512_INLINE uint64_t equals_512(__m512i chars, char c)
{
    return _mm512_cmpeq_epi8_mask(chars, _mm512_set1_epi8(c));
}

/* As marks_of(). */
AVX512_INLINE uint64_t marks_512(__m512i chars)
{
    const __m512i entries = _mm512_broadcast_i32x4(
        _mm_setr_epi8(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
    return _mm512_cmpeq_epi8_mask(_mm512_or_si512(chars, _mm512_set1_epi8(0x20)),
                                  _mm512_shuffle_epi8(entries, chars));
}

AVX512_INLINE void add_rare_512(struct masks *m, __m512i chars)
{
    m->rare = true;
    m->backslash = equals_512(chars, '\\');
    m->control = _mm512_cmple_epu8_mask(chars, _mm512_set1_epi8(0x1f));
    m->blank |= equals_512(chars, '\n') | equals_512(chars, '\t') | equals_512(chars, '\r');
    m->mark &= ~m->control;
    m->wide = _mm512_movepi8_mask(chars) != 0;
}

AVX512_INLINE struct masks masks_512(__m512i chars)
{
    struct masks m = {
        .quote = equals_512(chars, '"'), .mark = marks_512(chars), .blank = equals_512(chars, ' ')};
    __mmask64 before_space = _mm512_cmplt_epi8_mask(chars, _mm512_set1_epi8(' '));
    __mmask64 backslash = equals_512(chars, '\\');
    if (__builtin_expect((before_space | backslash) != 0, 0))
        add_rare_512(&m, chars);
    return m;
}

/* Sixteen places within a block as entries. */
AVX512_INLINE void put_lane(uint32_t *to, __m512i block, __m128i places)
{
    _mm512_storeu_si512(to, _mm512_add_epi32(block, _mm512_cvtepu8_epi32(places)));
}

/* The tokens of the block at `at`; returns where the next entry goes. Most blocks have up to 32: as
 * many are written without asking. */
AVX512_INLINE uint32_t *put_512(uint32_t *to, uint32_t at, uint64_t starts)
{
    const __m512i each = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    unsigned cnt = (unsigned)__builtin_popcountll(starts);
    __m512i places = _mm512_maskz_compress_epi8(starts, each);
    __m512i block = _mm512_set1_epi32((int)at);
    put_lane(to, block, _mm512_castsi512_si128(places));
    put_lane(to + LANE, block, _mm512_extracti32x4_epi32(places, 1));
    if (__builtin_expect(cnt > 2 * LANE, 0)) {
        put_lane(to + 2 * LANE, block, _mm512_extracti32x4_epi32(places, 2));
        put_lane(to + 3 * LANE, block, _mm512_extracti32x4_epi32(places, 3));
    }
    return to + cnt;
}

/* The text from `at` on: what the last block lacks are blanks. */
AVX512_INLINE __m512i load_512(const char *text, size_t at, size_t len)
{
    if (__builtin_expect(len - at >= BLOCK, 1))
        return _mm512_loadu_si512(text + at);
    return _mm512_mask_loadu_epi8(_mm512_set1_epi8(' '),
                                  _bzhi_u64(~UINT64_C(0), (unsigned)(len - at)), text + at);
}

AVX512 static int find_512(const char *text, size_t len, uint32_t *starts,
                           struct qbid_structure *ret)
{
    struct walk walk = {.to = starts};
    struct rare rare = nothing_rare;
    for (; walk.at < len; walk.at += BLOCK) {
        const struct masks m = masks_512(load_512(text, walk.at, len));
        uint64_t quote = real_quotes(&rare, walk.at, &m);
        walk.to = put_512(walk.to, walk.at, find_starts(&walk, &m, quote, parity_avx2(quote)));
    }
    return finish(walk, rare, text, len, starts, ret);
}

#endif

int qbid_structure_find(enum qbid_isa isa, const char *text, size_t len, uint32_t *ret_start,
                        struct qbid_structure *ret)
{
#if defined(__x86_64__)
    if (isa >= QBID_ISA_AVX512)
        return find_512(text, len, ret_start, ret);
    if (isa >= QBID_ISA_AVX2)
        return find_avx2(text, len, ret_start, ret);
#endif
    (void)isa;
    return find_scalar(text, len, ret_start, ret);
}
