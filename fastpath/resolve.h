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

/* Ask for the index lines of every level. Only where other work follows: a look-up right behind it
 * took 3 to 5 % longer with it than without. */
static inline void qbid_place_prefetch_rows(const struct qbid_image *image, uint64_t context)
{
    for (unsigned level = 0; level < image->level_cnt; level++)
        qbid_index_prefetch(image->index, image->index_lines,
                            qbid_context_key(context, image->header->level_mask[level], level));
}

/* The row of the finest level that has one. */
static inline void qbid_place_find_row(const struct qbid_image *image, struct qbid_place *place)
{
    for (unsigned level = 0; level < image->level_cnt; level++) {
        uint64_t key = qbid_context_key(place->context, image->header->level_mask[level], level);
        place->level = level;
        if (qbid_index_seek(image->index, image->index_lines, image->rows, key, &place->row))
            return;
    }
    place->row = (struct qbid_row_ref){0};
    place->level = QBID_LEVEL_DEFAULT;
}

#endif
