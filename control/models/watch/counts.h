/* SPDX-License-Identifier: Apache-2.0 */
/* Hourly counts (bids, wins, clicks, conversions...) against what their history leads to expect:
 * falls and rises that last are found within hours, and false alarms are bounded by design.
 *
 *   history --robust STL--> which hours were no outliers --> hour of day (working day or weekend)
 *           x day of week x level, and how much counts scatter beyond Poisson
 *   next hours --log likelihood ratio, "30 % less" against "as expected", summed while above 0-->
 *           alarm at ln(mean hours between false alarms); the same for its mirror, 43 % more
 */
#ifndef QBID_CONTROL_MODELS_WATCH_COUNTS_H
#define QBID_CONTROL_MODELS_WATCH_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#define QBID_COUNTS_HISTORY_MIN 336 /* hours: each day of the week twice */
#define QBID_COUNTS_HISTORY_MAX 2016
#define QBID_COUNTS_FALL 0.7 /* of the expected: the fall that is looked for */
#define QBID_COUNTS_FALSE_HOURS                                                                    \
    1440.0 /* between false alarms of either kind, at least: together                              \
              one in 30 days */

enum qbid_counts_finding { QBID_COUNTS_USUAL, QBID_COUNTS_FALLS, QBID_COUNTS_RISES };

struct qbid_counts {
    double hour[2][24]; /* of a working day, of a weekend: relative to the day's mean */
    double day[7];      /* relative to the week's; 0 = Monday */
    double size;        /* negative binomial: variance = mean + mean^2 / size */
    double weeks;       /* of history */
    double due, seen;   /* expected at level 1 and counted, fading: level = seen / due */
    double fall, rise;  /* log likelihood ratios so far */
    uint32_t fall_hours, rise_hours; /* since they left 0 */
    uint32_t hour_of_week;           /* of the next count; 0 = Monday, 00:00 */
};

struct qbid_counts_verdict {
    enum qbid_counts_finding finding;
    double expected;
    double tail; /* of a finding: probability of a count as far out on its side in this hour */
    double nats; /* evidence of the finding: log likelihood ratio */
    uint32_t for_hours; /* how long it has gone on */
};

/**
 * Learn from a history without gaps.
 *
 * Shapes:  y[cnt] >= 0 and finite, cnt in [QBID_COUNTS_HISTORY_MIN, _MAX]; hour_of_week of y[0].
 * Returns: 0; QBID_ERR_INVAL for numbers out of range; QBID_ERR_NOMEM.
 * Threads: pure; allocates scratch.
 * Cost:    a robust STL: about 10 ms for four weeks.
 */
int qbid_counts_learn(const double *y, uint32_t cnt, uint32_t hour_of_week,
                      struct qbid_counts *ret_counts);

/**
 * Judge the next hour's count, and learn its level. After an alarm the evidence starts anew and the
 * level is learned from the hours that come: what goes on is the usual before long.
 *
 * Returns: 0; QBID_ERR_INVAL for a count that is negative or not finite: nothing is learned.
 * Threads: one at a time.
 * Source:  Page 1954; Lorden 1971: the sum of log likelihood ratios reaches h by chance no oftener
 *          than every e^h values on average.
 */
int qbid_counts_next(struct qbid_counts *counts, double count,
                     struct qbid_counts_verdict *ret_verdict);

/**
 * Probability of a count <= `count` (>= with `above`) of a negative binomial.
 *
 * Shapes:  mean > 0, size in (0, 1e6]; 1e6 is Poisson for practical means.
 * Source:  control/models/beta.h.
 */
double qbid_counts_tail(double count, double mean, double size, bool above);

#endif
