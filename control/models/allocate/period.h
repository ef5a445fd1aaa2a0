/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets of days, weeks and months: what should be spent by now, what is, and what is left for
 * each day. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_PERIOD_H
#define QBID_CONTROL_MODELS_ALLOCATE_PERIOD_H

#include <stdint.h>

#define QBID_PERIOD_DAYS_MAX 31
#define QBID_PERIOD_HOURS 168 /* of a week, from Monday 00:00 UTC */

enum qbid_period_kind { QBID_PERIOD_DAILY = 1, QBID_PERIOD_WEEKLY, QBID_PERIOD_MONTHLY };

struct qbid_period {
    int64_t from_unix_s, until_unix_s; /* whole days of UTC; weeks begin on Monday */
};

/** The period around a moment. QBID_ERR_INVAL for another kind. */
int qbid_period_of(enum qbid_period_kind kind, int64_t unix_s, struct qbid_period *ret_period);

/* How a budget stands. */
struct qbid_period_stand {
    int64_t expected_micros; /* by now */
    int64_t actual_micros;
    int64_t left_micros;                      /* of the budget; 0 when overspent */
    int64_t day_micros[QBID_PERIOD_DAYS_MAX]; /* what is left, by day from today; they sum to it */
    uint32_t day_cnt;                         /* today's rest included */
};

/**
 * Set actual spend against what the hours so far should have cost, and spread what is left over the
 * hours to come.
 *
 * Shapes:  hours are QBID_PERIOD_HOURS weights >= 0 with a positive sum, or NULL = all alike;
 *          unix_s in the period; budget and actual >= 0.
 * Returns: 0. Where the hours to come weigh nothing they are taken as alike.
 * Errors:  QBID_ERR_INVAL.
 * Threads: pure.
 */
int qbid_period_stand(const struct qbid_period *period, int64_t unix_s, const double *hours,
                      int64_t budget_micros, int64_t actual_micros,
                      struct qbid_period_stand *ret_stand);

#endif
