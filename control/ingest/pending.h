/* SPDX-License-Identifier: Apache-2.0 */
/* Bids that wait for their outcome, in order of arrival, found by nonce. */
#ifndef QBID_CONTROL_INGEST_PENDING_H
#define QBID_CONTROL_INGEST_PENDING_H

#include <stdint.h>

#include "control/ingest/outcome.h"
#include "control/keymap.h"

struct qbid_pending_bid {
    struct qbid_outcome bid; /* kind BID */
    uint32_t seen;           /* 1 << kind of the notices that came */
};

/* A ring of at most `max` bids; the oldest leaves first. */
struct qbid_pending {
    struct qbid_pending_bid *bid;
    uint32_t max;
    uint64_t head, tail; /* bids ever added and removed */
    struct qbid_keymap map;
};

int qbid_pending_init(struct qbid_pending *pending, uint32_t max);
void qbid_pending_done(struct qbid_pending *pending);

/** The bid of a nonce, or NULL. Valid until the next add. */
struct qbid_pending_bid *qbid_pending_find(struct qbid_pending *pending, uint64_t nonce);

/** Add a bid whose nonce is not there. The caller made room: QBID_ERR_FULL otherwise; NOMEM. */
int qbid_pending_add(struct qbid_pending *pending, const struct qbid_outcome *bid);

/** The oldest bid, or NULL; and its removal. */
struct qbid_pending_bid *qbid_pending_oldest(struct qbid_pending *pending);
void qbid_pending_drop(struct qbid_pending *pending);

#endif
