/* SPDX-License-Identifier: Apache-2.0 */
/* A day of the pacer takes tens of milliseconds and says little: a black box that is dear and has
 * no gradient. */
#include "tools/sim/train/tune.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "control/models/allocate/bayes.h"
#include "shm/error.h"

#define JUDGE_APART 9000000 /* seeds of the judged days, from those of the search */
#define ROOM 2.5            /* auctions of a day, at most, against what its forecast promises */
#define NORMAL_975 1.959964

const struct qbid_tune_range qbid_tune_ranges[QBID_TUNE_SETTINGS] = {
    {"step_log2", 0.03, 2}, {"gain", 0.05, 1}, {"plan_memory", 0.001, 0.1}, {"bias_memory", 2, 60}};

static void settings_apply(struct qbid_pacing_params *pacing,
                           const double settings[QBID_TUNE_SETTINGS])
{
    pacing->step_lg = settings[QBID_TUNE_STEP];
    pacing->gain = settings[QBID_TUNE_GAIN];
    pacing->plan_memory = settings[QBID_TUNE_PLAN_MEMORY];
    pacing->bias_memory = settings[QBID_TUNE_BIAS_MEMORY];
}

static void settings_preset(double ret_settings[QBID_TUNE_SETTINGS])
{
    struct qbid_pacing_params pacing = qbid_pacing_defaults();
    ret_settings[QBID_TUNE_STEP] = pacing.step_lg;
    ret_settings[QBID_TUNE_GAIN] = pacing.gain;
    ret_settings[QBID_TUNE_PLAN_MEMORY] = pacing.plan_memory;
    ret_settings[QBID_TUNE_BIAS_MEMORY] = pacing.bias_memory;
}

/* One day with settings: its value, and what it spent of its budget. */
static double day_play(const struct qbid_day *day, const struct qbid_shade *shade, uint32_t samples,
                       const double settings[QBID_TUNE_SETTINGS], double *ret_spent)
{
    struct qbid_day_run run;
    qbid_day_reset(&run, day, shade, samples);
    settings_apply(&run.params, settings);
    run.pacing = qbid_pacing_start(&run.params, 0.5);
    while (qbid_day_step(&run, 0))
        continue;
    *ret_spent = run.spent_nanos / day->budget_nanos;
    return day->best_worth_nanos > 0 ? run.worth_nanos / day->best_worth_nanos : 1;
}

double qbid_tune_value(const struct qbid_day *days, uint32_t cnt, uint32_t samples,
                       const double settings[QBID_TUNE_SETTINGS])
{
    struct qbid_shade shade = qbid_day_shade();
    double sum = 0, spent;
    for (uint32_t d = 0; d < cnt; d++)
        sum += day_play(&days[d], &shade, samples, settings, &spent);
    return sum / cnt;
}

/* --- days */

/* Days whose goal is value within a budget, as many as are asked for. */
static int day_draw(const struct qbid_tune_params *p, struct qbid_random *random,
                    struct qbid_day *day)
{
    struct qbid_shade shade = qbid_day_shade();
    double low = log(p->auctions_min), high = log(p->auctions_max);
    double auctions = exp(low + (high - low) * qbid_random_uniform(random));
    int err = qbid_day_init(day, p->periods, (uint32_t)(ROOM * auctions) + 1);
    if (err)
        return err;
    struct qbid_day_kind kind = qbid_day_kind_draw(auctions, random);
    kind.truth = 0;
    qbid_day_draw(day, &kind, &shade, random);
    return 0;
}

static int days_draw(const struct qbid_tune_params *p, struct qbid_day **ret_days)
{
    struct qbid_random random = qbid_random_init(p->seed);
    struct qbid_day *days = calloc(p->days, sizeof *days);
    int err = days ? 0 : QBID_ERR_NOMEM;
    for (uint32_t d = 0; d < p->days && !err; d++)
        err = day_draw(p, &random, &days[d]);
    *ret_days = days;
    return err;
}

static void days_free(struct qbid_day *days, uint32_t cnt)
{
    for (uint32_t d = 0; d < cnt && days; d++)
        qbid_day_done(&days[d]);
    free(days);
}

/* --- the search, over logarithms */

static bool step_allowed(void *context, const double *x)
{
    const struct qbid_tune_params *p = context;
    return x[QBID_TUNE_STEP] <= log(p->step_max);
}

static int search_run(const struct qbid_tune_params *p, const struct qbid_day *days,
                      struct qbid_bayes *bayes, struct qbid_tune_result *r)
{
    double x[QBID_TUNE_SETTINGS], settings[QBID_TUNE_SETTINGS];
    int err = 0;
    for (uint32_t n = 0; n < p->evaluations && !err; n++) {
        for (int s = 0; s < QBID_TUNE_SETTINGS && n == 0; s++)
            x[s] = log(r->preset[s]);
        if (n > 0)
            err = qbid_bayes_ask(bayes, x);
        for (int s = 0; s < QBID_TUNE_SETTINGS; s++)
            settings[s] = exp(x[s]);
        if (!err)
            err = qbid_bayes_tell(bayes, x, -qbid_tune_value(days, p->days, p->samples, settings));
    }
    if (err)
        return err;
    r->tuned_value = -qbid_bayes_best(bayes, x);
    for (int s = 0; s < QBID_TUNE_SETTINGS; s++)
        r->tuned[s] = exp(x[s]);
    return 0;
}

/* Both on the same days, of which one is kept at a time. */
static int judge(const struct qbid_tune_params *p, struct qbid_tune_result *r)
{
    struct qbid_random random = qbid_random_init(p->seed + JUDGE_APART);
    struct qbid_shade shade = qbid_day_shade();
    double square = 0, n = p->judge_days;
    for (uint32_t d = 0; d < p->judge_days; d++) {
        struct qbid_day day;
        double spent[2];
        int err = day_draw(p, &random, &day);
        if (err)
            return err;
        double preset = day_play(&day, &shade, p->samples, r->preset, &spent[0]);
        double tuned = day_play(&day, &shade, p->samples, r->tuned, &spent[1]);
        qbid_day_done(&day);
        r->judged_preset += preset / n;
        r->judged_tuned += tuned / n;
        square += (tuned - preset) * (tuned - preset) / n;
        r->spent_most = fmax(r->spent_most, fmax(spent[0], spent[1]));
    }
    r->gain = r->judged_tuned - r->judged_preset;
    r->gain_half = NORMAL_975 * sqrt(fmax(square - r->gain * r->gain, 0) / (n - 1));
    return 0;
}

int qbid_tune_run(const struct qbid_tune_params *params, struct qbid_tune_result *ret_result)
{
    struct qbid_tune_result r = {0};
    double low[QBID_TUNE_SETTINGS], high[QBID_TUNE_SETTINGS];
    char why[QBID_BAYES_WHY_MAX];
    struct qbid_bayes *bayes = NULL;
    struct qbid_day *days = NULL;
    if (params->days < 2 || params->judge_days < 2 || params->evaluations < 2 ||
        !(params->step_max >= qbid_tune_ranges[QBID_TUNE_STEP].low) ||
        !(params->auctions_min >= 1 && params->auctions_max >= params->auctions_min))
        return QBID_ERR_INVAL;
    for (int s = 0; s < QBID_TUNE_SETTINGS; s++) {
        low[s] = log(qbid_tune_ranges[s].low);
        high[s] = log(qbid_tune_ranges[s].high);
    }
    settings_preset(r.preset);
    r.preset[QBID_TUNE_STEP] = fmin(r.preset[QBID_TUNE_STEP], params->step_max);
    struct qbid_tune_params kept = *params;
    struct qbid_bayes_params how = {.low = low,
                                    .high = high,
                                    .dims = QBID_TUNE_SETTINGS,
                                    .points_max = params->evaluations,
                                    .allowed = step_allowed,
                                    .context = &kept,
                                    .seed = params->seed};
    int err = qbid_bayes_new(&how, &bayes, why);
    if (!err)
        err = days_draw(params, &days);
    if (!err) {
        r.preset_value = qbid_tune_value(days, params->days, params->samples, r.preset);
        err = search_run(params, days, bayes, &r);
    }
    if (!err)
        err = judge(params, &r);
    if (!err)
        *ret_result = r;
    days_free(days, params->days);
    qbid_bayes_free(bayes);
    return err;
}
