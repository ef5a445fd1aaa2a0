/* SPDX-License-Identifier: Apache-2.0 */
/* Siblings compared by a rate: who differs from the others, how much, and how sure that is. */
#ifndef QBID_CONTROL_INSIGHTS_CONTRASTS_H
#define QBID_CONTROL_INSIGHTS_CONTRASTS_H

#include <stdbool.h>
#include <stdint.h>

#define QBID_CONTRASTS_MAX 4096

struct qbid_contrast {
    /* given */
    double trials, successes;
    /* returned */
    double mean;      /* of all siblings together */
    double rate;      /* shrunk towards it by how much siblings differ beyond chance */
    double low, high; /* 90 % interval of the rate */
    double above;     /* probability that the rate is above the mean */
    double p_value;   /* of a sibling like the others, exact, two-sided */
};

/**
 * Compare.
 *
 * Shapes:  cnt in [2, QBID_CONTRASTS_MAX] siblings; 0 <= successes <= trials, trials may be 0.
 * Returns: 0; QBID_ERR_INVAL for numbers out of range; QBID_ERR_NOMEM.
 * Threads: pure; allocates scratch.
 * Cost:    about 20 us a sibling.
 * Source:  p-value: the binomial given the sum of both (Przyborowski and Wilenski 1940); rates:
 *          beta-binomial empirical Bayes of control/models/rates/rates.h.
 */
int qbid_contrasts_fit(struct qbid_contrast *contrasts, uint32_t cnt);

#endif
