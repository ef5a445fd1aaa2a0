/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of asking ahead: the stages of a decision up to the best candidate, each with its
 * prefetches. */
#include "fastpath/ahead.h"

#include <stdbool.h>

#include "fastpath/prefetch.h"

/* Whether there is more to ask for after this step. */
static bool take_step(struct qbid_ask *ask, unsigned step, uint64_t now_ns)
{
    switch (step) {
    case 0:
        qbid_ask_gate(ask, now_ns);
        if (ask->nobid != QBID_NOBID_NONE)
            return false;
        qbid_ask_resolve(ask);
        qbid_prefetch_index(ask);
        return true;
    case 1:
        qbid_ask_row(ask);
        qbid_prefetch_row(ask);
        return qbid_ask_row_decides(ask);
    case 2:
        qbid_ask_best(ask);
        qbid_prefetch_line_item(ask);
        return ask->best.rank != 0;
    default:
        qbid_prefetch_terms(ask);
        qbid_prefetch_creatives(ask);
        return false;
    }
}

unsigned qbid_ahead_step(struct qbid_ahead *ahead, const struct qbid_view *view,
                         const struct qbid_request *request, uint64_t now_ns)
{
    const struct qbid_image_header *header = view->image ? view->image->header : NULL;
    if (!header || ahead->step >= QBID_AHEAD_STEPS)
        return 0;
    /* what was found out about another table leads nowhere in this one */
    if (ahead->step != 0 && (ahead->header != header || ahead->gen != header->gen))
        ahead->step = 0;
    ahead->header = header;
    ahead->gen = header->gen;
    ahead->ask.view = view;
    ahead->ask.request = request;
    bool more = take_step(&ahead->ask, ahead->step, now_ns);
    ahead->step = more ? ahead->step + 1 : QBID_AHEAD_STEPS;
    return QBID_AHEAD_STEPS - ahead->step;
}
