/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator of a generated market has: the account in qbid's terms, the names of all values,
 * and requests as an exchange sends them. */
#ifndef QBID_TOOLS_SIM_MARKET_PORTFOLIO_H
#define QBID_TOOLS_SIM_MARKET_PORTFOLIO_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "shm/request.h"
#include "tools/sim/market/market.h"

/* Wall clock at the beginning of a simulation: Monday, 2026-01-05 00:00 UTC. */
#define QBID_SIM_EPOCH_UNIX_S INT64_C(1767571200)
/* CLOCK_BOOTTIME then. */
#define QBID_SIM_EPOCH_BOOT_NS (UINT64_C(1000) * 1000000000)

/* What is asked of one campaign. */
struct qbid_sim_task {
    int64_t budget_nanos; /* a day */
    enum qbid_goal goal;
    int64_t target_micros;
    enum qbid_pacing_mode pacing;
};

struct qbid_sim_portfolio {
    struct qbid_account account;
    struct qbid_dictionary *dictionary;
    uint64_t hash[QBID_DIM_CNT][QBID_SIM_VALUES_MAX]; /* raw values as a request has them */
    struct qbid_request request;                      /* with everything that never changes */
};

/** Ids: campaign 1 + c, line item 1 + i with index i; each design of a line item's creatives comes
 * in every size, under an id of its own. NOMEM. */
int qbid_sim_portfolio_init(struct qbid_sim_portfolio *portfolio,
                            const struct qbid_sim_market *market, const struct qbid_sim_task *tasks,
                            uint32_t days);
void qbid_sim_portfolio_done(struct qbid_sim_portfolio *portfolio);

/** Creative id of a line item's design in a size; and back. */
static inline uint32_t qbid_sim_creative_id(uint32_t line_item, uint32_t design, uint32_t slot)
{
    return 1 + (line_item * QBID_SIM_CREATIVES + design) * QBID_SIM_SLOTS + slot;
}

static inline uint32_t qbid_sim_creative_design(uint32_t creative_id)
{
    return (creative_id - 1) / QBID_SIM_SLOTS % QBID_SIM_CREATIVES;
}

/** The request of an auction, in place of the last one. */
static inline const struct qbid_request *
qbid_sim_portfolio_request(struct qbid_sim_portfolio *portfolio, const struct qbid_sim_auction *a)
{
    struct qbid_request *r = &portfolio->request;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        r->dim[dim] = portfolio->hash[dim][a->value[dim]];
    r->slot[0] = r->dim[QBID_DIM_SLOT];
    r->segment[0] = r->dim[QBID_DIM_SEGMENT];
    r->id_hash = qbid_mix64(a->id + 1);
    r->user_key = (uint64_t)a->user + 1;
    r->floor_micros = (int64_t)a->floor_micros;
    return r;
}

#endif
