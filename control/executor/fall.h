/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a rate has fallen, asked as often as one likes.
 *
 * The rate before is taken at the lower end of its interval (Clopper and Pearson, error / 2).
 * Against the claim that the rate now is at least (1 - fall) times that stands a wager: a mixture
 * of likelihood ratios of lower rates, a non-negative supermartingale while the claim holds, so
 * that it ever passes 2 / error with probability error / 2 at most (Ville 1939). Together: a false
 * alarm, ever, in at most the share `error` of cases.
 */
#ifndef QBID_CONTROL_EXECUTOR_FALL_H
#define QBID_CONTROL_EXECUTOR_FALL_H

#include <stdbool.h>
#include <stdint.h>

struct qbid_fall {
    uint64_t base_trials, base_successes; /* before */
    uint64_t trials, successes;           /* since */
    double fall;                          /* share that is tolerated, in [0, 1) */
    double error;                         /* in (0, 1) */
};

/**
 * Evidence against the claim that the rate holds, and what it has to pass.
 *
 * Returns: natural logarithm of the wager; 0 without data.
 * Threads: pure.
 * Source:  Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B
 *          86 (2024).
 */
double qbid_fall_evidence(const struct qbid_fall *fall);

/** Whether it passed. */
bool qbid_fall_found(const struct qbid_fall *fall);

/** Lower end of the one-sided interval of a rate at an error. */
double qbid_fall_lower(uint64_t trials, uint64_t successes, double error);

#endif
