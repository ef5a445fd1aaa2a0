/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential smoothing of one series: level, trend (damped or not), season (additive or
 * multiplicative), parameters by least squares of the one-step errors.
 */
#ifndef QBID_CONTROL_MODELS_FORECAST_SMOOTHING_H
#define QBID_CONTROL_MODELS_FORECAST_SMOOTHING_H

#include <stdbool.h>
#include <stdint.h>

#define QBID_SMOOTHING_SEASON_MAX 168 /* hours of a week */

enum qbid_smoothing_kind {
    QBID_SMOOTHING_PLAIN, /* no season */
    QBID_SMOOTHING_ADDITIVE,
    QBID_SMOOTHING_MULTIPLICATIVE
};

struct qbid_smoothing_spec {
    enum qbid_smoothing_kind kind;
    bool trend;
    bool damped;     /* phi in [0.8, 0.98] instead of 1 */
    uint32_t season; /* length, [2, QBID_SMOOTHING_SEASON_MAX]; ignored by PLAIN */
};

struct qbid_smoothing {
    struct qbid_smoothing_spec spec;
    double alpha, beta, gamma, phi;
    double level, slope;
    double sse;      /* of the one-step errors of the fit */
    uint32_t errors; /* how many they are */
    uint32_t phase;  /* season of the next value */
    double season[QBID_SMOOTHING_SEASON_MAX];
};

/**
 * Fit parameters and run the series through.
 *
 * Shapes:  y[cnt], finite; cnt >= 2 season (PLAIN: >= 4); MULTIPLICATIVE needs y > 0 throughout.
 *          from: parameters of an earlier fit of the same spec to start near, or NULL.
 * Returns: 0; QBID_ERR_INVAL for a series that the spec does not fit.
 * Threads: pure; no allocation.
 * Cost:    10 to 40 passes over y, eight sets of parameters a pass.
 * Source:  Holt 1957, Winters 1960, damped trend of Gardner and McKenzie 1985; first level, trend
 *          and season by classical decomposition of the first two seasons as R's HoltWinters does.
 */
int qbid_smoothing_fit(const double *y, uint32_t cnt, struct qbid_smoothing_spec spec,
                       const struct qbid_smoothing *from, struct qbid_smoothing *ret_fit);

/** Take the next value. */
void qbid_smoothing_roll(struct qbid_smoothing *fit, double y);

/** What is expected `ahead` >= 1 values from here. */
double qbid_smoothing_at(const struct qbid_smoothing *fit, uint32_t ahead);

/** Classical seasonal indices (mean 0, or mean 1 when MULTIPLICATIVE) of a series whose first value
 *  has phase 0, from its moving average over whole seasons. INVAL as above. Cost: cnt * season. */
int qbid_smoothing_indices(const double *y, uint32_t cnt, enum qbid_smoothing_kind kind,
                           uint32_t season, double *ret_season);

#endif
