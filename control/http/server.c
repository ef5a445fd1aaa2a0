/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of the sockets: one request on its way at a time on each connection. */
#include "control/http/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <libwebsockets.h>
#include <sodium.h>

#include "control/http/gate.h"
#include "control/http/rate_limit.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/units.h"

#define HEADERS_MAX 4096 /* of a request, all together */
#define ANSWER_HEADERS_MAX 1024
#define SLACK_S 5 /* libwebsockets' own time limits come after ours */
#define COUNTED ((void *)1)

struct qbid_http {
    struct lws_context *context;
    struct qbid_exchange *exchange;
    struct qbid_tokens *tokens;
    struct qbid_rate_limit *limit;
    uint32_t connection_max, connections;
    pthread_t thread;
    bool running;
    atomic_bool stop;
    /* of the configuration; written by qbid_http_set() */
    atomic_uint body_max, timeout_s, burst;
    atomic_ullong rate_micros;
    struct {
        atomic_ullong connections, requests, answered, refused, dropped;
    } counter;
};

enum stage { STAGE_IDLE, STAGE_BODY, STAGE_ENGINE, STAGE_ANSWER };

/* One request on its way; libwebsockets keeps one for each connection. */
struct call {
    struct lws *wsi;
    enum stage stage;
    struct qbid_gate gate; /* what its headers say */
    char *body;
    size_t len;
    struct qbid_refusal refusal;
    struct qbid_http_job *job; /* with the exchange in STAGE_ENGINE, then ours */
    bool close;                /* after the answer: its body was not read to the end */
};

static void call_reset(struct qbid_http *http, struct call *c)
{
    if (c->job && c->stage == STAGE_ENGINE)
        qbid_exchange_drop(http->exchange, c->job);
    else
        qbid_http_job_free(c->job);
    if (c->body)
        sodium_memzero(c->body, c->len);
    free(c->body);
    memset(c, 0, sizeof *c);
}

/* --- answers */

static int header_add(struct lws *wsi, const char *name, const char *value, unsigned char **at,
                      unsigned char *end)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), at, end);
}

static int headers_write(struct call *c, int status, size_t len)
{
    unsigned char buffer[LWS_PRE + ANSWER_HEADERS_MAX];
    unsigned char *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer - 1;
    char seconds[16];
    int err = lws_add_http_common_headers(
        c->wsi, (unsigned)status, status == 200 ? "application/json" : "application/problem+json",
        len, &at, end);
    if (!err)
        err = header_add(c->wsi, "cache-control:", "no-store", &at, end);
    if (!err)
        err = header_add(c->wsi, "x-content-type-options:", "nosniff", &at, end);
    if (!err && status == 401)
        err = header_add(c->wsi, "www-authenticate:", "Bearer realm=\"qbid\"", &at, end);
    if (!err && status == 405)
        err = header_add(c->wsi, "allow:", "POST", &at, end);
    if (!err && c->gate.retry_s) {
        snprintf(seconds, sizeof seconds, "%u", c->gate.retry_s);
        err = header_add(c->wsi, "retry-after:", seconds, &at, end);
    }
    if (!err && c->close)
        err = header_add(c->wsi, "connection:", "close", &at, end);
    return err ? err : lws_finalize_write_http_header(c->wsi, start, &at, end);
}

static int body_write(struct call *c, const char *body, size_t len)
{
    unsigned char *buffer = malloc(LWS_PRE + len + 1);
    if (!buffer)
        return -1;
    memcpy(buffer + LWS_PRE, body, len);
    int n = lws_write(c->wsi, buffer + LWS_PRE, len, LWS_WRITE_HTTP_FINAL);
    free(buffer);
    return n < 0 ? -1 : 0;
}

/* Write the answer; -1 = close the connection. */
static int answer_write(struct qbid_http *http, struct call *c)
{
    struct lws *wsi = c->wsi;
    bool head = c->gate.head, close = c->close;
    int status = c->job ? c->job->status : c->refusal.status;
    char *body = c->job ? c->job->body : qbid_refusal_body(&c->refusal);
    size_t len = body ? strlen(body) : 0;
    int err = body ? headers_write(c, status, len) : -1;
    if (!err && !head)
        err = body_write(c, body, len);
    if (!c->job)
        free(body);
    atomic_fetch_add_explicit(status == 200 ? &http->counter.answered : &http->counter.refused, 1,
                              memory_order_relaxed);
    lws_set_timer_usecs(wsi, LWS_SET_TIMER_USEC_CANCEL);
    call_reset(http, c);
    if (err || close)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int answer_later(struct call *c)
{
    c->stage = STAGE_ANSWER;
    lws_callback_on_writable(c->wsi);
    return 0;
}

/* --- the request */

static void timer_start(struct qbid_http *http, struct lws *wsi)
{
    unsigned seconds = atomic_load_explicit(&http->timeout_s, memory_order_relaxed);
    lws_set_timer_usecs(wsi, (lws_usec_t)seconds * LWS_US_PER_SEC);
}

static int headers_take(struct qbid_http *http, struct call *c, struct lws *wsi)
{
    struct qbid_gate_limits limits = {
        .tokens = http->tokens,
        .limit = http->limit,
        .body_max = atomic_load_explicit(&http->body_max, memory_order_relaxed),
        .rate = (double)atomic_load_explicit(&http->rate_micros, memory_order_relaxed) / 1e6,
        .burst = (double)atomic_load_explicit(&http->burst, memory_order_relaxed),
        .now_ns = qbid_clock_boot_ns()};
    call_reset(http, c);
    c->wsi = wsi;
    atomic_fetch_add_explicit(&http->counter.requests, 1, memory_order_relaxed);
    qbid_gate_pass(wsi, &limits, &c->gate, &c->refusal);
    if (c->gate.unbounded) {
        c->close = true; /* a body without an end, or too long a one: nobody reads it */
        return answer_write(http, c);
    }
    if (c->gate.body_len == 0 && c->refusal.status == 0)
        qbid_refuse(&c->refusal, 400, "the body is empty");
    if (c->gate.body_len == 0)
        return answer_write(http, c);
    c->stage = STAGE_BODY;
    c->body = malloc(c->gate.body_len);
    if (!c->body)
        return -1;
    timer_start(http, wsi);
    return 0;
}

static int body_take(struct call *c, const void *data, size_t len)
{
    if (c->stage != STAGE_BODY || len > c->gate.body_len - c->len)
        return -1; /* more than it said */
    memcpy(c->body + c->len, data, len);
    c->len += len;
    return 0;
}

/* A whole body of somebody who may ask. */
static void job_make(struct qbid_http *http, struct call *c)
{
    struct qbid_http_job *job = calloc(1, sizeof *job);
    bool read = false;
    if (!job) {
        qbid_refuse(&c->refusal, 503, "out of memory");
        return;
    }
    job->operation = c->gate.operation;
    job->principal = c->gate.principal;
    strcpy(job->idempotency_key, c->gate.idempotency_key);
    crypto_generichash(job->request_hash, sizeof job->request_hash, (const uint8_t *)c->body,
                       c->len, NULL, 0);
    read = job->operation == QBID_HTTP_ANALYZE
               ? qbid_analyze_request_read(c->body, c->len, &job->request.analyze, &c->refusal)
               : qbid_execute_request_read(c->body, c->len, &job->request.execute, &c->refusal);
    if (read && job->operation == QBID_HTTP_EXECUTE && !job->request.execute.dry_run &&
        !(job->principal.rights & QBID_RIGHT_EXECUTE))
        qbid_refuse(&c->refusal, 403, "%s may not execute; a dry run needs the right to read",
                    job->principal.actor);
    job->client = c;
    if (c->refusal.status == 0 && qbid_exchange_offer(http->exchange, job) != 0) {
        qbid_refuse(&c->refusal, 503, "%d requests are under way", QBID_EXCHANGE_JOBS_MAX);
        c->gate.retry_s = 1;
    }
    if (c->refusal.status != 0)
        qbid_http_job_free(job);
    else
        c->job = job;
}

static int body_end(struct qbid_http *http, struct call *c)
{
    if (c->stage != STAGE_BODY)
        return -1; /* bytes behind the body; libwebsockets would tell of its end for ever */
    if (c->refusal.status == 0)
        job_make(http, c);
    if (c->refusal.status != 0)
        return answer_later(c);
    c->stage = STAGE_ENGINE;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0); /* ours is enough */
    timer_start(http, c->wsi);
    return 0;
}

static int time_over(struct qbid_http *http, struct call *c)
{
    if (c->stage == STAGE_BODY) {
        qbid_refuse(&c->refusal, 408, "the body did not arrive in time");
        c->refusal.status = 408;
        c->close = true;
        return answer_write(http, c);
    }
    if (c->stage == STAGE_ENGINE) {
        qbid_exchange_drop(http->exchange, c->job);
        c->job = NULL;
        qbid_refuse(&c->refusal, 503,
                    "the engine did not answer in time; what was asked may be "
                    "done all the same");
        c->gate.retry_s = 1;
        return answer_later(c);
    }
    return 0;
}

static void answers_collect(struct qbid_http *http)
{
    struct qbid_http_job *job;
    while ((job = qbid_exchange_done(http->exchange)) != NULL)
        answer_later(job->client);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct lws_context *context = lws_get_context(wsi);
    struct qbid_http *http = context ? lws_context_user(context) : NULL;
    struct call *c = user;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        if (http->connections < http->connection_max)
            return 0;
        atomic_fetch_add_explicit(&http->counter.dropped, 1, memory_order_relaxed);
        return -1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        lws_set_opaque_user_data(wsi, COUNTED);
        http->connections++;
        atomic_fetch_add_explicit(&http->counter.connections, 1, memory_order_relaxed);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (lws_get_opaque_user_data(wsi) == COUNTED)
            http->connections--;
        return 0;
    case LWS_CALLBACK_HTTP:
        return headers_take(http, c, wsi);
    case LWS_CALLBACK_HTTP_BODY:
        return body_take(c, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return body_end(http, c);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return c && c->stage == STAGE_ANSWER ? answer_write(http, c) : 0;
    case LWS_CALLBACK_TIMER:
        return c ? time_over(http, c) : 0;
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (c)
            call_reset(http, c);
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (http->exchange)
            answers_collect(http);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

static const struct lws_protocols protocols[] = {
    {"http", callback, sizeof(struct call), 0, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};

/* --- the thread */

static void wake(void *context)
{
    struct qbid_http *http = context;
    lws_cancel_service(http->context); /* the one call that is safe in any thread */
}

static void *serve(void *context)
{
    struct qbid_http *http = context;
    pthread_setname_np(pthread_self(), "qbidd-http");
    while (!atomic_load_explicit(&http->stop, memory_order_acquire) &&
           lws_service(http->context, 0) >= 0)
        ;
    return NULL;
}

void qbid_http_set(struct qbid_http *http, const struct qbid_config *config)
{
    atomic_store_explicit(&http->body_max, (unsigned)config->http.body_kb * 1024,
                          memory_order_relaxed);
    atomic_store_explicit(&http->timeout_s, (unsigned)config->http.timeout_s, memory_order_relaxed);
    atomic_store_explicit(&http->burst, (unsigned)config->http.burst, memory_order_relaxed);
    atomic_store_explicit(&http->rate_micros, (unsigned long long)(config->http.rate * 1e6),
                          memory_order_relaxed);
}

static int context_open(struct qbid_http *http, const struct qbid_config *config)
{
    bool v4 = strchr(config->http.address, ':') == NULL;
    struct lws_context_creation_info info = {
        .port = (int)config->http.port,
        .iface = config->http.address,
        .protocols = protocols,
        .user = http,
        .uid = -1,
        .gid = -1,
        .timeout_secs = (unsigned)config->http.timeout_s + SLACK_S,
        .keepalive_timeout = (int)config->http.idle_s,
        .max_http_header_data2 = HEADERS_MAX,
        .max_http_header_pool2 = (unsigned)config->http.connections,
        .fd_limit_per_thread = (unsigned)config->http.connections + 8,
        .count_threads = 1,
        .vhost_name = "qbid",
        .options =
            LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | (v4 ? LWS_SERVER_OPTION_DISABLE_IPV6 : 0)};
    lws_set_log_level(0, NULL); /* what it has to say is in our counters and answers */
    errno = 0;
    http->context = lws_create_context(&info);
    return http->context ? 0 : QBID_ERR_SYS;
}

int qbid_http_new(const struct qbid_config *config, struct qbid_tokens *tokens,
                  struct qbid_http **ret_http, char why[QBID_HTTP_WHY_MAX])
{
    struct qbid_http *http = calloc(1, sizeof *http);
    int err = http ? 0 : QBID_ERR_NOMEM;
    if (!err) {
        http->tokens = tokens;
        http->connection_max = (uint32_t)config->http.connections;
        qbid_http_set(http, config);
        err = qbid_rate_limit_new(QBID_TOKENS_MAX, &http->limit);
    }
    if (!err)
        err = qbid_exchange_new(wake, http, &http->exchange);
    if (!err)
        err = context_open(http, config);
    if (!err && pthread_create(&http->thread, NULL, serve, http) != 0)
        err = QBID_ERR_SYS;
    if (err) {
        snprintf(why, QBID_HTTP_WHY_MAX, "http.address %s, port %u: %s", config->http.address,
                 (unsigned)config->http.port,
                 err == QBID_ERR_SYS && errno ? strerror(errno) : qbid_strerror(err));
        qbid_http_free(http);
        return err;
    }
    http->running = true;
    *ret_http = http;
    return 0;
}

void qbid_http_free(struct qbid_http *http)
{
    if (!http)
        return;
    if (http->running) {
        atomic_store_explicit(&http->stop, true, memory_order_release);
        lws_cancel_service(http->context);
        pthread_join(http->thread, NULL);
    }
    if (http->context)
        lws_context_destroy(http->context);
    qbid_exchange_free(http->exchange);
    qbid_rate_limit_free(http->limit);
    free(http);
}

struct qbid_exchange *qbid_http_exchange(struct qbid_http *http)
{
    return http->exchange;
}

struct qbid_http_counters qbid_http_counters_load(struct qbid_http *http)
{
#define LOAD(name) atomic_load_explicit(&http->counter.name, memory_order_relaxed)
    return (struct qbid_http_counters){LOAD(connections), LOAD(requests), LOAD(answered),
                                       LOAD(refused), LOAD(dropped)};
#undef LOAD
}
