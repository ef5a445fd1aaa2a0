/* SPDX-License-Identifier: Apache-2.0 */
/* import, target, account: what operators define. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/diff.h"
#include "control/account/import/import.h"
#include "control/account/view.h"
#include "control/api/command.h"
#include "shm/error.h"

#define FILE_NAME_MAX 200

void qbid_command_problems(const struct qbid_command *c, const struct qbid_problems *problems)
{
    cJSON *list = cJSON_AddArrayToObject(c->answer, "problems");
    for (uint32_t i = 0; i < qbid_problems_kept(problems); i++) {
        char line[QBID_PROBLEM_LINE_MAX];
        qbid_problems_format(problems, i, line);
        cJSON_AddItemToArray(list,
                             cJSON_CreateString(problems->file ? line : problems->problem[i].text));
    }
}

/* Items that stay as they are, of those that the caller may know of. */
static uint32_t unchanged(const struct qbid_command *c, const struct qbid_diff *diff)
{
    const struct qbid_account *a = c->account;
    uint32_t touched = diff->changed + diff->removed;
    uint32_t own = a->campaign_cnt + a->line_item_cnt + a->creative_cnt;
    return c->principal.tenant == 0 ? diff->unchanged : own > touched ? own - touched : 0;
}

void qbid_command_diff(const struct qbid_command *c, const struct qbid_diff *diff)
{
    cJSON_AddNumberToObject(c->answer, "added", diff->added);
    cJSON_AddNumberToObject(c->answer, "changed", diff->changed);
    cJSON_AddNumberToObject(c->answer, "removed", diff->removed);
    cJSON_AddNumberToObject(c->answer, "unchanged", unchanged(c, diff));
    cJSON *list = cJSON_AddArrayToObject(c->answer, "changes");
    for (uint32_t i = 0; i < diff->change_cnt; i++) {
        const struct qbid_change *change = &diff->change[i];
        cJSON *to = qbid_json_row(list);
        cJSON_AddStringToObject(to, "change", qbid_change_kind_name(change->kind));
        cJSON_AddStringToObject(to, "item", qbid_item_kind_name(change->item));
        cJSON_AddNumberToObject(to, "id", change->id);
        cJSON *fields = cJSON_AddArrayToObject(to, "fields");
        for (uint32_t j = 0; j < change->field_cnt; j++) {
            const struct qbid_change_field *f = &change->field[j];
            cJSON *field = qbid_json_row(fields);
            cJSON_AddStringToObject(field, "name", f->name);
            if (f->before)
                cJSON_AddStringToObject(field, "before", f->before);
            cJSON_AddStringToObject(field, "after", f->after);
        }
    }
}

static int diff_apply(struct qbid_command *c, struct qbid_account *next,
                      const struct qbid_diff *diff, const char *why_text, bool dry_run)
{
    qbid_json_nanos(c->answer, "budgets_before", qbid_account_budgets(c->account, 0));
    qbid_json_nanos(c->answer, "budgets_after", qbid_account_budgets(next, c->principal.tenant));
    cJSON_AddBoolToObject(c->answer, "dry_run", dry_run);
    qbid_command_diff(c, diff);
    bool apply = !dry_run && diff->change_cnt > 0;
    if (apply) {
        char why[QBID_ENGINE_WHY_MAX] = "";
        struct qbid_store_cause cause = {c->unix_ns, c->actor, why_text};
        int err = qbid_engine_apply(c->engine, next, diff, &cause, why);
        if (err)
            return qbid_command_fail(c, err, "nothing was changed: %s", why);
    }
    struct qbid_engine_counters e = qbid_engine_counters_load(c->engine);
    cJSON_AddBoolToObject(c->answer, "applied", apply);
    qbid_json_count(c->answer, "generation", e.gen);
    if (apply && e.last_publish_error)
        cJSON_AddStringToObject(c->answer, "publish_error", qbid_strerror(e.last_publish_error));
    return 0;
}

int qbid_command_document(struct qbid_command *c, const char *file, const char *text,
                          const char *why, bool dry_run, bool prune)
{
    struct qbid_problems problems = {.file = file};
    struct qbid_import_params params = {qbid_engine_account(c->engine),
                                        (int64_t)(c->unix_ns / QBID_NS_PER_S), prune, c->actor};
    struct qbid_account next;
    struct qbid_diff diff;
    int err = qbid_account_import(text, strlen(text), &params, &problems, &next);
    if (err == QBID_ERR_PARSE) {
        qbid_command_problems(c, &problems);
        return qbid_command_fail(c, err, "%s%s%u problem%s; nothing was changed", file ? file : "",
                                 file ? " has " : "", problems.cnt, problems.cnt == 1 ? "" : "s");
    }
    if (err)
        return err;
    err = qbid_diff_new(params.current, &next, &diff);
    if (!err) {
        err = diff_apply(c, &next, &diff, why, dry_run);
        qbid_diff_done(&diff);
    }
    qbid_account_done(&next); /* empty when the engine took it */
    return err;
}

int qbid_command_import(struct qbid_command *c)
{
    const char *text = qbid_json_text(c->request, "text");
    const char *file = qbid_json_text(c->request, "file");
    char why[FILE_NAME_MAX + 16];
    if (!text)
        return qbid_command_fail(c, QBID_ERR_INVAL, "text is missing");
    snprintf(why, sizeof why, "import %.*s", FILE_NAME_MAX, file ? file : "-");
    return qbid_command_document(c, file ? file : "-", text, why,
                                 qbid_json_flag(c->request, "dry_run", 0),
                                 qbid_json_flag(c->request, "prune", 0));
}

int qbid_command_target(struct qbid_command *c)
{
    static const char *const allowed[] = {
        "goal",       "target", "budget",    "period",   "pacing",   "start",
        "end",        "active", "cap_cpc",   "cap_cpa",  "min_roas", "spend_floor",
        "max_change", "hours",  "time_zone", "velocity", "triggers", NULL};
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(c->request, "set");
    int64_t id = qbid_json_whole(c->request, "campaign");
    if (id < 1 || id > UINT32_MAX || !cJSON_IsObject(set) || !set->child)
        return qbid_command_fail(c, QBID_ERR_INVAL, "campaign and set are needed");
    if (!qbid_account_campaign(c->account, (uint32_t)id))
        return qbid_command_fail(c, QBID_ERR_NOENT, "there is no campaign %u", (unsigned)id);
    for (const cJSON *item = set->child; item; item = item->next) {
        int i = 0;
        while (allowed[i] && strcmp(allowed[i], item->string) != 0)
            i++;
        if (!allowed[i])
            return qbid_command_fail(c, QBID_ERR_INVAL, "'%.40s' is not a target", item->string);
    }
    /* the same way as a file goes: one reader, one set of rules */
    cJSON *document = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(document, "campaigns");
    cJSON *campaign = cJSON_Duplicate(set, true);
    cJSON_AddItemToArray(list, campaign);
    cJSON_AddNumberToObject(campaign, "id", (double)id);
    char *text = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    if (!text)
        return QBID_ERR_NOMEM;
    char why[64];
    snprintf(why, sizeof why, "target of campaign %u", (unsigned)id);
    int err =
        qbid_command_document(c, NULL, text, why, qbid_json_flag(c->request, "dry_run", 0), false);
    cJSON_free(text);
    return err;
}

/* --- the account as a document */

static void target_values_add(cJSON *to, const struct qbid_line_item_def *li)
{
    cJSON *targeting = cJSON_AddObjectToObject(to, "targeting");
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        if (li->target[dim].cnt == 0)
            continue;
        cJSON *list = cJSON_AddArrayToObject(targeting, qbid_dim_name(dim));
        for (uint32_t i = 0; i < li->target[dim].cnt; i++)
            cJSON_AddItemToArray(list, cJSON_CreateString(li->target[dim].value[i]));
    }
}

static cJSON *item_add(cJSON *list, enum qbid_item_kind kind, uint32_t id, const void *item)
{
    cJSON *to = qbid_json_row(list);
    cJSON_AddNumberToObject(to, "id", id);
    for (const struct qbid_field *field = qbid_fields(kind); field->name; field++) {
        if (field->type == QBID_FIELD_TARGET)
            continue;
        char *text = qbid_field_text(field, item);
        if (text && field->type == QBID_FIELD_BOOL)
            cJSON_AddBoolToObject(to, field->name, strcmp(text, "true") == 0);
        else if (text && (field->type == QBID_FIELD_U16 || field->type == QBID_FIELD_REAL))
            cJSON_AddRawToObject(to, field->name, text);
        else if (text)
            cJSON_AddStringToObject(to, field->name, text);
        free(text);
    }
    return to;
}

/* Children of one parent stand anywhere in their array: one pass with a place to put each. */
struct parents {
    cJSON **list; /* by position of the parent in its array */
};

static int parents_new(struct parents *parents, uint32_t cnt)
{
    parents->list = calloc(cnt + 1, sizeof(cJSON *));
    return parents->list ? 0 : QBID_ERR_NOMEM;
}

int qbid_command_dump(struct qbid_command *c)
{
    const struct qbid_account *a = c->account;
    struct parents line_items = {0}, creatives = {0};
    char currency[4];
    if (parents_new(&line_items, a->campaign_cnt) != 0 ||
        parents_new(&creatives, a->line_item_cnt) != 0) {
        free(line_items.list);
        return QBID_ERR_NOMEM;
    }
    cJSON *document = cJSON_AddObjectToObject(c->answer, "account");
    qbid_currency_format(c->commands->config->currency, currency);
    cJSON_AddStringToObject(document, "currency", currency);
    cJSON *list = cJSON_AddArrayToObject(document, "campaigns");
    for (uint32_t i = 0; i < a->campaign_cnt; i++) {
        cJSON *to = item_add(list, QBID_ITEM_CAMPAIGN, a->campaigns[i].id, &a->campaigns[i]);
        cJSON_AddNumberToObject(to, "tenant", a->campaigns[i].tenant_id);
        line_items.list[i] = cJSON_AddArrayToObject(to, "line_items");
    }
    for (uint32_t i = 0; i < a->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &a->line_items[i];
        const struct qbid_campaign_def *parent = qbid_account_campaign(a, li->campaign_id);
        cJSON *to =
            item_add(line_items.list[parent - a->campaigns], QBID_ITEM_LINE_ITEM, li->id, li);
        target_values_add(to, li);
        creatives.list[i] = cJSON_AddArrayToObject(to, "creatives");
    }
    for (uint32_t i = 0; i < a->creative_cnt; i++) {
        const struct qbid_creative_def *creative = &a->creatives[i];
        const struct qbid_line_item_def *parent = qbid_account_line_item(a, creative->line_item_id);
        item_add(creatives.list[parent - a->line_items], QBID_ITEM_CREATIVE, creative->id,
                 creative);
    }
    free(line_items.list);
    free(creatives.list);
    return 0;
}
