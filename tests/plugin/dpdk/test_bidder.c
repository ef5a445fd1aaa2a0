/* SPDX-License-Identifier: Apache-2.0 */
/* Bursts of datagrams through the whole library: answers by format, each to its own request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "plugin/dpdk/bidder.h"
#include "tests/control/models/rng.h"
#include "tests/plugin/account.h"
#include "tests/plugin/dpdk/message_oracle.h"
#include "tests/plugin/host.h"

#define ROOM 1472
#define ERRORS_PER_S 1000

static struct host host;
static struct qbid_bidder bidder;
static struct qbid_counters counters;
static struct qbid_datagram datagram[QBID_BIDDER_BURST];
static char bytes[QBID_BIDDER_BURST][ROOM + QBID_PADDING];

static void put(unsigned i, const void *payload, size_t len)
{
    memcpy(bytes[i], payload, len);
    memset(bytes[i] + len, '"', QBID_PADDING);
    datagram[i] = (struct qbid_datagram){.bytes = bytes[i], .len = (uint32_t)len, .max = ROOM};
}

static void answer(unsigned n)
{
    qbid_bidder_answer(&bidder, datagram, n, host.now_ns);
}

static const char *answer_text(const char *payload)
{
    static char text[ROOM + 1];
    put(0, payload, strlen(payload));
    answer(1);
    memcpy(text, bytes[0], datagram[0].ret_len);
    text[datagram[0].ret_len] = '\0';
    return text;
}

static uint64_t counted(enum qbid_count which)
{
    return atomic_load(&counters.count[which]);
}

/* --- MessagePack by libmsgpack */

struct asked {
    const char *id, *slot, *site, *segment, *deal;
    uint64_t floor_micros, deal_floor_micros;
};

static void pack_text(msgpack_packer *p, const char *text)
{
    msgpack_pack_str(p, strlen(text));
    msgpack_pack_str_body(p, text, strlen(text));
}

static void pack_names(msgpack_packer *p, int key, const char *name)
{
    msgpack_pack_int(p, key);
    msgpack_pack_array(p, name ? 1 : 0);
    if (name)
        pack_text(p, name);
}

static void put_message(unsigned i, const struct asked *a)
{
    msgpack_sbuffer buffer;
    msgpack_packer p;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&p, &buffer, msgpack_sbuffer_write);
    msgpack_pack_map(&p, 8);
    msgpack_pack_int(&p, QBID_MESSAGE_VERSION_KEY);
    msgpack_pack_int(&p, 1);
    msgpack_pack_int(&p, QBID_MESSAGE_ID);
    pack_text(&p, a->id);
    pack_names(&p, QBID_MESSAGE_SLOTS, a->slot);
    msgpack_pack_int(&p, QBID_MESSAGE_SITE);
    pack_text(&p, a->site ? a->site : "");
    pack_names(&p, QBID_MESSAGE_SEGMENTS, a->segment);
    msgpack_pack_int(&p, QBID_MESSAGE_FLOOR);
    msgpack_pack_uint64(&p, a->floor_micros);
    msgpack_pack_int(&p, QBID_MESSAGE_AUCTION);
    msgpack_pack_int(&p, 2);
    msgpack_pack_int(&p, QBID_MESSAGE_DEALS);
    msgpack_pack_array(&p, a->deal ? 1 : 0);
    if (a->deal) {
        msgpack_pack_array(&p, 2);
        pack_text(&p, a->deal);
        msgpack_pack_uint64(&p, a->deal_floor_micros);
    }
    put(i, buffer.data, buffer.size);
    msgpack_sbuffer_destroy(&buffer);
}

/* An answer's field: its number, or for a string its length and *ret_text. */
static bool field(unsigned i, uint64_t key, uint64_t *ret, char *ret_text)
{
    msgpack_unpacked u;
    size_t off = 0;
    bool found = false;
    msgpack_unpacked_init(&u);
    assert_int_equal(msgpack_unpack_next(&u, bytes[i], datagram[i].ret_len, &off),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(off, datagram[i].ret_len);
    for (uint32_t k = 0; k < u.data.via.map.size; k++) {
        const msgpack_object_kv *kv = &u.data.via.map.ptr[k];
        if (kv->key.via.u64 != key)
            continue;
        found = true;
        *ret = kv->val.via.u64;
        if (kv->val.type == MSGPACK_OBJECT_STR) {
            *ret = kv->val.via.str.size;
            memcpy(ret_text, kv->val.via.str.ptr, kv->val.via.str.size);
            ret_text[*ret] = '\0';
        }
    }
    msgpack_unpacked_destroy(&u);
    return found;
}

static uint64_t number(unsigned i, uint64_t key)
{
    uint64_t value = 0;
    assert_true(field(i, key, &value, NULL));
    return value;
}

static bool has(unsigned i, uint64_t key)
{
    uint64_t value;
    char text[256];
    return field(i, key, &value, text);
}

static void assert_id(unsigned i, const char *want)
{
    uint64_t len;
    char text[256];
    assert_true(field(i, QBID_MESSAGE_ID, &len, text));
    assert_string_equal(text, want);
}

/* --- tests */

static void a_message_gets_a_bid_whose_token_settles_it(void **state)
{
    char token[256], query[512];
    uint64_t len;
    (void)state;
    put_message(0, &(struct asked){.id = "one", .slot = "banner:300x250", .floor_micros = 1});
    answer(1);
    assert_id(0, "one");
    assert_int_equal(number(0, QBID_MESSAGE_PRICE), 5000000);
    assert_int_equal(number(0, QBID_MESSAGE_LINE_ITEM), 1);
    assert_int_equal(number(0, QBID_MESSAGE_CAMPAIGN), 901);
    assert_int_equal(number(0, QBID_MESSAGE_GENERATION), 1);
    assert_false(has(0, QBID_MESSAGE_DEAL));
    uint64_t bid = number(0, QBID_MESSAGE_BID);
    assert_true(field(0, QBID_MESSAGE_TOKEN, &len, token));
    assert_int_equal(len, QBID_NOTICE_TOKEN_CHARS);
    host_drop_events(&host);
    snprintf(query, sizeof query, "/bill?t=%s&p=4.5", token);
    assert_string_equal(answer_text(query), "200");
    struct qbid_event event = host_event(&host, QBID_EVENT_BILL);
    assert_int_equal(event.nonce, bid);
    assert_int_equal(event.u.notice.price_nanos, 4500000);
    snprintf(query, sizeof query, "/click?t=%s", token);
    assert_non_null(strstr(answer_text(query), "302 https://shop.example/p?id="));
    query[20] = query[20] == 'A' ? 'B' : 'A';
    assert_string_equal(answer_text(query), "403");
    assert_string_equal(answer_text("/nonsense"), "400");
}

static void deals_floors_sites_and_segments_reach_the_decision(void **state)
{
    (void)state;
    put_message(0, &(struct asked){"a", "banner:300x250", .deal = "deal-3"});
    put_message(
        1, &(struct asked){"b", "banner:300x250", .deal = "deal-3", .deal_floor_micros = 21000000});
    put_message(2, &(struct asked){"c", "banner:728x90", .floor_micros = 5000001});
    put_message(3, &(struct asked){"d", "banner:160x600", .site = "News.EXAMPLE"});
    put_message(4, &(struct asked){"e", "banner:160x600", .site = "other.example"});
    put_message(5, &(struct asked){"f", "banner:336x280", .segment = "vip"});
    put_message(6, &(struct asked){.id = "g", .slot = "banner:336x280"});
    answer(7);
    assert_int_equal(number(0, QBID_MESSAGE_DEAL), 0);
    assert_int_equal(number(0, QBID_MESSAGE_PRICE), 20000000);
    assert_int_equal(number(1, QBID_MESSAGE_PRICE), 5000000);
    assert_int_equal(number(2, QBID_MESSAGE_NBR), 502);
    assert_int_equal(number(3, QBID_MESSAGE_LINE_ITEM), 4);
    assert_int_equal(number(4, QBID_MESSAGE_NBR), 500);
    assert_int_equal(number(5, QBID_MESSAGE_LINE_ITEM), 6);
    assert_int_equal(number(6, QBID_MESSAGE_NBR), 500);
}

static const char *const slots[] = {"banner:300x250", "banner:728x90",  "video:640x360",
                                    "banner:160x600", "banner:336x280", "banner:1x1"};

/* The burst is decided together; each of it must get what it would get alone. */
static void a_burst_is_answered_as_its_requests_alone(void **state)
{
    struct rng r = rng_init(9);
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct qbid_request request[QBID_BIDDER_BURST];
        struct qbid_message message[QBID_BIDDER_BURST];
        char id[QBID_BIDDER_BURST][16];
        unsigned n = 1 + rng_below(&r, QBID_BIDDER_BURST);
        for (unsigned i = 0; i < n; i++) {
            snprintf(id[i], sizeof id[i], "%u-%u", round, i);
            put_message(i, &(struct asked){id[i], slots[rng_below(&r, 6)],
                                           rng_below(&r, 2) ? "news.example" : NULL,
                                           rng_below(&r, 2) ? "vip" : NULL,
                                           rng_below(&r, 2) ? "deal-3" : NULL,
                                           rng_below(&r, 9000000), rng_below(&r, 30000000)});
            assert_true(message_oracle_read(bytes[i], datagram[i].len, bidder.hour_hash,
                                            &request[i], &message[i]));
        }
        answer(n);
        for (unsigned i = 0; i < n; i++) {
            struct qbid_decision d;
            request[i].badv = message[i].badv;
            request[i].bcat = message[i].bcat;
            assert_int_equal(qbid_worker_decide(host.worker, &request[i], host.now_ns, &d), 0);
            assert_id(i, id[i]);
            assert_int_equal(has(i, QBID_MESSAGE_PRICE), d.nobid == 0);
            if (d.nobid != 0) {
                assert_int_equal(number(i, QBID_MESSAGE_NBR), qbid_message_nbr(d.nobid));
                continue;
            }
            assert_int_equal(number(i, QBID_MESSAGE_PRICE), d.bid_micros);
            assert_int_equal(number(i, QBID_MESSAGE_CREATIVE), d.creative_id);
            assert_int_equal(number(i, QBID_MESSAGE_LINE_ITEM), d.line_item_id);
            assert_int_equal(has(i, QBID_MESSAGE_DEAL), d.deal != 0);
        }
    }
}

static void json_is_answered_in_json(void **state)
{
    (void)state;
    const char *text = answer_text("{\"id\":\"j1\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,"
                                   "\"h\":250}}],\"cur\":[\"CNY\"]}");
    assert_non_null(strstr(text, "\"id\":\"j1\""));
    assert_non_null(strstr(text, "\"price\":5,"));
    text = answer_text("{\"id\":\"j\\\"2\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":1,\"h\":1}}]}");
    assert_string_equal(text, "{\"id\":\"j\\\"2\",\"nbr\":500}");
    assert_string_equal(answer_text("{\"id\":\"j3\",\"imp\":[]}"), "{\"nbr\":2}");
    assert_string_equal(answer_text("{"), "{\"nbr\":2}");
}

static void a_bid_that_does_not_fit_is_none(void **state)
{
    uint64_t before = counted(QBID_COUNT_NOBIDS);
    (void)state;
    const char *text =
        answer_text("{\"id\":\"big\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":970,\"h\":250}}]}");
    assert_string_equal(text, "{\"id\":\"big\",\"nbr\":2}");
    assert_int_equal(counted(QBID_COUNT_NOBIDS), before + 1);
}

static void what_is_no_request_is_never_answered(void **state)
{
    uint64_t before = counted(QBID_COUNT_UNKNOWN_FORMAT);
    (void)state;
    assert_string_equal(answer_text(""), "");
    assert_string_equal(answer_text("GET / HTTP/1.1"), "");
    assert_string_equal(answer_text("\xff\xff"), "");
    assert_string_equal(answer_text("\x90"), "");
    assert_int_equal(counted(QBID_COUNT_UNKNOWN_FORMAT), before + 4);
}

static void errors_are_told_at_their_rate(void **state)
{
    unsigned told = 0;
    uint64_t sent = counted(QBID_COUNT_ERRORS_SENT), held = counted(QBID_COUNT_ERRORS_HELD);
    (void)state;
    host.now_ns += UINT64_C(60000000000);
    for (unsigned i = 0; i < 1000; i++)
        told += answer_text("\x82\x00\x01\x01\xa1x\x55")[0] != '\0';
    assert_int_equal(told, 32);
    host.now_ns += UINT64_C(1000000000);
    for (unsigned i = 0; i < 1000; i++)
        told += answer_text("{")[0] != '\0';
    assert_int_equal(told, 64);
    assert_int_equal(counted(QBID_COUNT_ERRORS_SENT), sent + 64);
    assert_int_equal(counted(QBID_COUNT_ERRORS_HELD), held + 2000 - 64);
    /* a good request in between is not held back */
    put_message(0, &(struct asked){.id = "x", .slot = "banner:300x250"});
    answer(1);
    assert_true(has(0, QBID_MESSAGE_PRICE));
}

static void a_mixed_burst_keeps_answers_and_requests_together(void **state)
{
    (void)state;
    for (unsigned i = 0; i < QBID_BIDDER_BURST; i++) {
        char text[64];
        snprintf(text, sizeof text, i % 3 ? "{\"id\":\"m%u\",\"imp\":[{\"id\":\"1\"}]}" : "m%u", i);
        if (i % 3 == 0)
            put_message(i, &(struct asked){.id = text, .slot = "banner:728x90"});
        else if (i % 3 == 1)
            put(i, text, strlen(text));
        else
            put(i, "?", 1);
    }
    answer(QBID_BIDDER_BURST);
    for (unsigned i = 0; i < QBID_BIDDER_BURST; i++) {
        char want[64];
        snprintf(want, sizeof want, i % 3 ? "{\"id\":\"m%u\",\"nbr\":500}" : "m%u", i);
        if (i % 3 == 0)
            assert_id(i, want);
        else
            assert_int_equal(datagram[i].ret_len, i % 3 == 1 ? strlen(want) : 0);
        if (i % 3 == 1)
            assert_memory_equal(bytes[i], want, strlen(want));
    }
}

static void without_a_key_no_bid_is_sent(void **state)
{
    size_t size;
    void *image = account_image(2, &size);
    uint64_t before = counted(QBID_COUNT_UNSIGNED);
    (void)state;
    broker_keys(&host.broker, 0, 0);
    broker_publish(&host.broker, image, size);
    free(image);
    put_message(0, &(struct asked){.id = "k", .slot = "banner:300x250"});
    answer(1);
    assert_int_equal(number(0, QBID_MESSAGE_NBR), 1);
    assert_int_equal(counted(QBID_COUNT_UNSIGNED), before + 1);
}

static int setup(void **state)
{
    (void)state;
    host_open(&host, NULL, 16);
    qbid_bidder_init(&bidder, host.worker, "2", ERRORS_PER_S, &counters);
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
        cmocka_unit_test(a_message_gets_a_bid_whose_token_settles_it),
        cmocka_unit_test(deals_floors_sites_and_segments_reach_the_decision),
        cmocka_unit_test(a_burst_is_answered_as_its_requests_alone),
        cmocka_unit_test(json_is_answered_in_json),
        cmocka_unit_test(a_bid_that_does_not_fit_is_none),
        cmocka_unit_test(what_is_no_request_is_never_answered),
        cmocka_unit_test(errors_are_told_at_their_rate),
        cmocka_unit_test(a_mixed_burst_keeps_answers_and_requests_together),
        cmocka_unit_test(without_a_key_no_bid_is_sent),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
