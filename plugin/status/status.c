/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of one worker and of the process's watcher, as JSON and in Prometheus's text format. */
#include <stdatomic.h>

#include "plugin/status/status_latency.h"
#include "plugin/status/status_privacy.h"
#include "plugin/worker.h"
#include "plugin/writer.h"
#include "shm/clock.h"
#include "shm/error.h"

/* clang-format off */
#define GAUGE_LIST(X)                                                                    \
    X(generation,         "gauge",   "generation of the adopted table image, 0 = none")  \
    X(latency_every,      "gauge",   "one of so many decisions, answers and notices is timed, 0 = none") \
    X(connected,          "gauge",   "1 while the control process answers")              \
    X(lease,              "gauge",   "1 while the worker has a place in the live page")  \
    X(ring_events,        "gauge",   "events that the control process has not read yet") \
    X(ring_size,          "gauge",   "events that the ring holds")                       \
    X(events_dropped,     "counter", "events lost because the ring was full")            \
    X(generations_adopted,"counter", "table images adopted by this process")             \
    X(generations_refused,"counter", "images, live pages and pages refused")             \
    X(reconnects,         "counter", "connections to the control process after the first")
/* clang-format on */

struct figures {
#define X(name, type, text) uint64_t name;
    GAUGE_LIST(X)
#undef X
    uint64_t table_age_ns;
    uint64_t adopt_cost_ns;
    const char *last_refusal;
    unsigned uid;
    uint64_t counter[QBID_COUNTER_CNT];
    uint64_t nobid[QBID_NOBID_CNT];
    uint64_t privacy[QBID_PRIVACY_REASON_CNT];
    struct qbid_latency_view latency[QBID_LATENCY_CNT];
};

static const char *const counter_name[QBID_COUNTER_CNT] = {
#define X(upper, lower, text) #lower,
    QBID_COUNTER_LIST(X)
#undef X
};

static const char *const counter_text[QBID_COUNTER_CNT] = {
#define X(upper, lower, text) text,
    QBID_COUNTER_LIST(X)
#undef X
};

static const char *const nobid_word[QBID_NOBID_CNT] = {
#define X(name, nbr, word, text) word,
    QBID_NOBID_LIST(X)
#undef X
};

static void load_page(const struct qbid_page *page, struct figures *f)
{
    for (unsigned i = 0; i < QBID_COUNTER_CNT; i++)
        f->counter[i] = atomic_load_explicit(&page->header->counter[i], memory_order_relaxed);
    for (unsigned i = 0; i < QBID_NOBID_CNT; i++)
        f->nobid[i] = atomic_load_explicit(&page->header->nobid[i], memory_order_relaxed);
    for (unsigned i = 0; i < QBID_PRIVACY_REASON_CNT; i++)
        f->privacy[i] = atomic_load_explicit(&page->header->privacy[i], memory_order_relaxed);
    for (unsigned i = 0; i < QBID_LATENCY_CNT; i++)
        qbid_latency_load(&page->latency[i], &f->latency[i]);
    f->ring_size = page->event_mask + 1;
    f->ring_events = atomic_load_explicit(&page->ring->head, memory_order_relaxed) -
                     atomic_load_explicit(&page->ring->tail, memory_order_relaxed);
    f->events_dropped = atomic_load_explicit(&page->ring->drops, memory_order_relaxed);
}

static void load(struct qbid_worker *worker, struct figures *f)
{
    struct qbid_watcher_stats stats;
    qbid_watcher_stats_load(worker->qbid->watcher, &stats);
    *f = (struct figures){
        .generation = stats.gen,
        .latency_every = worker->qbid->latency_every,
        .connected = stats.connected,
        .generations_adopted = stats.adopted,
        .generations_refused = stats.refused,
        .reconnects = stats.reconnects,
        .adopt_cost_ns = stats.adopt_cost_ns,
        .last_refusal = stats.last_refusal ? qbid_strerror(stats.last_refusal) : "",
    };
    const struct qbid_table *table = qbid_watcher_read_lock(worker->qbid->watcher);
    const struct qbid_image_header *image = table->image.header;
    uint64_t unix_ns = qbid_clock_unix_ns();
    if (image && unix_ns > image->built_unix_ns)
        f->table_age_ns = unix_ns - image->built_unix_ns;
    f->lease = table->live.header && table->slot[worker->cookie] != QBID_LIVE_SLOT_NONE;
    f->uid = table->uid[worker->cookie];
    load_page(&table->page[worker->cookie], f);
    qbid_watcher_read_unlock(worker->qbid->watcher);
}

static void put_field(struct qbid_writer *w, const char *name, uint64_t value)
{
    qbid_put_char(w, '"');
    qbid_put_word(w, name);
    QBID_PUT(w, "\":");
    qbid_put_u64(w, value);
    qbid_put_char(w, ',');
}

/* The comma behind the last field becomes the closing brace. */
static void close_object(struct qbid_writer *w)
{
    if (w->at > w->start && w->at[-1] == ',')
        w->at--;
    qbid_put_char(w, '}');
}

static void write_json(struct qbid_writer *w, const struct figures *f)
{
    QBID_PUT(w, "{\"version\":");
    qbid_put_string(w, qbid_version(), strlen(qbid_version()));
    qbid_put_char(w, ',');
    put_field(w, "worker", f->uid);
#define X(name, type, text) put_field(w, #name, f->name);
    GAUGE_LIST(X)
#undef X
    QBID_PUT(w, "\"table_age_seconds\":");
    qbid_put_ratio(w, (double)f->table_age_ns / 1e9);
    QBID_PUT(w, ",\"adopt_seconds\":");
    qbid_put_ratio(w, (double)f->adopt_cost_ns / 1e9);
    QBID_PUT(w, ",\"last_refusal\":");
    qbid_put_string(w, f->last_refusal, strlen(f->last_refusal));
    QBID_PUT(w, ",\"counters\":{");
    for (unsigned i = 0; i < QBID_COUNTER_CNT; i++)
        put_field(w, counter_name[i], f->counter[i]);
    close_object(w);
    QBID_PUT(w, ",\"nobid\":{");
    for (unsigned i = QBID_NOBID_NONE + 1; i < QBID_NOBID_CNT; i++)
        put_field(w, nobid_word[i], f->nobid[i]);
    close_object(w);
    QBID_PUT(w, ",\"privacy\":");
    qbid_status_privacy_json(w, f->privacy);
    QBID_PUT(w, ",\"latency\":");
    qbid_status_latency_json(w, f->latency);
    QBID_PUT(w, "}\n");
}

/* HELP and TYPE lines; a counter's name ends in _total. */
static void put_head(struct qbid_writer *w, const char *name, const char *type, const char *text)
{
    const char *suffix = strcmp(type, "counter") == 0 ? "_total" : "";
    QBID_PUT(w, "# HELP qbid_");
    qbid_put_word(w, name);
    qbid_put_word(w, suffix);
    qbid_put_char(w, ' ');
    qbid_put_word(w, text);
    QBID_PUT(w, "\n# TYPE qbid_");
    qbid_put_word(w, name);
    qbid_put_word(w, suffix);
    qbid_put_char(w, ' ');
    qbid_put_word(w, type);
    qbid_put_char(w, '\n');
}

static void put_sample_name(struct qbid_writer *w, const char *name, const char *suffix,
                            const struct figures *f, const char *reason)
{
    QBID_PUT(w, "qbid_");
    qbid_put_word(w, name);
    qbid_put_word(w, suffix);
    QBID_PUT(w, "{worker=\"");
    qbid_put_u64(w, f->uid);
    if (reason) {
        QBID_PUT(w, "\",reason=\"");
        qbid_put_word(w, reason);
    }
    QBID_PUT(w, "\"} ");
}

static void put_metric(struct qbid_writer *w, const struct figures *f, const char *name,
                       const char *type, const char *text, uint64_t value)
{
    put_head(w, name, type, text);
    put_sample_name(w, name, strcmp(type, "counter") == 0 ? "_total" : "", f, NULL);
    qbid_put_u64(w, value);
    qbid_put_char(w, '\n');
}

static void put_seconds(struct qbid_writer *w, const struct figures *f, const char *name,
                        const char *text, uint64_t ns)
{
    put_head(w, name, "gauge", text);
    put_sample_name(w, name, "", f, NULL);
    qbid_put_ratio(w, (double)ns / 1e9);
    qbid_put_char(w, '\n');
}

static void write_prometheus(struct qbid_writer *w, const struct figures *f)
{
#define X(name, type, text) put_metric(w, f, #name, type, text, f->name);
    GAUGE_LIST(X)
#undef X
    put_seconds(w, f, "table_age_seconds", "age of the adopted table image", f->table_age_ns);
    put_seconds(w, f, "adopt_seconds", "cost of the last adoption, receipt to swap",
                f->adopt_cost_ns);
    for (unsigned i = 0; i < QBID_COUNTER_CNT; i++)
        put_metric(w, f, counter_name[i], "counter", counter_text[i], f->counter[i]);
    put_head(w, "nobid", "counter", "impressions without a bid, by reason");
    for (unsigned i = QBID_NOBID_NONE + 1; i < QBID_NOBID_CNT; i++) {
        put_sample_name(w, "nobid", "_total", f, nobid_word[i]);
        qbid_put_u64(w, f->nobid[i]);
        qbid_put_char(w, '\n');
    }
    qbid_status_privacy_prometheus(w, f->privacy, f->uid);
    qbid_status_latency_prometheus(w, f->latency, f->uid);
}

void qbid_worker_latency_load(struct qbid_worker *worker,
                              struct qbid_latency_view ret_of[QBID_LATENCY_CNT])
{
    const struct qbid_table *table = qbid_watcher_read_lock(worker->qbid->watcher);
    for (unsigned i = 0; i < QBID_LATENCY_CNT; i++)
        qbid_latency_load(&table->page[worker->cookie].latency[i], &ret_of[i]);
    qbid_watcher_read_unlock(worker->qbid->watcher);
}

int qbid_worker_status(struct qbid_worker *worker, enum qbid_status_format format, char *out,
                       size_t out_max)
{
    struct figures figures;
    struct qbid_writer w = qbid_writer_init(out, out_max);
    load(worker, &figures);
    if (format == QBID_STATUS_PROMETHEUS)
        write_prometheus(&w, &figures);
    else
        write_json(&w, &figures);
    return w.full ? QBID_ERR_LIMIT : (int)qbid_writer_len(&w);
}
