/* SPDX-License-Identifier: Apache-2.0 */
/* Log-linear buckets: the highest bit chooses the power of two, the next bits the part of it. */
#include "tools/replay/results/histogram.h"

#include <math.h>
#include <stddef.h>

enum { LG_PARTS = QBID_REPLAY_HISTOGRAM_LG_PARTS, LG_TOP = QBID_REPLAY_HISTOGRAM_LG_TOP };

static size_t bucket_of(uint64_t value)
{
    if (value >= UINT64_C(1) << LG_TOP)
        return QBID_REPLAY_HISTOGRAM_BUCKETS - 1;
    if (value < UINT64_C(1) << LG_PARTS)
        return (size_t)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - LG_PARTS;
    return ((size_t)shift << LG_PARTS) + (size_t)(value >> shift);
}

/* Largest value that falls into the bucket. */
static uint64_t bucket_end(size_t bucket)
{
    if (bucket < (size_t)2 << LG_PARTS)
        return bucket;
    unsigned shift = (unsigned)(bucket >> LG_PARTS) - 1;
    uint64_t part = bucket - ((uint64_t)shift << LG_PARTS);
    return ((part + 1) << shift) - 1;
}

void qbid_replay_histogram_add(struct qbid_replay_histogram *histogram, uint64_t value_ns)
{
    histogram->counts[bucket_of(value_ns)]++;
    histogram->total_cnt++;
    if (value_ns > histogram->max_ns)
        histogram->max_ns = value_ns;
    if (__builtin_add_overflow(histogram->sum_ns, value_ns, &histogram->sum_ns))
        histogram->sum_ns = UINT64_MAX;
}

uint64_t qbid_replay_histogram_query(const struct qbid_replay_histogram *histogram, double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)histogram->total_cnt);
    uint64_t seen = 0;
    if (rank == 0)
        rank = 1;
    for (size_t i = 0; i + 1 < QBID_REPLAY_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= rank) {
            uint64_t end = bucket_end(i);
            return end < histogram->max_ns ? end : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}
