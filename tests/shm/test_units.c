/* SPDX-License-Identifier: Apache-2.0 */
/* Money as text and back, against 128-bit arithmetic and the C library's printing. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tests/control/models/rng.h"

__extension__ typedef __int128 i128;

static int parse(const char *text, int64_t *ret_micros)
{
    return qbid_micros_parse(text, strlen(text), ret_micros);
}

static int64_t micros_of(const char *text)
{
    int64_t micros = -77;
    assert_int_equal(parse(text, &micros), 0);
    return micros;
}

static void plain_decimals_parse_exactly(void **state)
{
    (void)state;
    assert_int_equal(micros_of("0"), 0);
    assert_int_equal(micros_of("-0"), 0);
    assert_int_equal(micros_of("2.01"), 2010000);
    assert_int_equal(micros_of("-2.01"), -2010000);
    assert_int_equal(micros_of("0.000001"), 1);
    assert_int_equal(micros_of("000000000001.5"), 1500000);
    assert_int_equal(micros_of("1000000"), QBID_PRICE_MICROS_MAX);
    assert_int_equal(micros_of("-1000000"), -QBID_PRICE_MICROS_MAX);
    assert_int_equal(micros_of("999999.999999"), QBID_PRICE_MICROS_MAX - 1);
}

static void digits_past_the_sixth_round_half_up(void **state)
{
    (void)state;
    assert_int_equal(micros_of("0.0000004"), 0);
    assert_int_equal(micros_of("0.0000005"), 1);
    assert_int_equal(micros_of("0.000000499999999999"), 0);
    assert_int_equal(micros_of("-0.0000005"), -1);
    assert_int_equal(micros_of("0.9999995"), 1000000);
    assert_int_equal(micros_of("999999.9999995"), QBID_PRICE_MICROS_MAX);
}

static void anything_else_is_malformed_and_writes_nothing(void **state)
{
    (void)state;
    const char *bad[] = {"",      "-",
                         ".",     "1.",
                         ".5",    "-.5",
                         "+1",    " 1",
                         "1 ",    "1e3",
                         "0x1",   "1,5",
                         "1..2",  "1.2.3",
                         "--1",   "inf",
                         "nan",   "1-",
                         "1.-2",  "１",
                         "1.5e",  "${AUCTION_PRICE}",
                         "1.5\n", "1.0000000a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t micros = 42;
        assert_int_equal(parse(bad[i], &micros), QBID_ERR_PARSE);
        assert_int_equal(micros, 42);
    }
    int64_t micros = 42;
    assert_int_equal(qbid_micros_parse("1\0002", 3, &micros), QBID_ERR_PARSE);
}

static void numbers_over_the_limits_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {"1000000.000001",        "-1000000.000001",  "1000000.0000005",
                         "1234567890123",         "0000000000000",    "99999999999999999999999999",
                         "0.1234567890123456789", "999999999999.999", "-999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t micros = 42;
        assert_int_equal(parse(bad[i], &micros), QBID_ERR_LIMIT);
        assert_int_equal(micros, 42);
    }
}

static void only_len_bytes_are_read(void **state)
{
    (void)state;
    int64_t micros;
    assert_int_equal(qbid_micros_parse("12.5999", 4, &micros), 0);
    assert_int_equal(micros, 12500000);
    assert_int_equal(qbid_micros_parse("12.5999", 3, &micros), QBID_ERR_PARSE);
}

/* The number units.fraction of 18 digits, by wide integers. */
static void random_decimals_agree_with_wide_arithmetic(void **state)
{
    (void)state;
    struct rng r = rng_init(11);
    for (int i = 0; i < 100000; i++) {
        int64_t units = (int64_t)rng_below(&r, 1000000), fraction = 0;
        unsigned n = 1 + rng_below(&r, 18);
        for (unsigned d = 0; d < n; d++)
            fraction = fraction * 10 + (rng_below(&r, 4) == 0 ? 5 : rng_below(&r, 10));
        char text[48];
        snprintf(text, sizeof text, "%" PRId64 ".%0*" PRId64, units, (int)n, fraction);
        i128 scale = 1;
        for (unsigned d = 0; d < n; d++)
            scale *= 10;
        i128 doubled = 2 * ((i128)units * scale + fraction) * QBID_MICROS_PER_UNIT;
        assert_int_equal(micros_of(text), (int64_t)((doubled + scale) / (2 * scale)));
    }
}

static void formatting_is_the_shortest_exact_decimal(void **state)
{
    (void)state;
    struct rng r = rng_init(12);
    const int64_t edges[] = {0,  1,         -1,        10,        999999, 1000000, 1000001,
                             -1, INT64_MAX, INT64_MIN, 123000000, 100,    -500000};
    for (int i = 0; i < 100000; i++) {
        int64_t micros = i < 13 ? edges[i] : (int64_t)rng_next(&r) >> rng_below(&r, 64);
        char want[48], have[24];
        uint64_t size = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
        int len = snprintf(want, sizeof want, "%s%" PRIu64 ".%06" PRIu64, micros < 0 ? "-" : "",
                           size / 1000000, size % 1000000);
        while (want[len - 1] == '0')
            len--;
        len -= want[len - 1] == '.';
        assert_int_equal(qbid_micros_format(micros, have), len);
        assert_memory_equal(have, want, (size_t)len);
        assert_int_equal(have[len], 0);
        if (micros >= -QBID_PRICE_MICROS_MAX && micros <= QBID_PRICE_MICROS_MAX)
            assert_int_equal(micros_of(have), micros);
    }
}

static void sums_are_held_at_the_ends(void **state)
{
    (void)state;
    struct rng r = rng_init(13);
    for (int i = 0; i < 100000; i++) {
        int64_t a = (int64_t)rng_next(&r), b = (int64_t)rng_next(&r);
        i128 sum = (i128)a + b;
        sum = sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : sum;
        assert_true(qbid_add_sat(a, b) == (int64_t)sum);
    }
}

static void floats_round_to_the_nearest_price_in_range(void **state)
{
    (void)state;
    assert_int_equal(qbid_micros_from_float(NAN), 0);
    assert_int_equal(qbid_micros_from_float(-INFINITY), 0);
    assert_int_equal(qbid_micros_from_float(-1.0f), 0);
    assert_int_equal(qbid_micros_from_float(0.49f), 0);
    assert_int_equal(qbid_micros_from_float(0.5f), 1);
    assert_int_equal(qbid_micros_from_float(1234.5f), 1235);
    assert_true(qbid_micros_from_float(INFINITY) == QBID_PRICE_MICROS_MAX);
    assert_true(qbid_micros_from_float(1e30f) == QBID_PRICE_MICROS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_decimals_parse_exactly),
        cmocka_unit_test(digits_past_the_sixth_round_half_up),
        cmocka_unit_test(anything_else_is_malformed_and_writes_nothing),
        cmocka_unit_test(numbers_over_the_limits_are_refused),
        cmocka_unit_test(only_len_bytes_are_read),
        cmocka_unit_test(random_decimals_agree_with_wide_arithmetic),
        cmocka_unit_test(formatting_is_the_shortest_exact_decimal),
        cmocka_unit_test(sums_are_held_at_the_ends),
        cmocka_unit_test(floats_round_to_the_nearest_price_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
