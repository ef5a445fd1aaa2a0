/* SPDX-License-Identifier: Apache-2.0 */
/* A ring and a map from nonce to its place. */
#include "control/ingest/pending.h"

#include <stdlib.h>

#include "shm/error.h"

int qbid_pending_init(struct qbid_pending *pending, uint32_t max)
{
    *pending = (struct qbid_pending){.max = max};
    if (max == 0)
        return QBID_ERR_INVAL;
    pending->bid = calloc(max, sizeof *pending->bid);
    return pending->bid ? 0 : QBID_ERR_NOMEM;
}

void qbid_pending_done(struct qbid_pending *pending)
{
    free(pending->bid);
    qbid_keymap_done(&pending->map);
    *pending = (struct qbid_pending){0};
}

struct qbid_pending_bid *qbid_pending_find(struct qbid_pending *pending, uint64_t nonce)
{
    uint32_t i = qbid_keymap_find(&pending->map, nonce, 0);
    return i == QBID_KEYMAP_NONE ? NULL : &pending->bid[i];
}

int qbid_pending_add(struct qbid_pending *pending, const struct qbid_outcome *bid)
{
    if (pending->head - pending->tail == pending->max)
        return QBID_ERR_FULL;
    uint32_t i = (uint32_t)(pending->head % pending->max);
    int err = qbid_keymap_add(&pending->map, bid->nonce, 0, i);
    if (err)
        return err;
    pending->bid[i] = (struct qbid_pending_bid){.bid = *bid};
    pending->head++;
    return 0;
}

struct qbid_pending_bid *qbid_pending_oldest(struct qbid_pending *pending)
{
    return pending->head == pending->tail ? NULL : &pending->bid[pending->tail % pending->max];
}

void qbid_pending_drop(struct qbid_pending *pending)
{
    struct qbid_pending_bid *oldest = qbid_pending_oldest(pending);
    if (!oldest)
        return;
    qbid_keymap_remove(&pending->map, oldest->bid.nonce, 0);
    pending->tail++;
}
