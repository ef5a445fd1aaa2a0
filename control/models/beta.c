/* SPDX-License-Identifier: Apache-2.0 */
#include "control/models/beta.h"

#include <math.h>

#define FRACTION_STEPS 500
#define FRACTION_END 1e-14
#define HALVINGS 40

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

double qbid_beta_quantile(double p, double a, double b)
{
    double low = 0, high = 1;
    for (int i = 0; i < HALVINGS; i++) {
        double mid = (low + high) / 2;
        if (qbid_beta_share(mid, 1 - mid, a, b) < p)
            low = mid;
        else
            high = mid;
    }
    return (low + high) / 2;
}
