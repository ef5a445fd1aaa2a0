/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and events of decisions. */
#include "fastpath/record.h"

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
    qbid_record_bid(page, request, decision, now_ns);
}
