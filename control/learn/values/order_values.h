/* SPDX-License-Identifier: Apache-2.0 */
/* What an order is worth in a context, against what the line item's orders are worth on the whole:
 * a ratio for each value of each dimension, from the orders that came with a value. */
#ifndef QBID_CONTROL_LEARN_VALUES_ORDER_VALUES_H
#define QBID_CONTROL_LEARN_VALUES_ORDER_VALUES_H

#include "control/learn/rates/tree.h"
#include "control/models/rates/effects.h"

struct qbid_order_values {
    struct qbid_effects_dim dim[QBID_TREE_DIMS_MAX]; /* as the tree's, but for the line item */
    uint32_t dim_cnt;
    bool differ; /* any ratio is not 1 */
};

void qbid_order_values_done(struct qbid_order_values *orders);

/**
 * Fit to what the cells hold now, by their index in the tree.
 *
 * Shapes:  order_value by line item index, micros, > 0; those of other line items are passed over.
 * Returns: 0, QBID_ERR_NOMEM.
 * Source:  gamma-Poisson effects (control/models/rates/effects.h) on sums of values in units of the
 * line item's order. Orders whose values spread less than their mean are as Poisson or better, so
 * that no ratio moves more than its orders bear.
 */
int qbid_order_values_fit(struct qbid_order_values *orders, const struct qbid_tree *tree,
                          const struct qbid_cells *cells, const double *order_value, int64_t now_s);

/** Product of the ratios of a context's values; those of dimensions that it lacks are 1. */
double qbid_order_values_ratio(const struct qbid_order_values *orders, const struct qbid_tree *tree,
                               uint64_t context);

#endif
