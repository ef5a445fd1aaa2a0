/* SPDX-License-Identifier: Apache-2.0 */
/* Partner profiles through the library: answers, no-bids and prices as each partner wants them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/notice/token.h"
#include "tests/plugin/account.h"
#include "tests/plugin/host.h"

static struct host host;
static char query[512];

/* Ask as an exchange; the bid's answer. */
static cJSON *ask(const char *exchange, const char *fields)
{
    host.exchange = exchange;
    assert_int_equal(host_ask_with(&host, fields, ""), 200);
    return host_json(&host);
}

/* The query of a notice URL of the bid, behind the price: "t=TOKEN&p=" */
static const char *priced(const cJSON *bid, const char *field, const char *price)
{
    const char *url = strstr(host_text(bid, field), "?t=") + 1;
    snprintf(query, sizeof query, "%.*s&p=%s", 2 + QBID_TOKEN_CHARS, url, price);
    return query;
}

static void an_exchange_without_a_profile_is_answered_as_ever(void **state)
{
    static const char *const names[] = {"2", "nobody", ""};
    const cJSON *seat;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        cJSON *json = ask(names[i], "");
        assert_string_equal(host_text(json, "cur"), "CNY");
        const cJSON *bid = host_bid(json, 0, &seat);
        assert_string_equal(host_text(seat, "seat"), "1");
        assert_non_null(strstr(host_text(bid, "burl"), "&p=${AUCTION_PRICE}"));
        struct qbid_token token;
        assert_int_equal(qbid_token_verify(&host.broker.keys,
                                           strstr(host_text(bid, "nurl"), "?t=") + 3,
                                           QBID_TOKEN_CHARS, &token),
                         0);
        assert_int_equal(token.partner, 0);
        cJSON_Delete(json);
        assert_int_equal(host_ask(&host, "{\"id\":\"x\",\"tmax\":100,\"imp\":[{\"id\":\"1\","
                                         "\"banner\":{\"w\":1,\"h\":1}}]}"),
                         204);
    }
}

static void seat_currency_and_macro_are_the_partners(void **state)
{
    const cJSON *seat;
    (void)state;
    cJSON *json = ask("coded", "");
    const cJSON *bid = host_bid(json, 0, &seat);
    assert_string_equal(host_text(json, "cur"), "USD");
    assert_string_equal(host_text(seat, "seat"), "S-1");
    assert_non_null(strstr(host_text(bid, "nurl"), "/win?t="));
    assert_non_null(
        strstr(host_text(bid, "nurl"), "&p=${AUCTION_PRICE:G}&m=${AUCTION_MIN_TO_WIN}&b=0.714285"));
    assert_non_null(strstr(host_text(bid, "burl"), "&p=${AUCTION_PRICE:G}&b=0.714285"));
    cJSON_Delete(json);
    json = ask("coded", "\"cur\":[\"EUR\"]");
    assert_string_equal(host_text(json, "cur"), "EUR"); /* the request's word counts more */
    cJSON_Delete(json);
}

static void a_no_bid_has_its_code_where_the_partner_wants_one(void **state)
{
    (void)state;
    host.exchange = "coded";
    assert_int_equal(host_ask(&host,
                              "{\"id\":\"x\\\"y\",\"wseat\":[\"S-9\"],\"imp\":[{\"id\":\"1\","
                              "\"banner\":{\"w\":300,\"h\":250}}]}"),
                     200);
    cJSON *json = host_json(&host);
    assert_string_equal(host_text(json, "id"), "x\"y");
    assert_int_equal(cJSON_GetObjectItem(json, "nbr")->valueint, 540); /* not our seats */
    assert_null(cJSON_GetObjectItem(json, "seatbid"));
    cJSON_Delete(json);
    assert_int_equal(host_ask_with(&host, "\"tmax\":10", ""), 200);
    json = host_json(&host);
    assert_int_equal(cJSON_GetObjectItem(json, "nbr")->valueint, 15); /* margin of 10 ms */
    cJSON_Delete(json);
    assert_int_equal(host_ask_with(&host, "\"test\":1", ""), 200);
    json = host_json(&host);
    assert_int_equal(cJSON_GetObjectItem(json, "nbr")->valueint, 503);
    cJSON_Delete(json);
    assert_int_equal(host_ask_within(&host,
                                     "{\"id\":\"x\",\"imp\":[{\"id\":\"1\",\"banner\":"
                                     "{\"w\":1,\"h\":1}}]}",
                                     8),
                     204); /* no room for it */
    host.exchange = "winbills";
    assert_int_equal(host_ask_with(&host, "\"tmax\":11", ""), 200);
    assert_int_equal(host_ask_with(&host, "\"test\":1", ""), 200);
}

static void notices_are_those_that_the_partner_calls(void **state)
{
    (void)state;
    cJSON *json = ask("winbills", "");
    const cJSON *bid = host_bid(json, 0, NULL);
    assert_non_null(strstr(host_text(bid, "nurl"), "/bill?t="));
    assert_null(cJSON_GetObjectItem(bid, "burl"));
    assert_non_null(strstr(host_text(bid, "lurl"), "/loss?t="));
    host_drop_events(&host);
    assert_int_equal(host_notice(&host, host_text(bid, "nurl"), "4", "3"), 200);
    assert_int_equal(host_event(&host, QBID_EVENT_BILL).u.notice.price_nanos, 4000000);
    cJSON_Delete(json);
    json = ask("strict", "");
    bid = host_bid(json, 0, NULL);
    assert_null(cJSON_GetObjectItem(bid, "nurl"));
    assert_null(cJSON_GetObjectItem(bid, "lurl"));
    assert_non_null(cJSON_GetObjectItem(bid, "burl"));
    cJSON_Delete(json);
}

/* Line item 8's video has no category. */
static void a_bid_without_a_required_field_is_not_sent(void **state)
{
    const char *video =
        "{\"id\":\"v\",\"imp\":[{\"id\":\"1\",\"video\":{\"mimes\":[\"video/mp4\"],"
        "\"w\":640,\"h\":480,\"protocols\":[2],\"minduration\":5,\"maxduration\":30}}]}";
    (void)state;
    host.exchange = "2";
    assert_int_equal(host_ask(&host, video), 200);
    host_drop_events(&host);
    uint64_t withdrawn = host_counter(&host, QBID_COUNTER_WITHDRAWN);
    host.exchange = "strict";
    assert_int_equal(host_ask(&host, video), 204);
    assert_int_equal(host.answer.nobid, QBID_NOBID_NO_CREATIVE);
    assert_int_equal(host_counter(&host, QBID_COUNTER_WITHDRAWN), withdrawn + 1);
    struct qbid_event loss = host_event(&host, QBID_EVENT_LOSS); /* gives the money back */
    assert_int_equal(qbid_event_detail_code(loss.u.notice.detail), QBID_LOSS_WITHDRAWN);
}

/* Keys and prices of google/openrtb-doubleclick's DoubleClickCryptoTest, through our own library.
 */
static void coded_prices_are_billed_and_forged_ones_are_unknown(void **state)
{
    static const uint8_t secret[2][33] = {
        "\xb0\x8c\x70\xcf\xbc\xb0\xeb\x6c\xab\x7e\x82\xc6\xb7\x5d\xa5\x20"
        "\x72\xae\x62\xb2\xbf\x4b\x99\x0b\xb8\x0a\x48\xd8\x14\x1e\xec\x07",
        "\xbf\x77\xec\x55\xc3\x01\x30\xc1\xd8\xcd\x18\x62\xed\x2a\x4c\xd2"
        "\xc7\x6a\xc3\x3b\xc0\xc4\xce\x8a\x3d\x3b\xbd\x3a\xd5\x68\x77\x92"};
    const char *price = "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ"; /* 1.2 */
    (void)state;
    cJSON *json = ask("coded", "\"cur\":[\"CNY\"]");
    const cJSON *bid = host_bid(json, 0, NULL);
    host_drop_events(&host);
    assert_int_equal(host_send(&host, "bill", priced(bid, "burl", price)), 200);
    assert_int_equal(host_event(&host, QBID_EVENT_BILL).flags,
                     QBID_EVENT_PRICE_UNKNOWN); /* no key */
    size_t bytes;
    void *image = account_image(2, &bytes);
    for (uint8_t part = 0; part < 2; part++) {
        host.broker.partner_key[part] =
            (struct qbid_partner_key){.partner = 7, .part = part, .len = 32};
        memcpy(host.broker.partner_key[part].secret, secret[part], 32);
    }
    broker_publish(&host.broker, image, bytes);
    free(image);
    assert_int_equal(host_send(&host, "bill", priced(bid, "burl", price)), 200);
    struct qbid_event bill = host_event(&host, QBID_EVENT_BILL);
    assert_int_equal(bill.flags, 0);
    assert_int_equal(bill.u.notice.price_nanos, 1200000);
    static const char *const unknown[] = {"OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5DMQ", "1.2",
                                          "%24%7BAUCTION_PRICE%3AG%7D", ""};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(host_send(&host, "bill", priced(bid, "burl", unknown[i])), 200);
        bill = host_event(&host, QBID_EVENT_BILL);
        assert_int_equal(bill.flags, QBID_EVENT_PRICE_UNKNOWN);
        assert_int_equal(bill.u.notice.price_nanos, 0);
    }
    assert_int_equal(
        host_send(&host, "bill", priced(bid, "burl", "OG46wAAMCggBI0VniavN7-mNy0VUYQvRuIJiRw")),
        200); /* 123.45 for a bid of 5 */
    assert_int_equal(host_event(&host, QBID_EVENT_BILL).flags, QBID_EVENT_PRICE_ABOVE);
    assert_int_equal(host_send(&host, "bill", priced(bid, "burl", "AUDIT")), 200);
    assert_int_equal(host_event(&host, QBID_EVENT_BILL).flags, QBID_EVENT_TEST);
    cJSON_Delete(json);
}

/* A partner that was taken out of the configuration since: its coding is not known any more. */
static void a_bid_of_a_partner_that_left_has_no_readable_price(void **state)
{
    struct qbid_token token = {.partner = 200, .bid_nanos = 5000000, .bid_time_ns = host.now_ns};
    char text[QBID_TOKEN_CHARS];
    (void)state;
    assert_int_equal(qbid_token_sign(&host.broker.keys, &token, text), 0);
    snprintf(query, sizeof query, "t=%.96s&p=1.2", text);
    assert_int_equal(host_send(&host, "bill", query), 200);
    assert_int_equal(host_event(&host, QBID_EVENT_BILL).flags, QBID_EVENT_PRICE_UNKNOWN);
}

static int setup(void **state)
{
    (void)state;
    host_open(&host, NULL, 12);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_close(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_without_a_profile_is_answered_as_ever),
        cmocka_unit_test(seat_currency_and_macro_are_the_partners),
        cmocka_unit_test(a_no_bid_has_its_code_where_the_partner_wants_one),
        cmocka_unit_test(notices_are_those_that_the_partner_calls),
        cmocka_unit_test(a_bid_without_a_required_field_is_not_sent),
        cmocka_unit_test(coded_prices_are_billed_and_forged_ones_are_unknown),
        cmocka_unit_test(a_bid_of_a_partner_that_left_has_no_readable_price),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
