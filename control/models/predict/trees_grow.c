/* SPDX-License-Identifier: Apache-2.0 */
/* Hands coded rows to XGBoost and takes its trees over into flat tables. */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xgboost/c_api.h>

#include "control/models/predict/trees.h"
#include "control/models/predict/ubj.h"
#include "shm/error.h"
#include "shm/hash.h"

#define LIBRARY "libxgboost.so.0"
#define TEXT_MAX 160

/* clang-format off */
#define CALLS(X)                   \
    X(XGBGetLastError)             \
    X(XGBRegisterLogCallback)      \
    X(XGDMatrixCreateFromDense)    \
    X(XGDMatrixSetFloatInfo)       \
    X(XGDMatrixSetStrFeatureInfo)  \
    X(XGDMatrixFree)               \
    X(XGBoosterCreate)             \
    X(XGBoosterSetParam)           \
    X(XGBoosterUpdateOneIter)      \
    X(XGBoosterSaveModelToBuffer)  \
    X(XGBoosterFree)
/* clang-format on */

/* The library's functions; it stays loaded, unloading C++ with OpenMP is not worth its risks. */
struct library {
#define X(name) __typeof__(&name) name;
    CALLS(X)
#undef X
};

static int library_load(struct library *lib, char *why)
{
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const char *missing = NULL;
    if (!handle) {
        snprintf(why, QBID_TREES_WHY_MAX, "%s", dlerror());
        return QBID_ERR_NOENT;
    }
#define X(name)                                                                                    \
    *(void **)(&lib->name) = dlsym(handle, #name);                                                 \
    missing = lib->name ? missing : #name;
    CALLS(X)
#undef X
    dlclose(handle);
    if (missing)
        snprintf(why, QBID_TREES_WHY_MAX, "%s has no %s", LIBRARY, missing);
    return missing ? QBID_ERR_NOENT : 0;
}

/* The growth of one half: what is handed over, and the handles. */
struct growth {
    struct library lib;
    const struct qbid_codebook_rows *rows;
    const struct qbid_trees_params *params;
    const uint8_t *side; /* by row: the half whose trees see it */
    uint8_t which;
    struct qbid_trees_half *half;
    double rate;
    uint32_t row_cnt;
    uint8_t *code; /* row after row */
    float *label;
    float *weight;
    DMatrixHandle matrix;
    BoosterHandle booster;
    void **original; /* NULL = not wanted */
    size_t *original_bytes;
    char *why;
};

static int refuse(struct growth *g, int err, const char *reason)
{
    snprintf(g->why, QBID_TREES_WHY_MAX, "%s", reason);
    return err;
}

/* XGBoost's own word, without its stack trace. */
static int failed(struct growth *g)
{
    snprintf(g->why, QBID_TREES_WHY_MAX, "XGBoost: %s", g->lib.XGBGetLastError());
    g->why[strcspn(g->why, "\n")] = '\0';
    return QBID_ERR_CORRUPT;
}

static const char *params_check(const struct qbid_trees_params *p)
{
    if (p->rounds == 0 || p->rounds > QBID_TREES_ROUNDS_MAX)
        return "rounds of the trees are out of range";
    if (p->depth == 0 || p->depth > QBID_TREES_DEPTH_MAX)
        return "depth of the trees is out of range";
    if (!(p->eta > 0 && p->eta <= 1) || !(p->sample > 0 && p->sample <= 1))
        return "eta or sample of the trees is out of range";
    if (!(p->lambda >= 0 && p->child_min >= 0 && p->gain_min >= 0))
        return "lambda, child_min or gain_min of the trees is out of range";
    return NULL;
}

static const char *rows_check(const struct qbid_codebook_rows *rows)
{
    for (uint32_t i = 0; i < rows->cnt; i++) {
        double t = rows->trials[i], s = rows->successes[i];
        if (!(t >= 0 && s >= 0 && s <= t && isfinite(t)))
            return "a row has more successes than trials, or no number";
    }
    return NULL;
}

/* Codes come from the other half, all else from this one. */
static int rows_code(struct growth *g)
{
    const struct qbid_codebook_rows *d = g->rows;
    double trials = 0, successes = 0;
    for (uint32_t i = 0; i < d->cnt; i++) {
        if (g->side[i] != g->which)
            continue;
        g->row_cnt++;
        trials += d->trials[i];
        successes += d->successes[i];
    }
    if (!(successes > 0 && successes < trials))
        return refuse(g, QBID_ERR_INVAL,
                      "half of the rows have no successes, or nothing else: nothing to learn");
    g->rate = successes / trials;
    int err = qbid_codebook_fit(d, g->side, !g->which, &g->half->book);
    if (err)
        return refuse(g, err,
                      err == QBID_ERR_INVAL ? "too many columns, or half of the rows have "
                                              "no successes: nothing to learn"
                                            : "out of memory");
    uint32_t features = g->half->book.feature_cnt, at = 0;
    g->code = malloc((size_t)g->row_cnt * features);
    g->label = malloc(g->row_cnt * sizeof *g->label);
    g->weight = malloc(g->row_cnt * sizeof *g->weight);
    if (!g->code || !g->label || !g->weight)
        return refuse(g, QBID_ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < d->cnt; i++) {
        if (g->side[i] != g->which)
            continue;
        for (uint32_t f = 0; f < features; f++)
            g->code[(size_t)at * features + f] =
                qbid_codebook_code(&g->half->book, f, d->value + (size_t)i * d->columns);
        g->label[at] = d->trials[i] > 0 ? (float)(d->successes[i] / d->trials[i]) : 0;
        g->weight[at++] = (float)d->trials[i];
    }
    return 0;
}

static int matrix_make(struct growth *g)
{
    const char *type[QBID_CODEBOOK_FEATURES_MAX];
    char array[TEXT_MAX];
    uint32_t features = g->half->book.feature_cnt;
    for (uint32_t f = 0; f < features; f++)
        type[f] = g->half->book.feature[f].by_name ? "c" : "q";
    snprintf(array, sizeof array,
             "{\"data\":[%zu,true],\"shape\":[%u,%u],\"typestr\":\"|u1\",\"version\":3}",
             (size_t)(uintptr_t)g->code, g->row_cnt, features);
    if (g->lib.XGDMatrixCreateFromDense(array, "{\"missing\":NaN,\"nthread\":1}", &g->matrix) ||
        g->lib.XGDMatrixSetFloatInfo(g->matrix, "label", g->label, g->row_cnt) ||
        g->lib.XGDMatrixSetFloatInfo(g->matrix, "weight", g->weight, g->row_cnt) ||
        g->lib.XGDMatrixSetStrFeatureInfo(g->matrix, "feature_type", type, features))
        return failed(g);
    return 0;
}

static int boost(struct growth *g)
{
    const struct qbid_trees_params *p = g->params;
    char depth[16], eta[32], lambda[32], child[32], gain[32], sample[32], seed[16], base[32];
    snprintf(depth, sizeof depth, "%u", p->depth);
    snprintf(eta, sizeof eta, "%.9g", p->eta);
    snprintf(lambda, sizeof lambda, "%.9g", p->lambda);
    snprintf(child, sizeof child, "%.9g", p->child_min);
    snprintf(gain, sizeof gain, "%.9g", p->gain_min);
    snprintf(sample, sizeof sample, "%.9g", p->sample);
    snprintf(seed, sizeof seed, "%u", p->seed & INT32_MAX);
    snprintf(base, sizeof base, "%.9g", (double)(float)g->rate);
    const char *const set[][2] = {
        {"objective", "binary:logistic"},
        {"booster", "gbtree"},
        {"tree_method", "hist"},
        {"nthread", "1"},
        {"verbosity", "0"},
        {"max_bin", "256"},
        {"max_cat_to_onehot", "4"},
        {"max_cat_threshold", "64"},
        {"max_delta_step", "1"}, /* rare successes: a leaf's first step would overshoot */
        {"max_depth", depth},
        {"eta", eta},
        {"lambda", lambda},
        {"min_child_weight", child},
        {"gamma", gain},
        {"subsample", sample},
        {"seed", seed},
        {"base_score", base},
    };
    if (g->lib.XGBoosterCreate(&g->matrix, 1, &g->booster))
        return failed(g);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (g->lib.XGBoosterSetParam(g->booster, set[i][0], set[i][1]))
            return failed(g);
    for (uint32_t round = 0; round < p->rounds; round++)
        if (g->lib.XGBoosterUpdateOneIter(g->booster, (int)round, g->matrix))
            return failed(g);
    return 0;
}

/* --- from XGBoost's model to nodes: of a feature by name the codes in a node's set go right, of
 * one by rate those from its condition on; all others left */

/* What a tree of the model consists of, by node; the sets lie one after another. */
struct part {
    struct qbid_ubj_array left, right, feature, value, by_name;
    struct qbid_ubj_array set_node, set_from, set_size, category;
};

static int part_find(struct qbid_ubj tree, struct part *part)
{
    const struct {
        const char *key;
        struct qbid_ubj_array *array;
    } want[] = {{"left_children", &part->left},           {"right_children", &part->right},
                {"split_indices", &part->feature},        {"split_conditions", &part->value},
                {"split_type", &part->by_name},           {"categories_nodes", &part->set_node},
                {"categories_segments", &part->set_from}, {"categories_sizes", &part->set_size},
                {"categories", &part->category}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct qbid_ubj value;
        int err = qbid_ubj_find(tree, want[i].key, &value);
        if (!err)
            err = qbid_ubj_array(value, want[i].array);
        if (err || (want[i].array->cnt > 0 && !want[i].array->type))
            return QBID_ERR_CORRUPT;
    }
    size_t n = part->left.cnt, sets = part->set_node.cnt;
    bool fits = n > 0 && part->right.cnt == n && part->feature.cnt == n && part->value.cnt == n &&
                part->by_name.cnt == n && part->set_from.cnt == sets && part->set_size.cnt == sets;
    return fits ? 0 : QBID_ERR_CORRUPT;
}

static void right_add(struct qbid_trees_node *node, unsigned code)
{
    node->right[code / 64] |= UINT64_C(1) << (code % 64);
}

static int set_take(const struct part *part, size_t i, struct qbid_trees_node *node)
{
    double from = qbid_ubj_number(&part->set_from, i), size = qbid_ubj_number(&part->set_size, i);
    if (!(from >= 0 && size >= 0 && from + size <= (double)part->category.cnt))
        return QBID_ERR_CORRUPT;
    for (size_t k = (size_t)from; k < (size_t)(from + size); k++) {
        double code = qbid_ubj_number(&part->category, k);
        if (!(code >= 0 && code < QBID_CODEBOOK_CODES))
            return QBID_ERR_CORRUPT;
        right_add(node, (unsigned)code);
    }
    return 0;
}

/* Node i of a tree of cnt nodes, the first of which is node `base` of the half. */
static int node_take(const struct part *part, uint32_t i, uint32_t base, uint32_t features,
                     struct qbid_trees_node *node)
{
    double cnt = (double)part->left.cnt, value = qbid_ubj_number(&part->value, i);
    double l = qbid_ubj_number(&part->left, i), r = qbid_ubj_number(&part->right, i);
    double feature = qbid_ubj_number(&part->feature, i);
    *node = (struct qbid_trees_node){.child = {base + i, base + i}};
    if (l < 0) {
        node->value = (float)value;
        return isfinite(node->value) ? 0 : QBID_ERR_CORRUPT;
    }
    if (!(l < cnt && r >= 0 && r < cnt && feature >= 0 && feature < features))
        return QBID_ERR_CORRUPT;
    node->child[0] = base + (uint32_t)l;
    node->child[1] = base + (uint32_t)r;
    node->feature = (uint32_t)feature;
    if (qbid_ubj_number(&part->by_name, i) == 0)
        for (unsigned code = 0; code < QBID_CODEBOOK_CODES; code++)
            if (!(code < value))
                right_add(node, code);
    return 0;
}

static int tree_take(struct qbid_trees_half *half, struct qbid_ubj tree)
{
    struct part part;
    int err = part_find(tree, &part);
    if (err)
        return err;
    uint32_t cnt = (uint32_t)part.left.cnt, base = half->node_cnt;
    struct qbid_trees_node *node = realloc(half->node, (base + cnt) * sizeof *node);
    if (!node)
        return QBID_ERR_NOMEM;
    half->node = node;
    node += base;
    for (uint32_t i = 0; i < cnt && !err; i++)
        err = node_take(&part, i, base, half->book.feature_cnt, &node[i]);
    for (size_t i = 0; i < part.set_node.cnt && !err; i++) {
        double at = qbid_ubj_number(&part.set_node, i);
        err = at >= 0 && at < cnt ? set_take(&part, i, &node[(uint32_t)at]) : QBID_ERR_CORRUPT;
    }
    half->node_cnt += cnt;
    half->root[half->tree_cnt++] = base;
    return err;
}

static int original_keep(struct growth *g, const char *bytes, size_t len)
{
    if (!g->original)
        return 0;
    *g->original = malloc(len);
    *g->original_bytes = len;
    if (!*g->original)
        return refuse(g, QBID_ERR_NOMEM, "out of memory");
    memcpy(*g->original, bytes, len);
    return 0;
}

static int model_take(struct growth *g)
{
    static const char *const path[] = {"learner", "gradient_booster", "model", "trees"};
    const char *bytes = NULL;
    bst_ulong len = 0;
    struct qbid_ubj_array list;
    if (g->lib.XGBoosterSaveModelToBuffer(g->booster, "{\"format\":\"ubj\"}", &len, &bytes))
        return failed(g);
    struct qbid_ubj at = {(const uint8_t *)bytes, (const uint8_t *)bytes + len};
    int err = 0;
    for (size_t i = 0; i < sizeof path / sizeof *path && !err; i++)
        err = qbid_ubj_find(at, path[i], &at);
    if (!err)
        err = qbid_ubj_array(at, &list);
    if (err || list.type || list.cnt != g->params->rounds)
        return refuse(g, QBID_ERR_CORRUPT, "XGBoost's model is not of the shape that is known");
    g->half->root = calloc(list.cnt, sizeof *g->half->root);
    if (!g->half->root)
        return refuse(g, QBID_ERR_NOMEM, "out of memory");
    struct qbid_ubj tree = list.first;
    for (size_t i = 0; i < list.cnt && !err; i++) {
        err = tree_take(g->half, tree);
        if (!err && i + 1 < list.cnt)
            err = qbid_ubj_next(tree, &tree);
    }
    if (err)
        return refuse(g, err, "a tree of XGBoost's model is not understood");
    double base = (double)(float)g->rate;
    g->half->start = log(base) - log1p(-base);
    return original_keep(g, bytes, len);
}

static int half_grow(struct growth *g)
{
    int err = rows_code(g);
    if (!err)
        err = matrix_make(g);
    if (!err)
        err = boost(g);
    if (!err)
        err = model_take(g);
    if (g->booster)
        g->lib.XGBoosterFree(g->booster);
    if (g->matrix)
        g->lib.XGDMatrixFree(g->matrix);
    free(g->code);
    free(g->label);
    free(g->weight);
    return err;
}

static void silent(const char *line)
{
    (void)line;
}

/* Every row to a half, by a fixed draw. */
static uint8_t *sides_draw(const struct qbid_codebook_rows *rows, uint32_t seed)
{
    uint8_t *side = malloc(rows->cnt + (size_t)1);
    for (uint32_t i = 0; i < rows->cnt && side; i++)
        side[i] = (uint8_t)(qbid_mix64(i ^ qbid_mix64(seed + UINT64_C(1))) >> 63);
    return side;
}

int qbid_trees_grow(const struct qbid_codebook_rows *rows, const struct qbid_trees_params *params,
                    struct qbid_trees *ret_trees, struct qbid_trees_original *ret_original,
                    char why[QBID_TREES_WHY_MAX])
{
    struct qbid_trees trees = {.depth = params->depth};
    struct growth common = {.rows = rows, .params = params, .why = why};
    const char *wrong = params_check(params);
    if (!wrong)
        wrong = rows_check(rows);
    if (wrong)
        return refuse(&common, QBID_ERR_INVAL, wrong);
    int err = library_load(&common.lib, why);
    if (!err && common.lib.XGBRegisterLogCallback(silent))
        err = failed(&common);
    uint8_t *side = sides_draw(rows, params->seed);
    if (!err && !side)
        err = refuse(&common, QBID_ERR_NOMEM, "out of memory");
    for (uint8_t h = 0; h < QBID_TREES_HALVES && !err; h++) {
        struct growth g = common;
        g.side = side;
        g.which = h;
        g.half = &trees.half[h];
        g.original = ret_original ? &ret_original->data[h] : NULL;
        g.original_bytes = ret_original ? &ret_original->bytes[h] : NULL;
        err = half_grow(&g);
    }
    free(side);
    if (err) {
        qbid_trees_done(&trees);
        return err;
    }
    qbid_trees_masks_make(&trees);
    *ret_trees = trees;
    return 0;
}
