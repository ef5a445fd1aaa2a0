/* SPDX-License-Identifier: Apache-2.0 */
/* rules: list, show, add, remove, enable, disable, test, history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/tool.h"

enum { KEY_WHEN = 700, KEY_IF, KEY_THEN, KEY_ON, KEY_MODE, KEY_REPLACE, KEY_DAYS };

struct rules_options {
    const char *verb, *name;
    const char *on, *when, *condition, *then, *mode, *why;
    double confidence; /* 0 = not given */
    long days, max;
    bool replace, dry_run;
};

static bool is(const struct rules_options *o, const char *verb)
{
    return strcmp(o->verb ? o->verb : "list", verb) == 0;
}

/* --- the command line */

static void check(const struct rules_options *o, struct argp_state *state)
{
    static const char *const verbs[] = {"list",   "show",    "add",  "remove",
                                        "enable", "disable", "test", "history"};
    bool parts = o->on || o->when || o->condition || o->then || o->mode || o->confidence > 0;
    size_t i = 0;
    while (i < sizeof verbs / sizeof verbs[0] && !is(o, verbs[i]))
        i++;
    if (i == sizeof verbs / sizeof verbs[0])
        argp_error(state, "'%s' is not list, show, add, remove, enable, disable, test or history",
                   o->verb);
    if (is(o, "list") && o->name)
        argp_error(state, "list takes no name; show NAME does");
    if (!o->name && !is(o, "list") && !is(o, "history") && !(is(o, "test") && parts))
        argp_error(state, "%s NAME is missing", o->verb);
    if (parts && !is(o, "add") && !is(o, "test"))
        argp_error(state, "--on, --when, --if, --then, --confidence and --mode are for add and "
                          "test");
    if ((is(o, "add") || parts) && (!o->condition || !o->then))
        argp_error(state, "--%s is missing", o->condition ? "then" : "if");
    if (is(o, "add") && !o->why)
        argp_error(state, "--reason is missing");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct rules_options *o = state->input;
    char *end;
    switch (key) {
    case KEY_ON:
        o->on = arg;
        return 0;
    case KEY_WHEN:
        o->when = arg;
        return 0;
    case KEY_IF:
        o->condition = arg;
        return 0;
    case KEY_THEN:
        o->then = arg;
        return 0;
    case KEY_MODE:
        o->mode = arg;
        return 0;
    case KEY_REPLACE:
        o->replace = true;
        return 0;
    case KEY_DAYS:
        o->days = qbid_tool_whole(state, "--days", arg, 1, 60);
        return 0;
    case 'c':
        o->confidence = strtod(arg, &end);
        if (end == arg || *end || !(o->confidence > 0 && o->confidence < 1))
            argp_error(state, "--confidence is between 0 and 1, like 0.95");
        return 0;
    case 'm':
        o->max = qbid_tool_whole(state, "--max", arg, 1, 10000);
        return 0;
    case 'r':
        o->why = arg;
        return 0;
    case 'n':
        o->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            argp_usage(state);
        *(state->arg_num ? &o->name : &o->verb) = arg;
        return 0;
    case ARGP_KEY_END:
        check(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static cJSON *request_of(const struct rules_options *o)
{
    cJSON *request = qbid_tool_request("rules");
    qbid_tool_text_add(request, "verb", o->verb ? o->verb : "list");
    qbid_tool_text_add(request, "name", o->name);
    qbid_tool_text_add(request, "on", o->on);
    qbid_tool_text_add(request, "when", o->when);
    qbid_tool_text_add(request, "if", o->condition);
    qbid_tool_text_add(request, "then", o->then);
    qbid_tool_text_add(request, "mode", o->mode);
    qbid_tool_text_add(request, "why", o->why);
    if (o->confidence > 0)
        cJSON_AddNumberToObject(request, "confidence", o->confidence);
    if (o->days)
        cJSON_AddNumberToObject(request, "days", (double)o->days);
    if (o->max)
        cJSON_AddNumberToObject(request, "max", (double)o->max);
    if (o->replace)
        cJSON_AddBoolToObject(request, "replace", true);
    if (o->dry_run)
        cJSON_AddBoolToObject(request, "dry_run", true);
    return request;
}

/* --- what comes back */

static void list_print(const struct qbid_tool *tool, const cJSON *a)
{
    static const char *const heads[] = {"<NAME", "<STATE", "<MODE", "<ON",       "<WHEN", "<IF",
                                        "<THEN", "CONF.",  "CAMP.", "FIRED 24H", NULL};
    struct qbid_columns columns;
    const cJSON *item;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "rules"))
    {
        if (qbid_tool_member(item, "error")) {
            qbid_tool_say("rule %s: %s", qbid_tool_text(item, "name"),
                          qbid_tool_text(item, "error"));
            continue;
        }
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "name"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "state"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "mode"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "on"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "when"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "if"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "then"));
        qbid_columns_add(&columns, "%g", qbid_tool_number(item, "confidence"));
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "campaigns"));
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "fired_24h"));
    }
    if (columns.cell_cnt > 0) {
        qbid_columns_print(&columns, stdout, tool->colour);
        printf("without a cause they fire on at most %.3g of days, all together\n",
               qbid_tool_number(a, "false_firings_day"));
    } else {
        puts("there are no rules; qbid rules add --help says how they are written");
    }
    qbid_columns_done(&columns);
    if (cJSON_IsFalse(qbid_tool_member(a, "judged")))
        qbid_tool_say("agents.rules is off: no rule is judged");
}

static void rule_print(const cJSON *rule, const char *sign)
{
    printf("%srule        %s\n", sign, qbid_tool_text(rule, "name"));
    printf("%son          %s\n", sign, qbid_tool_text(rule, "on"));
    printf("%swhen        %s\n", sign, qbid_tool_text(rule, "when"));
    printf("%sif          %s\n", sign, qbid_tool_text(rule, "if"));
    printf("%sthen        %s\n", sign, qbid_tool_text(rule, "then"));
    printf("%sconfidence  %g\n", sign, qbid_tool_number(rule, "confidence"));
    printf("%smode        %s\n", sign, qbid_tool_text(rule, "mode"));
}

/* The version in force whole, and the line of those before it. */
static void show_print(const struct qbid_tool *tool, const cJSON *a)
{
    static const char *const heads[] = {"VERSION", "<SINCE", "<STATE", "<MODE", "<IF",
                                        "<THEN",   "<BY",    "<WHY",   NULL};
    const cJSON *all = qbid_tool_member(a, "rules"), *item;
    struct qbid_columns columns;
    rule_print(cJSON_GetArrayItem(all, cJSON_GetArraySize(all) - 1), "");
    putchar('\n');
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, all)
    {
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "version"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "time"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "state"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "mode"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "if"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "then"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "actor"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "why"));
    }
    qbid_columns_print(&columns, stdout, tool->colour);
    qbid_columns_done(&columns);
}

static void firings_print(const struct qbid_tool *tool, const cJSON *a)
{
    static const char *const heads[] = {"<TIME", "<RULE", "CAMPAIGN", "<OUTCOME", "<WHAT", NULL};
    const cJSON *rule = qbid_tool_member(a, "rule"), *item;
    struct qbid_columns columns;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "firings"))
    {
        const char *status = qbid_tool_text(item, "status");
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "time"));
        qbid_columns_add(&columns, "%s",
                         qbid_tool_text(rule ? rule : item, rule ? "name" : "rule"));
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "campaign"));
        qbid_columns_add(&columns, "%s%s%s", qbid_tool_text(item, "outcome"),
                         *status && *status != '-' ? ", " : "",
                         *status && *status != '-' ? status : "");
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "text"));
    }
    if (columns.cell_cnt > 0)
        qbid_columns_print(&columns, stdout, tool->colour);
    qbid_columns_done(&columns);
}

static void rehearsal_print(const struct qbid_tool *tool, const cJSON *a)
{
    firings_print(tool, a);
    printf("in the last %.0f days it was judged %.0f times, and would have fired %.0f times and "
           "proposed %.0f changes\n",
           qbid_tool_number(a, "days"), qbid_tool_number(a, "judged"), qbid_tool_number(a, "fired"),
           qbid_tool_number(a, "would_propose"));
    if (qbid_tool_number(a, "false_firings_day") > 0)
        printf("without a cause it fires on at most %.3g of days\n",
               qbid_tool_number(a, "false_firings_day"));
    if (qbid_tool_number(a, "judged") == 0)
        puts("nothing could be judged: the history holds nothing that it could be held against");
}

static void change_print(const struct qbid_tool *tool, const struct rules_options *o,
                         const cJSON *a)
{
    if (is(o, "add")) {
        if (qbid_tool_member(a, "before"))
            rule_print(qbid_tool_member(a, "before"), "- ");
        rule_print(qbid_tool_member(a, "rule"), "+ ");
    }
    if (o->dry_run && is(o, "add"))
        rehearsal_print(tool, a);
    if (cJSON_IsTrue(qbid_tool_member(a, "unchanged")))
        printf("%s is %s already\n", o->name, is(o, "enable") ? "on" : "off");
    else if (o->dry_run)
        puts("dry run: nothing was changed");
    else
        printf("%s: version %.0f is %s\n", o->name, qbid_tool_number(a, "version"),
               qbid_tool_text(a, "state"));
}

int qbid_tool_rules(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"if", KEY_IF, "CONDITION", 0,
         "ctr, cvr, win_rate, viewability, completion, cpc, cpa or budget, < or >, and: 0.8 x "
         "average "
         "over 24h; average - 20 %; target + 20 %; a number; 95 %",
         0},
        {"then", KEY_THEN, "ACTION", 0, "bid -10 %, at most -30 % a day; budget +5 %; pause; tell",
         0},
        {"when", KEY_WHEN, "STEP", 0, "hourly (default), daily, 15m, 6h ...", 0},
        {"on", KEY_ON, "SCOPE", 0, "all (default), tenant ID, campaign ID", 0},
        {"confidence", 'c', "P", 0,
         "All campaigns of the rule together fire without a cause on at most 1 - P of days (0.95)",
         0},
        {"mode", KEY_MODE, "MODE", 0,
         "dry_run (default): only its history is kept; propose: recommendations; execute: those go "
         "by themselves within the limits of execution",
         0},
        {"replace", KEY_REPLACE, NULL, 0, "add: the next version of a rule that is there", 0},
        {"days", KEY_DAYS, "N", 0, "test, add --dry-run: as far back (7)", 0},
        {"max", 'm', "N", 0, "history: at most N, latest first (50)", 0},
        {"reason", 'r', "TEXT", 0, "For the record", 0},
        {"dry-run", 'n', NULL, 0, "Show what would change, and what the rule would have done", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "list\nshow NAME\nadd NAME --if CONDITION --then ACTION --reason TEXT\nremove NAME\n"
        "enable NAME\ndisable NAME\ntest NAME\ntest --if CONDITION --then ACTION\nhistory [NAME]",
        "When, if, then: what campaigns' numbers would have an operator do. A condition on a rate "
        "holds when it is proven, not when an hour happens to look so. What a rule proposes goes "
        "the way of all recommendations: limits, holds, approval, rollback.",
        NULL,
        NULL,
        NULL};
    struct rules_options o = {0};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *a = qbid_tool_ask_table(tool, request_of(&o), &code);
    if (!a)
        return code;
    if (is(&o, "list"))
        list_print(tool, a);
    else if (is(&o, "show"))
        show_print(tool, a);
    else if (is(&o, "test"))
        rehearsal_print(tool, a);
    else if (!is(&o, "history"))
        change_print(tool, &o, a);
    else if (cJSON_GetArraySize(qbid_tool_member(a, "firings")) == 0)
        puts("no rule has fired");
    else
        firings_print(tool, a);
    cJSON_Delete(a);
    return code;
}
