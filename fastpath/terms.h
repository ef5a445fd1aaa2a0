/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a creative, its line item and its deal bear the terms of an impression. */
#ifndef QBID_FASTPATH_TERMS_H
#define QBID_FASTPATH_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/image.h"
#include "shm/request.h"
#include "shm/terms.h"
#include "shm/traits.h"

#define QBID_ATTR_SKIPPABLE 16 /* creative attribute: the viewer may skip it */

/** Why the terms refuse a creative; QBID_NOBID_NONE when they do not. Its line item's categories
 *  are asked about in qbid_terms_line_item(). */
enum qbid_nobid qbid_terms_creative(const struct qbid_terms *terms, unsigned format,
                                    const struct qbid_traits *traits);

/** Why the terms refuse a line item, with all its creatives, on a deal of the request (1 + index,
 *  0 = open auction). */
enum qbid_nobid qbid_terms_line_item(const struct qbid_image *image, uint32_t line_item_idx,
                                     const struct qbid_terms *terms, unsigned deal);

/**
 * The floor for a creative: the deal's own, else what its duration costs, else the request's.
 *
 * Shapes:  deal is 1 + index or 0; floors of *request and *terms in account currency.
 */
int64_t qbid_terms_floor(const struct qbid_request *request, unsigned deal, unsigned format,
                         const struct qbid_traits *traits);

/**
 * Draw among the creatives of a line item that bear the terms, for the most preferred slot that one
 * of them can fill.
 *
 * Shapes:  slot_idx as qbid_request_resolve() gives it; random uniform.
 * Returns: QBID_NOBID_NONE with *ret_draw, its propensity that among those that bear the terms, and
 *          *ret_slot_idx; where all draws of a slot bear them it is what qbid_draw_pick() draws.
 *          Otherwise why the first creative was refused, or NO_CREATIVE.
 * Threads: wait-free, no writes. Cost: two cache lines a creative, at most eight a slot.
 */
enum qbid_nobid qbid_terms_draw(const struct qbid_image *image, uint32_t line_item_idx,
                                const struct qbid_request *request, const struct qbid_terms *terms,
                                const uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX], uint32_t random,
                                struct qbid_draw *ret_draw, uint32_t *ret_slot_idx);

/** What is asked of a line item's creatives; NULL = nothing, the usual case. */
static inline const struct qbid_terms *qbid_terms_of(const struct qbid_request *request,
                                                     uint8_t line_item_flags)
{
    /* an impression that says nothing is not interstitial, nor does it reward */
    static const struct qbid_terms nothing = {.places = QBID_PLACE_INLINE | QBID_PLACE_PLAIN},
                                   blocking = {.places = QBID_PLACE_INLINE | QBID_PLACE_PLAIN,
                                               .cattax = 1};
    if (request->terms)
        return request->terms;
    if (!(line_item_flags & QBID_LINE_ITEM_NEEDS))
        return NULL;
    return request->bcat_cnt != 0 ? &blocking : &nothing;
}

#endif
