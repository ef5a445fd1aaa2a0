/* SPDX-License-Identifier: Apache-2.0 */
/* Two bidders that are told the truth, with the best fixed multiplier of the day, found in
 * hindsight.
 *
 * oracle     knows every parameter: rates, fatigue, landscapes and the rivals' multipliers, but not
 *            what is particular to one user, nor what this auction will cost
 * hindsight  knows that, too: it buys what is worth its price, at that price. No bidder with these
 *            budgets can do better in second price, but for what one day's fatigue and the rivals'
 *            reaction would gain by planning.
 */
#include <math.h>
#include <stdlib.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tools/sim/market/prices.h"
#include "tools/sim/strategy/purse.h"

struct oracle {
    const struct qbid_sim_brief *brief;
    struct qbid_sim_purse purse;
    struct qbid_sim_prices prices;
    uint32_t creative[QBID_SIM_LINE_ITEMS_MAX];
    uint64_t day, priced; /* turns of two hours: rivals move slowly */
    bool clairvoyant;
};

static int begin_as(const struct qbid_sim_brief *brief, bool clairvoyant, void **ret_self)
{
    struct oracle *s = calloc(1, sizeof *s);
    if (!s)
        return QBID_ERR_NOMEM;
    s->brief = brief;
    s->clairvoyant = clairvoyant;
    s->day = s->priced = UINT64_MAX;
    qbid_sim_purse_init(&s->purse, brief);
    *ret_self = s;
    return 0;
}

static int begin_oracle(const struct qbid_sim_brief *brief, void **ret_self)
{
    return begin_as(brief, false, ret_self);
}

static int begin_hindsight(const struct qbid_sim_brief *brief, void **ret_self)
{
    return begin_as(brief, true, ret_self);
}

/* The price to offer for an effective value; 0 = none. */
static int64_t offer(const struct oracle *s, const struct qbid_sim_auction *a, double e)
{
    const struct qbid_sim_market *m = s->brief->market;
    float rivals[QBID_SIM_RIVALS];
    if (s->clairvoyant) {
        double least = (double)qbid_sim_competitors_bid(s->brief->competitors, a, rivals);
        return e >= least ? (int64_t)ceil(least) : 0;
    }
    if (e < (double)a->floor_micros)
        return 0;
    if (m->params.auction == QBID_AUCTION_SECOND_PRICE)
        return (int64_t)e;
    double place_lg = (double)qbid_sim_market_price_lg(m, a->value);
    return (int64_t)ceil(fmax(qbid_sim_prices_shade(&s->prices, place_lg, e), a->floor_micros));
}

static bool bid(void *self, const struct qbid_sim_auction *a, struct qbid_sim_bid *ret_bid)
{
    struct oracle *s = self;
    const struct qbid_sim_brief *b = s->brief;
    float user_lg = s->clairvoyant ? b->audience->user[a->user].cvr_lg : 0;
    float seen[QBID_SIM_CAMPAIGNS_MAX];
    double best = 0;
    for (uint32_t c = 0; c < b->market->params.campaigns; c++)
        seen[c] = qbid_sim_exposures_load(b->exposures, a->user, c, a->time_ns);
    for (uint32_t i = 0; i < b->market->line_item_cnt; i++) {
        uint32_t c = b->market->line_item[i].campaign;
        if (!qbid_sim_eligible(&b->market->line_item[i], a) ||
            s->purse.spent_nanos[c] >= s->purse.budget_nanos[c])
            continue;
        double v =
            qbid_sim_market_rates(b->market, i, s->creative[i], a, user_lg, seen[c]).value_nanos;
        if (b->level[c] * v > best) {
            best = b->level[c] * v;
            ret_bid->line_item = i;
        }
    }
    ret_bid->bid_micros = best > 0 ? offer(s, a, best) : 0;
    ret_bid->creative = s->creative[ret_bid->line_item];
    return ret_bid->bid_micros > 0 &&
           qbid_sim_purse_reserve(&s->purse, b->market->line_item[ret_bid->line_item].campaign,
                                  ret_bid);
}

static void hear(void *self, const struct qbid_sim_notice *notice, uint32_t worker)
{
    (void)worker;
    qbid_sim_purse_hear(&((struct oracle *)self)->purse, notice);
}

static int tick(void *self, uint64_t now_ns)
{
    struct oracle *s = self;
    const struct qbid_sim_market *m = s->brief->market;
    qbid_sim_purse_tick(&s->purse, now_ns);
    if (s->day != s->purse.day) {
        s->day = s->purse.day;
        for (uint32_t i = 0; i < m->line_item_cnt; i++)
            s->creative[i] = qbid_sim_market_best_creative(m, i, now_ns);
    }
    uint64_t turn = now_ns / (2 * 3600 * QBID_NS_PER_S);
    if (turn != s->priced && m->params.auction == QBID_AUCTION_FIRST_PRICE)
        qbid_sim_prices_make(m, s->brief->competitors, &s->prices);
    s->priced = turn;
    return 0;
}

const struct qbid_sim_strategy qbid_sim_strategy_oracle = {
    .name = "oracle",
    .text = "all parameters known, best fixed multiplier",
    .begin = begin_oracle,
    .end = free,
    .bid = bid,
    .hear = hear,
    .tick = tick};

const struct qbid_sim_strategy qbid_sim_strategy_hindsight = {
    .name = "hindsight",
    .text = "every price and user known, best fixed multiplier",
    .begin = begin_hindsight,
    .end = free,
    .bid = bid,
    .hear = hear,
    .tick = tick};
