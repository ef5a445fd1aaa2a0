/* SPDX-License-Identifier: Apache-2.0 */
/* One impression on its way through the decision, a stage at a time.
 *
 *   gate -> resolve -> locate -> row -> best -> answer (fastpath/decide.c)
 *
 * Each stage reads what the one before has found out, so the lines that it will read can be asked
 * for in between: a batch does so for several impressions, a host for one while it still parses.
 */
#ifndef QBID_FASTPATH_ASK_H
#define QBID_FASTPATH_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "fastpath/decide.h"
#include "fastpath/lead.h"
#include "fastpath/rank.h"
#include "fastpath/reserve.h"
#include "fastpath/resolve.h"
#include "fastpath/source.h"

struct qbid_ask {
    const struct qbid_view *view;
    const struct qbid_request *request;
    struct qbid_pricer pricer;
    struct qbid_place place;
    struct qbid_candidate best;
    struct qbid_lead lead; /* of the best, once asked for */
    uint32_t candidates;
    enum qbid_nobid nobid; /* NONE as long as there may be a bid */
    bool stale;
};

/** Whether this worker may bid at all, and with which factor on every pace. The request is not
 *  looked at. */
static inline void qbid_ask_gate(struct qbid_ask *ask, uint64_t now_ns)
{
    const struct qbid_view *view = ask->view;
    ask->nobid = QBID_NOBID_NO_TABLE;
    if (!view->image || !view->image->header)
        return;
    ask->stale = now_ns >= view->deadline_ns;
    float scale = ask->stale ? view->image->header->stale_factor : 1.0f;
    ask->nobid = QBID_NOBID_STALE;
    if (!(scale > 0.0f))
        return;
    ask->nobid = QBID_NOBID_NO_LEASE;
    if (!qbid_lease_valid(view, now_ns))
        return;
    ask->pricer = qbid_pricer_of(view->live, scale, view->image->line_item_cnt, view->isa);
    if (__builtin_expect(qbid_lease_override_over(view, now_ns), 0))
        qbid_pricer_look_at(&ask->pricer, now_ns);
    ask->nobid = QBID_NOBID_NONE;
}

/** An impression behind a gate that is open. */
static inline void qbid_ask_open(struct qbid_ask *ask, const struct qbid_ask *gate,
                                 const struct qbid_request *request)
{
    ask->view = gate->view;
    ask->request = request;
    ask->pricer = gate->pricer;
    ask->nobid = QBID_NOBID_NONE;
    ask->stale = gate->stale;
}

/** Value indices. */
static inline void qbid_ask_resolve(struct qbid_ask *ask)
{
    const struct qbid_image *image = ask->view->image;
    ask->place.context =
        qbid_place_context(image, ask->request, ask->place.slot_idx, ask->place.segment_idx);
}

/** Where the row must be. */
static inline void qbid_ask_locate(struct qbid_ask *ask)
{
    qbid_place_locate(ask->view->image, &ask->place);
}

/** The row of the finest level that has one. */
static inline void qbid_ask_row(struct qbid_ask *ask)
{
    qbid_place_open(ask->view->image, &ask->place);
}

/* Whether the row's own candidates are all that there are to choose from. */
static inline bool qbid_ask_row_decides(const struct qbid_ask *ask)
{
    return ask->place.row.cnt != 0 && ask->request->candidate_cnt == 0 &&
           !(ask->request->flags & QBID_REQUEST_PRIVATE_ONLY);
}

/** The best candidate: of the row, or of the bitmaps, the host's list, those with a deal. */
static inline void qbid_ask_best(struct qbid_ask *ask)
{
    const struct qbid_image *image = ask->view->image;
    const struct qbid_row_ref *row = &ask->place.row;
    ask->best = (struct qbid_candidate){0};
    if (qbid_ask_row_decides(ask)) {
        struct qbid_span span = {row->line_item_low, row->value_micros, row->cnt, row->high};
        ask->candidates = row->cnt;
        qbid_span_best(&ask->pricer, span, &ask->best);
        ask->nobid = ask->best.rank ? QBID_NOBID_NONE : QBID_NOBID_NO_VALUE;
    } else {
        ask->nobid = qbid_source_best(image, ask->request, &ask->place, &ask->pricer, &ask->best,
                                      &ask->candidates);
    }
}

#endif
