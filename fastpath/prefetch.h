/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for the lines that the next stage of an ask will read. */
#ifndef QBID_FASTPATH_PREFETCH_H
#define QBID_FASTPATH_PREFETCH_H

#include <stdint.h>

#include "fastpath/ask.h"
#include "fastpath/eligible.h"
#include "fastpath/filter.h"
#include "fastpath/frequency.h"
#include "fastpath/price.h"

/* Lines of a row that are asked for: of a longer one the processor finds the rest by itself. */
#define QBID_PREFETCH_ROW_LINES 4

/* Before all else, for a decision of its own: what every decision reads whatever the request, but
 * for what the other steps read as well. Where decisions follow one another it is there anyhow. */
static inline void qbid_prefetch_common(const struct qbid_ask *ask)
{
    const struct qbid_view *view = ask->view;
    const struct qbid_image_header *header = view->image->header;
    __builtin_prefetch(&header->price_ceiling_micros);
    __builtin_prefetch(view->image->elig_rows);
    __builtin_prefetch(&view->page->header->seq, 1);
    __builtin_prefetch(view->page->ring, 1); /* the event comes right after the decision */
}

/* After resolve: where a row of any level would be found. */
static inline void qbid_prefetch_index(const struct qbid_ask *ask)
{
    qbid_place_prefetch_rows(ask->view->image, ask->place.context);
}

/* After row: its first candidates and their values. Where there is no row both are NULL, and so
 * their addresses are counted as numbers. */
static inline void qbid_prefetch_row(const struct qbid_ask *ask)
{
    const struct qbid_row_ref *row = &ask->place.row;
    uintptr_t at = (uintptr_t)row->line_item_idx;
    uintptr_t end = (uintptr_t)row->value_micros + sizeof *row->value_micros;
    for (unsigned i = 0; i < QBID_PREFETCH_ROW_LINES && at < end; i++, at += QBID_CACHE_LINE)
        __builtin_prefetch((const void *)at);
    __builtin_prefetch(row->value_micros);
}

/* After best: the line item and its shelf, and the shade of its price as long as no action is
 * explored. */
static inline void qbid_prefetch_line_item(const struct qbid_ask *ask)
{
    if (ask->best.rank == 0)
        return;
    uint32_t idx = qbid_candidate_line_item(&ask->best);
    __builtin_prefetch(&ask->view->image->line_items[idx]);
    __builtin_prefetch(&ask->view->image->shelves[idx]);
    if (ask->request->auction == QBID_AUCTION_FIRST_PRICE)
        qbid_shade_prefetch(&ask->view->image->shades[ask->place.row.segment],
                            qbid_candidate_price(&ask->best));
}

/* The user's exposures to a line item: the table's bucket and the worker's own. */
static inline void qbid_prefetch_exposures(const struct qbid_view *view, uint64_t user_key,
                                           const struct qbid_line_item *line_item)
{
    const struct qbid_frequency *table = &view->live->frequency;
    if (line_item->frequency_cap == 0 || !table->header || !view->exposures)
        return;
    uint64_t salt = atomic_load_explicit(&table->header->salt, memory_order_relaxed);
    uint64_t key = qbid_frequency_key(user_key, line_item->id, salt);
    __builtin_prefetch(qbid_frequency_bucket(table, key));
    __builtin_prefetch(&view->exposures->bucket[key % QBID_EXPOSURE_BUCKETS].key);
    __builtin_prefetch(&view->exposures->bucket[key % QBID_EXPOSURE_BUCKETS].until);
}

/* After best, when the line item is there: its Q row, its money, its bits of the dimensions that it
 * targets, and the user's exposures. */
static inline void qbid_prefetch_terms(const struct qbid_ask *ask)
{
    if (ask->best.rank == 0)
        return;
    const struct qbid_view *view = ask->view;
    uint32_t idx = qbid_candidate_line_item(&ask->best);
    uint32_t budget = view->image->line_items[idx].budget_idx;
    uint16_t q_state = qbid_offer_q_state(view->live, idx);
    __builtin_prefetch(&view->image->qheads[qbid_offer_q_place(view->image, idx, q_state)]);
    if (budget < view->page->budget_max && budget < view->live->shape.budget_max) {
        __builtin_prefetch(&view->page->committed[budget]);
        __builtin_prefetch(
            &view->live->limit[(size_t)view->slot * view->live->shape.budget_max + budget]);
    }
    if (ask->request->candidate_cnt == 0)
        qbid_eligible_prefetch(view->image, &ask->place, idx);
    if (qbid_frequency_applies(view, ask->request))
        qbid_prefetch_exposures(view, ask->request->user_key, &view->image->line_items[idx]);
}

/* After best, when the shelf is there: the draws of the slot that will be filled. */
static inline void qbid_prefetch_creatives(const struct qbid_ask *ask)
{
    if (ask->best.rank == 0)
        return;
    const struct qbid_image *image = ask->view->image;
    struct qbid_shelf_slot slot;
    if (!qbid_filter_creative(image, qbid_candidate_line_item(&ask->best), ask->request,
                              ask->place.slot_idx, &slot))
        return;
    __builtin_prefetch(&image->draws[slot.draw]);
    __builtin_prefetch(&image->draws[slot.draw + QBID_DRAW_AHEAD - 1]); /* half the time another */
}

#endif
