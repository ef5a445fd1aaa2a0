/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for the lines that the next stage of an ask will read. */
#ifndef QBID_FASTPATH_PREFETCH_H
#define QBID_FASTPATH_PREFETCH_H

#include <stdbool.h>
#include <stddef.h>
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

/* After locate: the first lines of the row that is likely there. */
static inline void qbid_prefetch_row(const struct qbid_ask *ask)
{
    const struct qbid_index_guess *guess = &ask->place.guess;
    __builtin_prefetch(guess->row);
    for (unsigned i = 1; i < QBID_PREFETCH_ROW_LINES && i < guess->lines; i++)
        __builtin_prefetch(guess->row + i);
}

/* Whether a bid will read more of a line item than its summary. */
static inline bool qbid_prefetch_is_whole(const struct qbid_ask *ask)
{
    return ask->request->terms != NULL || ask->request->deal_cnt != 0 ||
           qbid_frequency_applies(ask->view, ask->request);
}

/* After best: the line item's summary, or all of it, and the shade of its price as long as no
 * action is explored. */
static inline void qbid_prefetch_line_item(const struct qbid_ask *ask)
{
    if (ask->best.rank == 0)
        return;
    uint32_t idx = qbid_candidate_line_item(&ask->best);
    __builtin_prefetch(&ask->view->image->summaries[idx]);
    if (__builtin_expect(qbid_prefetch_is_whole(ask), 0)) {
        __builtin_prefetch(&ask->view->image->line_items[idx]);
        __builtin_prefetch(&ask->view->image->shelves[idx]);
    }
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

/* After best, when the summary is there: its Q row, its money, the draws of the slot that
 * it will fill, its bits of the dimensions that it targets, and the user's exposures. */
static inline void qbid_prefetch_lead(struct qbid_ask *ask)
{
    if (ask->best.rank == 0)
        return;
    const struct qbid_view *view = ask->view;
    const struct qbid_image *image = view->image;
    uint32_t idx = qbid_candidate_line_item(&ask->best);
    struct qbid_lead *lead = &ask->lead;
    qbid_lead_find(view, ask->request, &ask->place, idx, lead);
    __builtin_prefetch(&image->qheads[lead->q_place]);
    __builtin_prefetch(lead->allowance.committed);
    __builtin_prefetch(lead->allowance.limit);
    if (lead->fills) {
        __builtin_prefetch(&image->draws[lead->slot.draw]);
        __builtin_prefetch(
            &image->draws[lead->slot.draw + lead->slot.cnt - 1]); /* rarely another */
    }
    if (ask->request->candidate_cnt == 0)
        qbid_eligible_prefetch(image, &ask->place, idx);
    if (qbid_frequency_applies(view, ask->request))
        qbid_prefetch_exposures(view, ask->request->user_key, &image->line_items[idx]);
}

#endif
