/* SPDX-License-Identifier: Apache-2.0 */
/* For how long what was seen counts: half-lives of both rates, raced on the line items. */
#ifndef QBID_CONTROL_LEARN_RECENCY_H
#define QBID_CONTROL_LEARN_RECENCY_H

#include <stdint.h>

#include "control/ingest/outcome.h"
#include "control/learn/cells.h"
#include "control/models/decay.h"

#define QBID_RECENCY_RATES 2 /* clicks by impression, conversions by click */

struct qbid_recency_item {
    struct qbid_decay_series series[QBID_RECENCY_RATES];
    /* since the last tick */
    double imps, bills; /* by their hours' ratios */
    uint32_t clicks, convs;
    double matured; /* clicks up to the last tick */
    uint32_t dirty; /* series changed since the last save */
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

/** Count one IMP, BILL (as ratio of one), CLICK or CONV; others are ignored. */
void qbid_recency_post(struct qbid_recency *recency, const struct qbid_outcome *outcome,
                       double ratio);

/** Clicks by impression of a line item since the beginning; 0 where there are none. */
double qbid_recency_rate(const struct qbid_recency *recency, uint32_t line_item_idx);

/** Judge what came since the last tick and choose again. matured: clicks so far that conversions
 * had time for, by line item index, for matured_cnt of them. Returns: 0, *ret_scale for item_max
 * line items where a half-life is another one now, else NULL (the caller's to free);
 * QBID_ERR_NOMEM. Cost: 0.5 us for each line item that showed something. */
int qbid_recency_tick(struct qbid_recency *recency, const double *matured, uint32_t matured_cnt,
                      int64_t now_s, struct qbid_cells_scale **ret_scale);

/** The half-lives that were best at the last tick. */
struct qbid_cells_memory qbid_recency_memory(const struct qbid_recency *recency);

#endif
