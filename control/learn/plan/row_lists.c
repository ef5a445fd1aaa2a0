/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of lists and bases, each with a map onto it. */
#include "control/learn/plan/row_lists.h"

#include <stdlib.h>

#include "shm/error.h"

#define LISTS_MIN 256
#define ITEMS_MAX (UINT32_C(1) << 24) /* beyond these, lists and bases are made anew */
#define BASES_MAX (UINT32_C(1) << 20)

static void bases_clear(struct qbid_row_lists *lists)
{
    qbid_keymap_done(&lists->base_map);
    lists->base_cnt = 0;
}

void qbid_row_lists_done(struct qbid_row_lists *lists)
{
    bases_clear(lists);
    qbid_keymap_done(&lists->map);
    free(lists->list);
    free(lists->item);
    free(lists->base);
    *lists = (struct qbid_row_lists){0};
}

uint32_t qbid_row_lists_find(const struct qbid_row_lists *lists, uint64_t values, unsigned level)
{
    uint32_t i = qbid_keymap_find(&lists->map, values, level);
    return i == QBID_KEYMAP_NONE ? QBID_ROW_LISTS_NONE : i;
}

static int lists_room(struct qbid_row_lists *lists, uint32_t more)
{
    if (lists->list_cnt == lists->list_capacity) {
        uint32_t capacity = lists->list_capacity ? lists->list_capacity * 2 : LISTS_MIN;
        struct qbid_row_list *list = realloc(lists->list, capacity * sizeof *list);
        if (!list)
            return QBID_ERR_NOMEM;
        lists->list = list;
        lists->list_capacity = capacity;
    }
    if (lists->item_cnt + more > lists->item_capacity) {
        uint32_t capacity = (lists->item_cnt + more) * 2;
        uint32_t *item = realloc(lists->item, capacity * sizeof *item);
        if (!item)
            return QBID_ERR_NOMEM;
        lists->item = item;
        lists->item_capacity = capacity;
    }
    return 0;
}

int qbid_row_lists_add(struct qbid_row_lists *lists, uint64_t values, unsigned level,
                       const uint64_t *bitmap, uint32_t words, uint32_t *ret_list)
{
    uint32_t cnt = 0;
    for (uint32_t w = 0; w < words; w++)
        cnt += (uint32_t)__builtin_popcountll(bitmap[w]);
    if (lists->item_cnt + cnt > ITEMS_MAX)
        qbid_row_lists_done(lists);
    if (lists_room(lists, cnt) || qbid_keymap_add(&lists->map, values, level, lists->list_cnt))
        return QBID_ERR_NOMEM;
    *ret_list = lists->list_cnt++;
    lists->list[*ret_list] = (struct qbid_row_list){lists->item_cnt, cnt};
    for (uint32_t w = 0; w < words; w++)
        for (uint64_t bits = bitmap[w]; bits; bits &= bits - 1)
            lists->item[lists->item_cnt++] = w * 64 + (uint32_t)__builtin_ctzll(bits);
    return 0;
}

static int bases_room(struct qbid_row_lists *lists, uint32_t more)
{
    if (lists->base_cnt && lists->base_cnt + more > BASES_MAX)
        bases_clear(lists);
    if (lists->base_cnt + more <= lists->base_capacity)
        return 0;
    uint32_t capacity = (lists->base_cnt + more) * 2;
    struct qbid_values_base *base = realloc(lists->base, capacity * sizeof *base);
    if (!base)
        return QBID_ERR_NOMEM;
    lists->base = base;
    lists->base_capacity = capacity;
    return 0;
}

const struct qbid_values_base *qbid_row_lists_bases(struct qbid_row_lists *lists,
                                                    const struct qbid_values *values,
                                                    uint64_t context, uint32_t list)
{
    const struct qbid_tree *tree = &values->tree;
    uint64_t above = tree->context_levels > 1 ? context & tree->level_mask[1] : 0;
    uint32_t first = qbid_keymap_find(&lists->base_map, above, list);
    uint32_t cnt = qbid_row_lists_cnt(lists, list);
    if (first == QBID_KEYMAP_NONE) {
        if (bases_room(lists, cnt + 1))
            return NULL;
        first = lists->base_cnt;
        if (qbid_keymap_add(&lists->base_map, above, list, first))
            return NULL;
        qbid_values_bases(values, context, 0, true, qbid_row_lists_items(lists, list), cnt,
                          lists->base + first);
        lists->base_cnt += cnt;
    }
    return lists->base + first;
}
