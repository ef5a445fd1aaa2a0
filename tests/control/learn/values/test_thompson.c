/* SPDX-License-Identifier: Apache-2.0 */
/* Line items of one campaign that compete: one that had bad luck is found again, or never. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/state/learner_state.h"
#include "control/learn/values/thompson.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"

#define START_S INT64_C(1700000000)
#define IMPS 200 /* an hour */

struct world {
    struct learn_fixture f;
    struct qbid_dictionary *dictionary;
    struct qbid_learner *learner;
    struct rng r;
    int64_t hour;
};

static void world_open(struct world *w, bool explore, uint64_t seed)
{
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
                                    .cell_max = 1000,
                                    .context_max = 1000,
                                    .sample_max = 200,
                                    .explore_line_items = explore,
                                    .pace_min = 1.0 / 64,
                                    .pace_max = 64,
                                    .pace_period_ns = 60 * QBID_NS_PER_S,
                                    .step_log2_max = 0.3};
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_SITE);
    memset(w, 0, sizeof *w);
    learn_fixture_init(&w->f);
    w->r = rng_init(seed);
    assert_int_equal(qbid_dictionary_new(&w->dictionary), 0);
    assert_int_equal(qbid_learner_new(&p, &w->learner), 0);
}

static void world_close(struct world *w)
{
    qbid_learner_free(w->learner);
    qbid_dictionary_free(w->dictionary);
}

static void plan(struct world *w)
{
    struct qbid_plan plan;
    struct qbid_learner_money money[2] = {{INT64_C(1000000000000), 0, 0},
                                          {INT64_C(1000000000000), 0, 0}};
    struct qbid_learner_pace pace[3];
    assert_true(qbid_learner_pace(w->learner, &w->f.account, money,
                                  (uint64_t)(1000 + w->hour) * 3600 * QBID_NS_PER_S,
                                  (START_S + w->hour * 3600) * (int64_t)QBID_NS_PER_S, pace) >= 0);
    assert_int_equal(qbid_learner_plan(w->learner, &w->f.account, w->dictionary, &plan), 0);
    qbid_plan_done(&plan);
}

static void show(struct world *w, const struct qbid_line_item_def *li, double ctr)
{
    struct qbid_outcome o = learn_outcome(QBID_EVENT_IMP, li, learn_context(0, 0, 1), 0);
    o.time_ns = o.bid_time_ns = (uint64_t)(1000 + w->hour) * 3600 * QBID_NS_PER_S;
    qbid_learner_post(w->learner, &o, li, &w->f.campaign[0], 0);
    if (rng_uniform(&w->r) >= ctr)
        return;
    o.kind = QBID_EVENT_CLICK;
    qbid_learner_post(w->learner, &o, li, &w->f.campaign[0], 0);
}

/* Days in which the line item of the higher value has every impression: the first one clicks at 2
 * %, the second at 4 %, but not in its first 40. Share of the second on the last day. */
static double share_of_the_better(struct world *w)
{
    const struct qbid_line_item_def *known = &w->f.line_item[0], *unlucky = &w->f.line_item[1];
    const struct qbid_values *values = &w->learner->values;
    double better = 0, all = 0;
    for (int i = 0; i < 3000; i++)
        show(w, known, 0.02);
    for (int i = 0; i < 40; i++)
        show(w, unlucky, 0);
    for (; w->hour < 8 * 24; w->hour++) {
        plan(w);
        double a = qbid_values_impression(values, known->idx, learn_context(0, 0, 1), 0);
        double b = qbid_values_impression(values, unlucky->idx, learn_context(0, 0, 1), 0);
        for (int i = 0; i < IMPS; i++)
            show(w, b > a ? unlucky : known, b > a ? 0.04 : 0.02);
        if (w->hour >= 7 * 24) {
            better += b > a;
            all++;
        }
    }
    return better / all;
}

static void a_line_item_that_had_bad_luck_is_found_again(void **state)
{
    (void)state;
    static struct world w;
    double with = 0, without = 0;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        world_open(&w, true, seed);
        with += share_of_the_better(&w) / 2;
        world_close(&w);
        world_open(&w, false, seed);
        without += share_of_the_better(&w) / 2;
        world_close(&w);
    }
    print_message("share of the better line item on the eighth day: %.3f by draws, %.3f without\n",
                  with, without);
    assert_true(with > 0.9);
    assert_true(without < 0.1); /* or the draws would prove nothing */
}

static void draws_rest_for_an_hour_where_little_is_known_and_nowhere_else(void **state)
{
    (void)state;
    static struct world w;
    const struct qbid_line_item_def *known = &w.f.line_item[0], *little = &w.f.line_item[1];
    world_open(&w, true, 5);
    const double *draw = NULL;
    for (int i = 0; i < 50; i++)
        show(&w, little, 0.05);
    plan(&w);
    draw = w.learner->values.draw[QBID_VALUES_CTR];
    assert_true(draw[little->idx] == 1); /* nothing to compare with yet */
    for (int i = 0; i < 20000; i++)
        show(&w, known, 0.05);
    double sum = 0, square = 0;
    for (w.hour = 1; w.hour <= 200; w.hour++) {
        plan(&w);
        draw = w.learner->values.draw[QBID_VALUES_CTR];
        double now = draw[little->idx];
        assert_true(draw[known->idx] == 1);
        assert_true(draw[w.f.line_item[2].idx] == 1); /* alone in its campaign */
        assert_true(now > 0 && now <= 3);
        struct qbid_values_in in = {
            .account = &w.f.account, .now_s = w.learner->now_s, .explore = true};
        qbid_thompson_draw(&w.learner->values, &in);
        assert_true(draw[little->idx] == now); /* the same for as long as the hour lasts */
        sum += now;
        square += now * now;
    }
    double mean = sum / 200, sd = sqrt(square / 200 - mean * mean);
    print_message("draws of one of little: mean %.3f, sd %.3f\n", mean, sd);
    assert_true(fabs(mean - 1) < 0.15);
    assert_true(sd > 0.1 && sd < 1);
    qbid_learner_freeze(w.learner, true);
    plan(&w);
    assert_true(w.learner->values.draw[QBID_VALUES_CTR][little->idx] == 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_item_that_had_bad_luck_is_found_again),
        cmocka_unit_test(draws_rest_for_an_hour_where_little_is_known_and_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
