/* SPDX-License-Identifier: Apache-2.0 */
/* The beta distribution: shares below a value, and the value below which a share lies. */
#ifndef QBID_CONTROL_MODELS_BETA_H
#define QBID_CONTROL_MODELS_BETA_H

/**
 * Share of Beta(a, b) below x: the regularised incomplete beta function I_x(a, b).
 *
 * Shapes:  a, b > 0; y = 1 - x, given because it may be known better than 1 - x is.
 * Returns: a number in [0, 1]; 1e-9 of the truth for a, b up to 1e6, less near beyond.
 * Threads: pure.
 * Source:  the continued fraction by Lentz's method; it needs about sqrt(max(a, b)) steps.
 */
double qbid_beta_share(double x, double y, double a, double b);

/** x with a share p of Beta(a, b) below it, to 1e-12; p in (0, 1). Cost: some 10 shares, 100
 * at most. */
double qbid_beta_quantile(double p, double a, double b);

#endif
