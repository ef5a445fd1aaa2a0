/* SPDX-License-Identifier: Apache-2.0 */
/* status and stat: how the program is, and every counter that it has. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/api/command.h"
#include "shm/error.h"
#include "shm/version.h"

static void used_add(cJSON *to, const char *name, uint64_t used, uint64_t max)
{
    cJSON *item = cJSON_AddObjectToObject(to, name);
    qbid_json_count(item, "used", used);
    qbid_json_count(item, "max", max);
}

static void capacity_add(const struct qbid_command *c)
{
    const struct qbid_config *config = c->commands->config;
    const struct qbid_account *account = c->account;
    const struct qbid_dictionary *dictionary = qbid_engine_dictionary(c->engine);
    struct qbid_publisher_counters p =
        qbid_publisher_counters_load(qbid_engine_publisher(c->engine));
    struct qbid_publisher_worker worker[QBID_LIVE_WORKERS_MAX];
    cJSON *capacity = cJSON_AddObjectToObject(c->answer, "capacity");
    used_add(capacity, "line_items", account->line_item_max, config->capacity.line_items);
    used_add(capacity, "budgets", account->campaign_cnt, config->capacity.budgets);
    used_add(
        capacity, "workers",
        qbid_publisher_workers(qbid_engine_publisher(c->engine), worker, QBID_LIVE_WORKERS_MAX),
        config->capacity.workers);
    struct qbid_frequency_counters f =
        qbid_frequency_book_counters(qbid_engine_frequency(c->engine));
    used_add(capacity, "frequency", f.used, f.max);
    qbid_json_count(cJSON_GetObjectItem(capacity, "frequency"), "dropped", f.evicted);
    used_add(capacity, "held_generations", p.held_generations, QBID_PUBLISHER_HELD_MAX);
    cJSON *values = cJSON_AddObjectToObject(capacity, "dictionary");
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        used_add(values, qbid_dim_name(dim), qbid_dictionary_dim_cnt(dictionary, dim),
                 qbid_dim_index_max(dim));
        qbid_json_count(cJSON_GetObjectItem(values, qbid_dim_name(dim)), "refused",
                        qbid_dictionary_dim_refused(dictionary, dim));
    }
}

static void account_add(const struct qbid_command *c)
{
    const struct qbid_account *account = c->account;
    uint32_t active = 0;
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        active += account->campaigns[i].active;
    cJSON *to = cJSON_AddObjectToObject(c->answer, "account");
    cJSON_AddNumberToObject(to, "campaigns", account->campaign_cnt);
    cJSON_AddNumberToObject(to, "active_campaigns", active);
    cJSON_AddNumberToObject(to, "line_items", account->line_item_cnt);
    cJSON_AddNumberToObject(to, "creatives", account->creative_cnt);
}

static void generation_add(const struct qbid_command *c)
{
    struct qbid_engine_counters e = qbid_engine_counters_load(c->engine);
    uint64_t age_ns = e.gen && c->now_ns > e.published_ns ? c->now_ns - e.published_ns : 0;
    bool stale = e.gen == 0 || age_ns > c->commands->config->image_valid_ms * QBID_NS_PER_MS;
    qbid_json_count(c->answer, "generation", e.gen);
    qbid_json_seconds(c->answer, "generation_age_s", age_ns);
    qbid_json_count(c->answer, "image_bytes", e.image_bytes);
    qbid_json_seconds(c->answer, "image_valid_s",
                      c->commands->config->image_valid_ms * QBID_NS_PER_MS);
    cJSON_AddBoolToObject(c->answer, "stale", stale);
    cJSON *publish = cJSON_AddObjectToObject(c->answer, "publish");
    qbid_json_count(publish, "published", e.published);
    qbid_json_count(publish, "failed", e.publish_failed);
    cJSON_AddStringToObject(publish, "last_error",
                            e.last_publish_error ? qbid_strerror(e.last_publish_error) : "");
    qbid_json_seconds(publish, "build_s", e.build_ns);
}

static void correction_add(const struct qbid_command *c)
{
    struct qbid_learner_correction k = qbid_learner_correction(qbid_engine_learner(c->engine));
    if (!k.table)
        return;
    cJSON *to = cJSON_AddObjectToObject(c->answer, "correction");
    cJSON_AddStringToObject(to, "table", c->commands->config->learning.correction);
    cJSON_AddStringToObject(to, "phase", k.phase);
    cJSON_AddStringToObject(to, "why", k.why);
    cJSON_AddNumberToObject(to, "share", k.share);
    cJSON_AddNumberToObject(to, "evidence", k.evidence);
    cJSON_AddNumberToObject(to, "gain", k.gain);
    qbid_json_count(to, "blocks", k.blocks);
    qbid_json_count(to, "faults", k.faults);
}

int qbid_command_status(struct qbid_command *c)
{
    const struct qbid_config *config = c->commands->config;
    char currency[4], http[QBID_CONFIG_ADDRESS_MAX + 32] = ""; /* not served */
    qbid_currency_format(config->currency, currency);
    cJSON_AddStringToObject(c->answer, "version", QBID_VERSION);
    cJSON_AddNumberToObject(c->answer, "pid", getpid());
    cJSON_AddStringToObject(c->answer, "config", c->commands->config_path);
    cJSON_AddStringToObject(c->answer, "state_dir", config->state_dir);
    cJSON_AddStringToObject(c->answer, "handover", config->handover.path);
    cJSON_AddStringToObject(c->answer, "control", config->control.path);
    if (config->http.port)
        snprintf(http, sizeof http, "%s port %llu", config->http.address,
                 (unsigned long long)config->http.port);
    cJSON_AddStringToObject(c->answer, "http", http);
    qbid_json_unix_ns(c->answer, "started", c->commands->started_unix_ns);
    qbid_json_seconds(c->answer, "uptime_s", c->now_ns - c->commands->started_boot_ns);
    cJSON_AddStringToObject(c->answer, "currency", currency);
    cJSON_AddBoolToObject(c->answer, "learning",
                          !qbid_learner_frozen(qbid_engine_learner(c->engine)));
    correction_add(c);
    generation_add(c);
    account_add(c);
    capacity_add(c);
    return 0;
}

/* --- stat */

static void workers_add(const struct qbid_command *c, cJSON *to)
{
    struct qbid_publisher_worker worker[QBID_LIVE_WORKERS_MAX];
    uint64_t counter[QBID_COUNTER_CNT] = {0}, nobid[QBID_NOBID_CNT] = {0};
    uint64_t privacy[QBID_PRIVACY_REASON_CNT] = {0};
    uint32_t cnt =
        qbid_publisher_workers(qbid_engine_publisher(c->engine), worker, QBID_LIVE_WORKERS_MAX);
    for (uint32_t w = 0; w < cnt; w++) {
        struct qbid_page_header *h = worker[w].page->header;
        for (unsigned i = 0; i < QBID_COUNTER_CNT; i++)
            counter[i] += atomic_load_explicit(&h->counter[i], memory_order_relaxed);
        for (unsigned i = 0; i < QBID_NOBID_CNT; i++)
            nobid[i] += atomic_load_explicit(&h->nobid[i], memory_order_relaxed);
        for (unsigned i = 0; i < QBID_PRIVACY_REASON_CNT; i++)
            privacy[i] += atomic_load_explicit(&h->privacy[i], memory_order_relaxed);
    }
    qbid_json_count(to, "workers", cnt);
#define X(upper, lower, text) qbid_json_count(to, "worker." #lower, counter[QBID_COUNTER_##upper]);
    QBID_COUNTER_LIST(X)
#undef X
#define X(upper, nbr, word, text) qbid_json_count(to, "nobid." word, nobid[QBID_NOBID_##upper]);
    QBID_NOBID_LIST(X)
#undef X
#define X(upper, class_, word, text)                                                               \
    qbid_json_count(to, "privacy." word, privacy[QBID_PRIVACY_REASON_##upper]);
    QBID_PRIVACY_REASON_LIST(X)
#undef X
    qbid_command_latency(cJSON_AddObjectToObject(c->answer, "latency"), worker, cnt);
}

static void reason_add(void *context, const char *name, uint64_t count)
{
    qbid_json_count(context, name, count);
}

static void stages_add(const struct qbid_command *c, cJSON *to)
{
    struct qbid_ingest_counters i = qbid_ingest_counters_load(qbid_engine_ingest_stage(c->engine));
    struct qbid_ledger_counters l = qbid_ledger_counters_load(qbid_engine_ledger(c->engine));
    struct qbid_publisher_counters p =
        qbid_publisher_counters_load(qbid_engine_publisher(c->engine));
    struct qbid_engine_counters e = qbid_engine_counters_load(c->engine);
    struct qbid_frequency_counters f =
        qbid_frequency_book_counters(qbid_engine_frequency(c->engine));
    struct qbid_decision_counters d = {0};
    if (qbid_engine_decisions(c->engine))
        d = qbid_decision_log_counters(qbid_engine_decisions(c->engine));
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"ingest.events", i.events},
                {"ingest.duplicates", i.duplicates},
                {"ingest.unknown", i.unknown},
                {"ingest.invalid", i.invalid},
                {"ingest.unjoined", i.unjoined},
                {"ingest.expired", i.expired},
                {"ingest.evicted", i.evicted},
                {"ingest.drops", i.drops},
                {"ingest.tests", i.tests},
                {"ingest.price_above", i.price_above},
                {"ingest.price_unknown", i.price_unknown},
                {"ingest.convs_refused", i.convs_refused},
                {"frequency.bids", f.bids},
                {"frequency.shown", f.shown},
                {"frequency.lost", f.lost},
                {"frequency.timed_out", f.timed_out},
                {"frequency.late", f.late},
                {"frequency.unknown", f.unknown},
                {"frequency.evicted", f.evicted},
                {"decisions.records", d.records},
                {"decisions.lost", d.lost},
                {"decisions.bytes", d.bytes},
                {"ledger.grants", l.grants},
                {"ledger.blocked", l.blocked},
                {"ledger.late", l.late},
                {"ledger.invalid", l.invalid},
                {"ledger.uncovered", l.uncovered},
                {"ledger.store_errors", l.store_errors},
                {"ledger.stalls", l.stalls},
                {"ledger.invariant_broken", e.invariant_broken},
                {"ledger.bills_repeated", e.bills_repeated},
                {"publish.generation", e.gen},
                {"publish.published", e.published},
                {"publish.unchanged", e.unchanged},
                {"publish.failed", e.publish_failed},
                {"publish.refused_busy", p.refused_busy},
                {"publish.held_generations", p.held_generations},
                {"publish.committed", p.published},
                {"publish.replaced", p.replaced},
                {"publish.late_readers", p.late},
                {"readers.connections", p.connections},
                {"readers.refused", p.readers_refused},
                {"readers.denied", p.denied},
                {"readers.workers_gone", p.workers_gone},
                {"store.failed", e.store_failed},
                {"store.rows_skipped", e.rows_skipped},
                {"snapshot.evicted", qbid_snapshot_evicted(qbid_engine_snapshot(c->engine))},
                {"learner.evicted", qbid_learner_evicted(qbid_engine_learner(c->engine))}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        qbid_json_count(to, rows[r].name, rows[r].value);
    qbid_json_nanos(to, "ledger.forged", l.forged_nanos);
    qbid_reasons_visit(qbid_ingest_reasons(qbid_engine_ingest_stage(c->engine)), reason_add, to);
}

int qbid_command_stat(struct qbid_command *c)
{
    cJSON *to = cJSON_AddObjectToObject(c->answer, "counters");
    workers_add(c, to);
    stages_add(c, to);
    if (c->commands->api) {
        struct qbid_api_counters a = qbid_api_counters_load(c->commands->api);
        qbid_json_count(to, "api.clients", a.clients);
        qbid_json_count(to, "api.connections", a.connections);
        qbid_json_count(to, "api.requests", a.requests);
        qbid_json_count(to, "api.refused", a.refused);
        qbid_json_count(to, "api.dropped", a.dropped);
    }
    if (c->commands->http) {
        struct qbid_http_counters h = qbid_http_counters_load(c->commands->http);
        qbid_json_count(to, "http.connections", h.connections);
        qbid_json_count(to, "http.requests", h.requests);
        qbid_json_count(to, "http.answered", h.answered);
        qbid_json_count(to, "http.refused", h.refused);
        qbid_json_count(to, "http.dropped", h.dropped);
    }
    return 0;
}
