/* SPDX-License-Identifier: Apache-2.0 */
/* A first-price day whose prices and traffic move, and one campaign on it with the real pacer: the
 * world that `qbid-sim train` learns the correction in. */
#ifndef QBID_TOOLS_SIM_TRAIN_DAY_H
#define QBID_TOOLS_SIM_TRAIN_DAY_H

#include <stdint.h>

#include "control/models/qlearning/correction.h"
#include "control/models/random.h"
#include "shm/shade.h"

/* Prices 0.6 LN(0, 0.5) + 0.4 LN(1.2, 0.3) times a level that moves over the day, values
 * LN(1, 0.6), in CPM units of 1e6 micros (the market of ALGORITHMS 3.2 and 3.4). */
struct qbid_day_kind {
    double auctions;    /* that the forecast promises */
    double busy;        /* real traffic against the forecast */
    double jump_at;     /* part of the day after which traffic is times jump */
    double jump;        /* 1 = no jump */
    double amplitude;   /* level = 1 + amplitude * sin(2 pi (t + phase)) */
    double phase;       /* in days */
    double budget_part; /* of what a bidder at multiplier 1 would spend */
    double truth; /* realised worth of one that was predicted, and must be as much as is spent;
                     0 = a goal without a cap, in the budget alone */
};

struct qbid_day {
    struct qbid_day_kind kind;
    uint32_t periods;
    uint32_t cnt, max; /* auctions */
    float *value, *price;
    uint32_t *start;     /* first auction of each period, periods + 1 */
    double *plan;        /* part of the expected traffic before each period, periods + 1 */
    double budget_nanos; /* 1e300 with a truth */
    double best_alpha;   /* the best single multiplier for the whole day, in hindsight */
    double best_worth_nanos, best_spent_nanos;
    double lambda;            /* price of budget at which an own multiplier for each hour is best */
    double hours_worth_nanos; /* what that is expected to be worth */
};

/** The shade table of the market at level 1. */
struct qbid_shade qbid_day_shade(void);

/** A day of the market that is trained on. */
struct qbid_day_kind qbid_day_kind_draw(double auctions, struct qbid_random *random);

/** Returns 0; QBID_ERR_NOMEM. qbid_day_done() frees it. */
int qbid_day_init(struct qbid_day *day, uint32_t periods, uint32_t auction_max);
void qbid_day_done(struct qbid_day *day);

/** Draw the day's auctions and find the best single multiplier; more than day->max are cut. */
void qbid_day_draw(struct qbid_day *day, const struct qbid_day_kind *kind,
                   const struct qbid_shade *shade, struct qbid_random *random);

#define QBID_DAY_SAMPLES_MAX 512

/* A campaign on a day. */
struct qbid_day_run {
    const struct qbid_day *day;
    const struct qbid_shade *shade;
    uint32_t samples; /* of auctions that the pacer is shown */
    uint32_t period;  /* next to be played */
    double spent_nanos, worth_nanos;
    double win_rate;
    struct qbid_pacing_params params;
    struct qbid_pacing_state pacing;
    struct qbid_pacing_in in; /* as the pacer last had it */
    struct qbid_correction_memory memory;
    struct qbid_situation situation; /* that the next step is taken in */
    struct qbid_market_point ring[QBID_DAY_SAMPLES_MAX];
    uint64_t seen;
};

/* Spend and worth of one period under a step. */
struct qbid_day_result {
    double spent_nanos, worth_nanos;
};

/** Begin the day; situation is the first one. */
void qbid_day_reset(struct qbid_day_run *run, const struct qbid_day *day,
                    const struct qbid_shade *shade, uint32_t samples);

/** What the next period is expected to give with a step: its very values, prices by their
 *  distribution of that hour, so that a step is judged without the noise of its prices. Changes
 *  nothing. */
struct qbid_day_result qbid_day_expect(const struct qbid_day_run *run, double step_lg);

/** The same at the multiplier 1 / lambda, whatever is left of the budget: what steps are measured
 *  from, since no step before changes it. */
struct qbid_day_result qbid_day_expect_priced(const struct qbid_day_run *run);

/** Situation that follows if the period just played had spent otherwise. */
struct qbid_situation qbid_day_situation_if(const struct qbid_day_run *run, double spent_nanos);

/** Play one period at the pacer's multiplier times 2^step_lg, then step the pacer. Returns whether
 *  the day goes on. */
int qbid_day_step(struct qbid_day_run *run, double step_lg);

#endif
