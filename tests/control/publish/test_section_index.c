/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and rows of random plans, read back key by key: long rows, line items of 17 bits, and
 * contexts that run over the last bucket among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/publish/section_index.h"
#include "tests/control/models/rng.h"

#define CONTEXTS_MAX 600
#define CANDIDATES_MAX (CONTEXTS_MAX * 64 + QBID_ROW_CANDIDATES_MAX)

struct world {
    struct qbid_plan plan;
    struct qbid_plan_context context[CONTEXTS_MAX];
    struct qbid_plan_candidate candidate[CANDIDATES_MAX];
};

static int by_key(const void *a, const void *b)
{
    const struct qbid_plan_context *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Usually short, now and then around the most that a bucket holds, once the longest of all. */
static uint32_t some_cnt(struct rng *r, uint32_t i)
{
    if (i == 7)
        return QBID_ROW_CANDIDATES_MAX;
    if (rng_below(r, 20) == 0)
        return QBID_ROW_NEAR_MAX - 3 + rng_below(r, 7);
    return 1 + rng_below(r, 40);
}

/* A row of line items that lie `step` apart at most, around 65,536 as often as not. */
static void add_context(struct world *w, struct rng *r, uint64_t key)
{
    struct qbid_plan *plan = &w->plan;
    uint32_t i = plan->context_cnt++, cnt = some_cnt(r, i), step = 1 + rng_below(r, 15);
    uint32_t idx = rng_below(r, 2) ? rng_below(r, 1000) : 65536 - rng_below(r, cnt * step + 1);
    w->context[i] = (struct qbid_plan_context){key, plan->candidate_cnt, cnt,
                                               (uint16_t)rng_below(r, QBID_SEGMENTS_MAX)};
    for (uint32_t k = 0; k < cnt; k++, idx += 1 + rng_below(r, step))
        w->candidate[plan->candidate_cnt++] =
            (struct qbid_plan_candidate){idx, (float)rng_uniform(r) * 1e6f};
}

static void fill(struct world *w, struct rng *r, uint32_t contexts)
{
    w->plan = (struct qbid_plan){.contexts = w->context, .candidates = w->candidate};
    for (uint32_t i = 0; i < contexts; i++)
        add_context(w, r, rng_next(r));
    qsort(w->context, contexts, sizeof *w->context, by_key);
}

static void expect_row(const struct world *w, const struct qbid_plan_context *context,
                       const struct qbid_row_ref *row)
{
    assert_int_equal(row->cnt, context->cnt);
    assert_int_equal(row->segment, context->segment);
    for (uint32_t k = 0; k < row->cnt; k++) {
        const struct qbid_plan_candidate *want = &w->candidate[context->first + k];
        assert_int_equal(qbid_row_line_item(row, k), want->line_item_idx);
        assert_true(row->value_micros[k] == want->value_micros);
    }
    for (uint32_t k = row->cnt; k % QBID_ROW_PAD != 0; k++)
        assert_true(row->line_item_low[k] == 0 && row->value_micros[k] == 0);
}

static void *zeroed(size_t bytes)
{
    void *memory = aligned_alloc(QBID_CACHE_LINE, (bytes + QBID_CACHE_LINE - 1) / 64 * 64 + 64);
    assert_non_null(memory);
    memset(memory, 0, bytes);
    return memory;
}

/* Number of candidates in rows behind those of the buckets, and of rows that reach 65,536. */
static void expect_all(struct world *w, struct rng *r, uint32_t *far, uint32_t *high)
{
    struct qbid_section_index index = {0};
    assert_int_equal(qbid_section_index_make(&w->plan, &index), 0);
    struct qbid_index_bucket *bucket = zeroed(index.bucket_cnt * sizeof *bucket);
    struct qbid_row_block *rows = zeroed(index.block_cnt * sizeof *rows);
    qbid_section_index_fill(&index, bucket);
    qbid_section_rows_fill(&index, &w->plan, rows);
    for (uint32_t i = 0; i < w->plan.context_cnt; i++) {
        struct qbid_row_ref row =
            qbid_index_find(bucket, index.bucket_cnt, rows, w->context[i].key);
        expect_row(w, &w->context[i], &row);
        *far += (const void *)row.line_item_low >= (const void *)&rows[index.near_cnt];
        *high += row.high != QBID_ROW_NONE_HIGH;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(qbid_index_find(bucket, index.bucket_cnt, rows, rng_next(r)).cnt, 0);
    qbid_section_index_done(&index);
    free(bucket);
    free(rows);
}

static void every_context_has_its_row_and_no_other_key_has_one(void **state)
{
    struct world *w = *state;
    struct rng r = rng_init(51);
    uint32_t far = 0, high = 0;
    for (int i = 0; i < 40; i++) {
        fill(w, &r, rng_below(&r, i % 4 ? 60 : CONTEXTS_MAX));
        expect_all(w, &r, &far, &high);
    }
    assert_true(far > 20 && high > 200);
}

/* Of so many lines a row is that a nibble holds, and each candidate count its own. */
static void a_row_takes_the_lines_that_its_bytes_need(void **state)
{
    (void)state;
    for (uint32_t cnt = 1; cnt <= QBID_ROW_CANDIDATES_MAX; cnt++) {
        uint32_t bytes = (cnt + 7) / 8 * 8 * 6, lines = qbid_row_lines(cnt);
        assert_int_equal(qbid_row_blocks(cnt, false), (bytes + 63) / 64);
        assert_int_equal(lines, cnt <= QBID_ROW_NEAR_MAX ? (bytes + 16 + 63) / 64 : 1);
        assert_true(lines <= QBID_ROW_LINES_MAX);
    }
    assert_int_equal((QBID_ROW_NEAR_MAX + 8) * 6 + 16 > QBID_ROW_LINES_MAX * 64, 1);
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct world));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_context_has_its_row_and_no_other_key_has_one),
        cmocka_unit_test(a_row_takes_the_lines_that_its_bytes_need),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
