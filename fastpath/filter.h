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

static inline bool qbid_filter_holds(const uint64_t *hashes, unsigned cnt, uint64_t hash)
{
    for (unsigned i = 0; i < cnt; i++) {
        if (hashes[i] == hash)
            return true;
    }
    return false;
}

#if defined(__SSE2__)
/* Low halves of four hashes from `at` on, of those at or behind cnt the last one's once more. */
static inline __m128i qbid_filter_tags(const uint64_t *hashes, unsigned at, unsigned cnt)
{
    if (cnt - at >= 4) {
        __m128 low = _mm_castsi128_ps(_mm_loadu_si128((const __m128i *)(const void *)&hashes[at]));
        __m128 high =
            _mm_castsi128_ps(_mm_loadu_si128((const __m128i *)(const void *)&hashes[at + 2]));
        return _mm_castps_si128(_mm_shuffle_ps(low, high, 0x88));
    }
    unsigned last = cnt - 1;
    return _mm_set_epi32((int)hashes[last], (int)hashes[at + 2 < cnt ? at + 2 : last],
                         (int)hashes[at + 1 < cnt ? at + 1 : last], (int)hashes[at]);
}
#endif

/* Whether a hash may be in a list: halves are compared, four at a time and without a branch on what
 * is compared, since a miss, the usual case, has to see the whole list. */
static inline bool qbid_filter_likely(const uint64_t *hashes, unsigned cnt, uint64_t hash)
{
#if defined(__SSE2__)
    __m128i want = _mm_set1_epi32((int)hash), any = _mm_setzero_si128();
    for (unsigned i = 0; i < cnt; i += 4)
        any = _mm_or_si128(any, _mm_cmpeq_epi32(want, qbid_filter_tags(hashes, i, cnt)));
    return _mm_movemask_epi8(any) != 0;
#else
    return qbid_filter_holds(hashes, cnt, hash);
#endif
}

/* Whether one of the request's blocked categories may be one of a shelf: halves of its first four,
 * so that a line item that is not blocked, the usual one, costs no further line. */
static inline bool qbid_filter_cat_likely(const struct qbid_shelf *shelf,
                                          const struct qbid_request *request)
{
    if (shelf->cat_cnt > QBID_SHELF_CATS)
        return true;
#if defined(__SSE2__)
    __m128i cats = _mm_load_si128((const __m128i *)(const void *)shelf->cat_tag);
    __m128i any = _mm_setzero_si128();
    for (unsigned i = 0; i < request->bcat_cnt; i += 4) {
        __m128i tags = qbid_filter_tags(request->bcat, i, request->bcat_cnt);
        /* each of four against each of four */
        any = _mm_or_si128(any, _mm_cmpeq_epi32(tags, cats));
        any = _mm_or_si128(any, _mm_cmpeq_epi32(_mm_shuffle_epi32(tags, 0x39), cats));
        any = _mm_or_si128(any, _mm_cmpeq_epi32(_mm_shuffle_epi32(tags, 0x4e), cats));
        any = _mm_or_si128(any, _mm_cmpeq_epi32(_mm_shuffle_epi32(tags, 0x93), cats));
    }
    return _mm_movemask_epi8(any) != 0;
#else
    for (unsigned i = 0; i < request->bcat_cnt; i++) {
        for (unsigned c = 0; c < QBID_SHELF_CATS; c++) {
            if (shelf->cat_tag[c] == (uint32_t)request->bcat[i])
                return true;
        }
    }
    return false;
#endif
}

/** Whether the request blocks a line item's advertiser domain or one of its categories. */
static inline bool qbid_filter_blocked(const struct qbid_image *image, uint32_t line_item_idx,
                                       const struct qbid_request *request)
{
    const struct qbid_shelf *shelf = &image->shelves[line_item_idx];
    uint64_t adomain = image->line_items[line_item_idx].adomain_hash;
    if (request->badv_cnt != 0 && qbid_filter_likely(request->badv, request->badv_cnt, adomain) &&
        qbid_filter_holds(request->badv, request->badv_cnt, adomain))
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
        if (slot_idx[i] != 0 && qbid_shelf_find(shelf, image->slot_dirs, slot_idx[i], ret_slot))
            return true;
    }
    return false;
}

#endif
