/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of each class, full of identifiers that occur nowhere else; then all memory that is
 * shared, every event and every answer are searched for them and for their hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/privacy/privacy.h"
#include "shm/dims.h"
#include "shm/hash.h"
#include "tests/plugin/host.h"
#include "tests/plugin/lines.h"
#include "tests/plugin/openrtb/protobuf_encode.h"

#define ASKS 64 /* of a class and a format: values that are not known are told of one in four */
#define FORMATS 2

/* Where a request can name its user or device; %s is the marker. */
static const char *const place[] = {"user.id", "buyeruid", "eids",     "ext.eids", "ifa",
                                    "didsha1", "dpidmd5",  "macsha1",  "custom",   "keywords",
                                    "ip",      "ipv6",     "seg.name", "seg.id"};
#define PLACES (sizeof place / sizeof *place)
#define SEGMENT_ID (PLACES - 1) /* not an identifier: for the class open it is told */

static const struct {
    const char *device, *regs;
    enum qbid_privacy_reason reason;
} cases[] = {
    {"", "", QBID_PRIVACY_REASON_NONE},
    {",\"lmt\":1", "", QBID_PRIVACY_REASON_LMT},
    {"", "\"us_privacy\":\"1YYN\"", QBID_PRIVACY_REASON_US_OPT_OUT},
    {"", "\"gdpr\":1", QBID_PRIVACY_REASON_GDPR_NO_CONSENT},
    {"", "\"coppa\":1", QBID_PRIVACY_REASON_COPPA},
    {"", "\"ext\":{\"dsa\":{\"dsarequired\":3}}", QBID_PRIVACY_REASON_DSA},
};
#define CASES (sizeof cases / sizeof *cases)

static const enum qbid_privacy_class class_of[] = {
#define X(name, class_, word, text) QBID_PRIVACY_##class_,
    QBID_PRIVACY_REASON_LIST(X)
#undef X
};

static struct host host;
static struct pb pb;

static const char *marker(unsigned which, unsigned where)
{
    static char text[32][32];
    static unsigned turn;
    char *at = text[turn++ % 32];
    snprintf(at, sizeof text[0], "c%u-%s-9f3e", which, place[where]);
    return at;
}

static void write_request(unsigned which, unsigned n, char text[8192])
{
    const char *m[PLACES];
    for (unsigned i = 0; i < PLACES; i++)
        m[i] = marker(which, i);
    snprintf(
        text, 8192,
        "{\"id\":\"r%u-%u\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}],"
        "\"device\":{\"ifa\":\"%s\",\"didsha1\":\"%s\",\"dpidmd5\":\"%s\",\"macsha1\":\"%s\","
        "\"ip\":\"%s\",\"ipv6\":\"%s\",\"geo\":{\"country\":\"DEU\",\"region\":\"BE\","
        "\"lat\":52.5,\"lon\":13.4}%s},\"user\":{\"id\":\"%s\",\"buyeruid\":\"%s\",\"eids\":[{"
        "\"source\":\"s\",\"uids\":[{\"id\":\"%s\"}]}],\"customdata\":\"%s\",\"keywords\":\"%s\","
        "\"data\":[{\"segment\":[{\"id\":\"%s\",\"name\":\"%s\"}]}],"
        "\"ext\":{\"eids\":[{\"uids\":[{\"id\":\"%s\"}]}]}},\"regs\":{%s}}",
        which, n, m[4], m[5], m[6], m[7], m[10], m[11], cases[which].device, m[0], m[1], m[2], m[8],
        m[9], m[13], m[12], m[3], cases[which].regs);
}

static void ask_protobuf(const char *text)
{
    struct qbid_http_answer answer = {.size = sizeof answer};
    assert_true(pb_from_json(text, strlen(text), &pb));
    char *body = lines_padded((const char *)pb.at, pb.len, 0);
    struct qbid_http_request request = {.size = sizeof request,
                                        .exchange = "2",
                                        .body = {body, pb.len},
                                        .content_type = {"application/x-protobuf", 22}};
    assert_int_equal(
        qbid_worker_http(host.worker, &request, host.now_ns, host.out, HOST_OUT_MAX, &answer), 0);
    host.answer = answer.answer;
    free(body);
}

/* --- searching */

static bool holds(const void *memory, size_t bytes, const void *what, size_t len)
{
    return memmem(memory, bytes, what, len) != NULL;
}

/* The text, or any hash that is made of such texts here. */
static bool holds_marker(const void *memory, size_t bytes, const char *text)
{
    size_t len = strlen(text);
    uint64_t hash = qbid_hash_name(text, len), plain = XXH3_64bits(text, len);
    if (holds(memory, bytes, text, len) || holds(memory, bytes, &hash, 8) ||
        holds(memory, bytes, &plain, 8))
        return true;
    for (unsigned dim = 0; dim < QBID_REQUEST_DIMS; dim++) {
        hash = qbid_hash_dim(dim, text, len);
        if (holds(memory, bytes, &hash, 8))
            return true;
    }
    for (unsigned kind = QBID_PRIVACY_ID_EID; kind <= QBID_PRIVACY_ID_DEVICE; kind++) {
        uint64_t exchange = qbid_hash_dim(QBID_DIM_EXCHANGE, "2", 1);
        hash = qbid_hash_user(kind, kind == QBID_PRIVACY_ID_USER ? exchange : 0, text, len);
        if (holds(memory, bytes, &hash, 8))
            return true;
    }
    return false;
}

typedef bool search_fn(const void *memory, size_t bytes, const char *text);

/* In every shared mapping of this process: table image, live page and worker page of both sides. */
static bool shared_memory(const char *text, search_fn *fn, size_t *ret_bytes)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], mode[8];
    unsigned long from, to;
    bool found = false;
    *ret_bytes = 0;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[0] != 'r' || mode[3] != 's')
            continue;
        found |= fn((const void *)from, to - from, text); /* NOLINT */
        *ret_bytes += to - from;
    }
    fclose(maps);
    return found;
}

static void check_nowhere(unsigned which, unsigned where)
{
    size_t bytes;
    const char *text = marker(which, where);
    bool told = where == SEGMENT_ID && which == 0;
    if (shared_memory(text, holds_marker, &bytes) != told)
        fail_msg("%s is %s", text, told ? "nowhere: the search finds nothing" : "in shared memory");
    assert_true(bytes > 100000);
}

/* Ask, and let the answer be searched; what was asked is private memory. */
static void ask(unsigned which, unsigned n)
{
    char text[8192];
    write_request(which, n, text);
    if (n % FORMATS == 0)
        (void)host_ask(&host, text);
    else
        ask_protobuf(text);
    for (unsigned i = 0; i < PLACES; i++)
        assert_false(holds_marker(host.out, host.answer.body_bytes, marker(which, i)));
}

static void check_events(unsigned which, unsigned *ret_bids)
{
    struct qbid_event event[8];
    unsigned cnt = broker_events(&host.broker, 0, event, 8);
    for (unsigned e = 0; e < cnt; e++) {
        assert_int_equal(event[e].privacy, class_of[cases[which].reason]);
        *ret_bids += event[e].kind == QBID_EVENT_BID;
        for (unsigned i = 0; i < PLACES; i++)
            if (i != SEGMENT_ID || which != 0)
                assert_false(holds_marker(&event[e], sizeof event[e], marker(which, i)));
    }
}

static void no_identifier_leaves_the_request(void **state)
{
    (void)state;
    for (unsigned which = 0; which < CASES; which++) {
        enum qbid_privacy_class class_ = class_of[cases[which].reason];
        uint64_t before = host_privacy(&host, cases[which].reason), bids = 0;
        for (unsigned n = 0; n < ASKS * FORMATS; n++) {
            unsigned made = 0;
            ask(which, n);
            check_events(which, &made);
            bids += made;
            assert_int_equal(made != 0, class_ != QBID_PRIVACY_NO_BID);
            assert_int_equal(host.answer.nobid,
                             class_ == QBID_PRIVACY_NO_BID ? QBID_NOBID_PRIVACY : QBID_NOBID_NONE);
            assert_int_equal(host.answer.status, class_ == QBID_PRIVACY_NO_BID ? 204 : 200);
        }
        assert_true(host_privacy(&host, cases[which].reason) - before == ASKS * FORMATS);
    }
    for (unsigned which = 0; which < CASES; which++)
        for (unsigned i = 0; i < PLACES; i++)
            check_nowhere(which, i);
}

/* The reason that an exchange is told, from the list's own line. */
static void a_request_that_may_not_be_bid_on_has_a_reason_of_ours(void **state)
{
    static const int nbr[] = {
#define X(upper, number, word, text) number,
        QBID_NOBID_LIST(X)
#undef X
    };
    (void)state;
    assert_int_equal(nbr[QBID_NOBID_PRIVACY], 508);
    for (unsigned i = 0; i < QBID_NOBID_CNT; i++)
        assert_true(i == QBID_NOBID_PRIVACY || nbr[i] != 508);
}

static void a_notice_carries_the_class_of_its_bid(void **state)
{
    (void)state;
    for (unsigned which = 0; which < CASES; which++) {
        char text[8192];
        write_request(which, 1000, text);
        if (host_ask(&host, text) != 200)
            continue;
        cJSON *json = host_json(&host);
        host_drop_events(&host);
        assert_int_equal(host_notice(&host, host_text(host_bid(json, 0, NULL), "burl"), "1", NULL),
                         200);
        assert_int_equal(host_event(&host, QBID_EVENT_BILL).privacy, class_of[cases[which].reason]);
        cJSON_Delete(json);
    }
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
        cmocka_unit_test(no_identifier_leaves_the_request),
        cmocka_unit_test(a_request_that_may_not_be_bid_on_has_a_reason_of_ours),
        cmocka_unit_test(a_notice_carries_the_class_of_its_bid),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
