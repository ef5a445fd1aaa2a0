/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is allocated for a request or a notice: every allocator of the process is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "plugin/dpdk/bidder.h"
#include "plugin/openrtb/openrtb.h"
#include "tests/plugin/host.h"
#include "tests/plugin/lines.h"
#include "tests/plugin/openrtb/protobuf_encode.h"

/* Of this thread only: the watcher and the broker have threads of their own. The compiler knows
 * that malloc changes no variable; this one it does. */
static _Thread_local volatile unsigned long allocations;

#ifdef __SANITIZE_ADDRESS__

/* of sanitizer/allocator_interface.h, which gcc does not bring */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void hear_malloc(const volatile void *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
    allocations++;
}

static void hear_free(const volatile void *memory)
{
    (void)memory;
}

static void count_from_here(void)
{
    assert_true(__sanitizer_install_malloc_and_free_hooks(hear_malloc, hear_free) > 0);
}

#else

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);

/* Visible, so that the shared libraries allocate here as well. */
#pragma GCC visibility push(default)

void *malloc(size_t bytes)
{
    allocations++;
    return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    allocations++;
    return __libc_calloc(n, bytes);
}

void *realloc(void *old, size_t bytes)
{
    allocations++;
    return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    allocations++;
    return __libc_memalign(align, bytes);
}

int posix_memalign(void **ret, size_t align, size_t bytes)
{
    allocations++;
    *ret = __libc_memalign(align, bytes);
    return *ret ? 0 : 12;
}

#pragma GCC visibility pop

static void count_from_here(void)
{
}

#endif

static struct host host;
static char out[HOST_OUT_MAX];

static const char *const body[] = {
    "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}]}",
    "{\"id\":\"\\u0072\\n\",\"\\u0069mp\":[{\"id\":\"\\\"\",\"video\":{\"w\":640,\"h\":360},"
    "\"pmp\":{"
    "\"deals\":[{\"id\":\"x\"}]}},{\"id\":\"2\",\"native\":{}}],\"badv\":[\"a.b\"],\"user\":{"
    "\"data\":[{"
    "\"segment\":[{\"id\":\"vip\"}]}]},\"ext\":{\"a\":[1,2,{\"b\":\"\\t\"}]}}",
    "{\"id\":\"r\"}",
    "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"x\":tru}",
    "",
};

static void ask(const char *padded, size_t len)
{
    struct qbid_answer answer;
    if (qbid_worker_openrtb(host.worker, "2", padded, len, host.now_ns, out, sizeof out, &answer))
        fail();
}

static void the_counter_counts(void **state)
{
    (void)state;
    unsigned long before = allocations;
    void *volatile memory = malloc(10);
    free(memory);
    assert_int_equal(allocations, before + 1);
    before = allocations;
    struct qbid_openrtb *parser;
    assert_int_equal(qbid_openrtb_new(&parser), 0); /* new in C++ is seen as well */
    assert_true(allocations > before);
    qbid_openrtb_free(parser);
}

static void a_request_allocates_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof body / sizeof body[0]; i++) {
        char *padded = lines_padded(body[i], strlen(body[i]), 0);
        unsigned long before = allocations;
        for (unsigned n = 0; n < 10; n++)
            ask(padded, strlen(body[i]));
        assert_int_equal(allocations, before);
        free(padded);
    }
}

static void ask_http(const char *type, const char *encoding, const void *text, size_t len)
{
    struct qbid_http_request request = {
        .size = sizeof request,
        .gzip_answer = 1,
        .exchange = "2",
        .content_type = {type, strlen(type)},
        .content_encoding = {encoding, strlen(encoding)},
        .accept_encoding = {"gzip", 4},
        .body = {text, len},
    };
    struct qbid_http_answer answer = {.size = sizeof answer};
    if (qbid_worker_http(host.worker, &request, host.now_ns, out, sizeof out, &answer))
        fail();
}

/* In protobuf, in gzip, answered in gzip; what is sound and what is not. */
static void other_formats_allocate_nothing(void **state)
{
    (void)state;
    static struct pb pb;
    static char packed[4096 + QBID_PADDING];
    z_stream z = {.next_in = (Bytef *)pb.at, .next_out = (Bytef *)packed, .avail_out = 4096};
    assert_true(pb_from_json(body[0], strlen(body[0]), &pb));
    z.avail_in = (uInt)pb.len;
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    unsigned long before = allocations;
    for (unsigned n = 0; n < 10; n++) {
        ask_http("application/x-protobuf", "", pb.at, pb.len);
        ask_http("application/x-protobuf", "gzip", packed, z.total_out);
        ask_http("application/x-protobuf", "gzip", packed, z.total_out - 1);
        ask_http("application/x-protobuf", "", pb.at, pb.len - 1);
        ask_http("application/json", "gzip", packed, z.total_out);
        ask_http("application/xml", "", pb.at, pb.len);
    }
    assert_int_equal(allocations, before);
}

static void the_largest_request_allocates_nothing(void **state)
{
    (void)state;
    size_t len = QBID_OPENRTB_BYTES_MAX;
    char *text = malloc(len + QBID_PADDING);
    memset(text, ' ', len + QBID_PADDING);
    memcpy(text, body[0], strlen(body[0]) - 1);
    text[len - 1] = '}';
    for (size_t i = strlen(body[0]); i + 20 < len; i += 12)
        memcpy(text + i, ",\"a\":\"\\u00e9\"", 12 < len - i ? 12 : 0);
    unsigned long before = allocations;
    ask(text, len);
    assert_int_equal(allocations, before);
    free(text);
}

static void a_decision_a_notice_and_a_status_allocate_nothing(void **state)
{
    (void)state;
    struct qbid_request request = {.auction = QBID_AUCTION_SECOND_PRICE, .slot_cnt = 1};
    struct qbid_decision decision;
    char query[200];
    request.slot[0] = qbid_value_hash(1, "banner:300x250", 14);
    assert_int_equal(host_ask_with(&host, "", ""), 200);
    cJSON *json = host_json(&host);
    snprintf(query, sizeof query, "t=%.96s&p=1",
             strstr(host_text(host_bid(json, 0, NULL), "nurl"), "?t=") + 3);
    cJSON_Delete(json);
    unsigned long before = allocations;
    assert_int_equal(qbid_worker_decide(host.worker, &request, host.now_ns, &decision), 0);
    assert_int_equal(decision.nobid, 0);
    assert_int_equal(host_send(&host, "bill", query), 200);
    assert_int_equal(host_send(&host, "click", query), 302);
    assert_int_equal(host_send(&host, "click", "t=x"), 400);
    assert_true(qbid_worker_status(host.worker, QBID_STATUS_PROMETHEUS, out, sizeof out) > 0);
    assert_int_equal(allocations, before);
}

/* Every format that qbid-dpdk takes, good and bad. */
static void a_burst_of_datagrams_allocates_nothing(void **state)
{
    static const char *const payload[] = {"\x83\x01\xa1r\x04\x91\xae"
                                          "banner:300x250\x0c\x01",
                                          "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]}",
                                          "{",
                                          "/win?t=x",
                                          "\x82\x01",
                                          "?"};
    static char bytes[6][1472 + QBID_PADDING];
    static struct qbid_counters counters;
    static struct qbid_bidder bidder;
    struct qbid_datagram datagram[6];
    (void)state;
    qbid_bidder_init(&bidder, host.worker, "2", 1000, &counters);
    for (unsigned i = 0; i < 6; i++) {
        strcpy(bytes[i], payload[i]);
        datagram[i] = (struct qbid_datagram){
            .bytes = bytes[i], .len = (uint32_t)strlen(payload[i]), .max = 1472};
    }
    memcpy(bytes[0] + datagram[0].len, "\x00\x01", 2); /* the version, last */
    bytes[0][0] = '\x84';
    datagram[0].len += 2;
    unsigned long before = allocations;
    qbid_bidder_answer(&bidder, datagram, 6, host.now_ns);
    assert_int_equal(allocations, before);
    assert_true(datagram[0].ret_len > QBID_NOTICE_TOKEN_CHARS && datagram[1].ret_len > 0 &&
                datagram[4].ret_len > 0);
}

static int setup(void **state)
{
    (void)state;
    count_from_here();
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
        cmocka_unit_test(the_counter_counts),
        cmocka_unit_test(a_request_allocates_nothing),
        cmocka_unit_test(other_formats_allocate_nothing),
        cmocka_unit_test(the_largest_request_allocates_nothing),
        cmocka_unit_test(a_decision_a_notice_and_a_status_allocate_nothing),
        cmocka_unit_test(a_burst_of_datagrams_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
