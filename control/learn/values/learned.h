/* SPDX-License-Identifier: Apache-2.0 */
/* Learned click and conversion rates beside the hierarchical ones, and which serves each campaign.
 *
 *     outcomes --post--> batch: counts by line item and context
 *                            |
 *     step:  every model has predicted them without knowing them: ranking, calibration
 *            then they are learned: FTRL online, trees grown again from the cells now and then
 *            then each campaign is given the model that has shown to be the best for it
 *                            |
 *     rates: the serving model's, calibrated, for the finest contexts; coarser ones keep the tree's
 *
 * A model serves only after it was better than the one before it with confidence
 * (models/ranking.h). Conversions are late and the hierarchical rates correct for that: so other
 * models of the conversion rate are held to its level by campaign, and differ from it by context
 * only.
 */
#ifndef QBID_CONTROL_LEARN_VALUES_LEARNED_H
#define QBID_CONTROL_LEARN_VALUES_LEARNED_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/learn/rates/cells.h"
#include "control/learn/values/values.h"
#include "control/models/predict/calibration.h"
#include "control/models/predict/ranking.h"
#include "control/models/predict/trees.h"

/* What the operator reads; the order is that of the store's rows. */
/* clang-format off */
#define QBID_LEARNED_MODEL_LIST(X)    \
    X(RATES,      "rates")            \
    X(CALIBRATED, "rates_calibrated") \
    X(FTRL,       "ftrl")             \
    X(TREES,      "trees")
/* clang-format on */
enum qbid_learned_model {
#define X(upper, word) QBID_LEARNED_##upper,
    QBID_LEARNED_MODEL_LIST(X)
#undef X
        QBID_LEARNED_MODEL_CNT
};
_Static_assert(QBID_LEARNED_MODEL_CNT <= QBID_RANKING_MODELS_MAX, "each takes part");

enum qbid_learned_head { QBID_LEARNED_CTR, QBID_LEARNED_CVR, QBID_LEARNED_HEAD_CNT };

#define QBID_LEARNED_ERROR_RATE 0.05 /* of changing a campaign's model without reason, ever */

struct qbid_learned_params {
    bool ftrl;
    bool trees;
    uint32_t ftrl_lg; /* log2 of feature slots, by rate */
    struct qbid_trees_params tree;
    uint64_t mask;    /* dimensions of the finest contexts */
    int64_t period_s; /* between two steps, so that most clicks come before the step that judges
                         their impressions */
};

struct qbid_learned; /* opaque */

int qbid_learned_new(const struct qbid_learned_params *params, struct qbid_learned **ret_learned);
void qbid_learned_free(struct qbid_learned *learned);

/** Take outcomes of a line item in a context (counts of what is new); rates are the hierarchical
 * ones that had not seen them. */
void qbid_learned_post(struct qbid_learned *learned, uint32_t line_item_idx, uint64_t context,
                       double trials, double clicks, double convs, struct qbid_rate_pair rates);

/**
 * Judge, learn, decide; nothing within period_s of the last time.
 *
 * Shapes:  values and cells are the latest; now_s as the cells'.
 * Returns: 0; QBID_ERR_NOMEM, and the batch waits for the next step.
 * Cost:    some 10 us by key of the batch; trees when they are due (a fifth more successes than at
 * their last growth): some 10 us by cell.
 */
int qbid_learned_step(struct qbid_learned *learned, const struct qbid_account *account,
                      const struct qbid_cells *cells, const struct qbid_values *values,
                      int64_t now_s);

/** Rates of a line item in a finest context by the model that serves its campaign; `rates` are the
 *  hierarchical ones, and what is returned where those serve, or for conversions that are not asked
 *  for. Threads: reads only. */
struct qbid_rate_pair qbid_learned_rates(const struct qbid_learned *learned, uint32_t line_item_idx,
                                         uint64_t context, bool conversions,
                                         struct qbid_rate_pair rates);

/** Whether another model than the hierarchy serves one of a line item's rates. */
bool qbid_learned_serves(const struct qbid_learned *learned, uint32_t line_item_idx);

/** One model's calibrated rate, whether or not it serves; `rate` where it has no say yet. */
double qbid_learned_rate(const struct qbid_learned *learned, enum qbid_learned_head head,
                         enum qbid_learned_model model, uint32_t line_item_idx, uint64_t context,
                         double rate);

/* What is known of a campaign's models. */
struct qbid_learned_view {
    enum qbid_learned_model serving;
    uint32_t switches;
    double trials; /* predicted ahead */
    double successes;
    double
        loss[QBID_LEARNED_MODEL_CNT]; /* mean log-loss ahead, nats a trial, late ones weigh more */
    double width[QBID_LEARNED_MODEL_CNT]; /* half the interval of its difference to rates */
    enum qbid_calibration_kind calibration[QBID_LEARNED_MODEL_CNT];
};

/** False when nothing of that campaign was judged yet. */
bool qbid_learned_view(const struct qbid_learned *learned, uint32_t campaign_id,
                       enum qbid_learned_head head, struct qbid_learned_view *ret_view);

/** The calibration in force. NULL when there is none. Valid until the next step. */
const struct qbid_calibration *qbid_learned_table(const struct qbid_learned *learned,
                                                  uint32_t campaign_id, enum qbid_learned_head head,
                                                  enum qbid_learned_model model);

bool qbid_learned_has(const struct qbid_learned *learned, enum qbid_learned_model model);
const char *qbid_learned_name(enum qbid_learned_model model);

/* Growths of trees since the start, and what the last one that failed said; "" = none did. */
struct qbid_learned_growth {
    uint64_t grown;
    uint64_t failed;
    char why[QBID_TREES_WHY_MAX];
};
const struct qbid_learned_growth *qbid_learned_growth(const struct qbid_learned *learned);

/* Rows for the store, of kinds from QBID_LEARNED_ROW on. */
#define QBID_LEARNED_ROW 64
typedef int qbid_learned_save_fn(void *context, uint32_t kind, uint64_t key, const void *data,
                                 uint32_t bytes);
int qbid_learned_save(struct qbid_learned *learned, bool all, qbid_learned_save_fn *fn,
                      void *context);
/** QBID_ERR_VERSION for a row of another layout, or of a model that is off. */
int qbid_learned_restore(struct qbid_learned *learned, uint32_t kind, uint64_t key,
                         const void *data, uint32_t bytes);

#endif
