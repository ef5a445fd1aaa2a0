/* SPDX-License-Identifier: Apache-2.0 */
/* Walking, saving and restoring trees. */
#include "control/models/predict/trees.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/predict/trees_masks.h"
#include "shm/error.h"

#define LAYOUT UINT32_C(0x71740001)

struct qbid_trees_params qbid_trees_defaults(void)
{
    return (struct qbid_trees_params){.rounds = 40,
                                      .depth = 5,
                                      .eta = 0.2,
                                      .lambda = 5,
                                      .child_min = 5,
                                      .gain_min = 1,
                                      .sample = 0.8,
                                      .seed = 1};
}

static void half_done(struct qbid_trees_half *half)
{
    qbid_trees_masks_done(&half->masks);
    qbid_codebook_done(&half->book);
    free(half->node);
    free(half->root);
}

void qbid_trees_done(struct qbid_trees *trees)
{
    for (unsigned h = 0; h < QBID_TREES_HALVES; h++)
        half_done(&trees->half[h]);
    *trees = (struct qbid_trees){0};
}

static double half_walk(const struct qbid_trees_half *half, uint32_t depth, const uint8_t *code)
{
    double odds = half->start;
    for (uint32_t t = 0; t < half->tree_cnt; t++) {
        const struct qbid_trees_node *node = &half->node[half->root[t]];
        for (uint32_t d = 0; d < depth; d++) {
            uint8_t k = code[node->feature];
            node = &half->node[node->child[node->right[k / 64] >> (k % 64) & 1]];
        }
        odds += (double)node->value;
    }
    return odds;
}

static double half_odds(const struct qbid_trees_half *half, uint32_t depth, const uint32_t *value)
{
    uint8_t code[QBID_CODEBOOK_FEATURES_MAX] = {0};
    for (uint32_t f = 0; f < half->book.feature_cnt; f++)
        code[f] = qbid_codebook_code(&half->book, f, value);
    if (half->masks.alive)
        return qbid_trees_masks_odds(half, code);
    return half_walk(half, depth, code);
}

double qbid_trees_predict(const struct qbid_trees *trees, const uint32_t *value)
{
    double odds = 0;
    for (unsigned h = 0; h < QBID_TREES_HALVES; h++)
        odds += half_odds(&trees->half[h], trees->depth, value) / QBID_TREES_HALVES;
    return 1 / (1 + exp(-odds));
}

/* In front of the bytes; then by half: its head, the codes by feature, the roots, the nodes. */
struct head {
    uint32_t layout;
    uint32_t depth;
};

struct half_head {
    uint32_t column_cnt;
    uint32_t feature_cnt;
    uint32_t node_cnt;
    uint32_t tree_cnt;
    double start;
    struct feature_head {
        uint32_t column;
        uint32_t value_cnt;
        uint32_t unseen;
        uint32_t by_name;
    } feature[QBID_CODEBOOK_FEATURES_MAX];
};

static size_t half_bytes(const struct qbid_trees_half *half)
{
    size_t bytes = sizeof(struct half_head) + half->tree_cnt * sizeof *half->root +
                   half->node_cnt * sizeof *half->node;
    for (uint32_t f = 0; f < half->book.feature_cnt; f++)
        bytes += half->book.feature[f].value_cnt;
    return bytes;
}

size_t qbid_trees_bytes(const struct qbid_trees *trees)
{
    size_t bytes = sizeof(struct head);
    for (unsigned h = 0; h < QBID_TREES_HALVES; h++)
        bytes += half_bytes(&trees->half[h]);
    return bytes;
}

static uint8_t *put(uint8_t *out, const void *data, size_t bytes)
{
    memcpy(out, data, bytes);
    return out + bytes;
}

static uint8_t *half_save(const struct qbid_trees_half *half, uint8_t *at)
{
    struct half_head head = {.column_cnt = half->book.column_cnt,
                             .feature_cnt = half->book.feature_cnt,
                             .node_cnt = half->node_cnt,
                             .tree_cnt = half->tree_cnt,
                             .start = half->start};
    for (uint32_t f = 0; f < half->book.feature_cnt; f++) {
        const struct qbid_codebook_feature *from = &half->book.feature[f];
        head.feature[f] =
            (struct feature_head){from->column, from->value_cnt, from->unseen, from->by_name};
    }
    at = put(at, &head, sizeof head);
    for (uint32_t f = 0; f < half->book.feature_cnt; f++)
        at = put(at, half->book.feature[f].code, half->book.feature[f].value_cnt);
    at = put(at, half->root, half->tree_cnt * sizeof *half->root);
    return put(at, half->node, half->node_cnt * sizeof *half->node);
}

void qbid_trees_save(const struct qbid_trees *trees, void *out)
{
    struct head head = {LAYOUT, trees->depth};
    uint8_t *at = put(out, &head, sizeof head);
    for (unsigned h = 0; h < QBID_TREES_HALVES; h++)
        at = half_save(&trees->half[h], at);
}

static bool head_sound(const struct half_head *head, uint64_t bytes)
{
    if (head->column_cnt == 0 || head->column_cnt > QBID_CODEBOOK_COLUMNS_MAX ||
        head->feature_cnt == 0 || head->feature_cnt > QBID_CODEBOOK_FEATURES_MAX ||
        head->tree_cnt == 0 || head->tree_cnt > QBID_TREES_ROUNDS_MAX || !isfinite(head->start))
        return false;
    uint64_t want = (uint64_t)head->tree_cnt * sizeof(uint32_t) +
                    (uint64_t)head->node_cnt * sizeof(struct qbid_trees_node);
    for (uint32_t f = 0; f < head->feature_cnt; f++) {
        if (head->feature[f].column >= head->column_cnt || head->feature[f].unseen > UINT8_MAX)
            return false;
        want += head->feature[f].value_cnt;
    }
    return want <= bytes;
}

static bool nodes_sound(const struct qbid_trees_half *half)
{
    for (uint32_t t = 0; t < half->tree_cnt; t++)
        if (half->root[t] >= half->node_cnt)
            return false;
    for (uint32_t i = 0; i < half->node_cnt; i++) {
        const struct qbid_trees_node *n = &half->node[i];
        if (n->child[0] >= half->node_cnt || n->child[1] >= half->node_cnt ||
            n->feature >= half->book.feature_cnt || !isfinite(n->value))
            return false;
    }
    return true;
}

/* What is left to read. */
struct source {
    const uint8_t *at;
    size_t left;
};

static void *take(struct source *from, size_t bytes)
{
    void *copy = malloc(bytes ? bytes : 1);
    if (copy)
        memcpy(copy, from->at, bytes);
    from->at += bytes;
    from->left -= bytes;
    return copy;
}

static int half_load(struct source *from, struct qbid_trees_half *half)
{
    struct half_head head;
    if (from->left < sizeof head)
        return QBID_ERR_CORRUPT;
    memcpy(&head, from->at, sizeof head);
    from->at += sizeof head;
    from->left -= sizeof head;
    if (!head_sound(&head, from->left))
        return QBID_ERR_CORRUPT;
    half->node_cnt = head.node_cnt;
    half->tree_cnt = head.tree_cnt;
    half->start = head.start;
    half->book.column_cnt = head.column_cnt;
    half->book.feature_cnt = head.feature_cnt;
    bool whole = true;
    for (uint32_t f = 0; f < head.feature_cnt; f++) {
        const struct feature_head *h = &head.feature[f];
        half->book.feature[f] = (struct qbid_codebook_feature){.column = h->column,
                                                               .value_cnt = h->value_cnt,
                                                               .code = take(from, h->value_cnt),
                                                               .unseen = (uint8_t)h->unseen,
                                                               .by_name = h->by_name != 0};
        whole = whole && half->book.feature[f].code;
    }
    half->root = take(from, half->tree_cnt * sizeof *half->root);
    half->node = take(from, half->node_cnt * sizeof *half->node);
    if (!whole || !half->root || !half->node)
        return QBID_ERR_NOMEM;
    return nodes_sound(half) ? 0 : QBID_ERR_CORRUPT;
}

int qbid_trees_load(const void *data, size_t bytes, struct qbid_trees *ret_trees)
{
    struct head head;
    if (bytes < sizeof head)
        return QBID_ERR_VERSION;
    memcpy(&head, data, sizeof head);
    if (head.layout != LAYOUT)
        return QBID_ERR_VERSION;
    struct source from = {(const uint8_t *)data + sizeof head, bytes - sizeof head};
    struct qbid_trees t = {.depth = head.depth};
    int err = head.depth <= QBID_TREES_DEPTH_MAX ? 0 : QBID_ERR_CORRUPT;
    for (unsigned h = 0; h < QBID_TREES_HALVES && !err; h++)
        err = half_load(&from, &t.half[h]);
    if (!err && (from.left > 0 || t.half[0].book.column_cnt != t.half[1].book.column_cnt))
        err = QBID_ERR_CORRUPT;
    if (err) {
        qbid_trees_done(&t);
        return err;
    }
    qbid_trees_masks_make(&t);
    *ret_trees = t;
    return 0;
}
