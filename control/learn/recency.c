/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by line item between ticks, for the race of half-lives. */
#include "control/learn/recency.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

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

void qbid_recency_post(struct qbid_recency *recency, const struct qbid_outcome *outcome,
                       double ratio)
{
    if (outcome->kind != QBID_EVENT_IMP && outcome->kind != QBID_EVENT_BILL &&
        outcome->kind != QBID_EVENT_CLICK && outcome->kind != QBID_EVENT_CONV)
        return;
    struct qbid_recency_item *item = qbid_recency_touch(recency, outcome->line_item_idx);
    if (!item)
        return;
    item->imps += outcome->kind == QBID_EVENT_IMP ? ratio : 0;
    item->bills += outcome->kind == QBID_EVENT_BILL ? ratio : 0;
    item->clicks += outcome->kind == QBID_EVENT_CLICK;
    item->convs += outcome->kind == QBID_EVENT_CONV;
}

double qbid_recency_rate(const struct qbid_recency *recency, uint32_t line_item_idx)
{
    if (line_item_idx >= recency->item_max)
        return 0;
    const struct qbid_decay_series *series = &recency->item[line_item_idx].series[0];
    return series->trials[0] > 0 ? series->successes[0] / series->trials[0] : 0;
}

struct qbid_cells_memory qbid_recency_memory(const struct qbid_recency *recency)
{
    return (struct qbid_cells_memory){.click_s = qbid_decay_half_life_s(recency->race[0].chosen),
                                      .conv_s = qbid_decay_half_life_s(recency->race[1].chosen)};
}

static double scale_of(const struct qbid_decay_series *series, const double *counts,
                       uint32_t before, uint32_t after)
{
    return before != after && series->at_s && counts[before] > 0 ? counts[after] / counts[before]
                                                                 : 1;
}

/* What the line items' counts would be, had the half-lives been these from the beginning. */
static int scale_make(const struct qbid_recency *recency, const uint32_t *before,
                      struct qbid_cells_scale **ret_scale)
{
    struct qbid_cells_scale *scale = malloc(((size_t)recency->item_max + 1) * sizeof *scale);
    const uint32_t after[QBID_RECENCY_RATES] = {recency->race[0].chosen, recency->race[1].chosen};
    if (!scale)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < recency->item_max; i++) {
        const struct qbid_decay_series *click = &recency->item[i].series[0];
        const struct qbid_decay_series *conv = &recency->item[i].series[1];
        scale[i] = (struct qbid_cells_scale){
            .shown = scale_of(click, click->trials, before[0], after[0]),
            .clicks = scale_of(click, click->successes, before[0], after[0]),
            .clicked = scale_of(conv, conv->trials, before[1], after[1]),
            .convs = scale_of(conv, conv->successes, before[1], after[1])};
    }
    *ret_scale = scale;
    return 0;
}

int qbid_recency_tick(struct qbid_recency *recency, const double *matured, uint32_t matured_cnt,
                      int64_t now_s, struct qbid_cells_scale **ret_scale)
{
    const uint32_t before[QBID_RECENCY_RATES] = {recency->race[0].chosen, recency->race[1].chosen};
    for (uint32_t i = 0; i < recency->item_max; i++) {
        struct qbid_recency_item *item = &recency->item[i];
        double clicks = i < matured_cnt ? fmax(matured[i] - item->matured, 0) : item->clicks;
        double shown = fmax(item->imps, item->bills);
        if (!(shown + clicks + item->clicks + item->convs > 0))
            continue;
        qbid_decay_post(&recency->race[0], &item->series[0], now_s, shown, item->clicks);
        qbid_decay_post(&recency->race[1], &item->series[1], now_s, clicks, item->convs);
        item->matured = i < matured_cnt ? matured[i] : 0;
        item->imps = item->bills = 0;
        item->clicks = item->convs = 0;
        item->dirty = 1;
    }
    bool changed = false;
    for (unsigned rate = 0; rate < QBID_RECENCY_RATES; rate++)
        changed |= qbid_decay_choose(&recency->race[rate]) != before[rate];
    *ret_scale = NULL;
    return changed ? scale_make(recency, before, ret_scale) : 0;
}
