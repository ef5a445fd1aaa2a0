/* SPDX-License-Identifier: Apache-2.0 */
/* The daily budgets of a strategy without a ledger of its own: one bidder, one clock, so it is
 * simple. A bid is set aside until it is billed, lost, or older than notices are accepted. */
#ifndef QBID_TOOLS_SIM_STRATEGY_PURSE_H
#define QBID_TOOLS_SIM_STRATEGY_PURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sim/strategy/strategy.h"

#define QBID_SIM_PURSE_OPEN 65536 /* bids within the time of notices */

struct qbid_sim_purse {
    int64_t budget_nanos[QBID_SIM_CAMPAIGNS_MAX]; /* a day */
    int64_t spent_nanos[QBID_SIM_CAMPAIGNS_MAX];  /* today */
    int64_t open_nanos[QBID_SIM_CAMPAIGNS_MAX];
    uint64_t day, first, next; /* open bids have nonces first .. next - 1 */
    struct qbid_sim_purse_bid {
        uint64_t time_ns;
        int64_t nanos; /* 0 = settled */
        uint32_t campaign;
    } open[QBID_SIM_PURSE_OPEN];
};

void qbid_sim_purse_init(struct qbid_sim_purse *purse, const struct qbid_sim_brief *brief);

/** Set a bid aside and give it its nonce; false when the money is not there. */
bool qbid_sim_purse_reserve(struct qbid_sim_purse *purse, uint32_t campaign,
                            struct qbid_sim_bid *bid);

/** Settle by a notice, once. Returns nanos spent by it. */
int64_t qbid_sim_purse_hear(struct qbid_sim_purse *purse, const struct qbid_sim_notice *notice);

/** Let old bids go, and begin a new day. */
void qbid_sim_purse_tick(struct qbid_sim_purse *purse, uint64_t now_ns);

#endif
