/* SPDX-License-Identifier: Apache-2.0 */
/* Views of latency histograms: copied, merged, asked. */
#include "shm/latency.h"

#define PERMILLE 1000

__extension__ typedef unsigned __int128 wide;

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void qbid_latency_load(const struct qbid_latency *latency, struct qbid_latency_view *ret_view)
{
    unsigned top = 0;
    uint64_t count = 0;
    for (unsigned i = 0; i < QBID_LATENCY_BUCKETS; i++) {
        uint64_t n = atomic_load_explicit(&latency->bucket[i], memory_order_relaxed); /* L2 */
        ret_view->bucket[i] = n;
        count = add_saturated(count, n);
        top = n ? i : top;
    }
    uint64_t max_ns = atomic_load_explicit(&latency->max_ns, memory_order_relaxed); /* L2 */
    uint64_t sum_ns = atomic_load_explicit(&latency->sum_ns, memory_order_relaxed); /* L2 */
    uint64_t low = qbid_latency_low(top), high = qbid_latency_high(top);
    ret_view->count = count;
    ret_view->sum_ns = count ? sum_ns : 0;
    ret_view->max_ns = count == 0 ? 0 : max_ns < low ? low : max_ns > high ? high : max_ns;
}

void qbid_latency_merge(struct qbid_latency_view *to, const struct qbid_latency_view *from)
{
    uint64_t count = 0; /* anew, so that it stays the sum of the buckets */
    for (unsigned i = 0; i < QBID_LATENCY_BUCKETS; i++) {
        to->bucket[i] = add_saturated(to->bucket[i], from->bucket[i]);
        count = add_saturated(count, to->bucket[i]);
    }
    to->count = count;
    to->sum_ns = add_saturated(to->sum_ns, from->sum_ns);
    to->max_ns = from->max_ns > to->max_ns ? from->max_ns : to->max_ns;
}

static uint64_t middle(unsigned index, uint64_t max_ns)
{
    if (index == QBID_LATENCY_BUCKETS - 1)
        return max_ns;
    uint64_t low = qbid_latency_low(index);
    uint64_t at = low + (qbid_latency_high(index) - low) / 2;
    return at < max_ns ? at : max_ns;
}

uint64_t qbid_latency_quantile(const struct qbid_latency_view *view, unsigned permille)
{
    if (view->count == 0)
        return 0;
    if (permille >= PERMILLE)
        return view->max_ns;
    /* the sample of this rank, from 1, when all are sorted */
    uint64_t rank = (uint64_t)(((wide)view->count * permille + PERMILLE - 1) / PERMILLE);
    uint64_t seen = 0;
    rank = rank ? rank : 1;
    for (unsigned i = 0; i < QBID_LATENCY_BUCKETS; i++) {
        seen = add_saturated(seen, view->bucket[i]);
        if (seen >= rank)
            return middle(i, view->max_ns);
    }
    return view->max_ns;
}

uint64_t qbid_latency_below(const struct qbid_latency_view *view, unsigned lg_ns)
{
    unsigned end = qbid_latency_index(UINT64_C(1) << lg_ns); /* a power of two begins its bucket */
    uint64_t seen = 0;
    for (unsigned i = 0; i < end; i++)
        seen = add_saturated(seen, view->bucket[i]);
    return seen;
}
