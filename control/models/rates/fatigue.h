/* SPDX-License-Identifier: Apache-2.0 */
/* What an exposure is worth by its number: r(k), from clicks of users who saw an ad several times.
 */
#ifndef QBID_CONTROL_MODELS_RATES_FATIGUE_H
#define QBID_CONTROL_MODELS_RATES_FATIGUE_H

#include <stdint.h>

#include "shm/frequency.h"

#define QBID_FATIGUE_MAX QBID_FREQUENCY_VALUES_MAX /* exposures of a user that are looked at */

/* Users who saw the ad often are other users: their rate of clicks is often higher from the first
 * time on, so that the rate over all users rises with the number of the exposure while each user's
 * falls. Users are therefore compared with themselves only: clicks are kept by how often the user
 * saw the ad in all, and only their shares within such a group are used. */
struct qbid_fatigue {
    double users[QBID_FATIGUE_MAX];                    /* by exposures seen - 1 */
    double clicks[QBID_FATIGUE_MAX][QBID_FATIGUE_MAX]; /* the same; by exposure, from 0 */
};

/** Count a user whose window is over: bit k of clicked for the exposure k. Those behind the first
 *  QBID_FATIGUE_MAX, and users without any, are not counted. */
void qbid_fatigue_see(struct qbid_fatigue *fatigue, uint32_t exposures, uint32_t clicked);

/** dst += src. */
void qbid_fatigue_add(struct qbid_fatigue *dst, const struct qbid_fatigue *src);

/** Clicks counted. */
double qbid_fatigue_clicks(const struct qbid_fatigue *fatigue);

/**
 * r(k), k exposures before this one.
 *
 * Shapes:  strength > 0 clicks is what the prior curve is worth at each k; prior NULL = 1
 *          everywhere.
 * Returns: ret_value[0] = 1, never rising, in [0, 1]; where nothing was seen, the prior's shape.
 * Threads: pure.
 * Cost:    at most 200 rounds over half of 16 x 16 numbers, and with clicks at four exposures 46
 *          solutions of 14 equations: under 100 us.
 * Source:  Poisson counts with an effect of each user, conditioned on the user's total (Hausman,
 *          Hall and Griliches 1984): clicks of a group fall on its exposures as r(k) / sum of r.
 * The maximum by the minorising rounds of Hunter 2004, with a gamma prior; log r against the prior
 * is drawn towards a line in log(1 + k), its bends taken for normal with the variance that is
 * likeliest (a spline by empirical Bayes: Wahba 1985); then decreasing isotonic regression,
 * weighted by clicks.
 */
void qbid_fatigue_fit(const struct qbid_fatigue *fatigue, const double prior[QBID_FATIGUE_MAX],
                      double strength, double ret_value[QBID_FATIGUE_MAX]);

/** r(k) by the likelihood alone: no prior, not smoothed, may rise. */
void qbid_fatigue_likeliest(const struct qbid_fatigue *fatigue, double ret_value[QBID_FATIGUE_MAX]);

#endif
