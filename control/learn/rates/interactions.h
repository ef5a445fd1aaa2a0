/* SPDX-License-Identifier: Apache-2.0 */
/* What a campaign or a line item has of its own beside the dimensions' effects on everybody: a
 * number for each such interaction of each cell.
 *
 *   campaign x value      of each dimension
 *   line item x value     of each dimension
 *   campaign x context    without one of the dimensions, and with all of them
 *
 * Each interaction is one more factor of control/models/rates/effects.h with a strength of its own,
 * so that one in which nothing differs ends at 1 everywhere.
 */
#ifndef QBID_CONTROL_LEARN_RATES_INTERACTIONS_H
#define QBID_CONTROL_LEARN_RATES_INTERACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/keymap.h"
#include "shm/dims.h"

#define QBID_INTERACTIONS_MAX (3 * QBID_DIM_CNT + 1)

struct qbid_interaction {
    uint64_t mask; /* dimensions that it looks at */
    bool by_line_item;
    struct qbid_keymap map; /* (context of the mask, campaign id or line item index) -> number */
    uint32_t value_cnt;     /* numbers given, 0 among them: none */
    uint32_t *index;        /* by cell */
};

struct qbid_interactions {
    struct qbid_interaction interaction[QBID_INTERACTIONS_MAX];
    uint32_t cnt;
    uint32_t cell_capacity;
};

/** The interactions of contexts of these dimensions. Nothing is allocated. */
void qbid_interactions_init(struct qbid_interactions *interactions, uint64_t mask);
void qbid_interactions_done(struct qbid_interactions *interactions);

/** Room for so many cells. QBID_ERR_NOMEM. */
int qbid_interactions_room(struct qbid_interactions *interactions, uint32_t cells);

/** Number the interactions of a cell, which has room; campaign 0 = it counts for nobody.
 * QBID_ERR_NOMEM. Cost: one map probe an interaction. */
int qbid_interactions_place(struct qbid_interactions *interactions, uint32_t cell, uint64_t context,
                            uint32_t campaign_id, uint32_t line_item_idx);

/** Ask for the memory that this will look at. */
void qbid_interactions_prefetch(const struct qbid_interactions *interactions, uint64_t context,
                                uint32_t campaign_id, uint32_t line_item_idx);

/** Number of a context in an interaction, 0 where it has none. */
static inline uint32_t qbid_interaction_find(const struct qbid_interaction *interaction,
                                             uint64_t context, uint32_t campaign_id,
                                             uint32_t line_item_idx)
{
    uint32_t i = qbid_keymap_find(&interaction->map, context & interaction->mask,
                                  interaction->by_line_item ? line_item_idx : campaign_id);
    return i == QBID_KEYMAP_NONE ? 0 : i;
}

#endif
