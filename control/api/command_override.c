/* SPDX-License-Identifier: Apache-2.0 */
/* override: what operators say over the pacer, set, cleared and listed. */
#include <stdio.h>
#include <string.h>

#include "control/account/written/instant.h"
#include "control/account/written/override.h"
#include "control/api/command.h"
#include "shm/error.h"

/* What is spoken of. */
struct subject {
    uint32_t campaign_id, line_item_id; /* 0 = the whole campaign */
};

static int subject_find(struct qbid_command *c, struct subject *ret_subject)
{
    const struct qbid_account *account = c->account;
    bool by_item = cJSON_HasObjectItem(c->request, "line_item");
    const char *what = by_item ? "line_item" : "campaign";
    int64_t id = qbid_json_whole(c->request, what);
    if (by_item && cJSON_HasObjectItem(c->request, "campaign"))
        return qbid_command_fail(c, QBID_ERR_INVAL, "campaign or line_item, not both");
    if (id < 1 || id > UINT32_MAX)
        return qbid_command_fail(c, QBID_ERR_INVAL, "campaign or line_item is needed");
    const struct qbid_line_item_def *li =
        by_item ? qbid_account_line_item(account, (uint32_t)id) : NULL;
    if (by_item ? !li : !qbid_account_campaign(account, (uint32_t)id))
        return qbid_command_fail(c, QBID_ERR_NOENT, "there is no %s %u", what, (unsigned)id);
    *ret_subject =
        li ? (struct subject){li->campaign_id, li->id} : (struct subject){(uint32_t)id, 0};
    return 0;
}

/* The document that says it, as a file would. */
static char *document_text(struct subject subject, cJSON *override)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *campaign = cJSON_CreateObject(), *to = campaign;
    cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "campaigns"), campaign);
    cJSON_AddNumberToObject(campaign, "id", subject.campaign_id);
    if (subject.line_item_id) {
        to = cJSON_CreateObject();
        cJSON_AddItemToArray(cJSON_AddArrayToObject(campaign, "line_items"), to);
        cJSON_AddNumberToObject(to, "id", subject.line_item_id);
    }
    cJSON_AddItemToObject(to, "override", override);
    char *text = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    return text;
}

static int change(struct qbid_command *c, const cJSON *set)
{
    struct subject subject = {0};
    int err = subject_find(c, &subject);
    if (err)
        return err;
    const char *why = set ? qbid_json_text(set, "why") : qbid_json_text(c->request, "why");
    if (set && (!why || !*why))
        return qbid_command_fail(c, QBID_ERR_INVAL, "set.why is missing: an override has a reason");
    char *text = document_text(subject, set ? cJSON_Duplicate(set, true) : cJSON_CreateString(""));
    if (!text)
        return QBID_ERR_NOMEM;
    char reason[QBID_OVERRIDE_WHY_MAX];
    snprintf(reason, sizeof reason, "%s", why && *why ? why : "override cleared");
    err = qbid_command_document(c, NULL, text, reason, qbid_json_flag(c->request, "dry_run", 0),
                                false);
    cJSON_free(text);
    return err;
}

static void one_add(const struct qbid_command *c, cJSON *list, struct subject subject,
                    const char *text)
{
    struct qbid_override o;
    char words[QBID_OVERRIDE_TEXT_MAX];
    int64_t now_s = (int64_t)(c->unix_ns / QBID_NS_PER_S);
    if (!text || !*text || qbid_override_parse(text, now_s, &o) || o.until_unix_s <= now_s)
        return;
    cJSON *to = qbid_json_row(list);
    cJSON_AddNumberToObject(to, "campaign", subject.campaign_id);
    if (subject.line_item_id)
        cJSON_AddNumberToObject(to, "line_item", subject.line_item_id);
    if (o.kind == QBID_OVERRIDE_FIXED)
        qbid_json_micros(to, "fixed", o.fixed_micros);
    else
        cJSON_AddNumberToObject(to, "multiplier", o.multiplier);
    qbid_override_what(&o, words, sizeof words);
    cJSON_AddStringToObject(to, "what", words);
    qbid_instant_format(o.until_unix_s, words);
    cJSON_AddStringToObject(to, "until", words);
    cJSON_AddNumberToObject(to, "left_s", (double)(o.until_unix_s - now_s));
    cJSON_AddStringToObject(to, "by", o.by);
    cJSON_AddStringToObject(to, "why", o.why);
}

int qbid_command_override(struct qbid_command *c)
{
    const struct qbid_account *account = c->account;
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(c->request, "set");
    bool clear = qbid_json_flag(c->request, "clear", 0);
    if (set && (clear || !cJSON_IsObject(set)))
        return qbid_command_fail(c, QBID_ERR_INVAL,
                                 clear ? "set or clear, not both" : "set is no object");
    if (set || clear)
        return change(c, set);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "overrides");
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        one_add(c, list, (struct subject){account->campaigns[i].id, 0},
                account->campaigns[i].override);
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        one_add(c, list,
                (struct subject){account->line_items[i].campaign_id, account->line_items[i].id},
                account->line_items[i].override);
    return 0;
}
