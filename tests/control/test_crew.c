/* SPDX-License-Identifier: Apache-2.0 */
/* Agents over a real engine: what was spent and earned becomes recommendations in the store, which
 * the executor applies. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "control/account/import/import.h"
#include "control/agents/budget.h"
#include "control/agents/synthesiser.h"
#include "control/api/commands.h"
#include "control/crew.h"
#include "control/engine/engine_state.h"
#include "control/executor/executor_engine.h"
#include "control/records/recorder.h"
#include "control/snapshot/series.h"
#include "control/store/store_attribution.h"
#include "control/store/store_records.h"
#include "shm/clock.h"

static char folder[128];

static const char config_text[] =
    "state_dir: state\n"
    "handover: {path: qbid.sock}\n"
    "control: {path: control.sock}\n"
    "keys: {file: keys, create: true}\n"
    "currency: EUR\n"
    "levels: [[exchange, slot]]\n"
    "market_segments: [exchange]\n"
    "privacy: {gdpr_unknown: applies_not}\n"
    "agents: {trust: 0.1, floor: 0.2}\n"
    "execution: {four_eyes: 1000, day_change: 1, risk: 1}\n"
    "capacity: {line_items: 64, budgets: 16, workers: 8, ring_lg_events: 12}\n";

#define CAMPAIGN(id)                                                                               \
    "  - {id: " id ", name: c" id ", budget: 100, period: daily, start: now, end: +30d,"           \
    " goal: max_value, line_items: [{id: " id "0, ceiling: 5, adomain: shop.example,"              \
    " prior_ctr: 0.01, prior_cvr: 0.01, order_value: 20}]}\n"
static const char account_text[] = "currency: EUR\n"
                                   "campaigns:\n" CAMPAIGN("1") CAMPAIGN("2") CAMPAIGN("3");

static void say(void *context, enum qbid_log_level level, const char *line)
{
    (void)context;
    if (level <= QBID_LOG_WARNING)
        fprintf(stderr, "qbidd: %s\n", line);
}

static void agents_off(struct qbid_config *config)
{
    config->agents.budget = config->agents.monitor = config->agents.synthesiser = false;
    config->agents.rules = config->agents.records = false;
    config->agents.schedule = config->agents.creative = false;
}

static void problems_print(const struct qbid_problems *problems)
{
    char line[QBID_PROBLEM_LINE_MAX];
    for (uint32_t i = 0; i < qbid_problems_kept(problems); i++) {
        qbid_problems_format(problems, i, line);
        fprintf(stderr, "%s\n", line);
    }
}

static struct qbid_engine *engine_open(struct qbid_config *config)
{
    static struct qbid_problems problems;
    struct qbid_engine *engine;
    struct qbid_account next;
    struct qbid_diff diff;
    char why[QBID_ENGINE_WHY_MAX] = "";
    int err = qbid_config_parse(config_text, strlen(config_text), folder, &problems, config);
    problems_print(&problems);
    assert_int_equal(err, 0);
    assert_int_equal(qbid_engine_new(config, say, NULL, &engine, why), 0);
    struct qbid_import_params params = {.current = qbid_engine_account(engine),
                                        .now_unix_s =
                                            (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S)};
    err = qbid_account_import(account_text, strlen(account_text), &params, &problems, &next);
    problems_print(&problems);
    assert_int_equal(err, 0);
    assert_int_equal(qbid_diff_new(qbid_engine_account(engine), &next, &diff), 0);
    struct qbid_store_cause cause = {qbid_clock_unix_ns(), "test", "import"};
    assert_int_equal(qbid_engine_apply(engine, &next, &diff, &cause, why), 0);
    qbid_diff_done(&diff);
    return engine;
}

/* Each has spent 4; the second has sold ten times as much. */
static void hour_pass(struct qbid_engine *engine, uint64_t now_ns)
{
    for (uint32_t id = 1; id <= 3; id++) {
        struct qbid_outcome bill = {
            .kind = QBID_EVENT_BILL, .line_item_id = 10 * id, .time_ns = now_ns};
        qbid_snapshot_post(engine->snapshot, &bill, id, INT64_C(4000000000));
        for (int i = 0; i < (id == 2 ? 40 : 4); i++) {
            struct qbid_outcome conv = {.kind = QBID_EVENT_CONV,
                                        .line_item_id = 10 * id,
                                        .price_nanos = INT64_C(20000000000),
                                        .time_ns = now_ns};
            qbid_snapshot_post(engine->snapshot, &conv, id, 0);
        }
    }
}

struct seen {
    int cnt;
    uint64_t id;
    int64_t moved_nanos, second_nanos;
};

static int recommendation_see(void *context, const struct qbid_recommendation *r)
{
    struct seen *seen = context;
    assert_string_equal(r->proposer, "budget");
    assert_string_equal(r->proposal.field, "budget");
    seen->cnt++;
    seen->id = r->proposal.id;
    seen->moved_nanos += r->proposal.budget_nanos;
    if (r->proposal.item_id == 2)
        seen->second_nanos = r->proposal.budget_nanos;
    return 0;
}

static void proposals_reach_the_store_and_the_account(void **state)
{
    (void)state;
    struct qbid_config config;
    struct qbid_log *log;
    struct qbid_crew *crew;
    struct seen seen = {0};
    struct qbid_engine *engine = engine_open(&config);
    agents_off(&config);
    config.agents.budget = true;
    uint64_t now_ns = qbid_clock_boot_ns();
    int64_t unix_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S) / 86400 * 86400 +
                     90000; /* tomorrow, 01:00 */
    struct qbid_recommendation_filter all = {.status = -1, .max = 100};
    assert_int_equal(qbid_log_new(QBID_LOG_WARNING, "stderr", &log), 0);
    assert_int_equal(qbid_crew_new(&config, engine, log, now_ns, &crew), 0);
    assert_int_equal(qbid_crew_tick(crew, now_ns + 119 * QBID_NS_PER_S, unix_s), 0);
    assert_int_equal(qbid_crew_tick(crew, now_ns + 120 * QBID_NS_PER_S, unix_s + 120), 1);
    hour_pass(engine, now_ns);
    uint64_t later_ns = now_ns + 3720 * QBID_NS_PER_S;
    /* a day later: of the first one nothing is moved yet */
    assert_int_equal(qbid_crew_tick(crew, later_ns, unix_s + 86400), 1);
    assert_int_equal(
        qbid_store_load_recommendations(qbid_engine_store(engine), &all, recommendation_see, &seen),
        0);
    assert_int_equal(seen.cnt, 3);
    assert_true(seen.moved_nanos == 0 && seen.second_nanos > INT64_C(1000000000));

    char why[QBID_EXECUTOR_WHY_MAX] = "";
    struct qbid_executor executor = qbid_executor_of(engine, &config);
    struct qbid_executor_call call = {qbid_clock_unix_ns(), "uid 1000", "", 0, false, why};
    struct qbid_executor_effect effect;
    assert_int_equal(qbid_executor_decide(&executor, &call, seen.id, true), 0);
    assert_int_equal(qbid_executor_apply(&executor, &call, seen.id, &effect), 0);
    assert_int_equal(effect.id_cnt, 3); /* money moved stands or falls together */
    assert_true(effect.budgets_before == effect.budgets_after);
    qbid_executor_effect_done(&effect);
    const struct qbid_campaign_def *second = qbid_account_campaign(qbid_engine_account(engine), 2);
    assert_true(second->budget_nanos == INT64_C(100000000000) + seen.second_nanos);
    qbid_crew_free(crew);
    qbid_log_free(log);
    qbid_engine_free(engine);
}

static int attribution_see(void *context, const struct qbid_store_attribution *row)
{
    ++*(int *)context;
    assert_string_equal(row->type, "token");
    assert_non_null(strstr(row->parameters, "\"window_s\":"));
    assert_true(row->version == 1 && row->unattributed == 0);
    return 0;
}

static int run_see(void *context, const struct qbid_store_run *run)
{
    ++*(int *)context;
    assert_string_equal(run->outcome, "ok");
    assert_true(run->unix_ns >= UINT64_C(1800000000000000000) && run->spent_ns > 0);
    return 0;
}

static void the_monitor_runs_over_the_engines_store(void **state)
{
    (void)state;
    struct qbid_config config;
    struct qbid_log *log;
    struct qbid_crew *crew;
    struct qbid_engine *engine = engine_open(&config);
    agents_off(&config);
    config.agents.monitor = config.agents.records = true;
    uint64_t now_ns = qbid_clock_boot_ns();
    assert_int_equal(qbid_log_new(QBID_LOG_WARNING, "stderr", &log), 0);
    assert_int_equal(qbid_crew_new(&config, engine, log, now_ns, &crew), 0);
    assert_int_equal(qbid_crew_tick(crew, now_ns + QBID_MONITOR_PERIOD_NS, 1800000000), 1);
    int runs = 0;
    assert_int_equal(qbid_store_load_runs(qbid_engine_store(engine), "", 9, run_see, &runs), 0);
    assert_int_equal(runs, 1);
    assert_int_equal(qbid_crew_tick(crew, now_ns + QBID_RECORDER_PERIOD_NS, 1800000600), 2);
    assert_int_equal(qbid_store_load_runs(qbid_engine_store(engine), "recorder", 9, run_see, &runs),
                     0);
    assert_int_equal(runs, 2);
    int given = 0; /* today's row of the host and of each tenant */
    assert_int_equal(
        qbid_store_load_attributions(qbid_engine_store(engine), 99, attribution_see, &given), 0);
    assert_true(given >= 2);
    struct qbid_monitor_status status = qbid_monitor_status(qbid_crew_monitor(crew));
    assert_int_equal(status.learning, qbid_engine_account(engine)->campaign_cnt);
    assert_true(status.learning > 0 && status.watched == 0 && status.alarms == 0);
    qbid_crew_free(crew);
    qbid_log_free(log);
    qbid_engine_free(engine);
}

static int reason_see(void *context, const struct qbid_recommendation *r)
{
    int *known = context;
    *known += strstr(r->proposal.reason, "Evidence: 4 days") != NULL;
    return 0;
}

/* Four days of trade, an hour at a time, go by before this crew begins. */
static void a_new_crew_knows_the_days_before_it(void **state)
{
    (void)state;
    struct qbid_config config;
    struct qbid_log *log;
    struct qbid_crew *crew;
    struct qbid_engine *engine = engine_open(&config);
    struct qbid_recommendation_filter all = {.status = -1, .max = 100};
    int known = 0;
    uint64_t now_ns = qbid_clock_boot_ns();
    int64_t today = ((int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S) / 86400 + 1) * 86400;
    agents_off(&config);
    config.agents.budget = true;
    for (int hour = -4 * 24; hour < 0; hour++) {
        hour_pass(engine, now_ns);
        assert_true(qbid_store_save_series(qbid_engine_store(engine), engine->snapshot,
                                           today + 3600 * (hour + 1) - 60) > 0);
    }
    assert_int_equal(qbid_log_new(QBID_LOG_WARNING, "stderr", &log), 0);
    assert_int_equal(qbid_crew_new(&config, engine, log, now_ns, &crew), 0);
    assert_int_equal(qbid_crew_tick(crew, now_ns + QBID_BUDGET_AGENT_PERIOD_NS, today + 120), 1);
    assert_int_equal(
        qbid_store_load_recommendations(qbid_engine_store(engine), &all, reason_see, &known), 0);
    assert_int_equal(known, 3);
    qbid_crew_free(crew);
    qbid_log_free(log);
    qbid_engine_free(engine);
}

/* Native sells a third as much for the money as banners, on both exchanges. */
static void contexts_fill(struct qbid_engine *engine, uint64_t now_ns)
{
    uint32_t native = qbid_dictionary_add(engine->dictionary, QBID_DIM_SLOT, "native");
    uint32_t banner = qbid_dictionary_add(engine->dictionary, QBID_DIM_SLOT, "banner:300x250");
    for (uint32_t k = 0; k < 12; k++) {
        uint32_t id = k / 4 + 1;
        char text[2] = {(char)('1' + k % 2), 0};
        uint32_t exchange = qbid_dictionary_add(engine->dictionary, QBID_DIM_EXCHANGE, text);
        bool is_native = k / 2 % 2;
        struct qbid_stats all = {.imps = 100000, .clicks = 2000, .convs = is_native ? 20 : 100};
        all.value_nanos = (int64_t)all.convs * INT64_C(20000000000);
        all.spend_nanos = is_native ? INT64_C(60000000000) : INT64_C(100000000000);
        uint64_t context = qbid_dim_pack(0, QBID_DIM_EXCHANGE, exchange);
        context = qbid_dim_pack(context, QBID_DIM_SLOT, is_native ? native : banner);
        struct qbid_series_key key = {context, 10 * id, QBID_SERIES_CONTEXT};
        struct qbid_series_key item = {0, 10 * id, QBID_SERIES_LINE_ITEM};
        struct qbid_stats sum =
            qbid_snapshot_query(engine->snapshot, item, QBID_WINDOW_ALL, now_ns);
        qbid_stats_add(&sum, &all);
        assert_int_equal(qbid_snapshot_restore(engine->snapshot, key, &all), 0);
        assert_int_equal(qbid_snapshot_restore(engine->snapshot, item, &sum), 0);
        struct qbid_outcome bill = {.kind = QBID_EVENT_BILL,
                                    .line_item_id = 10 * id,
                                    .context = context,
                                    .time_ns = now_ns};
        qbid_snapshot_post(engine->snapshot, &bill, id, all.spend_nanos / 3);
    }
}

struct advice {
    int cnt;
    struct qbid_proposal last;
};

static int advice_see(void *context, const struct qbid_recommendation *r)
{
    struct advice *advice = context;
    assert_string_equal(r->proposer, "synthesiser");
    advice->last = r->proposal;
    advice->cnt++;
    return 0;
}

/* What operators see of it. */
static void patterns_are_shown(struct qbid_engine *engine, const struct qbid_config *config)
{
    static const char request[] =
        "{\"cmd\":\"patterns\",\"tenant\":1,\"metric\":\"return\",\"subject\":\"slot=native\","
        "\"across\":\"exchange\",\"sources\":true}";
    struct qbid_commands commands = {.engine = engine, .config = config};
    struct qbid_api_peer peer = {1, 0};
    char *said = qbid_commands_answer(&commands, &peer, request, sizeof request - 1);
    assert_non_null(said);
    cJSON *answer = cJSON_Parse(said);
    const cJSON *pattern = cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "patterns"), 0);
    const cJSON *sources = cJSON_GetObjectItem(answer, "sources");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(pattern, "verdict")),
                        "universal -");
    assert_int_equal(cJSON_GetArraySize(sources), 2);
    /* 20 conversions for 60 where banners make 100 for 100, over three line items */
    const cJSON *measured = cJSON_GetObjectItem(cJSON_GetArrayItem(sources, 0), "measured");
    assert_true(fabs(cJSON_GetNumberValue(measured) - 1 / 3.0) < 1e-9);
    cJSON_Delete(answer);
    free(said);
}

static void the_synthesiser_fills_the_library_and_recommends(void **state)
{
    (void)state;
    struct qbid_config config;
    struct qbid_log *log;
    struct qbid_crew *crew;
    struct advice advice = {0};
    struct qbid_engine *engine = engine_open(&config);
    agents_off(&config);
    config.agents.synthesiser = true;
    uint64_t now_ns = qbid_clock_boot_ns();
    struct qbid_recommendation_filter all = {.status = -1, .max = 100};
    contexts_fill(engine, now_ns);
    assert_int_equal(qbid_log_new(QBID_LOG_WARNING, "stderr", &log), 0);
    assert_int_equal(qbid_crew_new(&config, engine, log, now_ns, &crew), 0);
    int64_t unix_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S) + 900;
    assert_int_equal(qbid_crew_tick(crew, now_ns + QBID_SYNTHESISER_PERIOD_NS, unix_s), 1);
    assert_int_equal(
        qbid_store_load_recommendations(qbid_engine_store(engine), &all, advice_see, &advice), 0);
    assert_int_equal(advice.cnt, 3);
    assert_string_equal(advice.last.field, "slot");
    assert_string_equal(advice.last.recommended, "!native");
    patterns_are_shown(engine, &config);

    char why[QBID_EXECUTOR_WHY_MAX] = "";
    struct qbid_executor executor = qbid_executor_of(engine, &config);
    struct qbid_executor_call call = {qbid_clock_unix_ns(), "uid 1000", "", 0, false, why};
    struct qbid_executor_effect effect;
    assert_int_equal(qbid_executor_decide(&executor, &call, advice.last.id, true), 0);
    assert_int_equal(qbid_executor_apply(&executor, &call, advice.last.id, &effect), 0);
    qbid_executor_effect_done(&effect);
    const struct qbid_line_item_def *item =
        qbid_account_line_item(qbid_engine_account(engine), advice.last.item_id);
    assert_int_equal(item->target[QBID_DIM_SLOT].cnt, 1);
    assert_string_equal(item->target[QBID_DIM_SLOT].value[0], "!native");
    qbid_crew_free(crew);
    qbid_log_free(log);
    qbid_engine_free(engine);
}

static void no_agent_runs_that_is_not_wanted(void **state)
{
    (void)state;
    struct qbid_config config = {.agents = {.budget = false, .duty = 0.05}};
    struct qbid_crew *crew;
    assert_int_equal(qbid_crew_new(&config, NULL, NULL, 0, &crew), 0);
    assert_null(qbid_crew_monitor(crew));
    qbid_crew_free(crew);
}

static int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/qbid-crew-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_drop(void **state)
{
    (void)state;
    char command[192];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(proposals_reach_the_store_and_the_account, folder_make,
                                        folder_drop),
        cmocka_unit_test_setup_teardown(the_monitor_runs_over_the_engines_store, folder_make,
                                        folder_drop),
        cmocka_unit_test_setup_teardown(a_new_crew_knows_the_days_before_it, folder_make,
                                        folder_drop),
        cmocka_unit_test_setup_teardown(the_synthesiser_fills_the_library_and_recommends,
                                        folder_make, folder_drop),
        cmocka_unit_test(no_agent_runs_that_is_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
