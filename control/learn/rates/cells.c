/* SPDX-License-Identifier: Apache-2.0 */
/* Cells: an array in order of arrival and a map onto it. */
#include "control/learn/rates/cells.h"

#include <stdlib.h>

#include "control/models/rates/decay.h"
#include "shm/error.h"

#define CELLS_CAPACITY_MIN 256
#define FADE_STEP_S 60 /* less is not worth the arithmetic */

int qbid_cells_init(struct qbid_cells *cells, uint32_t max)
{
    *cells = (struct qbid_cells){.max = max, .memory = {INFINITY, INFINITY}};
    return max ? 0 : QBID_ERR_INVAL;
}

void qbid_cells_done(struct qbid_cells *cells)
{
    free(cells->cell);
    qbid_keymap_done(&cells->map);
    *cells = (struct qbid_cells){0};
}

static bool room(struct qbid_cells *cells)
{
    if (cells->cnt < cells->capacity)
        return true;
    uint32_t capacity = cells->capacity ? cells->capacity * 2 : CELLS_CAPACITY_MIN;
    struct qbid_cell *cell = realloc(cells->cell, capacity * sizeof *cell);
    if (!cell)
        return false;
    cells->cell = cell;
    cells->capacity = capacity;
    return true;
}

static void fade(struct qbid_cell *cell, struct qbid_cells_memory memory, int64_t now_s)
{
    if (now_s < cell->at_s + FADE_STEP_S)
        return;
    double click = qbid_decay_left(memory.click_s, cell->at_s, now_s);
    double conv = qbid_decay_left(memory.conv_s, cell->at_s, now_s);
    cell->bids *= click;
    cell->imps *= click;
    cell->bills *= click;
    cell->clicks *= click;
    cell->clicked *= conv;
    cell->convs *= conv;
    cell->value_nanos *= conv;
    cell->at_s = now_s;
}

struct qbid_cell *qbid_cells_touch(struct qbid_cells *cells, uint32_t line_item_idx,
                                   uint64_t context, int64_t now_s)
{
    uint32_t i = qbid_keymap_find(&cells->map, context, line_item_idx);
    if (i == QBID_KEYMAP_NONE) {
        /* Context 0 may pass the maximum: there is at most one such cell by line item. */
        if (cells->cnt >= cells->max && context != 0) {
            cells->refused++;
            return qbid_cells_touch(cells, line_item_idx, 0, now_s);
        }
        if (!room(cells) || qbid_keymap_add(&cells->map, context, line_item_idx, cells->cnt))
            return NULL;
        i = cells->cnt++;
        cells->cell[i] =
            (struct qbid_cell){.context = context, .line_item_idx = line_item_idx, .at_s = now_s};
    }
    fade(&cells->cell[i], cells->memory, now_s);
    cells->cell[i].dirty = 1;
    return &cells->cell[i];
}

void qbid_cells_remember(struct qbid_cells *cells, struct qbid_cells_memory memory, int64_t now_s)
{
    if (memory.click_s == cells->memory.click_s && memory.conv_s == cells->memory.conv_s)
        return;
    for (uint32_t i = 0; i < cells->cnt; i++) {
        fade(&cells->cell[i], cells->memory, now_s);
        cells->cell[i].dirty = 1;
    }
    cells->memory = memory;
}
