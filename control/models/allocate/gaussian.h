/* SPDX-License-Identifier: Apache-2.0 */
/* Gaussian process with a Matern 5/2 kernel: what few costly evaluations say about the rest. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_GAUSSIAN_H
#define QBID_CONTROL_MODELS_ALLOCATE_GAUSSIAN_H

#include <stdint.h>

#define QBID_GAUSSIAN_DIMS_MAX 12
#define QBID_GAUSSIAN_POINTS_MAX 512
#define QBID_GAUSSIAN_JITTER 1e-6 /* of the kernel's variance, on the diagonal */

/* k(a, b) = variance (1 + s + s^2 / 3) e^-s,  s^2 = 5 sum of ((a_k - b_k) / length_k)^2;
 * noise is added where a and b are the same observation. */
struct qbid_gaussian_params {
    double log_length[QBID_GAUSSIAN_DIMS_MAX];
    double log_variance;
    double log_noise; /* variance; -INFINITY = none */
};

struct qbid_gaussian {
    struct qbid_gaussian_params params;
    const double *x; /* cnt x dims, the caller's */
    uint32_t cnt, dims;
    double *factor; /* room for cnt_max^2: L of the kernel matrix */
    double *weight; /* its inverse by y */
    double *work;   /* 2 x cnt_max^2 + cnt_max */
    double log_likelihood;
};

/** Memory for cnt_max points. QBID_ERR_INVAL, QBID_ERR_NOMEM. */
int qbid_gaussian_new(uint32_t cnt_max, uint32_t dims, struct qbid_gaussian *ret_gaussian);
void qbid_gaussian_done(struct qbid_gaussian *gaussian);

/**
 * Take observations in, at fixed parameters.
 *
 * Shapes:  x is cnt x dims and stays the caller's; y has mean 0.
 * Returns: 0; QBID_ERR_INVAL where rounding leaves the kernel matrix not positive.
 * Cost:    cnt^3 / 6 multiplications.
 */
int qbid_gaussian_fit(struct qbid_gaussian *gaussian, const double *x, const double *y,
                      uint32_t cnt);

/** Mean and variance (without noise) at a point; with gradients (dims each) unless NULL. */
void qbid_gaussian_predict(struct qbid_gaussian *gaussian, const double *at, double *ret_mean,
                           double *ret_variance, double *ret_mean_by, double *ret_variance_by);

/**
 * Take observations in, with the most probable parameters.
 *
 * Shapes:  x in the unit cube, y standardised. Starts from params.
 * Returns: as qbid_gaussian_fit().
 * Source:  marginal likelihood with weak lognormal priors (length 0.5, variance 1, noise 1e-4), by
 *          projected gradient; Rasmussen and Williams 2006, 5.4.1.
 */
int qbid_gaussian_learn(struct qbid_gaussian *gaussian, const double *x, const double *y,
                        uint32_t cnt, uint32_t steps);

#endif
