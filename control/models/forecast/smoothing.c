/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential smoothing: a pass runs eight sets of parameters at once, a compass search moves them.
 */
#include "control/models/forecast/smoothing.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "shm/error.h"

#define LANES 8 /* a recursion waits for itself: eight cost little more than one */
#define DIMS 4  /* alpha, beta, gamma, phi */
#define ROUNDS_MAX 60
#define STEP_FIRST 0.2
#define STEP_NEAR 0.05 /* beside an earlier fit */
#define STEP_LAST 0.004
#define PHI_MIN 0.8
#define PHI_MAX 0.98

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

/* Where a series begins: R's HoltWinters. */
struct start {
    double level, slope;
    uint32_t at; /* first value that is forecast */
    double season[QBID_SMOOTHING_SEASON_MAX];
};

struct point {
    double x[DIMS]; /* in [0, 1]; phi is mapped */
};

static double phi_of(const struct qbid_smoothing_spec *spec, double x)
{
    return spec->damped ? PHI_MIN + (PHI_MAX - PHI_MIN) * x : 1;
}

/* Sum of squared one-step errors of eight sets of parameters. */
static inline __attribute__((always_inline)) void pass(const double *y, uint32_t cnt,
                                                       const struct qbid_smoothing_spec *spec,
                                                       enum qbid_smoothing_kind kind,
                                                       const struct start *start,
                                                       const struct point *points, double *ret_sse)
{
    lanes alpha, beta, gamma, phi, sse = {0}, level, slope, season[QBID_SMOOTHING_SEASON_MAX];
    for (int k = 0; k < LANES; k++) {
        alpha[k] = points[k].x[0];
        beta[k] = points[k].x[1];
        gamma[k] = points[k].x[2];
        phi[k] = phi_of(spec, points[k].x[3]);
        level[k] = start->level;
        slope[k] = spec->trend ? start->slope : 0;
    }
    uint32_t m = kind == QBID_SMOOTHING_PLAIN ? 0 : spec->season, phase = 0;
    for (uint32_t j = 0; j < m; j++)
        season[j] = start->season[j] - (lanes){0};
    for (uint32_t i = start->at; i < cnt; i++) {
        lanes base = level + phi * slope, now = y[i] - (lanes){0}, fitted = base, clean = now;
        if (kind == QBID_SMOOTHING_ADDITIVE) {
            fitted = base + season[phase];
            clean = now - season[phase];
        } else if (kind == QBID_SMOOTHING_MULTIPLICATIVE) {
            fitted = base * season[phase];
            clean = now / season[phase];
        }
        sse += (now - fitted) * (now - fitted);
        lanes next = base + alpha * (clean - base);
        slope = phi * slope + beta * (next - level - phi * slope);
        level = next;
        if (kind == QBID_SMOOTHING_ADDITIVE)
            season[phase] += gamma * (now - next - season[phase]);
        else if (kind == QBID_SMOOTHING_MULTIPLICATIVE)
            season[phase] += gamma * (now / next - season[phase]);
        phase = phase + 1 < m ? phase + 1 : 0;
    }
    for (int k = 0; k < LANES; k++)
        ret_sse[k] = isfinite(sse[k]) ? sse[k] : INFINITY;
}

static void pass_any(const double *y, uint32_t cnt, const struct qbid_smoothing_spec *spec,
                     const struct start *start, const struct point *points, double *ret_sse)
{
    switch (spec->kind) {
    case QBID_SMOOTHING_ADDITIVE:
        pass(y, cnt, spec, QBID_SMOOTHING_ADDITIVE, start, points, ret_sse);
        break;
    case QBID_SMOOTHING_MULTIPLICATIVE:
        pass(y, cnt, spec, QBID_SMOOTHING_MULTIPLICATIVE, start, points, ret_sse);
        break;
    default:
        pass(y, cnt, spec, QBID_SMOOTHING_PLAIN, start, points, ret_sse);
        break;
    }
}

/* Centred moving average over whole seasons; valid for i in [m/2, cnt - m/2). */
static double trend_at(const double *y, uint32_t i, uint32_t m)
{
    uint32_t half = m / 2;
    double sum = 0;
    for (uint32_t j = i - half; j <= i + half; j++)
        sum += y[j];
    if (m % 2 == 0)
        sum -= 0.5 * (y[i - half] + y[i + half]);
    return sum / m;
}

int qbid_smoothing_indices(const double *y, uint32_t cnt, enum qbid_smoothing_kind kind, uint32_t m,
                           double *ret_season)
{
    uint32_t seen[QBID_SMOOTHING_SEASON_MAX] = {0};
    if (m < 2 || m > QBID_SMOOTHING_SEASON_MAX || cnt < 2 * m)
        return QBID_ERR_INVAL;
    memset(ret_season, 0, m * sizeof *ret_season);
    for (uint32_t i = m / 2; i < cnt - m / 2; i++) {
        double trend = trend_at(y, i, m);
        ret_season[i % m] += kind == QBID_SMOOTHING_MULTIPLICATIVE ? y[i] / trend : y[i] - trend;
        seen[i % m]++;
    }
    double mean = 0;
    for (uint32_t j = 0; j < m; j++)
        mean += (ret_season[j] /= seen[j]) / m;
    for (uint32_t j = 0; j < m; j++)
        ret_season[j] =
            kind == QBID_SMOOTHING_MULTIPLICATIVE ? ret_season[j] / mean : ret_season[j] - mean;
    return 0;
}

/* Level and slope: the regression line through the moving average of the first two seasons. */
static int start_season(const double *y, uint32_t cnt, const struct qbid_smoothing_spec *spec,
                        struct start *ret)
{
    uint32_t m = spec->season;
    if (m < 2 || m > QBID_SMOOTHING_SEASON_MAX || cnt < 2 * m)
        return QBID_ERR_INVAL;
    int err = qbid_smoothing_indices(y, 2 * m, spec->kind, m, ret->season);
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (uint32_t i = m / 2; i < 2 * m - m / 2; i++) {
        double t = trend_at(y, i, m);
        n++, sx += n, sy += t, sxx += n * n, sxy += n * t;
    }
    ret->slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
    ret->level = (sy - ret->slope * sx) / n;
    ret->at = m;
    return err;
}

static int start_plain(const double *y, uint32_t cnt, const struct qbid_smoothing_spec *spec,
                       struct start *ret)
{
    if (cnt < 4)
        return QBID_ERR_INVAL;
    ret->at = spec->trend ? 2 : 1;
    ret->level = y[ret->at - 1];
    ret->slope = spec->trend ? y[1] - y[0] : 0;
    return 0;
}

static int series_valid(const double *y, uint32_t cnt, const struct qbid_smoothing_spec *spec)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (!isfinite(y[i]) || (spec->kind == QBID_SMOOTHING_MULTIPLICATIVE && !(y[i] > 0)))
            return 0;
    return 1;
}

/* Which of the four a spec has. */
static void dims_of(const struct qbid_smoothing_spec *spec, int used[DIMS])
{
    used[0] = 1;
    used[1] = spec->trend;
    used[2] = spec->kind != QBID_SMOOTHING_PLAIN;
    used[3] = spec->damped;
}

/* Eight places to begin, spread over what is common. */
static void points_spread(const int used[DIMS], struct point points[LANES])
{
    static const double spread[LANES][DIMS] = {{0.3, 0.1, 0.1, 0.5},  {0.1, 0.01, 0.3, 0.9},
                                               {0.7, 0.05, 0.1, 0.5}, {0.9, 0.02, 0.5, 0.9},
                                               {0.05, 0.0, 0.1, 0.9}, {0.5, 0.01, 0.01, 0.99},
                                               {0.3, 0.0, 0.6, 0.5},  {0.9, 0.2, 0.05, 0.2}};
    for (int k = 0; k < LANES; k++)
        for (int d = 0; d < DIMS; d++)
            points[k].x[d] = used[d] ? spread[k][d] : 0;
}

/* The neighbours of the best point: a step each way along each parameter; the pairs of those that
 * the spec does not have go on along the last move instead. */
static void points_around(const int used[DIMS], const struct point *best, const struct point *last,
                          double step, struct point points[LANES])
{
    for (int d = 0; d < DIMS; d++) {
        for (int side = 0; side < 2; side++) {
            struct point *p = &points[2 * d + side];
            *p = *best;
            for (int k = 0; k < DIMS && !used[d]; k++)
                p->x[k] += (best->x[k] - last->x[k]) * (side + d);
            if (used[d])
                p->x[d] += side ? step : -step;
            for (int k = 0; k < DIMS; k++)
                p->x[k] = fmin(fmax(p->x[k], 0), 1);
        }
    }
}

static struct point search(const double *y, uint32_t cnt, const struct qbid_smoothing_spec *spec,
                           const struct start *start, const struct qbid_smoothing *from)
{
    struct point points[LANES], best = {{0}}, last = {{0}};
    double sse[LANES], least = INFINITY, step = from ? STEP_NEAR : STEP_FIRST;
    int used[DIMS];
    dims_of(spec, used);
    points_spread(used, points);
    if (from)
        points[1] =
            (struct point){{from->alpha, from->beta, from->gamma,
                            spec->damped ? (from->phi - PHI_MIN) / (PHI_MAX - PHI_MIN) : 0}};
    for (int round = 0; round < ROUNDS_MAX && step >= STEP_LAST; round++) {
        pass_any(y, cnt, spec, start, points, sse);
        int k = 0;
        for (int i = 1; i < LANES; i++)
            k = sse[i] < sse[k] ? i : k;
        if (sse[k] < least) {
            last = round ? best : points[k];
            best = points[k];
            least = sse[k];
        } else {
            step *= 0.5;
            last = best;
        }
        points_around(used, &best, &last, step, points);
    }
    return best;
}

int qbid_smoothing_fit(const double *y, uint32_t cnt, struct qbid_smoothing_spec spec,
                       const struct qbid_smoothing *from, struct qbid_smoothing *ret_fit)
{
    struct start start = {0};
    int plain = spec.kind == QBID_SMOOTHING_PLAIN;
    spec.season = plain ? 1 : spec.season;
    spec.damped = spec.damped && spec.trend;
    int err = series_valid(y, cnt, &spec) ? 0 : QBID_ERR_INVAL;
    if (!err)
        err = plain ? start_plain(y, cnt, &spec, &start) : start_season(y, cnt, &spec, &start);
    if (err)
        return err;
    struct point best = search(y, cnt, &spec, &start, from);
    *ret_fit = (struct qbid_smoothing){.spec = spec,
                                       .alpha = best.x[0],
                                       .beta = best.x[1],
                                       .gamma = best.x[2],
                                       .phi = phi_of(&spec, best.x[3]),
                                       .level = start.level,
                                       .slope = spec.trend ? start.slope : 0};
    memcpy(ret_fit->season, start.season, sizeof start.season);
    for (uint32_t i = start.at; i < cnt; i++) {
        double error = y[i] - qbid_smoothing_at(ret_fit, 1);
        ret_fit->sse += error * error;
        ret_fit->errors++;
        qbid_smoothing_roll(ret_fit, y[i]);
    }
    return 0;
}

void qbid_smoothing_roll(struct qbid_smoothing *fit, double y)
{
    double *s = &fit->season[fit->phase];
    double slope = fit->phi * fit->slope, base = fit->level + slope, clean = y;
    if (fit->spec.kind == QBID_SMOOTHING_ADDITIVE)
        clean = y - *s;
    else if (fit->spec.kind == QBID_SMOOTHING_MULTIPLICATIVE)
        clean = y / *s;
    double next = base + fit->alpha * (clean - base);
    fit->slope = slope + fit->beta * (next - fit->level - slope);
    fit->level = next;
    if (fit->spec.kind == QBID_SMOOTHING_ADDITIVE)
        *s += fit->gamma * (y - next - *s);
    else if (fit->spec.kind == QBID_SMOOTHING_MULTIPLICATIVE)
        *s += fit->gamma * (y / next - *s);
    fit->phase = fit->phase + 1 < fit->spec.season ? fit->phase + 1 : 0;
}

double qbid_smoothing_at(const struct qbid_smoothing *fit, uint32_t ahead)
{
    double steps = ahead; /* phi + phi^2 + ... */
    if (fit->phi < 1)
        steps = fit->phi * (1 - pow(fit->phi, ahead)) / (1 - fit->phi);
    double base = fit->level + steps * fit->slope;
    double s = fit->season[(fit->phase + ahead - 1) % fit->spec.season];
    switch (fit->spec.kind) {
    case QBID_SMOOTHING_ADDITIVE:
        return base + s;
    case QBID_SMOOTHING_MULTIPLICATIVE:
        return base * s;
    default:
        return base;
    }
}
