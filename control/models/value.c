/* SPDX-License-Identifier: Apache-2.0 */
/* Goals as the worth of an impression, and the joining of budget and goal. */
#include "control/models/value.h"

#include <math.h>

#include "shm/units.h"

#define SLACK_PART 0.8 /* the active multiplier is at least this part of the slack one */
#define NANOS_PER_MICRO 1000.0

/* Worth in micros of one click, one conversion, and one micro of revenue. */
struct worth {
    double click;
    double conversion;
    double revenue;
};

static struct worth goal_worth(const struct qbid_value_params *params)
{
    double target = params->target_micros > 0 ? (double)params->target_micros : 0;
    double unit = params->unit_micros > 0 ? (double)params->unit_micros : 0;
    switch (params->goal) {
    case QBID_GOAL_MAX_CLICKS:
        return (struct worth){.click = unit};
    case QBID_GOAL_MAX_CONVERSIONS:
        return (struct worth){.conversion = unit};
    case QBID_GOAL_MAX_VALUE:
        return (struct worth){.revenue = 1};
    case QBID_GOAL_TARGET_CPC:
        return (struct worth){.click = target};
    case QBID_GOAL_TARGET_CPA:
        return (struct worth){.conversion = target};
    case QBID_GOAL_TARGET_ROAS:
        return (struct worth){.revenue = target > 0 ? (double)QBID_MICROS_PER_UNIT / target : 0};
    case QBID_GOAL_FIXED_CPM:
        break;
    }
    return (struct worth){0};
}

static double rate_clean(double x)
{
    return x > 0 ? fmin(x, 1) : 0;
}

double qbid_value_impression(const struct qbid_value_params *params, double ctr, double cvr,
                             int64_t order_value_micros)
{
    struct worth w = goal_worth(params);
    double order = order_value_micros > 0 ? (double)order_value_micros : 0;
    double conversion = w.conversion + w.revenue * order;
    double nanos = rate_clean(ctr) * (w.click + rate_clean(cvr) * conversion) * NANOS_PER_MICRO;
    if (params->goal == QBID_GOAL_FIXED_CPM)
        nanos = params->target_micros > 0 ? (double)params->target_micros : 0;
    return fmin(nanos, (double)QBID_PRICE_MICROS_MAX);
}

int qbid_value_has_cap(enum qbid_goal goal)
{
    return goal == QBID_GOAL_TARGET_CPC || goal == QBID_GOAL_TARGET_CPA ||
           goal == QBID_GOAL_TARGET_ROAS;
}

double qbid_value_realised(const struct qbid_value_params *params, double clicks,
                           double conversions, double revenue_nanos)
{
    struct worth w = goal_worth(params);
    double micros = w.click * fmax(clicks, 0) + w.conversion * fmax(conversions, 0);
    return micros * NANOS_PER_MICRO + w.revenue * fmax(revenue_nanos, 0);
}

double qbid_value_alpha(double *alpha_budget, double *alpha_goal)
{
    double alpha = fmin(*alpha_budget, *alpha_goal); /* fmin ignores one NaN */
    if (isnan(alpha))
        alpha = 0;
    *alpha_budget = fmin(*alpha_budget, alpha / SLACK_PART);
    *alpha_goal = fmin(*alpha_goal, alpha / SLACK_PART);
    return alpha;
}
