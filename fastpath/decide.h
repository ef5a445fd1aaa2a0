/* SPDX-License-Identifier: Apache-2.0 */
/* One decision: from an impression to a line item, a price and a creative, or a reason for none.
 *
 *   request -> value indices -> row by backoff, or the bitmaps' AND
 *           -> price_i = value_i x pace_i -> best
 *           -> targeting and request filters on the best only, next best when it falls
 *           -> Q action (explore or greedy) -> shade (first price) -> floor, ceiling last
 *           -> reservation against this worker's own allowance -> creative by its draw
 *
 * - A price that is no finite number above 0 (a pace of 0, negative, infinite, NaN) counts as 0.
 * - Candidates are tried by price, equal ones by line item, at most QBID_TRACE_MAX of them; when
 *   all fall the reason is that of the first.
 * - QBID_REQUEST_PRIVATE_ONLY: only line items that bid on a deal of the request are candidates;
 *   NO_DEAL when there is none.
 * - A capped line item (shm/frequency.h) is passed over when the request's user has seen it often
 *   enough; before, r(exposures) lowers its value, and the order with it (fastpath/capped.h).
 * - The creative is one for the most preferred slot of the request that the line item can fill.
 * - With terms (shm/terms.h) it is one of those that bear them, drawn with their shares; a line
 * item none of whose creatives does falls like any other candidate.
 * - A deal with a fixed price is bid at exactly that, unshaded; a guaranteed one whatever the
 *   impression is worth, ceiling and allowance permitting.
 * - The floor is that of the request, or of the deal in its place, and the line item's own. A
 *   shaded bid is raised to it when the impression is worth it; a bid of 0 is below every floor.
 *
 * No allocation, lock, system call or log; every loop is bounded by a constant of shm/. It cannot
 * fail, it can only decline. Deterministic in (request, image, live words, committed, own
 * exposures, seed).
 */
#ifndef QBID_FASTPATH_DECIDE_H
#define QBID_FASTPATH_DECIDE_H

#include <stdint.h>

#include "shm/image.h"
#include "shm/live.h"
#include "shm/page.h"
#include "shm/request.h"

/* What a decision may read and the arrays that it writes (committed, refused). Built once a request
 * or batch from one qbid_table. */
struct qbid_view {
    const struct qbid_image *image;
    const struct qbid_live *live;     /* NULL = no lease */
    const struct qbid_page *page;     /* this worker's own; committed and refused are written */
    uint64_t deadline_ns;             /* of the image, CLOCK_BOOTTIME */
    uint16_t slot;                    /* of this worker in the live page, or QBID_LIVE_SLOT_NONE */
    uint16_t uid;                     /* top 16 bits of its nonces */
    uint8_t isa;                      /* enum qbid_isa: what qbid_isa_best() said, or less */
    struct qbid_exposures *exposures; /* this worker's own bids on capped line items, written; NULL
                                         = they are not counted */
    const uint8_t *assumed; /* exposures by line item in place of counted ones, to replay a
                               decision; NULL in an ad server */
};

/* A step of the reasoning, for `qbid explain`; the fast path passes NULL. */
struct qbid_trace_candidate {
    uint32_t line_item_idx;
    float value_micros;
    float pace;
    uint8_t rejected; /* enum qbid_nobid; 0 = chosen */
};

#define QBID_TRACE_MAX 64

struct qbid_trace {
    uint32_t cnt; /* filled entries, in the order in which they were tried */
    struct qbid_trace_candidate candidate[QBID_TRACE_MAX];
};

/**
 * Decide one impression.
 *
 * Shapes:  counts in request within its maxima (qbid_request_check()); now_ns is CLOCK_BOOTTIME.
 * Units:   CPM micros of the account currency.
 * Returns: QBID_NOBID_NONE and a complete *ret_decision (reserved: committed has grown by the bid,
 *          except for test requests), or the reason; then *ret_decision holds gen, context, level,
 *          candidates, skipped and nobid, the rest zero.
 * Threads: the worker that owns view->page. Wait-free.
 * Cost:    100-200 ns while the winner's lines are cached, 1-1.5 us from memory, at K <= 32
 *          candidates: seven loads that wait for one another (bench/decision/decide.cc).
 */
enum qbid_nobid qbid_decide_one(const struct qbid_view *view, const struct qbid_request *request,
                                uint64_t now_ns, struct qbid_decision *ret_decision,
                                struct qbid_trace *trace);

/** The same for n impressions, in order: each reserves before the next looks at the allowance.
 * Their cache misses overlap: about two fifths faster. */
void qbid_decide_many(const struct qbid_view *view, const struct qbid_request *requests, unsigned n,
                      uint64_t now_ns, struct qbid_decision *ret_decisions);

/** Dense value indices of a request packed into a context word; slots' and segments' indices go to
 *  slot_idx / segment_idx (0 = unknown). The slot dimension takes the first known slot, the segment
 *  dimension the lowest known index: control numbers segments by how much they tell. */
uint64_t qbid_request_resolve(const struct qbid_image *image, const struct qbid_request *request,
                              uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX],
                              uint16_t segment_idx[QBID_REQUEST_SEGMENTS_MAX]);

/** 0 when all counts and enums of a request are in range and its floor is >= 0; QBID_ERR_INVAL. */
int qbid_request_check(const struct qbid_request *request);

#endif
