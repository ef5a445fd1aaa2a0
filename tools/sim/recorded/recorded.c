/* SPDX-License-Identifier: Apache-2.0 */
/* Options of `qbid-sim recorded`; reads each log in turn, runs the matches, reports. */
#include "tools/sim/recorded/recorded.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/sim/recorded/logs/text.h"
#include "tools/sim/recorded/report.h"

#define PATHS_MAX 64
#define EPISODE_MAX 10000000

struct options {
    const char *path[PATHS_MAX];
    uint32_t path_cnt;
    struct qbid_recorded_fraction fraction[QBID_RECORDED_BUDGETS_MAX];
    uint32_t fraction_cnt;
    uint32_t episode;
    double train_part;
    const char *plot;
    int json, check;
};

enum { KEY_CHECK = 0x100, KEY_EPISODE, KEY_OUTPUT, KEY_PLOT, KEY_TRAIN };

static const struct argp_option option_list[] = {
    {"data", 'd', "PATH", 0, "a log, or a folder searched with all below it; may be repeated", 0},
    {"budgets", 'b', "LIST", 0,
     "parts of the replayed auctions' cost, with commas: 1/32,1/16,1/8,1/4,1/2 unless given", 0},
    {"train", KEY_TRAIN, "SHARE", 0, "of a log, in time, that is learned from: 0.5", 0},
    {"episode", KEY_EPISODE, "N", 0,
     "a budget for every N auctions, as in the literature, instead of one for all", 0},
    {"output", KEY_OUTPUT, "FORMAT", 0, "text or json", 0},
    {"plot", KEY_PLOT, "FILE", 0, "draw expected clicks by budget and strategy (SVG)", 0},
    {"check", KEY_CHECK, NULL, 0,
     "exit with 5 when qbid is worse than the best other beyond the interval", 0},
    {0},
};

static void fractions_parse(struct options *o, const char *list, struct argp_state *state)
{
    const char *at = list;
    o->fraction_cnt = 0;
    do {
        unsigned part, over;
        int used = 0;
        if (sscanf(at, "%9u/%9u%n", &part, &over, &used) != 2 || part == 0 || part > over)
            argp_error(state, "--budgets: '%s' does not begin with a fraction in (0, 1] like 1/32",
                       at);
        if (o->fraction_cnt == QBID_RECORDED_BUDGETS_MAX)
            argp_error(state, "--budgets: more than %d", QBID_RECORDED_BUDGETS_MAX);
        o->fraction[o->fraction_cnt++] = (struct qbid_recorded_fraction){part, over};
        at += used;
        if (*at && *at != ',')
            argp_error(state, "--budgets: a comma is wanted before '%s'", at);
    } while (*at++ == ',');
}

static double number_parse(const char *name, const char *text, double low, double high,
                           struct argp_state *state)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= low && number <= high))
        argp_error(state, "--%s: '%s' is not a number from %g to %g", name, text, low, high);
    return number;
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'd':
        if (o->path_cnt == PATHS_MAX)
            argp_error(state, "--data: more than %d", PATHS_MAX);
        o->path[o->path_cnt++] = arg;
        return 0;
    case 'b':
        fractions_parse(o, arg, state);
        return 0;
    case KEY_TRAIN:
        o->train_part = number_parse("train", arg, 0.01, 0.99, state);
        return 0;
    case KEY_EPISODE:
        o->episode = (uint32_t)number_parse("episode", arg, 1, EPISODE_MAX, state);
        return 0;
    case KEY_OUTPUT:
        if (strcmp(arg, "text") != 0 && strcmp(arg, "json") != 0)
            argp_error(state, "--output: '%s' is neither text nor json", arg);
        o->json = arg[0] == 'j';
        return 0;
    case KEY_PLOT:
        o->plot = arg;
        return 0;
    case KEY_CHECK:
        o->check = 1;
        return 0;
    case ARGP_KEY_END:
        if (o->path_cnt == 0)
            argp_error(state, "--data is needed: a recorded log or a folder of them");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int fail(const char *what)
{
    fprintf(stderr, "qbid-sim recorded: %s\n", what);
    return QBID_SIM_FAILED;
}

static int log_run(const struct options *o, const struct qbid_recorded_source *source,
                   struct qbid_recorded_entry *entry, char *message)
{
    struct qbid_recorded_log log;
    int err = qbid_recorded_log_init(&log, source, o->train_part, message);
    if (err)
        return err;
    entry->sampled = log.sampled;
    entry->train_cnt = (uint32_t)log.train_all;
    entry->train_cost = log.train_cost;
    entry->test_cnt = qbid_recorded_replay_auctions(&log, log.train_cnt, log.cnt);
    entry->test_cost = qbid_recorded_log_cost(&log, log.train_cnt, log.cnt);
    for (uint32_t i = log.train_cnt; i < log.cnt; i++)
        entry->test_clicks += log.auction[i].click;
    for (uint32_t f = 0; f < o->fraction_cnt && !err; f++) {
        double fraction = (double)o->fraction[f].part / o->fraction[f].over;
        err = qbid_recorded_match_run(&log, fraction, o->episode, &entry->match[f]);
    }
    if (err)
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: out of memory", source->path);
    qbid_recorded_log_done(&log);
    return err;
}

static int source_run(const struct options *o, const struct qbid_recorded_source *source,
                      struct qbid_recorded_entry *entry, char *message)
{
    entry->format = source->format;
    entry->path = source->path; /* the sources outlive the report */
    if (source->format == QBID_RECORDED_BIDS)
        return qbid_recorded_landscape_judge(source->path, o->train_part, &entry->landscape,
                                             message);
    return log_run(o, source, entry, message);
}

static int write_all(const char *path, const struct qbid_replay_buffer *out)
{
    FILE *f = path ? fopen(path, "wb") : stdout;
    int ok = f && !out->failed && fwrite(out->text, 1, out->len, f) == out->len && fflush(f) == 0;
    char message[QBID_RECORDED_MESSAGE_BYTES];
    snprintf(message, sizeof message, "%s: %s", path ? path : "the report could not be written",
             out->failed ? "out of memory" : strerror(errno));
    if (path && f && fclose(f) != 0)
        ok = 0;
    return ok ? QBID_SIM_OK : fail(message);
}

static int report_write(const struct options *o, const struct qbid_recorded_report *report)
{
    struct qbid_replay_buffer out = {0};
    if (o->json)
        qbid_recorded_report_json(&out, report);
    else
        qbid_recorded_report_text(&out, report);
    int code = write_all(NULL, &out);
    if (code == QBID_SIM_OK && o->plot) {
        qbid_replay_buffer_clear(&out);
        qbid_recorded_report_svg(&out, report);
        code = write_all(o->plot, &out);
    }
    qbid_replay_buffer_done(&out);
    if (code == QBID_SIM_OK && o->check && qbid_recorded_report_lost(report) > 0)
        return QBID_SIM_REFUSED;
    return code;
}

static int sources_run(const struct options *o, const struct qbid_recorded_sources *sources)
{
    char message[QBID_RECORDED_MESSAGE_BYTES];
    struct qbid_recorded_report report = {
        .fraction_cnt = o->fraction_cnt, .episode = o->episode, .train_part = o->train_part};
    memcpy(report.fraction, o->fraction, sizeof report.fraction);
    report.entry = calloc(sources->cnt + 1, sizeof *report.entry);
    if (!report.entry)
        return fail("out of memory");
    int err = 0;
    for (uint32_t i = 0; i < sources->cnt && !err; i++)
        err = source_run(o, &sources->source[i], &report.entry[report.cnt++], message);
    int code = err ? fail(message) : report_write(o, &report);
    free(report.entry);
    return code;
}

int qbid_sim_recorded(int argc, char **argv)
{
    const struct argp argp = {
        option_list,
        option_parse,
        NULL,
        "Replays recorded second-price auctions against constant, linear and ORTB bids, RLB, "
        "qbid's own pacing, and the hindsight optimum.\vFormats, told by the lines of a file: "
        "'click price pctr time'; 'click price theta', with info.json beside it or not; the 24 or "
        "27 columns of iPinYou; 'bid win', from which a win curve is fitted and judged.",
        NULL,
        NULL,
        NULL};
    struct options o = {.fraction = {{1, 32}, {1, 16}, {1, 8}, {1, 4}, {1, 2}},
                        .fraction_cnt = 5,
                        .train_part = 0.5};
    struct qbid_recorded_sources sources = {0};
    char message[QBID_RECORDED_MESSAGE_BYTES] = "out of memory";
    argp_parse(&argp, argc, argv, ARGP_NO_ARGS, NULL, &o);
    int err = 0, code;
    for (uint32_t i = 0; i < o.path_cnt && !err; i++)
        err = qbid_recorded_sources_add(&sources, o.path[i], message);
    if (err) {
        code = fail(message);
    } else if (sources.cnt == 0) {
        code = fail("no recorded log was found under --data");
    } else {
        if (sources.passed > 0)
            fprintf(stderr, "qbid-sim recorded: passed over %u files of other kinds\n",
                    sources.passed);
        code = sources_run(&o, &sources);
    }
    qbid_recorded_sources_done(&sources);
    return code;
}
