/* SPDX-License-Identifier: Apache-2.0 */
/* Days of one campaign in a market of 48 contexts, through the real learner and pacer. */
#ifndef QBID_TESTS_CONTROL_LEARN_PACING_STRATEGY_WORLD_H
#define QBID_TESTS_CONTROL_LEARN_PACING_STRATEGY_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "control/learn/state/learner_state.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"

#define CONTEXTS 48
#define AUCTIONS 60000                  /* a day */
#define DAYS 3                          /* the first is not judged */
#define ORDER_NANOS INT64_C(1000000000) /* value of a conversion */
#define PERIOD_S 180
#define LEARN_PERIODS 10
#define DAY_S 86400
#define TEACHER 99                       /* id */
#define BEGIN_S (INT64_C(19723) * DAY_S) /* 2024-01-01 */

/* One context: what is true of it. */
struct place {
    uint64_t context;
    double ctr, cvr, price_micros;
};

struct auction {
    uint32_t place;
    float price_micros;
};

/* A conversion that is to come. */
struct late {
    int64_t due_s;
    uint64_t bid_ns;
    uint32_t place;
    int64_t value_nanos;
};

struct world {
    struct learn_fixture f;
    struct qbid_learner *learner;
    struct qbid_dictionary *dictionary;
    struct place place[CONTEXTS];
    struct auction auction[AUCTIONS * DAYS];
    struct rng r;
    int64_t spent_nanos, day_spent_nanos; /* of the campaign; when its day began */
    bool first_price;
    /* what is true, and not told: factors of both rates; the clicks' also by the time of day */
    double click_lift, conv_lift, swing;
    double delay_s, order_sd; /* mean time to a conversion; log-sd of its value */
    struct late *late;
    uint32_t late_cnt, late_max;
};

/* Counts of what was won: by the true rates, and as it came. */
struct won {
    double clicks, convs, revenue, spend; /* expected; units of money */
    double clicks_seen, convs_seen, revenue_seen;
};

#define MICROS(x) ((int64_t)((x)*1e6))

struct world *world_new(uint64_t seed);
void world_free(struct world *w);
struct qbid_campaign_def *world_campaign(struct world *w);

/** An outcome of an auction of the campaign's; bid_ns: when it was bid for. */
void world_post(struct world *w, int kind, const struct auction *a, double bid_micros,
                int64_t price_nanos, float value, float pace, uint64_t now_ns);

/** What is judged is the strategy: the rates are told every night, as exactly as whole numbers say
 *  them, under the name of a campaign that has bought nothing. */
void world_teach(struct world *w, int day);

void world_plan(struct world *w);
float world_pace(struct world *w, int64_t now_s);

/** One auction; the guard lets nothing pass the day's budget. */
void world_bid(struct world *w, const struct auction *a, float paced, uint64_t now_ns,
               struct won *won);

/** Clicks at a time of day against those that are told. */
double world_lift(const struct world *w, int64_t now_s);

/** A day: rates told, plans and periods. */
struct won world_day(struct world *w, int day);

#endif
