/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen by creative, and the shares that rotation gives them. */
#ifndef QBID_CONTROL_LEARN_CREATIVES_CREATIVES_H
#define QBID_CONTROL_LEARN_CREATIVES_CREATIVES_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/ingest/outcome.h"
#include "control/keymap.h"
#include "control/learn/plan/plan.h"

/* Creatives wear out, each in its own time, so that what was seen of them fades. */
#define QBID_CREATIVES_HALF_LIFE_S (14 * 86400.0)

struct qbid_creative_stats {
    uint32_t creative_id;
    uint32_t dirty;
    int64_t at_s; /* to which the counts are faded */
    double imps;
    double bills;
    double clicks;
    double convs;
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
void qbid_creatives_post(struct qbid_creatives *creatives, const struct qbid_outcome *outcome,
                         int64_t now_s);

/**
 * Shares of the active creatives of each line item and slot in a plan: probability of being the
 * best by clicks, never below the floor.
 *
 * Returns: 0, QBID_ERR_NOMEM. The eight best of a slot have shares; others 0.
 * Source:  discounted Thompson sampling (ALGORITHMS 6.1), from posteriors half as wide as they are
 *          (Chapelle and Li 2011, who find that this loses less while days are few). The prior is
 *          empirical Bayes: a creative's rate is its slot's times a gamma factor, whose strength is
 *          the account's by maximum likelihood, so that a new creative begins as the others are
 *          known to differ.
 */
int qbid_creatives_rotate(const struct qbid_creatives *creatives,
                          const struct qbid_account *account, double floor_share, int64_t now_s,
                          struct qbid_plan *plan);

#endif
