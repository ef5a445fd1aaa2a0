/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing: the library, and a worker on its thread. */
#include "plugin/qbid.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/worker.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/isa.h"
#include "shm/version.h"

#define WORKER_TIMEOUT_MS 200
#define TMAX_DEFAULT_MS 100
#define OPTIONS_BYTES_FIRST offsetof(struct qbid_options, latency_every)

_Static_assert(QBID_REQUEST_DIMS == QBID_DIM_CNT, "hosts and images agree on the dimensions");

const char *qbid_version(void)
{
    return QBID_VERSION;
}

uint64_t qbid_now_ns(void)
{
    return qbid_clock_boot_ns();
}

uint64_t qbid_value_hash(unsigned dim, const char *value, size_t len)
{
    return qbid_hash_dim(dim, value, len);
}

uint64_t qbid_name_hash(const char *name, size_t len)
{
    return qbid_hash_name(name, len);
}

/* A base that lies between quotes in markup and in front of "/win?t=..." */
static bool notice_url_valid(const char *url)
{
    size_t len = strlen(url);
    if (len >= QBID_NOTICE_URL_MAX ||
        (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0))
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)url[i] <= ' ' || (unsigned char)url[i] >= 0x7f ||
            strchr("\"'<>`&\\?#{}", url[i]))
            return false;
    return true;
}

/* Options as this version has them, of a caller that was compiled with this one or an earlier. */
static int read_options(const struct qbid_options *given, struct qbid_options *ret)
{
    struct qbid_options options = {0};
    if (!given || given->size < OPTIONS_BYTES_FIRST || given->size > sizeof options ||
        given->size % sizeof(unsigned) != 0) /* half a field */
        return QBID_ERR_INVAL;
    memcpy(&options, given, given->size);
    if (!options.notice_url || !notice_url_valid(options.notice_url) ||
        (!options.socket_path && !options.image_file) ||
        options.latency_every > QBID_LATENCY_EVERY_MAX || options.schain > QBID_SCHAIN_REQUIRED)
        return QBID_ERR_INVAL;
    *ret = options;
    return 0;
}

int qbid_open(const struct qbid_options *given, struct qbid **ret_qbid)
{
    struct qbid_options options;
    if (read_options(given, &options) != 0)
        return QBID_ERR_INVAL;
    struct qbid *qbid = calloc(1, sizeof *qbid);
    if (!qbid)
        return QBID_ERR_NOMEM;
    qbid->notice_url_len = (uint32_t)strlen(options.notice_url);
    memcpy(qbid->notice_url, options.notice_url, qbid->notice_url_len + 1);
    while (qbid->notice_url_len > 0 && qbid->notice_url[qbid->notice_url_len - 1] == '/')
        qbid->notice_url_len--;
    qbid->worker_timeout_ms =
        options.worker_timeout_ms ? options.worker_timeout_ms : WORKER_TIMEOUT_MS;
    qbid->tmax_default_ms = options.tmax_default_ms ? options.tmax_default_ms : TMAX_DEFAULT_MS;
    qbid->tmax_margin_ms = options.tmax_margin_ms;
    qbid->trace = options.trace != 0;
    qbid->nbr = options.nbr != 0;
    qbid->schain = (uint8_t)options.schain;
    qbid->isa = (uint8_t)qbid_isa_best();
    qbid->latency_every = options.latency_every;
    if (qbid->latency_every != 0)
        qbid_stopwatch_init(&qbid->watch);
    qbid->rcu = options.quiescent ? QBID_RCU_QSBR : QBID_RCU_MEMB;
    struct qbid_watcher_options watcher = {
        .rcu = qbid->rcu,
        .socket_path = options.socket_path,
        .image_file = options.image_file,
        .log = options.log,
        .log_context = options.log_context,
    };
    int err = qbid_watcher_new(&watcher, &qbid->watcher);
    if (err != 0) {
        free(qbid);
        return err;
    }
    *ret_qbid = qbid;
    return 0;
}

void qbid_close(struct qbid *qbid)
{
    if (!qbid)
        return;
    qbid_watcher_free(qbid->watcher);
    free(qbid);
}

/* liburcu registers threads, a thread may have several workers: of two accounts, say. */
static _Thread_local unsigned workers_here[QBID_RCU_QSBR + 1];

static void worker_free(struct qbid_worker *worker)
{
    qbid_openrtb_free(worker->parser);
    qbid_protobuf_free(worker->protobuf);
    qbid_gzip_free(worker->gzip);
    qbid_clearing_reader_free(worker->clearing);
    free(worker->exposures);
    free(worker);
}

int qbid_worker_open(struct qbid *qbid, struct qbid_worker **ret_worker)
{
    if (!qbid)
        return QBID_ERR_INVAL;
    struct qbid_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return QBID_ERR_NOMEM;
    int err = qbid_openrtb_new(&worker->parser);
    worker->exposures = aligned_alloc(QBID_CACHE_LINE, sizeof *worker->exposures);
    if (err == 0 && !worker->exposures)
        err = QBID_ERR_NOMEM;
    if (err == 0)
        memset(worker->exposures, 0, sizeof *worker->exposures);
    if (err == 0)
        err = qbid_protobuf_new(worker->parser, &worker->protobuf);
    if (err == 0)
        err = qbid_gzip_new(&worker->gzip);
    if (err == 0)
        err = qbid_clearing_reader_new(&worker->clearing);
    if (err == 0)
        err = qbid_watcher_add_worker(qbid->watcher, qbid->worker_timeout_ms, &worker->cookie);
    if (err != 0) {
        worker_free(worker);
        return err;
    }
    worker->qbid = qbid;
    qbid_recorder_init(&worker->recorder, qbid->latency_every,
                       qbid_clock_boot_ns() + worker->cookie, &qbid->watch);
    if (workers_here[qbid->rcu]++ == 0)
        qbid_watcher_thread_register(qbid->rcu);
    *ret_worker = worker;
    return 0;
}

void qbid_worker_close(struct qbid_worker *worker)
{
    if (!worker)
        return;
    if (--workers_here[worker->qbid->rcu] == 0)
        qbid_watcher_thread_unregister(worker->qbid->rcu);
    qbid_watcher_remove_worker(worker->qbid->watcher, worker->cookie);
    worker_free(worker);
}

void qbid_worker_quiescent(struct qbid_worker *worker)
{
    if (worker->qbid->rcu == QBID_RCU_QSBR)
        qbid_watcher_thread_quiescent();
}

void qbid_worker_offline(struct qbid_worker *worker)
{
    if (worker->qbid->rcu == QBID_RCU_QSBR)
        qbid_watcher_thread_idle();
}

void qbid_worker_online(struct qbid_worker *worker)
{
    if (worker->qbid->rcu == QBID_RCU_QSBR)
        qbid_watcher_thread_busy();
}
