/* SPDX-License-Identifier: Apache-2.0 */
/* Scale, debt and factor of a return that is to be kept. */
#include "control/models/pacing/tracking.h"

#include <math.h>

#define SCALE_MAX 4.0
#define TRUST_CLICKS 100.0 /* clicks that say as much of a flight as the sample does */
#define TRUST_EVENTS 400.0 /* events that say as much of a flight as its promise does */
#define DEBT_LEAST -0.2
#define DEBT_MOST 0.5
#define REST_LEAST 0.1 /* of what was spent */

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

double qbid_tracking_scale(const struct qbid_tracking_sums *sums, double prior)
{
    double trusted = prior * sums->event;
    double scale = (fmax(sums->realised, 0) + trusted) / (fmax(sums->promised, 0) + trusted);
    return scale > 0 ? clamp(scale, 1 / SCALE_MAX, SCALE_MAX) : 1;
}

/* Thought to be true: what was seen as far as its events weigh, else what was expected. */
static double shrunk(double expected, double seen, double trusted)
{
    double weight = expected + trusted;
    return weight > 0 ? expected * (seen + trusted) / weight : seen;
}

double qbid_tracking_owed(const struct qbid_tracking_flight *flight, double scale)
{
    const struct qbid_tracking_sums *m = &flight->matured;
    double promised = flight->promised, part = promised > 0 ? fmin(m->promised / promised, 1) : 0;
    if (flight->expected > 0)
        promised = shrunk(flight->expected, promised, TRUST_CLICKS * flight->click);
    double matured = scale * part * promised;
    if (m->promised > 0)
        matured *= shrunk(scale * m->promised, m->realised, TRUST_EVENTS * m->event) /
                   (scale * m->promised);
    return flight->spent + flight->carried - matured - scale * (1 - part) * promised;
}

double qbid_tracking_debt(const struct qbid_tracking_flight *flight, double scale)
{
    if (!(flight->spent > 0))
        return 0;
    double rest = fmax(flight->rest, REST_LEAST * flight->spent);
    double done = flight->spent / (flight->spent + rest);
    double debt = done * qbid_tracking_owed(flight, scale) / rest;
    return isfinite(debt) ? clamp(debt, DEBT_LEAST, DEBT_MOST) : 0;
}

double qbid_tracking_factor(double fit, double scale, double debt)
{
    return clamp(fit > 0 ? fit : 1, 1 / SCALE_MAX, SCALE_MAX) * scale / (1 + debt);
}
