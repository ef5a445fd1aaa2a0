/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap intervals over blocks of consecutive auctions. */
#ifndef QBID_TOOLS_SIM_RECORDED_INTERVAL_H
#define QBID_TOOLS_SIM_RECORDED_INTERVAL_H

#include <stdint.h>

#define QBID_RECORDED_RESAMPLES 2000

struct qbid_recorded_interval {
    double low, high; /* 95 % */
};

/**
 * Interval of sum(x), or with y of sum(x) / sum(y), of paired blocks.
 *
 * Shapes:  cnt in [1, 2^20]. A resample whose sum(y) is 0 counts as ratio 1 when its sum(x) is 0 as
 *          well, else as infinite.
 * Returns: the 2.5 and 97.5 % quantiles of QBID_RECORDED_RESAMPLES resamples; the same for the same
 *          input.
 * Source:  percentile bootstrap, Efron 1979; blocks keep what neighbours have in common.
 */
struct qbid_recorded_interval qbid_recorded_interval_find(const double *x, const double *y,
                                                          uint32_t cnt);

#endif
