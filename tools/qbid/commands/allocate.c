/* SPDX-License-Identifier: Apache-2.0 */
/* allocate: how a budget would best be split, from a file; nothing is asked of qbidd. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/qbid/allocate/print.h"
#include "tools/qbid/tool.h"

#define QUOTAS_MAX QBID_WHATIF_PLATFORMS_MAX
#define DAYS_OF_MONTH 30

static const struct {
    const char *name;
    double days;
} periods[] = {{"daily", 1}, {"weekly", 7}, {"monthly", DAYS_OF_MONTH}};
#define PERIOD_CNT (sizeof periods / sizeof *periods)

struct options {
    const char *path, *objective;
    struct qbid_whatif_question question;
    unsigned period, rows; /* in periods */
    const char *quota[QUOTAS_MAX];
    uint32_t quota_cnt;
    bool has_budget, front;
};

enum option_id {
    OPT_BUDGET = 256,
    OPT_PLATFORM,
    OPT_PERIOD,
    OPT_ROWS,
    OPT_OBJECTIVE,
    OPT_CURVE,
    OPT_MAX_CHANGE,
    OPT_FRONT,
    OPT_SEED,
    OPT_DRY_RUN
};

static unsigned period_read(const struct argp_state *state, const char *name, const char *text)
{
    for (unsigned p = 0; p < PERIOD_CNT; p++)
        if (strcmp(text, periods[p].name) == 0)
            return p;
    argp_error(state, "--%s: '%s' is not daily, weekly or monthly", name, text);
    return 0;
}

static enum qbid_curve_kind kind_read(const struct argp_state *state, const char *text)
{
    static const char *const names[QBID_CURVE_KIND_CNT] = {"power", "hill", "log"};
    for (int k = 0; k < QBID_CURVE_KIND_CNT; k++)
        if (strcmp(text, names[k]) == 0)
            return (enum qbid_curve_kind)k;
    argp_error(state, "--curve: '%s' is not power, hill or log", text);
    return QBID_CURVE_POWER;
}

static double part_read(const struct argp_state *state, const char *text)
{
    char *end;
    double part = strtod(text, &end);
    if (end == text || *end || !(part >= 0 && part <= 1000))
        argp_error(state, "--max-change: '%s' is not a part of 0 to 1000", text);
    return part;
}

static uint64_t seed_read(const struct argp_state *state, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long seed = strtoull(text, &end, 10);
    if (!*text || *end || errno || text[strspn(text, "0123456789")])
        argp_error(state, "--seed: '%s' is not a whole number", text);
    return seed;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_BUDGET:
        o->has_budget = true;
        if (qbid_whatif_amount(arg, &o->question.budget_micros) != 0)
            argp_error(state,
                       "--budget: '%s' is not an amount of 0 to 10^9 with at most 6 decimals", arg);
        return 0;
    case OPT_PLATFORM:
        if (o->quota_cnt == QUOTAS_MAX)
            argp_error(state, "--platform: more than %d", QUOTAS_MAX);
        o->quota[o->quota_cnt++] = arg;
        return 0;
    case OPT_PERIOD:
        o->period = period_read(state, "period", arg);
        return 0;
    case OPT_ROWS:
        o->rows = period_read(state, "rows", arg);
        return 0;
    case OPT_OBJECTIVE:
        o->objective = arg;
        return 0;
    case OPT_CURVE:
        o->question.kind = kind_read(state, arg);
        return 0;
    case OPT_MAX_CHANGE:
        o->question.change_max = part_read(state, arg);
        return 0;
    case OPT_FRONT:
        o->front = true;
        return 0;
    case OPT_SEED:
        o->question.seed = seed_read(state, arg);
        return 0;
    case OPT_DRY_RUN:
        return 0;
    case ARGP_KEY_ARG:
        if (o->path)
            argp_error(state, "'%s': one file at a time", arg);
        o->path = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->path)
            argp_error(state, "a file is needed, or - for standard input");
        if (!o->has_budget)
            argp_error(state, "--budget is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* "NAME=MIN:MAX", either of which may be left out. Changes the text. */
static int quota_set(struct qbid_whatif *whatif, char *text)
{
    char *least = strrchr(text, '='), *most = least ? strchr(least, ':') : NULL;
    if (!most) {
        qbid_tool_say("--platform: '%s' is not NAME=MIN:MAX", text);
        return QBID_TOOL_USAGE;
    }
    *least++ = *most++ = 0;
    uint32_t p = qbid_whatif_platform_find(whatif, text);
    if (p == QBID_WHATIF_NONE) {
        qbid_tool_say("--platform: the file has no platform '%s'", text);
        return QBID_TOOL_USAGE;
    }
    struct qbid_whatif_platform *platform = &whatif->platform[p];
    if ((*least && qbid_whatif_amount(least, &platform->min_micros) != 0) ||
        (*most && qbid_whatif_amount(most, &platform->max_micros) != 0)) {
        qbid_tool_say("--platform %s: '%s:%s' are not amounts of 0 to 10^9", text, least, most);
        return QBID_TOOL_USAGE;
    }
    return QBID_TOOL_OK;
}

static int quotas_set(const struct options *o, struct qbid_whatif *whatif)
{
    for (uint32_t i = 0; i < o->quota_cnt; i++) {
        char *text = strdup(o->quota[i]);
        int code = text ? quota_set(whatif, text) : QBID_TOOL_FAILED;
        free(text);
        if (code != QBID_TOOL_OK)
            return code;
    }
    return QBID_TOOL_OK;
}

static int failed(const char *path, int err, const char *why)
{
    qbid_tool_say("%s: %s", path,
                  *why                    ? why
                  : err == QBID_ERR_SYS   ? strerror(errno)
                  : err == QBID_ERR_LIMIT ? "is larger than 256 MiB"
                                          : qbid_strerror(err));
    return QBID_TOOL_FAILED;
}

static int report_print(const struct qbid_tool *tool, const struct qbid_whatif_report *report)
{
    return tool->json  ? qbid_whatif_print_json(report)
           : tool->csv ? qbid_whatif_print_csv(report)
                       : qbid_whatif_print_table(tool, report);
}

static int answer(const struct qbid_tool *tool, const struct options *o,
                  const struct qbid_whatif *whatif)
{
    struct qbid_whatif_plan plan;
    struct qbid_whatif_front front = {0};
    struct qbid_whatif_report report = {.plan = &plan,
                                        .front = o->front ? &front : NULL,
                                        .objective = o->objective,
                                        .period = periods[o->period].name,
                                        .kind = o->question.kind};
    char why[QBID_CSV_WHY_MAX] = "";
    int err = qbid_whatif_plan_new(whatif, &o->question, &plan, why);
    if (!err && o->front)
        err = qbid_whatif_front_new(&plan, o->question.seed, &front, why);
    int code = err ? failed(o->path, err, why) : report_print(tool, &report);
    qbid_whatif_front_done(&front);
    qbid_whatif_plan_done(&plan);
    return code;
}

int qbid_tool_allocate(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"budget", OPT_BUDGET, "AMOUNT", 0, "to split, for one --period", 0},
        {"platform", OPT_PLATFORM, "NAME=MIN:MAX", 0,
         "quota of a platform, either side may be empty; may be repeated", 0},
        {"period", OPT_PERIOD, "P", 0,
         "of the budget, min, max and current: daily, weekly, monthly (daily; a month has 30 days)",
         0},
        {"rows", OPT_ROWS, "P", 0, "what one row of the history is, and a given curve's (daily)",
         0},
        {"objective", OPT_OBJECTIVE, "COLUMN", 0, "what to make most of (value)", 0},
        {"curve", OPT_CURVE, "KIND", 0, "to fit: power, hill or log (power)", 0},
        {"max-change", OPT_MAX_CHANGE, "PART", 0,
         "of the current spend, up or down: 0.2 keeps within 20 % (any)", 0},
        {"front", OPT_FRONT, NULL, 0, "also the splits that trade value, risk and reach", 0},
        {"seed", OPT_SEED, "N", 0, "of draws and of the front (1)", 0},
        {"dry-run", OPT_DRY_RUN, NULL, 0, "for scripts: nothing is ever changed", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "FILE.csv|-",
        "How a budget would best be split over campaigns, without a qbidd. The file's header names "
        "its columns: campaign; platform, min, max, current where they apply; and either one row a "
        "period with spend, value (or --objective) and reach, or one row a campaign with curve, "
        "scale, shape, half, scale_sd. NEXT 1 is what one more unit of spend adds; COSTS what one "
        "unit more room at a bound would. --output may be csv, too.",
        NULL,
        NULL,
        NULL};
    struct options o = {.objective = "value", .question = {.change_max = INFINITY, .seed = 1}};
    struct qbid_whatif whatif;
    char why[QBID_CSV_WHY_MAX] = "";
    tool->csv_offered = true;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    o.question.periods = periods[o.period].days / periods[o.rows].days;
    int err = qbid_whatif_read(o.path, o.objective, &whatif, why);
    int code = err ? failed(o.path, err, why) : quotas_set(&o, &whatif);
    if (code == QBID_TOOL_OK) {
        if (*whatif.unused)
            qbid_tool_say("%s: not used: %s", o.path, whatif.unused);
        code = answer(tool, &o, &whatif);
    }
    qbid_whatif_done(&whatif);
    return code;
}
