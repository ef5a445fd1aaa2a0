/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds the landscapes by the kind of feedback and turns them into shade tables. */
#include "control/learn/market/segments.h"

#include <stdlib.h>

#include "control/models/landscape/shading.h"
#include "shm/error.h"

int qbid_segments_init(struct qbid_segments *segments, uint64_t mask)
{
    *segments = (struct qbid_segments){.mask = mask, .cnt = 1};
    segments->landscape = calloc(QBID_SEGMENTS_MAX, sizeof *segments->landscape);
    return segments->landscape ? 0 : QBID_ERR_NOMEM;
}

void qbid_segments_done(struct qbid_segments *segments)
{
    free(segments->landscape);
    qbid_keymap_done(&segments->map);
    *segments = (struct qbid_segments){0};
}

uint16_t qbid_segments_find(const struct qbid_segments *segments, uint64_t context)
{
    uint32_t i = qbid_keymap_find(&segments->map, context & segments->mask, 0);
    return i == QBID_KEYMAP_NONE ? 0 : (uint16_t)i;
}

uint16_t qbid_segments_touch(struct qbid_segments *segments, uint64_t key)
{
    uint32_t i = qbid_keymap_find(&segments->map, key, 0);
    if (i != QBID_KEYMAP_NONE)
        return (uint16_t)i;
    if (segments->cnt == QBID_SEGMENTS_MAX ||
        qbid_keymap_add(&segments->map, key, 0, segments->cnt)) {
        segments->refused++;
        return 0;
    }
    segments->key[segments->cnt] = key;
    return (uint16_t)segments->cnt++;
}

static void learn(struct qbid_landscape *ls, const struct qbid_outcome *outcome)
{
    double price = (double)outcome->price_nanos, bid = (double)outcome->bid_nanos;
    if (outcome->first_win) {
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

void qbid_segments_post(struct qbid_segments *segments, const struct qbid_outcome *outcome)
{
    if (!outcome->first_win && outcome->kind != QBID_EVENT_LOSS &&
        outcome->kind != QBID_OUTCOME_EXPIRED)
        return;
    if (outcome->flags & (QBID_EVENT_TEST | QBID_EVENT_PRICE_ABOVE))
        return;
    uint16_t segment = qbid_segments_touch(segments, outcome->context & segments->mask);
    learn(&segments->landscape[0], outcome);
    segments->dirty[0] = 1;
    if (segment) {
        learn(&segments->landscape[segment], outcome);
        segments->dirty[segment] = 1;
    }
}

void qbid_segments_shades(const struct qbid_segments *segments, struct qbid_shade *shades)
{
    struct qbid_landscape_curve whole, curve;
    int known = qbid_landscape_fit(&segments->landscape[0], NULL, 0, &whole);
    double median = qbid_shading_median(&segments->landscape[0], 0);
    qbid_shading_build(&segments->landscape[0], &whole, 0, median, &shades[0]);
    for (uint32_t i = 1; i < segments->cnt; i++) {
        (void)qbid_landscape_fit(&segments->landscape[i], known ? &whole : NULL,
                                 QBID_LANDSCAPE_PSEUDO, &curve);
        qbid_shading_build(&segments->landscape[i], &curve, 0, median, &shades[i]);
    }
}
