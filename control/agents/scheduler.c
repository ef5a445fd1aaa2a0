/* SPDX-License-Identifier: Apache-2.0 */
/* Periods, order, and the duty-cycle watchdog of agents. */
#include "control/agents/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "shm/error.h"

#define EASY 4 /* a run that takes less than its duty by this much lets the period come back */

int qbid_scheduler_init(struct qbid_scheduler *scheduler,
                        const struct qbid_scheduler_params *params)
{
    if (!(params->duty_max > 0 && params->duty_max <= 1) || !params->spent_ns || !params->take)
        return QBID_ERR_INVAL;
    *scheduler = (struct qbid_scheduler){.params = *params};
    return 0;
}

int qbid_scheduler_add(struct qbid_scheduler *scheduler, const struct qbid_agent *agent,
                       uint64_t now_ns)
{
    if (!agent->name || !agent->name[0] || strlen(agent->name) >= QBID_PROPOSAL_AGENT_MAX ||
        !agent->propose || agent->period_ns == 0)
        return QBID_ERR_INVAL;
    for (uint32_t i = 0; i < scheduler->cnt; i++)
        if (strcmp(scheduler->agent[i].name, agent->name) == 0)
            return QBID_ERR_INVAL;
    if (scheduler->cnt == QBID_SCHEDULER_AGENTS_MAX)
        return QBID_ERR_FULL;
    scheduler->agent[scheduler->cnt] = *agent;
    scheduler->status[scheduler->cnt++] =
        (struct qbid_scheduler_status){.name = agent->name,
                                       .period_ns = agent->period_ns,
                                       .due_ns = now_ns + agent->period_ns,
                                       .stretch = 1};
    return 0;
}

/* Between an agent and who takes its proposals. */
struct gate {
    struct qbid_scheduler *scheduler;
    struct qbid_scheduler_status *status;
};

static int gate_take(void *context, const struct qbid_proposal *proposal)
{
    struct gate *gate = context;
    char why[QBID_PROPOSAL_WHY_MAX] = "";
    if (qbid_proposal_check(proposal, why)) {
        gate->status->broken++;
        snprintf(gate->status->why, QBID_SCHEDULER_WHY_MAX, "proposal: %s", why);
        return QBID_ERR_INVAL;
    }
    int err = gate->scheduler->params.take(gate->scheduler->params.take_context, proposal);
    gate->status->proposals += err == 0;
    gate->status->refused += err != 0;
    return err;
}

/* The period that keeps an agent of this appetite within its duty, within bounds. */
static void watch(struct qbid_scheduler *scheduler, struct qbid_scheduler_status *status,
                  uint64_t spent_ns)
{
    double duty = (double)spent_ns / ((double)status->period_ns * status->stretch);
    status->spent_ns += spent_ns;
    status->longest_ns = spent_ns > status->longest_ns ? spent_ns : status->longest_ns;
    if (duty > scheduler->params.duty_max && status->stretch < QBID_SCHEDULER_STRETCH_MAX) {
        status->stretch *= 2;
        snprintf(status->why, QBID_SCHEDULER_WHY_MAX,
                 "a run took %.3f s, more than %g of its time: period x %u",
                 (double)spent_ns * 1e-9, scheduler->params.duty_max, status->stretch);
    } else if (duty * EASY < scheduler->params.duty_max && status->stretch > 1) {
        status->stretch /= 2;
    }
}

static void run(struct qbid_scheduler *scheduler, uint32_t i,
                const struct qbid_agent_inputs *inputs)
{
    struct qbid_scheduler_status *status = &scheduler->status[i];
    struct gate gate = {scheduler, status};
    uint64_t before = scheduler->params.spent_ns(scheduler->params.spent_context);
    int err = scheduler->agent[i].propose(scheduler->agent[i].state, inputs, gate_take, &gate);
    uint64_t after = scheduler->params.spent_ns(scheduler->params.spent_context);
    status->runs++;
    if (err) {
        status->failures++;
        snprintf(status->why, QBID_SCHEDULER_WHY_MAX, "propose: %s", qbid_strerror(err));
    }
    watch(scheduler, status, after > before ? after - before : 0);
    uint64_t step = status->period_ns * status->stretch;
    uint64_t late = (inputs->now_ns - status->due_ns) / step;
    status->missed += late;
    status->due_ns += (late + 1) * step;
}

static uint32_t first_due(const struct qbid_scheduler *scheduler)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < scheduler->cnt; i++)
        if (scheduler->status[i].due_ns < scheduler->status[first].due_ns)
            first = i;
    return first;
}

int qbid_scheduler_tick(struct qbid_scheduler *scheduler, const struct qbid_agent_inputs *inputs)
{
    int ran = 0;
    while (scheduler->cnt && qbid_scheduler_due_ns(scheduler) <= inputs->now_ns) {
        run(scheduler, first_due(scheduler), inputs);
        ran++;
    }
    return ran;
}

uint64_t qbid_scheduler_due_ns(const struct qbid_scheduler *scheduler)
{
    return scheduler->cnt ? scheduler->status[first_due(scheduler)].due_ns : UINT64_MAX;
}

bool qbid_agent_held(const struct qbid_agent_inputs *inputs, uint32_t campaign_id)
{
    uint32_t low = 0, high = inputs->held_cnt;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (inputs->held[middle] < campaign_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < inputs->held_cnt && inputs->held[low] == campaign_id;
}
