/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's decisions: those that the host describes itself, and what they share with OpenRTB. */
#include "plugin/worker.h"

#include "fastpath/ahead.h"
#include "fastpath/record.h"
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
        qbid_record(&view, &requests[i], &ret_decisions[i], now_ns);
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
