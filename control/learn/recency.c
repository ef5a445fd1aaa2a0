/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by line item between ticks, for the race of half-lives. */
#include "control/learn/recency.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_MIN 64

void qbid_recency_done(struct qbid_recency *recency)
{
    free(recency->item);
    *recency = (struct qbid_recency){0};
}

struct qbid_recency_item *qbid_recency_touch(struct qbid_recency *recency, uint32_t line_item_idx)
{
    if (line_item_idx >= recency->item_max) {
        uint32_t max = recency->item_max ? recency->item_max : ITEMS_MIN;
        while (max <= line_item_idx)
            max *= 2;
        struct qbid_recency_item *item = realloc(recency->item, max * sizeof *item);
        if (!item)
            return NULL;
        memset(item + recency->item_max, 0, (max - recency->item_max) * sizeof *item);
        recency->item = item;
        recency->item_max = max;
    }
    return &recency->item[line_item_idx];
}

void qbid_recency_post(struct qbid_recency *recency, const struct qbid_outcome *outcome)
{
    if (outcome->kind != QBID_EVENT_IMP && outcome->kind != QBID_EVENT_BILL &&
        outcome->kind != QBID_EVENT_CLICK && outcome->kind != QBID_EVENT_CONV)
        return;
    struct qbid_recency_item *item = qbid_recency_touch(recency, outcome->line_item_idx);
    if (!item)
        return;
    item->imps += outcome->kind == QBID_EVENT_IMP;
    item->bills += outcome->kind == QBID_EVENT_BILL;
    item->clicks += outcome->kind == QBID_EVENT_CLICK;
    item->convs += outcome->kind == QBID_EVENT_CONV;
}

struct qbid_cells_memory qbid_recency_memory(const struct qbid_recency *recency)
{
    return (struct qbid_cells_memory){.click_s = qbid_decay_half_life_s(recency->race[0].chosen),
                                      .conv_s = qbid_decay_half_life_s(recency->race[1].chosen)};
}

struct qbid_cells_memory qbid_recency_tick(struct qbid_recency *recency, int64_t now_s)
{
    for (uint32_t i = 0; i < recency->item_max; i++) {
        struct qbid_recency_item *item = &recency->item[i];
        if (!(item->imps | item->bills | item->clicks | item->convs))
            continue;
        uint32_t shown = item->imps > item->bills ? item->imps : item->bills;
        qbid_decay_post(&recency->race[0], &item->series[0], now_s, shown, item->clicks);
        qbid_decay_post(&recency->race[1], &item->series[1], now_s, item->clicks, item->convs);
        item->imps = item->bills = item->clicks = item->convs = 0;
        item->dirty = 1;
    }
    for (unsigned rate = 0; rate < QBID_RECENCY_RATES; rate++)
        (void)qbid_decay_choose(&recency->race[rate]);
    return qbid_recency_memory(recency);
}
