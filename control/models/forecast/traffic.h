/* SPDX-License-Identifier: Apache-2.0 */
/* How auctions spread over time: counts by the hour of the week, learned for a campaign with
 * shrinkage to its account, and the curve of expected traffic that a plan of spending follows.
 *
 *   flat <- account: hour of day <- account: hour of week <- campaign: hour of day <- hour of week
 *
 * Each level is the one to its left times a ratio for each of its cells; how much of a ratio is
 * believed follows from how the cells differ beyond what noise explains. All hours are UTC: a time
 * zone only shifts the curve, and a change to summer time is relearned with the counts' memory of
 * about two weeks.
 */
#ifndef QBID_CONTROL_MODELS_FORECAST_TRAFFIC_H
#define QBID_CONTROL_MODELS_FORECAST_TRAFFIC_H

#include <stdint.h>

#define QBID_TRAFFIC_HOURS 168 /* hour 0 is Monday, 00:00 to 01:00 UTC */
#define QBID_TRAFFIC_DAYS 56   /* of history */
#define QBID_TRAFFIC_AHEAD 28  /* days whose level is forecast; the last one's goes on */

/* Counts of one campaign or account. A count is worth half with every week that passes. */
struct qbid_traffic {
    float events[QBID_TRAFFIC_HOURS];
    float seconds[QBID_TRAFFIC_HOURS]; /* in which there could have been events */
    float visits[QBID_TRAFFIC_HOURS];  /* in how many weeks an hour was seen */
    float day_events[QBID_TRAFFIC_DAYS];
    float day_expected[QBID_TRAFFIC_DAYS]; /* seconds times the curve that was valid then */
    int64_t hour_unix;                     /* hour that is being counted, since 1970; 0 = none */
    int64_t day_unix;                      /* the newest day counted; 0 = none */
};

/* Expected traffic: relative to its mean, 1 on average over a week at the level of today. */
struct qbid_traffic_curve {
    float hour[QBID_TRAFFIC_HOURS];
    float until[QBID_TRAFFIC_HOURS + 1]; /* seconds of mean traffic since Monday */
    float day[QBID_TRAFFIC_AHEAD];       /* level of today = 1, tomorrow, ... */
    int64_t today;                       /* UTC day since 1970 of day[0] */
};

/** Traffic that is the same at all times. */
void qbid_traffic_flat(struct qbid_traffic_curve *ret_curve);

/**
 * Count events that came in [from, to) of wall-clock time, evenly.
 *
 * Shapes:  seconds since 1970; nothing is counted for to <= from, a span over a day, negative or
 * not finite numbers. curve: the one in force, for the level of the days; NULL = flat. Cost:    the
 * hours that the span touches.
 */
void qbid_traffic_note(struct qbid_traffic *traffic, double from_unix_s, double to_unix_s,
                       double events, const struct qbid_traffic_curve *curve);

/** Add a campaign's counts to an account's, each campaign by its own mean rate, so that neither
 * large campaigns nor the hours in which they could bid bend the account's curve. curve: the last
 * one of the account, or NULL. Cost: some microseconds. */
void qbid_traffic_add(struct qbid_traffic *sum, const struct qbid_traffic *traffic,
                      const struct qbid_traffic_curve *curve);

/** Events a second of mean traffic, over all that was counted; 0 = nothing yet, and fewer seconds
 * than an hour's do not count. */
double qbid_traffic_rate(const struct qbid_traffic *traffic,
                         const struct qbid_traffic_curve *curve);

/**
 * The curve of what was counted.
 *
 * Shapes:  parent: curve of the account, whose days are taken until the campaign
 *          has two weeks of its own; NULL = flat. now: the day from which levels go on.
 * Returns: the curve; hours never seen are the parent's, and all are positive.
 * Threads: pure but for scratch that it allocates for the level (without memory: no trend).
 * Cost:    some microseconds, and with over two weeks of days a forecast of 56 values, once a day
 *          is enough.
 * Source:  shrinkage by the moment estimate of the variance between cells (DerSimonian and Laird
 *          1986); level of the days: control/models/forecast/forecast.h.
 */
void qbid_traffic_fit(const struct qbid_traffic *traffic, const struct qbid_traffic_curve *parent,
                      int64_t now_unix_s, struct qbid_traffic_curve *ret_curve);

/** The same, but the level of the days stays that of `before`, its own last curve, while that is of
 *  the same day: only days that are over make it, so no fit of the day has more to go on. */
void qbid_traffic_refit(const struct qbid_traffic *traffic, const struct qbid_traffic_curve *parent,
                        const struct qbid_traffic_curve *before, int64_t now_unix_s,
                        struct qbid_traffic_curve *ret_curve);

/** Traffic expected in [from, to), as seconds of mean traffic. >= 0. Cost: at most the days ahead.
 */
double qbid_traffic_between(const struct qbid_traffic_curve *curve, double from_unix_s,
                            double to_unix_s);

/** Traffic at a moment against the mean. */
double qbid_traffic_at(const struct qbid_traffic_curve *curve, double unix_s);

#endif
