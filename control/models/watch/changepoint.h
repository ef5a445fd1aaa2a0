/* SPDX-License-Identifier: Apache-2.0 */
/* Where a short series changed its level, and how sure that is. */
#ifndef QBID_CONTROL_MODELS_WATCH_CHANGEPOINT_H
#define QBID_CONTROL_MODELS_WATCH_CHANGEPOINT_H

#include <stdint.h>

#define QBID_CHANGEPOINT_MAX 4096

struct qbid_changepoint {
    uint32_t at;          /* first value of the new level */
    double before, after; /* means */
    double p_value;       /* of there being no change, by ranks: outliers do not matter */
};

/**
 * The split into two levels with the least squared error, and Pettitt's test of it.
 *
 * Shapes:  y[cnt] finite, cnt in [4, QBID_CHANGEPOINT_MAX].
 * Returns: 0; QBID_ERR_INVAL.
 * Threads: pure.
 * Cost:    cnt^2 comparisons.
 * Source:  Pettitt 1979, with his approximation of the p-value, which is exact enough below 0.5.
 */
int qbid_changepoint_find(const double *y, uint32_t cnt, struct qbid_changepoint *ret_point);

#endif
