/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that look for gains: what differs between them is what they search. */
#ifndef QBID_CONTROL_AGENTS_GAINS_AGENT_H
#define QBID_CONTROL_AGENTS_GAINS_AGENT_H

#include "control/agents/gains.h"

/* One of them: creative.h, schedule.h, synthesiser.h. */
struct qbid_gains_kind {
    const char *name; /* < QBID_PROPOSAL_AGENT_MAX bytes */
    uint64_t period_ns;
    int (*find)(const struct qbid_gains_search *search); /* one run */
};

struct qbid_gains_params {
    struct qbid_store *store; /* of the library, and of days */
    const struct qbid_dictionary *dictionary;
    double confidence; /* probability of a gain from which a proposal may be auto_execute */
    uint32_t again_s;  /* until what nobody acted on is proposed again */
    uint64_t seed;
};

struct qbid_gains_agent; /* opaque */

/** kind lives as long as the agent. QBID_ERR_INVAL for a missing store or dictionary or a
 * confidence out of range; NOMEM. */
int qbid_gains_agent_new(const struct qbid_gains_kind *kind, const struct qbid_gains_params *params,
                         struct qbid_gains_agent **ret_agent);
void qbid_gains_agent_free(struct qbid_gains_agent *agent);

/** As an agent of its period; lives as long as its state. */
struct qbid_agent qbid_gains_agent_of(struct qbid_gains_agent *agent);

#endif
