/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of eligible line items that contexts of a plan share, and what contexts of the finest level
 * share of their values. */
#ifndef QBID_CONTROL_LEARN_PLAN_ROW_LISTS_H
#define QBID_CONTROL_LEARN_PLAN_ROW_LISTS_H

#include <stdint.h>

#include "control/keymap.h"
#include "control/learn/values/values.h"

#define QBID_ROW_LISTS_NONE UINT32_MAX

struct qbid_row_list {
    uint32_t first, cnt; /* in item */
};

/* Lists by the values of the dimensions that any line item targets: contexts that differ in others
 * have the same. All zeros = no lists. */
struct qbid_row_lists {
    struct qbid_keymap map;
    struct qbid_row_list *list;
    uint32_t list_cnt, list_capacity;
    uint32_t *item;
    uint32_t item_cnt, item_capacity;
    /* by context of the level above the finest, and list */
    struct qbid_keymap base_map;
    struct qbid_values_base *base;
    uint32_t base_cnt, base_capacity;
};

void qbid_row_lists_done(struct qbid_row_lists *lists);

/** List of a context's targeted values at a level; QBID_ROW_LISTS_NONE where none is made yet. */
uint32_t qbid_row_lists_find(const struct qbid_row_lists *lists, uint64_t values, unsigned level);

/** Add the line items of a bitmap; when all places are taken, all lists go before.
 *  QBID_ERR_NOMEM. */
int qbid_row_lists_add(struct qbid_row_lists *lists, uint64_t values, unsigned level,
                       const uint64_t *bitmap, uint32_t words, uint32_t *ret_list);

/** Line items of a list, by index, until the next qbid_row_lists_add(). */
static inline const uint32_t *qbid_row_lists_items(const struct qbid_row_lists *lists,
                                                   uint32_t list)
{
    return lists->item + lists->list[list].first;
}

static inline uint32_t qbid_row_lists_cnt(const struct qbid_row_lists *lists, uint32_t list)
{
    return lists->list[list].cnt;
}

/** Bases (qbid_values_bases()) of a list's line items above a context of the finest level, until
 *  the next call; NULL without memory. */
const struct qbid_values_base *qbid_row_lists_bases(struct qbid_row_lists *lists,
                                                    const struct qbid_values *values,
                                                    uint64_t context, uint32_t list);

#endif
