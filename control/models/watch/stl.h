/* SPDX-License-Identifier: Apache-2.0 */
/* A regular series taken apart into season, trend and remainder by local regression; spikes and
 * gaps in the data do not bend the first two when it runs robust.
 */
#ifndef QBID_CONTROL_MODELS_WATCH_STL_H
#define QBID_CONTROL_MODELS_WATCH_STL_H

#include <stdbool.h>
#include <stdint.h>

/* Spans are in values and odd; 0 takes the default. */
struct qbid_stl_spec {
    uint32_t period;      /* >= 2 */
    uint32_t season_span; /* seasons that smooth one phase of the season, default 7 */
    uint32_t trend_span;  /* > period, default the least odd one above 1.5 p / (1 - 1.5 / season) */
    uint32_t lowpass_span; /* > period, default the least odd one above it */
    bool flat_season;      /* local means instead of lines through a phase's values */
    bool robust;           /* fifteen rounds of weights by the remainder, two passes each */
};

/**
 * Take a series apart: y = season + trend + remainder.
 *
 * Shapes:  y[cnt] finite, cnt >= 2 period; ret_season[cnt], ret_trend[cnt]; ret_weight[cnt] or
 *          NULL: how much each value counted, in [0, 1], 1 throughout without `robust`.
 * Returns: 0; QBID_ERR_INVAL for a spec or series out of range; QBID_ERR_NOMEM.
 * Threads: pure; allocates scratch.
 * Cost:    passes x cnt x spans: 1,000 hours of a daily period about a millisecond, robust 20.
 * Source:  Cleveland, Cleveland, McRae and Terpenning 1990.
 */
int qbid_stl(const double *y, uint32_t cnt, struct qbid_stl_spec spec, double *ret_season,
             double *ret_trend, double *ret_weight);

#endif
