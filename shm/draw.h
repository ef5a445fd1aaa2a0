/* SPDX-License-Identifier: Apache-2.0 */
/* Draws: a weighted choice among up to eight creatives of one slot, with all that a bid says of the
 * one that was drawn.
 *
 * A slot's draws stand side by side with ascending bounds; the first whose bound the random number
 * does not pass is taken. That replaces an alias line: it costs as little, says the probability of
 * the choice without adding up, and holds four draws in a cache line.
 */
#ifndef QBID_SHM_DRAW_H
#define QBID_SHM_DRAW_H

#include <stdint.h>

#define QBID_DRAW_MAX 8
#define QBID_DRAW_WHOLE (UINT64_C(1) << 32) /* the masses of a slot's draws add up to this */

struct qbid_draw {
    uint32_t upto_q32;     /* highest random number that takes this one, if it passes those before;
                              UINT32_MAX in a slot's last */
    uint32_t creative_idx; /* into creatives */
    uint32_t creative_id;  /* its id */
    uint32_t propensity_q32; /* probability of this draw; UINT32_MAX = 1 */
};
_Static_assert(sizeof(struct qbid_draw) == 16, "four draws are one cache line");

/**
 * The draw that follows those of mass `before`.
 *
 * Shapes:  mass in [1, QBID_DRAW_WHOLE - before].
 */
static inline struct qbid_draw qbid_draw_make(uint32_t creative_idx, uint32_t creative_id,
                                              uint64_t before, uint64_t mass)
{
    uint64_t most = UINT32_MAX;
    return (struct qbid_draw){(uint32_t)(before + mass - 1), creative_idx, creative_id,
                              (uint32_t)(mass < most ? mass : most)};
}

/**
 * Draw a creative.
 *
 * Shapes:  the cnt draws of a slot, 1..QBID_DRAW_MAX; random is uniform.
 * Threads: wait-free, no writes.
 * Cost:    one cache line, two from five draws on; a branch only from four on. No other slot's
 *          line is read, which may lie right behind.
 */
static inline const struct qbid_draw *qbid_draw_pick(const struct qbid_draw *first, uint32_t cnt,
                                                     uint32_t random)
{
    /* (cnt > 1), (cnt > 2) as sums: of the comparisons the compiler makes branches, which wait for
     * the shelf and are often wrong */
    uint32_t more = (cnt + QBID_DRAW_MAX - 2) / QBID_DRAW_MAX;
    uint32_t most = (cnt + QBID_DRAW_MAX - 3) / QBID_DRAW_MAX;
    const struct qbid_draw *second = first + more, *third = second + most;
    uint32_t on = random > first->upto_q32, place = on;
    on &= random > second->upto_q32;
    place += on;
    on &= random > third->upto_q32;
    place += on;
    while (on && place < QBID_DRAW_MAX - 1 && random > first[place].upto_q32)
        place++;
    return first + place;
}

#endif
