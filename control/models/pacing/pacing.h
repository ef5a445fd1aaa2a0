/* SPDX-License-Identifier: Apache-2.0 */
/* The pacing multiplier of a campaign: one step per control period, from what was spent and seen.
 */
#ifndef QBID_CONTROL_MODELS_PACING_PACING_H
#define QBID_CONTROL_MODELS_PACING_PACING_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/models/pacing/market.h"
#include "control/models/pacing/resolving.h"

/* One period:
 *
 *   budget left, plan left, demand level  --> rho = demand of an auction now x budget left / demand
 * left, at most velocity_max times the even rate sample of auctions (market)           -->
 * alpha_budget: spend(alpha) * bias = rho without a sample                    --> alpha_budget *=
 * (rho / observed)^gain realised against predicted worth      --> alpha_goal: scale * worth(alpha)
 * >= bias * spend(alpha) pace = min(alpha_budget, alpha_goal), each held within step_lg octaves a
 * period and [pace_min, pace_max]
 *
 * The demand level (a unit of plan) and the bias (spend observed / predicted at the pace
 * in force) follow the cumulative counters with short memories, so any period from seconds to an
 * hour works and a lost period costs nothing.
 */
/* How the budget's multiplier is led without a sample of auctions. */
enum qbid_pacing_feedback {
    QBID_PACING_DUAL,    /* a step of dual mirror descent a period */
    QBID_PACING_RECEDING /* towards the required rate by the observed one of the last periods */
};

struct qbid_pacing_params {
    double step_lg;      /* largest move of log2 pace a period, default 0.3 */
    double pace_min;     /* > 0 */
    double pace_max;     /* >= pace_min */
    double pace_safe;    /* conservative multiplier, for stale data */
    double ahead;        /* of QBID_PACING_AHEAD: the wanted rate falls from 1 + ahead to
                            1 - ahead times the even one over the flight, default 0.5 */
    double velocity_max; /* wanted rate against the even one since the flight began or its
                            budget changed; 0 = no limit, default 4 */
    enum qbid_pacing_feedback feedback; /* default QBID_PACING_DUAL */
    double gain;             /* part of the way that one period goes, in (0, 1], default 0.5 */
    double plan_memory;      /* of the traffic level, as a part of the plan, default 0.01 */
    double bias_memory;      /* of the bias, in periods, default 10 */
    double goal_prior_nanos; /* worth that predictions are trusted with before outcomes count, e.g.
                                twenty clicks or conversions at the target */
    uint32_t hold_periods;   /* older snapshots change nothing, default 3 */
    uint32_t decay_periods;  /* older ones move the pace to pace_safe, default 10 */
};

/* What a period saw. All sums are cumulative since the start of the flight (or of the day of a
 * daily budget) and restart with it. */
struct qbid_pacing_in {
    enum qbid_pacing_mode mode;
    int has_cap; /* goal caps alpha by realised worth: qbid_value_has_cap() */
    double budget_nanos;
    double spent_nanos;
    double plan_done; /* part of the flight's expected traffic that is over, [0, 1] */
    double plan_step; /* part that one period takes, >= 0 */
    double auctions;  /* eligible auctions so far */
    /* Where hours are worth more or less than others, money goes where it buys most when the
     * multiplier stays as it is: auctions count by the spend that their hour brings then. */
    double demand;                /* of the auctions so far; 0 = each counts 1 */
    double demand_now;            /* of an auction now; 0 = 1 */
    double demand_forecast;       /* of the whole flight; 0 = unknown */
    double worth_realised_nanos;  /* qbid_value_realised() of the goal's window, matured */
    double worth_predicted_nanos; /* sum of values in the row over the same won impressions */
    double worth_spent_nanos;     /* what they cost */
    /* Where the goal's calibration is known: what a unit of worth of goal_table allows to be spent;
     * worth_* are not looked at then. */
    double goal_scale;                       /* 0 = not known */
    const struct qbid_resolving *goal_table; /* of a longer time than resolving; may be NULL */
    int goal_search;  /* it is not heard of while others are: its multiplier is too small to tell */
    double alpha_cap; /* no multiplier above this, whatever the budget; 0 = none */
    double age_periods;               /* of the snapshot */
    int overridden;                   /* what is bid is not the pace alone: it stays as it is */
    const struct qbid_market *market; /* NULL = no sample; prices under about the pace in force */
    const struct qbid_resolving *resolving; /* a table made from it, used instead; NULL = none */
};

enum qbid_pacing_why {
    QBID_PACING_WHY_SOLVED = 1u << 0,   /* by the sample of auctions */
    QBID_PACING_WHY_FEEDBACK = 1u << 1, /* by observed against required spend */
    QBID_PACING_WHY_GOAL = 1u << 2,     /* the goal is the smaller multiplier */
    QBID_PACING_WHY_CLAMPED = 1u << 3,  /* a limit or the step cut it */
    QBID_PACING_WHY_HELD = 1u << 4,     /* stale or impossible input */
    QBID_PACING_WHY_DECAYED = 1u << 5,  /* stale for long */
    QBID_PACING_WHY_SPENT = 1u << 6,    /* no budget left */
    QBID_PACING_WHY_VELOCITY = 1u << 7, /* the limit on the rate of spend cut what was wanted */
    QBID_PACING_WHY_OVERRIDE = 1u << 8  /* held by the operator's override */
};

struct qbid_pacing_state {
    double pace; /* what the bidders multiply by */
    double alpha_budget;
    double alpha_goal;
    double rho_nanos; /* wanted spend an auction; 0 = not known */
    double bias;      /* spend observed / predicted */
    uint32_t why;     /* enum qbid_pacing_why */
    uint32_t faults;  /* periods in a row with impossible input */
    /* memory of the filters */
    double auctions, plan_done, spent_nanos;
    double demand;
    double level; /* demand a unit of plan */
    double even;  /* nanos a unit of plan that lead evenly to the end */
    double budget_nanos;
    double debt; /* of dual descent: error that is still to be acted on, in periods' wanted spend */
    double window_observed_nanos, window_predicted_nanos, window_auctions;
};

/** The defaults named above, limits [1/64, 64], conservative multiplier 0.5. */
struct qbid_pacing_params qbid_pacing_defaults(void);

/** State of a campaign that starts, or restarts after a stop, at a known pace. */
struct qbid_pacing_state qbid_pacing_start(const struct qbid_pacing_params *params, double pace);

/**
 * One control period.
 *
 * Shapes:  params as documented; everything else may be anything: NaN, infinite and negative
 * numbers hold the pace, and count as a stale snapshot when they persist. Returns: the new state;
 * pace and both alphas in [pace_min, pace_max], log2 pace within step_lg of the last (a last pace
 * outside the limits, or none, is pace_safe). Threads: pure. Cost:    three inversions of the
 * sample. Source:  re-solving (ALGORITHMS 3.6) with the min rule and anti-windup of 3.1, layers 1
 * and 2 of 3.4, clamps of 3.10.
 */
struct qbid_pacing_state qbid_pacing_step(const struct qbid_pacing_params *params,
                                          const struct qbid_pacing_in *in,
                                          struct qbid_pacing_state before);

#endif
