/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a run counts. */
#ifndef QBID_TOOLS_REPLAY_RESULTS_STATS_H
#define QBID_TOOLS_REPLAY_RESULTS_STATS_H

#include "tools/replay/http/pool.h"
#include "tools/replay/notice/notice.h"
#include "tools/replay/results/histogram.h"

#define QBID_REPLAY_STATS_SLICES 20
/* No-bid reasons 0..510 have a counter each; the last one takes the others. */
#define QBID_REPLAY_STATS_NBR_MAX 512
/* Loss reasons that an invalid bid can have. */
#define QBID_REPLAY_STATS_REASON_MAX 16

struct qbid_replay_slice {
    uint64_t auctions;
    uint64_t wins;
    uint64_t clicks;
    int64_t spend_nanos;
};

struct qbid_replay_notice_counts {
    uint64_t sent;    /* with an answer or not */
    uint64_t ok;      /* answered 2xx or 3xx */
    uint64_t refused; /* answered otherwise */
    uint64_t failed;  /* not answered: time-out, broken connection, or the run was cut before */
    uint64_t dropped; /* not sent: --drop-notices */
    uint64_t missing; /* the bid had no such URL */
    uint64_t foreign; /* the URL was malformed or of another host */
};

/* Table generations that answered. A worker may adopt a new one later than another. */
struct qbid_replay_generations {
    uint64_t answers; /* answers that named one */
    uint64_t first, last, highest;
    uint64_t changes;  /* answers whose generation was above all before */
    uint64_t backward; /* answers whose generation was below the highest seen */
    uint64_t distinct;
    uint64_t *seen; /* open addressing, value + 1; lg_seen is its size */
    unsigned lg_seen;
};

struct qbid_replay_stats {
    /* auctions = answered + timeouts + lost, when the run has ended */
    uint64_t auctions;
    uint64_t answered;
    uint64_t answered_200;
    uint64_t answered_204;
    uint64_t answered_other;
    uint64_t timeouts;
    uint64_t lost;     /* sent, but the connection ended before the answer */
    uint64_t resent;   /* not a byte was sent on a broken connection: sent again on another */
    uint64_t unparsed; /* 200 whose body is no bid response */
    /* answered_200 = unparsed + invalid + bids + no_bid_200 */
    uint64_t no_bid_200;
    uint64_t invalid;
    uint64_t invalid_reasons[QBID_REPLAY_STATS_REASON_MAX];
    uint64_t nbr[QBID_REPLAY_STATS_NBR_MAX];
    uint64_t bids; /* = wins + below_floor + outbid */
    uint64_t wins;
    uint64_t below_floor;
    uint64_t outbid;
    uint64_t cut_prices; /* bids finer than a micro */
    uint64_t clicks;     /* of wins */
    uint64_t conversions;
    int64_t bid_sum_nanos;
    int64_t spend_nanos;   /* settled prices of all wins */
    int64_t charged_nanos; /* of those whose billing notice was answered */
    /* What the rows replayed were worth to the recorded buyer. */
    uint64_t offered_clicks;
    int64_t offered_nanos;
    struct qbid_replay_notice_counts notices[QBID_REPLAY_NOTICE_KINDS];
    struct qbid_replay_generations generations;
    struct qbid_replay_slice slices[QBID_REPLAY_STATS_SLICES];
    struct qbid_replay_histogram latency;        /* of answered bid requests */
    struct qbid_replay_histogram notice_latency; /* of answered notices */
    struct qbid_replay_histogram lag;            /* of requests: how much later than --rate asked */
    uint64_t begin_ns, end_ns;
    struct qbid_replay_pool_facts pool;
};

/** Count an answer that was read and judged; slice is below QBID_REPLAY_STATS_SLICES. */
void qbid_replay_stats_add_outcome(struct qbid_replay_stats *stats, unsigned slice,
                                   const struct qbid_replay_row *row,
                                   const struct qbid_replay_answer *answer,
                                   const struct qbid_replay_outcome *outcome);

/** Count what notices were planned and what was not sent. */
void qbid_replay_stats_add_plan(struct qbid_replay_stats *stats,
                                const struct qbid_replay_notices *notices);

/** Count the generation of an answer. Returns: 0 or QBID_ERR_NOMEM. */
int qbid_replay_stats_add_gen(struct qbid_replay_generations *generations, uint64_t gen);

/** Release what the generations hold. */
void qbid_replay_stats_done(struct qbid_replay_stats *stats);

#endif
