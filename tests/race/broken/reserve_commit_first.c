/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: a reservation that is written first, then checked and taken back. */
#include "tests/race/hook.h"

#include "fastpath/reserve.h"

static bool reserve_commit_first(const struct qbid_view *view, uint32_t budget_idx,
                                 int64_t bid_micros, bool keep)
{
    _Atomic int64_t *committed = &view->page->committed[budget_idx];
    const struct qbid_live *live = view->live;
    int64_t before = atomic_load_explicit(committed, memory_order_relaxed);
    atomic_store_explicit(committed, before + bid_micros, memory_order_release);
    qbid_race_hook("reserve:checked");
    bool fits =
        before + bid_micros <=
        atomic_load_explicit(&live->limit[(size_t)view->slot * live->shape.budget_max + budget_idx],
                             memory_order_relaxed);
    if (!fits || !keep)
        atomic_store_explicit(committed, before, memory_order_release);
    return fits;
}

#define RESERVE reserve_commit_first
#include "tests/race/allowance_order.c"
