/* SPDX-License-Identifier: Apache-2.0 */
/* How much unused allowance a worker should hold, and how much of it to give now. */
#ifndef QBID_CONTROL_LEDGER_GRANT_H
#define QBID_CONTROL_LEDGER_GRANT_H

#include <stdint.h>

struct qbid_grant {
    int64_t budget_nanos;
    int64_t free_nanos;     /* not spent, held or exposed */
    int64_t min_nanos;      /* several bids */
    int64_t share_ppm;      /* of the budget */
    int64_t unused_nanos;   /* what the worker still has */
    int64_t per_tick_nanos; /* what it committed lately in a tick */
    int64_t refused_nanos;  /* the last bid that its allowance did not hold; 0 = none */
    uint32_t workers;       /* that share the budget, >= 1 */
};

/**
 * What a worker lacks of a bid as the one that it last could not make: without it the worker stands
 * still however much more than nothing it holds.
 *
 * Returns: nanos in [0, free]; 0 when it lacks nothing, or more than is free: a part is of no use.
 */
int64_t qbid_grant_bid(const struct qbid_grant *grant);

/**
 * Headroom to add.
 *
 * A worker that bids holds a few ticks' worth; one that does not, enough to begin: at least
 * min_nanos, else share_ppm of the budget, but all idle workers together at most 1/400 of it, so
 * that what they sit on never costs the delivery. No grant is over 1 / (2 workers) of what is free:
 * near the end grants halve from tick to tick and the last money goes where it is used.
 *
 * Returns: nanos in [0, free / (2 workers)]; 0 while the worker has at least half of what it
 * should, or has less than a bid even with this.
 */
int64_t qbid_grant_size(const struct qbid_grant *grant);

#endif
