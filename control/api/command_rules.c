/* SPDX-License-Identifier: Apache-2.0 */
/* rules: operators' when / if / then, what each did, and what it would have done. */
#include "control/rules/rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control/api/command.h"
#include "control/store/store_rules.h"
#include "shm/error.h"
#include "shm/units.h"

#define DAY_S 86400
#define HISTORY_MAX 10000
#define HISTORY_PRESET 50
#define REHEARSED_MAX 1000 /* listed; all are counted */
#define CONFIDENCE_PRESET 0.95

/* Days with a firing that has no cause, at most: what is counted exactly never has one. */
static double false_days(const struct qbid_rule *rule)
{
    return rule->metric == QBID_RULE_BUDGET ? 0 : round(1e9 * (1 - rule->confidence)) / 1e9;
}

static void rule_tell(cJSON *to, const struct qbid_rule *rule)
{
    struct qbid_rule_words words;
    qbid_rule_say(rule, &words);
    cJSON_AddStringToObject(to, "name", rule->name);
    cJSON_AddStringToObject(to, "on", words.on);
    cJSON_AddStringToObject(to, "when", words.when);
    cJSON_AddStringToObject(to, "if", words.condition);
    cJSON_AddStringToObject(to, "then", words.then);
    cJSON_AddNumberToObject(to, "confidence", rule->confidence);
    cJSON_AddStringToObject(to, "mode", words.mode);
    cJSON_AddNumberToObject(to, "false_firings_day", false_days(rule));
}

/* --- list, show */

struct listing {
    struct qbid_command *c;
    cJSON *list;
    double false_sum;
};

static int fired_count(void *context, const struct qbid_store_firing *firing)
{
    (void)firing;
    ++*(uint64_t *)context;
    return 0;
}

static int rule_add(void *context, const struct qbid_store_rule *stored)
{
    struct listing *l = context;
    struct qbid_rule rule;
    char why[QBID_RULE_WHY_MAX];
    cJSON *to = qbid_json_row(l->list);
    int err = qbid_rule_load(stored, &rule, why);
    if (err) { /* of another program's grammar: named, not hidden */
        cJSON_AddStringToObject(to, "name", stored->name);
        cJSON_AddStringToObject(to, "error", why);
    } else {
        rule_tell(to, &rule);
        cJSON_AddNumberToObject(to, "campaigns",
                                qbid_rules_campaigns(&rule, qbid_engine_account(l->c->engine),
                                                     (int64_t)(l->c->unix_ns / QBID_NS_PER_S)));
        l->false_sum += rule.on ? false_days(&rule) : 0;
    }
    cJSON_AddNumberToObject(to, "version", stored->version);
    cJSON_AddStringToObject(to, "state", stored->state);
    cJSON_AddNumberToObject(to, "tenant", stored->tenant);
    cJSON_AddStringToObject(to, "actor", stored->actor);
    cJSON_AddStringToObject(to, "why", stored->why);
    qbid_json_unix_s(to, "time", (int64_t)(stored->unix_ns / QBID_NS_PER_S));
    return 0;
}

/* Firings of the last day, by rule: the list's statement must have ended. */
static int fired_add(struct qbid_command *c, cJSON *list)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    int64_t since = (int64_t)(c->unix_ns / QBID_NS_PER_S) - DAY_S;
    cJSON *item;
    int err = 0;
    cJSON_ArrayForEach(item, list)
    {
        uint64_t fired = 0;
        if (!err)
            err = qbid_store_load_firings(store, qbid_json_text(item, "name"), 0, since,
                                          HISTORY_MAX, fired_count, &fired);
        qbid_json_count(item, "fired_24h", fired);
    }
    return err;
}

static int list(struct qbid_command *c, const char *name, bool all)
{
    struct listing listing = {c, cJSON_AddArrayToObject(c->answer, "rules"), 0};
    int err = qbid_store_load_rules(qbid_engine_store(c->engine), name, all, rule_add, &listing);
    if (!err && !all)
        err = fired_add(c, listing.list);
    if (err)
        return qbid_command_fail_store(c, err);
    if (*name && cJSON_GetArraySize(listing.list) == 0)
        return qbid_command_fail(c, QBID_ERR_NOENT, "there is no rule '%.40s'", name);
    cJSON_AddNumberToObject(c->answer, "false_firings_day", listing.false_sum);
    cJSON_AddBoolToObject(c->answer, "judged", c->commands->config->agents.rules);
    return 0;
}

/* --- reading a rule from the request */

/* The version in force of a name. */
struct found {
    bool any;
    struct qbid_rule rule;
    int err;
    char why[QBID_RULE_WHY_MAX];
};

static int found_take(void *context, const struct qbid_store_rule *stored)
{
    struct found *found = context;
    found->any = true;
    found->err = qbid_rule_load(stored, &found->rule, found->why);
    return 0;
}

static int rule_find(struct qbid_command *c, const char *name, struct found *found)
{
    *found = (struct found){0};
    int err = name && *name ? qbid_store_load_rules(qbid_engine_store(c->engine), name, false,
                                                    found_take, found)
                            : 0;
    return qbid_command_fail_store(c, err);
}

static int rule_need(struct qbid_command *c, const char *name, struct qbid_rule *ret_rule)
{
    struct found found;
    int err = rule_find(c, name, &found);
    if (!err && (!name || !*name))
        return qbid_command_fail(c, QBID_ERR_INVAL, "name is needed");
    if (!err && !found.any)
        return qbid_command_fail(c, QBID_ERR_NOENT, "there is no rule '%.40s'", name);
    if (!err && found.err)
        err = qbid_command_fail(c, found.err, "rule '%.40s': %s", name, found.why);
    if (!err)
        *ret_rule = found.rule;
    return err;
}

static int rule_read(struct qbid_command *c, const char *name, struct qbid_rule *ret_rule)
{
    const cJSON *confidence = cJSON_GetObjectItemCaseSensitive(c->request, "confidence");
    const struct qbid_account *account = qbid_engine_account(c->engine);
    char why[QBID_RULE_WHY_MAX] = "";
    struct qbid_rule_text text = {.name = name,
                                  .on = qbid_json_text(c->request, "on"),
                                  .when = qbid_json_text(c->request, "when"),
                                  .condition = qbid_json_text(c->request, "if"),
                                  .then = qbid_json_text(c->request, "then"),
                                  .mode = qbid_json_text(c->request, "mode"),
                                  .confidence = !confidence ? CONFIDENCE_PRESET
                                                : cJSON_IsNumber(confidence)
                                                    ? confidence->valuedouble
                                                    : (double)NAN};
    int err = qbid_rule_parse(&text, ret_rule, why);
    if (err)
        return qbid_command_fail(c, err, "%s", why);
    if (ret_rule->campaign) {
        const struct qbid_campaign_def *campaign =
            qbid_account_campaign(account, ret_rule->campaign);
        if (!campaign)
            return qbid_command_fail(c, QBID_ERR_NOENT, "on: there is no campaign %u",
                                     ret_rule->campaign);
        ret_rule->tenant = campaign->tenant_id;
    }
    return 0;
}

/* --- rehearsing */

struct rehearsing {
    cJSON *list;
    uint64_t cnt, proposals;
};

static int rehearsed_add(void *context, const struct qbid_rules_firing *f)
{
    struct rehearsing *r = context;
    r->cnt++;
    r->proposals += strcmp(f->outcome, "would_propose") == 0;
    if (r->cnt > REHEARSED_MAX)
        return 0;
    cJSON *to = qbid_json_row(r->list);
    qbid_json_unix_s(to, "time", f->verdict.to_unix_s);
    cJSON_AddNumberToObject(to, "campaign", f->campaign->id);
    cJSON_AddStringToObject(to, "outcome", f->outcome);
    cJSON_AddNumberToObject(to, "change", f->change);
    cJSON_AddStringToObject(to, "text", f->text);
    return 0;
}

static int rehearse(struct qbid_command *c, const struct qbid_rule *rule)
{
    struct rehearsing r = {.list = cJSON_AddArrayToObject(c->answer, "firings")};
    int64_t days = qbid_json_whole(c->request, "days");
    int64_t now_s = (int64_t)(c->unix_ns / QBID_NS_PER_S);
    uint64_t steps = 0;
    if (!cJSON_GetObjectItemCaseSensitive(c->request, "days"))
        days =
            c->commands->config->history_days < 7 ? (int64_t)c->commands->config->history_days : 7;
    if (days < 1 || days > 60)
        return qbid_command_fail(c, QBID_ERR_INVAL, "days is from 1 to 60");
    int err =
        qbid_rules_rehearse(rule, qbid_engine_account(c->engine), qbid_engine_store(c->engine),
                            now_s - days * DAY_S, now_s, rehearsed_add, &r, &steps);
    if (err)
        return qbid_command_fail_store(c, err);
    qbid_json_count(c->answer, "days", (uint64_t)days);
    qbid_json_count(c->answer, "judged", steps);
    qbid_json_count(c->answer, "fired", r.cnt);
    qbid_json_count(c->answer, "would_propose", r.proposals);
    cJSON_AddNumberToObject(c->answer, "false_firings_day", false_days(rule));
    return 0;
}

static int test(struct qbid_command *c, const char *name)
{
    struct qbid_rule rule;
    bool given = cJSON_HasObjectItem(c->request, "if") || cJSON_HasObjectItem(c->request, "then");
    int err = given ? rule_read(c, name ? name : "unnamed", &rule) : rule_need(c, name, &rule);
    if (err)
        return err;
    rule_tell(cJSON_AddObjectToObject(c->answer, "rule"), &rule);
    return rehearse(c, &rule);
}

/* --- changing */

static int rule_write(struct qbid_command *c, const struct qbid_rule *rule, const char *state)
{
    const char *why = qbid_json_text(c->request, "why");
    bool dry_run = qbid_json_flag(c->request, "dry_run", 0);
    struct qbid_rule_words words;
    uint32_t version = 0;
    qbid_rule_say(rule, &words);
    struct qbid_store_rule row = {.name = rule->name,
                                  .tenant = rule->tenant,
                                  .campaign = rule->campaign,
                                  .unix_ns = c->unix_ns,
                                  .actor = c->actor,
                                  .why = why ? why : "",
                                  .every = words.when,
                                  .condition = words.condition,
                                  .action = words.then,
                                  .confidence = rule->confidence,
                                  .mode = words.mode,
                                  .state = state};
    cJSON_AddBoolToObject(c->answer, "dry_run", dry_run);
    int err = dry_run ? 0 : qbid_store_add_rule(qbid_engine_store(c->engine), &row, &version);
    if (err)
        return qbid_command_fail_store(c, err);
    cJSON_AddNumberToObject(c->answer, "version", version);
    cJSON_AddStringToObject(c->answer, "state", state);
    return 0;
}

static int in_force_count(void *context, const struct qbid_store_rule *rule)
{
    *(uint32_t *)context += strcmp(rule->state, "on") == 0;
    return 0;
}

/* One more may be in force. */
static int room_check(struct qbid_command *c)
{
    uint32_t cnt = 0;
    int err = qbid_store_load_rules(qbid_engine_store(c->engine), "", false, in_force_count, &cnt);
    if (err)
        return qbid_command_fail_store(c, err);
    return cnt < QBID_RULES_MAX
               ? 0
               : qbid_command_fail(c, QBID_ERR_LIMIT, "%d rules are in force", QBID_RULES_MAX);
}

static int add(struct qbid_command *c, const char *name)
{
    struct qbid_rule rule;
    struct found before;
    int err = rule_read(c, name, &rule);
    if (!err)
        err = rule_find(c, name, &before);
    if (!err && before.any && !qbid_json_flag(c->request, "replace", 0))
        err = qbid_command_fail(c, QBID_ERR_INVAL,
                                "there is a rule '%.40s' already; replace makes this its next "
                                "version",
                                name);
    if (!err && !(before.any && before.rule.on))
        err = room_check(c);
    if (err)
        return err;
    rule_tell(cJSON_AddObjectToObject(c->answer, "rule"), &rule);
    if (before.any && !before.err)
        rule_tell(cJSON_AddObjectToObject(c->answer, "before"), &before.rule);
    err = rule_write(c, &rule, "on");
    return !err && qbid_json_flag(c->request, "dry_run", 0) ? rehearse(c, &rule) : err;
}

static int turn(struct qbid_command *c, const char *name, const char *state)
{
    struct qbid_rule rule;
    int err = rule_need(c, name, &rule);
    bool same = !err && rule.on == (strcmp(state, "on") == 0) && strcmp(state, "removed") != 0;
    if (!err && strcmp(state, "on") == 0 && !rule.on)
        err = room_check(c);
    if (err)
        return err;
    rule_tell(cJSON_AddObjectToObject(c->answer, "rule"), &rule);
    cJSON_AddBoolToObject(c->answer, "unchanged", same);
    return same ? 0 : rule_write(c, &rule, state);
}

/* --- history */

static int firing_add(void *context, const struct qbid_store_firing *firing)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_unix_s(to, "time", firing->unix_s);
    cJSON_AddStringToObject(to, "rule", firing->rule);
    cJSON_AddNumberToObject(to, "version", firing->version);
    cJSON_AddNumberToObject(to, "campaign", firing->campaign);
    cJSON_AddStringToObject(to, "outcome", firing->outcome);
    cJSON_AddNumberToObject(to, "change", firing->change);
    if (firing->recommendation) {
        qbid_json_hex(to, "recommendation", firing->recommendation);
        cJSON_AddStringToObject(to, "status", firing->status);
    }
    cJSON_AddStringToObject(to, "text", firing->text);
    return 0;
}

static int history(struct qbid_command *c, const char *name)
{
    int err = qbid_store_load_firings(qbid_engine_store(c->engine), name ? name : "", 0, 0,
                                      qbid_command_max(c, HISTORY_PRESET), firing_add,
                                      cJSON_AddArrayToObject(c->answer, "firings"));
    return qbid_command_fail_store(c, err);
}

int qbid_command_rules(struct qbid_command *c)
{
    const char *verb = qbid_json_text(c->request, "verb");
    const char *name = qbid_json_text(c->request, "name");
    if (!verb || strcmp(verb, "list") == 0)
        return list(c, "", false);
    if (strcmp(verb, "show") == 0)
        return name && *name ? list(c, name, true)
                             : qbid_command_fail(c, QBID_ERR_INVAL, "name is needed");
    if (strcmp(verb, "add") == 0)
        return add(c, name);
    if (strcmp(verb, "test") == 0)
        return test(c, name);
    if (strcmp(verb, "history") == 0)
        return history(c, name);
    if (strcmp(verb, "enable") == 0)
        return turn(c, name, "on");
    if (strcmp(verb, "disable") == 0)
        return turn(c, name, "off");
    if (strcmp(verb, "remove") == 0)
        return turn(c, name, "removed");
    return qbid_command_fail(c, QBID_ERR_INVAL,
                             "verb '%.40s' is none of list, show, add, remove, enable, disable, "
                             "test, history",
                             verb);
}
