/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting: counts that fade with a half-life, and which half-life predicts best. */
#ifndef QBID_CONTROL_MODELS_RATES_DECAY_H
#define QBID_CONTROL_MODELS_RATES_DECAY_H

#include <stdint.h>

/* The candidates race on series (line items), each of which keeps its counts under all of them.
 * What comes next is first predicted, then counted:
 *
 *   trials, successes --> loss[k] += q trials - successes log q, q = (S m_k + c_k) / (S + n_k)
 *                     --> series, and the whole (whose rate is m_k), faded to now and added
 */
#define QBID_DECAY_CANDIDATES 6
#define QBID_DECAY_MARGIN 3.0 /* nats by which another candidate must be better to be chosen */
#define QBID_DECAY_ERRORS 2.0

struct qbid_decay_series {
    int64_t at_s; /* to which the counts are faded */
    double trials[QBID_DECAY_CANDIDATES];
    double successes[QBID_DECAY_CANDIDATES];
};

struct qbid_decay_race {
    struct qbid_decay_series whole;
    double loss[QBID_DECAY_CANDIDATES];   /* fades too, slowly, so that times may change */
    double square[QBID_DECAY_CANDIDATES]; /* of losses against that of no half-life; fades */
    int64_t loss_s;
    uint32_t chosen; /* index of a candidate; 0, the longest, where nothing is known */
};

/** Half-life of a candidate in seconds: none (INFINITY), 28, 14, 7, 4 and 2 days. None
 *  follows the hours of a day, which are no drift. */
double qbid_decay_half_life_s(uint32_t candidate);

/** Part of a count that is left after a time: 1 for no half-life or no time. */
double qbid_decay_left(double half_life_s, int64_t from_s, int64_t to_s);

/**
 * Judge every candidate by what a series shows next, and count it.
 *
 * Shapes:  counts >= 0, trials being anything that successes are in proportion to, e.g. successes
 *          that a model expects; more successes than trials may come, late ones. Anything else is
 * ignored. Threads: pure. Cost:    0.3 us. Source:  prequential log-loss (Dawid 1984), of counts:
 * Poisson's.
 */
void qbid_decay_post(struct qbid_decay_race *race, struct qbid_decay_series *series, int64_t now_s,
                     double trials, double successes);

/** What a candidate expects of a series by trial: its rate, shrunk to the whole's. */
double qbid_decay_rate(const struct qbid_decay_race *race, const struct qbid_decay_series *series,
                       uint32_t candidate);

/** Choose again: the best when it leads by the margin and by QBID_DECAY_ERRORS standard errors of
 *  its lead, else the one that is chosen. Returns its index. */
uint32_t qbid_decay_choose(struct qbid_decay_race *race);

#endif
