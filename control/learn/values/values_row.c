/* SPDX-License-Identifier: Apache-2.0 */
/* Answers look-ups of rates and values, one by one and by rows. */
#include <math.h>

#include "control/learn/values/learned.h"
#include "control/learn/values/values.h"
#include "control/learn/values/values_worth.h"

#define BATCH 64 /* line items whose nodes are fetched together */

/* Where a line item is looked up in a context: the deepest node that is known. */
struct at {
    const struct qbid_values_node *node;
    bool here; /* it is the context itself, not one above it */
};

/* above: the level itself is known not to have it. */
static struct at find(const struct qbid_values *values, uint32_t line_item_idx, uint64_t context,
                      unsigned level, bool above)
{
    const struct qbid_tree *tree = &values->tree;
    for (unsigned l = above ? level + 1 : level; l < tree->context_levels; l++) {
        uint32_t depth = qbid_tree_depth_of(tree, l);
        uint32_t i = qbid_tree_find(tree, depth, context & tree->level_mask[l], line_item_idx);
        if (i != QBID_TREE_NONE)
            return (struct at){&values->node[depth][i], l == level};
    }
    uint32_t i = qbid_tree_find(tree, QBID_TREE_LINE_ITEM, 0, line_item_idx);
    return (struct at){i == QBID_TREE_NONE ? NULL : &values->node[QBID_TREE_LINE_ITEM][i],
                       level >= tree->context_levels};
}

static uint64_t level_mask(const struct qbid_values *values, unsigned level)
{
    return level < values->tree.context_levels ? values->tree.level_mask[level] : 0;
}

/* A context at a level, and the products of its dimensions' ratios. */
struct place {
    uint64_t context, mask;
    double ratios[QBID_VALUES_RATES];
    double orders; /* for values alone */
};

static struct place place_of(const struct qbid_values *values, uint64_t context, unsigned level)
{
    struct place place = {.context = context, .mask = level_mask(values, level)};
    for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++)
        place.ratios[kind] =
            qbid_estimate_ratios(&values->rate[kind], &values->tree, context, place.mask);
    return place;
}

static struct qbid_values_base base_of(const struct qbid_values *values, uint32_t line_item_idx,
                                       struct at at)
{
    struct qbid_values_base base = {0};
    if (!at.node)
        return base;
    base.known = true;
    base.whole = at.here || !values->orders.differ;
    base.line = values->line[line_item_idx];
    base.order_value = values->order_value[line_item_idx];
    base.value = at.node->value;
    for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
        base.rate[kind] = at.here ? at.node->here[kind] : at.node->below[kind];
        if (at.here || values->way[kind][line_item_idx] != QBID_CONTEST_EFFECTS)
            continue;
        bool interactions = line_item_idx < values->rate[kind].line_item_max &&
                            values->rate[kind].differs[line_item_idx] != 0;
        base.use[kind] = interactions ? QBID_VALUES_INTERACTIONS : QBID_VALUES_RATIOS;
        base.whole = false;
    }
    return base;
}

static struct qbid_rate_pair base_rates(const struct qbid_values *values,
                                        const struct qbid_values_base *base, uint32_t line_item_idx,
                                        const struct place *place)
{
    double rate[QBID_VALUES_RATES];
    for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
        rate[kind] = (double)base->rate[kind];
        if (base->use[kind] == QBID_VALUES_INTERACTIONS)
            rate[kind] *= place->ratios[kind] *
                          qbid_estimate_interactions(&values->rate[kind], &values->tree,
                                                     line_item_idx, place->context, place->mask);
        else if (base->use[kind] == QBID_VALUES_RATIOS)
            rate[kind] *= place->ratios[kind];
        rate[kind] = qbid_values_at_most_1(rate[kind]);
    }
    return (struct qbid_rate_pair){rate[QBID_VALUES_CTR], rate[QBID_VALUES_CVR]};
}

/* Order values count where revenue does. */
static double base_worth(const struct qbid_values_base *base, struct qbid_rate_pair rates,
                         const struct place *place)
{
    return qbid_values_worth(&base->line, rates.ctr, rates.cvr, base->order_value * place->orders);
}

struct qbid_rate_pair qbid_values_rates(const struct qbid_values *values, uint32_t line_item_idx,
                                        uint64_t context, unsigned level)
{
    if (line_item_idx >= values->line_item_max)
        return (struct qbid_rate_pair){0};
    struct qbid_values_base base =
        base_of(values, line_item_idx, find(values, line_item_idx, context, level, false));
    struct place place = place_of(values, context, level);
    return base.known ? base_rates(values, &base, line_item_idx, &place)
                      : (struct qbid_rate_pair){0};
}

double qbid_values_order(const struct qbid_values *values, uint32_t line_item_idx, uint64_t context)
{
    return values->order_value[line_item_idx] *
           qbid_order_values_ratio(&values->orders, &values->tree, context);
}

struct qbid_rate_pair qbid_values_expected(const struct qbid_values *values, uint32_t line_item_idx,
                                           uint64_t context)
{
    struct qbid_rate_pair rates = qbid_values_rates(values, line_item_idx, context, 0);
    if (line_item_idx < values->line_item_max && rates.ctr > 0) {
        rates.ctr /= values->level[QBID_VALUES_CTR][line_item_idx];
        rates.cvr /= values->level[QBID_VALUES_CVR][line_item_idx];
    }
    return rates;
}

double qbid_values_impression(const struct qbid_values *values, uint32_t line_item_idx,
                              uint64_t context, unsigned level)
{
    struct qbid_values_base base;
    double value = 0;
    if (line_item_idx < values->line_item_max) {
        qbid_values_bases(values, context, level, false, &line_item_idx, 1, &base);
        qbid_values_row(values, context, level, &line_item_idx, NULL, &base, 1, &value);
    }
    return value;
}

/* The level at which look-ups begin. */
static void row_prefetch(const struct qbid_values *values, uint64_t context, unsigned level,
                         const uint32_t *line_item_idx, uint32_t cnt)
{
    if (level >= values->tree.context_levels)
        return;
    const struct qbid_tree_depth *depth =
        &values->tree.depth[qbid_tree_depth_of(&values->tree, level)];
    uint64_t key = context & values->tree.level_mask[level];
    for (uint32_t i = 0; i < cnt; i++)
        qbid_keymap_prefetch(&depth->map, key, line_item_idx[i]);
}

void qbid_values_bases(const struct qbid_values *values, uint64_t context, unsigned level,
                       bool above, const uint32_t *line_item_idx, uint32_t cnt,
                       struct qbid_values_base *ret_base)
{
    for (uint32_t from = 0; from < cnt; from += BATCH) {
        uint32_t to = cnt - from < BATCH ? cnt : from + BATCH;
        row_prefetch(values, context, level + (above ? 1 : 0), line_item_idx + from, to - from);
        for (uint32_t i = from; i < to; i++)
            ret_base[i] = base_of(values, line_item_idx[i],
                                  find(values, line_item_idx[i], context, level, above));
    }
}

static double base_value(const struct qbid_values *values, const struct qbid_values_base *base,
                         uint32_t line_item_idx, const struct place *place)
{
    if (base->whole)
        return (double)base->value;
    return base_worth(base, base_rates(values, base, line_item_idx, place), place);
}

/* In a finest context, for a line item that another model serves. */
static double value_learned(const struct qbid_values *values, const struct qbid_values_base *base,
                            uint32_t line_item_idx, const struct place *place)
{
    if (!base->known)
        return 0;
    struct qbid_rate_pair rates = base_rates(values, base, line_item_idx, place);
    bool conversions = base->line.conversion + base->line.revenue > 0;
    rates = qbid_learned_rates(values->learned, line_item_idx, place->context, conversions, rates);
    rates.ctr = qbid_values_at_most_1(rates.ctr);
    rates.cvr = qbid_values_at_most_1(rates.cvr);
    return base_worth(base, rates, place);
}

void qbid_values_row(const struct qbid_values *values, uint64_t context, unsigned level,
                     const uint32_t *line_item_idx, const uint32_t *known,
                     const struct qbid_values_base *base, uint32_t cnt, double *ret_value)
{
    struct place place = place_of(values, context, level);
    const struct qbid_values_node *node =
        known ? values->node[qbid_tree_depth_of(&values->tree, level)] : NULL;
    const struct qbid_learned *learned = level == 0 ? values->learned : NULL;
    place.orders = qbid_order_values_ratio(&values->orders, &values->tree, context & place.mask);
    for (uint32_t i = 0; i < cnt && i < BATCH; i++)
        __builtin_prefetch(&base[i]);
    for (uint32_t i = 0; i < cnt; i++) {
        const struct qbid_values_node *own =
            known && known[i] != QBID_TREE_NONE ? &node[known[i]] : NULL;
        if (learned && qbid_learned_serves(learned, line_item_idx[i])) {
            struct qbid_values_base here = base[i];
            if (own)
                here = base_of(values, line_item_idx[i], (struct at){own, true});
            ret_value[i] = value_learned(values, &here, line_item_idx[i], &place);
        } else {
            ret_value[i] =
                own ? (double)own->value : base_value(values, &base[i], line_item_idx[i], &place);
        }
    }
}
