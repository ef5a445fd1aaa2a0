/* SPDX-License-Identifier: Apache-2.0 */
/* Applying and taking back: each one execution, in one transaction with all that belongs to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/view.h"
#include "control/executor/executor.h"
#include "control/executor/executor_parts.h"
#include "shm/error.h"
#include "shm/units.h"

#define WHAT_MAX 80
#define DAY_NS (UINT64_C(86400) * UINT64_C(1000000000))

void qbid_executor_effect_done(struct qbid_executor_effect *effect)
{
    qbid_diff_done(&effect->diff);
}

/* What is done in the transaction of an execution. */
struct deed {
    const struct qbid_executor *x;
    const struct qbid_executor_call *call;
    const struct qbid_executor_list *list; /* applied, NULL in a rollback */
    uint64_t from, until;                  /* taken back */
    uint64_t execution;                    /* known from then on */
};

static int applied_save(struct deed *deed, const struct qbid_recommendation *r)
{
    struct qbid_store *store = deed->x->host.store;
    struct qbid_store_cause cause = {deed->call->unix_ns, deed->call->actor, r->proposal.reason};
    char what[WHAT_MAX];
    snprintf(what, sizeof what, "recommendation %016llx applied",
             (unsigned long long)r->proposal.id);
    int err =
        qbid_store_set_recommendation(store, r->proposal.id, QBID_RECOMMENDATION_APPLIED,
                                      deed->call->actor, deed->call->unix_ns, deed->execution);
    return err ? err
               : qbid_store_audit_of(store, r->tenant, &cause, what,
                                     qbid_recommendation_status_name(r->status), "applied");
}

static int apply_also(void *context, uint64_t execution)
{
    struct deed *deed = context;
    int err = qbid_store_execution_kind(deed->x->host.store, execution, "recommendation");
    deed->execution = execution;
    for (uint32_t i = 0; i < deed->list->cnt && !err; i++)
        err = applied_save(deed, &deed->list->item[i]);
    return err ? err : qbid_executor_guards_add(deed->x, deed->call, deed->list, execution);
}

static int rollback_also(void *context, uint64_t execution)
{
    struct deed *deed = context;
    struct qbid_store *store = deed->x->host.store;
    struct qbid_store_cause cause = {deed->call->unix_ns, deed->call->actor, deed->call->why};
    char what[WHAT_MAX];
    deed->execution = execution;
    snprintf(what, sizeof what, "executions %llu to %llu taken back",
             (unsigned long long)deed->from,
             (unsigned long long)(deed->until < execution ? deed->until : execution - 1));
    int err = qbid_store_execution_kind(store, execution, "rollback");
    if (!err)
        err = qbid_store_executions_undone(store, deed->from, deed->until, execution);
    if (!err)
        err = qbid_store_undo_recommendations(store, deed->from, deed->until, execution);
    if (!err)
        err = qbid_store_drop_guards(store, deed->from, deed->until);
    return err ? err : qbid_store_audit_of(store, deed->call->tenant, &cause, what, NULL, NULL);
}

/* Compare, and unless it is a dry run bring it to the store and to the engine. Takes next. */
static int next_execute(struct deed *deed, struct qbid_account *next, qbid_store_also_fn *also,
                        struct qbid_executor_effect *effect)
{
    const struct qbid_executor_host *host = &deed->x->host;
    const struct qbid_account *now = host->account(host->context);
    const char *words = *deed->call->why ? deed->call->why
                        : deed->list     ? deed->list->item[0].proposal.agent
                                         : "rollback";
    struct qbid_store_cause cause = {deed->call->unix_ns, deed->call->actor, words};
    effect->budgets_before = qbid_account_budgets(now, deed->call->tenant);
    effect->budgets_after = qbid_account_budgets(next, deed->call->tenant);
    int err = qbid_diff_new(now, next, &effect->diff);
    if (!err && !deed->list)
        err = qbid_executor_back_check(deed->x, deed->call, next, &effect->diff);
    if (!err && !deed->call->dry_run) {
        err = host->execute(host->context, next, &effect->diff, &cause, also, deed,
                            deed->call->refusal);
        effect->execution = deed->execution;
    }
    qbid_account_done(next);
    if (err)
        qbid_executor_effect_done(effect);
    return err;
}

int qbid_executor_run(const struct qbid_executor *x, const struct qbid_executor_call *call,
                      const struct qbid_executor_list *list,
                      struct qbid_executor_effect *ret_effect)
{
    struct qbid_executor_effect effect = {.money_nanos = qbid_executor_money(list)};
    struct deed deed = {.x = x, .call = call, .list = list};
    struct qbid_account next, after;
    int err = qbid_account_copy(x->host.account(x->host.context), &next);
    for (uint32_t i = 0; i < list->cnt && !err; i++) {
        effect.id[effect.id_cnt++] = list->item[i].proposal.id;
        err = qbid_executor_next(&next, &list->item[i].proposal, call->unix_ns, &after,
                                 call->refusal);
        qbid_account_done(&next);
        if (!err)
            next = after;
    }
    if (!err)
        err = next_execute(&deed, &next, apply_also, &effect);
    if (!err)
        *ret_effect = effect;
    return err;
}

static int moved_add(void *context, const struct qbid_recommendation *r)
{
    int64_t *moved_nanos = context;
    *moved_nanos = qbid_add_sat(*moved_nanos, r->money_nanos);
    return 0;
}

int qbid_executor_moved(const struct qbid_executor *x, uint64_t unix_ns, int64_t *ret_nanos)
{
    /* a move of the same time yesterday is over: who moves once a day need not wait longer */
    struct qbid_recommendation_filter filter = {.status = QBID_RECOMMENDATION_APPLIED,
                                                .max = UINT32_MAX,
                                                .decided_since_ns =
                                                    unix_ns >= DAY_NS ? unix_ns - DAY_NS + 1 : 0};
    *ret_nanos = 0;
    return qbid_store_load_recommendations(x->host.store, &filter, moved_add, ret_nanos);
}

/* What is moved today, with this, against the limit. */
static int day_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                     const struct qbid_executor_list *list)
{
    double budgets = (double)qbid_account_budgets(x->host.account(x->host.context), call->tenant);
    int64_t moved = 0;
    if (!(x->limits.day_change > 0))
        return 0;
    int err = qbid_executor_moved(x, call->unix_ns, &moved);
    if (err)
        return qbid_executor_refuse_store(x, call, err);
    double with = (double)moved + (double)qbid_executor_money(list);
    if (with <= x->limits.day_change * budgets)
        return 0;
    return qbid_executor_refuse(call, QBID_ERR_LIMIT,
                                "with it, recommendations would move %.3g %% of the active budgets "
                                "in 24 h; the limit is %.3g %%",
                                budgets > 0 ? 100 * with / budgets : 100,
                                100 * x->limits.day_change);
}

/* Approved, or so small that it need not be. */
static int approval_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                          const struct qbid_executor_list *list)
{
    bool small = qbid_executor_money(list) <= x->limits.four_eyes_nanos;
    for (uint32_t i = 0; i < list->cnt; i++) {
        const struct qbid_recommendation *r = &list->item[i];
        if (r->status == QBID_RECOMMENDATION_APPROVED ||
            (small && r->status == QBID_RECOMMENDATION_PENDING))
            continue;
        if (r->status == QBID_RECOMMENDATION_PENDING)
            return qbid_executor_refuse(call, QBID_ERR_DENIED,
                                        "recommendation %016llx is above the limit of four eyes, "
                                        "and nobody has approved it",
                                        (unsigned long long)r->proposal.id);
        return qbid_executor_refuse(call, QBID_ERR_INVAL, "recommendation %016llx is %s",
                                    (unsigned long long)r->proposal.id,
                                    qbid_recommendation_status_name(r->status));
    }
    return 0;
}

int qbid_executor_apply(const struct qbid_executor *x, const struct qbid_executor_call *call,
                        uint64_t id, struct qbid_executor_effect *ret_effect)
{
    struct qbid_executor_list list = {0};
    int err = qbid_executor_bundle(x, call, id, &list);
    if (!err && list.item[0].status == QBID_RECOMMENDATION_APPLIED) {
        *ret_effect = (struct qbid_executor_effect){.execution = list.item[0].execution};
        free(list.item);
        return 0;
    }
    if (!err)
        err = approval_check(x, call, &list);
    for (uint32_t i = 0; i < list.cnt && !err; i++)
        err = qbid_executor_check(x, call, &list.item[i]);
    if (!err)
        err = day_check(x, call, &list);
    if (!err)
        err = qbid_executor_run(x, call, &list, ret_effect);
    free(list.item);
    return err;
}

/* The account without executions [from, until]; a refusal in call. */
static int way_back(const struct qbid_executor *x, const struct qbid_executor_call *call,
                    const struct deed *deed, bool automatic, struct qbid_account *ret_next,
                    struct qbid_executor_effect *effect)
{
    struct qbid_store_restored restored;
    if (deed->from > deed->until)
        return qbid_executor_refuse(call, QBID_ERR_INVAL, "the last is before the first");
    int err = qbid_account_copy(x->host.account(x->host.context), ret_next);
    if (err)
        return err;
    err = qbid_store_restore(x->host.store, deed->from, deed->until, ret_next, &restored);
    if (err)
        qbid_executor_refuse_store(x, call, err);
    else if (automatic && *restored.by_hand)
        err = qbid_executor_refuse(call, QBID_ERR_DENIED, "%s: a person decides", restored.by_hand);
    if (err) {
        qbid_account_done(ret_next);
        return err;
    }
    effect->inactive = restored.added;
    effect->moved = restored.moved;
    effect->kept = restored.kept;
    return 0;
}

int qbid_executor_rollback(const struct qbid_executor *x, const struct qbid_executor_call *call,
                           uint64_t from, uint64_t until, struct qbid_executor_effect *ret_effect)
{
    struct qbid_executor_effect effect = {0};
    struct deed deed = {.x = x, .call = call, .from = from, .until = until};
    struct qbid_account next;
    int err = way_back(x, call, &deed, false, &next, &effect);
    if (!err)
        err = next_execute(&deed, &next, rollback_also, &effect);
    if (!err)
        *ret_effect = effect;
    return err;
}

int qbid_executor_take_back(const struct qbid_executor *x, const struct qbid_executor_call *call,
                            uint64_t execution, enum qbid_executor_back *ret_back)
{
    struct qbid_executor_effect effect = {0};
    struct deed deed = {.x = x, .call = call, .from = execution, .until = execution};
    struct qbid_account next;
    int err = way_back(x, call, &deed, true, &next, &effect);
    if (!err)
        err = next_execute(&deed, &next, rollback_also, &effect);
    if (!err)
        qbid_executor_effect_done(&effect);
    *ret_back = err == QBID_ERR_BUSY ? QBID_EXECUTOR_BACK_WAITS
                : err == QBID_ERR_DENIED || err == QBID_ERR_STALE || err == QBID_ERR_LIMIT
                    ? QBID_EXECUTOR_BACK_NEVER
                    : QBID_EXECUTOR_BACK_DONE;
    return *ret_back == QBID_EXECUTOR_BACK_DONE ? err : 0;
}
