/* SPDX-License-Identifier: Apache-2.0 */
/* A line item's shelf: which draws serve it for which slot, and its first categories; one cache
 * line, found by the line item's index.
 *
 * Up to eight slots stand in the line itself when their draws lie together, as the builder lays
 * them out; else, and for more, the directory entries [dir_first, + dir_cnt) do.
 */
#ifndef QBID_SHM_SHELF_H
#define QBID_SHM_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "shm/draw.h"
#include "shm/units.h"

#define QBID_SHELF_SLOTS 8
#define QBID_SHELF_CATS 4

/* Which draws serve a line item for one slot value; sorted by slot within a line item. */
struct qbid_slot_dir {
    uint16_t slot_idx; /* value index of QBID_DIM_SLOT */
    uint16_t cnt;      /* draws, 1..QBID_DRAW_MAX */
    uint32_t draw;     /* the first of them: into draws */
};

/* A slot's draws in 16 bits: the first of them, from draw_first, above how many there are less one.
 */
#define QBID_SHELF_CNT_BITS 3
_Static_assert(1u << QBID_SHELF_CNT_BITS == QBID_DRAW_MAX, "each number of draws has a code");

static inline uint16_t qbid_shelf_draws(uint32_t first, uint32_t cnt)
{
    return (uint16_t)(first << QBID_SHELF_CNT_BITS | (cnt - 1));
}

struct qbid_shelf {
    _Alignas(QBID_CACHE_LINE) uint16_t slot_idx[QBID_SHELF_SLOTS]; /* ascending, then 0 */
    uint16_t draw[QBID_SHELF_SLOTS];   /* qbid_shelf_draws() of the slot */
    uint32_t cat_tag[QBID_SHELF_CATS]; /* low halves of the first categories, then 0 */
    uint32_t draw_first;               /* into draws */
    uint32_t cat_first;                /* all categories: into names */
    uint32_t dir_first;                /* all slots: into slot_dirs */
    uint16_t dir_cnt;
    uint8_t cat_cnt;
    uint8_t inline_cnt; /* slots in this line: dir_cnt, or 0 when they do not fit */
};
_Static_assert(sizeof(struct qbid_shelf) == QBID_CACHE_LINE, "a shelf is one cache line");
_Static_assert(offsetof(struct qbid_shelf, cat_tag) % 16 == 0, "the tags are one vector");

/**
 * Lay out one line item's shelf.
 *
 * Shapes:  dirs and names are all of an image; [dir_first, + dir_cnt) are this line item's slots,
 *          ascending, [cat_first, + cat_cnt) its categories.
 * Threads: pure; the one definition of what a shelf holds, for those who build and who check.
 */
void qbid_shelf_fill(struct qbid_shelf *shelf, const struct qbid_slot_dir *dirs, uint32_t dir_first,
                     uint16_t dir_cnt, const uint64_t *names, uint32_t cat_first, uint8_t cat_cnt);

/* What serves a line item for one slot. */
struct qbid_shelf_slot {
    uint32_t draw; /* the first: into draws */
    uint32_t cnt;  /* of them */
    uint32_t slot_idx;
};

/** qbid_shelf_find() in the directory: slots that do not fit into the line. */
bool qbid_shelf_find_dir(const struct qbid_shelf *shelf, const struct qbid_slot_dir *dirs,
                         uint32_t slot_idx, struct qbid_shelf_slot *ret_slot);

/* Place of a slot in the line, or inline_cnt. */
static inline unsigned qbid_shelf_place(const struct qbid_shelf *shelf, uint32_t slot_idx)
{
#if defined(__SSE2__)
    __m128i have = _mm_load_si128((const __m128i *)(const void *)shelf->slot_idx);
    __m128i same = _mm_cmpeq_epi16(have, _mm_set1_epi16((short)slot_idx));
    unsigned bits = (unsigned)_mm_movemask_epi8(same) | 1u << 16;
    return (unsigned)__builtin_ctz(bits) / 2;
#else
    unsigned i = 0;
    while (i < shelf->inline_cnt && shelf->slot_idx[i] != slot_idx)
        i++;
    return i;
#endif
}

/**
 * Creatives of a line item for a slot value.
 *
 * Shapes:  slot_idx > 0.
 * Returns: true and *ret_slot, or false when it has none for this slot.
 * Threads: any, wait-free, no writes.
 * Cost:    the shelf's line; more than eight slots: a binary search in the directory.
 */
static inline bool qbid_shelf_find(const struct qbid_shelf *shelf, const struct qbid_slot_dir *dirs,
                                   uint32_t slot_idx, struct qbid_shelf_slot *ret_slot)
{
    if (shelf->inline_cnt != shelf->dir_cnt)
        return qbid_shelf_find_dir(shelf, dirs, slot_idx, ret_slot);
    unsigned i = qbid_shelf_place(shelf, slot_idx);
    if (i >= shelf->inline_cnt)
        return false;
    unsigned draws = shelf->draw[i];
    *ret_slot = (struct qbid_shelf_slot){shelf->draw_first + (draws >> QBID_SHELF_CNT_BITS),
                                         1 + (draws & (QBID_DRAW_MAX - 1)), slot_idx};
    return true;
}

#endif
