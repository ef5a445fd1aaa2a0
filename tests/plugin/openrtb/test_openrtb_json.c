/* SPDX-License-Identifier: Apache-2.0 */
/* The parser and JSON: broken anywhere is malformed; what is over the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/number.h"
#include "shm/error.h"
#include "tests/plugin/openrtb/parsing.h"

/* A value where nobody reads it and as a floor, with something behind it. */
static int parse_value(const char *value, const char *behind)
{
    char text[128];
    snprintf(text, sizeof text, "\"x\":%s%s", value, behind);
    int err = parse_imp_with(text);
    snprintf(text, sizeof text, "\"bidfloor\":%s%s", value, behind);
    assert_int_equal(parse_imp_with(text), err);
    return err;
}

/* Every length of digits on either side of a point, against the reader of any number. */
static void numbers_of_any_length_are_read(void **state)
{
    static const char *const behind[] = {"", " ", "\n", "\r", "\t", " \r\n\t "};
    static const char digits[] = "9081726354", zeros[] = "0000000001";
    (void)state;
    for (int whole = 1; whole <= 10; whole++)
        for (int part = 0; part <= 10; part++)
            for (size_t i = 0; i < 2 * sizeof behind / sizeof behind[0]; i++) {
                char value[32];
                int64_t want;
                snprintf(value, sizeof value, "%.*s%.*s%.*s", whole, digits, part != 0, ".", part,
                         i % 2 ? digits : zeros);
                assert_int_equal(qbid_number_micros(value, strlen(value), QBID_NUMBER_UP, &want),
                                 0);
                assert_int_equal(parse_value(value, behind[i / 2]), 0);
                assert_int_equal(request->imp[0].floor_micros, want);
                assert_false(request->wrong_type);
                assert_int_equal(parse_value(value, "x"), QBID_ERR_PARSE);
                value[0] = '0'; /* before other digits it must not stand */
                assert_int_equal(parse_value(value, behind[i / 2]),
                                 whole == 1 ? 0 : QBID_ERR_PARSE);
            }
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        assert_int_equal(parse_value("125E-2", behind[i]), 0);
        assert_int_equal(request->imp[0].floor_micros, 1250000);
        assert_int_equal(parse_value("1.25e+1", behind[i]), 0);
        assert_int_equal(request->imp[0].floor_micros, 12500000);
        assert_int_equal(parse_value("null", behind[i]), 0);
        assert_int_equal(parse_value("\"\"", behind[i]), 0);
        assert_int_equal(parse_value("-0.5", behind[i]), 0);
        assert_false(request->wrong_type);
        assert_int_equal(parse_value("true", behind[i]), 0);
        assert_true(request->wrong_type);
    }
}

/* One place each in values that nobody reads. */
static void malformed_json_anywhere_is_malformed(void **state)
{
    static const char *const bad[] = {
        "\"x\":tru",
        "\"x\":truE",
        "\"x\":nulll",
        "\"x\":01",
        "\"x\":1.",
        "\"x\":.5",
        "\"x\":+1",
        "\"x\":-",
        "\"x\":1e",
        "\"x\":0x1",
        "\"x\":NaN",
        "\"x\":Infinity",
        "\"x\":'a'",
        "\"x\":a",
        "\"x\":",
        "\"x\"",
        "\"x\":1,",
        "\"x\":[1,]",
        "\"x\":[,1]",
        "\"x\":[1 2]",
        "\"x\":[1;2]",
        "\"x\":{\"a\"}",
        "\"x\":{\"a\":1,}",
        "\"x\":{a:1}",
        "\"x\":{1:2}",
        "\"x\":{\"a\" 1}",
        "\"x\":{\"a\":1 \"b\":2}",
        "\"x\":[1}",
        "\"x\":{\"a\":1]",
        "\"x\":[[[[1}]]]",
        "\"x\":\"a\" \"b\"",
        "\"x\":\"a\":1",
        "\"x\":{\"a\":\"b\":1}",
        "\"x\":1 2",
        "\"x\":\"\\u12\"",
        "\"x\":\"\\x41\"",
        "\"x\":\"\x01\"",
        "\"x\":\"a\nb\"",
        "\"x\":\"\xff\"",
        "\"x\":\"\xc3\"",
        "\"x\":\"\xed\xa0\x80\"",
        "\"x\":\"\xf5\x80\x80\x80\"",
        "\"x\":/**/1",
        "\"x\":{}}",
        "\"x\":[]]",
        "\"x\":[1,2,3",
        "\"x\":{\"a\":{}",
        "\"x\":\"unclosed",
        "\"x\":1\x01",
        "\"x\":true\x02",
        "\"x\":{\"a\":[{\"b\":[0,1,{\"c\":nul}]}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse_with(bad[i]) != QBID_ERR_PARSE || parse_imp_with(bad[i]) != QBID_ERR_PARSE)
            fail_msg("taken: %s", bad[i]);
    }
}

static void only_one_object_is_a_request(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "null",
                                      "1",
                                      "\"x\"",
                                      "[]",
                                      "[{}]",
                                      "{",
                                      "}",
                                      "{]",
                                      "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]} x",
                                      "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]}}",
                                      "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]} {}",
                                      "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]},",
                                      "\xef\xbb\xbf{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]}"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(bad[i]) != QBID_ERR_PARSE)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(parse(" \r\n\t{ \"id\" : \"r\" , \"imp\" : [ { \"id\" : \"1\" } ] } \n"), 0);
    assert_int_equal(parse_bytes("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]}\0", 30), QBID_ERR_PARSE);
}

/* The buffer behind each prefix is full of closing braces. */
static void a_request_cut_anywhere_is_malformed(void **state)
{
    const char *whole = "{\"id\":\"r\",\"ext\":{\"a\":[1,{\"b\":\"c\"}]},\"imp\":[{\"id\":\"1\","
                        "\"banner\":{\"w\":300,\"h\":250}}],\"at\":1}";
    (void)state;
    for (size_t len = 0; len < strlen(whole); len++)
        assert_int_equal(parse_bytes(whole, len), QBID_ERR_PARSE);
    assert_int_equal(parse(whole), 0);
}

static int parse_nested(unsigned depth, const char *open, const char *close, const char *inner)
{
    char text[4096];
    size_t at =
        (size_t)snprintf(text, sizeof text, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"x\":");
    for (unsigned i = 1; i < depth; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", open);
    at += (size_t)snprintf(text + at, sizeof text - at, "%s", inner);
    for (unsigned i = 1; i < depth; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", close);
    snprintf(text + at, sizeof text - at, "}");
    return parse(text);
}

static void deeper_than_32_is_over_the_limit(void **state)
{
    (void)state;
    assert_int_equal(parse_nested(32, "[", "]", "1"), 0);
    assert_int_equal(parse_nested(33, "[", "]", "1"), QBID_ERR_LIMIT);
    assert_int_equal(parse_nested(32, "{\"a\":", "}", "1"), 0);
    assert_int_equal(parse_nested(33, "{\"a\":", "}", "1"), QBID_ERR_LIMIT);
    assert_int_equal(parse_nested(33, "[", "]", ""), QBID_ERR_LIMIT);
    assert_int_equal(parse_nested(900, "[", "]", "1"), QBID_ERR_LIMIT);
    /* malformed before the depth is reached */
    assert_int_equal(
        parse_with("\"y\":tru,\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"
                   "]]]]]]]]]]]]]]]]]]]]"),
        QBID_ERR_PARSE);
}

static void a_hundred_thousand_brackets_end_quickly(void **state)
{
    (void)state;
    char *text = test_malloc(100001);
    memset(text, '[', 100000);
    assert_true(parse_bytes(text, 100000) < 0);
    memcpy(text, "{\"id\":", 6);
    assert_true(parse_bytes(text, 100000) < 0);
    test_free(text);
}

static char *many(const char *head, const char *one, unsigned n, const char *tail)
{
    size_t max = strlen(head) + n * (strlen(one) + 1) + strlen(tail) + 1, at;
    char *text = test_malloc(max);
    at = (size_t)snprintf(text, max, "%s", head);
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, max - at, "%s%s", i ? "," : "", one);
    snprintf(text + at, max - at, "%s", tail);
    return text;
}

static void more_than_64_impressions_are_over_the_limit(void **state)
{
    (void)state;
    char *text = many("{\"id\":\"r\",\"imp\":[", "{\"id\":\"i\"}", 64, "]}");
    assert_int_equal(parse(text), 0);
    assert_int_equal(request->imp_cnt, 64);
    assert_false(request->over);
    test_free(text);
    text = many("{\"id\":\"r\",\"imp\":[", "{\"id\":\"i\"}", 65, "]}");
    assert_int_equal(parse(text), 0);
    assert_true(request->over);
    test_free(text);
    text = many("{\"id\":\"r\",\"imp\":[", "{\"id\":\"i\"}", 65, "],\"x\":tru}");
    assert_int_equal(parse(text), QBID_ERR_PARSE);
    test_free(text);
}

static void more_blocked_names_than_fit_are_over_the_limit(void **state)
{
    (void)state;
    char *text = many("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"badv\":[", "\"a.b\"",
                      QBID_OPENRTB_BADV_MAX, "]}");
    assert_int_equal(parse(text), 0);
    assert_int_equal(request->badv_cnt, QBID_OPENRTB_BADV_MAX);
    assert_false(request->over);
    test_free(text);
    text = many("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"bcat\":[", "1", QBID_OPENRTB_BCAT_MAX + 1,
                "]}");
    assert_int_equal(parse(text), 0);
    assert_true(request->over);
    test_free(text);
}

static void lists_without_a_duty_are_cut_at_their_maxima(void **state)
{
    (void)state;
    char *text = many("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"format\":[",
                      "{\"w\":1,\"h\":1}", 40, "]}}]}");
    assert_int_equal(parse(text), 0);
    assert_int_equal(request->imp[0].format_cnt, QBID_OPENRTB_FORMATS_MAX);
    test_free(text);
    text = many("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"pmp\":{\"deals\":[", "{\"id\":\"d\"}", 40,
                "]}}]}");
    assert_int_equal(parse(text), 0);
    assert_int_equal(request->imp[0].deal_cnt, QBID_OPENRTB_DEALS_MAX);
    test_free(text);
    text = many("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"user\":{\"data\":[{\"segment\":[",
                "{\"id\":\"s\"}", 100, "]}]}}");
    assert_int_equal(parse(text), 0);
    assert_int_equal(request->segment_cnt, QBID_OPENRTB_SEGMENTS_MAX);
    test_free(text);
    text = many("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"cur\":[", "\"USD\"", 40, "]}");
    assert_int_equal(parse(text), 0);
    assert_int_equal(request->cur_cnt, QBID_OPENRTB_CURS_MAX);
    test_free(text);
    text = many("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"bseat\":[", "\"5\"", 40, "]}");
    assert_int_equal(parse(text), 0);
    assert_true(request->bseat.over);
    test_free(text);
}

static void a_body_over_256_kib_is_over_the_limit(void **state)
{
    (void)state;
    char *text = test_malloc(QBID_OPENRTB_BYTES_MAX + 2);
    const char *head = "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"x\":\"";
    size_t at = strlen(head);
    memset(text, 'a', QBID_OPENRTB_BYTES_MAX + 1);
    memcpy(text, head, at);
    memcpy(text + QBID_OPENRTB_BYTES_MAX - 2, "\"}", 2);
    assert_int_equal(parse_bytes(text, QBID_OPENRTB_BYTES_MAX), 0);
    text[QBID_OPENRTB_BYTES_MAX] = ' ';
    assert_int_equal(parse_bytes(text, QBID_OPENRTB_BYTES_MAX + 1), QBID_ERR_LIMIT);
    /* one string of nothing but escapes, as long as a body can be */
    for (size_t i = at; i + 8 < QBID_OPENRTB_BYTES_MAX; i += 2)
        memcpy(text + i, "\\n", 2);
    memset(text, ' ', at);
    memcpy(text, "{\"imp\":[{\"id\":\"1\"}],", 20);
    memcpy(text + at - 6, "\"id\":\"", 6);
    size_t len = at + (QBID_OPENRTB_BYTES_MAX - 8 - at) / 2 * 2;
    memcpy(text + len, "\"}", 2);
    assert_int_equal(parse_bytes(text, len + 2), 0);
    assert_int_equal(request->id.len, (len - at) / 2);
    test_free(text);
}

/* A body is a piece of what the host has read: what stands behind it may go on with it. */
static void a_body_that_goes_on_behind_its_end_is_malformed(void **state)
{
    static const char text[] =
        "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}],\"x\":{\"a\":[1,{}"
        "]},"
        "\"device\":{\"os\":\"iOS\"},\"y\":true,\"badv\":[{},\"a\"],\"at\":1,\"site\":{}}          "
        "  "
        "                                                                  ";
    size_t end = strlen("{\"id\":\"r\"") + 1;
    (void)state;
    while (text[end - 1] != ' ')
        end++;
    for (size_t len = 1; len < end; len++) {
        struct qbid_openrtb_request *out = request;
        int err = qbid_openrtb_parse(parser, text, len, out);
        if (err != (len == end - 1 ? 0 : QBID_ERR_PARSE))
            fail_msg("%zu bytes: %d", len, err);
    }
}

/* Names of fewer than eight characters, of eight and of more: cut, longer, other in a far place. */
static void a_name_is_known_by_all_of_its_characters(void **state)
{
    (void)state;
    assert_int_equal(parse_with("\"at\\u0000\":1,\"a\":1,\"att\":1,\"at\\u0000\\u0000\":1,\"\":1"),
                     0);
    assert_int_equal(request->at, 2);
    assert_int_equal(parse_with("\"user\":{\"buyeruid1\":\"x\",\"buyerui\":\"x\"}"), 0);
    assert_int_equal(request->ids.buyeruid.text.len, 0);
    assert_int_equal(parse_with("\"device\":{\"devicety\":4,\"devicetypes\":4,\"devicetypf\":4}"),
                     0);
    assert_int_equal(request->devicetype, QBID_OPENRTB_INT_ABSENT);
}

/* Of so many keys that begin and end as a long name does some have its hash. */
static void a_long_name_is_known_by_its_length(void **state)
{
    static char text[8192], between[4096];
    (void)state;
    memset(between, 'x', sizeof between);
    assert_int_equal(parse_with("\"device\":{\"devicetype\":4}"), 0);
    assert_int_equal(request->devicetype, 4);
    for (unsigned n = 0; n < sizeof between; n++) {
        snprintf(text, sizeof text,
                 "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"device\":{\"devicety%.*svicetype\":4}}",
                 (int)n, between);
        assert_int_equal(parse(text), 0);
        assert_int_equal(request->devicetype, QBID_OPENRTB_INT_ABSENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_goes_on_behind_its_end_is_malformed),
        cmocka_unit_test(numbers_of_any_length_are_read),
        cmocka_unit_test(malformed_json_anywhere_is_malformed),
        cmocka_unit_test(a_name_is_known_by_all_of_its_characters),
        cmocka_unit_test(a_long_name_is_known_by_its_length),
        cmocka_unit_test(only_one_object_is_a_request),
        cmocka_unit_test(a_request_cut_anywhere_is_malformed),
        cmocka_unit_test(deeper_than_32_is_over_the_limit),
        cmocka_unit_test(a_hundred_thousand_brackets_end_quickly),
        cmocka_unit_test(more_than_64_impressions_are_over_the_limit),
        cmocka_unit_test(more_blocked_names_than_fit_are_over_the_limit),
        cmocka_unit_test(lists_without_a_duty_are_cut_at_their_maxima),
        cmocka_unit_test(a_body_over_256_kib_is_over_the_limit),
    };
    return cmocka_run_group_tests(tests, parsing_setup, parsing_teardown);
}
