/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes by line item and context that the learned models have not seen yet. */
#ifndef QBID_CONTROL_LEARN_VALUES_LEARNED_BATCH_H
#define QBID_CONTROL_LEARN_VALUES_LEARNED_BATCH_H

#include <stdint.h>

#include "control/keymap.h"

struct qbid_learned_batch_entry {
    uint64_t context;
    uint32_t line_item_idx;
    uint32_t pad;
    double
        trials; /* impressions; their clicks may come after a step, in the next entry of the key */
    double clicks;
    double convs;
    double clicks_expected; /* of these trials, by the hierarchical rates of when they came */
    double convs_expected;  /* of these clicks */
};

struct qbid_learned_batch {
    struct qbid_learned_batch_entry *entry; /* in order of arrival */
    uint32_t cnt;
    uint32_t capacity;
    struct qbid_keymap map;
};

void qbid_learned_batch_done(struct qbid_learned_batch *batch);

/** Add the counts of an entry to its key. QBID_ERR_NOMEM: they are lost to the learned models, to
 *  nothing else. */
int qbid_learned_batch_add(struct qbid_learned_batch *batch,
                           const struct qbid_learned_batch_entry *more);

/** Forget all. */
void qbid_learned_batch_clear(struct qbid_learned_batch *batch);

#endif
