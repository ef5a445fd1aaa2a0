/* SPDX-License-Identifier: Apache-2.0 */
/* The library's two handles from inside, and what its files share of them. */
#ifndef QBID_PLUGIN_WORKER_H
#define QBID_PLUGIN_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fastpath/decide.h"
#include "plugin/notice/clearing.h"
#include "plugin/coding.h"
#include "plugin/gzip.h"
#include "plugin/impression.h"
#include "plugin/openrtb/openrtb.h"
#include "plugin/openrtb/openrtb_protobuf.h"
#include "plugin/qbid.h"
#include "plugin/status/recorder.h"
#include "plugin/openrtb/response.h"
#include "shm/watcher.h"

#define QBID_NOTICE_URL_MAX 1024
#define QBID_DEFLATED_MAX 65536 /* an answer that is longer in gzip goes as it is */
#define QBID_ASKS_MAX                                                                              \
    (2 * QBID_OPENRTB_IMPS_MAX) /* of an impression: its deals, the open auction */
#define QBID_CREATIVE_HINTS 256 /* a power of two */

struct qbid {
    struct qbid_watcher *watcher;
    char notice_url[QBID_NOTICE_URL_MAX];
    uint32_t notice_url_len;
    unsigned worker_timeout_ms;
    unsigned tmax_default_ms;
    unsigned tmax_margin_ms;
    bool trace;
    bool nbr;
    uint8_t schain; /* as in struct qbid_options */
    uint8_t isa;    /* enum qbid_isa */
    uint32_t latency_every;
    struct qbid_stopwatch watch; /* set up where latency_every is not 0 */
    enum qbid_rcu rcu;
};

/* Everything that a bid request needs lies in here: nothing is allocated after the worker is open.
 */
struct qbid_worker {
    struct qbid *qbid;
    unsigned cookie;
    struct qbid_openrtb *parser;
    struct qbid_protobuf *protobuf;
    struct qbid_gzip *gzip;
    struct qbid_clearing_reader *clearing;
    struct qbid_recorder recorder;
    struct qbid_exposures *exposures;            /* own bids on capped line items */
    uint64_t unix_offset_ns;                     /* CLOCK_REALTIME - CLOCK_BOOTTIME */
    uint64_t unix_read_ns;                       /* now_ns at which it was read */
    uint32_t creative_hint[QBID_CREATIVE_HINTS]; /* by creative id: where it was found last */
    struct qbid_openrtb_request openrtb;
    struct qbid_common common;
    struct qbid_terms terms[QBID_OPENRTB_IMPS_MAX]; /* by impression */
    struct qbid_request request[QBID_ASKS_MAX];
    struct qbid_decision decision[QBID_ASKS_MAX];
    uint8_t imp_idx[QBID_ASKS_MAX];                                  /* of request[i] */
    uint8_t deal_idx[QBID_OPENRTB_IMPS_MAX][QBID_REQUEST_DEALS_MAX]; /* by impression */
    struct qbid_response_bid bid[QBID_ASKS_MAX];
    char inflated[QBID_OPENRTB_BYTES_MAX + QBID_PADDING]; /* body of a request that came in gzip */
    char deflated[QBID_DEFLATED_MAX];                     /* an answer on its way into gzip */
};

/* A bid request's body and what HTTP says of it. */
struct qbid_body {
    const char *at;
    size_t len;
    enum qbid_media media; /* JSON or PROTOBUF */
    bool gzip;
    unsigned waited_ms; /* off tmax */
};

/** What qbid_worker_openrtb() does, for a body in any format; the arguments are checked. */
void qbid_worker_answer(struct qbid_worker *worker, const char *exchange,
                        const struct qbid_body *body, uint64_t now_ns, char *out, size_t out_max,
                        struct qbid_answer *ret_answer);

/** Nanoseconds since 1970 that belong to a boot clock reading. The wall clock is read again once a
 *  second, without a system call. */
uint64_t qbid_worker_unix_ns(struct qbid_worker *worker, uint64_t now_ns);

/** What a decision of this worker may read of a table. */
struct qbid_view qbid_worker_view(const struct qbid_worker *worker, const struct qbid_table *table);

/**
 * Decide n impressions, and note how long that took.
 *
 * What is timed is the fast path alone, without the read section, counters and events around it.
 * Decisions made together share their cache misses, so that none of them has a time of its own:
 * each counts with an even share of the whole.
 * Cost:    a branch when recording is off: inline, for a call would be more
 * (bench/decision/latency.cc).
 */
static inline void qbid_worker_decide_timed(struct qbid_worker *worker,
                                            const struct qbid_view *view,
                                            const struct qbid_request *requests, unsigned n,
                                            uint64_t now_ns, struct qbid_decision *ret_decisions)
{
    uint64_t start = n > 0 ? qbid_recorder_begin(&worker->recorder, QBID_LATENCY_DECIDE) : 0;
    qbid_decide_many(view, requests, n, now_ns, ret_decisions);
    qbid_recorder_end(&worker->recorder, QBID_LATENCY_DECIDE, start, n, view->page);
}

#endif
