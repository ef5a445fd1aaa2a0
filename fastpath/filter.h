/* SPDX-License-Identifier: Apache-2.0 */
/* What only the request knows about one line item: its deal, blocked domains and categories, and
 * the creative that fits. */
#ifndef QBID_FASTPATH_FILTER_H
#define QBID_FASTPATH_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "shm/image.h"
#include "shm/request.h"

/** 1 + place of a line item's deal in the request; 0 when it has none or the request lacks it. */
static inline unsigned qbid_filter_deal(const struct qbid_line_item *line_item,
                                        const struct qbid_request *request)
{
    if (line_item->deal_hash == 0)
        return 0;
    for (unsigned i = 0; i < request->deal_cnt; i++) {
        if (request->deal[i].id_hash == line_item->deal_hash)
            return i + 1;
    }
    return 0;
}

static inline bool qbid_filter_holds(const uint64_t *hashes, unsigned cnt, uint64_t hash)
{
    for (unsigned i = 0; i < cnt; i++) {
        if (hashes[i] == hash)
            return true;
    }
    return false;
}

/* Lists are compared by the low halves of their hashes, a vector of them at a time and without a
 * branch on what is compared, since a miss, the usual case, has to see the whole list. The last
 * vector of a list overlaps the one before; a list shorter than a vector is not worth one. */
#if defined(__AVX2__)
#define QBID_FILTER_LANES 8
typedef __m256i qbid_filter_lanes;

static inline qbid_filter_lanes qbid_filter_low_halves(const uint64_t *hashes)
{
    __m256 low = _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(const void *)hashes));
    __m256 high =
        _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(const void *)(hashes + 4)));
    return _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88));
}

static inline bool qbid_filter_meets(qbid_filter_lanes lanes, uint32_t tag)
{
    __m256i same = _mm256_cmpeq_epi32(lanes, _mm256_set1_epi32((int)tag));
    return !_mm256_testz_si256(same, same);
}

/* Whether any of the lanes is any of four tags. */
static inline bool qbid_filter_meets_four(qbid_filter_lanes lanes,
                                          const uint32_t tag[QBID_SHELF_CATS])
{
    __m256i tags = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)tag));
    __m256i any = _mm256_cmpeq_epi32(lanes, tags);
    any = _mm256_or_si256(any, _mm256_cmpeq_epi32(lanes, _mm256_shuffle_epi32(tags, 0x39)));
    any = _mm256_or_si256(any, _mm256_cmpeq_epi32(lanes, _mm256_shuffle_epi32(tags, 0x4e)));
    any = _mm256_or_si256(any, _mm256_cmpeq_epi32(lanes, _mm256_shuffle_epi32(tags, 0x93)));
    return !_mm256_testz_si256(any, any);
}
#elif defined(__SSE2__)
#define QBID_FILTER_LANES 4
typedef __m128i qbid_filter_lanes;

static inline qbid_filter_lanes qbid_filter_low_halves(const uint64_t *hashes)
{
    __m128 low = _mm_castsi128_ps(_mm_loadu_si128((const __m128i *)(const void *)hashes));
    __m128 high = _mm_castsi128_ps(_mm_loadu_si128((const __m128i *)(const void *)(hashes + 2)));
    return _mm_castps_si128(_mm_shuffle_ps(low, high, 0x88));
}

static inline bool qbid_filter_meets(qbid_filter_lanes lanes, uint32_t tag)
{
    return _mm_movemask_epi8(_mm_cmpeq_epi32(lanes, _mm_set1_epi32((int)tag))) != 0;
}

static inline bool qbid_filter_meets_four(qbid_filter_lanes lanes,
                                          const uint32_t tag[QBID_SHELF_CATS])
{
    __m128i tags = _mm_load_si128((const __m128i *)(const void *)tag);
    __m128i any = _mm_cmpeq_epi32(lanes, tags);
    any = _mm_or_si128(any, _mm_cmpeq_epi32(lanes, _mm_shuffle_epi32(tags, 0x39)));
    any = _mm_or_si128(any, _mm_cmpeq_epi32(lanes, _mm_shuffle_epi32(tags, 0x4e)));
    any = _mm_or_si128(any, _mm_cmpeq_epi32(lanes, _mm_shuffle_epi32(tags, 0x93)));
    return _mm_movemask_epi8(any) != 0;
}
#else
#define QBID_FILTER_LANES 1
typedef uint32_t qbid_filter_lanes;

static inline qbid_filter_lanes qbid_filter_low_halves(const uint64_t *hashes)
{
    return (uint32_t)*hashes;
}

static inline bool qbid_filter_meets(qbid_filter_lanes lanes, uint32_t tag)
{
    return lanes == tag;
}

static inline bool qbid_filter_meets_four(qbid_filter_lanes lanes,
                                          const uint32_t tag[QBID_SHELF_CATS])
{
    return lanes == tag[0] || lanes == tag[1] || lanes == tag[2] || lanes == tag[3];
}
#endif

/* Whether a hash may be in a list. */
static inline bool qbid_filter_likely(const uint64_t *hashes, unsigned cnt, uint64_t hash)
{
    bool found = cnt < QBID_FILTER_LANES;
    for (unsigned i = 0; i + QBID_FILTER_LANES <= cnt; i += QBID_FILTER_LANES)
        found |= qbid_filter_meets(qbid_filter_low_halves(hashes + i), (uint32_t)hash);
    if (cnt % QBID_FILTER_LANES != 0 && cnt > QBID_FILTER_LANES)
        found |= qbid_filter_meets(qbid_filter_low_halves(hashes + cnt - QBID_FILTER_LANES),
                                   (uint32_t)hash);
    return found;
}

/* Whether any of the lanes is one of two tags. */
static inline bool qbid_filter_meets_two(qbid_filter_lanes lanes,
                                         const uint32_t tag[QBID_SUMMARY_CATS])
{
#if defined(__AVX2__)
    __m256i any = _mm256_cmpeq_epi32(lanes, _mm256_set1_epi32((int)tag[0]));
    any = _mm256_or_si256(any, _mm256_cmpeq_epi32(lanes, _mm256_set1_epi32((int)tag[1])));
    return !_mm256_testz_si256(any, any);
#else
    return qbid_filter_meets(lanes, tag[0]) || qbid_filter_meets(lanes, tag[1]);
#endif
}

/* Whether one of the request's blocked categories may be one of a line item's: as far as its
 * summary tells. */
static inline bool qbid_filter_cat_summary(const struct qbid_summary *summary,
                                           const struct qbid_request *request)
{
    const uint64_t *bcat = request->bcat;
    unsigned cnt = request->bcat_cnt;
    bool found = summary->cat_cnt > QBID_SUMMARY_CATS || cnt < QBID_FILTER_LANES;
    for (unsigned i = 0; i + QBID_FILTER_LANES <= cnt; i += QBID_FILTER_LANES)
        found |= qbid_filter_meets_two(qbid_filter_low_halves(bcat + i), summary->cat_tag);
    if (cnt % QBID_FILTER_LANES != 0 && cnt > QBID_FILTER_LANES)
        found |= qbid_filter_meets_two(qbid_filter_low_halves(bcat + cnt - QBID_FILTER_LANES),
                                       summary->cat_tag);
    return found;
}

/* The same as far as a shelf tells, which holds four of them: a line item that is not blocked, the
 * usual one, costs no further line. */
static inline bool qbid_filter_cat_likely(const struct qbid_shelf *shelf,
                                          const struct qbid_request *request)
{
    const uint64_t *bcat = request->bcat;
    unsigned cnt = request->bcat_cnt;
    bool found = shelf->cat_cnt > QBID_SHELF_CATS || cnt < QBID_FILTER_LANES;
    for (unsigned i = 0; i + QBID_FILTER_LANES <= cnt; i += QBID_FILTER_LANES)
        found |= qbid_filter_meets_four(qbid_filter_low_halves(bcat + i), shelf->cat_tag);
    if (cnt % QBID_FILTER_LANES != 0 && cnt > QBID_FILTER_LANES)
        found |= qbid_filter_meets_four(qbid_filter_low_halves(bcat + cnt - QBID_FILTER_LANES),
                                        shelf->cat_tag);
    return found;
}

/** Whether the request blocks a line item's advertiser domain or one of its categories. */
static inline bool qbid_filter_blocked(const struct qbid_image *image, uint32_t line_item_idx,
                                       const struct qbid_request *request)
{
    const struct qbid_summary *summary = &image->summaries[line_item_idx];
    if (request->badv_cnt != 0 &&
        qbid_filter_likely(request->badv, request->badv_cnt, summary->adomain_tag) &&
        qbid_filter_holds(request->badv, request->badv_cnt,
                          image->line_items[line_item_idx].adomain_hash))
        return true;
    if (request->bcat_cnt == 0 || !qbid_filter_cat_summary(summary, request))
        return false;
    const struct qbid_shelf *shelf = &image->shelves[line_item_idx];
    if (!qbid_filter_cat_likely(shelf, request))
        return false;
    for (unsigned i = 0; i < shelf->cat_cnt; i++) {
        if (qbid_filter_holds(request->bcat, request->bcat_cnt, image->names[shelf->cat_first + i]))
            return true;
    }
    return false;
}

/* qbid_filter_creative() of a line item whose slots do not fit into its summary. */
static __attribute__((noinline, unused)) bool qbid_filter_creative_shelf(
    const struct qbid_image *image, uint32_t line_item_idx, const struct qbid_request *request,
    const uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX], struct qbid_shelf_slot *ret_slot)
{
    const struct qbid_shelf *shelf = &image->shelves[line_item_idx];
    for (unsigned i = 0; i < request->slot_cnt; i++) {
        if (slot_idx[i] != 0 && qbid_shelf_find(shelf, image->slot_dirs, slot_idx[i], ret_slot))
            return true;
    }
    return false;
}

/**
 * Creatives of a line item for the request's most preferred slot that it can fill.
 *
 * Returns: true and *ret_slot; false when nothing fits format, size or security.
 * Threads: wait-free, no writes.
 * Cost:    the shelf's line, for line items of more than eight slots the directory's.
 */
static inline bool qbid_filter_creative(const struct qbid_image *image, uint32_t line_item_idx,
                                        const struct qbid_request *request,
                                        const uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX],
                                        struct qbid_shelf_slot *ret_slot)
{
    const struct qbid_summary *summary = &image->summaries[line_item_idx];
    if ((request->flags & QBID_REQUEST_SECURE) && !(summary->flags & QBID_LINE_ITEM_SECURE))
        return false;
    if (__builtin_expect(summary->slot_cnt != summary->dir_cnt, 0))
        return qbid_filter_creative_shelf(image, line_item_idx, request, slot_idx, ret_slot);
    for (unsigned i = 0; i < request->slot_cnt; i++) {
        if (slot_idx[i] != 0 && qbid_summary_find(summary, slot_idx[i], ret_slot))
            return true;
    }
    return false;
}

#endif
