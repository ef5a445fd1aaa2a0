/* SPDX-License-Identifier: Apache-2.0 */
/* partners, keys: who is bid to and how, and which keys sign its notices. */
#include <stdio.h>
#include <string.h>

#include "tools/qbid/tool.h"

static void list_add(struct qbid_columns *columns, const cJSON *list)
{
    char text[64] = "-";
    size_t used = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                                            used ? "," : "", item->valuestring);
    qbid_columns_add(columns, "%s", text);
}

static void partner_row(struct qbid_columns *columns, const cJSON *item)
{
    const char *currency = qbid_tool_text(item, "currency");
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "name"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "id"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "price"));
    qbid_columns_add(columns, "%s", *currency ? currency : "-");
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "no_bid"));
    list_add(columns, qbid_tool_member(item, "notices"));
    list_add(columns, qbid_tool_member(item, "required"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "creatives_lacking"));
}

int qbid_tool_partners(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"<PARTNER", "ID",        "<PRICE",  "<CURRENCY", "<NO-BID",
                                        "<NOTICES", "<REQUIRED", "LACKING", NULL};
    const struct argp argp = {
        NULL,
        NULL,
        NULL,
        "Partner profiles. LACKING: active creatives without a field that the partner requires.",
        NULL,
        NULL,
        NULL};
    qbid_tool_parse(tool, &argp, argc, argv, NULL);
    return qbid_tool_table(tool, qbid_tool_request("partners"), "partners", heads, partner_row,
                           "no partner has a profile");
}

struct keys_options {
    bool given, rotate, force;
};

static error_t keys_parse(int key, char *arg, struct argp_state *state)
{
    struct keys_options *o = state->input;
    if (key == 'f')
        o->force = true;
    else if (key == ARGP_KEY_ARG && !o->given && strcmp(arg, "rotate") == 0)
        o->given = o->rotate = true;
    else if (key == ARGP_KEY_ARG && !o->given && strcmp(arg, "list") == 0)
        o->given = true;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "'%s' is not list or rotate", arg);
    else if (key == ARGP_KEY_END && !o->given)
        argp_error(state, "list or rotate is needed");
    else if (key != ARGP_KEY_END)
        return ARGP_ERR_UNKNOWN;
    return 0;
}

int qbid_tool_keys(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"force", 'f', NULL, 0, "rotate although tokens of the key that leaves may still come", 0},
        {0}};
    const struct argp argp = {options,
                              keys_parse,
                              "list|rotate",
                              "The notice-signing keys: which one signs, which one is still "
                              "accepted. rotate puts a new key above the one that signs now.",
                              NULL,
                              NULL,
                              NULL};
    struct keys_options o = {false};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("keys");
    cJSON_AddBoolToObject(request, "rotate", o.rotate);
    cJSON_AddBoolToObject(request, "force", o.force);
    cJSON *a = qbid_tool_ask_table(tool, request, &code);
    if (!a)
        return code;
    printf("file      %s, changed %s\nsigns     key %.0f\n", qbid_tool_text(a, "file"),
           qbid_tool_text(a, "changed"), qbid_tool_number(a, "signs"));
    if (qbid_tool_number(a, "verifies") > 0)
        printf("verifies  key %.0f as well\n", qbid_tool_number(a, "verifies"));
    cJSON_Delete(a);
    return code;
}
