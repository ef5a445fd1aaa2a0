/* SPDX-License-Identifier: Apache-2.0 */
/* Agents in qbidd: when they run, on what, and where their proposals go. */
#include "control/crew.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/agents/budget.h"
#include "control/executor/executor_engine.h"
#include "shm/clock.h"
#include "shm/error.h"

struct qbid_crew {
    const struct qbid_config *config;
    struct qbid_engine *engine;
    struct qbid_log *log;
    struct qbid_scheduler scheduler;
    struct qbid_budget_agent *budget; /* NULL = not wanted */
    struct qbid_monitor *monitor;     /* the same */
    char said[QBID_SCHEDULER_AGENTS_MAX][QBID_SCHEDULER_WHY_MAX];
};

static uint64_t thread_ns(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * QBID_NS_PER_S + (uint64_t)now.tv_nsec;
}

static int take(void *context, const struct qbid_proposal *proposal)
{
    struct qbid_crew *crew = context;
    char why[QBID_EXECUTOR_WHY_MAX] = "";
    struct qbid_executor executor = qbid_executor_of(crew->engine, crew->config);
    struct qbid_executor_call call = {
        .unix_ns = qbid_clock_unix_ns(), .actor = proposal->agent, .why = "", .refusal = why};
    bool fresh;
    int err = qbid_executor_propose(&executor, &call, proposal, &fresh);
    if (err)
        qbid_log_write(crew->log, QBID_LOG_WARNING, "agent %s: %s", proposal->agent, why);
    return err;
}

static int budget_add(struct qbid_crew *crew, uint64_t now_ns)
{
    const struct qbid_config *config = crew->config;
    struct qbid_budget_agent_params params = {.trust = config->agents.trust,
                                              .change_min = config->agents.change_min,
                                              .confidence = config->agents.confidence,
                                              .again_s = (uint32_t)config->agents.again_s,
                                              .floor = config->agents.floor,
                                              .seed = config->seed,
                                              .past = qbid_store_load_hours,
                                              .store = qbid_engine_store(crew->engine)};
    int err = qbid_budget_agent_new(&params, &crew->budget);
    if (err)
        return err;
    struct qbid_agent agent = qbid_budget_agent_of(crew->budget);
    return qbid_scheduler_add(&crew->scheduler, &agent, now_ns);
}

/* The monitor raises alarms; it proposes nothing. */
static int watch(void *state, const struct qbid_agent_inputs *inputs, qbid_agent_take_fn *give,
                 void *give_context)
{
    struct qbid_crew *crew = state;
    char text[QBID_MONITOR_TEXT_MAX];
    (void)give;
    (void)give_context;
    int raised = qbid_monitor_tick(crew->monitor, inputs->account, qbid_engine_store(crew->engine),
                                   inputs->unix_s);
    for (int i = raised; i-- > 0;) {
        const struct qbid_monitor_alarm *alarm = qbid_monitor_alarm(crew->monitor, (uint32_t)i);
        if (alarm == NULL)
            continue;
        qbid_monitor_say(alarm, text);
        qbid_log_write(crew->log, QBID_LOG_WARNING, "monitor: %s", text);
    }
    return raised < 0 ? raised : 0;
}

static int monitor_add(struct qbid_crew *crew, uint64_t now_ns)
{
    int err = qbid_monitor_new(&crew->monitor);
    if (err)
        return err;
    struct qbid_agent agent = {"monitor", QBID_MONITOR_PERIOD_NS, watch, crew};
    return qbid_scheduler_add(&crew->scheduler, &agent, now_ns);
}

int qbid_crew_new(const struct qbid_config *config, struct qbid_engine *engine,
                  struct qbid_log *log, uint64_t now_ns, struct qbid_crew **ret_crew)
{
    struct qbid_crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL)
        return QBID_ERR_NOMEM;
    crew->config = config;
    crew->engine = engine;
    crew->log = log;
    struct qbid_scheduler_params params = {config->agents.duty, thread_ns, NULL, take, crew};
    int err = qbid_scheduler_init(&crew->scheduler, &params);
    if (!err && config->agents.budget)
        err = budget_add(crew, now_ns);
    if (!err && config->agents.monitor)
        err = monitor_add(crew, now_ns);
    if (err)
        qbid_crew_free(crew);
    else
        *ret_crew = crew;
    return err;
}

void qbid_crew_free(struct qbid_crew *crew)
{
    if (crew == NULL)
        return;
    qbid_budget_agent_free(crew->budget);
    qbid_monitor_free(crew->monitor);
    free(crew);
}

const struct qbid_monitor *qbid_crew_monitor(const struct qbid_crew *crew)
{
    return crew->monitor;
}

int qbid_crew_tick(struct qbid_crew *crew, uint64_t now_ns, int64_t unix_s)
{
    struct qbid_agent_inputs inputs = {.account = qbid_engine_account(crew->engine),
                                       .snapshot = qbid_engine_snapshot(crew->engine),
                                       .now_ns = now_ns,
                                       .unix_s = unix_s};
    int ran = qbid_scheduler_tick(&crew->scheduler, &inputs);
    for (uint32_t i = 0; i < crew->scheduler.cnt; i++) {
        const struct qbid_scheduler_status *status = &crew->scheduler.status[i];
        if (strcmp(status->why, crew->said[i]) == 0)
            continue;
        memcpy(crew->said[i], status->why, sizeof crew->said[i]);
        qbid_log_write(crew->log, QBID_LOG_WARNING, "agent %s: %s", status->name, status->why);
    }
    return ran;
}
