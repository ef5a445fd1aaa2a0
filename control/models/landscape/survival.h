/* SPDX-License-Identifier: Apache-2.0 */
/* Distribution of a price from what auctions reveal of it, on ordered bins. */
#ifndef QBID_CONTROL_MODELS_LANDSCAPE_SURVIVAL_H
#define QBID_CONTROL_MODELS_LANDSCAPE_SURVIVAL_H

#include <stdint.h>

/* Three kinds of evidence on one price m, counted by bin, counts >= 0 and finite:
 *
 *   event[i]   m seen, in bin i
 *   above[i]   lost with a bid in bin i: m lies above the bid       (right-censored)
 *   below[i]   won with a bid in bin i, price not told: m <= bid    (left-censored)
 *
 *   second price                     event + above   Kaplan-Meier
 *   first price, win or lose only    below + above   isotonic regression (current status)
 *   all else, e.g. minimum to win    event + ...     self-consistency (EM)
 *   told on losses only
 *
 * Results are F[i] = P(m <= upper edge of bin i), not falling, in [0, 1].
 */
#define QBID_SURVIVAL_BINS_MAX 512

/**
 * Product-limit estimate.
 *
 * Shapes:  n bins; late in [0, 1] is the part of above[i] that is still at risk for event[i]:
 *          1 where all of a bin is one price (the textbook rule: events before losses at a tie),
 *          0.5 where a bin is a range of prices (actuarial), which takes the first-order bias of
 *          binning away.
 * Returns: F in ret_win; where nothing is at risk any more, the last value.
 * Threads: pure.
 * Cost:    one pass.
 * Source:  Kaplan and Meier 1958.
 */
void qbid_survival_km(const double *event, const double *above, uint32_t n, double late,
                      double *ret_win);

/**
 * Non-decreasing weighted least-squares fit of won / (won + lost) by bin: the maximum-likelihood
 * distribution under current-status data.
 *
 * Shapes:  n <= QBID_SURVIVAL_BINS_MAX.
 * Returns: fitted win rate at each bin in ret_rate; NaN in bins without data.
 * Threads: pure.
 * Source:  pool adjacent violators, Ayer et al. 1955.
 */
void qbid_survival_isotonic(const double *won, const double *lost, uint32_t n, double *ret_rate);

/**
 * Self-consistent estimate from any mixture of the three kinds.
 *
 * Shapes:  n <= QBID_SURVIVAL_BINS_MAX; ret_win holds the starting F on entry, strictly rising from
 *          above 0 to 1; total evidence > 0.
 * Returns: F in ret_win after at most `rounds` rounds, or once no bin moves by 1e-9.
 * Threads: pure.
 * Source:  Turnbull 1976; a bid counts as the middle of its bin.
 */
void qbid_survival_em(const double *event, const double *above, const double *below, uint32_t n,
                      uint32_t rounds, double *ret_win);

#endif
