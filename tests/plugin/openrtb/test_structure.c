/* SPDX-License-Identifier: Apache-2.0 */
/* The list of tokens against a reading of the text byte by byte, which knows no masks, and whether
 * it is UTF-8 against iconv: over random texts, with each kind of instructions. */
#include "plugin/openrtb/structure.h"

#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "shm/error.h"

#define TEXT_MAX 400
#define TEXTS 6000

struct list {
    uint32_t start[TEXT_MAX + QBID_STRUCTURE_SLACK];
    uint32_t cnt, escape;
    bool sound;
};

static uint64_t state = 88172645463325252u;

static unsigned below(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 20) % n);
}

static bool is_utf8(iconv_t decoder, const char *text, size_t len)
{
    char wide[4 * TEXT_MAX + 16], *out = wide, *in = (char *)(uintptr_t)text;
    size_t left = sizeof wide;
    iconv(decoder, NULL, NULL, NULL, NULL);
    return iconv(decoder, &in, &len, &out, &left) == 0 && len == 0;
}

/* The same list from one state at a time: between tokens, in a string, in a number or word. */
static void read_bytes(iconv_t decoder, const char *text, size_t len, struct list *ret)
{
    bool in_string = false, in_scalar = false, escaped = false, bad = false;
    ret->cnt = 0;
    ret->escape = (uint32_t)len;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool was_escaped = escaped, starts = false;
        escaped = c == '\\' && !was_escaped;
        if (c == '\\' && ret->escape == len)
            ret->escape = (uint32_t)i;
        if (in_string) {
            bad |= c >= 0 && c < ' ';
            in_string = c != '"' || was_escaped;
        } else if (c == '"' && !was_escaped) {
            starts = in_string = true;
            in_scalar = false;
        } else if (c != '\0' && strchr("{}[],:", c)) {
            starts = true;
            in_scalar = false;
        } else if (c != '\0' && strchr(" \t\n\r", c)) {
            in_scalar = false;
        } else {
            starts = !in_scalar;
            in_scalar = true;
        }
        if (starts)
            ret->start[ret->cnt++] = (uint32_t)i;
    }
    ret->start[ret->cnt] = (uint32_t)len;
    ret->sound = !in_string && !bad && is_utf8(decoder, text, len);
}

/* What one text is made of: bytes of all values, or what requests have, with few of the rest. */
static size_t make_text(char *text)
{
    static const char *const part[] = {
        "\"",   "\"",   "\\",   "\\\\", "\\\"", "{",  "}",   "[",        "]",    ",",
        ":",    "12",   "true", "name", "    ", " ",  "\n",  "\xc3\xa9", "\xe2", "\xf0\x9f\x98\x80",
        "\xed", "\xa0", "\x80", "\t",   "\x1a", "\f", "\x7f"};
    unsigned parts = 4 + below(sizeof part / sizeof part[0] - 3), plain = below(12);
    size_t len = below(TEXT_MAX - 8), at = 0;
    if (below(8) == 0)
        for (; at < len; at++)
            text[at] = (char)below(256);
    while (at < len) {
        const char *next = below(12) < plain ? "letters" : part[below(parts)];
        size_t n = strlen(next);
        memcpy(text + at, next, n);
        at += n;
    }
    return len;
}

static void assert_same(enum qbid_isa isa, const char *text, size_t len, const struct list *want)
{
    uint32_t start[TEXT_MAX + QBID_STRUCTURE_SLACK];
    struct qbid_structure got;
    char *exact = malloc(len ? len : 1); /* behind it nothing may be read */
    assert_non_null(exact);
    memcpy(exact, text, len);
    int err = qbid_structure_find(isa, exact, len, start, &got);
    free(exact);
    assert_int_equal(err, want->sound ? 0 : QBID_ERR_PARSE);
    assert_int_equal(got.cnt, want->cnt);
    assert_int_equal(got.escape, want->escape);
    assert_memory_equal(start, want->start, (want->cnt + 1) * sizeof *start);
}

/* Returns how many of the texts are sound. */
static unsigned compare_texts(enum qbid_isa isa)
{
    iconv_t decoder = iconv_open("UTF-32LE", "UTF-8");
    struct list want;
    char text[TEXT_MAX];
    unsigned sound = 0;
    assert_true(decoder != (iconv_t)-1);
    for (unsigned i = 0; i < TEXTS; i++) {
        size_t len = make_text(text);
        read_bytes(decoder, text, len, &want);
        assert_same(isa, text, len, &want);
        sound += want.sound;
    }
    iconv_close(decoder);
    return sound;
}

static void the_list_is_that_of_a_reading_byte_by_byte(void **unused)
{
    (void)unused;
    for (int isa = QBID_ISA_SCALAR; isa < QBID_ISA_CNT; isa++) {
        if (isa <= (int)qbid_isa_best())
            assert_in_range(compare_texts((enum qbid_isa)isa), TEXTS / 20, TEXTS - TEXTS / 20);
        else
            print_message("this processor has no %s: not compared\n",
                          qbid_isa_name((enum qbid_isa)isa));
    }
}

/* Runs of backslashes of every length around the end of a block, in front of a quote. */
static void a_run_of_backslashes_escapes_by_its_parity_across_blocks(void **unused)
{
    iconv_t decoder = iconv_open("UTF-32LE", "UTF-8");
    struct list want;
    char text[TEXT_MAX];
    (void)unused;
    for (unsigned first = 50; first < 70; first++)
        for (unsigned run = 1; run < 80; run++) {
            memset(text, 'x', 200);
            text[0] = '"';
            memset(text + first, '\\', run);
            text[first + run] = '"';
            read_bytes(decoder, text, 200, &want);
            for (int isa = QBID_ISA_SCALAR; isa <= (int)qbid_isa_best(); isa++)
                assert_same((enum qbid_isa)isa, text, 200, &want);
            assert_int_equal(want.sound, run % 2 == 0);
        }
    iconv_close(decoder);
}

static void each_byte_is_of_its_kind_in_every_place_of_a_block(void **unused)
{
    iconv_t decoder = iconv_open("UTF-32LE", "UTF-8");
    struct list want;
    char text[128];
    (void)unused;
    for (unsigned c = 0; c < 256; c++)
        for (unsigned at = 0; at < 128; at += 1 + c % 3) {
            memset(text, c % 2 ? 'a' : ' ', sizeof text);
            text[at] = (char)c;
            read_bytes(decoder, text, sizeof text, &want);
            for (int isa = QBID_ISA_SCALAR; isa <= (int)qbid_isa_best(); isa++)
                assert_same((enum qbid_isa)isa, text, sizeof text, &want);
        }
    iconv_close(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_that_of_a_reading_byte_by_byte),
        cmocka_unit_test(a_run_of_backslashes_escapes_by_its_parity_across_blocks),
        cmocka_unit_test(each_byte_is_of_its_kind_in_every_place_of_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
