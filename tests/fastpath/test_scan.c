/* SPDX-License-Identifier: Apache-2.0 */
/* The scan of eligibility rows against one bit at a time, for each kernel that this processor has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fastpath/scan.h"
#include "tests/control/models/rng.h"
#include "tests/rounds.h"

#define CASES_EACH 50 /* requests to one set of rows */
#define VALUES_MAX 9  /* of a dimension, unknown included */
#define GUARDS 64
#define GUARD UINT32_C(0xdeadbeef)

/* Line items that target every dimension, so that the single test looks at every row. */
static struct qbid_summary items_targeted[QBID_LINE_ITEMS_MAX];

/* Rows as an image has them, in memory of exactly their size, and nothing else of an image. */
struct rows {
    struct qbid_image_header header;
    struct qbid_elig_dim dim[QBID_DIM_CNT];
    uint64_t *elig;
    struct qbid_image image;
};

/* One of 17 densities: 0, 2^-7 .. 1/2 .. 1 - 2^-7, 1. */
static uint64_t word_draw(struct rng *r, unsigned density)
{
    if (density == 0 || density == 16)
        return density ? UINT64_MAX : 0;
    uint64_t word = rng_next(r);
    for (unsigned i = 8; i > density + 1 && density < 8; i--)
        word &= rng_next(r);
    for (unsigned i = 8; i < density; i++)
        word |= rng_next(r);
    return word;
}

static void row_draw(struct rng *r, unsigned density, uint64_t *row, uint32_t words, uint32_t items)
{
    for (uint32_t w = 0; w < words; w++)
        row[w] = word_draw(r, density);
    if (items / 64 < words)
        row[items / 64] &= ~(UINT64_MAX << items % 64);
    for (uint32_t w = items / 64 + 1; w < words; w++)
        row[w] = 0;
}

/* Most rows accept much: 8 of them have to leave something. Some accounts target nothing. */
static unsigned density_draw(struct rng *r, bool untargeted)
{
    if (untargeted)
        return 16;
    return rng_below(r, 4) ? 8 + rng_below(r, 9) : rng_below(r, 17);
}

static void rows_init(struct rows *rows, struct rng *r, uint32_t items)
{
    bool untargeted = rng_below(r, 10) == 0;
    memset(rows, 0, sizeof *rows);
    uint32_t words = (items + 63) / 64 + (rng_below(r, 4) ? 0 : rng_below(r, 10)), cnt = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        rows->dim[dim] = (struct qbid_elig_dim){cnt, 1 + rng_below(r, VALUES_MAX)};
        cnt += rows->dim[dim].value_cnt;
    }
    rows->elig = malloc((size_t)cnt * words * sizeof(uint64_t));
    assert_non_null(rows->elig);
    for (uint32_t i = 0; i < cnt; i++)
        row_draw(r, density_draw(r, untargeted), rows->elig + (size_t)i * words, words, items);
    rows->header.elig_words = words;
    rows->image.header = &rows->header;
    rows->image.summaries = items_targeted;
    rows->image.elig_rows = rows->dim;
    rows->image.elig = rows->elig;
    rows->image.line_item_cnt = items;
}

struct ask {
    struct qbid_request request;
    struct qbid_place place;
};

static void list_draw(struct rng *r, uint32_t value_cnt, unsigned max, uint16_t *ret_value,
                      uint8_t *ret_cnt)
{
    unsigned most = rng_below(r, 3) ? 5 : max;
    *ret_cnt = (uint8_t)rng_below(r, most + 1);
    for (unsigned i = 0; i < *ret_cnt; i++)
        ret_value[i] = (uint16_t)rng_below(r, value_cnt);
}

static void ask_draw(struct rng *r, const struct rows *rows, struct ask *ask)
{
    memset(ask, 0, sizeof *ask);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        uint32_t cnt = rows->dim[dim].value_cnt;
        uint32_t max = qbid_dim_index_max(dim);
        uint32_t value = rng_below(r, cnt - 1 < max ? cnt : max + 1);
        ask->place.context = qbid_dim_pack(ask->place.context, dim, value);
    }
    list_draw(r, rows->dim[QBID_DIM_SLOT].value_cnt, QBID_REQUEST_SLOTS_MAX, ask->place.slot_idx,
              &ask->request.slot_cnt);
    list_draw(r, rows->dim[QBID_DIM_SEGMENT].value_cnt, QBID_REQUEST_SEGMENTS_MAX,
              ask->place.segment_idx, &ask->request.segment_cnt);
}

/* A buffer between guards, each of its own allocation so that the sanitizer sees its ends too. */
struct buffer {
    uint32_t *guarded;
    uint32_t *idx;
};

static void buffer_init(struct buffer *b, unsigned guards)
{
    b->guarded = malloc((guards + QBID_SCAN_SPAN + guards) * sizeof(uint32_t));
    assert_non_null(b->guarded);
    b->idx = b->guarded + guards;
    for (unsigned i = 0; i < guards; i++)
        b->idx[QBID_SCAN_SPAN + i] = b->guarded[i] = GUARD;
}

static void buffer_check(const struct buffer *b, unsigned guards)
{
    for (unsigned i = 0; i < guards; i++) {
        assert_int_equal(b->guarded[i], GUARD);
        assert_int_equal(b->idx[QBID_SCAN_SPAN + i], GUARD);
    }
}

/* Every line item that passes, in order and once, and none besides. */
static uint32_t compare(const struct rows *rows, const struct ask *ask, enum qbid_isa isa,
                        const struct buffer *b, const uint8_t *expected)
{
    struct qbid_eligible e;
    uint32_t next = 0, total = 0;
    qbid_eligible_init(&e, &rows->image, &ask->request, &ask->place);
    for (uint32_t n; (n = qbid_scan_next(&e, isa, b->idx)) != 0; total += n) {
        assert_true(n <= QBID_SCAN_SPAN);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(b->idx[i] < rows->image.line_item_cnt);
            while (next < b->idx[i])
                assert_int_equal(expected[next++], 0);
            assert_int_equal(next, b->idx[i]); /* ascending */
            assert_int_equal(expected[next++], 1);
        }
    }
    while (next < rows->image.line_item_cnt)
        assert_int_equal(expected[next++], 0);
    assert_int_equal(qbid_scan_next(&e, isa, b->idx), 0); /* the end stays the end */
    return total;
}

static uint32_t items_draw(struct rng *r, uint32_t set)
{
    static const uint32_t edge[] = {0,   1,   63,  64,   65,   127,  128,  255,  256,  257,
                                    511, 512, 513, 1000, 1023, 1024, 1025, 2048, 4095, 4097};
    if (set == 3)
        return QBID_LINE_ITEMS_MAX;
    if (set % 100 == 7) /* several chunks */
        return 16384 + rng_below(r, QBID_LINE_ITEMS_MAX - 16384 + 1);
    return set % 2 ? edge[rng_below(r, sizeof edge / sizeof *edge)] : rng_below(r, 1200);
}

static void expect(const struct rows *rows, const struct ask *ask, uint8_t *ret_expected)
{
    for (uint32_t i = 0; i < rows->image.line_item_cnt; i++)
        ret_expected[i] = (uint8_t)qbid_eligible_test(&rows->image, &ask->request, &ask->place, i);
}

/* The reference is computed once for all kernels; one that the processor lacks is said so. */
static void every_kernel_lists_what_the_single_test_accepts(void **state)
{
    (void)state;
    static uint8_t expected[QBID_LINE_ITEMS_MAX];
    struct rng r = rng_init(31);
    struct buffer guarded, tight;
    uint64_t listed = 0, none = 0, all = 0;
    enum qbid_isa best = qbid_isa_best();
    buffer_init(&guarded, GUARDS);
    buffer_init(&tight, 0);
    unsigned cases = (unsigned)rounds(100000, 25000, 4000);
    for (uint32_t set = 0; set < cases / CASES_EACH; set++) {
        struct rows rows;
        rows_init(&rows, &r, items_draw(&r, set));
        for (unsigned i = 0; i < CASES_EACH; i++) {
            struct ask ask;
            ask_draw(&r, &rows, &ask);
            expect(&rows, &ask, expected);
            for (unsigned isa = 0; isa <= best; isa++) {
                uint32_t n = compare(&rows, &ask, isa, i % 2 ? &guarded : &tight, expected);
                buffer_check(&guarded, GUARDS);
                listed += n;
                none += n == 0 && rows.image.line_item_cnt > 1000;
                all += n == rows.image.line_item_cnt && n > 1000;
            }
        }
        free(rows.elig);
    }
    free(guarded.guarded);
    free(tight.guarded);
    for (unsigned isa = 0; isa < QBID_ISA_CNT; isa++)
        print_message("%s: %s\n", qbid_isa_name(isa),
                      isa <= best ? "compared" : "not compared, this processor lacks it");
    print_message("%u requests, %llu line items, %llu times none, %llu times all\n", cases,
                  (unsigned long long)listed, (unsigned long long)none, (unsigned long long)all);
    assert_true(listed > cases && none > cases / 200 && all > cases / 200);
}

/* More line items than a span holds, every one of them eligible: the spans join without a gap. */
static void a_span_that_is_full_goes_on_at_the_word_where_it_ended(void **state)
{
    (void)state;
    static uint64_t elig[QBID_DIM_CNT][QBID_LINE_ITEMS_MAX / 64];
    const struct qbid_image_header header = {.elig_words = QBID_LINE_ITEMS_MAX / 64};
    struct qbid_elig_dim dims[QBID_DIM_CNT];
    const struct qbid_image image = {.header = &header, .elig_rows = dims, .elig = elig[0]};
    const struct ask ask = {.request.slot_cnt = 1};
    struct buffer b;
    memset(elig, 0xff, sizeof elig);
    for (uint32_t dim = 0; dim < QBID_DIM_CNT; dim++)
        dims[dim] = (struct qbid_elig_dim){dim, 1};
    buffer_init(&b, GUARDS);
    for (unsigned isa = 0; isa <= qbid_isa_best(); isa++) {
        struct qbid_eligible e;
        uint32_t next = 0;
        qbid_eligible_init(&e, &image, &ask.request, &ask.place);
        for (uint32_t n; (n = qbid_scan_next(&e, isa, b.idx)) != 0;) {
            assert_int_equal(n, QBID_SCAN_SPAN);
            for (uint32_t i = 0; i < n; i++)
                assert_int_equal(b.idx[i], next++);
        }
        assert_int_equal(next, QBID_LINE_ITEMS_MAX);
        buffer_check(&b, GUARDS);
    }
    free(b.guarded);
}

int main(void)
{
    for (uint32_t i = 0; i < QBID_LINE_ITEMS_MAX; i++)
        items_targeted[i].targeted = UINT8_MAX;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_lists_what_the_single_test_accepts),
        cmocka_unit_test(a_span_that_is_full_goes_on_at_the_word_where_it_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
