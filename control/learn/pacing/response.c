/* SPDX-License-Identifier: Apache-2.0 */
/* The response of a campaign, read off the table of its last day. */
#include "control/learn/pacing/response.h"

#include <math.h>

#include "control/learn/state/learner_state.h"

bool qbid_learner_response(const struct qbid_learner *learner, uint32_t campaign_id,
                           double *ret_exponent)
{
    const struct qbid_campaigns *campaigns = &learner->campaigns;
    uint32_t at = qbid_keymap_find(&campaigns->map, 0, campaign_id);
    if (at == QBID_KEYMAP_NONE)
        return false;
    const struct qbid_campaign_state *state = &campaigns->state[at];
    const struct qbid_resolving *table = &state->market.table;
    double alpha = state->pacing.pace;
    if (!(state->market.weight > 0) || !(alpha > 0))
        return false;
    double spend = qbid_resolving_spend(table, alpha), worth = qbid_resolving_worth(table, alpha);
    if (!(spend > 0) || !(worth > 0))
        return false;
    *ret_exponent = fmin(spend / (alpha * worth), 1);
    return true;
}
