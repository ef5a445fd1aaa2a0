/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: the table is counted first, the tail is read after it. */
#include "tests/race/hook.h"

#include "fastpath/frequency.h"

static bool count_tail_last(const struct qbid_view *view, uint64_t user_key, uint32_t line_item_idx,
                            struct qbid_exposure *exposure)
{
    const struct qbid_frequency *table = &view->live->frequency;
    uint64_t key = qbid_frequency_key(user_key, view->image->line_items[line_item_idx].id,
                                      atomic_load(&table->header->salt));
    uint32_t minute = atomic_load(&table->header->minute);
    unsigned cnt = qbid_frequency_count(table, key, minute);
    qbid_race_hook("frequency:own_counted");
    uint64_t tail = atomic_load_explicit(&view->page->ring->tail, memory_order_acquire);
    exposure->cnt = cnt + qbid_exposures_count(view->exposures, key, tail, minute);
    return true;
}

#define COUNT count_tail_last
#include "tests/race/frequency_order.c"
