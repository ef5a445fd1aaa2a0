/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts in the store: what goes in comes out, indices stay, every change is on record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/import/import.h"
#include "control/config/yaml.h"
#include "control/store/store_db.h"
#include "shm/error.h"
#include "tests/control/store/scratch.h"

static const struct qbid_store_limits limits = {8, 8};
static const struct qbid_store_cause cause = {UINT64_C(1370476800000000000), "uid 7", "a test"};

/* Import a text over what is stored, and apply it. */
static int apply(struct qbid_store *store, const char *text, bool prune)
{
    struct qbid_problems problems = {.file = "a"};
    struct qbid_account current, next;
    struct qbid_diff diff;
    assert_int_equal(qbid_store_load_account(store, &current), 0);
    struct qbid_import_params params = {&current, 1370476800, prune, NULL};
    if (qbid_account_import(text, strlen(text), &params, &problems, &next) != 0)
        fail_msg("%s", problems.problem[0].text);
    assert_int_equal(qbid_diff_new(&current, &next, &diff), 0);
    int err = qbid_store_apply(store, &diff, &next, &limits, &cause);
    qbid_diff_done(&diff);
    qbid_account_done(&current);
    if (!err) { /* what was given out in memory is what is stored */
        struct qbid_account stored;
        assert_int_equal(qbid_store_load_account(store, &stored), 0);
        assert_int_equal(qbid_diff_new(&stored, &next, &diff), 0);
        assert_int_equal(diff.change_cnt, 0);
        assert_int_equal(stored.line_item_max, next.line_item_max);
        for (uint32_t i = 0; i < stored.campaign_cnt; i++)
            assert_int_equal(stored.campaigns[i].budget_idx, next.campaigns[i].budget_idx);
        for (uint32_t i = 0; i < stored.line_item_cnt; i++)
            assert_int_equal(stored.line_items[i].idx, next.line_items[i].idx);
        qbid_diff_done(&diff);
        qbid_account_done(&stored);
    }
    qbid_account_done(&next);
    return err;
}

static void the_example_account_comes_back_as_it_went_in(void **state)
{
    struct scratch *s = *state;
    struct qbid_account none, before, after;
    struct qbid_problems problems = {.file = "e"};
    struct qbid_diff diff;
    char *text;
    size_t len;
    assert_int_equal(qbid_store_load_account(s->store, &none), 0);
    assert_int_equal(none.campaign_cnt + none.line_item_cnt + none.creative_cnt, 0);
    assert_int_equal(qbid_yaml_read_file("control/account/example.yaml", &text, &len), 0);
    memcpy(&none.currency, "USD", 4);
    struct qbid_import_params params = {&none, 1370476800, false, NULL};
    assert_int_equal(qbid_account_import(text, len, &params, &problems, &before), 0);
    free(text);
    assert_int_equal(qbid_diff_new(&none, &before, &diff), 0);
    assert_int_equal(qbid_store_apply(s->store, &diff, &before, &limits, &cause), 0);
    qbid_diff_done(&diff);
    scratch_reopen(s);
    assert_int_equal(qbid_store_load_account(s->store, &after), 0);
    assert_int_equal(after.creative_cnt, 3);
    assert_int_equal(qbid_diff_new(&before, &after, &diff), 0);
    assert_int_equal(diff.change_cnt, 0);
    assert_int_equal(diff.unchanged, 7);
    assert_null(after.line_items[0].deal);
    assert_int_equal(after.line_items[0].target[QBID_DIM_EXCHANGE].cnt, 2);
    assert_int_equal(after.campaigns[0].tenant_id, 1);
    qbid_diff_done(&diff);
    qbid_account_done(&before);
    qbid_account_done(&after);
}

#define CAMPAIGN(id, more) "{id: " #id ", budget: 1, end: +1h, goal: max_clicks" more "}"
#define LINE_ITEM(id) "{id: " #id ", ceiling: 1, adomain: a.b}"

/* A file as the schema before caps and hours left it. */
static void an_older_file_gets_the_new_columns(void **state)
{
    struct scratch *s = *state;
    struct qbid_account a;
    struct qbid_store_params params = {.path = s->path};
    char why[QBID_STORE_WHY_MAX];
    sqlite3 *db;
    qbid_store_free(s->store);
    s->store = NULL;
    unlink(s->path);
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    for (int step = 0; step < 3; step++)
        for (int part = 0; part < QBID_STORE_PARTS && qbid_store_migrations[step][part]; part++)
            assert_int_equal(sqlite3_exec(db, qbid_store_migrations[step][part], NULL, NULL, NULL),
                             SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "PRAGMA user_version = 3;"
                     "INSERT INTO campaigns VALUES(5, 1, 0, 'old', 7000000000, 'total',"
                     " 100, 200, 'target_cpc', 400000, 'even', 1);",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    if (qbid_store_new(&params, &s->store, why) != 0)
        fail_msg("%s", why);
    assert_int_equal(qbid_store_load_account(s->store, &a), 0);
    assert_int_equal(a.campaign_cnt, 1);
    const struct qbid_campaign_def *c = &a.campaigns[0];
    assert_int_equal(c->goal, QBID_GOAL_TARGET_CPC);
    assert_int_equal(c->target_micros, 400000);
    for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++)
        assert_int_equal(c->cap_micros[cap], 0);
    assert_int_equal(c->spend_floor_nanos, 0);
    assert_true(c->max_change == 0);
    assert_string_equal(c->hours, "");
    assert_string_equal(c->time_zone, "");
    qbid_account_done(&a);
    /* and takes what is new */
    assert_int_equal(apply(s->store,
                           "campaigns: [{id: 5, cap_cpa: 9.5, max_change: 0.25, hours: mon 8-20, "
                           "time_zone: UTC, goal: max_clicks}]",
                           false),
                     0);
    scratch_reopen(s);
    assert_int_equal(qbid_store_load_account(s->store, &a), 0);
    assert_int_equal(a.campaigns[0].cap_micros[QBID_CAP_CPA], 9500000);
    assert_true(a.campaigns[0].max_change == 0.25);
    assert_string_equal(a.campaigns[0].hours, "mon 8-20");
    assert_string_equal(a.campaigns[0].time_zone, "UTC");
    qbid_account_done(&a);
}

struct samples {
    uint32_t cnt;
    struct qbid_speed_sample sample[16];
};

static void sample_take(void *context, struct qbid_speed_sample sample)
{
    struct samples *samples = context;
    assert_true(samples->cnt < 16);
    samples->sample[samples->cnt++] = sample;
}

/* A file of the schema before overrides. */
static void a_file_before_overrides_gets_them(void **state)
{
    struct scratch *s = *state;
    struct qbid_account a;
    struct qbid_store_params params = {.path = s->path};
    char why[QBID_STORE_WHY_MAX];
    sqlite3 *db;
    qbid_store_free(s->store);
    s->store = NULL;
    unlink(s->path);
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    for (int step = 0; step < 5; step++)
        for (int part = 0; part < QBID_STORE_PARTS && qbid_store_migrations[step][part]; part++)
            assert_int_equal(sqlite3_exec(db, qbid_store_migrations[step][part], NULL, NULL, NULL),
                             SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "PRAGMA user_version = 5;"
            "INSERT INTO campaigns(id, tenant, budget_idx, name, budget_nanos, period, "
            "start_unix_s, end_unix_s, goal, target_micros, pacing, active) "
            "VALUES(5, 1, 0, 'old', 7000000000, 'total', 100, 200, 'max_clicks', 0, "
            "'even', 1);"
            "INSERT INTO line_items(id, campaign, idx, name, floor_micros, "
            "ceiling_micros, order_value_micros, deal, adomain, categories, prior_ctr, "
            "prior_cvr, active) VALUES(50, 5, 0, '', 0, 1, 0, '', 'a.b', '', 0.1, 0.1, 1);",
            NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    if (qbid_store_new(&params, &s->store, why) != 0)
        fail_msg("%s", why);
    assert_int_equal(qbid_store_load_account(s->store, &a), 0);
    assert_string_equal(a.campaigns[0].override, "");
    assert_string_equal(a.line_items[0].override, "");
    qbid_account_done(&a);
    assert_int_equal(apply(s->store,
                           "campaigns: [{id: 5, override: {multiplier: 2, until: +1h, why: a}, "
                           "line_items: [{id: 50, override: {fixed: 2.5, until: +2h, why: b}}]}]",
                           false),
                     0);
    scratch_reopen(s);
    assert_int_equal(qbid_store_load_account(s->store, &a), 0);
    assert_string_equal(a.campaigns[0].override, "x2 until 2013-06-06T01:00:00Z: a");
    assert_string_equal(a.line_items[0].override, "fixed 2.5 until 2013-06-06T02:00:00Z: b");
    assert_string_equal(a.campaigns[0].velocity, ""); /* of the schemas after it */
    assert_string_equal(a.campaigns[0].triggers, "");
    struct samples samples = {0};
    for (int64_t t = 100; t < 110; t++)
        assert_int_equal(
            qbid_store_save_speed(s->store, 3, (struct qbid_speed_sample){t, 10 * t}, 105), 0);
    assert_int_equal(qbid_store_save_speed(s->store, 4, (struct qbid_speed_sample){200, 1}, 105),
                     0);
    scratch_reopen(s);
    assert_int_equal(qbid_store_load_speed(s->store, 3, sample_take, &samples), 0);
    assert_int_equal(samples.cnt, 5);
    assert_int_equal(samples.sample[0].unix_s, 105);
    assert_int_equal(samples.sample[4].spent_nanos, 1090);
    qbid_account_done(&a);
}

static void indices_are_given_once_and_stay(void **state)
{
    struct scratch *s = *state;
    struct qbid_account a;
    assert_int_equal(
        apply(s->store, "campaigns: [" CAMPAIGN(20, ", line_items: [" LINE_ITEM(9) "]") "]", false),
        0);
    assert_int_equal(
        apply(s->store, "campaigns: [" CAMPAIGN(10, ", line_items: [" LINE_ITEM(3) "]") "]", true),
        0); /* 20 and 9 become inactive, their indices are not free */
    assert_int_equal(
        apply(s->store, "campaigns: [" CAMPAIGN(15, ", line_items: [" LINE_ITEM(5) "]") "]", false),
        0);
    assert_int_equal(qbid_store_load_account(s->store, &a), 0);
    assert_int_equal(qbid_account_campaign(&a, 20)->budget_idx, 0);
    assert_int_equal(qbid_account_campaign(&a, 10)->budget_idx, 1);
    assert_int_equal(qbid_account_campaign(&a, 15)->budget_idx, 2);
    assert_int_equal(qbid_account_line_item(&a, 9)->idx, 0);
    assert_int_equal(qbid_account_line_item(&a, 3)->idx, 1);
    assert_int_equal(qbid_account_line_item(&a, 5)->idx, 2);
    assert_int_equal(a.line_item_max, 3);
    assert_false(qbid_account_campaign(&a, 20)->active);
    qbid_account_done(&a);
}

static void over_capacity_nothing_is_written(void **state)
{
    struct scratch *s = *state;
    struct qbid_account a;
    uint64_t records;
    assert_int_equal(apply(s->store,
                           "campaigns: [" CAMPAIGN(1, ) "," CAMPAIGN(2, ) "," CAMPAIGN(
                               3, ) "," CAMPAIGN(4, ) "," CAMPAIGN(5, ) "," CAMPAIGN(6, ) "]",
                           false),
                     0);
    assert_int_equal(apply(s->store,
                           "campaigns: [" CAMPAIGN(7, ) "," CAMPAIGN(8, ) "," CAMPAIGN(9, ) "]",
                           false),
                     QBID_ERR_LIMIT);
    assert_non_null(strstr(qbid_store_why(s->store), "capacity is 8"));
    assert_int_equal(qbid_store_load_account(s->store, &a), 0);
    assert_int_equal(a.campaign_cnt, 6);
    qbid_account_done(&a);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &records), 0);
    assert_int_equal(records, 6);
}

static int first_record(void *context, const struct qbid_store_record *r)
{
    char *out = context;
    snprintf(out, 256, "%s|%s|%s|%s|%s", r->actor, r->what, r->why, r->before, r->after);
    return 1; /* enough */
}

static int64_t count(struct qbid_store *store, const char *sql)
{
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

static void every_change_is_on_record_with_before_and_after(void **state)
{
    struct scratch *s = *state;
    char text[256];
    assert_int_equal(apply(s->store, "campaigns: [" CAMPAIGN(1, ) "]", false), 0);
    assert_int_equal(apply(s->store, "campaigns: [{id: 1, budget: 2.5, pacing: asap}]", false), 0);
    assert_int_equal(qbid_store_load_audit(s->store, 10, first_record, text), 1);
    assert_string_equal(text, "uid 7|campaign 1 changed|a test|budget=1\npacing=even|"
                              "budget=2.5\npacing=asap");
    assert_int_equal(apply(s->store, "campaigns: [{id: 1}]", false), 0); /* nothing differs */
    assert_int_equal(count(s->store, "SELECT COUNT(*) FROM audit"), 2);
    assert_int_equal(count(s->store, "SELECT COUNT(*) FROM targets WHERE campaign = 1"), 2);
    assert_int_equal(count(s->store, "SELECT budget_nanos FROM targets ORDER BY id DESC"),
                     INT64_C(2500000000));
}

static void a_damaged_row_is_reported_not_believed(void **state)
{
    struct scratch *s = *state;
    struct qbid_account a;
    assert_int_equal(apply(s->store, "campaigns: [" CAMPAIGN(1, ) "]", false), 0);
    assert_int_equal(
        sqlite3_exec(s->store->db, "UPDATE campaigns SET goal = 'luck'", NULL, NULL, NULL), 0);
    assert_int_equal(qbid_store_load_account(s->store, &a), QBID_ERR_CORRUPT);
    assert_int_equal(
        sqlite3_exec(s->store->db, "UPDATE campaigns SET goal = 'max_clicks'", NULL, NULL, NULL),
        0);
    assert_int_equal(qbid_store_load_account(s->store, &a), 0);
    qbid_account_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_example_account_comes_back_as_it_went_in, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(an_older_file_gets_the_new_columns, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_file_before_overrides_gets_them, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(indices_are_given_once_and_stay, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(over_capacity_nothing_is_written, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(every_change_is_on_record_with_before_and_after,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_row_is_reported_not_believed, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
