/* SPDX-License-Identifier: Apache-2.0 */
/* Response curves: marginals against differences, their inverses, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/models/allocate/curve.h"
#include "tests/control/models/rng.h"

static struct qbid_curve curve_draw(struct rng *r)
{
    struct qbid_curve curve = {.kind = (enum qbid_curve_kind)rng_below(r, QBID_CURVE_KIND_CNT)};
    curve.scale = rng_lognormal(r, 0, 2);
    curve.shape = 0.05 + 0.94 * rng_uniform(r);
    if (curve.kind == QBID_CURVE_HILL && rng_below(r, 4) == 0)
        curve.shape = 1;
    curve.half = rng_lognormal(r, 0, 2);
    if (curve.kind == QBID_CURVE_POWER && rng_below(r, 2))
        curve.half = 0;
    return curve;
}

static void marginals_are_the_slope_of_value(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    for (int i = 0; i < 10000; i++) {
        struct qbid_curve curve = curve_draw(&r);
        double x = rng_lognormal(&r, 0, 2), h = 1e-5 * x;
        double slope =
            (qbid_curve_value(&curve, x + h) - qbid_curve_value(&curve, x - h)) / (2 * h);
        double marginal = qbid_curve_marginal(&curve, x);
        assert_true(fabs(slope / marginal - 1) < 1e-6);
        assert_true(qbid_curve_marginal(&curve, 1.01 * x) < marginal);
    }
}

static void spend_is_the_inverse_of_the_marginal(void **state)
{
    (void)state;
    struct rng r = rng_init(2);
    for (int i = 0; i < 10000; i++) {
        struct qbid_curve curve = curve_draw(&r);
        double x = rng_lognormal(&r, 0, 3), slope, above;
        double at = log(qbid_curve_marginal(&curve, x));
        double back = qbid_curve_spend(&curve, at, &slope);
        double k = slope / x; /* conditioning: x moves k times as much as the marginal */
        assert_true(fabs(back / x - 1) < 1e-13 * (10 + 20 * k));
        double more = qbid_curve_spend(&curve, at + 1e-6, &above);
        assert_true(fabs((back - more) / (1e-6 * slope) - 1) < 1e-3 + 1e-6 * k);
    }
    struct qbid_curve log_curve = {QBID_CURVE_LOG, 2, 0, 4};
    double slope = 7;
    assert_true(qbid_curve_spend(&log_curve, log(0.6), &slope) == 0 && slope == 0);
}

static void hand_values(void **state)
{
    (void)state;
    struct qbid_curve power = {QBID_CURVE_POWER, 3, 0.5, 0}, hill = {QBID_CURVE_HILL, 10, 1, 4};
    struct qbid_curve shifted = {QBID_CURVE_POWER, 1, 0.5, 9};
    assert_true(qbid_curve_value(&power, 16) == 12 && qbid_curve_marginal(&power, 9) == 0.5);
    assert_true(qbid_curve_value(&hill, 4) == 5 && qbid_curve_marginal(&hill, 0) == 2.5);
    assert_true(qbid_curve_value(&shifted, 16) == 2 && qbid_curve_value(&shifted, 0) == 0);
    assert_true(isinf(qbid_curve_marginal(&power, 0)) && qbid_curve_value(&hill, 0) == 0);
}

static void what_is_not_concave_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct qbid_curve curve;
        const char *fault;
    } rows[] = {{{(enum qbid_curve_kind)3, 1, 0.5, 1}, "is of no known kind"},
                {{QBID_CURVE_POWER, 0, 0.5, 0}, "has a scale that is not positive"},
                {{QBID_CURVE_POWER, NAN, 0.5, 0}, "has a scale that is not positive"},
                {{QBID_CURVE_POWER, 1, 0, 0}, "has a shape below 0.01"},
                {{QBID_CURVE_POWER, 1, 1, 0}, "has a shape that is not concave"},
                {{QBID_CURVE_HILL, 1, 1.001, 1}, "has a shape that is not concave"},
                {{QBID_CURVE_POWER, 1, 0.5, -1}, "has a negative half"},
                {{QBID_CURVE_LOG, 1, 0.5, 0}, "has a half of 0"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(qbid_curve_fault(&rows[i].curve), rows[i].fault);
    struct qbid_curve fine = {QBID_CURVE_LOG, 1, 7, 1};
    assert_null(qbid_curve_fault(&fine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marginals_are_the_slope_of_value),
        cmocka_unit_test(spend_is_the_inverse_of_the_marginal),
        cmocka_unit_test(hand_values),
        cmocka_unit_test(what_is_not_concave_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
