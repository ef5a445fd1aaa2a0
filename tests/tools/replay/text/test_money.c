/* SPDX-License-Identifier: Apache-2.0 */
/* Prices of the test exchange are exact. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/text/money.h"

static void parse_is_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t micros;
        int cut;
    } cases[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"2.94", 2940000, 0},
        {"0.1", 100000, 0},
        {"0.3", 300000, 0},
        {"1e-6", 1, 0},
        {"1E+2", 100000000, 0},
        {"294e-2", 2940000, 0},
        {"0.00294e3", 2940000, 0},
        {"0.000001", 1, 0},
        {"0.0000019", 1, 1},
        {"0.00000100", 1, 0},
        {"-0.0000019", -1, 1},
        {"9e-99", 0, 1},
        {"0e99", 0, 0},
        {"123456789012.345678", INT64_C(123456789012345678), 0},
        {"1000000000000", QBID_REPLAY_MONEY_MICROS_MAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t micros = -7;
        assert_int_equal(qbid_replay_money_parse(cases[i].text, strlen(cases[i].text), &micros),
                         cases[i].cut);
        assert_int_equal(micros, cases[i].micros);
    }
}

static void parse_refuses_what_is_no_json_number(void **state)
{
    static const char *const cases[] = {"",    ".",   "1.",  ".5",    "01",    "+1",   "1e",
                                        "1e+", "e5",  "1 ",  " 1",    "-",     "--1",  "0x1",
                                        "1,5", "inf", "nan", "1e100", "1e1.5", "1.5.5"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t micros = -7;
        assert_int_equal(qbid_replay_money_parse(cases[i], strlen(cases[i]), &micros),
                         QBID_ERR_PARSE);
        assert_int_equal(micros, -7);
    }
}

static void parse_refuses_amounts_over_the_limit(void **state)
{
    static const char *const cases[] = {"1000000000000.000001", "1e13", "9e99", "-2e12"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t micros;
        assert_int_equal(qbid_replay_money_parse(cases[i], strlen(cases[i]), &micros),
                         QBID_ERR_LIMIT);
    }
}

/* Oracle: integer parts put together by printf, in three spellings. */
static void every_micro_of_a_sample_survives_printing_and_parsing(void **state)
{
    uint64_t word = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        char plain[64], scientific[64], printed[QBID_REPLAY_MONEY_TEXT_BYTES];
        word ^= word << 13, word ^= word >> 7, word ^= word << 17;
        int64_t amount = (int64_t)(word % (i % 2 ? 1000000000000u : 5000000u));
        int64_t micros = -1;
        snprintf(plain, sizeof plain, "%lld.%06lld", (long long)(amount / 1000000),
                 (long long)(amount % 1000000));
        snprintf(scientific, sizeof scientific, "%llde-6", (long long)amount);
        assert_int_equal(qbid_replay_money_parse(plain, strlen(plain), &micros), 0);
        assert_int_equal(micros, amount);
        assert_int_equal(qbid_replay_money_parse(scientific, strlen(scientific), &micros), 0);
        assert_int_equal(micros, amount);
        size_t len = qbid_replay_money_print(amount, 6, printed);
        assert_int_equal(len, strlen(printed));
        assert_int_equal(qbid_replay_money_parse(printed, len, &micros), 0);
        assert_int_equal(micros, amount);
    }
}

static void print_has_no_trailing_zeros(void **state)
{
    static const struct {
        int64_t amount;
        unsigned decimals;
        const char *text;
    } cases[] = {
        {0, 6, "0"},          {1, 6, "0.000001"},
        {2940000, 6, "2.94"}, {-500000, 6, "-0.5"},
        {1000000, 6, "1"},    {1500000000, 9, "1.5"},
        {120, 0, "120"},      {INT64_MIN, 9, "-9223372036.854775808"},
        {10, 1, "1"},         {INT64_MAX, 18, "9.223372036854775807"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[QBID_REPLAY_MONEY_TEXT_BYTES];
        qbid_replay_money_print(cases[i].amount, cases[i].decimals, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_is_exact),
        cmocka_unit_test(parse_refuses_what_is_no_json_number),
        cmocka_unit_test(parse_refuses_amounts_over_the_limit),
        cmocka_unit_test(every_micro_of_a_sample_survives_printing_and_parsing),
        cmocka_unit_test(print_has_no_trailing_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
