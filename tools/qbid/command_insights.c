/* SPDX-License-Identifier: Apache-2.0 */
/* insights: what differs or changed more than chance explains, and the monitor's alarms. */
#include <stdio.h>

#include "tools/qbid/columns.h"
#include "tools/qbid/tool.h"

int qbid_tool_insights(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"<KIND", "SURE %", "IMPACT/DAY", "<WHAT", NULL};
    const struct argp argp = {
        NULL,
        NULL,
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
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, NULL);
    cJSON *a = qbid_tool_ask_table(tool, qbid_tool_request("insights"), &code);
    if (!a)
        return code;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(a, "insights"))
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
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(a, "alarms"))
    {
        printf("alarm %s: %s\n", qbid_tool_text(item, "to"), qbid_tool_text(item, "text"));
    }
    if (qbid_tool_number(a, "campaigns_learning") > 0)
        printf("the monitor needs two weeks of history of %.0f more campaigns\n",
               qbid_tool_number(a, "campaigns_learning"));
    cJSON_Delete(a);
    return code;
}
