/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of asking ahead: the stages of a decision up to the best candidate, each with its
 * prefetches. */
#include "fastpath/ahead.h"

#include <stdbool.h>

#include "fastpath/prefetch.h"

/* Whether there is more to ask for after this step. */
static bool take_step(struct qbid_ask *ask, unsigned step)
{
    switch (step) {
    case 0:
        qbid_prefetch_common(ask);
        qbid_ask_resolve(ask);
        qbid_prefetch_index(ask);
        return true;
    case 1:
        qbid_ask_locate(ask);
        qbid_prefetch_row(ask);
        return ask->place.level != QBID_LEVEL_DEFAULT;
    case 2:
        qbid_ask_row(ask);
        if (!qbid_ask_row_decides(ask))
            return false;
        qbid_ask_best(ask);
        qbid_prefetch_line_item(ask);
        return ask->best.rank != 0;
    default:
        qbid_prefetch_lead(ask);
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
    if (ahead->step != 0 && (ahead->header != header || ahead->checksum != header->checksum))
        ahead->step = 0;
    ahead->header = header;
    ahead->checksum = header->checksum;
    ahead->ask.view = view;
    ahead->ask.request = request;
    /* at every step: a table with the same image may have come with another live page */
    qbid_ask_gate(&ahead->ask, now_ns);
    bool more = ahead->ask.nobid == QBID_NOBID_NONE && take_step(&ahead->ask, ahead->step);
    ahead->step = more ? ahead->step + 1 : QBID_AHEAD_STEPS;
    return QBID_AHEAD_STEPS - ahead->step;
}
