/* SPDX-License-Identifier: Apache-2.0 */
/* All strategies on the test part of one log at one budget, with intervals. */
#ifndef QBID_TOOLS_SIM_RECORDED_MATCH_H
#define QBID_TOOLS_SIM_RECORDED_MATCH_H

#include "tools/sim/recorded/interval.h"
#include "tools/sim/recorded/players/replay.h"

/* Constant bid and linear, ORTB with either win rate, RLB; qbid; the knapsack. */
enum qbid_recorded_strategy {
    QBID_RECORDED_S_CONSTANT, /* the first four are the kinds of recorded_rules.h */
    QBID_RECORDED_S_LIN,
    QBID_RECORDED_S_ORTB1,
    QBID_RECORDED_S_ORTB2,
    QBID_RECORDED_S_RLB,
    QBID_RECORDED_S_OURS,
    QBID_RECORDED_S_HINDSIGHT,
    QBID_RECORDED_STRATEGIES
};

struct qbid_recorded_standing {
    struct qbid_recorded_tally sum;
    struct qbid_recorded_interval clicks, expected;
};

struct qbid_recorded_match {
    double budget;
    uint32_t test_cnt; /* auctions that are no cases */
    uint32_t block_cnt;
    struct qbid_recorded_standing standing[QBID_RECORDED_STRATEGIES];
    enum qbid_recorded_strategy best_expected, best_clicks; /* of those that ours is held against */
    double gain_expected, gain_clicks;                      /* ours / that one */
    struct qbid_recorded_interval gain_expected_in, gain_clicks_in;
};

/** Name of a strategy in reports ("lin"). */
const char *qbid_recorded_strategy_name(enum qbid_recorded_strategy strategy);

/**
 * Train, tune and replay.
 *
 * Shapes:  fraction in (0, 1] of the test part's cost is the budget; episode as in
 *          struct qbid_recorded_flights.
 * Errors:  QBID_ERR_NOMEM.
 */
int qbid_recorded_match_run(const struct qbid_recorded_log *log, double fraction, uint32_t episode,
                            struct qbid_recorded_match *ret_match);

#endif
