/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of the day of campaigns and line items: what each clicks better or worse at an hour than
 * all do.
 *
 *   account  hour of the week   control/learn/hours/hours.h
 *     x campaign  hour of the day
 *       x line item  hour of the day
 *
 * Each level is a gamma factor around what the others of the one above show, with a strength of its
 * own: where nothing differs all go together, and where campaigns differ a small one does not take
 * on the hours of the largest. */
#ifndef QBID_CONTROL_LEARN_HOURS_ITEM_HOURS_H
#define QBID_CONTROL_LEARN_HOURS_ITEM_HOURS_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/learn/hours/hours.h"

#define QBID_ITEM_HOURS_DAY 24

/* What a line item showed, faded as the account's hours are. */
struct qbid_item_hours_item {
    int64_t at_s;
    double clicks[QBID_ITEM_HOURS_DAY];
    double expected[QBID_ITEM_HOURS_DAY]; /* by the values, hours aside */
};

struct qbid_item_hours {
    struct qbid_item_hours_item *item; /* by line item index */
    uint8_t *dirty;
    float (
        *ratio)[QBID_ITEM_HOURS_DAY]; /* beside the account's, of the last tick; 0 = none, as 1 */
    double *multiplier; /* of the hours that it is, the account's included; 0 = none, as 1 */
    uint32_t item_max;
};

void qbid_item_hours_done(struct qbid_item_hours *hours);

/** Statistics of a line item, made when missing; NULL without memory. */
struct qbid_item_hours_item *qbid_item_hours_touch(struct qbid_item_hours *hours,
                                                   uint32_t line_item_idx);

/** Count what qbid_hours_post() counts; `account` knows the hours of the week. */
void qbid_item_hours_post(struct qbid_item_hours *hours, const struct qbid_hours *account,
                          const struct qbid_outcome *outcome, double expected_ctr, int64_t now_s);

/** Ratio of the hour of a context for a line item, the account's included. */
double qbid_item_hours_ratio(const struct qbid_item_hours *hours, const struct qbid_hours *account,
                             uint32_t line_item_idx, uint64_t context);

/**
 * Fit the ratios and move each multiplier by a step at most, after the account's tick.
 *
 * Returns: 0, QBID_ERR_NOMEM.
 * Cost:    1 us a line item.
 * Source:  gamma-Poisson as control/models/rates/effects.h, strengths by maximum likelihood.
 */
int qbid_item_hours_tick(struct qbid_item_hours *hours, const struct qbid_hours *account,
                         const struct qbid_account *campaigns, int64_t now_s);

/** Multiplier in force of a line item's values; 1 where nothing is known. */
static inline double qbid_item_hours_multiplier(const struct qbid_item_hours *hours,
                                                uint32_t line_item_idx)
{
    double now = line_item_idx < hours->item_max ? hours->multiplier[line_item_idx] : 0;
    return now > 0 ? now : 1;
}

/** Mean multiplier of line items, by the clicks that each has; 1 where nothing is known. */
double qbid_item_hours_mean(const struct qbid_item_hours *hours,
                            const struct qbid_line_item_def *const *items, uint32_t cnt);

#endif
