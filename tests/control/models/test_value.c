/* SPDX-License-Identifier: Apache-2.0 */
/* The worth of an impression: units by hand, and the properties that every goal must keep. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/models/value.h"
#include "shm/units.h"
#include "tests/control/models/rng.h"

#define UNIT QBID_MICROS_PER_UNIT

static double worth(enum qbid_goal goal, int64_t target, int64_t unit, double ctr, double cvr,
                    int64_t order)
{
    struct qbid_value_params p = {.goal = goal, .target_micros = target, .unit_micros = unit};
    return qbid_value_impression(&p, ctr, cvr, order);
}

static void worth_by_hand(void **state)
{
    (void)state;
    /* one click in a thousand at 2.00 a click: 2.00 CPM */
    assert_true(fabs(worth(QBID_GOAL_TARGET_CPC, 2 * UNIT, 0, 1e-3, 0, 0) - 2e6) < 1e-3);
    assert_true(fabs(worth(QBID_GOAL_MAX_CLICKS, 0, 2 * UNIT, 1e-3, 0, 0) - 2e6) < 1e-3);
    /* of those clicks one in fifty converts, at 100.00: 2.00 CPM again */
    assert_true(fabs(worth(QBID_GOAL_TARGET_CPA, 100 * UNIT, 0, 1e-3, 0.02, 0) - 2e6) < 1e-3);
    assert_true(fabs(worth(QBID_GOAL_MAX_CONVERSIONS, 0, 100 * UNIT, 1e-3, 0.02, 0) - 2e6) < 1e-3);
    /* orders of 80.00: 1.60 CPM of revenue; at a ROAS of 4 it may cost a quarter */
    assert_true(fabs(worth(QBID_GOAL_MAX_VALUE, 0, 0, 1e-3, 0.02, 80 * UNIT) - 1.6e6) < 1e-3);
    assert_true(fabs(worth(QBID_GOAL_TARGET_ROAS, 4 * UNIT, 0, 1e-3, 0.02, 80 * UNIT) - 4e5) <
                1e-3);
    assert_true(worth(QBID_GOAL_FIXED_CPM, 1500000, 0, NAN, NAN, -1) == 1500000);
}

static void worth_grows_with_rates_and_scales_with_the_currency(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    for (int i = 0; i < 2000; i++) {
        enum qbid_goal goal = (enum qbid_goal)(1 + rng_below(&r, 6));
        double ctr = rng_uniform(&r) * 0.01, cvr = rng_uniform(&r) * 0.1;
        int64_t target = UNIT + rng_below(&r, 1000000), order = 50 * UNIT, unit = 3 * UNIT;
        double w = worth(goal, target, unit, ctr, cvr, order);
        assert_true(w > 0 && w >= worth(goal, target, unit, ctr * 0.9, cvr, order));
        assert_true(w >= worth(goal, target, unit, ctr, cvr * 0.9, order));
        /* a currency worth a seventh: all money times seven, but ROAS is a pure number */
        int64_t other = goal == QBID_GOAL_TARGET_ROAS ? target : 7 * target;
        double seven = worth(goal, other, 7 * unit, ctr, cvr, 7 * order);
        assert_true(fabs(seven - 7 * w) <= 1e-12 * seven);
    }
}

static void a_line_of_a_goal_is_its_worth(void **state)
{
    (void)state;
    struct rng r = rng_init(2);
    for (int i = 0; i < 20000; i++) {
        struct qbid_value_params p = {.goal = (enum qbid_goal)(1 + rng_below(&r, 9)),
                                      .target_micros = 100000 + rng_below(&r, 5000000),
                                      .unit_micros = rng_below(&r, 3000000)};
        for (int cap = 0; cap < QBID_CAP_CNT; cap++) {
            p.cap_micros[cap] = rng_below(&r, 2) ? 100000 + rng_below(&r, 4000000) : 0;
            p.cap_price[cap] = rng_below(&r, 4) ? 3 * rng_uniform(&r) : NAN;
        }
        double ctr = rng_uniform(&r), cvr = rng_uniform(&r);
        int64_t order = (int64_t)rng_below(&r, 90000000) - 1000000;
        struct qbid_value_line line = qbid_value_line(&p);
        double value =
            line.fixed +
            ctr * (line.click + cvr * (line.conversion + line.revenue * fmax((double)order, 0)));
        double exact = qbid_value_impression(&p, ctr, cvr, order);
        assert_true(fabs(value - exact) <= 1e-12 * exact);
    }
}

static void impossible_input_is_worth_nothing(void **state)
{
    (void)state;
    for (int goal = QBID_GOAL_MAX_CLICKS; goal <= QBID_GOAL_TARGET_ROAS; goal++) {
        enum qbid_goal g = (enum qbid_goal)goal;
        assert_true(worth(g, UNIT, UNIT, NAN, 0.5, UNIT) == 0);
        assert_true(worth(g, UNIT, UNIT, -1, 0.5, UNIT) == 0);
        assert_true(worth(g, UNIT, UNIT, INFINITY, 2, INT64_MAX) <= (double)QBID_PRICE_MICROS_MAX);
        if (g != QBID_GOAL_MAX_VALUE)
            assert_true(worth(g, -UNIT, -UNIT, 0.5, 0.5, UNIT) == 0);
    }
    assert_true(worth(QBID_GOAL_MAX_VALUE, 0, 0, 0.5, 0.5, -UNIT) == 0);
    assert_true(worth((enum qbid_goal)99, UNIT, UNIT, 0.5, 0.5, UNIT) == 0);
    assert_true(worth(QBID_GOAL_FIXED_CPM, -1, 0, 0, 0, 0) == 0);
}

static void realised_worth_equals_the_cost_that_meets_the_target(void **state)
{
    (void)state;
    struct qbid_value_params cpc = {.goal = QBID_GOAL_TARGET_CPC, .target_micros = 2 * UNIT};
    struct qbid_value_params cpa = {.goal = QBID_GOAL_TARGET_CPA, .target_micros = 100 * UNIT};
    struct qbid_value_params roas = {.goal = QBID_GOAL_TARGET_ROAS, .target_micros = 4 * UNIT};
    assert_true(fabs(qbid_value_realised(&cpc, 30, 9, 5e9) - 60e9) < 1);
    assert_true(fabs(qbid_value_realised(&cpa, 30, 3, 5e9) - 300e9) < 1);
    assert_true(fabs(qbid_value_realised(&roas, 30, 3, 400e9) - 100e9) < 1);
    assert_true(qbid_value_realised(&cpc, NAN, 0, 0) == 0);
    assert_true(qbid_value_has_cap(QBID_GOAL_TARGET_CPC) && qbid_value_has_cap(cpa.goal));
    assert_true(qbid_value_has_cap(roas.goal) && !qbid_value_has_cap(QBID_GOAL_MAX_CLICKS));
    assert_false(qbid_value_has_cap(QBID_GOAL_FIXED_CPM));
}

static void alpha_is_the_smaller_and_holds_the_other_near(void **state)
{
    (void)state;
    double budget = 3, goal = 1;
    assert_true(qbid_value_alpha(&budget, &goal) == 1);
    assert_true(goal == 1 && fabs(budget - 1.25) < 1e-12);
    budget = 1, goal = 1.1;
    assert_true(qbid_value_alpha(&budget, &goal) == 1 && goal == 1.1 && budget == 1);
    budget = NAN, goal = 2;
    assert_true(qbid_value_alpha(&budget, &goal) == 2 && goal == 2 && budget == 2.5);
    budget = 2, goal = INFINITY;
    assert_true(qbid_value_alpha(&budget, &goal) == 2 && goal == 2.5);
    budget = goal = NAN;
    assert_true(qbid_value_alpha(&budget, &goal) == 0 && budget == 0 && goal == 0);
}

/* The mixed worth times the pacer's alpha is the formula of ALGORITHMS 3.5, written out here. */
static void caps_move_the_worth_towards_what_they_allow(void **state)
{
    (void)state;
    struct rng r = rng_init(9);
    for (int i = 0; i < 2000; i++) {
        double ctr = rng_uniform(&r) * 0.01, cvr = rng_uniform(&r) * 0.1;
        double p = rng_uniform(&r), q = 3 * rng_uniform(&r);
        struct qbid_value_params v = {.goal = QBID_GOAL_MAX_CONVERSIONS,
                                      .unit_micros = 30 * UNIT,
                                      .cap_micros = {UNIT / 2},
                                      .cap_price = {q}};
        double e = 1e9 * ctr * (cvr * 30 + q * 0.5) / (p + q);
        double mixed = qbid_value_impression(&v, ctr, cvr, 0);
        assert_true(fabs(mixed * (1 + q) / (p + q) - e) <= 1e-12 * e);
        assert_true(mixed >= qbid_value_impression(&v, ctr, cvr * 0.9, 0));
        /* the worth of the goal alone does not depend on caps, nor does that of a cap on others */
        assert_true(qbid_value_goal(&v, ctr, cvr, 0) ==
                    worth(QBID_GOAL_MAX_CONVERSIONS, 0, 30 * UNIT, ctr, cvr, 0));
        assert_true(qbid_value_allowed(&v, QBID_CAP_CPC, ctr, cvr, 0) ==
                    worth(QBID_GOAL_TARGET_CPC, UNIT / 2, 0, ctr, cvr, 0));
        assert_true(qbid_value_allowed(&v, QBID_CAP_CPA, ctr, cvr, 0) == 0);
        v.cap_price[0] = i % 3 == 0 ? NAN : i % 3 == 1 ? -1 : INFINITY;
        assert_true(qbid_value_impression(&v, ctr, cvr, 0) == qbid_value_goal(&v, ctr, cvr, 0));
    }
    struct qbid_value_params caps = {.cap_micros = {UNIT / 2, 20 * UNIT, 4 * UNIT}};
    assert_true(fabs(qbid_value_allowed_realised(&caps, QBID_CAP_CPC, 30, 9, 5e9) - 15e9) < 1);
    assert_true(fabs(qbid_value_allowed_realised(&caps, QBID_CAP_CPA, 30, 9, 5e9) - 180e9) < 1);
    assert_true(fabs(qbid_value_allowed_realised(&caps, QBID_CAP_ROAS, 30, 9, 5e9) - 1.25e9) < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worth_by_hand),
        cmocka_unit_test(worth_grows_with_rates_and_scales_with_the_currency),
        cmocka_unit_test(a_line_of_a_goal_is_its_worth),
        cmocka_unit_test(impossible_input_is_worth_nothing),
        cmocka_unit_test(realised_worth_equals_the_cost_that_meets_the_target),
        cmocka_unit_test(alpha_is_the_smaller_and_holds_the_other_near),
        cmocka_unit_test(caps_move_the_worth_towards_what_they_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
