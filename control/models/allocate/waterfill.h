/* SPDX-License-Identifier: Apache-2.0 */
/* Water-filling: spends of equal marginal return that sum to an amount, each inside its box. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_WATERFILL_H
#define QBID_CONTROL_MODELS_ALLOCATE_WATERFILL_H

#include <stdint.h>

#include "control/models/allocate/curve.h"

/* A curve made ready for many evaluations. A power law's spend is exp(k_log - k log_marginal) -
 * from. */
struct qbid_waterfill_slot {
    const struct qbid_curve *curve; /* NULL = a power law */
    double k, k_log, from;
    double least, most;  /* 0 <= least <= most */
    double spend, slope; /* returned: at the last price, and its fall for a log price higher by 1 */
};

void qbid_waterfill_slot_init(struct qbid_waterfill_slot *slot, const struct qbid_curve *curve,
                              double least, double most);

/* Sums over slots at one price of money. */
struct qbid_waterfill_sum {
    double spend;
    double inside; /* of which by slots between their bounds */
    double slope;  /* fall of spend for a rise of log_marginal by 1 */
    double bend;   /* how much that slope falls likewise; of other curves than power laws, about */
};

/** Put the spends at a price into the slots. */
struct qbid_waterfill_sum qbid_waterfill_at(struct qbid_waterfill_slot *slots, uint32_t cnt,
                                            double log_marginal);

/* A search for the log_marginal at which a falling sum meets a target. */
struct qbid_waterfill_search {
    double at;
    double low, high; /* bracket; infinite at first */
    double stride;    /* where all slots are at bounds */
};

/**
 * The next place to look: the root of a parabola through log(inside), which for one common exponent
 * is exact once the right slots are at their bounds, kept in the bracket.
 *
 * Returns: 0 when the sum is so near to the target that qbid_waterfill_close() does the rest, or
 *          nothing better can be told apart; else 1.
 */
int qbid_waterfill_next(struct qbid_waterfill_search *search, struct qbid_waterfill_sum sum,
                        double target);

/**
 * Fill slots up to a total.
 *
 * Shapes:  sum of least <= total <= sum of most (up to rounding).
 * Returns: the common log marginal of the slots between their bounds; spends in the slots.
 * Threads: pure; writes slots.
 * Cost:    4 to 6 passes of 10 ns a slot.
 * Source:  KKT conditions of a concave separable programme; Newton on the dual price.
 */
double qbid_waterfill_solve(struct qbid_waterfill_slot *slots, uint32_t cnt, double total);

/** The last step: what the spends in the slots, whose sum is known, lack of `total` is shared among
 * those between their bounds by their slopes. Returns how much lower the log price is for it. */
double qbid_waterfill_close(struct qbid_waterfill_slot *slots, uint32_t cnt,
                            struct qbid_waterfill_sum sum, double total);

#endif
