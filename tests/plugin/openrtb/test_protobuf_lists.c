/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of every length about their limits, empty entries, objects that say nothing: a request in
 * protobuf is read as the same one in JSON is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/openrtb/openrtb_protobuf.h"
#include "tests/plugin/openrtb/openrtb_oracle.h"
#include "tests/plugin/openrtb/protobuf_encode.h"

#define TEXT_MAX (1 << 20)

static struct qbid_openrtb *json_parser;
static struct qbid_protobuf *protobuf_parser;
static struct qbid_openrtb_request *json, *protobuf;
static struct pb pb;
static char text[TEXT_MAX];

static void read_alike(size_t len)
{
    memset(text + len, ' ', QBID_PADDING);
    int err = qbid_openrtb_parse(json_parser, text, len, json);
    if (!pb_from_json(text, len, &pb))
        fail_msg("protobuf cannot say %.*s", (int)len, text);
    char *exact = malloc(pb.len ? pb.len : 1);
    memcpy(exact, pb.at, pb.len);
    assert_int_equal(qbid_protobuf_parse(protobuf_parser, exact, pb.len, protobuf), err);
    const char *field = err == 0 ? openrtb_oracle_differ(json, protobuf) : NULL;
    if (field)
        fail_msg("%s differs: %.*s", field, (int)len, text);
    assert_int_equal(json->over, protobuf->over);
    free(exact);
}

/* A request with `in_imp` among the fields of its impression and `in_request` among its own. */
static void request_is(const char *in_imp, const char *in_request)
{
    int n =
        snprintf(text, TEXT_MAX - QBID_PADDING, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"%s%s}]%s%s}",
                 *in_imp ? "," : "", in_imp, *in_request ? "," : "", in_request);
    assert_in_range(n, 1, TEXT_MAX - QBID_PADDING - 1);
    read_alike((size_t)n);
}

struct list {
    const char *before, *entry, *after; /* an entry may have one %u */
    unsigned max;
    bool in_imp;
};

#define VIDEO(list) "\"video\":{\"" list "\":["
#define DEAL(list) "\"pmp\":{\"deals\":[{\"id\":\"d\",\"" list "\":["

static const struct list lists[] = {
    {"\"banner\":{\"format\":[", "{\"w\":%u,\"h\":2}", "]}", QBID_OPENRTB_FORMATS_MAX, true},
    {"\"banner\":{\"format\":[", "{}", "]}", 2, true},
    {VIDEO("rqddurs"), "%u", "]}", QBID_TERMS_DURATIONS_MAX, true},
    {VIDEO("rqddurs"), "0", "]}", 1, true},
    {VIDEO("durfloors"), "{\"mindur\":%u,\"maxdur\":9,\"bidfloor\":0.5}", "]}",
     QBID_TERMS_DURFLOORS_MAX, true},
    {"\"audio\":{\"durfloors\":[", "{\"maxdur\":%u}", "]}", QBID_TERMS_DURFLOORS_MAX, true},
    {"\"pmp\":{\"deals\":[", "{\"id\":\"d%u\"}", "]}", QBID_OPENRTB_DEALS_MAX, true},
    {"\"pmp\":{\"deals\":[", "{\"bidfloor\":%u}", "]}", 2, true},
    {DEAL("wadomain"), "\"a%u.example\"", "]}]}", QBID_OPENRTB_WADOMAIN_MAX, true},
    {DEAL("wadomain"), "\"\"", "]}]}", 1, true},
    {DEAL("wseat"), "\"%u\"", "]}]}", QBID_TERMS_SEATS_MAX, true},
    {DEAL("wseat"), "\"seat %u\"", "]}]}", 1, true},
    {"\"wseat\":[", "\"%u\"", "]", QBID_TERMS_SEATS_MAX, false},
    {"\"bseat\":[", "\"\"", "]", 1, false},
    {"\"cur\":[", "\"USD\"", "]", QBID_OPENRTB_CURS_MAX, false},
    {"\"cur\":[", "\"\"", "]", 1, false},
    {"\"cur\":[", "\"euro\"", "]", 1, false},
    {"\"badv\":[", "\"\"", "]", 1, false},
    {"\"badv\":[", "\"a%u.example\"", "]", QBID_OPENRTB_BADV_MAX, false},
    {"\"acat\":[", "\"IAB%u\"", "]", QBID_OPENRTB_ACAT_MAX, false},
    {"\"acat\":[", "\"\"", "]", 1, false},
    {"\"wlang\":[", "\"en\"", "]", QBID_TERMS_LANGUAGES_MAX, false},
    {"\"wlang\":[", "\"\"", "]", 1, false},
    {"\"wlangb\":[", "\"no language at all %u\"", "]", 1, false},
    {"\"regs\":{\"gpp_sid\":[", "%u", "]}", QBID_OPENRTB_SECTIONS_MAX, false},
    {"\"regs\":{\"gpp_sid\":[", "-1", "]}", 1, false},
    {"\"regs\":{\"gpp_sid\":[", "70000", "]}", 1, false},
    {"\"user\":{\"data\":[{\"segment\":[", "{\"id\":\"%u\"}", "]}]}", QBID_OPENRTB_SEGMENTS_MAX,
     false},
    {"\"user\":{\"data\":[{\"segment\":[", "{\"id\":\"\"}", "]}]}", 1, false},
    {"\"user\":{\"data\":[", "{\"segment\":[{\"id\":\"%u\"},{}]}", "]}", 4, false},
    {"\"user\":{\"eids\":[", "{\"uids\":[{\"id\":\"\"},{\"id\":\"u%u\"}]}", "]}", 2, false},
    {"\"user\":{\"ext\":{\"eids\":[", "{\"uids\":[]}", "]}}", 2, false},
    {"\"source\":{\"schain\":{\"ver\":\"1.0\",\"complete\":1,\"nodes\":[",
     "{\"asi\":\"a%u\",\"sid\":\"s\",\"hp\":1}", "]}}", 3, false},
};

static void list_of(const struct list *list, unsigned cnt)
{
    static char fields[TEXT_MAX / 2];
    size_t n = (size_t)snprintf(fields, sizeof fields, "%s", list->before);
    for (unsigned i = 0; i < cnt; i++) {
        char entry[128];
        const char *number = strstr(list->entry, "%u");
        if (number)
            snprintf(entry, sizeof entry, "%.*s%u%s", (int)(number - list->entry), list->entry,
                     i + 1, number + 2);
        else
            snprintf(entry, sizeof entry, "%s", list->entry);
        n += (size_t)snprintf(fields + n, sizeof fields - n, "%s%s", i ? "," : "", entry);
    }
    snprintf(fields + n, sizeof fields - n, "%s", list->after);
    request_is(list->in_imp ? fields : "", list->in_imp ? "" : fields);
}

static void lists_are_read_as_in_json_up_to_their_limit_and_beyond(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const unsigned cnt[] = {
            0, 1, 2, lists[i].max - 1, lists[i].max, lists[i].max + 1, lists[i].max + 20};
        for (size_t k = 0; k < sizeof cnt / sizeof cnt[0]; k++)
            list_of(&lists[i], cnt[k]);
    }
}

static void objects_that_say_little_are_read_as_in_json(void **state)
{
    static const char *const in_request[] = {
        "\"site\":{}",
        "\"site\":{\"name\":\"n\"}",
        "\"site\":{\"id\":\"i\"}",
        "\"site\":{\"domain\":\"d\"}",
        "\"app\":{}",
        "\"app\":{\"name\":\"n\"}",
        "\"app\":{\"id\":\"i\"}",
        "\"app\":{\"bundle\":\"b\"}",
        "\"dooh\":{}",
        "\"dooh\":{\"name\":\"n\"}",
        "\"dooh\":{\"id\":\"i\"}",
        "\"device\":{\"sua\":{}}",
        "\"device\":{\"sua\":{\"mobile\":0}}",
        "\"device\":{\"sua\":{\"platform\":{}}}",
        "\"device\":{\"lmt\":0,\"dnt\":1,\"devicetype\":-2147483648}",
        "\"user\":{\"ext\":{}}",
        "\"user\":{\"ext\":{\"consent\":\"c\"}}",
        "\"regs\":{}",
        "\"regs\":{\"ext\":{}}",
        "\"regs\":{\"ext\":{\"dsa\":{}}}",
        "\"regs\":{\"ext\":{\"dsa\":{\"dsarequired\":2},\"gpc\":\"0\"}}",
        "\"source\":{}",
        "\"source\":{\"ext\":{}}",
        "\"source\":{\"schain\":{}}",
        "\"source\":{\"schain\":{\"complete\":1}}",
        "\"source\":{\"schain\":{\"ext\":{}}}",
        "\"source\":{\"schain\":{\"ver\":\"1.0\"}}",
        "\"source\":{\"schain\":{\"nodes\":[{}]}}",
        "\"source\":{\"schain\":{\"ver\":\"1\",\"nodes\":[{\"asi\":\"a\",\"sid\":\"s\",\"hp\":1}]}"
        "}",
        "\"source\":{\"schain\":{\"ver\":\"2.0\",\"nodes\":[{}]}}",
        "\"source\":{\"schain\":{\"ver\":\"1-0\",\"nodes\":[{}]}}",
        "\"source\":{\"schain\":{\"ver\":\"1.0\",\"nodes\":[]}}",
        "\"source\":{\"schain\":{\"ver\":\"1.0\",\"nodes\":[{\"asi\":\"a\",\"hp\":1}]}}",
        "\"source\":{\"schain\":{\"ver\":\"1.0\",\"nodes\":[{\"sid\":\"s\",\"hp\":1}]}}",
        "\"source\":{\"ext\":{\"schain\":{\"ver\":\"1.0\",\"nodes\":[{\"asi\":\"a\",\"sid\":\"s\"}]"
        "}}}",
    };
    static const char *const in_imp[] = {
        "\"qty\":{}",
        "\"qty\":{\"multiplier\":1}",
        "\"qty\":{\"multiplier\":2.5}",
        "\"banner\":{}",
        "\"video\":{\"skip\":0}",
        "\"video\":{\"skip\":1}",
        "\"audio\":{}",
        "\"pmp\":{}",
        "\"pmp\":{\"deals\":[{\"id\":\"d\",\"guar\":0},{\"id\":\"e\",\"guar\":1}]}",
        "\"native\":{}",
        "\"native\":{\"request\":{}}",
        "\"native\":{\"request\":{\"assets\":[{\"required\":1,\"title\":{\"len\":20}},"
        "{\"required\":1,\"title\":{\"len\":30}},{\"required\":1,\"title\":{}}]}}",
        "\"native\":{\"request\":{\"assets\":[{\"required\":1,\"title\":{\"len\":70000}},"
        "{\"required\":0,\"img\":{}},{\"required\":1,\"img\":{\"type\":3,\"w\":1,\"hmin\":2}},"
        "{\"required\":1,\"data\":{\"type\":2,\"len\":70000}},{\"required\":1,\"video\":{}}]}}",
        "\"native\":{\"request\":\"{\\\"assets\\\":[{\\\"required\\\":1,\\\"title\\\":{}}]}\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof in_request / sizeof in_request[0]; i++)
        request_is("", in_request[i]);
    for (size_t i = 0; i < sizeof in_imp / sizeof in_imp[0]; i++)
        request_is(in_imp[i], "");
}

static int setup(void **state)
{
    (void)state;
    json = malloc(sizeof *json);
    protobuf = malloc(sizeof *protobuf);
    return json && protobuf && qbid_openrtb_new(&json_parser) == 0
               ? qbid_protobuf_new(json_parser, &protobuf_parser)
               : 1;
}

static int teardown(void **state)
{
    (void)state;
    qbid_protobuf_free(protobuf_parser);
    qbid_openrtb_free(json_parser);
    free(json);
    free(protobuf);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_as_in_json_up_to_their_limit_and_beyond),
        cmocka_unit_test(objects_that_say_little_are_read_as_in_json),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
