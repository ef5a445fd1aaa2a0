/* SPDX-License-Identifier: Apache-2.0 */
/* The status texts hold every counter and say what the counters say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/plugin/host.h"

static struct host host;
static char text[65536];

static const char *const counter[] = {
#define X(upper, lower, help) #lower,
    QBID_COUNTER_LIST(X)
#undef X
};
static const char *const reason[] = {
#define X(name, nbr, word, help) word,
    QBID_NOBID_LIST(X)
#undef X
};

static const char *const privacy_class[] = {
#define X(name, word) word,
    QBID_PRIVACY_CLASS_LIST(X)
#undef X
};
static const struct {
    const char *word;
    enum qbid_privacy_class class_;
} privacy_reason[] = {
#define X(name, class_, word, text) {word, QBID_PRIVACY_##class_},
    QBID_PRIVACY_REASON_LIST(X)
#undef X
};

static int load(enum qbid_status_format format)
{
    int n = qbid_worker_status(host.worker, format, text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    return n;
}

static void json_holds_every_counter(void **state)
{
    (void)state;
    assert_true(load(QBID_STATUS_JSON) <= 8192); /* as qbid.h promises */
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_string_equal(host_text(json, "version"), qbid_version());
    assert_int_equal(cJSON_GetObjectItem(json, "generation")->valuedouble, 1);
    assert_int_equal(cJSON_GetObjectItem(json, "connected")->valuedouble, 1);
    assert_int_equal(cJSON_GetObjectItem(json, "lease")->valuedouble, 1);
    assert_int_equal(cJSON_GetObjectItem(json, "worker")->valuedouble, 100);
    assert_int_equal(cJSON_GetObjectItem(json, "ring_size")->valuedouble, 4096);
    assert_int_equal(cJSON_GetObjectItem(json, "generations_adopted")->valuedouble, 1);
    assert_true(cJSON_GetObjectItem(json, "table_age_seconds")->valuedouble >= 0);
    const cJSON *counters = cJSON_GetObjectItem(json, "counters");
    assert_int_equal(cJSON_GetArraySize(counters), QBID_COUNTER_CNT);
    for (unsigned i = 0; i < QBID_COUNTER_CNT; i++)
        assert_true(cJSON_GetObjectItem(counters, counter[i])->valuedouble ==
                    (double)host_counter(&host, (enum qbid_counter)i));
    const cJSON *nobid = cJSON_GetObjectItem(json, "nobid");
    assert_int_equal(cJSON_GetArraySize(nobid), QBID_NOBID_CNT - 1);
    for (unsigned i = 1; i < QBID_NOBID_CNT; i++)
        assert_true(cJSON_GetObjectItem(nobid, reason[i])->valuedouble ==
                    (double)host_nobid(&host, (enum qbid_nobid)i));
    const cJSON *privacy = cJSON_GetObjectItem(json, "privacy");
    const cJSON *by_reason = cJSON_GetObjectItem(privacy, "reason");
    double of_class[QBID_PRIVACY_CLASS_CNT] = {0};
    assert_int_equal(cJSON_GetArraySize(by_reason), QBID_PRIVACY_REASON_CNT);
    for (unsigned i = 0; i < QBID_PRIVACY_REASON_CNT; i++) {
        double n = cJSON_GetObjectItem(by_reason, privacy_reason[i].word)->valuedouble;
        assert_true(n == (double)host_privacy(&host, i));
        of_class[privacy_reason[i].class_] += n;
    }
    const cJSON *by_class = cJSON_GetObjectItem(privacy, "class");
    assert_int_equal(cJSON_GetArraySize(by_class), QBID_PRIVACY_CLASS_CNT);
    for (unsigned i = 0; i < QBID_PRIVACY_CLASS_CNT; i++)
        assert_true(cJSON_GetObjectItem(by_class, privacy_class[i])->valuedouble == of_class[i]);
    cJSON_Delete(json);
}

/* Value of a sample line "name ...". */
static double sample(const char *name)
{
    char head[128];
    snprintf(head, sizeof head, "\n%s ", name);
    const char *at = strstr(text, head);
    if (!at)
        fail_msg("no sample %s", name);
    return strtod(at + strlen(head), NULL);
}

static void prometheus_holds_every_counter(void **state)
{
    char name[128];
    (void)state;
    assert_true(load(QBID_STATUS_PROMETHEUS) <= 32768);
    for (unsigned i = 0; i < QBID_COUNTER_CNT; i++) {
        snprintf(name, sizeof name, "qbid_%s_total{worker=\"100\"}", counter[i]);
        assert_true(sample(name) == (double)host_counter(&host, (enum qbid_counter)i));
    }
    for (unsigned i = 1; i < QBID_NOBID_CNT; i++) {
        snprintf(name, sizeof name, "qbid_nobid_total{worker=\"100\",reason=\"%s\"}", reason[i]);
        assert_true(sample(name) == (double)host_nobid(&host, (enum qbid_nobid)i));
    }
    for (unsigned i = 0; i < QBID_PRIVACY_REASON_CNT; i++) {
        snprintf(name, sizeof name, "qbid_privacy_total{worker=\"100\",class=\"%s\",reason=\"%s\"}",
                 privacy_class[privacy_reason[i].class_], privacy_reason[i].word);
        assert_true(sample(name) == (double)host_privacy(&host, i));
    }
    assert_true(sample("qbid_generation{worker=\"100\"}") == 1);
    assert_true(sample("qbid_connected{worker=\"100\"}") == 1);
    assert_true(sample("qbid_table_age_seconds{worker=\"100\"}") >= 0);
    assert_true(sample("qbid_events_dropped_total{worker=\"100\"}") == 0);
}

static const char *const kind[] = {
#define X(upper, lower, help) #lower,
    QBID_LATENCY_LIST(X)
#undef X
};

static struct qbid_latency_view latency_of(unsigned which)
{
    struct qbid_latency_view view;
    qbid_latency_load(&host.broker.page[0].latency[which], &view);
    return view;
}

static void json_holds_every_latency(void **state)
{
    (void)state;
    load(QBID_STATUS_JSON);
    cJSON *json = cJSON_Parse(text);
    const cJSON *latency = cJSON_GetObjectItem(json, "latency");
    assert_int_equal(cJSON_GetObjectItem(json, "latency_every")->valuedouble, 1);
    assert_int_equal(cJSON_GetArraySize(latency), QBID_LATENCY_CNT);
    for (unsigned i = 0; i < QBID_LATENCY_CNT; i++) {
        const cJSON *one = cJSON_GetObjectItem(latency, kind[i]);
        struct qbid_latency_view view = latency_of(i);
        const struct {
            const char *name;
            uint64_t value;
        } want[] = {{"count", view.count},
                    {"sum_ns", view.sum_ns},
                    {"p50_ns", qbid_latency_quantile(&view, 500)},
                    {"p90_ns", qbid_latency_quantile(&view, 900)},
                    {"p99_ns", qbid_latency_quantile(&view, 990)},
                    {"p999_ns", qbid_latency_quantile(&view, 999)},
                    {"max_ns", view.max_ns}};
        assert_true(view.count > 0);
        assert_int_equal(cJSON_GetArraySize(one), sizeof want / sizeof want[0]);
        for (size_t f = 0; f < sizeof want / sizeof want[0]; f++)
            assert_true(cJSON_GetObjectItem(one, want[f].name)->valuedouble ==
                        (double)want[f].value);
    }
    cJSON_Delete(json);
}

/* Reads the buckets of a kind line by line, as Prometheus would; returns how many. */
static unsigned check_buckets(unsigned which)
{
    struct qbid_latency_view view = latency_of(which);
    char head[64];
    double last_edge = 0, last = 0;
    unsigned buckets = 0;
    snprintf(head, sizeof head, "\nqbid_%s_seconds_bucket{worker=\"100\",le=\"", kind[which]);
    for (const char *at = text; (at = strstr(at, head)) != NULL; buckets++) {
        char *end;
        double edge = strtod(at += strlen(head), &end), below = strtod(end + 3, NULL), want = 0;
        assert_memory_equal(end, "\"} ", 3);
        for (unsigned i = 0; i < QBID_LATENCY_BUCKETS; i++)
            want += (double)qbid_latency_high(i) / 1e9 < edge ? (double)view.bucket[i] : 0;
        assert_true(edge > last_edge && below >= last && below == want);
        last_edge = edge;
        last = below;
    }
    assert_true(last_edge > 1e300 && last == (double)view.count); /* +Inf */
    return buckets;
}

static void prometheus_holds_every_latency_as_a_histogram(void **state)
{
    char name[128];
    (void)state;
    load(QBID_STATUS_PROMETHEUS);
    for (unsigned i = 0; i < QBID_LATENCY_CNT; i++) {
        struct qbid_latency_view view = latency_of(i);
        assert_int_equal(check_buckets(i), 21);
        snprintf(name, sizeof name, "qbid_%s_seconds_count{worker=\"100\"}", kind[i]);
        assert_true(sample(name) == (double)view.count);
        snprintf(name, sizeof name, "qbid_%s_seconds_sum{worker=\"100\"}", kind[i]);
        double off = sample(name) * 1e9 - (double)view.sum_ns;
        assert_true(off > -0.5 && off < 0.5);
    }
}

/* A sample's metric: without the suffix of a histogram's. */
static void cut_suffix(char *name, const char *metric)
{
    static const char *const suffix[] = {"_bucket", "_sum", "_count"};
    size_t len = strlen(metric);
    for (unsigned i = 0; i < 3; i++)
        if (strncmp(name, metric, len) == 0 && strcmp(name + len, suffix[i]) == 0)
            name[len] = '\0';
}

/* Each line is a comment or a sample of the metric that was announced last. */
static void every_sample_follows_its_help_and_type(void **state)
{
    char type_of[128] = "", help_of[128] = "", name[128];
    char *save, *line;
    unsigned samples = 0;
    (void)state;
    int n = load(QBID_STATUS_PROMETHEUS);
    assert_int_equal(text[n - 1], '\n');
    for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (sscanf(line, "# HELP %127s", help_of) == 1)
            continue;
        if (sscanf(line, "# TYPE %127s", type_of) == 1) {
            bool counts = strcmp(type_of + strlen(type_of) - 6, "_total") == 0;
            assert_string_equal(type_of, help_of);
            bool times = strstr(line, " histogram") != NULL;
            assert_true(times || strstr(line, counts ? " counter" : " gauge"));
            assert_true(!times || strcmp(type_of + strlen(type_of) - 8, "_seconds") == 0);
            continue;
        }
        assert_int_equal(sscanf(line, "%127[a-z_]{", name), 1);
        cut_suffix(name, type_of);
        assert_string_equal(name, type_of);
        char *value = strchr(line, '}') + 2, *end;
        strtod(value, &end);
        assert_true(end > value && *end == '\0');
        samples++;
    }
    assert_true(samples > QBID_COUNTER_CNT + QBID_NOBID_CNT);
}

static void a_buffer_that_is_too_small_is_reported(void **state)
{
    (void)state;
    int n = load(QBID_STATUS_JSON);
    assert_int_equal(qbid_worker_status(host.worker, QBID_STATUS_JSON, text, 0), QBID_ERR_LIMIT);
    assert_int_equal(qbid_worker_status(host.worker, QBID_STATUS_JSON, text, (size_t)n - 40),
                     QBID_ERR_LIMIT);
    assert_int_equal(qbid_worker_status(host.worker, QBID_STATUS_PROMETHEUS, text, 1000),
                     QBID_ERR_LIMIT);
}

static int setup(void **state)
{
    const struct qbid_options options = {.latency_every = 1};
    (void)state;
    host_open(&host, &options, 12);
    for (unsigned i = 0; i < 7; i++)
        host_ask_with(&host, i % 2 ? "" : "\"cur\":[\"JPY\"]", "");
    host_ask_with(&host, "\"device\":{\"lmt\":1}", "");
    host_ask_with(&host, "\"regs\":{\"coppa\":1}", "");
    host_ask_with(&host, "\"regs\":{\"ext\":{\"dsa\":{\"dsarequired\":3}}}", "");
    host_ask(&host, "x");
    host_send(&host, "win", "t=x");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_close(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_holds_every_counter),
        cmocka_unit_test(prometheus_holds_every_counter),
        cmocka_unit_test(json_holds_every_latency),
        cmocka_unit_test(prometheus_holds_every_latency_as_a_histogram),
        cmocka_unit_test(every_sample_follows_its_help_and_type),
        cmocka_unit_test(a_buffer_that_is_too_small_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
