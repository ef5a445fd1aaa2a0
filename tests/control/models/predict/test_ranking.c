/* SPDX-License-Identifier: Apache-2.0 */
/* The ranking: better models win, equal ones are left alone however often one looks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/models/predict/ranking.h"
#include "tests/control/models/rng.h"

#define LOOKS 400
#define ERROR_RATE 0.05

/* The sums written out over single trials. */
static void sums_are_those_of_single_trials(void **state)
{
    (void)state;
    struct qbid_ranking c = {0};
    const double p[2] = {0.1, 0.2};
    double gain = 0, square = 0, loss = 0;
    qbid_ranking_add(&c, p, 2, 10, 3);
    for (unsigned i = 0; i < 10; i++) {
        double a = i < 3 ? -log(p[0]) : -log(1 - p[0]), b = i < 3 ? -log(p[1]) : -log(1 - p[1]);
        gain += b - a;
        square += (b - a) * (b - a);
        loss += a;
    }
    assert_true(fabs(c.gain[0][1] - gain) < 1e-12 && fabs(c.gain[1][0] + gain) < 1e-12);
    assert_true(fabs(c.square[0][1] - square) < 1e-12);
    assert_true(fabs(qbid_ranking_loss(&c, 0) - loss / 10) < 1e-12);
    assert_true(c.gain[0][0] == 0 && c.trials == 10 && c.successes == 3);
}

static void a_late_success_takes_its_failure_back(void **state)
{
    (void)state;
    struct qbid_ranking together = {0}, apart = {0};
    const double p[2] = {0.01, 0.03};
    qbid_ranking_add(&together, p, 2, 100, 2);
    qbid_ranking_add(&apart, p, 2, 100, 0);
    qbid_ranking_add(&apart, p, 2, 0, 2);
    assert_true(fabs(together.gain[0][1] - apart.gain[0][1]) < 1e-12);
    assert_true(fabs(together.loss[1] - apart.loss[1]) < 1e-12);
    assert_true(apart.trials == 100 && apart.successes == 2);
}

static void nonsense_is_passed_over(void **state)
{
    (void)state;
    struct qbid_ranking c = {0};
    const double p[2] = {0, 1};
    qbid_ranking_add(&c, p, 2, NAN, 0);
    qbid_ranking_add(&c, p, 2, -1, 0);
    qbid_ranking_add(&c, p, 2, 1, INFINITY);
    assert_true(c.trials == 0 && c.loss[0] == 0);
    qbid_ranking_add(&c, p, 2, 10, 1); /* certain and wrong: dear, but a number */
    assert_true(isfinite(c.gain[0][1]));
}

struct course {
    unsigned switched;
    unsigned flapped; /* more than one switch */
    unsigned right;
};

/* Rates of many contexts; model 0 knows them with an error of sd0 in the logarithm, model 1 of sd1.
 */
static struct course run(double sd0, double sd1, unsigned seeds)
{
    struct course course = {0};
    for (unsigned seed = 0; seed < seeds; seed++) {
        struct rng r = rng_init(1000 + seed);
        struct qbid_ranking c = {0};
        for (unsigned look = 0; look < LOOKS; look++) {
            for (unsigned i = 0; i < 20; i++) {
                double rate = 0.01 * rng_lognormal(&r, 0, 0.5);
                double p[2] = {rate * rng_lognormal(&r, -sd0 * sd0 / 2, sd0),
                               rate * rng_lognormal(&r, -sd1 * sd1 / 2, sd1)};
                qbid_ranking_add(&c, p, 2, 200, rng_binomial(&r, 200, fmin(rate, 1)));
            }
            qbid_ranking_decide(&c, 2, ERROR_RATE);
        }
        course.switched += c.switches > 0;
        course.flapped += c.switches > 1;
        course.right += c.serving == (sd1 < sd0);
    }
    return course;
}

static void equal_models_are_left_alone_however_often_one_looks(void **state)
{
    (void)state;
    struct course c = run(0.3, 0.3, 200);
    print_message("ranking: equal models, %u looks: %u of 200 switched (5 %% would be 10)\n", LOOKS,
                  c.switched);
    assert_true(c.switched <= 10);
}

static void the_better_model_wins_and_keeps_its_place(void **state)
{
    (void)state;
    struct course c = run(0.35, 0.1, 100);
    assert_int_equal(c.right, 100);
    assert_int_equal(c.flapped, 0);
    c = run(0.1, 0.35, 100);
    assert_int_equal(c.switched, 0);
}

/* A fixed 95 % interval that is looked at each time does find differences between equals. */
static void looking_at_a_fixed_interval_would_not_do(void **state)
{
    (void)state;
    unsigned found = 0;
    for (unsigned seed = 0; seed < 100; seed++) {
        struct rng r = rng_init(5000 + seed);
        struct qbid_ranking c = {0};
        int out = 0;
        for (unsigned look = 0; look < LOOKS && !out; look++) {
            double u = rng_lognormal(&r, 0, 0.3), v = rng_lognormal(&r, 0, 0.3);
            double p[2] = {0.01 * u, 0.01 * v};
            qbid_ranking_add(&c, p, 2, 4000, rng_binomial(&r, 4000, 0.01));
            out = look > 5 && fabs(c.gain[0][1]) > 1.96 * sqrt(c.square[0][1]);
        }
        found += (unsigned)out;
    }
    assert_true(found > 20);
}

static void a_world_that_turns_is_noticed(void **state)
{
    (void)state;
    struct rng r = rng_init(3);
    struct qbid_ranking c = {0};
    unsigned at = 0;
    for (unsigned look = 0; look < 2000 && !at; look++) {
        double rate = 0.01 * rng_lognormal(&r, 0, 0.5);
        double good = rate, bad = rate * rng_lognormal(&r, -0.125, 0.5);
        double p[2] = {look < 1000 ? good : bad, look < 1000 ? bad : good};
        qbid_ranking_add(&c, p, 2, 4000, rng_binomial(&r, 4000, fmin(rate, 1)));
        qbid_ranking_fade(&c, 0.99);
        if (qbid_ranking_decide(&c, 2, ERROR_RATE) == 1 && look < 1000)
            fail();
        at = c.serving == 1 ? look : 0;
    }
    assert_true(at > 1000 && at < 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_single_trials),
        cmocka_unit_test(a_late_success_takes_its_failure_back),
        cmocka_unit_test(nonsense_is_passed_over),
        cmocka_unit_test(equal_models_are_left_alone_however_often_one_looks),
        cmocka_unit_test(the_better_model_wins_and_keeps_its_place),
        cmocka_unit_test(looking_at_a_fixed_interval_would_not_do),
        cmocka_unit_test(a_world_that_turns_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
