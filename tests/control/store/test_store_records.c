/* SPDX-License-Identifier: Apache-2.0 */
/* What optimization leaves behind, in the store: rules and firings, models, runs, insights,
 * creatives by the day, allocations; files of every earlier schema get the tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/import/import.h"
#include "control/store/store_attribution.h"
#include "control/store/store_db.h"
#include "control/store/store_overlaps.h"
#include "control/store/store_records.h"
#include "control/store/store_rules.h"
#include "shm/error.h"
#include "tests/control/store/scratch.h"

#define DAY_S INT64_C(86400)
#define NOW_S INT64_C(1790000000)

static const struct qbid_store_limits limits = {8, 8};

static void account_apply(struct qbid_store *store, const char *text)
{
    const struct qbid_store_cause cause = {UINT64_C(1000000000) * NOW_S, "uid 7", "a test"};
    struct qbid_problems problems = {.file = "a"};
    struct qbid_account current, next;
    struct qbid_diff diff;
    assert_int_equal(qbid_store_load_account(store, &current), 0);
    struct qbid_import_params params = {&current, NOW_S, false, NULL};
    if (qbid_account_import(text, strlen(text), &params, &problems, &next) != 0)
        fail_msg("%s", problems.problem[0].text);
    assert_int_equal(qbid_diff_new(&current, &next, &diff), 0);
    assert_int_equal(qbid_store_apply(store, &diff, &next, &limits, &cause), 0);
    qbid_diff_done(&diff);
    qbid_account_done(&current);
    qbid_account_done(&next);
}

static const char two_tenants[] =
    "campaigns: [{id: 1, tenant: 1, budget: 100, end: +9d, goal: max_clicks, line_items: [{id: 10, "
    "ceiling: 1, adomain: a.b, creatives: [{id: 100, size: 300x250, landing: 'https://a.b/', "
    "markup: x}]}]}, {id: 2, tenant: 2, budget: 50, end: +9d, goal: max_clicks, line_items: [{id: "
    "20, ceiling: 1, adomain: a.b, creatives: [{id: 200, size: 300x250, landing: 'https://a.b/', "
    "markup: x}]}]}]";

/* --- migrations */

static int schema_add(void *context, int cnt, char **value, char **name)
{
    char *text = context;
    (void)name;
    assert_int_equal(cnt, 1);
    assert_true(strlen(text) + strlen(value[0] ? value[0] : "-") + 2 < 65536);
    strcat(strcat(text, value[0] ? value[0] : "-"), "\n");
    return 0;
}

static void schema_read(sqlite3 *db, char text[65536])
{
    text[0] = '\0';
    assert_int_equal(sqlite3_exec(db, "SELECT sql FROM sqlite_master ORDER BY type, name",
                                  schema_add, text, NULL),
                     SQLITE_OK);
}

/* A file as version `steps` left it, with a campaign, its creative, and what that has done. */
static void older_make(const char *path, int steps)
{
    char sql[256];
    sqlite3 *db;
    unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL),
                     SQLITE_OK);
    for (int step = 0; step < steps; step++)
        for (int part = 0; part < QBID_STORE_PARTS && qbid_store_migrations[step][part]; part++)
            assert_int_equal(sqlite3_exec(db, qbid_store_migrations[step][part], NULL, NULL, NULL),
                             SQLITE_OK);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d; COMMIT", steps);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    if (steps > 0)
        assert_int_equal(
            sqlite3_exec(
                db,
                "INSERT INTO campaigns(id, tenant, budget_idx, name, budget_nanos, period,"
                " start_unix_s, end_unix_s, goal, target_micros, pacing, active)"
                " VALUES(5, 3, 0, 'old', 7, 'total', 1, 2, 'max_clicks', 0, 'even', 1);"
                "INSERT INTO line_items(id, campaign, idx, name, floor_micros, ceiling_micros,"
                " order_value_micros, deal, adomain, categories, prior_ctr, prior_cvr, active)"
                " VALUES(50, 5, 0, '', 0, 1, 0, '', 'a.b', '', 0.1, 0.1, 1);"
                "INSERT INTO creatives(id, line_item, name, format, width, height, secure,"
                " markup, landing, crid, active)"
                " VALUES(500, 50, '', 'banner', 1, 1, 1, 'm', 'l', 'c', 1);"
                "INSERT INTO totals(kind, id, context, unix_s, bids, wins, losses, bills, imps,"
                " clicks, convs, spend_nanos, bid_nanos, value_nanos)"
                " VALUES(3, 500, 0, 864000, 9, 8, 0, 8, 8, 4, 2, 70, 90, 60);",
                NULL, NULL, NULL),
            SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int day_take(void *context, const struct qbid_store_creative_day *day)
{
    struct qbid_store_creative_day *last = context;
    *last = *day;
    return 0;
}

static void files_of_every_earlier_schema_become_this_one(void **state)
{
    static char fresh[65536], migrated[65536];
    struct scratch *s = *state;
    schema_read(s->store->db, fresh);
    assert_non_null(strstr(fresh, "optimization_run_rows"));
    for (int steps = 0; steps < QBID_STORE_SCHEMA; steps++) {
        struct qbid_store_creative_day day = {0};
        struct qbid_account account;
        qbid_store_free(s->store);
        s->store = NULL;
        older_make(s->path, steps);
        assert_int_equal(scratch_open(s), 0);
        schema_read(s->store->db, migrated);
        assert_string_equal(migrated, fresh);
        assert_int_equal(qbid_store_load_account(s->store, &account), 0);
        assert_int_equal(account.campaign_cnt, steps > 0);
        qbid_account_done(&account);
        if (steps == 0 || steps > 10)
            continue; /* nothing was done before there were days */
        /* what the creative had done before is of no day; the first day after counts its own */
        struct qbid_snapshot *snapshot;
        struct qbid_snapshot_params params = {4, 0};
        struct qbid_series_key key = {.kind = QBID_SERIES_CREATIVE, .id = 500};
        struct qbid_stats all = {.bids = 12,
                                 .wins = 11,
                                 .bills = 11,
                                 .imps = 11,
                                 .clicks = 5,
                                 .convs = 2,
                                 .views = 7,
                                 .starts = 6,
                                 .completes = 4,
                                 .spend_nanos = 100,
                                 .bid_nanos = 120,
                                 .value_nanos = 60};
        assert_int_equal(qbid_snapshot_new(&params, &snapshot), 0);
        assert_int_equal(qbid_snapshot_restore(snapshot, key, &all), 0);
        assert_true(qbid_store_save_series(s->store, snapshot, 864000 + 100) > 0);
        assert_int_equal(qbid_store_load_creative_days(s->store, 0, 0, day_take, &day), 0);
        assert_true(day.tenant == 3 && day.campaign == 5 && day.line_item == 50 &&
                    day.creative == 500 && day.day == 10);
        assert_true(day.stats.imps == 3 && day.stats.clicks == 1 && day.stats.spend_nanos == 30);
        assert_true(day.stats.views == 7 && day.stats.starts == 6 && day.stats.completes == 4);
        qbid_snapshot_free(snapshot);
    }
}

/* --- rules */

struct rules {
    int cnt;
    uint32_t version;
    char state[16], text[64];
};

static int rule_take(void *context, const struct qbid_store_rule *rule)
{
    struct rules *rules = context;
    rules->cnt++;
    rules->version = rule->version;
    snprintf(rules->state, sizeof rules->state, "%s", rule->state);
    snprintf(rules->text, sizeof rules->text, "%s", rule->condition);
    return 0;
}

static struct rules rules_load(struct qbid_store *store, const char *name, bool all)
{
    struct rules rules = {0};
    assert_int_equal(qbid_store_load_rules(store, name, all, rule_take, &rules), 0);
    return rules;
}

static int record_take(void *context, const struct qbid_store_record *record)
{
    snprintf(context, 512, "%s|%s|%s", record->what, record->before, record->after);
    return 0;
}

static void a_rule_keeps_its_versions_and_its_record(void **state)
{
    struct scratch *s = *state;
    char record[512];
    uint32_t version;
    struct qbid_store_rule rule = {.name = "low-ctr",
                                   .tenant = 1,
                                   .unix_ns = 5,
                                   .actor = "uid 7",
                                   .why = "w",
                                   .every = "1h",
                                   .condition = "ctr < 1",
                                   .action = "pause",
                                   .confidence = 0.95,
                                   .mode = "dry_run",
                                   .state = "on"};
    assert_int_equal(qbid_store_add_rule(s->store, &rule, &version), 0);
    assert_int_equal(version, 1);
    rule.condition = "ctr < 2";
    assert_int_equal(qbid_store_add_rule(s->store, &rule, &version), 0);
    assert_int_equal(version, 2);
    scratch_reopen(s);
    struct rules in_force = rules_load(s->store, "", false);
    assert_true(in_force.cnt == 1 && in_force.version == 2);
    assert_string_equal(in_force.text, "ctr < 2");
    assert_int_equal(rules_load(s->store, "low-ctr", true).cnt, 2);
    assert_int_equal(rules_load(s->store, "other", true).cnt, 0);
    assert_int_equal(qbid_store_load_audit(s->store, 1, record_take, record), 0);
    assert_string_equal(record, "rule low-ctr|on=tenant 1\nwhen=1h\nif=ctr < 1\nthen=pause\n"
                                "confidence=0.95\nmode=dry_run\nstate=on|on=tenant 1\nwhen=1h\n"
                                "if=ctr < 2\nthen=pause\nconfidence=0.95\nmode=dry_run\nstate=on");
    /* another tenant neither sees it nor takes its name */
    qbid_store_scope(s->store, 2);
    assert_int_equal(rules_load(s->store, "", true).cnt, 0);
    rule.tenant = 2;
    assert_int_equal(qbid_store_add_rule(s->store, &rule, &version), QBID_ERR_STORE);
    assert_string_equal(qbid_store_why(s->store), "another tenant has a rule of that name");
    qbid_store_scope(s->store, 0);
    rule.tenant = 1, rule.state = "removed";
    assert_int_equal(qbid_store_add_rule(s->store, &rule, &version), 0);
    assert_int_equal(rules_load(s->store, "", false).cnt, 0);
    assert_int_equal(rules_load(s->store, "", true).cnt, 3);
    uint64_t id;
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
}

static int firing_take(void *context, const struct qbid_store_firing *firing)
{
    ++*(int *)context;
    assert_string_equal(firing->status, "");
    return 0;
}

static int firings_cnt(struct qbid_store *store, const char *rule, uint32_t campaign, int64_t from)
{
    int cnt = 0;
    assert_int_equal(qbid_store_load_firings(store, rule, campaign, from, 100, firing_take, &cnt),
                     0);
    return cnt;
}

static void a_rule_fires_once_a_time_and_campaign(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_firing firing = {.tenant = 1,
                                       .rule = "a",
                                       .version = 1,
                                       .campaign = 1,
                                       .unix_s = NOW_S,
                                       .change = -0.1,
                                       .outcome = "dry_run",
                                       .text = "t"};
    assert_int_equal(qbid_store_add_firing(s->store, &firing), 0);
    assert_int_equal(qbid_store_add_firing(s->store, &firing), 0);
    firing.campaign = 2;
    assert_int_equal(qbid_store_add_firing(s->store, &firing), 0);
    firing.unix_s += 3600;
    assert_int_equal(qbid_store_add_firing(s->store, &firing), 0);
    assert_int_equal(firings_cnt(s->store, "", 0, 0), 3);
    assert_int_equal(firings_cnt(s->store, "a", 2, 0), 2);
    assert_int_equal(firings_cnt(s->store, "a", 2, NOW_S + 1), 1);
    assert_int_equal(firings_cnt(s->store, "b", 0, 0), 0);
    qbid_store_scope(s->store, 2);
    assert_int_equal(firings_cnt(s->store, "", 0, 0), 0);
    firing.unix_s++;
    assert_int_equal(qbid_store_add_firing(s->store, &firing), QBID_ERR_STORE);
    qbid_store_scope(s->store, 0);
    assert_int_equal(qbid_store_prune_records(s->store, 0, NOW_S + 1, 100), 2);
    assert_int_equal(firings_cnt(s->store, "", 0, 0), 1);
}

/* --- records */

static int model_take(void *context, const struct qbid_store_model *model)
{
    struct qbid_store_model *last = context; /* the latest comes first */
    if (last->version < model->version)
        *last = *model;
    last->successes += 1000;
    return 0;
}

static void models_have_versions_by_rate(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_model model = {.tenant = 1,
                                     .campaign = 1,
                                     .rate = "ctr",
                                     .unix_s = NOW_S,
                                     .model = "rates",
                                     .trials = 500,
                                     .successes = 5,
                                     .log_loss = 0.056,
                                     .calibration = "none"};
    struct qbid_store_model last = {0};
    assert_int_equal(qbid_store_add_model(s->store, &model), 0);
    model.rate = "cvr";
    assert_int_equal(qbid_store_add_model(s->store, &model), 0);
    model.rate = "ctr", model.unix_s++, model.model = "trees", model.gain = 0.002;
    assert_int_equal(qbid_store_add_model(s->store, &model), 0);
    assert_int_equal(qbid_store_load_models(s->store, 1, "ctr", 100, model_take, &last), 0);
    assert_true(last.version == 2 && last.successes == 2005 && last.gain == 0.002);
    assert_true(last.trials == 500 && last.log_loss == 0.056);
    qbid_store_scope(s->store, 2);
    last = (struct qbid_store_model){0};
    assert_int_equal(qbid_store_load_models(s->store, 0, "", 100, model_take, &last), 0);
    assert_true(last.successes == 0);
    assert_int_equal(qbid_store_add_model(s->store, &model), QBID_ERR_STORE);
    qbid_store_scope(s->store, 0);
    assert_int_equal(qbid_store_prune_records(s->store, 0, NOW_S + 1, 100), 2);
}

static int run_take(void *context, const struct qbid_store_run *run)
{
    *(uint64_t *)context += run->spent_ns;
    return 0;
}

static void runs_are_kept_for_a_time(void **state)
{
    struct scratch *s = *state;
    uint64_t spent_ns = 0;
    for (uint64_t i = 0; i < 10; i++) {
        struct qbid_store_run run = {.agent = i % 2 ? "budget" : "monitor",
                                     .unix_ns = (uint64_t)(NOW_S + (int64_t)i) * 1000000000,
                                     .spent_ns = 1 + i,
                                     .outcome = "ok"};
        assert_int_equal(qbid_store_add_run(s->store, &run), 0);
    }
    assert_int_equal(qbid_store_load_runs(s->store, "budget", 100, run_take, &spent_ns), 0);
    assert_int_equal(spent_ns, 2 + 4 + 6 + 8 + 10);
    assert_int_equal(qbid_store_prune_records(s->store, NOW_S + 8, 0, 100), 8);
    spent_ns = 0;
    assert_int_equal(qbid_store_load_runs(s->store, "", 100, run_take, &spent_ns), 0);
    assert_int_equal(spent_ns, 9 + 10);
    qbid_store_scope(s->store, 1); /* of all tenants together: no tenant's */
    assert_int_equal(qbid_store_load_runs(s->store, "", 100, run_take, &spent_ns), 0);
    assert_int_equal(spent_ns, 9 + 10);
}

struct insights {
    int cnt;
    int64_t first[4], last[4];
};

static int insight_take(void *context, const struct qbid_store_insight *insight)
{
    struct insights *insights = context;
    assert_true(insights->cnt < 4);
    insights->first[insights->cnt] = insight->first_unix_s;
    insights->last[insights->cnt++] = insight->last_unix_s;
    return 0;
}

static void an_insight_that_goes_on_is_one(void **state)
{
    struct scratch *s = *state;
    struct insights seen = {0};
    struct qbid_store_insight insight = {
        .tenant = 1, .campaign = 1, .kind = "warning", .metric = "ctr", .text = "t"};
    for (int64_t hour = 0; hour < 10; hour++) {
        insight.last_unix_s = NOW_S + 3600 * hour;
        if (hour != 4 && hour != 5) /* a pause */
            assert_int_equal(qbid_store_see_insight(s->store, &insight, NOW_S + 3600 * (hour - 1)),
                             0);
    }
    assert_int_equal(qbid_store_load_insights(s->store, 0, 100, insight_take, &seen), 0);
    assert_int_equal(seen.cnt, 2);
    assert_true(seen.first[0] == NOW_S + 6 * 3600 && seen.last[0] == NOW_S + 9 * 3600);
    assert_true(seen.first[1] == NOW_S && seen.last[1] == NOW_S + 3 * 3600);
    seen.cnt = 0;
    assert_int_equal(qbid_store_load_insights(s->store, NOW_S + 4 * 3600, 100, insight_take, &seen),
                     0);
    assert_int_equal(seen.cnt, 1);
    qbid_store_scope(s->store, 2);
    assert_int_equal(qbid_store_load_insights(s->store, 0, 100, insight_take, &seen), 0);
    assert_int_equal(seen.cnt, 1);
    assert_int_equal(qbid_store_see_insight(s->store, &insight, 0), QBID_ERR_STORE);
    qbid_store_scope(s->store, 0);
    assert_int_equal(qbid_store_prune_records(s->store, 0, NOW_S + 5 * 3600, 100), 1);
}

struct attributed {
    int cnt;
    uint32_t version[8];
    uint64_t attributed[8], unattributed[8];
};

static int attribution_take(void *context, const struct qbid_store_attribution *a)
{
    struct attributed *seen = context;
    assert_true(seen->cnt < 8);
    seen->version[seen->cnt] = a->version;
    seen->attributed[seen->cnt] = a->attributed;
    seen->unattributed[seen->cnt++] = a->unattributed;
    return 0;
}

static struct attributed attributed_load(struct qbid_store *store)
{
    struct attributed seen = {0};
    assert_int_equal(qbid_store_load_attributions(store, 8, attribution_take, &seen), 0);
    return seen;
}

static void an_attribution_model_has_days_and_versions(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_attribution row = {
        .tenant = 1, .type = "token", .parameters = "{\"window_s\":60}", .unix_s = NOW_S};
    static const uint64_t totals[] = {4, 9, 9, 20, 3}; /* they begin anew at last */
    for (int i = 0; i < 5; i++) {
        row.attributed = totals[i];
        row.unattributed = 1;
        if (i == 3) /* another window from the third day on */
            row.parameters = "{\"window_s\":90}";
        row.unix_s = NOW_S + DAY_S * ((i + 1) / 2);
        assert_int_equal(qbid_store_see_attribution(s->store, &row), 0);
    }
    struct attributed seen = attributed_load(s->store); /* days of totals: 4, 9 9, 20 3 */
    assert_int_equal(seen.cnt, 3);
    assert_true(seen.version[0] == 2 && seen.version[1] == 1 && seen.version[2] == 1);
    assert_true(seen.attributed[2] == 4 && seen.attributed[1] == 5 && seen.attributed[0] == 3);
    assert_true(seen.unattributed[0] == 2 && seen.unattributed[1] == 2 &&
                seen.unattributed[2] == 1);
    qbid_store_scope(s->store, 2);
    assert_int_equal(attributed_load(s->store).cnt, 0);
    assert_int_equal(qbid_store_see_attribution(s->store, &row), QBID_ERR_STORE);
    qbid_store_scope(s->store, 0);
    assert_int_equal(qbid_store_prune_records(s->store, 0, NOW_S + DAY_S, 100), 2);
    assert_int_equal(attributed_load(s->store).cnt, 1); /* what the rest is counted from is left */
}

static int overlap_take(void *context, const struct qbid_store_overlap *o)
{
    double *sum = context;
    *sum += o->jaccard;
    return 0;
}

static double overlaps_sum(struct qbid_store *store, uint32_t line_item)
{
    double sum = 0;
    assert_int_equal(qbid_store_load_overlaps(store, line_item, 100, overlap_take, &sum), 0);
    return sum;
}

static void an_overlap_is_the_last_that_rests_on_enough(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_overlap o = {.tenant = 1,
                                   .line_item = 10,
                                   .other = 11,
                                   .to_unix_s = NOW_S,
                                   .bids = 500,
                                   .other_bids = 500,
                                   .jaccard = 0.25};
    assert_int_equal(qbid_store_set_overlap(s->store, &o), 0);
    o.bids = 20, o.jaccard = 0.5, o.to_unix_s = NOW_S + 3600; /* windows that begin anew */
    assert_int_equal(qbid_store_set_overlap(s->store, &o), 0);
    assert_true(overlaps_sum(s->store, 0) == 0.25);
    o.to_unix_s = NOW_S + 2 * DAY_S;
    assert_int_equal(qbid_store_set_overlap(s->store, &o), 0);
    o.other = 12, o.jaccard = 0.125;
    assert_int_equal(qbid_store_set_overlap(s->store, &o), 0);
    assert_true(overlaps_sum(s->store, 10) == 0.625 && overlaps_sum(s->store, 12) == 0.125);
    qbid_store_scope(s->store, 2);
    assert_true(overlaps_sum(s->store, 0) == 0);
    assert_int_equal(qbid_store_set_overlap(s->store, &o), QBID_ERR_STORE);
    qbid_store_scope(s->store, 0);
    assert_int_equal(qbid_store_prune_overlaps(s->store, NOW_S + DAY_S, 100), 0);
    assert_int_equal(qbid_store_prune_overlaps(s->store, NOW_S + 3 * DAY_S, 1), 1);
}

struct days {
    int cnt;
    uint64_t clicks[8];
};

static int days_take(void *context, const struct qbid_store_creative_day *day)
{
    struct days *days = context;
    assert_true(days->cnt < 8);
    days->clicks[days->cnt++] = day->stats.clicks;
    return 0;
}

/* Clicks by the day: 1, 2, 0 (nothing happened), 4; each day in two saves. */
static void creatives_are_counted_by_the_day(void **state)
{
    struct scratch *s = *state;
    struct days days = {0};
    struct qbid_snapshot *snapshot;
    struct qbid_snapshot_params params = {4, 0};
    struct qbid_series_key key = {.kind = QBID_SERIES_CREATIVE, .id = 100};
    int64_t today = NOW_S / DAY_S;
    account_apply(s->store, two_tenants);
    assert_int_equal(qbid_snapshot_new(&params, &snapshot), 0);
    struct qbid_stats all = {0};
    for (int64_t day = 0; day < 4; day++) {
        for (int half = 0; half < 2 && day != 2; half++) {
            all.clicks += half ? 0 : UINT64_C(1) << (day == 3 ? 2 : day);
            all.imps += 10;
            assert_int_equal(qbid_snapshot_restore(snapshot, key, &all), 0);
            assert_true(
                qbid_store_save_series(s->store, snapshot, (today + day) * DAY_S + 100 + half) > 0);
        }
    }
    key.id = 777; /* of no line item any more: not kept */
    assert_int_equal(qbid_snapshot_restore(snapshot, key, &all), 0);
    assert_true(qbid_store_save_series(s->store, snapshot, NOW_S) > 0);
    assert_int_equal(qbid_store_load_creative_days(s->store, 0, 0, days_take, &days), 0);
    assert_int_equal(days.cnt, 3);
    assert_true(days.clicks[0] == 1 && days.clicks[1] == 2 && days.clicks[2] == 4);
    days.cnt = 0;
    assert_int_equal(qbid_store_load_creative_days(s->store, 100, today + 3, days_take, &days), 0);
    assert_true(days.cnt == 1 && days.clicks[0] == 4);
    qbid_store_scope(s->store, 2);
    days.cnt = 0;
    assert_int_equal(qbid_store_load_creative_days(s->store, 0, 0, days_take, &days), 0);
    assert_int_equal(days.cnt, 0);
    qbid_store_scope(s->store, 0);
    /* the base and the first day go; what is left is counted from the second */
    assert_int_equal(qbid_store_prune_records(s->store, 0, (today + 1) * DAY_S, 100), 2);
    assert_int_equal(qbid_store_load_creative_days(s->store, 0, 0, days_take, &days), 0);
    assert_true(days.cnt == 1 && days.clicks[0] == 4);
    qbid_snapshot_free(snapshot);
}

static int allocation_take(void *context, const struct qbid_store_allocation *allocation)
{
    int64_t *sum = context;
    *sum += allocation->after_nanos - allocation->before_nanos;
    assert_string_equal(allocation->actor, "uid 7");
    assert_true(allocation->campaign == allocation->tenant);
    return 0;
}

static void budgets_that_were_allotted_are_listed(void **state)
{
    struct scratch *s = *state;
    int64_t sum = 0;
    account_apply(s->store, two_tenants);
    account_apply(s->store, "campaigns: [{id: 1, budget: 90}, {id: 2, budget: 60.5, name: x}]");
    assert_int_equal(qbid_store_load_allocations(s->store, 0, 100, allocation_take, &sum), 0);
    assert_true(sum == INT64_C(500000000));
    qbid_store_scope(s->store, 1);
    sum = 0;
    assert_int_equal(qbid_store_load_allocations(s->store, 0, 100, allocation_take, &sum), 0);
    assert_true(sum == INT64_C(0)); /* that execution is of several tenants */
    qbid_store_scope(s->store, 0);
    account_apply(s->store, "campaigns: [{id: 1, budget: 95}]");
    qbid_store_scope(s->store, 1);
    assert_int_equal(qbid_store_load_allocations(s->store, 1, 100, allocation_take, &sum), 0);
    assert_true(sum == INT64_C(5000000000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(files_of_every_earlier_schema_become_this_one),
        TEST(a_rule_keeps_its_versions_and_its_record),
        TEST(a_rule_fires_once_a_time_and_campaign),
        TEST(models_have_versions_by_rate),
        TEST(an_attribution_model_has_days_and_versions),
        TEST(an_overlap_is_the_last_that_rests_on_enough),
        TEST(runs_are_kept_for_a_time),
        TEST(an_insight_that_goes_on_is_one),
        TEST(creatives_are_counted_by_the_day),
        TEST(budgets_that_were_allotted_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
