/* SPDX-License-Identifier: Apache-2.0 */
/* Which line items a request's targeting leaves, found in several ways: 844 values of 8 dimensions,
 * one slot and three segments a request, about 0.8 % of the line items left. */
#ifndef QBID_BENCH_DECISION_BITMAPS_WAYS_H
#define QBID_BENCH_DECISION_BITMAPS_WAYS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
#define BENCH_BITMAPS_LIST(X)                                               \
    X(REQUEST, request) /* making the request, in all of them */            \
    X(ROWS,    rows)    /* looking up its rows, in all but naive */         \
    X(READ,    read)    /* its rows read, 64 bytes at a time */             \
    X(NAIVE,   naive)   /* each line item tested alone */                   \
    X(WORDS,   words)   /* ANDed word by word, a loop over the bits */      \
    X(SCALAR,  scalar)  /* qbid_scan_next() */                              \
    X(AVX2,    avx2)                                                        \
    X(AVX512,  avx512)                                                      \
    X(BITMAP,  bitmap)  /* ANDed with AVX-512 into a bitmap, not decoded */ \
    X(BEST,    best)    /* qbid_source_best(): scanned, priced, compared */
/* clang-format on */

enum bench_bitmaps_way {
#define X(upper, lower) BENCH_BITMAPS_##upper,
    BENCH_BITMAPS_LIST(X)
#undef X
        BENCH_BITMAPS_CNT
};

struct bench_bitmaps;

/** The account of so many line items; built at the first call, kept until the process ends. */
struct bench_bitmaps *bench_bitmaps_get(uint32_t line_items);

/** Whether this processor can do it. */
int bench_bitmaps_can(enum bench_bitmaps_way way);

/** Take the next request and find its line items; returns how many (READ, BITMAP: any number that
 *  keeps the work alive). */
uint64_t bench_bitmaps_run(struct bench_bitmaps *b, enum bench_bitmaps_way way);

/** Ends the process when two ways list different line items; returns how many requests were
 *  compared and sets the share of line items that they left. */
unsigned bench_bitmaps_compare(struct bench_bitmaps *b, double *ret_share);

#ifdef __cplusplus
}
#endif

#endif
