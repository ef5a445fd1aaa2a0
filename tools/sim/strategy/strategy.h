/* SPDX-License-Identifier: Apache-2.0 */
/* A strategy: it sees auctions, bids, hears notices and the clock. Each is judged alone in the same
 * market: the same auctions, users, draws and competitors. */
#ifndef QBID_TOOLS_SIM_STRATEGY_STRATEGY_H
#define QBID_TOOLS_SIM_STRATEGY_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sim/market/audience.h"
#include "tools/sim/market/calendar.h"
#include "tools/sim/market/competitor.h"
#include "tools/sim/market/market.h"
#include "tools/sim/market/portfolio.h"

/* What a strategy is given. The truth (market, audience, exposures, competitors) is for those that
 * are told it; the others take from the market what an operator knows: targeting and order values.
 */
struct qbid_sim_brief {
    const struct qbid_sim_market *market;
    const struct qbid_sim_audience *audience;
    const struct qbid_sim_exposures *exposures; /* of this strategy's own impressions */
    const struct qbid_sim_competitors *competitors;
    struct qbid_sim_task task[QBID_SIM_CAMPAIGNS_MAX];
    double level[QBID_SIM_CAMPAIGNS_MAX]; /* found in hindsight: multiplier, CPM, or 1 / target */
    uint32_t days;
    uint64_t seed; /* of its own randomness */
};

struct qbid_sim_strategy {
    const char *name;
    const char *text;
    /** NOMEM and whatever its parts refuse. */
    int (*begin)(const struct qbid_sim_brief *brief, void **ret_self);
    void (*end)(void *self);
    /** True and a bid, or no bid. Its time_ns, auction and values are set already. */
    bool (*bid)(void *self, const struct qbid_sim_auction *auction, struct qbid_sim_bid *ret_bid);
    void (*hear)(void *self, const struct qbid_sim_notice *notice, uint32_t worker);
    /** Once a second. */
    int (*tick)(void *self, uint64_t now_ns);
    /** Checks of its own books that failed; NULL = it has none. */
    uint64_t (*faults)(const void *self);
};

extern const struct qbid_sim_strategy qbid_sim_strategy_qbid;
/** The stages of qbid or asap, by what begin() gave. */
struct qbid_sim_stages;
struct qbid_sim_stages *qbid_sim_qbid_stages(const void *self);

extern const struct qbid_sim_strategy qbid_sim_strategy_asap;
extern const struct qbid_sim_strategy qbid_sim_strategy_notes;
extern const struct qbid_sim_strategy qbid_sim_strategy_constant;
extern const struct qbid_sim_strategy qbid_sim_strategy_oracle;
extern const struct qbid_sim_strategy qbid_sim_strategy_hindsight;

#endif
