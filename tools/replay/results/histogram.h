/* SPDX-License-Identifier: Apache-2.0 */
/* Log-linear histogram of times: fixed memory, quantiles within 1/128 of the value. */
#ifndef QBID_TOOLS_REPLAY_RESULTS_HISTOGRAM_H
#define QBID_TOOLS_REPLAY_RESULTS_HISTOGRAM_H

#include <stdint.h>

/* Each power of two is cut into 2^LG_PARTS equal parts; smaller integers have a bucket each. */
#define QBID_REPLAY_HISTOGRAM_LG_PARTS 7
/* Times from 2^LG_TOP ns (18 minutes) on fall into the last bucket; their maximum stays exact. */
#define QBID_REPLAY_HISTOGRAM_LG_TOP 40
#define QBID_REPLAY_HISTOGRAM_BUCKETS                                                              \
    (((QBID_REPLAY_HISTOGRAM_LG_TOP - QBID_REPLAY_HISTOGRAM_LG_PARTS + 1)                          \
      << QBID_REPLAY_HISTOGRAM_LG_PARTS) +                                                         \
     1)

/* All zero is an empty histogram. */
struct qbid_replay_histogram {
    uint64_t counts[QBID_REPLAY_HISTOGRAM_BUCKETS];
    uint64_t total_cnt;
    uint64_t max_ns;
    uint64_t sum_ns; /* saturates */
};

/** Count one time. */
void qbid_replay_histogram_add(struct qbid_replay_histogram *histogram, uint64_t value_ns);

/**
 * The smallest time that at least the share q of all times does not pass.
 *
 * Shapes:  q in [0, 1].
 * Returns: v with x <= v <= x * (1 + 1/128) for the exact sample quantile x below 2^LG_TOP ns (rank
 *          ceil(q * n), at least 1), never above the maximum; 0 when empty.
 */
uint64_t qbid_replay_histogram_query(const struct qbid_replay_histogram *histogram, double q);

#endif
