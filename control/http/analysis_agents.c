/* SPDX-License-Identifier: Apache-2.0 */
/* What agents look for in all campaigns, looked for in this one: the same functions, now. */
#include <stdio.h>
#include <string.h>

#include "control/agents/creative.h"
#include "control/agents/schedule.h"
#include "control/agents/synthesiser_propose.h"
#include "control/http/analysis_parts.h"
#include "shm/error.h"

struct taking {
    const struct qbid_analysis_input *input;
    struct qbid_analysis *analysis;
    double spend; /* of the campaign's last day */
};

/* A proposal of this campaign as advice. Another value than a number puts the whole budget at
 * stake, as the executor has it. */
static int take(void *context, const struct qbid_proposal *proposal)
{
    struct taking *t = context;
    const struct qbid_account *account = t->input->account;
    const struct qbid_creative_def *creative =
        proposal->item == QBID_ITEM_CREATIVE ? qbid_account_creative(account, proposal->item_id)
                                             : NULL;
    const struct qbid_line_item_def *item =
        qbid_account_line_item(account, creative ? creative->line_item_id : proposal->item_id);
    if (!item || item->campaign_id != t->input->campaign->id)
        return 0;
    struct qbid_advice *advice = qbid_analysis_add(t->analysis);
    if (!advice)
        return 0;
    struct qbid_proposal *p = &advice->proposal;
    *p = *proposal;
    snprintf(p->agent, sizeof p->agent, QBID_HTTP_AGENT);
    p->auto_execute = false;
    p->id = qbid_proposal_id(p);
    advice->revenue_nanos = advice->net_nanos = p->impact.mean_nanos;
    advice->moved_nanos = t->input->campaign->budget_nanos;
    advice->roas = t->spend > 0 ? (double)p->impact.mean_nanos / t->spend : 0;
    advice->partial = true;
    return 0;
}

static int targeting_find(const struct qbid_gains_search *search)
{
    struct qbid_synthesiser_cells cells;
    int err =
        qbid_synthesiser_cells_new(search->inputs->account, search->inputs->snapshot, 0, &cells);
    if (err)
        return err;
    err = qbid_synthesiser_propose(search, &cells);
    qbid_synthesiser_cells_done(&cells);
    return err;
}

int qbid_analysis_agents(const struct qbid_analysis_input *input, struct qbid_random *random,
                         struct qbid_analysis *analysis)
{
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = input->campaign->id};
    struct qbid_agent_inputs in = {.account = input->account,
                                   .snapshot = input->snapshot,
                                   .now_ns = input->now_ns,
                                   .unix_s = input->unix_s};
    struct taking taking = {
        input, analysis,
        (double)qbid_snapshot_query(input->snapshot, key, QBID_WINDOW_24H, input->now_ns)
            .spend_nanos};
    struct qbid_gains_search search = {.inputs = &in,
                                       .store = input->agent.store,
                                       .dictionary = input->dictionary,
                                       .random = random,
                                       .campaign_id = input->campaign->id,
                                       .confidence = input->agent.confidence,
                                       .give = take,
                                       .give_context = &taking};
    if (!input->agent.store || !input->dictionary)
        return 0;
    int err = qbid_schedule_find(&search);
    if (!err)
        err = qbid_creative_find(&search);
    return err ? err : targeting_find(&search);
}
