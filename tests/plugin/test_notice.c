/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a notice URL and what they say about money. */
#include "plugin/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/qbid.h"
#include "shm/error.h"

static struct qbid_notice notice;
static const struct qbid_token token = {.bid_nanos = 5000000};

static int parse(const char *kind, const char *query)
{
    return qbid_notice_parse(kind, strlen(kind), query, strlen(query), &notice);
}

static int64_t price(const char *kind, const char *query, uint8_t *ret_flags)
{
    *ret_flags = 0;
    assert_int_equal(parse(kind, query), 0);
    return qbid_notice_price(&notice, &token, ret_flags);
}

static void every_kind_has_its_word(void **state)
{
    static const struct {
        const char *word;
        enum qbid_event_kind kind;
    } row[] = {{"win", QBID_EVENT_WIN}, {"loss", QBID_EVENT_LOSS},   {"bill", QBID_EVENT_BILL},
               {"imp", QBID_EVENT_IMP}, {"click", QBID_EVENT_CLICK}, {"conv", QBID_EVENT_CONV}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_int_equal(parse(row[i].word, ""), 0);
        assert_int_equal(notice.kind, row[i].kind);
    }
    static const char *const bad[] = {"",     "bid", "seen", "nobid", "WIN",
                                      "wins", "wi",  "win/", "imp "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i], "t=x"), QBID_ERR_PARSE);
}

static void fields_are_split_and_decoded(void **state)
{
    (void)state;
    assert_int_equal(parse("win", "t=ab%2Dc&p=1%2E5&m=&b=2&v=9&z=1&pp=3&=&&x"), 0);
    assert_int_equal(notice.token_len, 4);
    assert_memory_equal(notice.token, "ab-c", 4);
    assert_int_equal(notice.price_len, 3);
    assert_memory_equal(notice.price, "1.5", 3);
    assert_int_equal(notice.min_len, 0);
    assert_memory_equal(notice.bid, "2", 1);
    assert_memory_equal(notice.value, "9", 1);
    assert_int_equal(parse("win", "p=1&p=22"), 0);
    assert_memory_equal(notice.price, "22", 2);
    assert_int_equal(notice.token_len, 0);
    assert_int_equal(parse("win", "p=%zz&t=%"), 0);
    assert_int_equal(notice.price_len + notice.token_len, 0);
}

static void long_queries_and_fields_are_refused(void **state)
{
    static char query[QBID_NOTICE_MAX + 8];
    (void)state;
    memset(query, 'a', sizeof query);
    memcpy(query, "t=", 2);
    assert_int_equal(qbid_notice_parse("win", 3, query, QBID_NOTICE_MAX, &notice), 0);
    assert_int_equal(notice.token_len, 0); /* longer than any token */
    assert_int_equal(qbid_notice_parse("win", 3, query, QBID_NOTICE_MAX + 1, &notice),
                     QBID_ERR_LIMIT);
    assert_int_equal(qbid_notice_parse("win", 3, query, 2 + QBID_NOTICE_VALUE_MAX, &notice), 0);
    assert_int_equal(notice.token_len, QBID_NOTICE_VALUE_MAX);
}

static void prices_are_exact_nanos(void **state)
{
    static const struct {
        const char *query;
        int64_t nanos;
    } row[] = {{"p=4.35", 4350000},
               {"p=5", 5000000},
               {"p=0", 0},
               {"p=1e-1", 100000},
               {"p=1.0E-4", 100},
               {"p=0.0000004", 0},
               {"p=0.0000005", 1},
               {"p=2.010000000001", 2010000},
               {"p=4.9999999999", 5000000},
               {"p=1%2e5", 1500000}};
    uint8_t flags;
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_int_equal(price("bill", row[i].query, &flags), row[i].nanos);
        assert_int_equal(flags, 0);
        assert_int_equal(price("win", row[i].query, &flags), row[i].nanos);
        assert_int_equal(flags, 0);
    }
}

static void what_is_no_price_is_unknown(void **state)
{
    static const char *const query[] = {
        "",
        "p=",
        "p=${AUCTION_PRICE}",
        "p=%24%7BAUCTION_PRICE%7D",
        "p=$%7BAUCTION_PRICE%7D",
        "p=%2524%257BAUCTION_PRICE%257D",
        "p=abc",
        "p=1.2.3",
        "p=-1",
        "p=+1",
        "p=NaN",
        "p=Infinity",
        "p=0x10",
        "p=1,5",
        "p=1 ",
        "p=%31%",
        "p=OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ",
        "p=${AUCTION_PRICE:B64}",
        "p=null",
        "p=audit",
        "m=3",
    };
    uint8_t flags;
    (void)state;
    for (size_t i = 0; i < sizeof query / sizeof query[0]; i++) {
        assert_int_equal(price("bill", query[i], &flags), 0);
        if (flags != QBID_EVENT_PRICE_UNKNOWN)
            fail_msg("%s: %u", query[i], flags);
        assert_int_equal(price("win", query[i], &flags), 0);
        assert_int_equal(flags, QBID_EVENT_PRICE_UNKNOWN);
    }
}

static void audit_is_a_test_render(void **state)
{
    uint8_t flags;
    (void)state;
    assert_int_equal(price("bill", "p=AUDIT", &flags), 0);
    assert_int_equal(flags, QBID_EVENT_TEST);
    assert_int_equal(price("win", "p=AUDIT&m=AUDIT", &flags), 0);
    assert_int_equal(flags, QBID_EVENT_TEST);
    assert_int_equal(price("loss", "l=AUDIT&m=AUDIT", &flags), 0);
    assert_int_equal(flags, QBID_EVENT_TEST);
}

static void a_price_above_the_bid_is_marked_and_reported(void **state)
{
    uint8_t flags;
    (void)state;
    assert_int_equal(price("bill", "p=5.000001", &flags), 5000001);
    assert_int_equal(flags, QBID_EVENT_PRICE_ABOVE);
    assert_int_equal(price("win", "p=1e9", &flags), INT64_C(1000000000000000));
    assert_int_equal(flags, QBID_EVENT_PRICE_ABOVE);
    assert_true(price("bill", "p=1e300", &flags) == INT64_MAX);
    assert_int_equal(flags, QBID_EVENT_PRICE_ABOVE);
}

/* The bid was 5 CNY and left as 0.714285 USD. */
static void a_price_in_the_answers_currency_is_a_share_of_the_bid(void **state)
{
    uint8_t flags;
    (void)state;
    assert_int_equal(price("bill", "p=0.714285&b=0.714285", &flags), 5000000);
    assert_int_equal(flags, 0);
    assert_int_equal(price("bill", "p=0.357&b=0.714285", &flags), 2499003); /* 2499002.498... up */
    assert_int_equal(flags, 0);
    assert_int_equal(price("bill", "p=0.714286&b=0.714285", &flags), 5000008);
    assert_int_equal(flags, QBID_EVENT_PRICE_ABOVE);
    assert_int_equal(price("loss", "m=1.42857&b=0.714285", &flags), 10000000);
    assert_int_equal(flags, 0);
    static const char *const no_share[] = {"p=1&b=0", "p=1&b=", "p=1&b=x", "p=1&b=-1"};
    for (size_t i = 0; i < sizeof no_share / sizeof no_share[0]; i++)
        assert_int_equal(price("bill", no_share[i], &flags), 1000000);
}

static void a_loss_tells_the_minimum_and_a_conversion_its_value(void **state)
{
    uint8_t flags;
    (void)state;
    assert_int_equal(price("loss", "l=102&m=6.5", &flags), 6500000);
    assert_int_equal(flags, 0);
    assert_int_equal(price("loss", "l=102&m=${AUCTION_MIN_TO_WIN}", &flags), 0);
    assert_int_equal(flags, 0);
    assert_int_equal(price("conv", "v=19.99", &flags), INT64_C(19990000000)); /* nanos of a unit */
    assert_int_equal(flags, 0);
    assert_int_equal(price("conv", "", &flags), 0);
    assert_true(price("conv", "v=1e30", &flags) == INT64_MAX);
    assert_int_equal(price("imp", "p=99", &flags), 0);
    assert_int_equal(price("click", "p=99", &flags), 0);
    assert_int_equal(flags, 0);
}

static void flags_of_the_bid_are_kept(void **state)
{
    uint8_t flags = QBID_EVENT_FIRST_PRICE | QBID_EVENT_DEAL;
    (void)state;
    assert_int_equal(parse("bill", "p=9"), 0);
    qbid_notice_price(&notice, &token, &flags);
    assert_int_equal(flags, QBID_EVENT_FIRST_PRICE | QBID_EVENT_DEAL | QBID_EVENT_PRICE_ABOVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_word),
        cmocka_unit_test(fields_are_split_and_decoded),
        cmocka_unit_test(long_queries_and_fields_are_refused),
        cmocka_unit_test(prices_are_exact_nanos),
        cmocka_unit_test(what_is_no_price_is_unknown),
        cmocka_unit_test(audit_is_a_test_render),
        cmocka_unit_test(a_price_above_the_bid_is_marked_and_reported),
        cmocka_unit_test(a_price_in_the_answers_currency_is_a_share_of_the_bid),
        cmocka_unit_test(a_loss_tells_the_minimum_and_a_conversion_its_value),
        cmocka_unit_test(flags_of_the_bid_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
