/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds the landscapes by the kind of feedback and turns them into shade tables. */
#include "control/learn/market.h"

#include <stdlib.h>

#include "control/models/shading.h"
#include "shm/error.h"

int qbid_market_init(struct qbid_market *market, uint64_t mask)
{
    *market = (struct qbid_market){.mask = mask, .cnt = 1};
    market->landscape = calloc(QBID_SEGMENTS_MAX, sizeof *market->landscape);
    return market->landscape ? 0 : QBID_ERR_NOMEM;
}

void qbid_market_done(struct qbid_market *market)
{
    free(market->landscape);
    qbid_keymap_done(&market->map);
    *market = (struct qbid_market){0};
}

uint16_t qbid_market_segment(const struct qbid_market *market, uint64_t context)
{
    uint32_t i = qbid_keymap_find(&market->map, context & market->mask, 0);
    return i == QBID_KEYMAP_NONE ? 0 : (uint16_t)i;
}

uint16_t qbid_market_touch(struct qbid_market *market, uint64_t key)
{
    uint32_t i = qbid_keymap_find(&market->map, key, 0);
    if (i != QBID_KEYMAP_NONE)
        return (uint16_t)i;
    if (market->cnt == QBID_SEGMENTS_MAX || qbid_keymap_add(&market->map, key, 0, market->cnt)) {
        market->refused++;
        return 0;
    }
    market->key[market->cnt] = key;
    return (uint16_t)market->cnt++;
}

static void learn(struct qbid_landscape *ls, const struct qbid_outcome *outcome)
{
    double price = (double)outcome->price_nanos, bid = (double)outcome->bid_nanos;
    if (outcome->kind == QBID_EVENT_WIN) {
        /* First price tells our own bid; a second price is the market's. */
        if ((outcome->flags & QBID_EVENT_FIRST_PRICE) || price <= 0)
            qbid_landscape_win(ls, bid, 1);
        else
            qbid_landscape_see(ls, price, 1);
    } else if (outcome->kind == QBID_EVENT_LOSS && price > 0) {
        qbid_landscape_see(ls, price, 1);
    } else {
        qbid_landscape_lose(ls, bid, 1);
    }
}

void qbid_market_post(struct qbid_market *market, const struct qbid_outcome *outcome)
{
    if (outcome->kind != QBID_EVENT_WIN && outcome->kind != QBID_EVENT_LOSS &&
        outcome->kind != QBID_OUTCOME_EXPIRED)
        return;
    if (outcome->flags & (QBID_EVENT_TEST | QBID_EVENT_PRICE_ABOVE))
        return;
    uint16_t segment = qbid_market_touch(market, outcome->context & market->mask);
    learn(&market->landscape[0], outcome);
    market->dirty[0] = 1;
    if (segment) {
        learn(&market->landscape[segment], outcome);
        market->dirty[segment] = 1;
    }
}

void qbid_market_shades(const struct qbid_market *market, struct qbid_shade *shades)
{
    struct qbid_landscape_curve whole, curve;
    int known = qbid_landscape_fit(&market->landscape[0], NULL, 0, &whole);
    double median = qbid_shading_median(&market->landscape[0], 0);
    qbid_shading_build(&market->landscape[0], &whole, 0, median, &shades[0]);
    for (uint32_t i = 1; i < market->cnt; i++) {
        (void)qbid_landscape_fit(&market->landscape[i], known ? &whole : NULL,
                                 QBID_LANDSCAPE_PSEUDO, &curve);
        qbid_shading_build(&market->landscape[i], &curve, 0, median, &shades[i]);
    }
}
