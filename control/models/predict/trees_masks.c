/* SPDX-License-Identifier: Apache-2.0 */
/* Every node forbids the leaves of the side that a code does not go to; what is left is the leaf.
 */
#include "control/models/predict/trees_masks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LEAVES 32
#define BLOCK 8 /* trees whose words are joined at a time */
#define TREES_MAX 128
#define DEPTH_MAX 5

_Static_assert(1 << DEPTH_MAX == LEAVES, "a tree of that depth has a bit for each leaf");

void qbid_trees_masks_done(struct qbid_trees_masks *masks)
{
    free(masks->alive);
    free(masks->leaf);
    *masks = (struct qbid_trees_masks){0};
}

/* One tree in the making. */
struct making {
    struct qbid_trees_half *half;
    uint32_t depth;
    uint32_t tree;
    uint32_t leaf_cnt;
};

static uint32_t *word(const struct making *m, uint32_t feature, uint32_t code)
{
    const struct qbid_trees_masks *masks = &m->half->masks;
    return &masks->alive[(feature * QBID_CODEBOOK_CODES + code) * masks->room + m->tree];
}

static uint32_t leaf_make(struct making *m, const struct qbid_trees_node *node)
{
    m->half->masks.leaf[m->tree * LEAVES + m->leaf_cnt] = node->value;
    return UINT32_C(1) << m->leaf_cnt++;
}

/* Leaves below a node, which is `above` steps from the root. A walk ends after depth steps,
 * wherever it is. */
static uint32_t node_make(struct making *m, uint32_t at, uint32_t above)
{
    const struct qbid_trees_node *node = &m->half->node[at];
    if (above == m->depth || (node->child[0] == at && node->child[1] == at))
        return leaf_make(m, node);
    uint32_t left = node_make(m, node->child[0], above + 1);
    uint32_t right = node_make(m, node->child[1], above + 1);
    for (uint32_t k = 0; k < QBID_CODEBOOK_CODES; k++)
        *word(m, node->feature, k) &= ~(node->right[k / 64] >> (k % 64) & 1 ? left : right);
    m->half->masks.used |= UINT32_C(1) << node->feature;
    return left | right;
}

static void half_make(struct qbid_trees_half *half, uint32_t depth)
{
    struct qbid_trees_masks *masks = &half->masks;
    qbid_trees_masks_done(masks);
    if (depth > DEPTH_MAX || half->tree_cnt > TREES_MAX)
        return;
    masks->room = (half->tree_cnt + BLOCK - 1) / BLOCK * BLOCK;
    size_t bytes =
        (size_t)half->book.feature_cnt * QBID_CODEBOOK_CODES * masks->room * sizeof *masks->alive;
    masks->alive = malloc(bytes);
    masks->leaf = calloc((size_t)masks->room * LEAVES, sizeof *masks->leaf);
    if (!masks->alive || !masks->leaf) {
        qbid_trees_masks_done(masks);
        return;
    }
    memset(masks->alive, 0xff, bytes);
    for (uint32_t t = 0; t < half->tree_cnt; t++) {
        struct making m = {half, depth, t, 0};
        (void)node_make(&m, half->root[t], 0);
    }
}

void qbid_trees_masks_make(struct qbid_trees *trees)
{
    for (unsigned h = 0; h < QBID_TREES_HALVES; h++)
        half_make(&trees->half[h], trees->depth);
}

double qbid_trees_masks_odds(const struct qbid_trees_half *half, const uint8_t *code)
{
    const struct qbid_trees_masks *masks = &half->masks;
    uint32_t alive[TREES_MAX];
    memset(alive, 0xff, masks->room * sizeof *alive);
    for (uint32_t features = masks->used; features; features &= features - 1) {
        uint32_t f = (uint32_t)__builtin_ctz(features);
        const uint32_t *row = masks->alive + (f * QBID_CODEBOOK_CODES + code[f]) * masks->room;
        for (uint32_t t = 0; t < masks->room; t += BLOCK)
            for (uint32_t i = 0; i < BLOCK; i++)
                alive[t + i] &= row[t + i];
    }
    double odds = half->start;
    for (uint32_t t = 0; t < half->tree_cnt; t++)
        odds += (double)masks->leaf[t * LEAVES + (uint32_t)__builtin_ctz(alive[t])];
    return odds;
}
