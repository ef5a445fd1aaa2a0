/* SPDX-License-Identifier: Apache-2.0 */
/* One strategy in one loop world from the first day to the last, and what it came to. */
#ifndef QBID_TOOLS_SIM_LOOP_RUN_H
#define QBID_TOOLS_SIM_LOOP_RUN_H

#include <stdint.h>

#include "tools/sim/loop/check.h"
#include "tools/sim/loop/host.h"
#include "tools/sim/loop/world.h"

enum qbid_loop_strategy {
    QBID_LOOP_FULL,   /* agents, decisions, executions within limits */
    QBID_LOOP_STATIC, /* the budgets of the first day stay */
    QBID_LOOP_NOTES,  /* the design notes' rules: the 20/20 shift every hour, raw thresholds */
    QBID_LOOP_SHIFT,  /* their shift alone, once a day on a whole day's figures */
    QBID_LOOP_ORACLE  /* every day the best split by the true curves */
};
#define QBID_LOOP_STRATEGY_CNT 5

const char *qbid_loop_strategy_name(enum qbid_loop_strategy strategy);
const char *qbid_loop_strategy_text(enum qbid_loop_strategy strategy);

struct qbid_loop_result {
    double value; /* expected, by the true rates, of what was won: no luck in it; currency units */
    double revenue; /* drawn: what the engine was told */
    int64_t spend_nanos;
    double day_value[QBID_LOOP_DAYS_MAX];
    uint64_t auctions, bids, wins, clicks, conversions;
    uint64_t lost_notices; /* that found the ring full: must be 0 */
    struct qbid_loop_check check;
};

struct qbid_loop_run_params {
    const struct qbid_loop_world *world;
    enum qbid_loop_strategy strategy;
    const char *folder;   /* empty, of this run */
    const char *settings; /* of the full loop, in place of the usual ones; NULL = these */
};

/** NOMEM and whatever qbidd's parts refuse, with why. */
int qbid_loop_run(const struct qbid_loop_run_params *params, struct qbid_loop_result *ret_result,
                  char why[QBID_LOOP_WHY_MAX]);

#endif
