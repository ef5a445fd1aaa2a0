/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes of JSON strings and URLs. */
#include "plugin/text.h"

#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shm/error.h"

static void json(const char *text, const char *want)
{
    char out[64];
    int64_t n = qbid_text_unescape(text, strlen(text), out);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(out, want, (size_t)n);
    assert_true(qbid_text_escapes_valid(text, strlen(text)));
}

static void json_escapes_are_resolved(void **state)
{
    (void)state;
    json("", "");
    json("plain", "plain");
    json("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
    json("\\u0041\\u00e9\\u20ac", "A\xc3\xa9\xe2\x82\xac");
    json("x\\ud83d\\ude00y", "x\xf0\x9f\x98\x80y");
    json("\\uD83D\\uDE00", "\xf0\x9f\x98\x80");
    json("\\u007f\\u0080\\u07ff\\u0800\\uffff", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
}

/* Any characters, those next to a backslash more often, in rooms of exactly their size. */
static void text_between_escapes_stays(void **state)
{
    static const char near[] = "[]\\\xdb\xdc\xdd\x01\x7f";
    unsigned random = 1;
    (void)state;
    for (unsigned turn = 0; turn < 20000; turn++) {
        unsigned len = turn % 41, n = 0, made = 0;
        char *from = malloc(len + 1), *want = malloc(len + 1), *to = malloc(len ? len : 1);
        while (n < len) {
            random = random * 1103515245 + 12345;
            unsigned roll = random >> 16;
            char c = roll % 3 == 0 ? (char)(roll >> 2) : near[roll % (sizeof near - 1)];
            if (c == '\\' && n + 1 == len)
                c = 'x';
            from[n++] = c;
            if (c == '\\')
                from[n++] = 'n';
            want[made++] = c == '\\' ? '\n' : c;
        }
        assert_int_equal(qbid_text_unescape(from, len, to), made);
        assert_memory_equal(to, want, made);
        free(from);
        free(want);
        free(to);
    }
}

static void half_a_surrogate_pair_is_replaced(void **state)
{
    (void)state;
    json("\\ud83d", "\xef\xbf\xbd");
    json("\\ude00", "\xef\xbf\xbd");
    json("\\ud83dx", "\xef\xbf\xbdx");
    json("\\ud83d\\n", "\xef\xbf\xbd\n");
    json("\\ud83d\\u0041", "\xef\xbf\xbd"
                           "A");
    json("\\ud83dxxxxxx", "\xef\xbf\xbdxxxxxx");
    json("\\ud83d\\nxxxxx", "\xef\xbf\xbd\nxxxxx");
    json("\\ud83d\\ue000", "\xef\xbf\xbd\xee\x80\x80");
    json("\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80");
}

static void a_nul_escape_gives_a_nul(void **state)
{
    char out[8];
    (void)state;
    assert_int_equal(qbid_text_unescape("a\\u0000b", 8, out), 3);
    assert_memory_equal(out, "a\0b", 3);
}

static void unknown_escapes_are_malformed(void **state)
{
    static const char *const bad[] = {"\\",     "\\x",     "\\u",       "\\u1",        "\\u12",
                                      "\\u123", "\\u12g4", "ab\\",      "\\u 123",     "\\U0041",
                                      "\\'",    "\\0",     "\\ud83d\\", "\\ud83d\\u12"};
    char out[64];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(qbid_text_unescape(bad[i], strlen(bad[i]), out), QBID_ERR_PARSE);
        assert_false(qbid_text_escapes_valid(bad[i], strlen(bad[i])));
    }
    assert_int_equal(qbid_text_unescape("\\\0", 2, out), QBID_ERR_PARSE);
}

/* Every character of the basic plane, against the encoding by its table. */
static void every_code_point_is_encoded_as_utf8(void **state)
{
    (void)state;
    for (unsigned code = 1; code < 0x10000; code++) {
        char text[8], out[8], want[8];
        unsigned n = 0;
        if (code >= 0xd800 && code < 0xe000)
            continue;
        snprintf(text, sizeof text, "\\u%04X", code);
        if (code < 0x80) {
            want[n++] = (char)code;
        } else {
            unsigned more = code < 0x800 ? 1 : 2;
            want[n++] = (char)((more == 1 ? 0xc0 : 0xe0) + (code >> (6 * more)));
            while (more-- > 0)
                want[n++] = (char)(0x80 + (code >> (6 * more)) % 64);
        }
        assert_int_equal(qbid_text_unescape(text, 6, out), n);
        assert_memory_equal(out, want, n);
    }
}

static void url_escapes_are_resolved(void **state)
{
    char out[16];
    (void)state;
    assert_int_equal(qbid_text_url_decode("%24%7BA%7d+x", 12, out, sizeof out), 6);
    assert_memory_equal(out, "${A}+x", 6);
    assert_int_equal(qbid_text_url_decode("%00", 3, out, sizeof out), 1);
    assert_int_equal(qbid_text_url_decode("", 0, out, sizeof out), 0);
    static const char *const bad[] = {"%", "%1", "%g0", "%0g", "a%", "%%41"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(qbid_text_url_decode(bad[i], strlen(bad[i]), out, sizeof out),
                         QBID_ERR_PARSE);
    assert_int_equal(qbid_text_url_decode("123456", 6, out, 6), 6);
    assert_int_equal(qbid_text_url_decode("1234567", 7, out, 6), QBID_ERR_LIMIT);
}

/* glibc's own reading of UTF-8. */
static bool iconv_takes(iconv_t to_utf32, const char *text, size_t len)
{
    char out[256], *in_at = (char *)(uintptr_t)text, *out_at = out;
    size_t in_left = len, out_left = sizeof out;
    iconv(to_utf32, NULL, NULL, NULL, NULL);
    return iconv(to_utf32, &in_at, &in_left, &out_at, &out_left) != (size_t)-1 && in_left == 0;
}

static void utf8_is_what_iconv_takes(void **state)
{
    (void)state;
    /* first bytes of every kind and the edges of what may follow them */
    static const unsigned char byte[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                         0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                         0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
    enum { N = sizeof byte };
    iconv_t to_utf32 = iconv_open("UTF-32LE", "UTF-8");
    unsigned sound = 0;
    assert_ptr_not_equal(to_utf32, (iconv_t)-1);
    for (unsigned i = 0; i < N * N * N * N; i++) {
        /* behind eight plain bytes that are taken at once, and with some behind it */
        char text[20] = "abcdefgh";
        unsigned from = i % 2 ? 0 : 8;
        for (unsigned k = 0, rest = i; k < 4; k++, rest /= N)
            text[8 + k] = (char)byte[rest % N];
        for (unsigned end = 9; end <= 12; end++) {
            bool ours = qbid_text_utf8_valid(text + from, end - from);
            sound += ours;
            if (ours != iconv_takes(to_utf32, text + from, end - from))
                fail_msg("%u, %u bytes: ours says %d", i, end - from, ours);
        }
    }
    assert_true(sound > 10000);
    assert_true(qbid_text_utf8_valid(NULL, 0));
    iconv_close(to_utf32);
}

static void a_number_of_16_bits_is_written_in_one_way(void **state)
{
    (void)state;
    static const char *const none[] = {"",   "0",   "01", "65536", "99999", "100000",    "-1",
                                       "+1", "1.0", " 1", "1 ",    "1a",    "4294967297"};
    for (unsigned number = 1; number <= UINT16_MAX; number++) {
        char text[8];
        int n = snprintf(text, sizeof text, "%u", number);
        assert_int_equal(qbid_text_u16((struct qbid_text){text, (uint32_t)n}), number);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(qbid_text_u16((struct qbid_text){none[i], (uint32_t)strlen(none[i])}), 0);
}

/* Every byte at every place of texts of each length, in memory of just that size: against a loop
 * over the bytes. */
static void a_lower_case_copy_changes_ascii_letters_alone(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 40; len++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char *from = malloc(len ? len : 1), *to = malloc(len ? len : 1);
            for (size_t i = 0; i < len; i++)
                from[i] = (char)(byte + 37 * i);
            qbid_text_copy_lower(to, from, len);
            for (size_t i = 0; i < len; i++)
                assert_int_equal(to[i], qbid_text_lower(from[i]));
            free(from);
            free(to);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lower_case_copy_changes_ascii_letters_alone),
        cmocka_unit_test(json_escapes_are_resolved),
        cmocka_unit_test(text_between_escapes_stays),
        cmocka_unit_test(half_a_surrogate_pair_is_replaced),
        cmocka_unit_test(a_nul_escape_gives_a_nul),
        cmocka_unit_test(unknown_escapes_are_malformed),
        cmocka_unit_test(every_code_point_is_encoded_as_utf8),
        cmocka_unit_test(utf8_is_what_iconv_takes),
        cmocka_unit_test(a_number_of_16_bits_is_written_in_one_way),
        cmocka_unit_test(url_escapes_are_resolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
