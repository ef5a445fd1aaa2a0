/* SPDX-License-Identifier: Apache-2.0 */
/* A line item's summary: what a bid as a rule needs of the line item and of its shelf, in one cache
 * line, found by the line item's index.
 *
 * A decision reads the summary of its best candidate. The line item and the shelf, which say all,
 * are read only where that is not enough: for a deal, a cap, terms, more slots or blocked
 * categories than fit, a blocked domain or category with the same tag.
 */
#ifndef QBID_SHM_SUMMARY_H
#define QBID_SHM_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "shm/dims.h"
#include "shm/shelf.h"
#include "shm/units.h"

#define QBID_SUMMARY_SLOTS 6
#define QBID_SUMMARY_CATS 2

struct qbid_line_item;

struct qbid_summary {
    _Alignas(QBID_CACHE_LINE) uint8_t slot_idx[QBID_SUMMARY_SLOTS]; /* ascending, then 0 */
    uint8_t slot_cnt;                    /* in this line: dir_cnt, or 0 when they do not fit */
    uint8_t cat_cnt;                     /* categories, fitting or not */
    uint8_t draw[QBID_SUMMARY_SLOTS];    /* qbid_shelf_draws() of the slot */
    uint16_t dir_cnt;                    /* slots, fitting or not */
    uint32_t draw_first;                 /* into draws */
    uint32_t cat_tag[QBID_SUMMARY_CATS]; /* low halves of the first categories, then 0 */
    uint32_t adomain_tag;                /* low half of its hash */
    int64_t floor_micros;
    int64_t ceiling_micros;
    uint32_t id;
    uint32_t campaign_id;
    uint16_t budget_idx;
    uint16_t q_group;
    uint8_t flags;    /* enum qbid_line_item_flag */
    uint8_t targeted; /* by dimension */
    uint8_t deal;     /* 1 = bids on a deal only */
    uint8_t pad;
};
_Static_assert(sizeof(struct qbid_summary) == QBID_CACHE_LINE, "a summary is one cache line");
_Static_assert(QBID_DIM_BITS_SLOT <= 8, "a slot's index is one byte");

/* Place of a slot in the line; slot_cnt or more when it is not there. */
static inline unsigned qbid_summary_place(const struct qbid_summary *summary, uint32_t slot_idx)
{
#if defined(__SSE2__)
    __m128i have = _mm_loadl_epi64((const __m128i *)(const void *)summary->slot_idx);
    unsigned bits =
        (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(have, _mm_set1_epi8((char)slot_idx)));
    return (unsigned)__builtin_ctz(bits | 1u << QBID_SUMMARY_SLOTS);
#else
    unsigned i = 0;
    while (i < summary->slot_cnt && summary->slot_idx[i] != slot_idx)
        i++;
    return i;
#endif
}

/**
 * qbid_shelf_find() of a line item whose slots fit into its summary: slot_cnt == dir_cnt.
 *
 * Shapes: slot_idx a value index > 0 of QBID_DIM_SLOT.
 */
static inline bool qbid_summary_find(const struct qbid_summary *summary, uint32_t slot_idx,
                                     struct qbid_shelf_slot *ret_slot)
{
    unsigned i = qbid_summary_place(summary, slot_idx);
    if (i >= summary->slot_cnt)
        return false;
    unsigned draws = summary->draw[i];
    *ret_slot = (struct qbid_shelf_slot){summary->draw_first + (draws >> QBID_SHELF_CNT_BITS),
                                         1 + (draws & (QBID_DRAW_MAX - 1)), slot_idx};
    return true;
}

/**
 * Lay out the summary of a line item and its shelf.
 *
 * Shapes:  of an image or to become part of one: budget_idx < QBID_LIVE_BUDGETS_MAX, the shelf as
 *          qbid_shelf_fill() makes it.
 * Threads: pure; the one definition of what a summary holds, for those who build and who check.
 */
void qbid_summary_fill(struct qbid_summary *summary, const struct qbid_line_item *item,
                       const struct qbid_shelf *shelf);

#endif
