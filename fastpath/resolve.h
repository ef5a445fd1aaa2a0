/* SPDX-License-Identifier: Apache-2.0 */
/* From raw values to value indices, and from those to the finest context row that exists. */
#ifndef QBID_FASTPATH_RESOLVE_H
#define QBID_FASTPATH_RESOLVE_H

#include <stdint.h>

#include "shm/image.h"
#include "shm/request.h"

/* Where an impression lies in the image. */
struct qbid_place {
    uint64_t context;                                /* packed value indices */
    uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX];       /* the first request.slot_cnt are set */
    uint16_t segment_idx[QBID_REQUEST_SEGMENTS_MAX]; /* the first request.segment_cnt are set */
    struct qbid_row_ref row;                         /* cnt 0 = no level has one */
    uint32_t level;                                  /* of the row, or QBID_LEVEL_DEFAULT */
    uint64_t hash;                                   /* of the context's key at that level */
    struct qbid_index_guess guess;                   /* where the row must be */
};

/** qbid_request_resolve() of fastpath/decide.h, inline. */
static inline uint64_t qbid_place_context(const struct qbid_image *image,
                                          const struct qbid_request *request,
                                          uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX],
                                          uint16_t segment_idx[QBID_REQUEST_SEGMENTS_MAX])
{
    uint64_t context = 0;
#pragma GCC unroll 8
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        if (dim != QBID_DIM_SLOT && dim != QBID_DIM_SEGMENT)
            context = qbid_dim_pack(context, dim, qbid_image_value(image, request->dim[dim]));
    }
    uint32_t first_slot = 0, lowest_segment = UINT32_MAX; /* less 1: 0 = unknown is the highest */
    for (unsigned i = 0; i < request->slot_cnt; i++) {
        uint32_t index = qbid_image_value(image, request->slot[i]);
        slot_idx[i] = (uint16_t)index;
        first_slot = first_slot ? first_slot : index;
    }
    for (unsigned i = 0; i < request->segment_cnt; i++) {
        uint32_t index = qbid_image_value(image, request->segment[i]);
        segment_idx[i] = (uint16_t)index;
        lowest_segment = index - 1u < lowest_segment ? index - 1u : lowest_segment;
    }
    context = qbid_dim_pack(context, QBID_DIM_SLOT, first_slot);
    return qbid_dim_pack(context, QBID_DIM_SEGMENT, lowest_segment + 1u);
}

/* Ask for the buckets of every level. Only where other work follows: a look-up right behind it
 * took 3 to 5 % longer with it than without. */
static inline void qbid_place_prefetch_rows(const struct qbid_image *image, uint64_t context)
{
    for (unsigned level = 0; level < image->level_cnt; level++)
        qbid_index_prefetch(image->index, image->index_buckets,
                            qbid_context_key(context, image->header->level_mask[level], level));
}

static inline uint64_t qbid_place_hash(const struct qbid_image *image,
                                       const struct qbid_place *place, unsigned level)
{
    return qbid_mix64(qbid_context_key(place->context, image->header->level_mask[level], level));
}

/* The finest level that may have a row, and where that is; nothing of the row is read. */
static inline void qbid_place_locate(const struct qbid_image *image, struct qbid_place *place)
{
    for (unsigned level = 0; level < image->level_cnt; level++) {
        place->level = level;
        place->hash = qbid_place_hash(image, place, level);
        if (qbid_index_locate(image->index, image->index_buckets, image->rows, place->hash,
                              &place->guess))
            return;
    }
    place->guess = (struct qbid_index_guess){0};
    place->level = QBID_LEVEL_DEFAULT;
}

/* The row of the finest level that has one, from the level that was located on, or NULL: the guess
 * was wrong, or there was none. */
static __attribute__((noinline, unused)) const struct qbid_row_block *
qbid_place_search(const struct qbid_image *image, struct qbid_place *place)
{
    for (; place->level < image->level_cnt; place->level++) {
        const struct qbid_row_block *row =
            qbid_index_search(image->index, image->index_buckets, image->rows,
                              qbid_place_hash(image, place, place->level));
        if (row != NULL)
            return row;
    }
    place->level = QBID_LEVEL_DEFAULT;
    return NULL;
}

/* The row that was located, or what there is in its place. */
static inline void qbid_place_open(const struct qbid_image *image, struct qbid_place *place)
{
    const struct qbid_row_block *row = place->guess.row;
    if (__builtin_expect(!qbid_index_right(&place->guess, place->hash), 0))
        row = qbid_place_search(image, place);
    place->row = row ? qbid_row_open(image->rows, row) : (struct qbid_row_ref){0};
}

#endif
