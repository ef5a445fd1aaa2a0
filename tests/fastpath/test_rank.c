/* SPDX-License-Identifier: Apache-2.0 */
/* The order of candidates against a plain sort. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fastpath/rank.h"
#include "tests/control/models/rng.h"

#define ITEMS 1000
#define FIRST (65536 - ITEMS / 2) /* half of them are line items of 17 bits */

/* A live page of its arrays only. */
static _Atomic uint32_t pace_words[FIRST + ITEMS];
static const struct qbid_live live = {.pace = pace_words,
                                      .shape = {.line_item_max = FIRST + ITEMS}};
static struct qbid_pricer pricers[1 + QBID_ISA_CNT]; /* checked, then each kernel that runs here */
static unsigned pricer_cnt;

static int make_pricers(void **state)
{
    (void)state;
    pricers[pricer_cnt++] = (struct qbid_pricer){&live, 1.0f, false, QBID_ISA_SCALAR, 0};
    for (uint8_t isa = 0; isa < QBID_ISA_CNT; isa++) {
        if (isa <= qbid_isa_best())
            pricers[pricer_cnt++] = (struct qbid_pricer){&live, 1.0f, true, isa, 0};
        else
            print_message("%s: not on this processor\n", qbid_isa_name(isa));
    }
    return 0;
}

struct plain {
    float price;
    uint32_t idx;
};

static int dearer_first(const void *left, const void *right)
{
    const struct plain *a = left, *b = right;
    if (a->price != b->price)
        return a->price > b->price ? -1 : 1;
    return (a->idx > b->idx) - (a->idx < b->idx);
}

static int lower_first(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Candidates as a row has them, in memory that the next call takes again. */
static struct qbid_span span_of(const uint32_t *idx, const float *value, uint32_t cnt)
{
    static uint16_t low[ITEMS + QBID_SPAN_PAD];
    uint32_t high = QBID_ROW_NONE_HIGH;
    memset(low, 0, sizeof low);
    for (uint32_t i = cnt; i-- > 0;) {
        low[i] = (uint16_t)(idx[i] % 65536);
        high = idx[i] >= 65536 ? i : high;
    }
    return (struct qbid_span){low, value, cnt, high};
}

/* Random candidates with ties, zeros and prices that are no numbers; *ret_sorted holds those that
 * are worth something. */
static uint32_t draw(struct rng *r, uint32_t cnt, uint32_t *idx, float *value,
                     struct plain *ret_sorted)
{
    static const float odd[] = {NAN, -1, INFINITY, 0, -0.0f, 3e38f, -3.5f, -INFINITY, -NAN};
    uint32_t worthy = 0, first = rng_below(r, ITEMS);
    for (uint32_t i = 0; i < cnt; i++) /* 7 and 1,000 have no common divisor: all differ */
        idx[i] = FIRST + (first + i * 7) % ITEMS;
    qsort(idx, cnt, sizeof *idx, lower_first);
    for (uint32_t i = 0; i < cnt; i++) {
        value[i] = (float)rng_below(r, 6) + (rng_below(r, 3) ? 0.0f : (float)rng_uniform(r));
        float pace = rng_below(r, 8) ? 1.0f : odd[rng_below(r, sizeof odd / sizeof *odd)];
        qbid_live_set_pace(&live, idx[i], pace);
        float price = pace < 0 ? -pace : value[i] * pace;
        if (isfinite(price) && price > 0)
            ret_sorted[worthy++] = (struct plain){price, idx[i]};
    }
    qsort(ret_sorted, worthy, sizeof *ret_sorted, dearer_first);
    return worthy;
}

static void the_best_of_a_span_is_the_first_of_the_sorted_list(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    static uint32_t idx[ITEMS + QBID_SPAN_PAD];
    static float value[ITEMS + QBID_SPAN_PAD];
    static struct plain sorted[ITEMS];
    for (int round = 0; round < 40000; round++) {
        const struct qbid_pricer *pricer = &pricers[(unsigned)round % pricer_cnt];
        uint32_t cnt = rng_below(&r, round % 100 ? 40 : ITEMS + 1);
        uint32_t worthy = draw(&r, cnt, idx, value, sorted);
        struct qbid_candidate best = {0};
        uint32_t half = cnt / 2; /* in two spans, as bitmaps give them */
        qbid_span_best(pricer, span_of(idx, value, half), &best);
        qbid_span_best(pricer, span_of(idx + half, value + half, cnt - half), &best);
        assert_int_equal(best.rank == 0, worthy == 0);
        if (worthy == 0)
            continue;
        assert_int_equal(qbid_candidate_line_item(&best), sorted[0].idx);
        assert_true(qbid_candidate_price(&best) == sorted[0].price);
        assert_true((best.pace < 0 ? -best.pace : best.value_micros * best.pace) ==
                    sorted[0].price);
    }
}

static void the_shortlist_is_the_head_of_the_sorted_list(void **state)
{
    (void)state;
    struct rng r = rng_init(2);
    static uint32_t idx[ITEMS + QBID_SPAN_PAD];
    static float value[ITEMS + QBID_SPAN_PAD];
    static struct plain sorted[ITEMS];
    for (int round = 0; round < 5000; round++) {
        uint32_t cnt = rng_below(&r, round % 10 ? 150 : ITEMS + 1);
        uint32_t worthy = draw(&r, cnt, idx, value, sorted);
        uint32_t except = worthy ? sorted[0].idx : UINT32_MAX;
        uint32_t want = worthy ? worthy - 1 : 0;
        struct qbid_shortlist list = {.cnt = 0};
        qbid_shortlist_add_span(&list, &pricers[(unsigned)round % pricer_cnt],
                                span_of(idx, value, cnt), except);
        qbid_shortlist_sort(&list);
        assert_int_equal(list.cnt, want < QBID_TRACE_MAX ? want : QBID_TRACE_MAX);
        for (uint32_t i = 0; i < list.cnt; i++) {
            assert_int_equal(qbid_candidate_line_item(&list.candidate[i]), sorted[i + 1].idx);
            assert_true(qbid_candidate_price(&list.candidate[i]) == sorted[i + 1].price);
        }
    }
}

static void a_scale_multiplies_every_pace(void **state)
{
    (void)state;
    const struct qbid_pricer half = {&live, 0.5f, false, QBID_ISA_SCALAR, 0};
    const uint32_t idx[] = {0, 1};
    const float value[] = {2, 4};
    struct qbid_candidate best = {0};
    qbid_live_set_pace(&live, 0, 1.5f);
    qbid_live_set_pace(&live, 1, 0.5f);
    qbid_span_best(&half, span_of(idx, value, 2), &best);
    assert_int_equal(qbid_candidate_line_item(&best), 0);
    assert_true(best.pace == 0.75f && qbid_candidate_price(&best) == 1.5f);
}

static void a_live_page_without_a_line_item_or_a_scale_needs_the_checked_way(void **state)
{
    (void)state;
    assert_true(qbid_pricer_of(&live, 1.0f, FIRST + ITEMS, QBID_ISA_SCALAR).plain);
    assert_false(qbid_pricer_of(&live, 1.0f, FIRST + ITEMS + 1, QBID_ISA_SCALAR).plain);
    assert_false(qbid_pricer_of(&live, 0.5f, FIRST + ITEMS, QBID_ISA_SCALAR).plain);
}

static void the_highest_line_item_and_the_largest_price_fit_a_rank(void **state)
{
    (void)state;
    struct qbid_candidate c = {.rank = qbid_candidate_rank(3.4028234e38f, 1, UINT32_MAX - 1)};
    assert_int_equal(qbid_candidate_line_item(&c), UINT32_MAX - 1);
    assert_true(qbid_candidate_price(&c) == 3.4028234e38f);
    assert_true(qbid_candidate_rank(1e-45f, 1, 0) > 0);
    assert_true(qbid_candidate_rank(1, 1, 4) > qbid_candidate_rank(1, 1, 5));
    assert_true(qbid_candidate_rank(1.0000001f, 1, 5) > qbid_candidate_rank(1, 1, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_of_a_span_is_the_first_of_the_sorted_list),
        cmocka_unit_test(the_shortlist_is_the_head_of_the_sorted_list),
        cmocka_unit_test(a_scale_multiplies_every_pace),
        cmocka_unit_test(a_live_page_without_a_line_item_or_a_scale_needs_the_checked_way),
        cmocka_unit_test(the_highest_line_item_and_the_largest_price_fit_a_rank),
    };
    return cmocka_run_group_tests(tests, make_pricers, NULL);
}
