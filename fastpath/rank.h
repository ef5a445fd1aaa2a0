/* SPDX-License-Identifier: Apache-2.0 */
/* Order of candidates: price = qbid_pace_price(), the best one of many, and a list of the best
 * ones. */
#ifndef QBID_FASTPATH_RANK_H
#define QBID_FASTPATH_RANK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fastpath/decide.h"
#include "fastpath/rank_lanes.h"
#include "shm/isa.h"
#include "shm/live.h"

/* A candidate with its place in the order: positive floats order as their bits, so one integer
 * compares prices and, where they tie, puts the lower line item first. */
struct qbid_candidate {
    uint64_t rank; /* price bits << 32 | ~line item; 0 = worth nothing */
    float value_micros;
    float pace;
};

#define QBID_SPAN_PAD 8

/* Candidates side by side, ascending line items, as a row stores them. Both arrays can be read up
 * to a multiple of QBID_SPAN_PAD; line items behind the end must be ones of the image, values do
 * not matter. */
struct qbid_span {
    const uint16_t *line_item_low; /* less 65,536 from `high` on */
    const float *value_micros;
    uint32_t cnt;
    uint32_t high; /* QBID_ROW_NONE_HIGH = none */
};

static inline uint32_t qbid_span_line_item(struct qbid_span span, uint32_t i)
{
    return span.line_item_low[i] | (uint32_t)(i >= span.high) << 16;
}

/* Prices come from the live page. */
struct qbid_pricer {
    const struct qbid_live *live;
    float scale; /* 1, or the conservative factor of a stale image */
    bool plain;  /* scale is 1, the live page holds every line item of the image, late_ns is 0 */
    uint8_t isa; /* enum qbid_isa */
    uint64_t late_ns; /* the time when an override has ended that the page still has, else 0 */
};

static inline uint32_t qbid_candidate_line_item(const struct qbid_candidate *candidate)
{
    return ~(uint32_t)candidate->rank;
}

static inline float qbid_candidate_price(const struct qbid_candidate *candidate)
{
    uint32_t bits = (uint32_t)(candidate->rank >> 32);
    float price;
    memcpy(&price, &bits, sizeof price);
    return price;
}

static inline struct qbid_pricer qbid_pricer_of(const struct qbid_live *live, float scale,
                                                uint32_t line_item_cnt, uint8_t isa)
{
    bool plain = scale == 1.0f && live->shape.line_item_max >= line_item_cnt;
    return (struct qbid_pricer){live, scale, plain, isa, 0};
}

/** From here on each override is held against the clock. */
static inline void qbid_pricer_look_at(struct qbid_pricer *pricer, uint64_t now_ns)
{
    pricer->plain = false;
    pricer->late_ns = now_ns;
}

/* Pace of a line item; one that the live page does not hold has none. */
static inline float qbid_pricer_pace(const struct qbid_pricer *pricer, uint32_t line_item_idx)
{
    if (line_item_idx >= pricer->live->shape.line_item_max)
        return 0.0f;
    float pace = pricer->late_ns ? qbid_live_pace_at(pricer->live, line_item_idx, pricer->late_ns)
                                 : qbid_live_pace(pricer->live, line_item_idx);
    return pace * pricer->scale;
}

/* 0 unless the price is a finite number above 0. */
static inline uint64_t qbid_candidate_rank(float value_micros, float pace, uint32_t line_item_idx)
{
    float price = qbid_pace_price(value_micros, pace);
    uint32_t bits;
    memcpy(&bits, &price, sizeof bits);
    uint64_t rank = (uint64_t)bits << 32 | (uint32_t)~line_item_idx;
    return bits - 1u < 0x7f7fffffu ? rank : 0;
}

/* A span that is handed over does not go through memory: its words would be stored one by one and
 * copied two at a time, which waits until the stores have left the processor. */
#define QBID_SPAN_ARGUMENTS                                                                        \
    const uint16_t *line_item_low, const float *value_micros, uint32_t cnt, uint32_t high
#define QBID_SPAN_OF_ARGUMENTS ((struct qbid_span){line_item_low, value_micros, cnt, high})
#define QBID_SPAN_WORDS(span) (span).line_item_low, (span).value_micros, (span).cnt, (span).high

/* Any paces: those of line items that the live page does not hold, of a stale image, and those that
 * make a price no finite number. */
static __attribute__((noinline, unused)) void
qbid_span_best_checked(const struct qbid_pricer *pricer, QBID_SPAN_ARGUMENTS,
                       struct qbid_candidate *best)
{
    const struct qbid_span span = QBID_SPAN_OF_ARGUMENTS;
    for (uint32_t i = 0; i < span.cnt; i++) {
        uint32_t line_item_idx = qbid_span_line_item(span, i);
        float value = span.value_micros[i];
        float pace = qbid_pricer_pace(pricer, line_item_idx);
        uint64_t rank = qbid_candidate_rank(value, pace, line_item_idx);
        if (rank > best->rank)
            *best = (struct qbid_candidate){rank, value, pace};
    }
}

/* Place of the best candidate, as long as its price is a finite number: compared as a signed word,
 * a negative price is below 0 and an infinite one or a NaN above all others. */
static inline uint32_t qbid_span_best_place(const struct qbid_live *live, struct qbid_span span)
{
    int64_t top = 0;
    uint32_t place = 0;
#pragma GCC unroll 4
    for (uint32_t i = 0; i < span.cnt; i++) {
        uint32_t line_item_idx = qbid_span_line_item(span, i), bits;
        float price = qbid_pace_price(span.value_micros[i], qbid_live_pace(live, line_item_idx));
        memcpy(&bits, &price, sizeof bits);
        int64_t rank = (int64_t)((uint64_t)bits << 32 | (uint32_t)~line_item_idx);
        place = rank > top ? i : place;
        top = rank > top ? rank : top;
    }
    return place;
}

/* The same with vector instructions: fastpath/rank_vector.c. */
uint32_t qbid_span_best_avx2(const struct qbid_live *live, QBID_SPAN_ARGUMENTS);
uint32_t qbid_span_best_avx512(const struct qbid_live *live, QBID_SPAN_ARGUMENTS);

/* Rows from which a vector is faster, and a longer vector: measured, see rank_vector.c. */
#define QBID_SPAN_AVX2_MIN 4
#define QBID_SPAN_AVX512_MIN 64

#if defined(__AVX2__)
/* The place of the best of up to eight, in line. Ascending line items: of equal ones the first is
 * the lowest. */
static inline uint32_t qbid_span_best_short(const struct qbid_live *live, struct qbid_span span)
{
    __m256i price =
        qbid_lanes_price(live, span.line_item_low, span.value_micros, span.cnt, span.high);
    __m256i top = qbid_lanes_top(price);
    /* where nothing is worth anything that is no lane, and the count of no lane, 32, says the first
     */
    __m256i best = _mm256_and_si256(_mm256_cmpeq_epi32(price, top),
                                    _mm256_cmpgt_epi32(price, _mm256_setzero_si256()));
    return _tzcnt_u32((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(best))) & 7;
}
#endif

/* One candidate is the best whatever its pace: what follows need not wait for the pace. */
static inline uint32_t qbid_span_choose(const struct qbid_pricer *pricer, struct qbid_span span)
{
    if (span.cnt == 1)
        return 0;
#if defined(__AVX2__)
    if (span.cnt <= 8)
        return qbid_span_best_short(pricer->live, span);
#endif
#if defined(__x86_64__)
    if (span.cnt >= QBID_SPAN_AVX512_MIN && pricer->isa >= QBID_ISA_AVX512)
        return qbid_span_best_avx512(pricer->live, QBID_SPAN_WORDS(span));
    if (span.cnt >= QBID_SPAN_AVX2_MIN && pricer->isa >= QBID_ISA_AVX2)
        return qbid_span_best_avx2(pricer->live, QBID_SPAN_WORDS(span));
#endif
    return qbid_span_best_place(pricer->live, span);
}

/**
 * Raise *best to the best candidate of a span, if there is a better one.
 *
 * Threads: wait-free.
 * Cost:    no branch on a price: a row of 32 in random order would mispredict four times. A quarter
 *          of a nanosecond for each candidate with vectors, one without.
 */
static inline __attribute__((always_inline)) void
qbid_span_best(const struct qbid_pricer *pricer, struct qbid_span span, struct qbid_candidate *best)
{
    if (pricer->plain && span.cnt != 0) {
        uint32_t i = qbid_span_choose(pricer, span);
        uint32_t line_item_idx = qbid_span_line_item(span, i);
        float value = span.value_micros[i];
        float pace = qbid_live_pace(pricer->live, line_item_idx);
        uint64_t rank = qbid_candidate_rank(value, pace, line_item_idx);
        if (rank > best->rank)
            *best = (struct qbid_candidate){rank, value, pace};
        if (rank != 0)
            return;
    }
    qbid_span_best_checked(pricer, QBID_SPAN_WORDS(span), best);
}

/* The best QBID_TRACE_MAX candidates: a heap with the worst one on top. */
struct qbid_shortlist {
    uint32_t cnt;
    struct qbid_candidate candidate[QBID_TRACE_MAX];
};

static inline void qbid_shortlist_sink(struct qbid_shortlist *list, struct qbid_candidate item,
                                       uint32_t hole)
{
    for (uint32_t child = 2 * hole + 1; child < list->cnt; child = 2 * hole + 1) {
        child +=
            child + 1 < list->cnt && list->candidate[child + 1].rank < list->candidate[child].rank;
        if (item.rank <= list->candidate[child].rank)
            break;
        list->candidate[hole] = list->candidate[child];
        hole = child;
    }
    list->candidate[hole] = item;
}

static inline void qbid_shortlist_add(struct qbid_shortlist *list, struct qbid_candidate item)
{
    if (list->cnt == QBID_TRACE_MAX) {
        if (item.rank > list->candidate[0].rank)
            qbid_shortlist_sink(list, item, 0);
        return;
    }
    uint32_t hole = list->cnt++;
    for (; hole > 0 && item.rank < list->candidate[(hole - 1) / 2].rank; hole = (hole - 1) / 2)
        list->candidate[hole] = list->candidate[(hole - 1) / 2];
    list->candidate[hole] = item;
}

/** Add the candidates of a span that are worth anything, except one line item. */
static inline void qbid_shortlist_add_span(struct qbid_shortlist *list,
                                           const struct qbid_pricer *pricer, struct qbid_span span,
                                           uint32_t except)
{
    for (uint32_t i = 0; i < span.cnt; i++) {
        uint32_t line_item_idx = qbid_span_line_item(span, i);
        float value = span.value_micros[i];
        float pace = qbid_pricer_pace(pricer, line_item_idx);
        uint64_t rank = qbid_candidate_rank(value, pace, line_item_idx);
        if (rank != 0 && line_item_idx != except)
            qbid_shortlist_add(list, (struct qbid_candidate){rank, value, pace});
    }
}

/** Best first. A heap sort: what is left needs no further memory. */
static inline void qbid_shortlist_sort(struct qbid_shortlist *list)
{
    uint32_t cnt = list->cnt;
    while (list->cnt > 1) {
        struct qbid_candidate last = list->candidate[--list->cnt];
        struct qbid_candidate worst = list->candidate[0];
        qbid_shortlist_sink(list, last, 0);
        list->candidate[list->cnt] = worst;
    }
    list->cnt = cnt;
}

#endif
