/* SPDX-License-Identifier: Apache-2.0 */
/* Where a candidate leads to: what its bid will read beside its line item and shelf, found from
 * those two, so that it can be asked for before the bid is made. */
#ifndef QBID_FASTPATH_LEAD_H
#define QBID_FASTPATH_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "fastpath/filter.h"
#include "fastpath/price.h"
#include "fastpath/reserve.h"
#include "fastpath/resolve.h"

struct qbid_lead {
    struct qbid_allowance allowance; /* of its budget */
    struct qbid_shelf_slot slot;     /* that it can fill, if any */
    uint32_t q_place;                /* of its Q head, and of the row */
    uint16_t q_state;
    bool fills; /* a slot of the request */
};

/**
 * Shapes:  line_item_idx inside image and live page; qbid_lease_valid().
 * Threads: wait-free, no writes but *ret_lead.
 * Cost:    the line item's line, the shelf's, a word of the live page.
 */
static inline void qbid_lead_find(const struct qbid_view *view, const struct qbid_request *request,
                                  const struct qbid_place *place, uint32_t line_item_idx,
                                  struct qbid_lead *ret_lead)
{
    const struct qbid_image *image = view->image;
    ret_lead->q_state = qbid_offer_q_state(view->live, line_item_idx);
    ret_lead->q_place = (uint32_t)qbid_offer_q_place(image, line_item_idx, ret_lead->q_state);
    ret_lead->allowance = qbid_allowance_find(view, image->summaries[line_item_idx].budget_idx);
    ret_lead->fills =
        qbid_filter_creative(image, line_item_idx, request, place->slot_idx, &ret_lead->slot);
}

#endif
