/* SPDX-License-Identifier: Apache-2.0 */
/* Money: the lease that lets a worker bid at all, and the reservation of one bid.
 *
 *   control                                        this worker
 *   raise limit[slot][b], release         --->     R2 load limit, relaxed
 *   read committed[b], acquire            <---     C1 store committed[b] + bid, release
 *   read refused[b], relaxed              <---     C2 store a bid that the limit did not hold,
 * relaxed
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

/* A worker's allowance of one budget; limit NULL = there is none. */
struct qbid_allowance {
    const _Atomic int64_t *limit;
    _Atomic int64_t *committed;
};

/** Find it. Shapes: qbid_lease_valid(); any budget_idx. */
static inline struct qbid_allowance qbid_allowance_find(const struct qbid_view *view,
                                                        uint32_t budget_idx)
{
    const struct qbid_live *live = view->live;
    if (budget_idx >= view->page->budget_max || budget_idx >= live->shape.budget_max)
        return (struct qbid_allowance){0};
    return (struct qbid_allowance){
        &live->limit[(size_t)view->slot * live->shape.budget_max + budget_idx],
        &view->page->committed[budget_idx]};
}

/**
 * Set bid_micros aside from an allowance. keep false only checks.
 *
 * Shapes:  bid_micros > 0.
 * Returns: false when the allowance does not hold it, or there is none.
 * Threads: the worker that owns view->page. Wait-free.
 */
static inline bool qbid_allowance_take(const struct qbid_allowance *allowance, int64_t bid_micros,
                                       bool keep)
{
    int64_t sum;
    if (!allowance->limit ||
        __builtin_add_overflow(atomic_load_explicit(allowance->committed, memory_order_relaxed),
                               qbid_nanos_from_cpm_micros(bid_micros), &sum) ||
        sum > atomic_load_explicit(allowance->limit, memory_order_relaxed)) /* R2 */
        return false;
    qbid_race_hook("reserve:checked");
    if (keep)
        atomic_store_explicit(allowance->committed, sum, memory_order_release); /* C1 */
    return true;
}

/**
 * Tell control of a bid that the allowance did not hold, so that it gives enough for one like it.
 *
 * Threads: the worker that owns view->page. Wait-free. Cost: one store.
 */
static inline void qbid_allowance_refuse(const struct qbid_view *view, uint32_t budget_idx,
                                         int64_t bid_micros)
{
    if (budget_idx < view->page->budget_max)
        atomic_store_explicit(&view->page->refused[budget_idx],
                              qbid_nanos_from_cpm_micros(bid_micros),
                              memory_order_relaxed); /* C2 */
}

/** Find, take, and tell of a refusal; keep false only checks. */
static inline bool qbid_allowance_reserve(const struct qbid_view *view, uint32_t budget_idx,
                                          int64_t bid_micros, bool keep)
{
    struct qbid_allowance allowance = qbid_allowance_find(view, budget_idx);
    bool taken = qbid_allowance_take(&allowance, bid_micros, keep);
    if (!taken && keep)
        qbid_allowance_refuse(view, budget_idx, bid_micros);
    return taken;
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
