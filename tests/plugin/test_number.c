/* SPDX-License-Identifier: Apache-2.0 */
/* Number tokens: the grammar, integers, and prices that are exact whatever they are written like.
 */
#include "plugin/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/hash.h"

static int64_t micros(const char *text, enum qbid_number_round round)
{
    int64_t value = -77;
    assert_int_equal(qbid_number_micros(text, strlen(text), round, &value), 0);
    return value;
}

static void only_numbers_of_the_json_grammar_are_taken(void **state)
{
    static const char *const good[] = {"0",    "-0",   "1",   "10",   "0.5",  "-0.5", "1e5",
                                       "1E+5", "1e-5", "0e0", "1.25", "12.0", "9e99", "-1.5E-07"};
    static const char *const bad[] = {"",     "-",     "+1",   "01",       "-01",  "00",
                                      ".5",   "1.",    "1.e5", "1e",       "1e+",  "e5",
                                      "1ee5", "1.2.3", "NaN",  "Infinity", "0x10", "1 ",
                                      " 1",   "1,5",   "--1",  "1e5.0",    "1-",   "1e5-"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(qbid_number_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = 5;
        assert_false(qbid_number_valid(bad[i], strlen(bad[i])));
        assert_int_equal(qbid_number_int(bad[i], strlen(bad[i]), &value), QBID_ERR_PARSE);
        assert_int_equal(qbid_number_micros(bad[i], strlen(bad[i]), QBID_NUMBER_UP, &value),
                         QBID_ERR_PARSE);
        assert_int_equal(value, 5);
    }
}

static void an_integer_may_be_written_with_point_or_exponent(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } row[] = {{"300", 300},
               {"300.0", 300},
               {"3e2", 300},
               {"0.3e3", 300},
               {"3000e-1", 300},
               {"300.000e-2", 3},
               {"-7", -7},
               {"-0", 0},
               {"0.000", 0},
               {"0e99999999999", 0},
               {"9223372036854775807", INT64_MAX},
               {"9223372036854775808", INT64_MAX},
               {"1e400", INT64_MAX},
               {"-1e400", INT64_MIN},
               {"99999999999999999999999999", INT64_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        int64_t value = 1;
        assert_int_equal(qbid_number_int(row[i].text, strlen(row[i].text), &value), 0);
        assert_true(value == row[i].value);
    }
    static const char *const fraction[] = {
        "1.5", "1e-1", "0.0001", "1e-400", "300.00000000001", "300.5e-2", "300.0001e-2"};
    for (size_t i = 0; i < sizeof fraction / sizeof fraction[0]; i++) {
        int64_t value;
        assert_int_equal(qbid_number_int(fraction[i], strlen(fraction[i]), &value), QBID_ERR_PARSE);
    }
}

static void prices_are_exact(void **state)
{
    (void)state;
    assert_int_equal(micros("1e-1", QBID_NUMBER_UP), 100000);
    assert_int_equal(micros("0.1", QBID_NUMBER_UP), 100000);
    assert_int_equal(micros("2.01", QBID_NUMBER_UP), 2010000);
    assert_int_equal(micros("1e-05", QBID_NUMBER_UP), 10);
    assert_int_equal(micros("0.000001", QBID_NUMBER_UP), 1);
    assert_int_equal(micros("1.0E-4", QBID_NUMBER_NEAREST), 100);
    /* 4.35 * 1e6 is 4349999.999... in doubles */
    assert_int_equal(micros("4.35", QBID_NUMBER_NEAREST), 4350000);
    assert_int_equal(micros("9007199254.740993", QBID_NUMBER_NEAREST), INT64_C(9007199254740993));
    assert_true(micros("1e300", QBID_NUMBER_UP) == INT64_MAX);
    assert_true(micros("9223372036854.775807", QBID_NUMBER_UP) == INT64_MAX);
    assert_int_equal(micros("-3", QBID_NUMBER_UP), -3000000);
}

static void digits_past_the_micro_are_rounded_as_asked(void **state)
{
    static const struct {
        const char *text;
        int64_t nearest, up;
    } row[] = {{"0.0000014", 1, 2},
               {"0.0000015", 2, 2},
               {"0.0000005", 1, 1},
               {"0.00000049999", 0, 1},
               {"1e-7", 0, 1},
               {"1e-400", 0, 1},
               {"0.30000000000000004", 300000, 300001},
               {"0.29999999999999998", 300000, 300000},
               {"0.2999990000000000000000000000000000000000000000001", 299999, 300000},
               {"0.0000010000000000", 1, 1},
               {"-0.0000015", -2, -1},
               {"0.99999951", 1000000, 1000000}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_int_equal(micros(row[i].text, QBID_NUMBER_NEAREST), row[i].nearest);
        assert_int_equal(micros(row[i].text, QBID_NUMBER_UP), row[i].up);
    }
}

/* micros as digits with the point moved `shift` places to the left of where it belongs, and an
 * exponent that moves it back. */
static void spell(int64_t value, int shift, char out[80])
{
    char digits[40];
    int n = snprintf(digits, sizeof digits, "%030lld", (long long)value); /* 24 . 6 */
    int point = n - 6 - shift;
    const char *whole = digits;
    while (*whole == '0' && whole < digits + point - 1)
        whole++;
    snprintf(out, 80, "%.*s.%se%+d", (int)(digits + point - whole), whole, digits + point, shift);
}

static void every_spelling_of_a_price_gives_the_same_micros(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        int64_t value = (int64_t)(qbid_roll(i, 9, 0) >> (1 + i % 60));
        char text[80];
        for (int shift = -5; shift <= 20; shift += 5) {
            spell(value, shift, text);
            assert_true(micros(text, QBID_NUMBER_NEAREST) == value);
            assert_true(micros(text, QBID_NUMBER_UP) == value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_numbers_of_the_json_grammar_are_taken),
        cmocka_unit_test(an_integer_may_be_written_with_point_or_exponent),
        cmocka_unit_test(prices_are_exact),
        cmocka_unit_test(digits_past_the_micro_are_rounded_as_asked),
        cmocka_unit_test(every_spelling_of_a_price_gives_the_same_micros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
