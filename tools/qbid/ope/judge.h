/* SPDX-License-Identifier: Apache-2.0 */
/* From logged bids to samples of an off-policy estimate, with a model of the other half's rewards.
 */
#ifndef QBID_TOOLS_QBID_OPE_JUDGE_H
#define QBID_TOOLS_QBID_OPE_JUDGE_H

#include "control/models/ope.h"
#include "tools/qbid/ope/policy.h"

/* Bids, or with `creatives` impressions: whose random choice is judged. */
struct qbid_ope_question {
    const struct qbid_ope_log *log;
    enum qbid_ope_reward reward;
    struct qbid_ope_params params;
    bool creatives;
};

struct qbid_ope_answer {
    struct qbid_ope ope;
    uint64_t rowless;    /* bids whose Q row is not in the log: left out */
    uint64_t choiceless; /* bids that had one action alone: left out */
    double unsupported;  /* share of what the policy would do that the log never could */
};

/**
 * Judge one policy.
 *
 * The model of doubly robust estimates is the mean reward, by size, of a state and action (of a
 * line item and creative), shrunk to the action's and to all; each half of the bids, by their
 * nonce, is told by the other.
 *
 * Returns: 0 and *ret_answer; NOMEM; INVAL for a policy that is not one of bids, or of creatives,
 *          with why.
 */
int qbid_ope_judge(const struct qbid_ope_question *question, const struct qbid_ope_policy *policy,
                   struct qbid_ope_answer *ret_answer, char why[QBID_OPE_WHY_MAX]);

#endif
