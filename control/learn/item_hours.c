/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of campaigns, factors of campaigns and line items, and the multipliers of now. */
#include "control/learn/item_hours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/rates/decay.h"
#include "control/models/rates/effects.h"
#include "shm/error.h"

#define DAY QBID_ITEM_HOURS_DAY
#define ITEMS_MIN 64

void qbid_item_hours_done(struct qbid_item_hours *hours)
{
    free(hours->item);
    free(hours->dirty);
    free(hours->ratio);
    free(hours->multiplier);
    *hours = (struct qbid_item_hours){0};
}

static int room(struct qbid_item_hours *hours, uint32_t cnt)
{
    uint32_t from = hours->item_max, max = from ? from : ITEMS_MIN;
    while (max < cnt)
        max *= 2;
    struct qbid_item_hours_item *item = realloc(hours->item, max * sizeof *item);
    hours->item = item ? item : hours->item;
    uint8_t *dirty = realloc(hours->dirty, max * sizeof *dirty);
    hours->dirty = dirty ? dirty : hours->dirty;
    float(*ratio)[DAY] = realloc(hours->ratio, max * sizeof *ratio);
    hours->ratio = ratio ? ratio : hours->ratio;
    double *multiplier = realloc(hours->multiplier, max * sizeof *multiplier);
    hours->multiplier = multiplier ? multiplier : hours->multiplier;
    if (!item || !dirty || !ratio || !multiplier)
        return QBID_ERR_NOMEM;
    memset(item + from, 0, (max - from) * sizeof *item);
    memset(dirty + from, 0, (max - from) * sizeof *dirty);
    memset(ratio + from, 0, (max - from) * sizeof *ratio);
    memset(multiplier + from, 0, (max - from) * sizeof *multiplier);
    hours->item_max = max;
    return 0;
}

struct qbid_item_hours_item *qbid_item_hours_touch(struct qbid_item_hours *hours,
                                                   uint32_t line_item_idx)
{
    if (line_item_idx >= hours->item_max && room(hours, line_item_idx + 1))
        return NULL;
    return &hours->item[line_item_idx];
}

static void fade(struct qbid_item_hours_item *item, int64_t now_s)
{
    double left = item->at_s ? qbid_decay_left(QBID_HOURS_HALF_LIFE_S, item->at_s, now_s) : 1;
    for (unsigned h = 0; h < DAY; h++) {
        item->clicks[h] *= left;
        item->expected[h] *= left;
    }
    item->at_s = now_s > item->at_s ? now_s : item->at_s;
}

/* Hour of the day of a value index; DAY where it is not known. */
static unsigned hour_of(const struct qbid_hours *account, uint32_t h)
{
    return account->week[h] ? (account->week[h] - 1u) % DAY : DAY;
}

void qbid_item_hours_post(struct qbid_item_hours *hours, const struct qbid_hours *account,
                          const struct qbid_outcome *outcome, double expected_ctr, int64_t now_s)
{
    unsigned h = hour_of(account, qbid_dim_unpack(outcome->context, QBID_DIM_HOUR));
    if (h == DAY || !(outcome->first_win || outcome->kind == QBID_EVENT_CLICK))
        return;
    struct qbid_item_hours_item *item = qbid_item_hours_touch(hours, outcome->line_item_idx);
    if (!item)
        return;
    if (item->at_s != now_s)
        fade(item, now_s);
    item->expected[h] += outcome->first_win ? expected_ctr : 0;
    item->clicks[h] += outcome->kind == QBID_EVENT_CLICK;
    hours->dirty[outcome->line_item_idx] = 1;
}

static double own_ratio(const struct qbid_item_hours *hours, uint32_t line_item_idx, unsigned h)
{
    float ratio = line_item_idx < hours->item_max && h < DAY ? hours->ratio[line_item_idx][h] : 0;
    return ratio > 0 ? (double)ratio : 1;
}

double qbid_item_hours_ratio(const struct qbid_item_hours *hours, const struct qbid_hours *account,
                             uint32_t line_item_idx, uint64_t context)
{
    unsigned h = hour_of(account, qbid_dim_unpack(context, QBID_DIM_HOUR));
    return qbid_hours_ratio(account, context) * own_ratio(hours, line_item_idx, h);
}

/* The account's ratio of each hour of the day, as its traffic mixes the weekdays. */
static void account_day(const struct qbid_hours *account, double day[DAY])
{
    double expected[DAY] = {0}, sum[DAY] = {0};
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++) {
        unsigned at = hour_of(account, h);
        if (at == DAY)
            continue;
        double ratio = account->ratio[h] > 0 ? account->ratio[h] : 1;
        sum[at] += account->expected[h] * ratio;
        expected[at] += account->expected[h];
    }
    for (unsigned h = 0; h < DAY; h++)
        day[h] = expected[h] > 0 ? sum[h] / expected[h] : 1;
}

/* One level of rows of a day: expected and clicks in, factors out. What a row is better or worse on
 * the whole is no matter of hours. */
static void level_fit(double *expected, const double *clicks, uint32_t rows, double *ret_factor)
{
    for (uint32_t r = 0; r < rows; r++) {
        double seen = 0, thought = 0;
        for (unsigned h = 0; h < DAY; h++) {
            seen += clicks[r * DAY + h];
            thought += expected[r * DAY + h];
        }
        for (unsigned h = 0; h < DAY; h++)
            expected[r * DAY + h] *= thought > 0 ? seen / thought : 0;
    }
    double strength = qbid_effects_strength(expected, clicks, rows * DAY);
    for (uint32_t i = 0; i < rows * DAY; i++)
        ret_factor[i] = qbid_effects_multiplier(strength, expected[i], clicks[i]);
}

/* Work of a tick: rows of a day by campaign, then by line item of the account. */
struct tick {
    double *expected, *clicks, *factor;
    uint32_t *campaign; /* row of a line item's campaign, by line item */
};

static int tick_begin(const struct qbid_account *account, struct tick *ret_tick)
{
    size_t rows = (size_t)account->line_item_cnt + account->campaign_cnt + 1;
    struct tick t = {calloc(rows * DAY, sizeof(double)), calloc(rows * DAY, sizeof(double)),
                     calloc(rows * DAY, sizeof(double)), calloc(rows, sizeof(uint32_t))};
    *ret_tick = t;
    return t.expected && t.clicks && t.factor && t.campaign ? 0 : QBID_ERR_NOMEM;
}

static void tick_end(struct tick *t)
{
    free(t->expected);
    free(t->clicks);
    free(t->factor);
    free(t->campaign);
}

/* Counts of the line items, and their sums by campaign. */
static void tick_count(const struct qbid_item_hours *hours, const struct qbid_account *account,
                       const double day[DAY], struct tick *t)
{
    double *expected = t->expected + (size_t)account->campaign_cnt * DAY,
           *clicks = t->clicks + (size_t)account->campaign_cnt * DAY;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
        t->campaign[i] = c ? (uint32_t)(c - account->campaigns) : UINT32_MAX;
        if (!c)
            continue;
        const struct qbid_item_hours_item *item = &hours->item[li->idx];
        for (unsigned h = 0; h < DAY; h++) {
            expected[i * DAY + h] = item->expected[h] * day[h];
            clicks[i * DAY + h] = item->clicks[h];
            t->expected[t->campaign[i] * DAY + h] += expected[i * DAY + h];
            t->clicks[t->campaign[i] * DAY + h] += clicks[i * DAY + h];
        }
    }
}

static void ratios_fit(struct qbid_item_hours *hours, const struct qbid_account *account,
                       struct tick *t)
{
    uint32_t first = account->campaign_cnt * DAY;
    level_fit(t->expected, t->clicks, account->campaign_cnt, t->factor);
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        for (unsigned h = 0; h < DAY && t->campaign[i] != UINT32_MAX; h++)
            t->expected[first + i * DAY + h] *= t->factor[t->campaign[i] * DAY + h];
    level_fit(t->expected + first, t->clicks + first, account->line_item_cnt, t->factor + first);
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        for (unsigned h = 0; h < DAY && t->campaign[i] != UINT32_MAX; h++)
            hours->ratio[account->line_items[i].idx][h] =
                (float)(t->factor[t->campaign[i] * DAY + h] * t->factor[first + i * DAY + h]);
}

/* Mean ratio of the hours that requests come from now. */
static void multiplier_move(struct qbid_item_hours *hours, const struct qbid_hours *account,
                            uint32_t idx)
{
    double sum = 0, bids = 0;
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++) {
        if (!(account->now[h] > 0))
            continue;
        double ratio = account->ratio[h] > 0 ? account->ratio[h] : 1;
        sum += account->now[h] * ratio * own_ratio(hours, idx, hour_of(account, h));
        bids += account->now[h];
    }
    hours->multiplier[idx] = qbid_hours_step(hours->multiplier[idx], bids > 0 ? sum / bids : 1);
}

int qbid_item_hours_tick(struct qbid_item_hours *hours, const struct qbid_hours *account,
                         const struct qbid_account *campaigns, int64_t now_s)
{
    struct tick t;
    double day[DAY];
    if (campaigns->line_item_max > hours->item_max && room(hours, campaigns->line_item_max))
        return QBID_ERR_NOMEM;
    int err = tick_begin(campaigns, &t);
    if (!err) {
        for (uint32_t i = 0; i < campaigns->line_item_cnt; i++)
            fade(&hours->item[campaigns->line_items[i].idx], now_s);
        account_day(account, day);
        tick_count(hours, campaigns, day, &t);
        ratios_fit(hours, campaigns, &t);
        for (uint32_t i = 0; i < campaigns->line_item_cnt; i++)
            multiplier_move(hours, account, campaigns->line_items[i].idx);
    }
    tick_end(&t);
    return err;
}

double qbid_item_hours_mean(const struct qbid_item_hours *hours,
                            const struct qbid_line_item_def *const *items, uint32_t cnt)
{
    double sum = 0, clicks = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t idx = items[i]->idx;
        if (idx >= hours->item_max)
            continue;
        double own = 0;
        for (unsigned h = 0; h < DAY; h++)
            own += hours->item[idx].expected[h];
        sum += own * qbid_item_hours_multiplier(hours, idx);
        clicks += own;
    }
    return clicks > 0 ? sum / clicks : 1;
}
