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
 * it wrote too much the next word overwrites.
 */
#ifndef QBID_FASTPATH_SCAN_H
#define QBID_FASTPATH_SCAN_H

#include <stdint.h>

#include "fastpath/eligible.h"
#include "shm/isa.h"

#define QBID_SCAN_SPAN 1024 /* line items at a time, at most */
#define QBID_SCAN_OVER 16   /* entries behind them that may be overwritten */
#define QBID_SCAN_BUFFER (QBID_SCAN_SPAN + QBID_SCAN_OVER)
#define QBID_SCAN_CHUNK 256 /* words of a row at a time: 2 KiB of each */

/**
 * The next line items that all rows accept, ascending.
 *
 * Shapes:  eligible from qbid_eligible_init(); isa at most what the processor has.
 * Returns: how many of line_item_idx[] were written, at most QBID_SCAN_SPAN; 0 at the end. The
 *          entries behind them are not defined.
 * Threads: wait-free; writes only the iterator and the buffer.
 * Cost:    reads the rows once, as long as fewer than QBID_SCAN_SPAN line items are left; of
 *          PERFORMANCE.md 3's rows (bench/bitmaps.cc).
 */
uint32_t qbid_scan_next(struct qbid_eligible *eligible, enum qbid_isa isa,
                        uint32_t line_item_idx[QBID_SCAN_BUFFER]);

/* The kernels behind it, one for each enum qbid_isa. */
uint32_t qbid_scan_scalar(struct qbid_eligible *eligible, uint32_t line_item_idx[QBID_SCAN_BUFFER]);
#if defined(__x86_64__)
uint32_t qbid_scan_avx2(struct qbid_eligible *eligible, uint32_t line_item_idx[QBID_SCAN_BUFFER]);
uint32_t qbid_scan_avx512(struct qbid_eligible *eligible, uint32_t line_item_idx[QBID_SCAN_BUFFER]);
#endif

#endif
