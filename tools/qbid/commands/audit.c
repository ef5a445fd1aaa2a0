/* SPDX-License-Identifier: Apache-2.0 */
/* audit: who changed what; whether somebody changed that; and a checkpoint to keep elsewhere. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/tool.h"

#define CHECKPOINT_MAX 1024

enum verb { LIST, VERIFY, EXPORT };

struct audit_options {
    long max;
    enum verb verb;
    const char *checkpoint; /* a file */
    bool changes;
};

static int verb_read(struct audit_options *o, const char *word)
{
    if (strcmp(word, "verify") != 0 && strcmp(word, "export") != 0)
        return ARGP_ERR_UNKNOWN;
    o->verb = *word == 'v' ? VERIFY : EXPORT;
    return 0;
}

enum { KEY_CHANGES = 700 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct audit_options *o = state->input;
    switch (key) {
    case 'm':
        o->max = qbid_tool_whole(state, "--max", arg, 1, 10000);
        return 0;
    case KEY_CHANGES:
        o->changes = true;
        return 0;
    case 'V':
        o->verb = VERIFY;
        return 0;
    case 'c':
        o->checkpoint = arg;
        return 0;
    case ARGP_KEY_ARG:
        return state->arg_num > 0 ? ARGP_ERR_UNKNOWN : verb_read(o, arg);
    case ARGP_KEY_END:
        if (o->checkpoint && o->verb != VERIFY)
            argp_error(state, "--checkpoint goes with verify");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The line of a file; false with a message. */
static bool checkpoint_read(const char *path, char text[CHECKPOINT_MAX])
{
    FILE *f = fopen(path, "re");
    size_t len = f ? fread(text, 1, CHECKPOINT_MAX - 1, f) : 0;
    if (!f || ferror(f) || len == 0 || memchr(text, '\0', len)) {
        if (f)
            qbid_tool_say("%s holds no checkpoint", path);
        else
            qbid_tool_say("%s: %s", path, strerror(errno));
        if (f)
            fclose(f);
        return false;
    }
    fclose(f);
    text[len] = '\0';
    return true;
}

/* A value of several lines, each behind a sign; of something new, those that are set. */
static void lines_print(const char *sign, const char *text, bool fresh)
{
    if (strcmp(text, "-") == 0)
        return;
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n");
        if (!fresh || len == 0 || at[len - 1] != '=')
            printf("    %s %.*s\n", sign, (int)len, at);
        at += len + (at[len] == '\n');
    }
}

static void verified_print(const cJSON *a, const struct audit_options *o)
{
    double from = qbid_tool_number(a, "keyed_from");
    double foreign = qbid_tool_number(a, "unverified_from");
    printf("%.0f records, none was changed", qbid_tool_number(a, "verified"));
    if (foreign > 0)
        printf(" but perhaps records %.0f to %.0f: they have a former key, and this one says so",
               foreign, qbid_tool_number(a, "unverified_to"));
    if (from > 0)
        printf("; keyed from record %.0f on", from);
    if (o->checkpoint)
        printf("; the checkpoint is in it");
    printf("\n");
}

static void records_print(const cJSON *a)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, qbid_tool_member(a, "records"))
    {
        printf("%.0f  %s  %s  %s (%s)\n", qbid_tool_number(item, "id"),
               qbid_tool_text(item, "time"), qbid_tool_text(item, "actor"),
               qbid_tool_text(item, "what"), qbid_tool_text(item, "why"));
        const char *before = qbid_tool_text(item, "before");
        lines_print("-", before, false);
        lines_print("+", qbid_tool_text(item, "after"), strcmp(before, "-") == 0);
    }
}

int qbid_tool_audit(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"max", 'm', "N", 0, "At most N, latest first (20)", 0},
        {"changes", KEY_CHANGES, NULL, 0, "Without generations", 0},
        {"verify", 'V', NULL, 0, "Recompute the chain of hashes instead", 0},
        {"checkpoint", 'c', "FILE", 0,
         "With verify: and see that the record of this exported checkpoint is in it", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "[verify|export]",
                              "Who changed what, why, before and after. verify finds whatever was "
                              "changed behind qbidd's back; export prints a signed checkpoint, to "
                              "be kept where the store's writers cannot reach it.",
                              NULL,
                              NULL,
                              NULL};
    struct audit_options o = {.max = 20};
    char checkpoint[CHECKPOINT_MAX];
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    if (o.checkpoint && !checkpoint_read(o.checkpoint, checkpoint))
        return QBID_TOOL_FAILED;
    cJSON *request = qbid_tool_request("audit");
    cJSON_AddNumberToObject(request, "max", (double)o.max);
    cJSON_AddBoolToObject(request, "changes", o.changes);
    cJSON_AddBoolToObject(request, "verify", o.verb == VERIFY);
    cJSON_AddBoolToObject(request, "export", o.verb == EXPORT);
    if (o.checkpoint)
        cJSON_AddStringToObject(request, "checkpoint", checkpoint);
    cJSON *a = qbid_tool_ask_table(tool, request, &code);
    if (!a)
        return code;
    if (o.verb == VERIFY)
        verified_print(a, &o);
    else if (o.verb == EXPORT)
        printf("%s\n", qbid_tool_text(a, "checkpoint"));
    else
        records_print(a);
    cJSON_Delete(a);
    return code;
}
