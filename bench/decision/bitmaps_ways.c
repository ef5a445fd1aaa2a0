/* SPDX-License-Identifier: Apache-2.0 */
/* The account of the bitmap benchmark and the ways to go through it. */
#include "bench/decision/bitmaps_ways.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "fastpath/scan.h"
#include "fastpath/source.h"
#include "shm/hash.h"
#include "shm/live.h"

#define ACCOUNTS_MAX 4
#define REQUESTS 16384 /* of the stream, repeated; a power of two */
#define SEGMENTS 3
#define COMPARED 300
#define HUGE_PAGE ((size_t)2 << 20)

/* A request as the stream keeps it: 16 bytes, so that the stream does not push the rows out. */
struct stored {
    uint64_t context;
    uint16_t slot;
    uint16_t segment[SEGMENTS];
};

struct bench_bitmaps {
    struct qbid_image_header header;
    struct qbid_elig_dim dim[QBID_DIM_CNT];
    struct qbid_image image;
    struct qbid_live live;
    struct qbid_pricer pricer;
    struct qbid_request request;
    struct qbid_place place;
    uint64_t at;
    struct stored stored[REQUESTS];
    uint32_t line_item_idx[QBID_SCAN_SPAN];
    uint64_t bitmap[QBID_LINE_ITEMS_MAX / 64 + 8];
};

/* Values of a dimension, unknown included; the percentage of line items that do not target it, and
 * of its values that one which does accepts. */
static const struct {
    uint32_t values, untargeted, accepted;
} shape[QBID_DIM_CNT] = {
    [QBID_DIM_EXCHANGE] = {8, 60, 50}, [QBID_DIM_SLOT] = {20, 0, 20},
    [QBID_DIM_POSITION] = {4, 70, 50}, [QBID_DIM_DEVICE] = {24, 40, 40},
    [QBID_DIM_GEO] = {300, 30, 15},    [QBID_DIM_SITE] = {256, 60, 10},
    [QBID_DIM_SEGMENT] = {64, 30, 8},  [QBID_DIM_HOUR] = {168, 60, 50},
};

static void *memory(size_t bytes)
{
    bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *base = aligned_alloc(HUGE_PAGE, bytes);
    if (!base) {
        fprintf(stderr, "bench: no memory for the bitmaps\n");
        exit(1);
    }
    (void)madvise(base, bytes, MADV_HUGEPAGE);
    memset(base, 0, bytes);
    return base;
}

static uint32_t percent(uint64_t a, uint64_t b, uint64_t c)
{
    return (uint32_t)qbid_mulhi64(qbid_mix64(qbid_mix64(a << 32 | b) + c), 100);
}

static void fill_rows(struct bench_bitmaps *b, uint64_t *elig, uint32_t line_items)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (uint32_t value = 0; value < b->dim[dim].value_cnt; value++) {
            uint64_t *row = elig + (size_t)(b->dim[dim].first_row + value) * b->header.elig_words;
            for (uint32_t i = 0; i < line_items; i++) {
                bool accepts = percent(i, dim, 1000) < shape[dim].untargeted ||
                               percent(i, dim, value) < shape[dim].accepted;
                row[i / 64] |= (uint64_t)accepts << i % 64;
            }
        }
    }
}

static void fill_requests(struct bench_bitmaps *b)
{
    for (uint64_t i = 0; i < REQUESTS; i++) {
        struct stored *s = &b->stored[i];
        uint32_t value[QBID_DIM_CNT];
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
            value[dim] =
                1 + (uint32_t)qbid_mulhi64(qbid_mix64(i << 8 | dim), shape[dim].values - 1);
            s->context = qbid_dim_pack(s->context, dim, value[dim]);
        }
        s->slot = (uint16_t)value[QBID_DIM_SLOT];
        for (unsigned k = 0; k < SEGMENTS; k++)
            s->segment[k] = (uint16_t)(1 + qbid_mulhi64(qbid_mix64(i << 8 | (32 + k)),
                                                        shape[QBID_DIM_SEGMENT].values - 1));
    }
}

static void fill_prices(struct bench_bitmaps *b, struct qbid_line_item *items,
                        struct qbid_summary *summaries, uint32_t line_items)
{
    static const struct qbid_shelf bare = {0};
    struct qbid_live_shape live = {line_items, 1, 1};
    if (qbid_live_format(memory((size_t)qbid_live_footprint(live)), live, 1, &b->live) != 0)
        abort();
    for (uint32_t i = 0; i < line_items; i++) {
        items[i] = (struct qbid_line_item){.id = 1 + i,
                                           .value_micros = 1e5f + 1e4f * (float)percent(i, 99, 1),
                                           .flags = 3,
                                           .targeted = UINT8_MAX};
        qbid_summary_fill(&summaries[i], &items[i], &bare);
        qbid_live_set_pace(&b->live, i, 0.5f + 0.01f * (float)percent(i, 99, 2));
    }
    b->pricer = qbid_pricer_of(&b->live, 1.0f, line_items, (uint8_t)qbid_isa_best());
}

static struct bench_bitmaps *build(uint32_t line_items)
{
    struct bench_bitmaps *b = memory(sizeof *b);
    uint32_t rows = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        b->dim[dim] = (struct qbid_elig_dim){rows, shape[dim].values};
        rows += shape[dim].values;
    }
    b->header.elig_words = (line_items + 63) / 64;
    uint64_t *elig = memory((size_t)rows * b->header.elig_words * sizeof *elig);
    struct qbid_line_item *items = memory(line_items * sizeof *items);
    struct qbid_summary *summaries = memory(line_items * sizeof *summaries);
    fill_rows(b, elig, line_items);
    fill_requests(b);
    fill_prices(b, items, summaries, line_items);
    b->image.header = &b->header;
    b->image.elig_rows = b->dim;
    b->image.elig = elig;
    b->image.line_items = items;
    b->image.summaries = summaries;
    b->image.line_item_cnt = line_items;
    b->request.slot_cnt = 1;
    b->request.segment_cnt = SEGMENTS;
    return b;
}

struct bench_bitmaps *bench_bitmaps_get(uint32_t line_items)
{
    static struct bench_bitmaps *known[ACCOUNTS_MAX];
    for (unsigned i = 0; i < ACCOUNTS_MAX; i++) {
        if (!known[i])
            known[i] = build(line_items);
        if (known[i]->image.line_item_cnt == line_items)
            return known[i];
    }
    abort();
}

static void next_request(struct bench_bitmaps *b)
{
    const struct stored *s = &b->stored[b->at++ & (REQUESTS - 1)];
    b->place.context = s->context;
    b->place.slot_idx[0] = s->slot;
    memcpy(b->place.segment_idx, s->segment, sizeof s->segment);
}

static uint64_t naive(struct bench_bitmaps *b)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < b->image.line_item_cnt; i++) {
        b->line_item_idx[cnt % QBID_SCAN_SPAN] = i;
        cnt += qbid_eligible_test(&b->image, &b->request, &b->place, i) & 1;
    }
    return cnt;
}

static uint64_t words(struct bench_bitmaps *b, struct qbid_eligible *e)
{
    uint32_t cnt = 0;
    for (uint32_t word = 0; word < e->word_cnt; word++) {
        uint64_t bits = qbid_eligible_word(e, word);
        for (; bits; bits &= bits - 1)
            b->line_item_idx[cnt++ % QBID_SCAN_SPAN] = word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return cnt;
}

static uint64_t scan(struct bench_bitmaps *b, struct qbid_eligible *e, enum qbid_isa isa)
{
    uint64_t cnt = 0;
    for (uint32_t n; (n = qbid_scan_next(e, isa, b->line_item_idx)) != 0; cnt += n)
        __asm__ volatile("" : : "r"(b->line_item_idx) : "memory");
    return cnt;
}

static uint64_t best(struct bench_bitmaps *b)
{
    struct qbid_candidate candidate;
    uint32_t seen;
    (void)qbid_source_best(&b->image, &b->request, &b->place, &b->pricer, &candidate, &seen);
    return seen;
}

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx512f")))

/* Whole blocks of 8 words; of a row's last words, which are fewer, nothing. Four sums, so that a
 * load waits for none of them. */
TARGET static uint64_t read_rows(const struct qbid_eligible *e)
{
    __m512i any[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                      _mm512_setzero_si512()};
    for (uint32_t word = 0; word + 8 <= e->word_cnt; word += 8) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < QBID_ELIGIBLE_SINGLES; i++)
            any[i % 3] = _mm512_or_si512(any[i % 3], _mm512_loadu_si512(e->single[i] + word));
#pragma GCC unroll 8
        for (unsigned i = 0; i < SEGMENTS; i++)
            any[i] = _mm512_or_si512(any[i], _mm512_loadu_si512(e->segment[i] + word));
        any[3] = _mm512_or_si512(any[3], _mm512_loadu_si512(e->slot[0] + word));
    }
    any[0] = _mm512_or_si512(_mm512_or_si512(any[0], any[1]), _mm512_or_si512(any[2], any[3]));
    return (uint64_t)_mm512_reduce_or_epi64(any[0]);
}

TARGET static uint64_t bitmap(struct bench_bitmaps *b, const struct qbid_eligible *e)
{
    uint32_t word = 0;
    for (; word + 8 <= e->word_cnt; word += 8) {
        __m512i any = _mm512_setzero_si512(), all = _mm512_loadu_si512(e->slot[0] + word);
#pragma GCC unroll 8
        for (unsigned i = 0; i < QBID_ELIGIBLE_SINGLES; i++)
            all = _mm512_and_si512(all, _mm512_loadu_si512(e->single[i] + word));
#pragma GCC unroll 8
        for (unsigned i = 0; i < SEGMENTS; i++)
            any = _mm512_or_si512(any, _mm512_loadu_si512(e->segment[i] + word));
        _mm512_storeu_si512(b->bitmap + word, _mm512_and_si512(all, any));
    }
    for (; word < e->word_cnt; word++)
        b->bitmap[word] = qbid_eligible_word(e, word);
    return b->bitmap[0];
}
#else
static uint64_t read_rows(const struct qbid_eligible *e)
{
    return e->word;
}

static uint64_t bitmap(struct bench_bitmaps *b, const struct qbid_eligible *e)
{
    return e->word + b->at;
}
#endif

int bench_bitmaps_can(enum bench_bitmaps_way way)
{
    if (way == BENCH_BITMAPS_AVX2)
        return qbid_isa_best() >= QBID_ISA_AVX2;
    if (way == BENCH_BITMAPS_AVX512 || way == BENCH_BITMAPS_READ || way == BENCH_BITMAPS_BITMAP)
        return qbid_isa_best() >= QBID_ISA_AVX512;
    return 1;
}

uint64_t bench_bitmaps_run(struct bench_bitmaps *b, enum bench_bitmaps_way way)
{
    struct qbid_eligible e;
    next_request(b);
    if (way == BENCH_BITMAPS_REQUEST)
        return b->place.context;
    if (way == BENCH_BITMAPS_NAIVE)
        return naive(b);
    if (way == BENCH_BITMAPS_BEST)
        return best(b);
    qbid_eligible_init(&e, &b->image, &b->request, &b->place);
    __asm__ volatile("" : : "r"(&e) : "memory");
    switch (way) {
    case BENCH_BITMAPS_READ:
        return read_rows(&e);
    case BENCH_BITMAPS_BITMAP:
        return bitmap(b, &e);
    case BENCH_BITMAPS_WORDS:
        return words(b, &e);
    case BENCH_BITMAPS_SCALAR:
        return scan(b, &e, QBID_ISA_SCALAR);
    case BENCH_BITMAPS_AVX2:
        return scan(b, &e, QBID_ISA_AVX2);
    case BENCH_BITMAPS_AVX512:
        return scan(b, &e, QBID_ISA_AVX512);
    default:
        return e.word_cnt;
    }
}

/* FNV over what a way left in the buffer: the line items of the last span. */
static uint64_t digest(const struct bench_bitmaps *b, uint64_t cnt)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < cnt && i < QBID_SCAN_SPAN - 64; i++)
        hash = (hash ^ b->line_item_idx[i]) * UINT64_C(0x100000001b3);
    return hash ^ cnt;
}

unsigned bench_bitmaps_compare(struct bench_bitmaps *b, double *ret_share)
{
    static const enum bench_bitmaps_way lists[] = {BENCH_BITMAPS_WORDS, BENCH_BITMAPS_SCALAR,
                                                   BENCH_BITMAPS_AVX2, BENCH_BITMAPS_AVX512};
    uint64_t left = 0;
    for (unsigned i = 0; i < COMPARED; i++) {
        uint64_t at = b->at, cnt = bench_bitmaps_run(b, BENCH_BITMAPS_NAIVE);
        uint64_t want = digest(b, cnt);
        left += cnt;
        for (unsigned k = 0; k < sizeof lists / sizeof *lists; k++) {
            if (!bench_bitmaps_can(lists[k]))
                continue;
            b->at = at;
            cnt = bench_bitmaps_run(b, lists[k]);
            if (cnt < QBID_SCAN_SPAN - 64 && digest(b, cnt) != want) {
                fprintf(stderr, "bench: the ways list different line items\n");
                exit(1);
            }
        }
    }
    *ret_share = (double)left / COMPARED / b->image.line_item_cnt;
    return COMPARED;
}
