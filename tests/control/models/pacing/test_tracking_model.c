/* SPDX-License-Identifier: Apache-2.0 */
/* Scale and debt by hand, their limits, and what a day's outcomes can say at all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/models/pacing/tracking.h"
#include "tests/control/models/rng.h"

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-12 * fmax(1, fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

static void the_scale_is_realised_over_promised_shrunk_by_events(void **state)
{
    (void)state;
    struct qbid_tracking_sums s = {.promised = 1000, .realised = 800, .event = 2};
    near(qbid_tracking_scale(&s, 200), (800.0 + 400) / (1000 + 400));
    near(qbid_tracking_scale(&s, 0), 0.8);
    s.realised = 0;
    near(qbid_tracking_scale(&s, 0), 1); /* nothing to trust, nothing seen: it says nothing */
    near(qbid_tracking_scale(&s, 10), 0.25);
    s.realised = 1e9;
    near(qbid_tracking_scale(&s, 10), 4);
    s = (struct qbid_tracking_sums){NAN, NAN, NAN};
    assert_true(qbid_tracking_scale(&s, 200) > 0);
    s = (struct qbid_tracking_sums){0};
    near(qbid_tracking_scale(&s, 200), 1);
}

static void a_debt_is_spend_less_what_it_is_thought_to_have_brought(void **state)
{
    (void)state;
    /* half of the flight is over, and 10 % was overspent: half of it is asked back, of a rest as
     * large as what was spent */
    struct qbid_tracking_flight f = {.spent = 1100, .promised = 1000, .rest = 1100};
    near(qbid_tracking_owed(&f, 1), 100);
    near(qbid_tracking_debt(&f, 1), 0.5 * 100 / 1100);
    near(qbid_tracking_debt(&f, 1.1), 0);
    near(qbid_tracking_debt(&f, 1.21), -0.5 * 110 / 1100);
    f.carried = -100;
    near(qbid_tracking_debt(&f, 1), 0);
    f.carried = 0;
    f.rest = 0;                           /* a tenth of what was spent is taken as the rest */
    near(qbid_tracking_debt(&f, 1), 0.5); /* 1100 / 1210 * 100 / 110 is more */
    near(qbid_tracking_debt(&f, 4), -0.2);
    near(qbid_tracking_debt(&(struct qbid_tracking_flight){0}, 1), 0);
    near(qbid_tracking_debt(&(struct qbid_tracking_flight){.spent = 1, .promised = NAN}, 1), 0);
}

static void few_events_are_shrunk_and_many_are_believed(void **state)
{
    (void)state;
    /* clicks: 100 of them say as much as the sample does */
    struct qbid_tracking_flight f = {
        .spent = 1000, .expected = 1000, .promised = 800, .click = 10, .rest = 1000};
    near(qbid_tracking_owed(&f, 1), 1000 - 1000 * (800.0 + 1000) / (1000 + 1000));
    /* orders: all matured, as many as promised but worth half: 400 weigh as much as the promise */
    f = (struct qbid_tracking_flight){.spent = 1000, .promised = 1000, .rest = 1000};
    f.matured = (struct qbid_tracking_sums){.promised = 1000, .realised = 500, .event = 2.5};
    near(qbid_tracking_owed(&f, 1), 1000 - 1000 * (500.0 + 1000) / (1000 + 1000));
    f.matured.event = 1e-9; /* a million of them */
    assert_true(fabs(qbid_tracking_owed(&f, 1) - 500) < 1);
    /* half has matured, and came as promised: the rest is not missing */
    f.matured = (struct qbid_tracking_sums){.promised = 500, .realised = 500, .event = 1};
    near(qbid_tracking_owed(&f, 1), 0);
}

static void the_factor_is_bounded(void **state)
{
    (void)state;
    near(qbid_tracking_factor(1.2, 0.9, 0.1), 1.2 * 0.9 / 1.1);
    near(qbid_tracking_factor(0, 0.9, 0), 0.9);
    near(qbid_tracking_factor(NAN, 1, 0), 1);
    near(qbid_tracking_factor(100, 1, 0), 4);
}

/* A day's return as it is seen: N orders, lognormal values. Its relative error is
 * sqrt((1 + cv^2) / N), cv^2 = e^(sd^2) - 1: what nobody who sees one day alone can know better. */
static void a_day_says_no_more_than_its_orders(void **state)
{
    (void)state;
    const double sd = 0.6, mean = 600;
    const int days = 3000;
    struct rng r = rng_init(5);
    double square = 0;
    for (int d = 0; d < days; d++) {
        double revenue = 0;
        for (double left = mean; (left += log(1 - rng_uniform(&r))) > 0;) /* Poisson arrivals */
            revenue += exp(sd * rng_normal(&r) - 0.5 * sd * sd);
        square += (revenue / mean - 1) * (revenue / mean - 1) / days;
    }
    double formula = sqrt(exp(sd * sd) / mean);
    print_message("precision: a day of %.0f orders shows its return to %.4f (formula %.4f); for "
                  "0.02 it takes %.0f orders\n",
                  mean, sqrt(square), formula, exp(sd * sd) / (0.02 * 0.02));
    assert_true(fabs(sqrt(square) / formula - 1) < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scale_is_realised_over_promised_shrunk_by_events),
        cmocka_unit_test(a_debt_is_spend_less_what_it_is_thought_to_have_brought),
        cmocka_unit_test(few_events_are_shrunk_and_many_are_believed),
        cmocka_unit_test(the_factor_is_bounded),
        cmocka_unit_test(a_day_says_no_more_than_its_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
