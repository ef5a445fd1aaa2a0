/* SPDX-License-Identifier: Apache-2.0 */
/* Brings account and cells to the tree and the two estimates, and both to values. */
#include "control/learn/values/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/learn/values/thompson.h"
#include "control/learn/values/values_worth.h"
#include "control/models/rates/decay.h"
#include "shm/error.h"
#include "shm/units.h"

#define ROOT_STRENGTH 50.0      /* trials that the account's prior is worth */
#define ORDER_VALUE_STRENGTH 10 /* conversions that the line item's stated order value is worth */
#define IMPRESSIONS_PER_MILLE 1000.0
#define UNIT_MICROS_MAX 9e15
#define RATE_DEFAULT_CTR 0.001
#define RATE_DEFAULT_CVR 0.01
#define AHEAD 8 /* nodes whose parents are fetched while one is settled */

void qbid_values_init(struct qbid_values *values, const uint64_t level_mask[QBID_LEVEL_MAX])
{
    *values = (struct qbid_values){0};
    qbid_tree_init(&values->tree, level_mask);
}

void qbid_values_done(struct qbid_values *values)
{
    qbid_tree_done(&values->tree);
    for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
        qbid_estimate_done(&values->rate[kind]);
        free(values->factor[kind]);
        free(values->level[kind]);
        free(values->way[kind]);
        free(values->draw[kind]);
        values->draw[kind] = NULL;
        values->level[kind] = NULL;
        values->factor[kind] = NULL;
        values->way[kind] = NULL;
    }
    for (uint32_t d = 0; d < QBID_TREE_DEPTH_MAX; d++) {
        free(values->node[d]);
        values->node[d] = NULL;
        values->node_capacity[d] = 0;
    }
    qbid_order_values_done(&values->orders);
    free(values->order_value);
    free(values->goal);
    free(values->line);
    free(values->hour);
    values->hour = NULL;
    values->order_value = NULL;
    values->goal = NULL;
    values->line = NULL;
    values->line_item_max = 0;
}

/* Impressions and clicks of a cell now. */
static void clicks_count(const void *context, const struct qbid_cell *cell, int64_t now_s,
                         double *ret_trials, double *ret_successes)
{
    const struct qbid_values_in *in = context;
    double left = qbid_decay_left(in->cells->memory.click_s, cell->at_s, now_s);
    *ret_trials = left * qbid_cell_trials(cell);
    *ret_successes = left * cell->clicks;
}

/* Matured clicks and conversions of a cell now. */
static void convs_count(const void *context, const struct qbid_cell *cell, int64_t now_s,
                        double *ret_trials, double *ret_successes)
{
    const struct qbid_values_in *in = context;
    if (!(cell->clicked + cell->convs > 0))
        return;
    double left = qbid_decay_left(in->cells->memory.conv_s, cell->at_s, now_s);
    double mature = in->maturity ? in->maturity[cell->line_item_idx] : 1;
    *ret_trials = left * fmax(cell->clicked * mature, cell->convs);
    *ret_successes = left * cell->convs;
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

static int rates_fit(struct qbid_values *values, const struct qbid_values_in *in, bool anew)
{
    static qbid_estimate_fn *const count[QBID_VALUES_RATES] = {clicks_count, convs_count};
    const double half_life_s[QBID_VALUES_RATES] = {in->cells->memory.click_s,
                                                   in->cells->memory.conv_s};
    int err = 0;
    for (unsigned kind = 0; kind < QBID_VALUES_RATES && !err; kind++) {
        struct qbid_estimate_in rate = {.tree = &values->tree,
                                        .cells = in->cells,
                                        .anew = anew,
                                        .keep = in->keep,
                                        .now_s = in->now_s,
                                        .half_life_s = half_life_s[kind],
                                        .prior = prior_of(in->account, kind == QBID_VALUES_CVR),
                                        .count = count[kind],
                                        .context = in};
        err = qbid_estimate_fit(&values->rate[kind], &rate);
    }
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

static void order_values_make(struct qbid_values *values, const struct qbid_values_in *in)
{
    const struct qbid_account *account = in->account;
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        values->order_value[account->line_items[i].idx] =
            (double)account->line_items[i].order_value_micros * ORDER_VALUE_STRENGTH;
    for (uint32_t i = 0; i < in->cells->cnt; i++) {
        const struct qbid_cell *cell = &in->cells->cell[i];
        if (cell->line_item_idx < values->line_item_max && cell->value_nanos > 0)
            values->order_value[cell->line_item_idx] +=
                cell->value_nanos / 1000.0 *
                qbid_decay_left(in->cells->memory.conv_s, cell->at_s, in->now_s);
    }
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        uint32_t idx = account->line_items[i].idx;
        uint32_t node = qbid_tree_find(&values->tree, QBID_TREE_LINE_ITEM, 0, idx);
        const struct qbid_estimate *rate = &values->rate[QBID_VALUES_CVR];
        uint32_t place = rate->place[QBID_TREE_LINE_ITEM][node];
        double convs = rate->level[QBID_TREE_LINE_ITEM].cells[place].successes;
        values->order_value[idx] /= ORDER_VALUE_STRENGTH + convs;
    }
}

static void line_items_finish(struct qbid_values *values, const struct qbid_values_in *in)
{
    const struct qbid_account *account = in->account;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const double prior[QBID_VALUES_RATES] = {li->prior_ctr, li->prior_cvr};
        uint32_t node = qbid_tree_find(&values->tree, QBID_TREE_LINE_ITEM, 0, li->idx);
        for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
            struct qbid_estimate *rate = &values->rate[kind];
            values->level[kind][li->idx] =
                in->recency ? qbid_recency_level(in->recency, li->idx, kind) : 1;
            values->factor[kind][li->idx] =
                values->level[kind][li->idx] *
                prior_factor(
                    &rate->level[QBID_TREE_LINE_ITEM].cells[rate->place[QBID_TREE_LINE_ITEM][node]],
                    prior[kind]);
            values->way[kind][li->idx] =
                (uint8_t)qbid_contest_choose(&rate->contest, li->campaign_id);
        }
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

static int line_items_room(struct qbid_values *values, uint32_t max)
{
    int err = 0;
    size_t cnt = (size_t)max + 1;
    for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
        free(values->factor[kind]);
        free(values->level[kind]);
        free(values->way[kind]);
        free(values->draw[kind]);
        values->draw[kind] = calloc(cnt, sizeof(double));
        values->factor[kind] = calloc(cnt, sizeof(double));
        values->level[kind] = calloc(cnt, sizeof(double));
        values->way[kind] = calloc(cnt, 1);
        if (!values->factor[kind] || !values->level[kind] || !values->way[kind] ||
            !values->draw[kind])
            err = QBID_ERR_NOMEM;
    }
    free(values->order_value);
    free(values->goal);
    free(values->line);
    free(values->hour);
    values->order_value = calloc(cnt, sizeof(double));
    values->goal = calloc(cnt, sizeof *values->goal);
    values->line = calloc(cnt, sizeof *values->line);
    values->hour = calloc(cnt, sizeof *values->hour);
    bool all = values->order_value && values->goal && values->line && values->hour;
    return all ? err : QBID_ERR_NOMEM;
}

static int nodes_room(struct qbid_values *values)
{
    for (uint32_t d = QBID_TREE_LINE_ITEM; d < values->tree.depth_cnt; d++) {
        uint32_t capacity = values->tree.depth[d].capacity;
        if (capacity <= values->node_capacity[d])
            continue;
        free(values->node[d]);
        values->node_capacity[d] = 0;
        values->node[d] = malloc(capacity * sizeof *values->node[d]);
        if (!values->node[d])
            return QBID_ERR_NOMEM;
        values->node_capacity[d] = capacity;
    }
    return 0;
}

static void lines_make(struct qbid_values *values)
{
    for (uint32_t i = 0; i < values->tree.line_item_max; i++) {
        struct qbid_value_line line = qbid_value_line(&values->goal[i]);
        double click = values->hour[i] * values->draw[QBID_VALUES_CTR][i];
        double conversion = click * values->draw[QBID_VALUES_CVR][i];
        line.click *= click;
        line.conversion *= conversion;
        line.revenue *= conversion;
        if (values->goal[i].goal != QBID_GOAL_FIXED_CPM)
            line.fixed *= values->hour[i];
        values->line[i] = line;
    }
}

void qbid_values_settle(struct qbid_values *values)
{
    const struct qbid_tree *tree = &values->tree;
    lines_make(values);
    for (uint32_t d = QBID_TREE_LINE_ITEM; d < tree->depth_cnt; d++) {
        const struct qbid_tree_depth *depth = &tree->depth[d];
        for (uint32_t i = 0; i < depth->cnt; i++) {
            struct qbid_values_node *node = &values->node[d][i];
            uint32_t idx = depth->id[i];
            if (d > QBID_TREE_LINE_ITEM && depth->cnt - i > AHEAD)
                __builtin_prefetch(&values->node[d - 1][depth->parent[i + AHEAD]]);
            for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
                double factor = values->factor[kind][idx];
                double above =
                    d == QBID_TREE_LINE_ITEM
                        ? 0 /* it has a rate of its own */
                        : (double)values->node[d - 1][depth->parent[i]].below[kind] / factor;
                struct qbid_estimate_rate rate =
                    qbid_estimate_rate(&values->rate[kind], tree,
                                       (enum qbid_contest_way)values->way[kind][idx], d, i, above);
                node->here[kind] = (float)(rate.here * factor);
                node->below[kind] = (float)(rate.below * factor);
            }
            node->value = (float)qbid_values_worth(
                &values->line[idx], qbid_values_at_most_1((double)node->here[QBID_VALUES_CTR]),
                qbid_values_at_most_1((double)node->here[QBID_VALUES_CVR]),
                values->order_value[idx] *
                    qbid_order_values_ratio(&values->orders, tree, depth->context[i]));
        }
    }
}

int qbid_values_fit(struct qbid_values *values, const struct qbid_values_in *in)
{
    bool anew = false;
    values->line_item_max = 0;
    int err = line_items_room(values, in->account->line_item_max);
    if (!err)
        err = qbid_tree_update(&values->tree, in->account, in->cells, &anew);
    if (!err)
        err = rates_fit(values, in, anew);
    if (!err)
        err = goals_make(values, in->account);
    if (!err)
        err = nodes_room(values);
    if (err)
        return err;
    values->line_item_max = in->account->line_item_max;
    for (uint32_t i = 0; i < values->line_item_max; i++)
        values->hour[i] = in->hours ? qbid_item_hours_multiplier(in->hours, i) : 1;
    line_items_finish(values, in);
    qbid_thompson_draw(values, in);
    order_values_make(values, in);
    err = qbid_order_values_fit(&values->orders, &values->tree, in->cells, values->order_value,
                                in->now_s);
    if (err)
        return err;
    qbid_values_settle(values);
    return 0;
}
