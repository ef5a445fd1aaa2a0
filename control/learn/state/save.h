/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the learner's state: kinds, heads, and what the files that write and read them share. */
#ifndef QBID_CONTROL_LEARN_STATE_SAVE_H
#define QBID_CONTROL_LEARN_STATE_SAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/learn/learner.h"

/* Kind, and the layout of its rows: raised with every change of what they hold. */
#define QBID_SAVE_LIST(X)                                                                          \
    X(CELL, 2)                                                                                     \
    X(SEGMENT, 1)                                                                                  \
    X(CREATIVE, 2)                                                                                 \
    X(CAMPAIGN, 4)                                                                                 \
    X(ACTIONS, 1)                                                                                  \
    X(VALUES, 3)                                                                                   \
    X(TRAFFIC, 1)                                                                                  \
    X(RATIOS, 1)                                                                                   \
    X(CONTEST, 1)                                                                                  \
    X(RECENCY, 3)                                                                                  \
    X(AGES, 1)                                                                                     \
    X(DELAYS, 1)                                                                                   \
    X(FATIGUE, 1)                                                                                  \
    X(GUARD, 1)                                                                                    \
    X(ITEM, 1)                                                                                     \
    X(HOURS, 2)                                                                                    \
    X(STRATEGY, 2)                                                                                 \
    X(TRACKING, 1)                                                                                 \
    X(ITEM_HOURS, 1)

enum qbid_save_kind {
    QBID_SAVE_NONE,
#define X(name, layout) QBID_SAVE_##name,
    QBID_SAVE_LIST(X)
#undef X
        QBID_SAVE_KINDS
};

/* In front of every row: another layout is refused, not misread. */
struct qbid_save_head {
    uint32_t layout;
    uint32_t bytes; /* of the row, this head included */
};

struct qbid_saver {
    qbid_learner_save_fn *fn;
    void *context;
    bool all;
    int err;
};

/** Give a row, whose first member is its head, to the saver; nothing after an error. */
void qbid_save_row(struct qbid_saver *saver, enum qbid_save_kind kind, uint64_t key, void *row,
                   size_t bytes);

/** Rows of the values: strengths, ratios, contests, half-lives, delays. */
void qbid_save_values(struct qbid_learner *learner, struct qbid_saver *saver);

/** Least bytes of a row of the values; 0 for other kinds. RATIOS rows may be longer, no others. */
uint32_t qbid_save_values_bytes(enum qbid_save_kind kind);

/** Put such a row back. QBID_ERR_VERSION for one that does not fit, QBID_ERR_NOMEM. */
int qbid_save_values_restore(struct qbid_learner *learner, enum qbid_save_kind kind, uint64_t key,
                             const void *row, uint32_t bytes);

#endif
