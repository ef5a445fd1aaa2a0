/* SPDX-License-Identifier: Apache-2.0 */
/* override: list, set, clear. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/times.h"
#include "tools/qbid/tool.h"

struct override_options {
    const char *verb, *item; /* "set", "line_item" */
    double id;
    const char *fixed, *multiplier, *until, *why;
    bool dry_run;
};

static error_t argument(struct override_options *o, char *arg, struct argp_state *state)
{
    char *end;
    switch (state->arg_num) {
    case 0:
        if (strcmp(arg, "set") != 0 && strcmp(arg, "clear") != 0 && strcmp(arg, "list") != 0)
            argp_error(state, "'%s' is not list, set or clear", arg);
        o->verb = arg;
        return 0;
    case 1:
        if (strcmp(arg, "line_item") != 0 && strcmp(arg, "campaign") != 0)
            argp_error(state, "'%s' is not campaign or line_item", arg);
        o->item = arg;
        return 0;
    case 2:
        o->id = strtod(arg, &end);
        if (*end || !(o->id >= 1))
            argp_error(state, "'%s' is no id", arg);
        return 0;
    default:
        argp_usage(state);
        return 0;
    }
}

/* What does not go together. */
static void check(const struct override_options *o, struct argp_state *state)
{
    bool set = o->verb && strcmp(o->verb, "set") == 0;
    bool list = !o->verb || strcmp(o->verb, "list") == 0;
    bool said = o->fixed || o->multiplier || o->until;
    if (list && (o->item || said || o->why || o->dry_run))
        argp_error(state, "list takes nothing more");
    if (!list && !(o->id >= 1))
        argp_error(state, "%s campaign|line_item ID is missing", o->verb);
    if (!set && said)
        argp_error(state, "--fixed, --multiplier and --until are for set");
    if (set && !o->fixed == !o->multiplier)
        argp_error(state, "set takes --fixed or --multiplier");
    if (set && (!o->until || !o->why))
        argp_error(state, "--%s is missing", !o->until ? "until" : "reason");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct override_options *o = state->input;
    switch (key) {
    case 'f':
        o->fixed = arg;
        return 0;
    case 'm':
        o->multiplier = arg;
        return 0;
    case 'u':
        o->until = arg;
        return 0;
    case 'r':
        o->why = arg;
        return 0;
    case 'n':
        o->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        return argument(o, arg, state);
    case ARGP_KEY_END:
        check(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void override_row(struct qbid_columns *columns, const cJSON *item)
{
    char left[QBID_TIMES_TEXT_MAX];
    bool whole = !cJSON_HasObjectItem(item, "line_item");
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "campaign"));
    if (whole)
        qbid_columns_add(columns, "all");
    else
        qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "line_item"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "what"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "until"));
    qbid_times_span(qbid_tool_number(item, "left_s"), left);
    qbid_columns_add(columns, "%s", left);
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "by"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "why"));
}

static int list_print(struct qbid_tool *tool)
{
    static const char *const heads[] = {"CAMPAIGN", "LINE ITEM", "<BIDS", "<UNTIL",
                                        "LEFT",     "<BY",       "<WHY",  NULL};
    return qbid_tool_table(tool, qbid_tool_request("override"), "overrides", heads, override_row,
                           "nothing is overridden");
}

static cJSON *change_request(const struct override_options *o)
{
    cJSON *request = qbid_tool_request("override");
    cJSON_AddNumberToObject(request, o->item, o->id);
    cJSON_AddBoolToObject(request, "dry_run", o->dry_run);
    if (strcmp(o->verb, "clear") == 0) {
        cJSON_AddBoolToObject(request, "clear", true);
        if (o->why)
            cJSON_AddStringToObject(request, "why", o->why);
        return request;
    }
    cJSON *set = cJSON_AddObjectToObject(request, "set");
    cJSON_AddStringToObject(set, o->fixed ? "fixed" : "multiplier",
                            o->fixed ? o->fixed : o->multiplier);
    cJSON_AddStringToObject(set, "until", o->until);
    cJSON_AddStringToObject(set, "why", o->why);
    return request;
}

int qbid_tool_override(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"fixed", 'f', "CPM", 0, "Bid this, neither paced nor shaded", 0},
        {"multiplier", 'm', "X", 0, "What the pacer would bid times this; 0 = no bids", 0},
        {"until", 'u', "TIME", 0, "RFC 3339, or +90s +30m +24h +7d", 0},
        {"reason", 'r', "TEXT", 0, "For the record", 0},
        {"dry-run", 'n', NULL, 0, "Show what would change", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "list\nset campaign|line_item ID\nclear campaign|line_item ID",
        "Bid otherwise than the pacer would, for a time. Budgets, flights, hours, floors, ceilings "
        "and caps hold. A line item's own override stands in place of its campaign's.",
        NULL,
        NULL,
        NULL};
    struct override_options o = {0};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    if (!o.verb || strcmp(o.verb, "list") == 0)
        return list_print(tool);
    return qbid_tool_change(tool, change_request(&o));
}
