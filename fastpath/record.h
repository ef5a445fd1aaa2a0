/* SPDX-License-Identifier: Apache-2.0 */
/* What a host's worker tells control of a decision. */
#ifndef QBID_FASTPATH_RECORD_H
#define QBID_FASTPATH_RECORD_H

#include <stdint.h>

#include "fastpath/decide.h"
#include "shm/event.h"
#include "shm/units.h"

_Static_assert(QBID_QSTATES <= 256 && QBID_SEGMENTS_MAX <= 256, "a byte of the event holds each");

/** Flags of a bid's event and token. */
static inline uint8_t qbid_bid_flags(const struct qbid_request *request,
                                     const struct qbid_decision *decision)
{
    unsigned flags = decision->auction == QBID_AUCTION_FIRST_PRICE ? QBID_EVENT_FIRST_PRICE : 0;
    flags |= request->flags & QBID_REQUEST_TEST ? QBID_EVENT_TEST : 0;
    flags |= decision->deal ? QBID_EVENT_DEAL : 0;
    flags |= decision->stale ? QBID_EVENT_STALE : 0;
    return (uint8_t)flags;
}

/**
 * Push a bid's event.
 *
 * Shapes:  decision is a bid on this request, and the worker's own page.
 * Threads: the worker's own; wait-free. A full ring counts what it drops.
 * Cost:    one line of the ring, written in place: a copy of a record that was just written would
 *          wait until the stores that make it up have left the processor.
 */
static inline void qbid_record_bid(const struct qbid_page *page, const struct qbid_request *request,
                                   const struct qbid_decision *d, uint64_t now_ns)
{
    struct qbid_event *event = qbid_ring_slot(page->ring, page->events, page->event_mask);
    if (!event)
        return;
    event->time_ns = now_ns;
    event->nonce = d->nonce;
    event->gen = (uint32_t)d->gen;
    event->kind = QBID_EVENT_BID;
    event->level = d->level & 15u;
    event->privacy = request->privacy & 15u;
    event->action = d->q_action;
    event->flags = qbid_bid_flags(request, d);
    event->u.bid.context = d->context;
    event->u.bid.bid_nanos = qbid_nanos_from_cpm_micros(d->bid_micros);
    event->u.bid.line_item_id = d->line_item_id;
    event->u.bid.creative_id = d->creative_id;
    event->u.bid.value_micros = d->value_micros;
    event->u.bid.pace = d->pace;
    event->u.bid.q_propensity_q32 = d->q_propensity_q32;
    event->u.bid.q_state = (uint8_t)d->q_state;
    event->u.bid.segment = (uint8_t)d->segment;
    event->u.bid.creative_share_q16 = qbid_event_share(d->creative_propensity_q32);
    qbid_ring_publish(page->ring);
}

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
