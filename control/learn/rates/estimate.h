/* SPDX-License-Identifier: Apache-2.0 */
/* One rate (clicks by impression, conversions by click) of every line item in every context, in two
 * ways that are held against each other on what comes next. */
#ifndef QBID_CONTROL_LEARN_RATES_ESTIMATE_H
#define QBID_CONTROL_LEARN_RATES_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/learn/rates/contest.h"
#include "control/learn/rates/tree.h"
#include "control/models/rates/effects.h"
#include "control/models/rates/rates.h"

/* What main effects make of a node: the mean rate that they expect of its cells, and what it and
 * the nodes above show against that. */
struct qbid_estimate_node {
    double mean;   /* 0 = without trials */
    double factor; /* by which it and its unseen contexts differ from their effects */
};

struct qbid_estimate {
    /* by cell, at the time of the last fit */
    double *trials;
    double *successes;
    uint32_t cell_cnt;
    uint32_t cell_capacity;
    int64_t at_s;
    double half_life_s;
    bool warm;  /* strengths and ratios are those of an earlier fit */
    bool dirty; /* ratios changed since the last save */
    /* beta-binomial tree, by depth: of the nodes with trials, which `place` finds by the tree's
     * node (QBID_TREE_NONE: it has none) and `of` the other way */
    struct qbid_rates_level level[QBID_TREE_DEPTH_MAX];
    uint32_t *place[QBID_TREE_DEPTH_MAX];
    uint32_t *of[QBID_TREE_DEPTH_MAX];
    uint32_t node_cnt[QBID_TREE_DEPTH_MAX]; /* of the tree, at the last fit */
    uint32_t capacity[QBID_TREE_DEPTH_MAX];
    double strength[QBID_TREE_DEPTH_MAX];
    double searched; /* successes of the account when they were last searched for from nothing */
    /* effects: dimensions as in the tree; nodes from QBID_TREE_CONTEXT on */
    struct qbid_effects_dim dim[QBID_TREE_DIMS_MAX];
    uint32_t dim_cnt;
    struct qbid_effects_dim interaction[QBID_INTERACTIONS_MAX]; /* as the tree's */
    uint64_t *differs; /* by line item index: bit p where its interaction p is not 1 everywhere */
    uint32_t fits;
    double base;
    double node_strength[QBID_TREE_DEPTH_MAX];
    struct qbid_estimate_node *node[QBID_TREE_DEPTH_MAX];
    double *expected[QBID_TREE_DEPTH_MAX]; /* work, by node */
    double *prior[QBID_TREE_DEPTH_MAX];
    double *own; /* by line item index: what its ratio and the dimensions' multiply */
    uint32_t line_item_max;
    struct qbid_contest contest;
};

void qbid_estimate_done(struct qbid_estimate *estimate);

/** What a cell shows now: trials and successes, faded. */
typedef void qbid_estimate_fn(const void *context, const struct qbid_cell *cell, int64_t now_s,
                              double *ret_trials, double *ret_successes);

struct qbid_estimate_in {
    const struct qbid_tree *tree;
    const struct qbid_cells *cells;
    bool anew; /* the tree's nodes are other ones than at the last fit */
    bool keep; /* strengths and ratios stay as they are: a frozen learner */
    int64_t now_s;
    double half_life_s;
    struct qbid_rates_prior prior; /* of the account */
    qbid_estimate_fn *count;
    const void *context;
};

/**
 * Judge both ways by what came since the last fit, then fit them again.
 *
 * Returns: 0, QBID_ERR_NOMEM (nothing may be looked up then until it is fitted again).
 * Cost:    per cell about 0.3 us.
 * Source:  ALGORITHMS 2.1 and 2.3. Tree: control/models/rates/rates.h. Effects: line item's rate of
 * the tree x ratios of control/models/rates/effects.h x a gamma-Poisson factor at each context
 * depth, around that of the depth above without the node's own counts.
 */
int qbid_estimate_fit(struct qbid_estimate *estimate, const struct qbid_estimate_in *in);

/** Product of a line item's interactions in a context, of those whose dimensions a mask has. Cost:
 * one map probe for each interaction in which the line item, or its campaign, differs. */
double qbid_estimate_interactions(const struct qbid_estimate *estimate,
                                  const struct qbid_tree *tree, uint32_t line_item_idx,
                                  uint64_t context, uint64_t mask);

/** Product of the dimensions' ratios that a mask has. */
double qbid_estimate_ratios(const struct qbid_estimate *estimate, const struct qbid_tree *tree,
                            uint64_t context, uint64_t mask);

/** What a node's rate is, and what the ratios of a context below it that has no trials are
 * multiplied with (by the tree it is their rate itself). */
struct qbid_estimate_rate {
    double here;
    double below;
};

/** Rates at a node by one way; `above` is what its parent has below. The node's own context matters
 *  where it has no trials. */
struct qbid_estimate_rate qbid_estimate_rate(const struct qbid_estimate *estimate,
                                             const struct qbid_tree *tree,
                                             enum qbid_contest_way way, uint32_t depth,
                                             uint32_t node, double above);

/** Make room for the ratios of a dimension (restore); NULL without memory or for none. */
struct qbid_effects_dim *qbid_estimate_dim(struct qbid_estimate *estimate,
                                           const struct qbid_tree *tree, uint32_t d,
                                           uint32_t value_cnt);

#endif
