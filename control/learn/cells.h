/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen, by line item and finest context, since the beginning: the input of the value
 * model. */
#ifndef QBID_CONTROL_LEARN_CELLS_H
#define QBID_CONTROL_LEARN_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/keymap.h"

struct qbid_cell {
    uint64_t context; /* packed, masked to the finest level */
    uint32_t line_item_idx;
    uint32_t dirty; /* changed since the last save */
    uint64_t bids;
    uint64_t imps;  /* impression notices */
    uint64_t bills; /* billing notices */
    uint64_t clicks;
    uint64_t convs;
    int64_t value_nanos; /* sum of conversion values */
};

/* Trials of the click rate: an impression is known by its notice, its bill, or both. */
static inline uint64_t qbid_cell_trials(const struct qbid_cell *cell)
{
    uint64_t shown = cell->imps > cell->bills ? cell->imps : cell->bills;
    return shown > cell->clicks ? shown : cell->clicks;
}

/* Cells in order of arrival. When all places are taken a new context is not kept and
 * counted as refused; its traffic goes to the line item's cell of context 0. */
struct qbid_cells {
    struct qbid_cell *cell;
    uint32_t cnt;
    uint32_t max;
    uint32_t capacity;
    uint64_t refused;
    struct qbid_keymap map;
};

int qbid_cells_init(struct qbid_cells *cells, uint32_t max);
void qbid_cells_done(struct qbid_cells *cells);

/** The cell of a key, made when missing and marked dirty. When there is no place: the line item's
 * cell of context 0, so that nothing is lost to the coarse levels; NULL only without memory. */
struct qbid_cell *qbid_cells_touch(struct qbid_cells *cells, uint32_t line_item_idx,
                                   uint64_t context);

#endif
