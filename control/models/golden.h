/* SPDX-License-Identifier: Apache-2.0 */
/* The top of a hill by golden section. */
#ifndef QBID_CONTROL_MODELS_GOLDEN_H
#define QBID_CONTROL_MODELS_GOLDEN_H

/**
 * Where a score that rises and then falls is highest.
 *
 * Shapes:  a < b bracket the top; context is handed to the score.
 * Returns: the middle of what is left of the bracket after so many steps, each of which takes 38 %
 *          of it away.
 * Threads: pure if the score is.
 * Cost:    steps + 2 scores.
 * Source:  Kiefer 1953.
 */
static inline double qbid_golden_max(double (*score)(const void *context, double at),
                                     const void *context, double a, double b, int steps)
{
    const double golden = 0.6180339887498949;
    double x = b - golden * (b - a), y = a + golden * (b - a);
    double fx = score(context, x), fy = score(context, y);
    for (int i = 0; i < steps; i++) {
        if (fx > fy) {
            b = y, y = x, fy = fx;
            x = b - golden * (b - a);
            fx = score(context, x);
        } else {
            a = x, x = y, fx = fy;
            y = a + golden * (b - a);
            fy = score(context, y);
        }
    }
    return 0.5 * (a + b);
}

#endif
