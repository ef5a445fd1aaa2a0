/* SPDX-License-Identifier: Apache-2.0 */
/* Targeting by bitmaps: a test of one line item, and the rows whose AND gives all that may bid.
 *
 * A dimension accepts a line item by the row of its value index (0 = unknown). Slots and segments
 * are lists: any of their values will do; an empty list counts as one unknown value.
 */
#ifndef QBID_FASTPATH_ELIGIBLE_H
#define QBID_FASTPATH_ELIGIBLE_H

#include <stdint.h>

#include "fastpath/resolve.h"
#include "shm/image.h"
#include "shm/request.h"

#define QBID_ELIGIBLE_SINGLES (QBID_DIM_CNT - 2)
#define QBID_ELIGIBLE_LISTS (1u << QBID_DIM_SLOT | 1u << QBID_DIM_SEGMENT)

static inline uint64_t qbid_eligible_bit(const struct qbid_image *image, unsigned dim,
                                         uint32_t value, uint32_t line_item_idx)
{
    return qbid_image_elig(image, dim, value)[line_item_idx >> 6] >> (line_item_idx & 63);
}

static inline uint64_t qbid_eligible_any(const struct qbid_image *image, unsigned dim,
                                         const uint16_t *value, unsigned cnt,
                                         uint32_t line_item_idx)
{
    uint64_t any = cnt ? 0 : qbid_eligible_bit(image, dim, 0, line_item_idx);
    for (unsigned i = 0; i < cnt; i++)
        any |= qbid_eligible_bit(image, dim, value[i], line_item_idx);
    return any;
}

/* The test of one dimension. */
static inline uint64_t qbid_eligible_dim(const struct qbid_image *image,
                                         const struct qbid_request *request,
                                         const struct qbid_place *place, unsigned dim,
                                         uint32_t line_item_idx)
{
    if (dim == QBID_DIM_SLOT)
        return qbid_eligible_any(image, dim, place->slot_idx, request->slot_cnt, line_item_idx);
    if (dim == QBID_DIM_SEGMENT)
        return qbid_eligible_any(image, dim, place->segment_idx, request->segment_cnt,
                                 line_item_idx);
    return qbid_eligible_bit(image, dim, qbid_dim_unpack(place->context, dim), line_item_idx);
}

/**
 * Whether one line item's targeting accepts a request in every dimension.
 *
 * Returns: 1 or 0.
 * Threads: wait-free, no writes.
 * Cost:    one word for each dimension that the line item targets, for lists one for each value,
 *          all independent of one another.
 */
static inline unsigned qbid_eligible_test(const struct qbid_image *image,
                                          const struct qbid_request *request,
                                          const struct qbid_place *place, uint32_t line_item_idx)
{
    unsigned left = image->summaries[line_item_idx].targeted;
    uint64_t all = 1;
    if ((left & QBID_ELIGIBLE_LISTS) == 0) {
        /* as a rule one at most: tested without asking whether there is one */
        unsigned dim = (unsigned)__builtin_ctz(left | 1u << QBID_DIM_HOUR);
        uint32_t value = qbid_dim_unpack(place->context, dim);
        all = qbid_eligible_bit(image, dim, value, line_item_idx) | (left == 0);
        left &= left - 1;
    }
    for (; left; left &= left - 1)
        all &=
            qbid_eligible_dim(image, request, place, (unsigned)__builtin_ctz(left), line_item_idx);
    return (unsigned)(all & 1);
}

/** Ask for the words that qbid_eligible_test() will read, those of lists aside, which few line
 * items target. */
static inline void qbid_eligible_prefetch(const struct qbid_image *image,
                                          const struct qbid_place *place, uint32_t line_item_idx)
{
    unsigned left = image->summaries[line_item_idx].targeted & ~QBID_ELIGIBLE_LISTS;
    do {
        unsigned dim = (unsigned)__builtin_ctz(left | 1u << QBID_DIM_HOUR);
        const uint64_t *row = qbid_image_elig(image, dim, qbid_dim_unpack(place->context, dim));
        __builtin_prefetch(&row[line_item_idx >> 6]);
        left &= left - 1;
    } while (left);
}

/* Rows of a request. Behind the last one of a list it stands again, QBID_ELIGIBLE_PAD times: a
 * kernel may take a list in groups of up to 1 + QBID_ELIGIBLE_PAD, an OR with the same row twice
 * changes nothing. */
#define QBID_ELIGIBLE_PAD 3

struct qbid_eligible {
    const uint64_t *single[QBID_ELIGIBLE_SINGLES];
    const uint64_t *slot[QBID_REQUEST_SLOTS_MAX + QBID_ELIGIBLE_PAD];
    const uint64_t *segment[QBID_REQUEST_SEGMENTS_MAX + QBID_ELIGIBLE_PAD];
    unsigned slot_cnt;    /* >= 1 */
    unsigned segment_cnt; /* >= 1 */
    uint32_t word;        /* the next one to look at */
    uint32_t word_cnt;
};

static inline unsigned qbid_eligible_rows(const struct qbid_image *image, unsigned dim,
                                          const uint16_t *value, unsigned cnt,
                                          const uint64_t **ret_row)
{
    const uint64_t *last = qbid_image_elig(image, dim, cnt ? value[0] : 0);
    ret_row[0] = last;
    for (unsigned i = 1; i < cnt; i++)
        ret_row[i] = last = qbid_image_elig(image, dim, value[i]);
    cnt = cnt ? cnt : 1;
    for (unsigned i = 0; i < QBID_ELIGIBLE_PAD; i++)
        ret_row[cnt + i] = last;
    return cnt;
}

/* Bits of the line items of one word that all rows accept. */
static inline uint64_t qbid_eligible_word(const struct qbid_eligible *eligible, uint32_t word)
{
    uint64_t all = ~UINT64_C(0), slots = 0, segments = 0;
#pragma GCC unroll 8
    for (unsigned i = 0; i < QBID_ELIGIBLE_SINGLES; i++)
        all &= eligible->single[i][word];
    for (unsigned i = 0; i < eligible->slot_cnt; i++)
        slots |= eligible->slot[i][word];
    for (unsigned i = 0; i < eligible->segment_cnt; i++)
        segments |= eligible->segment[i][word];
    return all & slots & segments;
}

/** Start an iteration over the line items that a request's targeting leaves: fastpath/scan.h. */
static inline void qbid_eligible_init(struct qbid_eligible *eligible,
                                      const struct qbid_image *image,
                                      const struct qbid_request *request,
                                      const struct qbid_place *place)
{
    unsigned n = 0;
#pragma GCC unroll 8
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        if (dim != QBID_DIM_SLOT && dim != QBID_DIM_SEGMENT)
            eligible->single[n++] =
                qbid_image_elig(image, dim, qbid_dim_unpack(place->context, dim));
    }
    eligible->slot_cnt = qbid_eligible_rows(image, QBID_DIM_SLOT, place->slot_idx,
                                            request->slot_cnt, eligible->slot);
    eligible->segment_cnt = qbid_eligible_rows(image, QBID_DIM_SEGMENT, place->segment_idx,
                                               request->segment_cnt, eligible->segment);
    eligible->word = 0;
    eligible->word_cnt = image->header->elig_words;
}

#endif
