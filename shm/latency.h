/* SPDX-License-Identifier: Apache-2.0 */
/* A latency histogram in fixed memory: log-linear buckets of whole nanoseconds.
 *
 *   worker                                       control, status
 *   L1 bucket += n, sum += ns     (relaxed) ---> L2 each word once, into a view of its own
 *      max = ns if it is greater  (relaxed)         (relaxed; a sample may be there in part)
 *
 *   ns      0 1 2 ... 63 | 64 66 ... 126 | 128 132 ... 252 | ... | 2^31 ... 2^32 - 2^26 | 2^32 ...
 *   bucket  64 of 1 ns   | 32 of 2 ns    | 32 of 4 ns      | ... | 32 of 2^26 ns        | 1
 *
 * One writer. Whoever reads takes the words of another process for what they are, untrusted: a view
 * is made of them in which every sum holds, and everything else is computed on views.
 *
 * Source: the log-linear buckets of HdrHistogram (Gil Tene); ours have 32 to an octave, and the
 * count is the sum of the buckets, so that the two never disagree.
 */
#ifndef QBID_SHM_LATENCY_H
#define QBID_SHM_LATENCY_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "shm/units.h"

#define QBID_LATENCY_LG_SUB 5  /* 32 buckets an octave: half of one is 1/64 of its values */
#define QBID_LATENCY_LG_TOP 32 /* from 2^32 ns (4.29 s) on all values share the last bucket */
#define QBID_LATENCY_BUCKETS (((QBID_LATENCY_LG_TOP - QBID_LATENCY_LG_SUB + 1) << 5) + 1)
_Static_assert(QBID_LATENCY_BUCKETS == 897, "64 of one, 26 octaves of 32, and the rest");

/* What is timed. */
/* clang-format off */
#define QBID_LATENCY_LIST(X)                                                                     \
    X(DECIDE, decide, "one decision; of decisions made together each has its even share")        \
    X(ANSWER, answer, "a bid request, from the call to its answer: parse, decide, write")        \
    X(NOTICE, notice, "a notice, from the call to its status: parse, verify, hand on")
/* clang-format on */

enum qbid_latency_kind {
#define X(upper, lower, text) QBID_LATENCY_##upper,
    QBID_LATENCY_LIST(X)
#undef X
        QBID_LATENCY_CNT
};

/* What is shown of a histogram, by its permille. */
#define QBID_LATENCY_QUANTILE_LIST(X) X(500, p50) X(900, p90) X(990, p99) X(999, p999)

/* 7 KiB, of which a worker touches the line of the sum and those of the octaves that it sees: about
 * 1 KiB. */
struct qbid_latency {
    /* all words: the worker */
    alignas(QBID_CACHE_LINE) _Atomic uint64_t sum_ns;
    _Atomic uint64_t max_ns;
    _Atomic uint64_t bucket[QBID_LATENCY_BUCKETS];
};
_Static_assert(sizeof(struct qbid_latency) == 7232, "histogram layout is ABI");

/* A copy that can be believed: count is the sum of the buckets (or UINT64_MAX where that does not
 * fit), and max_ns lies in the highest bucket that is not empty. */
struct qbid_latency_view {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
    uint64_t bucket[QBID_LATENCY_BUCKETS];
};

/** Bucket of a value, < QBID_LATENCY_BUCKETS. */
static inline unsigned qbid_latency_index(uint64_t ns)
{
    if (ns >> QBID_LATENCY_LG_TOP)
        return QBID_LATENCY_BUCKETS - 1;
    if (ns >> (QBID_LATENCY_LG_SUB + 1) == 0)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - QBID_LATENCY_LG_SUB;
    return (shift << QBID_LATENCY_LG_SUB) + (unsigned)(ns >> shift);
}

/** Smallest value of a bucket. */
static inline uint64_t qbid_latency_low(unsigned index)
{
    if (index < 2u << QBID_LATENCY_LG_SUB)
        return index;
    unsigned shift = (index >> QBID_LATENCY_LG_SUB) - 1;
    return (uint64_t)(index - (shift << QBID_LATENCY_LG_SUB)) << shift;
}

/** Largest value of a bucket. */
static inline uint64_t qbid_latency_high(unsigned index)
{
    return index < QBID_LATENCY_BUCKETS - 1 ? qbid_latency_low(index + 1) - 1 : UINT64_MAX;
}

/**
 * Add n equal samples that took total_ns together.
 *
 * Shapes:  n >= 1; each counts as total_ns / n, and the sum grows by total_ns.
 * Threads: the one writer; wait-free (L1).
 * Cost:    two cache lines, no locked instruction.
 */
static inline void qbid_latency_add(struct qbid_latency *latency, uint64_t total_ns, uint32_t n)
{
    uint64_t each = n == 1 ? total_ns : total_ns / n;
    _Atomic uint64_t *bucket = &latency->bucket[qbid_latency_index(each)];
    atomic_store_explicit(bucket, atomic_load_explicit(bucket, memory_order_relaxed) + n,
                          memory_order_relaxed);
    atomic_store_explicit(&latency->sum_ns,
                          atomic_load_explicit(&latency->sum_ns, memory_order_relaxed) + total_ns,
                          memory_order_relaxed);
    if (each > atomic_load_explicit(&latency->max_ns, memory_order_relaxed))
        atomic_store_explicit(&latency->max_ns, each, memory_order_relaxed);
}

/** Copy a histogram, whatever its words are. Threads: any (L2). */
void qbid_latency_load(const struct qbid_latency *latency, struct qbid_latency_view *ret_view);

/** Add the samples of one view to another: the view of both histograms' samples. Sums that do not
 *  fit stay at UINT64_MAX. */
void qbid_latency_merge(struct qbid_latency_view *to, const struct qbid_latency_view *from);

/**
 * The value that a share of permille / 1000 of all samples do not pass.
 *
 * Shapes:  permille in [0, 1000]; 0 is the least sample, 1000 the greatest.
 * Returns: the middle of the bucket in which that sample lies, never more than max_ns: exact below
 *          64 ns, within 1/64 (1.6 %) of it below 4.29 s, max_ns from there on; 0 when empty.
 */
uint64_t qbid_latency_quantile(const struct qbid_latency_view *view, unsigned permille);

/** Samples below 2^lg_ns nanoseconds, exact. Shapes: lg_ns in [0, QBID_LATENCY_LG_TOP]. */
uint64_t qbid_latency_below(const struct qbid_latency_view *view, unsigned lg_ns);

#endif
