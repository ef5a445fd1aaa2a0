/* SPDX-License-Identifier: Apache-2.0 */
/* Learning of bid multipliers: known advantages, hostile records. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/qlearning/qtable.h"
#include "control/models/landscape/shading.h"
#include "tests/control/models/market.h"

enum feedback { TOLD, SECOND, OUTCOME };

struct scene {
    enum feedback feedback;
    double pace; /* in force; the right one is 1 */
    struct qbid_shade shade;
};

static struct qbid_shade market_shade(void)
{
    static struct qbid_landscape none;
    struct qbid_landscape_curve curve = {.samples = 1e6};
    struct qbid_shade shade;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        curve.win[i] = market_win(qbid_landscape_edge(i + 1) / MARKET_UNIT);
    qbid_shading_build(&none, &curve, 0, 0, &shade);
    return shade;
}

/* Reward of a multiplier on one auction, written out. */
static double reward(const struct scene *s, double value, double price, double multiplier)
{
    double e = value * s->pace * multiplier;
    if (s->feedback != OUTCOME)
        return e >= price ? 1 - price / value : 0;
    double bid = (double)qbid_shade_eval(&s->shade, (float)e);
    return bid >= price ? 1 - bid / value : 0;
}

static struct qbid_qlog play(const struct scene *s, const struct qbid_qlearner *l,
                             const struct qbid_qrow *row, uint32_t at, struct rng *r)
{
    float propensity;
    struct qbid_qlog log = {.state = at, .greedy = row->greedy, .lambda = 1};
    double value = market_value(r) * MARKET_UNIT, price = market_price(r) * MARKET_UNIT;
    qbid_qrow_pick(row, rng_next(r), &log.action, &propensity);
    double e = value * s->pace * l->multiplier[log.action];
    double bid = s->feedback == OUTCOME ? (double)qbid_shade_eval(&s->shade, (float)e) : e;
    log.propensity = (double)propensity;
    log.value_micros = value;
    log.pace = s->pace;
    log.won = bid >= price;
    log.told = s->feedback == TOLD;
    log.shade = s->feedback == OUTCOME ? &s->shade : NULL;
    log.cost_micros = !log.won ? 0 : s->feedback == OUTCOME ? bid : price;
    log.price_micros = log.told || (log.won && s->feedback == SECOND) ? price : 0;
    return log;
}

static void advantages_meet_their_expectation_under_every_kind_of_feedback(void **state)
{
    (void)state;
    struct qbid_qlearner_params params = {.explore = 0.03};
    static struct qbid_qlearner l;
    static struct qbid_qrow rows[QBID_QSTATES];
    for (int f = TOLD; f <= OUTCOME; f++) {
        struct scene s = {(enum feedback)f, 1.2, market_shade()};
        struct rng r = rng_init(20 + (uint64_t)f);
        double mean[QBID_QLEARNER_ACTIONS] = {0};
        const int n = 1000000;
        qbid_qlearner_init(&l);
        l.greedy[7] = 4; /* not the neutral one: its chance of being seen must be right too */
        assert_int_equal(qbid_qlearner_rows(&l, &params, rows), 0);
        for (int i = 0; i < n; i++) {
            struct qbid_qlog log = play(&s, &l, &rows[7], 7, &r);
            assert_true(qbid_qlearner_learn(&l, &log) > 0);
            double value = market_value(&r) * MARKET_UNIT, price = market_price(&r) * MARKET_UNIT;
            double base = reward(&s, value, price, 1);
            for (int a = 0; a < QBID_QLEARNER_ACTIONS; a++)
                mean[a] += (reward(&s, value, price, l.multiplier[a]) - base) / n;
        }
        for (uint32_t a = 0; a < QBID_QLEARNER_ACTIONS; a++) {
            double got = qbid_qlearner_advantage(&l, &params, 7, a);
            double error = a == QBID_QLEARNER_NEUTRAL ? 0 : qbid_qcell_error(&l.cell[7][a]);
            if (f == OUTCOME) /* the base is itself an average there */
                error = hypot(error, qbid_qcell_error(&l.cell[7][QBID_QLEARNER_NEUTRAL]));
            assert_true(fabs(got - mean[a]) <= 4 * error + 1e-3);
            assert_true(error < 0.05);
        }
    }
}

static void a_pace_that_is_off_is_corrected_and_a_right_one_is_left(void **state)
{
    (void)state;
    struct qbid_qlearner_params params = qbid_qlearner_defaults();
    static struct qbid_qlearner l;
    static struct qbid_qrow rows[QBID_QSTATES];
    const double pace[] = {1.25, 1, 0.8};
    const int rounds[] = {40, 40, 400};
    for (int f = TOLD; f <= OUTCOME; f++) {
        for (int k = 0; k < 3; k++) {
            struct scene s = {(enum feedback)f, pace[k], market_shade()};
            struct rng r = rng_init(40 + (uint64_t)(3 * f + k));
            qbid_qlearner_init(&l);
            for (int round = 0; round < rounds[f]; round++) {
                assert_int_equal(qbid_qlearner_rows(&l, &params, rows), 0);
                for (int i = 0; i < 5000; i++) {
                    struct qbid_qlog log = play(&s, &l, &rows[3], 3, &r);
                    qbid_qlearner_learn(&l, &log);
                }
                qbid_qlearner_decide(&l, &params);
            }
            double bid = pace[k] * qbid_qlearner_multiplier(&l, 3);
            print_message("feedback %d: pace %.2f becomes %.3f\n", f, pace[k], bid);
            assert_true(fabs(log2(bid)) <= 0.175); /* 1, or the action next to it */
            assert_true(k != 1 || f == OUTCOME || bid == 1);
        }
    }
}

static void noise_alone_seldom_moves_the_greedy_action(void **state)
{
    (void)state;
    struct qbid_qlearner_params params = qbid_qlearner_defaults();
    static struct qbid_qlearner l;
    struct rng r = rng_init(60);
    static struct qbid_qrow rows[QBID_QSTATES];
    struct scene s = {SECOND, 1, market_shade()};
    int moved = 0;
    qbid_qlearner_init(&l);
    for (int round = 0; round < 20; round++) {
        qbid_qlearner_rows(&l, &params, rows);
        for (uint32_t at = 0; at < QBID_QSTATES; at++) {
            for (int i = 0; i < 100; i++) {
                struct qbid_qlog log = play(&s, &l, &rows[at], at, &r);
                qbid_qlearner_learn(&l, &log);
            }
        }
        qbid_qlearner_decide(&l, &params);
    }
    for (int at = 0; at < QBID_QSTATES; at++)
        moved += l.greedy[at] != QBID_QLEARNER_NEUTRAL;
    print_message("%d of %d states left the right action on noise\n", moved, QBID_QSTATES);
    assert_true(moved <= 5);
}

static void what_is_forgotten_returns_to_multiplier_one(void **state)
{
    (void)state;
    struct qbid_qlearner_params params = qbid_qlearner_defaults();
    static struct qbid_qlearner l;
    qbid_qlearner_init(&l);
    for (int i = 0; i < 1000; i++)
        qbid_qcell_learn(&l.cell[5][6], 0.2 + 0.01 * (i % 3), 1, 1);
    assert_int_equal(qbid_qlearner_decide(&l, &params), 1);
    assert_int_equal(l.greedy[5], 6);
    assert_true(qbid_qlearner_multiplier(&l, 5) == 1 / 0.64);
    qbid_qlearner_discount(&l, NAN);
    assert_int_equal(qbid_qlearner_decide(&l, &params), 0);
    qbid_qlearner_discount(&l, 0.001);
    assert_int_equal(qbid_qlearner_decide(&l, &params), 1);
    assert_true(qbid_qlearner_multiplier(&l, 5) == 1);
}

static void averages_and_their_errors_by_hand(void **state)
{
    (void)state;
    struct qbid_qcell cell = {0};
    assert_true(isinf(qbid_qcell_error(&cell)));
    const double x[] = {1, 2, 3, 6};
    for (int i = 0; i < 4; i++)
        qbid_qcell_learn(&cell, x[i], 2, 1);
    assert_true(fabs(cell.value - 3) < 1e-12);
    assert_true(fabs(qbid_qcell_error(&cell) - sqrt(14.0 / 3 / 4)) < 1e-12);
    qbid_qcell_learn(&cell, NAN, 1, 1);
    qbid_qcell_learn(&cell, 1, NAN, 1);
    qbid_qcell_learn(&cell, 1, -1, 1);
    qbid_qcell_learn(&cell, INFINITY, 1, 1);
    assert_true(fabs(cell.value - 3) < 1e-12 && cell.weight == 8);
    struct qbid_qcell uneven = {0};
    qbid_qcell_learn(&uneven, 0, 3, 1);
    qbid_qcell_learn(&uneven, 4, 1, 1);
    assert_true(fabs(uneven.value - 1) < 1e-12);
}

static void impossible_records_are_refused(void **state)
{
    (void)state;
    static struct qbid_qlearner l;
    const struct qbid_qlog good = {.action = 3,
                                   .greedy = 3,
                                   .propensity = 0.97,
                                   .pace = 1,
                                   .value_micros = 1e6,
                                   .price_micros = 5e5,
                                   .cost_micros = 5e5,
                                   .won = 1};
    const double odd[] = {NAN, INFINITY, -INFINITY, -1};
    qbid_qlearner_init(&l);
    static struct qbid_qlearner untouched;
    memcpy(&untouched, &l, sizeof l);
    for (int i = 0; i < 4; i++) {
        for (int field = 0; field < 6; field++) {
            struct qbid_qlog log = good;
            double *at[] = {&log.propensity, &log.value_micros, &log.pace,
                            &log.lambda,     &log.price_micros, &log.cost_micros};
            *at[field] = odd[i];
            assert_int_equal(qbid_qlearner_learn(&l, &log), 0);
        }
    }
    struct qbid_qlog log = good;
    log.state = QBID_QSTATES;
    assert_int_equal(qbid_qlearner_learn(&l, &log), 0);
    log = good, log.action = QBID_QLEARNER_ACTIONS;
    assert_int_equal(qbid_qlearner_learn(&l, &log), 0);
    log = good, log.greedy = 200;
    assert_int_equal(qbid_qlearner_learn(&l, &log), 0);
    log = good, log.propensity = 0;
    assert_int_equal(qbid_qlearner_learn(&l, &log), 0);
    log = good, log.price_micros = 0; /* won in second price, price not told */
    assert_int_equal(qbid_qlearner_learn(&l, &log), 0);
    assert_memory_equal(&l, &untouched, sizeof l);
    assert_int_equal(qbid_qlearner_learn(&l, &good), 4); /* its own action and those below */
}

static void rows_are_valid_and_greedy_has_ratio_one(void **state)
{
    (void)state;
    static struct qbid_qlearner l;
    static struct qbid_qrow rows[QBID_QSTATES];
    struct qbid_qlearner_params params = qbid_qlearner_defaults();
    qbid_qlearner_init(&l);
    for (uint32_t s = 0; s < QBID_QSTATES; s++)
        l.greedy[s] = (uint8_t)(s % QBID_QLEARNER_ACTIONS);
    params.explore = 0.5;
    assert_int_equal(qbid_qlearner_rows(&l, &params, rows), 0);
    for (uint32_t s = 0; s < QBID_QSTATES; s++) {
        assert_true(qbid_qrow_valid(&rows[s]) && rows[s].greedy == l.greedy[s]);
        assert_true(rows[s].ratio[rows[s].greedy] == 1.0f);
        assert_true(rows[s].explore_q32 <= (uint32_t)(0.03 * 4294967296.0));
        for (uint32_t a = 0; a < QBID_QLEARNER_ACTIONS; a++)
            assert_true(fabs((double)rows[s].ratio[a] * qbid_qlearner_multiplier(&l, s) -
                             l.multiplier[a]) < 1e-6);
    }
    params.explore = NAN;
    assert_int_equal(qbid_qlearner_rows(&l, &params, rows), 0);
    assert_true(rows[0].explore_q32 == 0);
}

static void hostile_learners_give_inert_rows(void **state)
{
    (void)state;
    static struct qbid_qlearner l;
    static struct qbid_qrow rows[QBID_QSTATES];
    struct qbid_qlearner_params params = qbid_qlearner_defaults();
    const double odd[] = {NAN, INFINITY, -1, 0, 0.2, 4.1, 1e300};
    for (int i = 0; i < 7; i++) {
        for (int a = 0; a < QBID_QLEARNER_ACTIONS; a++) {
            qbid_qlearner_init(&l);
            l.multiplier[a] = odd[i];
            assert_int_equal(qbid_qlearner_rows(&l, &params, rows), QBID_QSTATES);
            for (int s = 0; s < QBID_QSTATES; s++) {
                uint32_t action;
                float propensity;
                assert_true(qbid_qrow_pick(&rows[s], 0, &action, &propensity) == 1.0f);
                assert_true(propensity == 1.0f);
            }
            assert_true(qbid_qlearner_multiplier(&l, 0) == 1);
        }
    }
    qbid_qlearner_init(&l);
    l.multiplier[0] = 0.25; /* each may be, but not both in one row: 8 from end to end */
    l.multiplier[6] = 2;
    l.greedy[9] = 0;
    assert_int_equal(qbid_qlearner_rows(&l, &params, rows), 1);
    assert_true(rows[9].n == 0 && rows[8].n == QBID_QLEARNER_ACTIONS);
    l.greedy[9] = 77;
    assert_int_equal(qbid_qlearner_rows(&l, &params, rows), 1);
    assert_true(qbid_qlearner_multiplier(&l, 9) == 1);
    assert_true(qbid_qlearner_multiplier(&l, QBID_QSTATES) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advantages_meet_their_expectation_under_every_kind_of_feedback),
        cmocka_unit_test(a_pace_that_is_off_is_corrected_and_a_right_one_is_left),
        cmocka_unit_test(noise_alone_seldom_moves_the_greedy_action),
        cmocka_unit_test(what_is_forgotten_returns_to_multiplier_one),
        cmocka_unit_test(averages_and_their_errors_by_hand),
        cmocka_unit_test(impossible_records_are_refused),
        cmocka_unit_test(rows_are_valid_and_greedy_has_ratio_one),
        cmocka_unit_test(hostile_learners_give_inert_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
