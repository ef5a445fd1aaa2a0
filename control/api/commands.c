/* SPDX-License-Identifier: Apache-2.0 */
/* From a line of JSON to a command and back. */
#include "control/api/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control/api/command.h"
#include "shm/clock.h"
#include "shm/error.h"

static const struct {
    const char *name;
    qbid_command_fn *run;
    const char *members;
} commands_table[] = {
    {"status", qbid_command_status, "the program, its generation, capacities"},
    {"stat", qbid_command_stat, "every counter by name; latencies of the workers"},
    {"top", qbid_command_top, "campaigns, workers and reasons now; window: 30s 5min 1h 24h all"},
    {"live", qbid_command_live, "pace factors, Q states and leases in force"},
    {"ledger", qbid_command_ledger, "budget, spent and exposure of every campaign"},
    {"snapshot", qbid_command_snapshot,
     "statistics; kind: campaign line_item creative context, id, window, max"},
    {"history", qbid_command_history, "totals over time; kind, id, from_unix_s"},
    {"import", qbid_command_import, "an account file; file, text, dry_run, prune"},
    {"target", qbid_command_target, "change one campaign; campaign, set: {...}, dry_run"},
    {"override", qbid_command_override,
     "what operators say over the pacer; campaign or line_item with set: {...} or clear, dry_run"},
    {"account", qbid_command_dump, "the account as an importable document"},
    {"generations", qbid_command_generations, "published generations, latest first; max"},
    {"audit", qbid_command_audit, "the audit, latest first; max, verify"},
    {"recommend", qbid_command_recommend,
     "what agents and operators propose; verb: list show add approve reject, id, status, max, why"},
    {"apply", qbid_command_apply,
     "a recommendation and its group, or without id what gains most within the limits; id, "
     "dry_run"},
    {"rollback", qbid_command_rollback,
     "take back executions from one to the last, or one only; execution, only, dry_run, why"},
    {"executions", qbid_command_executions, "changes of the account, latest first; id, max"},
    {"hold", qbid_command_hold,
     "keep recommendations off an item; verb: list on off, item, id, why"},
    {"rules", qbid_command_rules,
     "operators' rules; verb: list show add remove enable disable test history, name, on, when, "
     "if, "
     "then, confidence, mode, replace, days, max, dry_run, why"},
    {"runs", qbid_command_runs, "cycles of agents, latest first; agent, max"},
    {"creatives", qbid_command_creatives, "creatives by UTC day; id, days"},
    {"allocations", qbid_command_allocations, "campaigns' budgets as they were changed; id, max"},
    {"publish", qbid_command_publish, "a generation now; reason"},
    {"patterns", qbid_command_patterns,
     "effects that the library has learned; tenant, metric, subject, across, sources, max"},
    {"models", qbid_command_models,
     "which model predicts each campaign's rates, and how well; versions, max"},
    {"insights", qbid_command_insights,
     "what differs or changed more than chance explains; since_s, max"},
    {"partners", qbid_command_partners, "profiles of the partners in force"},
    {"keys", qbid_command_keys, "ids of the notice-signing keys; rotate, force"},
    {"learning", qbid_command_learning, "hold the models still or let them learn; on"},
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

static char *run(struct qbid_command *command, size_t which)
{
    const char *name = commands_table[which].name;
    command->answer = answer_new(name, true);
    command->now_ns = qbid_clock_boot_ns();
    command->unix_ns = qbid_clock_unix_ns();
    snprintf(command->actor, sizeof command->actor, "uid %u", (unsigned)command->peer->uid);
    int err = commands_table[which].run(command);
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
            .commands = commands, .engine = commands->engine, .peer = peer, .request = request};
        answer = i < COMMAND_CNT ? run(&command, i)
                                 : refuse(cmd, QBID_ERR_NOENT, QBID_EXIT_USAGE,
                                          "there is no such command; help lists them");
    }
    cJSON_Delete(request);
    return answer;
}
