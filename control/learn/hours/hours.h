/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of the week: what clicks better or worse than its context says, for as long as the hour
 * lasts. */
#ifndef QBID_CONTROL_LEARN_HOURS_HOURS_H
#define QBID_CONTROL_LEARN_HOURS_HOURS_H

#include <stdint.h>

#include "control/account/dictionary.h"
#include "control/ingest/outcome.h"
#include "shm/dims.h"

#define QBID_HOURS_MAX (1u << QBID_DIM_BITS_HOUR) /* by value index; 0 = unknown */
#define QBID_HOURS_HALF_LIFE_S (56 * 86400.0)
#define QBID_HOURS_STEP_LG 0.3        /* largest move of log2 multiplier a tick */
#define QBID_HOURS_MULTIPLIER_MAX 2.0 /* and 1 / 2 */

/* Where no level has the hour, cells of all hours are one. An hour's ratio is its clicks against
 * what the values expect of its wins, shrunk to that of its hour of the day and its weekday; the
 * multiplier is that of the hours that requests come from now (they follow the users' clocks), so
 * it ends with them. */
struct qbid_hours {
    double clicks[QBID_HOURS_MAX];
    double expected[QBID_HOURS_MAX];
    double now[QBID_HOURS_MAX];   /* bids by hour, of the last minutes, as of at_s */
    double ratio[QBID_HOURS_MAX]; /* of the last tick; 0 = none yet, as 1 */
    int64_t at_s;                 /* to which all of them have faded */
    double multiplier;            /* in force; 0 = none yet, as 1 */
    uint8_t week[QBID_HOURS_MAX]; /* 1 + hour of the week of a value index; 0 = not known */
    uint32_t dirty;               /* changed since the last save */
    uint32_t pad;
};

/** Learn which hour of the week each value index is. */
void qbid_hours_name(struct qbid_hours *hours, const struct qbid_dictionary *dictionary);

/** Count a BID, the first word of a win, whose rate is expected_ctr, or a CLICK; others are
 * ignored. The hours of now are those of the last minutes, however far apart ticks are. */
void qbid_hours_post(struct qbid_hours *hours, const struct qbid_outcome *outcome,
                     double expected_ctr, int64_t now_s);

/** Ratio of the hour of a context: as many trials its impression counts for, so that what is left
 *  is the rate of an hour like all. */
static inline double qbid_hours_ratio(const struct qbid_hours *hours, uint64_t context)
{
    double ratio = hours->ratio[qbid_dim_unpack(context, QBID_DIM_HOUR)];
    return ratio > 0 ? ratio : 1;
}

/** A multiplier moved from what is in force (0 = none yet) towards the next, within the step and
 * the limits. */
double qbid_hours_step(double last, double next);

/** Fit the ratios and move the multiplier by a step at most; returns it. Source: gamma-Poisson as
 *  control/models/rates/effects.h; the step is ALGORITHMS 3.10's. */
double qbid_hours_tick(struct qbid_hours *hours, int64_t now_s);

#endif
