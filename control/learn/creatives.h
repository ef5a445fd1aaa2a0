/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen by creative, and the shares that rotation gives them. */
#ifndef QBID_CONTROL_LEARN_CREATIVES_H
#define QBID_CONTROL_LEARN_CREATIVES_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/ingest/outcome.h"
#include "control/keymap.h"
#include "control/learn/plan.h"

struct qbid_creative_stats {
    uint32_t creative_id;
    uint32_t dirty;
    uint64_t imps;
    uint64_t bills;
    uint64_t clicks;
    uint64_t convs;
};

struct qbid_creatives {
    struct qbid_creative_stats *stats; /* in order of arrival */
    uint32_t cnt;
    uint32_t capacity;
    struct qbid_keymap map;
};

void qbid_creatives_done(struct qbid_creatives *creatives);

/** Counts of a creative, made when missing and marked dirty; NULL without memory. */
struct qbid_creative_stats *qbid_creatives_touch(struct qbid_creatives *creatives, uint32_t id);

/** Count one IMP, BILL, CLICK or CONV. */
void qbid_creatives_post(struct qbid_creatives *creatives, const struct qbid_outcome *outcome);

/**
 * Shares of the active creatives of each line item and slot in a plan: probability of being the
 * best by clicks (conversions where the goal counts them and there are enough), never below the
 * floor.
 *
 * Returns: 0, QBID_ERR_NOMEM. The eight best of a slot have shares; others 0.
 */
int qbid_creatives_rotate(const struct qbid_creatives *creatives,
                          const struct qbid_account *account, double floor_share,
                          struct qbid_plan *plan);

#endif
