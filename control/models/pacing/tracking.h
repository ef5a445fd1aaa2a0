/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping a return: how much of what a sample promises at a multiplier a campaign may count on, so
 * that in the end of a flight spend is what its target allows, no more and no less. */
#ifndef QBID_CONTROL_MODELS_PACING_TRACKING_H
#define QBID_CONTROL_MODELS_PACING_TRACKING_H

/* All sums are in the spend that the target allows for something, e.g. nanos of revenue / ROAS.
 *
 *     scale   realised / promised, of all that had time to come, with a memory of days: what the
 *             value model gets wrong about impressions that are won (winner's curse, its lag)
 *     fit     promised / what the sample promised at the multipliers in force: what the sample gets
 *             wrong (auctions lost to other campaigns of the account, its age, its noise)
 *     owed    spend of the flight so far less what that is thought to have brought
 *
 *     the rest of the flight pays:  fit * scale * worth(alpha) = (1 + owed / rest) * spend(alpha)
 */

/* Promised and realised, and the worth of one event (a click, a conversion) to weigh them by. */
struct qbid_tracking_sums {
    double promised; /* of it what had time to come */
    double realised;
    double event; /* > 0 */
};

struct qbid_tracking_flight {
    double carried; /* owed by the flight before, bounded by the caller */
    double spent;
    double expected; /* by the sample and its fit; 0 = it said nothing */
    double promised; /* by what was clicked */
    double click;    /* what a click promises */
    struct qbid_tracking_sums matured;
    double rest; /* spend to come, as far as one can tell */
};

/** Realised over promised, shrunk to 1 by the worth of `prior` events. In [1/4, 4]. */
double qbid_tracking_scale(const struct qbid_tracking_sums *sums, double prior);

/**
 * Spend less what it is thought to have brought.
 *
 * Few events say more about luck than about the flight. So what was clicked counts as far as it
 * weighs, else what was expected of the spend; and of that, what matured as it was realised, again
 * as far as that weighs, else scale * promised. What is still to come counts as scale * promised.
 *
 * Threads: pure.
 */
double qbid_tracking_owed(const struct qbid_tracking_flight *flight, double scale);

/**
 * What the flight owes its target, as a part of the spend to come.
 *
 * Early in a flight a debt is paid in part only: hours that are better and worse than the flight
 * even out, and a multiplier that stays buys more than one that follows them.
 *
 * Returns: in [-0.2, 0.5]; 0 when nothing was spent. A flight that is nearly over has a tenth
 *          of its spend to pay with, or it would end in jumps.
 * Threads: pure.
 */
double qbid_tracking_debt(const struct qbid_tracking_flight *flight, double scale);

/** Both in one: what one unit of worth that the sample promises allows to be spent. fit > 0. */
double qbid_tracking_factor(double fit, double scale, double debt);

#endif
