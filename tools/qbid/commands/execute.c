/* SPDX-License-Identifier: Apache-2.0 */
/* recommend, rollback, executions, hold: what is proposed, what was done, and the way back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/tool.h"

enum { KEY_ONLY = 700, KEY_STATUS, KEY_IMPACT, KEY_LOSS };

struct options {
    const char *word[5]; /* the arguments */
    unsigned word_cnt;
    const char *why, *status, *impact, *loss;
    long max;
    bool dry_run, only;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'n':
        o->dry_run = true;
        return 0;
    case 'm':
        o->max = qbid_tool_whole(state, "--max", arg, 1, 10000);
        return 0;
    case 'r':
        o->why = arg;
        return 0;
    case KEY_ONLY:
        o->only = true;
        return 0;
    case KEY_STATUS:
        o->status = arg;
        return 0;
    case KEY_IMPACT:
        o->impact = arg;
        return 0;
    case KEY_LOSS:
        o->loss = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->word_cnt == sizeof o->word / sizeof o->word[0])
            argp_usage(state);
        o->word[o->word_cnt++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A whole number among the arguments; the program ends with its usage when it is none. */
static double number_of(const char *text, const char *name)
{
    char *end;
    double value = text ? strtod(text, &end) : 0;
    if (text && !*end && value >= 1 && value <= 4294967295.0)
        return value;
    qbid_tool_say("%s: '%s' is not a number from 1 on", name, text ? text : "");
    exit(QBID_TOOL_USAGE);
}

static int usage(const char *words)
{
    qbid_tool_say("usage: qbid %s", words);
    return QBID_TOOL_USAGE;
}

/* --- recommend */

static void recommendations_table(const struct qbid_tool *tool, const cJSON *answer)
{
    static const char *const heads[] = {"<ID",  "<STATUS",  "<ITEM",  "<FIELD",  "NOW",
                                        "THEN", "AT STAKE", "IMPACT", "<REASON", NULL};
    struct qbid_columns columns;
    const cJSON *item;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(answer, "recommendations"))
    {
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "id"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "status"));
        qbid_columns_add(&columns, "%s %.0f", qbid_tool_text(item, "item"),
                         qbid_tool_number(item, "item_id"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "field"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "current_value"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "recommended_value"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "money_at_stake"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "expected_impact"));
        qbid_columns_add(&columns, "%.60s", qbid_tool_text(item, "reason"));
    }
    qbid_columns_print_or(&columns, stdout, tool->colour, "there are no recommendations");
    qbid_columns_done(&columns);
}

static void recommendation_print(const cJSON *answer)
{
    const cJSON *all = qbid_tool_member(answer, "recommendations");
    for (const cJSON *r = all ? all->child : NULL; r; r = r->next)
        for (const cJSON *item = r->child; item; item = item->next) {
            if (cJSON_IsNumber(item))
                printf("%-18s %.10g\n", item->string, item->valuedouble);
            else
                printf("%-18s %s\n", item->string,
                       cJSON_IsString(item) ? item->valuestring
                       : cJSON_IsTrue(item) ? "yes"
                                            : "no");
        }
}

/* Send a change, print it as every change is printed. */
static int change(struct qbid_tool *tool, cJSON *request, const struct options *o)
{
    if (o->dry_run)
        cJSON_AddBoolToObject(request, "dry_run", true);
    qbid_tool_text_add(request, "why", o->why);
    return qbid_tool_change(tool, request);
}

/* Send what changes no account; one line says what became of it. */
static int say(struct qbid_tool *tool, cJSON *request, const struct options *o, const char *done)
{
    int code;
    if (o->dry_run)
        cJSON_AddBoolToObject(request, "dry_run", true);
    qbid_tool_text_add(request, "why", o->why);
    cJSON *answer = qbid_tool_ask_table(tool, request, &code);
    if (!answer)
        return code;
    const char *id = qbid_tool_text(answer, "id");
    printf("%s%s%s%s\n", strcmp(id, "-") == 0 ? "" : id, strcmp(id, "-") == 0 ? "" : " ", done,
           o->dry_run ? "; dry run: nothing was changed" : "");
    cJSON_Delete(answer);
    return code;
}

static int recommend_list(struct qbid_tool *tool, cJSON *request, const struct options *o,
                          bool show)
{
    int code;
    qbid_tool_text_add(request, "status", o->status);
    if (o->max)
        cJSON_AddNumberToObject(request, "max", (double)o->max);
    cJSON *answer = qbid_tool_ask_table(tool, request, &code);
    if (!answer)
        return code;
    if (show)
        recommendation_print(answer);
    else
        recommendations_table(tool, answer);
    cJSON_Delete(answer);
    return code;
}

static int recommend_add(struct qbid_tool *tool, cJSON *request, const struct options *o)
{
    qbid_tool_text_add(request, "item", o->word[1]);
    cJSON_AddNumberToObject(request, "item_id", number_of(o->word[2], "ID"));
    qbid_tool_text_add(request, "field", o->word[3]);
    qbid_tool_text_add(request, "value", o->word[4]);
    qbid_tool_text_add(request, "reason", o->why);
    qbid_tool_text_add(request, "impact", o->impact);
    qbid_tool_text_add(request, "loss", o->loss);
    return say(tool, request, o, "proposed");
}

static const struct argp_option recommend_options[] = {
    {"dry-run", 'n', NULL, 0, "Show what would change, with its money effect", 0},
    {"reason", 'r', "TEXT", 0, "Why, for the audit; with add: why it is proposed", 0},
    {"status", KEY_STATUS, "STATUS", 0,
     "With list: pending, approved, rejected, expired, applied, rolled_back or superseded", 0},
    {"impact", KEY_IMPACT, "MONEY", 0, "With add: value expected a day", 0},
    {"loss", KEY_LOSS, "MONEY", 0, "With add: mean loss of its worst tenth a day", 0},
    {"max", 'm', "N", 0, "With list: at most N, latest first (50)", 0},
    {0}};

int qbid_tool_recommend(struct qbid_tool *tool, int argc, char **argv)
{
    const struct argp argp = {
        recommend_options,
        parse,
        "list | show ID | add ITEM ID FIELD VALUE --reason TEXT | approve ID | reject ID | apply "
        "[ID]",
        "What agents and operators propose, and what becomes of it. ITEM is campaign, line_item or "
        "creative. apply without ID takes, of all that is approved, what gains most within the "
        "limits of the configuration (execution). A group of recommendations goes together.",
        NULL,
        NULL,
        NULL};
    struct options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    const char *verb = o.word_cnt ? o.word[0] : "list";
    bool apply = strcmp(verb, "apply") == 0, show = strcmp(verb, "show") == 0;
    bool list = strcmp(verb, "list") == 0, add = strcmp(verb, "add") == 0;
    if ((list && o.word_cnt > 1) || (add && (o.word_cnt != 5 || !o.why)) ||
        (apply && o.word_cnt > 2) || (!list && !add && !apply && o.word_cnt != 2))
        return usage("recommend list | show ID | add ITEM ID FIELD VALUE --reason TEXT | approve "
                     "ID | reject ID | apply [ID]");
    cJSON *request = qbid_tool_request(apply ? "apply" : "recommend");
    if (!apply)
        cJSON_AddStringToObject(request, "verb", verb);
    if (!add && o.word_cnt == 2)
        cJSON_AddStringToObject(request, "id", o.word[1]);
    if (list || show)
        return recommend_list(tool, request, &o, show);
    if (add)
        return recommend_add(tool, request, &o);
    if (apply)
        return change(tool, request, &o);
    return say(tool, request, &o, strcmp(verb, "approve") == 0 ? "approved" : "rejected");
}

/* --- rollback */

int qbid_tool_rollback(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"dry-run", 'n', NULL, 0, "Show what would change, with its money effect", 0},
        {"only", KEY_ONLY, NULL, 0,
         "That execution alone: budgets by the amount, other fields where none came after", 0},
        {"reason", 'r', "TEXT", 0, "Why, for the audit", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "EXECUTION",
                              "Take back an execution and all that came after it: every field gets "
                              "the value it had before. qbid executions lists them.",
                              NULL,
                              NULL,
                              NULL};
    struct options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    if (o.word_cnt != 1)
        return usage("rollback EXECUTION [--only] [--dry-run]");
    cJSON *request = qbid_tool_request("rollback");
    cJSON_AddNumberToObject(request, "execution", number_of(o.word[0], "EXECUTION"));
    if (o.only)
        cJSON_AddBoolToObject(request, "only", true);
    return change(tool, request, &o);
}

/* --- executions */

static void change_print(const cJSON *change)
{
    const char *before = qbid_tool_text(change, "before"), *after = qbid_tool_text(change, "after");
    printf("  %s %.0f %s", qbid_tool_text(change, "item"), qbid_tool_number(change, "id"),
           qbid_tool_text(change, "field"));
    if (strcmp(before, after) != 0) /* added items have neither */
        printf(": %s -> %s", before, after);
    putchar('\n');
}

static void executions_table(const struct qbid_tool *tool, const cJSON *answer)
{
    static const char *const heads[] = {"EXECUTION",  "<TIME",      "<KIND", "<BY",
                                        "GENERATION", "<UNDONE BY", "<WHY",  NULL};
    struct qbid_columns columns;
    const cJSON *item;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(answer, "executions"))
    {
        double undone = qbid_tool_number(item, "undone_by");
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "id"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "time"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "kind"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "actor"));
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "generation"));
        qbid_columns_add(&columns, undone > 0 ? "%.0f" : "-", undone);
        qbid_columns_add(&columns, "%.60s", qbid_tool_text(item, "why"));
    }
    qbid_columns_print_or(&columns, stdout, tool->colour, "the account was not changed yet");
    qbid_columns_done(&columns);
    cJSON_ArrayForEach(item, qbid_tool_member(answer, "changes")) change_print(item);
}

int qbid_tool_executions(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"max", 'm', "N", 0, "At most N, latest first (50)", 0}, {0}};
    const struct argp argp = {options,
                              parse,
                              "[EXECUTION]",
                              "Changes of the account, latest first; of one of them, every field "
                              "before and after.",
                              NULL,
                              NULL,
                              NULL};
    struct options o = {0};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    if (o.word_cnt > 1)
        return usage("executions [EXECUTION]");
    cJSON *request = qbid_tool_request("executions");
    if (o.word_cnt)
        cJSON_AddNumberToObject(request, "id", number_of(o.word[0], "EXECUTION"));
    if (o.max)
        cJSON_AddNumberToObject(request, "max", (double)o.max);
    cJSON *answer = qbid_tool_ask_table(tool, request, &code);
    if (!answer)
        return code;
    executions_table(tool, answer);
    cJSON_Delete(answer);
    return code;
}

/* --- hold */

static void hold_row(struct qbid_columns *columns, const cJSON *item)
{
    qbid_columns_add(columns, "%s %.0f", qbid_tool_text(item, "item"),
                     qbid_tool_number(item, "id"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "actor"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "time"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "why"));
}

int qbid_tool_hold(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"<ITEM", "<BY", "<SINCE", "<WHY", NULL};
    static const struct argp_option options[] = {
        {"dry-run", 'n', NULL, 0, "Only check", 0},
        {"reason", 'r', "TEXT", 0, "Why, for whoever is refused by it", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "[list | on ITEM ID | off ITEM ID]",
                              "Keep recommendations off an item and what is below it. ITEM is "
                              "campaign, line_item or creative. Operators may still change it.",
                              NULL,
                              NULL,
                              NULL};
    struct options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    if (o.word_cnt > 1 ? o.word_cnt != 3 : o.word_cnt && strcmp(o.word[0], "list") != 0)
        return usage("hold [list | on ITEM ID | off ITEM ID]");
    cJSON *request = qbid_tool_request("hold");
    if (o.word_cnt == 3) {
        qbid_tool_text_add(request, "verb", o.word[0]);
        qbid_tool_text_add(request, "item", o.word[1]);
        cJSON_AddNumberToObject(request, "id", number_of(o.word[2], "ID"));
        qbid_tool_text_add(request, "why", o.why);
        if (o.dry_run)
            cJSON_AddBoolToObject(request, "dry_run", true);
    }
    return qbid_tool_table(tool, request, "holds", heads, hold_row, "nothing is held");
}
