/* SPDX-License-Identifier: Apache-2.0 */
/* For how long what was seen counts. What contexts differ by is slow; what moves is the level of a
 * line item, as creatives wear out and seasons change: how it is of late against what its contexts
 * have it expect, with half-lives of both rates that are raced on the line items.
 */
#ifndef QBID_CONTROL_LEARN_RATES_RECENCY_H
#define QBID_CONTROL_LEARN_RATES_RECENCY_H

#include <stdint.h>

#include "control/ingest/outcome.h"
#include "control/learn/rates/cells.h"
#include "control/models/rates/decay.h"

#define QBID_RECENCY_RATES 2 /* clicks by impression, conversions by click */

struct qbid_recency_item {
    struct qbid_decay_series series[QBID_RECENCY_RATES];
    /* since the last tick */
    double imps, bills; /* as clicks expected of them */
    uint32_t clicks, convs;
    double matured;       /* clicks up to the last tick */
    double convs_a_click; /* that are expected of late clicks */
    double clicks_known;  /* that this is the mean of */
    uint32_t dirty;       /* series changed since the last save */
    uint32_t pad;
};

struct qbid_recency {
    struct qbid_decay_race race[QBID_RECENCY_RATES];
    struct qbid_recency_item *item; /* by line item index */
    uint32_t item_max;
};

void qbid_recency_done(struct qbid_recency *recency);

/** Statistics of a line item, made when missing; NULL without memory. */
struct qbid_recency_item *qbid_recency_touch(struct qbid_recency *recency, uint32_t line_item_idx);

/** Count one IMP or BILL, of which expected_ctr clicks are expected, CLICK (expected_cvr
 *  conversions) or CONV; others are ignored. */
void qbid_recency_post(struct qbid_recency *recency, const struct qbid_outcome *outcome,
                       double expected_ctr, double expected_cvr);

/** Level of a line item's rate of late against what is expected; 1 where nothing is forgotten. */
double qbid_recency_level(const struct qbid_recency *recency, uint32_t line_item_idx,
                          unsigned rate);

/** Judge what came since the last tick and choose again. matured: clicks so far that conversions
 * had time for, by line item index, for matured_cnt of them. Cost: 0.5 us for each line item that
 * showed something. */
void qbid_recency_tick(struct qbid_recency *recency, const double *matured, uint32_t matured_cnt,
                       int64_t now_s);

/** Half-lives of the cells: none where none was best at the last tick, else
 *  QBID_RECENCY_CONTEXT_S, as contexts change more slowly than levels. */
#define QBID_RECENCY_CONTEXT_S (56 * 86400.0)
struct qbid_cells_memory qbid_recency_memory(const struct qbid_recency *recency);

#endif
