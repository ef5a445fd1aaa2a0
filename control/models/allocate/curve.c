/* SPDX-License-Identifier: Apache-2.0 */
/* Response curves and their inverse marginals. */
#include "control/models/allocate/curve.h"

#include <math.h>
#include <stddef.h>

#define NEWTON_MAX 60

const char *qbid_curve_fault(const struct qbid_curve *curve)
{
    double shape_max = curve->kind == QBID_CURVE_HILL ? 1 : QBID_CURVE_SHAPE_MAX;
    if ((unsigned)curve->kind >= QBID_CURVE_KIND_CNT)
        return "is of no known kind";
    if (!(curve->scale > 0 && isfinite(curve->scale)))
        return "has a scale that is not positive";
    if (curve->kind != QBID_CURVE_LOG && !(curve->shape >= QBID_CURVE_SHAPE_MIN))
        return "has a shape below 0.01";
    if (curve->kind != QBID_CURVE_LOG && !(curve->shape <= shape_max))
        return "has a shape that is not concave";
    if (!(curve->half >= 0 && isfinite(curve->half)))
        return "has a negative half";
    if (curve->kind != QBID_CURVE_POWER && curve->half == 0)
        return "has a half of 0";
    return NULL;
}

double qbid_curve_value(const struct qbid_curve *curve, double x)
{
    switch (curve->kind) {
    case QBID_CURVE_POWER:
        return curve->scale * (pow(x + curve->half, curve->shape) - pow(curve->half, curve->shape));
    case QBID_CURVE_HILL:
        return x > 0 ? curve->scale / (1 + pow(curve->half / x, curve->shape)) : 0;
    case QBID_CURVE_LOG:
        break;
    }
    return curve->scale * log1p(x / curve->half);
}

double qbid_curve_marginal(const struct qbid_curve *curve, double x)
{
    switch (curve->kind) {
    case QBID_CURVE_POWER:
        return curve->scale * curve->shape * pow(x + curve->half, curve->shape - 1);
    case QBID_CURVE_HILL: {
        double part = pow(x / curve->half, curve->shape);
        if (!(x > 0))
            return curve->shape < 1 ? INFINITY : curve->scale / curve->half;
        return curve->scale * curve->shape * part / (x * (1 + part) * (1 + part));
    }
    case QBID_CURVE_LOG:
        break;
    }
    return curve->scale / (curve->half + x);
}

/* With u = log(x / half): log(scale shape / half) + (shape - 1) u - 2 log(1 + e^(shape u)). Newton
 * from any side lands right of the root after a step and comes down to it. */
static double hill_spend(const struct qbid_curve *curve, double log_marginal, double *ret_slope)
{
    double s = curve->shape, want = log_marginal - log(curve->scale * s / curve->half);
    double u = want < 0 ? -want / (1 + s) : want / (s - 1), slope = 0;
    for (int i = 0; i < NEWTON_MAX; i++) {
        double part = exp(s * u), log_one = part < 1e300 ? log1p(part) : s * u;
        slope = 1 - s + 2 * s * (part < 1e300 ? part / (1 + part) : 1);
        double step = ((s - 1) * u - 2 * log_one - want) / slope;
        u += step;
        if (fabs(step) <= 1e-15 * (1 + fabs(u)))
            break;
    }
    double x = curve->half * exp(u);
    *ret_slope = x / slope;
    return x;
}

double qbid_curve_spend(const struct qbid_curve *curve, double log_marginal, double *ret_slope)
{
    double from = 0, x = 0, k = 1; /* x + from falls by k (x + from) */
    switch (curve->kind) {
    case QBID_CURVE_POWER:
        k = 1 / (1 - curve->shape);
        from = curve->half;
        x = exp(k * (log(curve->scale * curve->shape) - log_marginal)) - from;
        break;
    case QBID_CURVE_HILL:
        if (curve->shape < 1)
            return hill_spend(curve, log_marginal, ret_slope);
        k = 0.5;
        from = curve->half;
        x = sqrt(curve->scale * from * exp(-log_marginal)) - from;
        break;
    case QBID_CURVE_LOG:
        from = curve->half;
        x = curve->scale * exp(-log_marginal) - from;
        break;
    }
    *ret_slope = x > 0 ? k * (x + from) : 0;
    return x > 0 ? x : 0;
}
