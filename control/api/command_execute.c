/* SPDX-License-Identifier: Apache-2.0 */
/* recommend, apply, rollback, executions, hold: what is proposed, what was done, and the way back.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/money.h"
#include "control/api/command.h"
#include "control/api/json_proposal.h"
#include "control/executor/executor_engine.h"
#include "shm/error.h"

#define LIST_PRESET 50
#define WORDS_MAX 200

/* Everything that a command of this file needs to call the executor. */
struct calling {
    struct qbid_executor executor;
    struct qbid_executor_call call;
    char why[WORDS_MAX];
    char refusal[QBID_EXECUTOR_WHY_MAX];
};

static void calling_init(struct calling *calling, const struct qbid_command *c)
{
    const char *why = qbid_json_text(c->request, "why");
    calling->executor = qbid_executor_of(c->engine, c->commands->config);
    snprintf(calling->why, sizeof calling->why, "%s", why ? why : "");
    calling->refusal[0] = '\0';
    calling->call = (struct qbid_executor_call){.unix_ns = c->unix_ns,
                                                .actor = c->actor,
                                                .why = calling->why,
                                                .dry_run = qbid_json_flag(c->request, "dry_run", 0),
                                                .tenant = c->principal.tenant,
                                                .refusal = calling->refusal};
    cJSON_AddBoolToObject(c->answer, "dry_run", calling->call.dry_run);
}

static int refused(struct qbid_command *c, const struct calling *calling, int err)
{
    return qbid_command_fail(c, err, "%s",
                             *calling->refusal ? calling->refusal : qbid_strerror(err));
}

/* "00c0ffee00c0ffee", an id as answers have it. */
static int id_read(struct qbid_command *c, uint64_t *ret_id)
{
    const char *text = qbid_json_text(c->request, "id");
    char *end = NULL;
    *ret_id =
        text && *text && strlen(text) <= 16 && strspn(text, "0123456789abcdef") == strlen(text)
            ? strtoull(text, &end, 16)
            : 0;
    return *ret_id
               ? 0
               : qbid_command_fail(c, QBID_ERR_INVAL,
                                   "id is a recommendation's, 1 to 16 digits and letters a to f");
}

static int item_of(const char *name)
{
    for (int kind = 0; name && kind < QBID_ITEM_CNT; kind++)
        if (strcmp(name, qbid_item_kind_name((enum qbid_item_kind)kind)) == 0)
            return kind;
    return -1;
}

/* --- recommend */

static void time_add(cJSON *to, const char *name, int64_t unix_s)
{
    qbid_json_unix_ns(to, name, unix_s > 0 ? (uint64_t)unix_s * UINT64_C(1000000000) : 0);
}

static int recommendation_add(void *context, const struct qbid_recommendation *r)
{
    const struct qbid_proposal *p = &r->proposal;
    cJSON *to = qbid_json_row(context);
    qbid_json_proposal(to, p);
    cJSON_AddStringToObject(to, "status", qbid_recommendation_status_name(r->status));
    cJSON_AddStringToObject(to, "type", qbid_proposal_type_name(p->type));
    cJSON_AddNumberToObject(to, "tenant", r->tenant);
    cJSON_AddNumberToObject(to, "campaign", r->campaign);
    qbid_json_nanos(to, "money_at_stake", r->money_nanos);
    qbid_json_nanos(to, "expected_impact", p->impact.mean_nanos);
    qbid_json_nanos(to, "impact_low", p->impact.low_nanos);
    qbid_json_nanos(to, "impact_high", p->impact.high_nanos);
    qbid_json_nanos(to, "impact_loss", p->impact.loss_nanos);
    cJSON_AddNumberToObject(to, "confidence", p->confidence);
    cJSON_AddStringToObject(to, "reason", p->reason);
    time_add(to, "evidence_from", p->evidence_from_unix_s);
    time_add(to, "evidence_to", p->evidence_to_unix_s);
    cJSON_AddStringToObject(to, "agent", p->agent);
    if (p->group)
        qbid_json_hex(to, "group", p->group);
    cJSON_AddStringToObject(to, "proposer", r->proposer);
    qbid_json_unix_ns(to, "proposed", r->unix_ns);
    if (*r->decider) {
        cJSON_AddStringToObject(to, "decider", r->decider);
        qbid_json_unix_ns(to, "decided", r->decided_unix_ns);
    }
    if (r->execution)
        qbid_json_count(to, "execution", r->execution);
    return 0;
}

static int recommend_list(struct qbid_command *c, uint64_t id)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    const char *status = qbid_json_text(c->request, "status");
    struct qbid_recommendation_filter filter = {
        .id = id, .status = -1, .max = qbid_command_max(c, LIST_PRESET)};
    if (status && (filter.status = qbid_recommendation_status_of(status)) < 0)
        return qbid_command_fail(c, QBID_ERR_INVAL,
                                 "status '%.40s' is none of pending, approved, rejected, expired, "
                                 "applied, rolled_back, superseded",
                                 status);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "recommendations");
    int err = qbid_store_load_recommendations(store, &filter, recommendation_add, list);
    if (err)
        return qbid_command_fail_store(c, err);
    return id && cJSON_GetArraySize(list) == 0
               ? qbid_command_fail(c, QBID_ERR_NOENT, "there is no recommendation %016llx",
                                   (unsigned long long)id)
               : 0;
}

/* A number of the request; NaN when it is there and is none. */
static double real_of(const struct qbid_command *c, const char *name, double preset)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(c->request, name);
    return !item ? preset : cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static int money_of(struct qbid_command *c, const char *name, int64_t *ret_nanos)
{
    const char *text = qbid_json_text(c->request, name);
    *ret_nanos = 0;
    if (!cJSON_GetObjectItemCaseSensitive(c->request, name))
        return 0;
    return text && qbid_money_parse(text, strlen(text), ret_nanos) == 0
               ? 0
               : qbid_command_fail(c, QBID_ERR_INVAL, "%s is money as a text, like \"12.50\"",
                                   name);
}

static enum qbid_proposal_type type_of(const char *field)
{
    static const char *const bids[] = {"floor",   "ceiling",  "target",      "cap_cpc",
                                       "cap_cpa", "min_roas", "order_value", "max_change"};
    static const char *const budgets[] = {"budget", "daily_budget", "spend_floor"};
    static const char *const times[] = {"start", "end", "hours", "time_zone", "pacing", "period"};
    for (size_t i = 0; i < sizeof bids / sizeof bids[0]; i++)
        if (strcmp(field, bids[i]) == 0)
            return QBID_PROPOSAL_BID;
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++)
        if (strcmp(field, budgets[i]) == 0)
            return QBID_PROPOSAL_BUDGET;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (strcmp(field, times[i]) == 0)
            return QBID_PROPOSAL_SCHEDULE;
    return QBID_PROPOSAL_TARGETING;
}

/* The present value is what the account says. */
static int current_fill(struct qbid_command *c, struct qbid_proposal *p)
{
    const struct qbid_account *a = c->account;
    const struct qbid_field *field = qbid_fields_find(p->item, p->field);
    const void *item =
        p->item == QBID_ITEM_CAMPAIGN    ? (const void *)qbid_account_campaign(a, p->item_id)
        : p->item == QBID_ITEM_LINE_ITEM ? (const void *)qbid_account_line_item(a, p->item_id)
                                         : (const void *)qbid_account_creative(a, p->item_id);
    if (!field)
        return qbid_command_fail(c, QBID_ERR_INVAL, "field '%s' is not one of a %s", p->field,
                                 qbid_item_kind_name(p->item));
    if (!item)
        return qbid_command_fail(c, QBID_ERR_NOENT, "there is no %s %u",
                                 qbid_item_kind_name(p->item), p->item_id);
    char *text = qbid_field_text(field, item);
    int err = !text ? QBID_ERR_NOMEM : strlen(text) >= sizeof p->current ? QBID_ERR_LIMIT : 0;
    if (!err)
        strcpy(p->current, text);
    free(text);
    return err;
}

static int proposal_read(struct qbid_command *c, struct qbid_proposal *p)
{
    const char *field = qbid_json_text(c->request, "field");
    const char *value = qbid_json_text(c->request, "value");
    const char *reason = qbid_json_text(c->request, "reason");
    int item = item_of(qbid_json_text(c->request, "item"));
    int64_t id = qbid_json_whole(c->request, "item_id");
    if (item < 0 || id < 1 || id > UINT32_MAX || !field || !value || !reason)
        return qbid_command_fail(c, QBID_ERR_INVAL,
                                 "item (campaign, line_item, creative), item_id, field, value and "
                                 "reason are needed");
    if (strlen(field) >= sizeof p->field || strlen(value) >= sizeof p->recommended ||
        strlen(reason) >= sizeof p->reason)
        return qbid_command_fail(c, QBID_ERR_INVAL, "field, value or reason is too long");
    *p = (struct qbid_proposal){.item = (enum qbid_item_kind)item, .item_id = (uint32_t)id};
    strcpy(p->field, field);
    strcpy(p->recommended, value);
    strcpy(p->reason, reason);
    strcpy(p->agent, "operator");
    p->type = type_of(field);
    p->confidence = real_of(c, "confidence", 0.5);
    p->risk = real_of(c, "risk", 0.5);
    p->priority = real_of(c, "priority", 1);
    p->evidence_from_unix_s = p->evidence_to_unix_s = (int64_t)(c->unix_ns / 1000000000);
    int err = money_of(c, "impact", &p->impact.mean_nanos);
    if (!err)
        err = money_of(c, "loss", &p->impact.loss_nanos);
    p->impact.low_nanos = p->impact.high_nanos = p->impact.mean_nanos;
    if (!err)
        err = current_fill(c, p);
    p->id = qbid_proposal_id(p);
    return err;
}

static int recommend_add(struct qbid_command *c, struct calling *calling)
{
    struct qbid_proposal *proposal = calloc(1, sizeof *proposal);
    bool fresh = false;
    int err = proposal ? proposal_read(c, proposal) : QBID_ERR_NOMEM;
    if (!err) {
        err = qbid_executor_propose(&calling->executor, &calling->call, proposal, &fresh);
        if (err)
            refused(c, calling, err);
    }
    if (!err) {
        qbid_json_hex(c->answer, "id", proposal->id);
        cJSON_AddBoolToObject(c->answer, "new", fresh);
    }
    free(proposal);
    return err;
}

int qbid_command_recommend(struct qbid_command *c)
{
    const char *verb = qbid_json_text(c->request, "verb");
    struct calling calling;
    uint64_t id = 0;
    if (!verb || strcmp(verb, "list") == 0)
        return recommend_list(c, 0);
    bool show = strcmp(verb, "show") == 0, approve = strcmp(verb, "approve") == 0;
    bool add = strcmp(verb, "add") == 0;
    if (!show && !approve && !add && strcmp(verb, "reject") != 0)
        return qbid_command_fail(c, QBID_ERR_INVAL,
                                 "verb '%.40s' is none of list, show, add, approve, reject", verb);
    int err = add ? 0 : id_read(c, &id);
    if (err || show)
        return err ? err : recommend_list(c, id);
    calling_init(&calling, c);
    if (add)
        return recommend_add(c, &calling);
    err = qbid_executor_decide(&calling.executor, &calling.call, id, approve);
    if (err)
        return refused(c, &calling, err);
    qbid_json_hex(c->answer, "id", id);
    cJSON_AddStringToObject(c->answer, "status", approve ? "approved" : "rejected");
    return 0;
}

/* --- apply, rollback */

static int effect_tell(struct qbid_command *c, const struct calling *calling,
                       struct qbid_executor_effect *effect)
{
    struct qbid_engine_counters e = qbid_engine_counters_load(c->engine);
    qbid_json_nanos(c->answer, "budgets_before", effect->budgets_before);
    qbid_json_nanos(c->answer, "budgets_after", effect->budgets_after);
    qbid_json_nanos(c->answer, "money_at_stake", effect->money_nanos);
    qbid_command_diff(c, &effect->diff);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "recommendations");
    for (uint32_t i = 0; i < effect->id_cnt; i++) {
        char id[24];
        snprintf(id, sizeof id, "%016llx", (unsigned long long)effect->id[i]);
        cJSON_AddItemToArray(list, cJSON_CreateString(id));
    }
    cJSON_AddNumberToObject(c->answer, "left_inactive", effect->inactive);
    cJSON_AddNumberToObject(c->answer, "moved_back", effect->moved);
    cJSON_AddNumberToObject(c->answer, "kept", effect->kept);
    qbid_json_count(c->answer, "execution", effect->execution);
    cJSON_AddBoolToObject(c->answer, "applied",
                          !calling->call.dry_run && effect->execution > 0 &&
                              effect->diff.change_cnt > 0);
    qbid_json_count(c->answer, "generation", e.gen);
    if (!calling->call.dry_run && e.last_publish_error)
        cJSON_AddStringToObject(c->answer, "publish_error", qbid_strerror(e.last_publish_error));
    qbid_executor_effect_done(effect);
    return 0;
}

int qbid_command_apply(struct qbid_command *c)
{
    struct qbid_executor_effect *effect = calloc(1, sizeof *effect);
    struct qbid_choice choice = {0};
    struct calling calling;
    bool plan = !cJSON_GetObjectItemCaseSensitive(c->request, "id");
    uint64_t id = 0;
    int err = !effect ? QBID_ERR_NOMEM : plan ? 0 : id_read(c, &id);
    if (!err) {
        calling_init(&calling, c);
        err = plan ? qbid_executor_plan(&calling.executor, &calling.call, effect, &choice)
                   : qbid_executor_apply(&calling.executor, &calling.call, id, effect);
        if (err)
            refused(c, &calling, err);
        else
            effect_tell(c, &calling, effect);
    }
    if (!err && plan) {
        qbid_json_nanos(c->answer, "expected_impact", choice.gain_nanos);
        qbid_json_nanos(c->answer, "impact_loss", choice.risk_nanos);
        cJSON_AddBoolToObject(c->answer, "best", choice.exact);
    }
    free(effect);
    return err;
}

int qbid_command_rollback(struct qbid_command *c)
{
    struct qbid_executor_effect *effect = calloc(1, sizeof *effect);
    struct calling calling;
    int64_t from = qbid_json_whole(c->request, "execution");
    uint64_t until = qbid_json_flag(c->request, "only", 0) ? (uint64_t)from : UINT32_MAX;
    int err = !effect ? QBID_ERR_NOMEM : 0;
    if (!err && (from < 1 || from > UINT32_MAX))
        err = qbid_command_fail(c, QBID_ERR_INVAL, "execution is the number of one");
    if (!err) {
        calling_init(&calling, c);
        err =
            qbid_executor_rollback(&calling.executor, &calling.call, (uint64_t)from, until, effect);
        if (err)
            refused(c, &calling, err);
        else
            effect_tell(c, &calling, effect);
    }
    free(effect);
    return err;
}

/* --- executions */

static int execution_add(void *context, const struct qbid_store_execution *e)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_count(to, "id", e->id);
    qbid_json_unix_ns(to, "time", e->unix_ns);
    cJSON_AddStringToObject(to, "kind", e->kind);
    cJSON_AddNumberToObject(to, "tenant", e->tenant);
    cJSON_AddStringToObject(to, "actor", e->actor);
    cJSON_AddStringToObject(to, "why", e->why);
    qbid_json_count(to, "generation", e->gen);
    qbid_json_count(to, "undone_by", e->undone_by);
    return 0;
}

/* As a file would hold it; of what is no field of an item, as the store has it. */
static void value_add(cJSON *to, const char *name, const struct qbid_field *field,
                      const char *stored)
{
    char *text = field ? qbid_field_stored_text(field, stored) : NULL;
    cJSON_AddStringToObject(to, name, text ? text : stored);
    free(text);
}

static int change_add(void *context, const struct qbid_store_execution_change *change)
{
    int kind = item_of(change->item);
    const struct qbid_field *field =
        kind < 0 ? NULL : qbid_fields_find((enum qbid_item_kind)kind, change->field);
    cJSON *to = qbid_json_row(context);
    cJSON_AddStringToObject(to, "item", change->item);
    cJSON_AddNumberToObject(to, "id", change->item_id);
    cJSON_AddStringToObject(to, "field", *change->field ? change->field : "(added)");
    value_add(to, "before", field, change->before);
    value_add(to, "after", field, change->after);
    return 0;
}

int qbid_command_executions(struct qbid_command *c)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    int64_t id = qbid_json_whole(c->request, "id");
    cJSON *list = cJSON_AddArrayToObject(c->answer, "executions");
    int err = qbid_store_load_executions(store, id > 0 ? (uint64_t)id : 0,
                                         qbid_command_max(c, LIST_PRESET), execution_add, list);
    if (!err && id > 0 && cJSON_GetArraySize(list) == 0)
        return qbid_command_fail(c, QBID_ERR_NOENT, "there is no execution %lld", (long long)id);
    if (!err && id > 0)
        err = qbid_store_load_execution_changes(store, (uint64_t)id, change_add,
                                                cJSON_AddArrayToObject(c->answer, "changes"));
    return qbid_command_fail_store(c, err);
}

/* --- hold */

static int hold_add(void *context, const struct qbid_store_hold *hold)
{
    cJSON *to = qbid_json_row(context);
    cJSON_AddStringToObject(to, "item", qbid_item_kind_name(hold->item));
    cJSON_AddNumberToObject(to, "id", hold->item_id);
    cJSON_AddStringToObject(to, "actor", hold->actor);
    qbid_json_unix_ns(to, "time", hold->unix_ns);
    cJSON_AddStringToObject(to, "why", hold->why);
    return 0;
}

int qbid_command_hold(struct qbid_command *c)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    const char *verb = qbid_json_text(c->request, "verb");
    int item = item_of(qbid_json_text(c->request, "item"));
    int64_t id = qbid_json_whole(c->request, "id");
    struct calling calling;
    int err = 0;
    bool on = verb && strcmp(verb, "on") == 0, off = verb && strcmp(verb, "off") == 0;
    if (verb && !on && !off && strcmp(verb, "list") != 0)
        return qbid_command_fail(c, QBID_ERR_INVAL, "verb '%.40s' is none of list, on, off", verb);
    if (on || off) {
        if (item < 0 || id < 1 || id > UINT32_MAX)
            return qbid_command_fail(c, QBID_ERR_INVAL,
                                     "item (campaign, line_item, creative) and id are needed");
        calling_init(&calling, c);
        err = qbid_executor_hold(&calling.executor, &calling.call, (enum qbid_item_kind)item,
                                 (uint32_t)id, on);
        if (err)
            return refused(c, &calling, err);
    }
    err = qbid_store_load_holds(store, hold_add, cJSON_AddArrayToObject(c->answer, "holds"));
    return qbid_command_fail_store(c, err);
}
