/* SPDX-License-Identifier: Apache-2.0 */
/* The library inside one worker process. */
#include "plugin/nginx/host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/status/status_latency.h"

#define HOST_TICK_MS 1000
#define HOST_RETRY_MS 10000
#define HOST_LINGER_MS 1000

/* Called by the library: by the watcher at any time, by this thread while it opens. */
static void take_line(void *context, const char *line)
{
    struct qbid_ngx_host *host = context;

    if (!pthread_equal(pthread_self(), host->thread)) {
        qbid_ngx_lines_put(&host->lines, line);
        return;
    }
    ngx_log_error(NGX_LOG_WARN, host->cycle->log, 0, "qbid: %s", line);
}

static void write_lines(struct qbid_ngx_host *host)
{
    char line[QBID_NGX_LINE_BYTES];

    while (qbid_ngx_lines_take(&host->lines, line))
        ngx_log_error(NGX_LOG_WARN, host->cycle->log, 0, "qbid: %s", line);
    host->counter[QBID_NGX_COUNTER_LINES_LOST] =
        atomic_load_explicit(&host->lines.lost, memory_order_relaxed);
}

/* The library's thread inherits a mask that blocks all signals: those of the master must interrupt
 * this thread's wait, or a worker would notice them only at its next event. */
static void open_library(struct qbid_ngx_host *host)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = qbid_open(&host->options, &host->qbid);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc == 0) {
        rc = qbid_worker_open(host->qbid, &host->worker);
        if (rc < 0) {
            qbid_close(host->qbid);
            host->qbid = NULL;
            host->worker = NULL;
        }
    }
    if (rc < 0) {
        host->retry_at = ngx_current_msec + HOST_RETRY_MS;
        ngx_log_error(NGX_LOG_ERR, host->cycle->log, 0,
                      "qbid: the library could not be opened: %s; bid requests get 204",
                      qbid_strerror(rc));
    }
}

static void tick(ngx_event_t *event)
{
    struct qbid_ngx_host *host = event->data;

    if (host->worker == NULL && (ngx_msec_int_t)(ngx_current_msec - host->retry_at) >= 0)
        open_library(host);
    write_lines(host);
    qbid_ngx_host_publish(host);
    qbid_ngx_drain_tick(&host->drain, host->cycle, HOST_LINGER_MS);
    ngx_add_timer(event, HOST_TICK_MS);
}

static const char *text_or_null(const ngx_str_t *text)
{
    return text->len > 0 ? (const char *)text->data : NULL;
}

static struct qbid_options options_of(const struct qbid_ngx_main_conf *conf,
                                      struct qbid_ngx_host *host)
{
    return (struct qbid_options){
        .size = sizeof(struct qbid_options),
        .socket_path = text_or_null(&conf->socket_path),
        .image_file = text_or_null(&conf->image_file),
        .notice_url = text_or_null(&conf->notice_url),
        .tmax_default_ms = (unsigned)conf->tmax_ms,
        .tmax_margin_ms = (unsigned)conf->tmax_margin_ms,
        .trace = (unsigned)conf->trace,
        .nbr = (unsigned)conf->nbr,
        .schain = (unsigned)conf->schain,
        .latency_every = (unsigned)conf->latency_every,
        .log = take_line,
        .log_context = host,
    };
}

struct qbid_ngx_host *qbid_ngx_host_new(ngx_cycle_t *cycle, const struct qbid_ngx_main_conf *conf,
                                        struct qbid_ngx_board *board, ngx_int_t slot_idx)
{
    size_t body_bytes = conf->max_body_bytes + QBID_PADDING;
    /* not from nginx's allocator, whose own leaks at exit hide others from a leak check */
    struct qbid_ngx_host *host = aligned_alloc(64, sizeof(*host));

    if (host == NULL)
        return NULL;
    ngx_memzero(host, sizeof(*host));
    host->body = calloc(1, body_bytes + QBID_NGX_ANSWER_MAX + QBID_NGX_BOARD_JSON_MAX +
                               QBID_NGX_BOARD_METRICS_MAX);
    if (host->body == NULL) {
        free(host);
        return NULL;
    }
    host->answer = (char *)host->body + body_bytes;
    host->json = host->answer + QBID_NGX_ANSWER_MAX;
    host->metrics = host->json + QBID_NGX_BOARD_JSON_MAX;
    host->max_body_bytes = conf->max_body_bytes;
    host->cycle = cycle;
    host->thread = pthread_self();
    host->board = board;
    if (slot_idx >= 0 && slot_idx < QBID_NGX_BOARD_SLOTS)
        host->slot = &board->slot[slot_idx];
    else
        atomic_fetch_add_explicit(&board->hidden, 1, memory_order_relaxed);
    qbid_ngx_drain_init(&host->drain, cycle->log);
    qbid_ngx_wait_init(&host->wait, (ngx_uint_t)conf->wait_ms, cycle->log);
    host->options = options_of(conf, host);
    open_library(host);
    host->ident.fd = -1;
    host->tick.data = host;
    host->tick.handler = tick;
    host->tick.log = cycle->log;
    host->tick.cancelable = 1; /* does not keep a leaving worker alive */
    ngx_add_timer(&host->tick, HOST_TICK_MS);
    return host;
}

void qbid_ngx_host_free(struct qbid_ngx_host *host)
{
    if (host == NULL)
        return;
    if (host->tick.timer_set)
        ngx_del_timer(&host->tick);
    if (host->drain.event.posted) {
        ngx_delete_posted_event(&host->drain.event);
    }
    if (host->wait.event.posted) {
        ngx_delete_posted_event(&host->wait.event);
    }
    if (host->worker != NULL)
        qbid_worker_close(host->worker);
    qbid_close(host->qbid);
    write_lines(host);
    if (host->slot != NULL)
        qbid_ngx_slot_clear(host->slot);
    else
        atomic_fetch_sub_explicit(&host->board->hidden, 1, memory_order_relaxed);
    free(host->body);
    free(host);
}

/* "pid":1,"open":true,"answered_bid":0,...,"library":{...}: the reader puts braces around it. */
static size_t format_json(const struct qbid_ngx_host *host, char *out, size_t max)
{
    static const char *const name[] = {
#define X(upper, lower, text) #lower,
        QBID_NGX_COUNTER_LIST(X)
#undef X
    };
    size_t n = (size_t)snprintf(out, max, "\"pid\":%ld,\"open\":%s", (long)ngx_pid,
                                host->worker != NULL ? "true" : "false");
    size_t key;
    int rc;

    for (unsigned i = 0; i < QBID_NGX_COUNTER_CNT; i++)
        n += (size_t)snprintf(out + n, max - n, ",\"%s\":%llu", name[i],
                              (unsigned long long)host->counter[i]);
    if (host->worker == NULL)
        return n;
    key = (size_t)snprintf(out + n, max - n, ",\"library\":");
    rc = qbid_worker_status(host->worker, QBID_STATUS_JSON, out + n + key, max - n - key);
    if (rc <= 0)
        return n;
    n += key + (size_t)rc;
    return out[n - 1] == '\n' ? n - 1 : n;
}

static size_t format_metrics(const struct qbid_ngx_host *host, char *out, size_t max)
{
    static const char *const name[] = {
#define X(upper, lower, text)                                                                      \
    "# HELP qbid_nginx_" #lower "_total " text "\n# TYPE qbid_nginx_" #lower                       \
    "_total counter\nqbid_nginx_" #lower "_total",
        QBID_NGX_COUNTER_LIST(X)
#undef X
    };
    size_t n = (size_t)snprintf(out, max,
                                "# HELP qbid_nginx_open 1 while the library is open\n"
                                "# TYPE qbid_nginx_open gauge\nqbid_nginx_open %d\n",
                                host->worker != NULL);
    int rc;

    for (unsigned i = 0; i < QBID_NGX_COUNTER_CNT; i++)
        n += (size_t)snprintf(out + n, max - n, "%s %llu\n", name[i],
                              (unsigned long long)host->counter[i]);
    if (host->worker == NULL)
        return n;
    rc = qbid_worker_status(host->worker, QBID_STATUS_PROMETHEUS, out + n, max - n);
    return rc > 0 ? n + (size_t)rc : n;
}

void qbid_ngx_host_publish(struct qbid_ngx_host *host)
{
    struct qbid_ngx_board_piece piece[QBID_NGX_BOARD_TEXTS] = {
        {host->json, 0}, {host->metrics, 0}, {host->latency, 0}};

    if (host->slot == NULL)
        return;
    piece[QBID_NGX_BOARD_JSON].bytes = format_json(host, host->json, QBID_NGX_BOARD_JSON_MAX);
    piece[QBID_NGX_BOARD_METRICS].bytes =
        format_metrics(host, host->metrics, QBID_NGX_BOARD_METRICS_MAX);
    if (host->worker != NULL) {
        qbid_worker_latency_load(host->worker, host->latency);
        piece[QBID_NGX_BOARD_LATENCY].bytes = sizeof(host->latency);
    }
    qbid_ngx_slot_store(host->slot, (uint64_t)ngx_pid, qbid_now_ns(), piece);
}
