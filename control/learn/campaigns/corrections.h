/* SPDX-License-Identifier: Apache-2.0 */
/* The learned correction in the learner: blocks of campaigns drawn for it or for the pacer alone,
 * their rewards, and the step that is served. */
#ifndef QBID_CONTROL_LEARN_CAMPAIGNS_CORRECTIONS_H
#define QBID_CONTROL_LEARN_CAMPAIGNS_CORRECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/models/qlearning/correction.h"
#include "control/models/qlearning/guard.h"
#include "control/models/random.h"

/* A block lasts so long, or QBID_CORRECTIONS_BLOCK_PERIODS control periods if that is longer: what
 * was won late by notices then matters little. */
#define QBID_CORRECTIONS_BLOCK_NS UINT64_C(300000000000)
#define QBID_CORRECTIONS_BLOCK_PERIODS 15

struct qbid_corrections {
    struct qbid_correction_table *table; /* owned; NULL = off */
    struct qbid_guard guard;
    struct qbid_random random;
    uint64_t faults; /* steps refused */
    bool dirty;      /* the guard has changed since the last save */
};

/* Of one campaign. A block's reward is what it won, at a slow mean of the campaign's own
 * multiplier, less what it cost, by auction and in parts of the wanted spend: the same price of
 * budget for both arms, so that an arm gains nothing by spending what the other will lack. */
struct qbid_campaign_correction {
    struct qbid_correction_memory memory;
    double step_lg;    /* in force; 0 = the pacer alone */
    uint64_t block_ns; /* when the block began, 0 = there is none */
    int corrected;
    double share; /* of blocks that were corrected when it was drawn */
    double predicted_nanos, billed_nanos, rho_nanos; /* at its beginning */
    uint64_t bids;
    double alpha_lg; /* slow mean of log2 of the pacer's multiplier */
    double usual;    /* mean reward of this campaign's blocks */
    uint32_t blocks;
};

struct qbid_campaign_state;

/**
 * Take a table (copied), or NULL to go without; the guard begins anew.
 *
 * Returns: 0, also for a table that is stale: it stays off, the guard says why;
 *          QBID_ERR_VERSION, QBID_ERR_CORRUPT, QBID_ERR_NOMEM: nothing has changed.
 */
int qbid_corrections_take(struct qbid_corrections *corrections,
                          const struct qbid_correction_table *table, int64_t now_unix_s);
void qbid_corrections_done(struct qbid_corrections *corrections);

/** A new flight: the block ends without a reward. */
void qbid_corrections_begin(struct qbid_campaign_state *state);

/** The multiplier in force: the pacer's with the step. */
double qbid_corrections_pace(const struct qbid_pacing_params *params,
                             const struct qbid_campaign_state *state);

/** After a step of the pacer: end and begin blocks, find the step until the next one. A broken or
 *  stale table serves no further period. */
void qbid_corrections_step(struct qbid_corrections *corrections, struct qbid_campaign_state *state,
                           const struct qbid_pacing_in *in, uint64_t period_ns, uint64_t now_ns,
                           int64_t now_unix_s);

#endif
