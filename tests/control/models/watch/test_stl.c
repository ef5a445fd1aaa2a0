/* SPDX-License-Identifier: Apache-2.0 */
/* Season and trend against statsmodels' STL, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/models/watch/stl.h"
#include "shm/error.h"
#include "tests/control/models/watch/stl_reference.h"

#define CNT ((uint32_t)(sizeof stl_y / sizeof *stl_y))
#define PERIOD 12

static double apart(const double *a, const double *b)
{
    double most = 0;
    for (uint32_t i = 0; i < CNT; i++)
        most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

static void check(const char *name, struct qbid_stl_spec spec, const double *season,
                  const double *trend)
{
    double own_season[CNT], own_trend[CNT];
    spec.period = PERIOD;
    assert_int_equal(qbid_stl(stl_y, CNT, spec, own_season, own_trend, NULL), 0);
    double most = fmax(apart(own_season, season), apart(own_trend, trend));
    print_message("STL %s: %.1e from statsmodels'\n", name, most);
    assert_true(most <= 1e-8);
}

static void season_and_trend_are_statsmodels(void **state)
{
    (void)state;
    check("plain", (struct qbid_stl_spec){0}, stl_plain_season, stl_plain_trend);
    check("robust", (struct qbid_stl_spec){.robust = true}, stl_robust_season, stl_robust_trend);
    check("other spans",
          (struct qbid_stl_spec){
              .season_span = 13, .trend_span = 25, .lowpass_span = 15, .flat_season = true},
          stl_spans_season, stl_spans_trend);
}

static void spikes_weigh_nothing(void **state)
{
    (void)state;
    static const uint32_t spikes[] = {20, 61, 62, 100};
    double season[CNT], trend[CNT], weight[CNT], sum = 0;
    struct qbid_stl_spec spec = {.period = PERIOD, .robust = true};
    assert_int_equal(qbid_stl(stl_y, CNT, spec, season, trend, weight), 0);
    for (unsigned i = 0; i < sizeof spikes / sizeof *spikes; i++)
        assert_true(weight[spikes[i]] == 0);
    for (uint32_t i = 0; i < CNT; i++)
        sum += weight[i];
    assert_true(sum / CNT > 0.8);
    spec.robust = false;
    assert_int_equal(qbid_stl(stl_y, CNT, spec, season, trend, weight), 0);
    assert_true(weight[20] == 1);
}

static void flat_series_are_all_trend(void **state)
{
    (void)state;
    double y[CNT], season[CNT], trend[CNT], weight[CNT];
    for (uint32_t i = 0; i < CNT; i++)
        y[i] = 5;
    struct qbid_stl_spec spec = {.period = PERIOD, .robust = true};
    assert_int_equal(qbid_stl(y, CNT, spec, season, trend, weight), 0);
    for (uint32_t i = 0; i < CNT; i++)
        assert_true(fabs(trend[i] - 5) < 1e-9 && fabs(season[i]) < 1e-9 && weight[i] > 0.99);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    double y[CNT], season[CNT], trend[CNT];
    for (uint32_t i = 0; i < CNT; i++)
        y[i] = stl_y[i];
    static const struct qbid_stl_spec bad[] = {
        {.period = 1},
        {.period = 66},
        {.period = 12, .season_span = 4},
        {.period = 12, .season_span = 1},
        {.period = 12, .trend_span = 11},
        {.period = 12, .trend_span = 14},
        {.period = 12, .lowpass_span = 12},
        {.period = 12, .lowpass_span = 11},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(qbid_stl(y, CNT, bad[i], season, trend, NULL), QBID_ERR_INVAL);
    y[3] = NAN;
    assert_int_equal(qbid_stl(y, CNT, (struct qbid_stl_spec){.period = 12}, season, trend, NULL),
                     QBID_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(season_and_trend_are_statsmodels),
        cmocka_unit_test(spikes_weigh_nothing),
        cmocka_unit_test(flat_series_are_all_trend),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
