/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON string writer: what it writes is read back the same by another parser. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <string.h>

#include "tools/replay/text/buffer.h"

static void every_ascii_character_is_read_back_by_cjson(void **state)
{
    struct qbid_replay_buffer buffer = {0};
    char text[128];
    (void)state;
    for (int c = 1; c < 128; c++)
        text[c - 1] = (char)c;
    text[127] = '\0';
    qbid_replay_buffer_add_json(&buffer, text, 127);
    qbid_replay_buffer_add(&buffer, "", 1);
    cJSON *json = cJSON_Parse(buffer.text);
    assert_non_null(json);
    assert_string_equal(cJSON_GetStringValue(json), text);
    cJSON_Delete(json);
    qbid_replay_buffer_done(&buffer);
}

static void broken_utf8_becomes_the_replacement_character(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"caf\xC3\xA9", "\"caf\xC3\xA9\""},
        {"\xE2\x82\xAC", "\"\xE2\x82\xAC\""},
        {"\xF0\x9F\x98\x80", "\"\xF0\x9F\x98\x80\""},
        {"a\xC3", "\"a\xEF\xBF\xBD\""},
        {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                 /* overlong */
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* surrogate */
        {"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xE0\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xB0z", "\"\xEF\xBF\xBDz\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_buffer buffer = {0};
        qbid_replay_buffer_add_json(&buffer, cases[i].text, strlen(cases[i].text));
        qbid_replay_buffer_add(&buffer, "", 1);
        assert_string_equal(buffer.text, cases[i].json);
        qbid_replay_buffer_done(&buffer);
    }
}

static void text_survives_growing(void **state)
{
    struct qbid_replay_buffer buffer = {0};
    (void)state;
    for (int i = 0; i < 100000; i++)
        qbid_replay_buffer_add_int(&buffer, i % 10);
    qbid_replay_buffer_print(&buffer, "%s|%d", "end", -5);
    qbid_replay_buffer_add_micros(&buffer, 2940000);
    assert_false(buffer.failed);
    assert_int_equal(buffer.len, 100000 + 6 + 4);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(buffer.text[i], '0' + (int)(i % 10));
    assert_memory_equal(buffer.text + 100000, "end|-52.94", 10);
    qbid_replay_buffer_clear(&buffer);
    assert_int_equal(buffer.len, 0);
    qbid_replay_buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ascii_character_is_read_back_by_cjson),
        cmocka_unit_test(broken_utf8_becomes_the_replacement_character),
        cmocka_unit_test(text_survives_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
