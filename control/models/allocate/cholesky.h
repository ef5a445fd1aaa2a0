/* SPDX-License-Identifier: Apache-2.0 */
/* Small symmetric systems by Cholesky's factors; matrices by rows, the lower triangle is used. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_CHOLESKY_H
#define QBID_CONTROL_MODELS_ALLOCATE_CHOLESKY_H

#include <math.h>
#include <stddef.h>

/** a = L L^T, in place. 0, or -1 when a is not positive definite. */
static inline int qbid_cholesky_factor(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0))
                return -1;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    }
    return 0;
}

/** x = L^-1 x. */
static inline void qbid_cholesky_forward(const double *l, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            x[i] -= l[i * n + k] * x[k];
        x[i] /= l[i * n + i];
    }
}

/** x = L^-T x. */
static inline void qbid_cholesky_backward(const double *l, size_t n, double *x)
{
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            x[i] -= l[k * n + i] * x[k];
        x[i] /= l[i * n + i];
    }
}

#endif
