/* SPDX-License-Identifier: Apache-2.0 */
/* What a forecast costs: series of hours with days, weeks and noise, each chosen for, then refitted
 * a day later. */
#ifndef QBID_BENCH_CONTROL_FORECAST_SERIES_H
#define QBID_BENCH_CONTROL_FORECAST_SERIES_H

#ifdef __cplusplus
extern "C" {
#endif

struct bench_forecast {
    double select_ns; /* a series of 1,000 values, mean: every method at seven origins */
    double refit_ns;  /* what was chosen, near its last fit, and 48 values ahead */
    double roll_ns; /* once through the series with fixed parameters: what no fit can do without */
    double chosen;  /* methods that a refit has, mean */
};

/** Over `series` of them; ends the process when it cannot. */
struct bench_forecast bench_forecast_run(unsigned series);

#ifdef __cplusplus
}
#endif

#endif
