/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent is: a name, a period, and a function from what is known to proposals. */
#ifndef QBID_CONTROL_AGENTS_AGENT_H
#define QBID_CONTROL_AGENTS_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/agents/proposal.h"
#include "control/snapshot/snapshot.h"

/* Everything that an agent may look at; valid during the call. */
struct qbid_agent_inputs {
    const struct qbid_account *account;
    const struct qbid_snapshot *snapshot;
    uint64_t now_ns; /* the snapshot's clock */
    int64_t unix_s;
    const uint32_t *held; /* campaigns that an operator holds, ascending: nothing of theirs may be
                             proposed */
    uint32_t held_cnt;
};

/** Whether a campaign is held. Cost: binary search. */
bool qbid_agent_held(const struct qbid_agent_inputs *inputs, uint32_t campaign_id);

/** Takes a checked proposal. Non-zero: it was refused, which the agent need not know. */
typedef int qbid_agent_take_fn(void *context, const struct qbid_proposal *proposal);

/** Hands over proposals by give(); returns 0 or an error that is counted. May block no one: its
 * time is measured. */
typedef int qbid_agent_propose_fn(void *state, const struct qbid_agent_inputs *inputs,
                                  qbid_agent_take_fn *give, void *give_context);

struct qbid_agent {
    const char *name; /* < QBID_PROPOSAL_AGENT_MAX bytes, static */
    uint64_t period_ns;
    qbid_agent_propose_fn *propose;
    void *state;
};

#endif
