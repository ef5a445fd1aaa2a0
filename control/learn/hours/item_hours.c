/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of account, campaigns and line items, their ratios, and the multipliers of now. */
#include "control/learn/hours/item_hours.h"

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

/* The account's clicks expected in each hour of the day, and its ratio there as its traffic mixes
 * the weekdays. */
struct day {
    double expected[DAY], ratio[DAY];
};

static void account_day(const struct qbid_hours *account, struct day *ret_day)
{
    double sum[DAY] = {0};
    *ret_day = (struct day){{0}, {0}};
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++) {
        unsigned at = hour_of(account, h);
        if (at == DAY)
            continue;
        double ratio = account->ratio[h] > 0 ? account->ratio[h] : 1;
        sum[at] += account->expected[h] * ratio;
        ret_day->expected[at] += account->expected[h];
    }
    for (unsigned h = 0; h < DAY; h++)
        ret_day->ratio[h] = ret_day->expected[h] > 0 ? sum[h] / ret_day->expected[h] : 1;
}

/* Rows of a day: the account's, its campaigns', or its line items'. */
struct level {
    double *expected, *clicks;
    double *prior;   /* ratio that the levels above have it expect, those of the row itself aside */
    uint32_t *above; /* row in the level above; UINT32_MAX = its campaign is not there */
    uint32_t rows;
    double strength; /* by which rows follow their prior */
};

/* Of a tick. */
enum { ACCOUNT, CAMPAIGN, ITEM, LEVELS };

static int level_begin(struct level *level, uint32_t rows)
{
    size_t cells = ((size_t)rows + 1) * DAY;
    *level = (struct level){.expected = calloc(3 * cells, sizeof(double)),
                            .above = calloc((size_t)rows + 1, sizeof(uint32_t)),
                            .rows = rows};
    level->clicks = level->expected ? level->expected + cells : NULL;
    level->prior = level->expected ? level->clicks + cells : NULL;
    return level->expected && level->above ? 0 : QBID_ERR_NOMEM;
}

static void levels_end(struct level level[LEVELS])
{
    for (unsigned l = 0; l < LEVELS; l++) {
        free(level[l].expected);
        free(level[l].above);
    }
}

/* A line item's counts, and to the levels above. What it is better or worse on the whole than its
 * contexts is no matter of hours: over the account's traffic its ratios have mean 1, whichever
 * hours it was shown in itself. */
static void item_count(const struct qbid_item_hours *hours, const struct day *day, uint32_t idx,
                       struct level level[LEVELS], uint32_t row)
{
    const struct qbid_item_hours_item *item = &hours->item[idx];
    double seen = 0, thought = 0, all = 0, mean = 0;
    for (unsigned h = 0; h < DAY; h++) {
        double ratio = day->ratio[h] * own_ratio(hours, idx, h);
        seen += item->clicks[h];
        thought += item->expected[h] * ratio;
        all += day->expected[h];
        mean += day->expected[h] * ratio;
    }
    double scale = thought > 0 && all > 0 ? seen / thought * mean / all : 0;
    uint32_t at[LEVELS] = {0, level[ITEM].above[row], row};
    for (unsigned h = 0; h < DAY; h++) {
        for (unsigned l = 0; l < LEVELS; l++) {
            level[l].expected[at[l] * DAY + h] += item->expected[h] * scale;
            level[l].clicks[at[l] * DAY + h] += item->clicks[h];
        }
    }
}

/* Ratio of an hour of a row by what all below it have shown but these counts. */
static double ratio_without(const struct level *level, uint32_t i, double expected, double clicks)
{
    double prior = level->prior[i];
    return prior * qbid_effects_multiplier(level->strength,
                                           prior * fmax(level->expected[i] - expected, 0),
                                           fmax(level->clicks[i] - clicks, 0));
}

/* Priors of a level's rows from the others of the row above, so that one that has most of its
 * clicks is no witness for itself; then by how much rows differ from them. */
static int level_fit(struct level *level, const struct level *above)
{
    size_t cells = (size_t)level->rows * DAY;
    double *expected = malloc((cells + 1) * sizeof *expected);
    if (!expected)
        return QBID_ERR_NOMEM;
    for (size_t i = 0; i < cells; i++) {
        uint32_t row = level->above[i / DAY];
        level->prior[i] = 1;
        if (above && row != UINT32_MAX)
            level->prior[i] = ratio_without(above, row * DAY + (uint32_t)(i % DAY),
                                            level->expected[i], level->clicks[i]);
        expected[i] = level->expected[i] * level->prior[i];
    }
    level->strength = qbid_effects_strength(expected, level->clicks, level->rows * DAY);
    free(expected);
    return 0;
}

static int ratios_fit(struct qbid_item_hours *hours, const struct qbid_account *account,
                      const struct day *day, struct level level[LEVELS])
{
    int err = 0;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
        level[ITEM].above[i] = c ? (uint32_t)(c - account->campaigns) : UINT32_MAX;
        if (c)
            item_count(hours, day, li->idx, level, i);
    }
    for (unsigned l = 0; l < LEVELS && !err; l++)
        err = level_fit(&level[l], l > 0 ? &level[l - 1] : NULL);
    for (uint32_t i = 0; i < account->line_item_cnt && !err; i++)
        for (unsigned h = 0; h < DAY && level[ITEM].above[i] != UINT32_MAX; h++)
            hours->ratio[account->line_items[i].idx][h] =
                (float)(ratio_without(&level[ITEM], i * DAY + h, 0, 0) / day->ratio[h]);
    return err;
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
    struct level level[LEVELS] = {{0}};
    const uint32_t rows[LEVELS] = {1, campaigns->campaign_cnt, campaigns->line_item_cnt};
    struct day day;
    int err = 0;
    if (campaigns->line_item_max > hours->item_max && room(hours, campaigns->line_item_max))
        return QBID_ERR_NOMEM;
    for (unsigned l = 0; l < LEVELS && !err; l++)
        err = level_begin(&level[l], rows[l]);
    if (!err) {
        for (uint32_t i = 0; i < campaigns->line_item_cnt; i++)
            fade(&hours->item[campaigns->line_items[i].idx], now_s);
        account_day(account, &day);
        err = ratios_fit(hours, campaigns, &day, level);
    }
    for (uint32_t i = 0; i < campaigns->line_item_cnt && !err; i++)
        multiplier_move(hours, account, campaigns->line_items[i].idx);
    levels_end(level);
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
