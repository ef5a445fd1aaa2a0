/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule that fired would do: one field of the campaign, as a proposal for the executor.
 *
 *     bid      the target of goals that bid in proportion to it (target_cpc, target_cpa,
 *              fixed_cpm; of target_roas the inverse); of other goals a multiplier over the pacer
 *              for 24 hours (control/account/written/override.h), that of this rule changed further
 *     budget   the campaign's budget
 *     pause    active: false
 *
 * Its expected gain is the part of a day's spend that the condition says is misplaced and the
 * change moves: min(change, |1 - ratio|) x spend. A false firing would misplace change x spend.
 */
#ifndef QBID_CONTROL_RULES_RULE_ACT_H
#define QBID_CONTROL_RULES_RULE_ACT_H

#include "control/agents/proposal.h"
#include "control/rules/rule_judge.h"

#define QBID_RULE_LEAST 0.001 /* a change below that share is none */

/** "41 clicks of 60000 impressions since 2026-11-29T00:00:00Z, 60.2 at the threshold; by chance
 * below 0.001". */
void qbid_rule_explain(const struct qbid_rule *rule, const struct qbid_rule_verdict *verdict,
                       char out[QBID_PROPOSAL_REASON_MAX]);

/**
 * The proposal.
 *
 * Shapes:  change = share that the number changes by, the rule's or what its limit of a day leaves.
 * Returns: 0; QBID_ERR_INVAL with why when the campaign's state leaves nothing to propose.
 */
int qbid_rule_act(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                  const struct qbid_rule_verdict *verdict, double change,
                  struct qbid_proposal *ret_proposal, char why[QBID_RULE_WHY_MAX]);

#endif
