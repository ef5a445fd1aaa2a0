/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers parts in order of arrival. */
#include "control/learn/parts.h"

#include <stdlib.h>

#include "shm/error.h"

static void add(struct qbid_parts *parts, uint64_t mask, bool by_line_item)
{
    parts->part[parts->cnt++] =
        (struct qbid_part){.mask = mask, .by_line_item = by_line_item, .value_cnt = 1};
}

void qbid_parts_init(struct qbid_parts *parts, uint64_t mask)
{
    unsigned dims = 0;
    *parts = (struct qbid_parts){0};
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        if (!(mask & qbid_dim_mask(dim)))
            continue;
        dims++;
        add(parts, qbid_dim_mask(dim), false);
        add(parts, qbid_dim_mask(dim), true);
    }
    for (unsigned dim = 0; dim < QBID_DIM_CNT && dims > 2; dim++)
        if (mask & qbid_dim_mask(dim))
            add(parts, mask & ~qbid_dim_mask(dim), false);
    if (dims > 1)
        add(parts, mask, false);
}

void qbid_parts_done(struct qbid_parts *parts)
{
    for (uint32_t p = 0; p < parts->cnt; p++) {
        struct qbid_part *part = &parts->part[p];
        qbid_keymap_done(&part->map);
        free(part->index);
        part->index = NULL;
        part->value_cnt = 1;
    }
    parts->cell_capacity = 0;
}

int qbid_parts_room(struct qbid_parts *parts, uint32_t cells)
{
    if (cells <= parts->cell_capacity)
        return 0;
    for (uint32_t p = 0; p < parts->cnt; p++) {
        struct qbid_part *part = &parts->part[p];
        uint32_t *index = realloc(part->index, cells * sizeof *index);
        if (!index)
            return QBID_ERR_NOMEM;
        part->index = index;
    }
    parts->cell_capacity = cells;
    return 0;
}

int qbid_parts_place(struct qbid_parts *parts, uint32_t cell, uint64_t context,
                     uint32_t campaign_id, uint32_t line_item_idx)
{
    for (uint32_t p = 0; p < parts->cnt; p++) {
        struct qbid_part *part = &parts->part[p];
        uint32_t i = 0;
        if (context != 0 && campaign_id != 0) {
            i = qbid_part_find(part, context, campaign_id, line_item_idx);
            if (i == 0) {
                if (qbid_keymap_add(&part->map, context & part->mask,
                                    part->by_line_item ? line_item_idx : campaign_id,
                                    part->value_cnt))
                    return QBID_ERR_NOMEM;
                i = part->value_cnt++;
            }
        }
        part->index[cell] = i;
    }
    return 0;
}

void qbid_parts_prefetch(const struct qbid_parts *parts, uint64_t context, uint32_t campaign_id,
                         uint32_t line_item_idx)
{
    for (uint32_t p = 0; p < parts->cnt; p++) {
        const struct qbid_part *part = &parts->part[p];
        qbid_keymap_prefetch(&part->map, context & part->mask,
                             part->by_line_item ? line_item_idx : campaign_id);
    }
}
