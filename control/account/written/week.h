/* SPDX-License-Identifier: Apache-2.0 */
/* Day-parting: hours of the week in which a campaign bids, and how high. */
#ifndef QBID_CONTROL_ACCOUNT_WRITTEN_WEEK_H
#define QBID_CONTROL_ACCOUNT_WRITTEN_WEEK_H

#include <stdbool.h>
#include <stdint.h>

#include "control/config/zone.h"

#define QBID_WEEK_HOURS 168
#define QBID_WEEK_TEXT_MAX 400
#define QBID_WEEK_WEIGHT_MAX 4.0

/* By hour of the week in local time, from Monday 0:00. 0 = no bids; else a factor on the pacer's
 * multiplier, and what the plan of spend goes by. */
struct qbid_week {
    bool given; /* false = always, with weight 1 */
    float weight[QBID_WEEK_HOURS];
};

/**
 * Read "mon-fri 8-20; sat,sun 10-18=0.5": entries divided by ";", of days, hours and a weight.
 *
 * Days are mon tue wed thu fri sat sun, lists and ranges of them, or *; "8-20" is from 8:00 to
 * 20:00, "8" the hour from 8:00, * all; a weight of 0..4, 1 when it is left out. Of entries that
 * overlap the later counts; an hour that no entry names is off. "" is always.
 *
 * Returns: NULL and *ret_hours, or what is wrong, static text.
 */
const char *qbid_week_parse(const char *text, struct qbid_week *ret_hours);

/** Weight at an instant. zone NULL = UTC. An hour that the clock leaves out in spring does not
 * come; one that it repeats in autumn counts both times. Threads: any. */
float qbid_week_weight(const struct qbid_week *hours, const struct qbid_zone *zone, int64_t unix_s);

/**
 * Weighted seconds from one instant to another: what a plan of spend is measured in.
 *
 * Returns: >= 0; 0 where `to` is not after `from`.
 * Cost:    a step a quarter of an hour, for two weeks at most: whole weeks before them count as 168
 *          hours each.
 */
double qbid_week_seconds(const struct qbid_week *hours, const struct qbid_zone *zone,
                         int64_t from_unix_s, int64_t to_unix_s);

#endif
