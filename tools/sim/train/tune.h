/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the pacer, found on simulated days by Bayesian optimisation. */
#ifndef QBID_TOOLS_SIM_TRAIN_TUNE_H
#define QBID_TOOLS_SIM_TRAIN_TUNE_H

#include <stdint.h>

#include "tools/sim/train/day.h"

enum qbid_tune_setting {
    QBID_TUNE_STEP, /* largest move of log2 pace a period */
    QBID_TUNE_GAIN,
    QBID_TUNE_PLAN_MEMORY,
    QBID_TUNE_BIAS_MEMORY,
    QBID_TUNE_SETTINGS
};

struct qbid_tune_range {
    const char *name;
    double low, high; /* searched on a logarithmic scale */
};

extern const struct qbid_tune_range qbid_tune_ranges[QBID_TUNE_SETTINGS];

struct qbid_tune_params {
    double auctions_min, auctions_max; /* of a day */
    uint32_t periods;                  /* of a day */
    uint32_t samples; /* of auctions that the pacer is shown; 0 = it goes by feedback */
    uint32_t days, judge_days;
    uint32_t evaluations;
    double step_max; /* no setting beyond it is ever tried */
    uint64_t seed;
};

struct qbid_tune_result {
    double preset[QBID_TUNE_SETTINGS], tuned[QBID_TUNE_SETTINGS];
    double preset_value, tuned_value; /* on the days of the search: worth against the best single
                                         multiplier in hindsight, mean */
    /* on other days: the same, and tuned less preset with its 95 % interval */
    double judged_preset, judged_tuned, gain, gain_half;
    double spent_most; /* of any judged day's budget */
};

/**
 * Search, then judge on days that the search did not see.
 *
 * Shapes:  days, judge_days >= 2, evaluations >= 2 and at most QBID_GAUSSIAN_POINTS_MAX; step_max
 * at least the step's low. The pacer's presets are the first point, so the result is never worse on
 * the days of the search. Returns: 0. Errors: QBID_ERR_INVAL, NOMEM. Source:
 * control/models/allocate/bayes.h; days of tools/sim/train/day.h.
 */
int qbid_tune_run(const struct qbid_tune_params *params, struct qbid_tune_result *ret_result);

/** Mean over days of worth against the best single multiplier, with settings. */
double qbid_tune_value(const struct qbid_day *days, uint32_t cnt, uint32_t samples,
                       const double settings[QBID_TUNE_SETTINGS]);

#endif
