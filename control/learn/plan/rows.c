/* SPDX-License-Identifier: Apache-2.0 */
/* Counts traffic by context, takes the busiest, and lists each one's eligible line items. */
#include "control/learn/plan/rows.h"

#include <stdlib.h>
#include <string.h>

#include "control/learn/plan/row_lists.h"
#include "control/models/scratch.h"
#include "control/publish/section_targets.h"
#include "shm/error.h"

#define DIGITS 2048 /* of a radix sort */
#define AHEAD 16    /* contexts whose cells are fetched while the row of one is made */

struct traffic {
    uint64_t key;
    double bids;
    uint32_t first; /* of its cells in cells_by_key, finest level only */
    uint32_t cnt;
};

struct traffic_list {
    struct traffic *item;
    uint32_t cnt;
    uint32_t *cell; /* finest level: cells in the order of their keys */
};

/* Bitmaps of the line items that accept each value of one dimension, made when first asked for. */
struct accept_set {
    uint64_t *row[QBID_DIM_CNT]; /* value_cnt of them, one behind the other */
    uint32_t value_cnt[QBID_DIM_CNT];
    uint32_t words;
};

struct rows {
    const struct qbid_account *account;
    const struct qbid_dictionary *dictionary;
    const struct qbid_values *values;
    const struct qbid_segments *segments;
    struct accept_set accept;
    uint64_t *active;   /* bitmap, accept.words */
    uint64_t *eligible; /* scratch, accept.words */
    struct qbid_row_lists lists;
    struct qbid_values_base *base; /* scratch */
    uint32_t *known; /* scratch: nodes of eligible line items where they are known, and values */
    double *value;
    uint32_t *node_of; /* scratch by line item index: QBID_TREE_NONE */
    const struct traffic_list *traffic;
    uint64_t targeted; /* dimensions, by any line item */
    uint32_t candidate_capacity;
    struct qbid_plan *plan;
};

static int traffic_order(const void *a, const void *b)
{
    const struct traffic *x = a, *y = b;
    if (x->bids != y->bids)
        return x->bids > y->bids ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* Radix sort by key, least digit first; bits that are the same in all keys are passed over. */
static int key_sort(struct traffic_list *list)
{
    struct traffic *to = malloc(((size_t)list->cnt + 1) * sizeof *to);
    uint64_t differ = 0;
    if (!to)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < list->cnt; i++)
        differ |= list->item[i].key ^ list->item[0].key;
    while (differ) {
        unsigned shift = (unsigned)__builtin_ctzll(differ);
        uint32_t at[DIGITS] = {0}, sum = 0;
        for (uint32_t i = 0; i < list->cnt; i++)
            at[list->item[i].key >> shift & (DIGITS - 1)]++;
        for (unsigned digit = 0; digit < DIGITS; digit++) {
            uint32_t cnt = at[digit];
            at[digit] = sum;
            sum += cnt;
        }
        for (uint32_t i = 0; i < list->cnt; i++)
            to[at[list->item[i].key >> shift & (DIGITS - 1)]++] = list->item[i];
        struct traffic *swap = list->item;
        list->item = to;
        to = swap;
        differ &= ~((uint64_t)(DIGITS - 1) << shift);
    }
    free(to);
    return 0;
}

/* One item a key, with the bids of all. */
static int traffic_merge(struct traffic_list *list)
{
    int err = key_sort(list);
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < list->cnt && !err; i++) {
        if (list->cell)
            list->cell[i] = list->item[i].first;
        if (cnt && list->item[cnt - 1].key == list->item[i].key) {
            list->item[cnt - 1].bids += list->item[i].bids;
            list->item[cnt - 1].cnt++;
        } else {
            struct traffic first = {list->item[i].key, list->item[i].bids, i, 1};
            list->item[cnt++] = first;
        }
    }
    list->cnt = cnt;
    return err;
}

/* Contexts of the finest level from the cells. */
static int traffic_finest(const struct qbid_cells *cells, const struct qbid_values *values,
                          struct traffic_list *list)
{
    list->item = malloc(((size_t)cells->cnt + 1) * sizeof *list->item);
    list->cell = malloc(((size_t)cells->cnt + 1) * sizeof *list->cell);
    if (!list->item || !list->cell)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < cells->cnt; i++) {
        const struct qbid_cell *cell = &cells->cell[i];
        double seen = cell->bids > 0 ? cell->bids : qbid_cell_trials(cell);
        if (cell->context && seen > 0)
            list->item[list->cnt++] = (struct traffic){
                qbid_context_key(cell->context, values->tree.level_mask[0], 0), seen, i, 1};
    }
    return traffic_merge(list);
}

/* Contexts of a level from those of the one before it, whose dimensions it has a part of. */
static int traffic_coarser(const struct traffic_list *finer, uint64_t mask, unsigned level,
                           struct traffic_list *list)
{
    list->item = malloc(((size_t)finer->cnt + 1) * sizeof *list->item);
    if (!list->item)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < finer->cnt; i++)
        list->item[list->cnt++] = (struct traffic){
            qbid_context_key(finer->item[i].key, mask, level), finer->item[i].bids, 0, 0};
    return traffic_merge(list);
}

/* The busiest of a level that are not more than max, by key. */
static int traffic_cut(struct traffic_list *list, uint32_t max)
{
    if (list->cnt <= max)
        return 0;
    qsort(list->item, list->cnt, sizeof *list->item, traffic_order);
    list->cnt = max;
    return key_sort(list);
}

/* The keys that get a row, by key: coarse levels first, each by traffic, until max. The list is the
 * caller's to free, also after an error. */
static int traffic_take(const struct qbid_cells *cells, const struct qbid_values *values,
                        uint32_t max, struct traffic_list *ret_list)
{
    struct traffic_list level[QBID_LEVEL_MAX] = {{0}};
    uint32_t levels = values->tree.context_levels, cnt = 0;
    int err = traffic_finest(cells, values, &level[0]);
    for (unsigned l = 1; l < levels && !err; l++)
        err = traffic_coarser(&level[l - 1], values->tree.level_mask[l], l, &level[l]);
    for (unsigned l = levels; l-- > 0 && !err;) {
        err = traffic_cut(&level[l], max - cnt);
        cnt += level[l].cnt;
    }
    struct traffic_list taken = {malloc(((size_t)cnt + 1) * sizeof *taken.item), 0, level[0].cell};
    if (!taken.item)
        err = QBID_ERR_NOMEM;
    for (unsigned l = 0; l < levels && !err; l++) { /* keys of a finer level are the lower ones */
        if (level[l].cnt)
            memcpy(taken.item + taken.cnt, level[l].item, level[l].cnt * sizeof *taken.item);
        taken.cnt += level[l].cnt;
    }
    for (unsigned l = 0; l < levels; l++)
        free(level[l].item);
    *ret_list = taken;
    return err;
}

static const uint64_t *accept_row(struct rows *rows, unsigned dim, uint32_t index)
{
    struct accept_set *set = &rows->accept;
    if (!set->row[dim]) {
        set->value_cnt[dim] = qbid_dictionary_dim_cnt(rows->dictionary, dim) + 1;
        set->row[dim] = calloc((size_t)set->value_cnt[dim] * set->words + 1, sizeof *set->row[dim]);
        if (!set->row[dim])
            return NULL;
        qbid_section_targets_dim(rows->account, rows->dictionary, dim, set->words, set->row[dim]);
    }
    /* nobody names a value that has no name */
    return set->row[dim] + (size_t)(index < set->value_cnt[dim] ? index : 0) * set->words;
}

static int eligible_find(struct rows *rows, uint64_t context, uint64_t mask)
{
    memcpy(rows->eligible, rows->active, rows->accept.words * sizeof *rows->eligible);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        if (!(mask & rows->targeted & qbid_dim_mask(dim)))
            continue;
        const uint64_t *row = accept_row(rows, dim, qbid_dim_unpack(context, dim));
        if (!row)
            return QBID_ERR_NOMEM;
        for (uint32_t w = 0; w < rows->accept.words; w++)
            rows->eligible[w] &= row[w];
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    const struct qbid_plan_candidate *x = a, *y = b;
    if (x->value_micros != y->value_micros)
        return x->value_micros > y->value_micros ? -1 : 1;
    return x->line_item_idx < y->line_item_idx ? -1 : 1;
}

static int by_idx_order(const void *a, const void *b)
{
    const struct qbid_plan_candidate *x = a, *y = b;
    return x->line_item_idx < y->line_item_idx ? -1 : x->line_item_idx > y->line_item_idx;
}

/* The list of those that may bid in a context of a level. */
static int eligible_list(struct rows *rows, uint64_t context, unsigned level, uint32_t *ret_list)
{
    uint64_t mask = rows->values->tree.level_mask[level], values = context & rows->targeted;
    *ret_list = qbid_row_lists_find(&rows->lists, values, level);
    if (*ret_list != QBID_ROW_LISTS_NONE)
        return 0;
    int err = eligible_find(rows, context, mask);
    return err ? err
               : qbid_row_lists_add(&rows->lists, values, level, rows->eligible, rows->accept.words,
                                    ret_list);
}

/* Nodes of the eligible line items in a context of the finest level, from the cells that it has. */
static const uint32_t *known_make(struct rows *rows, const struct traffic *t,
                                  const uint32_t *item_idx, uint32_t cnt)
{
    const struct qbid_tree *tree = &rows->values->tree;
    const uint32_t *item = tree->index[tree->dim_cnt - 1];
    for (uint32_t i = t->first; i < t->first + t->cnt; i++) {
        uint32_t cell = rows->traffic->cell[i];
        if (tree->leaf[cell].node != QBID_TREE_NONE)
            rows->node_of[item[cell]] = tree->leaf[cell].node;
    }
    for (uint32_t i = 0; i < cnt; i++)
        rows->known[i] = rows->node_of[item_idx[i]];
    for (uint32_t i = t->first; i < t->first + t->cnt; i++)
        rows->node_of[item[rows->traffic->cell[i]]] = QBID_TREE_NONE;
    return rows->known;
}

/* Values of a list's line items in a context. */
static int values_make(struct rows *rows, const struct traffic *t, uint64_t context, unsigned level,
                       uint32_t list)
{
    const uint32_t *item = qbid_row_lists_items(&rows->lists, list), *known = NULL;
    uint32_t cnt = qbid_row_lists_cnt(&rows->lists, list);
    const struct qbid_values_base *base = rows->base;
    if (level == 0) {
        known = known_make(rows, t, item, cnt);
        base = qbid_row_lists_bases(&rows->lists, rows->values, context, list);
        if (!base)
            return QBID_ERR_NOMEM;
    } else {
        qbid_values_bases(rows->values, context, level, false, item, cnt, rows->base);
    }
    qbid_values_row(rows->values, context, level, item, known, base, cnt, rows->value);
    return 0;
}

/* In huge pages: the builder reads them in another order, a row at a time. */
static int candidates_room(struct rows *rows, uint32_t cnt)
{
    struct qbid_plan *plan = rows->plan;
    if (plan->candidate_cnt + cnt <= rows->candidate_capacity)
        return 0;
    uint32_t capacity = (plan->candidate_cnt + cnt) * 2;
    struct qbid_plan_candidate *bigger = qbid_scratch_new((size_t)capacity * sizeof *bigger);
    if (!bigger)
        return QBID_ERR_NOMEM;
    if (plan->candidate_cnt)
        memcpy(bigger, plan->candidates, plan->candidate_cnt * sizeof *bigger);
    free(plan->candidates);
    plan->candidates = bigger;
    rows->candidate_capacity = capacity;
    return 0;
}

/* Append one context's row to the plan; a context without a candidate gets none. */
static int row_append(struct rows *rows, const struct traffic *t)
{
    unsigned level = (unsigned)(t->key >> 62);
    uint64_t mask = rows->values->tree.level_mask[level], context = t->key & mask;
    uint32_t list, cnt = 0;
    int err = eligible_list(rows, context, level, &list);
    if (!err)
        err = values_make(rows, t, context, level, list);
    if (err)
        return err;
    const uint32_t *item = qbid_row_lists_items(&rows->lists, list);
    uint32_t eligible = qbid_row_lists_cnt(&rows->lists, list);
    struct qbid_plan *plan = rows->plan;
    err = candidates_room(rows, eligible);
    if (err)
        return err;
    struct qbid_plan_candidate *candidate = plan->candidates + plan->candidate_cnt;
    for (uint32_t i = 0; i < eligible; i++)
        if (rows->value[i] > 0)
            candidate[cnt++] = (struct qbid_plan_candidate){item[i], (float)rows->value[i]};
    if (cnt > QBID_ROWS_CANDIDATES_MAX) {
        qsort(candidate, cnt, sizeof *candidate, by_value);
        cnt = QBID_ROWS_CANDIDATES_MAX;
        qsort(candidate, cnt, sizeof *candidate, by_idx_order);
    }
    if (cnt == 0)
        return 0;
    uint16_t segment = (rows->segments->mask & ~mask) == 0
                           ? qbid_segments_find(rows->segments, context)
                           : (uint16_t)0;
    plan->contexts[plan->context_cnt++] =
        (struct qbid_plan_context){t->key, plan->candidate_cnt, cnt, segment};
    plan->candidate_cnt += cnt;
    return 0;
}

/* First cells of the contexts that come next, then their nodes. */
static void rows_prefetch(const struct rows *rows, uint32_t i)
{
    const struct qbid_tree *tree = &rows->values->tree;
    const struct traffic_list *list = rows->traffic;
    if (i + AHEAD >= list->cnt || list->item[i + AHEAD].cnt == 0)
        return;
    uint32_t cell = list->cell[list->item[i + AHEAD].first];
    __builtin_prefetch(&tree->leaf[cell]);
    __builtin_prefetch(&tree->index[tree->dim_cnt - 1][cell]);
    struct qbid_tree_leaf leaf = tree->leaf[list->cell[list->item[i + AHEAD / 2].first]];
    if (leaf.node != QBID_TREE_NONE)
        __builtin_prefetch(&rows->values->node[leaf.depth][leaf.node].value);
}

static int rows_prepare(struct rows *rows)
{
    const struct qbid_account *account = rows->account;
    uint32_t max = account->line_item_max;
    rows->accept.words = (max + 63) / 64;
    rows->active = calloc(rows->accept.words + 1, sizeof *rows->active);
    rows->eligible = calloc(rows->accept.words + 1, sizeof *rows->eligible);
    rows->known = calloc(max + 1, sizeof *rows->known);
    rows->base = calloc(max + 1, sizeof *rows->base);
    rows->value = calloc(max + 1, sizeof *rows->value);
    rows->node_of = malloc((max + 1) * sizeof *rows->node_of);
    rows->plan->line_value_micros = calloc(max + 1, sizeof(float));
    rows->plan->line_q_group = calloc(max + 1, sizeof(uint16_t));
    if (!rows->active || !rows->eligible || !rows->known || !rows->base || !rows->value ||
        !rows->node_of || !rows->plan->line_value_micros || !rows->plan->line_q_group)
        return QBID_ERR_NOMEM;
    memset(rows->node_of, 0xff, (max + 1) * sizeof *rows->node_of);
    rows->plan->line_item_max = max;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
        if (!c)
            continue;
        rows->plan->line_q_group[li->idx] = (uint16_t)(c->goal - 1);
        if (!li->active || !c->active)
            continue;
        rows->active[li->idx / 64] |= UINT64_C(1) << (li->idx % 64);
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
            rows->targeted |= li->target[dim].cnt > 0 ? qbid_dim_mask(dim) : 0;
        rows->plan->line_value_micros[li->idx] =
            (float)qbid_values_impression(rows->values, li->idx, 0, QBID_LEVEL_DEFAULT);
    }
    return 0;
}

static void rows_done(struct rows *rows)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        free(rows->accept.row[dim]);
    free(rows->active);
    free(rows->eligible);
    qbid_row_lists_done(&rows->lists);
    free(rows->known);
    free(rows->base);
    free(rows->value);
    free(rows->node_of);
}

int qbid_rows_fill(const struct qbid_account *account, const struct qbid_dictionary *dictionary,
                   const struct qbid_cells *cells, const struct qbid_values *values,
                   const struct qbid_segments *segments, uint32_t context_max,
                   struct qbid_plan *plan)
{
    struct rows rows = {.account = account,
                        .dictionary = dictionary,
                        .values = values,
                        .segments = segments,
                        .plan = plan};
    struct traffic_list list = {0};
    int err = rows_prepare(&rows);
    if (!err)
        err = traffic_take(cells, values, context_max, &list);
    if (!err && list.cnt) {
        plan->contexts = calloc(list.cnt, sizeof *plan->contexts);
        err = plan->contexts ? 0 : QBID_ERR_NOMEM;
    }
    rows.traffic = &list;
    for (uint32_t i = 0; i < list.cnt && !err; i++) {
        rows_prefetch(&rows, i);
        err = row_append(&rows, &list.item[i]);
    }
    free(list.item);
    free(list.cell);
    rows_done(&rows);
    return err;
}
