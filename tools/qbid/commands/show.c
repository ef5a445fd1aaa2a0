/* SPDX-License-Identifier: Apache-2.0 */
/* status, stat, live, ledger, generations: what qbidd says, as tables. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/times.h"
#include "tools/qbid/tool.h"

static void no_options(struct qbid_tool *tool, int argc, char **argv, const char *doc)
{
    const struct argp argp = {NULL, NULL, NULL, doc, NULL, NULL, NULL};
    qbid_tool_parse(tool, &argp, argc, argv, NULL);
}

static void used_print(const char *name, const cJSON *of)
{
    printf("  %-16s %.0f of %.0f", name, qbid_tool_number(of, "used"), qbid_tool_number(of, "max"));
    if (qbid_tool_number(of, "refused") > 0)
        printf(", %.0f refused", qbid_tool_number(of, "refused"));
    putchar('\n');
}

static void status_print(const cJSON *a)
{
    const cJSON *account = qbid_tool_member(a, "account"),
                *publish = qbid_tool_member(a, "publish");
    const cJSON *capacity = qbid_tool_member(a, "capacity"), *item;
    char up[QBID_TIMES_TEXT_MAX], old[QBID_TIMES_TEXT_MAX];
    qbid_times_span(qbid_tool_number(a, "uptime_s"), up);
    qbid_times_span(qbid_tool_number(a, "generation_age_s"), old);
    printf("qbidd        %s, pid %.0f, up %s since %s\n", qbid_tool_text(a, "version"),
           qbid_tool_number(a, "pid"), up, qbid_tool_text(a, "started"));
    printf("files        %s, state %s\n", qbid_tool_text(a, "config"),
           qbid_tool_text(a, "state_dir"));
    printf("generation   %.0f, %s old%s, %.2f MB\n", qbid_tool_number(a, "generation"), old,
           cJSON_IsTrue(qbid_tool_member(a, "stale")) ? " (STALE)" : "",
           qbid_tool_number(a, "image_bytes") / 1e6);
    printf("published    %.0f, failed %.0f, last error: %s\n",
           qbid_tool_number(publish, "published"), qbid_tool_number(publish, "failed"),
           qbid_tool_text(publish, "last_error"));
    printf("learning     %s\n", cJSON_IsTrue(qbid_tool_member(a, "learning")) ? "on" : "off");
    const cJSON *correction = qbid_tool_member(a, "correction");
    if (correction)
        printf(
            "correction   %s (%s), %.0f %% of the blocks, gain %+.3g, evidence %.3g, %.0f blocks, "
            "%.0f faults\n",
            qbid_tool_text(correction, "phase"), qbid_tool_text(correction, "why"),
            100 * qbid_tool_number(correction, "share"), qbid_tool_number(correction, "gain"),
            qbid_tool_number(correction, "evidence"), qbid_tool_number(correction, "blocks"),
            qbid_tool_number(correction, "faults"));
    printf("account      %.0f campaigns (%.0f active), %.0f line items, %.0f creatives, in %s\n",
           qbid_tool_number(account, "campaigns"), qbid_tool_number(account, "active_campaigns"),
           qbid_tool_number(account, "line_items"), qbid_tool_number(account, "creatives"),
           qbid_tool_text(a, "currency"));
    printf("sockets      %s, %s\n", qbid_tool_text(a, "handover"), qbid_tool_text(a, "control"));
    printf("http         %s\n", qbid_tool_text(a, "http"));
    puts("in use");
    cJSON_ArrayForEach(item, capacity)
    {
        if (strcmp(item->string, "dictionary") != 0)
            used_print(item->string, item);
    }
    cJSON_ArrayForEach(item, qbid_tool_member(capacity, "dictionary"))
        used_print(item->string, item);
}

int qbid_tool_status(struct qbid_tool *tool, int argc, char **argv)
{
    int code;
    no_options(tool, argc, argv, "How qbidd is. Exit code 6: its table image is stale.");
    cJSON *a = qbid_tool_ask(tool, qbid_tool_request("status"), &code);
    if (!a)
        return code;
    if (tool->json)
        code = qbid_tool_print(a);
    else
        status_print(a);
    if (code == QBID_TOOL_OK && cJSON_IsTrue(qbid_tool_member(a, "stale")))
        code = QBID_TOOL_STALE;
    cJSON_Delete(a);
    return code;
}

/* --- stat */

struct stat_options {
    const char *glob;
    bool list;
};

static error_t stat_parse(int key, char *arg, struct argp_state *state)
{
    struct stat_options *o = state->input;
    switch (key) {
    case 'f':
        o->glob = arg;
        return 0;
    case 'l':
        o->list = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int qbid_tool_stat(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"filter", 'f', "GLOB", 0, "Only what matches by name, as 'nobid.*' or latency", 0},
        {"list", 'l', NULL, 0, "Only the names", 0},
        {0}};
    const struct argp argp = {
        options, stat_parse, NULL, "Every counter, and the workers' latencies.", NULL, NULL, NULL};
    struct stat_options o = {"*", false};
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *a = qbid_tool_ask(tool, qbid_tool_request("stat"), &code);
    cJSON *counters = cJSON_GetObjectItemCaseSensitive(a, "counters");
    for (cJSON *item = counters ? counters->child : NULL, *next; item; item = next) {
        next = item->next;
        if (fnmatch(o.glob, item->string, 0) != 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(counters, item));
    }
    if (!a)
        return code;
    if (fnmatch(o.glob, "latency", 0) != 0)
        cJSON_DeleteItemFromObject(a, "latency");
    if (tool->json) {
        code = qbid_tool_print(a);
    } else {
        const cJSON *item, *latency = qbid_tool_member(a, "latency");
        cJSON_ArrayForEach(item, counters)
        {
            if (o.list)
                puts(item->string);
            else if (cJSON_IsString(item))
                printf("%-28s %s\n", item->string, item->valuestring);
            else
                printf("%-28s %.0f\n", item->string, item->valuedouble);
        }
        if (latency && o.list)
            puts("latency");
        if (!latency && cJSON_GetArraySize(counters) == 0)
            qbid_tool_say("no counter matches '%s'; qbid stat --list has their names", o.glob);
        if (latency && !o.list) {
            if (cJSON_GetArraySize(counters) > 0)
                putchar('\n');
            qbid_times_print(latency, tool->colour);
        }
    }
    cJSON_Delete(a);
    return code;
}

/* --- tables of one list */

/* Learned r(k): "1 0.86 0.74"; "-" where none is. */
static void exposures_add(struct qbid_columns *columns, const cJSON *list)
{
    char text[160] = "";
    size_t used = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, list) if (used < sizeof text) used += (size_t)snprintf(
        text + used, sizeof text - used, "%s%.3g", used ? " " : "", value->valuedouble);
    qbid_columns_add(columns, "%s", used ? text : "-");
}

/* A factor, or a price where it is fixed. */
static void pace_add(struct qbid_columns *columns, const cJSON *item)
{
    double pace = qbid_tool_number(item, "pace");
    if (pace < 0)
        qbid_columns_add(columns, "fixed %.6g", -pace / 1e6);
    else
        qbid_columns_add(columns, "%.6g", pace);
}

/* "budget 0.8 x hour 0.5". */
static void terms_add(struct qbid_columns *columns, const cJSON *item)
{
    char text[256] = "";
    size_t used = 0;
    const cJSON *term;
    cJSON_ArrayForEach(term, qbid_tool_member(item, "pace_terms")) if (used < sizeof text) used +=
        (size_t)snprintf(text + used, sizeof text - used, "%s%s %.4g", used ? " x " : "",
                         term->string, term->valuedouble);
    qbid_columns_add(columns, "%s", used ? text : "-");
}

/* What comes after an override, and when. */
static void override_add(struct qbid_columns *columns, const cJSON *item)
{
    if (qbid_tool_member(item, "overridden_for_s"))
        qbid_columns_add(columns, "in %.0f s %.6g", qbid_tool_number(item, "overridden_for_s"),
                         qbid_tool_number(item, "pace_after"));
    else
        qbid_columns_add(columns, "-");
}

int qbid_tool_live(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"LINE ITEM", "CAMPAIGN", "IDX",           "PACE", "Q STATE",
                                        "<OVERRIDE", "<PACE IS", "<LEARNED R(K)", NULL};
    static const char *const lease_heads[] = {"SLOT", "UID", "LEASE, S", NULL};
    struct qbid_columns lines, leases;
    const cJSON *item;
    int code;
    no_options(tool, argc, argv, "Pace factors, Q states and leases in force now.");
    cJSON *a = qbid_tool_ask_table(tool, qbid_tool_request("live"), &code);
    if (!a)
        return code;
    qbid_columns_init(&lines, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "line_items"))
    {
        qbid_columns_add(&lines, "%.0f", qbid_tool_number(item, "id"));
        qbid_columns_add(&lines, "%.0f", qbid_tool_number(item, "campaign"));
        qbid_columns_add(&lines, "%.0f", qbid_tool_number(item, "idx"));
        pace_add(&lines, item);
        qbid_columns_add(&lines, "%.0f", qbid_tool_number(item, "q_state"));
        override_add(&lines, item);
        terms_add(&lines, item);
        exposures_add(&lines, qbid_tool_member(item, "exposure_values"));
    }
    qbid_columns_init(&leases, lease_heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "leases"))
    {
        qbid_columns_add(&leases, "%.0f", qbid_tool_number(item, "slot"));
        qbid_columns_add(&leases, "%.0f", qbid_tool_number(item, "uid"));
        qbid_columns_add(&leases, "%.1f", qbid_tool_number(item, "valid_for_s"));
    }
    qbid_columns_print_or(&lines, stdout, tool->colour, "no line item has a place yet");
    putchar('\n');
    qbid_columns_print_or(&leases, stdout, tool->colour, "no worker of an ad server is there");
    qbid_columns_done(&lines);
    qbid_columns_done(&leases);
    cJSON_Delete(a);
    return code;
}

int qbid_tool_ledger(struct qbid_tool *tool, int argc, char **argv)
{
    static const char *const heads[] = {"CAMPAIGN", "<NAME",    "BUDGET", "<PERIOD", "AUTHORITY",
                                        "SPENT",    "EXPOSURE", "LEFT",   NULL};
    static const char *const names[] = {"budget", "period",   "authority",
                                        "spent",  "exposure", "left"};
    struct qbid_columns columns;
    const cJSON *item;
    int code;
    no_options(tool, argc, argv,
               "Budgets, spend and exposure (what workers may still spend), exactly. AUTHORITY: "
               "what may have "
               "been spent by now, in all; SPENT never passes it.");
    cJSON *a = qbid_tool_ask_table(tool, qbid_tool_request("ledger"), &code);
    if (!a)
        return code;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "campaigns"))
    {
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "id"));
        qbid_columns_add(&columns, "%.24s", qbid_tool_text(item, "name"));
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            qbid_columns_add(&columns, "%s", qbid_tool_text(item, names[i]));
    }
    qbid_columns_print_or(&columns, stdout, tool->colour, "there are no campaigns");
    if (cJSON_GetArraySize(qbid_tool_member(a, "campaigns")) > 0)
        printf("money in %s\n", qbid_tool_text(a, "currency"));
    qbid_columns_done(&columns);
    if (!cJSON_IsTrue(qbid_tool_member(a, "invariant_holds"))) {
        qbid_tool_say("spent + exposure is over a budget: this must not be");
        code = QBID_TOOL_FAILED;
    }
    cJSON_Delete(a);
    return code;
}

struct list_options {
    long max;
};

static error_t list_parse(int key, char *arg, struct argp_state *state)
{
    struct list_options *o = state->input;
    switch (key) {
    case 'm':
        o->max = qbid_tool_whole(state, "--max", arg, 1, 10000);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void generation_row(struct qbid_columns *columns, const cJSON *item)
{
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "generation"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "built"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "bytes"));
    qbid_columns_add(columns, "%.0f", qbid_tool_number(item, "workers"));
    qbid_columns_add(columns, "%s", cJSON_IsTrue(qbid_tool_member(item, "held")) ? "yes" : "no");
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "checksum"));
    qbid_columns_add(columns, "%s", qbid_tool_text(item, "reason"));
}

int qbid_tool_generations(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"max", 'm', "N", 0, "At most N, latest first (20)", 0}, {0}};
    const struct argp argp = {options, list_parse, NULL, "What was published, latest first.",
                              NULL,    NULL,       NULL};
    static const char *const heads[] = {"GENERATION", "<BUILT",    "BYTES", "WORKERS",
                                        "<HELD",      "<CHECKSUM", "<WHY",  NULL};
    struct list_options o = {.max = 20};
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("generations");
    cJSON_AddNumberToObject(request, "max", (double)o.max);
    return qbid_tool_table(tool, request, "generations", heads, generation_row,
                           "nothing was published yet");
}
