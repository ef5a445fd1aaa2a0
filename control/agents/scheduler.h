/* SPDX-License-Identifier: Apache-2.0 */
/* Runs agents at their periods, on real or simulated time, and holds back those that take too much
 * of it. */
#ifndef QBID_CONTROL_AGENTS_SCHEDULER_H
#define QBID_CONTROL_AGENTS_SCHEDULER_H

#include <stdint.h>

#include "control/agents/agent.h"

#define QBID_SCHEDULER_AGENTS_MAX 16
#define QBID_SCHEDULER_STRETCH_MAX 64 /* most by which a period is lengthened */
#define QBID_SCHEDULER_WHY_MAX 192

struct qbid_scheduler_params {
    double duty_max; /* share of the time that one agent may take, in (0, 1] */
    uint64_t (*spent_ns)(
        void *context); /* CPU time or any clock: what a run took is the difference */
    void *spent_context;
    qbid_agent_take_fn *take;
    void *take_context;
};

struct qbid_scheduler_status {
    const char *name;
    uint64_t period_ns;
    uint64_t due_ns; /* when it runs next */
    uint64_t runs, failures;
    uint64_t missed;    /* runs that a late tick left out */
    uint64_t proposals; /* taken */
    uint64_t refused;   /* by who takes them */
    uint64_t broken;    /* failed qbid_proposal_check() */
    uint64_t spent_ns;  /* in all */
    uint64_t longest_ns;
    uint32_t
        stretch; /* times its period: doubled by a run above its duty, halved by one far below */
    char why[QBID_SCHEDULER_WHY_MAX]; /* the last thing that went wrong */
};

struct qbid_scheduler {
    struct qbid_scheduler_params params;
    struct qbid_agent agent[QBID_SCHEDULER_AGENTS_MAX];
    struct qbid_scheduler_status status[QBID_SCHEDULER_AGENTS_MAX];
    uint32_t cnt;
};

/** QBID_ERR_INVAL for a duty outside (0, 1] or a missing function. */
int qbid_scheduler_init(struct qbid_scheduler *scheduler,
                        const struct qbid_scheduler_params *params);

/** Add an agent; it first runs a period after now. QBID_ERR_INVAL for no name, no period or a name
 *  that is there; QBID_ERR_FULL. */
int qbid_scheduler_add(struct qbid_scheduler *scheduler, const struct qbid_agent *agent,
                       uint64_t now_ns);

/**
 * Run what is due, the longest due first, each once.
 *
 * Returns: how many ran. An agent that fails keeps its turn next time; what a late tick left out is
 *          counted, not made up for.
 * Threads: one.
 */
int qbid_scheduler_tick(struct qbid_scheduler *scheduler, const struct qbid_agent_inputs *inputs);

/** When the next agent is due; UINT64_MAX without agents. */
uint64_t qbid_scheduler_due_ns(const struct qbid_scheduler *scheduler);

#endif
