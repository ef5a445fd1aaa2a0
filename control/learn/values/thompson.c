/* SPDX-License-Identifier: Apache-2.0 */
/* Which line items are drawn, and how widely. */
#include "control/learn/values/thompson.h"

#include <math.h>

#include "control/models/random.h"
#include "shm/hash.h"

#define DRAW_SHAPE_MAX 400.0 /* what is known as well as this is not drawn */
#define DRAW_MAX 3.0
#define PRIOR_SHAPE_MAX 25.0 /* line items are never taken to differ by less than a fifth */

/* Successes that a line item's rate is known by, those of its prior included. */
static double shape_of(const struct qbid_values *values, unsigned kind, uint32_t line_item_idx)
{
    const struct qbid_estimate *rate = &values->rate[kind];
    uint32_t node = qbid_tree_find(&values->tree, QBID_TREE_LINE_ITEM, 0, line_item_idx);
    const struct qbid_rates_cell *cell =
        &rate->level[QBID_TREE_LINE_ITEM].cells[rate->place[QBID_TREE_LINE_ITEM][node]];
    double prior = rate->strength[QBID_TREE_LINE_ITEM] * cell->rate;
    return cell->successes + fmin(prior, PRIOR_SHAPE_MAX);
}

/* Whether a campaign has others to compare with, and knows enough of some. */
static bool explores(const struct qbid_values *values, const struct qbid_account *account,
                     const struct qbid_line_item_def *li)
{
    const struct qbid_tree *tree = &values->tree;
    const struct qbid_estimate *rate = &values->rate[QBID_VALUES_CTR];
    uint32_t item = qbid_tree_find(tree, QBID_TREE_LINE_ITEM, 0, li->idx);
    uint32_t campaign = tree->depth[QBID_TREE_LINE_ITEM].parent[item];
    const struct qbid_rates_cell *whole =
        &rate->level[QBID_TREE_CAMPAIGN].cells[rate->place[QBID_TREE_CAMPAIGN][campaign]];
    const struct qbid_rates_cell *own =
        &rate->level[QBID_TREE_LINE_ITEM].cells[rate->place[QBID_TREE_LINE_ITEM][item]];
    const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
    bool rated = c && c->goal != QBID_GOAL_FIXED_CPM;
    return rated && whole->successes >= QBID_THOMPSON_KNOWN_CLICKS &&
           (whole->trials > own->trials || own->trials <= 0);
}

void qbid_thompson_draw(struct qbid_values *values, const struct qbid_values_in *in)
{
    const struct qbid_account *account = in->account;
    uint64_t period = (uint64_t)(in->now_s / QBID_THOMPSON_PERIOD_S);
    for (uint32_t i = 0; i < values->line_item_max; i++)
        values->draw[QBID_VALUES_CTR][i] = values->draw[QBID_VALUES_CVR][i] = 1;
    for (uint32_t i = 0; i < account->line_item_cnt && in->explore && !in->keep; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        struct qbid_random random = qbid_random_init(qbid_mix64(period) ^ li->id);
        if (!explores(values, account, li))
            continue;
        for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
            double shape = shape_of(values, kind, li->idx);
            if (shape > 0 && shape < DRAW_SHAPE_MAX)
                values->draw[kind][li->idx] =
                    fmin(qbid_random_gamma(&random, shape) / shape, DRAW_MAX);
        }
    }
}
