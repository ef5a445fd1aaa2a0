/* SPDX-License-Identifier: Apache-2.0 */
/* Forecasts of a regular series, e.g. auctions by the hour: several simple methods, and for each
 * series the one, or the median of the best, that would have been right lately.
 *
 *   fit part                     origins, a step apart          end
 *   |----------------------------o-----o-----o-----o-----o------|
 *   parameters come from here    each method forecasts from each origin what came after it:
 *                                its mean absolute error chooses, and gives the intervals
 */
#ifndef QBID_CONTROL_MODELS_FORECAST_FORECAST_H
#define QBID_CONTROL_MODELS_FORECAST_FORECAST_H

#include <stdint.h>

#include "control/models/forecast/smoothing.h"

#define QBID_FORECAST_AHEAD_MAX 168
#define QBID_FORECAST_ORIGINS 7
#define QBID_FORECAST_MEDIAN_OF 3 /* the best that the median is of */

enum qbid_forecast_method {
    QBID_FORECAST_NAIVE, /* as one season ago */
    QBID_FORECAST_LEVEL, /* simple exponential smoothing of the seasonally adjusted series: with the
                            hours of a week as season, the profile times the level */
    QBID_FORECAST_THETA, /* the same with half of the trend's slope */
    QBID_FORECAST_HOLT,  /* trend, no season */
    QBID_FORECAST_HOLT_DAMPED,
    QBID_FORECAST_WINTERS_ADDITIVE,
    QBID_FORECAST_WINTERS_ADDITIVE_DAMPED,
    QBID_FORECAST_WINTERS_MULTIPLICATIVE,
    QBID_FORECAST_WINTERS_MULTIPLICATIVE_DAMPED,
    QBID_FORECAST_METHODS
};

struct qbid_forecast_choice {
    enum qbid_forecast_method method;
    uint32_t season; /* 1 = none */
};

/* What was found best for one series; keep it and forecast with it until it is chosen anew. */
struct qbid_forecast {
    struct qbid_forecast_choice choice[QBID_FORECAST_MEDIAN_OF];
    uint32_t choice_cnt; /* 1 = that method alone, else the median of these */
    double error;        /* mean absolute error at the origins */
    double mase; /* the same over the naive method's mean error in the series; 0 = constant */
    /* interval at 95 %: half width = scale * sqrt(1 + growth * (ahead - 1)) */
    double scale;
    double growth;
    struct qbid_smoothing fit[QBID_FORECAST_MEDIAN_OF]; /* to refit near */
    uint32_t fitted;                                    /* of fit, 0 before the first run */
};

/* Forecasts of [0] the next value, [1] the one after it, ... */
struct qbid_forecast_path {
    double mean[QBID_FORECAST_AHEAD_MAX];
    double low[QBID_FORECAST_AHEAD_MAX]; /* 95 % interval; not below 0 where the series never is */
    double high[QBID_FORECAST_AHEAD_MAX];
};

/**
 * Choose for one series.
 *
 * Shapes:  y[cnt] finite; season in [1, QBID_SMOOTHING_SEASON_MAX], 1 = none; cycle: a longer one,
 * a multiple of season, or 0; ahead in [1, QBID_FORECAST_AHEAD_MAX]: how far forecasts must be
 * good. Methods that the series is too short for, or not positive, are left out. Returns: 0;
 * QBID_ERR_INVAL when a number is out of range or not finite, or cnt < 8; NOMEM. A series with no
 * room for an origin behind two seasons gets the naive method. Threads: pure; allocates scratch.
 * Cost:    a fit a method: 1,000 values of two seasons some milliseconds.
 * Source:  Hyndman and Koehler 2006 (MASE), Assimakopoulos and Nikolopoulos 2000 in the form of
 *          Hyndman and Billah 2003 (theta), Makridakis et al. 2020 (M4: combinations win).
 */
int qbid_forecast_select(const double *y, uint32_t cnt, uint32_t season, uint32_t cycle,
                         uint32_t ahead, struct qbid_forecast *ret_forecast);

/**
 * Fit what was chosen to the series as it is now, and forecast.
 *
 * Shapes:  as above; ahead values of the path are written.
 * Returns: 0; QBID_ERR_INVAL when the series no longer fits the choice.
 * Cost:    a fit near the last one: 1,000 values below a millisecond a chosen method.
 */
int qbid_forecast_run(struct qbid_forecast *forecast, const double *y, uint32_t cnt, uint32_t ahead,
                      struct qbid_forecast_path *ret_path);

const char *qbid_forecast_name(enum qbid_forecast_method method);

#endif
