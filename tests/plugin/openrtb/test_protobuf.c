/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf requests on the wire: what is skipped, what wins, and what is no protobuf. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/openrtb/openrtb_protobuf.h"
#include "shm/error.h"
#include "tests/plugin/openrtb/protobuf_encode.h"

static struct qbid_openrtb *native_parser;
static struct qbid_protobuf *parser;
static struct qbid_openrtb_request *request;
static struct pb pb, inner;

static int parse_bytes(const void *bytes, size_t len)
{
    char *exact = malloc(len ? len : 1);
    memcpy(exact, bytes, len);
    memset(request, 0x5a, sizeof *request);
    int err = qbid_protobuf_parse(parser, exact, len, request);
    free(exact); /* texts lie in the parser */
    return err;
}

static int parse(void)
{
    return parse_bytes(pb.at, pb.len);
}

/* A sound request, to which more is added. */
static void start(void)
{
    pb.len = inner.len = 0;
    pb_text(&pb, 1, "r");
    pb_text(&inner, 1, "1");
    pb_bytes(&pb, 2, inner.at, inner.len);
    inner.len = 0;
}

static void is(struct qbid_text text, const char *word)
{
    assert_int_equal(text.len, strlen(word));
    assert_memory_equal(text.at, word, text.len);
}

static void absent_is_absent(void **state)
{
    (void)state;
    start();
    assert_int_equal(parse(), 0);
    is(request->id, "r");
    assert_int_equal(request->at, 2);
    assert_int_equal(request->tmax_ms, 0);
    assert_int_equal(request->devicetype, QBID_OPENRTB_INT_ABSENT);
    assert_int_equal(request->device_geo.utcoffset_min, QBID_OPENRTB_INT_ABSENT);
    assert_int_equal(request->regs.gdpr, QBID_TRI_ABSENT);
    assert_int_equal(request->imp_cnt, 1);
    assert_int_equal(request->imp[0].banner_pos, QBID_OPENRTB_INT_ABSENT);
    assert_false(request->imp[0].banner || request->over || request->wrong_type);
}

static void id_and_imp_must_be_there(void **state)
{
    (void)state;
    assert_int_equal(parse_bytes("", 0), QBID_ERR_PARSE);
    pb.len = 0;
    pb_text(&pb, 1, "r");
    assert_int_equal(parse(), QBID_ERR_PARSE);
    pb.len = 0;
    pb_bytes(&pb, 2, "", 0);
    assert_int_equal(parse(), QBID_ERR_PARSE);
    pb_text(&pb, 1, "");
    assert_int_equal(parse(), QBID_ERR_PARSE);
    pb_text(&pb, 1, "late");
    assert_int_equal(parse(), 0); /* in whatever order; the impression's id is empty */
    assert_int_equal(request->imp[0].id.len, 0);
}

static void the_last_one_wins(void **state)
{
    (void)state;
    start();
    pb_text(&pb, 1, "second");
    pb_int(&pb, 8, 100);
    pb_int(&pb, 8, 120);
    pb_int(&pb, 15, 1);
    pb_int(&pb, 15, 0);
    /* of messages the fields: w of the first device stays, as protobuf merges them */
    pb_int(&inner, 18, 4);
    pb_text(&inner, 14, "iOS");
    pb_bytes(&pb, 5, inner.at, inner.len);
    inner.len = 0;
    pb_text(&inner, 14, "Android");
    pb_bytes(&pb, 5, inner.at, inner.len);
    assert_int_equal(parse(), 0);
    is(request->id, "second");
    assert_int_equal(request->tmax_ms, 120);
    assert_false(request->test);
    assert_int_equal(request->devicetype, 4);
    is(request->os, "Android");
}

static void unknown_fields_are_skipped(void **state)
{
    (void)state;
    static const unsigned number[] = {10, 50, 99, 100, 1999, 536870911};
    start();
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        pb_int(&pb, number[i], -1);
        pb_double(&pb, number[i], 1.5);
        pb_text(&pb, number[i], "\xff\xfe no UTF-8");
        pb_tag(&pb, number[i], PB_FIXED32);
        memcpy(pb.at + pb.len, "abcd", 4);
        pb.len += 4;
    }
    pb_int(&pb, 7, 1);
    assert_int_equal(parse(), 0);
    assert_int_equal(request->at, 1);
}

static void lists_come_packed_or_not(void **state)
{
    (void)state;
    start();
    pb_bytes(&inner, 3, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x07", 11); /* -1 and 7 */
    pb_bytes(&pb, 14, inner.at, inner.len);
    assert_int_equal(parse(), 0);
    assert_int_equal(request->regs.gpp_sid.cnt, 1);
    assert_int_equal(request->regs.gpp_sid.section[0], 7);
    start();
    pb_int(&inner, 3, -1);
    pb_bytes(&pb, 14, inner.at, inner.len);
    assert_int_equal(parse(), 0);
    assert_true(request->regs.gpp_sid.given);
    assert_int_equal(request->regs.gpp_sid.cnt, 0);
    pb_int(&inner, 3, 2);
    pb_bytes(&pb, 14, inner.at, inner.len);
    assert_int_equal(parse(), 0);
    assert_int_equal(request->regs.gpp_sid.cnt, 1);
    assert_int_equal(request->regs.gpp_sid.section[0], 2);
}

static void both_places_of_ext_are_read(void **state)
{
    (void)state;
    static const unsigned place[] = {99, 201};
    for (unsigned i = 0; i < 2; i++) {
        struct pb *ext = calloc(1, sizeof *ext);
        start();
        pb_int(ext, 1, 1);
        pb_text(ext, 3, "1");
        pb_bytes(&inner, place[i], ext->at, ext->len);
        pb_bytes(&pb, 14, inner.at, inner.len);
        assert_int_equal(parse(), 0);
        assert_int_equal(request->regs.gdpr_ext, QBID_TRI_YES);
        assert_true(request->regs.gpc);
        free(ext);
    }
}

static void another_wire_type_is_malformed(void **state)
{
    (void)state;
    static const struct {
        unsigned field, wire;
    } wrong[] = {{1, PB_VARINT}, {1, PB_FIXED64}, {2, PB_VARINT}, {2, PB_FIXED32}, {5, PB_FIXED64},
                 {7, PB_BYTES},  {8, PB_FIXED32}, {9, PB_VARINT}, {14, PB_VARINT}, {1, PB_GROUP},
                 {50, PB_GROUP}, {50, 4},         {50, 6},        {50, 7}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        start();
        pb_tag(&pb, wrong[i].field, wrong[i].wire);
        memset(pb.at + pb.len, 0, 8);
        pb.len += wrong[i].wire == PB_FIXED64 ? 8 : wrong[i].wire == PB_FIXED32 ? 4 : 1;
        if (parse() != QBID_ERR_PARSE)
            fail_msg("field %u as wire type %u is taken", wrong[i].field, wrong[i].wire);
    }
}

/* protobuf-c asks no wire type of a flag: any bit that is set makes it true. */
static void a_flag_is_true_in_any_wire_type(void **state)
{
    (void)state;
    start();
    pb_double(&pb, 15, 0);
    assert_int_equal(parse(), 0);
    assert_false(request->test);
    pb_double(&pb, 15, 1);
    assert_int_equal(parse(), 0);
    assert_true(request->test);
}

static void cut_and_overlong_are_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\x80", 1},                                              /* a tag that goes on */
        {"\x40\xff", 2},                                          /* a varint that goes on */
        {"\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* of eleven bytes */
        {"\xff\xff\xff\xff\xff\xff\x01\x01", 8},                  /* a tag of seven */
        {"\x0a\x05"
         "abcd",
         6},                                              /* shorter than it says */
        {"\x0a\xff\xff\xff\xff\x0f", 6},                  /* 4 GiB - 1 */
        {"\x0a\xff\xff\xff\xff\x07", 6},                  /* 2 GiB - 1 */
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10}, /* 2^63 - 1 */
        {"\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
        {"\x12\x02\x0a\x01", 4}, /* an impression whose id reaches behind it */
        {"\x92\x06\x7f", 3},     /* unknown, and cut */
        {"\x00\x01", 2},         /* field 0 */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        start();
        memcpy(pb.at + pb.len, bad[i].bytes, bad[i].len);
        pb.len += bad[i].len;
        if (parse() != QBID_ERR_PARSE)
            fail_msg("case %zu is taken", i);
    }
}

static void every_cut_of_a_request_is_read_or_malformed(void **state)
{
    (void)state;
    static const char json[] =
        "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250,\"format\":[{\"w\":"
        "1}]},\"pmp\":{\"deals\":[{\"id\":\"d\",\"bidfloor\":1.5}]}}],\"badv\":[\"a.b\"],\"user\":{"
        "\"data\":[{\"segment\":[{\"id\":\"s\"}]}]}}";
    unsigned read = 0;
    assert_true(pb_from_json(json, sizeof json - 1, &pb));
    for (size_t cut = 0; cut < pb.len; cut++) {
        int err = parse_bytes(pb.at, cut);
        assert_true(err == 0 || err == QBID_ERR_PARSE);
        read += err == 0;
    }
    assert_in_range(read, 1, 5); /* between two fields of the request */
    assert_int_equal(parse(), 0);
}

static void texts_are_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "abcdefgh\xe4\xb8", "\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        start();
        pb_text(&pb, 13, bad[i]);
        assert_int_equal(parse(), QBID_ERR_PARSE);
        start();
        pb_text(&inner, 3, bad[i]);
        pb_bytes(&pb, 3, inner.at, inner.len);
        assert_int_equal(parse(), QBID_ERR_PARSE);
    }
    start();
    pb_bytes(&pb, 1, "\xe6\x96\xb0\0\xf0\x9f\x98\x80", 8); /* a NUL is a character */
    assert_int_equal(parse(), 0);
    assert_int_equal(request->id.len, 8);
}

static void more_than_fits_is_over(void **state)
{
    (void)state;
    start();
    for (unsigned i = 1; i < QBID_OPENRTB_IMPS_MAX; i++)
        pb_bytes(&pb, 2, "", 0);
    assert_int_equal(parse(), 0);
    assert_false(request->over);
    pb_bytes(&pb, 2, "", 0);
    assert_int_equal(parse(), 0);
    assert_true(request->over);
    assert_int_equal(request->imp_cnt, QBID_OPENRTB_IMPS_MAX);
    start();
    for (unsigned i = 0; i < QBID_OPENRTB_BADV_MAX; i++)
        pb_text(&pb, 13, "advertiser.example");
    assert_int_equal(parse(), 0);
    assert_false(request->over);
    assert_int_equal(request->badv_cnt, QBID_OPENRTB_BADV_MAX);
    pb_text(&pb, 13, "advertiser.example");
    assert_int_equal(parse(), 0);
    assert_true(request->over);
}

/* 131,072 messages of two bytes each would take a hundred times the body. */
static void what_does_not_fit_the_arena_is_over_the_limits(void **state)
{
    (void)state;
    static const unsigned field[] = {2, 6, 50, 13};
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        start();
        while (pb.len + 3 < QBID_OPENRTB_BYTES_MAX)
            pb_bytes(&pb, field[i], "", 0);
        assert_int_equal(parse(), QBID_ERR_LIMIT);
    }
    start();
    pb_bytes(&pb, 50, pb.at, 0);
    while (pb.len <= QBID_OPENRTB_BYTES_MAX)
        pb_bytes(&pb, 50, "0123456789abcdef0123456789abcdef", 32);
    assert_int_equal(parse(), QBID_ERR_LIMIT);
    start(); /* and the next one is read as ever */
    assert_int_equal(parse(), 0);
}

static void floors_are_micros_never_below_the_double(void **state)
{
    (void)state;
    assert_int_equal(qbid_protobuf_micros(0.1), 100000);
    assert_int_equal(qbid_protobuf_micros(0.1 + 0.2), 300001); /* 0.30000000000000004 */
    assert_int_equal(qbid_protobuf_micros(1.0000001), 1000001);
    assert_int_equal(qbid_protobuf_micros(1.9999999), 2000000);
    assert_int_equal(qbid_protobuf_micros(1e-300), 1);
    assert_int_equal(qbid_protobuf_micros(0), 0);
    assert_int_equal(qbid_protobuf_micros(-1), 0);
    assert_int_equal(qbid_protobuf_micros(-INFINITY), 0);
    assert_int_equal(qbid_protobuf_micros(1e300), INT64_MAX);
    assert_int_equal(qbid_protobuf_micros(INFINITY), INT64_MAX);
    for (int64_t micros = 1; micros < 4000000000000; micros = micros * 9 / 8 + 1)
        assert_int_equal(qbid_protobuf_micros((double)micros / 1e6), micros);
    start();
    pb_double(&inner, 8, NAN);
    pb_bytes(&pb, 2, inner.at, inner.len);
    assert_int_equal(parse(), 0);
    assert_true(request->wrong_type);
}

static int setup(void **state)
{
    (void)state;
    request = malloc(sizeof *request);
    return request && qbid_openrtb_new(&native_parser) == 0
               ? qbid_protobuf_new(native_parser, &parser)
               : 1;
}

static int teardown(void **state)
{
    (void)state;
    qbid_protobuf_free(parser);
    qbid_openrtb_free(native_parser);
    free(request);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_is_absent),
        cmocka_unit_test(id_and_imp_must_be_there),
        cmocka_unit_test(the_last_one_wins),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(lists_come_packed_or_not),
        cmocka_unit_test(both_places_of_ext_are_read),
        cmocka_unit_test(another_wire_type_is_malformed),
        cmocka_unit_test(a_flag_is_true_in_any_wire_type),
        cmocka_unit_test(cut_and_overlong_are_malformed),
        cmocka_unit_test(every_cut_of_a_request_is_read_or_malformed),
        cmocka_unit_test(texts_are_utf8),
        cmocka_unit_test(more_than_fits_is_over),
        cmocka_unit_test(what_does_not_fit_the_arena_is_over_the_limits),
        cmocka_unit_test(floors_are_micros_never_below_the_double),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
