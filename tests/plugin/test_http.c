/* SPDX-License-Identifier: Apache-2.0 */
/* qbid_worker_http() of the whole library: every pair of format and encoding, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "plugin/openrtb/openrtb.pb-c.h"
#include "tests/plugin/host.h"
#include "tests/plugin/lines.h"
#include "tests/plugin/openrtb/protobuf_encode.h"

#define JSON "application/json"
#define PROTOBUF "application/x-protobuf"

static const char body[] =
    "{\"id\":\"auction\",\"imp\":[{\"id\":\"i1\",\"banner\":{\"w\":300,\"h\":250}}]}";

static struct host host;
static struct pb pb;
static struct qbid_http_answer answer;

static struct qbid_bytes bytes(const char *text)
{
    return (struct qbid_bytes){text, text ? strlen(text) : 0};
}

static size_t gzip(const void *text, size_t len, char *to, size_t max)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)max;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* Ask with a body and headers; the status. */
static int ask(const void *text, size_t len, struct qbid_http_request request)
{
    char *padded = lines_padded(text, len, '}');
    request.size = sizeof request;
    request.exchange = request.exchange ? request.exchange : "2";
    request.body = (struct qbid_bytes){padded, len};
    memset(&answer, 0x5a, sizeof answer);
    answer.size = sizeof answer;
    assert_int_equal(
        qbid_worker_http(host.worker, &request, host.now_ns, host.out, HOST_OUT_MAX, &answer), 0);
    free(padded);
    host.answer = answer.answer;
    assert_string_equal(answer.openrtb_version, "2.6");
    assert_int_equal(answer.content_type != NULL, answer.answer.body_bytes > 0);
    return answer.answer.status;
}

static int ask_json(struct qbid_http_request request)
{
    return ask(body, sizeof body - 1, request);
}

static void has_bid_in_json(void)
{
    assert_string_equal(answer.content_type, JSON);
    cJSON *json = host_json(&host);
    assert_string_equal(host_text(json, "id"), "auction");
    assert_non_null(host_bid(json, 0, NULL));
    cJSON_Delete(json);
}

static void has_bid_in_protobuf(void)
{
    assert_string_equal(answer.content_type, PROTOBUF);
    Pb__Response *response =
        pb__response__unpack(NULL, answer.answer.body_bytes, (const uint8_t *)host.out);
    assert_non_null(response);
    assert_int_equal(response->n_seatbid, 1);
    assert_int_equal(response->seatbid[0]->n_bid, 1);
    assert_memory_equal(response->id.data, "auction", 7);
    pb__response__free_unpacked(response, NULL);
}

static void gunzip_answer(void)
{
    static char plain[HOST_OUT_MAX];
    z_stream z = {.next_in = (Bytef *)host.out, .avail_in = (uInt)answer.answer.body_bytes};
    z.next_out = (Bytef *)plain;
    z.avail_out = sizeof plain;
    assert_string_equal(answer.content_encoding, "gzip");
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    memcpy(host.out, plain, z.total_out);
    answer.answer.body_bytes = host.answer.body_bytes = z.total_out;
}

static void every_format_and_encoding_gets_its_own_back(void **state)
{
    (void)state;
    char packed[4096];
    assert_true(pb_from_json(body, sizeof body - 1, &pb));
    for (unsigned i = 0; i < 8; i++) {
        const void *text = i & 1 ? (const void *)pb.at : body;
        size_t len = i & 1 ? pb.len : sizeof body - 1;
        struct qbid_http_request request = {.content_type = bytes(i & 1 ? PROTOBUF : JSON)};
        if (i & 2) {
            len = gzip(text, len, packed, sizeof packed);
            text = packed;
            request.content_encoding = bytes("gzip");
        }
        request.gzip_answer = 1;
        request.accept_encoding = bytes(i & 4 ? "gzip" : NULL);
        assert_int_equal(ask(text, len, request), 200);
        if (i & 4)
            gunzip_answer();
        else
            assert_null(answer.content_encoding);
        if (i & 1)
            has_bid_in_protobuf();
        else
            has_bid_in_json();
    }
}

static void gzip_is_answered_only_where_both_sides_want_it(void **state)
{
    (void)state;
    assert_int_equal(ask_json((struct qbid_http_request){.accept_encoding = bytes("gzip")}), 200);
    assert_null(answer.content_encoding);
    assert_int_equal(ask_json((struct qbid_http_request){.gzip_answer = 1,
                                                         .accept_encoding = bytes("gzip;q=0")}),
                     200);
    assert_null(answer.content_encoding);
    has_bid_in_json();
}

static void gzip_in_the_query_is_read(void **state)
{
    (void)state;
    char packed[4096];
    size_t len = gzip(body, sizeof body - 1, packed, sizeof packed);
    assert_int_equal(ask(packed, len, (struct qbid_http_request){.gzip_query = 1}), 200);
    has_bid_in_json();
    /* the header, where there is one, says it better */
    assert_int_equal(ask_json((struct qbid_http_request){.gzip_query = 1,
                                                         .content_encoding = bytes("identity")}),
                     200);
    assert_int_equal(ask_json((struct qbid_http_request){.gzip_query = 1}), 400);
}

static void what_is_not_read_gets_415(void **state)
{
    (void)state;
    static const struct qbid_http_request request[] = {
        {.content_type = {"application/xml", 15}},
        {.content_type = {"application/octet-stream", 24}},
        {.content_encoding = {"br", 2}},
        {.content_encoding = {"gzip, gzip", 10}},
        {.openrtb_version = {"3.0", 3}},
    };
    uint64_t before = host_counter(&host, QBID_COUNTER_REQUESTS);
    for (size_t i = 0; i < sizeof request / sizeof request[0]; i++) {
        assert_int_equal(ask_json(request[i]), 415);
        assert_int_equal(answer.answer.body_bytes, 0);
    }
    assert_int_equal(host_counter(&host, QBID_COUNTER_REQUESTS), before);
    assert_int_equal(ask_json((struct qbid_http_request){.openrtb_version = bytes("2.7")}), 200);
}

static void bad_bodies_are_400_and_bombs_204(void **state)
{
    (void)state;
    struct qbid_http_request zipped = {.content_encoding = bytes("gzip")};
    struct qbid_http_request protobuf = {.content_type = bytes(PROTOBUF)};
    static char zeros[16 << 20], packed[1 << 16];
    assert_int_equal(ask(body, sizeof body - 1, zipped), 400);
    assert_int_equal(ask(body, sizeof body - 1, protobuf), 400);
    assert_int_equal(ask("", 0, zipped), 400);
    assert_int_equal(ask("", 0, protobuf), 400);
    uint64_t over = host_counter(&host, QBID_COUNTER_OVER_LIMIT);
    uint64_t malformed = host_counter(&host, QBID_COUNTER_MALFORMED);
    for (size_t mib = 1; mib <= 16; mib *= 2) {
        size_t len = gzip(zeros, mib << 20, packed, sizeof packed);
        assert_int_equal(ask(packed, len, zipped), 204);
        assert_int_equal(answer.answer.nobid, QBID_NOBID_OVER_LIMIT);
    }
    assert_int_equal(host_counter(&host, QBID_COUNTER_OVER_LIMIT), over + 5);
    assert_int_equal(host_counter(&host, QBID_COUNTER_MALFORMED), malformed);
    assert_int_equal(ask_json((struct qbid_http_request){0}), 200);
}

static void what_was_waited_is_taken_off_tmax(void **state)
{
    (void)state;
    static const char short_time[] =
        "{\"id\":\"auction\",\"tmax\":40,\"imp\":[{\"id\":\"i1\",\"banner\":"
        "{\"w\":300,\"h\":250}}]}";
    const struct {
        const char *text;
        unsigned waited_ms;
        int status;
    } list[] = {{body, 0, 200},        {body, 99, 200},       {body, 100, 204},
                {short_time, 39, 200}, {short_time, 40, 204}, {short_time, UINT32_MAX, 204}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct qbid_http_request request = {.waited_ms = list[i].waited_ms};
        assert_int_equal(ask(list[i].text, strlen(list[i].text), request), list[i].status);
        if (list[i].status == 204)
            assert_int_equal(answer.answer.nobid, QBID_NOBID_TIMEOUT);
    }
}

static void a_misuse_is_said(void **state)
{
    (void)state;
    struct qbid_http_request request = {.size = sizeof request, .body = bytes(body)};
    answer.size = sizeof answer;
#define CALL(worker, request, out, answer)                                                         \
    qbid_worker_http(worker, request, host.now_ns, out, HOST_OUT_MAX, answer)
    assert_true(CALL(NULL, &request, host.out, &answer) < 0);
    assert_true(CALL(host.worker, NULL, host.out, &answer) < 0);
    assert_true(CALL(host.worker, &request, NULL, &answer) < 0);
    assert_true(CALL(host.worker, &request, host.out, NULL) < 0);
    answer.size = 0;
    assert_true(CALL(host.worker, &request, host.out, &answer) < 0);
    answer.size = sizeof answer;
    request.size--;
    assert_true(CALL(host.worker, &request, host.out, &answer) < 0);
    request.size++;
    request.body.at = NULL;
    assert_true(CALL(host.worker, &request, host.out, &answer) < 0);
#undef CALL
}

/* A no-bid of partner "coded", which wants a reason: the margin of its network is 10 ms. */
static void a_no_bid_has_its_code_in_every_format(void **state)
{
    static const char late[] =
        "{\"id\":\"late\",\"tmax\":10,\"imp\":[{\"id\":\"i1\",\"banner\":{\"w\":1,\"h\":1}}]}";
    struct qbid_http_request coded = {.exchange = "coded", .gzip_answer = 1};
    (void)state;
    assert_int_equal(ask(late, sizeof late - 1, coded), 200);
    cJSON *json = host_json(&host);
    assert_string_equal(host_text(json, "id"), "late");
    assert_int_equal(cJSON_GetObjectItem(json, "nbr")->valueint, 15);
    cJSON_Delete(json);
    assert_true(pb_from_json(late, sizeof late - 1, &pb));
    coded.content_type = bytes(PROTOBUF);
    assert_int_equal(ask(pb.at, pb.len, coded), 200);
    assert_string_equal(answer.content_type, PROTOBUF);
    assert_int_equal(answer.answer.body_bytes, 8); /* 0a 04 "late" 30 0f */
    assert_memory_equal(host.out, "\x0a\x04late\x30\x0f", 8);
    coded.accept_encoding = bytes("gzip"); /* which would make it longer */
    assert_int_equal(ask(pb.at, pb.len, coded), 200);
    assert_null(answer.content_encoding);
    assert_int_equal(answer.answer.body_bytes, 8);
    coded.exchange = "2";
    assert_int_equal(ask(pb.at, pb.len, coded), 204);
}

static void a_partner_without_a_notice_gets_none_in_protobuf(void **state)
{
    struct qbid_http_request request = {.content_type = bytes(PROTOBUF), .exchange = "strict"};
    (void)state;
    assert_true(pb_from_json(body, sizeof body - 1, &pb));
    assert_int_equal(ask(pb.at, pb.len, request), 200);
    Pb__Response *r =
        pb__response__unpack(NULL, answer.answer.body_bytes, (const uint8_t *)host.out);
    assert_non_null(r);
    const Pb__Bid *bid = r->seatbid[0]->bid[0];
    assert_false(bid->has_nurl);
    assert_true(bid->has_burl);
    assert_false(bid->has_lurl);
    pb__response__free_unpacked(r, NULL);
}

/* In every room an answer is whole or not there; a bid that is left out is given back. */
static void a_protobuf_answer_is_cut_between_bids_only(void **state)
{
    (void)state;
    static const char two[] =
        "{\"id\":\"auction\",\"imp\":[{\"id\":\"i1\",\"banner\":{\"w\":300,\"h\":250}},"
        "{\"id\":\"i2\",\"banner\":{\"w\":728,\"h\":90}}]}";
    unsigned seen[3] = {0};
    assert_true(pb_from_json(two, sizeof two - 1, &pb));
    for (size_t room = 0; room < 6000; room += 7) {
        struct qbid_http_request request = {.size = sizeof request,
                                            .content_type = bytes(PROTOBUF),
                                            .body = {(const char *)pb.at, pb.len}};
        answer.size = sizeof answer;
        memset(host.out, '#', HOST_OUT_MAX);
        assert_int_equal(
            qbid_worker_http(host.worker, &request, host.now_ns, host.out, room, &answer), 0);
        for (size_t i = room; i < room + 64; i++)
            assert_int_equal(host.out[i], '#');
        Pb__Response *r =
            pb__response__unpack(NULL, answer.answer.body_bytes, (const uint8_t *)host.out);
        assert_non_null(r);
        assert_int_equal(answer.answer.status, r->n_seatbid > 0 ? 200 : 204);
        seen[r->n_seatbid > 0 ? r->seatbid[0]->n_bid : 0]++;
        pb__response__free_unpacked(r, NULL);
        host_drop_events(&host);
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
}

static int setup(void **state)
{
    (void)state;
    host_open(&host, NULL, 14);
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
        cmocka_unit_test(every_format_and_encoding_gets_its_own_back),
        cmocka_unit_test(gzip_is_answered_only_where_both_sides_want_it),
        cmocka_unit_test(gzip_in_the_query_is_read),
        cmocka_unit_test(what_is_not_read_gets_415),
        cmocka_unit_test(bad_bodies_are_400_and_bombs_204),
        cmocka_unit_test(what_was_waited_is_taken_off_tmax),
        cmocka_unit_test(a_misuse_is_said),
        cmocka_unit_test(a_no_bid_has_its_code_in_every_format),
        cmocka_unit_test(a_partner_without_a_notice_gets_none_in_protobuf),
        cmocka_unit_test(a_protobuf_answer_is_cut_between_bids_only),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
