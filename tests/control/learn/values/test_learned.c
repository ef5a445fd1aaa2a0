/* SPDX-License-Identifier: Apache-2.0 */
/* Which model serves in worlds whose truth is known, and that what serves is calibrated, survives a
 * restart, and ends in the plan. QBID_SEEDS=20 tries more worlds than the usual few. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/learner.h"
#include "shm/error.h"
#include "shm/units.h"
#include "tests/control/learn/values/learned_world.h"

#define PERIODS 10
#define MUCH 20000.0 /* impressions a period */
#define LITTLE 800.0

static unsigned seeds(unsigned usual)
{
    const char *asked = getenv("QBID_SEEDS");
    return asked ? (unsigned)atoi(asked) : usual;
}

static void run(struct learned_world *w, enum learned_world_kind kind, uint64_t seed,
                double impressions)
{
    learned_world_init(w, kind, seed, true);
    for (unsigned p = 0; p < PERIODS; p++)
        learned_world_period(w, impressions);
    assert_int_equal(qbid_learned_growth(w->learned)->failed, 0);
}

/* Shares of seeds that must be right: 95 %, and of few seeds all. */
static void judged(const char *world, unsigned right, unsigned all, const double excess[])
{
    print_message("learned: %s: right in %u of %u seeds; excess log-loss rates %.6f, ftrl %.6f, "
                  "trees %.6f\n",
                  world, right, all, excess[QBID_LEARNED_RATES] / all,
                  excess[QBID_LEARNED_FTRL] / all, excess[QBID_LEARNED_TREES] / all);
    assert_true(right >= 0.95 * all);
}

static void excess_add(const struct learned_world *w, double excess[QBID_LEARNED_MODEL_CNT])
{
    for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++)
        excess[m] += learned_world_excess(w, m);
}

static void where_effects_multiply_main_effects_serve(void **state)
{
    (void)state;
    static struct learned_world w;
    double excess[QBID_LEARNED_MODEL_CNT] = {0};
    unsigned right = 0, all = seeds(1);
    for (unsigned seed = 1; seed <= all; seed++) {
        run(&w, LEARNED_WORLD_MULTIPLICATIVE, seed, MUCH);
        double served = learned_world_excess(&w, learned_world_view(&w).serving);
        right += served <= learned_world_excess(&w, QBID_LEARNED_RATES) * 1.0001;
        excess_add(&w, excess);
        learned_world_done(&w);
    }
    judged("multiplicative world", right, all, excess);
    assert_true(excess[QBID_LEARNED_FTRL] < 0.001 * all); /* near, too */
}

static void where_values_interact_trees_serve(void **state)
{
    (void)state;
    static struct learned_world w;
    double excess[QBID_LEARNED_MODEL_CNT] = {0};
    unsigned right = 0, all = seeds(1);
    for (unsigned seed = 1; seed <= all; seed++) {
        run(&w, LEARNED_WORLD_INTERACTING, seed, MUCH);
        struct qbid_learned_view view = learned_world_view(&w);
        right += view.serving == QBID_LEARNED_TREES && view.switches <= 2 &&
                 learned_world_excess(&w, QBID_LEARNED_TREES) <
                     0.75 * learned_world_excess(&w, QBID_LEARNED_RATES);
        excess_add(&w, excess);
        learned_world_done(&w);
    }
    judged("world of interactions", right, all, excess);
}

static void where_little_is_known_the_hierarchy_serves(void **state)
{
    (void)state;
    static struct learned_world w;
    double excess[QBID_LEARNED_MODEL_CNT] = {0};
    unsigned right = 0, all = seeds(2);
    for (unsigned seed = 1; seed <= all; seed++) {
        run(&w, seed % 2, seed, LITTLE);
        right += learned_world_view(&w).serving == QBID_LEARNED_RATES;
        excess_add(&w, excess);
        learned_world_done(&w);
    }
    judged("little data", right, all, excess);
}

/* What serves, on outcomes that nothing has learned. */
static void what_serves_is_calibrated(void **state)
{
    (void)state;
    static struct learned_world w;
    static double p[WORLD_CONTEXTS], trials[WORLD_CONTEXTS], clicks[WORLD_CONTEXTS];
    run(&w, LEARNED_WORLD_INTERACTING, 3, 3 * MUCH);
    enum qbid_learned_model serving = learned_world_view(&w).serving;
    assert_int_equal(serving, QBID_LEARNED_TREES);
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i++) {
        p[i] = learned_world_rate(&w, serving, i);
        trials[i] = floor(1e6 * w.share[i]);
        clicks[i] = rng_binomial(&w.rng, (uint32_t)trials[i], w.rate[i]);
    }
    struct qbid_calibration_error error;
    assert_int_equal(qbid_calibration_measure(p, trials, clicks, WORLD_CONTEXTS, &error), 0);
    print_message("learned: what serves has ECE %.5f, a perfect model %.5f\n", error.ece,
                  error.perfect);
    assert_true(error.ece <= error.perfect + 0.003);
    const struct qbid_calibration *table =
        qbid_learned_table(w.learned, 10, QBID_LEARNED_CTR, QBID_LEARNED_TREES);
    assert_non_null(table);
    assert_int_equal(table->kind, QBID_CALIBRATION_ISOTONIC);
    learned_world_done(&w);
}

/* A tenth of the clicks comes a step after their impressions. */
static void late_clicks_do_not_bend_the_rate(void **state)
{
    (void)state;
    static struct learned_world w;
    learned_world_init(&w, LEARNED_WORLD_MULTIPLICATIVE, 1, false);
    struct rng r = rng_init(5);
    static double late[WORLD_CONTEXTS];
    double mean = 0, calibrated = 0, cnt = 0;
    for (unsigned step = 1; step <= 40; step++) {
        for (uint32_t i = 0; i < WORLD_CONTEXTS; i += 10) {
            uint32_t clicks = rng_binomial(&r, 20, 0.03), held = rng_binomial(&r, clicks, 0.1);
            struct qbid_cell *cell = qbid_cells_touch(&w.cells, 0, w.context[i], 0);
            cell->imps += 20;
            cell->clicks += clicks - held + late[i];
            qbid_learned_post(w.learned, 0, w.context[i], 20, clicks - held + late[i], 0,
                              qbid_values_rates(&w.values, 0, w.context[i], 0));
            late[i] = held;
        }
        struct qbid_values_in in = {.account = &w.account.account, .cells = &w.cells};
        assert_int_equal(
            qbid_learned_step(w.learned, &w.account.account, &w.cells, &w.values, step), 0);
        assert_int_equal(qbid_values_fit(&w.values, &in), 0);
        for (uint32_t i = 0; i < WORLD_CONTEXTS && step > 25; i += 10) {
            mean += learned_world_rate(&w, QBID_LEARNED_FTRL, i);
            calibrated += learned_world_rate(&w, QBID_LEARNED_CALIBRATED, i);
            cnt++;
        }
    }
    assert_true(fabs(mean / cnt / 0.03 - 1) < 0.06);
    assert_true(fabs(calibrated / cnt / 0.03 - 1) < 0.06);
    learned_world_done(&w);
}

static void nothing_happens_within_the_period(void **state)
{
    (void)state;
    static struct learned_world w;
    learned_world_init(&w, LEARNED_WORLD_MULTIPLICATIVE, 1, false);
    struct qbid_learned_params params = {
        .ftrl = true, .ftrl_lg = 16, .mask = w.mask[0], .period_s = 900};
    qbid_learned_free(w.learned);
    assert_int_equal(qbid_learned_new(&params, &w.learned), 0);
    struct qbid_rate_pair rates = {0.01, 0.1};
    for (int64_t now_s = 10000; now_s <= 10900; now_s += 100) {
        assert_true(learned_world_view(&w).trials == 0);
        qbid_learned_post(w.learned, 0, w.context[5], 10, 1, 0, rates);
        assert_int_equal(
            qbid_learned_step(w.learned, &w.account.account, &w.cells, &w.values, now_s), 0);
    }
    assert_true(learned_world_view(&w).trials == 100);
    assert_true(learned_world_view(&w).successes == 10);
    /* judged by the rates that were handed in */
    assert_true(fabs(learned_world_view(&w).loss[QBID_LEARNED_RATES] -
                     -(0.1 * log(0.01) + 0.9 * log(0.99))) < 1e-12);
    learned_world_done(&w);
}

/* Half of the conversions have not come yet, which the hierarchical rates know of. */
static void conversion_rates_keep_the_hierarchys_level(void **state)
{
    (void)state;
    static struct learned_world w;
    learned_world_init(&w, LEARNED_WORLD_MULTIPLICATIVE, 1, false);
    struct rng r = rng_init(5);
    const double maturity[4] = {0.5, 0.5, 0.5, 0.5};
    double base = 0, other = 0;
    for (unsigned step = 0; step < 60; step++) {
        for (uint32_t i = 0; i < WORLD_CONTEXTS; i += 7) {
            double convs = rng_binomial(&r, 10, 0.5 * fmin(4 * w.rate[i], 1));
            struct qbid_cell *cell = qbid_cells_touch(&w.cells, 0, w.context[i], 0);
            cell->imps += 10;
            cell->clicks += 10;
            cell->clicked += 10;
            cell->convs += convs;
            qbid_learned_post(w.learned, 0, w.context[i], 10, 10, convs,
                              qbid_values_rates(&w.values, 0, w.context[i], 0));
        }
        struct qbid_values_in in = {
            .account = &w.account.account, .cells = &w.cells, .maturity = maturity};
        assert_int_equal(
            qbid_learned_step(w.learned, &w.account.account, &w.cells, &w.values, step), 0);
        assert_int_equal(qbid_values_fit(&w.values, &in), 0);
        for (uint32_t i = 0; i < WORLD_CONTEXTS && step >= 40; i += 7) {
            double rate = qbid_values_rates(&w.values, 0, w.context[i], 0).cvr;
            base += rate;
            other += qbid_learned_rate(w.learned, QBID_LEARNED_CVR, QBID_LEARNED_FTRL, 0,
                                       w.context[i], rate);
        }
    }
    double truth = 0;
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i += 7)
        truth += 20 * fmin(4 * w.rate[i], 1);
    assert_true(fabs(base / truth - 1) < 0.02);
    assert_true(fabs(other / base - 1) < 0.02);
    learned_world_done(&w);
}

/* --- rows */

#define ROWS_MAX 4096

struct kept {
    uint32_t kind, bytes;
    uint64_t key;
    void *data;
};

struct store {
    struct kept row[ROWS_MAX];
    uint32_t cnt;
};

static int keep(void *context, uint32_t kind, uint64_t key, const void *data, uint32_t bytes)
{
    struct store *s = context;
    uint32_t i = 0;
    while (i < s->cnt && (s->row[i].kind != kind || s->row[i].key != key))
        i++;
    if (i == ROWS_MAX)
        return QBID_ERR_STORE;
    if (i == s->cnt)
        s->row[s->cnt++] = (struct kept){.kind = kind, .key = key};
    free(s->row[i].data);
    s->row[i].data = malloc(bytes);
    memcpy(s->row[i].data, data, bytes);
    s->row[i].bytes = bytes;
    return 0;
}

static void store_done(struct store *s)
{
    for (uint32_t i = 0; i < s->cnt; i++)
        free(s->row[i].data);
    s->cnt = 0;
}

static void a_restart_changes_nothing(void **state)
{
    (void)state;
    static struct learned_world w, back;
    static struct store s;
    learned_world_init(&w, LEARNED_WORLD_INTERACTING, 2, true);
    for (unsigned p = 0; p < 4; p++) {
        learned_world_period(&w, MUCH);
        /* saved in parts as it goes, as the engine does */
        assert_int_equal(qbid_learned_save(w.learned, false, keep, &s), 0);
    }
    learned_world_init(&back, LEARNED_WORLD_INTERACTING, 2, true);
    for (uint32_t i = 0; i < s.cnt; i++)
        assert_int_equal(qbid_learned_restore(back.learned, s.row[i].kind, s.row[i].key,
                                              s.row[i].data, s.row[i].bytes),
                         0);
    struct qbid_learned *was = w.learned;
    for (unsigned life = 0; life < 2; life++) {
        /* one more period, with the same outcomes */
        struct qbid_learned *l = life ? back.learned : was;
        for (uint32_t i = 0; i < WORLD_CONTEXTS; i++)
            qbid_learned_post(l, 0, w.context[i], 20, i % 3 == 0, 0,
                              qbid_values_rates(&w.values, 0, w.context[i], 0));
        assert_int_equal(qbid_learned_step(l, &w.account.account, &w.cells, &w.values, w.now_s), 0);
    }
    struct qbid_learned_view a = learned_world_view(&w), b = learned_world_view(&back);
    assert_memory_equal(&a, &b, sizeof a);
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i++)
        for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++)
            assert_true(
                qbid_learned_rate(was, QBID_LEARNED_CTR, m, 0, w.context[i], 0.01) ==
                qbid_learned_rate(back.learned, QBID_LEARNED_CTR, m, 0, w.context[i], 0.01));
    store_done(&s);
    learned_world_done(&w);
    learned_world_done(&back);
}

static void rows_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static struct learned_world w, plain;
    static struct store s;
    learned_world_init(&w, LEARNED_WORLD_INTERACTING, 2, true);
    learned_world_period(&w, MUCH);
    learned_world_period(&w, MUCH);
    assert_int_equal(qbid_learned_save(w.learned, true, keep, &s), 0);
    learned_world_init(&plain, LEARNED_WORLD_INTERACTING, 2, false); /* without trees */
    struct qbid_learned_params params = {
        .ftrl = true, .trees = true, .ftrl_lg = 16, .mask = w.mask[1]};
    struct qbid_learned *other; /* of other dimensions */
    assert_int_equal(qbid_learned_new(&params, &other), 0);
    unsigned refused = 0;
    struct rng r = rng_init(1);
    for (uint32_t i = 0; i < s.cnt; i++) {
        struct kept *row = &s.row[i];
        refused += qbid_learned_restore(plain.learned, row->kind, row->key, row->data,
                                        row->bytes) == QBID_ERR_VERSION;
        assert_int_equal(qbid_learned_restore(other, row->kind, row->key, row->data, row->bytes),
                         QBID_ERR_VERSION);
        assert_int_equal(
            qbid_learned_restore(w.learned, row->kind, row->key, row->data, row->bytes - 1),
            QBID_ERR_VERSION);
        assert_int_equal(
            qbid_learned_restore(w.learned, row->kind + 100, row->key, row->data, row->bytes),
            QBID_ERR_VERSION);
        for (unsigned k = 0; k < 20; k++) { /* damaged: refused or harmless */
            uint8_t *byte = (uint8_t *)row->data + rng_below(&r, k < 10 ? 32 : row->bytes);
            uint8_t old = *byte;
            *byte = (uint8_t)rng_next(&r);
            (void)qbid_learned_restore(w.learned, row->kind, row->key, row->data, row->bytes);
            *byte = old;
        }
    }
    assert_int_equal(refused, 1); /* the trees of the click rate */
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i++)
        (void)qbid_learned_rate(w.learned, QBID_LEARNED_CTR, QBID_LEARNED_TREES, 0, w.context[i],
                                0.01);
    qbid_learned_free(other);
    store_done(&s);
    learned_world_done(&w);
    learned_world_done(&plain);
}

/* A campaign that trees served falls back when they are switched off. */
static void a_model_that_is_switched_off_serves_no_more(void **state)
{
    (void)state;
    static struct learned_world w, plain;
    static struct store s;
    run(&w, LEARNED_WORLD_INTERACTING, 3, MUCH);
    assert_int_equal(learned_world_view(&w).serving, QBID_LEARNED_TREES);
    assert_int_equal(qbid_learned_save(w.learned, true, keep, &s), 0);
    learned_world_init(&plain, LEARNED_WORLD_INTERACTING, 3, false);
    for (uint32_t i = 0; i < s.cnt; i++)
        (void)qbid_learned_restore(plain.learned, s.row[i].kind, s.row[i].key, s.row[i].data,
                                   s.row[i].bytes);
    learned_world_period(&plain, MUCH);
    assert_int_not_equal(learned_world_view(&plain).serving, QBID_LEARNED_TREES);
    store_done(&s);
    learned_world_done(&w);
    learned_world_done(&plain);
}

/* --- through the learner into a plan */

static const struct qbid_plan_context *row_of(const struct qbid_plan *plan, uint64_t key)
{
    for (uint32_t i = 0; i < plan->context_cnt; i++)
        if (plan->contexts[i].key == key)
            return &plan->contexts[i];
    return NULL;
}

static void teach(struct qbid_learner *learner, struct learned_world *w, uint32_t context,
                  uint32_t impressions, uint32_t clicks)
{
    const struct qbid_line_item_def *li = &w->account.line_item[0];
    struct qbid_outcome o = learn_outcome(QBID_EVENT_IMP, li, w->context[context], 0);
    for (uint32_t i = 0; i < impressions; i++)
        qbid_learner_post(learner, &o, li, &w->account.campaign[0], 0);
    o.kind = QBID_EVENT_CLICK;
    for (uint32_t i = 0; i < clicks; i++)
        qbid_learner_post(learner, &o, li, &w->account.campaign[0], 0);
}

static void the_serving_model_values_the_finest_rows_of_a_plan(void **state)
{
    (void)state;
    static struct learned_world w;
    learned_world_init(&w, LEARNED_WORLD_INTERACTING, 3, false); /* its truth only */
    struct qbid_learner_params p = {
        .cell_max = 10000,
        .context_max = 10000,
        .sample_max = 100,
        .pace_min = 0.01,
        .pace_max = 64,
        .pace_period_ns = QBID_NS_PER_S,
        .step_log2_max = 0.3,
        .learned = {.ftrl = true, .trees = true, .ftrl_lg = 16, .tree = qbid_trees_defaults()}};
    memcpy(p.level_mask, w.mask, sizeof p.level_mask);
    struct qbid_learner *learner;
    struct qbid_dictionary *dictionary;
    struct qbid_plan plan;
    assert_int_equal(qbid_learner_new(&p, &learner), 0);
    assert_int_equal(qbid_dictionary_new(&dictionary), 0);
    for (unsigned period = 0; period < 8; period++) {
        assert_int_equal(qbid_learner_plan(learner, &w.account.account, dictionary, &plan), 0);
        qbid_plan_done(&plan);
        for (uint32_t i = 0; i < WORLD_CONTEXTS; i++) {
            uint32_t n = (uint32_t)(2 * MUCH * w.share[i] + rng_uniform(&w.rng));
            teach(learner, &w, i, n, rng_binomial(&w.rng, n, w.rate[i]));
        }
    }
    assert_int_equal(qbid_learner_plan(learner, &w.account.account, dictionary, &plan), 0);
    const struct qbid_learned *learned = qbid_learner_learned(learner);
    struct qbid_learned_view view;
    assert_true(qbid_learned_view(learned, 10, QBID_LEARNED_CTR, &view));
    assert_int_equal(view.serving, QBID_LEARNED_TREES);
    unsigned rows = 0;
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i += 11) {
        const struct qbid_plan_context *row =
            row_of(&plan, qbid_context_key(w.context[i], w.mask[0], 0));
        if (!row)
            continue;
        /* a click of campaign 10 is worth 5.00 CPM / 1 %; trees ask for no hierarchical rate */
        double rate =
            qbid_learned_rate(learned, QBID_LEARNED_CTR, QBID_LEARNED_TREES, 0, w.context[i], NAN);
        double value = (double)plan.candidates[row->first].value_micros;
        assert_true(fabs(value / (rate * 5e6 / 0.01) - 1) < 1e-5);
        rows++;
    }
    assert_true(rows > 100);
    qbid_plan_done(&plan);
    qbid_dictionary_free(dictionary);
    qbid_learner_free(learner);
    learned_world_done(&w);
}

static void what_is_not_known_stays_as_it_is(void **state)
{
    (void)state;
    static struct learned_world w;
    learned_world_init(&w, LEARNED_WORLD_MULTIPLICATIVE, 1, true);
    struct qbid_rate_pair rates = {0.01, 0.1}, same;
    struct qbid_learned_view view;
    same = qbid_learned_rates(w.learned, 0, w.context[0], true, rates);
    assert_true(same.ctr == rates.ctr && same.cvr == rates.cvr);
    qbid_learned_post(w.learned, 77, w.context[0], 10, 1, 1,
                      rates); /* no line item of the account */
    learned_world_period(&w, LITTLE);
    same = qbid_learned_rates(w.learned, 77, w.context[0], true, rates);
    assert_true(same.ctr == rates.ctr && same.cvr == rates.cvr);
    same = qbid_learned_rates(w.learned, 0, 0, true, rates);
    assert_true(same.ctr == rates.ctr && same.cvr == rates.cvr);
    assert_false(qbid_learned_view(w.learned, 20, QBID_LEARNED_CTR, &view));
    assert_null(qbid_learned_table(w.learned, 20, QBID_LEARNED_CTR, QBID_LEARNED_FTRL));
    learned_world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_effects_multiply_main_effects_serve),
        cmocka_unit_test(where_values_interact_trees_serve),
        cmocka_unit_test(where_little_is_known_the_hierarchy_serves),
        cmocka_unit_test(what_serves_is_calibrated),
        cmocka_unit_test(late_clicks_do_not_bend_the_rate),
        cmocka_unit_test(nothing_happens_within_the_period),
        cmocka_unit_test(conversion_rates_keep_the_hierarchys_level),
        cmocka_unit_test(a_restart_changes_nothing),
        cmocka_unit_test(rows_that_do_not_fit_are_refused),
        cmocka_unit_test(a_model_that_is_switched_off_serves_no_more),
        cmocka_unit_test(the_serving_model_values_the_finest_rows_of_a_plan),
        cmocka_unit_test(what_is_not_known_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
