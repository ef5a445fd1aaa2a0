/* SPDX-License-Identifier: Apache-2.0 */
/* What was promised and what came of a campaign's billed impressions, and what its target or its
 * caps may count on by that (control/models/pacing/tracking.h). */
#ifndef QBID_CONTROL_LEARN_CAMPAIGNS_TRACKING_H
#define QBID_CONTROL_LEARN_CAMPAIGNS_TRACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/ingest/outcome.h"
#include "control/models/pacing/market.h"
#include "control/models/pacing/resolving.h"
#include "control/models/rates/delay.h"
#include "control/models/value.h"

/* Clicks, conversions, nanos of revenue: by the cap that counts them. Promises are made when an
 * impression is clicked: clicks come at once and are many, so what hours, days and creatives do to
 * the rate of clicks is seen for what it is, and only what follows a click is left to be waited
 * for. A click keeps its own promise. */
struct qbid_tracking_counts {
    double promised[QBID_CAP_CNT];
    double realised[QBID_CAP_CNT];
    struct qbid_delay_cohorts convs; /* promised, by age */
};

struct qbid_tracking {
    int64_t since_s; /* the flight began, or its target changed */
    enum qbid_goal goal;
    int64_t target_micros;
    int64_t cap_micros[QBID_CAP_CNT];
    double billed_nanos;
    double owed_nanos;          /* to the goal's target, by the last period */
    double carried_nanos;       /* of it, from the flight before */
    double click[QBID_CAP_CNT]; /* what a click of the last bills would promise */
    struct qbid_tracking_counts flight;
    struct qbid_tracking_counts memory; /* by half-life, across flights */
    int64_t memory_s;                   /* when it was last decayed */
    struct {
        double promised, sampled; /* against what the sample said, by half-life */
        double fit;
        double expected;                  /* of this flight, by the sample and its fit */
        double seen_promised, seen_nanos; /* promised and spent by the last period */
        int64_t at_s;
    } fit[QBID_CAP_CNT];
};

/* The samples' tables of the last day as one, each by the auctions that it stands for. Not saved:
 * it is made anew within hours. */
struct qbid_tracking_market {
    struct qbid_resolving table;
    double weight;
    int64_t at_s;
    uint64_t posted;
};

/* A metric with its target. */
struct qbid_tracking_target {
    enum qbid_cap metric;
    double unit_nanos; /* spend allowed for a click, a conversion, a nano of revenue */
};

struct qbid_tracking_now {
    const struct qbid_delay_curve *curve; /* NULL: everything has matured */
    int64_t now_s;
    double rest_nanos; /* spend to come in this flight */
};

/** Metric that a goal with a target counts; QBID_CAP_CNT for goals without. Pure. */
enum qbid_cap qbid_tracking_metric(enum qbid_goal goal);

/** A target by the cap that counts the same, target_micros as there. Pure. */
struct qbid_tracking_target qbid_tracking_target(enum qbid_cap metric, int64_t target_micros);

/** Begin a flight: what the model is off by is kept, and a part of what the last one owes, so that
 *  days that each end a little short do not add up. */
void qbid_tracking_begin(struct qbid_tracking *tracking, int64_t now_s);

/** Begin anew if the campaign's targets are others than they were. Returns whether they are. */
bool qbid_tracking_follow(struct qbid_tracking *tracking, const struct qbid_campaign_def *campaign,
                          int64_t now_s);

/* What the model says of one click. */
struct qbid_tracking_promise {
    double cvr, order_micros;
};

/** Count a BILL or a CLICK (with what a click of it promises) or a CONV; others are ignored. */
void qbid_tracking_post(struct qbid_tracking *tracking, const struct qbid_outcome *outcome,
                        const struct qbid_tracking_promise *promise, int64_t spent_nanos,
                        int64_t now_s);

/** What one unit of worth in the sample allows to be spent from here on. */
double qbid_tracking_allowed(const struct qbid_tracking *tracking,
                             const struct qbid_tracking_target *target,
                             const struct qbid_tracking_now *now);

/** Keep in mind what the flight owes the goal's target. */
void qbid_tracking_owe(struct qbid_tracking *tracking, const struct qbid_tracking_target *target,
                       const struct qbid_tracking_now *now);

/** Take a period: how much of the metric the sample saw for a nano spent at the multiplier in
 * force; 0 = it says nothing. */
void qbid_tracking_fit(struct qbid_tracking *tracking, enum qbid_cap metric, double sampled,
                       int64_t now_s);

/** Add a table that stands for the results since the last one. */
void qbid_tracking_market_add(struct qbid_tracking_market *market,
                              const struct qbid_resolving *table, uint64_t posted, int64_t now_s);

#endif
