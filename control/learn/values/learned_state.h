/* SPDX-License-Identifier: Apache-2.0 */
/* The body of the learned models, shared by the files that implement
 * control/learn/values/learned.h. */
#ifndef QBID_CONTROL_LEARN_VALUES_LEARNED_STATE_H
#define QBID_CONTROL_LEARN_VALUES_LEARNED_STATE_H

#include "control/keymap.h"
#include "control/learn/values/learned.h"
#include "control/learn/values/learned_batch.h"
#include "control/models/predict/ftrl.h"

/* A campaign's record of one rate. */
struct qbid_learned_record {
    uint32_t campaign_id;
    uint32_t dirty; /* changed since the last save */
    struct qbid_ranking ranking;
    double seen_trials; /* since the beginning */
    double seen_successes;
    double last_successes; /* of the last step, by which older ones fade at the next */
    double expected[QBID_LEARNED_MODEL_CNT]; /* successes, by the models' predictions ahead */
    struct qbid_calibration_counts counts[QBID_LEARNED_MODEL_CNT]; /* of what they said raw */
};

/* The models of one rate. */
struct qbid_learned_side {
    struct qbid_ftrl ftrl;
    bool started; /* ftrl knows where to start from */
    struct qbid_trees trees;
    bool grown;
    bool trees_dirty;
    double since;                            /* successes since the trees were grown */
    double strength[QBID_LEARNED_MODEL_CNT]; /* of single cells around a model, 0 = unknown */
    struct qbid_learned_record *record;      /* by campaign, in order of arrival */
    struct qbid_calibration (*table)[QBID_LEARNED_MODEL_CNT];
    uint32_t record_cnt;
    uint32_t record_capacity;
    struct qbid_keymap map; /* campaign id -> record */
};

/* A line item as the models see it. */
struct qbid_learned_item {
    uint32_t id;
    uint32_t campaign_id; /* 0 = not in the account */
    uint32_t campaign_code;
    uint32_t record[QBID_LEARNED_HEAD_CNT]; /* QBID_KEYMAP_NONE = none yet */
};

/* What was seen of one key. */
struct qbid_learned_seen {
    double trials;
    double successes;
};

struct qbid_learned {
    struct qbid_learned_params params;
    const struct qbid_cells *cells; /* of the last step */
    int64_t stepped_s;              /* when that was; 0 = never */
    struct qbid_learned_batch batch;
    struct qbid_learned_side side[QBID_LEARNED_HEAD_CNT];
    struct qbid_learned_item *item; /* by line item index */
    uint32_t item_cnt;
    struct qbid_learned_growth growth;
};

/** Record of a campaign, made when missing: its index; QBID_KEYMAP_NONE without memory. */
uint32_t qbid_learned_record_touch(struct qbid_learned_side *side, uint32_t campaign_id);

/** What a model says of a key before calibration: its own rate, moved by what was seen of the key
 *  itself; `rate` is the hierarchical one. */
double qbid_learned_raw(const struct qbid_learned *learned, enum qbid_learned_head head,
                        enum qbid_learned_model model, uint32_t line_item_idx, uint64_t context,
                        struct qbid_learned_seen seen, double rate);

/** Cell of a key; nothing seen when there is none. */
struct qbid_learned_seen qbid_learned_seen(const struct qbid_learned *learned,
                                           enum qbid_learned_head head, uint32_t line_item_idx,
                                           uint64_t context);

/** How much single cells differ from what the models say, by maximum likelihood. */
void qbid_learned_strengths(struct qbid_learned *learned, enum qbid_learned_head head);

/** Slots of a key's features: their number. */
uint32_t qbid_learned_features(const struct qbid_learned *learned, const struct qbid_ftrl *ftrl,
                               const struct qbid_learned_item *item, uint64_t context,
                               uint32_t slot[QBID_FTRL_FEATURES_MAX]);

/** Columns of a key for the trees: their number. */
uint32_t qbid_learned_columns(const struct qbid_learned *learned, uint32_t line_item_idx,
                              uint64_t context, uint32_t value[QBID_CODEBOOK_COLUMNS_MAX]);

/** Grow trees where they are due. */
void qbid_learned_grow(struct qbid_learned *learned, const struct qbid_cells *cells);

#endif
