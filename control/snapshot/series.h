/* SPDX-License-Identifier: Apache-2.0 */
/* One series: totals since the beginning and a ring of time buckets for each rolling window. */
#ifndef QBID_CONTROL_SNAPSHOT_SERIES_H
#define QBID_CONTROL_SNAPSHOT_SERIES_H

#include <stdint.h>

#include "control/snapshot/snapshot.h"

/* Buckets of a window: how many and how long. A window holds the running bucket and the cnt - 1
 * before it, so it reaches back between cnt - 1 and cnt buckets. */
/* clang-format off */
#define QBID_SERIES_WINDOW_LIST(X) \
    X(30S,   6,    5)              \
    X(5MIN, 10,   30)              \
    X(1H,   12,  300)              \
    X(24H,  24, 3600)
/* clang-format on */

#define QBID_SERIES_BUCKETS (6 + 10 + 12 + 24)

/* Counts of one bucket. 32 bits last for 10^9 events a bucket; a fuller one stays at its maximum.
 */
struct qbid_series_bucket {
    uint32_t epoch; /* 1 + bucket number since boot, 0 = never used */
    uint32_t bids, wins, losses, bills, imps, clicks, convs, views, starts, completes;
    uint32_t pad;
    int64_t spend_nanos, bid_nanos, value_nanos;
};

struct qbid_series {
    struct qbid_series_key key;
    struct qbid_stats all;
    struct qbid_series_bucket bucket[QBID_SERIES_BUCKETS];
};

/** Add to the totals and to every window that time_ns is not too old for. */
void qbid_series_add(struct qbid_series *series, const struct qbid_stats *delta, uint64_t time_ns);

/** Totals of a window that ends at now_ns. Buckets later than now_ns do not count. */
struct qbid_stats qbid_series_query(const struct qbid_series *series, enum qbid_window window,
                                    uint64_t now_ns);

/** a += b. */
void qbid_stats_add(struct qbid_stats *a, const struct qbid_stats *b);

#endif
