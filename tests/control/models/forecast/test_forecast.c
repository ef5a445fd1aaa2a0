/* SPDX-License-Identifier: Apache-2.0 */
/* Forecasts: what is chosen for series of a known kind, intervals, and the M4 hourly series. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/forecast/forecast.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define M4 "../shared/data/m4/m4_hourly_"
#define SERIES_MAX 1024
#define AHEAD 48
#if defined(__SANITIZE_ADDRESS__)
#define M4_EVERY 9 /* series: the sanitizer is slow */
#else
#define M4_EVERY 1
#endif

/* One line of numbers, the first a name; -1 at the end of the file. */
static int line_read(FILE *f, double *y, int max)
{
    static char text[1 << 18];
    int n = 0;
    if (!fgets(text, sizeof text, f))
        return -1;
    for (char *word = strtok(text, ",\n"); word; word = strtok(NULL, ",\n")) {
        char *end, *from = word + (*word == '"');
        double x = strtod(from, &end);
        if (end != from && n < max)
            y[n++] = x;
    }
    return n;
}

struct score {
    double ours, naive; /* MASE */
    double covered;
    int series;
};

static void series_score(const double *y, int n, const double *after, struct score *score)
{
    static struct qbid_forecast f;
    static struct qbid_forecast_path path;
    double scale = 0, ours = 0, naive = 0;
    assert_int_equal(qbid_forecast_select(y, (uint32_t)n, 24, 168, AHEAD, &f), 0);
    assert_int_equal(qbid_forecast_run(&f, y, (uint32_t)n, AHEAD, &path), 0);
    for (int i = 24; i < n; i++)
        scale += fabs(y[i] - y[i - 24]) / (n - 24);
    for (int h = 0; h < AHEAD; h++) {
        ours += fabs(path.mean[h] - after[h]) / AHEAD;
        naive += fabs(y[n - 24 + h % 24] - after[h]) / AHEAD;
        score->covered += (after[h] >= path.low[h] && after[h] <= path.high[h]) / (double)AHEAD;
    }
    score->ours += ours / scale;
    score->naive += naive / scale;
    score->series++;
}

static void m4_hourly_series_are_forecast_better_than_by_the_naive_method(void **state)
{
    (void)state;
    static double y[SERIES_MAX], after[AHEAD];
    FILE *train = fopen(M4 "train.csv", "r"), *test = fopen(M4 "test.csv", "r");
    if (!train || !test) {
        print_message("skipped: no " M4 "train.csv and test.csv\n");
        skip();
    }
    struct score score = {0};
    line_read(train, y, SERIES_MAX);
    line_read(test, after, AHEAD);
    for (int k = 0;; k++) {
        int n = line_read(train, y, SERIES_MAX), m = line_read(test, after, AHEAD);
        if (n < 0 || m < 0)
            break;
        assert_int_equal(m, AHEAD);
        if (k % M4_EVERY == 0)
            series_score(y, n, after, &score);
    }
    fclose(train);
    fclose(test);
    double ours = score.ours / score.series, naive = score.naive / score.series;
    double covered = score.covered / score.series;
    print_message("M4 hourly, %d series: MASE %.4f, seasonal naive %.4f, 95 %% intervals cover "
                  "%.2f %%\n",
                  score.series, ours, naive, 100 * covered);
    print_message("M4 weekly: not among the data, skipped\n");
    if (M4_EVERY == 1)
        assert_true(score.series == 414 && fabs(naive - 1.193) < 0.001);
    assert_true(ours <= 1.10);
    assert_true(covered >= 0.90 && covered <= 0.98);
}

/* kind 0: a level that wanders, 1: a season on it, 2: a season times a trend, 3: days and a week.
 */
static void series_draw(struct rng *r, int kind, double *y, uint32_t cnt)
{
    double level = 100;
    for (uint32_t i = 0; i < cnt; i++) {
        double day = sin(6.283185307 * i / 24), week = i / 24 % 7 >= 5 ? 0.6 : 1.1;
        level += 0.3 * rng_normal(r);
        y[i] = kind == 0   ? level + 3 * rng_normal(r)
               : kind == 1 ? level + 30 * day + 3 * rng_normal(r)
               : kind == 2 ? (100 + 0.1 * i) * (1 + 0.5 * day) * (1 + 0.03 * rng_normal(r))
                           : level * (1 + 0.5 * day) * week * (1 + 0.03 * rng_normal(r));
    }
}

static void intervals_cover_what_they_say_on_generated_series(void **state)
{
    (void)state;
    static double y[SERIES_MAX];
    static struct qbid_forecast f;
    static struct qbid_forecast_path path;
    for (int kind = 0; kind < 4; kind++) {
        struct rng r = rng_init(7 + (uint64_t)kind);
        double in = 0, runs = M4_EVERY == 1 ? 60 : 20;
        for (int run = 0; run < runs; run++) {
            series_draw(&r, kind, y, 700 + AHEAD);
            assert_int_equal(qbid_forecast_select(y, 700, 24, 168, AHEAD, &f), 0);
            assert_int_equal(qbid_forecast_run(&f, y, 700, AHEAD, &path), 0);
            for (int h = 0; h < AHEAD; h++)
                in += y[700 + h] >= path.low[h] && y[700 + h] <= path.high[h];
        }
        print_message("kind %d: intervals cover %.1f %%\n", kind, 100 * in / runs / AHEAD);
        assert_true(in / runs / AHEAD >= 0.90 && in / runs / AHEAD <= 0.98);
    }
}

/* What the noise leaves: 0.03 x level, and half of the week must not be mistaken for a level. */
static void a_weekly_pattern_is_found(void **state)
{
    (void)state;
    static double y[SERIES_MAX];
    static struct qbid_forecast f;
    static struct qbid_forecast_path path;
    struct rng r = rng_init(3);
    series_draw(&r, 3, y, 840 + 168);
    assert_int_equal(qbid_forecast_select(y, 840, 24, 168, 168, &f), 0);
    assert_int_equal(qbid_forecast_run(&f, y, 840, 168, &path), 0);
    double error = 0, size = 0;
    for (int h = 0; h < 168; h++) {
        error += fabs(path.mean[h] - y[840 + h]);
        size += y[840 + h];
    }
    assert_int_equal(f.choice[0].season, 168);
    assert_true(error / size < 0.08);
}

static void a_series_without_noise_is_continued(void **state)
{
    (void)state;
    double y[96];
    struct qbid_forecast f;
    struct qbid_forecast_path path;
    for (int i = 0; i < 96; i++)
        y[i] = 5; /* constant */
    assert_int_equal(qbid_forecast_select(y, 96, 12, 0, 12, &f), 0);
    assert_int_equal(qbid_forecast_run(&f, y, 96, 12, &path), 0);
    assert_true(f.mase == 0 && fabs(path.mean[11] - 5) < 1e-9 && path.high[11] - 5 < 1e-9);
    for (int i = 0; i < 96; i++)
        y[i] = 10 + 2 * i; /* a line */
    assert_int_equal(qbid_forecast_select(y, 96, 1, 0, 12, &f), 0);
    assert_int_equal(qbid_forecast_run(&f, y, 96, 12, &path), 0);
    for (int h = 0; h < 12; h++)
        assert_true(fabs(path.mean[h] - (10 + 2 * (96 + h))) < 0.5);
    for (int i = 0; i < 96; i++)
        y[i] = 100 + i % 12; /* a season */
    assert_int_equal(qbid_forecast_select(y, 96, 12, 0, 12, &f), 0);
    assert_int_equal(qbid_forecast_run(&f, y, 96, 12, &path), 0);
    for (int h = 0; h < 12; h++)
        assert_true(fabs(path.mean[h] - (100 + h)) < 1e-6);
}

static void short_series_get_the_naive_method_and_senseless_ones_are_refused(void **state)
{
    (void)state;
    double y[64];
    struct qbid_forecast f;
    struct qbid_forecast_path path;
    for (int i = 0; i < 64; i++)
        y[i] = i % 24;
    assert_int_equal(qbid_forecast_select(y, 30, 24, 168, 24, &f), 0);
    assert_true(f.choice_cnt == 1 && f.choice[0].method == QBID_FORECAST_NAIVE);
    assert_int_equal(qbid_forecast_run(&f, y, 30, 24, &path), 0);
    assert_true(path.mean[0] == y[6] && path.low[0] >= 0);
    assert_int_equal(qbid_forecast_select(y, 7, 1, 0, 1, &f), QBID_ERR_INVAL);
    assert_int_equal(qbid_forecast_select(y, 64, 0, 0, 1, &f), QBID_ERR_INVAL);
    assert_int_equal(qbid_forecast_select(y, 64, 24, 25, 1, &f), QBID_ERR_INVAL);
    assert_int_equal(qbid_forecast_select(y, 64, 24, 0, 0, &f), QBID_ERR_INVAL);
    assert_int_equal(qbid_forecast_select(y, 64, 24, 0, QBID_FORECAST_AHEAD_MAX + 1, &f),
                     QBID_ERR_INVAL);
    y[5] = INFINITY;
    assert_int_equal(qbid_forecast_select(y, 64, 24, 0, 1, &f), QBID_ERR_INVAL);
    assert_int_equal(qbid_forecast_run(&f, y, 64, 1, &path), QBID_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m4_hourly_series_are_forecast_better_than_by_the_naive_method),
        cmocka_unit_test(intervals_cover_what_they_say_on_generated_series),
        cmocka_unit_test(a_weekly_pattern_is_found),
        cmocka_unit_test(a_series_without_noise_is_continued),
        cmocka_unit_test(short_series_get_the_naive_method_and_senseless_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
