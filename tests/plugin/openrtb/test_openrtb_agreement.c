/* SPDX-License-Identifier: Apache-2.0 */
/* The parser against a slow second reading: recorded requests, and recorded requests damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/hash.h"
#include "tests/plugin/lines.h"
#include "tests/plugin/openrtb/openrtb_oracle.h"

struct readings {
    struct qbid_openrtb *parser;
    struct qbid_openrtb_request *ours, *theirs;
    unsigned compared, sound;
};

static struct readings *readings_new(void)
{
    struct readings *r = test_calloc(1, sizeof *r);
    r->ours = test_calloc(1, sizeof *r->ours);
    r->theirs = test_calloc(1, sizeof *r->theirs);
    assert_int_equal(qbid_openrtb_new(&r->parser), 0);
    return r;
}

static void readings_free(struct readings *r)
{
    openrtb_oracle_done();
    qbid_openrtb_free(r->parser);
    test_free(r->ours);
    test_free(r->theirs);
    test_free(r);
}

/* What cJSON cannot hold: a NUL inside a string, half a surrogate pair. */
static int beyond_cjson(const char *text, size_t len)
{
    return memmem(text, len, "\\u0000", 6) || memmem(text, len, "\\ud", 3) ||
           memmem(text, len, "\\uD", 3);
}

static void compare(struct readings *r, const char *text, size_t len, const char *what,
                    unsigned number)
{
    char *body = lines_padded(text, len, ' ');
    if (!beyond_cjson(text, len)) {
        int ours = qbid_openrtb_parse(r->parser, body, len, r->ours);
        int theirs = openrtb_oracle_parse(text, len, r->theirs);
        const char *field =
            ours == 0 && theirs == 0 ? openrtb_oracle_differ(r->ours, r->theirs) : NULL;
        if (ours != theirs || field)
            fail_msg("%s %u: %d against %d, %s\n%.*s", what, number, ours, theirs,
                     field ? field : "", (int)len, text);
        r->compared++;
        r->sound += ours == 0;
    }
    free(body);
}

static void compare_file(const char *name, unsigned least)
{
    struct lines lines;
    if (!lines_open(&lines, name))
        skip();
    struct readings *r = readings_new();
    while (lines_next(&lines))
        compare(r, lines.text, lines.len, name, lines.number);
    print_message("%s: %u requests read alike, %u of them sound\n", name, r->compared, r->sound);
    assert_true(r->compared >= least);
    lines_close(&lines);
    readings_free(r);
}

static void recorded_requests_are_read_alike(void **state)
{
    (void)state;
    compare_file("requests.ndjson", 4000);
}

static void captured_requests_are_read_alike(void **state)
{
    (void)state;
    compare_file("adx_2016_captured.ndjson", 400);
}

/* A small set of requests that together have every field that is read. */
static const char *const seed[] = {
    "{\"id\":\"a\",\"at\":1,\"tmax\":120,\"test\":0,\"cur\":[\"USD\",\"EUR\"],\"bcat\":[\"IAB1\",7]"
    ","
    "\"badv\":[\"x.com\"],\"wseat\":[\"1\",\"22\"],\"bseat\":[\"3\"],\"imp\":[{\"id\":\"1\","
    "\"bidfloor\":0.25,\"bidfloorcur\":\"USD\",\"secure\":1,\"banner\":{\"w\":300,\"h\":250,"
    "\"pos\":1,\"format\":[{\"w\":300,\"h\":600},{\"w\":1,\"h\":2}]},\"pmp\":{\"private_auction\":"
    "1,"
    "\"deals\":[{\"id\":\"d1\",\"bidfloor\":1.5,\"bidfloorcur\":\"EUR\",\"wseat\":[\"1\"]}]}}]}",
    "{\"imp\":[{\"video\":{\"w\":640,\"h\":360,\"pos\":7,\"mimes\":[\"video/mp4\"]},\"id\":\"v\","
    "\"audio\":{\"mimes\":[]},\"native\":{\"request\":\"{\\\"a\\\":1}\"}}],\"id\":\"b\",\"site\":{"
    "\"id\":\"s1\",\"domain\":\"Ex.com\"},\"app\":{\"bundle\":12345,\"id\":\"a1\"},\"dooh\":{"
    "\"id\":"
    "\"d\"},\"ext\":{\"x\":[1,{\"y\":null}]}}",
    "{\"id\":\"c\",\"device\":{\"devicetype\":2,\"os\":\"iOS\",\"lmt\":0,\"dnt\":1,\"geo\":{"
    "\"country\":\"USA\",\"region\":\"CA\",\"utcoffset\":-60}},\"user\":{\"consent\":\"CO\","
    "\"ext\":{"
    "\"consent\":\"CP\"},\"geo\":{\"country\":\"GBR\"},\"data\":[{\"segment\":[{\"id\":\"s\"},{"
    "\"id\":"
    "42}]}]},\"regs\":{\"coppa\":0,\"gdpr\":1,\"us_privacy\":\"1YNN\",\"gpp_sid\":[2,6],\"ext\":{"
    "\"gdpr\":0,\"us_privacy\":\"1---\",\"gpp_sid\":[-1],\"gpc\":\"1\"}},\"imp\":[{\"id\":\"1\"}]}",
    "{\"id\":\"m\",\"cattax\":6,\"acat\":[\"IAB1\",7],\"bapp\":[\"a.b\"],\"wlang\":[\"en\"],\""
    "wlangb\":[\"en-US\",\"pt_BR\",\"x-way-too-long\"],\"source\":{\"schain\":{\"comple"
    "te\":1,\"ver\":\"1.0\",\"nodes\":[{\"asi\":\"x.com\",\"sid\":\"1\",\"hp\":1}]},\"ext\":{\""
    "schain\":{\"complete\":0,\"nodes\":[{\"asi\":\"y\",\"sid\":2,\"hp\":1}],\"ver\":\"1.0\""
    "}}},\"ext\":{\"schain\":{\"complete\":1,\"ver\":1.0,\"nodes\":[]}},\"device\":{\"su"
    "a\":{\"mobile\":1,\"platform\":{\"brand\":\"Android\"}}},\"imp\":[{\"id\":\"1\",\"inst"
    "l\":1,\"rwdd\":1,\"exp\":60,\"qty\":{\"multiplier\":2.5},\"video\":{\"mimes\":[\"vid"
    "eo/mp4\",\"Video/WEBM;codecs=1\",\"x/y\"],\"minduration\":5,\"maxduration\":30,"
    "\"rqddurs\":[15,30],\"protocols\":[2,3,7],\"linearity\":1,\"skip\":0,\"battr\":["
    "1,13,600],\"minbitrate\":100,\"maxbitrate\":2000,\"delivery\":[2],\"api\":[7],"
    "\"plcmt\":1,\"poddur\":60,\"mincpmpersec\":0.1,\"durfloors\":[{\"mindur\":1,\"max"
    "dur\":15,\"bidfloor\":2.5},{\"bidfloor\":1}]},\"audio\":{\"mimes\":[\"audio/mp4\""
    "],\"protocols\":[9],\"mincpmpersec\":0.2,\"skip\":1},\"banner\":{\"w\":1,\"h\":2,\""
    "btype\":[1,4],\"battr\":[3],\"expdir\":[2,3],\"api\":[5],\"mimes\":[\"image/png\""
    "]},\"native\":{\"request\":\"{\\\"ver\\\":\\\"1.2\\\",\\\"assets\\\":[{\\\"id\\\":1,\\\"requi"
    "red\\\":1,\\\"title\\\":{\\\"len\\\":80}},{\\\"id\\\":2,\\\"required\\\":1,\\\"img\\\":{\\\"ty"
    "pe\\\":3,\\\"wmin\\\":100,\\\"h\\\":50}},{\\\"id\\\":3,\\\"required\\\":true,\\\"data\\\":{\\"
    "\"type\\\":2,\\\"len\\\":90}},{\\\"required\\\":0,\\\"video\\\":{}}]}\",\"battr\":[8],\"a"
    "pi\":[6]},\"pmp\":{\"deals\":[{\"id\":\"d\",\"at\":3,\"guar\":1,\"bidfloor\":2,\"wadom"
    "ain\":[\"a.com\"],\"mincpmpersec\":0.3,\"durfloors\":[{\"mindur\":3,\"bidfloor\":"
    "4}]},{\"id\":\"e\"}]}}]}",
    "{\"id\":\"n\",\"site\":{},\"app\":{\"x\":1},\"source\":{},\"imp\":[{\"id\":\"1\",\"native"
    "\":{\"request\":\"{\\\"native\\\": {\\\"ver\\\": \\\"1.2\\\", \\\"assets\\\": [{\\\"id\\\": 1,"
    " \\\"required\\\": 1, \\\"title\\\": {\\\"len\\\": 80}}, {\\\"id\\\": 2, \\\"required\\\":"
    " 1, \\\"img\\\": {\\\"type\\\": 3, \\\"wmin\\\": 100, \\\"h\\\": 50}}, {\\\"id\\\": 3, \\\"r"
    "equired\\\": true, \\\"data\\\": {\\\"type\\\": 2, \\\"len\\\": 90}}, {\\\"required\\\":"
    " 0, \\\"video\\\": {}}]}}\"}},{\"id\":\"2\",\"native\":{\"request\":{\"assets\":[{\"re"
    "quired\":1,\"img\":{\"type\":1,\"w\":5}}]}}}]}",
};

/* Bytes that break JSON or types in interesting ways. */
static const char *const graft[] = {
    "null",      "\"\"",
    "true",      "{}",
    "[]",        "-1",
    "1.5",       "2.0",
    "1e2",       "\"7\"",
    "01",        "+1",
    ".5",        "1.",
    "1e",        "nul",
    "\\",        "\"",
    ",",         ":",
    "}",         "]",
    "{",         "[",
    "\x01",      "\xff",
    "\xc3\xa9",  "\\u00e9",
    "\\x",       " ",
    "\n",        "-0",
    "1e400",     "\"id\":",
    "\"imp\":[", "99999999999999999999",
    "\t",        "\xed\xa0\x80",
    "0",         "e",
    "/**/",      "{}}",
};

static size_t damage(const char *text, size_t len, uint64_t roll, char *out)
{
    size_t at = (size_t)(roll % len), cut = (size_t)((roll >> 32) % 8);
    const char *put = graft[(roll >> 40) % (sizeof graft / sizeof graft[0])];
    unsigned how = (unsigned)(roll >> 60) % 4;
    if (at + cut > len)
        cut = len - at;
    size_t put_len = how == 0 ? 0 : strlen(put);
    if (how == 1)
        cut = 0;
    memcpy(out, text, at);
    memcpy(out + at, put, put_len);
    memcpy(out + at + put_len, text + at + cut, len - at - cut);
    return len - cut + put_len;
}

/* Replace a whole scalar: the damage that leaves JSON sound and changes types. */
static size_t swap_value(const char *text, size_t len, uint64_t roll, char *out)
{
    size_t at = (size_t)(roll % len), from, to;
    for (from = at; from < len && text[from] != ':' && text[from] != ','; from++)
        ;
    from += from < len;
    for (to = from; to < len && !strchr(",}]", text[to]); to++)
        ;
    const char *put = graft[(roll >> 40) % 10];
    memcpy(out, text, from);
    memcpy(out + from, put, strlen(put));
    memcpy(out + from + strlen(put), text + to, len - to);
    return len - (to - from) + strlen(put);
}

static void damaged_requests_are_read_alike(void **state)
{
    (void)state;
    struct readings *r = readings_new();
    char *text = test_malloc(65536);
    for (unsigned i = 0; i < 60000; i++) {
        const char *from = seed[i % (sizeof seed / sizeof seed[0])];
        uint64_t roll = qbid_roll(i, 1, 0);
        size_t len = i % 2 ? damage(from, strlen(from), roll, text)
                           : swap_value(from, strlen(from), roll, text);
        if (i % 8 >= 6 && len > 0) { /* twice */
            char *copy = lines_padded(text, len, 0);
            len = damage(copy, len, qbid_roll(i, 2, 0), text);
            free(copy);
        }
        compare(r, text, len, "damaged", i);
    }
    print_message("%u damaged requests read alike, %u of them sound\n", r->compared, r->sound);
    assert_in_range(r->sound, r->compared / 10, r->compared - r->compared / 10);
    test_free(text);
    readings_free(r);
}

static void damaged_recorded_requests_are_read_alike(void **state)
{
    (void)state;
    struct lines lines;
    if (!lines_open(&lines, "requests.ndjson"))
        skip();
    struct readings *r = readings_new();
    char *text = test_malloc(65536);
    while (lines_next(&lines))
        for (unsigned i = 0; i < 4 && lines.len < 60000; i++) {
            uint64_t roll = qbid_roll(lines.number * 4 + i, 3, 0);
            size_t len = i % 2 ? damage(lines.text, lines.len, roll, text)
                               : swap_value(lines.text, lines.len, roll, text);
            compare(r, text, len, "damaged line", lines.number);
        }
    print_message("%u damaged requests read alike, %u of them sound\n", r->compared, r->sound);
    assert_true(r->compared > 10000);
    test_free(text);
    lines_close(&lines);
    readings_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests_are_read_alike),
        cmocka_unit_test(captured_requests_are_read_alike),
        cmocka_unit_test(damaged_requests_are_read_alike),
        cmocka_unit_test(damaged_recorded_requests_are_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
