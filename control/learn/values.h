/* SPDX-License-Identifier: Apache-2.0 */
/* Click and conversion rates of every line item in every context, from the cells, by shrinkage. */
#ifndef QBID_CONTROL_LEARN_VALUES_H
#define QBID_CONTROL_LEARN_VALUES_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/learn/cells.h"
#include "control/keymap.h"
#include "control/models/rates.h"
#include "control/models/value.h"

/* Levels of the tree: account, campaign, line item, then the contexts from coarse to fine. */
#define QBID_VALUES_CONTEXT_LEVEL 3
#define QBID_VALUES_LEVELS_MAX (QBID_VALUES_CONTEXT_LEVEL + QBID_LEVEL_MAX)

struct qbid_learned;

struct qbid_values {
    uint64_t level_mask[QBID_LEVEL_MAX]; /* finest first, as in the image */
    uint32_t context_levels;
    uint32_t capacity[QBID_VALUES_LEVELS_MAX];
    struct qbid_keymap map[QBID_VALUES_LEVELS_MAX]; /* (context, line item or campaign) -> cell */
    struct qbid_rates_level ctr[QBID_VALUES_LEVELS_MAX];
    struct qbid_rates_level cvr[QBID_VALUES_LEVELS_MAX];
    double *ctr_factor; /* by line item index: own prior against the tree while data is thin */
    double *cvr_factor;
    double *order_value;            /* micros, by line item index */
    struct qbid_value_params *goal; /* of the campaign, by line item index */
    uint32_t line_item_max;
    const struct qbid_learned
        *learned; /* what else may serve the finest contexts; NULL = nothing */
};

struct qbid_rate_pair {
    double ctr; /* clicks per impression */
    double cvr; /* conversions per click */
};

/**
 * Fit the tree.
 *
 * Shapes:  level_mask nests: each level's dimensions are a subset of the finer one's. strength_ctr
 * and strength_cvr hold QBID_VALUES_LEVELS_MAX strengths of the last fit (0 = none) and get the new
 * ones: a fit starts where the last ended, or
 *          keeps them as they are (keep_strength: a frozen learner). Returns: 0, QBID_ERR_NOMEM;
 * release with qbid_values_done(). Source:  ALGORITHMS 2.3; a line item without data goes by its
 * own prior, worth QBID_VALUES_PRIOR_SUCCESSES expected successes.
 */
#define QBID_VALUES_PRIOR_SUCCESSES 2.0
int qbid_values_fit(const struct qbid_account *account, const struct qbid_cells *cells,
                    const uint64_t level_mask[QBID_LEVEL_MAX],
                    double strength_ctr[QBID_VALUES_LEVELS_MAX],
                    double strength_cvr[QBID_VALUES_LEVELS_MAX], bool keep_strength,
                    struct qbid_values *ret_values);
void qbid_values_done(struct qbid_values *values);

/**
 * Value of an impression for a line item under its campaign's goal, CPM micros, before pacing.
 *
 * A goal without a target needs a unit until the pacer knows better: what a click (conversion)
 * would be worth if an impression of the campaign's prior rates were worth its highest ceiling. All
 * line items of a campaign share it, so that they compete fairly.
 */
double qbid_values_impression(const struct qbid_values *values, uint32_t line_item_idx,
                              uint64_t context, unsigned level);

/** Rates of a line item in a context as known at image level `level` or coarser
 * (QBID_LEVEL_DEFAULT: the line item's own). Cost: one map probe by level. */
struct qbid_rate_pair qbid_values_rates(const struct qbid_values *values, uint32_t line_item_idx,
                                        uint64_t context, unsigned level);

#endif
