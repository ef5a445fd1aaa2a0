/* SPDX-License-Identifier: Apache-2.0 */
/* Whole micros that sum exactly: the method of largest remainders, inside boxes. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_SHARES_H
#define QBID_CONTROL_MODELS_ALLOCATE_SHARES_H

#include <stdint.h>

struct qbid_share {
    double wanted;       /* micros, finite */
    int64_t least, most; /* least <= most */
    int64_t micros;      /* returned */
};

/**
 * Round shares to whole micros that sum to a total.
 *
 * Shapes:  sum of least <= total <= sum of most; sums fit an int64. scratch holds cnt numbers.
 * Returns: in each share its wanted rounded down into the box, and one more for those with the
 *          largest remainders; equal ones by index. A total far from what is
 *          wanted is first spread evenly over those that have room.
 * Errors:  QBID_ERR_INVAL when the boxes cannot hold the total.
 * Threads: pure; writes shares and scratch.
 * Cost:    linear, a few ns a share.
 * Source:  Hamilton's method; Hoare's selection.
 */
int qbid_shares_round(struct qbid_share *shares, uint32_t cnt, int64_t total, double *scratch);

#endif
