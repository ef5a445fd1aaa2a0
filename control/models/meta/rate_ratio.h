/* SPDX-License-Identifier: Apache-2.0 */
/* The ratio of two rates over strata that have rates of their own: what a value does to a rate,
 * with line items and exchanges that use it more or less kept apart. */
#ifndef QBID_CONTROL_MODELS_META_RATE_RATIO_H
#define QBID_CONTROL_MODELS_META_RATE_RATIO_H

#include <stdbool.h>

/* Counts of events with the value (on) and without it (off), of all strata together. */
struct qbid_rate_ratio {
    double on, off;               /* Mantel and Haenszel's sums */
    double spread;                /* of the variance */
    double events_on, events_off; /* of strata with both */
};

/** Add one stratum: events and what they are counted by (impressions, clicks, money), >= 0. One
 *  without either side says nothing of the ratio. */
void qbid_rate_ratio_add(struct qbid_rate_ratio *ratio, double events_on, double exposed_on,
                         double events_off, double exposed_off);

/**
 * The log of the ratio that the strata share, and its variance.
 *
 * Returns: false without events on both sides.
 * Threads: pure.
 * Source:  Mantel and Haenszel 1959 for rates by exposure (Rothman and Boice 1979); variance:
 *          Greenland and Robins 1985.
 */
bool qbid_rate_ratio_log(const struct qbid_rate_ratio *ratio, double *ret_log,
                         double *ret_variance);

#endif
