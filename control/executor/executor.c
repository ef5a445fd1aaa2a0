/* SPDX-License-Identifier: Apache-2.0 */
/* Recommendations come in, are decided on, and items are held. */
#include "control/executor/executor.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "control/account/import/import.h"
#include "control/executor/executor_parts.h"
#include "shm/clock.h"
#include "shm/error.h"

#define WHAT_MAX 80 /* of an audit record */

int qbid_executor_refuse(const struct qbid_executor_call *call, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(call->refusal, QBID_EXECUTOR_WHY_MAX, format, args);
    va_end(args);
    return err;
}

int qbid_executor_refuse_store(const struct qbid_executor *x, const struct qbid_executor_call *call,
                               int err)
{
    return qbid_executor_refuse(call, err, "%s: %s", qbid_strerror(err),
                                qbid_store_why(x->host.store));
}

static int list_add(void *context, const struct qbid_recommendation *r)
{
    struct qbid_executor_list *list = context;
    if (list->cnt == list->max) {
        uint32_t max = list->max ? list->max * 2 : 8;
        struct qbid_recommendation *more = realloc(list->item, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        list->item = more;
        list->max = max;
    }
    list->item[list->cnt++] = *r;
    return 0;
}

int qbid_executor_list_load(const struct qbid_executor *x,
                            const struct qbid_recommendation_filter *filter,
                            struct qbid_executor_list *list)
{
    return qbid_store_load_recommendations(x->host.store, filter, list_add, list);
}

const struct qbid_campaign_def *qbid_executor_campaign(const struct qbid_account *account,
                                                       enum qbid_item_kind item, uint32_t id)
{
    if (item == QBID_ITEM_CREATIVE) {
        const struct qbid_creative_def *creative = qbid_account_creative(account, id);
        id = creative ? creative->line_item_id : 0;
    }
    if (item != QBID_ITEM_CAMPAIGN) {
        const struct qbid_line_item_def *li = qbid_account_line_item(account, id);
        id = li ? li->campaign_id : 0;
    }
    return qbid_account_campaign(account, id);
}

/* --- the account with a new value, by the way that a file goes */

static cJSON *node_add(cJSON *parent, const char *list, uint32_t id)
{
    cJSON *node = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(parent, list), node);
    cJSON_AddNumberToObject(node, "id", id);
    return node;
}

static void value_add(cJSON *node, const struct qbid_field *field, const char *value)
{
    if (field->type == QBID_FIELD_TARGET) {
        cJSON *list =
            cJSON_AddArrayToObject(cJSON_AddObjectToObject(node, "targeting"), field->name);
        while (*value) {
            size_t len = strcspn(value, ",");
            char *word = strndup(value, len);
            cJSON_AddItemToArray(list, cJSON_CreateString(word ? word : ""));
            free(word);
            value += len + (value[len] == ',');
        }
    } else {
        cJSON_AddStringToObject(node, field->name, value);
    }
}

static char *document_make(const struct qbid_account *account, const struct qbid_proposal *p)
{
    const struct qbid_field *field = qbid_fields_find(p->item, p->field);
    const struct qbid_creative_def *creative =
        p->item == QBID_ITEM_CREATIVE ? qbid_account_creative(account, p->item_id) : NULL;
    cJSON *document = cJSON_CreateObject();
    cJSON *node =
        node_add(document, "campaigns", qbid_executor_campaign(account, p->item, p->item_id)->id);
    if (p->item != QBID_ITEM_CAMPAIGN)
        node = node_add(node, "line_items", creative ? creative->line_item_id : p->item_id);
    if (p->item == QBID_ITEM_CREATIVE)
        node = node_add(node, "creatives", p->item_id);
    value_add(node, field, p->recommended);
    char *text = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    return text;
}

int qbid_executor_next(const struct qbid_account *account, const struct qbid_proposal *proposal,
                       uint64_t unix_ns, struct qbid_account *ret_next,
                       char why[QBID_EXECUTOR_WHY_MAX])
{
    struct qbid_import_params params = {.current = account,
                                        .now_unix_s = (int64_t)(unix_ns / QBID_NS_PER_S)};
    struct qbid_problems *problems = calloc(1, sizeof *problems);
    char *text = document_make(account, proposal);
    int err = problems && text ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_account_import(text, strlen(text), &params, problems, ret_next);
    if (err == QBID_ERR_PARSE)
        snprintf(why, QBID_EXECUTOR_WHY_MAX, "%s", problems->problem[0].text);
    else if (err)
        snprintf(why, QBID_EXECUTOR_WHY_MAX, "%s", qbid_strerror(err));
    free(text);
    free(problems);
    return err;
}

/* --- proposing */

/* A budget puts at stake what it changes by; any other value, that share of its campaign's budget,
 * and no more than the part of its spend that it is about. */
static int64_t money_of(const struct qbid_account *before, const struct qbid_account *after,
                        const struct qbid_proposal *p)
{
    const struct qbid_campaign_def *was = qbid_executor_campaign(before, p->item, p->item_id);
    const struct qbid_campaign_def *will = qbid_account_campaign(after, was->id);
    int64_t moved = will->budget_nanos - was->budget_nanos;
    if (moved)
        return moved < 0 ? -moved : moved;
    double share = fmin(p->touched > 0 ? p->touched : 1, qbid_executor_change_share(p));
    return llround(share * (double)was->budget_nanos);
}

static int audit(const struct qbid_executor *x, const struct qbid_executor_call *call,
                 uint32_t tenant, const char *what, const char *before, const char *after)
{
    struct qbid_store_cause cause = {call->unix_ns, call->actor, call->why};
    return qbid_store_audit_of(x->host.store, tenant, &cause, what, before, after);
}

static int decision_save(const struct qbid_executor *x, const struct qbid_executor_call *call,
                         const struct qbid_executor_list *list,
                         enum qbid_recommendation_status status)
{
    int err = qbid_store_begin(x->host.store);
    if (err)
        return err;
    for (uint32_t i = 0; i < list->cnt && !err; i++) {
        const struct qbid_recommendation *r = &list->item[i];
        char what[WHAT_MAX];
        const char *name = qbid_recommendation_status_name(status);
        snprintf(what, sizeof what, "recommendation %016llx %s", (unsigned long long)r->proposal.id,
                 name);
        err = qbid_store_set_recommendation(x->host.store, r->proposal.id, status, call->actor,
                                            call->unix_ns, 0);
        if (!err)
            err = audit(x, call, r->tenant, what, qbid_recommendation_status_name(r->status), name);
    }
    return qbid_store_end(x->host.store, err);
}

/* What an agent said before, and nobody decided on: it holds no more. */
static int supersede(const struct qbid_executor *x, const struct qbid_executor_call *call,
                     const struct qbid_proposal *proposal)
{
    struct qbid_executor_list list = {0};
    struct qbid_executor_call because = *call;
    char why[WHAT_MAX];
    int err = 0;
    if (strcmp(call->actor, proposal->agent) == 0) /* not what people propose: those may differ */
        err = qbid_store_load_superseded(x->host.store, proposal, list_add, &list);
    snprintf(why, sizeof why, "%016llx is of newer evidence", (unsigned long long)proposal->id);
    because.why = why;
    if (!err && list.cnt)
        err = decision_save(x, &because, &list, QBID_RECOMMENDATION_SUPERSEDED);
    free(list.item);
    return err;
}

static int proposal_save(const struct qbid_executor *x, const struct qbid_executor_call *call,
                         const struct qbid_recommendation *r)
{
    char what[WHAT_MAX];
    snprintf(what, sizeof what, "recommendation %016llx proposed",
             (unsigned long long)r->proposal.id);
    int err = qbid_store_begin(x->host.store);
    if (err)
        return err;
    err = supersede(x, call, &r->proposal);
    if (!err)
        err = qbid_store_add_recommendation(x->host.store, r);
    if (!err)
        err = audit(x, call, r->tenant, what, r->proposal.current, r->proposal.recommended);
    return qbid_store_end(x->host.store, err);
}

int qbid_executor_propose(const struct qbid_executor *x, const struct qbid_executor_call *call,
                          const struct qbid_proposal *proposal, bool *ret_new)
{
    const struct qbid_account *account = x->host.account(x->host.context);
    struct qbid_recommendation_filter filter = {.id = proposal->id, .status = -1, .max = 1};
    struct qbid_executor_list list = {0};
    struct qbid_account next;
    int err = qbid_proposal_check(proposal, call->refusal);
    if (!err) {
        err = qbid_executor_list_load(x, &filter, &list);
        free(list.item);
        if (err)
            qbid_executor_refuse_store(x, call, err);
    }
    if (err)
        return err;
    *ret_new = list.cnt == 0;
    if (list.cnt)
        return 0;
    err = qbid_executor_value_check(x, call, proposal);
    if (!err)
        err = qbid_executor_next(account, proposal, call->unix_ns, &next, call->refusal);
    if (err)
        return err == QBID_ERR_PARSE ? QBID_ERR_INVAL : err;
    const struct qbid_campaign_def *campaign =
        qbid_executor_campaign(account, proposal->item, proposal->item_id);
    struct qbid_recommendation r = {.proposal = *proposal,
                                    .tenant = campaign->tenant_id,
                                    .campaign = campaign->id,
                                    .money_nanos = money_of(account, &next, proposal),
                                    .unix_ns = call->unix_ns};
    snprintf(r.proposer, sizeof r.proposer, "%s", call->actor);
    qbid_account_done(&next);
    if (call->dry_run)
        return 0;
    err = proposal_save(x, call, &r);
    return err ? qbid_executor_refuse_store(x, call, err) : 0;
}

/* --- deciding */

/* A recommendation and its group; refused when there is none. */
int qbid_executor_bundle(const struct qbid_executor *x, const struct qbid_executor_call *call,
                         uint64_t id, struct qbid_executor_list *list)
{
    struct qbid_recommendation_filter filter = {.id = id, .status = -1, .max = 1};
    int err = id ? qbid_executor_list_load(x, &filter, list) : 0;
    if (!err && list->cnt == 0)
        return qbid_executor_refuse(call, QBID_ERR_NOENT, "there is no recommendation %016llx",
                                    (unsigned long long)id);
    uint64_t bundle = err ? 0 : list->item[0].proposal.group;
    if (bundle) {
        filter = (struct qbid_recommendation_filter){
            .bundle = bundle, .status = -1, .max = QBID_EXECUTOR_PLAN_MAX + 1};
        list->cnt = 0;
        err = qbid_executor_list_load(x, &filter, list);
        if (!err && list->cnt > QBID_EXECUTOR_PLAN_MAX)
            return qbid_executor_refuse(call, QBID_ERR_LIMIT, "a group has at most %d members",
                                        QBID_EXECUTOR_PLAN_MAX);
    }
    return err ? qbid_executor_refuse_store(x, call, err) : 0;
}

int64_t qbid_executor_money(const struct qbid_executor_list *list)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < list->cnt; i++)
        sum = qbid_add_sat(sum, list->item[i].money_nanos);
    return sum;
}

static int decision_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                          const struct qbid_executor_list *list, bool approve)
{
    for (uint32_t i = 0; i < list->cnt; i++) {
        const struct qbid_recommendation *r = &list->item[i];
        bool open = r->status == QBID_RECOMMENDATION_PENDING ||
                    (!approve && r->status == QBID_RECOMMENDATION_APPROVED);
        if (!open)
            return qbid_executor_refuse(
                call, QBID_ERR_INVAL, "recommendation %016llx is %s already",
                (unsigned long long)r->proposal.id, qbid_recommendation_status_name(r->status));
        if (approve && strcmp(r->proposer, call->actor) == 0 &&
            qbid_executor_money(list) > x->limits.four_eyes_nanos)
            return qbid_executor_refuse(
                call, QBID_ERR_DENIED,
                "%s proposed it, and it is above the limit of four eyes: somebody else approves",
                r->proposer);
    }
    return 0;
}

int qbid_executor_decide(const struct qbid_executor *x, const struct qbid_executor_call *call,
                         uint64_t id, bool approve)
{
    struct qbid_executor_list list = {0};
    int err = qbid_executor_bundle(x, call, id, &list);
    if (!err)
        err = decision_check(x, call, &list, approve);
    if (!err && !call->dry_run) {
        err = decision_save(x, call, &list,
                            approve ? QBID_RECOMMENDATION_APPROVED : QBID_RECOMMENDATION_REJECTED);
        if (err)
            qbid_executor_refuse_store(x, call, err);
    }
    free(list.item);
    return err;
}

int qbid_executor_expire(const struct qbid_executor *x, const struct qbid_executor_call *call)
{
    struct qbid_recommendation_filter filter = {.max = QBID_EXECUTOR_PLAN_MAX * 16};
    struct qbid_executor_list list = {0};
    int err = 0;
    for (int s = QBID_RECOMMENDATION_PENDING; s <= QBID_RECOMMENDATION_APPROVED && !err; s++) {
        filter.status = s;
        err = qbid_executor_list_load(x, &filter, &list);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list.cnt; i++)
        if (list.item[i].unix_ns + x->limits.expire_ns < call->unix_ns)
            list.item[kept++] = list.item[i];
    list.cnt = kept;
    if (!err && kept)
        err = decision_save(x, call, &list, QBID_RECOMMENDATION_EXPIRED);
    free(list.item);
    return err;
}

/* --- holding */

int qbid_executor_hold(const struct qbid_executor *x, const struct qbid_executor_call *call,
                       enum qbid_item_kind item, uint32_t item_id, bool on)
{
    const struct qbid_campaign_def *campaign = qbid_executor_campaign_seen(x, call, item, item_id);
    char what[WHAT_MAX];
    if (!campaign)
        return qbid_executor_refuse(call, QBID_ERR_NOENT, "there is no %s %u",
                                    qbid_item_kind_name(item), item_id);
    if (call->dry_run)
        return 0;
    struct qbid_store_hold hold = {item,          item_id,     campaign->tenant_id,
                                   call->unix_ns, call->actor, call->why};
    snprintf(what, sizeof what, "%s %u hold", qbid_item_kind_name(item), item_id);
    int err = qbid_store_begin(x->host.store);
    if (!err) {
        err = on ? qbid_store_add_hold(x->host.store, &hold)
                 : qbid_store_drop_hold(x->host.store, item, item_id);
        if (!err)
            err = audit(x, call, hold.tenant, what, on ? "off" : "on", on ? "on" : "off");
        err = qbid_store_end(x->host.store, err);
    }
    return err ? qbid_executor_refuse_store(x, call, err) : 0;
}
