/* SPDX-License-Identifier: Apache-2.0 */
/* From a line of JSON to a command and back. */
#include "control/api/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/account/view.h"
#include "control/api/command.h"
#include "shm/clock.h"
#include "shm/error.h"

#define LIST_MAX 10000

/* What it takes to ask, beside the right to read. */
enum change {
    NEVER,    /* it only tells */
    BY_VERB,  /* a verb beside list and show changes something, and needs the right to approve */
    BY_RUN,   /* it needs the right to execute unless it is a dry run */
    BY_MEMBER /* the same where set or clear is there */
};

static const struct {
    const char *name;
    qbid_command_fn *run;
    const char *members;
    bool of_tenants; /* tells and changes rows of tenants, nothing of the host */
    enum change change;
} commands_table[] = {
    {"status", qbid_command_status, "the program, its generation, capacities", false, NEVER},
    {"stat", qbid_command_stat, "every counter by name; latencies of the workers", false, NEVER},
    {"top", qbid_command_top, "campaigns, workers and reasons now; window: 30s 5min 1h 24h all",
     true, NEVER},
    {"live", qbid_command_live, "pace factors, Q states and leases in force", false, NEVER},
    {"ledger", qbid_command_ledger, "budget, spent and exposure of every campaign", true, NEVER},
    {"snapshot", qbid_command_snapshot,
     "statistics; kind: campaign line_item creative context, id, window, max", true, NEVER},
    {"history", qbid_command_history, "totals over time; kind, id, from_unix_s", true, NEVER},
    {"import", qbid_command_import, "an account file; file, text, dry_run, prune", false, BY_RUN},
    {"target", qbid_command_target, "change one campaign; campaign, set: {...}, dry_run", true,
     BY_RUN},
    {"override", qbid_command_override,
     "what operators say over the pacer; campaign or line_item with set: {...} or clear, dry_run",
     true, BY_MEMBER},
    {"account", qbid_command_dump, "the account as an importable document", true, NEVER},
    {"generations", qbid_command_generations, "published generations, latest first; max", false,
     NEVER},
    {"audit", qbid_command_audit,
     "the audit, latest first; max, changes (no generations); of the host: verify with checkpoint, "
     "export",
     true, NEVER},
    {"recommend", qbid_command_recommend,
     "what agents and operators propose; verb: list show add approve reject, id, status, max, why",
     true, BY_VERB},
    {"apply", qbid_command_apply,
     "a recommendation and its group, or without id what gains most within the limits; id, "
     "dry_run",
     true, BY_RUN},
    {"rollback", qbid_command_rollback,
     "take back executions from one to the last, or one only; execution, only, dry_run, why", true,
     BY_RUN},
    {"executions", qbid_command_executions, "changes of the account, latest first; id, max", true,
     NEVER},
    {"hold", qbid_command_hold,
     "keep recommendations off an item; verb: list on off, item, id, why", true, BY_VERB},
    {"rules", qbid_command_rules,
     "operators' rules; verb: list show add remove enable disable test history, name, on, when, "
     "if, then, confidence, mode, replace, days, max, dry_run, why",
     false, NEVER},
    {"runs", qbid_command_runs, "cycles of agents, latest first; agent, max", false, NEVER},
    {"creatives", qbid_command_creatives, "creatives by UTC day; id, days", true, NEVER},
    {"allocations", qbid_command_allocations, "campaigns' budgets as they were changed; id, max",
     true, NEVER},
    {"attribution", qbid_command_attribution,
     "how conversions are given to bids, and what came of it by UTC day; max", true, NEVER},
    {"overlaps", qbid_command_overlaps,
     "line items of a tenant that are after the same traffic; id, max", true, NEVER},
    {"reload", qbid_command_reload, "the configuration again, as SIGHUP", false, BY_RUN},
    {"publish", qbid_command_publish, "a generation now; reason", false, BY_RUN},
    {"patterns", qbid_command_patterns,
     "effects that the library has learned; tenant, metric, subject, across, sources, max", false,
     NEVER},
    {"models", qbid_command_models,
     "which model predicts each campaign's rates, and how well; versions, max", true, NEVER},
    {"insights", qbid_command_insights,
     "what differs or changed more than chance explains; since_s, max", true, NEVER},
    {"partners", qbid_command_partners, "profiles of the partners in force", false, NEVER},
    {"keys", qbid_command_keys, "ids of the notice-signing keys; rotate, force", false, BY_RUN},
    {"learning", qbid_command_learning, "hold the models still or let them learn; on", false,
     BY_RUN},
};
#define COMMAND_CNT (sizeof commands_table / sizeof commands_table[0])

int qbid_command_fail(struct qbid_command *command, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(command->message, sizeof command->message, format, args);
    va_end(args);
    return err;
}

int qbid_command_fail_store(struct qbid_command *command, int err)
{
    return err ? qbid_command_fail(command, err, "%s",
                                   qbid_store_why(qbid_engine_store(command->engine)))
               : 0;
}

uint32_t qbid_command_max(const struct qbid_command *command, uint32_t preset)
{
    int64_t max = qbid_json_whole(command->request, "max");
    return max < 1 ? preset : max > LIST_MAX ? LIST_MAX : (uint32_t)max;
}

static const char *error_name(int err)
{
    switch (err) {
#define X(name, code, text)                                                                        \
    case code:                                                                                     \
        return #name;
        QBID_ERROR_LIST(X)
#undef X
    }
    return "UNKNOWN";
}

static enum qbid_exit exit_of(int err)
{
    if (err == QBID_ERR_STORE || err == QBID_ERR_BUSY || err == QBID_ERR_LIMIT ||
        err == QBID_ERR_FULL)
        return QBID_EXIT_REFUSED;
    if (err == QBID_ERR_DENIED)
        return QBID_EXIT_DENIED;
    return err == QBID_ERR_STALE ? QBID_EXIT_STALE : QBID_EXIT_FAILED;
}

static char *print(cJSON *answer)
{
    char *text = answer ? cJSON_PrintUnformatted(answer) : NULL;
    cJSON_Delete(answer);
    return text;
}

static cJSON *answer_new(const char *cmd, bool ok)
{
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddBoolToObject(answer, "ok", ok);
    cJSON_AddNumberToObject(answer, "schema_version", QBID_API_SCHEMA_VERSION);
    cJSON_AddStringToObject(answer, "cmd", cmd);
    return answer;
}

static char *refuse(const char *cmd, int err, enum qbid_exit code, const char *message)
{
    cJSON *answer = answer_new(cmd, false);
    cJSON *error = cJSON_AddObjectToObject(answer, "error");
    cJSON_AddStringToObject(error, "code", error_name(err));
    cJSON_AddNumberToObject(error, "exit", code);
    cJSON_AddStringToObject(error, "message", message);
    return print(answer);
}

static char *help(void)
{
    cJSON *answer = answer_new("help", true);
    cJSON *list = cJSON_AddObjectToObject(answer, "commands");
    for (size_t i = 0; i < COMMAND_CNT; i++)
        cJSON_AddStringToObject(list, commands_table[i].name, commands_table[i].members);
    return print(answer);
}

static bool is_operator(const struct qbid_config *config, uid_t uid)
{
    for (uint32_t i = 0; i < config->control.allow_uid_cnt; i++)
        if (config->control.allow_uid[i] == uid)
            return true;
    return uid == 0 || uid == geteuid();
}

/* Who asks, by his token or else by his user. */
static int principal_find(struct qbid_command *command, const struct qbid_api_peer *peer)
{
    const struct qbid_commands *commands = command->commands;
    struct qbid_principal *principal = &command->principal;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(command->request, "token");
    const char *token = cJSON_GetStringValue(item);
    if (token && commands->tokens &&
        qbid_tokens_find(commands->tokens, token, strlen(token), principal))
        return 0;
    if (item)
        return qbid_command_fail(command, QBID_ERR_DENIED, "the token is not known");
    if (!is_operator(commands->config, peer->uid))
        return qbid_command_fail(command, QBID_ERR_DENIED,
                                 "user %u is no operator (control.allow_uids), and gave no token",
                                 (unsigned)peer->uid);
    *principal = (struct qbid_principal){.rights = QBID_RIGHTS_ALL};
    snprintf(principal->actor, sizeof principal->actor, "uid %u", (unsigned)peer->uid);
    return 0;
}

static enum qbid_right right_needed(const cJSON *request, enum change change)
{
    const char *verb = qbid_json_text(request, "verb");
    bool dry_run = qbid_json_flag(request, "dry_run", 0);
    if (change == BY_VERB && verb && strcmp(verb, "list") != 0 && strcmp(verb, "show") != 0)
        return QBID_RIGHT_APPROVE;
    if (change == BY_MEMBER && !cJSON_HasObjectItem(request, "set") &&
        !cJSON_HasObjectItem(request, "clear"))
        return QBID_RIGHT_READ;
    return (change == BY_RUN || change == BY_MEMBER) && !dry_run ? QBID_RIGHT_EXECUTE
                                                                 : QBID_RIGHT_READ;
}

static int allowed(struct qbid_command *command, size_t which)
{
    const struct qbid_principal *principal = &command->principal;
    enum qbid_right right = right_needed(command->request, commands_table[which].change);
    if (principal->tenant != 0 && !commands_table[which].of_tenants)
        return qbid_command_fail(command, QBID_ERR_DENIED, "%s is for operators of the host",
                                 commands_table[which].name);
    if (!(principal->rights & right))
        return qbid_command_fail(command, QBID_ERR_DENIED, "%s may not %s", principal->actor,
                                 qbid_right_name(right));
    return 0;
}

/* With nothing in sight but what is the principal's. */
static int scoped_run(struct qbid_command *command, size_t which)
{
    struct qbid_store *store = qbid_engine_store(command->engine);
    struct qbid_account view;
    command->account = qbid_engine_account(command->engine);
    if (command->principal.tenant == 0)
        return commands_table[which].run(command);
    int err = qbid_account_view(command->account, command->principal.tenant, &view);
    if (err)
        return err;
    command->account = &view;
    uint32_t before = qbid_store_scope(store, command->principal.tenant);
    err = commands_table[which].run(command);
    qbid_store_scope(store, before);
    qbid_account_view_done(&view);
    return err;
}

static char *run(struct qbid_command *command, size_t which)
{
    const char *name = commands_table[which].name;
    command->answer = answer_new(name, true);
    command->now_ns = qbid_clock_boot_ns();
    command->unix_ns = qbid_clock_unix_ns();
    command->actor = command->principal.actor;
    int err = allowed(command, which);
    if (!err)
        err = scoped_run(command, which);
    if (!err)
        return print(command->answer);
    /* what a refused import found stays: the tool prints it line by line */
    cJSON *problems = cJSON_DetachItemFromObject(command->answer, "problems");
    cJSON_Delete(command->answer);
    cJSON *answer = answer_new(name, false);
    cJSON *error = cJSON_AddObjectToObject(answer, "error");
    cJSON_AddStringToObject(error, "code", error_name(err));
    cJSON_AddNumberToObject(error, "exit", exit_of(err));
    cJSON_AddStringToObject(error, "message",
                            *command->message ? command->message : qbid_strerror(err));
    if (problems)
        cJSON_AddItemToObject(error, "problems", problems);
    return print(answer);
}

char *qbid_commands_answer(void *context, const struct qbid_api_peer *peer, const char *text,
                           size_t len)
{
    const struct qbid_commands *commands = context;
    bool readable = qbid_json_is_utf8(text, len);
    cJSON *request = readable ? cJSON_ParseWithLengthOpts(text, len + 1, NULL, true) : NULL;
    const char *cmd = request ? qbid_json_text(request, "cmd") : NULL;
    char *answer = NULL;
    if (!cJSON_IsObject(request) || !cmd) {
        answer = refuse("", QBID_ERR_PARSE, QBID_EXIT_USAGE,
                        readable ? "a request is a JSON object with the member cmd"
                                 : "the request is not UTF-8");
    } else if (strcmp(cmd, "help") == 0) {
        answer = help();
    } else {
        size_t i = 0;
        while (i < COMMAND_CNT && strcmp(commands_table[i].name, cmd) != 0)
            i++;
        struct qbid_command command = {
            .commands = commands, .engine = commands->engine, .request = request};
        int err = principal_find(&command, peer);
        answer = err               ? refuse(cmd, err, exit_of(err), command.message)
                 : i < COMMAND_CNT ? run(&command, i)
                                   : refuse(cmd, QBID_ERR_NOENT, QBID_EXIT_USAGE,
                                            "there is no such command; help lists them");
    }
    cJSON_Delete(request);
    return answer;
}
