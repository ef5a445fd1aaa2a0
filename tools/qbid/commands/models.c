/* SPDX-License-Identifier: Apache-2.0 */
/* models: which model predicts each campaign's click and conversion rates, and how well. */
#include <stdio.h>
#include <string.h>

#include "tools/qbid/tool.h"

static void rate_add(struct qbid_columns *columns, const cJSON *campaign, const char *name)
{
    const cJSON *rate = qbid_tool_member(campaign, name), *model;
    if (!rate)
        return;
    const char *serving = qbid_tool_text(rate, "serving");
    cJSON_ArrayForEach(model, qbid_tool_member(rate, "models"))
    {
        const char *word = qbid_tool_text(model, "model");
        double loss = qbid_tool_number(model, "log_loss");
        qbid_columns_add(columns, "%.0f", qbid_tool_number(campaign, "id"));
        qbid_columns_add(columns, "%s", name);
        qbid_columns_add(columns, "%s%s", word, strcmp(word, serving) == 0 ? " *" : "");
        qbid_columns_add(columns, "%.0f", qbid_tool_number(rate, "trials"));
        qbid_columns_add(columns, "%.0f", qbid_tool_number(rate, "successes"));
        qbid_columns_add(columns, "%.6f", loss);
        qbid_columns_add(columns, "%+.3f", 100 * qbid_tool_number(model, "gain") / loss);
        qbid_columns_add(columns, "%.3f", 100 * qbid_tool_number(model, "gain_interval") / loss);
        qbid_columns_add(columns, "%s", qbid_tool_text(model, "calibration"));
        qbid_columns_add(columns, "%.0f", qbid_tool_number(rate, "switches"));
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    if (key != 'v')
        return ARGP_ERR_UNKNOWN;
    *(bool *)state->input = true;
    return 0;
}

static void version_row(struct qbid_columns *columns, const cJSON *item)
{
    double loss = qbid_tool_number(item, "log_loss"), part = loss > 0 ? 100 / loss : 0;
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "time"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "campaign"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "rate"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "version"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "model"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "trials"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "successes"));
    qbid_columns_add(columns, "%.6f", loss);
    qbid_columns_add(columns, "%+.3f", part * qbid_tool_number(item, "gain"));
    qbid_columns_add(columns, "%.3f", part * qbid_tool_number(item, "gain_interval"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "calibration"));
}

static int versions_print(struct qbid_tool *tool)
{
    static const char *const heads[] = {"<SINCE", "CAMPAIGN", "<RATE",    "VERSION",
                                        "<MODEL", "TRIALS",   "HITS",     "LOG-LOSS",
                                        "GAIN %", "+-",       "<CALIBR.", NULL};
    cJSON *request = qbid_tool_request("models");
    cJSON_AddBoolToObject(request, "versions", true);
    return qbid_tool_table(tool, request, "versions", heads, version_row,
                           "no version is on record yet");
}

int qbid_tool_models(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"CAMPAIGN", "<RATE",    "<MODEL", "TRIALS",
                                        "HITS",     "LOG-LOSS", "GAIN %", "+-",
                                        "<CALIBR.", "SWITCHES", NULL};
    static const struct argp_option options[] = {
        {"versions", 'v', NULL, 0, "What served since when; one a day, and when another came", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Models of click and conversion rates, judged on outcomes that they predicted before they "
        "knew them. * serves; another takes its place when its gain passes its interval. GAIN: of "
        "log-loss, over the hierarchical rates.",
        NULL,
        NULL,
        NULL};
    struct qbid_columns columns;
    const cJSON *item;
    bool versions = false;
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &versions);
    if (versions)
        return versions_print(tool);
    cJSON *a = qbid_tool_ask_table(tool, qbid_tool_request("models"), &code);
    if (!a)
        return code;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "campaigns"))
    {
        rate_add(&columns, item, "ctr");
        rate_add(&columns, item, "cvr");
    }
    qbid_columns_print_or(&columns, stdout, tool->colour, "no model has been judged yet");
    qbid_columns_done(&columns);
    if (qbid_tool_number(a, "trees_failed") > 0)
        qbid_tool_say("trees: %s", qbid_tool_text(a, "trees_error"));
    cJSON_Delete(a);
    return code;
}
