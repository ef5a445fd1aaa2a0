/* SPDX-License-Identifier: Apache-2.0 */
/* Bayesian optimisation by expected improvement. */
#include "control/models/allocate/bayes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/allocate/descent.h"
#include "control/models/random.h"
#include "shm/error.h"

#define TRIES_MAX 65536
#define SPREAD 400 /* random places where improvement is looked for */
#define NEAR 100   /* and places around the best */
#define CLIMBS 4   /* from the best of which it is climbed */
#define CLIMB_STEPS 30
#define LEARN_STEPS 25
#define SOBOL_BITS 32

struct qbid_bayes {
    struct qbid_bayes_params params;
    struct qbid_gaussian gaussian;
    struct qbid_random random;
    double *x; /* points_max x dims, in the unit cube */
    double *y, *standard;
    uint32_t cnt, asked;
    double shift[QBID_GAUSSIAN_DIMS_MAX];
    double best; /* standardised */
};

/* Joe and Kuo: degree, coefficients, first numbers of dimensions 2 to 12. */
static const struct {
    uint32_t degree, coefficients, first[5];
} directions[QBID_GAUSSIAN_DIMS_MAX - 1] = {{1, 0, {1}},
                                            {2, 1, {1, 3}},
                                            {3, 1, {1, 3, 1}},
                                            {3, 2, {1, 1, 1}},
                                            {4, 1, {1, 1, 3, 3}},
                                            {4, 4, {1, 3, 5, 13}},
                                            {5, 2, {1, 1, 5, 5, 17}},
                                            {5, 4, {1, 1, 5, 5, 5}},
                                            {5, 7, {1, 1, 7, 11, 19}},
                                            {5, 11, {1, 1, 5, 1, 1}},
                                            {5, 13, {1, 1, 1, 3, 11}}};

static uint32_t direction(uint32_t dim, uint32_t bit)
{
    uint32_t v[SOBOL_BITS];
    if (dim == 0)
        return UINT32_C(1) << (31 - bit);
    uint32_t s = directions[dim - 1].degree;
    for (uint32_t i = 0; i <= bit; i++) {
        if (i < s) {
            v[i] = directions[dim - 1].first[i] << (31 - i);
            continue;
        }
        v[i] = v[i - s] ^ (v[i - s] >> s);
        for (uint32_t k = 1; k < s; k++)
            if (directions[dim - 1].coefficients >> (s - 1 - k) & 1)
                v[i] ^= v[i - k];
    }
    return v[bit];
}

void qbid_bayes_sobol(uint32_t idx, uint32_t dims, double *ret_x)
{
    uint32_t gray = idx ^ (idx >> 1);
    for (uint32_t k = 0; k < dims; k++) {
        uint32_t sum = 0;
        for (uint32_t bit = 0; bit < SOBOL_BITS; bit++)
            if (gray >> bit & 1)
                sum ^= direction(k, bit);
        ret_x[k] = sum * 0x1p-32;
    }
}

static int refuse(char *why, const char *text)
{
    snprintf(why, QBID_BAYES_WHY_MAX, "%s", text);
    return QBID_ERR_INVAL;
}

static int params_check(const struct qbid_bayes_params *p, char *why)
{
    if (p->dims < 1 || p->dims > QBID_GAUSSIAN_DIMS_MAX)
        return refuse(why, "dims is not between 1 and 12");
    if (p->points_max < 2 || p->points_max > QBID_GAUSSIAN_POINTS_MAX)
        return refuse(why, "points_max is not between 2 and 512");
    if (p->start_cnt > p->points_max)
        return refuse(why, "start_cnt is above points_max");
    for (uint32_t k = 0; k < p->dims; k++)
        if (!(p->low[k] < p->high[k]) || !isfinite(p->high[k] - p->low[k]))
            return refuse(why, "low is not below high");
    return 0;
}

int qbid_bayes_new(const struct qbid_bayes_params *params, struct qbid_bayes **ret_bayes,
                   char why[QBID_BAYES_WHY_MAX])
{
    int err = params_check(params, why);
    struct qbid_bayes *b = err ? NULL : calloc(1, sizeof *b);
    if (b == NULL)
        return err ? err : QBID_ERR_NOMEM;
    size_t n = params->points_max;
    b->params = *params;
    if (b->params.start_cnt == 0)
        b->params.start_cnt = 2 * params->dims + 2;
    b->random = qbid_random_init(params->seed);
    for (uint32_t k = 0; k < params->dims; k++)
        b->shift[k] = qbid_random_uniform(&b->random);
    b->x = malloc(n * params->dims * sizeof *b->x);
    b->y = malloc(n * sizeof *b->y);
    b->standard = malloc(n * sizeof *b->standard);
    err = qbid_gaussian_new(params->points_max, params->dims, &b->gaussian);
    if (err || !b->x || !b->y || !b->standard) {
        qbid_bayes_free(b);
        return err ? err : QBID_ERR_NOMEM;
    }
    *ret_bayes = b;
    return 0;
}

void qbid_bayes_free(struct qbid_bayes *bayes)
{
    if (bayes == NULL)
        return;
    qbid_gaussian_done(&bayes->gaussian);
    free(bayes->x);
    free(bayes->y);
    free(bayes->standard);
    free(bayes);
}

static void outward(const struct qbid_bayes *b, const double *unit, double *ret_x)
{
    for (uint32_t k = 0; k < b->params.dims; k++)
        ret_x[k] = fmin(b->params.low[k] + unit[k] * (b->params.high[k] - b->params.low[k]),
                        b->params.high[k]); /* rounding may pass it */
}

static bool allowed(const struct qbid_bayes *b, const double *unit)
{
    double x[QBID_GAUSSIAN_DIMS_MAX];
    if (b->params.allowed == NULL)
        return true;
    outward(b, unit, x);
    return b->params.allowed(b->params.context, x);
}

double qbid_bayes_improvement(double best, double mean, double variance)
{
    double s = sqrt(variance), gain = best - mean;
    if (!(s > 0))
        return fmax(gain, 0);
    double z = gain / s;
    return gain * 0.5 * erfc(-z * M_SQRT1_2) + s * exp(-0.5 * z * z) / sqrt(2 * M_PI);
}

/* Minus log expected improvement: the logarithm has a slope where improvement itself is flat. */
static double minus_log_improvement(void *context, const double *unit, double *gradient)
{
    struct qbid_bayes *b = context;
    double mean, variance, mean_by[QBID_GAUSSIAN_DIMS_MAX], variance_by[QBID_GAUSSIAN_DIMS_MAX];
    if (!allowed(b, unit))
        return INFINITY;
    qbid_gaussian_predict(&b->gaussian, unit, &mean, &variance, gradient ? mean_by : NULL,
                          variance_by);
    double s = sqrt(fmax(variance, 1e-18)), z = (b->best - mean) / s;
    double density = exp(-0.5 * z * z) / sqrt(2 * M_PI), below = 0.5 * erfc(-z * M_SQRT1_2);
    double unit_gain = z * below + density, ratio = below / unit_gain, log_gain = log(unit_gain);
    if (z < -5) { /* the difference is lost: density / z^2 (1 - 3 / z^2), whose slope is near -z */
        log_gain = -0.5 * z * z - 0.5 * log(2 * M_PI) - 2 * log(-z) + log1p(-3 / (z * z));
        ratio = -z - 2 / z + 6 / (z * z * z - 3 * z);
    }
    for (uint32_t k = 0; gradient && k < b->params.dims; k++) {
        double s_by = variance > 1e-18 ? 0.5 * variance_by[k] / s : 0;
        double z_by = (-mean_by[k] - z * s_by) / s;
        gradient[k] = -(s_by / s + ratio * z_by);
    }
    return -(log(s) + log_gain);
}

struct place {
    double value, unit[QBID_GAUSSIAN_DIMS_MAX];
};

/* Keep the CLIMBS lowest, in order. */
static void place_keep(struct place *places, const struct place *seen)
{
    int at = CLIMBS;
    while (at > 0 && seen->value < places[at - 1].value)
        at--;
    if (at == CLIMBS)
        return;
    memmove(places + at + 1, places + at, (size_t)(CLIMBS - 1 - at) * sizeof *places);
    places[at] = *seen;
}

static uint32_t best_idx(const struct qbid_bayes *b)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < b->cnt; i++)
        best = b->y[i] < b->y[best] ? i : best;
    return best;
}

/* Random places, and those around the best point at three distances. */
static void places_look(struct qbid_bayes *b, struct place *places)
{
    static const double widths[] = {0.1, 0.02, 0.004};
    const double *best = b->x + (size_t)best_idx(b) * b->params.dims;
    for (int i = 0; i < CLIMBS; i++)
        places[i].value = INFINITY;
    for (int i = 0; i < SPREAD + NEAR; i++) {
        struct place seen;
        for (uint32_t k = 0; k < b->params.dims; k++) {
            double near = best[k] + widths[i % 3] * qbid_random_normal(&b->random);
            seen.unit[k] = i < SPREAD ? qbid_random_uniform(&b->random) : fmin(fmax(near, 0), 1);
        }
        seen.value = minus_log_improvement(b, seen.unit, NULL);
        place_keep(places, &seen);
    }
}

/* y less its mean, in its spread. */
static void standardise(struct qbid_bayes *b)
{
    double mean = 0, square = 0;
    for (uint32_t i = 0; i < b->cnt; i++)
        mean += b->y[i] / b->cnt;
    for (uint32_t i = 0; i < b->cnt; i++)
        square += (b->y[i] - mean) * (b->y[i] - mean) / b->cnt;
    double spread = square > 0 ? sqrt(square) : 1;
    for (uint32_t i = 0; i < b->cnt; i++)
        b->standard[i] = (b->y[i] - mean) / spread;
    b->best = b->standard[best_idx(b)];
}

static int ask_spread(struct qbid_bayes *b, double *unit)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        qbid_bayes_sobol(b->asked++, b->params.dims, unit);
        for (uint32_t k = 0; k < b->params.dims; k++)
            unit[k] = fmod(unit[k] + b->shift[k], 1);
        if (allowed(b, unit))
            return 0;
    }
    return QBID_ERR_LIMIT;
}

static int ask_improving(struct qbid_bayes *b, double *unit)
{
    static const double low[QBID_GAUSSIAN_DIMS_MAX];
    double high[QBID_GAUSSIAN_DIMS_MAX];
    struct place places[CLIMBS], best = {.value = INFINITY};
    for (uint32_t k = 0; k < b->params.dims; k++)
        high[k] = 1;
    struct qbid_descent_params climb = {.fn = minus_log_improvement,
                                        .context = b,
                                        .low = low,
                                        .high = high,
                                        .dims = b->params.dims,
                                        .steps_max = CLIMB_STEPS,
                                        .tolerance = 1e-6};
    standardise(b);
    if (qbid_gaussian_learn(&b->gaussian, b->x, b->standard, b->cnt, LEARN_STEPS))
        return ask_spread(b, unit);
    places_look(b, places);
    for (int i = 0; i < CLIMBS && isfinite(places[i].value); i++) {
        struct qbid_descent end;
        char why[QBID_DESCENT_WHY_MAX];
        int err = qbid_descent_run(&climb, places[i].unit, &end, why);
        if (!err && end.value < best.value) {
            best = places[i];
            best.value = end.value;
        }
    }
    if (!isfinite(best.value))
        return ask_spread(b, unit);
    memcpy(unit, best.unit, b->params.dims * sizeof *unit);
    return 0;
}

int qbid_bayes_ask(struct qbid_bayes *bayes, double *ret_x)
{
    double unit[QBID_GAUSSIAN_DIMS_MAX];
    if (bayes->cnt >= bayes->params.points_max)
        return QBID_ERR_FULL;
    int early = bayes->cnt < 2 || bayes->cnt < bayes->params.start_cnt;
    int err = early ? ask_spread(bayes, unit) : ask_improving(bayes, unit);
    if (!err)
        outward(bayes, unit, ret_x);
    return err;
}

int qbid_bayes_tell(struct qbid_bayes *bayes, const double *x, double y)
{
    uint32_t dims = bayes->params.dims;
    if (bayes->cnt >= bayes->params.points_max)
        return QBID_ERR_FULL;
    for (uint32_t k = 0; k < dims; k++)
        if (!(x[k] >= bayes->params.low[k] && x[k] <= bayes->params.high[k]))
            return QBID_ERR_INVAL;
    if (!isfinite(y))
        return QBID_ERR_INVAL;
    for (uint32_t k = 0; k < dims; k++)
        bayes->x[(size_t)bayes->cnt * dims + k] =
            (x[k] - bayes->params.low[k]) / (bayes->params.high[k] - bayes->params.low[k]);
    bayes->y[bayes->cnt++] = y;
    return 0;
}

double qbid_bayes_best(const struct qbid_bayes *bayes, double *ret_x)
{
    if (bayes->cnt == 0)
        return INFINITY;
    uint32_t i = best_idx(bayes);
    outward(bayes, bayes->x + (size_t)i * bayes->params.dims, ret_x);
    return bayes->y[i];
}
