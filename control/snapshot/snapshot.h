/* SPDX-License-Identifier: Apache-2.0 */
/* Rolling performance: sufficient statistics by campaign, line item, creative and context in
 * windows of 30 s, 5 min, 1 h and 24 h, and since the beginning. Event time; late and repeated
 * events are the ingest's business. */
#ifndef QBID_CONTROL_SNAPSHOT_SNAPSHOT_H
#define QBID_CONTROL_SNAPSHOT_SNAPSHOT_H

#include <stdint.h>

#include "control/ingest/outcome.h"

enum qbid_window {
    QBID_WINDOW_30S,
    QBID_WINDOW_5MIN,
    QBID_WINDOW_1H,
    QBID_WINDOW_24H,
    QBID_WINDOW_ALL,
    QBID_WINDOW_CNT
};

enum qbid_series_kind {
    QBID_SERIES_CAMPAIGN = 1, /* id */
    QBID_SERIES_LINE_ITEM,    /* id */
    QBID_SERIES_CREATIVE,     /* id */
    QBID_SERIES_CONTEXT       /* line item id and packed context, masked to the finest level */
};

struct qbid_stats {
    uint64_t bids, wins, losses, bills, imps, clicks, convs;
    uint64_t views;             /* impressions told to be viewable */
    uint64_t starts, completes; /* of videos */
    int64_t spend_nanos;
    int64_t bid_nanos;   /* sum of bid prices */
    int64_t value_nanos; /* sum of conversion values */
};

/** Auctions won: a bill says so as well where no win notice came. */
static inline uint64_t qbid_stats_wins(const struct qbid_stats *stats)
{
    return stats->wins > stats->bills ? stats->wins : stats->bills;
}

struct qbid_series_key {
    uint64_t context;
    uint32_t id;
    uint32_t kind;
};

struct qbid_snapshot; /* opaque */

struct qbid_snapshot_params {
    uint32_t context_max; /* series of contexts kept; the least recently used goes first, counted */
    uint64_t context_mask; /* finest level */
};

int qbid_snapshot_new(const struct qbid_snapshot_params *params,
                      struct qbid_snapshot **ret_snapshot);
void qbid_snapshot_free(struct qbid_snapshot *snapshot);

/** Count one outcome in all of its series; spent_nanos from the ledger for BILL. */
void qbid_snapshot_post(struct qbid_snapshot *snapshot, const struct qbid_outcome *outcome,
                        uint32_t campaign_id, int64_t spent_nanos);

/** Totals of a series in a window that ends at now_ns; zeros for an unknown key. */
struct qbid_stats qbid_snapshot_query(const struct qbid_snapshot *snapshot,
                                      struct qbid_series_key key, enum qbid_window window,
                                      uint64_t now_ns);

/** Visit every series; stop early when fn returns non-zero, and return that. Order is by key. */
typedef int qbid_snapshot_fn(void *context, struct qbid_series_key key,
                             const struct qbid_stats *all);
int qbid_snapshot_visit(const struct qbid_snapshot *snapshot, qbid_snapshot_fn *fn, void *context);

/** Visit the series of one kind as they lie, in no order; else the same. Cost: one look at each
 *  series of any kind. */
int qbid_snapshot_scan(const struct qbid_snapshot *snapshot, enum qbid_series_kind kind,
                       qbid_snapshot_fn *fn, void *context);

/** Put back totals since the beginning (from the store, after a restart). */
int qbid_snapshot_restore(struct qbid_snapshot *snapshot, struct qbid_series_key key,
                          const struct qbid_stats *all);

/** Bits of the dimensions that contexts are told apart by. */
uint64_t qbid_snapshot_mask(const struct qbid_snapshot *snapshot);

uint64_t qbid_snapshot_evicted(const struct qbid_snapshot *snapshot);

#endif
