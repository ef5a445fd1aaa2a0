/* SPDX-License-Identifier: Apache-2.0 */
/* The pacer: single steps by hand, and hostile input. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/pacing/pacing.h"
#include "tests/control/models/market.h"

static const struct qbid_pacing_in quiet = {
    .mode = QBID_PACING_EVEN,
    .budget_nanos = 1e12,
    .spent_nanos = 1e11,
    .plan_done = 0.1,
    .plan_step = 0.001,
    .auctions = 1e5,
    .demand_forecast = 1e6,
};

/* A market whose spend at multiplier alpha is alpha^2 / 2 * 1e6 nanos. */
static struct qbid_market square_market(struct qbid_market_point *p, uint32_t cnt)
{
    struct qbid_market m;
    for (uint32_t i = 0; i < cnt; i++)
        p[i] =
            (struct qbid_market_point){1e6, 1e6 * (i + 1) / cnt, QBID_MARKET_SEEN, 0, 0, 0, 0, 0};
    assert_int_equal(qbid_market_init(p, cnt, NULL, &m), 0);
    return m;
}

static void the_wanted_spend_is_budget_left_over_auctions_left(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 1);
    s = qbid_pacing_step(&params, &quiet, s);
    assert_true(fabs(s.rho_nanos - 9e11 / 9e5) < 1e-3); /* seen as forecast: a million a day */
    struct qbid_pacing_in in = quiet;
    in.demand_forecast = 0; /* no forecast: what was seen, over the part of the plan */
    s = qbid_pacing_step(&params, &in, qbid_pacing_start(&params, 1));
    assert_true(fabs(s.rho_nanos - 9e11 / 9e5) < 1e-3);
    in.plan_done = 1; /* the last period may spend what is left */
    s = qbid_pacing_step(&params, &in, qbid_pacing_start(&params, 1));
    assert_true(fabs(s.rho_nanos - 9e11 / (1e5 * 0.001)) < 1e-3);
}

static void steps_lead_to_the_multiplier_that_the_sample_gives(void **state)
{
    (void)state;
    static struct qbid_market_point p[1000];
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_market m = square_market(p, 1000);
    struct qbid_pacing_state s = qbid_pacing_start(&params, 0.125);
    struct qbid_pacing_in in = quiet;
    in.market = &m;
    in.budget_nanos = 1e11 + 9e5 * 0.5e6 * 0.64; /* rho of alpha = 0.8 */
    double last = 0.125;
    for (int i = 0; i < 60; i++) {
        s = qbid_pacing_step(&params, &in, s);
        assert_true(fabs(log2(s.pace / last)) <= 0.3 + 1e-12);
        assert_true(s.why & QBID_PACING_WHY_SOLVED);
        last = s.pace;
    }
    assert_true(fabs(s.pace - 0.8) < 0.002);
    assert_false(s.why & (QBID_PACING_WHY_CLAMPED | QBID_PACING_WHY_GOAL));
}

static void a_goal_stops_the_pace_where_worth_covers_spend(void **state)
{
    (void)state;
    static struct qbid_market_point p[1000];
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_market m = square_market(p, 1000);
    struct qbid_pacing_state s = qbid_pacing_start(&params, 0.25);
    struct qbid_pacing_in in = quiet;
    in.market = &m;
    in.has_cap = 1;
    in.budget_nanos = 1e14;          /* no limit */
    in.worth_predicted_nanos = 1e12; /* half of what was promised came true */
    in.worth_realised_nanos = 0.25e12;
    in.worth_spent_nanos = 1e12;
    for (int i = 0; i < 60; i++)
        s = qbid_pacing_step(&params, &in, s);
    /* 0.25 * alpha = alpha^2 / 2 */
    assert_true(fabs(s.pace - 0.5) < 0.005);
    assert_true(s.why & QBID_PACING_WHY_GOAL);
    assert_true(s.alpha_budget <= s.pace / 0.8 + 1e-12);
    in.worth_realised_nanos = 1e12; /* predictions were right after all */
    in.budget_nanos = 1e11 + 9e5 * 0.5e6 * 0.49;
    for (int i = 0; i < 60; i++)
        s = qbid_pacing_step(&params, &in, s);
    assert_true(fabs(s.pace - 0.7) < 0.005 && !(s.why & QBID_PACING_WHY_GOAL));
}

static void asap_goes_to_one_and_a_spent_budget_to_the_bottom(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 0.1);
    struct qbid_pacing_in in = quiet;
    in.mode = QBID_PACING_ASAP;
    for (int i = 0; i < 30; i++)
        s = qbid_pacing_step(&params, &in, s);
    assert_true(fabs(s.pace - 1) < 1e-12);
    in.spent_nanos = in.budget_nanos;
    for (int i = 0; i < 60; i++)
        s = qbid_pacing_step(&params, &in, s);
    assert_true(s.pace == params.pace_min && (s.why & QBID_PACING_WHY_SPENT));
}

/* At a given wanted rate, the plan's end and its middle: ahead wants 1.25 times as much at a
 * quarter when nothing was spent beyond plan. */
static void ahead_wants_more_first_and_less_last(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_in in = quiet;
    in.mode = QBID_PACING_AHEAD;
    for (double x = 0; x <= 0.95; x += 0.05) {
        in.plan_done = x;
        in.auctions = x * in.demand_forecast;
        in.spent_nanos = in.budget_nanos * (x + 0.5 * x * (1 - x)); /* as wanted so far */
        struct qbid_pacing_state s = qbid_pacing_step(&params, &in, qbid_pacing_start(&params, 1));
        double even = in.budget_nanos / in.demand_forecast;
        assert_true(fabs(s.rho_nanos / even - (1.5 - x)) < 0.01);
    }
}

static void the_wanted_rate_is_limited(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_in in = quiet;
    double even = 9e11 / 9e5;
    struct qbid_pacing_state s = qbid_pacing_step(&params, &in, qbid_pacing_start(&params, 1));
    in.plan_done = 0.99; /* nothing was spent since: 90 times the even rate would be needed */
    in.auctions = 0.99e6;
    s = qbid_pacing_step(&params, &in, s);
    assert_true(fabs(s.rho_nanos / (4 * even) - 1) < 0.01 && (s.why & QBID_PACING_WHY_VELOCITY));
    params.velocity_max = 0;
    s = qbid_pacing_step(&params, &in, s);
    assert_true(s.rho_nanos > 80 * even && !(s.why & QBID_PACING_WHY_VELOCITY));
    params.velocity_max = 4;
    in.budget_nanos *= 2; /* another budget: the even rate is counted from now */
    s = qbid_pacing_step(&params, &in, s);
    assert_true(!(s.why & QBID_PACING_WHY_VELOCITY));
    in.plan_done = 0.5; /* who begins late is not held to have been late */
    in.auctions = 5e5;
    s = qbid_pacing_step(&params, &in, qbid_pacing_start(&params, 1));
    assert_true(!(s.why & QBID_PACING_WHY_VELOCITY));
}

/* A win costs the spend of fifteen periods: descent must not drift up between them. */
static void dual_descent_holds_a_campaign_with_few_wins(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 1);
    struct qbid_pacing_in in = quiet;
    struct rng r = rng_init(17);
    const int periods = 6000;
    double mean = 0;
    in.spent_nanos = in.auctions = 0;
    in.budget_nanos = periods * 1e6;
    in.demand_forecast = periods * 10.0;
    for (int k = 0; k < periods; k++) {
        in.plan_done = (double)k / periods;
        in.plan_step = 1.0 / periods;
        s = qbid_pacing_step(&params, &in, s);
        in.auctions += 10;
        if (rng_uniform(&r) < s.pace / 15) /* at pace 1 it is exactly on plan */
            in.spent_nanos += 15e6;
        mean += s.pace / periods;
    }
    print_message("few wins: mean pace %.3f of the right one, spent %.3f of the budget\n", mean,
                  in.spent_nanos / in.budget_nanos);
    assert_true(fabs(mean - 1) < 0.15 && fabs(in.spent_nanos / in.budget_nanos - 1) < 0.05);
}

/* Four times what the pace would spend, for fifty periods: the pace, and what the pacer thinks of
 * its sample, are as they were; what is left is then planned for. */
static void an_override_is_waited_for_and_teaches_nothing(void **state)
{
    (void)state;
    static struct qbid_market_point p[1000];
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_market m = square_market(p, 1000);
    struct qbid_pacing_state s = qbid_pacing_start(&params, 0.8);
    struct qbid_pacing_in in = quiet;
    in.market = &m;
    in.budget_nanos = 1e11 + 9e5 * 0.5e6 * 0.64;
    for (int i = 0; i < 60; i++)
        s = qbid_pacing_step(&params, &in, s);
    double pace = s.pace, bias = s.bias;
    in.overridden = 1;
    for (int i = 0; i < 50; i++) {
        in.auctions += 1000;
        in.plan_done += 0.001;
        in.spent_nanos += 1000 * 0.5e6 * 0.64 * 4;
        s = qbid_pacing_step(&params, &in, s);
        assert_true(s.pace == pace && s.bias == bias);
        assert_int_equal(s.why, QBID_PACING_WHY_OVERRIDE);
    }
    in.overridden = 0;
    double left = in.budget_nanos - in.spent_nanos;
    s = qbid_pacing_step(&params, &in, s);
    assert_true(fabs(s.rho_nanos / (left / (1e6 * (1 - in.plan_done))) - 1) < 1e-9);
    assert_true(fabs(s.bias / bias - 1) < 1e-9);
}

static void stale_snapshots_hold_and_then_sink_to_the_safe_pace(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 4);
    struct qbid_pacing_in in = quiet;
    for (in.age_periods = 4; in.age_periods <= 10; in.age_periods++) {
        s = qbid_pacing_step(&params, &in, s);
        assert_true(s.pace == 4 && s.why == QBID_PACING_WHY_HELD);
    }
    double last = 4;
    for (; in.age_periods < 40; in.age_periods++) {
        s = qbid_pacing_step(&params, &in, s);
        assert_true(s.pace <= last && last / s.pace <= exp2(0.3) + 1e-12);
        last = s.pace;
    }
    assert_true(s.pace == params.pace_safe);
    s = qbid_pacing_start(&params, 0.1); /* already below: no reason to bid more */
    in.age_periods = 100;
    s = qbid_pacing_step(&params, &in, s);
    assert_true(s.pace == 0.1);
}

static void impossible_input_holds_and_counts_as_stale_when_it_stays(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 4);
    struct qbid_pacing_in in = quiet;
    in.spent_nanos = NAN;
    for (int i = 1; i <= 10; i++) {
        s = qbid_pacing_step(&params, &in, s);
        assert_true(s.pace == 4 && s.why == QBID_PACING_WHY_HELD);
    }
    s = qbid_pacing_step(&params, &in, s);
    assert_true(s.pace < 4 && s.why == QBID_PACING_WHY_DECAYED);
    s = qbid_pacing_step(&params, &quiet, s);
    assert_int_equal(s.faults, 0);
}

static void no_input_leads_out_of_the_clamps(void **state)
{
    (void)state;
    const double odd[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e-300, 1e300, 0.5, 1, 1e12, 3};
    static struct qbid_market_point p[64];
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct rng r = rng_init(1);
    for (int round = 0; round < 400; round++) {
        struct qbid_pacing_state s = qbid_pacing_start(&params, odd[rng_below(&r, 11)]);
        struct qbid_pacing_in in = quiet;
        for (int i = 0; i < 100; i++) {
            double *field[] = {&in.budget_nanos,
                               &in.spent_nanos,
                               &in.plan_done,
                               &in.plan_step,
                               &in.auctions,
                               &in.demand_forecast,
                               &in.worth_realised_nanos,
                               &in.worth_predicted_nanos,
                               &in.worth_spent_nanos,
                               &in.age_periods};
            double before = s.pace;
            struct qbid_market m;
            if (rng_below(&r, 3))
                *field[rng_below(&r, 10)] = odd[rng_below(&r, 11)];
            else
                in = quiet;
            for (int k = 0; k < 64; k++) {
                p[k] = (struct qbid_market_point){odd[rng_below(&r, 11)],
                                                  odd[rng_below(&r, 11)],
                                                  (enum qbid_market_kind)rng_below(&r, 3),
                                                  0,
                                                  0,
                                                  0,
                                                  0,
                                                  0};
            }
            assert_int_equal(qbid_market_init(p, 64, NULL, &m), 0);
            in.market = rng_below(&r, 2) ? &m : NULL;
            in.has_cap = (int)rng_below(&r, 2);
            in.mode = (enum qbid_pacing_mode)(QBID_PACING_EVEN + rng_below(&r, 3));
            params.feedback = (enum qbid_pacing_feedback)rng_below(&r, 2);
            s = qbid_pacing_step(&params, &in, s);
            assert_true(s.pace >= params.pace_min && s.pace <= params.pace_max);
            assert_true(fabs(log2(s.pace / before)) <= params.step_lg + 1e-9);
            assert_true(s.alpha_budget >= params.pace_min && s.alpha_budget <= params.pace_max);
            assert_true(s.alpha_goal >= params.pace_min && s.alpha_goal <= params.pace_max);
            if (rng_below(&r, 50) == 0) { /* a state that came back broken from somewhere */
                s.pace = s.alpha_budget = odd[rng_below(&r, 11)];
                s = qbid_pacing_step(&params, &in, s);
                assert_true(s.pace >= params.pace_min && s.pace <= params.pace_max);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wanted_spend_is_budget_left_over_auctions_left),
        cmocka_unit_test(steps_lead_to_the_multiplier_that_the_sample_gives),
        cmocka_unit_test(a_goal_stops_the_pace_where_worth_covers_spend),
        cmocka_unit_test(asap_goes_to_one_and_a_spent_budget_to_the_bottom),
        cmocka_unit_test(ahead_wants_more_first_and_less_last),
        cmocka_unit_test(the_wanted_rate_is_limited),
        cmocka_unit_test(dual_descent_holds_a_campaign_with_few_wins),
        cmocka_unit_test(an_override_is_waited_for_and_teaches_nothing),
        cmocka_unit_test(stale_snapshots_hold_and_then_sink_to_the_safe_pace),
        cmocka_unit_test(impossible_input_holds_and_counts_as_stale_when_it_stays),
        cmocka_unit_test(no_input_leads_out_of_the_clamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
