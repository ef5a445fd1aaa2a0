/* SPDX-License-Identifier: Apache-2.0 */
/* From a win curve to the table of best first-price bids. */
#include "control/models/landscape/shading.h"

#include <math.h>

double qbid_shading_best(const struct qbid_landscape_curve *curve, double e_micros,
                         double floor_micros)
{
    double best = e_micros, best_surplus = 0;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++) {
        double low = i > 0 ? qbid_landscape_edge(i) : 0;
        double high = qbid_landscape_edge(i + 1);
        double from = fmax(low, floor_micros), to = fmin(high, e_micros);
        if (low >= e_micros)
            break;
        if (from > to)
            continue;
        double below = i > 0 ? curve->win[i - 1] : 0;
        double slope = (curve->win[i] - below) / (high - low);
        double top = slope > 0 ? 0.5 * (e_micros + low - below / slope) : from;
        double bid = fmin(fmax(top, from), to);
        double surplus = (e_micros - bid) * (below + slope * (bid - low));
        if (surplus > best_surplus) {
            best_surplus = surplus;
            best = bid;
        }
    }
    return best;
}

double qbid_shading_ortb1(double theta, double lambda, double c)
{
    double e = theta / lambda;
    return c * e / (sqrt(c * e + c * c) + c); /* = sqrt(c e + c^2) - c without the cancellation */
}

double qbid_shading_ortb2(double theta, double lambda, double c)
{
    double x = theta / (c * lambda); /* the price of one c in value */
    double root = cbrt(x + sqrt(1 + x * x));
    return c * (root - 1 / root);
}

/* Price that stands for a bin. */
static double bin_price(uint32_t i)
{
    return 0.5 * (qbid_landscape_edge(i) + qbid_landscape_edge(i + 1));
}

static double prices_mean(const struct qbid_landscape *ls)
{
    double sum = 0, cnt = 0;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++) {
        double n = ls->seen[i] + ls->lost[i] + ls->won[i];
        sum += n * log(bin_price(i));
        cnt += n;
    }
    return cnt > 0 ? exp(sum / cnt) : 0;
}

/* d log likelihood / d log c; falls in c. */
static double median_slope(const struct qbid_landscape *ls, double prior, double c)
{
    double slope = 2 * (1 - 2 * c / (c + prior));
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++) {
        double below = c / (c + bin_price(i)); /* P(price above it) */
        slope += ls->seen[i] * (1 - 2 * below) + ls->lost[i] * (1 - below) - ls->won[i] * below;
    }
    return slope;
}

double qbid_shading_median(const struct qbid_landscape *ls, double prior_micros)
{
    if (!(prior_micros > 0 && isfinite(prior_micros)))
        prior_micros = prices_mean(ls);
    if (!(prior_micros > 0))
        return 0;
    double low = log(qbid_landscape_edge(0)), high = log(qbid_landscape_edge(QBID_LANDSCAPE_BINS));
    for (int i = 0; i < 50; i++) {
        double mid = 0.5 * (low + high);
        if (median_slope(ls, prior_micros, exp(mid)) > 0)
            low = mid;
        else
            high = mid;
    }
    return exp(low);
}

void qbid_shading_build(const struct qbid_landscape *ls, const struct qbid_landscape_curve *curve,
                        double floor_micros, double prior_micros, struct qbid_shade *ret_shade)
{
    int parametric = !(curve->samples >= QBID_SHADING_SAMPLES_MIN);
    double median = parametric ? qbid_shading_median(ls, prior_micros) : 0;
    double last = 0;
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) {
        double e = (double)qbid_shade_knot(i);
        double bid = e, win = 0;
        if (!parametric) {
            bid = qbid_shading_best(curve, e, floor_micros);
        } else if (median > 0) {
            bid = qbid_shading_ortb1(e, 1, median);
            bid = fmin(fmax(bid, floor_micros), e);
        }
        /* rounding may swap two equal surpluses; the table must not fall for it */
        bid = fmin(fmax(bid, last), e);
        last = bid;
        if (bid >= floor_micros)
            win = !parametric  ? qbid_landscape_curve_at(curve, bid)
                  : median > 0 ? bid / (median + bid)
                               : 1;
        ret_shade->ratio[i] = (float)fmin(bid / e, 1);
        ret_shade->win[i] = (float)win;
    }
}
