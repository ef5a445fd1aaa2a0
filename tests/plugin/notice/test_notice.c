/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a notice URL and what they say about money. */
#include "plugin/notice/notice.h"

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
static const struct qbid_notice_prices plain;

static int parse(const char *kind, const char *query)
{
    return qbid_notice_parse(kind, strlen(kind), query, strlen(query), &notice);
}

static int64_t price(const char *kind, const char *query, uint8_t *ret_flags)
{
    *ret_flags = 0;
    assert_int_equal(parse(kind, query), 0);
    return qbid_notice_price(&notice, &token, &plain, ret_flags);
}

static void every_kind_has_its_word(void **state)
{
    static const struct {
        const char *word;
        enum qbid_event_kind kind;
    } row[] = {{"win", QBID_EVENT_WIN},    {"loss", QBID_EVENT_LOSS},   {"bill", QBID_EVENT_BILL},
               {"imp", QBID_EVENT_IMP},    {"click", QBID_EVENT_CLICK}, {"conv", QBID_EVENT_CONV},
               {"video", QBID_EVENT_VIDEO}};
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
    assert_int_equal(qbid_notice_parse(query, QBID_NOTICE_MAX + 1, query, 3, &notice),
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
        "p={AUCTION_PRICE}",
        "p=%24%7BAUCTION_PRICE%3ABF%7D",
        "p=%%WINNING_PRICE%%",
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
    assert_int_equal(price("loss", "l=AUDIT", &flags), 0);
    assert_int_equal(flags, QBID_EVENT_TEST);
    assert_int_equal(price("loss", "l=AUDIT&m=AUDIT", &flags), 0);
    assert_int_equal(flags, QBID_EVENT_TEST);
    static const char *const field[] = {"p", "m", "l", "a"};
    static const char *const word[] = {"AUDIT", "QVVESVQ=", "QVVESVQ", "%41UDIT"};
    static const char *const kind[] = {"win", "loss", "bill", "imp", "click", "conv", "video"};
    char query[64];
    for (unsigned i = 0; i < 4 * 4 * 7; i++) {
        snprintf(query, sizeof query, "v=3&p=2&%s=%s", field[i % 4], word[i / 4 % 4]);
        assert_int_equal(price(kind[i / 16], query, &flags), 0);
        assert_int_equal(flags, QBID_EVENT_TEST);
    }
    assert_int_equal(price("bill", "p=2&b=AUDIT&e=AUDIT&v=AUDIT", &flags), 2000000);
    assert_int_equal(price("bill", "p=2&a=AUDITS&m=AUDI", &flags), 2000000);
    assert_int_equal(flags, 0);
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
    qbid_notice_price(&notice, &token, &plain, &flags);
    assert_int_equal(flags, QBID_EVENT_FIRST_PRICE | QBID_EVENT_DEAL | QBID_EVENT_PRICE_ABOVE);
}

static void coded_prices_are_read_by_the_partners_rule(void **state)
{
    /* the vector and keys of google/openrtb-doubleclick's DoubleClickCryptoTest */
    static const uint8_t secret[2][33] = {
        "\xb0\x8c\x70\xcf\xbc\xb0\xeb\x6c\xab\x7e\x82\xc6\xb7\x5d\xa5\x20"
        "\x72\xae\x62\xb2\xbf\x4b\x99\x0b\xb8\x0a\x48\xd8\x14\x1e\xec\x07",
        "\xbf\x77\xec\x55\xc3\x01\x30\xc1\xd8\xcd\x18\x62\xed\x2a\x4c\xd2"
        "\xc7\x6a\xc3\x3b\xc0\xc4\xce\x8a\x3d\x3b\xbd\x3a\xd5\x68\x77\x92"};
    struct qbid_partner_keys keys = {.len = {32, 32}};
    struct qbid_notice_prices prices = {
        .rule = {.coding = QBID_PRICE_CODING_GOOGLE, .keys = &keys}};
    uint8_t flags = 0;
    (void)state;
    memcpy(keys.secret[0], secret[0], 32);
    memcpy(keys.secret[1], secret[1], 32);
    assert_int_equal(parse("bill", "p=OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ"), 0);
    assert_int_equal(qbid_notice_price(&notice, &token, &prices, &flags), 0);
    assert_int_equal(flags, QBID_EVENT_PRICE_UNKNOWN); /* no reader */
    assert_int_equal(qbid_clearing_reader_new(&prices.reader), 0);
    flags = 0;
    assert_int_equal(qbid_notice_price(&notice, &token, &prices, &flags), 1200000);
    assert_int_equal(flags, 0);
    static const char *const bad[] = {"p=OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMA",
                                      "p=OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5DMQ", "p=1.2", "p="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        flags = 0;
        assert_int_equal(parse("bill", bad[i]), 0);
        assert_int_equal(qbid_notice_price(&notice, &token, &prices, &flags), 0);
        assert_int_equal(flags, QBID_EVENT_PRICE_UNKNOWN);
    }
    flags = 0; /* a test render is one whatever the coding */
    assert_int_equal(parse("bill", "p=AUDIT"), 0);
    assert_int_equal(qbid_notice_price(&notice, &token, &prices, &flags), 0);
    assert_int_equal(flags, QBID_EVENT_TEST);
    qbid_clearing_reader_free(prices.reader);
}

/* Signed by us, so it cannot be: but what a share of less than nothing is, nobody needs to know. */
static void a_bid_below_zero_has_no_share(void **state)
{
    const struct qbid_token odd = {.bid_nanos = -1};
    uint8_t flags = 0;
    (void)state;
    assert_int_equal(parse("bill", "p=1&b=2"), 0);
    assert_int_equal(qbid_notice_price(&notice, &odd, &plain, &flags), 1000000);
    assert_int_equal(flags, QBID_EVENT_PRICE_ABOVE);
}

static void losses_have_any_number_for_a_reason(void **state)
{
    static const struct {
        const char *query;
        uint16_t code;
        uint8_t flags;
    } row[] = {{"l=102", 102, 0},
               {"l=0", 0, 0},
               {"l=555", 555, 0},
               {"l=65533", 65533, 0},
               {"l=1.02e2", 102, 0},
               {"", QBID_LOSS_UNKNOWN, 0},
               {"l=", QBID_LOSS_UNKNOWN, 0},
               {"l=${AUCTION_LOSS}", QBID_LOSS_UNKNOWN, 0},
               {"l=%24%7BAUCTION_LOSS%7D", QBID_LOSS_UNKNOWN, 0},
               {"l=AUDIT", QBID_LOSS_UNKNOWN, 0},
               {"l=65534", QBID_LOSS_UNKNOWN, QBID_EVENT_CODE_UNREADABLE},
               {"l=-1", QBID_LOSS_UNKNOWN, QBID_EVENT_CODE_UNREADABLE},
               {"l=1.5", QBID_LOSS_UNKNOWN, QBID_EVENT_CODE_UNREADABLE},
               {"l=higher", QBID_LOSS_UNKNOWN, QBID_EVENT_CODE_UNREADABLE}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint8_t flags = 0;
        assert_int_equal(parse("loss", row[i].query), 0);
        assert_int_equal(qbid_notice_code(&notice, &flags), row[i].code);
        assert_int_equal(flags, row[i].flags);
    }
}

static void video_events_have_the_names_of_vast(void **state)
{
    static const char *const words[] = {"start",    "firstQuartile", "midpoint", "thirdQuartile",
                                        "complete", "skip",          "mute",     "unmute",
                                        "pause",    "resume",        "rewind",   "fullscreen",
                                        "close",    "viewable",      "error"};
    static const char *const bad[] = {"", "e=", "e=Start", "e=end", "e=${VIDEO}"};
    char query[64];
    uint8_t flags = 0;
    (void)state;
    assert_int_equal(sizeof words / sizeof words[0], QBID_VIDEO_CNT);
    for (unsigned i = 0; i < QBID_VIDEO_CNT; i++) {
        snprintf(query, sizeof query, "e=%s", words[i]);
        assert_int_equal(parse("video", query), 0);
        assert_int_equal(qbid_notice_code(&notice, &flags), i);
        assert_int_equal(flags, 0);
        assert_int_equal(price("video", query, &flags), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        flags = 0;
        assert_int_equal(parse("video", bad[i]), 0);
        assert_int_equal(qbid_notice_code(&notice, &flags), QBID_VIDEO_CNT);
        assert_int_equal(flags, QBID_EVENT_CODE_UNREADABLE);
    }
    flags = 0;
    assert_int_equal(parse("bill", "l=3&e=x"), 0);
    assert_int_equal(qbid_notice_code(&notice, &flags), 0);
    assert_int_equal(flags, 0);
}

static void what_an_event_packs_comes_out_again(void **state)
{
    const int64_t most = (INT64_C(1) << 48) - 1;
    (void)state;
    uint64_t detail = qbid_event_detail(6500000, 102);
    assert_int_equal(qbid_event_detail_nanos(detail), 6500000);
    assert_int_equal(qbid_event_detail_code(detail), 102);
    detail = qbid_event_detail(INT64_MAX, QBID_LOSS_UNKNOWN);
    assert_true(qbid_event_detail_nanos(detail) == most);
    assert_int_equal(qbid_event_detail_code(detail), QBID_LOSS_UNKNOWN);
    assert_true(qbid_event_detail_nanos(qbid_event_detail(most, 0)) == most);
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
        cmocka_unit_test(coded_prices_are_read_by_the_partners_rule),
        cmocka_unit_test(a_bid_below_zero_has_no_share),
        cmocka_unit_test(losses_have_any_number_for_a_reason),
        cmocka_unit_test(video_events_have_the_names_of_vast),
        cmocka_unit_test(what_an_event_packs_comes_out_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
