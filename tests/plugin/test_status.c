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
    assert_true(sample("qbid_generation{worker=\"100\"}") == 1);
    assert_true(sample("qbid_connected{worker=\"100\"}") == 1);
    assert_true(sample("qbid_table_age_seconds{worker=\"100\"}") >= 0);
    assert_true(sample("qbid_events_dropped_total{worker=\"100\"}") == 0);
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
            assert_non_null(strstr(line, counts ? " counter" : " gauge"));
            continue;
        }
        assert_int_equal(sscanf(line, "%127[a-z_]{", name), 1);
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
    (void)state;
    host_open(&host, NULL, 12);
    for (unsigned i = 0; i < 7; i++)
        host_ask_with(&host, i % 2 ? "" : "\"cur\":[\"JPY\"]", "");
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
        cmocka_unit_test(every_sample_follows_its_help_and_type),
        cmocka_unit_test(a_buffer_that_is_too_small_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
