/* SPDX-License-Identifier: Apache-2.0 */
/* Logistic regression on hashed features, learned online: FTRL-proximal. */
#ifndef QBID_CONTROL_MODELS_PREDICT_FTRL_H
#define QBID_CONTROL_MODELS_PREDICT_FTRL_H

#include <stdbool.h>
#include <stdint.h>

/* Per feature slot the sum of gradients (with the proximal part) and of their squares; the weight
 * follows from both. Several features may share a slot: with 2^18 slots and some thousand features
 * in use few do. */
#define QBID_FTRL_LG_MIN 4
#define QBID_FTRL_LG_MAX 26
#define QBID_FTRL_FEATURES_MAX 64      /* of one example */
#define QBID_FTRL_BLOCK 4096           /* slots that are saved together */
#define QBID_FTRL_TRIALS_MAX 1e9       /* more in one example is taken as this */
#define QBID_FTRL_STEP_INFORMATION 1.0 /* trials * p * (1 - p) that one step takes at most */
#define QBID_FTRL_STEPS_MAX 64         /* of one example; then steps are longer */

struct qbid_ftrl_params {
    double alpha; /* learning rate, > 0 */
    double beta;  /* evidence before it falls, >= 0 */
    double l1;    /* weights whose gradients sum to less are 0, >= 0 */
    double l2;    /* ridge, >= 0 */
    double start; /* log odds before there is data */
};

struct qbid_ftrl_slot {
    double z;
    double n;
};

struct qbid_ftrl {
    struct qbid_ftrl_params params;
    uint32_t lg;                 /* log2 of slots */
    struct qbid_ftrl_slot *slot; /* owned */
    uint8_t *dirty;              /* by block, changed since the last save; owned */
};

/** Sensible numbers for rates of advertising. */
struct qbid_ftrl_params qbid_ftrl_defaults(void);

/** A model without weights. INVAL for a parameter out of range; NOMEM. Release by done(). */
int qbid_ftrl_init(struct qbid_ftrl *ftrl, const struct qbid_ftrl_params *params, uint32_t lg);
void qbid_ftrl_done(struct qbid_ftrl *ftrl);

/** Slot of a feature: which one it is, and its value. Threads: pure. */
uint32_t qbid_ftrl_hash(const struct qbid_ftrl *ftrl, uint64_t feature, uint64_t value);

/**
 * Probability of success given the features' slots.
 *
 * Shapes:  cnt <= QBID_FTRL_FEATURES_MAX; a slot may come twice, and then counts twice.
 * Threads: reads only. Cost: one cache line a feature.
 */
double qbid_ftrl_predict(const struct qbid_ftrl *ftrl, const uint32_t *slot, uint32_t cnt);

/**
 * Learn from trials of one kind.
 *
 * Shapes:  counts >= 0, else nothing is learned. Many trials are taken in several steps, each with
 *          its share of the successes, so that a step never overshoots. More successes than trials
 *          are late ones: their trials were learned as failures before, and that is made good.
 * Returns: the prediction before learning.
 * Threads: one writer.
 * Source:  McMahan et al., KDD 2013, algorithm 1. Ours: several equal trials at once, whose squared
 *          gradients are summed as if each had come alone with the same prediction.
 */
double qbid_ftrl_learn(struct qbid_ftrl *ftrl, const uint32_t *slot, uint32_t cnt, double trials,
                       double successes);

/** Blocks of slots as they are saved: their number, and one's place and slots. */
uint32_t qbid_ftrl_block_cnt(const struct qbid_ftrl *ftrl);
const struct qbid_ftrl_slot *qbid_ftrl_block(const struct qbid_ftrl *ftrl, uint32_t block,
                                             uint32_t *ret_cnt);
/** Put one back; INVAL when it does not fit. Slots that are no numbers become empty. */
int qbid_ftrl_block_restore(struct qbid_ftrl *ftrl, uint32_t block,
                            const struct qbid_ftrl_slot *slot, uint32_t cnt);

#endif
