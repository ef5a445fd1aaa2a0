/* SPDX-License-Identifier: Apache-2.0 */
/* Notices through the library: accepted, forged, late, repeated; what they push, count, answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/notice/token.h"
#include "shm/clock.h"
#include "tests/plugin/account.h"
#include "tests/plugin/host.h"
#include "tests/shm/image_fixture.h"

static struct host host;

static const char *const kinds[] = {"win", "loss", "bill", "imp", "click", "conv", "video"};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* URLs of one bid of 5 CNY on line item 1, and its token. */
static char win[512], bill[512], loss[512], text[QBID_TOKEN_CHARS + 1];
static struct qbid_token bid_token;

static void bid(const char *fields)
{
    assert_int_equal(host_ask_with(&host, fields, ""), 200);
    cJSON *json = host_json(&host);
    const cJSON *one = host_bid(json, 0, NULL);
    snprintf(win, sizeof win, "%s", host_text(one, "nurl"));
    snprintf(bill, sizeof bill, "%s", host_text(one, "burl"));
    snprintf(loss, sizeof loss, "%s", host_text(one, "lurl"));
    snprintf(text, sizeof text, "%s", strstr(win, "?t=") + 3);
    cJSON_Delete(json);
    assert_int_equal(qbid_token_verify(&host.broker.keys, text, QBID_TOKEN_CHARS, &bid_token), 0);
    host_drop_events(&host);
}

static int send_kind(const char *kind, const char *more)
{
    char query[512];
    snprintf(query, sizeof query, "t=%s%s", text, more);
    return host_send(&host, kind, query);
}

static void assert_from_bid(const struct qbid_event *event, enum qbid_event_kind kind)
{
    assert_int_equal(event->kind, kind);
    assert_true(event->nonce == bid_token.nonce);
    assert_true(event->time_ns == host.now_ns);
    assert_int_equal(event->gen, bid_token.gen);
    assert_int_equal(event->level, bid_token.level);
    assert_int_equal(event->privacy, bid_token.privacy);
    assert_true(event->u.notice.context == bid_token.context);
    assert_int_equal(event->u.notice.bid_nanos, 5000000);
    assert_int_equal(event->u.notice.line_item_id, 1);
    assert_int_equal(event->u.notice.creative_id, 101);
    assert_true(event->u.notice.bid_time_ns == bid_token.bid_time_ns);
}

static void every_kind_is_accepted_counted_and_pushed(void **state)
{
    static const struct {
        const char *kind, *more;
        enum qbid_event_kind event;
        enum qbid_counter counter;
        int status;
        int64_t nanos;
    } row[] = {
        {"win", "&p=4.5", QBID_EVENT_WIN, QBID_COUNTER_NOTICE_WIN, 200, 4500000},
        {"bill", "&p=4.5", QBID_EVENT_BILL, QBID_COUNTER_NOTICE_BILL, 200, 4500000},
        {"loss", "&l=102&m=6", QBID_EVENT_LOSS, QBID_COUNTER_NOTICE_LOSS, 200,
         (INT64_C(6000000) << 16) + 102},
        {"imp", "", QBID_EVENT_IMP, QBID_COUNTER_NOTICE_IMP, 200, 0},
        {"click", "", QBID_EVENT_CLICK, QBID_COUNTER_NOTICE_CLICK, 302, 0},
        {"conv", "&v=3", QBID_EVENT_CONV, QBID_COUNTER_NOTICE_CONV, 200, 3000000000},
        {"video", "&e=midpoint", QBID_EVENT_VIDEO, QBID_COUNTER_NOTICE_VIDEO, 200,
         QBID_VIDEO_MIDPOINT},
    };
    (void)state;
    bid("\"at\":1");
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint64_t counted = host_counter(&host, row[i].counter);
        uint64_t all = host_counter(&host, QBID_COUNTER_NOTICES);
        assert_int_equal(send_kind(row[i].kind, row[i].more), row[i].status);
        struct qbid_event event = host_event(&host, row[i].event);
        assert_from_bid(&event, row[i].event);
        assert_true(event.u.notice.price_nanos == row[i].nanos);
        assert_int_equal(event.flags, QBID_EVENT_FIRST_PRICE);
        assert_int_equal(host_counter(&host, row[i].counter), counted + 1);
        assert_int_equal(host_counter(&host, QBID_COUNTER_NOTICES), all + 1);
    }
}

static void the_urls_of_an_answer_come_back(void **state)
{
    (void)state;
    bid("");
    assert_int_equal(host_notice(&host, win, "4.35", "4.2"), 200);
    assert_int_equal(host_event(&host, QBID_EVENT_WIN).u.notice.price_nanos, 4350000);
    assert_int_equal(host_notice(&host, bill, "4.35", NULL), 200);
    assert_int_equal(host_event(&host, QBID_EVENT_BILL).u.notice.price_nanos, 4350000);
    assert_int_equal(host_notice(&host, loss, NULL, "7"), 200);
    assert_int_equal(qbid_event_detail_nanos(host_event(&host, QBID_EVENT_LOSS).u.notice.detail),
                     7000000);
    bid("\"cur\":[\"USD\"]");
    assert_int_equal(host_notice(&host, bill, "0.714285", NULL), 200);
    struct qbid_event event = host_event(&host, QBID_EVENT_BILL);
    assert_int_equal(event.u.notice.price_nanos, 5000000);
    assert_int_equal(event.flags, 0);
}

static void a_repeated_notice_is_answered_alike(void **state)
{
    (void)state;
    bid("");
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(send_kind("bill", "&p=1"), 200);
    for (unsigned i = 0; i < 5; i++)
        assert_true(host_event(&host, QBID_EVENT_BILL).nonce == bid_token.nonce);
}

static void an_unreplaced_macro_leaves_the_price_unknown(void **state)
{
    (void)state;
    bid("");
    uint64_t unknown = host_counter(&host, QBID_COUNTER_PRICE_UNKNOWN);
    assert_int_equal(host_notice(&host, bill, NULL, NULL), 200); /* "${AUCTION_PRICE}" */
    struct qbid_event event = host_event(&host, QBID_EVENT_BILL);
    assert_int_equal(event.flags, QBID_EVENT_PRICE_UNKNOWN);
    assert_int_equal(event.u.notice.price_nanos, 0);
    assert_int_equal(host_notice(&host, bill, "%24%7BAUCTION_PRICE%7D", NULL), 200);
    assert_int_equal(host_event(&host, QBID_EVENT_BILL).flags, QBID_EVENT_PRICE_UNKNOWN);
    assert_int_equal(host_counter(&host, QBID_COUNTER_PRICE_UNKNOWN), unknown + 2);
}

static void an_audit_render_is_accepted_and_not_counted(void **state)
{
    (void)state;
    bid("");
    uint64_t notices = host_counter(&host, QBID_COUNTER_NOTICES);
    assert_int_equal(host_notice(&host, bill, "AUDIT", NULL), 200);
    struct qbid_event event = host_event(&host, QBID_EVENT_BILL);
    assert_int_equal(event.flags, QBID_EVENT_TEST);
    assert_int_equal(event.u.notice.price_nanos, 0);
    assert_int_equal(host_counter(&host, QBID_COUNTER_NOTICES), notices);
}

static void notices_of_a_test_bid_are_tests(void **state)
{
    (void)state;
    bid("\"test\":1");
    uint64_t notices = host_counter(&host, QBID_COUNTER_NOTICES);
    assert_int_equal(send_kind("bill", "&p=1"), 200);
    assert_true(host_event(&host, QBID_EVENT_BILL).flags & QBID_EVENT_TEST);
    assert_int_equal(host_counter(&host, QBID_COUNTER_NOTICES), notices);
}

static void a_price_above_the_bid_is_counted_and_forwarded(void **state)
{
    (void)state;
    bid("");
    uint64_t above = host_counter(&host, QBID_COUNTER_PRICE_ABOVE);
    assert_int_equal(send_kind("bill", "&p=5.01"), 200);
    struct qbid_event event = host_event(&host, QBID_EVENT_BILL);
    assert_int_equal(event.flags, QBID_EVENT_PRICE_ABOVE);
    assert_int_equal(event.u.notice.price_nanos, 5010000);
    assert_int_equal(host_counter(&host, QBID_COUNTER_PRICE_ABOVE), above + 1);
}

static void forged_and_unreadable_tokens_are_refused_and_counted(void **state)
{
    (void)state;
    bid("");
    uint64_t forged = host_counter(&host, QBID_COUNTER_TOKEN_FORGED);
    uint64_t malformed = host_counter(&host, QBID_COUNTER_TOKEN_MALFORMED);
    uint64_t notices = host_counter(&host, QBID_COUNTER_NOTICES);
    text[40] = text[40] == 'A' ? 'B' : 'A';
    assert_int_equal(send_kind("bill", "&p=1"), 403);
    assert_int_equal(send_kind("click", ""), 403);
    assert_int_equal(host.location_len, 0);
    assert_int_equal(host_counter(&host, QBID_COUNTER_TOKEN_FORGED), forged + 2);
    text[40] = '!';
    assert_int_equal(send_kind("bill", "&p=1"), 400);
    assert_int_equal(host_send(&host, "bill", "p=1"), 400);
    assert_int_equal(host_send(&host, "bill", ""), 400);
    assert_int_equal(host_send(&host, "pay", "t=x"), 400);
    assert_int_equal(host_counter(&host, QBID_COUNTER_TOKEN_MALFORMED), malformed + 4);
    assert_int_equal(host_counter(&host, QBID_COUNTER_NOTICES), notices);
    assert_int_equal(host_drop_events(&host), 0);
}

/* 6 bits a character and no spare ones: these are all bits of a token. */
static void every_flipped_bit_is_refused_in_every_kind(void **state)
{
    static const char base64url[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned refused = 0;
    (void)state;
    bid("");
    uint64_t notices = host_counter(&host, QBID_COUNTER_NOTICES);
    uint64_t forged = host_counter(&host, QBID_COUNTER_TOKEN_FORGED);
    uint64_t malformed = host_counter(&host, QBID_COUNTER_TOKEN_MALFORMED);
    for (size_t kind = 0; kind < KINDS; kind++)
        for (unsigned bit = 0; bit < 6 * QBID_TOKEN_CHARS; bit++) {
            char *at = &text[bit / 6], right = *at;
            *at = base64url[(unsigned)(strchr(base64url, right) - base64url) ^ 1u << bit % 6];
            int status = send_kind(kinds[kind], "&p=1&l=102&v=1&e=start");
            assert_true(status == 403 || (status == 400 && bit < 12)); /* another version */
            assert_int_equal(host.location_len, 0);
            *at = right;
            refused++;
        }
    print_message("token bits flipped, in all kinds: %u of %u refused\n", refused,
                  (unsigned)KINDS * 8 * QBID_TOKEN_BYTES);
    assert_int_equal(refused, KINDS * 8 * QBID_TOKEN_BYTES);
    assert_int_equal(host_counter(&host, QBID_COUNTER_TOKEN_FORGED) - forged +
                         host_counter(&host, QBID_COUNTER_TOKEN_MALFORMED) - malformed,
                     refused);
    assert_int_equal(host_counter(&host, QBID_COUNTER_NOTICES), notices);
    assert_int_equal(host_drop_events(&host), 0);
    assert_int_equal(send_kind("bill", "&p=1"), 200); /* the token itself is as it was */
}

static void auction_notices_expire_by_the_boot_clock(void **state)
{
    static const char *const kind[] = {"win", "bill", "loss"};
    uint64_t now = host.now_ns;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        bid("");
        uint64_t expired = host_counter(&host, QBID_COUNTER_TOKEN_EXPIRED);
        host.now_ns = now + ACCOUNT_NOTICE_TTL_S * QBID_NS_PER_S;
        assert_int_equal(send_kind(kind[i], "&p=1"), 200);
        host.now_ns++;
        assert_int_equal(send_kind(kind[i], "&p=1"), 410);
        host.now_ns = now - 1; /* a bid that was not made yet: another boot */
        assert_int_equal(send_kind(kind[i], "&p=1"), 410);
        assert_int_equal(host_counter(&host, QBID_COUNTER_TOKEN_EXPIRED), expired + 2);
        host.now_ns = now;
        assert_int_equal(host_drop_events(&host), 1);
    }
}

/* A token as it was signed `age_s` ago by the wall clock, in an earlier boot. */
static void sign_aged(int64_t age_s)
{
    struct qbid_token token = bid_token;
    token.bid_time_ns = UINT64_MAX / 2;
    token.bid_unix_s = (uint32_t)((int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S) - age_s);
    assert_int_equal(qbid_token_sign(&host.broker.keys, &token, text), 0);
}

static void user_notices_expire_by_the_wall_clock(void **state)
{
    static const char *const kind[] = {"imp", "click", "conv", "video"};
    (void)state;
    host.now_ns = qbid_now_ns();
    bid("");
    for (unsigned i = 0; i < 4; i++) {
        int good = i == 1 ? 302 : 200;
        sign_aged(ACCOUNT_EVENT_TTL_S - 5);
        assert_int_equal(send_kind(kind[i], ""), good);
        sign_aged(ACCOUNT_EVENT_TTL_S + 5);
        assert_int_equal(send_kind(kind[i], ""), 410);
        sign_aged(-1800); /* the clock was set back half an hour */
        assert_int_equal(send_kind(kind[i], ""), good);
        sign_aged(-7200);
        assert_int_equal(send_kind(kind[i], ""), 410);
    }
}

static void a_click_goes_to_the_landing_page_of_its_creative(void **state)
{
    char want[512];
    (void)state;
    bid("");
    assert_int_equal(send_kind("click", "&url=https%3A%2F%2Fevil.example&r=x"), 302);
    snprintf(want, sizeof want, "https://shop.example/p?id=%s&x=1", text);
    assert_int_equal(host.location_len, strlen(want));
    assert_memory_equal(host.location, want, host.location_len);
}

static void a_click_without_a_landing_page_is_still_counted(void **state)
{
    struct qbid_token token = bid_token;
    (void)state;
    token.creative_id = 999999; /* gone since */
    assert_int_equal(qbid_token_sign(&host.broker.keys, &token, text), 0);
    uint64_t clicks = host_counter(&host, QBID_COUNTER_NOTICE_CLICK);
    assert_int_equal(send_kind("click", ""), 200);
    assert_int_equal(host.location_len, 0);
    assert_int_equal(host_counter(&host, QBID_COUNTER_NOTICE_CLICK), clicks + 1);
    bid("");
    size_t none;
    char query[200];
    snprintf(query, sizeof query, "t=%s", text);
    for (size_t room = 20; room <= 30; room += 10) { /* not for its beginning, nor for the token */
        assert_int_equal(qbid_worker_notice(host.worker, "click", 5, query, strlen(query),
                                            host.now_ns, host.location, room, &none),
                         200);
        assert_int_equal(none, 0);
    }
}

/* Publish creatives of ids 1, 2, ... with these landing pages. */
static void publish_landings(uint64_t gen, unsigned n, const char *const *landing)
{
    struct image_fixture f;
    size_t bytes;
    image_fixture_init(&f);
    f.header.gen = gen;
    f.header.event_ttl_ns = ACCOUNT_EVENT_TTL_S * QBID_NS_PER_S;
    image_fixture_line_item(&f, (struct qbid_line_item){.id = 1});
    for (uint32_t i = 0; i < n; i++)
        image_fixture_creative(&f, &(struct image_fixture_creative){
                                       .id = i + 1, .line_item_id = 1, .landing = landing[i]});
    void *image = image_fixture_build(&f, &bytes);
    image_fixture_done(&f);
    broker_publish(&host.broker, image, bytes);
    free(image);
}

static int click(uint32_t creative_id)
{
    struct qbid_token token = bid_token;
    token.creative_id = creative_id;
    assert_int_equal(qbid_token_sign(&host.broker.keys, &token, text), 0);
    return send_kind("click", "");
}

static void a_click_finds_its_creative_in_any_table(void **state)
{
    static const char *const long_list[] = {"https://a.example/1", "https://a.example/2",
                                            "https://a.example/3"};
    static const char *const short_list[] = {"https://b.example/1", "https://b.example/2"};
    (void)state;
    bid("");
    publish_landings(20, 3, long_list);
    for (unsigned round = 0; round < 2; round++) /* found, then remembered */
        for (uint32_t id = 1; id <= 3; id++) {
            assert_int_equal(click(id), 302);
            assert_int_equal(host.location_len, strlen(long_list[id - 1]));
            assert_memory_equal(host.location, long_list[id - 1], host.location_len);
        }
    publish_landings(21, 2, short_list);
    assert_int_equal(click(3), 200); /* its place is beyond the new table */
    assert_int_equal(host.location_len, 0);
    assert_int_equal(click(2), 302);
    assert_memory_equal(host.location, short_list[1], host.location_len);
    host_drop_events(&host);
}

static void a_click_goes_to_pages_of_the_web_only(void **state)
{
    static const char *const landing[] = {
        "http://a.example/",   "http://a", "https://a", "https://",           "http://",
        "javascript:alert(1)", "ftp://a",  "",          "HTTPS://a.example/", "//a.example/x"};
    const bool goes[] = {true, true, true, false, false, false, false, false, false, false};
    (void)state;
    publish_landings(22, sizeof landing / sizeof landing[0], landing);
    for (uint32_t i = 0; i < sizeof landing / sizeof landing[0]; i++) {
        assert_int_equal(click(i + 1), goes[i] ? 302 : 200);
        assert_int_equal(host.location_len, goes[i] ? strlen(landing[i]) : 0);
    }
    host_drop_events(&host);
    size_t bytes;
    void *image = account_image(23, &bytes);
    broker_publish(&host.broker, image, bytes);
    free(image);
}

static void tokens_of_the_key_before_are_accepted_after_a_rotation(void **state)
{
    size_t bytes;
    void *image = account_image(30, &bytes);
    (void)state;
    bid("");
    broker_keys(&host.broker, 3, 1);
    broker_publish(&host.broker, image, bytes);
    assert_int_equal(send_kind("bill", "&p=1"), 200);
    free(image);
    image = account_image(31, &bytes);
    broker_keys(&host.broker, 4, 3);
    broker_publish(&host.broker, image, bytes);
    assert_int_equal(send_kind("bill", "&p=1"), 403);
    free(image);
}

/* The first key has been taken away and no other is there yet: nothing is signed, but what is under
 * way is still verified. */
static void a_second_key_alone_verifies(void **state)
{
    size_t bytes;
    void *image = account_image(32, &bytes);
    (void)state;
    bid("");
    broker_keys(&host.broker, 0, 4);
    broker_publish(&host.broker, image, bytes);
    free(image);
    assert_int_equal(send_kind("bill", "&p=1"), 200);
    assert_int_equal(host_ask_with(&host, "", ""), 204);
    image = account_image(33, &bytes);
    broker_keys(&host.broker, 1, 2);
    broker_publish(&host.broker, image, bytes);
    free(image);
    host_drop_events(&host);
}

static void money_that_the_ring_cannot_hold_is_asked_for_again(void **state)
{
    static struct host small;
    char query[200];
    (void)state;
    host_open(&small, NULL, QBID_PAGE_RING_LG_MIN);
    assert_int_equal(host_ask_with(&small, "", ""), 200);
    cJSON *json = host_json(&small);
    snprintf(query, sizeof query, "t=%.96s&p=1",
             strstr(host_text(host_bid(json, 0, NULL), "nurl"), "?t=") + 3);
    cJSON_Delete(json);
    for (unsigned i = 1; i < 1u << QBID_PAGE_RING_LG_MIN; i++)
        assert_int_equal(host_send(&small, "bill", query), 200);
    assert_int_equal(host_send(&small, "bill", query), 503);
    assert_int_equal(host_send(&small, "win", query), 503);
    assert_int_equal(host_send(&small, "imp", query), 200); /* no money in it */
    assert_int_equal(host_counter(&small, QBID_COUNTER_NOTICE_BILL), 63);
    host_drop_events(&small);
    assert_int_equal(host_send(&small, "bill", query), 200);
    host_close(&small);
}

static int status_without_qbidd(const char *image_file)
{
    struct qbid_options options = {.size = sizeof options,
                                   .image_file = image_file,
                                   .notice_url = HOST_NOTICE_URL,
                                   .worker_timeout_ms = 1};
    struct qbid *qbid;
    struct qbid_worker *worker;
    size_t len;
    char query[200];
    snprintf(query, sizeof query, "t=%s&p=1", text);
    assert_int_equal(qbid_open(&options, &qbid), 0);
    assert_int_equal(qbid_worker_open(qbid, &worker), 0);
    int status =
        qbid_worker_notice(worker, "bill", 4, query, strlen(query), qbid_now_ns(), NULL, 0, &len);
    qbid_worker_close(worker);
    qbid_close(qbid);
    return status;
}

static void without_table_or_keys_notices_are_asked_for_again(void **state)
{
    char path[] = "/tmp/qbid-test-XXXXXX";
    size_t bytes;
    void *image = account_image(5, &bytes);
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0 && write(fd, image, bytes) == (ssize_t)bytes);
    close(fd);
    assert_int_equal(status_without_qbidd("no-such-file"), 503);
    assert_int_equal(status_without_qbidd(path), 503); /* keys are never in an image */
    unlink(path);
    free(image);
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
        cmocka_unit_test(every_kind_is_accepted_counted_and_pushed),
        cmocka_unit_test(the_urls_of_an_answer_come_back),
        cmocka_unit_test(a_repeated_notice_is_answered_alike),
        cmocka_unit_test(an_unreplaced_macro_leaves_the_price_unknown),
        cmocka_unit_test(an_audit_render_is_accepted_and_not_counted),
        cmocka_unit_test(notices_of_a_test_bid_are_tests),
        cmocka_unit_test(a_price_above_the_bid_is_counted_and_forwarded),
        cmocka_unit_test(forged_and_unreadable_tokens_are_refused_and_counted),
        cmocka_unit_test(every_flipped_bit_is_refused_in_every_kind),
        cmocka_unit_test(auction_notices_expire_by_the_boot_clock),
        cmocka_unit_test(user_notices_expire_by_the_wall_clock),
        cmocka_unit_test(a_click_goes_to_the_landing_page_of_its_creative),
        cmocka_unit_test(a_click_without_a_landing_page_is_still_counted),
        cmocka_unit_test(a_click_finds_its_creative_in_any_table),
        cmocka_unit_test(a_click_goes_to_pages_of_the_web_only),
        cmocka_unit_test(tokens_of_the_key_before_are_accepted_after_a_rotation),
        cmocka_unit_test(a_second_key_alone_verifies),
        cmocka_unit_test(money_that_the_ring_cannot_hold_is_asked_for_again),
        cmocka_unit_test(without_table_or_keys_notices_are_asked_for_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
