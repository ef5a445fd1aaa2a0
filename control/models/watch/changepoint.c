/* SPDX-License-Identifier: Apache-2.0 */
#include "control/models/watch/changepoint.h"

#include <math.h>

#include "shm/error.h"

/* Least squares splits where (sum before - its share of all)^2 over the variance of that is most.
 */
static uint32_t split(const double *y, uint32_t cnt, double mean)
{
    double sum = 0, most = -1;
    uint32_t at = 1;
    for (uint32_t i = 1; i < cnt; i++) {
        sum += y[i - 1] - mean;
        double gain = sum * sum / ((double)i * (cnt - i));
        if (gain > most) {
            most = gain;
            at = i;
        }
    }
    return at;
}

/* Mann-Whitney's statistic of each split, the largest: one value joins the first part at a time. */
static double pettitt(const double *y, uint32_t cnt)
{
    double u = 0, most = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        for (uint32_t j = 0; j < cnt; j++)
            u += (y[i] > y[j]) - (y[i] < y[j]);
        most = fmax(most, fabs(u));
    }
    return most;
}

int qbid_changepoint_find(const double *y, uint32_t cnt, struct qbid_changepoint *ret)
{
    if (cnt < 4 || cnt > QBID_CHANGEPOINT_MAX)
        return QBID_ERR_INVAL;
    double sum = 0, n = cnt;
    for (uint32_t i = 0; i < cnt; i++) {
        if (!isfinite(y[i]))
            return QBID_ERR_INVAL;
        sum += y[i];
    }
    uint32_t at = split(y, cnt, sum / n);
    double before = 0, k = pettitt(y, cnt);
    for (uint32_t i = 0; i < at; i++)
        before += y[i];
    *ret = (struct qbid_changepoint){at, before / at, (sum - before) / (n - at),
                                     fmin(2 * exp(-6 * k * k / (n * n * n + n * n)), 1)};
    return 0;
}
