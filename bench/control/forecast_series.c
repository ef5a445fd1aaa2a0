/* SPDX-License-Identifier: Apache-2.0 */
/* The series are generated: traffic of a campaign by the hour. */
#include "bench/control/forecast_series.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "control/models/forecast/forecast.h"

#define CNT 1000
#define DAY 24
#define WEEK 168
#define AHEAD 48

static double thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double uniform(uint64_t *rng)
{
    *rng = *rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(*rng >> 11) + 0.5) * 0x1p-53;
}

static void series_make(uint64_t seed, double *y)
{
    uint64_t rng = seed * 977 + 1;
    double level = 100, weekly = uniform(&rng), daily = uniform(&rng), noise = 0.2 * uniform(&rng);
    for (int i = 0; i < CNT + DAY; i++) {
        level *= 1 + 0.01 * (uniform(&rng) - 0.5);
        double week = i / DAY % 7 >= 5 ? 1 - 0.6 * weekly : 1;
        double day = 1 + 0.8 * daily * sin(6.283185307 * i / DAY);
        y[i] = level * week * day * (1 + noise * (uniform(&rng) - 0.5));
    }
}

static void must(int err)
{
    if (err) {
        fprintf(stderr, "forecast: error %d\n", err);
        exit(1);
    }
}

static double roll_once(const double *y)
{
    struct qbid_smoothing fit;
    struct qbid_smoothing_spec spec = {QBID_SMOOTHING_ADDITIVE, true, true, DAY};
    must(qbid_smoothing_fit(y, CNT, spec, NULL, &fit));
    double start = thread_ns();
    for (int i = 0; i < CNT; i++)
        qbid_smoothing_roll(&fit, y[i]);
    double ns = thread_ns() - start;
    must(!isfinite(fit.level));
    return ns;
}

struct bench_forecast bench_forecast_run(unsigned series)
{
    static struct qbid_forecast forecast;
    static struct qbid_forecast_path path;
    static double y[CNT + DAY];
    struct bench_forecast sum = {0};
    for (unsigned k = 0; k < series; k++) {
        series_make(k, y);
        double start = thread_ns();
        must(qbid_forecast_select(y, CNT, DAY, WEEK, AHEAD, &forecast));
        sum.select_ns += (thread_ns() - start) / series;
        must(qbid_forecast_run(&forecast, y, CNT, AHEAD, &path));
        start = thread_ns();
        must(qbid_forecast_run(&forecast, y + DAY, CNT, AHEAD, &path));
        sum.refit_ns += (thread_ns() - start) / series;
        sum.roll_ns += roll_once(y) / series;
        sum.chosen += (double)forecast.choice_cnt / series;
    }
    return sum;
}
