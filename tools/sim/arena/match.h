/* SPDX-License-Identifier: Apache-2.0 */
/* All strategies in one market: budgets and targets that mean something there, the levels that are
 * found in hindsight, and every strategy's result. */
#ifndef QBID_TOOLS_SIM_ARENA_MATCH_H
#define QBID_TOOLS_SIM_ARENA_MATCH_H

#include "tools/sim/market/world.h"

/* In the order of reports; those from the oracle on are told the truth or tuned in hindsight. */
enum {
    QBID_SIM_QBID,
    QBID_SIM_NOTES,
    QBID_SIM_ASAP,
    QBID_SIM_ORACLE,
    QBID_SIM_HINDSIGHT,
    QBID_SIM_CONSTANT,
    QBID_SIM_STRATEGIES
};

extern const struct qbid_sim_strategy *const qbid_sim_strategies[QBID_SIM_STRATEGIES];

struct qbid_sim_match_params {
    struct qbid_sim_market_params market;
    struct qbid_sim_notices notices;
    enum qbid_goal goal; /* MAX_VALUE, TARGET_ROAS or TARGET_CPA */
    double budget;       /* of each campaign: part of what it would spend with no budget at all */
    double target; /* ROAS: times what the campaign has with no budget; CPA: the same, below */
    uint32_t learn_days;            /* before the judged one */
    struct qbid_sim_ladder *ladder; /* to watch qbid; NULL = none */
    uint32_t strategies;            /* bit i: qbid_sim_strategies[i] takes part */
};

struct qbid_sim_match {
    struct qbid_sim_task task[QBID_SIM_CAMPAIGNS_MAX];
    double level[QBID_SIM_STRATEGIES][QBID_SIM_CAMPAIGNS_MAX];
    struct qbid_sim_result result[QBID_SIM_STRATEGIES];
};

/** Second price, value in 0.3 of the unbounded spend, seven days of learning, every strategy. */
struct qbid_sim_match_params qbid_sim_match_defaults(void);

/** Play the market of one seed. NOMEM, INVAL. */
int qbid_sim_match_play(const struct qbid_sim_match_params *params,
                        struct qbid_sim_match *ret_match);

#endif
