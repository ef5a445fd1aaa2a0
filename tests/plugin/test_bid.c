/* SPDX-License-Identifier: Apache-2.0 */
/* Whole bid requests through the library: the answer field by field, and every way to have none. */
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

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void assert_item(const cJSON *object, const char *list, int i, const char *want)
{
    const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItem(object, list), i);
    assert_true(cJSON_IsString(item));
    assert_string_equal(item->valuestring, want);
}

/* The token of a notice URL of the answer; the URL must be our base, the kind, the token, tail. */
static struct qbid_token url_token(const char *url, const char *kind, const char *tail)
{
    char head[128];
    struct qbid_token token;
    int n = snprintf(head, sizeof head, HOST_NOTICE_URL "/%s?t=", kind);
    assert_memory_equal(url, head, (size_t)n);
    assert_int_equal(qbid_token_verify(&host.broker.keys, url + n, QBID_TOKEN_CHARS, &token), 0);
    assert_string_equal(url + n + QBID_TOKEN_CHARS, tail);
    return token;
}

static void a_banner_gets_a_complete_bid(void **state)
{
    const cJSON *seat;
    (void)state;
    assert_int_equal(host_ask_with(&host, "\"at\":1", "\"secure\":1"), 200);
    assert_int_equal(host.answer.nobid, 0);
    assert_int_equal(host.answer.gen, 1);
    cJSON *json = host_json(&host);
    assert_string_equal(host_text(json, "id"), "auction");
    assert_string_equal(host_text(json, "cur"), "CNY");
    const cJSON *bid = host_bid(json, 0, &seat);
    assert_null(host_bid(json, 1, NULL));
    assert_string_equal(host_text(seat, "seat"), "1");
    assert_string_equal(host_text(bid, "impid"), "i1");
    assert_true(number(bid, "price") == 5.0);
    assert_string_equal(host_text(bid, "cid"), "901");
    assert_string_equal(host_text(bid, "adid"), "101");
    assert_string_equal(host_text(bid, "crid"), "crid-\"odd\"");
    assert_item(bid, "adomain", 0, "shop.example");
    assert_item(bid, "cat", 0, "IAB2");
    assert_item(bid, "cat", 1, "IAB2-1");
    assert_true(number(bid, "w") == 300 && number(bid, "h") == 250 && number(bid, "mtype") == 1);
    assert_true(number(bid, "exp") == ACCOUNT_NOTICE_TTL_S);
    assert_null(cJSON_GetObjectItem(bid, "dealid"));
    assert_null(cJSON_GetObjectItem(bid, "ext"));

    struct qbid_token token = url_token(host_text(bid, "burl"), "bill", "&p=${AUCTION_PRICE}");
    url_token(host_text(bid, "nurl"), "win", "&p=${AUCTION_PRICE}&m=${AUCTION_MIN_TO_WIN}");
    url_token(host_text(bid, "lurl"), "loss", "&l=${AUCTION_LOSS}&m=${AUCTION_MIN_TO_WIN}");
    char id[20];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)token.nonce);
    assert_string_equal(host_text(bid, "id"), id);
    assert_string_equal(host_text(json, "bidid"), id);
    assert_int_equal(token.bid_nanos, 5000000);
    assert_true(token.bid_time_ns == host.now_ns);
    assert_int_equal(token.line_item_id, 1);
    assert_int_equal(token.creative_id, 101);
    assert_int_equal(token.gen, 1);
    assert_int_equal(token.tenant, 1);
    assert_int_equal(token.flags, QBID_EVENT_FIRST_PRICE);
    cJSON_Delete(json);

    struct qbid_event event = host_event(&host, QBID_EVENT_BID);
    assert_true(event.nonce == token.nonce && event.u.bid.context == token.context);
    assert_int_equal(event.u.bid.bid_nanos, 5000000);
    assert_int_equal(event.u.bid.line_item_id, 1);
    assert_int_equal(event.u.bid.creative_id, 101);
    assert_int_equal(event.flags, QBID_EVENT_FIRST_PRICE);
    assert_true(event.time_ns == host.now_ns);
}

static void markup_carries_click_and_impression_urls(void **state)
{
    (void)state;
    assert_int_equal(host_ask_with(&host, "", ""), 200);
    cJSON *json = host_json(&host);
    const char *adm = host_text(host_bid(json, 0, NULL), "adm");
    const char *click = strstr(adm, "<a href=\"" HOST_NOTICE_URL "/click?t=");
    const char *imp = strstr(adm, "<img src='" HOST_NOTICE_URL "/imp?t=");
    struct qbid_token token;
    assert_true(click == adm && imp != NULL);
    click += strlen("<a href=\"" HOST_NOTICE_URL "/click?t=");
    imp += strlen("<img src='" HOST_NOTICE_URL "/imp?t=");
    assert_int_equal(qbid_token_verify(&host.broker.keys, click, QBID_TOKEN_CHARS, &token), 0);
    assert_int_equal(qbid_token_verify(&host.broker.keys, imp, QBID_TOKEN_CHARS, &token), 0);
    assert_int_equal(click[QBID_TOKEN_CHARS], '"');
    assert_non_null(strstr(adm, "https://cdn.example/101.png?cb="));
    assert_non_null(strstr(adm, "width=\"300\" height=\"250\""));
    cJSON_Delete(json);
}

static void each_impression_gets_one_bid_and_each_tenant_one_seat(void **state)
{
    const cJSON *seat;
    (void)state;
    assert_int_equal(
        host_ask(
            &host,
            "{\"id\":\"a\\\"\\u0001\",\"imp\":[{\"id\":\"x\",\"banner\":{\"w\":300,\"h\":250}},{"
            "\"id\":\"deal\",\"banner\":{\"w\":300,\"h\":250},\"pmp\":{\"deals\":[{\"id\":\"no\"},{"
            "\"id\":\"deal-3\"}]}},{\"id\":\"none\",\"banner\":{\"w\":1,\"h\":1}},{\"id\":\"v\","
            "\"video\":{\"w\":640,\"h\":360}},{\"id\":\"n\",\"native\":{}},{\"id\":\"s\","
            "\"audio\":{}},{\"id\":\"w\",\"video\":{\"w\":1,\"h\":2}}]}"),
        200);
    cJSON *json = host_json(&host);
    assert_string_equal(host_text(json, "id"), "a\"\x01");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "seatbid")), 2);
    static const struct {
        const char *impid, *seat;
        int mtype;
        double price;
    } want[] = {{"x", "1", 1, 5}, {"deal", "1", 1, 5}, {"v", "1", 2, 4},    {"n", "1", 4, 4},
                {"s", "1", 3, 4}, {"w", "1", 2, 4},    {"deal", "2", 1, 20}};
    for (int i = 0; i < 7; i++) {
        const cJSON *bid = host_bid(json, i, &seat);
        assert_string_equal(host_text(bid, "impid"), want[i].impid);
        assert_string_equal(host_text(seat, "seat"), want[i].seat);
        assert_true(number(bid, "mtype") == want[i].mtype);
        assert_true(number(bid, "price") == want[i].price);
        if (i == 6)
            assert_string_equal(host_text(bid, "dealid"), "deal-3");
        else
            assert_null(cJSON_GetObjectItem(bid, "dealid"));
    }
    assert_null(host_bid(json, 7, NULL));
    assert_null(cJSON_GetObjectItem(host_bid(json, 3, NULL), "w"));
    cJSON *native = cJSON_Parse(host_text(host_bid(json, 3, NULL), "adm"));
    assert_non_null(native); /* native markup is JSON inside the string */
    cJSON_Delete(native);
    cJSON_Delete(json);
    assert_int_equal(host.answer.nobid, QBID_NOBID_NO_CANDIDATE);
}

static void the_same_request_gets_the_same_answer(void **state)
{
    static char first[HOST_OUT_MAX];
    (void)state;
    host_ask_with(&host, "", "");
    cJSON *a = host_json(&host);
    memcpy(first, host.out, host.answer.body_bytes);
    host_ask_with(&host, "", "");
    cJSON *b = host_json(&host);
    const cJSON *x = host_bid(a, 0, NULL), *y = host_bid(b, 0, NULL);
    assert_string_not_equal(host_text(x, "id"), host_text(y, "id")); /* a bid of its own */
    assert_true(number(x, "price") == number(y, "price"));
    assert_string_equal(host_text(x, "adid"), host_text(y, "adid"));
    assert_string_equal(host_text(x, "cid"), host_text(y, "cid"));
    cJSON_Delete(a);
    cJSON_Delete(b);
}

/* Fields, what the answer is, and the reason that is counted. */
static void every_way_to_decline_is_counted_by_reason(void **state)
{
    static const struct {
        const char *fields, *imp;
        int status;
        enum qbid_nobid nobid;
    } row[] = {
        {"", "\"bidfloor\":4.999", 200, QBID_NOBID_NONE},
        {"", "\"bidfloor\":5.000001", 204, QBID_NOBID_BELOW_FLOOR},
        {"", "\"bidfloor\":1e300", 204, QBID_NOBID_BELOW_FLOOR},
        {"", "\"bidfloor\":0.71,\"bidfloorcur\":\"USD\"", 200, QBID_NOBID_NONE},
        {"", "\"bidfloor\":0.72,\"bidfloorcur\":\"USD\"", 204, QBID_NOBID_BELOW_FLOOR},
        {"", "\"bidfloor\":1,\"bidfloorcur\":\"JPY\"", 204, QBID_NOBID_CURRENCY},
        {"\"cur\":[\"JPY\"]", "", 204, QBID_NOBID_CURRENCY},
        {"\"badv\":[\"SHOP.example\"]", "", 204, QBID_NOBID_BLOCKED},
        {"\"bcat\":[\"IAB2\"]", "", 204, QBID_NOBID_BLOCKED},
        {"\"bcat\":[\"IAB3\"],\"badv\":[\"x.y\"]", "", 200, QBID_NOBID_NONE},
        {"", "\"pmp\":{\"private_auction\":1,\"deals\":[{\"id\":\"q\"}]}", 204, QBID_NOBID_NO_DEAL},
        {"\"wseat\":[\"agency\"]", "", 204, QBID_NOBID_SEAT},
        {"\"wseat\":[\"2\"]", "", 204, QBID_NOBID_SEAT},
        {"\"bseat\":[\"1\"]", "", 204, QBID_NOBID_SEAT},
        {"\"wseat\":[\"1\"],\"bseat\":[\"2\"]", "", 200, QBID_NOBID_NONE},
        {"\"tmax\":30", "", 204, QBID_NOBID_TIMEOUT},
        {"\"tmax\":31", "", 200, QBID_NOBID_NONE},
        {"\"tmax\":0", "", 200, QBID_NOBID_NONE},
        {"", "\"id\":\"\"", 204, QBID_NOBID_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint64_t before = host_nobid(&host, row[i].nobid);
        uint64_t decided = host_counter(&host, QBID_COUNTER_IMPRESSIONS);
        uint64_t bids = host_counter(&host, QBID_COUNTER_BIDS);
        char imp[256]; /* the size that one line item has: its reason is the request's */
        snprintf(imp, sizeof imp, "\"banner\":{\"w\":728,\"h\":90}%s%s", *row[i].imp ? "," : "",
                 row[i].imp);
        int status = host_ask_with(&host, row[i].fields, imp);
        if (status != row[i].status || host.answer.nobid != row[i].nobid)
            fail_msg("row %zu: %d, %u", i, status, host.answer.nobid);
        assert_int_equal(host_counter(&host, QBID_COUNTER_IMPRESSIONS), decided + 1);
        if (row[i].nobid == QBID_NOBID_NONE)
            assert_int_equal(host_counter(&host, QBID_COUNTER_BIDS), bids + 1);
        else if (host_counter(&host, QBID_COUNTER_BIDS) == bids)
            assert_int_equal(host_nobid(&host, row[i].nobid), before + 1);
    }
}

static void malformed_and_oversized_requests_are_counted(void **state)
{
    (void)state;
    uint64_t malformed = host_counter(&host, QBID_COUNTER_MALFORMED);
    uint64_t over = host_counter(&host, QBID_COUNTER_OVER_LIMIT);
    uint64_t decided = host_counter(&host, QBID_COUNTER_IMPRESSIONS);
    assert_int_equal(host_ask(&host, "{\"id\":\"r\"}"), 400);
    assert_int_equal(host.answer.body_bytes, 0);
    assert_int_equal(host_ask(&host, "nonsense"), 400);
    assert_int_equal(host_counter(&host, QBID_COUNTER_MALFORMED), malformed + 2);
    static char text[70000];
    size_t at = (size_t)sprintf(text, "{\"id\":\"r\",\"imp\":[");
    for (unsigned i = 0; i < 65; i++)
        at += (size_t)sprintf(text + at, "%s{\"id\":\"%u\"}", i ? "," : "", i);
    sprintf(text + at, "]}");
    assert_int_equal(host_ask(&host, text), 204);
    assert_int_equal(host.answer.nobid, QBID_NOBID_OVER_LIMIT);
    at = (size_t)sprintf(text, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"x\":");
    memset(text + at, '[', 40);
    memset(text + at + 40, ']', 40);
    strcpy(text + at + 80, "}");
    assert_int_equal(host_ask(&host, text), 204);
    assert_int_equal(host_counter(&host, QBID_COUNTER_OVER_LIMIT), over + 2);
    assert_int_equal(host_counter(&host, QBID_COUNTER_IMPRESSIONS), decided);
}

static void a_seat_that_is_shut_out_reserves_nothing(void **state)
{
    (void)state;
    int64_t committed = atomic_load(&host.broker.page[0].committed[1]);
    host_drop_events(&host);
    assert_int_equal(host_ask_with(&host, "\"bseat\":[\"1\"]", ""), 204);
    assert_int_equal(host_ask_with(&host, "\"wseat\":[\"2\"]", ""), 204);
    assert_int_equal(host_drop_events(&host), 0);
    assert_int_equal(atomic_load(&host.broker.page[0].committed[1]), committed);
}

static void an_answer_may_be_in_an_allowed_currency(void **state)
{
    (void)state;
    assert_int_equal(host_ask_with(&host, "\"cur\":[\"JPY\",\"USD\",\"EUR\"]", ""), 200);
    cJSON *json = host_json(&host);
    const cJSON *bid = host_bid(json, 0, NULL);
    assert_string_equal(host_text(json, "cur"), "USD");
    assert_true(number(bid, "price") == 0.714285); /* 5 / 7, down */
    url_token(host_text(bid, "burl"), "bill", "&p=${AUCTION_PRICE}&b=0.714285");
    cJSON_Delete(json);
    assert_int_equal(host_ask_with(&host, "\"cur\":[\"USD\",\"CNY\"]", ""), 200);
    json = host_json(&host);
    assert_string_equal(host_text(json, "cur"), "CNY");
    cJSON_Delete(json);
}

static void a_test_request_gets_a_bid_that_reserves_nothing(void **state)
{
    (void)state;
    host_drop_events(&host);
    uint64_t nanos = host_counter(&host, QBID_COUNTER_BID_NANOS);
    int64_t committed = atomic_load(&host.broker.page[0].committed[1]);
    assert_int_equal(host_ask_with(&host, "\"test\":1", ""), 200);
    assert_int_equal(host_counter(&host, QBID_COUNTER_BID_NANOS), nanos);
    assert_int_equal(atomic_load(&host.broker.page[0].committed[1]), committed);
    assert_true(host_event(&host, QBID_EVENT_BID).flags & QBID_EVENT_TEST);
    assert_int_equal(host_ask_with(&host, "", ""), 200);
    assert_int_equal(atomic_load(&host.broker.page[0].committed[1]), committed + 5000000);
    assert_int_equal(host_counter(&host, QBID_COUNTER_BID_NANOS), nanos + 5000000);
}

static void targeting_by_site_and_segment_reaches_the_decision(void **state)
{
    static const char skyscraper[] = "\"banner\":{\"w\":160,\"h\":600}";
    static const char rectangle[] = "\"banner\":{\"w\":336,\"h\":280}";
    (void)state;
    assert_int_equal(host_ask_with(&host, "", skyscraper), 204);
    assert_int_equal(host_ask_with(&host, "\"site\":{\"domain\":\"NEWS.example\"}", skyscraper),
                     200);
    assert_int_equal(
        host_ask_with(&host, "\"user\":{\"data\":[{\"segment\":[{\"id\":\"vip\"}]}]}", rectangle),
        200);
    assert_int_equal(
        host_ask_with(&host,
                      "\"regs\":{\"coppa\":1},\"user\":{\"data\":[{\"segment\":[{\"id\":"
                      "\"vip\"}]}]}",
                      rectangle),
        204);
}

static void insecure_markup_is_not_sold_where_secure_is_asked(void **state)
{
    static const char fields[] = "\"site\":{\"domain\":\"news.example\"}";
    (void)state;
    assert_int_equal(host_ask_with(&host, fields, "\"banner\":{\"w\":160,\"h\":600},\"secure\":1"),
                     204);
    assert_int_equal(host.answer.nobid, QBID_NOBID_NO_CREATIVE);
    assert_int_equal(host_ask_with(&host, fields, "\"banner\":{\"w\":160,\"h\":600},\"secure\":0"),
                     200);
}

static void bids_that_do_not_fit_are_left_out_and_given_back(void **state)
{
    static const char text[] = "{\"id\":\"a\",\"imp\":[{\"id\":\"big\",\"banner\":{\"w\":970,\"h\":"
                               "250}},{\"id\":\"small\","
                               "\"banner\":{\"w\":300,\"h\":250}},{\"id\":\"deal\",\"banner\":{"
                               "\"w\":300,\"h\":250},\"pmp\":{"
                               "\"deals\":[{\"id\":\"deal-3\"}]}}]}";
    static const int bids_by_room[] = {0, 1, 2, 3, 4}; /* the last impression has two */
    unsigned seen[5] = {0};
    (void)state;
    for (size_t room = 0; room < 45000; room += room < 5000 ? 1 : 501) {
        host_drop_events(&host);
        int status = host_ask_within(&host, text, room);
        struct qbid_event event[16];
        unsigned n = broker_events(&host.broker, 0, event, 16), lost = 0, made = 0;
        for (unsigned i = 0; i < n; i++) {
            made += event[i].kind == QBID_EVENT_BID;
            lost += event[i].kind == QBID_EVENT_LOSS;
        }
        int sent = 0;
        assert_int_equal(status, host.answer.body_bytes ? 200 : 204);
        if (status == 200) {
            cJSON *json = host_json(&host); /* always whole JSON */
            while (host_bid(json, sent, NULL))
                sent++;
            assert_true(sent > 0);
            cJSON_Delete(json);
        }
        assert_int_equal(made, 4);
        assert_int_equal(lost, 4 - sent);
        seen[sent]++;
    }
    for (unsigned i = 0; i < 5; i++)
        assert_true(seen[bids_by_room[i]] > 0);
}

static void unknown_values_are_counted_and_sampled(void **state)
{
    unsigned reported = 0;
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        char text[256];
        struct qbid_event event[8];
        host_drop_events(&host);
        uint64_t before = host_counter(&host, QBID_COUNTER_UNKNOWN_VALUES);
        snprintf(text, sizeof text,
                 "{\"id\":\"u%u\",\"imp\":[{\"id\":\"1\"}],\"site\":{\"domain\":\"x%u.com\"},"
                 "\"device\":{"
                 "\"os\":\"z\"},\"user\":{\"data\":[{\"segment\":[{\"id\":\"q\"}]}]}}",
                 i, i);
        assert_int_equal(host_ask(&host, text), 204);
        /* hour, site, device, segment */
        assert_int_equal(host_counter(&host, QBID_COUNTER_UNKNOWN_VALUES), before + 4);
        unsigned n = broker_events(&host.broker, 0, event, 8);
        assert_true(n == 0 || n == 2);
        reported += n / 2;
        for (unsigned k = 0; k < n; k++) {
            assert_int_equal(event[k].kind, QBID_EVENT_SEEN);
            assert_true(event[k].u.seen.hash == qbid_value_hash(event[k].u.seen.dim,
                                                                event[k].u.seen.text,
                                                                event[k].u.seen.len));
        }
    }
    assert_in_range(reported, 60, 140); /* 1 in 4, +- 4.6 standard deviations */
}

static void a_new_generation_decides_after_it_is_adopted(void **state)
{
    size_t bytes;
    void *image = account_image(7, &bytes);
    (void)state;
    broker_publish(&host.broker, image, bytes);
    free(image);
    assert_int_equal(host_ask_with(&host, "", ""), 200);
    assert_int_equal(host.answer.gen, 7);
    assert_int_equal(host_event(&host, QBID_EVENT_BID).gen, 7);
}

static void a_worker_without_a_lease_declines(void **state)
{
    (void)state;
    _Atomic uint64_t *lease = &host.broker.live.lease[0].valid_until_ns;
    uint64_t valid = atomic_load(lease);
    atomic_store(lease, host.now_ns);
    assert_int_equal(host_ask_with(&host, "", ""), 204);
    assert_int_equal(host.answer.nobid, QBID_NOBID_NO_LEASE);
    atomic_store(lease, valid);
    assert_int_equal(host_ask_with(&host, "", ""), 200);
}

static void misuse_is_refused(void **state)
{
    struct qbid_answer answer;
    (void)state;
    assert_true(qbid_worker_openrtb(NULL, NULL, "", 0, 0, host.out, 1, &answer) < 0);
    assert_true(qbid_worker_openrtb(host.worker, NULL, NULL, 0, 0, host.out, 1, &answer) < 0);
}

static int setup(void **state)
{
    struct qbid_options options = {.tmax_margin_ms = 30};
    (void)state;
    host_open(&host, &options, 12);
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
        cmocka_unit_test(a_banner_gets_a_complete_bid),
        cmocka_unit_test(markup_carries_click_and_impression_urls),
        cmocka_unit_test(each_impression_gets_one_bid_and_each_tenant_one_seat),
        cmocka_unit_test(the_same_request_gets_the_same_answer),
        cmocka_unit_test(every_way_to_decline_is_counted_by_reason),
        cmocka_unit_test(malformed_and_oversized_requests_are_counted),
        cmocka_unit_test(a_seat_that_is_shut_out_reserves_nothing),
        cmocka_unit_test(an_answer_may_be_in_an_allowed_currency),
        cmocka_unit_test(a_test_request_gets_a_bid_that_reserves_nothing),
        cmocka_unit_test(targeting_by_site_and_segment_reaches_the_decision),
        cmocka_unit_test(insecure_markup_is_not_sold_where_secure_is_asked),
        cmocka_unit_test(bids_that_do_not_fit_are_left_out_and_given_back),
        cmocka_unit_test(unknown_values_are_counted_and_sampled),
        cmocka_unit_test(a_new_generation_decides_after_it_is_adopted),
        cmocka_unit_test(a_worker_without_a_lease_declines),
        cmocka_unit_test(misuse_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
