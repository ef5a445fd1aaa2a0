/* SPDX-License-Identifier: Apache-2.0 */
/* Response curves: what spend returns, with ever less for the next unit. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_CURVE_H
#define QBID_CONTROL_MODELS_ALLOCATE_CURVE_H

/* x = spend (or adstocked spend) of a period, in currency units; value in currency units.
 *
 *   power   scale ((x + half)^shape - half^shape)       0 < shape < 1; half >= 0, 0 = pure power
 * law Hill    scale x^shape / (half^shape + x^shape)      0 < shape <= 1: above 1 it is no longer
 * concave log     scale log(1 + x / half)                     shape is unused
 */
enum qbid_curve_kind { QBID_CURVE_POWER, QBID_CURVE_HILL, QBID_CURVE_LOG };
#define QBID_CURVE_KIND_CNT 3

#define QBID_CURVE_SHAPE_MIN 0.01
#define QBID_CURVE_SHAPE_MAX 0.999 /* of a power law: nearer to 1 it is a line */

struct qbid_curve {
    enum qbid_curve_kind kind;
    double scale; /* > 0 */
    double shape;
    double half; /* spend; > 0 but for the power law */
};

/** What is wrong with a curve, as words after its name ("has a shape of ..."); NULL when it is
 *  valid. */
const char *qbid_curve_fault(const struct qbid_curve *curve);

/** Value of spend x >= 0. */
double qbid_curve_value(const struct qbid_curve *curve, double x);

/** Value that the next unit of spend adds; INFINITY at 0 where the curve starts upright. */
double qbid_curve_marginal(const struct qbid_curve *curve, double x);

/**
 * Spend at which the next unit adds so much.
 *
 * Shapes:  log_marginal is a natural logarithm, finite.
 * Returns: the spend, 0 where the curve nowhere adds so much; and in *ret_slope by how much it
 * falls for a rise of log_marginal by 1 (>= 0; 0 when the spend is 0). Threads: pure. Cost:    10
 * to 20 ns; a Hill curve below shape 1 takes a few steps of Newton's method, whose function is
 * concave and falling, so it cannot miss.
 */
double qbid_curve_spend(const struct qbid_curve *curve, double log_marginal, double *ret_slope);

#endif
