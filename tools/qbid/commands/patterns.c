/* SPDX-License-Identifier: Apache-2.0 */
/* patterns: what the library of patterns believes, and from where. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/tool.h"

struct patterns_options {
    const char *verb, *metric, *subject, *across;
    long tenant, max;
};

enum { KEY_METRIC = 700 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct patterns_options *a = state->input;
    switch (key) {
    case 't':
        a->tenant = qbid_tool_whole(state, "--tenant", arg, 1, UINT32_MAX);
        return 0;
    case KEY_METRIC:
        a->metric = arg;
        return 0;
    case 's':
        a->subject = arg;
        return 0;
    case 'a':
        a->across = arg;
        return 0;
    case 'm':
        a->max = qbid_tool_whole(state, "--max", arg, 1, 10000);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "'%s': one verb is enough", arg);
        a->verb = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void range_add(struct qbid_columns *columns, const cJSON *item, const char *name)
{
    char low[32], high[32];
    snprintf(low, sizeof low, "%s_low", name);
    snprintf(high, sizeof high, "%s_high", name);
    if (!qbid_tool_member(item, name)) {
        qbid_columns_add(columns, "-");
        qbid_columns_add(columns, "-");
        return;
    }
    qbid_columns_add(columns, "%.3f", qbid_tool_number(item, name));
    qbid_columns_add(columns, "%.3f .. %.3f", qbid_tool_number(item, low),
                     qbid_tool_number(item, high));
}

static void patterns_print(const struct qbid_tool *tool, const cJSON *answer)
{
    static const char *const heads[] = {"TENANT", "<METRIC", "<SUBJECT", "<ACROSS", "N",
                                        "EVENTS", "EFFECT",  "<90 %",    "NEXT",    "<90 %",
                                        "I2 %",   "SURE %",  "<VERDICT", NULL};
    struct qbid_columns columns;
    const cJSON *item;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(answer, "patterns"))
    {
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "tenant"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "metric"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "subject"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "across"));
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "sources"));
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "events"));
        range_add(&columns, item, "effect");
        range_add(&columns, item, "next");
        qbid_columns_add(&columns, "%.0f", 100 * qbid_tool_number(item, "i2"));
        if (strcmp(qbid_tool_text(item, "unit"), "ratio") == 0)
            qbid_columns_add(&columns, "%.1f", 100 * qbid_tool_number(item, "confidence"));
        else
            qbid_columns_add(&columns, "-"); /* an exponent goes no way */
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "verdict"));
    }
    qbid_columns_print_or(&columns, stdout, tool->colour, "the library holds no such pattern");
    qbid_columns_done(&columns);
}

static void sources_print(const struct qbid_tool *tool, const cJSON *answer)
{
    static const char *const heads[] = {"<SOURCE", "EVENTS", "MEASURED", "<90 %", "BELIEVED",
                                        "<90 %",   "<FROM",  "<TO",      NULL};
    const cJSON *list = qbid_tool_member(answer, "sources"), *item;
    struct qbid_columns columns;
    if (!list)
        return;
    printf("\n");
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, list)
    {
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "source"));
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "events"));
        range_add(&columns, item, "measured");
        range_add(&columns, item, "believed");
        qbid_columns_add(&columns, "%.10s", qbid_tool_text(item, "from"));
        qbid_columns_add(&columns, "%.10s", qbid_tool_text(item, "to"));
    }
    qbid_columns_print(&columns, stdout, tool->colour);
    qbid_columns_done(&columns);
}

int qbid_tool_patterns(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"tenant", 't', "N", 0, "Of this tenant", 0},
        {"metric", KEY_METRIC, "NAME", 0,
         "ctr, cvr, conversions (by impression), return (conversions by money spent), exponent", 0},
        {"subject", 's', "TEXT", 0, "slot=native, budget up, ...", 0},
        {"across", 'a', "WHAT", 0, "What the sources are: exchange, campaign, execution", 0},
        {"max", 'm', "N", 0, "At most N (100)", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "[list | show]",
        "What the library of patterns believes: EFFECT is what its sources have in common, a ratio "
        "(of an exponent the value); NEXT is what one more source may expect, which is where a new "
        "campaign starts. I2: share of the differences between sources that is not chance. SURE: "
        "probability that the effect goes this way. universal: on every source with a probability "
        "of 0.95; specific: sources differ (p 0.01). show: the sources of one pattern, as measured "
        "and as believed beside the others; it needs --tenant, --metric, --subject and --across.",
        NULL,
        NULL,
        NULL};
    struct patterns_options a = {.verb = "list"};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &a);
    bool show = strcmp(a.verb, "show") == 0;
    if (!show && strcmp(a.verb, "list") != 0) {
        qbid_tool_say("patterns: '%s' is neither list nor show", a.verb);
        return QBID_TOOL_USAGE;
    }
    if (show && !(a.tenant && a.metric && a.subject && a.across)) {
        qbid_tool_say("patterns show: needs --tenant, --metric, --subject and --across");
        return QBID_TOOL_USAGE;
    }
    cJSON *request = qbid_tool_request("patterns");
    if (a.tenant)
        cJSON_AddNumberToObject(request, "tenant", (double)a.tenant);
    if (a.max)
        cJSON_AddNumberToObject(request, "max", (double)a.max);
    qbid_tool_text_add(request, "metric", a.metric);
    qbid_tool_text_add(request, "subject", a.subject);
    qbid_tool_text_add(request, "across", a.across);
    cJSON_AddBoolToObject(request, "sources", show);
    cJSON *answer = qbid_tool_ask_table(tool, request, &code);
    if (!answer)
        return code;
    patterns_print(tool, answer);
    sources_print(tool, answer);
    cJSON_Delete(answer);
    return code;
}
