/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers interactions in order of arrival. */
#include "control/learn/rates/interactions.h"

#include <stdlib.h>

#include "shm/error.h"

static void add(struct qbid_interactions *interactions, uint64_t mask, bool by_line_item)
{
    interactions->interaction[interactions->cnt++] =
        (struct qbid_interaction){.mask = mask, .by_line_item = by_line_item, .value_cnt = 1};
}

void qbid_interactions_init(struct qbid_interactions *interactions, uint64_t mask)
{
    unsigned dims = 0;
    *interactions = (struct qbid_interactions){0};
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        if (!(mask & qbid_dim_mask(dim)))
            continue;
        dims++;
        add(interactions, qbid_dim_mask(dim), false);
        add(interactions, qbid_dim_mask(dim), true);
    }
    for (unsigned dim = 0; dim < QBID_DIM_CNT && dims > 2; dim++)
        if (mask & qbid_dim_mask(dim))
            add(interactions, mask & ~qbid_dim_mask(dim), false);
    if (dims > 1)
        add(interactions, mask, false);
}

void qbid_interactions_done(struct qbid_interactions *interactions)
{
    for (uint32_t p = 0; p < interactions->cnt; p++) {
        struct qbid_interaction *interaction = &interactions->interaction[p];
        qbid_keymap_done(&interaction->map);
        free(interaction->index);
        interaction->index = NULL;
        interaction->value_cnt = 1;
    }
    interactions->cell_capacity = 0;
}

int qbid_interactions_room(struct qbid_interactions *interactions, uint32_t cells)
{
    if (cells <= interactions->cell_capacity)
        return 0;
    for (uint32_t p = 0; p < interactions->cnt; p++) {
        struct qbid_interaction *interaction = &interactions->interaction[p];
        uint32_t *index = realloc(interaction->index, cells * sizeof *index);
        if (!index)
            return QBID_ERR_NOMEM;
        interaction->index = index;
    }
    interactions->cell_capacity = cells;
    return 0;
}

int qbid_interactions_place(struct qbid_interactions *interactions, uint32_t cell, uint64_t context,
                            uint32_t campaign_id, uint32_t line_item_idx)
{
    for (uint32_t p = 0; p < interactions->cnt; p++) {
        struct qbid_interaction *interaction = &interactions->interaction[p];
        uint32_t i = 0;
        if (context != 0 && campaign_id != 0) {
            i = qbid_interaction_find(interaction, context, campaign_id, line_item_idx);
            if (i == 0) {
                if (qbid_keymap_add(&interaction->map, context & interaction->mask,
                                    interaction->by_line_item ? line_item_idx : campaign_id,
                                    interaction->value_cnt))
                    return QBID_ERR_NOMEM;
                i = interaction->value_cnt++;
            }
        }
        interaction->index[cell] = i;
    }
    return 0;
}

void qbid_interactions_prefetch(const struct qbid_interactions *interactions, uint64_t context,
                                uint32_t campaign_id, uint32_t line_item_idx)
{
    for (uint32_t p = 0; p < interactions->cnt; p++) {
        const struct qbid_interaction *interaction = &interactions->interaction[p];
        qbid_keymap_prefetch(&interaction->map, context & interaction->mask,
                             interaction->by_line_item ? line_item_idx : campaign_id);
    }
}
