/* SPDX-License-Identifier: Apache-2.0 */
/* Money: the lease that lets a worker bid at all, and the reservation of one bid.
 *
 *   control                                        this worker
 *   raise limit[slot][b], release         --->     R2 load limit, relaxed
 *   read committed[b], acquire            <---     C1 store committed[b] + bid, release
 *
 * A lower limit that is read late only delays a bid; committed has one writer, this worker.
 */
#ifndef QBID_FASTPATH_RESERVE_H
#define QBID_FASTPATH_RESERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fastpath/decide.h"

#define QBID_NONCE_SEQ_BITS 48

/** Whether control allows this worker to bid now: live page, own page, slot and a valid lease. */
static inline bool qbid_lease_valid(const struct qbid_view *view, uint64_t now_ns)
{
    const struct qbid_live *live = view->live;
    if (!live || !view->page || view->slot >= live->shape.worker_max)
        return false;
    return atomic_load_explicit(&live->lease[view->slot].valid_until_ns, memory_order_relaxed) >
           now_ns;
}

/** Whether the earliest of the overrides has ended: control may not have said so yet, or be dead.
 *  On a line that qbid_lease_valid() has read. */
static inline bool qbid_lease_override_over(const struct qbid_view *view, uint64_t now_ns)
{
    uint64_t until_ns = atomic_load_explicit(&view->live->lease[view->slot].override_until_ns,
                                             memory_order_relaxed); /* R5 */
    return now_ns > until_ns - 1; /* 0 = none is the latest of all */
}

/**
 * Set bid_micros aside from the worker's allowance of a budget. keep false only checks.
 *
 * Shapes:  qbid_lease_valid(); bid_micros > 0; any budget_idx.
 * Returns: false when the allowance does not hold it, or there is none.
 * Threads: the worker that owns view->page. Wait-free.
 */
static inline bool qbid_allowance_reserve(const struct qbid_view *view, uint32_t budget_idx,
                                          int64_t bid_micros, bool keep)
{
    const struct qbid_live *live = view->live;
    if (budget_idx >= view->page->budget_max || budget_idx >= live->shape.budget_max)
        return false;
    _Atomic int64_t *committed = &view->page->committed[budget_idx];
    const _Atomic int64_t *limit =
        &live->limit[(size_t)view->slot * live->shape.budget_max + budget_idx];
    int64_t sum;
    if (__builtin_add_overflow(atomic_load_explicit(committed, memory_order_relaxed),
                               qbid_nanos_from_cpm_micros(bid_micros), &sum) ||
        sum > atomic_load_explicit(limit, memory_order_relaxed)) /* R2 */
        return false;
    qbid_race_hook("reserve:checked");
    if (keep)
        atomic_store_explicit(committed, sum, memory_order_release); /* C1 */
    return true;
}

/** The next nonce of a worker: its uid and a number that its page never gives out twice. */
static inline uint64_t qbid_nonce_next(const struct qbid_view *view)
{
    _Atomic uint64_t *word = &view->page->header->seq;
    uint64_t seq = atomic_load_explicit(word, memory_order_relaxed);
    atomic_store_explicit(word, seq + 1, memory_order_relaxed);
    return (uint64_t)view->uid << QBID_NONCE_SEQ_BITS |
           (seq & ((UINT64_C(1) << QBID_NONCE_SEQ_BITS) - 1));
}

#endif
