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

/** Whether the request blocks a line item's advertiser domain or one of its categories. */
static inline bool qbid_filter_blocked(const struct qbid_image *image,
                                       const struct qbid_line_item *line_item,
                                       const struct qbid_request *request)
{
    if (qbid_filter_holds(request->badv, request->badv_cnt, line_item->adomain_hash))
        return true;
    if (request->bcat_cnt == 0)
        return false;
    for (unsigned i = 0; i < line_item->cat_cnt; i++) {
        if (qbid_filter_holds(request->bcat, request->bcat_cnt,
                              image->names[line_item->cat_first + i]))
            return true;
    }
    return false;
}

/* Alias directory entry of a slot; NULL when the line item has no creative for it. */
static inline const struct qbid_alias_dir *qbid_filter_slot(const struct qbid_image *image,
                                                            const struct qbid_line_item *line_item,
                                                            uint32_t slot_idx)
{
    const struct qbid_alias_dir *dir = image->alias_dirs + line_item->alias_dir_first;
    uint32_t cnt = line_item->alias_dir_cnt;
    if (cnt == 0)
        return NULL;
    for (uint32_t half; (half = cnt / 2) != 0; cnt -= half)
        dir += dir[half - 1].slot_idx < slot_idx ? half : 0;
    return dir->slot_idx == slot_idx ? dir : NULL;
}

/**
 * Creatives of a line item for the request's most preferred slot that it can fill.
 *
 * Returns: alias directory entry; NULL when nothing fits format, size or security.
 * Threads: wait-free, no writes.
 * Cost:    the line item's directory, 12 bytes for each slot value that it has creatives for.
 */
static inline const struct qbid_alias_dir *
qbid_filter_creative(const struct qbid_image *image, const struct qbid_line_item *line_item,
                     const struct qbid_request *request,
                     const uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX])
{
    if ((request->flags & QBID_REQUEST_SECURE) && !(line_item->flags & QBID_LINE_ITEM_SECURE))
        return NULL;
    for (unsigned i = 0; i < request->slot_cnt; i++) {
        if (slot_idx[i] == 0)
            continue;
        const struct qbid_alias_dir *dir = qbid_filter_slot(image, line_item, slot_idx[i]);
        if (dir)
            return dir;
    }
    return NULL;
}

#endif
