/* SPDX-License-Identifier: Apache-2.0 */
/* insights: what differs or changed more than chance explains, and the monitor's alarms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/tool.h"

/* "7d" as seconds; the program ends with its usage when it is no time. */
static double seconds_of(const char *text, struct argp_state *state)
{
    static const char units[] = "smhd";
    static const double seconds[] = {1, 60, 3600, 86400};
    char *end;
    double number = strtod(text, &end);
    const char *unit = end != text && *end && !end[1] ? strchr(units, *end) : NULL;
    if (!unit || !(number > 0 && number <= 1e6))
        argp_error(state, "--since '%s' is not like 90m, 24h, 7d", text);
    return unit ? number * seconds[unit - units] : 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    double *since_s = state->input;
    if (key != 's')
        return ARGP_ERR_UNKNOWN;
    *since_s = seconds_of(arg, state);
    return 0;
}

static void history_row(struct qbid_columns *columns, const cJSON *item)
{
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "first"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "last"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "kind"));
    qbid_columns_add(columns, "%.1f", 100 * qbid_tool_number(item, "confidence"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "impact_day"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "text"));
}

static int history_print(struct qbid_tool *tool, double since_s)
{
    static const char *const heads[] = {"<FIRST",     "<LAST", "<KIND", "SURE %",
                                        "IMPACT/DAY", "<WHAT", NULL};
    cJSON *request = qbid_tool_request("insights");
    cJSON_AddNumberToObject(request, "since_s", since_s);
    return qbid_tool_table(tool, request, "history", heads, history_row,
                           "nothing was found in that time");
}

int qbid_tool_insights(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"<KIND", "SURE %", "IMPACT/DAY", "<WHAT", NULL};
    static const struct argp_option options[] = {
        {"since", 's', "TIME", 0, "What was found in the last 90m, 24h, 7d: from when to when", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Line items that do better or worse than their campaign, and campaigns that changed, in "
        "the "
        "last 24 hours. Of what is listed at most a tenth is chance; SURE is the probability that "
        "the difference goes this way; IMPACT is money a day, clicks at their price, conversions "
        "at "
        "their value.",
        NULL,
        NULL,
        NULL};
    struct qbid_columns columns;
    const cJSON *item;
    double since_s = 0;
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &since_s);
    if (since_s > 0)
        return history_print(tool, since_s);
    cJSON *a = qbid_tool_ask_table(tool, qbid_tool_request("insights"), &code);
    if (!a)
        return code;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "insights"))
    {
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "kind"));
        qbid_columns_add(&columns, "%.1f", 100 * qbid_tool_number(item, "confidence"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "impact_day"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(item, "text"));
    }
    if (columns.cell_cnt > 0)
        qbid_columns_print(&columns, stdout, tool->colour);
    else
        printf("nothing beyond chance in %.0f comparisons\n", qbid_tool_number(a, "comparisons"));
    qbid_columns_done(&columns);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "alarms"))
    {
        printf("alarm %s: %s\n", qbid_tool_text(item, "to"), qbid_tool_text(item, "text"));
    }
    if (qbid_tool_number(a, "campaigns_learning") > 0)
        printf("the monitor needs two weeks of history of %.0f more campaigns\n",
               qbid_tool_number(a, "campaigns_learning"));
    cJSON_Delete(a);
    return code;
}
