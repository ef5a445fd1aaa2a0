/* SPDX-License-Identifier: Apache-2.0 */
/* The learner in a closed loop with a market of known prices and click rates. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/learner.h"
#include "control/learn/pacing/response.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/learn/saved.h"

#define SITES 20
#define AUCTIONS_AN_HOUR 72000

static struct qbid_learner *learner_make(void)
{
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
                                    .cell_max = 10000,
                                    .context_max = 1000,
                                    .sample_max = 2000,
                                    .explore = 0.02,
                                    .rotation_floor = 0.02,
                                    .pace_min = 1.0 / 64,
                                    .pace_max = 64,
                                    .pace_period_ns = QBID_NS_PER_S,
                                    .step_log2_max = 0.3};
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SITE);
    p.level_mask[1] = qbid_dim_mask(QBID_DIM_SITE);
    struct qbid_learner *learner;
    assert_int_equal(qbid_learner_new(&p, &learner), 0);
    return learner;
}

static double uniform(uint64_t i, unsigned n)
{
    return (double)(qbid_roll(i, 77, n) >> 11) * 0x1p-53;
}

static double site_ctr(uint32_t site)
{
    return 0.002 * (1 + site % 5);
}

/* n impressions of line item 100 at random sites, won at 1.00 CPM, clicked at the site's rate. */
static void teach(struct qbid_learner *learner, struct learn_fixture *f, uint64_t n)
{
    const struct qbid_line_item_def *li = &f->line_item[0];
    for (uint64_t i = 0; i < n; i++) {
        uint32_t site = 1 + (uint32_t)(qbid_roll(i, 5, 0) % SITES);
        uint64_t context = learn_context(1, 0, site);
        struct qbid_outcome o = learn_outcome(QBID_EVENT_BID, li, context, 0);
        o.creative_id = 1001 + (uint32_t)(i & 1);
        o.bid_time_ns = o.time_ns = i * 1000;
        const int kinds[] = {QBID_EVENT_BID, QBID_EVENT_WIN, QBID_EVENT_BILL, QBID_EVENT_IMP};
        for (unsigned k = 0; k < 4; k++) {
            o.kind = (uint8_t)kinds[k];
            o.first_win = kinds[k] == QBID_EVENT_WIN;
            o.price_nanos = 800000;
            qbid_learner_post(learner, &o, li, &f->campaign[0],
                              kinds[k] == QBID_EVENT_BILL ? 800000 : 0);
        }
        double ctr = site_ctr(site) * (o.creative_id == 1001 ? 1.5 : 0.5);
        o.kind = QBID_EVENT_CLICK;
        o.first_win = false;
        if (uniform(i, 1) < ctr)
            qbid_learner_post(learner, &o, li, &f->campaign[0], 0);
    }
}

static const struct qbid_plan_context *row_of(const struct qbid_plan *plan, uint64_t key)
{
    for (uint32_t i = 0; i < plan->context_cnt; i++)
        if (plan->contexts[i].key == key)
            return &plan->contexts[i];
    return NULL;
}

static float value_in(const struct qbid_plan *plan, const struct qbid_plan_context *row,
                      uint32_t idx)
{
    for (uint32_t i = row->first; i < row->first + row->cnt; i++)
        if (plan->candidates[i].line_item_idx == idx)
            return plan->candidates[i].value_micros;
    return -1;
}

static void a_plan_values_contexts_by_what_they_bring(void **state)
{
    (void)state;
    struct learn_fixture f;
    struct qbid_dictionary *dictionary;
    struct qbid_plan plan;
    learn_fixture_init(&f);
    assert_int_equal(qbid_dictionary_new(&dictionary), 0);
    struct qbid_learner *learner = learner_make();
    teach(learner, &f, 400000);
    assert_int_equal(qbid_learner_plan(learner, &f.account, dictionary, &plan), 0);
    uint64_t mask = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SITE);
    /* A click of campaign 10 is worth 5.00 CPM / 1 % */
    for (uint32_t site = 1; site <= SITES; site++) {
        const struct qbid_plan_context *row =
            row_of(&plan, qbid_context_key(learn_context(1, 0, site), mask, 0));
        assert_non_null(row);
        double want = site_ctr(site) * 5e6 / 0.01;
        double sd = want * sqrt(1 / (site_ctr(site) * 400000 / SITES));
        assert_true(fabs((double)value_in(&plan, row, 0) - want) < 4 * sd);
    }
    double share_good = 0, share_bad = 0;
    for (uint32_t i = 0; i < plan.creative_cnt; i++) {
        share_good += plan.creatives[i].creative_id == 1001 ? plan.creatives[i].probability : 0;
        share_bad += plan.creatives[i].creative_id == 1002 ? plan.creatives[i].probability : 0;
    }
    assert_true(fabs(share_good - 0.98) < 1e-9 && fabs(share_bad - 0.02) < 1e-9);
    qbid_plan_done(&plan);
    qbid_learner_free(learner);
    qbid_dictionary_free(dictionary);
}

static void plans_equal(const struct qbid_plan *a, const struct qbid_plan *b)
{
    assert_int_equal(a->context_cnt, b->context_cnt);
    assert_int_equal(a->candidate_cnt, b->candidate_cnt);
    for (uint32_t i = 0; i < a->context_cnt; i++)
        assert_true(a->contexts[i].key == b->contexts[i].key);
    for (uint32_t i = 0; i < a->candidate_cnt; i++)
        assert_true(a->candidates[i].line_item_idx == b->candidates[i].line_item_idx &&
                    fabsf(a->candidates[i].value_micros / b->candidates[i].value_micros - 1) <
                        1e-5f);
    assert_int_equal(a->creative_cnt, b->creative_cnt);
    for (uint32_t i = 0; i < a->creative_cnt; i++)
        assert_true(a->creatives[i].probability == b->creatives[i].probability);
    assert_int_equal(a->shade_cnt, b->shade_cnt);
    assert_memory_equal(a->shades, b->shades, a->shade_cnt * sizeof *a->shades);
    assert_memory_equal(a->qrows, b->qrows, a->qgroup_cnt * QBID_QSTATES * sizeof *a->qrows);
}

static void state_saved_and_restored_makes_the_same_plan(void **state)
{
    (void)state;
    struct learn_fixture f;
    struct qbid_dictionary *dictionary;
    struct qbid_plan before, after;
    learn_fixture_init(&f);
    assert_int_equal(qbid_dictionary_new(&dictionary), 0);
    struct qbid_learner *learner = learner_make(), *other = learner_make();
    struct saved *saved = calloc(1, sizeof *saved);
    assert_non_null(saved);
    teach(learner, &f, 50000);
    assert_int_equal(qbid_learner_plan(learner, &f.account, dictionary, &before), 0);
    qbid_plan_done(&before);
    assert_int_equal(qbid_learner_save(learner, false, saved_keep, saved), 0);
    assert_int_equal(qbid_learner_plan(learner, &f.account, dictionary, &before), 0);
    saved_restore(saved, other);
    for (uint32_t i = 0; i < saved->cnt; i++)
        assert_int_equal(qbid_learner_restore(other, saved->row[i].kind, saved->row[i].key,
                                              saved->row[i].data, saved->row[i].bytes - 8),
                         QBID_ERR_VERSION);
    saved_done(saved);
    assert_int_equal(qbid_learner_plan(other, &f.account, dictionary, &after), 0);
    plans_equal(&before, &after);
    /* Nothing came since: what every plan makes comes again, and then what is always written. */
    const uint32_t always = QBID_GOAL_CNT + 1, ratios = 2 * 3;
    assert_int_equal(qbid_learner_save(learner, false, saved_keep, saved), 0);
    assert_true(saved->cnt >= always + ratios && saved->cnt <= always + ratios + 2);
    saved_done(saved);
    assert_int_equal(qbid_learner_save(learner, false, saved_keep, saved), 0);
    assert_int_equal(saved->cnt, always);
    saved_done(saved);
    free(saved);
    qbid_plan_done(&before);
    qbid_plan_done(&after);
    qbid_learner_free(learner);
    qbid_learner_free(other);
    qbid_dictionary_free(dictionary);
}

static void a_frozen_learner_keeps_its_values(void **state)
{
    (void)state;
    struct learn_fixture f;
    struct qbid_dictionary *dictionary;
    struct qbid_plan before, after;
    learn_fixture_init(&f);
    assert_int_equal(qbid_dictionary_new(&dictionary), 0);
    struct qbid_learner *learner = learner_make();
    teach(learner, &f, 20000);
    assert_int_equal(qbid_learner_plan(learner, &f.account, dictionary, &before), 0);
    qbid_learner_freeze(learner, true);
    teach(learner, &f, 20000);
    assert_int_equal(qbid_learner_plan(learner, &f.account, dictionary, &after), 0);
    plans_equal(&before, &after);
    qbid_plan_done(&before);
    qbid_plan_done(&after);
    qbid_learner_free(learner);
    qbid_dictionary_free(dictionary);
}

struct loop {
    struct qbid_learner_money money[2];
    uint64_t auctions, clicks;
    double pace_last;
};

/* An auction's price, lognormal around 1.00 CPM, and its value, micros. */
static double market_of(uint64_t id)
{
    double sum = uniform(id, 3) + uniform(id, 4) + uniform(id, 5) + uniform(id, 6);
    return 1e6 * exp(0.6 * (sum - 2) * 1.7);
}

static uint32_t site_of(uint64_t id)
{
    return 1 + (uint32_t)(qbid_roll(id, 6, 0) % SITES);
}

static double value_of(uint64_t id)
{
    return site_ctr(site_of(id)) * 5e6 / 0.01;
}

/* An hour of second-price auctions, 20 a second, paced each second. */
static void run_hour(struct qbid_learner *learner, struct learn_fixture *f, struct loop *loop)
{
    const struct qbid_line_item_def *li = &f->line_item[0];
    struct qbid_learner_pace out[3];
    for (int64_t second = 0; second < 3600; second++) {
        uint64_t now_ns = (uint64_t)(10000 + second) * QBID_NS_PER_S;
        int64_t now_unix_ns = (1000 + second) * (int64_t)QBID_NS_PER_S;
        assert_int_equal(
            qbid_learner_pace(learner, &f->account, loop->money, now_ns, now_unix_ns, out), 3);
        loop->pace_last = (double)out[0].pace;
        for (unsigned a = 0; a < 20; a++) {
            uint64_t id = (uint64_t)second * 20 + a;
            uint32_t site = site_of(id);
            double market = market_of(id), value = value_of(id);
            double bid = fmin(value * loop->pace_last, 5e6);
            if (bid < 1)
                continue;
            struct qbid_outcome o = learn_outcome(QBID_EVENT_BID, li, learn_context(1, 0, site), 0);
            o.time_ns = o.bid_time_ns = now_ns;
            o.value_micros = (float)value;
            o.pace = (float)loop->pace_last;
            o.bid_nanos = (int64_t)bid;
            qbid_learner_post(learner, &o, li, &f->campaign[0], 0);
            bool won = bid >= market &&
                       loop->money[0].spent_nanos + (int64_t)market <= loop->money[0].budget_nanos;
            o.price_nanos = (int64_t)market;
            o.kind = (uint8_t)(won ? QBID_EVENT_WIN : QBID_EVENT_LOSS);
            o.first_win = won;
            qbid_learner_post(learner, &o, li, &f->campaign[0], 0);
            loop->auctions++;
            if (!won)
                continue;
            loop->money[0].spent_nanos += (int64_t)market;
            o.kind = QBID_EVENT_BILL;
            o.first_win = false;
            qbid_learner_post(learner, &o, li, &f->campaign[0], (int64_t)market);
        }
    }
}

/* By how much the hour's worth answers its spend: all auctions once with a little less and once
 * with a little more than a multiplier. */
static double response_by_trial(double pace)
{
    double spend[2] = {0}, worth[2] = {0};
    for (uint64_t id = 0; id < AUCTIONS_AN_HOUR; id++)
        for (int k = 0; k < 2; k++) {
            bool won = value_of(id) * pace * (k ? 1.05 : 1 / 1.05) >= market_of(id);
            spend[k] += won ? market_of(id) : 0;
            worth[k] += won ? value_of(id) : 0;
        }
    return log(worth[1] / worth[0]) / log(spend[1] / spend[0]);
}

static void response_checks(const struct qbid_learner *learner, double pace)
{
    double exponent = -1, tried = response_by_trial(pace);
    assert_true(qbid_learner_response(learner, 10, &exponent));
    print_message("exponent of worth in spend: %.3f, by trial %.3f\n", exponent, tried);
    assert_true(fabs(exponent - tried) < 0.06);
    assert_false(qbid_learner_response(learner, 20, &exponent)); /* has not bid */
    assert_false(qbid_learner_response(learner, 99, &exponent)); /* is not there */
}

static void pacing_spends_a_budget_evenly_over_its_flight(void **state)
{
    (void)state;
    const double part[] = {0.1, 0.3, 0.6};
    for (unsigned i = 0; i < 3; i++) {
        struct learn_fixture f;
        struct qbid_dictionary *dictionary;
        struct qbid_plan plan;
        learn_fixture_init(&f);
        assert_int_equal(qbid_dictionary_new(&dictionary), 0);
        struct qbid_learner *learner = learner_make();
        teach(learner, &f, 100000);
        assert_int_equal(qbid_learner_plan(learner, &f.account, dictionary, &plan), 0);
        struct loop loop = {.money[0].budget_nanos = (int64_t)(part[i] * 72000 * 1.2e6)};
        run_hour(learner, &f, &loop);
        double delivered = (double)loop.money[0].spent_nanos / (double)loop.money[0].budget_nanos;
        print_message("budget %2.0f %%: delivered %.4f, last pace %.3f\n", part[i] * 100, delivered,
                      loop.pace_last);
        assert_true(delivered > 0.98 && delivered <= 1);
        response_checks(learner, loop.pace_last);
        qbid_plan_done(&plan);
        qbid_learner_free(learner);
        qbid_dictionary_free(dictionary);
    }
}

static void nobody_bids_outside_its_flight_or_without_money(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_learner *learner = learner_make();
    struct qbid_learner_pace out[3];
    struct qbid_learner_money money[2] = {{1000000, 0, 0}, {1000000, 1000000, 0}};
    const int64_t in_flight = 1500, before = 999, after = 4600;
    for (unsigned i = 0; i < 3; i++) {
        int64_t unix_s = i == 0 ? in_flight : i == 1 ? before : after;
        assert_int_equal(qbid_learner_pace(learner, &f.account, money, 1, unix_s * 1000000000, out),
                         3);
        for (unsigned k = 0; k < 3; k++) {
            bool rich = out[k].line_item_idx != 1;
            assert_true((out[k].pace > 0) == (i == 0 && rich));
        }
    }
    f.campaign[0].active = false;
    assert_int_equal(qbid_learner_pace(learner, &f.account, money, 1, in_flight * 1000000000, out),
                     3);
    for (unsigned k = 0; k < 3; k++)
        assert_true(out[k].pace == 0);
    qbid_learner_free(learner);
}

static void levels_that_do_not_nest_are_refused(void **state)
{
    (void)state;
    struct qbid_learner_params p = {.cell_max = 10,
                                    .context_max = 10,
                                    .sample_max = 10,
                                    .pace_min = 0.1,
                                    .pace_max = 10,
                                    .pace_period_ns = 1,
                                    .step_log2_max = 0.3};
    struct qbid_learner *learner = NULL;
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_SITE);
    p.level_mask[1] = qbid_dim_mask(QBID_DIM_DEVICE);
    assert_int_equal(qbid_learner_new(&p, &learner), QBID_ERR_INVAL);
    p.level_mask[0] |= p.level_mask[1];
    assert_int_equal(qbid_learner_new(&p, &learner), 0);
    qbid_learner_free(learner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_values_contexts_by_what_they_bring),
        cmocka_unit_test(state_saved_and_restored_makes_the_same_plan),
        cmocka_unit_test(a_frozen_learner_keeps_its_values),
        cmocka_unit_test(pacing_spends_a_budget_evenly_over_its_flight),
        cmocka_unit_test(nobody_bids_outside_its_flight_or_without_money),
        cmocka_unit_test(levels_that_do_not_nest_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
