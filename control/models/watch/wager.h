/* SPDX-License-Identifier: Apache-2.0 */
/* A wager against "the rate of events is not below (not above) k times the usual one", looked at
 * after every stretch of time, as often as one likes.
 *
 * Two sides are compared stretch by stretch (the same hours of a day before, or a known rate), so
 * that a rate which changes with the time of day changes on both sides and counts for nothing:
 *
 *     stretch i:  N1 events in n1 trials now,  N0 in n0 then;   a = k n1 / n0
 *     e(r) *= r^N1 ((1 + a) / (1 + r a))^(N0 + N1)              against a rate then
 *     e(r) *= r^N1 exp((1 - r) E)                               against a known mean E = k rate n1
 *
 * For r < 1 the factor has mean at most 1 whenever the mean rate now is k times the one then or
 * more, whatever the rates are and however they differ from trial to trial: by ln(1 + x) <= x the
 * mean is at most exp(p0 n0 (c (1 + a r) - (1 + a))) = 1 with c = (1 + a) / (1 + r a), and it falls
 * with p1; the same for r > 1 from the other side. So the mean of e over several r is a
 * non-negative supermartingale that starts at 1: the probability that it ever reaches 1 / error is
 * at most `error` (Ville 1939).
 *
 * Source: two-sample e-values, Turner, Ly and Gruenwald, Generic E-variables for exact sequential
 * k-sample tests, Statistica Neerlandica 2024; the bound above is our own.
 */
#ifndef QBID_CONTROL_MODELS_WATCH_WAGER_H
#define QBID_CONTROL_MODELS_WATCH_WAGER_H

#define QBID_WAGER_RATES 8 /* r = 1/16, 3/16 ... 15/16 of a fall; their inverses of a rise */

enum qbid_wager_side { QBID_WAGER_FEWER, QBID_WAGER_MORE };

struct qbid_wager {
    enum qbid_wager_side side;
    double log_e[QBID_WAGER_RATES];
};

/** Begin with nothing won. */
struct qbid_wager qbid_wager_init(enum qbid_wager_side side);

/** A stretch against another: events finite and >= 0, trials finite. Trials <= 0 on either side say
 *  nothing. ratio = k > 0. */
void qbid_wager_pair(struct qbid_wager *wager, double ratio, double events, double trials,
                     double events_then, double trials_then);

/** A stretch against a known mean >= 0, k included. */
void qbid_wager_mean(struct qbid_wager *wager, double events, double mean);

/** Natural logarithm of what is won: 0 at the begin, ln(1 / error) is proof. */
double qbid_wager_won(const struct qbid_wager *wager);

/** The same of a stake in equal parts, each on a wager of its own: begun at different times, what
 *  changes late is not held up by what was well before. cnt > 0; one not begun keeps its part. */
double qbid_wager_won_together(const struct qbid_wager *wagers, int cnt);

#endif
