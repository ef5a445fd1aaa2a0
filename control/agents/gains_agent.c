/* SPDX-License-Identifier: Apache-2.0 */
/* The state between two runs: the random stream, and what was proposed lately. */
#include "control/agents/gains_agent.h"

#include <stdlib.h>

#include "control/models/random.h"
#include "shm/error.h"

struct qbid_gains_agent {
    const struct qbid_gains_kind *kind;
    struct qbid_gains_params params;
    struct qbid_random random;
    struct qbid_gains_memory memory;
};

int qbid_gains_agent_new(const struct qbid_gains_kind *kind, const struct qbid_gains_params *params,
                         struct qbid_gains_agent **ret_agent)
{
    if (!params->store || !params->dictionary ||
        !(params->confidence >= 0 && params->confidence <= 1))
        return QBID_ERR_INVAL;
    struct qbid_gains_agent *agent = calloc(1, sizeof *agent);
    if (!agent)
        return QBID_ERR_NOMEM;
    agent->kind = kind;
    agent->params = *params;
    agent->random = qbid_random_init(params->seed);
    *ret_agent = agent;
    return 0;
}

void qbid_gains_agent_free(struct qbid_gains_agent *agent)
{
    free(agent);
}

static int propose(void *state, const struct qbid_agent_inputs *inputs, qbid_agent_take_fn *give,
                   void *give_context)
{
    struct qbid_gains_agent *a = state;
    struct qbid_gains_search search = {.inputs = inputs,
                                       .store = a->params.store,
                                       .dictionary = a->params.dictionary,
                                       .random = &a->random,
                                       .memory = &a->memory,
                                       .again_s = a->params.again_s,
                                       .confidence = a->params.confidence,
                                       .give = give,
                                       .give_context = give_context};
    return a->kind->find(&search);
}

struct qbid_agent qbid_gains_agent_of(struct qbid_gains_agent *agent)
{
    return (struct qbid_agent){.name = agent->kind->name,
                               .period_ns = agent->kind->period_ns,
                               .propose = propose,
                               .state = agent};
}
