/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request's candidates come from: its context row, or the bitmaps; for a private auction
 * only those of either that bid on one of its deals. */
#ifndef QBID_FASTPATH_SOURCE_H
#define QBID_FASTPATH_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fastpath/eligible.h"
#include "fastpath/filter.h"
#include "fastpath/rank.h"
#include "fastpath/resolve.h"
#include "fastpath/scan.h"
#include "shm/isa.h"

#define QBID_SOURCE_SPAN QBID_SCAN_SPAN /* candidates at a time */

/* Line items that the host named, with the row's value where it holds them and their own where not:
 * both lists ascend, so one pass meets all. One that the image does not have, or that is out of
 * order, is left out. Of one that the row holds, which the image has, no line is read. */
struct qbid_named {
    const struct qbid_image *image;
    const struct qbid_request *request;
    const struct qbid_row_ref *row;
    uint32_t at;        /* in request->candidate */
    uint32_t next;      /* below it there is none left: they ascend */
    uint32_t row_at;    /* candidates of the row before it have been met or passed */
    uint32_t row_item;  /* line item of that one; UINT32_MAX = the row has ended */
    uint32_t idx;       /* the one that qbid_named_next() found, */
    float value_micros; /* and its value */
};

static inline uint32_t qbid_named_row_item(const struct qbid_named *named)
{
    return named->row_at < named->row->cnt ? qbid_row_line_item(named->row, named->row_at)
                                           : UINT32_MAX;
}

static inline void qbid_named_init(struct qbid_named *named, const struct qbid_image *image,
                                   const struct qbid_request *request,
                                   const struct qbid_place *place)
{
    *named = (struct qbid_named){.image = image, .request = request, .row = &place->row};
    named->row_item = qbid_named_row_item(named);
}

/** Go to the next one; false at the end. */
static inline bool qbid_named_next(struct qbid_named *named)
{
    const struct qbid_image *image = named->image;
    while (named->at < named->request->candidate_cnt) {
        uint32_t idx = named->request->candidate[named->at++];
        if (idx < named->next || idx >= image->line_item_cnt)
            continue;
        while (named->row_item < idx) {
            named->row_at++;
            named->row_item = qbid_named_row_item(named);
        }
        if (named->row_item == idx)
            named->value_micros = named->row->value_micros[named->row_at];
        else if (image->line_items[idx].id != 0)
            named->value_micros = image->line_items[idx].value_micros;
        else
            continue;
        named->idx = idx;
        named->next = idx + 1;
        return true;
    }
    return false;
}

/* Candidates a span at a time, copied, so that those without a deal can be left out. */
struct qbid_source {
    const struct qbid_image *image;
    const struct qbid_request *request;
    const struct qbid_place *place;
    struct qbid_eligible eligible; /* place->row.cnt == 0 */
    struct qbid_named named;
    enum qbid_isa isa;
    uint32_t row_at;
    uint32_t seen; /* candidates so far, private auction or not */
    uint32_t line_item_idx[QBID_SCAN_SPAN];
    uint16_t line_item_low[QBID_SCAN_SPAN]; /* the same as a span has them */
    float value_micros[QBID_SOURCE_SPAN];
};

static inline void qbid_source_init(struct qbid_source *source, const struct qbid_image *image,
                                    const struct qbid_request *request,
                                    const struct qbid_place *place, enum qbid_isa isa)
{
    source->image = image;
    source->isa = isa;
    source->request = request;
    source->place = place;
    source->row_at = source->seen = 0;
    if (request->candidate_cnt != 0)
        qbid_named_init(&source->named, image, request, place);
    else if (place->row.cnt == 0)
        qbid_eligible_init(&source->eligible, image, request, place);
}

static inline uint32_t qbid_source_load_named(struct qbid_source *source)
{
    struct qbid_named *named = &source->named;
    uint32_t cnt = 0;
    for (; cnt < QBID_SOURCE_SPAN && qbid_named_next(named); cnt++) {
        source->line_item_idx[cnt] = named->idx;
        source->value_micros[cnt] = named->value_micros;
    }
    source->seen += cnt;
    return cnt;
}

static inline uint32_t qbid_source_load(struct qbid_source *source)
{
    const struct qbid_row_ref *row = &source->place->row;
    uint32_t cnt;
    if (source->request->candidate_cnt != 0)
        return qbid_source_load_named(source);
    if (row->cnt == 0) {
        cnt = qbid_scan_next(&source->eligible, source->isa, source->line_item_idx);
        for (uint32_t i = 0; i < cnt; i++)
            source->value_micros[i] =
                source->image->line_items[source->line_item_idx[i]].value_micros;
    } else {
        uint32_t left = row->cnt - source->row_at;
        cnt = left < QBID_SOURCE_SPAN ? left : QBID_SOURCE_SPAN;
        for (uint32_t i = 0; i < cnt; i++)
            source->line_item_idx[i] = qbid_row_line_item(row, source->row_at + i);
        memcpy(source->value_micros, row->value_micros + source->row_at, cnt * sizeof(float));
        source->row_at += cnt;
    }
    source->seen += cnt;
    return cnt;
}

/* Candidates that ascend, as a span has them. */
static inline struct qbid_span qbid_source_span(struct qbid_source *source, uint32_t cnt)
{
    uint32_t below = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        source->line_item_low[i] = (uint16_t)source->line_item_idx[i];
        below += source->line_item_idx[i] <= UINT16_MAX;
    }
    for (uint32_t i = cnt; i % QBID_SPAN_PAD != 0; i++)
        source->line_item_low[i] = 0;
    return (struct qbid_span){source->line_item_low, source->value_micros, cnt,
                              below < cnt ? below : QBID_ROW_NONE_HIGH};
}

/** The next span, possibly empty; false at the end. */
static inline bool qbid_source_next(struct qbid_source *source, struct qbid_span *ret_span)
{
    uint32_t cnt = qbid_source_load(source), kept = cnt;
    if (source->request->flags & QBID_REQUEST_PRIVATE_ONLY) {
        kept = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            uint32_t idx = source->line_item_idx[i];
            source->line_item_idx[kept] = idx;
            source->value_micros[kept] = source->value_micros[i];
            kept += qbid_filter_deal(&source->image->line_items[idx], source->request) != 0;
        }
    }
    *ret_span = qbid_source_span(source, kept);
    return cnt != 0;
}

/* The best of those that the host named, one by one: written down as a span first, they would have
 * to leave the processor before vectors could read them. */
static inline enum qbid_nobid qbid_named_best(const struct qbid_image *image,
                                              const struct qbid_request *request,
                                              const struct qbid_place *place,
                                              const struct qbid_pricer *pricer,
                                              struct qbid_candidate *ret_best, uint32_t *ret_seen)
{
    struct qbid_named named;
    struct qbid_candidate best = {0};
    uint32_t seen = 0;
    qbid_named_init(&named, image, request, place);
    for (; qbid_named_next(&named); seen++) {
        float pace = pricer->plain ? qbid_live_pace(pricer->live, named.idx)
                                   : qbid_pricer_pace(pricer, named.idx);
        uint64_t rank = qbid_candidate_rank(named.value_micros, pace, named.idx);
        bool better = rank > best.rank;
        best.rank = better ? rank : best.rank;
        best.value_micros = better ? named.value_micros : best.value_micros;
        best.pace = better ? pace : best.pace;
    }
    *ret_seen = seen;
    *ret_best = best;
    if (seen == 0)
        return QBID_NOBID_NO_CANDIDATE;
    return best.rank ? QBID_NOBID_NONE : QBID_NOBID_NO_VALUE;
}

/**
 * The best candidate of the bitmaps, of the host's list or of a private auction.
 *
 * Returns: QBID_NOBID_NONE and *ret_best, or NO_CANDIDATE, NO_DEAL, NO_VALUE; *ret_seen always.
 */
static __attribute__((noinline, unused)) enum qbid_nobid
qbid_source_best(const struct qbid_image *image, const struct qbid_request *request,
                 const struct qbid_place *place, const struct qbid_pricer *pricer,
                 struct qbid_candidate *ret_best, uint32_t *ret_seen)
{
    struct qbid_source source;
    struct qbid_span span;
    struct qbid_candidate best = {0};
    uint32_t kept = 0;
    if (request->candidate_cnt != 0 && !(request->flags & QBID_REQUEST_PRIVATE_ONLY))
        return qbid_named_best(image, request, place, pricer, ret_best, ret_seen);
    qbid_source_init(&source, image, request, place, (enum qbid_isa)pricer->isa);
    while (qbid_source_next(&source, &span)) {
        kept += span.cnt;
        qbid_span_best(pricer, span, &best);
    }
    *ret_seen = source.seen;
    if (source.seen == 0)
        return QBID_NOBID_NO_CANDIDATE;
    if (kept == 0)
        return QBID_NOBID_NO_DEAL;
    *ret_best = best;
    return best.rank ? QBID_NOBID_NONE : QBID_NOBID_NO_VALUE;
}

/** The candidates after the best one, `except`, best first. */
static inline void qbid_source_rest(const struct qbid_image *image,
                                    const struct qbid_request *request,
                                    const struct qbid_place *place,
                                    const struct qbid_pricer *pricer, uint32_t except,
                                    struct qbid_shortlist *ret_list)
{
    struct qbid_source source;
    struct qbid_span span;
    ret_list->cnt = 0;
    qbid_source_init(&source, image, request, place, (enum qbid_isa)pricer->isa);
    while (qbid_source_next(&source, &span))
        qbid_shortlist_add_span(ret_list, pricer, span, except);
    qbid_shortlist_sort(ret_list);
}

#endif
