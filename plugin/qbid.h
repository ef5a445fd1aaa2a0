/* SPDX-License-Identifier: Apache-2.0 */
/* qbid inside an ad server: the one installed header. C11 and C++11.
 *
 *     struct qbid *q;
 *     struct qbid_worker *w;
 *     qbid_open(&options, &q);                    once a process, after fork
 *     qbid_worker_open(q, &w);                    once a thread that bids, on that thread
 *     status = qbid_worker_openrtb(w, ...);       for each bid request
 *     status = qbid_worker_notice(w, ...);        for each notice URL that comes back
 *     qbid_worker_close(w); qbid_close(q);
 *
 * Decisions never block, allocate or call the operating system (the wall clock is read once a
 * second, which is no system call). Adoption of new tables happens on threads of the library's own.
 *
 * Threads:
 *   qbid_strerror, _version, _now_ns, _value_hash, _name_hash: any, at any time
 *   qbid_open, qbid_close: any, one at a time for a handle; close when no worker is open. After
 *     fork: a child that inherits an open library may only exec
 *   qbid_worker_open: on the thread that will use the worker; several threads may at once
 *   all else that takes a worker: on the thread that opened it, one call at a time; workers of
 *     different threads need nothing between them
 *   options.log is called on any of these threads and on the library's own; it must not call back
 * From a signal handler none of them may be called but qbid_now_ns(). A thread may not be cancelled
 * within a call.
 * `make install` puts shm/request.h into this file, so that it stands alone.
 */
#ifndef QBID_PLUGIN_QBID_H
#define QBID_PLUGIN_QBID_H

#include <stddef.h>
#include <stdint.h>

#include "shm/request.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QBID_API __attribute__((visibility("default")))

#define QBID_OPENRTB_BYTES_MAX 262144
#define QBID_OPENRTB_DEPTH_MAX 32
#define QBID_OPENRTB_IMPS_MAX 64
#define QBID_PADDING 64 /* readable bytes that must follow a request body */
#define QBID_NOTICE_MAX 2048
#define QBID_NOTICE_TOKEN_CHARS 96
#define QBID_LATENCY_EVERY 16
#define QBID_LATENCY_EVERY_MAX 1048576

struct qbid;
struct qbid_worker;

struct qbid_options {
    uint32_t size;              /* sizeof(struct qbid_options): later versions add fields, and what
                                   a caller of an earlier one does not have is 0 */
    const char *socket_path;    /* of qbidd, e.g. /run/qbid/qbid.sock; NULL = image_file only */
    const char *image_file;     /* last published image, used until qbidd answers; may be NULL */
    const char *notice_url;     /* base of notice URLs as the exchange must call them, e.g.
                                   "https://ads.example/qbid/notice"; no query, no quotes; copied */
    unsigned worker_timeout_ms; /* how long qbid_worker_open() waits for qbidd; 0 = 200 */
    unsigned tmax_default_ms;   /* when a request has none; 0 = 100 */
    unsigned tmax_margin_ms;    /* network time to subtract; less than that left = no bid */
    unsigned trace;             /* 1 = ext.qbid with generation and factors in each answer */
    void (*log)(void *context, const char *line);
    void *log_context;
    /* fields that callers of earlier versions do not have */
    unsigned latency_every; /* time one of so many decisions, answers and notices, for the status
                               texts; at most 1,048,576; 0 = none; QBID_LATENCY_EVERY is cheap */
    unsigned quiescent; /* 1 = every worker's thread calls qbid_worker_quiescent() between requests:
                           0.3 ns less a decision, replaced tables freed sooner; see there. 0 =
                           nothing is asked of it */
    unsigned nbr;    /* 1 = a request without a bid gets 200 with {"id":...,"nbr":N}, where N stands
                        for the reason of the last impression; 0 = 204. A malformed one gets 400
                        in each case */
    unsigned schain; /* enum qbid_schain_rule: which supply chains are bid on; others get nbr 16 */
};

enum qbid_schain_rule {
    QBID_SCHAIN_ANY,     /* not asked about */
    QBID_SCHAIN_SOUND,   /* where one is given it must be complete: complete = 1, version 1.x, each
                            node with asi, sid and hp = 1 */
    QBID_SCHAIN_REQUIRED /* it must be given, too */
};

/* enum qbid_err of this library, negative; text by qbid_strerror(). */
QBID_API const char *qbid_strerror(int err);
QBID_API const char *qbid_version(void);

/** Open the library: starts the watcher's threads. 0 or a negative error. Call it after fork. */
QBID_API int qbid_open(const struct qbid_options *options, struct qbid **ret_qbid);
/** Close it; every worker must be closed before. NULL is fine. */
QBID_API void qbid_close(struct qbid *qbid);

/** Open a worker on the calling thread. 0 or a negative error. */
QBID_API int qbid_worker_open(struct qbid *qbid, struct qbid_worker **ret_worker);
QBID_API void qbid_worker_close(struct qbid_worker *worker);

/**
 * For hosts that opened with options.quiescent (one with a poll loop can): "this thread is between
 * two requests". Without the option it does nothing, so that a host may call it always.
 *
 * A thread that does not say so now and then (once a poll loop, or every 64 requests) keeps old
 * tables mapped, and with them the adoption of newer ones, in the whole process; it never delays
 * another thread's decisions. Before it blocks for longer than that it must call
 * qbid_worker_offline(), and qbid_worker_online() before its next request. A new worker is online.
 * With several workers on a thread any one of them speaks for all.
 *
 * Threads: the worker's own. Cost: 1 ns quiescent, up to 70 ns offline and online.
 */
QBID_API void qbid_worker_quiescent(struct qbid_worker *worker);
QBID_API void qbid_worker_offline(struct qbid_worker *worker);
QBID_API void qbid_worker_online(struct qbid_worker *worker);

/**
 * Decide one impression that the host has described itself.
 *
 * Returns: 0 with a bid or a decline in *ret_decision (nobid says which); QBID_ERR_INVAL for counts
 *          out of range.
 * Cost: see README; wait-free.
 */
QBID_API int qbid_worker_decide(struct qbid_worker *worker, const struct qbid_request *request,
                                uint64_t now_ns, struct qbid_decision *ret_decision);
/** n impressions against one and the same generation; each counts as a bid request. */
QBID_API int qbid_worker_decide_batch(struct qbid_worker *worker,
                                      const struct qbid_request *requests, unsigned n,
                                      uint64_t now_ns, struct qbid_decision *ret_decisions);

/**
 * Sign the notice token of a bid that qbid_worker_decide() or _batch() made: what its notice URLs
 * carry as "t=".
 *
 * Shapes:  request and decision belong together; now_ns is that of the decision; out gets
 *          QBID_NOTICE_TOKEN_CHARS characters of the URL-safe Base64 alphabet, not terminated.
 * Returns: 0; QBID_ERR_INVAL for a decision without a bid; QBID_ERR_NOENT when no key is there, or
 *          the table now in use does not have the line item. Such a bid must not be sent: its
 *          notices could not be verified.
 * Cost: some 50 ns; wait-free.
 */
QBID_API int qbid_worker_token(struct qbid_worker *worker, const struct qbid_request *request,
                               const struct qbid_decision *decision, uint64_t now_ns, char *out);

/* What asking ahead has found out about one request; zero it before the first step. */
struct qbid_ahead_state {
    uint64_t opaque[48];
};

/**
 * Ask ahead for the memory that the decision of a request will read: one step a call, four in all,
 * each of some 20-40 ns, with 100-200 ns of the host's own work (parsing) best in between. A
 * decision whose table is not in the caches then takes a fifth of the time (README). Answers do not
 * change.
 *
 * Shapes:  the request's dimensions, slots and segments are filled, and the same at every step; the
 *          rest of it may come later.
 * Returns: steps that are left, 0 = nothing more to ask for; QBID_ERR_INVAL.
 */
QBID_API int qbid_worker_ahead(struct qbid_worker *worker, const struct qbid_request *request,
                               uint64_t now_ns, struct qbid_ahead_state *state);

/**
 * Index of a line item in the tables, for struct qbid_request's `candidate`: fixed for the line
 * item's life, so a host may keep it as long as the line item is in its own targeting.
 *
 * Returns: the index; QBID_ERR_NOENT when the table now in use does not have it.
 * Cost: a walk over all line items; not for the bid path.
 */
QBID_API int64_t qbid_worker_line_item(struct qbid_worker *worker, uint32_t line_item_id);

/** Hash of a raw dimension value as struct qbid_request wants it: dim is its place in the list of
 *  the README ("exchange" 0, "slot" 1, ...). */
QBID_API uint64_t qbid_value_hash(unsigned dim, const char *value, size_t len);
/** Hash of a domain, category or deal id. */
QBID_API uint64_t qbid_name_hash(const char *name, size_t len);

struct qbid_answer {
    int status;         /* HTTP: 200 with a body, 204 no bid, 400 malformed */
    unsigned nobid;     /* enum qbid_nobid of the last impression without a bid, 0 = bid */
    size_t body_bytes;  /* written to out */
    uint64_t gen;       /* generation that decided, 0 = none */
    uint64_t decide_ns; /* spent in the decisions of this request; measured with options.trace */
};

/**
 * Answer an OpenRTB 2.5 or 2.6 bid request in one call.
 *
 * Shapes:  body of len bytes, followed by QBID_PADDING readable bytes; out of out_max bytes (16 KiB
 *          an impression is enough). exchange names the partner ("2"), its dimension value; NULL =
 *          none.
 * Returns: 0 with *ret_answer; QBID_ERR_INVAL on a misuse. A malformed request is an answer (400),
 *          one over the limits too (204, counted).
 */
QBID_API int qbid_worker_openrtb(struct qbid_worker *worker, const char *exchange, const char *body,
                                 size_t len, uint64_t now_ns, char *out, size_t out_max,
                                 struct qbid_answer *ret_answer);

/* A piece of text that need not be terminated; len 0 = absent. */
struct qbid_bytes {
    const char *at;
    size_t len;
};

/* A bid request as it came over HTTP. The headers are taken as they are, without their names. */
struct qbid_http_request {
    uint32_t size;                  /* sizeof(struct qbid_http_request), as in qbid_options */
    unsigned gzip_query;            /* 1 = the URL has gzip=1: taken as Content-Encoding: gzip */
    unsigned gzip_answer;           /* 1 = answer in gzip whoever accepts it; 0 = never */
    const char *exchange;           /* as in qbid_worker_openrtb() */
    struct qbid_bytes content_type; /* format of the request, and of its answer */
    struct qbid_bytes content_encoding; /* of the body */
    struct qbid_bytes accept_encoding;
    struct qbid_bytes openrtb_version; /* x-openrtb-version */
    struct qbid_bytes body;            /* followed by QBID_PADDING readable bytes */
    unsigned waited_ms;                /* since the request came: taken off its tmax */
};

struct qbid_http_answer {
    uint32_t
        size; /* sizeof(struct qbid_http_answer): a caller of an earlier version gets its part */
    struct qbid_answer answer;
    const char *content_type;     /* NULL without a body */
    const char *content_encoding; /* NULL = as it is */
    const char *openrtb_version;  /* x-openrtb-version: "2.6" */
};

/**
 * Answer a bid request in the format and the encoding of HTTP that it came in.
 *
 *   Content-Type      missing, or anything with "json", text/plain, and the form type that curl
 *                     sends on its own: JSON. application/x-protobuf, application/protobuf,
 *                     application/vnd.google.protobuf: the IAB's protobuf
 * (plugin/openrtb/openrtb.proto). Content-Encoding  missing or identity; gzip or x-gzip, of at most
 * QBID_OPENRTB_BYTES_MAX bytes and 100 times the body: more is over the limits (204, counted).
 *   Accept-Encoding   gzip, x-gzip or * with a q above 0.
 *   x-openrtb-version 2 and any minor one, or anything that is no version.
 *
 * Anything else is answered 415 without a body: a wrong setting that shall be seen.
 *
 * Shapes:  out of out_max bytes, as in qbid_worker_openrtb().
 * Returns: 0 with *ret_answer, whose size the caller has set and whose texts live forever;
 *          QBID_ERR_INVAL on a misuse.
 */
QBID_API int qbid_worker_http(struct qbid_worker *worker, const struct qbid_http_request *request,
                              uint64_t now_ns, char *out, size_t out_max,
                              struct qbid_http_answer *ret_answer);

/**
 * Take a notice: kind is the last path segment (win loss bill imp click conv video), query what
 * follows the "?" (t=TOKEN and, by kind, p= l= m= v= e=, and b= where the answer was in another
 * currency).
 *
 * A price that is absent, unreadable or an unreplaced macro is taken as unknown; AUDIT is a test
 * render; a price above our bid is marked and never charged. All three are answered 200.
 *
 * Returns: HTTP status: 200; 302 for a click with *ret_location (of at most location_max bytes, not
 *          terminated), which comes from the table and never from the query; 400 no readable token
 *          or kind, 403 forged, 410 expired; 503 when a win or a billing notice cannot be handed on
 *          now, or nothing is there yet to verify with: senders retry, and no money is lost.
 * Repeats are 200; control counts them once.
 */
QBID_API int qbid_worker_notice(struct qbid_worker *worker, const char *kind, size_t kind_len,
                                const char *query, size_t query_len, uint64_t now_ns,
                                char *location, size_t location_max, size_t *ret_location);

/** Clock that now_ns is read from: CLOCK_BOOTTIME, nanoseconds. */
QBID_API uint64_t qbid_now_ns(void);

enum qbid_status_format { QBID_STATUS_JSON, QBID_STATUS_PROMETHEUS };

/** Counters of this worker, and of the process's watcher, as text. Bytes written, or QBID_ERR_LIMIT
 *  when out is too small (8 KiB is enough for JSON, 32 KiB for Prometheus). */
QBID_API int qbid_worker_status(struct qbid_worker *worker, enum qbid_status_format format,
                                char *out, size_t out_max);

#ifdef __cplusplus
}
#endif

#endif
