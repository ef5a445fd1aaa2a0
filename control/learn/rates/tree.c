/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes by depth in order of arrival, and a map onto each depth's. */
#include "control/learn/rates/tree.h"

#include <stdlib.h>
#include <string.h>

#include "shm/dims.h"
#include "shm/error.h"

#define CAPACITY_MIN 64
#define AHEAD 8 /* cells whose places are fetched while one is placed */

void qbid_tree_init(struct qbid_tree *tree, const uint64_t level_mask[QBID_LEVEL_MAX])
{
    *tree = (struct qbid_tree){0};
    while (tree->context_levels < QBID_LEVEL_MAX && level_mask[tree->context_levels]) {
        tree->level_mask[tree->context_levels] = level_mask[tree->context_levels];
        tree->context_levels++;
    }
    tree->depth_cnt = QBID_TREE_CONTEXT + tree->context_levels;
    for (uint32_t dim = 0; dim < QBID_DIM_CNT; dim++)
        if (level_mask[0] & qbid_dim_mask(dim))
            tree->dim[tree->dim_cnt++] = dim;
    tree->dim[tree->dim_cnt++] = QBID_DIM_CNT;
    qbid_interactions_init(&tree->interactions, level_mask[0]);
}

void qbid_tree_done(struct qbid_tree *tree)
{
    for (uint32_t d = 0; d < QBID_TREE_DEPTH_MAX; d++) {
        qbid_keymap_done(&tree->depth[d].map);
        free(tree->depth[d].parent);
        free(tree->depth[d].id);
        free(tree->depth[d].context);
    }
    for (uint32_t d = 0; d < QBID_TREE_DIMS_MAX; d++)
        free(tree->index[d]);
    qbid_interactions_done(&tree->interactions);
    free(tree->campaign_of);
    free(tree->leaf);
    uint64_t mask[QBID_LEVEL_MAX];
    memcpy(mask, tree->level_mask, sizeof mask);
    qbid_tree_init(tree, mask);
}

uint32_t qbid_tree_find(const struct qbid_tree *tree, uint32_t depth, uint64_t context, uint32_t id)
{
    return qbid_keymap_find(&tree->depth[depth].map, context, id);
}

static int nodes_room(struct qbid_tree_depth *d)
{
    uint32_t capacity = d->capacity ? d->capacity * 2 : CAPACITY_MIN;
    if (d->cnt < d->capacity)
        return 0;
    uint32_t *parent = realloc(d->parent, capacity * sizeof *parent);
    d->parent = parent ? parent : d->parent;
    uint32_t *id = realloc(d->id, capacity * sizeof *id);
    d->id = id ? id : d->id;
    uint64_t *context = realloc(d->context, capacity * sizeof *context);
    d->context = context ? context : d->context;
    if (!parent || !id || !context)
        return QBID_ERR_NOMEM;
    d->capacity = capacity;
    return 0;
}

static int node_touch(struct qbid_tree *tree, uint32_t depth, uint64_t context, uint32_t id,
                      uint32_t *node)
{
    struct qbid_tree_depth *d = &tree->depth[depth];
    uint32_t parent = *node, i = qbid_keymap_find(&d->map, context, id);
    if (i == QBID_KEYMAP_NONE) {
        if (nodes_room(d) || qbid_keymap_add(&d->map, context, id, d->cnt))
            return QBID_ERR_NOMEM;
        d->parent[d->cnt] = parent;
        d->id[d->cnt] = id;
        d->context[d->cnt] = context;
        i = d->cnt++;
    }
    *node = i;
    return 0;
}

/* Whether a line item that was placed is elsewhere now, or gone. */
static bool moved(const struct qbid_tree *tree, const uint32_t *campaign_of, uint32_t max)
{
    for (uint32_t i = 0; i < tree->line_item_max; i++)
        if (tree->campaign_of[i] && (i >= max || campaign_of[i] != tree->campaign_of[i]))
            return true;
    return false;
}

/* New since cells were placed that belong to it: they were passed over then. */
static bool came(const struct qbid_tree *tree, const uint32_t *campaign_of, uint32_t max)
{
    for (uint32_t i = 0; i < tree->cell_cnt; i++) {
        if (tree->leaf[i].node != QBID_TREE_NONE)
            continue;
        uint32_t idx = tree->leaf[i].depth; /* of such a cell: its line item */
        if (idx < max && campaign_of[idx])
            return true;
    }
    return false;
}

static int line_items_place(struct qbid_tree *tree, const struct qbid_account *account)
{
    int err = 0;
    for (uint32_t i = 0; i < account->line_item_cnt && !err; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        uint32_t node = 0;
        err = node_touch(tree, 0, 0, 0, &node);
        if (!err)
            err = node_touch(tree, QBID_TREE_CAMPAIGN, 0, li->campaign_id, &node);
        if (!err)
            err = node_touch(tree, QBID_TREE_LINE_ITEM, 0, li->idx, &node);
    }
    return err;
}

static int cell_place(struct qbid_tree *tree, const struct qbid_cell *cell, uint32_t at)
{
    uint32_t idx = cell->line_item_idx;
    struct qbid_tree_leaf *leaf = &tree->leaf[at];
    *leaf = (struct qbid_tree_leaf){QBID_TREE_NONE, idx};
    for (uint32_t d = 0; d < tree->dim_cnt; d++)
        tree->index[d][at] = 0;
    if (idx >= tree->line_item_max || !tree->campaign_of[idx])
        return qbid_interactions_place(&tree->interactions, at, 0, 0, idx);
    uint32_t node = qbid_tree_find(tree, QBID_TREE_LINE_ITEM, 0, idx), depth = QBID_TREE_LINE_ITEM;
    for (unsigned level = tree->context_levels; level-- > 0 && cell->context != 0;) {
        depth = qbid_tree_depth_of(tree, level);
        int err = node_touch(tree, depth, cell->context & tree->level_mask[level], idx, &node);
        if (err)
            return err;
    }
    *leaf = (struct qbid_tree_leaf){node, depth};
    for (uint32_t d = 0; d < tree->dim_cnt; d++)
        tree->index[d][at] =
            tree->dim[d] == QBID_DIM_CNT ? idx : qbid_dim_unpack(cell->context, tree->dim[d]);
    return qbid_interactions_place(&tree->interactions, at, cell->context, tree->campaign_of[idx],
                                   idx);
}

static int cells_room(struct qbid_tree *tree, uint32_t cnt)
{
    if (cnt <= tree->cell_capacity)
        return 0;
    uint32_t capacity = tree->cell_capacity ? tree->cell_capacity : CAPACITY_MIN;
    while (capacity < cnt)
        capacity *= 2;
    struct qbid_tree_leaf *leaf = realloc(tree->leaf, capacity * sizeof *leaf);
    if (!leaf)
        return QBID_ERR_NOMEM;
    tree->leaf = leaf;
    for (uint32_t d = 0; d < tree->dim_cnt; d++) {
        uint32_t *index = realloc(tree->index[d], capacity * sizeof *index);
        if (!index)
            return QBID_ERR_NOMEM;
        tree->index[d] = index;
    }
    tree->cell_capacity = capacity;
    return qbid_interactions_room(&tree->interactions, capacity);
}

/* Ask for the memory that placing a cell will look at. */
static void cell_prefetch(const struct qbid_tree *tree, const struct qbid_cell *cell)
{
    uint32_t idx = cell->line_item_idx;
    if (idx >= tree->line_item_max || cell->context == 0)
        return;
    for (unsigned level = 0; level < tree->context_levels; level++)
        qbid_keymap_prefetch(&tree->depth[qbid_tree_depth_of(tree, level)].map,
                             cell->context & tree->level_mask[level], idx);
    qbid_interactions_prefetch(&tree->interactions, cell->context, tree->campaign_of[idx], idx);
}

static int cells_place(struct qbid_tree *tree, const struct qbid_cells *cells)
{
    int err = cells_room(tree, cells->cnt);
    for (; tree->cell_cnt < cells->cnt && !err; tree->cell_cnt += !err) {
        if (cells->cnt - tree->cell_cnt > AHEAD)
            cell_prefetch(tree, &cells->cell[tree->cell_cnt + AHEAD]);
        err = cell_place(tree, &cells->cell[tree->cell_cnt], tree->cell_cnt);
    }
    return err;
}

int qbid_tree_update(struct qbid_tree *tree, const struct qbid_account *account,
                     const struct qbid_cells *cells, bool *ret_anew)
{
    uint32_t max = account->line_item_max;
    uint32_t *campaign_of = calloc((size_t)max + 1, sizeof *campaign_of);
    if (!campaign_of) {
        qbid_tree_done(tree);
        return QBID_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        campaign_of[account->line_items[i].idx] = account->line_items[i].campaign_id;
    bool anew = !tree->campaign_of || moved(tree, campaign_of, max) || came(tree, campaign_of, max);
    if (anew)
        qbid_tree_done(tree);
    free(tree->campaign_of);
    tree->campaign_of = campaign_of;
    tree->line_item_max = max;
    int err = line_items_place(tree, account);
    if (!err)
        err = cells_place(tree, cells);
    if (err)
        qbid_tree_done(tree);
    else
        *ret_anew = anew;
    return err;
}
