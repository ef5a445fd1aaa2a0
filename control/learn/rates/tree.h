/* SPDX-License-Identifier: Apache-2.0 */
/* The tree in which rates are shrunk: which cell counts for which line item and contexts. */
#ifndef QBID_CONTROL_LEARN_RATES_TREE_H
#define QBID_CONTROL_LEARN_RATES_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/keymap.h"
#include "control/learn/rates/cells.h"
#include "control/learn/rates/interactions.h"

/* Depths: account, campaign, line item, then the contexts from coarse to fine. Nodes only come, and
 * in the order of the account and the cells, so that a plan that follows another only adds. */
#define QBID_TREE_CAMPAIGN 1
#define QBID_TREE_LINE_ITEM 2
#define QBID_TREE_CONTEXT 3
#define QBID_TREE_DEPTH_MAX (QBID_TREE_CONTEXT + QBID_LEVEL_MAX)
#define QBID_TREE_NONE UINT32_MAX
#define QBID_TREE_DIMS_MAX (QBID_DIM_CNT + 1) /* and the line item */

struct qbid_tree_depth {
    struct qbid_keymap map; /* (context, line item index or campaign id) -> node */
    uint32_t *parent;       /* by node: in the depth above */
    uint32_t *id;           /* by node: line item index, or campaign id */
    uint64_t *context;      /* by node */
    uint32_t cnt;
    uint32_t capacity;
};

/* A cell counts for one node, and through it for all above. */
struct qbid_tree_leaf {
    uint32_t node; /* QBID_TREE_NONE: its line item is not in the account */
    uint32_t depth;
};

struct qbid_tree {
    uint64_t level_mask[QBID_LEVEL_MAX]; /* finest first, as in the image */
    uint32_t context_levels;
    uint32_t depth_cnt;
    struct qbid_tree_depth depth[QBID_TREE_DEPTH_MAX];
    uint32_t *campaign_of; /* campaign id by line item index; 0 = not in the account */
    uint32_t line_item_max;
    /* by cell: */
    struct qbid_tree_leaf *leaf;
    uint32_t *index[QBID_TREE_DIMS_MAX]; /* value index by dimension, the line item's last */
    uint32_t dim[QBID_TREE_DIMS_MAX];    /* enum qbid_dim; QBID_DIM_CNT = the line item */
    uint32_t dim_cnt;
    struct qbid_interactions interactions;
    uint32_t cell_cnt;
    uint32_t cell_capacity;
};

/** A tree of contexts that nest. Nothing is allocated. */
void qbid_tree_init(struct qbid_tree *tree, const uint64_t level_mask[QBID_LEVEL_MAX]);
void qbid_tree_done(struct qbid_tree *tree);

/**
 * Bring the tree up to what is in the account and the cells.
 *
 * Returns: 0, *ret_anew whether all nodes are new (a line item changed its campaign or went);
 *          QBID_ERR_NOMEM, the tree then being empty.
 * Cost:    one look at each line item, one map probe by depth for each new cell.
 */
int qbid_tree_update(struct qbid_tree *tree, const struct qbid_account *account,
                     const struct qbid_cells *cells, bool *ret_anew);

/** Node of a key; QBID_TREE_NONE when there is none. id: line item index, campaign id at that
 * depth.
 */
uint32_t qbid_tree_find(const struct qbid_tree *tree, uint32_t depth, uint64_t context,
                        uint32_t id);

/** Depth of an image level. */
static inline uint32_t qbid_tree_depth_of(const struct qbid_tree *tree, unsigned level)
{
    return QBID_TREE_CONTEXT + tree->context_levels - 1 - level;
}

#endif
