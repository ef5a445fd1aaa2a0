/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen, by line item and finest context, older things counting less: the input of the
 * value model. */
#ifndef QBID_CONTROL_LEARN_RATES_CELLS_H
#define QBID_CONTROL_LEARN_RATES_CELLS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/keymap.h"

/* Half-lives of what is counted, in seconds; INFINITY = nothing is forgotten. */
struct qbid_cells_memory {
    double click_s; /* of impressions and clicks, as the click rate needs them */
    double conv_s;  /* of clicks and conversions, as the conversion rate needs them */
};

struct qbid_cell {
    uint64_t context; /* packed, masked to the finest level */
    uint32_t line_item_idx;
    uint32_t dirty; /* changed since the last save */
    int64_t at_s;   /* unix time to which the counts have faded */
    double bids;    /* these fade by click_s */
    double imps;    /* impression notices */
    double bills;   /* billing notices */
    double clicks;
    double clicked; /* clicks again; these fade by conv_s */
    double convs;
    double value_nanos; /* sum of conversion values */
};

/* Trials of the click rate: an impression is known by its notice, its bill, or both. */
static inline double qbid_cell_trials(const struct qbid_cell *cell)
{
    return fmax(fmax(cell->imps, cell->bills), cell->clicks);
}

/* Cells in order of arrival. When all places are taken a new context is not kept and
 * counted as refused; its traffic goes to the line item's cell of context 0. */
struct qbid_cells {
    struct qbid_cell *cell;
    uint32_t cnt;
    uint32_t max;
    uint32_t capacity;
    uint64_t refused;
    struct qbid_cells_memory memory;
    struct qbid_keymap map;
};

int qbid_cells_init(struct qbid_cells *cells, uint32_t max);
void qbid_cells_done(struct qbid_cells *cells);

/** The cell of a key, made when missing, faded to now_s and marked dirty. When there is no place:
 * the line item's cell of context 0, so that nothing is lost to the coarse levels; NULL only
 * without memory. A time before the cell's own fades nothing. */
struct qbid_cell *qbid_cells_touch(struct qbid_cells *cells, uint32_t line_item_idx,
                                   uint64_t context, int64_t now_s);

/** Take on another memory: every cell is faded to now_s by the old one. All are marked dirty. */
void qbid_cells_remember(struct qbid_cells *cells, struct qbid_cells_memory memory, int64_t now_s);

#endif
