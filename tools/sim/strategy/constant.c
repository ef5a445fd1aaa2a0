/* SPDX-License-Identifier: Apache-2.0 */
/* The same bid for every impression that the targeting takes; the level is found in hindsight, so
 * that the day's money is just spent. Campaigns and line items take turns. */
#include <stdlib.h>

#include "shm/error.h"
#include "tools/sim/strategy/purse.h"

struct constant {
    const struct qbid_sim_brief *brief;
    struct qbid_sim_purse purse;
};

static int begin(const struct qbid_sim_brief *brief, void **ret_self)
{
    struct constant *s = calloc(1, sizeof *s);
    if (!s)
        return QBID_ERR_NOMEM;
    s->brief = brief;
    qbid_sim_purse_init(&s->purse, brief);
    *ret_self = s;
    return 0;
}

static bool bid(void *self, const struct qbid_sim_auction *a, struct qbid_sim_bid *ret_bid)
{
    struct constant *s = self;
    const struct qbid_sim_market *m = s->brief->market;
    for (uint32_t n = 0; n < m->line_item_cnt; n++) {
        uint32_t i = (uint32_t)((a->id + n) % m->line_item_cnt), c = m->line_item[i].campaign;
        if (!qbid_sim_eligible(&m->line_item[i], a))
            continue;
        ret_bid->bid_micros = (int64_t)s->brief->level[c];
        ret_bid->line_item = i;
        ret_bid->creative = (uint32_t)(a->id / m->line_item_cnt % QBID_SIM_CREATIVES);
        if ((float)ret_bid->bid_micros >= a->floor_micros &&
            qbid_sim_purse_reserve(&s->purse, c, ret_bid))
            return true;
    }
    return false;
}

static void hear(void *self, const struct qbid_sim_notice *notice, uint32_t worker)
{
    (void)worker;
    qbid_sim_purse_hear(&((struct constant *)self)->purse, notice);
}

static int tick(void *self, uint64_t now_ns)
{
    qbid_sim_purse_tick(&((struct constant *)self)->purse, now_ns);
    return 0;
}

const struct qbid_sim_strategy qbid_sim_strategy_constant = {
    .name = "constant",
    .text = "one bid for all, its level found in hindsight",
    .begin = begin,
    .end = free,
    .bid = bid,
    .hear = hear,
    .tick = tick};
