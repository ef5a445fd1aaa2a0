/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines of the design notes. */
#include "tests/control/models/allocate/notes.h"

#include <math.h>
#include <stdlib.h>

void notes_ascent(const struct qbid_curve *curves, const double *least, const double *most,
                  uint32_t cnt, double total, double *ret_spend)
{
    for (uint32_t i = 0; i < cnt; i++)
        ret_spend[i] = total / cnt;
    for (int step = 0; step < NOTES_STEPS; step++) {
        double mean = 0, sum = 0;
        for (uint32_t i = 0; i < cnt; i++)
            mean += qbid_curve_marginal(&curves[i], ret_spend[i]) / cnt;
        for (uint32_t i = 0; i < cnt; i++) {
            double apart = qbid_curve_marginal(&curves[i], ret_spend[i]) / mean - 1;
            ret_spend[i] *= fmax(1 + NOTES_STEP * apart, 0);
            sum += ret_spend[i];
        }
        for (uint32_t i = 0; i < cnt; i++)
            ret_spend[i] = fmin(fmax(ret_spend[i] * total / sum, least[i]), most[i]);
    }
}

static int by_measured(const void *a, const void *b, void *context)
{
    const double *measured = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (measured[i] != measured[j])
        return measured[i] < measured[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

void notes_shift(const double *measured, uint32_t cnt, double *spend, uint32_t *order)
{
    uint32_t fifth = cnt / 5;
    double moved = 0;
    for (uint32_t i = 0; i < cnt; i++)
        order[i] = i;
    qsort_r(order, cnt, sizeof *order, by_measured, (void *)(uintptr_t)measured);
    for (uint32_t i = 0; i < fifth; i++) {
        moved += spend[order[i]] / 2;
        spend[order[i]] /= 2;
    }
    for (uint32_t i = cnt - fifth; i < cnt; i++)
        spend[order[i]] += moved / fifth;
}
