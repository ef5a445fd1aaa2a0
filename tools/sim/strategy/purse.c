/* SPDX-License-Identifier: Apache-2.0 */
/* Open bids in order of time. */
#include "tools/sim/strategy/purse.h"

#include <string.h>

#include "shm/event.h"
#include "shm/units.h"

#define DAY_NS (UINT64_C(86400) * QBID_NS_PER_S)
#define OPEN_NS (65 * QBID_NS_PER_S)

void qbid_sim_purse_init(struct qbid_sim_purse *purse, const struct qbid_sim_brief *brief)
{
    memset(purse, 0, sizeof *purse);
    for (uint32_t c = 0; c < brief->market->params.campaigns; c++)
        purse->budget_nanos[c] = brief->task[c].budget_nanos;
}

bool qbid_sim_purse_reserve(struct qbid_sim_purse *p, uint32_t campaign, struct qbid_sim_bid *bid)
{
    if (p->spent_nanos[campaign] + p->open_nanos[campaign] + bid->bid_micros >
            p->budget_nanos[campaign] ||
        p->next - p->first == QBID_SIM_PURSE_OPEN)
        return false;
    bid->nonce = p->next++;
    p->open[bid->nonce % QBID_SIM_PURSE_OPEN] =
        (struct qbid_sim_purse_bid){bid->time_ns, bid->bid_micros, campaign};
    p->open_nanos[campaign] += bid->bid_micros;
    return true;
}

static struct qbid_sim_purse_bid *settle(struct qbid_sim_purse *p, uint64_t nonce)
{
    struct qbid_sim_purse_bid *bid = &p->open[nonce % QBID_SIM_PURSE_OPEN];
    if (nonce < p->first || nonce >= p->next || bid->nanos == 0)
        return NULL;
    p->open_nanos[bid->campaign] -= bid->nanos;
    bid->nanos = 0;
    return bid;
}

int64_t qbid_sim_purse_hear(struct qbid_sim_purse *p, const struct qbid_sim_notice *notice)
{
    if (notice->kind != QBID_EVENT_BILL && notice->kind != QBID_EVENT_LOSS)
        return 0;
    const struct qbid_sim_purse_bid *bid = settle(p, notice->bid.nonce);
    if (!bid || notice->kind == QBID_EVENT_LOSS)
        return 0;
    if (bid->time_ns / DAY_NS == p->day)
        p->spent_nanos[bid->campaign] += notice->price_nanos;
    return notice->price_nanos;
}

void qbid_sim_purse_tick(struct qbid_sim_purse *p, uint64_t now_ns)
{
    while (p->first < p->next &&
           p->open[p->first % QBID_SIM_PURSE_OPEN].time_ns + OPEN_NS < now_ns) {
        settle(p, p->first);
        p->first++;
    }
    if (now_ns / DAY_NS == p->day)
        return;
    p->day = now_ns / DAY_NS;
    memset(p->spent_nanos, 0, sizeof p->spent_nanos);
}
