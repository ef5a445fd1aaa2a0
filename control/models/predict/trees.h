/* SPDX-License-Identifier: Apache-2.0 */
/* Boosted trees over categories, grown by XGBoost and kept as flat tables of our own. */
#ifndef QBID_CONTROL_MODELS_PREDICT_TREES_H
#define QBID_CONTROL_MODELS_PREDICT_TREES_H

#include <stddef.h>
#include <stdint.h>

#include "control/models/predict/codebook.h"

/* Two halves, each grown on every other row with the codes that the other rows gave (see
 * codebook.h); their log odds are averaged. XGBoost's library is loaded when trees are grown for
 * the first time, not with the program: it is 5 MB of C++ with OpenMP behind it, which nobody
 * carries who leaves trees off, and what was grown is then read without it. */
#define QBID_TREES_HALVES 2
#define QBID_TREES_ROUNDS_MAX 1000
#define QBID_TREES_DEPTH_MAX 8
#define QBID_TREES_WHY_MAX 256

struct qbid_trees_params {
    uint32_t rounds;  /* trees, 1..QBID_TREES_ROUNDS_MAX */
    uint32_t depth;   /* 1..QBID_TREES_DEPTH_MAX */
    double eta;       /* learning rate, (0, 1] */
    double lambda;    /* ridge on leaves, >= 0 */
    double child_min; /* least information (trials * p * (1 - p)) in a leaf, >= 0 */
    double gain_min;  /* least gain of log-likelihood by a split, >= 0 */
    double sample;    /* share of rows that each tree sees, (0, 1] */
    uint32_t seed;    /* of those samples */
};

struct qbid_trees_node {
    uint64_t right[QBID_CODEBOOK_CODES / 64]; /* codes that go right */
    uint32_t child[2];                        /* left and right; a leaf's are itself */
    uint32_t feature;
    float value; /* of a leaf, log odds */
};

/* The same trees, of at most 32 leaves each, for a look at all nodes at once: by feature and code,
 * the leaves of every tree that a row with that code can still come to. */
struct qbid_trees_masks {
    uint32_t *alive; /* [feature * QBID_CODEBOOK_CODES + code][tree]; NULL = the nodes are walked */
    float *leaf;     /* [tree][32] */
    uint32_t room;   /* trees, and what fills the last block */
    uint32_t used;   /* features that any tree asks for, bit by bit */
};

struct qbid_trees_half {
    struct qbid_codebook book;
    struct qbid_trees_node *node; /* owned */
    uint32_t *root;               /* by tree; owned */
    uint32_t node_cnt;
    uint32_t tree_cnt;
    double start; /* log odds before the first tree */
    struct qbid_trees_masks masks;
};
_Static_assert(QBID_CODEBOOK_FEATURES_MAX <= 32, "used has a bit for each");

struct qbid_trees {
    struct qbid_trees_half half[QBID_TREES_HALVES];
    uint32_t depth;
};

/* The halves as XGBoost itself writes them (UBJSON; its features are our codes), for its own
 * tools. */
struct qbid_trees_original {
    void *data[QBID_TREES_HALVES]; /* the caller's, by free() */
    size_t bytes[QBID_TREES_HALVES];
};

struct qbid_trees_params qbid_trees_defaults(void);

/**
 * Grow trees. Same input, same trees.
 *
 * Returns: 0 and a model, to be released by done(); why says more of an error. ret_original may be
 *          NULL.
 * Errors:  NOENT: libxgboost is not installed; INVAL: a parameter, or rows of which a half has
 *          no successes or nothing else; NOMEM; CORRUPT: XGBoost failed, or its model is not
 * understood. Threads: one at a time; starts none. Cost:    10 columns, 40 rounds of depth 5: some
 * 10 us a row. Source:  Chen and Guestrin, KDD 2016; XGBoost 1.7, histograms, logistic loss. Ours:
 * the crossed halves.
 */
int qbid_trees_grow(const struct qbid_codebook_rows *rows, const struct qbid_trees_params *params,
                    struct qbid_trees *ret_trees, struct qbid_trees_original *ret_original,
                    char why[QBID_TREES_WHY_MAX]);
void qbid_trees_done(struct qbid_trees *trees);

/** Make the masks of trees whose nodes are there; grow and load do it. Without memory, or for trees
 *  of more than 32 leaves, there are none, and a prediction takes longer. */
void qbid_trees_masks_make(struct qbid_trees *trees);

/** Probability for one row of values. Threads: reads only. Cost: 40 trees of depth 5, some 0.2 us;
 *  without masks 2 us. Source: bit vectors of reachable leaves as in QuickScorer (Lucchese et al.
 *  2015); ours: codes of a byte index them, so that there is nothing to search. */
double qbid_trees_predict(const struct qbid_trees *trees, const uint32_t *value);

/** A model as bytes, and back. load: VERSION for another layout, CORRUPT for anything that a walk
 *  could get lost in, NOMEM. */
size_t qbid_trees_bytes(const struct qbid_trees *trees);
void qbid_trees_save(const struct qbid_trees *trees, void *out);
int qbid_trees_load(const void *data, size_t bytes, struct qbid_trees *ret_trees);

#endif
