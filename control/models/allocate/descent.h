/* SPDX-License-Identifier: Apache-2.0 */
/* Projected gradient descent: any smooth function over a box, or over the part of it that sums to a
 * total; for what is not a sum of curves (overlapping audiences, expected improvement). */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_DESCENT_H
#define QBID_CONTROL_MODELS_ALLOCATE_DESCENT_H

#include <stdint.h>

#define QBID_DESCENT_DIMS_MAX 4096
#define QBID_DESCENT_WHY_MAX 96

/** Value at x, and its gradient. INFINITY = not allowed, and no gradient then. */
typedef double qbid_descent_fn(void *context, const double *x, double *ret_gradient);

struct qbid_descent_params {
    qbid_descent_fn *fn; /* made small */
    void *context;
    const double *low, *high;
    uint32_t dims;
    int has_total;
    double total; /* sum of x, with has_total: between those of low and high */
    uint32_t steps_max;
    double tolerance; /* ends when no coordinate of the projected gradient step is longer */
};

struct qbid_descent {
    double value;
    uint32_t steps, evaluations;
    int converged;
};

/**
 * Go down from x.
 *
 * Shapes:  x is brought into the feasible set first; fn must be finite there.
 * Returns: 0; x the best point seen, never worse than the start.
 * Errors:  QBID_ERR_INVAL, why names the field; QBID_ERR_LIMIT when low and high cannot hold the
 * total; QBID_ERR_NOMEM. Threads: pure if fn is; allocates 5 numbers a dimension. Source:  spectral
 * projected gradient, Birgin, Martinez and Raydan 2000: Barzilai and Borwein's step length,
 * Armijo's condition against the worst of the last 10 values.
 */
int qbid_descent_run(const struct qbid_descent_params *params, double *x,
                     struct qbid_descent *ret_descent, char why[QBID_DESCENT_WHY_MAX]);

/** The nearest point of the set, in place. Bisection on the shift that meets the total. */
void qbid_descent_project(const struct qbid_descent_params *params, double *x);

#endif
