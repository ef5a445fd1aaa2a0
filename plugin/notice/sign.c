/* SPDX-License-Identifier: Apache-2.0 */
/* Notice tokens for hosts that write their answers themselves. */
#include "fastpath/record.h"
#include "plugin/worker.h"
#include "shm/clock.h"
#include "shm/error.h"

_Static_assert(QBID_NOTICE_TOKEN_CHARS == QBID_TOKEN_CHARS, "hosts have room for a token");

static int sign(const struct qbid_table *table, const struct qbid_request *request,
                const struct qbid_decision *decision, uint64_t now_ns, uint64_t unix_s, char *out)
{
    const struct qbid_image *image = &table->image;
    /* a newer table may be there by now, in which an index still means the same line item or none
     */
    if (!image->header || decision->line_item_idx >= image->line_item_cnt ||
        image->line_items[decision->line_item_idx].id != decision->line_item_id)
        return QBID_ERR_NOENT;
    struct qbid_response response = {
        .image = image,
        .keys = &table->keys,
        .partner = qbid_response_partner(image, request->dim[QBID_DIM_EXCHANGE]),
        .now_ns = now_ns,
        .unix_s = unix_s,
    };
    struct qbid_response_bid bid = {.decision = decision,
                                    .event_flags = qbid_bid_flags(request, decision),
                                    .privacy = request->privacy};
    return qbid_response_sign(&response, &bid, out) ? 0 : QBID_ERR_NOENT;
}

int qbid_worker_token(struct qbid_worker *worker, const struct qbid_request *request,
                      const struct qbid_decision *decision, uint64_t now_ns, char *out)
{
    if (!worker || !request || !decision || !out || decision->nobid != QBID_NOBID_NONE)
        return QBID_ERR_INVAL;
    uint64_t unix_s = qbid_worker_unix_ns(worker, now_ns) / QBID_NS_PER_S;
    const struct qbid_table *table = qbid_watcher_read_lock(worker->qbid->watcher);
    int err = sign(table, request, decision, now_ns, unix_s, out);
    qbid_watcher_read_unlock(worker->qbid->watcher);
    return err;
}
