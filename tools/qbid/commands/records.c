/* SPDX-License-Identifier: Apache-2.0 */
/* runs, creatives, allocations, attribution, overlaps: what optimization left behind. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/qbid/tool.h"

struct records_options {
    const char *word;
    long max, days;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct records_options *o = state->input;
    switch (key) {
    case 'm':
        o->max = qbid_tool_whole(state, "--max", arg, 1, 10000);
        return 0;
    case 'd':
        o->days = qbid_tool_whole(state, "--days", arg, 1, 3660);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_usage(state);
        o->word = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* An id among the arguments; the program ends with its usage when it is none. */
static void id_add(cJSON *request, const char *word)
{
    char *end;
    double id = word ? strtod(word, &end) : 0;
    if (!word)
        return;
    if (end == word || *end || !(id >= 1 && id <= 4294967295.0)) {
        qbid_tool_say("'%s' is no id", word);
        exit(QBID_TOOL_USAGE);
    }
    cJSON_AddNumberToObject(request, "id", id);
}

static void numbers_add(cJSON *request, const struct records_options *o)
{
    if (o->max)
        cJSON_AddNumberToObject(request, "max", (double)o->max);
    if (o->days)
        cJSON_AddNumberToObject(request, "days", (double)o->days);
}

static const struct argp_option max_option[] = {
    {"max", 'm', "N", 0, "At most N, latest first (50)", 0}, {0}};

static void run_row(struct qbid_columns *columns, const cJSON *run)
{
    qbid_columns_add(columns, "%s", qbid_tool_text(run, "time"));
    qbid_columns_add(columns, "%s", qbid_tool_text(run, "agent"));
    qbid_columns_add(columns, "%.3f", 1e-3 * qbid_tool_number(run, "cpu_us"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(run, "proposals"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(run, "refused"));
    qbid_columns_add(columns, "%s", qbid_tool_text(run, "outcome"));
}

int qbid_tool_runs(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"<TIME",   "<AGENT",   "CPU MS", "PROPOSALS",
                                        "REFUSED", "<OUTCOME", NULL};
    const struct argp argp = {max_option,
                              parse,
                              "[AGENT]",
                              "Cycles of agents: how long each took, what it proposed, how it "
                              "ended. Kept for history_days.",
                              NULL,
                              NULL,
                              NULL};
    struct records_options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("runs");
    if (o.word)
        cJSON_AddStringToObject(request, "agent", o.word);
    numbers_add(request, &o);
    return qbid_tool_table(tool, request, "runs", heads, run_row, "no agent has run yet");
}

static void creative_row(struct qbid_columns *columns, const cJSON *day)
{
    double imps = qbid_tool_number(day, "imps"), clicks = qbid_tool_number(day, "clicks");
    qbid_columns_add(columns, "%.10s", qbid_tool_text(day, "day"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(day, "creative"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(day, "line_item"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(day, "campaign"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(day, "bids"));
    qbid_columns_add(columns, "%.0f", imps);
    qbid_columns_add(columns, "%.0f", clicks);
    qbid_columns_add(columns, imps > 0 ? "%.3f" : "-", 100 * clicks / (imps > 0 ? imps : 1));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(day, "convs"));
    qbid_columns_add(columns, "%s", qbid_tool_text(day, "spend"));
}

int qbid_tool_creatives(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"<DAY",  "CREATIVE", "LINE ITEM", "CAMPAIGN",
                                        "BIDS",  "IMPS",     "CLICKS",    "CTR %",
                                        "CONVS", "SPEND",    NULL};
    static const struct argp_option options[] = {
        {"days", 'd', "N", 0, "The last N days, today among them (7)", 0}, {0}};
    const struct argp argp = {options,
                              parse,
                              "[CREATIVE]",
                              "Creatives by UTC day, days without anything left out. Kept for 400 "
                              "days.",
                              NULL,
                              NULL,
                              NULL};
    struct records_options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("creatives");
    id_add(request, o.word);
    numbers_add(request, &o);
    return qbid_tool_table(tool, request, "creatives", heads, creative_row,
                           "no creative has done anything");
}

static void allocation_row(struct qbid_columns *columns, const cJSON *a)
{
    double undone = qbid_tool_number(a, "undone_by");
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "time"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(a, "execution"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(a, "campaign"));
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "before"));
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "after"));
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "kind"));
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "actor"));
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "agent"));
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "expected_impact"));
    qbid_columns_add(columns, undone > 0 ? "%.0f" : "-", undone);
}

int qbid_tool_allocations(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"<TIME",      "EXECUTION", "CAMPAIGN", "BEFORE",
                                        "AFTER",      "<KIND",     "<BY",      "<AGENT",
                                        "IMPACT/DAY", "UNDONE BY", NULL};
    const struct argp argp = {max_option,
                              parse,
                              "[CAMPAIGN]",
                              "Budgets of campaigns as they were changed, latest first, by whom, "
                              "and what a recommendation expected of it.",
                              NULL,
                              NULL,
                              NULL};
    struct records_options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("allocations");
    id_add(request, o.word);
    numbers_add(request, &o);
    return qbid_tool_table(tool, request, "allocations", heads, allocation_row,
                           "no budget has been changed");
}

static void attribution_row(struct qbid_columns *columns, const cJSON *a)
{
    double tenant = qbid_tool_number(a, "tenant"), lag = qbid_tool_number(a, "lag_median_s");
    const cJSON *parameters = qbid_tool_member(a, "parameters");
    qbid_columns_add(columns, "%.10s", qbid_tool_text(a, "day"));
    qbid_columns_add(columns, tenant > 0 ? "%.0f" : "host", tenant);
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "type"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(a, "version"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(parameters, "window_s") / 3600);
    qbid_columns_add(columns, "%.0f", qbid_tool_number(a, "attributed"));
    qbid_columns_add(columns, "%s", qbid_tool_text(a, "value"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(a, "unattributed"));
    qbid_columns_add(columns, lag > 0 ? "%.2f" : "-", lag / 3600);
    qbid_columns_add(columns, lag > 0 ? "%.2f" : "-", qbid_tool_number(a, "lag_p90_s") / 3600);
}

int qbid_tool_attribution(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"<DAY",     "TENANT", "<MODEL", "VERSION",
                                        "WINDOW H", "GIVEN",  "VALUE",  "NOT GIVEN",
                                        "LAG H",    "P90 H",  NULL};
    const struct argp argp = {
        max_option,
        parse,
        "",
        "How conversions are given to bids, by version and UTC day. `token`: all of a "
        "conversion to the bid whose token it carries, within the window. NOT GIVEN: "
        "refused by qbidd, of the whole host. Kept for 400 days.",
        NULL,
        NULL,
        NULL};
    struct records_options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("attribution");
    numbers_add(request, &o);
    return qbid_tool_table(tool, request, "attribution", heads, attribution_row,
                           "nothing is recorded yet");
}

static void overlap_row(struct qbid_columns *columns, const cJSON *o)
{
    bool most = cJSON_IsTrue(qbid_tool_member(o, "at_most"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(o, "line_item"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(o, "other"));
    qbid_columns_add(columns, "%s%.3f", most ? "<=" : "", qbid_tool_number(o, "jaccard"));
    qbid_columns_add(columns, "%.3f..%.3f", qbid_tool_number(o, "low"),
                     qbid_tool_number(o, "high"));
    qbid_columns_add(columns, "%.3f", qbid_tool_number(o, "contained"));
    qbid_columns_add(columns, "%.3f", qbid_tool_number(o, "other_contained"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(o, "both_bids"));
    qbid_columns_add(columns, "%s", qbid_tool_text(o, "to"));
}

int qbid_tool_overlaps(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"LINE ITEM", "OTHER", "JACCARD",   "90 %", "OF ONE",
                                        "OF OTHER",  "BIDS",  "<MEASURED", NULL};
    const struct argp argp = {
        max_option,
        parse,
        "[LINE_ITEM]",
        "Pairs of a tenant's line items by how much of the traffic that either's "
        "targeting accepts both accept, weighed by the bids of a day; `<=`: one also "
        "asks for what contexts do not tell. OF ONE, OF OTHER: the part of each that is "
        "shared.",
        NULL,
        NULL,
        NULL};
    struct records_options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("overlaps");
    id_add(request, o.word);
    numbers_add(request, &o);
    return qbid_tool_table(tool, request, "overlaps", heads, overlap_row,
                           "nothing is measured yet");
}
