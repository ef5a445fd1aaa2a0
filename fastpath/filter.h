/* SPDX-License-Identifier: Apache-2.0 */
/* What only the request knows about one line item: its deal, blocked domains and categories, and
 * the creative that fits. */
#ifndef QBID_FASTPATH_FILTER_H
#define QBID_FASTPATH_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/image.h"
#include "shm/request.h"

/** 1 + place of a line item's deal in the request; 0 when it has none or the request lacks it. */
static inline unsigned qbid_filter_deal(const struct qbid_line_item *line_item,
                                        const struct qbid_request *request)
{
    if (line_item->deal_hash == 0)
        return 0;
    for (unsigned i = 0; i < request->deal_cnt; i++) {
        if (request->deal[i].id_hash == line_item->deal_hash)
            return i + 1;
    }
    return 0;
}

/* Without a branch on what is compared: a miss, the usual case, has to see the whole list. */
static inline bool qbid_filter_holds(const uint64_t *hashes, unsigned cnt, uint64_t hash)
{
    bool found = false;
#pragma GCC unroll 4
    for (unsigned i = 0; i < cnt; i++)
        found |= hashes[i] == hash;
    return found;
}

/* Whether one of the request's blocked categories may be one of the first four of a shelf: halves
 * of hashes are compared, so that a line item that is not blocked, the usual one, costs no further
 * line. */
static inline bool qbid_filter_cat_likely(const struct qbid_shelf *shelf,
                                          const struct qbid_request *request)
{
    uint32_t found = 0;
#if defined(__SSE2__)
    __m128i tags = _mm_load_si128((const __m128i *)(const void *)shelf->cat_tag);
    __m128i any = _mm_setzero_si128();
    for (unsigned i = 0; i < request->bcat_cnt; i++)
        any = _mm_or_si128(any, _mm_cmpeq_epi32(tags, _mm_set1_epi32((int)request->bcat[i])));
    found = (uint32_t)_mm_movemask_epi8(any);
#else
    for (unsigned i = 0; i < request->bcat_cnt; i++)
        for (unsigned c = 0; c < QBID_SHELF_CATS; c++)
            found |= shelf->cat_tag[c] == (uint32_t)request->bcat[i];
#endif
    return found != 0 || shelf->cat_cnt > QBID_SHELF_CATS;
}

/** Whether the request blocks a line item's advertiser domain or one of its categories. */
static inline bool qbid_filter_blocked(const struct qbid_image *image, uint32_t line_item_idx,
                                       const struct qbid_request *request)
{
    const struct qbid_shelf *shelf = &image->shelves[line_item_idx];
    if (qbid_filter_holds(request->badv, request->badv_cnt,
                          image->line_items[line_item_idx].adomain_hash))
        return true;
    if (request->bcat_cnt == 0 || !qbid_filter_cat_likely(shelf, request))
        return false;
    for (unsigned i = 0; i < shelf->cat_cnt; i++) {
        if (qbid_filter_holds(request->bcat, request->bcat_cnt, image->names[shelf->cat_first + i]))
            return true;
    }
    return false;
}

/**
 * Creatives of a line item for the request's most preferred slot that it can fill.
 *
 * Returns: true and *ret_slot; false when nothing fits format, size or security.
 * Threads: wait-free, no writes.
 * Cost:    the shelf's line, for line items of more than eight slots the directory's.
 */
static inline bool qbid_filter_creative(const struct qbid_image *image, uint32_t line_item_idx,
                                        const struct qbid_request *request,
                                        const uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX],
                                        struct qbid_shelf_slot *ret_slot)
{
    const struct qbid_shelf *shelf = &image->shelves[line_item_idx];
    if ((request->flags & QBID_REQUEST_SECURE) &&
        !(image->line_items[line_item_idx].flags & QBID_LINE_ITEM_SECURE))
        return false;
    for (unsigned i = 0; i < request->slot_cnt; i++) {
        if (slot_idx[i] != 0 && qbid_shelf_find(shelf, image->alias_dirs, slot_idx[i], ret_slot))
            return true;
    }
    return false;
}

#endif
