/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded requests through the whole library: 200 or 204, and 400 exactly where it is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/plugin/host.h"
#include "tests/plugin/lines.h"

static struct host host;

/* Lines of requests.ndjson in which a field that is read has a wrong type: declined, not guessed.
 */
static const struct {
    unsigned line;
    const char *why;
} wrong_type[] = {
    {2084, "user.ext is the number 99"},
    {2112, "user.ext is the number 99"},
    {4197, "banner.w and h are strings"},
    {4212, "imp.secure is a string"},
    {4391, "device.lmt is a word"},
    {4392, "device.devicetype is a word"},
    {4404, "wseat is a number"},
    {4412, "device.geo.country is a number, utcoffset a word"},
    {4453, "at is a word"},
    {4454, "test is a word"},
};

static const char *excuse(unsigned line)
{
    for (size_t i = 0; i < sizeof wrong_type / sizeof wrong_type[0]; i++)
        if (wrong_type[i].line == line)
            return wrong_type[i].why;
    return NULL;
}

/* The answer must be JSON with the request's id; out of a recorded request nothing else is known.
 */
static void check_answer(void)
{
    if (host.answer.status == 200) {
        cJSON *json = host_json(&host);
        assert_true(strlen(host_text(json, "id")) > 0);
        assert_non_null(host_bid(json, 0, NULL));
        cJSON_Delete(json);
    } else {
        assert_int_equal(host.answer.body_bytes, 0);
    }
    host_drop_events(&host);
}

static void ask_file(const char *name, bool excuses, unsigned cnt[3])
{
    struct lines lines;
    if (!lines_open(&lines, name))
        skip();
    while (lines_next(&lines)) {
        int status = host_ask(&host, lines.text);
        const char *why = excuses ? excuse(lines.number) : NULL;
        if (status != 200 && status != 204)
            fail_msg("%s line %u: %d", name, lines.number, status);
        if (why && (status != 204 || host.answer.nobid != QBID_NOBID_INVALID))
            fail_msg("%s line %u: %d, although %s", name, lines.number, status, why);
        cnt[why ? 2 : status == 200 ? 0 : 1]++;
        check_answer();
    }
    lines_close(&lines);
    print_message("%s: %u bids, %u without, %u declined for a wrong type\n", name, cnt[0], cnt[1],
                  cnt[2]);
}

static void recorded_requests_get_a_bid_or_none(void **state)
{
    unsigned cnt[3] = {0};
    (void)state;
    ask_file("requests.ndjson", true, cnt);
    assert_true(cnt[0] > 1000 && cnt[1] > 500);
}

static void captured_requests_get_a_bid_or_none(void **state)
{
    unsigned cnt[3] = {0};
    (void)state;
    ask_file("adx_2016_captured.ndjson", false, cnt);
    assert_int_equal(cnt[2], 0);
    assert_true(cnt[0] > 0);
}

/* malformed.ndjson: what each is answered. An exchange refused all of them; here 400 is for JSON
 * that is broken, for a type that the specification does not allow in a field that is read, and for
 * a missing id or imp. The rest breaks rules that only an exchange has, or is about parts that a
 * bidder has no use for, and gets no bid or one. */
static const struct {
    unsigned index;
    const char *name; /* basename of `src` */
    int status;
    const char *why;
} verdict[] = {
    {0, "asset-data-no-type.json", 204, "content of native.request, which is not read"},
    {1, "asset-img-h-negative.json", 204, "content of native.request"},
    {2, "asset-img-w-negative.json", 204, "content of native.request"},
    {3, "asset-img-wmin-negative.json", 204, "content of native.request"},
    {4, "asset-mixed-type.json", 204, "content of native.request"},
    {5, "asset-title-empty.json", 204, "content of native.request"},
    {6, "asset-video-mimes-empty.json", 204, "content of native.request"},
    {7, "asset-video-no-maxduration.json", 204, "content of native.request"},
    {8, "asset-video-no-mimes.json", 204, "content of native.request"},
    {9, "asset-video-no-minduration.json", 204, "content of native.request"},
    {10, "asset-video-no-protocols.json", 204, "content of native.request"},
    {11, "asset-video-protocols-empty.json", 204, "content of native.request"},
    {12, "asset-video-protocols-invalid.json", 204, "content of native.request"},
    {13, "assets-with-dup-ids.json", 204, "content of native.request"},
    {14, "assets-with-partial-ids.json", 204, "content of native.request"},
    {15, "context-type-content-incompatible-subtype.json", 204, "content of native.request"},
    {16, "context-type-product-incompatible-subtype.json", 204, "content of native.request"},
    {17, "context-type-social-incompatible-subtype.json", 204, "content of native.request"},
    {18, "contextsubtype-negative.json", 204, "content of native.request"},
    {19, "empty-object.json", 204, "content of native.request"},
    {20, "empty.json", 204, "content of native.request"},
    {21, "eventtracker-methods-empty.json", 204, "content of native.request"},
    {22, "eventtracker-methods-large.json", 204, "content of native.request"},
    {23, "request-context-invalid.json", 204, "content of native.request"},
    {24, "bad_incoming_imp.json", 400, "broken JSON"},
    {25, "bad_stored_imp.json", 204, "the exchange's stored request is broken, this one is sound"},
    {26, "alias-unknown-core.json", 204, "the exchange's own aliases"},
    {27, "audio-maxbitrate-negative.json", 204, "an integer, out of range, not read"},
    {28, "audio-maxseq-negative.json", 204, "an integer, out of range, not read"},
    {29, "audio-minbitrate-negative.json", 204, "an integer, out of range, not read"},
    {30, "audio-sequence-negative.json", 204, "an integer, out of range, not read"},
    {31, "banner-h-negative.json", 204, "an integer, out of range: no size"},
    {32, "banner-h-only.json", 204, "no size that we could fill"},
    {33, "banner-hmax.json", 204, "hmax is OpenRTB 2.5, this exchange does not take it"},
    {34, "banner-hmin.json", 204, "hmin is OpenRTB 2.5, this exchange does not take it"},
    {35, "banner-w-only.json", 204, "no size that we could fill"},
    {36, "banner-wmax.json", 204, "wmax is OpenRTB 2.5, this exchange does not take it"},
    {37, "banner-wmin.json", 204, "wmin is OpenRTB 2.5, this exchange does not take it"},
    {38, "deal-no-id.json", 204, "a deal without an id is no deal; the type is sound"},
    {39, "device-geo-accuracy-negative.json", 204, "an integer, out of range, not read"},
    {40, "device-h-negative.json", 204, "an integer, out of range, not read"},
    {41, "device-ppi-negative.json", 204, "an integer, out of range, not read"},
    {42, "format-empty-array.json", 204, "no size that we could fill"},
    {43, "format-h-negative.json", 204, "an integer, out of range: no size"},
    {44, "format-hratio-negative.json", 204, "an integer, out of range, not read"},
    {45, "format-no-height.json", 204, "no size that we could fill"},
    {46, "format-no-hratio.json", 204, "no size that we could fill"},
    {47, "format-two-widths.json", 204, "no size that we could fill"},
    {48, "format-w-negative.json", 204, "an integer, out of range: no size"},
    {49, "format-wmin-negative.json", 204, "an integer, out of range, not read"},
    {50, "format-wratio-negative.json", 204, "an integer, out of range, not read"},
    {51, "imp-empty-array.json", 400, "imp is required with an element"},
    {52, "imp-ext-invalid-params.json", 204, "parameters of another bidder"},
    {53, "imp-ext-prebid-bidder-empty.json", 204, "parameters of the exchange"},
    {54, "imp-ext-unknown-bidder.json", 204, "parameters of the exchange"},
    {55, "imp-no-ext.json", 204, "ext is optional in OpenRTB"},
    {56, "imp-no-type.json", 204, "nothing to sell in it"},
    {57, "interstital-bad-perc.json", 204, "parameters of the exchange"},
    {58, "interstitial-empty.json", 204, "parameters of the exchange"},
    {59, "invalid-bidder-params.json", 204, "parameters of another bidder"},
    {60, "invalid-source.json", 204, "app.ext of the exchange, not read"},
    {61, "metric-empty-object.json", 204, "metric is OpenRTB, this exchange does not take it"},
    {62, "native-empty.json", 204, "native.request is required of an exchange; types are sound"},
    {63, "no-site-or-app-or-dooh.json", 204, "site and app are optional in OpenRTB"},
    {64, "only-request-id.json", 400, "imp is required"},
    {65, "regs-ext-malformed.json", 400, "regs.ext is a string"},
    {66, "site-app-both.json", 204, "one of two is used"},
    {67, "site-dooh-both.json", 204, "one of two is used"},
    {68, "site-empty.json", 204, "an empty site is allowed in OpenRTB"},
    {69, "storedrequest-id-int.json", 204, "ext of the exchange, not read"},
    {70, "user-ext-consent-int.json", 400, "user.ext.consent is a number"},
    {71, "user-ext-prebid-buyeruids-empty.json", 204, "ext of the exchange, not read"},
    {72, "user-ext-prebid-buyeruids-unknown.json", 204, "ext of the exchange, not read"},
    {73, "user-ext-prebid-empty.json", 204, "ext of the exchange, not read"},
    {74, "user-geo-accuracy-negative.json", 204, "an integer, out of range, not read"},
    {75, "video-h-negative.json", 204, "an integer, out of range: no size"},
    {76, "video-maxbitrate-negative.json", 204, "an integer, out of range, not read"},
};

static void check_verdict(unsigned index, const cJSON *line)
{
    const char *name = strrchr(host_text(line, "src"), '/') + 1;
    assert_true(index < sizeof verdict / sizeof verdict[0]);
    assert_string_equal(verdict[index].name, name);
    const cJSON *raw = cJSON_GetObjectItem(line, "raw");
    char *text =
        raw ? strdup(raw->valuestring) : cJSON_PrintUnformatted(cJSON_GetObjectItem(line, "body"));
    int status = host_ask(&host, text);
    bool good = verdict[index].status == 400 ? status == 400 : status == 200 || status == 204;
    if (!good)
        fail_msg("%u %s: %d, although: %s", index, name, status, verdict[index].why);
    check_answer();
    free(text);
}

static void malformed_requests_get_the_listed_verdicts(void **state)
{
    struct lines lines;
    unsigned index = 0;
    (void)state;
    if (!lines_open(&lines, "malformed.ndjson"))
        skip();
    for (; lines_next(&lines); index++) {
        cJSON *line = cJSON_ParseWithLength(lines.text, lines.len);
        assert_non_null(line);
        check_verdict(index, line);
        cJSON_Delete(line);
    }
    lines_close(&lines);
    assert_int_equal(index, sizeof verdict / sizeof verdict[0]);
}

static void impressions_are_bids_and_reasons(void **state)
{
    uint64_t sum = host_counter(&host, QBID_COUNTER_BIDS);
    (void)state;
    for (unsigned i = 1; i < QBID_NOBID_CNT; i++)
        sum += host_nobid(&host, (enum qbid_nobid)i);
    assert_int_equal(sum, host_counter(&host, QBID_COUNTER_IMPRESSIONS));
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
        cmocka_unit_test(recorded_requests_get_a_bid_or_none),
        cmocka_unit_test(captured_requests_get_a_bid_or_none),
        cmocka_unit_test(malformed_requests_get_the_listed_verdicts),
        cmocka_unit_test(impressions_are_bids_and_reasons),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
