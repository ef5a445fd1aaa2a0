/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner: what is JSON, what is not, and the same text as cJSON reads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/text/json.h"

static int check(const char *text, size_t len)
{
    struct qbid_replay_json json = qbid_replay_json_start(text, len);
    int err = qbid_replay_json_skip(&json);
    return err ? err : qbid_replay_json_finish(&json);
}

static void skip_accepts_json(void **state)
{
    static const char *const cases[] = {"{}",
                                        "[]",
                                        " [ ] ",
                                        "null",
                                        "true",
                                        "false",
                                        "0",
                                        "-0.5e+3",
                                        "\"\"",
                                        "\"\\u00e9\\n\\\\\"",
                                        "{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}",
                                        "[[[[]]]]",
                                        "[1 ,2\n,\t3]",
                                        "{\"a\":{}}"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(check(cases[i], strlen(cases[i])), 0);
}

static void skip_refuses_what_is_no_json(void **state)
{
    static const char *const cases[] = {
        "",         "{",        "[",       "}",           "[1,]",       "{\"a\":1,}", "{\"a\"}",
        "{a:1}",    "[1 2]",    "[,1]",    "{,}",         "01",         "1.",         "nul",
        "truex",    "\"",       "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"",   "[1]]",       "{}{}",
        "{\"a\":}", "[\"\\\"]", "- 1",     "'a'",         "{\"a\":1:2}"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(check(cases[i], strlen(cases[i])), QBID_ERR_PARSE);
}

static void no_prefix_of_a_text_is_accepted_or_read_past_its_end(void **state)
{
    static const char text[] = "{\"a\":[1.5e3,true,\"x\\u00e9\\\"\"],\"b\":{\"c\":null}}";
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *exact = malloc(len ? len : 1); /* so that the sanitizer sees a read past the end */
        assert_non_null(exact);
        memcpy(exact, text, len);
        assert_int_equal(check(exact, len), QBID_ERR_PARSE);
        free(exact);
    }
}

static void depth_is_bounded(void **state)
{
    char text[2 * QBID_REPLAY_JSON_DEPTH_MAX + 3];
    (void)state;
    for (size_t depth = QBID_REPLAY_JSON_DEPTH_MAX; depth <= QBID_REPLAY_JSON_DEPTH_MAX + 1;
         depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(check(text, 2 * depth),
                         depth > QBID_REPLAY_JSON_DEPTH_MAX ? QBID_ERR_LIMIT : 0);
    }
}

static void unescape_reads_like_cjson(void **state)
{
    static const char *const cases[] = {"\"plain\"", "\"\\b\\f\\n\\r\\t\\/\\\\\\\"\"",
                                        "\"\\u0041\\u00e9\\u20ac\\uD83D\\uDE00!\"",
                                        "\"<img src=\\\"http:\\/\\/a\\/b\\\">\""};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_json json = qbid_replay_json_start(cases[i], strlen(cases[i]));
        struct qbid_replay_span raw;
        struct qbid_replay_buffer plain = {0};
        cJSON *expected = cJSON_Parse(cases[i]);
        assert_non_null(expected);
        assert_int_equal(qbid_replay_json_string(&json, &raw), 0);
        qbid_replay_json_unescape(&plain, raw);
        qbid_replay_buffer_add(&plain, "", 1);
        assert_string_equal(plain.text, cJSON_GetStringValue(expected));
        qbid_replay_buffer_done(&plain);
        cJSON_Delete(expected);
    }
}

static void a_lone_surrogate_becomes_the_replacement_character(void **state)
{
    struct qbid_replay_buffer plain = {0};
    (void)state;
    qbid_replay_json_unescape(&plain, QBID_REPLAY_SPAN("\\ud83dx\\ude00\\ud83d\\u0041"));
    qbid_replay_buffer_add(&plain, "", 1);
    assert_string_equal(plain.text, "\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD"
                                    "A");
    qbid_replay_buffer_done(&plain);
}

static void recorded_responses_are_accepted_as_by_cjson(void **state)
{
    static const char path[] = "../shared/data/openrtb/responses.ndjson";
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0, cnt = 0;
    ssize_t len;
    (void)state;
    if (!file) {
        print_message("SKIPPED: %s is not there\n", path);
        skip();
    }
    while ((len = getline(&line, &cap, file)) > 0) {
        cJSON *json = cJSON_ParseWithOpts(line, NULL, 1);
        assert_int_equal(check(line, (size_t)len) == 0, json != NULL);
        cJSON_Delete(json);
        cnt++;
    }
    free(line);
    fclose(file);
    assert_true(cnt > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skip_accepts_json),
        cmocka_unit_test(skip_refuses_what_is_no_json),
        cmocka_unit_test(no_prefix_of_a_text_is_accepted_or_read_past_its_end),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(unescape_reads_like_cjson),
        cmocka_unit_test(a_lone_surrogate_becomes_the_replacement_character),
        cmocka_unit_test(recorded_responses_are_accepted_as_by_cjson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
