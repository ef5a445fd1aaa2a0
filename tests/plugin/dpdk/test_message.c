/* SPDX-License-Identifier: Apache-2.0 */
/* Requests against a second reader of the same bytes, limits on both sides, and answers read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "plugin/dpdk/message.h"
#include "shm/error.h"
#include "tests/plugin/dpdk/message_oracle.h"
#include "tests/plugin/dpdk/message_random.h"

#define HOUR 4711

static struct qbid_request request, want_request;
static struct qbid_message message, want_message;

static int decode(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len + !len); /* a byte too far is seen */
    memcpy(copy, bytes, len);
    int err = qbid_message_decode(copy, len, HOUR, &request, &message);
    free(copy);
    return err;
}

static void assert_agrees(const uint8_t *bytes, size_t len, unsigned *ret_good)
{
    int err = decode(bytes, len);
    if (!message_oracle_can_read(bytes, len))
        return;
    bool good = message_oracle_read(bytes, len, HOUR, &want_request, &want_message);
    assert_int_equal(err == 0, good);
    if (!good)
        return;
    assert_null(message_oracle_differ(&request, &message, &want_request, &want_message));
    (*ret_good)++;
}

static void both_readers_agree_on_random_requests(void **state)
{
    static uint8_t bytes[MESSAGE_RANDOM_MAX];
    struct rng r = rng_init(1);
    unsigned good = 0, n = 60000;
    (void)state;
    for (unsigned i = 0; i < n; i++)
        assert_agrees(bytes, message_random(&r, bytes), &good);
    assert_in_range(good, n / 4, n * 9 / 10); /* both kinds are there */
}

static void both_readers_agree_on_damaged_requests(void **state)
{
    static uint8_t bytes[MESSAGE_RANDOM_MAX];
    struct rng r = rng_init(2);
    unsigned good = 0;
    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        size_t len = message_random(&r, bytes);
        for (unsigned n = 1 + rng_below(&r, 3); n > 0; n--)
            bytes[rng_below(&r, (uint32_t)len)] = (uint8_t)rng_next(&r);
        assert_agrees(bytes, rng_below(&r, 4) ? len : rng_below(&r, (uint32_t)len), &good);
    }
    assert_true(good > 1000);
}

static void every_prefix_of_a_request_is_malformed(void **state)
{
    static uint8_t bytes[MESSAGE_RANDOM_MAX];
    struct rng r = rng_init(3);
    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        size_t len = message_random(&r, bytes);
        if (decode(bytes, len) != 0)
            continue;
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(decode(bytes, cut), QBID_ERR_PARSE);
        bytes[len] = 0xc0;
        assert_int_equal(decode(bytes, len + 1), QBID_ERR_PARSE);
    }
}

/* --- single fields */

#define START "\x82\x00\x01\x01\xa2id"
#define MORE "\x83\x00\x01\x01\xa2id"

static int decode_with(const char *field, size_t len)
{
    char bytes[8192];
    memcpy(bytes, MORE, sizeof MORE - 1);
    memcpy(bytes + sizeof MORE - 1, field, len);
    return decode(bytes, sizeof MORE - 1 + len);
}
#define DECODE_WITH(field) decode_with(field, sizeof(field) - 1)

static void a_request_needs_version_and_id(void **state)
{
    (void)state;
    assert_int_equal(decode(START, sizeof START - 1), 0);
    assert_int_equal(request.auction, QBID_AUCTION_FIRST_PRICE);
    assert_int_equal(request.dim[7], HOUR);
    assert_int_equal(decode("\x81\x00\x01", 3), QBID_ERR_PARSE);
    assert_int_equal(decode("\x81\x01\xa2id", 5), QBID_ERR_PARSE);
    assert_int_equal(decode("\x82\x00\x01\x01\xa0", 5), QBID_ERR_PARSE);
    assert_int_equal(decode("\x80", 1), QBID_ERR_PARSE);
    assert_int_equal(decode("\x90", 1), QBID_ERR_PARSE);
    assert_int_equal(decode("", 0), QBID_ERR_PARSE);
}

static void another_version_says_so_with_the_id_if_that_came_first(void **state)
{
    (void)state;
    assert_int_equal(decode("\x82\x01\xa2id\x00\x02", 7), QBID_ERR_VERSION);
    assert_int_equal(message.id_len, 2);
    assert_int_equal(decode("\x82\x00\x02\x01\xa2id", 7), QBID_ERR_VERSION);
    assert_int_equal(message.id_len, 0);
}

static void fields_have_their_types_and_stand_once(void **state)
{
    (void)state;
    assert_int_equal(DECODE_WITH("\x00\x01"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x0b\xff"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x0b\xcb\x40\x00\x00\x00\x00\x00\x00\x00"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x08\xc4\x01x"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x04\xa1x"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x0c\x03"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x0d\x10"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x0e\x91\x91\xa1x"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\xc0\x01"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x63\xc1"), QBID_ERR_PARSE);
}

static void limits_are_limits(void **state)
{
    char field[300] = "\x08\xda\x00\xff";
    (void)state;
    memset(field + 4, 'x', 256);
    assert_int_equal(decode_with(field, 4 + 255), 0);
    field[2] = 1;
    field[3] = 0;
    assert_int_equal(decode_with(field, 4 + 256), QBID_ERR_LIMIT);
    assert_int_equal(DECODE_WITH("\x0a\xcc\xa7"), 0);
    assert_int_equal(DECODE_WITH("\x0a\xcc\xa8"), QBID_ERR_LIMIT);
    assert_int_equal(DECODE_WITH("\x0b\xcf\x00\x1f\xff\xff\xff\xff\xff\xff"), 0);
    assert_int_equal(DECODE_WITH("\x0b\xcf\x00\x20\x00\x00\x00\x00\x00\x00"), QBID_ERR_LIMIT);
    assert_int_equal(DECODE_WITH("\x04\xdc\x00\x11"), QBID_ERR_LIMIT);
}

static void unknown_fields_are_passed_over_to_sixteen_levels(void **state)
{
    char deep[40] = "\x63";
    (void)state;
    assert_int_equal(DECODE_WITH("\x63\x82\xa1x\x93\x01\xc0\xc3\x02\x80"), 0);
    assert_int_equal(DECODE_WITH("\xa5later\xdd\x00\x00\x00\x02\x01\x02"), 0);
    assert_int_equal(DECODE_WITH("\xe0\xd8\x05"
                                 "0123456789abcdef"),
                     0);
    memset(deep + 1, 0x91, 16);
    assert_int_equal(decode_with(deep, 18), 0);
    memset(deep + 1, 0x91, 17);
    assert_int_equal(decode_with(deep, 19), QBID_ERR_LIMIT);
    assert_int_equal(DECODE_WITH("\x63\xdd\xff\xff\xff\xff\x01"), QBID_ERR_PARSE);
    assert_int_equal(DECODE_WITH("\x63\xdb\xff\xff\xff\xff\x01"), QBID_ERR_PARSE);
}

static void restricted_requests_have_no_segments(void **state)
{
    const char bytes[] = "\x84\x00\x01\x01\xa2id\x09\x92\xa3vip\xa1z\x0d\x09";
    (void)state;
    assert_int_equal(decode(bytes, sizeof bytes - 1), 0);
    assert_int_equal(request.segment_cnt, 0);
    assert_int_equal(request.privacy, QBID_PRIVACY_RESTRICTED);
    assert_int_equal(request.flags, QBID_REQUEST_SECURE);
}

/* --- answers, read by libmsgpack */

static msgpack_unpacked unpacked;

static const msgpack_object *field(uint64_t key)
{
    const msgpack_object_map *map = &unpacked.data.via.map;
    for (uint32_t i = 0; i < map->size; i++)
        if (map->ptr[i].key.via.u64 == key)
            return &map->ptr[i].val;
    return NULL;
}

static uint64_t number(uint64_t key)
{
    const msgpack_object *o = field(key);
    assert_non_null(o);
    assert_int_equal(o->type, MSGPACK_OBJECT_POSITIVE_INTEGER);
    return o->via.u64;
}

static void unpack(const char *out, uint32_t len, uint32_t fields)
{
    size_t off = 0;
    msgpack_unpacked_destroy(&unpacked);
    msgpack_unpacked_init(&unpacked);
    assert_true(len <= QBID_MESSAGE_ANSWER_MAX);
    assert_int_equal(msgpack_unpack_next(&unpacked, out, len, &off), MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(off, len);
    assert_int_equal(unpacked.data.type, MSGPACK_OBJECT_MAP);
    assert_int_equal(unpacked.data.via.map.size, fields);
    assert_int_equal(number(0), 1);
}

static void ask_with(uint8_t id_len, uint8_t imp_len)
{
    message.id_len = id_len;
    message.imp_len = imp_len;
    memset(message.id, 'i', sizeof message.id);
    memset(message.imp, 'm', sizeof message.imp);
}

static void a_bid_comes_back_whole(void **state)
{
    char out[QBID_MESSAGE_ANSWER_MAX], token[QBID_NOTICE_TOKEN_CHARS];
    struct rng r = rng_init(4);
    (void)state;
    memset(token, 'T', sizeof token);
    for (unsigned i = 0; i < 20000; i++) {
        struct qbid_decision d = {
            .bid_micros = (int64_t)(rng_next(&r) >> (1 + rng_below(&r, 63))),
            .nonce = rng_next(&r) >> rng_below(&r, 64),
            .gen = rng_next(&r) >> rng_below(&r, 64),
            .creative_id = (uint32_t)rng_next(&r) >> rng_below(&r, 32),
            .line_item_id = (uint32_t)rng_next(&r) >> rng_below(&r, 32),
            .campaign_id = (uint32_t)rng_next(&r) >> rng_below(&r, 32),
            .deal = (uint8_t)rng_below(&r, 17),
        };
        ask_with((uint8_t)(1 + rng_below(&r, 64)), (uint8_t)rng_below(&r, 33));
        uint32_t len = qbid_message_bid(&message, &d, token, out);
        unpack(out, len, 9u + (message.imp_len != 0) + (d.deal != 0));
        assert_int_equal(field(1)->via.str.size, message.id_len);
        assert_memory_equal(field(1)->via.str.ptr, message.id, message.id_len);
        assert_int_equal(number(4), d.bid_micros);
        assert_int_equal(number(5), d.creative_id);
        assert_int_equal(number(6), d.line_item_id);
        assert_int_equal(number(7), d.campaign_id);
        if (d.deal)
            assert_int_equal(number(8), d.deal - 1);
        assert_int_equal(number(9), d.nonce);
        assert_int_equal(field(10)->via.str.size, sizeof token);
        assert_int_equal(number(11), d.gen);
    }
}

static void no_bid_and_errors_say_why(void **state)
{
    char out[QBID_MESSAGE_ANSWER_MAX];
    (void)state;
    ask_with(64, 32);
    unpack(out, qbid_message_nobid(&message, QBID_NOBID_BELOW_FLOOR, out), 4);
    assert_int_equal(number(3), 502);
    assert_int_equal(field(2)->via.str.size, 32);
    ask_with(3, 0);
    unpack(out, qbid_message_error(&message, QBID_MESSAGE_OVER_LIMIT, out), 3);
    assert_int_equal(number(12), 3);
    ask_with(0, 0);
    unpack(out, qbid_message_error(&message, QBID_MESSAGE_MALFORMED, out), 2);
    assert_null(field(1));
}

static int teardown(void **state)
{
    (void)state;
    msgpack_unpacked_destroy(&unpacked);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_readers_agree_on_random_requests),
        cmocka_unit_test(both_readers_agree_on_damaged_requests),
        cmocka_unit_test(every_prefix_of_a_request_is_malformed),
        cmocka_unit_test(a_request_needs_version_and_id),
        cmocka_unit_test(another_version_says_so_with_the_id_if_that_came_first),
        cmocka_unit_test(fields_have_their_types_and_stand_once),
        cmocka_unit_test(limits_are_limits),
        cmocka_unit_test(unknown_fields_are_passed_over_to_sixteen_levels),
        cmocka_unit_test(restricted_requests_have_no_segments),
        cmocka_unit_test(a_bid_comes_back_whole),
        cmocka_unit_test(no_bid_and_errors_say_why),
    };
    msgpack_unpacked_init(&unpacked);
    return cmocka_run_group_tests(tests, NULL, teardown);
}
