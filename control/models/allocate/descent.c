/* SPDX-License-Identifier: Apache-2.0 */
/* Spectral projected gradient. */
#include "control/models/allocate/descent.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define MEMORY 10
#define ARMIJO 1e-4
#define STEP_LEAST 1e-12
#define STEP_MOST 1e12
#define HALVINGS_MAX 60
#define SHIFTS_MAX 200

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

static double sum_shifted(const struct qbid_descent_params *p, const double *x, double shift,
                          double *ret_inside)
{
    double sum = 0, inside = 0;
    for (uint32_t i = 0; i < p->dims; i++) {
        double y = x[i] - shift;
        inside += y > p->low[i] && y < p->high[i];
        sum += clamp(y, p->low[i], p->high[i]);
    }
    *ret_inside = inside;
    return sum;
}

/* The shift by which the clamped coordinates sum to the total: Newton, in a bracket. */
static double shift_of(const struct qbid_descent_params *p, const double *x)
{
    double low = INFINITY, high = -INFINITY, at = 0;
    for (uint32_t i = 0; i < p->dims; i++) {
        low = fmin(low, x[i] - p->high[i]);
        high = fmax(high, x[i] - p->low[i]);
    }
    for (int step = 0; step < SHIFTS_MAX; step++) {
        double inside, over = sum_shifted(p, x, at, &inside) - p->total;
        if (over == 0)
            break;
        if (over > 0)
            low = at;
        else
            high = at;
        double next = inside > 0 ? at + over / inside : NAN;
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        if (next == at || !(low < high))
            break;
        at = next;
    }
    return at;
}

void qbid_descent_project(const struct qbid_descent_params *params, double *x)
{
    double shift = params->has_total ? shift_of(params, x) : 0;
    for (uint32_t i = 0; i < params->dims; i++)
        x[i] = clamp(x[i] - shift, params->low[i], params->high[i]);
}

struct walk {
    const struct qbid_descent_params *p;
    double *x, *gradient, *next, *next_gradient, *direction, *best;
    double recent[MEMORY];
    struct qbid_descent at;
};

static double evaluate(struct walk *w, const double *x, double *gradient)
{
    w->at.evaluations++;
    return w->p->fn(w->p->context, x, gradient);
}

/* Towards the projection of a gradient step; how long its longest coordinate is. */
static double aim(struct walk *w, double step)
{
    double longest = 0;
    for (uint32_t i = 0; i < w->p->dims; i++)
        w->direction[i] = w->x[i] - step * w->gradient[i];
    qbid_descent_project(w->p, w->direction);
    for (uint32_t i = 0; i < w->p->dims; i++) {
        w->direction[i] -= w->x[i];
        longest = fmax(longest, fabs(w->direction[i]));
    }
    return longest;
}

static double dot(const double *a, const double *b, uint32_t cnt)
{
    double sum = 0;
    for (uint32_t i = 0; i < cnt; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Armijo along the direction, against the worst of the recent values; NAN when nothing falls. */
static double search(struct walk *w)
{
    double slope = dot(w->direction, w->gradient, w->p->dims), worst = w->recent[0], part = 1;
    for (int k = 1; k < MEMORY; k++)
        worst = fmax(worst, w->recent[k]);
    for (int halving = 0; halving < HALVINGS_MAX; halving++) {
        for (uint32_t i = 0; i < w->p->dims; i++)
            w->next[i] = w->x[i] + part * w->direction[i];
        double value = evaluate(w, w->next, w->next_gradient);
        if (value <= worst + ARMIJO * part * slope)
            return value;
        double curve = value - w->recent[w->at.steps % MEMORY] - part * slope;
        double parabola = isfinite(value) ? -0.5 * slope * part * part / curve : 0;
        part = parabola >= 0.1 * part && parabola <= 0.9 * part ? parabola : 0.5 * part;
    }
    return NAN;
}

/* Barzilai and Borwein's length for the step just made; then the step is taken. */
static double take(struct walk *w)
{
    double moved = 0, turned = 0;
    for (uint32_t i = 0; i < w->p->dims; i++) {
        double s = w->next[i] - w->x[i], y = w->next_gradient[i] - w->gradient[i];
        moved += s * s;
        turned += s * y;
    }
    memcpy(w->x, w->next, w->p->dims * sizeof(double));
    memcpy(w->gradient, w->next_gradient, w->p->dims * sizeof(double));
    return turned > 0 ? clamp(moved / turned, STEP_LEAST, STEP_MOST) : STEP_MOST;
}

static void go_down(struct walk *w)
{
    const struct qbid_descent_params *p = w->p;
    double value = evaluate(w, w->x, w->gradient), longest;
    for (int k = 0; k < MEMORY; k++)
        w->recent[k] = value;
    w->at.value = value;
    memcpy(w->best, w->x, p->dims * sizeof(double));
    longest = isfinite(value) ? aim(w, 1) : 0;
    double step = longest > 0 ? clamp(1 / longest, STEP_LEAST, STEP_MOST) : 1;
    while (w->at.steps < p->steps_max && !(w->at.converged = longest <= p->tolerance)) {
        aim(w, step);
        value = search(w);
        if (isnan(value))
            break;
        step = take(w);
        w->recent[++w->at.steps % MEMORY] = value;
        if (value < w->at.value) {
            w->at.value = value;
            memcpy(w->best, w->x, p->dims * sizeof(double));
        }
        longest = aim(w, 1);
    }
}

static int params_check(const struct qbid_descent_params *p, char *why)
{
    double low = 0, high = 0;
    const char *fault = NULL;
    if (p->dims < 1 || p->dims > QBID_DESCENT_DIMS_MAX)
        fault = "dims is not between 1 and 4096";
    for (uint32_t i = 0; i < p->dims && !fault; i++) {
        low += p->low[i];
        high += p->high[i];
        if (!(p->low[i] <= p->high[i]) || !isfinite(p->high[i] - p->low[i]))
            fault = "low is above high or no number";
    }
    if (!fault && !(p->tolerance >= 0))
        fault = "tolerance is negative";
    int outside = !fault && p->has_total && !(p->total >= low && p->total <= high);
    if (fault || outside)
        snprintf(why, QBID_DESCENT_WHY_MAX, "%s", fault ? fault : "total is outside low and high");
    return fault ? QBID_ERR_INVAL : outside ? QBID_ERR_LIMIT : 0;
}

int qbid_descent_run(const struct qbid_descent_params *params, double *x,
                     struct qbid_descent *ret_descent, char why[QBID_DESCENT_WHY_MAX])
{
    int err = params_check(params, why);
    if (err)
        return err;
    size_t n = params->dims;
    double *memory = malloc(5 * n * sizeof *memory);
    if (memory == NULL)
        return QBID_ERR_NOMEM;
    struct walk w = {.p = params,
                     .x = x,
                     .gradient = memory,
                     .next = memory + n,
                     .next_gradient = memory + 2 * n,
                     .direction = memory + 3 * n,
                     .best = memory + 4 * n};
    qbid_descent_project(params, x);
    go_down(&w);
    memcpy(x, w.best, n * sizeof(double));
    *ret_descent = w.at;
    free(memory);
    return 0;
}
