/* SPDX-License-Identifier: Apache-2.0 */
#include "control/models/beta.h"

#include <math.h>
#include <stdbool.h>

#define FRACTION_STEPS 500
#define FRACTION_END 1e-14
#define STEPS_MAX 100
#define QUANTILE_END 1e-13

static double log_gamma(double x)
{
    int sign; /* the reentrant form: lgamma() writes a global */
    return lgamma_r(x, &sign);
}

/* Continued fraction of the incomplete beta function; converges fast for x < (a + 1) / (a + b + 2).
 */
static double fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), f;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    f = d;
    for (int m = 1; m <= FRACTION_STEPS; m++) {
        double step = 1;
        for (int odd = 0; odd < 2; odd++) {
            double t = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                           : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + t * d;
            c = 1 + t / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            step = c * d;
            f *= step;
        }
        if (fabs(step - 1) < FRACTION_END)
            break;
    }
    return f;
}

double qbid_beta_share(double x, double y, double a, double b)
{
    if (!(x > 0))
        return 0;
    if (!(y > 0))
        return 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(y));
    if (x < (a + 1) / (a + b + 2))
        return front * fraction(x, a, b) / a;
    return 1 - front * fraction(y, b, a) / b;
}

/* Newton's method on the share, held in the interval that is known to have the answer. */
double qbid_beta_quantile(double p, double a, double b)
{
    double low = 0, high = 1, x = a / (a + b);
    double log_whole = log_gamma(a + b) - log_gamma(a) - log_gamma(b);
    for (int i = 0; i < STEPS_MAX && high - low > QUANTILE_END; i++) {
        double off = qbid_beta_share(x, 1 - x, a, b) - p;
        if (off < 0)
            low = x;
        else
            high = x;
        double density = exp(log_whole + (a - 1) * log(x) + (b - 1) * log1p(-x));
        double next = x - off / density;
        bool inside = next > low && next < high;
        if (inside && fabs(next - x) <= QUANTILE_END * x)
            return next;
        x = inside ? next : (low + high) / 2;
    }
    return x;
}
