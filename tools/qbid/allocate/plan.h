/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of `qbid allocate`: curves, the best split, and how sure it is. */
#ifndef QBID_TOOLS_QBID_ALLOCATE_PLAN_H
#define QBID_TOOLS_QBID_ALLOCATE_PLAN_H

#include "control/models/allocate/allocation.h"
#include "tools/qbid/allocate/input.h"

#define QBID_WHATIF_LEVEL 0.9 /* of all intervals */

struct qbid_whatif_question {
    int64_t budget_micros;
    double periods;            /* of the file's rows in one of the budget */
    enum qbid_curve_kind kind; /* of fitted curves */
    double
        change_max; /* most that a spend may change, in parts of the current one; INFINITY = any */
    uint64_t seed;
};

struct qbid_whatif_interval {
    double low, high;
};

enum qbid_whatif_bound { QBID_WHATIF_FREE, QBID_WHATIF_AT_MIN, QBID_WHATIF_AT_MAX };

struct qbid_whatif_line {
    struct qbid_curve curve, reach; /* of the budget's period */
    double shape, shape_sd;         /* of a fitted curve */
    bool varied;                    /* its history told the shape, else it is the common one's */
    double value, marginal;         /* at the recommended spend */
    struct qbid_whatif_interval value_in, marginal_in;
    enum qbid_whatif_bound bound;
    double bound_cost; /* value that a unit more room would add; NAN where there is no price */
    int64_t current_micros;
    bool beyond; /* the recommended spend is above all that the history tried */
};

struct qbid_whatif_plan {
    const struct qbid_whatif *input;
    struct qbid_allocation allocation; /* items in order of the input's campaigns */
    struct qbid_whatif_line *line;
    /* of platforms */
    enum qbid_whatif_bound quota[QBID_WHATIF_PLATFORMS_MAX];
    double quota_cost[QBID_WHATIF_PLATFORMS_MAX];
    /* all together; of the current spends only with has_current */
    bool has_current;
    int64_t current_micros;
    double value, value_now, gain;
    struct qbid_whatif_interval value_in, value_now_in, gain_in;
    double gain_probability; /* that the recommended is better */
    /* draws of what is believed of the curves: draw d of campaign i at [d x campaigns + i] */
    struct qbid_curve *draw;
    uint32_t draw_cnt;
};

/**
 * Fit, allocate, and judge.
 *
 * Returns: 0; release with qbid_whatif_plan_done() in any case.
 * Errors:  QBID_ERR_INVAL, QBID_ERR_LIMIT (bounds that cannot be met, by name) with why; NOMEM.
 * Cost:    the fits (fit_group.h), one allocation, 2 curve values a campaign and draw.
 * Source:  the budget agent's models: fit_group.h for what the history says, allocation.h for the
 *          split; intervals are quantiles over draws from the curves' posteriors.
 */
int qbid_whatif_plan_new(const struct qbid_whatif *input,
                         const struct qbid_whatif_question *question,
                         struct qbid_whatif_plan *ret_plan, char why[QBID_CSV_WHY_MAX]);
void qbid_whatif_plan_done(struct qbid_whatif_plan *plan);

/** Mean of the worst tenth of values below the mean of all; sorts them. */
double qbid_whatif_shortfall(double *values, uint32_t cnt);

#endif
