/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder writes of models that are judged and of insights that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/records/recorder.h"
#include "control/store/store_records.h"
#include "shm/units.h"
#include "tests/control/learn/values/learned_world.h"
#include "tests/control/store/scratch.h"

#define NOW_S INT64_C(1790000000)
#define DAY_S INT64_C(86400)

struct versions {
    int cnt;
    uint32_t version[8];
    char model[8][16];
    double trials[8], loss[8], gain[8];
};

static int version_take(void *context, const struct qbid_store_model *model)
{
    struct versions *v = context; /* latest first */
    assert_true(v->cnt < 8);
    assert_string_equal(model->rate, "ctr");
    v->version[v->cnt] = model->version;
    snprintf(v->model[v->cnt], 16, "%s", model->model);
    v->trials[v->cnt] = model->trials;
    v->loss[v->cnt] = model->log_loss;
    v->gain[v->cnt++] = model->gain;
    return 0;
}

static struct versions versions_of(struct scratch *s)
{
    struct versions v = {0};
    assert_int_equal(qbid_store_load_models(s->store, 0, "ctr", 8, version_take, &v), 0);
    return v;
}

/* Records; versions of the click rate afterwards. */
static int recorded(struct scratch *s, const struct learned_world *w, int64_t unix_s)
{
    assert_true(qbid_recorder_models(s->store, &w->account.account, w->learned, unix_s) >= 0);
    return versions_of(s).cnt;
}

/* Dimensions interact in this world, so the hierarchy serves at first and trees then. */
static void another_model_that_serves_is_a_version(void **state)
{
    static struct learned_world w;
    struct scratch *s = *state;
    learned_world_init(&w, LEARNED_WORLD_INTERACTING, 1, true);
    assert_int_equal(qbid_recorder_models(s->store, &w.account.account, NULL, NOW_S), 0);
    assert_int_equal(recorded(s, &w, NOW_S), 0); /* nothing is judged yet */
    learned_world_period(&w, 5000);
    learned_world_period(&w, 5000);
    assert_int_equal(recorded(s, &w, NOW_S), 1);
    assert_int_equal(recorded(s, &w, NOW_S + 600), 1);
    for (int i = 0; i < 40 && learned_world_view(&w).serving == QBID_LEARNED_RATES; i++)
        learned_world_period(&w, 20000);
    struct qbid_learned_view view = learned_world_view(&w);
    assert_true(view.serving != QBID_LEARNED_RATES);
    assert_int_equal(recorded(s, &w, NOW_S + 1200), 2);
    assert_int_equal(recorded(s, &w, NOW_S + DAY_S), 2);
    assert_int_equal(recorded(s, &w, NOW_S + 2 * DAY_S), 2); /* judged on nothing more */
    learned_world_period(&w, 5000);
    assert_int_equal(recorded(s, &w, NOW_S + 2 * DAY_S), 3);
    struct versions v = versions_of(s);
    assert_int_equal(v.cnt, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(v.version[i], 3 - i);
    assert_string_equal(v.model[2], qbid_learned_name(QBID_LEARNED_RATES));
    assert_string_equal(v.model[1], qbid_learned_name(view.serving));
    assert_true(v.gain[2] == 0 && v.gain[1] > 0);
    assert_true(v.loss[1] == view.loss[view.serving] && v.trials[1] == view.trials);
    assert_true(v.trials[0] > v.trials[1] && v.trials[1] > v.trials[2]);
    learned_world_done(&w);
}

/* --- insights */

#define ITEMS 6
#define START_NS (UINT64_C(10) * 86400 * QBID_NS_PER_S)

struct seen {
    int cnt;
    int64_t first_unix_s, last_unix_s;
    uint32_t line_item;
};

static int insight_take(void *context, const struct qbid_store_insight *insight)
{
    struct seen *seen = context;
    seen->cnt++;
    seen->first_unix_s = insight->first_unix_s;
    seen->last_unix_s = insight->last_unix_s;
    seen->line_item = insight->line_item;
    assert_true(insight->tenant == 7 && insight->campaign == 10);
    assert_string_equal(insight->kind, "opportunity");
    assert_string_equal(insight->metric, "ctr");
    assert_true(insight->seen > insight->against && insight->confidence > 0.9 && *insight->text);
    return 0;
}

static void an_insight_goes_on_while_it_is_found(void **state)
{
    struct scratch *s = *state;
    struct qbid_campaign_def campaign = {.id = 10, .tenant_id = 7, .active = true};
    struct qbid_line_item_def items[ITEMS] = {{0}};
    struct qbid_snapshot_params params = {16, 0};
    struct qbid_snapshot *snapshot;
    for (uint32_t i = 0; i < ITEMS; i++)
        items[i] = (struct qbid_line_item_def){.id = 100 + i, .campaign_id = 10, .active = true};
    struct qbid_account account = {
        .campaigns = &campaign, .campaign_cnt = 1, .line_items = items, .line_item_cnt = ITEMS};
    assert_int_equal(qbid_snapshot_new(&params, &snapshot), 0);
    assert_int_equal(qbid_recorder_insights(s->store, &account, snapshot, START_NS, NOW_S), 0);
    /* 1,000 impressions each; every 50th is clicked, of the last one every 15th */
    for (uint32_t i = 0; i < ITEMS; i++)
        for (uint32_t n = 0; n < 1000; n++) {
            struct qbid_outcome o = {.kind = QBID_EVENT_IMP,
                                     .line_item_id = items[i].id,
                                     .creative_id = 1,
                                     .time_ns = START_NS};
            qbid_snapshot_post(snapshot, &o, 10, 0);
            o.kind = QBID_EVENT_CLICK;
            if (n % (i == ITEMS - 1 ? 15 : 50) == 0)
                qbid_snapshot_post(snapshot, &o, 10, 0);
        }
    for (int run = 0; run < 4; run++)
        assert_int_equal(
            qbid_recorder_insights(s->store, &account, snapshot, START_NS + 1, NOW_S + 600 * run),
            1);
    struct seen seen = {0};
    assert_int_equal(qbid_store_load_insights(s->store, 0, 9, insight_take, &seen), 0);
    assert_true(seen.cnt == 1 && seen.line_item == 105);
    assert_true(seen.first_unix_s == NOW_S && seen.last_unix_s == NOW_S + 1800);
    /* a day later it is no more, and found again it is another */
    uint64_t later_ns = START_NS + UINT64_C(2) * 86400 * QBID_NS_PER_S;
    assert_int_equal(
        qbid_recorder_insights(s->store, &account, snapshot, later_ns, NOW_S + 2 * DAY_S), 0);
    assert_int_equal(
        qbid_recorder_insights(s->store, &account, snapshot, START_NS + 1, NOW_S + 3 * DAY_S), 1);
    seen.cnt = 0;
    assert_int_equal(qbid_store_load_insights(s->store, 0, 9, insight_take, &seen), 0);
    assert_int_equal(seen.cnt, 2);
    qbid_snapshot_free(snapshot);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(another_model_that_serves_is_a_version),
        TEST(an_insight_goes_on_while_it_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
