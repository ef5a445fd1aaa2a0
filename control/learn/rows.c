/* SPDX-License-Identifier: Apache-2.0 */
/* Counts traffic by context, takes the busiest, and lists each one's eligible line items. */
#include "control/learn/rows.h"

#include <stdlib.h>
#include <string.h>

#include "control/publish/build_image.h"
#include "shm/error.h"

struct traffic {
    uint64_t key;
    uint64_t context; /* one that belongs to the key */
    double bids;
};

struct traffic_list {
    struct traffic *item;
    uint32_t cnt;
    uint32_t capacity;
    struct qbid_keymap map;
};

/* Line items that accept each value of one dimension, made when first asked for. */
struct accept_set {
    uint64_t **row[QBID_DIM_CNT];
    uint32_t words;
};

struct rows {
    const struct qbid_account *account;
    const struct qbid_dictionary *dictionary;
    const struct qbid_values *values;
    const struct qbid_segments *segments;
    const struct qbid_line_item_def **by_idx;
    struct accept_set accept;
    uint64_t *eligible; /* scratch, accept.words */
    struct qbid_plan_candidate *scratch;
    uint32_t candidate_capacity;
    struct qbid_plan *plan;
};

static int traffic_add(struct traffic_list *list, uint64_t key, uint64_t context, double bids)
{
    uint32_t i = qbid_keymap_find(&list->map, key, 0);
    if (i == QBID_KEYMAP_NONE) {
        if (list->cnt == list->capacity) {
            uint32_t capacity = list->capacity ? list->capacity * 2 : 256;
            struct traffic *item = realloc(list->item, capacity * sizeof *item);
            if (!item)
                return QBID_ERR_NOMEM;
            list->item = item;
            list->capacity = capacity;
        }
        if (qbid_keymap_add(&list->map, key, 0, list->cnt))
            return QBID_ERR_NOMEM;
        i = list->cnt++;
        list->item[i] = (struct traffic){.key = key, .context = context};
    }
    list->item[i].bids += bids;
    return 0;
}

static int traffic_order(const void *a, const void *b)
{
    const struct traffic *x = a, *y = b;
    if (x->bids != y->bids)
        return x->bids > y->bids ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static int key_order(const void *a, const void *b)
{
    const struct traffic *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* The keys that get a row, by key: coarse levels first, each by traffic, until max. */
static int traffic_take(const struct qbid_cells *cells, const struct qbid_values *values,
                        uint32_t max, struct traffic_list *ret_list)
{
    struct traffic_list taken = {0};
    int err = 0;
    for (unsigned level = values->tree.context_levels; level-- > 0 && !err;) {
        struct traffic_list list = {0};
        uint64_t mask = values->tree.level_mask[level];
        for (uint32_t i = 0; i < cells->cnt && !err; i++) {
            const struct qbid_cell *cell = &cells->cell[i];
            double seen = cell->bids > 0 ? cell->bids : qbid_cell_trials(cell);
            if (cell->context && seen > 0)
                err = traffic_add(&list, qbid_context_key(cell->context, mask, level),
                                  cell->context & mask, seen);
        }
        if (list.cnt)
            qsort(list.item, list.cnt, sizeof *list.item, traffic_order);
        for (uint32_t i = 0; i < list.cnt && taken.cnt < max && !err; i++)
            err = traffic_add(&taken, list.item[i].key, list.item[i].context, list.item[i].bids);
        free(list.item);
        qbid_keymap_done(&list.map);
    }
    qbid_keymap_done(&taken.map); /* places change with the sort */
    if (err) {
        free(taken.item);
        return err;
    }
    if (taken.cnt)
        qsort(taken.item, taken.cnt, sizeof *taken.item, key_order);
    *ret_list = taken;
    return 0;
}

static const uint64_t *accept_row(struct rows *rows, unsigned dim, uint32_t index)
{
    struct accept_set *set = &rows->accept;
    if (!set->row[dim]) {
        set->row[dim] = calloc((size_t)qbid_dim_index_max(dim) + 1, sizeof *set->row[dim]);
        if (!set->row[dim])
            return NULL;
    }
    uint64_t *row = set->row[dim][index];
    if (!row) {
        row = calloc(set->words ? set->words : 1, sizeof *row);
        for (uint32_t i = 0; row && i < rows->account->line_item_cnt; i++) {
            const struct qbid_line_item_def *li = &rows->account->line_items[i];
            if (qbid_target_accepts(li, dim, index, rows->dictionary))
                row[li->idx / 64] |= UINT64_C(1) << (li->idx % 64);
        }
        set->row[dim][index] = row;
    }
    return row;
}

static int eligible_find(struct rows *rows, uint64_t context, uint64_t mask)
{
    memset(rows->eligible, 0xff, rows->accept.words * sizeof *rows->eligible);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        if (!(mask & qbid_dim_mask(dim)))
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

/* Append one context's row to the plan; a context without a candidate gets none. */
static int row_append(struct rows *rows, const struct traffic *t)
{
    unsigned level = (unsigned)(t->key >> 62);
    uint64_t mask = rows->values->tree.level_mask[level];
    int err = eligible_find(rows, t->context, mask);
    if (err)
        return err;
    uint32_t cnt = 0;
    for (uint32_t idx = 0; idx < rows->account->line_item_max; idx++) {
        if (!rows->by_idx[idx] || !(rows->eligible[idx / 64] >> (idx % 64) & 1))
            continue;
        double value = qbid_values_impression(rows->values, idx, t->context, level);
        if (value > 0)
            rows->scratch[cnt++] = (struct qbid_plan_candidate){idx, (float)value};
    }
    if (cnt > QBID_ROWS_CANDIDATES_MAX) {
        qsort(rows->scratch, cnt, sizeof *rows->scratch, by_value);
        cnt = QBID_ROWS_CANDIDATES_MAX;
        qsort(rows->scratch, cnt, sizeof *rows->scratch, by_idx_order);
    }
    struct qbid_plan *plan = rows->plan;
    if (plan->candidate_cnt + cnt > rows->candidate_capacity) {
        uint32_t capacity = (plan->candidate_cnt + cnt) * 2;
        struct qbid_plan_candidate *c = realloc(plan->candidates, capacity * sizeof *c);
        if (!c)
            return QBID_ERR_NOMEM;
        plan->candidates = c;
        rows->candidate_capacity = capacity;
    }
    if (cnt == 0)
        return 0;
    memcpy(plan->candidates + plan->candidate_cnt, rows->scratch, cnt * sizeof *rows->scratch);
    uint16_t segment = (rows->segments->mask & ~mask) == 0
                           ? qbid_segments_find(rows->segments, t->context)
                           : (uint16_t)0;
    plan->contexts[plan->context_cnt++] =
        (struct qbid_plan_context){t->key, plan->candidate_cnt, cnt, segment};
    plan->candidate_cnt += cnt;
    return 0;
}

static int rows_prepare(struct rows *rows)
{
    const struct qbid_account *account = rows->account;
    uint32_t max = account->line_item_max;
    rows->accept.words = (max + 63) / 64;
    rows->by_idx = calloc(max + 1, sizeof *rows->by_idx);
    rows->eligible = calloc(rows->accept.words + 1, sizeof *rows->eligible);
    rows->scratch = calloc(max + 1, sizeof *rows->scratch);
    rows->plan->line_value_micros = calloc(max + 1, sizeof(float));
    rows->plan->line_q_group = calloc(max + 1, sizeof(uint16_t));
    if (!rows->by_idx || !rows->eligible || !rows->scratch || !rows->plan->line_value_micros ||
        !rows->plan->line_q_group)
        return QBID_ERR_NOMEM;
    rows->plan->line_item_max = max;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
        if (!c)
            continue;
        rows->plan->line_q_group[li->idx] = (uint16_t)(c->goal - 1);
        if (!li->active || !c->active)
            continue;
        rows->by_idx[li->idx] = li;
        rows->plan->line_value_micros[li->idx] =
            (float)qbid_values_impression(rows->values, li->idx, 0, QBID_LEVEL_DEFAULT);
    }
    return 0;
}

static void rows_done(struct rows *rows)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (uint32_t i = 0; rows->accept.row[dim] && i <= qbid_dim_index_max(dim); i++)
            free(rows->accept.row[dim][i]);
        free(rows->accept.row[dim]);
    }
    free(rows->by_idx);
    free(rows->eligible);
    free(rows->scratch);
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
    for (uint32_t i = 0; i < list.cnt && !err; i++)
        err = row_append(&rows, &list.item[i]);
    free(list.item);
    rows_done(&rows);
    return err;
}
