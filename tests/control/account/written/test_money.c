/* SPDX-License-Identifier: Apache-2.0 */
/* Money as text: exact both ways, and nothing but plain decimals. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/written/money.h"
#include "shm/error.h"

static void decimals_become_nanos_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t nanos;
    } rows[] = {{"0", 0},
                {"1", 1000000000},
                {"1.2", 1200000000},
                {"0.000000001", 1},
                {"-3.5", -3500000000},
                {"123456789.123456789", INT64_C(123456789123456789)},
                {"0001.10", 1100000000},
                {"1000000000", QBID_MONEY_NANOS_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t nanos = -7;
        assert_int_equal(qbid_money_parse(rows[i].text, strlen(rows[i].text), &nanos), 0);
        assert_true(nanos == rows[i].nanos);
    }
}

static void what_is_not_a_plain_decimal_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",      "-",   ".",   ".5", "5.",  "1..2",
                                        "1.2.3", "1e3", "0x1", "+1", " 1",  "1 ",
                                        "1,000", "nan", "inf", "1-", "--1", "1.0000000001"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t nanos = -7;
        assert_int_equal(qbid_money_parse(texts[i], strlen(texts[i]), &nanos), QBID_ERR_PARSE);
        assert_true(nanos == -7);
    }
    int64_t n;
    assert_int_equal(qbid_money_parse("1000000000.000000001", 20, &n), QBID_ERR_LIMIT);
    assert_int_equal(qbid_money_parse("99999999999999999999", 20, &n), QBID_ERR_LIMIT);
    assert_int_equal(qbid_money_parse("9300000000", 10, &n), QBID_ERR_LIMIT);
    assert_int_equal(qbid_money_parse_micros("1.0000001", 9, &n), QBID_ERR_PARSE);
    assert_int_equal(qbid_money_parse_micros("1000000.000001", 14, &n), QBID_ERR_LIMIT);
    assert_int_equal(qbid_money_parse_micros("1000000", 7, &n), 0);
    assert_true(n == QBID_PRICE_MICROS_MAX);
}

static void what_is_written_reads_back_the_same(void **state)
{
    (void)state;
    uint64_t x = 1;
    for (int i = 0; i < 20000; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        int64_t nanos = (int64_t)(x % (2 * (uint64_t)QBID_MONEY_NANOS_MAX)) - QBID_MONEY_NANOS_MAX;
        nanos >>= x >> 59; /* all sizes */
        char text[QBID_MONEY_TEXT_MAX];
        int64_t back;
        size_t len = qbid_money_format(nanos, text);
        assert_int_equal(len, strlen(text));
        assert_int_equal(qbid_money_parse(text, len, &back), 0);
        assert_true(back == nanos);
    }
}

static void the_text_is_the_shortest_one(void **state)
{
    (void)state;
    char text[QBID_MONEY_TEXT_MAX];
    qbid_money_format(1500000000, text);
    assert_string_equal(text, "1.5");
    qbid_money_format(-1, text);
    assert_string_equal(text, "-0.000000001");
    qbid_money_format(100 * QBID_NANOS_PER_UNIT, text);
    assert_string_equal(text, "100");
    qbid_money_format(INT64_MIN, text);
    assert_string_equal(text, "-9223372036.854775808");
    qbid_money_format_micros(2010000, text);
    assert_string_equal(text, "2.01");
    qbid_money_format_micros(0, text);
    assert_string_equal(text, "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_become_nanos_exactly),
        cmocka_unit_test(what_is_not_a_plain_decimal_is_refused),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(the_text_is_the_shortest_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
