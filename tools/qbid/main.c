/* SPDX-License-Identifier: Apache-2.0 */
/* The program `qbid`: finds the command among the arguments and hands over to it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/version.h"
#include "tools/qbid/tool.h"

/* glibc reads it, hence the visibility: --version tells it */
__attribute__((visibility("default"))) const char *argp_program_version = "qbid " QBID_VERSION;

static const struct {
    const char *name;
    qbid_tool_fn *run;
    const char *text;
} commands[] = {
    {"status", qbid_tool_status, "how qbidd is, its generation, what is full"},
    {"top", qbid_tool_top, "campaigns and workers, live on a terminal"},
    {"import", qbid_tool_import, "campaigns, line items, creatives from a YAML or JSON file"},
    {"target", qbid_tool_target, "target set CAMPAIGN: goal, target, budget, pacing, active"},
    {"recommend", qbid_tool_recommend, "list, show, add, approve, reject, apply recommendations"},
    {"executions", qbid_tool_executions, "changes of the account, and each field before and after"},
    {"rollback", qbid_tool_rollback, "take back an execution and all that came after it"},
    {"hold", qbid_tool_hold, "keep recommendations off an item"},
    {"rules", qbid_tool_rules, "when / if / then: list, add, test on the history, what fired"},
    {"override", qbid_tool_override, "override list | set | clear: bid otherwise, for a time"},
    {"account", qbid_tool_account, "account dump: everything, as a file that can be imported"},
    {"generations", qbid_tool_generations, "what was published, latest first"},
    {"publish", qbid_tool_publish, "publish a generation now"},
    {"reload", qbid_tool_reload, "read qbidd's configuration again, and say what is wrong"},
    {"learning", qbid_tool_learning, "learning on | off: hold the models still"},
    {"explain", qbid_tool_explain, "why a saved bid request is answered as it is"},
    {"allocate", qbid_tool_allocate, "how a budget would best be split, from a CSV of campaigns"},
    {"ope", qbid_tool_ope, "what other bids or rotations would have earned, by the log"},
    {"live", qbid_tool_live, "pace factors, Q states and leases in force"},
    {"ledger", qbid_tool_ledger, "budgets, spend and exposure, exactly"},
    {"snapshot", qbid_tool_snapshot, "statistics by campaign, line item, creative or context"},
    {"history", qbid_tool_history, "changes of the account; totals of one item over time"},
    {"insights", qbid_tool_insights, "what differs or changed more than chance explains"},
    {"patterns", qbid_tool_patterns, "effects that the library has learned, and from where"},
    {"creatives", qbid_tool_creatives, "creatives by day"},
    {"allocations", qbid_tool_allocations,
     "budgets of campaigns as they were changed, and by whom"},
    {"attribution", qbid_tool_attribution, "how conversions are given to bids, and lags, by day"},
    {"overlaps", qbid_tool_overlaps, "line items that are after the same traffic"},
    {"runs", qbid_tool_runs, "cycles of agents: time taken, proposals, outcome"},
    {"models", qbid_tool_models, "which model predicts each campaign's rates, and how well"},
    {"partners", qbid_tool_partners, "profiles of exchanges, and creatives that they would refuse"},
    {"keys", qbid_tool_keys, "keys list | rotate: of the notices"},
    {"token", qbid_tool_token, "token new: a token for a tenant, and its line for the file"},
    {"stat", qbid_tool_stat, "every counter"},
    {"audit", qbid_tool_audit, "who changed what; audit verify | export: the chain of records"},
};
#define COMMAND_CNT (sizeof commands / sizeof commands[0])

struct arguments {
    struct qbid_tool *tool;
    int command_at; /* in argv, 0 = none */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->tool;
        return 0;
    case ARGP_KEY_ARG:
        a->command_at = state->next - 1;
        state->next = state->argc; /* the rest is the command's */
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The list of commands behind the options, when help is asked for. */
static char *help(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    char *out = NULL;
    size_t len;
    FILE *f = open_memstream(&out, &len);
    if (!f)
        return NULL;
    fputs("Commands (qbid COMMAND --help says more):\n", f);
    for (size_t i = 0; i < COMMAND_CNT; i++)
        fprintf(f, "  %-12s %s\n", commands[i].name, commands[i].text);
    fputs("\nExit codes: 0 ok, 1 failed, 2 usage, 3 qbidd not reachable, 4 denied,\n5 refused by a "
          "safety rule, 6 stale data.",
          f);
    fclose(f);
    return out;
}

int main(int argc, char **argv)
{
    const struct argp_child children[] = {{&qbid_tool_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        NULL, parse, "COMMAND [OPTION...]", "qbid - operate qbid\v ", children, help, NULL};
    const char *no_colour = getenv("NO_COLOR");
    struct qbid_tool tool = {.colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour)};
    struct arguments arguments = {&tool, 0};
    argp_err_exit_status = QBID_TOOL_USAGE;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);
    if (arguments.command_at == 0) {
        qbid_tool_say("a command is needed; qbid --help lists them");
        return QBID_TOOL_USAGE;
    }
    const char *name = argv[arguments.command_at];
    size_t i = 0;
    while (i < COMMAND_CNT && strcmp(commands[i].name, name) != 0)
        i++;
    if (i == COMMAND_CNT) {
        qbid_tool_say("there is no command '%s'; qbid --help lists them", name);
        return QBID_TOOL_USAGE;
    }
    char title[64];
    snprintf(title, sizeof title, "qbid %s", commands[i].name);
    argv[arguments.command_at] = title; /* how argp names the program in its messages */
    int code = commands[i].run(&tool, argc - arguments.command_at, argv + arguments.command_at);
    qbid_client_free(tool.client);
    return code;
}
