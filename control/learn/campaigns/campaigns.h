/* SPDX-License-Identifier: Apache-2.0 */
/* What the learner keeps by campaign: price samples, the flight's counts, and the pacer's state. */
#ifndef QBID_CONTROL_LEARN_CAMPAIGNS_CAMPAIGNS_H
#define QBID_CONTROL_LEARN_CAMPAIGNS_CAMPAIGNS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/keymap.h"
#include "control/learn/campaigns/corrections.h"
#include "control/learn/campaigns/emergency.h"
#include "control/learn/campaigns/tracking.h"
#include "control/learn/market/price_samples.h"
#include "control/models/forecast/traffic.h"
#include "control/models/pacing/pacing.h"
#include "control/models/rates/delay.h"

struct qbid_dayparts;

/* Counts since the flight (or the day of a daily budget) began. */
struct qbid_flight {
    int64_t start_unix_s;
    int64_t end_unix_s;
    int64_t spent_before_nanos; /* of the budget, when it began */
    uint64_t bids;
    double demand; /* of them: see control/models/pacing/pacing.h */
    uint64_t clicks;
    uint64_t convs;
    int64_t revenue_nanos;
    double predicted_nanos; /* sum of row values over billed impressions */
    double billed_nanos;    /* what they cost */
};

/* What the caps of a campaign do to it; see control/learn/pacing/strategy.h. */
struct qbid_strategy {
    double cap_price[QBID_CAP_CNT]; /* by which the values of the last plan were mixed */
};

struct qbid_campaign_state {
    uint32_t id;
    bool dirty; /* changed since the last save */
    struct qbid_price_samples samples;
    struct qbid_flight flight;
    struct qbid_delay_cohorts predicted; /* flight.predicted_nanos by age, goals of conversions */
    struct qbid_delay_cohorts billed;    /* flight.billed_nanos by age */
    struct qbid_pacing_state pacing;
    uint64_t paced_ns;               /* when the pacer last stepped, 0 = never */
    uint64_t heard_ns;               /* last outcome */
    double demand_now;               /* of a bid, of the last period; 0 = 1 */
    double demand_per_s;             /* of its bids, a slow average; survives the flight */
    double paced_demand;             /* flight.demand at that step */
    double win_rate;                 /* of the last few hundred results */
    struct qbid_resolving resolving; /* lambda(rho) of the samples; resolved says as of when */
    struct {
        uint32_t plan;   /* that gave the values, 0 = there is no table */
        uint32_t points; /* in it */
        uint64_t posted; /* samples by then */
    } resolved;
    struct qbid_traffic traffic;
    struct qbid_traffic_curve curve; /* that the plan follows; see control/learn/pacing/demand.h */
    double plan_total;               /* traffic of the flight by it; 0 = not known yet */
    struct qbid_strategy strategy;
    struct qbid_tracking tracking;
    struct qbid_tracking_market market; /* of a day, for a target */
    uint64_t others_bids;               /* of all campaigns, at its own last one */
    double alpha_cap;                   /* of the last period, 0 = none */
    bool overridden;                    /* its pacer waits: qbid_learner_override() */
    struct qbid_dayparts *dayparts;     /* NULL = always; see control/learn/campaigns/dayparts.h */
    struct qbid_campaign_correction correction;
    struct qbid_emergency emergency;
};

struct qbid_campaigns {
    struct qbid_campaign_state *state;
    uint32_t cnt;
    uint32_t capacity;
    uint32_t sample_max;
    struct qbid_pacing_params pacing;
    struct qbid_keymap map;
};

void qbid_campaigns_done(struct qbid_campaigns *campaigns);

/** State of a campaign, made when missing; NULL without memory. Valid until the next touch. */
struct qbid_campaign_state *qbid_campaigns_touch(struct qbid_campaigns *campaigns, uint32_t id);

/** Count an outcome at a unix time. A conversion of a bid before the flight is not the flight's. */
void qbid_campaign_post(struct qbid_campaign_state *state, const struct qbid_outcome *outcome,
                        int64_t spent_nanos, int64_t now_s);

/** Begin a new flight when the campaign's dates (or the UTC day of a daily budget) changed. */
void qbid_campaign_roll(struct qbid_campaign_state *state, const struct qbid_campaign_def *campaign,
                        int64_t spent_nanos, int64_t now_unix_s);

/** Flight of a campaign at a time: its own dates, or the day of a daily budget within them. */
void qbid_campaign_span(const struct qbid_campaign_def *campaign, int64_t now_unix_s,
                        int64_t *ret_start_unix_s, int64_t *ret_end_unix_s);

#endif
