/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time, against the C library's calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "control/account/written/instant.h"
#include "shm/error.h"

static void every_day_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t t = 0; t < INT64_C(4200000000); t += 86400 + 3671) {
        char text[QBID_INSTANT_TEXT_MAX], want[64];
        time_t when = (time_t)t;
        struct tm tm;
        gmtime_r(&when, &tm);
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm);
        qbid_instant_format(t, text);
        assert_string_equal(text, want);
        int64_t back;
        assert_int_equal(qbid_instant_parse(text, 0, &back), 0);
        assert_true(back == t);
    }
}

static void zones_and_offsets_are_understood(void **state)
{
    (void)state;
    int64_t t;
    assert_int_equal(qbid_instant_parse("2013-06-06T08:00:00+08:00", 0, &t), 0);
    assert_true(t == 1370476800);
    assert_int_equal(qbid_instant_parse("2013-06-05 19:30:00-04:30", 0, &t), 0);
    assert_true(t == 1370476800);
    assert_int_equal(qbid_instant_parse("2000-02-29t23:59:59z", 0, &t), 0);
    assert_true(t == 951868799);
    assert_int_equal(qbid_instant_parse("9999-12-31T23:59:59Z", 0, &t), 0);
    assert_true(t == QBID_INSTANT_MAX);
    static const struct {
        const char *text;
        int64_t plus;
    } rows[] = {{"now", 0}, {"+90s", 90}, {"+30m", 1800}, {"+24h", 86400}, {"+7d", 604800}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(qbid_instant_parse(rows[i].text, 1000, &t), 0);
        assert_true(t == 1000 + rows[i].plus);
    }
}

static void impossible_times_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "tomorrow",
                                        "2013-06-06",
                                        "2013-06-06T00:00:00",
                                        "2013-6-6T00:00:00Z",
                                        "+",
                                        "+5",
                                        "+5w",
                                        "+5hh",
                                        "-5h",
                                        "+1.5h",
                                        "2013-02-29T00:00:00Z",
                                        "2013-13-01T00:00:00Z",
                                        "2013-00-01T00:00:00Z",
                                        "2013-01-32T00:00:00Z",
                                        "2013-01-00T00:00:00Z",
                                        "2013-01-01T24:00:00Z",
                                        "2013-01-01T00:60:00Z",
                                        "2013-06-30T23:59:60Z",
                                        "2013-01-01T00:00:00+24:00",
                                        "2013-01-01T00:00:00+0100",
                                        "2013-01-01T00:00:00Zx",
                                        "1900-02-29T00:00:00Z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t t = -7;
        assert_int_equal(qbid_instant_parse(texts[i], 0, &t), QBID_ERR_PARSE);
        assert_true(t == -7);
    }
    int64_t t;
    assert_int_equal(qbid_instant_parse("1969-12-31T23:59:59Z", 0, &t), QBID_ERR_LIMIT);
    assert_int_equal(qbid_instant_parse("+999999999999d", 0, &t), QBID_ERR_LIMIT);
    assert_int_equal(qbid_instant_parse("+9999999999999s", 0, &t), QBID_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_agrees_with_the_c_library),
        cmocka_unit_test(zones_and_offsets_are_understood),
        cmocka_unit_test(impossible_times_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
