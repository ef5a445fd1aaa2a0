/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionary, ledger, statistics, generations and learner rows survive a new start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/store/store_db.h"
#include "shm/error.h"
#include "tests/control/store/scratch.h"

static void the_dictionary_keeps_every_index(void **state)
{
    struct scratch *s = *state;
    struct qbid_dictionary *a, *b;
    char text[32];
    assert_int_equal(qbid_dictionary_new(&a), 0);
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "v%u", i);
        qbid_dictionary_add(a, i % 3 == 0 ? QBID_DIM_GEO : QBID_DIM_SITE, text);
    }
    assert_int_equal(qbid_store_save_dictionary(s->store, a, 0), 0);
    uint32_t saved = qbid_dictionary_cnt(a);
    qbid_dictionary_add_hashed(a, QBID_DIM_HOUR, UINT64_C(0xfedcba9876543210), "7");
    assert_int_equal(qbid_store_save_dictionary(s->store, a, saved), 0);
    scratch_reopen(s);
    assert_int_equal(qbid_dictionary_new(&b), 0);
    assert_int_equal(qbid_store_load_dictionary(s->store, b), 0);
    assert_int_equal(qbid_dictionary_cnt(b), qbid_dictionary_cnt(a));
    for (uint32_t i = 0; i < qbid_dictionary_cnt(a); i++) {
        struct qbid_dictionary_entry e = qbid_dictionary_get(a, i);
        assert_int_equal(qbid_dictionary_find(b, e.dim, e.hash), e.index);
        assert_string_equal(qbid_dictionary_text(b, e.dim, e.index), e.text);
    }
    sqlite3_exec(s->store->db, "DELETE FROM dictionary WHERE dim = 'geo' AND idx = 2", NULL, NULL,
                 NULL);
    qbid_dictionary_free(b);
    assert_int_equal(qbid_dictionary_new(&b), 0);
    assert_int_equal(qbid_store_load_dictionary(s->store, b), QBID_ERR_CORRUPT);
    qbid_dictionary_free(a);
    qbid_dictionary_free(b);
}

static int budget_collect(void *context, const struct qbid_store_budget *b)
{
    struct qbid_store_budget *out = context;
    out[b->row.budget_idx] = *b;
    return 0;
}

static void ledger_rows_keep_what_each_write_said(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_budget b[8] = {0};
    const struct qbid_ledger_row rows[] = {{1, 100, 50}, {4, INT64_C(900000000000000000), 7}};
    assert_int_equal(qbid_store_save_ledger(s->store, rows, 2), 0);
    assert_int_equal(qbid_store_save_spent(s->store, 1, 120), 0);
    assert_int_equal(qbid_store_save_day(s->store, 1, 15862, 80), 0);
    assert_int_equal(qbid_store_save_day(s->store, 2, 15863, 0), 0);
    scratch_reopen(s);
    assert_int_equal(qbid_store_load_ledger(s->store, budget_collect, b), 0);
    assert_int_equal(b[1].row.spent_nanos, 120);
    assert_int_equal(b[1].row.exposure_nanos, 50);
    assert_int_equal(b[1].day, 15862);
    assert_int_equal(b[1].day_spent_nanos, 80);
    assert_int_equal(b[2].row.spent_nanos, 0);
    assert_true(b[4].row.spent_nanos == INT64_C(900000000000000000));
    assert_int_equal(b[4].day, -1);
}

static int nonce_collect(void *context, uint64_t nonce)
{
    uint64_t *sum = context;
    sum[0]++;
    sum[1] ^= nonce;
    return 0;
}

static void settled_bills_are_known_until_they_are_too_old(void **state)
{
    struct scratch *s = *state;
    uint64_t seen[2] = {0};
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(qbid_store_add_settled(s->store, UINT64_MAX - i, (int64_t)(100 + i)), 0);
    assert_int_equal(qbid_store_add_settled(s->store, UINT64_MAX, 500), 0); /* a repeat */
    scratch_reopen(s);
    assert_int_equal(qbid_store_load_settled(s->store, nonce_collect, seen), 0);
    assert_int_equal(seen[0], 20);
    assert_int_equal(qbid_store_prune_settled(s->store, 110, 4), 4);
    assert_int_equal(qbid_store_prune_settled(s->store, 110, 100), 6);
    memset(seen, 0, sizeof seen);
    assert_int_equal(qbid_store_load_settled(s->store, nonce_collect, seen), 0);
    uint64_t want = 0;
    for (uint64_t i = 10; i < 20; i++)
        want ^= UINT64_MAX - i;
    assert_int_equal(seen[0], 10);
    assert_true(seen[1] == want);
}

static struct qbid_snapshot *snapshot_new(void)
{
    struct qbid_snapshot_params params = {.context_max = 100, .context_mask = UINT64_MAX >> 2};
    struct qbid_snapshot *snapshot;
    assert_int_equal(qbid_snapshot_new(&params, &snapshot), 0);
    return snapshot;
}

static void outcome_post(struct qbid_snapshot *snapshot, uint32_t line_item, uint64_t context)
{
    struct qbid_outcome o = {.time_ns = 1000000000,
                             .context = context,
                             .bid_nanos = 500,
                             .price_nanos = 400,
                             .line_item_id = line_item,
                             .creative_id = 70,
                             .kind = QBID_EVENT_BILL,
                             .joined = true};
    qbid_snapshot_post(snapshot, &o, 1, 400);
}

struct points {
    int cnt;
    uint64_t bills[8];
    int64_t unix_s[8];
};

static int point_collect(void *context, const struct qbid_store_point *p)
{
    struct points *points = context;
    points->bills[points->cnt] = p->all.bills;
    points->unix_s[points->cnt++] = p->unix_s;
    return 0;
}

static void only_changed_series_are_written_and_all_come_back(void **state)
{
    struct scratch *s = *state;
    struct qbid_snapshot *a = snapshot_new(), *b;
    outcome_post(a, 5, 1);
    outcome_post(a, 6, 2);
    /* campaign 1, line items 5 and 6, creative 70, two contexts */
    assert_int_equal(qbid_store_save_series(s->store, a, 1000), 6);
    assert_int_equal(qbid_store_save_series(s->store, a, 1030), 0);
    outcome_post(a, 5, 1);
    assert_int_equal(qbid_store_save_series(s->store, a, 1060), 4);
    scratch_reopen(s);
    b = snapshot_new();
    assert_int_equal(qbid_store_load_series(s->store, b, 100), 0);
    for (uint32_t kind = QBID_SERIES_CAMPAIGN; kind <= QBID_SERIES_CONTEXT; kind++) {
        struct qbid_series_key key = {.kind = kind,
                                      .id = kind == QBID_SERIES_CAMPAIGN   ? 1
                                            : kind == QBID_SERIES_CREATIVE ? 70
                                                                           : 5,
                                      .context = kind == QBID_SERIES_CONTEXT ? 1 : 0};
        struct qbid_stats x = qbid_snapshot_query(a, key, QBID_WINDOW_ALL, 0);
        struct qbid_stats y = qbid_snapshot_query(b, key, QBID_WINDOW_ALL, 0);
        assert_memory_equal(&x, &y, sizeof x);
        assert_true(x.bills >= 2);
    }
    assert_int_equal(qbid_store_save_series(s->store, b, 1090), 0); /* as stored */
    struct points points = {0};
    struct qbid_series_key key = {.kind = QBID_SERIES_LINE_ITEM, .id = 5};
    assert_int_equal(qbid_store_load_history(s->store, key, 0, point_collect, &points), 0);
    assert_int_equal(points.cnt, 2);
    assert_int_equal(points.bills[0], 1);
    assert_int_equal(points.bills[1], 2);
    assert_int_equal(points.unix_s[1], 1060);
    qbid_snapshot_free(a);
    qbid_snapshot_free(b);
}

static void old_statistics_are_pruned_a_little_at_a_time(void **state)
{
    struct scratch *s = *state;
    struct qbid_snapshot *a = snapshot_new();
    for (int i = 0; i < 5; i++) {
        outcome_post(a, 5, 1);
        assert_int_equal(qbid_store_save_series(s->store, a, 1000 + i), 4);
    }
    assert_int_equal(qbid_store_prune_series(s->store, 1003, 4), 4);
    assert_int_equal(qbid_store_prune_series(s->store, 1003, 100), 5); /* of 3 x 3 rows */
    assert_int_equal(qbid_store_prune_series(s->store, 1003, 100), 0);
    struct points points = {0};
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = 1};
    assert_int_equal(qbid_store_load_history(s->store, key, 0, point_collect, &points), 0);
    assert_int_equal(points.cnt, 2);
    /* the context's total is from 1004: kept; the others always are */
    assert_int_equal(qbid_store_prune_series(s->store, 2000, 100), 7);
    struct qbid_snapshot *b = snapshot_new();
    assert_int_equal(qbid_store_load_series(s->store, b, 100), 0);
    assert_int_equal(qbid_snapshot_query(b, key, QBID_WINDOW_ALL, 0).bills, 5);
    key = (struct qbid_series_key){.kind = QBID_SERIES_CONTEXT, .id = 5, .context = 1};
    assert_int_equal(qbid_snapshot_query(b, key, QBID_WINDOW_ALL, 0).bills, 0);
    qbid_snapshot_free(a);
    qbid_snapshot_free(b);
}

static void campaigns_keep_their_totals_at_the_end_of_each_hour(void **state)
{
    struct scratch *s = *state;
    struct qbid_snapshot *a = snapshot_new();
    for (int64_t unix_s = 7000; unix_s <= 14400; unix_s += 200) { /* 7200 and 10800 among them */
        outcome_post(a, 5, 1);
        assert_true(qbid_store_save_series(s->store, a, unix_s) > 0);
    }
    struct points points = {0};
    assert_int_equal(qbid_store_load_hours(s->store, 1, 0, point_collect, &points), 0);
    assert_int_equal(points.cnt, 3);
    assert_true(points.unix_s[0] == 7200 && points.bills[0] == 2);
    assert_true(points.unix_s[1] == 10800 && points.bills[1] == 20);
    assert_true(points.unix_s[2] == 14400 && points.bills[2] == 38);
    points = (struct points){0};
    assert_int_equal(qbid_store_load_hours(s->store, 1, 10800, point_collect, &points), 0);
    assert_int_equal(points.cnt, 2);
    points = (struct points){0};
    assert_int_equal(qbid_store_load_hours(s->store, 2, 0, point_collect, &points), 0);
    assert_int_equal(points.cnt, 0);
    assert_true(qbid_store_prune_series(s->store, 20000, 10000) > 0); /* they outlive the history */
    assert_int_equal(qbid_store_prune_hours(s->store, 14400, 1), 1);
    assert_int_equal(qbid_store_prune_hours(s->store, 14400, 100), 1);
    assert_int_equal(qbid_store_load_hours(s->store, 1, 0, point_collect, &points), 0);
    assert_int_equal(points.cnt, 1);
    qbid_snapshot_free(a);
}

struct gens {
    int cnt;
    uint64_t gen[16];
    bool held[16];
};

static int gen_collect(void *context, const struct qbid_store_generation *g)
{
    struct gens *gens = context;
    gens->gen[gens->cnt] = g->gen;
    gens->held[gens->cnt++] = g->held;
    assert_int_equal(g->checksum, UINT64_MAX - g->gen);
    assert_string_equal(g->reason, "learn tick");
    return 0;
}

static void old_generations_are_released_and_stay_on_record(void **state)
{
    struct scratch *s = *state;
    for (uint64_t gen = 1; gen <= 10; gen++) {
        struct qbid_store_generation g = {.gen = gen,
                                          .built_unix_ns = gen * 1000,
                                          .bytes = 4096,
                                          .checksum = UINT64_MAX - gen,
                                          .held = true,
                                          .reason = "learn tick"};
        snprintf(g.file, sizeof g.file, "%u.qbi", (unsigned)gen);
        assert_int_equal(qbid_store_add_generation(s->store, &g), 0);
        assert_int_equal(qbid_store_add_generation(s->store, &g), QBID_ERR_STORE); /* once */
    }
    struct gens gone = {0}, all = {0};
    assert_int_equal(qbid_store_release_generations(s->store, 4, gen_collect, &gone), 0);
    assert_int_equal(gone.cnt, 6);
    assert_int_equal(gone.gen[0], 6);
    assert_int_equal(gone.gen[5], 1);
    gone.cnt = 0;
    assert_int_equal(qbid_store_release_generations(s->store, 4, gen_collect, &gone), 0);
    assert_int_equal(gone.cnt, 0);
    assert_int_equal(qbid_store_load_generations(s->store, 16, gen_collect, &all), 0);
    assert_int_equal(all.cnt, 10);
    assert_int_equal(all.gen[0], 10);
    assert_true(all.held[3]);
    assert_false(all.held[4]);
}

static int learner_collect(void *context, uint32_t kind, uint64_t key, const void *data,
                           uint32_t bytes)
{
    char *out = context;
    snprintf(out + strlen(out), 256 - strlen(out), "%u:%llx:%.*s;", kind, (unsigned long long)key,
             (int)bytes, bytes ? (const char *)data : "");
    return 0;
}

static void learner_rows_are_replaced_by_kind_and_key(void **state)
{
    struct scratch *s = *state;
    char out[256] = "";
    assert_int_equal(qbid_store_save_learner(s->store, 1, UINT64_MAX, "one", 3), 0);
    assert_int_equal(qbid_store_save_learner(s->store, 1, 5, "two", 3), 0);
    assert_int_equal(qbid_store_save_learner(s->store, 2, 5, NULL, 0), 0);
    assert_int_equal(qbid_store_save_learner(s->store, 1, 5, "three", 5), 0);
    scratch_reopen(s);
    assert_int_equal(qbid_store_load_learner(s->store, learner_collect, out), 0);
    assert_string_equal(out, "1:ffffffffffffffff:one;1:5:three;2:5:;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_dictionary_keeps_every_index, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(ledger_rows_keep_what_each_write_said, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(settled_bills_are_known_until_they_are_too_old,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(only_changed_series_are_written_and_all_come_back,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(old_statistics_are_pruned_a_little_at_a_time, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(campaigns_keep_their_totals_at_the_end_of_each_hour,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(old_generations_are_released_and_stay_on_record,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(learner_rows_are_replaced_by_kind_and_key, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
