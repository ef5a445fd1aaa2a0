/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is JSON that says what was meant, or nothing. */
#include "plugin/writer.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "shm/hash.h"

static void any_bytes_come_back_from_a_json_string(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        char text[40], out[300];
        uint32_t len = (uint32_t)(qbid_roll(i, 0, 0) % sizeof text);
        for (uint32_t k = 0; k < len; k++) /* ASCII without NUL, which cJSON cannot hold */
            text[k] = (char)(1 + qbid_roll(i, 1, k) % 127);
        struct qbid_writer w = qbid_writer_init(out, sizeof out);
        qbid_put_string(&w, text, len);
        assert_false(w.full);
        for (size_t k = 0; k < qbid_writer_len(&w); k++)
            assert_true((unsigned char)out[k] >= 0x20);
        cJSON *json = cJSON_ParseWithLength(out, qbid_writer_len(&w));
        assert_non_null(json);
        assert_int_equal(strlen(json->valuestring), len);
        assert_memory_equal(json->valuestring, text, len);
        cJSON_Delete(json);
    }
}

/* Room, text and their ends in memory of just that size: against a loop over the bytes; nothing
 * behind the room. */
static void escaped_text_is_whole_or_full(void **state)
{
    (void)state;
    for (unsigned i = 0, seed = 3; i < 40000; i++) {
        size_t len = (size_t)rand_r(&seed) % 70, room = (size_t)rand_r(&seed) % 200, n = 0;
        char *text = malloc(len ? len : 1), *out = malloc(room ? room : 1), want[6 * 70 + 1];
        for (size_t k = 0; k < len; k++) {
            text[k] = (char)(rand_r(&seed) % 9 ? 'a' + rand_r(&seed) % 26 : rand_r(&seed) % 256);
            const char *const pair = strchr("\"\"\\\\\bb\ff\nn\rr\tt", text[k] ? text[k] : 'a');
            if (text[k] == '"' || text[k] == '\\' || (text[k] > 0 && text[k] < 0x20 && pair))
                n += (size_t)sprintf(want + n, "\\%c", pair[1]);
            else if ((unsigned char)text[k] < 0x20)
                n += (size_t)sprintf(want + n, "\\u%04x", (unsigned)(unsigned char)text[k]);
            else
                want[n++] = text[k];
        }
        struct qbid_writer w = qbid_writer_init(out, room);
        qbid_put_escaped(&w, text, len);
        assert_int_equal(w.full, n > room);
        assert_true(qbid_writer_len(&w) <= room);
        if (!w.full) {
            assert_int_equal(qbid_writer_len(&w), n);
            assert_memory_equal(out, want, n);
        }
        free(text);
        free(out);
    }
}

static void a_nul_byte_is_written_as_an_escape(void **state)
{
    char out[16];
    struct qbid_writer w = qbid_writer_init(out, sizeof out);
    (void)state;
    qbid_put_string(&w, "a\0b", 3);
    assert_int_equal(qbid_writer_len(&w), 10);
    assert_memory_equal(out, "\"a\\u0000b\"", 10);
}

/* What is written, in room for just that and in more of it; nothing where there is one byte less.
 */
static void written(void (*put)(struct qbid_writer *w, uint64_t value), uint64_t value,
                    const char *want)
{
    size_t n = strlen(want);
    for (size_t room = n - 1; room <= n + 21; room++) {
        char *out = malloc(room ? room : 1);
        struct qbid_writer w = qbid_writer_init(out, room);
        put(&w, value);
        assert_int_equal(w.full, room < n);
        assert_int_equal(qbid_writer_len(&w), room < n ? 0 : n);
        assert_memory_equal(out, want, qbid_writer_len(&w));
        free(out);
    }
}

static void numbers(uint64_t value)
{
    char want[32];
    snprintf(want, sizeof want, "%llu", (unsigned long long)value);
    written(qbid_put_u64, value, want);
    snprintf(want, sizeof want, "%016llx", (unsigned long long)value);
    written(qbid_put_hex, value, want);
}

static void numbers_are_written_in_full(void **state)
{
    (void)state;
    uint64_t power = 1;
    for (unsigned digits = 0; digits < 20; digits++, power *= 10)
        for (uint64_t step = 0; step < 3; step++)
            numbers(power + step - 1);
    for (unsigned i = 0; i < 20000; i++)
        numbers(qbid_roll(i, 3, 0) >> i % 64);
    numbers(UINT64_MAX);
}

static void signed_numbers_keep_their_sign(void **state)
{
    static const int64_t value[] = {0, 1, -1, 10, -10, INT64_MAX, INT64_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        char out[32], want[32];
        struct qbid_writer w = qbid_writer_init(out, sizeof out);
        int n = snprintf(want, sizeof want, "%lld", (long long)value[i]);
        qbid_put_i64(&w, value[i]);
        assert_int_equal(qbid_writer_len(&w), n);
        assert_memory_equal(out, want, (size_t)n);
    }
}

static void a_ratio_is_always_a_json_number(void **state)
{
    static const double value[] = {0,   1,    0.5,      -0.25,   1e-7,  123456.789, 1e300,
                                   NAN, -NAN, INFINITY, DBL_MIN, -1e11, 0.9999999};
    (void)state;
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        char out[64] = "";
        struct qbid_writer w = qbid_writer_init(out, sizeof out - 1);
        qbid_put_ratio(&w, value[i]);
        cJSON *json = cJSON_Parse(out);
        assert_true(cJSON_IsNumber(json));
        if (fabs(value[i]) < 1e12)
            assert_true(fabs(json->valuedouble - value[i]) <= 0.51e-6 + fabs(value[i]) * 1e-15);
        else
            assert_true(json->valuedouble == 0);
        cJSON_Delete(json);
    }
}

static void what_does_not_fit_is_not_written_and_reported(void **state)
{
    (void)state;
    for (size_t max = 0; max < 12; max++) {
        char out[16];
        memset(out, '#', sizeof out);
        struct qbid_writer w = qbid_writer_init(out, max);
        qbid_put(&w, "0123456789", 10);
        assert_int_equal(w.full, max < 10);
        assert_int_equal(qbid_writer_len(&w), max < 10 ? 0 : 10);
        assert_int_equal(out[max < 10 ? 0 : 10], '#');
        qbid_put_char(&w, 'x'); /* fits where nothing was written; the loss stays on record */
        assert_int_equal(w.full, max < 11);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_come_back_from_a_json_string),
        cmocka_unit_test(escaped_text_is_whole_or_full),
        cmocka_unit_test(a_nul_byte_is_written_as_an_escape),
        cmocka_unit_test(numbers_are_written_in_full),
        cmocka_unit_test(signed_numbers_keep_their_sign),
        cmocka_unit_test(a_ratio_is_always_a_json_number),
        cmocka_unit_test(what_does_not_fit_is_not_written_and_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
