/* SPDX-License-Identifier: Apache-2.0 */
/* Every field that a bidder must honour (OpenRTB 2.6): a request that is bid on, and one that is
 * not with the reason that stands for it. Read from the answer's bytes, by another parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/plugin/host.h"

static struct host host;

/* What the impression is, beside its id. */
#define BANNER "\"bidfloorcur\":\"CNY\",\"banner\":{\"w\":120,\"h\":600,\"api\":[5],\"expdir\":[2]"
#define VIDEO "\"bidfloorcur\":\"CNY\",\"video\":{\"w\":640,\"h\":480,\"mimes\":[\"video/mp4\"]"
#define AUDIO "\"bidfloorcur\":\"CNY\",\"audio\":{\"mimes\":[\"audio/mp4\"]"
#define NATIVE(assets)                                                                             \
    "\"native\":{\"request\":\"{\\\"ver\\\":\\\"1.2\\\",\\\"assets\\\":[" assets "]}\"}"
#define PLAIN "\"bidfloorcur\":\"CNY\",\"banner\":{\"w\":728,\"h\":90}"
#define DEAL(fields)                                                                               \
    "\"banner\":{\"w\":300,\"h\":250},\"pmp\":{\"private_auction\":1,\"deals\":[{\"id\":"          \
    "\"deal-3\"" fields "}]}"
#define NODE "{\"asi\":\"x.com\",\"sid\":\"1\",\"hp\":1}"
#define CHAIN(complete, ver, nodes)                                                                \
    "\"schain\":{\"complete\":" complete ",\"ver\":\"" ver "\",\"nodes\":[" nodes "]}"

/* nbr 0 = a bid. */
struct row {
    const char *rule, *fields, *imp;
    int nbr;
};

static const struct row rows[] = {
    {"id", "", PLAIN, 0},
    {"test", "\"test\":1", PLAIN, 0},
    {"at", "\"at\":1", PLAIN, 0},
    {"at", "\"at\":500", PLAIN, 0},
    {"at", "\"at\":\"x\"", PLAIN, 2},
    {"tmax", "\"tmax\":31", PLAIN, 0},
    {"tmax", "\"tmax\":30", PLAIN, 15},
    {"wseat", "\"wseat\":[\"1\"]", PLAIN, 0},
    {"wseat", "\"wseat\":[\"2\"]", PLAIN, 540},
    {"wseat of others", "\"wseat\":[\"x\"]", PLAIN, 540},
    {"bseat", "\"bseat\":[\"2\"]", PLAIN, 0},
    {"bseat", "\"bseat\":[\"1\"]", PLAIN, 540},
    {"allimps", "\"allimps\":1", PLAIN, 0},
    {"cur", "\"cur\":[\"JPY\",\"USD\"]", PLAIN, 0},
    {"cur", "\"cur\":[\"JPY\"]", PLAIN, 507},
    {"wlang", "\"wlang\":[\"de\",\"en\"]", BANNER "}", 0},
    {"wlang", "\"wlang\":[\"de\"]", BANNER "}", 547},
    {"wlang, undeclared", "\"wlang\":[\"de\"]", PLAIN, 547},
    {"wlangb", "\"wlangb\":[\"en-US\"]", BANNER "}", 0},
    {"wlangb", "\"wlangb\":[\"en-GB\"]", BANNER "}", 547},
    {"acat", "\"acat\":[\"IAB2\"]", PLAIN, 0},
    {"acat", "\"acat\":[\"IAB3\"]", PLAIN, 548},
    {"bcat", "\"bcat\":[\"IAB3\"]", PLAIN, 0},
    {"bcat", "\"bcat\":[\"IAB2\"]", PLAIN, 503},
    {"bcat, cattax", "\"cattax\":2,\"bcat\":[\"224\"]", BANNER "}", 0},
    {"bcat, cattax", "\"cattax\":2,\"bcat\":[\"223\"]", BANNER "}", 503},
    {"bcat in another cattax", "\"cattax\":6,\"bcat\":[\"1\"]", BANNER "}", 548},
    {"bcat in the default cattax", "\"bcat\":[\"IAB1\"]", BANNER "}", 548},
    {"badv", "\"badv\":[\"other.example\"]", PLAIN, 0},
    {"badv", "\"badv\":[\"shop.example\"]", PLAIN, 503},
    {"bapp", "\"bapp\":[\"com.other\"]", BANNER "}", 0},
    {"bapp", "\"bapp\":[\"com.Game\"]", BANNER "}", 549},
    {"bidfloor", "", PLAIN ",\"bidfloor\":5", 0},
    {"bidfloor", "", PLAIN ",\"bidfloor\":5.1", 502},
    {"bidfloorcur", "", "\"banner\":{\"w\":728,\"h\":90},\"bidfloor\":0.71", 0},
    {"bidfloorcur", "", "\"banner\":{\"w\":728,\"h\":90},\"bidfloor\":0.72", 502},
    {"secure unknown", "\"site\":{\"domain\":\"news.example\"}", "\"banner\":{\"w\":160,\"h\":600}",
     0},
    {"secure", "\"site\":{\"domain\":\"news.example\"}",
     "\"banner\":{\"w\":160,\"h\":600},\"secure\":1", 505},
    {"secure as a boolean", "\"site\":{\"domain\":\"news.example\"}",
     "\"banner\":{\"w\":160,\"h\":600},\"secure\":true", 505},
    {"instl", "", BANNER "},\"instl\":0", 0},
    {"instl", "", BANNER "},\"instl\":1", 552},
    {"rwdd", "", BANNER "},\"rwdd\":1", 552},
    {"ssai, tagid, metric", "", PLAIN ",\"ssai\":2,\"tagid\":\"t\",\"metric\":[{\"type\":\"v\"}]",
     0},
    {"exp", "", PLAIN ",\"exp\":600", 0},
    {"exp", "", PLAIN ",\"exp\":601", 553},
    {"qty", "", PLAIN ",\"qty\":{\"multiplier\":1}", 0},
    {"qty", "", PLAIN ",\"qty\":{\"multiplier\":2.5}", 554},
    {"banner.format", "", "\"banner\":{\"format\":[{\"w\":1,\"h\":2},{\"w\":728,\"h\":90}]}", 0},
    {"banner.format", "", "\"banner\":{\"format\":[{\"w\":1,\"h\":2}]}", 500},
    {"banner.btype", "", BANNER ",\"btype\":[1,4]}", 0},
    {"banner.btype", "", BANNER ",\"btype\":[3]}", 541},
    {"banner.battr", "", BANNER ",\"battr\":[1,2]}", 0},
    {"banner.battr", "", BANNER ",\"battr\":[9]}", 541},
    {"banner.mimes", "", BANNER ",\"mimes\":[\"image/png\"]}", 0},
    {"banner.mimes", "", BANNER ",\"mimes\":[\"image/gif\"]}", 543},
    {"banner.api", "", "\"banner\":{\"w\":120,\"h\":600,\"api\":[3,5],\"expdir\":[2]}", 0},
    {"banner.api", "", "\"banner\":{\"w\":120,\"h\":600,\"api\":[3],\"expdir\":[2]}", 542},
    {"banner.api unlisted", "", "\"banner\":{\"w\":120,\"h\":600}", 542},
    {"banner.expdir", "", "\"banner\":{\"w\":120,\"h\":600,\"api\":[5],\"expdir\":[1]}", 541},
    {"video.mimes", "", VIDEO "}", 0},
    {"video.mimes", "", "\"video\":{\"w\":640,\"h\":480,\"mimes\":[\"video/webm\"]}", 543},
    {"video w, h", "", "\"video\":{\"w\":640,\"h\":360}", 0},
    {"video.minduration", "", VIDEO ",\"minduration\":20}", 0},
    {"video.minduration", "", VIDEO ",\"minduration\":21}", 544},
    {"video.maxduration", "", VIDEO ",\"maxduration\":20}", 0},
    {"video.maxduration", "", VIDEO ",\"maxduration\":19}", 544},
    {"video.rqddurs", "", VIDEO ",\"rqddurs\":[15,20]}", 0},
    {"video.rqddurs", "", VIDEO ",\"rqddurs\":[15,30]}", 544},
    {"video.protocols", "", VIDEO ",\"protocols\":[3,6]}", 0},
    {"video.protocols", "", VIDEO ",\"protocols\":[6,7]}", 545},
    {"video.linearity", "", VIDEO ",\"linearity\":1}", 0},
    {"video.linearity", "", VIDEO ",\"linearity\":2}", 545},
    {"video.skip", "", VIDEO ",\"skip\":1}", 0},
    {"video.skip", "", VIDEO ",\"skip\":0}", 541},
    {"video.battr", "", VIDEO ",\"battr\":[1]}", 0},
    {"video.battr", "", VIDEO ",\"battr\":[16]}", 541},
    {"video.minbitrate", "", VIDEO ",\"minbitrate\":1000}", 0},
    {"video.minbitrate", "", VIDEO ",\"minbitrate\":1001}", 546},
    {"video.maxbitrate", "", VIDEO ",\"maxbitrate\":1000}", 0},
    {"video.maxbitrate", "", VIDEO ",\"maxbitrate\":999}", 546},
    {"video.delivery", "", VIDEO ",\"delivery\":[2,3]}", 0},
    {"video.delivery", "", VIDEO ",\"delivery\":[1]}", 546},
    {"video.plcmt", "", VIDEO ",\"plcmt\":1}", 0},
    {"video.plcmt", "", VIDEO ",\"plcmt\":4}", 552},
    {"video.poddur", "", VIDEO ",\"podid\":\"1\",\"slotinpod\":1,\"poddur\":20}", 0},
    {"video.poddur", "", VIDEO ",\"podid\":\"1\",\"slotinpod\":1,\"poddur\":19}", 544},
    {"video.mincpmpersec", "", VIDEO ",\"mincpmpersec\":0.25}", 0},
    {"video.mincpmpersec", "", VIDEO ",\"mincpmpersec\":0.26}", 502},
    {"video.durfloors", "",
     VIDEO ",\"durfloors\":[{\"mindur\":1,\"maxdur\":19,\"bidfloor\":9},"
           "{\"mindur\":20,\"bidfloor\":4}]},\"bidfloor\":9",
     0},
    {"video.durfloors", "", VIDEO ",\"durfloors\":[{\"mindur\":20,\"bidfloor\":6}]},\"bidfloor\":1",
     502},
    {"audio", "", AUDIO ",\"protocols\":[9],\"maxduration\":30}", 0},
    {"audio.mimes", "", "\"audio\":{\"mimes\":[\"audio/ogg\"]}", 543},
    {"audio.maxduration", "", AUDIO ",\"maxduration\":29}", 544},
    {"audio.protocols", "", AUDIO ",\"protocols\":[10]}", 545},
    {"native title", "", NATIVE("{\\\"required\\\":1,\\\"title\\\":{\\\"len\\\":25}}"), 0},
    {"native title", "", NATIVE("{\\\"required\\\":1,\\\"title\\\":{\\\"len\\\":24}}"), 550},
    {"native img", "",
     NATIVE("{\\\"required\\\":1,\\\"img\\\":{\\\"type\\\":3,\\\"wmin\\\":600,\\\"hmin\\\":300}}"),
     0},
    {"native img", "",
     NATIVE("{\\\"required\\\":1,\\\"img\\\":{\\\"type\\\":3,\\\"wmin\\\":1201,\\\"hmin\\\":1}}"),
     550},
    {"native img exactly", "",
     NATIVE("{\\\"required\\\":1,\\\"img\\\":{\\\"type\\\":1,\\\"w\\\":50,\\\"h\\\":50}}"), 550},
    {"native data", "", NATIVE("{\\\"required\\\":1,\\\"data\\\":{\\\"type\\\":2,\\\"len\\\":90}}"),
     0},
    {"native data", "", NATIVE("{\\\"required\\\":1,\\\"data\\\":{\\\"type\\\":1}}"), 550},
    {"native video", "", NATIVE("{\\\"required\\\":1,\\\"video\\\":{}}"), 550},
    {"native, not required", "", NATIVE("{\\\"video\\\":{}}"), 0},
    {"native 1.0", "",
     "\"native\":{\"request\":\"{\\\"native\\\":{\\\"assets\\\":[{\\\"required\\\":1,"
     "\\\"video\\\":{}}]}}\"}",
     550},
    {"native.request", "", "\"native\":{\"request\":\"{\"}", 500},
    {"native.battr", "", "\"native\":{\"battr\":[8]}", 541},
    {"private_auction", "", DEAL(""), 0},
    {"private_auction", "",
     "\"banner\":{\"w\":300,\"h\":250},\"pmp\":{\"private_auction\":1,\"deals\":[{\"id\":\"x\"}]}",
     504},
    {"deal.bidfloor", "", DEAL(",\"bidfloor\":20,\"bidfloorcur\":\"CNY\""), 0},
    {"deal.bidfloor", "", DEAL(",\"bidfloor\":20.1,\"bidfloorcur\":\"CNY\""), 502},
    {"deal.bidfloorcur is not inherited", "", "\"bidfloorcur\":\"CNY\"," DEAL(",\"bidfloor\":3"),
     502},
    {"no floor of the deal's own", "", "\"bidfloorcur\":\"CNY\",\"bidfloor\":21," DEAL(""), 502},
    {"a deal floor of 0", "", "\"bidfloorcur\":\"CNY\",\"bidfloor\":21," DEAL(",\"bidfloor\":0"),
     0},
    {"deal.wseat", "", DEAL(",\"wseat\":[\"2\"]"), 0},
    {"deal.wseat", "", DEAL(",\"wseat\":[\"1\"]"), 540},
    {"deal.wadomain", "", DEAL(",\"wadomain\":[\"Shop.example\"]"), 0},
    {"deal.wadomain", "", DEAL(",\"wadomain\":[\"other.example\"]"), 551},
    {"deal.guar", "", DEAL(",\"guar\":1,\"bidfloor\":50,\"bidfloorcur\":\"CNY\""), 0},
    {"deal.at 3", "", DEAL(",\"at\":3,\"bidfloor\":12,\"bidfloorcur\":\"CNY\""), 0},
    {"deal.at 3", "", DEAL(",\"at\":3,\"bidfloor\":21,\"bidfloorcur\":\"CNY\""), 502},
    {"site", "\"site\":{\"id\":\"1\"},\"app\":{}", PLAIN, 0},
    {"site and app", "\"site\":{\"id\":\"1\"},\"app\":{\"id\":\"2\"}", PLAIN, 2},
    {"app and dooh", "\"dooh\":{\"id\":\"1\"},\"app\":{\"id\":\"2\"}", PLAIN, 2},
    {"device.sua", "\"device\":{\"sua\":{\"mobile\":1,\"platform\":{\"brand\":\"iOS\"}}}", PLAIN,
     0},
    {"source.fd, tid", "\"source\":{\"fd\":1,\"tid\":\"x\"}", PLAIN, 0},
    {"source.schain", "\"source\":{" CHAIN("1", "1.0", NODE) "}", PLAIN, 0},
    {"schain.complete", "\"source\":{" CHAIN("0", "1.0", NODE) "}", PLAIN, 16},
    {"schain.ver", "\"source\":{" CHAIN("1", "2.0", NODE) "}", PLAIN, 16},
    {"schain.nodes", "\"source\":{" CHAIN("1", "1.0", "") "}", PLAIN, 16},
    {"schain node", "\"source\":{" CHAIN("1", "1.0", "{\"asi\":\"x\",\"sid\":\"1\"}") "}", PLAIN,
     16},
    {"source.ext.schain", "\"source\":{\"ext\":{" CHAIN("0", "1.0", NODE) "}}", PLAIN, 16},
    {"ext.schain", "\"ext\":{" CHAIN("0", "1.0", NODE) "}", PLAIN, 16},
    {"the newer schain wins",
     "\"source\":{" CHAIN("1", "1.0", NODE) ",\"ext\":{" CHAIN("0", "1.0", NODE) "}}", PLAIN, 0},
};

static void ask(const struct row *row)
{
    char text[4096];
    snprintf(text, sizeof text, "{\"id\":\"r-1\",\"imp\":[{\"id\":\"i\",%s}]%s%s}", row->imp,
             *row->fields ? "," : "", row->fields);
    if (host_ask(&host, text) != 200)
        fail_msg("%s: status %d for %s", row->rule, host.answer.status, text);
}

static void every_field_is_honoured(void **state)
{
    unsigned good = 0, bad = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(&rows[i]);
        cJSON *json = host_json(&host);
        const cJSON *nbr = cJSON_GetObjectItem(json, "nbr");
        assert_string_equal(host_text(json, "id"), "r-1");
        int got = nbr ? nbr->valueint : 0;
        if (got != rows[i].nbr || (got == 0) != (cJSON_GetObjectItem(json, "seatbid") != NULL))
            fail_msg("row %zu, %s: nbr %d instead of %d", i, rows[i].rule, got, rows[i].nbr);
        *(got ? &bad : &good) += 1;
        cJSON_Delete(json);
        host_drop_events(&host);
    }
    print_message("%u requests with a bid, %u without\n", good, bad);
    assert_true(good >= 40 && bad >= 40);
}

static double price_of(const char *imp)
{
    ask(&(struct row){"price", "\"at\":1,\"cur\":[\"CNY\"]", imp, 0});
    cJSON *json = host_json(&host);
    const cJSON *bid = host_bid(json, 0, NULL);
    double price = bid ? cJSON_GetObjectItem(bid, "price")->valuedouble : 0;
    cJSON_Delete(json);
    host_drop_events(&host);
    return price;
}

static void a_fixed_price_is_bid_exactly(void **state)
{
    (void)state;
    assert_true(price_of(DEAL(",\"at\":3,\"bidfloor\":12,\"bidfloorcur\":\"CNY\"")) == 12);
    assert_true(price_of(DEAL(",\"bidfloor\":12,\"bidfloorcur\":\"CNY\"")) == 20);
    assert_true(price_of(DEAL(",\"at\":3,\"guar\":1,\"bidfloor\":50,\"bidfloorcur\":\"CNY\"")) ==
                50);
}

static void a_refused_creative_leads_to_another_of_the_slot(void **state)
{
    unsigned seen[2] = {0};
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{\"id\":\"r%u\",\"imp\":[{\"id\":\"i\",\"banner\":{\"w\":468,\"h\":60%s}}]}", i,
                 i % 2 ? ",\"battr\":[3]" : "");
        assert_int_equal(host_ask(&host, text), 200);
        cJSON *json = host_json(&host);
        const cJSON *attr = cJSON_GetObjectItem(host_bid(json, 0, NULL), "attr");
        if (attr)
            assert_int_equal(cJSON_GetArrayItem(attr, 0)->valueint, 3);
        assert_false(i % 2 && attr);
        seen[i % 2] += attr != NULL;
        cJSON_Delete(json);
        host_drop_events(&host);
    }
    assert_in_range(seen[0], 120, 180); /* three of four of 200 */
    assert_int_equal(seen[1], 0);
}

static void the_answer_says_what_the_creative_is(void **state)
{
    (void)state;
    ask(&(struct row){"answer", "", VIDEO "}", 0});
    cJSON *json = host_json(&host);
    const cJSON *bid = host_bid(json, 0, NULL);
    assert_int_equal(cJSON_GetObjectItem(bid, "mtype")->valueint, 2);
    assert_int_equal(cJSON_GetObjectItem(bid, "dur")->valueint, 20);
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(bid, "attr"), 0)->valueint, 16);
    cJSON_Delete(json);
    ask(&(struct row){"answer", "", BANNER "}", 0});
    json = host_json(&host);
    bid = host_bid(json, 0, NULL);
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(bid, "apis"), 0)->valueint, 5);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(bid, "attr")), 2);
    assert_int_equal(cJSON_GetObjectItem(bid, "cattax")->valueint, 2);
    assert_string_equal(host_text(bid, "langb"), "en-us");
    assert_null(cJSON_GetObjectItem(bid, "dur"));
    cJSON_Delete(json);
    host_drop_events(&host);
}

static int setup(void **state)
{
    struct qbid_options options = {
        .size = sizeof options, .tmax_margin_ms = 30, .nbr = 1, .schain = QBID_SCHAIN_SOUND};
    (void)state;
    host_open(&host, &options, 12);
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
        cmocka_unit_test(every_field_is_honoured),
        cmocka_unit_test(a_fixed_price_is_bid_exactly),
        cmocka_unit_test(a_refused_creative_leads_to_another_of_the_slot),
        cmocka_unit_test(the_answer_says_what_the_creative_is),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
