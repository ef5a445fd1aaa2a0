/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by line item between ticks, for the race of half-lives. */
#include "control/learn/rates/recency.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define ITEMS_MIN 64
#define CLICKS_KNOWN 200 /* that what is expected of a click is the mean of */
#define LEVEL_MAX 10.0

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

void qbid_recency_post(struct qbid_recency *recency, const struct qbid_outcome *outcome,
                       double expected_ctr, double expected_cvr)
{
    if (outcome->kind != QBID_EVENT_IMP && outcome->kind != QBID_EVENT_BILL &&
        outcome->kind != QBID_EVENT_CLICK && outcome->kind != QBID_EVENT_CONV)
        return;
    struct qbid_recency_item *item = qbid_recency_touch(recency, outcome->line_item_idx);
    if (!item)
        return;
    item->imps += outcome->kind == QBID_EVENT_IMP ? expected_ctr : 0;
    item->bills += outcome->kind == QBID_EVENT_BILL ? expected_ctr : 0;
    item->clicks += outcome->kind == QBID_EVENT_CLICK;
    item->convs += outcome->kind == QBID_EVENT_CONV;
    if (outcome->kind == QBID_EVENT_CLICK) {
        item->clicks_known = fmin(item->clicks_known + 1, CLICKS_KNOWN);
        item->convs_a_click += (expected_cvr - item->convs_a_click) / item->clicks_known;
    }
}

double qbid_recency_level(const struct qbid_recency *recency, uint32_t line_item_idx, unsigned rate)
{
    const struct qbid_decay_race *race = &recency->race[rate];
    if (line_item_idx >= recency->item_max || race->chosen == 0)
        return 1;
    double level = qbid_decay_rate(race, &recency->item[line_item_idx].series[rate], race->chosen);
    return fmin(fmax(level, 1 / LEVEL_MAX), LEVEL_MAX);
}

static double memory_s(const struct qbid_decay_race *race)
{
    return race->chosen == 0 ? INFINITY : QBID_RECENCY_CONTEXT_S;
}

struct qbid_cells_memory qbid_recency_memory(const struct qbid_recency *recency)
{
    return (struct qbid_cells_memory){.click_s = memory_s(&recency->race[0]),
                                      .conv_s = memory_s(&recency->race[1])};
}

void qbid_recency_tick(struct qbid_recency *recency, const double *matured, uint32_t matured_cnt,
                       int64_t now_s)
{
    for (uint32_t i = 0; i < recency->item_max; i++) {
        struct qbid_recency_item *item = &recency->item[i];
        double clicks = i < matured_cnt ? fmax(matured[i] - item->matured, 0) : item->clicks;
        double shown = fmax(item->imps, item->bills);
        if (!(shown + clicks + item->clicks + item->convs > 0))
            continue;
        bool begun =
            item->series[0].at_s != 0; /* what was before is not matched by what it expects */
        if (!begun)
            item->series[0].at_s = item->series[1].at_s = now_s;
        shown = begun ? shown : 0;
        clicks = begun ? clicks : 0;
        item->clicks = begun ? item->clicks : 0;
        item->convs = begun ? item->convs : 0;
        qbid_decay_post(&recency->race[0], &item->series[0], now_s, shown, item->clicks);
        qbid_decay_post(&recency->race[1], &item->series[1], now_s, clicks * item->convs_a_click,
                        item->convs);
        item->matured = i < matured_cnt ? matured[i] : 0;
        item->imps = item->bills = 0;
        item->clicks = item->convs = 0;
        item->dirty = 1;
    }
    for (unsigned rate = 0; rate < QBID_RECENCY_RATES; rate++)
        (void)qbid_decay_choose(&recency->race[rate]);
}
