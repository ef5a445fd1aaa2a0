/* SPDX-License-Identifier: Apache-2.0 */
/* One strategy in one market for some days: the auctions, what becomes of each bid, and the sums.
 */
#ifndef QBID_TOOLS_SIM_MARKET_WORLD_H
#define QBID_TOOLS_SIM_MARKET_WORLD_H

#include <stdint.h>

#include "tools/sim/market/competitor.h"
#include "tools/sim/arena/ladder.h"
#include "tools/sim/strategy/strategy.h"
#include "tools/sim/market/traffic.h"

#define QBID_SIM_SLICES 96 /* of the judged day: a quarter of an hour each */

/* How notices come. Bills come late or twice, but they come: what a lost bill costs is the subject
 * of the runs with faults (tools/sim/faults/faults.h). */
struct qbid_sim_notices {
    double delay_s; /* mean of win, loss, bill and impression */
    double lost;    /* part of wins, losses, impressions and clicks that never come */
    double twice;   /* part that comes again */
    double late;    /* part that comes after the time for notices is over */
};

struct qbid_sim_campaign_sums {
    int64_t budget_nanos;
    int64_t spend_nanos;
    double value_nanos;   /* expected, by the true rates: what is judged */
    double revenue_nanos; /* drawn */
    double conversions_expected;
    uint64_t bids, wins, clicks, conversions;
};

struct qbid_sim_result {
    struct qbid_sim_campaign_sums campaign[QBID_SIM_CAMPAIGNS_MAX]; /* of the judged day */
    uint64_t auctions;
    uint64_t faults;                  /* invariants of the ledger that broke */
    double spend_by[QBID_SIM_SLICES]; /* all campaigns, at the end of each slice, nanos */
    double value_by[QBID_SIM_SLICES];
    double auctions_by[QBID_SIM_SLICES];
};

struct qbid_sim_world_params {
    const struct qbid_sim_market *market;
    const struct qbid_sim_audience *audience;
    struct qbid_sim_task task[QBID_SIM_CAMPAIGNS_MAX];
    double level[QBID_SIM_CAMPAIGNS_MAX]; /* as in the brief */
    struct qbid_sim_notices notices;
    const struct qbid_sim_traffic
        *from;                      /* traffic as it stands when first_day begins; NULL = day 0 */
    struct qbid_sim_ladder *ladder; /* to watch the judged day of qbid; NULL = none */
    uint32_t first_day; /* that is simulated: 0, or later for one that has nothing to learn */
    uint32_t judged_day;
};

/** Run from first_day to the end of judged_day. What the strategy returns, or NOMEM. */
int qbid_sim_world_run(const struct qbid_sim_world_params *params,
                       const struct qbid_sim_strategy *strategy,
                       struct qbid_sim_result *ret_result);

#endif
