/* SPDX-License-Identifier: Apache-2.0 */
/* What a host's worker tells control of a decision. */
#ifndef QBID_FASTPATH_RECORD_H
#define QBID_FASTPATH_RECORD_H

#include <stdint.h>

#include "fastpath/decide.h"

/** Flags of a bid's event and token. */
uint8_t qbid_bid_flags(const struct qbid_request *request, const struct qbid_decision *decision);

/**
 * Count a decision and push its bid event, and that its user sees it one time more.
 *
 * Shapes:  request and decision belong together, and to this view; its page is written.
 * Threads: the worker's own; wait-free. A full ring counts what it drops.
 * Cost:    one line of the ring, two where a cap counts.
 */
void qbid_record(const struct qbid_view *view, const struct qbid_request *request,
                 const struct qbid_decision *decision, uint64_t now_ns);

#endif
