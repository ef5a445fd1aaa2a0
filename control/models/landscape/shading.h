/* SPDX-License-Identifier: Apache-2.0 */
/* First-price shading: the bid of largest expected surplus for every effective value. */
#ifndef QBID_CONTROL_MODELS_LANDSCAPE_SHADING_H
#define QBID_CONTROL_MODELS_LANDSCAPE_SHADING_H

#include "control/models/landscape/landscape.h"
#include "shm/shade.h"

#define QBID_SHADING_SAMPLES_MIN 200.0 /* below this the curve is parametric */

/**
 * Bid that maximises (e - bid) * F(bid) over floor <= bid <= e.
 *
 * Units:   CPM micros.
 * Returns: the smallest best bid; e itself where no bid up to e is known to win or e < floor.
 * Threads: pure.
 * Cost:    one pass over the bins below e.
 * Source:  non-parametric surplus maximisation (Zhang et al., KDD 2021); F is linear inside a bin,
 *          so the best bid of each is a closed form.
 */
double qbid_shading_best(const struct qbid_landscape_curve *curve, double e_micros,
                         double floor_micros);

/** argmax (theta - lambda b) b / (c + b), ORTB1 of Zhang et al., KDD 2014. All > 0. */
double qbid_shading_ortb1(double theta, double lambda, double c);

/** argmax (theta - lambda b) b^2 / (c^2 + b^2), ORTB2. All > 0. */
double qbid_shading_ortb2(double theta, double lambda, double c);

/**
 * Median price c of the curve F(b) = b / (c + b) that makes the feedback of a segment likeliest.
 *
 * Shapes:  a typical price, prior_micros, counts like two prices seen there, so that a segment of
 *          few auctions, or of wins alone, has a sane median; 0 = unknown: the geometric mean of
 *          the bids and prices counted takes its place.
 * Returns: c in micros, inside the landscape's range; 0 with no feedback and no prior.
 * Threads: pure.
 */
double qbid_shading_median(const struct qbid_landscape *ls, double prior_micros);

/**
 * Fill the shade table of a segment.
 *
 * Shapes:  ls is the segment's own feedback, curve its fitted win curve (parents blended in);
 *          floor_micros >= 0 is a price below which the segment never sells; prior_micros is a
 *          typical market price there, 0 = unknown. A curve of fewer than QBID_SHADING_SAMPLES_MIN
 *          samples gives way to ORTB1 on the segment's median; with no sample and no prior the
 *          table bids the value itself.
 * Returns: every ratio in [0, 1], bids not falling from knot to knot.
 * Threads: pure; no allocation.
 * Cost:    64 passes over the bins, about 0.2 ms (bench/landscape).
 */
void qbid_shading_build(const struct qbid_landscape *ls, const struct qbid_landscape_curve *curve,
                        double floor_micros, double prior_micros, struct qbid_shade *ret_shade);

#endif
