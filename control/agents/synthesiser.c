/* SPDX-License-Identifier: Apache-2.0 */
/* The synthesiser as an agent: cells, library, proposals. */
#include "control/agents/synthesiser.h"

#include <stdlib.h>

#include "control/agents/synthesiser_propose.h"
#include "shm/error.h"

struct qbid_synthesiser {
    struct qbid_synthesiser_params params;
    struct qbid_random random;
    struct qbid_gains_memory memory;
};

int qbid_synthesiser_new(const struct qbid_synthesiser_params *params,
                         struct qbid_synthesiser **ret_synthesiser)
{
    if (!params->store || !params->dictionary ||
        !(params->confidence >= 0 && params->confidence <= 1))
        return QBID_ERR_INVAL;
    struct qbid_synthesiser *synthesiser = calloc(1, sizeof *synthesiser);
    if (!synthesiser)
        return QBID_ERR_NOMEM;
    synthesiser->params = *params;
    synthesiser->random = qbid_random_init(params->seed);
    *ret_synthesiser = synthesiser;
    return 0;
}

void qbid_synthesiser_free(struct qbid_synthesiser *synthesiser)
{
    free(synthesiser);
}

static int propose(void *state, const struct qbid_agent_inputs *inputs, qbid_agent_take_fn *give,
                   void *give_context)
{
    struct qbid_synthesiser *s = state;
    struct qbid_synthesiser_cells cells;
    int err = qbid_synthesiser_cells_new(inputs->account, inputs->snapshot, 0, &cells);
    if (err)
        return err;
    struct qbid_synthesiser_proposing proposing = {&s->params, inputs, &cells,      &s->memory,
                                                   &s->random, give,   give_context};
    err = qbid_synthesiser_tell(&s->params, &cells, inputs->unix_s);
    if (!err)
        err = qbid_synthesiser_propose(&proposing);
    qbid_synthesiser_cells_done(&cells);
    return err;
}

struct qbid_agent qbid_synthesiser_of(struct qbid_synthesiser *synthesiser)
{
    return (struct qbid_agent){.name = "synthesiser",
                               .period_ns = QBID_SYNTHESISER_PERIOD_NS,
                               .propose = propose,
                               .state = synthesiser};
}
