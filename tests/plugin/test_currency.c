/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions: exact, rounded to the safe side, never a bid that is worth more than was reserved.
 */
#include "plugin/currency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/openrtb/openrtb.h"
#include "shm/hash.h"
#include "tests/plugin/account.h"

static uint32_t code(const char *letters)
{
    return qbid_currency_code((struct qbid_text){letters, (uint32_t)strlen(letters)});
}

static void codes_are_three_letters_of_any_case(void **state)
{
    (void)state;
    assert_int_equal(code(""), QBID_CURRENCY_NONE);
    assert_int_equal(code("USD"), QBID_CURRENCY_USD);
    assert_int_equal(code("usd"), QBID_CURRENCY_USD);
    static const char *const bad[] = {"US", "USDT", "U$D", "12A", "   ", "test", "\xff\xff\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(code(bad[i]) == QBID_CURRENCY_UNREADABLE);
}

static void rates_are_found_by_code(void **state)
{
    size_t bytes;
    struct qbid_image image;
    void *base = account_image(1, &bytes);
    (void)state;
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    assert_int_equal(qbid_currency_rate(&image, code("CNY")), 1000000);
    assert_int_equal(qbid_currency_rate(&image, code("USD")), 7000000);
    assert_int_equal(qbid_currency_rate(&image, code("EUR")), 8000000);
    assert_int_equal(qbid_currency_rate(&image, code("JPY")), 0);
    assert_int_equal(qbid_currency_rate(&image, QBID_CURRENCY_UNREADABLE), 0);
    assert_int_equal(qbid_currency_rate(&image, QBID_CURRENCY_NONE), 0);
    free(base);
}

static void conversions_round_to_the_safe_side(void **state)
{
    (void)state;
    assert_int_equal(qbid_currency_to_account(1000000, 7000000), 7000000);
    assert_int_equal(qbid_currency_to_account(1, 100000), 1); /* 0.1 up */
    assert_int_equal(qbid_currency_from_account(7000000, 7000000), 1000000);
    assert_int_equal(qbid_currency_from_account(6, 7000000), 0); /* 0.86 down */
    assert_int_equal(qbid_currency_settle(1000, 333, 1000), 333);
    assert_int_equal(qbid_currency_settle(1000, 1, 3), 334);
    assert_true(qbid_currency_to_account(INT64_MAX, 7000000) == INT64_MAX);
    assert_true(qbid_currency_from_account(INT64_MAX, 1) == INT64_MAX);
}

static void a_bid_at_a_converted_floor_is_not_below_the_floor(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        int64_t floor = (int64_t)(qbid_roll(i, 0, 0) % 1000000000);
        int64_t rate = 1 + (int64_t)(qbid_roll(i, 0, 1) >> (20 + i % 40));
        int64_t bid = qbid_currency_to_account(floor, rate) + (int64_t)(qbid_roll(i, 0, 2) % 100);
        int64_t sent = qbid_currency_from_account(bid, rate);
        assert_true(sent >= floor);
        /* never worth more than was reserved: sent * rate <= bid * 10^6 */
        assert_true((qbid_u128)(uint64_t)sent * (uint64_t)rate <=
                    (qbid_u128)(uint64_t)bid * 1000000);
    }
}

static void a_price_up_to_the_bid_settles_up_to_the_reservation(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        int64_t bid = 1 + (int64_t)(qbid_roll(i, 1, 0) % 1000000000);
        int64_t reserved = (int64_t)(qbid_roll(i, 1, 1) % 10000000000);
        int64_t price = (int64_t)(qbid_roll(i, 1, 2) % (uint64_t)(bid + 1));
        int64_t cost = qbid_currency_settle(reserved, price, bid);
        assert_in_range(cost, 0, reserved);
        assert_int_equal(qbid_currency_settle(reserved, bid, bid), reserved);
        if (reserved >= bid)
            assert_true(qbid_currency_settle(reserved, bid + 1, bid) > reserved);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_three_letters_of_any_case),
        cmocka_unit_test(rates_are_found_by_code),
        cmocka_unit_test(conversions_round_to_the_safe_side),
        cmocka_unit_test(a_bid_at_a_converted_floor_is_not_below_the_floor),
        cmocka_unit_test(a_price_up_to_the_bid_settles_up_to_the_reservation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
