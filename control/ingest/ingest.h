/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest: drains the rings of worker pages, distrusts them, deduplicates notices, joins them with
 * their bids, and hands out outcomes. */
#ifndef QBID_CONTROL_INGEST_INGEST_H
#define QBID_CONTROL_INGEST_INGEST_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/ingest/outcome.h"
#include "control/ingest/reasons.h"
#include "shm/page.h"

struct qbid_ingest; /* opaque */

struct qbid_ingest_params {
    uint32_t pending_max;   /* bids that wait for their outcome; older ones go first, counted */
    uint32_t seen_max;      /* (nonce, kind) remembered against repeats */
    uint64_t notice_ttl_ns; /* then a bid is EXPIRED */
    uint64_t event_ttl_ns;  /* repeats of imp, click, conv, video are known for this long */
};

struct qbid_ingest_counters {
    uint64_t events;     /* read from rings */
    uint64_t duplicates; /* repeated notices: counted once */
    uint64_t unknown;    /* line item that does not exist */
    uint64_t invalid;    /* impossible fields: a lying worker */
    uint64_t unjoined;   /* notices whose bid is not known any more */
    uint64_t expired;    /* bids without an outcome */
    uint64_t evicted;    /* bids or repeats forgotten early for lack of room */
    uint64_t drops;      /* lost in rings, as their workers counted */
    uint64_t tests;      /* test = 1 or AUDIT: not counted anywhere */
    uint64_t price_above;
    uint64_t price_unknown;
    uint64_t convs_refused; /* conversions among unknown and invalid */
};

typedef void qbid_outcome_fn(void *context, const struct qbid_outcome *outcome);

int qbid_ingest_new(const struct qbid_ingest_params *params, struct qbid_ingest **ret_ingest);
void qbid_ingest_free(struct qbid_ingest *ingest);

/**
 * Take the bids of one page ahead of everything else in it.
 *
 * A notice may come through another ring than its bid. Who calls this for every page, after the
 * heads up to which notices will be taken were read, has every bid before its notices: a notice is
 * written after its bid was. The bids stay in their ring, and qbid_ingest_drain() does not take
 * them again.
 *
 * Returns: 0; QBID_ERR_CORRUPT as below.
 */
int qbid_ingest_bids(struct qbid_ingest *ingest, const struct qbid_account *account,
                     const struct qbid_page *page, uint16_t slot, uint16_t uid, uint64_t now_ns,
                     qbid_outcome_fn *fn, void *context);

/** Take at most `max` events of one page and leave them in its ring: the caller stores what came of
 *  them and then calls qbid_ring_advance(). SEEN events go to the dictionary. Returns events taken;
 *  QBID_ERR_CORRUPT when the ring is impossible (the caller detaches the worker). */
int qbid_ingest_drain(struct qbid_ingest *ingest, const struct qbid_account *account,
                      struct qbid_dictionary *dictionary, const struct qbid_page *page,
                      uint16_t slot, uint16_t uid, uint64_t now_ns, int max, qbid_outcome_fn *fn,
                      void *context);

/** Expire bids without outcome. Returns how many. */
int qbid_ingest_tick(struct qbid_ingest *ingest, uint64_t now_ns, int max, qbid_outcome_fn *fn,
                     void *context);

struct qbid_ingest_counters qbid_ingest_counters_load(const struct qbid_ingest *ingest);

/** Losses by reason and video events of all campaigns: each notice once, test ones left out. */
const struct qbid_reasons *qbid_ingest_reasons(const struct qbid_ingest *ingest);

#endif
