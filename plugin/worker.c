/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's decisions: those that the host describes itself, and what they share with OpenRTB. */
#include "plugin/worker.h"

#include "fastpath/ahead.h"
#include "shm/clock.h"
#include "shm/error.h"

uint64_t qbid_worker_unix_ns(struct qbid_worker *worker, uint64_t now_ns)
{
    if (worker->unix_offset_ns == 0 || now_ns - worker->unix_read_ns >= QBID_NS_PER_S) {
        worker->unix_offset_ns = qbid_clock_unix_ns() - qbid_clock_boot_ns();
        worker->unix_read_ns = now_ns;
    }
    return now_ns + worker->unix_offset_ns;
}

struct qbid_view qbid_worker_view(const struct qbid_worker *worker, const struct qbid_table *table)
{
    return (struct qbid_view){
        .image = &table->image,
        .live = table->live.header ? &table->live : NULL,
        .page = &table->page[worker->cookie],
        .deadline_ns = table->deadline_ns,
        .slot = table->slot[worker->cookie],
        .uid = table->uid[worker->cookie],
        .isa = worker->qbid->isa,
        .exposures = worker->exposures,
    };
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

void qbid_worker_record(const struct qbid_view *view, const struct qbid_request *request,
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

int qbid_worker_decide_batch(struct qbid_worker *worker, const struct qbid_request *requests,
                             unsigned n, uint64_t now_ns, struct qbid_decision *ret_decisions)
{
    for (unsigned i = 0; i < n; i++)
        if (qbid_request_check(&requests[i]) != 0)
            return QBID_ERR_INVAL;
    const struct qbid_table *table = qbid_watcher_read_lock(worker->qbid->watcher);
    struct qbid_view view = qbid_worker_view(worker, table);
    qbid_worker_decide_timed(worker, &view, requests, n, now_ns, ret_decisions);
    atomic_store_explicit(&view.page->header->heartbeat_ns, now_ns, memory_order_relaxed);
    qbid_count_add(&view.page->header->counter[QBID_COUNTER_REQUESTS], n);
    for (unsigned i = 0; i < n; i++)
        qbid_worker_record(&view, &requests[i], &ret_decisions[i], now_ns);
    qbid_watcher_read_unlock(worker->qbid->watcher);
    return 0;
}

_Static_assert(sizeof(struct qbid_ahead) <= sizeof(struct qbid_ahead_state),
               "hosts have room for the state");

int qbid_worker_ahead(struct qbid_worker *worker, const struct qbid_request *request,
                      uint64_t now_ns, struct qbid_ahead_state *state)
{
    if (!worker || !request || !state || qbid_request_check(request) != 0)
        return QBID_ERR_INVAL;
    const struct qbid_table *table = qbid_watcher_read_lock(worker->qbid->watcher);
    struct qbid_view view = qbid_worker_view(worker, table);
    unsigned left = qbid_ahead_step((struct qbid_ahead *)(void *)state, &view, request, now_ns);
    qbid_watcher_read_unlock(worker->qbid->watcher);
    return (int)left;
}

int64_t qbid_worker_line_item(struct qbid_worker *worker, uint32_t line_item_id)
{
    int64_t found = QBID_ERR_NOENT;
    const struct qbid_table *table = qbid_watcher_read_lock(worker->qbid->watcher);
    const struct qbid_image *image = &table->image;
    for (uint32_t i = 0; image->header && line_item_id && i < image->line_item_cnt; i++) {
        if (image->line_items[i].id == line_item_id)
            found = i;
    }
    qbid_watcher_read_unlock(worker->qbid->watcher);
    return found;
}

int qbid_worker_decide(struct qbid_worker *worker, const struct qbid_request *request,
                       uint64_t now_ns, struct qbid_decision *ret_decision)
{
    return qbid_worker_decide_batch(worker, request, 1, now_ns, ret_decision);
}
