/* SPDX-License-Identifier: Apache-2.0 */
/* Click and conversion rates of every line item in every context, and what an impression is worth.
 *
 *   cells --> tree of nodes --> click rate  --- tree or effects, by campaign --+--> value
 *         \-> matured clicks -> conversion rate - tree or effects, by campaign-+
 */
#ifndef QBID_CONTROL_LEARN_VALUES_VALUES_H
#define QBID_CONTROL_LEARN_VALUES_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/learn/hours/item_hours.h"
#include "control/learn/rates/cells.h"
#include "control/learn/rates/estimate.h"
#include "control/learn/rates/recency.h"
#include "control/learn/rates/tree.h"
#include "control/learn/values/order_values.h"
#include "control/models/value.h"

#define QBID_VALUES_CTR 0
#define QBID_VALUES_CVR 1
#define QBID_VALUES_RATES 2

struct qbid_learned;

/* A line item in a context, as the fits see it: rates, and what those of contexts below that are
 * not known are made from. */
struct qbid_values_node {
    float here[QBID_VALUES_RATES];
    float below[QBID_VALUES_RATES];
    float value; /* CPM micros */
};

struct qbid_values {
    struct qbid_tree tree;
    struct qbid_estimate rate[QBID_VALUES_RATES];
    struct qbid_order_values orders;
    struct qbid_values_node *node[QBID_TREE_DEPTH_MAX]; /* as the tree's, from the line items on */
    uint32_t node_capacity[QBID_TREE_DEPTH_MAX];
    /* by line item index: */
    double
        *factor[QBID_VALUES_RATES];   /* own prior against the tree while data is thin, and level */
    double *level[QBID_VALUES_RATES]; /* of late, against what its contexts have it expect */
    uint8_t *way[QBID_VALUES_RATES];  /* enum qbid_contest_way */
    double *order_value;              /* micros, on the whole */
    struct qbid_value_params *goal;   /* of the campaign */
    struct qbid_value_line *line;     /* the same with all that multiplies, of the last settling */
    double *hour;                     /* what multiplies for now */
    double *draw[QBID_VALUES_RATES];  /* the same, of a rate: control/learn/values/thompson.h */
    uint32_t line_item_max;           /* 0 = nothing is fitted */
    const struct qbid_learned *learned; /* may serve the finest contexts instead; NULL = nothing */
};

/* What the fit is made from beside account and cells. */
struct qbid_values_in {
    const struct qbid_account *account;
    const struct qbid_cells *cells;
    const double *maturity; /* part of the clicks that conversions had time for, by line item index;
                               NULL = all */
    const struct qbid_recency *recency;  /* NULL = all levels are 1 */
    const struct qbid_item_hours *hours; /* multiply all values but fixed prices; NULL = 1 */
    int64_t now_s;
    bool keep;    /* a frozen learner: strengths and ratios stay */
    bool explore; /* line items of a campaign by Thompson sampling */
};

struct qbid_rate_pair {
    double ctr; /* clicks per impression */
    double cvr; /* conversions per click */
};

/** level_mask nests: each level's dimensions are a subset of the finer one's. */
void qbid_values_init(struct qbid_values *values, const uint64_t level_mask[QBID_LEVEL_MAX]);
void qbid_values_done(struct qbid_values *values);

/**
 * Fit to what the cells hold now; what an earlier fit found is the start.
 *
 * Returns: 0; QBID_ERR_NOMEM, nothing is known then until the next fit.
 * Source:  ALGORITHMS 2.1 to 2.3; a line item without data goes by its own prior, worth
 *          QBID_VALUES_PRIOR_SUCCESSES expected successes.
 */
#define QBID_VALUES_PRIOR_SUCCESSES 2.0
int qbid_values_fit(struct qbid_values *values, const struct qbid_values_in *in);

/** Bring every node to the ways in values->way; a fit does it. Cost: 0.1 us a node. */
void qbid_values_settle(struct qbid_values *values);

/**
 * Value of an impression for a line item under its campaign's goal, CPM micros, before pacing.
 *
 * A goal without a target needs a unit until the pacer knows better: what a click (conversion)
 * would be worth if an impression of the campaign's prior rates were worth its highest ceiling. All
 * line items of a campaign share it, so that they compete fairly.
 */
double qbid_values_impression(const struct qbid_values *values, uint32_t line_item_idx,
                              uint64_t context, unsigned level);

/* What the rates of a line item in a context are made from: the deepest node that is known, and of
 * one that lies above the context what they are multiplied with there. */
enum qbid_values_use { QBID_VALUES_AS_IS, QBID_VALUES_RATIOS, QBID_VALUES_INTERACTIONS };
struct qbid_values_base {
    struct qbid_value_line line;
    double order_value;
    float rate[QBID_VALUES_RATES];
    float value; /* where whole */
    uint8_t
        use[QBID_VALUES_RATES]; /* enum qbid_values_use; of the interactions: and of the ratios */
    bool known;
    bool whole;
};

/** Bases of several line items in a context at a level; above: none has a node at the level itself.
 * All contexts of the level that are one in the level above share these. Cost: 50 ns each, as nodes
 * are fetched together. */
void qbid_values_bases(const struct qbid_values *values, uint64_t context, unsigned level,
                       bool above, const uint32_t *line_item_idx, uint32_t cnt,
                       struct qbid_values_base *ret_base);

/** Values of several line items in one context, as qbid_values_impression() gives them. known:
 * their nodes of that level, QBID_TREE_NONE for those that have none; NULL = as the bases have it.
 * Cost: 10 ns each. */
void qbid_values_row(const struct qbid_values *values, uint64_t context, unsigned level,
                     const uint32_t *line_item_idx, const uint32_t *known,
                     const struct qbid_values_base *base, uint32_t cnt, double *ret_value);

/** What an order of a line item is worth in a context, micros. */
double qbid_values_order(const struct qbid_values *values, uint32_t line_item_idx,
                         uint64_t context);

/** What its finest context makes a line item expect, its level of late aside. */
struct qbid_rate_pair qbid_values_expected(const struct qbid_values *values, uint32_t line_item_idx,
                                           uint64_t context);

/** Rates of a line item in a context as known at image level `level` or coarser
 * (QBID_LEVEL_DEFAULT: the line item's own). Cost: one map probe by level. */
struct qbid_rate_pair qbid_values_rates(const struct qbid_values *values, uint32_t line_item_idx,
                                        uint64_t context, unsigned level);

#endif
