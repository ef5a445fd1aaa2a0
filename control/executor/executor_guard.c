/* SPDX-License-Identifier: Apache-2.0 */
/* What is watched after an execution: click and conversion rate of the campaigns that it touched. A
 * false alarm in either, over all the time that an execution is watched: limits.guard_error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/executor/executor.h"
#include "control/executor/executor_parts.h"
#include "control/executor/fall.h"
#include "control/store/store_records.h"
#include "shm/error.h"
#include "shm/units.h"

#define METRICS 2 /* of each campaign */
#define WHY_MAX 160
#define WARNING_METRIC_MAX 40

static const char *const metric_name[METRICS] = {"ctr", "cvr"};

void qbid_executor_metric(const struct qbid_stats *stats, const char *metric, uint64_t *ret_trials,
                          uint64_t *ret_successes)
{
    *ret_trials = stats->imps;
    *ret_successes = strcmp(metric, metric_name[0]) == 0 ? stats->clicks : stats->convs;
}

static int campaign_guard(const struct qbid_executor *x, const struct qbid_executor_call *call,
                          const struct qbid_recommendation *r, uint64_t execution)
{
    struct qbid_stats day = x->host.stats(x->host.context, r->campaign, true);
    struct qbid_stats all = x->host.stats(x->host.context, r->campaign, false);
    int err = 0;
    for (int m = 0; m < METRICS && !err; m++) {
        struct qbid_store_guard guard = {.execution = execution,
                                         .tenant = r->tenant,
                                         .campaign = r->campaign,
                                         .unix_ns = call->unix_ns};
        snprintf(guard.metric, sizeof guard.metric, "%s", metric_name[m]);
        qbid_executor_metric(&day, guard.metric, &guard.base_trials, &guard.base_successes);
        qbid_executor_metric(&all, guard.metric, &guard.trials, &guard.successes);
        err = qbid_store_add_guard(x->host.store, &guard);
    }
    return err;
}

int qbid_executor_guards_add(const struct qbid_executor *x, const struct qbid_executor_call *call,
                             const struct qbid_executor_list *list, uint64_t execution)
{
    int err = 0;
    if (!x->host.stats || !(x->limits.guard_error > 0))
        return 0;
    for (uint32_t i = 0; i < list->cnt && !err; i++) {
        bool seen = false;
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = list->item[j].campaign == list->item[i].campaign;
        if (!seen)
            err = campaign_guard(x, call, &list->item[i], execution);
    }
    return err;
}

struct guards {
    struct qbid_store_guard *item;
    uint32_t cnt, max;
};

static int guard_keep(void *context, const struct qbid_store_guard *guard)
{
    struct guards *g = context;
    if (g->cnt == g->max) {
        uint32_t max = g->max ? g->max * 2 : 16;
        struct qbid_store_guard *more = realloc(g->item, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        g->item = more;
        g->max = max;
    }
    g->item[g->cnt++] = *guard;
    return 0;
}

/* Whether one guard's metric has fallen; `together` guards of its execution share the error. */
static bool guard_fell(const struct qbid_executor *x, const struct qbid_store_guard *guard,
                       uint32_t together)
{
    struct qbid_stats all = x->host.stats(x->host.context, guard->campaign, false);
    uint64_t trials, successes;
    qbid_executor_metric(&all, guard->metric, &trials, &successes);
    if (trials < guard->trials || successes < guard->successes)
        return false; /* counts began anew */
    struct qbid_fall fall = {guard->base_trials,     guard->base_successes,
                             trials - guard->trials, successes - guard->successes,
                             x->limits.guard_fall,   x->limits.guard_error / together};
    return qbid_fall_found(&fall);
}

/* --- what should go back, and does not */

struct warning {
    const struct qbid_store_guard *guard;
    char metric[WARNING_METRIC_MAX]; /* of an execution: "rollback 7" */
    bool known;
};

static int warning_see(void *context, const struct qbid_store_insight *insight)
{
    struct warning *w = context;
    w->known = w->known ||
               (insight->campaign == w->guard->campaign && strcmp(insight->metric, w->metric) == 0);
    return 0;
}

/* Whether one is out for a guard already. */
static int warning_find(const struct qbid_executor *x, const struct qbid_store_guard *guard,
                        struct warning *ret)
{
    *ret = (struct warning){.guard = guard};
    snprintf(ret->metric, sizeof ret->metric, QBID_EXECUTOR_WARNING "%" PRIu64, guard->execution);
    return qbid_store_load_insights(x->host.store, (int64_t)(guard->unix_ns / QBID_NS_PER_S),
                                    UINT32_MAX, warning_see, ret);
}

static int warning_save(const struct qbid_executor *x, const struct qbid_executor_call *call,
                        const struct warning *w, const char *text)
{
    const struct qbid_store_guard *guard = w->guard;
    struct qbid_stats all = x->host.stats(x->host.context, guard->campaign, false);
    uint64_t trials, successes;
    qbid_executor_metric(&all, guard->metric, &trials, &successes);
    trials -= guard->trials;
    successes -= guard->successes;
    struct qbid_store_insight insight = {
        .tenant = guard->tenant,
        .campaign = guard->campaign,
        .kind = "warning",
        .metric = w->metric,
        .last_unix_s = (int64_t)(call->unix_ns / QBID_NS_PER_S),
        .seen = trials ? (double)successes / (double)trials : 0,
        .against =
            guard->base_trials ? (double)guard->base_successes / (double)guard->base_trials : 0,
        .confidence = 1 - x->limits.guard_error,
        .text = text};
    return qbid_store_see_insight(x->host.store, &insight,
                                  (int64_t)(guard->unix_ns / QBID_NS_PER_S));
}

/* Once into the audit that it waits, and once that it stays; with the latter the watch ends. */
static int left_save(const struct qbid_executor *x, const struct qbid_executor_call *call,
                     const struct warning *w, bool ends)
{
    char what[80], why[QBID_EXECUTOR_WHY_MAX + WHY_MAX];
    uint64_t execution = w->guard->execution;
    struct qbid_store_cause cause = {call->unix_ns, call->actor, why};
    snprintf(what, sizeof what, "execution %" PRIu64 " %s", execution,
             ends ? "not taken back" : "waits to be taken back");
    snprintf(why, sizeof why, "%s; %s", call->why, call->refusal);
    int err = qbid_store_begin(x->host.store);
    if (err)
        return err;
    err = warning_save(x, call, w, why);
    if (!err && (ends || !w->known))
        err = qbid_store_audit_of(x->host.store, w->guard->tenant, &cause, what, NULL, NULL);
    if (!err && ends)
        err = qbid_store_drop_guards(x->host.store, execution, execution);
    return qbid_store_end(x->host.store, err);
}

static int guard_rollback(const struct qbid_executor *x, const struct qbid_executor_call *call,
                          const struct warning *warning, bool old, int *made)
{
    const struct qbid_store_guard *guard = warning->guard;
    struct qbid_executor_call one = *call;
    char why[WHY_MAX];
    enum qbid_executor_back back;
    snprintf(why, sizeof why,
             "%s of campaign %u fell by more than %.3g %% after execution %" PRIu64, guard->metric,
             guard->campaign, 100 * x->limits.guard_fall, guard->execution);
    one.why = why;
    int err = qbid_executor_take_back(x, &one, guard->execution, &back);
    if (err)
        return err;
    *made += back == QBID_EXECUTOR_BACK_DONE;
    return back == QBID_EXECUTOR_BACK_DONE
               ? 0
               : left_save(x, &one, warning, back == QBID_EXECUTOR_BACK_NEVER || old);
}

/* An execution that was watched long enough: what it did is known now. */
static int finish(const struct qbid_executor *x, const struct qbid_executor_call *call,
                  const struct qbid_store_guard *guards, uint32_t cnt)
{
    int err = qbid_store_begin(x->host.store);
    if (err)
        return err;
    err = qbid_executor_effects_tell(x, call, guards, cnt);
    if (!err)
        err = qbid_store_drop_guards(x->host.store, guards->execution, guards->execution);
    return qbid_store_end(x->host.store, err);
}

/* The guards of one execution, which share the error. */
static int execution_tick(const struct qbid_executor *x, const struct qbid_executor_call *call,
                          const struct qbid_store_guard *guards, uint32_t cnt, int *made)
{
    uint64_t old_ns = call->unix_ns > x->limits.guard_ns ? call->unix_ns - x->limits.guard_ns : 0;
    bool old = guards->unix_ns < old_ns;
    for (uint32_t j = 0; j < cnt; j++) {
        struct warning warning = {.known = false};
        int err = old || guard_fell(x, &guards[j], cnt) ? warning_find(x, &guards[j], &warning) : 0;
        if (err)
            return err;
        if (!warning.guard || (old && !(warning.known && guard_fell(x, &guards[j], cnt))))
            continue;
        err = qbid_executor_effects_tell(x, call, guards, cnt);
        return err ? err : guard_rollback(x, call, &warning, old, made);
    }
    return old ? finish(x, call, guards, cnt) : 0;
}

int qbid_executor_guards_tick(const struct qbid_executor *x, const struct qbid_executor_call *call)
{
    struct guards guards = {0};
    int made = 0;
    if (!x->host.stats || !(x->limits.guard_error > 0))
        return 0;
    int err = qbid_store_load_guards(x->host.store, guard_keep, &guards);
    for (uint32_t i = 0, end; i < guards.cnt && !err; i = end) {
        for (end = i; end < guards.cnt && guards.item[end].execution == guards.item[i].execution;)
            end++;
        err = execution_tick(x, call, &guards.item[i], end - i, &made);
    }
    free(guards.item);
    return err ? err : made;
}
