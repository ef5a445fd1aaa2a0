/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and events of decisions. */
#include "fastpath/record.h"

#include "shm/event.h"
#include "shm/units.h"

uint8_t qbid_bid_flags(const struct qbid_request *request, const struct qbid_decision *decision)
{
    unsigned flags = decision->auction == QBID_AUCTION_FIRST_PRICE ? QBID_EVENT_FIRST_PRICE : 0;
    flags |= request->flags & QBID_REQUEST_TEST ? QBID_EVENT_TEST : 0;
    flags |= decision->deal ? QBID_EVENT_DEAL : 0;
    flags |= decision->stale ? QBID_EVENT_STALE : 0;
    return (uint8_t)flags;
}

_Static_assert(QBID_QSTATES <= 256 && QBID_SEGMENTS_MAX <= 256, "a byte of the event holds each");

static void push_bid(const struct qbid_page *page, const struct qbid_request *request,
                     const struct qbid_decision *d, uint64_t now_ns)
{
    struct qbid_event event = {
        .time_ns = now_ns,
        .nonce = d->nonce,
        .gen = (uint32_t)d->gen,
        .kind = QBID_EVENT_BID,
        .level = d->level & 15u,
        .privacy = request->privacy & 15u,
        .action = d->q_action,
        .flags = qbid_bid_flags(request, d),
        .u.bid = {
            .context = d->context,
            .bid_nanos = qbid_nanos_from_cpm_micros(d->bid_micros),
            .line_item_id = d->line_item_id,
            .creative_id = d->creative_id,
            .value_micros = d->value_micros,
            .pace = d->pace,
            .q_propensity_q32 = d->q_propensity_q32,
            .q_state = (uint8_t)d->q_state,
            .segment = (uint8_t)d->segment,
            .creative_share_q16 = qbid_event_share(d->creative_propensity_q32),
        }};
    (void)qbid_page_push(page, &event); /* a full ring has counted the loss */
}

/* Ahead of the bid: qbidd counts it as soon as it knows of the bid. */
static void push_exposure(const struct qbid_view *view, const struct qbid_request *request,
                          const struct qbid_decision *d, uint64_t now_ns)
{
    const struct qbid_frequency *table = &view->live->frequency;
    uint64_t salt = atomic_load_explicit(&table->header->salt, memory_order_relaxed);
    uint64_t key = qbid_frequency_key(request->user_key, d->line_item_id, salt);
    struct qbid_event event = {.time_ns = now_ns,
                               .nonce = d->nonce,
                               .gen = (uint32_t)d->gen,
                               .kind = QBID_EVENT_EXPOSE,
                               .u.expose = {
                                   .key = key,
                                   .line_item_id = d->line_item_id,
                                   .counted = d->exposures,
                               }};
    if (qbid_page_push(view->page, &event)) /* else it counts here, for a while */
        qbid_exposures_sent(view->exposures, key,
                            atomic_load_explicit(&view->page->ring->head, memory_order_relaxed));
}

void qbid_record(const struct qbid_view *view, const struct qbid_request *request,
                 const struct qbid_decision *decision, uint64_t now_ns)
{
    const struct qbid_page *page = view->page;
    struct qbid_page_header *header = page->header;
    qbid_page_count(page, QBID_COUNTER_IMPRESSIONS);
    atomic_store_explicit(&header->gen, decision->gen, memory_order_relaxed);
    if (decision->nobid != QBID_NOBID_NONE) {
        qbid_count_add(&header->nobid[decision->nobid], 1);
        return;
    }
    qbid_page_count(page, QBID_COUNTER_BIDS);
    if (!(request->flags & QBID_REQUEST_TEST))
        qbid_count_add(&header->counter[QBID_COUNTER_BID_NANOS],
                       (uint64_t)qbid_nanos_from_cpm_micros(decision->bid_micros));
    if (decision->stale)
        qbid_page_count(page, QBID_COUNTER_STALE_BIDS);
    if (decision->counted)
        push_exposure(view, request, decision, now_ns);
    push_bid(page, request, decision, now_ns);
}
