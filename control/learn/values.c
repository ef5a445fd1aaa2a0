/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the tree of cells level by level, lets the rate model fit it, and answers look-ups. */
#include "control/learn/values.h"

#include <math.h>
#include <stdlib.h>

#include "control/learn/learned.h"
#include "shm/error.h"

#define LEVEL_CAMPAIGN 1
#define LEVEL_LINE_ITEM 2
#define ROOT_STRENGTH 50.0      /* trials that the account's prior is worth */
#define ORDER_VALUE_STRENGTH 10 /* conversions that the line item's stated order value is worth */
#define IMPRESSIONS_PER_MILLE 1000.0
#define UNIT_MICROS_MAX 9e15
#define RATE_DEFAULT_CTR 0.001
#define RATE_DEFAULT_CVR 0.01

/* Depth in the tree of an image level: 0 is the finest context. */
static uint32_t depth_of(const struct qbid_values *values, unsigned level)
{
    return QBID_VALUES_CONTEXT_LEVEL + values->context_levels - 1 - level;
}

static int cell_add(struct qbid_values *values, uint32_t depth, uint64_t context, uint32_t id,
                    uint32_t parent, uint32_t *ret_index)
{
    uint32_t i = qbid_keymap_find(&values->map[depth], context, id);
    if (i != QBID_KEYMAP_NONE) {
        *ret_index = i;
        return 0;
    }
    i = values->ctr[depth].cell_cnt;
    if (i == values->capacity[depth]) {
        uint32_t capacity = i ? i * 2 : 64;
        struct qbid_rates_cell *ctr = realloc(values->ctr[depth].cells, capacity * sizeof *ctr);
        if (!ctr)
            return QBID_ERR_NOMEM;
        values->ctr[depth].cells = ctr;
        struct qbid_rates_cell *cvr = realloc(values->cvr[depth].cells, capacity * sizeof *cvr);
        if (!cvr)
            return QBID_ERR_NOMEM;
        values->cvr[depth].cells = cvr;
        values->capacity[depth] = capacity;
    }
    int err = qbid_keymap_add(&values->map[depth], context, id, i);
    if (err)
        return err;
    struct qbid_rates_cell cell = {.key = context, .parent = parent};
    values->ctr[depth].cells[i] = cell;
    values->cvr[depth].cells[i] = cell;
    values->ctr[depth].cell_cnt = values->cvr[depth].cell_cnt = i + 1;
    *ret_index = i;
    return 0;
}

static void cell_count(struct qbid_values *values, uint32_t depth, uint32_t i,
                       const struct qbid_cell *cell)
{
    values->ctr[depth].cells[i].trials += (double)qbid_cell_trials(cell);
    values->ctr[depth].cells[i].successes += (double)cell->clicks;
    values->cvr[depth].cells[i].trials +=
        (double)(cell->clicks > cell->convs ? cell->clicks : cell->convs);
    values->cvr[depth].cells[i].successes += (double)cell->convs;
}

/* Count one cell on its way from the account down to its finest context. */
static int cell_place(struct qbid_values *values, const struct qbid_line_item_def *line_item,
                      const struct qbid_cell *cell)
{
    uint32_t parent = 0, i = 0;
    cell_count(values, 0, 0, cell);
    int err = cell_add(values, LEVEL_CAMPAIGN, 0, line_item->campaign_id, 0, &i);
    if (err)
        return err;
    cell_count(values, LEVEL_CAMPAIGN, i, cell);
    parent = i;
    err = cell_add(values, LEVEL_LINE_ITEM, 0, line_item->idx, parent, &i);
    if (err)
        return err;
    cell_count(values, LEVEL_LINE_ITEM, i, cell);
    for (unsigned level = values->context_levels; level-- > 0 && cell->context != 0;) {
        parent = i;
        uint32_t depth = depth_of(values, level);
        uint64_t context = cell->context & values->level_mask[level];
        err = cell_add(values, depth, context, line_item->idx, parent, &i);
        if (err)
            return err;
        cell_count(values, depth, i, cell);
    }
    return 0;
}

/* Every line item has a cell, also without data: its default value comes from there. */
static int line_items_place(struct qbid_values *values, const struct qbid_account *account,
                            const struct qbid_cells *cells)
{
    const struct qbid_line_item_def **by_idx = calloc(values->line_item_max + 1, sizeof *by_idx);
    if (!by_idx)
        return QBID_ERR_NOMEM;
    int err = 0;
    struct qbid_cell nothing = {0};
    for (uint32_t i = 0; i < account->line_item_cnt && !err; i++) {
        by_idx[account->line_items[i].idx] = &account->line_items[i];
        err = cell_place(values, &account->line_items[i], &nothing);
    }
    for (uint32_t i = 0; i < cells->cnt && !err; i++) {
        const struct qbid_cell *cell = &cells->cell[i];
        if (cell->line_item_idx < values->line_item_max && by_idx[cell->line_item_idx])
            err = cell_place(values, by_idx[cell->line_item_idx], cell);
    }
    free(by_idx);
    return err;
}

static struct qbid_rates_prior prior_of(const struct qbid_account *account, bool conversions)
{
    double sum = 0;
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        double p = conversions ? li->prior_cvr : li->prior_ctr;
        if (li->active && p > 0 && p < 1) {
            sum += p;
            cnt++;
        }
    }
    double mean = cnt ? sum / cnt : conversions ? RATE_DEFAULT_CVR : RATE_DEFAULT_CTR;
    return (struct qbid_rates_prior){.mean = mean, .strength = ROOT_STRENGTH};
}

static int tree_fit(struct qbid_rates_level *levels, uint32_t level_cnt,
                    struct qbid_rates_prior prior, double strength[QBID_VALUES_LEVELS_MAX],
                    bool keep)
{
    for (uint32_t d = 0; d < level_cnt; d++) {
        levels[d].strength = strength[d];
        levels[d].fixed = keep && strength[d] > 0;
    }
    int err = qbid_rates_fit(levels, level_cnt, prior);
    for (uint32_t d = 0; d < level_cnt && !err; d++)
        strength[d] = levels[d].strength;
    return err;
}

/* What a line item's own prior makes of the tree's rate: 1 once its data outweighs the prior. */
static double prior_factor(const struct qbid_rates_cell *cell, double prior)
{
    if (!(prior > 0 && prior < 1))
        return 1;
    double own = QBID_VALUES_PRIOR_SUCCESSES / prior;
    double weight = cell->trials / (cell->trials + own);
    return (weight * cell->rate + (1 - weight) * prior) / cell->rate;
}

static void line_items_finish(struct qbid_values *values, const struct qbid_account *account,
                              const struct qbid_cells *cells)
{
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        uint32_t c = qbid_keymap_find(&values->map[LEVEL_LINE_ITEM], 0, li->idx);
        values->ctr_factor[li->idx] =
            prior_factor(&values->ctr[LEVEL_LINE_ITEM].cells[c], li->prior_ctr);
        values->cvr_factor[li->idx] =
            prior_factor(&values->cvr[LEVEL_LINE_ITEM].cells[c], li->prior_cvr);
        values->order_value[li->idx] = (double)li->order_value_micros * ORDER_VALUE_STRENGTH;
    }
    for (uint32_t i = 0; i < cells->cnt; i++)
        if (cells->cell[i].line_item_idx < values->line_item_max)
            values->order_value[cells->cell[i].line_item_idx] +=
                (double)cells->cell[i].value_nanos / 1000.0;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        uint32_t idx = account->line_items[i].idx;
        uint32_t c = qbid_keymap_find(&values->map[LEVEL_LINE_ITEM], 0, idx);
        double convs = values->cvr[LEVEL_LINE_ITEM].cells[c].successes;
        values->order_value[idx] /= ORDER_VALUE_STRENGTH + convs;
    }
}

struct unit_sum {
    double ceiling;
    double prior;
    double cnt;
};

static int64_t unit_of(struct unit_sum sum)
{
    double unit = sum.prior > 0 ? sum.ceiling / IMPRESSIONS_PER_MILLE / (sum.prior / sum.cnt) : 0;
    return unit >= 1 && unit < UNIT_MICROS_MAX ? (int64_t)unit : 1;
}

/* Goals by line item; the unit of a campaign comes from all of its line items. */
static int goals_make(struct qbid_values *values, const struct qbid_account *account)
{
    struct unit_sum *sum = calloc(account->campaign_cnt + 1, sizeof *sum);
    if (!sum)
        return QBID_ERR_NOMEM;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < account->line_item_cnt; i++) {
            const struct qbid_line_item_def *li = &account->line_items[i];
            const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
            if (!c)
                continue;
            struct unit_sum *s = &sum[c - account->campaigns];
            if (pass == 0) {
                s->ceiling = fmax(s->ceiling, (double)li->ceiling_micros);
                s->prior += c->goal == QBID_GOAL_MAX_CONVERSIONS ? li->prior_ctr * li->prior_cvr
                                                                 : li->prior_ctr;
                s->cnt++;
            } else {
                values->goal[li->idx] = (struct qbid_value_params){
                    .goal = c->goal, .target_micros = c->target_micros, .unit_micros = unit_of(*s)};
            }
        }
    }
    free(sum);
    return 0;
}

int qbid_values_fit(const struct qbid_account *account, const struct qbid_cells *cells,
                    const uint64_t level_mask[QBID_LEVEL_MAX],
                    double strength_ctr[QBID_VALUES_LEVELS_MAX],
                    double strength_cvr[QBID_VALUES_LEVELS_MAX], bool keep_strength,
                    struct qbid_values *ret_values)
{
    struct qbid_values v = {.line_item_max = account->line_item_max};
    for (unsigned level = 0; level < QBID_LEVEL_MAX && level_mask[level]; level++)
        v.level_mask[v.context_levels++] = level_mask[level];
    v.ctr_factor = calloc(v.line_item_max + 1, sizeof(double));
    v.cvr_factor = calloc(v.line_item_max + 1, sizeof(double));
    v.order_value = calloc(v.line_item_max + 1, sizeof(double));
    uint32_t root = 0, level_cnt = QBID_VALUES_CONTEXT_LEVEL + v.context_levels;
    int err = QBID_ERR_NOMEM;
    v.goal = calloc(v.line_item_max + 1, sizeof *v.goal);
    if (v.ctr_factor && v.cvr_factor && v.order_value && v.goal)
        err = cell_add(&v, 0, 0, 0, 0, &root);
    if (!err)
        err = line_items_place(&v, account, cells);
    if (!err)
        err = tree_fit(v.ctr, level_cnt, prior_of(account, false), strength_ctr, keep_strength);
    if (!err)
        err = tree_fit(v.cvr, level_cnt, prior_of(account, true), strength_cvr, keep_strength);
    if (!err)
        err = goals_make(&v, account);
    if (err) {
        qbid_values_done(&v);
        return err;
    }
    line_items_finish(&v, account, cells);
    *ret_values = v;
    return 0;
}

void qbid_values_done(struct qbid_values *values)
{
    for (uint32_t d = 0; d < QBID_VALUES_LEVELS_MAX; d++) {
        free(values->ctr[d].cells);
        free(values->cvr[d].cells);
        qbid_keymap_done(&values->map[d]);
    }
    free(values->ctr_factor);
    free(values->cvr_factor);
    free(values->order_value);
    free(values->goal);
    *values = (struct qbid_values){0};
}

struct qbid_rate_pair qbid_values_rates(const struct qbid_values *values, uint32_t line_item_idx,
                                        uint64_t context, unsigned level)
{
    if (line_item_idx >= values->line_item_max)
        return (struct qbid_rate_pair){0};
    uint32_t depth = LEVEL_LINE_ITEM, i = QBID_KEYMAP_NONE;
    for (unsigned l = level; l < values->context_levels && i == QBID_KEYMAP_NONE; l++) {
        depth = depth_of(values, l);
        i = qbid_keymap_find(&values->map[depth], context & values->level_mask[l], line_item_idx);
    }
    if (i == QBID_KEYMAP_NONE) {
        depth = LEVEL_LINE_ITEM;
        i = qbid_keymap_find(&values->map[depth], 0, line_item_idx);
    }
    if (i == QBID_KEYMAP_NONE)
        return (struct qbid_rate_pair){0};
    struct qbid_rate_pair pair = {
        fmin(values->ctr[depth].cells[i].rate * values->ctr_factor[line_item_idx], 1),
        fmin(values->cvr[depth].cells[i].rate * values->cvr_factor[line_item_idx], 1)};
    return pair;
}

double qbid_values_impression(const struct qbid_values *values, uint32_t line_item_idx,
                              uint64_t context, unsigned level)
{
    if (line_item_idx >= values->line_item_max)
        return 0;
    struct qbid_rate_pair rates = qbid_values_rates(values, line_item_idx, context, level);
    if (values->learned && level == 0)
        rates = qbid_learned_rates(values->learned, line_item_idx, context, rates);
    return qbid_value_impression(&values->goal[line_item_idx], rates.ctr, rates.cvr,
                                 (int64_t)values->order_value[line_item_idx]);
}
