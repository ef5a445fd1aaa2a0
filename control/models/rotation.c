/* SPDX-License-Identifier: Apache-2.0 */
/* P(best creative) by quadrature over beta posteriors, and masses of draws. */
#include "control/models/rotation.h"

#include <math.h>
#include <string.h>

#include "shm/error.h"

#define TRIALS_MAX 1e9 /* beyond it a posterior is a point, and rounding would show */
#define NODES 12
#define BREAKS_PER_ARM 96
#define BREAKS_MAX (QBID_ROTATION_ARMS_MAX * BREAKS_PER_ARM)
#define CORE_STEP 0.75   /* panel length near a mode, in standard deviations */
#define TAIL_STEP 2.0    /* and in the exponential tails, in their scale */
#define TAIL_LOG 36.0    /* densities below e^-36 of their top are left out */
#define BREAKS_MERGE 0.3 /* of the least standard deviation: nearer breaks are one */

/* Gauss-Legendre on [-1, 1]: nodes, weights, and integrals of the interpolant up to each node. */
struct rule {
    double x[NODES], w[NODES];
    double upto[NODES][NODES]; /* [q][k] = integral from -1 to x[q] of the k-th Lagrange basis */
};

/* Legendre polynomials P_0..P_NODES at x. */
static void legendre(double x, double p[NODES + 1])
{
    p[0] = 1;
    p[1] = x;
    for (int m = 1; m < NODES; m++)
        p[m + 1] = ((2 * m + 1) * x * p[m] - m * p[m - 1]) / (m + 1);
}

static void rule_init(struct rule *rule)
{
    double p[NODES][NODES + 1];
    for (int q = 0; q < NODES; q++) {
        double x = -cos(3.141592653589793 * (q + 0.75) / (NODES + 0.5)), slope = 1;
        for (int newton = 0; newton < 8; newton++) {
            legendre(x, p[q]);
            slope = NODES * (x * p[q][NODES] - p[q][NODES - 1]) / (x * x - 1);
            x -= p[q][NODES] / slope;
        }
        legendre(x, p[q]);
        rule->x[q] = x;
        rule->w[q] = 2 / ((1 - x * x) * slope * slope);
    }
    for (int q = 0; q < NODES; q++) {
        for (int k = 0; k < NODES; k++) {
            double sum = 0.5 * (rule->x[q] + 1);
            for (int m = 1; m < NODES; m++)
                sum += 0.5 * p[k][m] * (p[q][m + 1] - p[q][m - 1]);
            rule->upto[q][k] = rule->w[k] * sum;
        }
    }
}

/* A beta posterior in log odds u: log density = a u - (a + b) log(1 + e^u), up to a constant. */
struct posterior {
    double a, b;
    double mode;
    double sd;
    double log_top; /* so that the integral over u is near 1 */
};

static double softplus(double u)
{
    return u > 0 ? u + log1p(exp(-u)) : log1p(exp(u));
}

static double count_clean(double x)
{
    return x > 0 && isfinite(x) ? x : 0;
}

static struct posterior posterior_of(const struct qbid_rotation_arm *arm,
                                     const struct qbid_rotation_params *params)
{
    struct posterior p;
    double trials = count_clean(arm->trials);
    double hits = fmin(count_clean(arm->hits), trials);
    if (trials > TRIALS_MAX) {
        hits *= TRIALS_MAX / trials;
        trials = TRIALS_MAX;
    }
    p.a = params->prior_hits + hits;
    p.b = params->prior_misses + trials - hits;
    p.mode = log(p.a / p.b);
    p.sd = sqrt(1 / p.a + 1 / p.b);
    p.log_top = p.a * p.mode - (p.a + p.b) * softplus(p.mode) + log(p.sd * 2.5066282746310002);
    return p;
}

/* Panel ends on one side of a mode; tail is the scale of the exponential decay there. */
static uint32_t breaks_add(const struct posterior *p, double side, double tail, double *breaks,
                           uint32_t cnt, uint32_t room)
{
    double reach = TAIL_LOG * tail + sqrt(2 * TAIL_LOG) * p->sd, at = 0;
    while (room > 1 && at < reach) {
        at += at < 3 * p->sd ? CORE_STEP * p->sd : fmax(CORE_STEP * p->sd, TAIL_STEP * tail);
        breaks[cnt++] = p->mode + side * at;
        room--;
    }
    return cnt;
}

static void sort_ascending(double *x, uint32_t cnt)
{
    for (uint32_t gap = cnt / 2; gap > 0; gap /= 2) { /* Shell's: in place, no callback */
        for (uint32_t i = gap; i < cnt; i++) {
            double moved = x[i];
            uint32_t k = i;
            for (; k >= gap && x[k - gap] > moved; k -= gap)
                x[k] = x[k - gap];
            x[k] = moved;
        }
    }
}

static uint32_t breaks_collect(const struct posterior *p, uint32_t cnt, double breaks[BREAKS_MAX])
{
    uint32_t n = 0, kept = 1;
    double least = INFINITY;
    for (uint32_t k = 0; k < cnt; k++) {
        breaks[n++] = p[k].mode;
        n = breaks_add(&p[k], -1, 1 / p[k].a, breaks, n, BREAKS_PER_ARM / 2);
        n = breaks_add(&p[k], 1, 1 / p[k].b, breaks, n, BREAKS_PER_ARM / 2);
        least = fmin(least, p[k].sd);
    }
    sort_ascending(breaks, n);
    for (uint32_t i = 1; i < n; i++)
        if (i == n - 1 || breaks[i] - breaks[kept - 1] >= BREAKS_MERGE * least)
            breaks[kept++] = breaks[i];
    return kept;
}

/* Densities of all arms at the nodes of one panel, and their distribution functions there. */
static void panel_fill(const struct rule *rule, const struct posterior *p, uint32_t cnt,
                       double from, double to, double *below, double density[][NODES],
                       double reached[][NODES])
{
    double half = 0.5 * (to - from);
    double u[NODES], soft[NODES];
    for (int q = 0; q < NODES; q++) {
        u[q] = from + half * (1 + rule->x[q]);
        soft[q] = softplus(u[q]);
    }
    for (uint32_t k = 0; k < cnt; k++) {
        double all = 0;
        for (int q = 0; q < NODES; q++) {
            density[k][q] = exp(p[k].a * u[q] - (p[k].a + p[k].b) * soft[q] - p[k].log_top);
            all += rule->w[q] * density[k][q];
        }
        for (int q = 0; q < NODES; q++) {
            double part = 0;
            for (int i = 0; i < NODES; i++)
                part += rule->upto[q][i] * density[k][i];
            reached[k][q] = below[k] + half * part;
        }
        below[k] += half * all;
    }
}

/* Adds to best[k] the integral over one panel of f_k times the others' distribution functions. */
static void panel_add(const struct rule *rule, uint32_t cnt, double half,
                      const double density[][NODES], const double reached[][NODES], double *best)
{
    for (int q = 0; q < NODES; q++) {
        double before[QBID_ROTATION_ARMS_MAX], product = 1;
        for (uint32_t k = 0; k < cnt; k++) {
            before[k] = product;
            product *= reached[k][q];
        }
        product = half * rule->w[q];
        for (uint32_t k = cnt; k-- > 0;) {
            best[k] += product * before[k] * density[k][q];
            product *= reached[k][q];
        }
    }
}

static void best_integrate(const struct posterior *p, uint32_t cnt, double *best)
{
    struct rule rule;
    double breaks[BREAKS_MAX], below[QBID_ROTATION_ARMS_MAX] = {0};
    double density[QBID_ROTATION_ARMS_MAX][NODES], reached[QBID_ROTATION_ARMS_MAX][NODES];
    rule_init(&rule);
    uint32_t n = breaks_collect(p, cnt, breaks);
    memset(best, 0, cnt * sizeof *best);
    for (uint32_t i = 1; i < n; i++) {
        panel_fill(&rule, p, cnt, breaks[i - 1], breaks[i], below, density, reached);
        panel_add(&rule, cnt, 0.5 * (breaks[i] - breaks[i - 1]), (const double(*)[NODES])density,
                  (const double(*)[NODES])reached, best);
    }
}

void qbid_rotation_discount(struct qbid_rotation_arm *arm, double age, double half_life)
{
    double keep = half_life > 0 && age > 0 ? exp2(-age / half_life) : 1;
    arm->trials *= keep;
    arm->hits *= keep;
}

int qbid_rotation_best(const struct qbid_rotation_arm *arms, uint32_t cnt,
                       const struct qbid_rotation_params *params, double *ret_probability)
{
    struct posterior p[QBID_ROTATION_ARMS_MAX];
    if (cnt < 1 || cnt > QBID_ROTATION_ARMS_MAX)
        return QBID_ERR_INVAL;
    if (!(params->prior_hits > 0 && isfinite(params->prior_hits) && params->prior_misses > 0 &&
          isfinite(params->prior_misses)))
        return QBID_ERR_INVAL;
    if (cnt == 1) {
        ret_probability[0] = 1;
        return 0;
    }
    for (uint32_t k = 0; k < cnt; k++)
        p[k] = posterior_of(&arms[k], params);
    best_integrate(p, cnt, ret_probability);
    double sum = 0, floor = fmin(fmax(params->floor, 0), 1.0 / cnt);
    for (uint32_t k = 0; k < cnt; k++)
        sum += ret_probability[k];
    for (uint32_t k = 0; k < cnt; k++)
        ret_probability[k] = floor + (1 - floor * cnt) * ret_probability[k] / sum;
    return 0;
}

int qbid_rotation_masses(const double *weight, uint32_t cnt, uint64_t ret_mass[QBID_DRAW_MAX])
{
    double sum = 0;
    uint32_t most = 0;
    if (cnt < 1 || cnt > QBID_DRAW_MAX)
        return QBID_ERR_INVAL;
    for (uint32_t i = 0; i < cnt; i++) {
        if (!(weight[i] >= 0) || !isfinite(weight[i]))
            return QBID_ERR_INVAL;
        sum += weight[i];
        most = weight[i] > weight[most] ? i : most;
    }
    if (!(sum > 0) || !isfinite(sum))
        return QBID_ERR_INVAL;
    uint64_t left = QBID_DRAW_WHOLE;
    for (uint32_t i = 0; i < cnt; i++) {
        ret_mass[i] = i == most ? 0 : (uint64_t)(weight[i] / sum * (double)QBID_DRAW_WHOLE);
        left -= ret_mass[i];
    }
    ret_mass[most] = left; /* rounding falls to the largest */
    return 0;
}
