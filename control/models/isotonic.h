/* SPDX-License-Identifier: Apache-2.0 */
/* Isotonic regression: the non-decreasing fit of weighted means, by pooling adjacent violators. */
#ifndef QBID_CONTROL_MODELS_ISOTONIC_H
#define QBID_CONTROL_MODELS_ISOTONIC_H

#include <stdint.h>

/* Neighbours that share one fitted value. */
struct qbid_isotonic_block {
    double sum; /* of weight times value */
    double weight;
    uint32_t end; /* one past its last point */
};

/**
 * Least-squares non-decreasing fit of sum[i] / weight[i], in the order given.
 *
 * Shapes:  n points, weights >= 0; points of weight 0 are passed over and belong to the block
 * before the next one that counts (the last block, when there is none). block has room for n.
 * Returns: blocks written, their means strictly rising; 0 when nothing has weight.
 * Threads: pure; no allocation.
 * Cost:    one pass; a million points some 10 ms.
 * Source:  pool adjacent violators, Ayer et al. 1955. For sums of successes over trials it is the
 *          maximum-likelihood fit of the rates, too.
 */
uint32_t qbid_isotonic_fit(const double *sum, const double *weight, uint32_t n,
                           struct qbid_isotonic_block *block);

#endif
