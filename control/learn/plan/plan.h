/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: everything that the models decided, ready to be built into an image. */
#ifndef QBID_CONTROL_LEARN_PLAN_PLAN_H
#define QBID_CONTROL_LEARN_PLAN_PLAN_H

#include <stdint.h>

#include "shm/frequency.h"
#include "shm/image.h"

struct qbid_plan_candidate {
    uint32_t line_item_idx;
    float value_micros; /* expected value of the impression before pacing, CPM */
};

/* One row: candidates [first, first + cnt) sorted by line item index. */
struct qbid_plan_context {
    uint64_t key; /* qbid_context_key(): level in the top bits */
    uint32_t first;
    uint32_t cnt;
    uint16_t segment;
};

struct qbid_plan_creative {
    uint32_t creative_id;
    double probability; /* within its line item and slot */
};

struct qbid_plan {
    uint64_t level_mask[QBID_LEVEL_MAX];
    struct qbid_plan_context *contexts; /* by key, ascending */
    struct qbid_plan_candidate *candidates;
    float *line_value_micros;                           /* by line item index: default value */
    uint16_t *line_q_group;                             /* by line item index */
    float (*exposure_value)[QBID_FREQUENCY_VALUES_MAX]; /* learned r(k), by line item index; or NULL
                                                         */
    struct qbid_plan_creative *creatives;               /* by creative id, ascending */
    struct qbid_shade *shades;                          /* market segments; [0] is the one of all */
    struct qbid_qrow *qrows;                            /* qgroup_cnt * QBID_QSTATES */
    uint32_t context_cnt, candidate_cnt, line_item_max, creative_cnt, shade_cnt, qgroup_cnt;
};

void qbid_plan_done(struct qbid_plan *plan);

#endif
