/* SPDX-License-Identifier: Apache-2.0 */
/* The hierarchical model, integrated over tau on a grid that is laid where tau is probable. */
#include <math.h>

#include "control/models/meta/parts.h"
#include "shm/error.h"

#define POINTS 64
#define REACH 6.0 /* scales of the prior: beyond it holds 2e-9 */
#define FAR 20.0  /* nats below the peak: left out */
#define MEANS 96  /* values of the mean, evenly over MEANS_REACH sd on both sides */
#define MEANS_REACH 5.0
#define LIGHT 1e-6 /* weight of a tau that changes no probability that anybody reads */

struct grid {
    double tau[POINTS], weight[POINTS]; /* weights sum to 1 */
};

/* Log posterior of tau: the mean is integrated out with a flat prior. */
static double log_posterior(const struct qbid_meta_study *studies, uint32_t cnt, double tau,
                            double scale)
{
    struct qbid_meta_sums s = qbid_meta_sums(studies, cnt, tau * tau);
    return 0.5 * (s.log_weight - log(s.weight) - s.q - tau * tau / (scale * scale));
}

/* Weights of values that stand for so long a stretch each; returns the log of the peak. */
static double grid_weigh(struct grid *g, const double *log_density, const double *stretch)
{
    double peak = -INFINITY, sum = 0;
    for (int i = 0; i < POINTS; i++)
        peak = fmax(peak, log_density[i]);
    for (int i = 0; i < POINTS; i++)
        sum += g->weight[i] = stretch[i] * exp(log_density[i] - peak);
    for (int i = 0; i < POINTS; i++)
        g->weight[i] /= sum;
    return peak;
}

static struct grid grid_of(const struct qbid_meta_study *studies, uint32_t cnt, double scale)
{
    struct grid g;
    double at[POINTS], step[POINTS], low = REACH * scale, high = 0;
    /* once over all that the prior allows, closer together near 0 */
    for (int i = 0; i < POINTS; i++) {
        double u = (i + 0.5) / POINTS;
        g.tau[i] = REACH * scale * u * u;
        step[i] = u;
        at[i] = log_posterior(studies, cnt, g.tau[i], scale);
    }
    double peak = grid_weigh(&g, at, step);
    for (int i = 0; i < POINTS; i++) {
        if (at[i] < peak - FAR)
            continue;
        low = fmin(low, i ? g.tau[i - 1] : 0);
        high = fmax(high, i < POINTS - 1 ? g.tau[i + 1] : REACH * scale);
    }
    /* then where it is probable */
    for (int i = 0; i < POINTS; i++) {
        g.tau[i] = low + (high - low) * (i + 0.5) / POINTS;
        step[i] = 1;
        at[i] = log_posterior(studies, cnt, g.tau[i], scale);
    }
    grid_weigh(&g, at, step);
    return g;
}

/* Mixtures of normals by weight: sums of w, w mean, w (variance + mean^2). */
static void own_believe(struct qbid_meta_study *study, const struct grid *g, const double *mean,
                        const double *mean_variance)
{
    double first = 0, second = 0;
    for (int i = 0; i < POINTS; i++) {
        double tau2 = g->tau[i] * g->tau[i], near = study->variance / (study->variance + tau2);
        double own = near * mean[i] + (1 - near) * study->effect;
        double variance = near * tau2 + near * near * mean_variance[i];
        first += g->weight[i] * own;
        second += g->weight[i] * (variance + own * own);
    }
    study->own = first;
    study->own_sd = sqrt(fmax(second - first * first, 0));
}

int qbid_meta_believe(struct qbid_meta_study *studies, uint32_t cnt, double tau_scale,
                      struct qbid_meta_belief *ret_belief)
{
    int err = qbid_meta_check(studies, cnt);
    if (err || !(tau_scale > 0) || !isfinite(tau_scale))
        return QBID_ERR_INVAL;
    struct grid g = grid_of(studies, cnt, tau_scale);
    struct qbid_meta_belief b = {0};
    double mean[POINTS], variance[POINTS], second = 0, tau2 = 0;
    for (int i = 0; i < POINTS; i++) {
        struct qbid_meta_sums s = qbid_meta_sums(studies, cnt, g.tau[i] * g.tau[i]);
        mean[i] = s.mean, variance[i] = 1 / s.weight;
        b.mean += g.weight[i] * mean[i];
        b.tau += g.weight[i] * g.tau[i];
        tau2 += g.weight[i] * g.tau[i] * g.tau[i];
    }
    for (int i = 0; i < POINTS; i++) {
        double apart = mean[i] - b.mean;
        second += g.weight[i] * (variance[i] + apart * apart);
    }
    b.mean_sd = sqrt(second);
    b.next = b.mean;
    b.next_sd = sqrt(second + tau2);
    for (uint32_t i = 0; i < cnt; i++)
        own_believe(&studies[i], &g, mean, variance);
    *ret_belief = b;
    return 0;
}

/* Probability that all own effects are above 0, and below, given mean and tau. */
static void all_of(const struct qbid_meta_study *studies, uint32_t cnt, double mean, double tau2,
                   double blur2, double *above, double *below)
{
    *above = *below = 1;
    for (uint32_t i = 0; i<cnt && * above + *below> LIGHT; i++) {
        double near = studies[i].variance / (studies[i].variance + tau2);
        double own = near * mean + (1 - near) * studies[i].effect;
        double sd = sqrt(near * tau2 + near * near * blur2), z = own / (sd * sqrt(2));
        double share = erfc(z) / 2;
        *above *= 1 - share;
        *below *= share;
    }
}

int qbid_meta_together(const struct qbid_meta_study *studies, uint32_t cnt, double tau_scale,
                       double *ret_above, double *ret_below)
{
    int err = qbid_meta_check(studies, cnt);
    if (err || !(tau_scale > 0) || !isfinite(tau_scale))
        return QBID_ERR_INVAL;
    struct grid g = grid_of(studies, cnt, tau_scale);
    double sums[2] = {0, 0};
    for (int i = 0; i < POINTS; i++) {
        if (g.weight[i] < LIGHT)
            continue;
        double tau2 = g.tau[i] * g.tau[i], all = 0, part[2] = {0, 0}, above, below;
        struct qbid_meta_sums s = qbid_meta_sums(studies, cnt, tau2);
        double sd = 1 / sqrt(s.weight), step = 2 * MEANS_REACH / MEANS;
        for (int k = 0; k < MEANS; k++) {
            double z = (k + 0.5) * step - MEANS_REACH, weight = exp(-z * z / 2);
            /* a value of the mean stands for its step: without that a tau near 0 makes steps */
            all_of(studies, cnt, s.mean + z * sd, tau2, step * step * sd * sd / 12, &above, &below);
            all += weight;
            part[0] += weight * above, part[1] += weight * below;
        }
        sums[0] += g.weight[i] * part[0] / all;
        sums[1] += g.weight[i] * part[1] / all;
    }
    *ret_above = sums[0], *ret_below = sums[1];
    return 0;
}
