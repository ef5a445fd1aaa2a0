/* SPDX-License-Identifier: Apache-2.0 */
/* From the snapshot's contexts to strata. */
#include "control/agents/synthesiser_cells.h"

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"

struct collecting {
    const struct qbid_account *account;
    struct qbid_synthesiser_cells *cells;
    uint32_t campaign_id;
};

static int cell_keep(void *context, struct qbid_series_key key, const struct qbid_stats *all)
{
    struct collecting *c = context;
    if (all->imps == 0)
        return 0;
    const struct qbid_line_item_def *item = qbid_account_line_item(c->account, key.id);
    const struct qbid_campaign_def *campaign =
        item ? qbid_account_campaign(c->account, item->campaign_id) : NULL;
    if (!campaign || (c->campaign_id && c->campaign_id != campaign->id))
        return 0;
    struct qbid_synthesiser_cells *cells = c->cells;
    if (cells->cnt == cells->max) {
        uint32_t max = cells->max ? 2 * cells->max : 1024;
        void *more = realloc(cells->cell, max * sizeof *cells->cell);
        if (!more)
            return QBID_ERR_NOMEM;
        cells->cell = more;
        cells->max = max;
    }
    cells->cell[cells->cnt++] = (struct qbid_synthesiser_cell){
        .tenant = campaign->tenant_id,
        .campaign = campaign->id,
        .line_item = item->id,
        .exchange = qbid_dim_unpack(key.context, QBID_DIM_EXCHANGE),
        .context = key.context,
        .from_unix_s = campaign->start_unix_s,
        .count = {(double)all->imps, (double)all->clicks, (double)all->convs,
                  (double)all->spend_nanos / (double)QBID_NANOS_PER_UNIT}};
    return 0;
}

static int by_context(const void *a, const void *b)
{
    const struct qbid_synthesiser_cell *x = a, *y = b;
    if (x->line_item != y->line_item)
        return x->line_item < y->line_item ? -1 : 1;
    return (x->context > y->context) - (x->context < y->context);
}

int qbid_synthesiser_cells_new(const struct qbid_account *account,
                               const struct qbid_snapshot *snapshot, uint32_t campaign_id,
                               struct qbid_synthesiser_cells *ret_cells)
{
    struct qbid_synthesiser_cells cells = {0};
    struct collecting collecting = {account, &cells, campaign_id};
    int err = qbid_snapshot_scan(snapshot, QBID_SERIES_CONTEXT, cell_keep, &collecting);
    if (err) {
        qbid_synthesiser_cells_done(&cells);
        return err;
    }
    if (cells.cnt)
        qsort(cells.cell, cells.cnt, sizeof *cells.cell, by_context);
    *ret_cells = cells;
    return 0;
}

void qbid_synthesiser_cells_done(struct qbid_synthesiser_cells *cells)
{
    free(cells->cell);
}

static int order_of(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int by_stratum(const void *a, const void *b)
{
    const struct qbid_synthesiser_row *x = a, *y = b;
    int order = order_of(x->line_item, y->line_item);
    order = order ? order : order_of(x->exchange, y->exchange);
    return order ? order : order_of(x->value, y->value);
}

static int by_value(const void *a, const void *b)
{
    const struct qbid_synthesiser_row *x = a, *y = b;
    int order = order_of(x->tenant, y->tenant);
    order = order ? order : order_of(x->value, y->value);
    return order ? order : by_stratum(a, b);
}

/* Rows of one stratum and value become one. */
static uint32_t rows_merge(struct qbid_synthesiser_row *row, uint32_t cnt)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (kept == 0 || by_stratum(&row[kept - 1], &row[i]) != 0) {
            row[kept++] = row[i];
            continue;
        }
        for (int k = 0; k < QBID_SYNTHESISER_COUNTS; k++)
            row[kept - 1].on[k] += row[i].on[k];
    }
    return kept;
}

/* What a stratum has without each of its values. */
static void rows_complete(struct qbid_synthesiser_row *row, uint32_t cnt)
{
    for (uint32_t i = 0, end; i < cnt; i = end) {
        double all[QBID_SYNTHESISER_COUNTS] = {0};
        for (end = i; end < cnt && row[end].line_item == row[i].line_item &&
                      row[end].exchange == row[i].exchange;
             end++)
            for (int k = 0; k < QBID_SYNTHESISER_COUNTS; k++)
                all[k] += row[end].on[k];
        for (uint32_t j = i; j < end; j++)
            for (int k = 0; k < QBID_SYNTHESISER_COUNTS; k++)
                row[j].off[k] = all[k] - row[j].on[k];
    }
}

int qbid_synthesiser_rows_new(const struct qbid_synthesiser_cells *cells, unsigned dim,
                              struct qbid_synthesiser_rows *ret_rows)
{
    struct qbid_synthesiser_rows rows = {malloc((cells->cnt + 1) * sizeof *rows.row), 0};
    if (!rows.row)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < cells->cnt; i++) {
        const struct qbid_synthesiser_cell *cell = &cells->cell[i];
        struct qbid_synthesiser_row row = {.tenant = cell->tenant,
                                           .value = qbid_dim_unpack(cell->context, dim),
                                           .exchange = cell->exchange,
                                           .campaign = cell->campaign,
                                           .line_item = cell->line_item,
                                           .from_unix_s = cell->from_unix_s};
        memcpy(row.on, cell->count, sizeof row.on);
        if (row.value)
            rows.row[rows.cnt++] = row;
    }
    qsort(rows.row, rows.cnt, sizeof *rows.row, by_stratum);
    rows.cnt = rows_merge(rows.row, rows.cnt);
    rows_complete(rows.row, rows.cnt);
    qsort(rows.row, rows.cnt, sizeof *rows.row, by_value);
    *ret_rows = rows;
    return 0;
}

void qbid_synthesiser_rows_done(struct qbid_synthesiser_rows *rows)
{
    free(rows->row);
}
