/* SPDX-License-Identifier: Apache-2.0 */
/* Agents in qbidd: when they run, on what, and where their proposals go. */
#include "control/crew.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/agents/budget.h"
#include "control/agents/creative.h"
#include "control/agents/schedule.h"
#include "control/agents/synthesiser.h"
#include "control/executor/executor_engine.h"
#include "control/learn/pacing/response.h"
#include "control/records/attribution.h"
#include "control/records/overlaps.h"
#include "control/records/recorder.h"
#include "control/rules/rules.h"
#include "control/store/store_proposals.h"
#include "control/store/store_records.h"
#include "shm/clock.h"
#include "shm/error.h"

#define DAY_S 86400
#define GAINS_MAX 3     /* synthesiser, schedule, creative */
#define OVERLAPS_S 3600 /* between two measurements of audiences */

struct qbid_crew {
    const struct qbid_config *config;
    struct qbid_engine *engine;
    struct qbid_log *log;
    struct qbid_scheduler scheduler;
    struct qbid_budget_agent *budget; /* NULL = not wanted */
    struct qbid_monitor *monitor;     /* the same */
    struct qbid_gains_agent *gains[GAINS_MAX];
    uint32_t gains_cnt;
    struct qbid_rules *rules;                                       /* the same */
    struct qbid_scheduler_status before[QBID_SCHEDULER_AGENTS_MAX]; /* at the last tick's end */
    int64_t born_unix_s;                                            /* of the first record */
    int64_t overlaps_unix_s;                                        /* measured last */
    uint64_t convs_refused;                                         /* told so far */
    uint32_t *held;                                                 /* campaigns, ascending */
    uint32_t held_cnt, held_max;
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

static bool response(const void *learner, uint32_t campaign_id, double *ret_exponent)
{
    return qbid_learner_response(learner, campaign_id, ret_exponent);
}

/* What the executor would refuse is not recommended. */
static double trust_of(const struct qbid_config *config)
{
    double trust = config->agents.trust;
    if (config->execution.item_change > 0)
        trust = fmin(trust, config->execution.item_change);
    if (config->execution.day_change > 0)
        trust = fmin(trust, config->execution.day_change);
    return trust;
}

static int budget_add(struct qbid_crew *crew, uint64_t now_ns)
{
    const struct qbid_config *config = crew->config;
    struct qbid_budget_agent_params params = {.trust = trust_of(config),
                                              .change_min = config->agents.change_min,
                                              .confidence = config->agents.confidence,
                                              .again_s = (uint32_t)config->agents.again_s,
                                              .floor = config->agents.floor,
                                              .seed = config->seed,
                                              .past = qbid_store_load_hours,
                                              .prior = qbid_patterns_prior,
                                              .tell = qbid_patterns_see,
                                              .store = qbid_engine_store(crew->engine),
                                              .response = response,
                                              .response_context =
                                                  qbid_engine_learner(crew->engine)};
    int err = qbid_budget_agent_new(&params, &crew->budget);
    if (err)
        return err;
    struct qbid_agent agent = qbid_budget_agent_of(crew->budget);
    return qbid_scheduler_add(&crew->scheduler, &agent, now_ns);
}

/* One that looks for gains. */
static int gains_add(struct qbid_crew *crew, const struct qbid_gains_kind *kind, uint64_t now_ns)
{
    const struct qbid_config *config = crew->config;
    struct qbid_gains_params params = {.store = qbid_engine_store(crew->engine),
                                       .dictionary = qbid_engine_dictionary(crew->engine),
                                       .confidence = config->agents.confidence,
                                       .again_s = (uint32_t)config->agents.again_s,
                                       .seed = config->seed};
    int err = qbid_gains_agent_new(kind, &params, &crew->gains[crew->gains_cnt]);
    if (err)
        return err;
    struct qbid_agent agent = qbid_gains_agent_of(crew->gains[crew->gains_cnt++]);
    return qbid_scheduler_add(&crew->scheduler, &agent, now_ns);
}

/* An alarm among the insights: qbidd forgets its list when it ends. */
static int alarm_keep(struct qbid_crew *crew, const struct qbid_account *account,
                      const struct qbid_monitor_alarm *alarm, const char *text)
{
    const struct qbid_campaign_def *campaign = qbid_account_campaign(account, alarm->campaign_id);
    struct qbid_store_insight row = {.tenant = campaign ? campaign->tenant_id : 0,
                                     .campaign = alarm->campaign_id,
                                     .kind = "alarm",
                                     .metric = qbid_monitor_metric_name(alarm->metric),
                                     .last_unix_s = alarm->to_unix_s,
                                     .seen = alarm->seen,
                                     .against = alarm->expected,
                                     .confidence = 1 - alarm->verdict.tail,
                                     .text = text};
    return qbid_store_see_insight(qbid_engine_store(crew->engine), &row, alarm->from_unix_s);
}

/* The monitor raises alarms; it proposes nothing. */
static int watch(void *state, const struct qbid_agent_inputs *inputs, qbid_agent_take_fn *give,
                 void *give_context)
{
    struct qbid_crew *crew = state;
    char text[QBID_MONITOR_TEXT_MAX];
    int err = 0;
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
        if (crew->config->agents.records && !err)
            err = alarm_keep(crew, inputs->account, alarm, text);
    }
    return raised < 0 ? raised : err;
}

static int monitor_add(struct qbid_crew *crew, uint64_t now_ns)
{
    int err = qbid_monitor_new(&crew->monitor);
    if (err)
        return err;
    struct qbid_agent agent = {"monitor", QBID_MONITOR_PERIOD_NS, watch, crew};
    return qbid_scheduler_add(&crew->scheduler, &agent, now_ns);
}

static int rules_judge(void *state, const struct qbid_agent_inputs *inputs,
                       qbid_agent_take_fn *give, void *give_context)
{
    struct qbid_crew *crew = state;
    int fired = qbid_rules_tick(crew->rules, inputs->account, qbid_engine_store(crew->engine),
                                inputs->unix_s, give, give_context);
    if (fired > 0)
        qbid_log_write(crew->log, QBID_LOG_INFO, "rules: %d fired", fired);
    return fired < 0 ? fired : 0;
}

static int rules_add(struct qbid_crew *crew, uint64_t now_ns)
{
    int err = qbid_rules_new(&crew->rules);
    if (err)
        return err;
    struct qbid_agent agent = {"rules", crew->config->agents.rules_s * QBID_NS_PER_S, rules_judge,
                               crew};
    return qbid_scheduler_add(&crew->scheduler, &agent, now_ns);
}

static int attribution_record(struct qbid_crew *crew, const struct qbid_agent_inputs *inputs)
{
    const struct qbid_attribution_params params = {crew->config->event_ttl_ms,
                                                   crew->config->notice_ttl_ms};
    uint64_t refused =
        qbid_ingest_counters_load(qbid_engine_ingest_stage(crew->engine)).convs_refused;
    int r = qbid_attribution_record(qbid_engine_store(crew->engine), inputs->account,
                                    inputs->snapshot, qbid_engine_learner(crew->engine), &params,
                                    refused - crew->convs_refused, inputs->unix_s);
    if (r >= 0)
        crew->convs_refused = refused;
    return r;
}

/* Windows begin anew with qbidd. */
static int overlaps_record(struct qbid_crew *crew, const struct qbid_agent_inputs *inputs)
{
    if (crew->born_unix_s == 0)
        crew->born_unix_s = inputs->unix_s - (int64_t)(QBID_RECORDER_PERIOD_NS / QBID_NS_PER_S);
    if (inputs->unix_s < crew->overlaps_unix_s + OVERLAPS_S)
        return 0;
    int64_t from = inputs->unix_s - DAY_S;
    struct qbid_overlaps_inputs in = {inputs->account,
                                      inputs->snapshot,
                                      qbid_engine_dictionary(crew->engine),
                                      inputs->now_ns,
                                      from > crew->born_unix_s ? from : crew->born_unix_s,
                                      inputs->unix_s};
    int r = qbid_overlaps_record(qbid_engine_store(crew->engine), &in);
    if (r >= 0)
        crew->overlaps_unix_s = inputs->unix_s;
    return r;
}

static int record(void *state, const struct qbid_agent_inputs *inputs, qbid_agent_take_fn *give,
                  void *give_context)
{
    struct qbid_crew *crew = state;
    struct qbid_store *store = qbid_engine_store(crew->engine);
    (void)give;
    (void)give_context;
    int err = qbid_store_begin(store);
    if (err)
        return err;
    int r = qbid_recorder_models(store, inputs->account,
                                 qbid_learner_learned(qbid_engine_learner(crew->engine)),
                                 inputs->unix_s);
    if (r >= 0)
        r = qbid_recorder_insights(store, inputs->account, inputs->snapshot, inputs->now_ns,
                                   inputs->unix_s);
    if (r >= 0)
        r = attribution_record(crew, inputs);
    if (r >= 0)
        r = overlaps_record(crew, inputs);
    return qbid_store_end(store, r < 0 ? r : 0);
}

static int recorder_add(struct qbid_crew *crew, uint64_t now_ns)
{
    struct qbid_agent agent = {"recorder", QBID_RECORDER_PERIOD_NS, record, crew};
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
    if (!err && config->agents.synthesiser)
        err = gains_add(crew, &qbid_synthesiser_kind, now_ns);
    if (!err && config->agents.schedule)
        err = gains_add(crew, &qbid_schedule_kind, now_ns);
    if (!err && config->agents.creative)
        err = gains_add(crew, &qbid_creative_kind, now_ns);
    if (!err && config->agents.rules)
        err = rules_add(crew, now_ns);
    if (!err && config->agents.records)
        err = recorder_add(crew, now_ns);
    memcpy(crew->before, crew->scheduler.status, sizeof crew->before);
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
    for (uint32_t i = 0; i < crew->gains_cnt; i++)
        qbid_gains_agent_free(crew->gains[i]);
    qbid_rules_free(crew->rules);
    free(crew->held);
    free(crew);
}

const struct qbid_monitor *qbid_crew_monitor(const struct qbid_crew *crew)
{
    return crew->monitor;
}

static int held_take(void *context, const struct qbid_store_hold *hold)
{
    struct qbid_crew *crew = context;
    if (hold->item != QBID_ITEM_CAMPAIGN)
        return 0;
    if (crew->held_cnt == crew->held_max) {
        uint32_t max = crew->held_max ? 2 * crew->held_max : 16;
        uint32_t *more = realloc(crew->held, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        crew->held = more;
        crew->held_max = max;
    }
    crew->held[crew->held_cnt++] = hold->item_id;
    return 0;
}

/* Without the store's answer the last one stays: what is held is refused later on all the same. */
static void held_load(struct qbid_crew *crew)
{
    uint32_t before = crew->held_cnt;
    crew->held_cnt = 0;
    if (qbid_store_load_holds(qbid_engine_store(crew->engine), held_take, crew) != 0 &&
        crew->held_cnt < before)
        crew->held_cnt = before;
}

/* Cycles since the last tick, one of an agent at most, as rows. */
static void runs_keep(struct qbid_crew *crew, int64_t unix_s)
{
    struct qbid_store *store = qbid_engine_store(crew->engine);
    int err = qbid_store_begin(store);
    if (err)
        return; /* whoever has something to write says that the store is down */
    for (uint32_t i = 0; i < crew->scheduler.cnt && !err; i++) {
        const struct qbid_scheduler_status *now = &crew->scheduler.status[i];
        const struct qbid_scheduler_status *before = &crew->before[i];
        struct qbid_store_run run = {.agent = now->name,
                                     .unix_ns = (uint64_t)unix_s * QBID_NS_PER_S,
                                     .spent_ns = now->spent_ns - before->spent_ns,
                                     .proposals = now->proposals - before->proposals,
                                     .refused = now->refused - before->refused + now->broken -
                                                before->broken,
                                     .outcome = now->failures > before->failures ? now->why : "ok"};
        if (now->runs > before->runs)
            err = qbid_store_add_run(store, &run);
    }
    if (qbid_store_end(store, err) == 0)
        memcpy(crew->before, crew->scheduler.status, sizeof crew->before);
}

int qbid_crew_tick(struct qbid_crew *crew, uint64_t now_ns, int64_t unix_s)
{
    if (qbid_scheduler_due_ns(&crew->scheduler) <= now_ns)
        held_load(crew);
    struct qbid_agent_inputs inputs = {.account = qbid_engine_account(crew->engine),
                                       .snapshot = qbid_engine_snapshot(crew->engine),
                                       .now_ns = now_ns,
                                       .unix_s = unix_s,
                                       .held = crew->held,
                                       .held_cnt = crew->held_cnt};
    int ran = qbid_scheduler_tick(&crew->scheduler, &inputs);
    if (ran > 0 && crew->config->agents.records)
        runs_keep(crew, unix_s);
    for (uint32_t i = 0; i < crew->scheduler.cnt; i++) {
        const struct qbid_scheduler_status *status = &crew->scheduler.status[i];
        if (strcmp(status->why, crew->said[i]) == 0)
            continue;
        memcpy(crew->said[i], status->why, sizeof crew->said[i]);
        qbid_log_write(crew->log, QBID_LOG_WARNING, "agent %s: %s", status->name, status->why);
    }
    return ran;
}
