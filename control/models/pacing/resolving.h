/* SPDX-License-Identifier: Apache-2.0 */
/* The multiplier for a wanted spend as a table, lambda(rho): made from a sample of auctions now and
 * then, so that a control period costs a search among 256 numbers. */
#ifndef QBID_CONTROL_MODELS_PACING_RESOLVING_H
#define QBID_CONTROL_MODELS_PACING_RESOLVING_H

#include <stdint.h>

#include "control/models/pacing/market.h"

#define QBID_RESOLVING_KNOTS 256
#define QBID_RESOLVING_LG_MAX 6.0 /* knots go from 2^-6 to 2^6, evenly in the logarithm */

/* Nanos an auction at each knot's multiplier; neither falls. */
struct qbid_resolving {
    float spend[QBID_RESOLVING_KNOTS];
    float worth[QBID_RESOLVING_KNOTS];
    float won[QBID_RESOLVING_KNOTS]; /* share of auctions */
    double most;                     /* spend above which the sample does not say what it takes */
    double seen;                     /* multiplier there; 0 = nothing in the sample can be won */
    double power; /* second price: spend goes on from there as this power of the multiplier */
    double top;   /* no answer lies above */
};

/** Fill a table from a sample. Cost: second price some microseconds; first price a pass over the
 * points for every fourth knot. Threads: pure. */
void qbid_resolving_build(const struct qbid_market *market, struct qbid_resolving *ret_table);

/** As the functions of the market that they are made from, within the table's 2^-6..2^6: expected
 * spend of an auction; share of auctions won; the multiplier at which it reaches rho; the largest
 * at which scale * worth covers spend. 0 where those say 0. Cost: a binary search; the last one a
 * pass over the knots. */
double qbid_resolving_spend(const struct qbid_resolving *table, double alpha);
double qbid_resolving_worth(const struct qbid_resolving *table, double alpha);
double qbid_resolving_won(const struct qbid_resolving *table, double alpha);
double qbid_resolving_alpha_budget(const struct qbid_resolving *table, double rho_nanos);
double qbid_resolving_alpha_goal(const struct qbid_resolving *table, double scale);

#endif
