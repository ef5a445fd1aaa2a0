/* SPDX-License-Identifier: Apache-2.0 */
/* Gaussian processes: kernel, posterior, marginal likelihood and their gradients. */
#include "control/models/allocate/gaussian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/allocate/cholesky.h"
#include "control/models/allocate/descent.h"
#include "shm/error.h"

#define PARAMS_MAX (QBID_GAUSSIAN_DIMS_MAX + 2)

/* Weak normal priors of the logarithms, and the ranges that they are looked for in. */
#define LENGTH_MEAN log(0.5)
#define LENGTH_SD 1.0
#define VARIANCE_SD 1.5
#define NOISE_MEAN log(1e-4)
#define NOISE_SD 2.0

int qbid_gaussian_new(uint32_t cnt_max, uint32_t dims, struct qbid_gaussian *ret_gaussian)
{
    struct qbid_gaussian g = {.dims = dims};
    size_t n = cnt_max;
    if (cnt_max < 1 || cnt_max > QBID_GAUSSIAN_POINTS_MAX || dims < 1 ||
        dims > QBID_GAUSSIAN_DIMS_MAX)
        return QBID_ERR_INVAL;
    g.factor = malloc(n * n * sizeof *g.factor);
    g.weight = malloc(n * sizeof *g.weight);
    g.work = malloc((2 * n * n + n) * sizeof *g.work);
    if (!g.factor || !g.weight || !g.work) {
        qbid_gaussian_done(&g);
        return QBID_ERR_NOMEM;
    }
    for (uint32_t k = 0; k < dims; k++)
        g.params.log_length[k] = LENGTH_MEAN;
    g.params.log_noise = NOISE_MEAN;
    *ret_gaussian = g;
    return 0;
}

void qbid_gaussian_done(struct qbid_gaussian *gaussian)
{
    free(gaussian->factor);
    free(gaussian->weight);
    free(gaussian->work);
    *gaussian = (struct qbid_gaussian){0};
}

/* s of two points; by the caller's 1 / length. */
static double distance(const double *a, const double *b, const double *inverse, uint32_t dims)
{
    double sum = 0;
    for (uint32_t k = 0; k < dims; k++) {
        double apart = (a[k] - b[k]) * inverse[k];
        sum += apart * apart;
    }
    return sqrt(5 * sum);
}

static double matern(double s)
{
    return (1 + s + s * s / 3) * exp(-s);
}

static void inverse_lengths(const struct qbid_gaussian *g, double *ret)
{
    for (uint32_t k = 0; k < g->dims; k++)
        ret[k] = exp(-g->params.log_length[k]);
}

int qbid_gaussian_fit(struct qbid_gaussian *gaussian, const double *x, const double *y,
                      uint32_t cnt)
{
    size_t n = cnt, d = gaussian->dims;
    double inverse[QBID_GAUSSIAN_DIMS_MAX], variance = exp(gaussian->params.log_variance);
    inverse_lengths(gaussian, inverse);
    gaussian->x = x;
    gaussian->cnt = cnt;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            gaussian->factor[i * n + j] =
                variance * matern(distance(x + i * d, x + j * d, inverse, gaussian->dims));
        gaussian->factor[i * n + i] =
            variance * (1 + QBID_GAUSSIAN_JITTER) + exp(gaussian->params.log_noise);
    }
    if (qbid_cholesky_factor(gaussian->factor, n))
        return QBID_ERR_INVAL;
    memcpy(gaussian->weight, y, n * sizeof *y);
    qbid_cholesky_forward(gaussian->factor, n, gaussian->weight);
    double half = 0;
    for (size_t i = 0; i < n; i++)
        half += 0.5 * gaussian->weight[i] * gaussian->weight[i] + log(gaussian->factor[i * n + i]) +
                0.5 * log(2 * M_PI);
    gaussian->log_likelihood = -half;
    qbid_cholesky_backward(gaussian->factor, n, gaussian->weight);
    return 0;
}

void qbid_gaussian_predict(struct qbid_gaussian *gaussian, const double *at, double *ret_mean,
                           double *ret_variance, double *ret_mean_by, double *ret_variance_by)
{
    size_t n = gaussian->cnt, d = gaussian->dims;
    double inverse[QBID_GAUSSIAN_DIMS_MAX], variance = exp(gaussian->params.log_variance);
    double *row = gaussian->work, *solved = row + n, mean = 0, known = 0;
    inverse_lengths(gaussian, inverse);
    for (size_t i = 0; i < n; i++) {
        row[i] = variance * matern(distance(at, gaussian->x + i * d, inverse, gaussian->dims));
        mean += row[i] * gaussian->weight[i];
        solved[i] = row[i];
    }
    qbid_cholesky_forward(gaussian->factor, n, solved);
    for (size_t i = 0; i < n; i++)
        known += solved[i] * solved[i];
    *ret_mean = mean;
    *ret_variance = fmax(variance - known, 0);
    if (ret_mean_by == NULL)
        return;
    qbid_cholesky_backward(gaussian->factor, n, solved);
    for (size_t k = 0; k < d; k++)
        ret_mean_by[k] = ret_variance_by[k] = 0;
    for (size_t i = 0; i < n; i++) { /* dk/da = -variance 5/3 (1 + s) e^-s (a - b) / length^2 */
        const double *x = gaussian->x + i * d;
        double s = distance(at, x, inverse, gaussian->dims);
        double common = -variance * 5.0 / 3 * (1 + s) * exp(-s);
        for (size_t k = 0; k < d; k++) {
            double by = common * (at[k] - x[k]) * inverse[k] * inverse[k];
            ret_mean_by[k] += by * gaussian->weight[i];
            ret_variance_by[k] -= 2 * by * solved[i];
        }
    }
}

struct learning {
    struct qbid_gaussian *gaussian;
    const double *x, *y;
    uint32_t cnt;
};

static void params_take(struct qbid_gaussian *g, const double *at)
{
    memcpy(g->params.log_length, at, g->dims * sizeof *at);
    g->params.log_variance = at[g->dims];
    g->params.log_noise = at[g->dims + 1];
}

/* Lower triangle of weight weight^T - K^-1 into work. */
static void outer_less_inverse(struct qbid_gaussian *g)
{
    size_t n = g->cnt;
    double *inverse = g->work, *column = g->work + 2 * n * n;
    for (size_t j = 0; j < n; j++) {
        memset(column, 0, n * sizeof *column);
        column[j] = 1;
        for (size_t i = j; i < n; i++) { /* L^-1: nothing above j */
            for (size_t k = j; k < i; k++)
                column[i] -= g->factor[i * n + k] * column[k];
            column[i] /= g->factor[i * n + i];
        }
        memcpy(inverse + n * n + j * n, column, n * sizeof *column);
    }
    const double *rows = inverse + n * n; /* row j is column j of L^-1 */
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = i; k < n; k++)
                sum += rows[i * n + k] * rows[j * n + k];
            inverse[i * n + j] = g->weight[i] * g->weight[j] - sum;
        }
    }
}

static double prior_add(double value, double mean, double sd, double *gradient)
{
    double away = (value - mean) / sd;
    *gradient += away / sd;
    return 0.5 * away * away;
}

/* Minus the log posterior of the parameters. */
static double minus_posterior(void *context, const double *at, double *gradient)
{
    struct learning *l = context;
    struct qbid_gaussian *g = l->gaussian;
    size_t d = g->dims, n = l->cnt;
    double inverse[QBID_GAUSSIAN_DIMS_MAX], variance, noise, length_by[QBID_GAUSSIAN_DIMS_MAX];
    params_take(g, at);
    if (qbid_gaussian_fit(g, l->x, l->y, l->cnt))
        return INFINITY;
    outer_less_inverse(g);
    inverse_lengths(g, inverse);
    variance = exp(g->params.log_variance), noise = exp(g->params.log_noise);
    memset(length_by, 0, sizeof length_by);
    double variance_by = 0, noise_by = 0;
    for (size_t i = 0; i < n; i++) {
        const double *a = l->x + i * d;
        double own = g->work[i * n + i];
        noise_by += 0.5 * own * noise;
        variance_by += 0.5 * own * variance * (1 + QBID_GAUSSIAN_JITTER);
        for (size_t j = 0; j < i; j++) {
            const double *b = l->x + j * d;
            double s = distance(a, b, inverse, g->dims), fall = exp(-s), w = g->work[i * n + j];
            variance_by += w * variance * (1 + s + s * s / 3) * fall;
            for (size_t k = 0; k < d; k++) {
                double apart = (a[k] - b[k]) * inverse[k];
                length_by[k] += w * variance * 5.0 / 3 * (1 + s) * fall * apart * apart;
            }
        }
    }
    double value = -g->log_likelihood;
    for (size_t k = 0; k < d; k++) {
        gradient[k] = -length_by[k];
        value += prior_add(at[k], LENGTH_MEAN, LENGTH_SD, &gradient[k]);
    }
    gradient[d] = -variance_by;
    gradient[d + 1] = -noise_by;
    value += prior_add(at[d], 0, VARIANCE_SD, &gradient[d]);
    return value + prior_add(at[d + 1], NOISE_MEAN, NOISE_SD, &gradient[d + 1]);
}

int qbid_gaussian_learn(struct qbid_gaussian *gaussian, const double *x, const double *y,
                        uint32_t cnt, uint32_t steps)
{
    struct learning learning = {gaussian, x, y, cnt};
    uint32_t d = gaussian->dims;
    double low[PARAMS_MAX], high[PARAMS_MAX], at[PARAMS_MAX];
    char why[QBID_DESCENT_WHY_MAX];
    struct qbid_descent end;
    for (uint32_t k = 0; k < d; k++) {
        at[k] = gaussian->params.log_length[k];
        low[k] = log(0.02), high[k] = log(20);
    }
    at[d] = gaussian->params.log_variance, low[d] = log(1e-3), high[d] = log(1e3);
    at[d + 1] = gaussian->params.log_noise, low[d + 1] = log(1e-8), high[d + 1] = log(1);
    struct qbid_descent_params params = {.fn = minus_posterior,
                                         .context = &learning,
                                         .low = low,
                                         .high = high,
                                         .dims = d + 2,
                                         .steps_max = steps,
                                         .tolerance = 1e-3};
    int err = qbid_descent_run(&params, at, &end, why);
    if (err)
        return err;
    params_take(gaussian, at);
    return qbid_gaussian_fit(gaussian, x, y, cnt);
}
