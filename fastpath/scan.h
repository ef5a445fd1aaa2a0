/* SPDX-License-Identifier: Apache-2.0 */
/* The AND of a request's eligibility rows, decoded into the line items that are left.
 *
 *   rows of single dimensions   AND  \
 *   rows of the slots      OR   AND   > words, a chunk at a time -> those with a bit -> line items
 *   rows of the segments   OR   AND  /
 *
 * What costs time is not the AND but a branch that goes either way: which word has a bit, how many
 * bits it has. So a kernel first lists the words of a chunk that have a bit, then writes a fixed
 * number of line items for each of them, right or not, and moves on by as many as there are; what
 * it wrote too much the next word overwrites. A word is decoded only where 64 line items fit, so
 * nothing is ever written behind a span.
 */
#ifndef QBID_FASTPATH_SCAN_H
#define QBID_FASTPATH_SCAN_H

#include <stdint.h>

#include "fastpath/eligible.h"
#include "shm/isa.h"

#define QBID_SCAN_SPAN 1024 /* line items at a time, at most */
#define QBID_SCAN_CHUNK 256 /* words of a row at a time: 2 KiB of each */

/* The kernels, one for each enum qbid_isa: qbid_scan_next() calls them. */
uint32_t qbid_scan_scalar(struct qbid_eligible *eligible, uint32_t line_item_idx[QBID_SCAN_SPAN]);
#if defined(__x86_64__)
uint32_t qbid_scan_avx2(struct qbid_eligible *eligible, uint32_t line_item_idx[QBID_SCAN_SPAN]);
uint32_t qbid_scan_avx512(struct qbid_eligible *eligible, uint32_t line_item_idx[QBID_SCAN_SPAN]);
#endif

/**
 * The next line items that all rows accept, ascending.
 *
 * Shapes:  eligible from qbid_eligible_init(); isa at most what the processor has.
 * Returns: how many of line_item_idx[] were written, at most QBID_SCAN_SPAN; 0 at the end. The
 *          entries behind them are not defined.
 * Threads: wait-free; writes only the iterator and the buffer.
 * Cost:    the rows are read once, and again from where a span was full. With AVX-512 at 1,000 /
 *          10,000 / 100,000 line items and 0.8 % of them left about 50 / 220 / 3,000 ns, the larger
 *          part of it reading the rows from L2 and beyond (bench/decision/bitmaps.cc).
 */
static inline uint32_t qbid_scan_next(struct qbid_eligible *eligible, enum qbid_isa isa,
                                      uint32_t line_item_idx[QBID_SCAN_SPAN])
{
    if (eligible->word >= eligible->word_cnt)
        return 0;
    switch (isa) {
#if defined(__x86_64__)
    case QBID_ISA_AVX512:
        return qbid_scan_avx512(eligible, line_item_idx);
    case QBID_ISA_AVX2:
        return qbid_scan_avx2(eligible, line_item_idx);
#endif
    default:
        return qbid_scan_scalar(eligible, line_item_idx);
    }
}

#endif
