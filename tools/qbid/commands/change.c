/* SPDX-License-Identifier: Apache-2.0 */
/* import, target, account, publish, learning, reload: what changes something, and the dump of it
 * all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/tool.h"

#define FIELD_MAX 32
#define FILE_BYTES_MAX ((size_t)8 << 20) /* more is refused by qbidd */

/* --- differences */

static void field_print(const cJSON *field, bool added)
{
    const char *name = qbid_tool_text(field, "name");
    const char *before = cJSON_GetStringValue(qbid_tool_member(field, "before"));
    const char *after = cJSON_GetStringValue(qbid_tool_member(field, "after"));
    if (added && !*after)
        return; /* nothing was set */
    if (added)
        printf("      %s: %s\n", name, after);
    else
        printf("      %s: %s -> %s\n", name, before && *before ? before : "(empty)",
               *after ? after : "(empty)");
}

static void diff_print(const cJSON *answer, bool rollback)
{
    const cJSON *change, *field, *changes = qbid_tool_member(answer, "changes");
    if (cJSON_GetArraySize(changes) == 0 && qbid_tool_number(answer, "execution") > 0) {
        printf(rollback ? "nothing to change; on record as execution %.0f\n"
                        : "applied before, as execution %.0f; nothing to change\n",
               qbid_tool_number(answer, "execution"));
        return;
    }
    cJSON_ArrayForEach(change, changes)
    {
        const char *kind = qbid_tool_text(change, "change");
        bool added = strcmp(kind, "added") == 0;
        printf("%c %s %.0f\n",
               added                          ? '+'
               : strcmp(kind, "removed") == 0 ? '-'
                                              : '~',
               qbid_tool_text(change, "item"), qbid_tool_number(change, "id"));
        cJSON_ArrayForEach(field, qbid_tool_member(change, "fields")) field_print(field, added);
    }
    printf("%.0f added, %.0f changed, %.0f removed, %.0f unchanged\n",
           qbid_tool_number(answer, "added"), qbid_tool_number(answer, "changed"),
           qbid_tool_number(answer, "removed"), qbid_tool_number(answer, "unchanged"));
    printf("active budgets: %s -> %s\n", qbid_tool_text(answer, "budgets_before"),
           qbid_tool_text(answer, "budgets_after"));
    if (qbid_tool_member(answer, "money_at_stake"))
        printf("money at stake: %s\n", qbid_tool_text(answer, "money_at_stake"));
    if (qbid_tool_number(answer, "left_inactive") > 0)
        printf("items added since: %.0f stay, inactive\n",
               qbid_tool_number(answer, "left_inactive"));
    if (qbid_tool_number(answer, "moved_back") > 0)
        printf("budgets changed later, too: %.0f moved back by the amount\n",
               qbid_tool_number(answer, "moved_back"));
    if (qbid_tool_number(answer, "kept") > 0)
        printf("fields changed later: %.0f keep that value\n", qbid_tool_number(answer, "kept"));
    if (cJSON_IsTrue(qbid_tool_member(answer, "dry_run")))
        puts("dry run: nothing was changed");
    else if (cJSON_IsTrue(qbid_tool_member(answer, "applied")))
        printf("applied; generation %.0f\n", qbid_tool_number(answer, "generation"));
    else
        puts("nothing to change");
}

int qbid_tool_change(struct qbid_tool *tool, cJSON *request)
{
    int code;
    bool rollback = strcmp(qbid_tool_text(request, "cmd"), "rollback") == 0;
    cJSON *answer = qbid_tool_ask(tool, request, &code);
    if (!answer)
        return code;
    if (tool->json)
        code = qbid_tool_print(answer);
    else
        diff_print(answer, rollback);
    const char *unpublished = cJSON_GetStringValue(qbid_tool_member(answer, "publish_error"));
    if (unpublished)
        qbid_tool_say("stored, but not published yet: %s; qbidd tries again", unpublished);
    cJSON_Delete(answer);
    return code;
}

/* --- import */

struct import_options {
    const char *file;
    bool dry_run, prune;
};

static error_t import_parse(int key, char *arg, struct argp_state *state)
{
    struct import_options *o = state->input;
    switch (key) {
    case 'n':
        o->dry_run = true;
        return 0;
    case 'p':
        o->prune = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_usage(state);
        o->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->file)
            argp_error(state, "FILE is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static char *file_read(const char *path)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = f ? malloc(FILE_BYTES_MAX + 2) : NULL;
    size_t len = text ? fread(text, 1, FILE_BYTES_MAX + 1, f) : 0;
    bool bad = !text || ferror(f);
    if (bad)
        qbid_tool_say("%s: %s", path, strerror(errno));
    else if (len > FILE_BYTES_MAX || memchr(text, '\0', len))
        qbid_tool_say("%s: %s", path,
                      len > FILE_BYTES_MAX ? "is over 8 MiB" : "holds a zero byte: not a text");
    if (f && f != stdin)
        fclose(f);
    if (bad || len > FILE_BYTES_MAX || memchr(text, '\0', len)) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

int qbid_tool_import(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"dry-run", 'n', NULL, 0, "Show what would change", 0},
        {"prune", 'p', NULL, 0, "What the file does not list becomes inactive", 0},
        {0}};
    const struct argp argp = {
        options,
        import_parse,
        "FILE",
        "Campaigns, line items and creatives from a YAML or JSON file (- for standard input), "
        "added or changed by id, all or nothing. A file with every key and its meaning: "
        "control/account/keys.yaml, installed in share/doc/qbid/account.",
        NULL,
        NULL,
        NULL};
    struct import_options o = {NULL, false, false};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    char *text = file_read(o.file);
    if (!text)
        return QBID_TOOL_FAILED;
    cJSON *request = qbid_tool_request("import");
    cJSON_AddStringToObject(request, "file", o.file);
    cJSON_AddStringToObject(request, "text", text);
    cJSON_AddBoolToObject(request, "dry_run", o.dry_run);
    cJSON_AddBoolToObject(request, "prune", o.prune);
    free(text);
    return qbid_tool_change(tool, request);
}

/* --- target set */

static const struct argp_option target_options[] = {
    {"goal", 'g', "GOAL", 0,
     "max_clicks, max_conversions, max_value, max_profit, max_roas, target_cpc, target_cpa, "
     "target_roas, fixed_cpm",
     0},
    {"target", 't', "X", 0, "What the goal aims at, currency units (ROAS: a ratio)", 0},
    {"budget", 'b', "X", 0, "Currency units of the flight or day", 0},
    {"period", 'P', "total|daily", 0, "What the budget is of", 0},
    {"pacing", 'p', "even|ahead|asap", 0, "How it is spent", 0},
    {"start", 's', "TIME", 0, "RFC 3339, now, or +90s +30m +24h +7d: bids begin then", 0},
    {"end", 'e', "TIME", 0, "Likewise; bids end then", 0},
    {"cap-cpc", 'C', "X", 0, "Spend a click at most, 0 = no cap", 0},
    {"cap-cpa", 'A', "X", 0, "Spend a conversion at most, 0 = no cap", 0},
    {"min-roas", 'R', "X", 0, "Value a unit of spend at least, 0 = no cap", 0},
    {"spend-floor", 'f', "X", 0, "What max_roas has to spend, currency units", 0},
    {"max-change", 'm', "X", 0, "Largest change of the pace a period, log2; 0 = configuration's",
     0},
    {"velocity", 'v', "X / TIME", 0,
     "Most spend in any window: '2x / 1h' of the even rate, '25.00 / 30m' money; '' = no limit", 0},
    {"triggers", 'T', "LIST", 0, "Emergency adjustments: 'cpc, ctr=0.8, win=1.25'; '' = none", 0},
    {"hours", 'H', "HOURS", 0, "When to bid: 'mon-fri 8-20; sat,sun 10-18=0.5'; '' = always", 0},
    {"time-zone", 'z', "ZONE", 0, "Of the hours, as Europe/Berlin", 0},
    {"active", 'a', "yes|no", 0, "Whether it bids at all", 0},
    {"dry-run", 'n', NULL, 0, "Show what would change", 0},
    {0}};

struct target_options {
    cJSON *set;
    double campaign;
    bool dry_run, verb;
};

/* --cap-cpc sets cap_cpc. */
static void field_name(const char *option, char out[FIELD_MAX])
{
    snprintf(out, FIELD_MAX, "%s", option);
    for (char *p = out; *p; p++)
        *p = *p == '-' ? '_' : *p;
}

static error_t target_parse(int key, char *arg, struct argp_state *state)
{
    struct target_options *o = state->input;
    char *end;
    for (const struct argp_option *option = target_options; option->name; option++) {
        if (option->key != key || key == 'n' || key == 'a')
            continue;
        char field[FIELD_MAX];
        field_name(option->name, field);
        cJSON_DeleteItemFromObject(o->set, field);
        cJSON_AddStringToObject(o->set, field, arg);
        return 0;
    }
    switch (key) {
    case 'a':
        if (strcmp(arg, "yes") != 0 && strcmp(arg, "no") != 0)
            argp_error(state, "--active is yes or no");
        cJSON_DeleteItemFromObject(o->set, "active");
        cJSON_AddBoolToObject(o->set, "active", strcmp(arg, "yes") == 0);
        return 0;
    case 'n':
        o->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0 && strcmp(arg, "set") == 0) {
            o->verb = true;
            return 0;
        }
        o->campaign = strtod(arg, &end);
        if (state->arg_num != 1 || *end || !(o->campaign >= 1))
            argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        if (!o->verb || !(o->campaign >= 1))
            argp_error(state, "set CAMPAIGN is missing");
        if (!o->set->child)
            argp_error(state, "nothing to set");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int qbid_tool_target(struct qbid_tool *tool, int argc, char **argv)
{
    const struct argp argp = {target_options,
                              target_parse,
                              "set CAMPAIGN",
                              "Change what a campaign aims at; prints each value before and after.",
                              NULL,
                              NULL,
                              NULL};
    struct target_options o = {.set = cJSON_CreateObject()};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("target");
    cJSON_AddNumberToObject(request, "campaign", o.campaign);
    cJSON_AddItemToObject(request, "set", o.set);
    cJSON_AddBoolToObject(request, "dry_run", o.dry_run);
    return qbid_tool_change(tool, request);
}

/* --- one word */

struct word {
    const char *const *words; /* NULL ends; the first is taken when none is written */
    const char *text;         /* of --reason */
    int chosen;
};

static error_t word_parse(int key, char *arg, struct argp_state *state)
{
    struct word *w = state->input;
    switch (key) {
    case 'r':
        w->text = arg;
        return 0;
    case ARGP_KEY_ARG:
        for (int i = 0; w->words && w->words[i]; i++) {
            if (strcmp(w->words[i], arg) == 0 && state->arg_num == 0) {
                w->chosen = i;
                return 0;
            }
        }
        argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        if (w->words && w->chosen < 0)
            argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int qbid_tool_account(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const words[] = {"dump", NULL};
    const struct argp argp = {
        NULL,   word_parse,
        "dump", "Everything that was defined, as a file that `qbid import` takes.",
        NULL,   NULL,
        NULL};
    struct word w = {words, NULL, -1};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &w);
    cJSON *answer = qbid_tool_ask(tool, qbid_tool_request("account"), &code);
    if (!answer)
        return code;
    const cJSON *document = qbid_tool_member(answer, "account");
    char *text = tool->json ? cJSON_PrintUnformatted(document) : cJSON_Print(document);
    if (!text || puts(text) == EOF)
        code = QBID_TOOL_FAILED;
    free(text);
    cJSON_Delete(answer);
    return code;
}

int qbid_tool_publish(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {{"reason", 'r', "TEXT", 0, "For the record", 0},
                                                 {0}};
    const struct argp argp = {options, word_parse, NULL, "Publish a generation now.",
                              NULL,    NULL,       NULL};
    struct word w = {NULL, NULL, -1};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &w);
    cJSON *request = qbid_tool_request("publish");
    if (w.text)
        cJSON_AddStringToObject(request, "reason", w.text);
    cJSON *answer = qbid_tool_ask_table(tool, request, &code);
    if (answer)
        printf("generation %.0f\n", qbid_tool_number(answer, "generation"));
    cJSON_Delete(answer);
    return code;
}

int qbid_tool_learning(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const words[] = {"off", "on", NULL};
    const struct argp argp = {
        NULL,
        word_parse,
        "on|off",
        "Hold the models still, or let them learn again. Pacing and allowances go on either way.",
        NULL,
        NULL,
        NULL};
    struct word w = {words, NULL, -1};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &w);
    cJSON *request = qbid_tool_request("learning");
    cJSON_AddBoolToObject(request, "on", w.chosen == 1);
    cJSON *answer = qbid_tool_ask_table(tool, request, &code);
    if (answer)
        printf("learning %s\n", words[w.chosen]);
    cJSON_Delete(answer);
    return code;
}

int qbid_tool_reload(struct qbid_tool *tool, int argc, char **argv)
{
    const struct argp argp = {
        NULL,
        NULL,
        NULL,
        "Read qbidd's configuration again, as SIGHUP does, and say what became of it: 0 done, 1 it "
        "is wrong, and nothing was changed. `qbidd -t FILE` only looks.",
        NULL,
        NULL,
        NULL};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, NULL);
    cJSON *answer = qbid_tool_ask_table(tool, qbid_tool_request("reload"), &code);
    if (!answer)
        return code;
    const char *later = qbid_tool_text(answer, "at_next_start");
    printf("%s is in force\n", qbid_tool_text(answer, "config"));
    if (strcmp(later, "-") != 0)
        printf("but %s: at the next start of qbidd\n", later);
    cJSON_Delete(answer);
    return code;
}
