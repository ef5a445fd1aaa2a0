/* SPDX-License-Identifier: Apache-2.0 */
/* POST execute: a recommendation to the executor, and what became of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/json.h"
#include "control/executor/executor_engine.h"
#include "control/executor/executor_parts.h"
#include "control/http/operations.h"
#include "shm/error.h"

enum outcome { EXECUTED, SIMULATED, APPROVAL_REQUIRED, REFUSED };

static const char *const outcome_names[] = {"executed", "simulated", "approval_required",
                                            "refused"};

struct executing {
    struct qbid_executor executor;
    struct qbid_executor_call call;
    struct qbid_executor_effect effect;
    enum outcome outcome;
    char refusal[QBID_EXECUTOR_WHY_MAX];
    char message[QBID_EXECUTOR_WHY_MAX];
};

/* The words of an error that is the client's or ours, not the executor's verdict. */
static bool refuse(struct qbid_operation *o, const struct executing *e, int err)
{
    const char *words = *e->refusal ? e->refusal : qbid_strerror(err);
    if (err == QBID_ERR_NOENT)
        qbid_refuse(&o->refusal, 404, "%.300s", words);
    else if (err == QBID_ERR_INVAL || err == QBID_ERR_PARSE)
        qbid_refuse_field(&o->refusal, "recommendation", "%.300s", words);
    else
        qbid_refuse(&o->refusal, 503, "%.300s", words);
    return false;
}

/* Whether the executor judged, and how. */
static bool judged(struct executing *e, int err)
{
    if (err == QBID_ERR_DENIED)
        e->outcome = APPROVAL_REQUIRED;
    else if (err == QBID_ERR_LIMIT || err == QBID_ERR_BUSY || err == QBID_ERR_STALE ||
             err == QBID_ERR_INVAL)
        e->outcome = REFUSED;
    else
        return false;
    snprintf(e->message, sizeof e->message, "%s", *e->refusal ? e->refusal : qbid_strerror(err));
    return true;
}

static bool campaign_check(struct qbid_operation *o)
{
    const struct qbid_execute_request *r = &o->job->request.execute;
    const struct qbid_campaign_def *campaign =
        qbid_executor_campaign(o->account, r->proposal.item, r->proposal.item_id);
    if (!campaign)
        qbid_refuse(&o->refusal, 404, "there is no %s %u", qbid_item_kind_name(r->proposal.item),
                    r->proposal.item_id);
    else if (campaign->id != r->campaign_id)
        qbid_refuse_field(&o->refusal, "recommendation.campaign_id", "is not that of %s %u",
                          qbid_item_kind_name(r->proposal.item), r->proposal.item_id);
    return o->refusal.status == 0;
}

/* Take it in and apply it. A dry run does both and takes back what it wrote. */
static bool execute(struct qbid_operation *o, struct executing *e)
{
    const struct qbid_proposal *p = &o->job->request.execute.proposal;
    struct qbid_store *store = e->executor.host.store;
    bool fresh, dry_run = o->job->request.execute.dry_run;
    int err = dry_run ? qbid_store_begin(store) : 0;
    if (err) {
        snprintf(e->refusal, sizeof e->refusal, "%s", qbid_store_why(store));
        return refuse(o, e, err);
    }
    bool proposed = false;
    err = qbid_executor_propose(&e->executor, &e->call, p, &fresh);
    if (!err) {
        proposed = true;
        e->call.dry_run = dry_run;
        err = qbid_executor_apply(&e->executor, &e->call, p->id, &e->effect);
    }
    if (dry_run)
        qbid_store_end(store, QBID_ERR_STALE); /* any error: nothing of it stays */
    e->outcome = dry_run ? SIMULATED : EXECUTED;
    if (!err)
        return true;
    /* what cannot be proposed for another reason than a value that changed is no recommendation */
    return (proposed || err == QBID_ERR_STALE) && judged(e, err) ? true : refuse(o, e, err);
}

/* "+5 %" of two numbers, else what was put in the place of what. */
static void change_format(const struct qbid_proposal *p, char *out, size_t size)
{
    char *end, *end2;
    double before = strtod(p->current, &end), after = strtod(p->recommended, &end2);
    if (end != p->current && !*end && end2 != p->recommended && !*end2 && before > 0)
        snprintf(out, size, "%+.4g %%", 100 * (after / before - 1));
    else
        snprintf(out, size, "%.100s -> %.100s", p->current, p->recommended);
}

static void changes_add(cJSON *answer, const struct qbid_proposal *p, bool changed)
{
    char name[QBID_PROPOSAL_FIELD_MAX + 8], change[256];
    if (!changed) {
        cJSON_AddNullToObject(answer, "changes_applied");
        return;
    }
    cJSON *to = cJSON_AddObjectToObject(answer, "changes_applied");
    cJSON_AddStringToObject(to, "type", qbid_proposal_type_name(p->type));
    cJSON_AddStringToObject(to, "item", qbid_item_kind_name(p->item));
    cJSON_AddNumberToObject(to, "item_id", p->item_id);
    snprintf(name, sizeof name, "old_%s", p->field);
    cJSON_AddStringToObject(to, name, p->current);
    snprintf(name, sizeof name, "new_%s", p->field);
    cJSON_AddStringToObject(to, name, p->recommended);
    change_format(p, change, sizeof change);
    cJSON_AddStringToObject(to, "change", change);
}

static cJSON *answer_make(const struct qbid_operation *o, const struct executing *e)
{
    const struct qbid_execute_request *r = &o->job->request.execute;
    const struct qbid_proposal *p = &r->proposal;
    bool changed = e->outcome == EXECUTED || e->outcome == SIMULATED;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddBoolToObject(answer, "success", changed);
    cJSON_AddStringToObject(answer, "status", outcome_names[e->outcome]);
    cJSON_AddStringToObject(answer, "message", e->message);
    qbid_json_hex(answer, "recommendation_id", p->id);
    cJSON_AddNumberToObject(answer, "campaign_id", r->campaign_id);
    changes_add(answer, p, changed);
    cJSON *impact = cJSON_AddObjectToObject(answer, "expected_impact");
    qbid_json_nanos(impact, "mean", p->impact.mean_nanos);
    qbid_json_nanos(impact, "low", p->impact.low_nanos);
    qbid_json_nanos(impact, "high", p->impact.high_nanos);
    qbid_json_nanos(impact, "loss", p->impact.loss_nanos);
    if (e->effect.execution)
        qbid_json_count(answer, "execution", e->effect.execution);
    qbid_json_unix_ns(answer, "timestamp", o->unix_ns);
    return answer;
}

cJSON *qbid_operation_execute(struct qbid_operation *o)
{
    struct executing *e = calloc(1, sizeof *e);
    if (!e) {
        qbid_refuse(&o->refusal, 503, "out of memory");
        return NULL;
    }
    e->executor = qbid_executor_of(o->operations->engine, o->operations->config);
    e->call = (struct qbid_executor_call){.unix_ns = o->unix_ns,
                                          .actor = o->job->principal.actor,
                                          .why = "POST /api/v1/optimization/execute",
                                          .tenant = o->job->principal.tenant,
                                          .refusal = e->refusal};
    bool done = campaign_check(o) && execute(o, e);
    if (done && e->outcome == EXECUTED)
        snprintf(e->message, sizeof e->message, "%s as execution %llu",
                 e->effect.diff.change_cnt ? "applied" : "applied before",
                 (unsigned long long)e->effect.execution);
    else if (done && e->outcome == SIMULATED)
        snprintf(e->message, sizeof e->message,
                 "dry run: it would be applied; nothing was changed");
    cJSON *answer = done ? answer_make(o, e) : NULL;
    qbid_executor_effect_done(&e->effect);
    free(e);
    return answer;
}
