/* SPDX-License-Identifier: Apache-2.0 */
/* Clicks by age of each line item, conversions by delay of each campaign. */
#include "control/learn/rates/delays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"

#define ITEMS_MIN 64
#define CAMPAIGNS_MIN 16

void qbid_delays_done(struct qbid_delays *delays)
{
    free(delays->item);
    free(delays->maturity);
    free(delays->matured);
    free(delays->campaign);
    qbid_keymap_done(&delays->map);
    *delays = (struct qbid_delays){0};
}

static int items_room(struct qbid_delays *delays, uint32_t cnt)
{
    if (cnt <= delays->item_max)
        return 0;
    uint32_t max = delays->item_max ? delays->item_max : ITEMS_MIN;
    while (max < cnt)
        max *= 2;
    struct qbid_delays_item *item = realloc(delays->item, max * sizeof *item);
    if (!item)
        return QBID_ERR_NOMEM;
    delays->item = item;
    double *maturity = realloc(delays->maturity, max * sizeof *maturity);
    if (!maturity)
        return QBID_ERR_NOMEM;
    delays->maturity = maturity;
    double *matured = realloc(delays->matured, max * sizeof *matured);
    if (!matured)
        return QBID_ERR_NOMEM;
    delays->matured = matured;
    for (uint32_t i = delays->item_max; i < max; i++) {
        memset(&item[i], 0, sizeof item[i]);
        maturity[i] = 1;
        matured[i] = 0;
    }
    delays->item_max = max;
    return 0;
}

struct qbid_delays_item *qbid_delays_item(struct qbid_delays *delays, uint32_t line_item_idx)
{
    return items_room(delays, line_item_idx + 1) ? NULL : &delays->item[line_item_idx];
}

struct qbid_delays_campaign *qbid_delays_campaign(struct qbid_delays *delays, uint32_t id)
{
    uint32_t i = qbid_keymap_find(&delays->map, 0, id);
    if (i != QBID_KEYMAP_NONE)
        return &delays->campaign[i];
    if (delays->campaign_cnt == delays->campaign_capacity) {
        uint32_t capacity =
            delays->campaign_capacity ? delays->campaign_capacity * 2 : CAMPAIGNS_MIN;
        struct qbid_delays_campaign *c = realloc(delays->campaign, capacity * sizeof *c);
        if (!c)
            return NULL;
        delays->campaign = c;
        delays->campaign_capacity = capacity;
    }
    if (qbid_keymap_add(&delays->map, 0, id, delays->campaign_cnt))
        return NULL;
    struct qbid_delays_campaign *c = &delays->campaign[delays->campaign_cnt++];
    memset(c, 0, sizeof *c);
    c->id = id;
    c->curve = qbid_delay_exponential(QBID_DELAY_MEAN_S);
    return c;
}

void qbid_delays_post(struct qbid_delays *delays, const struct qbid_outcome *outcome,
                      uint32_t campaign_id, int64_t now_s, double half_life_s)
{
    bool timed = outcome->bid_time_ns && outcome->time_ns >= outcome->bid_time_ns;
    double age_s =
        timed ? (double)(outcome->time_ns - outcome->bid_time_ns) / (double)QBID_NS_PER_S : 0;
    if (outcome->kind == QBID_EVENT_CLICK) {
        struct qbid_delays_item *item = qbid_delays_item(delays, outcome->line_item_idx);
        if (!item)
            return;
        qbid_delay_count(&item->clicks, now_s, now_s - (int64_t)age_s, 1, half_life_s);
        item->dirty = 1;
    } else if (outcome->kind == QBID_EVENT_CONV && timed) {
        struct qbid_delays_campaign *c = qbid_delays_campaign(delays, campaign_id);
        if (!c)
            return;
        c->convs[qbid_delay_bin(age_s)]++;
        c->dirty = 1;
    }
}

struct exposures {
    double account[QBID_DELAY_BINS];
    double convs[QBID_DELAY_BINS];
    double (*campaign)[QBID_DELAY_BINS]; /* in order of delays->campaign */
};

static int exposures_sum(struct qbid_delays *delays, const struct qbid_account *account,
                         int64_t now_s, struct exposures *sum)
{
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        if (!qbid_delays_campaign(delays, account->line_items[i].campaign_id))
            return QBID_ERR_NOMEM;
    sum->campaign = calloc((size_t)delays->campaign_cnt + 1, sizeof *sum->campaign);
    if (!sum->campaign)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        uint32_t c = qbid_keymap_find(&delays->map, 0, li->campaign_id);
        if (li->idx < delays->item_max && delays->item[li->idx].clicks.newest[0])
            qbid_delay_expose(&delays->item[li->idx].clicks, now_s, sum->campaign[c]);
    }
    for (uint32_t c = 0; c < delays->campaign_cnt; c++) {
        for (uint32_t b = 0; b < QBID_DELAY_BINS; b++) {
            sum->account[b] += sum->campaign[c][b];
            sum->convs[b] += delays->campaign[c].convs[b];
        }
    }
    return 0;
}

/* Parts and sums of each line item's clicks; without curves all of them. */
static void items_mature(struct qbid_delays *delays, const struct qbid_account *account,
                         int64_t now_s, double half_life_s, bool curves)
{
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const struct qbid_delay_cohorts *clicks = &delays->item[li->idx].clicks;
        const struct qbid_delay_curve *curve =
            curves ? qbid_delays_curve(delays, li->campaign_id) : NULL;
        double whole = 0, matured = 0;
        delays->maturity[li->idx] = 1;
        if (!clicks->newest[0])
            continue;
        if (curve) {
            matured = qbid_delay_matured(curve, clicks, now_s, half_life_s, &whole);
            delays->maturity[li->idx] = whole > 0 ? matured / whole : 1;
        }
        if (!curve || isfinite(half_life_s))
            matured = qbid_delay_matured(curve, clicks, now_s, INFINITY, &whole);
        delays->matured[li->idx] = matured;
    }
}

int qbid_delays_tick(struct qbid_delays *delays, const struct qbid_account *account, int64_t now_s,
                     double half_life_s)
{
    struct exposures sum = {.campaign = NULL};
    double convs = 0;
    int err = items_room(delays, account->line_item_max + 1);
    for (uint32_t c = 0; c < delays->campaign_cnt; c++)
        for (uint32_t b = 0; b < QBID_DELAY_BINS; b++)
            convs += delays->campaign[c].convs[b];
    delays->known = convs >= QBID_DELAYS_CONVS_MIN;
    if (err)
        return err;
    items_mature(delays, account, now_s, half_life_s, false);
    if (!delays->known)
        return 0;
    err = exposures_sum(delays, account, now_s, &sum);
    if (!err) {
        struct qbid_delay_curve root = qbid_delay_root(sum.account, sum.convs);
        for (uint32_t c = 0; c < delays->campaign_cnt; c++)
            delays->campaign[c].curve =
                qbid_delay_child(&root, sum.campaign[c], delays->campaign[c].convs);
    }
    if (!err)
        items_mature(delays, account, now_s, half_life_s, true);
    free(sum.campaign);
    return err;
}

const struct qbid_delay_curve *qbid_delays_curve(const struct qbid_delays *delays, uint32_t id)
{
    uint32_t i = delays->known ? qbid_keymap_find(&delays->map, 0, id) : QBID_KEYMAP_NONE;
    return i == QBID_KEYMAP_NONE ? NULL : &delays->campaign[i].curve;
}
