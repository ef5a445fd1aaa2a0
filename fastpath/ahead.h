/* SPDX-License-Identifier: Apache-2.0 */
/* Asking ahead: the memory that a decision will read, a step at a time, while its host still
 * parses.
 *
 *   step 1   value indices -> index buckets of every level; what every decision reads
 *   step 2   where the row is -> its lines
 *   step 3   the best candidate -> its summary, shade
 *   step 4   -> Q row, allowance, eligibility, draws
 *
 * Each step reads what the one before has asked for, so some 100-200 ns of other work belong in
 * between. Steps are hints: they change no answer, may be left out, and may be of a table that is
 * replaced before the decision.
 */
#ifndef QBID_FASTPATH_AHEAD_H
#define QBID_FASTPATH_AHEAD_H

#include <stdint.h>

#include "fastpath/ask.h"

#define QBID_AHEAD_STEPS 4

struct qbid_ahead {
    struct qbid_ask ask;
    const struct qbid_image_header *header; /* of the image that the steps were taken in */
    uint64_t checksum;                      /* and what it held */
    unsigned step;                          /* steps taken; 0 = begin */
};

/**
 * Take the next step.
 *
 * Shapes:  *ahead zero before the first step; the request's dimensions, slots and segments are
 *          filled, and the same at every step; its other fields may come later.
 * Returns: steps that are left; 0 as well where nothing could be asked for.
 * Threads: the worker that owns view->page, between lock and unlock of the table of the view.
 *          Wait-free; writes only *ahead.
 * Cost:    20-40 ns a step while what it reads is there.
 */
unsigned qbid_ahead_step(struct qbid_ahead *ahead, const struct qbid_view *view,
                         const struct qbid_request *request, uint64_t now_ns);

#endif
