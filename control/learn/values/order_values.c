/* SPDX-License-Identifier: Apache-2.0 */
/* Effects of the dimensions on order values. */
#include "control/learn/values/order_values.h"

#include <math.h>
#include <stdlib.h>

#include "control/models/rates/decay.h"
#include "shm/error.h"

#define SWEEPS 10
#define TOLERANCE 1e-4
#define ORDERS_MIN 20.0 /* fewer say nothing that is worth a fit */

void qbid_order_values_done(struct qbid_order_values *orders)
{
    for (uint32_t d = 0; d < QBID_TREE_DIMS_MAX; d++)
        free(orders->dim[d].ratio);
    *orders = (struct qbid_order_values){0};
}

static int dim_room(struct qbid_effects_dim *dim, uint32_t value_cnt)
{
    if (value_cnt == dim->value_cnt)
        return 0;
    double *ratio = calloc(3 * (size_t)value_cnt, sizeof *ratio);
    if (!ratio)
        return QBID_ERR_NOMEM;
    free(dim->ratio);
    *dim = (struct qbid_effects_dim){.value_cnt = value_cnt,
                                     .ratio = ratio,
                                     .successes = ratio + value_cnt,
                                     .exposed = ratio + 2 * (size_t)value_cnt};
    for (uint32_t v = 0; v < value_cnt; v++)
        dim->ratio[v] = 1;
    return 0;
}

/* The cells that have orders, as a table. */
struct seen {
    double *orders, *worth, *fitted;
    uint32_t *index; /* dimension by dimension */
    uint32_t cnt;
    double sum;
};

static bool counts(const struct qbid_cell *cell, const struct qbid_tree *tree, uint32_t i)
{
    return cell->convs > 0 && cell->value_nanos > 0 && cell->context != 0 &&
           tree->leaf[i].node != QBID_TREE_NONE;
}

static int seen_make(const struct qbid_tree *tree, const struct qbid_cells *cells,
                     const double *order_value, int64_t now_s, struct seen *ret_seen)
{
    struct seen seen = {0};
    size_t max = 1;
    uint32_t dims = tree->dim_cnt - 1;
    for (uint32_t i = 0; i < tree->cell_cnt; i++)
        max += counts(&cells->cell[i], tree, i);
    seen.orders = malloc(3 * max * sizeof *seen.orders);
    seen.index = malloc(max * (dims + 1) * sizeof *seen.index);
    if (!seen.orders || !seen.index) {
        free(seen.orders);
        free(seen.index);
        return QBID_ERR_NOMEM;
    }
    seen.worth = seen.orders + max;
    seen.fitted = seen.worth + max;
    for (uint32_t i = 0; i < tree->cell_cnt; i++) {
        const struct qbid_cell *cell = &cells->cell[i];
        if (!counts(cell, tree, i) || !(order_value[cell->line_item_idx] > 0))
            continue;
        double left = qbid_decay_left(cells->memory.conv_s, cell->at_s, now_s);
        seen.orders[seen.cnt] = left * cell->convs;
        seen.worth[seen.cnt] = left * cell->value_nanos / 1000.0 / order_value[cell->line_item_idx];
        for (uint32_t d = 0; d < dims; d++)
            seen.index[d * max + seen.cnt] = tree->index[d][i];
        seen.sum += seen.orders[seen.cnt++];
    }
    for (uint32_t d = 1; d < dims; d++) /* side by side */
        for (uint32_t i = 0; i < seen.cnt; i++)
            seen.index[(size_t)d * seen.cnt + i] = seen.index[d * max + i];
    *ret_seen = seen;
    return 0;
}

int qbid_order_values_fit(struct qbid_order_values *orders, const struct qbid_tree *tree,
                          const struct qbid_cells *cells, const double *order_value, int64_t now_s)
{
    struct seen seen = {0};
    double base;
    orders->differ = false;
    orders->dim_cnt = tree->dim_cnt - 1;
    for (uint32_t d = 0; d < orders->dim_cnt; d++)
        if (dim_room(&orders->dim[d], qbid_dim_index_max(tree->dim[d]) + 1))
            return QBID_ERR_NOMEM;
    int err = seen_make(tree, cells, order_value, now_s, &seen);
    if (err)
        return err;
    struct qbid_effects_table table = {.dim_cnt = orders->dim_cnt,
                                       .cell_cnt = seen.cnt,
                                       .exposed = seen.orders,
                                       .successes = seen.worth,
                                       .fitted = seen.fitted};
    for (uint32_t d = 0; d < orders->dim_cnt; d++)
        table.index[d] = seen.index + (size_t)d * seen.cnt;
    if (seen.sum >= ORDERS_MIN) {
        err = qbid_effects_fit(&table, orders->dim, SWEEPS, TOLERANCE, &base);
        for (uint32_t d = 0; d < orders->dim_cnt; d++)
            orders->differ |= isfinite(orders->dim[d].strength);
    }
    free(seen.orders);
    free(seen.index);
    return err;
}

double qbid_order_values_ratio(const struct qbid_order_values *orders, const struct qbid_tree *tree,
                               uint64_t context)
{
    double product = 1;
    for (uint32_t d = 0; d < orders->dim_cnt && orders->differ; d++) {
        uint32_t i = qbid_dim_unpack(context, tree->dim[d]);
        product *= i != 0 ? orders->dim[d].ratio[i] : 1;
    }
    return product;
}
