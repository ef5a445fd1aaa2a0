/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential smoothing against R's HoltWinters, and against itself one set of parameters at a
 * time.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/models/forecast/smoothing.h"
#include "shm/error.h"
#include "tests/control/models/forecast/forecast_reference.h"
#include "tests/control/models/rng.h"

#define CNT(a) (uint32_t)(sizeof(a) / sizeof *(a))

static const struct qbid_smoothing_spec level_only = {QBID_SMOOTHING_PLAIN, false, false, 1};
static const struct qbid_smoothing_spec additive = {QBID_SMOOTHING_ADDITIVE, true, false, 12};
static const struct qbid_smoothing_spec multiplicative = {QBID_SMOOTHING_MULTIPLICATIVE, true,
                                                          false, 12};

static struct qbid_smoothing fit_of(const double *y, uint32_t cnt, struct qbid_smoothing_spec spec)
{
    struct qbid_smoothing fit;
    assert_int_equal(qbid_smoothing_fit(y, cnt, spec, NULL, &fit), 0);
    return fit;
}

static void as_good_as(const char *what, const struct qbid_smoothing *fit, struct reference r)
{
    print_message("%s: SSE %.7g, %.5f of R's; alpha %.4f beta %.4f gamma %.4f\n", what, fit->sse,
                  fit->sse / r.sse, fit->alpha, fit->beta, fit->gamma);
    assert_true(fit->sse <= 1.001 * r.sse);
    assert_true(fabs(fit->alpha - r.alpha) < 0.02 && fabs(fit->beta - r.beta) < 0.01 &&
                fabs(fit->gamma - r.gamma) < 0.02);
}

static void fits_are_as_good_as_those_of_r(void **state)
{
    (void)state;
    struct qbid_smoothing fit = fit_of(air_passengers, CNT(air_passengers), multiplicative);
    as_good_as("AirPassengers", &fit, air_passengers_fit);
    fit = fit_of(co2, CNT(co2), additive);
    as_good_as("co2", &fit, co2_fit);
    fit = fit_of(nile, CNT(nile), level_only);
    as_good_as("Nile", &fit, nile_fit);
}

static void forecasts_are_those_of_r(void **state)
{
    (void)state;
    struct qbid_smoothing fit = fit_of(air_passengers, CNT(air_passengers), multiplicative);
    for (uint32_t h = 1; h <= 24; h++)
        assert_true(fabs(qbid_smoothing_at(&fit, h) / air_passengers_ahead[h - 1] - 1) < 0.01);
    fit = fit_of(co2, CNT(co2), additive);
    for (uint32_t h = 1; h <= 24; h++)
        assert_true(fabs(qbid_smoothing_at(&fit, h) - co2_ahead[h - 1]) < 0.1);
}

/* The recursions written out for one damped set of parameters. */
static double sse_plainly(const double *y, uint32_t cnt, const struct qbid_smoothing *fit,
                          bool times)
{
    struct qbid_smoothing first = fit_of(y, 24, times ? multiplicative : additive);
    double season[12], level = 0, slope = 0, sse = 0, trend[12], mean = 0;
    (void)first;
    for (int i = 0; i < 12; i++) {
        double sum = 0.5 * (y[i] + y[i + 12]);
        for (int k = 1; k < 12; k++)
            sum += y[i + k];
        trend[i] = sum / 12;
    }
    for (int i = 0; i < 12; i++) {
        int at = i + 6;
        season[at % 12] = times ? y[at] / trend[i] : y[at] - trend[i];
        slope += (i - 5.5) * trend[i] / 143; /* 143 = sum of (i - 5.5)^2 */
        level += trend[i] / 12;
    }
    for (int i = 0; i < 12; i++)
        mean += season[i] / 12;
    for (int i = 0; i < 12; i++)
        season[i] = times ? season[i] / mean : season[i] - mean;
    level -= 6.5 * slope;
    for (uint32_t i = 12; i < cnt; i++) {
        double s = season[i % 12], was = level, down = fit->phi * slope;
        double expected = times ? (was + down) * s : was + down + s;
        sse += (y[i] - expected) * (y[i] - expected);
        level = fit->alpha * (times ? y[i] / s : y[i] - s) + (1 - fit->alpha) * (was + down);
        slope = fit->beta * (level - was) + (1 - fit->beta) * down;
        season[i % 12] = fit->gamma * (times ? y[i] / level : y[i] - level) + (1 - fit->gamma) * s;
    }
    return sse;
}

static void the_error_is_that_of_the_recursion_written_out(void **state)
{
    (void)state;
    for (int damped = 0; damped < 2; damped++) {
        struct qbid_smoothing_spec a = additive, m = multiplicative;
        a.damped = m.damped = damped;
        struct qbid_smoothing fit = fit_of(co2, CNT(co2), a);
        assert_true(fabs(sse_plainly(co2, CNT(co2), &fit, false) / fit.sse - 1) < 1e-9);
        assert_int_equal(fit.errors, CNT(co2) - 12);
        fit = fit_of(air_passengers, CNT(air_passengers), m);
        assert_true(fabs(sse_plainly(air_passengers, CNT(air_passengers), &fit, true) / fit.sse -
                         1) < 1e-9);
        assert_true(damped ? fit.phi >= 0.8 && fit.phi <= 0.98 : fit.phi == 1);
    }
}

/* No set of parameters of a fine grid is better. */
static void the_search_finds_what_a_grid_finds(void **state)
{
    (void)state;
    struct qbid_smoothing fit = fit_of(air_passengers, CNT(air_passengers), multiplicative);
    double least = INFINITY;
    for (int a = 0; a <= 40; a++)
        for (int b = 0; b <= 20; b++)
            for (int g = 0; g <= 40; g++) {
                struct qbid_smoothing at = {
                    .alpha = a / 40.0, .beta = b / 40.0, .gamma = g / 40.0, .phi = 1};
                double sse = sse_plainly(air_passengers, CNT(air_passengers), &at, true);
                least = isfinite(sse) ? fmin(least, sse) : least;
            }
    assert_true(fit.sse <= least);
}

static void a_fit_near_an_earlier_one_is_as_good(void **state)
{
    (void)state;
    struct qbid_smoothing first = fit_of(co2, CNT(co2) - 24, additive), again;
    struct qbid_smoothing fresh = fit_of(co2, CNT(co2), additive);
    assert_int_equal(qbid_smoothing_fit(co2, CNT(co2), additive, &first, &again), 0);
    assert_true(again.sse <= 1.001 * fresh.sse);
}

static void a_damped_trend_levels_off(void **state)
{
    (void)state;
    struct qbid_smoothing fit = {
        .spec = {QBID_SMOOTHING_PLAIN, true, true, 1}, .phi = 0.9, .level = 10, .slope = 1};
    double sum = 0, phi = 1;
    for (uint32_t h = 1; h <= 60; h++) {
        sum += phi *= 0.9;
        assert_true(fabs(qbid_smoothing_at(&fit, h) - 10 - sum) < 1e-9);
    }
}

static void indices_of_a_clean_season_are_that_season(void **state)
{
    (void)state;
    double y[168], season[7], clean[7] = {-3, -1, 0, 0.5, 1, 1, 1.5};
    for (int i = 0; i < 168; i++)
        y[i] = 40 + 0.25 * i + clean[i % 7];
    assert_int_equal(qbid_smoothing_indices(y, 168, QBID_SMOOTHING_ADDITIVE, 7, season), 0);
    for (int i = 0; i < 7; i++)
        assert_true(fabs(season[i] - clean[i]) < 1e-9);
}

static void series_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    double y[48];
    struct qbid_smoothing fit;
    for (int i = 0; i < 48; i++)
        y[i] = i + 1;
    assert_int_equal(qbid_smoothing_fit(y, 23, additive, NULL, &fit), QBID_ERR_INVAL);
    assert_int_equal(qbid_smoothing_fit(y, 3, level_only, NULL, &fit), QBID_ERR_INVAL);
    struct qbid_smoothing_spec odd = additive;
    odd.season = 1;
    assert_int_equal(qbid_smoothing_fit(y, 48, odd, NULL, &fit), QBID_ERR_INVAL);
    odd.season = QBID_SMOOTHING_SEASON_MAX + 1;
    assert_int_equal(qbid_smoothing_fit(y, 48, odd, NULL, &fit), QBID_ERR_INVAL);
    y[20] = 0;
    assert_int_equal(qbid_smoothing_fit(y, 48, multiplicative, NULL, &fit), QBID_ERR_INVAL);
    assert_int_equal(qbid_smoothing_fit(y, 48, additive, NULL, &fit), 0);
    y[20] = NAN;
    assert_int_equal(qbid_smoothing_fit(y, 48, additive, NULL, &fit), QBID_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_are_as_good_as_those_of_r),
        cmocka_unit_test(forecasts_are_those_of_r),
        cmocka_unit_test(the_error_is_that_of_the_recursion_written_out),
        cmocka_unit_test(the_search_finds_what_a_grid_finds),
        cmocka_unit_test(a_fit_near_an_earlier_one_is_as_good),
        cmocka_unit_test(a_damped_trend_levels_off),
        cmocka_unit_test(indices_of_a_clean_season_are_that_season),
        cmocka_unit_test(series_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
