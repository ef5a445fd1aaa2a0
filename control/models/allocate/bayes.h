/* SPDX-License-Identifier: Apache-2.0 */
/* Bayesian optimisation: the least value of a costly black box in few evaluations. For gains of
 * controllers, half-lives, hyper-parameters, and budgets of which no curve is known. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_BAYES_H
#define QBID_CONTROL_MODELS_ALLOCATE_BAYES_H

#include <stdbool.h>
#include <stdint.h>

#include "control/models/allocate/gaussian.h"

#define QBID_BAYES_WHY_MAX 96

/** Whether a point may be evaluated at all. */
typedef bool qbid_bayes_allowed_fn(void *context, const double *x);

struct qbid_bayes_params {
    const double *low, *high;       /* low < high, finite; kept by the caller */
    uint32_t dims;                  /* 1..QBID_GAUSSIAN_DIMS_MAX */
    uint32_t points_max;            /* evaluations in all */
    uint32_t start_cnt;             /* of which this many spread evenly at first; 0 = 2 dims + 2 */
    qbid_bayes_allowed_fn *allowed; /* NULL = everywhere in the box */
    void *context;
    uint64_t seed;
};

struct qbid_bayes; /* opaque */

/** QBID_ERR_INVAL with why naming the field; QBID_ERR_NOMEM. */
int qbid_bayes_new(const struct qbid_bayes_params *params, struct qbid_bayes **ret_bayes,
                   char why[QBID_BAYES_WHY_MAX]);
void qbid_bayes_free(struct qbid_bayes *bayes);

/**
 * The point to evaluate next: of a shifted Sobol sequence at first, then where the expected
 * improvement is largest. Never one that is not allowed.
 *
 * Returns: 0; QBID_ERR_LIMIT when no allowed point was found in 65,536 tries; QBID_ERR_FULL after
 *          points_max.
 * Cost:    a learning of the process (points^3) and some thousand predictions (points^2).
 * Source:  expected improvement (f - m) Phi(z) + s phi(z), Jones, Schonlau and Welch 1998; Sobol's
 *          sequence with the direction numbers of Joe and Kuo 2008.
 */
int qbid_bayes_ask(struct qbid_bayes *bayes, double *ret_x);

/** What evaluating a point gave; finite. QBID_ERR_INVAL, QBID_ERR_FULL. */
int qbid_bayes_tell(struct qbid_bayes *bayes, const double *x, double y);

/** The best told so far, and where; INFINITY when nothing was told. */
double qbid_bayes_best(const struct qbid_bayes *bayes, double *ret_x);

/** Expected improvement below `best` of a normal of so much mean and variance. */
double qbid_bayes_improvement(double best, double mean, double variance);

/** Point `idx` of Sobol's sequence in dims dimensions, each in [0, 1). */
void qbid_bayes_sobol(uint32_t idx, uint32_t dims, double *ret_x);

#endif
