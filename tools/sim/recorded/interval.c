/* SPDX-License-Identifier: Apache-2.0 */
/* Resamples blocks with replacement. */
#include "tools/sim/recorded/interval.h"

#include <math.h>
#include <stdlib.h>

#include "shm/hash.h"

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t draw(uint64_t *state)
{
    return qbid_mix64(*state += UINT64_C(0x9e3779b97f4a7c15));
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

struct qbid_recorded_interval qbid_recorded_interval_find(const double *x, const double *y,
                                                          uint32_t cnt)
{
    double found[QBID_RECORDED_RESAMPLES];
    uint64_t state = 1;
    for (int r = 0; r < QBID_RECORDED_RESAMPLES; r++) {
        double over = 0, under = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            uint32_t at = (uint32_t)((draw(&state) >> 32) * cnt >> 32);
            over += x[at];
            under += y ? y[at] : 0;
        }
        found[r] = !y ? over : under > 0 ? over / under : over > 0 ? INFINITY : 1;
    }
    qsort(found, QBID_RECORDED_RESAMPLES, sizeof *found, ascending);
    return (struct qbid_recorded_interval){found[QBID_RECORDED_RESAMPLES / 40],
                                           found[QBID_RECORDED_RESAMPLES * 39 / 40]};
}
