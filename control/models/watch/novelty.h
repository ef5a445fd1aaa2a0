/* SPDX-License-Identifier: Apache-2.0 */
/* How far a value is from every value seen before: finds what a series of unknown shape never did.
 *
 *   seen   . ...:..:.....    .. . .:::....          score = gap / (largest - smallest seen)
 *                        ^ gap ^ new value
 *
 * It needs no season, no distribution and no tuning by series; a shift shows at its first value,
 * and stops to show as soon as it is known.
 */
#ifndef QBID_CONTROL_MODELS_WATCH_NOVELTY_H
#define QBID_CONTROL_MODELS_WATCH_NOVELTY_H

#include <stdint.h>

#define QBID_NOVELTY_SEEN_MAX 4096 /* values kept; the closest two become one beyond it */
#define QBID_NOVELTY_QUIET 100     /* values after an alarm in which only a greater one counts */
#define QBID_NOVELTY_ALARM                                                                         \
    0.014 /* score that is one: the best on NAB's corpus, its standard profile */

struct qbid_novelty {
    uint32_t learn; /* first values that score 0 */
    uint32_t cnt;   /* of seen */
    uint64_t values;
    uint64_t alarm_at; /* value number of the last alarm, 0 = none */
    double alarm_score;
    double seen[QBID_NOVELTY_SEEN_MAX]; /* ascending */
};

/** Start; the first `learn` values score 0. */
void qbid_novelty_init(struct qbid_novelty *novelty, uint32_t learn);

/**
 * Take the next value.
 *
 * Returns: its score in [0, 1): 0 = seen before, while learning, or less than the alarm less than
 *          QBID_NOVELTY_QUIET values ago; from QBID_NOVELTY_ALARM on it is an alarm. A value that
 * is not finite scores 0 and is not kept. Threads: one at a time. Cost:    a binary search and a
 * move of up to 32 KB: about a microsecond.
 */
double qbid_novelty_next(struct qbid_novelty *novelty, double value);

#endif
