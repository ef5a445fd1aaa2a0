/* SPDX-License-Identifier: Apache-2.0 */
/* Response curves by Levenberg and Marquardt's method with priors, and Laplace's approximation. */
#include "control/models/allocate/fit.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/allocate/cholesky.h"
#include "control/models/allocate/fit_model.h"
#include "shm/error.h"

#define NOISE_ROUNDS 8
#define NOISE_LEAST 1e-5 /* sd, in parts of the mean value */
#define STEPS_MAX 60
#define STEP_NEAR 1e-9 /* fall of the score that ends a run, in parts of it */
#define FREE_SD 6.0    /* holds a logistic coordinate where its slope has gone */
#define VARIED_LEARNED 0.1
#define STARTS 3

struct run {
    const struct qbid_fit_input *input;
    struct qbid_fit *fit;
    double *value, *slopes, *weight; /* cnt; cnt x dims; cnt: 1 / variance */
    double *at, *next, *gradient;    /* dims */
    double *hessian, *factor;        /* dims x dims */
    double floor;                    /* of a mean value, for its noise */
};

static int refuse(char *why, const char *field, const char *reason)
{
    snprintf(why, QBID_FIT_WHY_MAX, "%s %s", field, reason);
    return QBID_ERR_INVAL;
}

static int check_channel(const struct qbid_fit_channel *channel, uint32_t cnt, char *why)
{
    if ((unsigned)channel->kind >= QBID_CURVE_KIND_CNT)
        return refuse(why, "kind", "is none of the known ones");
    if (!(channel->unit > 0 && isfinite(channel->unit)))
        return refuse(why, "unit", "is not positive");
    if (!(channel->before >= 0 && isfinite(channel->before)))
        return refuse(why, "before", "is negative");
    for (int p = 0; p < QBID_FIT_PARAMS; p++)
        if (!(channel->prior[p].sd >= 0) || !isfinite(channel->prior[p].mean))
            return refuse(why, "prior", "has a negative sd or no mean");
    for (uint32_t t = 0; t < cnt; t++)
        if (!(channel->spend[t] >= 0 && isfinite(channel->spend[t])))
            return refuse(why, "spend", "is negative or not a number");
    return 0;
}

static int check_input(const struct qbid_fit_input *input, char *why)
{
    if (input->cnt < 2 || input->cnt > QBID_FIT_PERIODS_MAX)
        return refuse(why, "cnt", "is not between 2 and 4096 periods");
    if (input->channel_cnt < 1 || input->channel_cnt > QBID_FIT_CHANNELS_MAX)
        return refuse(why, "channel_cnt", "is not between 1 and 16");
    if (input->column_cnt > QBID_FIT_COLUMNS_MAX)
        return refuse(why, "column_cnt", "is above 64");
    if (input->column_cnt && !(input->column_sd > 0))
        return refuse(why, "column_sd", "is not positive");
    for (uint32_t t = 0; t < input->cnt; t++)
        if (!isfinite(input->value[t]))
            return refuse(why, "value", "is not a number");
    for (size_t k = 0; k < (size_t)input->cnt * input->column_cnt; k++)
        if (!isfinite(input->columns[k]))
            return refuse(why, "columns", "are not numbers");
    for (uint32_t c = 0; c < input->channel_cnt; c++) {
        int err = check_channel(&input->channels[c], input->cnt, why);
        if (err)
            return err;
    }
    return 0;
}

static int has_param(enum qbid_curve_kind kind, int param)
{
    return !(kind == QBID_CURVE_POWER && param == QBID_FIT_HALF) &&
           !(kind == QBID_CURVE_LOG && param == QBID_FIT_SHAPE);
}

static void fit_lay_out(const struct qbid_fit_input *input, struct qbid_fit *fit)
{
    *fit = (struct qbid_fit){.channel_cnt = input->channel_cnt};
    for (uint32_t c = 0; c < input->channel_cnt; c++) {
        fit->channel[c] = input->channels[c];
        fit->channel[c].spend = NULL;
        for (int p = 0; p < QBID_FIT_PARAMS; p++) {
            int open = fit->channel[c].prior[p].sd > 0 && has_param(fit->channel[c].kind, p);
            fit->idx[c][p] = open ? fit->dims++ : UINT32_MAX;
        }
    }
    fit->column_idx = fit->dims;
    fit->dims += input->column_cnt;
}

static void run_done(struct run *run)
{
    free(run->value);
    free(run->at);
}

static int run_init(struct run *run, const struct qbid_fit_input *input, struct qbid_fit *fit)
{
    size_t n = input->cnt, d = fit->dims;
    *run = (struct run){.input = input, .fit = fit};
    run->value = malloc((n * (2 + d)) * sizeof(double));
    run->at = malloc((3 * d + 2 * d * d + 1) * sizeof(double));
    fit->at = malloc((d + 1) * sizeof *fit->at);
    fit->factor = malloc((d * d + 1) * sizeof *fit->factor);
    if (!run->value || !run->at || !fit->at || !fit->factor) {
        run_done(run);
        return QBID_ERR_NOMEM;
    }
    run->weight = run->value + n;
    run->slopes = run->weight + n;
    run->next = run->at + d;
    run->gradient = run->next + d;
    run->hessian = run->gradient + d;
    run->factor = run->hessian + d * d;
    double sum = 0;
    for (uint32_t t = 0; t < input->cnt; t++)
        sum += fabs(input->value[t]);
    run->floor = fmax(1e-3 * sum / (double)n, 1e-12);
    return 0;
}

/* Priors of one coordinate: its natural value's, and a wide one of a logistic coordinate itself. */
static void prior_at(const struct run *run, uint32_t c, int p, double at, double *ret_score,
                     double *ret_gradient, double *ret_hessian)
{
    struct qbid_fit_prior prior = run->fit->channel[c].prior[p];
    double slope, natural = qbid_fit_natural((enum qbid_fit_param)p, at, &slope);
    double away = (natural - prior.mean) / prior.sd, by = slope / prior.sd;
    int logistic = p == QBID_FIT_SHAPE || p == QBID_FIT_ADSTOCK;
    double wide = logistic ? 1 / (FREE_SD * FREE_SD) : 0;
    at -= logistic ? qbid_fit_free((enum qbid_fit_param)p, prior.mean) : 0;
    *ret_score = away * away + wide * at * at;
    *ret_gradient = -away * by - wide * at;
    *ret_hessian = by * by + wide;
}

/* Weighted squares and priors at a point; with slopes, half the descent direction and the
 * Gauss-Newton Hessian too. */
static double score_at(struct run *run, const double *at, int slopes)
{
    const struct qbid_fit_input *input = run->input;
    const struct qbid_fit *fit = run->fit;
    size_t d = fit->dims;
    double score = 0;
    qbid_fit_model(fit, input, at, run->value, slopes ? run->slopes : NULL);
    if (slopes) {
        memset(run->gradient, 0, d * sizeof(double));
        memset(run->hessian, 0, d * d * sizeof(double));
    }
    for (uint32_t t = 0; t < input->cnt; t++) {
        double rest = input->value[t] - run->value[t], w = run->weight[t];
        const double *row = run->slopes + t * d;
        score += w * rest * rest;
        for (size_t i = 0; i < d && slopes; i++) {
            double wi = w * row[i];
            run->gradient[i] += wi * rest;
            for (size_t j = 0; j <= i; j++)
                run->hessian[i * d + j] += wi * row[j];
        }
    }
    for (uint32_t c = 0; c < fit->channel_cnt; c++) {
        for (int p = 0; p < QBID_FIT_PARAMS; p++) {
            uint32_t i = fit->idx[c][p];
            double part, gradient, hessian;
            if (i == UINT32_MAX)
                continue;
            prior_at(run, c, p, at[i], &part, &gradient, &hessian);
            score += part;
            if (slopes)
                run->gradient[i] += gradient, run->hessian[i * d + i] += hessian;
        }
    }
    for (uint32_t i = fit->column_idx; i < d; i++) {
        double tight = 1 / (input->column_sd * input->column_sd);
        score += tight * at[i] * at[i];
        if (slopes)
            run->gradient[i] -= tight * at[i], run->hessian[i * d + i] += tight;
    }
    return isfinite(score) ? score : INFINITY;
}

static int step_solve(struct run *run, double damp)
{
    size_t d = run->fit->dims;
    memcpy(run->factor, run->hessian, d * d * sizeof(double));
    for (size_t i = 0; i < d; i++)
        run->factor[i * d + i] *= 1 + damp;
    if (qbid_cholesky_factor(run->factor, d))
        return -1;
    memcpy(run->next, run->gradient, d * sizeof(double));
    qbid_cholesky_forward(run->factor, d, run->next);
    qbid_cholesky_backward(run->factor, d, run->next);
    for (size_t i = 0; i < d; i++)
        run->next[i] += run->at[i];
    return 0;
}

/* Levenberg and Marquardt, with the noise as it is; the score reached. */
static double descend(struct run *run)
{
    double damp = 1e-3, score = score_at(run, run->at, 1);
    for (int step = 0; step < STEPS_MAX && damp < 1e12; step++) {
        if (step_solve(run, damp)) {
            damp *= 10;
            continue;
        }
        double next = score_at(run, run->next, 0);
        if (!(next < score)) {
            damp *= 8;
            continue;
        }
        double fall = score - next;
        memcpy(run->at, run->next, run->fit->dims * sizeof(double));
        score = score_at(run, run->at, 1);
        damp = fmax(damp / 10, 1e-12);
        if (fall <= STEP_NEAR * score)
            break;
    }
    return score;
}

static double variance_at(const struct run *run, double mean)
{
    double m = fmax(mean, run->floor);
    switch (run->input->noise) {
    case QBID_FIT_COUNT:
        return m;
    case QBID_FIT_RATIO:
        return m * m;
    case QBID_FIT_EVEN:
        break;
    }
    return 1;
}

/* The noise by Pearson's residuals over what the fit left free. */
static void noise_fit(struct run *run)
{
    const struct qbid_fit_input *input = run->input;
    double squares = 0, used = 0, mean = 0;
    size_t d = run->fit->dims;
    for (uint32_t t = 0; t < input->cnt; t++) {
        double rest = input->value[t] - run->value[t];
        mean += fabs(run->value[t]) / input->cnt;
        squares += rest * rest / variance_at(run, run->value[t]);
    }
    for (uint32_t i = 0; i < d; i++) { /* of a coordinate, what is not its prior's */
        double prior = 1 / (input->column_sd * input->column_sd), score, gradient;
        for (uint32_t c = 0; c < run->fit->channel_cnt; c++)
            for (int p = 0; p < QBID_FIT_PARAMS; p++)
                if (run->fit->idx[c][p] == i)
                    prior_at(run, c, p, run->at[i], &score, &gradient, &prior);
        used += 1 - fmin(prior / run->hessian[i * d + i], 1);
    }
    double left = fmax(input->cnt - used, 1);
    /* steady spend with an outcome as steady must leave the priors a say in what it cannot tell */
    double least = NOISE_LEAST * NOISE_LEAST * mean * mean / variance_at(run, mean);
    least = fmax(least, 1e-14 * variance_at(run, run->floor * 1e3));
    run->fit->dispersion = fmax(squares / left, fmax(least, 1e-300));
    for (uint32_t t = 0; t < input->cnt; t++)
        run->weight[t] = 1 / (run->fit->dispersion * variance_at(run, run->value[t]));
}

/* One start: adstocks at a part of their range, everything else at its prior. */
static double start_run(struct run *run, double adstock)
{
    struct qbid_fit *fit = run->fit;
    const struct qbid_fit_input *input = run->input;
    double mean = 0, spread = 0;
    for (uint32_t i = 0; i < fit->dims; i++)
        run->at[i] = 0;
    for (uint32_t c = 0; c < fit->channel_cnt; c++)
        for (int p = 0; p < QBID_FIT_PARAMS; p++)
            if (fit->idx[c][p] != UINT32_MAX)
                run->at[fit->idx[c][p]] =
                    qbid_fit_free((enum qbid_fit_param)p, p == QBID_FIT_ADSTOCK && adstock >= 0
                                                              ? adstock
                                                              : fit->channel[c].prior[p].mean);
    for (uint32_t t = 0; t < input->cnt; t++)
        mean += input->value[t] / input->cnt;
    for (uint32_t t = 0; t < input->cnt; t++)
        spread += (input->value[t] - mean) * (input->value[t] - mean) / input->cnt;
    fit->dispersion = fmax(spread, 1e-6 * mean * mean) / variance_at(run, mean);
    for (uint32_t t = 0; t < input->cnt; t++)
        run->weight[t] = 1 / (fmax(fit->dispersion, 1e-300) * variance_at(run, mean));
    double score = INFINITY;
    for (int round = 0; round < NOISE_ROUNDS; round++) {
        double before = fit->dispersion;
        score = descend(run);
        noise_fit(run);
        if (fabs(fit->dispersion / before - 1) < 1e-4)
            break;
    }
    score = score_at(run, run->at, 1);
    for (uint32_t t = 0; t < input->cnt; t++)
        score -= log(run->weight[t]);
    return score;
}

static int adstock_open(const struct qbid_fit *fit)
{
    for (uint32_t c = 0; c < fit->channel_cnt; c++)
        if (fit->idx[c][QBID_FIT_ADSTOCK] != UINT32_MAX)
            return 1;
    return 0;
}

/* Means, spreads, and how much of each the data said. */
static void estimates(struct qbid_fit *fit, double *column)
{
    size_t d = fit->dims;
    for (uint32_t c = 0; c < fit->channel_cnt; c++) {
        double natural[QBID_FIT_PARAMS], slope[QBID_FIT_PARAMS];
        qbid_fit_params(fit, fit->at, c, natural, slope);
        for (int p = 0; p < QBID_FIT_PARAMS; p++) {
            struct qbid_fit_param_estimate *e = &fit->estimate[c][p];
            double variance = 0, prior = fit->channel[c].prior[p].sd;
            *e = (struct qbid_fit_param_estimate){natural[p], 0, 0};
            if (fit->idx[c][p] == UINT32_MAX)
                continue;
            memset(column, 0, d * sizeof *column);
            column[fit->idx[c][p]] = slope[p];
            qbid_cholesky_forward(fit->factor, d, column);
            for (size_t i = 0; i < d; i++)
                variance += column[i] * column[i];
            e->sd = fmin(sqrt(variance), prior);
            e->learned = 1 - e->sd * e->sd / (prior * prior);
        }
        int bend = fit->channel[c].kind == QBID_CURVE_LOG ? QBID_FIT_HALF : QBID_FIT_SHAPE;
        fit->varied[c] = fit->estimate[c][bend].learned >= VARIED_LEARNED;
    }
}

int qbid_fit_new(const struct qbid_fit_input *input, struct qbid_fit *ret_fit,
                 char why[QBID_FIT_WHY_MAX])
{
    static const double starts[STARTS] = {-1, 0.15, 0.7};
    struct run run;
    struct qbid_fit fit;
    int err = check_input(input, why);
    if (err)
        return err;
    fit_lay_out(input, &fit);
    if (run_init(&run, input, &fit)) {
        qbid_fit_done(&fit);
        return QBID_ERR_NOMEM;
    }
    double best = INFINITY, dispersion = 0;
    size_t d = fit.dims;
    for (int s = 0; s < (adstock_open(&fit) ? STARTS : 1); s++) {
        double score = start_run(&run, starts[s]);
        if (s > 0 && !(score < best))
            continue;
        best = score;
        dispersion = fit.dispersion;
        memcpy(fit.at, run.at, d * sizeof(double));
        memcpy(fit.factor, run.hessian, d * d * sizeof(double));
    }
    fit.dispersion = dispersion;
    if (qbid_cholesky_factor(fit.factor, d))
        err = refuse(why, "columns", "depend on each other");
    else
        estimates(&fit, run.gradient);
    run_done(&run);
    if (err)
        qbid_fit_done(&fit);
    else
        *ret_fit = fit;
    return err;
}

void qbid_fit_done(struct qbid_fit *fit)
{
    free(fit->at);
    free(fit->factor);
    fit->at = fit->factor = NULL;
}

struct qbid_curve qbid_fit_curve(const struct qbid_fit *fit, uint32_t channel)
{
    double natural[QBID_FIT_PARAMS], slope[QBID_FIT_PARAMS];
    qbid_fit_params(fit, fit->at, channel, natural, slope);
    return qbid_fit_curve_of(&fit->channel[channel], natural);
}

void qbid_fit_draw(const struct qbid_fit *fit, struct qbid_random *random, double *scratch,
                   struct qbid_curve *ret_curves)
{
    for (uint32_t i = 0; i < fit->dims; i++)
        scratch[i] = qbid_random_normal(random);
    qbid_cholesky_backward(fit->factor, fit->dims, scratch);
    for (uint32_t i = 0; i < fit->dims; i++)
        scratch[i] += fit->at[i];
    for (uint32_t c = 0; c < fit->channel_cnt; c++) {
        double natural[QBID_FIT_PARAMS], slope[QBID_FIT_PARAMS];
        qbid_fit_params(fit, scratch, c, natural, slope);
        ret_curves[c] = qbid_fit_curve_of(&fit->channel[c], natural);
    }
}

void qbid_fit_predict(const struct qbid_fit *fit, const struct qbid_fit_input *input,
                      double *ret_value)
{
    qbid_fit_model(fit, input, fit->at, ret_value, NULL);
}

void qbid_fit_priors(enum qbid_curve_kind kind, double log_scale, double sd,
                     struct qbid_fit_prior prior[QBID_FIT_PARAMS])
{
    prior[QBID_FIT_SCALE] = (struct qbid_fit_prior){log_scale, sd};
    prior[QBID_FIT_SHAPE] = (struct qbid_fit_prior){kind == QBID_CURVE_LOG ? 1 : 0.8, 0.1};
    prior[QBID_FIT_HALF] = (struct qbid_fit_prior){0, 1};
    prior[QBID_FIT_ADSTOCK] = (struct qbid_fit_prior){0, 0};
}
