/* SPDX-License-Identifier: Apache-2.0 */
/* What the synthesiser reads: counts by line item, exchange and value of a dimension, and the
 * effects of values that they show. */
#ifndef QBID_CONTROL_AGENTS_SYNTHESISER_CELLS_H
#define QBID_CONTROL_AGENTS_SYNTHESISER_CELLS_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/snapshot/snapshot.h"

enum qbid_synthesiser_count {
    QBID_SYNTHESISER_IMPS,
    QBID_SYNTHESISER_CLICKS,
    QBID_SYNTHESISER_CONVS,
    QBID_SYNTHESISER_SPEND, /* currency units */
    QBID_SYNTHESISER_COUNTS
};

/* One context of one line item, since the beginning. */
struct qbid_synthesiser_cell {
    uint32_t tenant, campaign, line_item;
    uint32_t exchange; /* index */
    uint64_t context;
    int64_t from_unix_s; /* when its campaign began */
    double count[QBID_SYNTHESISER_COUNTS];
};

struct qbid_synthesiser_cells {
    struct qbid_synthesiser_cell *cell; /* by line item and context */
    uint32_t cnt, max;
};

/** Contexts with impressions of the account's line items, or of one campaign's; campaign_id 0 =
 * all. NOMEM. */
int qbid_synthesiser_cells_new(const struct qbid_account *account,
                               const struct qbid_snapshot *snapshot, uint32_t campaign_id,
                               struct qbid_synthesiser_cells *ret_cells);
void qbid_synthesiser_cells_done(struct qbid_synthesiser_cells *cells);

/* A value of a dimension in one stratum, a line item on an exchange: counts with it and without. */
struct qbid_synthesiser_row {
    uint32_t tenant, value; /* index in its dimension */
    uint32_t exchange, campaign, line_item;
    int64_t from_unix_s;
    double on[QBID_SYNTHESISER_COUNTS], off[QBID_SYNTHESISER_COUNTS];
};

struct qbid_synthesiser_rows {
    struct qbid_synthesiser_row *row; /* by tenant and value */
    uint32_t cnt;
};

/** Rows of one dimension; contexts where it is unknown are left out. NOMEM. Cost: two sorts. */
int qbid_synthesiser_rows_new(const struct qbid_synthesiser_cells *cells, unsigned dim,
                              struct qbid_synthesiser_rows *ret_rows);
void qbid_synthesiser_rows_done(struct qbid_synthesiser_rows *rows);

#endif
