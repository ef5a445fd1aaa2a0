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
    case QBID_GOAL_MAX_PROFIT:
    case QBID_GOAL_MAX_ROAS:
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

/* A cap's unit as the target of the goal with the same unit. */
static struct worth cap_worth(const struct qbid_value_params *params, enum qbid_cap cap)
{
    static const enum qbid_goal same[QBID_CAP_CNT] = {
        [QBID_CAP_CPC] = QBID_GOAL_TARGET_CPC,
        [QBID_CAP_CPA] = QBID_GOAL_TARGET_CPA,
        [QBID_CAP_ROAS] = QBID_GOAL_TARGET_ROAS,
    };
    struct qbid_value_params p = {.goal = same[cap], .target_micros = params->cap_micros[cap]};
    return goal_worth(&p);
}

static double impression_worth(struct worth w, double ctr, double cvr, int64_t order_value_micros)
{
    double order = order_value_micros > 0 ? (double)order_value_micros : 0;
    double conversion = w.conversion + w.revenue * order;
    double nanos = rate_clean(ctr) * (w.click + rate_clean(cvr) * conversion) * NANOS_PER_MICRO;
    return fmin(nanos, (double)QBID_PRICE_MICROS_MAX);
}

double qbid_value_goal(const struct qbid_value_params *params, double ctr, double cvr,
                       int64_t order_value_micros)
{
    if (params->goal == QBID_GOAL_FIXED_CPM)
        return fmin(params->target_micros > 0 ? (double)params->target_micros : 0,
                    (double)QBID_PRICE_MICROS_MAX);
    return impression_worth(goal_worth(params), ctr, cvr, order_value_micros);
}

double qbid_value_allowed(const struct qbid_value_params *params, enum qbid_cap cap, double ctr,
                          double cvr, int64_t order_value_micros)
{
    return impression_worth(cap_worth(params, cap), ctr, cvr, order_value_micros);
}

double qbid_value_impression(const struct qbid_value_params *params, double ctr, double cvr,
                             int64_t order_value_micros)
{
    double worth = qbid_value_goal(params, ctr, cvr, order_value_micros), weight = 1;
    for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++) {
        double q = params->cap_price[cap];
        if (params->cap_micros[cap] <= 0 || !(q > 0) || !isfinite(q))
            continue;
        worth += q * qbid_value_allowed(params, (enum qbid_cap)cap, ctr, cvr, order_value_micros);
        weight += q;
    }
    return worth / weight;
}

static void line_add(struct qbid_value_line *line, struct worth w, double weight)
{
    line->click += weight * w.click * NANOS_PER_MICRO;
    line->conversion += weight * w.conversion * NANOS_PER_MICRO;
    line->revenue += weight * w.revenue * NANOS_PER_MICRO;
}

struct qbid_value_line qbid_value_line(const struct qbid_value_params *params)
{
    struct qbid_value_line line = {0};
    double weight = 1;
    if (params->goal == QBID_GOAL_FIXED_CPM)
        line.fixed = qbid_value_goal(params, 0, 0, 0);
    line_add(&line, goal_worth(params), 1);
    for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++) {
        double q = params->cap_price[cap];
        if (params->cap_micros[cap] <= 0 || !(q > 0) || !isfinite(q))
            continue;
        line_add(&line, cap_worth(params, (enum qbid_cap)cap), q);
        weight += q;
    }
    line.fixed /= weight;
    line.click /= weight;
    line.conversion /= weight;
    line.revenue /= weight;
    return line;
}

static double realised(struct worth w, double clicks, double conversions, double revenue_nanos)
{
    double micros = w.click * fmax(clicks, 0) + w.conversion * fmax(conversions, 0);
    return micros * NANOS_PER_MICRO + w.revenue * fmax(revenue_nanos, 0);
}

double qbid_value_allowed_realised(const struct qbid_value_params *params, enum qbid_cap cap,
                                   double clicks, double conversions, double revenue_nanos)
{
    return realised(cap_worth(params, cap), clicks, conversions, revenue_nanos);
}

int qbid_value_has_cap(enum qbid_goal goal)
{
    return goal == QBID_GOAL_TARGET_CPC || goal == QBID_GOAL_TARGET_CPA ||
           goal == QBID_GOAL_TARGET_ROAS;
}

double qbid_value_realised(const struct qbid_value_params *params, double clicks,
                           double conversions, double revenue_nanos)
{
    return realised(goal_worth(params), clicks, conversions, revenue_nanos);
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
