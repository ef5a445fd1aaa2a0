/* SPDX-License-Identifier: Apache-2.0 */
/* The library inside one worker process: opened after fork, ticking once a second, closed at exit.
 *
 * The worker's main thread is the reader of the table (liburcu memb: inside the library's calls);
 * the library's watcher is the only other thread. A library that cannot be opened does not stop
 * the worker: it answers 204 and tries again.
 */
#ifndef QBID_PLUGIN_NGINX_HOST_H
#define QBID_PLUGIN_NGINX_HOST_H

#include <pthread.h>

#include "plugin/nginx/board.h"
#include "plugin/nginx/drain.h"
#include "plugin/nginx/lines.h"
#include "plugin/nginx/module.h"
#include "plugin/nginx/wait.h"

#define QBID_NGX_ANSWER_MAX (QBID_OPENRTB_IMPS_MAX * 16384)

/* What the module counts by itself; the decisions and notices are counted by the library. */
/* clang-format off */
#define QBID_NGX_COUNTER_LIST(X)                                                          \
    X(BID,             answered_bid,     "bid requests answered 200")                     \
    X(NOBID,           answered_nobid,   "bid requests answered 204")                     \
    X(MALFORMED,       answered_400,     "bid requests answered 400")                     \
    X(UNSUPPORTED,     answered_415,     "bid requests answered 415")                     \
    X(METHOD,          refused_method,   "requests with a method that is not allowed")    \
    X(OVER_BODY,       over_max_body,    "bid requests over qbid_max_body")               \
    X(WAITED,          answered_unread,  "bid requests answered 204 unread, over qbid_wait")   \
    X(CLOSED,          without_library,  "requests while the library could not be opened") \
    X(COPIED,          body_copied,      "request bodies that had to be copied")          \
    X(NOTICE_OK,       notice_200,       "notices answered 200")                          \
    X(NOTICE_REDIRECT, notice_302,       "notices answered 302")                          \
    X(NOTICE_REFUSED,  notice_4xx,       "notices answered 4xx")                          \
    X(NOTICE_LATER,    notice_503,       "notices that the sender must repeat")           \
    X(LINES_LOST,      log_lines_lost,   "log lines that found no room")
/* clang-format on */

enum qbid_ngx_counter {
#define X(upper, lower, text) QBID_NGX_COUNTER_##upper,
    QBID_NGX_COUNTER_LIST(X)
#undef X
        QBID_NGX_COUNTER_CNT
};

struct qbid_ngx_host {
    ngx_connection_t ident; /* first: nginx's debug log reads data->fd of any event */
    ngx_event_t tick;
    ngx_cycle_t *cycle;
    struct qbid_ngx_board *board;
    struct qbid_ngx_slot *slot; /* of this worker; NULL when the board has no more */
    struct qbid *qbid;
    struct qbid_worker *worker; /* NULL: could not be opened */
    struct qbid_options options;
    ngx_msec_t retry_at;
    pthread_t thread;
    size_t max_body_bytes;
    u_char *body;  /* max_body_bytes + QBID_PADDING */
    char *answer;  /* QBID_NGX_ANSWER_MAX */
    char *json;    /* QBID_NGX_BOARD_JSON_MAX */
    char *metrics; /* QBID_NGX_BOARD_METRICS_MAX */
    struct qbid_latency_view latency[QBID_LATENCY_CNT];
    uint64_t counter[QBID_NGX_COUNTER_CNT];
    struct qbid_ngx_drain drain;
    struct qbid_ngx_wait wait;
    struct qbid_ngx_lines lines;
};

static inline void qbid_ngx_host_count(struct qbid_ngx_host *host, enum qbid_ngx_counter which)
{
    host->counter[which]++;
}

/** Open the library in this process, after fork. slot_idx is the process's place in the master's
 *  table. NULL when there is no memory; a library that refuses is logged and tried again. */
struct qbid_ngx_host *qbid_ngx_host_new(ngx_cycle_t *cycle, const struct qbid_ngx_main_conf *conf,
                                        struct qbid_ngx_board *board, ngx_int_t slot_idx);

/** Close it. NULL is fine. */
void qbid_ngx_host_free(struct qbid_ngx_host *host);

/** Put this worker's present counters on the board. */
void qbid_ngx_host_publish(struct qbid_ngx_host *host);

#endif
