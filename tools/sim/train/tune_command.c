/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim tune`: search, judge, and say whether the settings are worth a change. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "control/models/allocate/gaussian.h"
#include "shm/error.h"
#include "tools/sim/command.h"
#include "tools/sim/train/tune.h"

enum option_id {
    OPT_AUCTIONS_MIN = 256,
    OPT_AUCTIONS_MAX,
    OPT_PERIODS,
    OPT_SAMPLES,
    OPT_DAYS,
    OPT_JUDGE_DAYS,
    OPT_EVALUATIONS,
    OPT_STEP_MAX,
    OPT_SEED,
    OPT_OUTPUT
};

struct options {
    struct qbid_tune_params tune;
    bool json;
};

static double number_read(const struct argp_state *state, const char *name, const char *text,
                          double least, double most)
{
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !(x >= least && x <= most))
        argp_error(state, "--%s: '%s' is not a number in %g..%g", name, text, least, most);
    return x;
}

static uint32_t count_read(const struct argp_state *state, const char *name, const char *text,
                           double least, double most)
{
    return (uint32_t)number_read(state, name, text, least, most);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_AUCTIONS_MIN:
        o->tune.auctions_min = number_read(state, "auctions-min", arg, 100, 1e6);
        return 0;
    case OPT_AUCTIONS_MAX:
        o->tune.auctions_max = number_read(state, "auctions-max", arg, 100, 1e6);
        return 0;
    case OPT_PERIODS:
        o->tune.periods = count_read(state, "periods", arg, 24, 1440);
        return 0;
    case OPT_SAMPLES:
        o->tune.samples = count_read(state, "samples", arg, 0, QBID_DAY_SAMPLES_MAX);
        return 0;
    case OPT_DAYS:
        o->tune.days = count_read(state, "days", arg, 2, 1000);
        return 0;
    case OPT_JUDGE_DAYS:
        o->tune.judge_days = count_read(state, "judge-days", arg, 2, 100000);
        return 0;
    case OPT_EVALUATIONS:
        o->tune.evaluations = count_read(state, "evaluations", arg, 2, QBID_GAUSSIAN_POINTS_MAX);
        return 0;
    case OPT_STEP_MAX:
        o->tune.step_max = number_read(state, "step-max", arg, qbid_tune_ranges[QBID_TUNE_STEP].low,
                                       qbid_tune_ranges[QBID_TUNE_STEP].high);
        return 0;
    case OPT_SEED:
        o->tune.seed = (uint64_t)number_read(state, "seed", arg, 0, 1e9);
        return 0;
    case OPT_OUTPUT:
        o->json = strcmp(arg, "json") == 0;
        if (!o->json && strcmp(arg, "table") != 0)
            argp_error(state, "--output is json or table");
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s': there are options only", arg);
        return 0;
    case ARGP_KEY_END:
        if (o->tune.auctions_max < o->tune.auctions_min)
            argp_error(state, "--auctions-max is below --auctions-min");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void json_print(const struct qbid_tune_result *r)
{
    printf("{\"settings\":{");
    for (int s = 0; s < QBID_TUNE_SETTINGS; s++)
        printf("%s\"%s\":{\"preset\":%.6g,\"tuned\":%.6g}", s ? "," : "", qbid_tune_ranges[s].name,
               r->preset[s], r->tuned[s]);
    printf("},\"searched\":{\"preset\":%.6f,\"tuned\":%.6f},\"judged\":{\"preset\":%.6f,\"tuned\":"
           "%.6f,\"gain\":%.6f,\"half\":%.6f,\"spent_most\":%.6f}}\n",
           r->preset_value, r->tuned_value, r->judged_preset, r->judged_tuned, r->gain,
           r->gain_half, r->spent_most);
}

static void table_print(const struct options *o, const struct qbid_tune_result *r)
{
    printf("%-12s %10s %10s\n", "SETTING", "PRESET", "TUNED");
    for (int s = 0; s < QBID_TUNE_SETTINGS; s++)
        printf("%-12s %10.4g %10.4g\n", qbid_tune_ranges[s].name, r->preset[s], r->tuned[s]);
    printf("\nvalue against the best single multiplier in hindsight:\n");
    printf("%u days of the search: preset %.4f, tuned %.4f (%u evaluations)\n", o->tune.days,
           r->preset_value, r->tuned_value, o->tune.evaluations);
    printf("%u other days:         preset %.4f, tuned %.4f: %+.4f +- %.4f\n", o->tune.judge_days,
           r->judged_preset, r->judged_tuned, r->gain, r->gain_half);
    printf("most that any of these days spent of its budget: %.4f\n", r->spent_most);
    puts(r->gain > r->gain_half
             ? "the tuned settings are better on days that they were not tuned on"
             : "nothing that days outside the search confirm: keep the presets");
}

int qbid_sim_tune(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"auctions-min", OPT_AUCTIONS_MIN, "N", 0, "of a day (1000)", 0},
        {"auctions-max", OPT_AUCTIONS_MAX, "N", 0, "of a day (40000)", 0},
        {"periods", OPT_PERIODS, "N", 0, "of the pacer in a day (288)", 0},
        {"samples", OPT_SAMPLES, "N", 0, "of auctions it is shown; 0 = feedback alone (256)", 0},
        {"days", OPT_DAYS, "N", 0, "that settings are tried on (20)", 0},
        {"judge-days", OPT_JUDGE_DAYS, "N", 0, "that the result is judged on (200)", 0},
        {"evaluations", OPT_EVALUATIONS, "N", 0, "of settings (30)", 0},
        {"step-max", OPT_STEP_MAX, "X", 0, "no larger step_log2 is tried (2)", 0},
        {"seed", OPT_SEED, "N", 0, "of days and search (1)", 0},
        {"output", OPT_OUTPUT, "json|table", 0, "(table)", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "Settings of the pacer by Bayesian optimisation on simulated days, "
                              "judged on days that the search did not see.",
                              NULL,
                              NULL,
                              NULL};
    struct options o = {.tune = {.auctions_min = 1000,
                                 .auctions_max = 40000,
                                 .periods = 288,
                                 .samples = 256,
                                 .days = 20,
                                 .judge_days = 200,
                                 .evaluations = 30,
                                 .step_max = 2,
                                 .seed = 1}};
    struct qbid_tune_result result;
    argp_err_exit_status = QBID_SIM_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    int err = qbid_tune_run(&o.tune, &result);
    if (err) {
        fprintf(stderr, "qbid-sim tune: %s\n", qbid_strerror(err));
        return QBID_SIM_FAILED;
    }
    if (o.json)
        json_print(&result);
    else
        table_print(&o, &result);
    return fflush(stdout) == 0 ? QBID_SIM_OK : QBID_SIM_FAILED;
}
