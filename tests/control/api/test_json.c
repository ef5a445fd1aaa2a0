/* SPDX-License-Identifier: Apache-2.0 */
/* Words of answers: what is UTF-8, against every sequence of up to three bytes and the edges of
 * four. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/api/json.h"

static size_t encode(uint32_t code, char out[4])
{
    if (code < 0x80)
        return out[0] = (char)code, 1;
    if (code < 0x800)
        return out[0] = (char)(0xc0 | code >> 6), out[1] = (char)(0x80 | (code & 63)), 2;
    if (code < 0x10000)
        return out[0] = (char)(0xe0 | code >> 12), out[1] = (char)(0x80 | (code >> 6 & 63)),
               out[2] = (char)(0x80 | (code & 63)), 3;
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 63));
    out[2] = (char)(0x80 | (code >> 6 & 63));
    out[3] = (char)(0x80 | (code & 63));
    return 4;
}

static void every_character_is_utf8_and_half_of_one_is_not(void **state)
{
    char text[4];
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        size_t n = encode(code, text);
        bool surrogate = code >= 0xd800 && code < 0xe000;
        if (qbid_json_is_utf8(text, n) == surrogate)
            fail_msg("U+%04X", code);
        for (size_t part = 1; part < n; part++)
            if (qbid_json_is_utf8(text, part) || qbid_json_is_utf8(text + part, n - part))
                fail_msg("a part of U+%04X", code);
    }
}

/* Of all sequences of a length exactly as many are whole texts as there are characters for. */
static void nothing_else_is(void **state)
{
    char text[3];
    unsigned one = 0, two = 0, three = 0;
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        text[0] = (char)a;
        one += qbid_json_is_utf8(text, 1);
        for (unsigned b = 0; b < 256; b++) {
            text[1] = (char)b;
            two += qbid_json_is_utf8(text, 2);
            for (unsigned c = 0; c < 256; c++) {
                text[2] = (char)c;
                three += qbid_json_is_utf8(text, 3);
            }
        }
    }
    const unsigned ascii = 128, of_two = 0x800 - 0x80, of_three = 0x10000 - 0x800 - 0x800;
    assert_int_equal(one, ascii);
    assert_int_equal(two, ascii * ascii + of_two);
    assert_int_equal(three, ascii * ascii * ascii + 2 * ascii * of_two + of_three);
}

static void characters_past_unicode_and_long_forms_are_not(void **state)
{
    static const char *const bad[] = {"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x8f\xbf\xbf",
                                      "\xf8\x88\x80\x80\x80", "sna\x80shot"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(qbid_json_is_utf8(bad[i], strlen(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_is_utf8_and_half_of_one_is_not),
        cmocka_unit_test(nothing_else_is),
        cmocka_unit_test(characters_past_unicode_and_long_forms_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
