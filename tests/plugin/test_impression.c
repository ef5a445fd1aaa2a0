/* SPDX-License-Identifier: Apache-2.0 */
/* From parsed requests to raw values, floors, deals and block lists. */
#include "plugin/impression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/dims.h"
#include "tests/plugin/account.h"
#include "tests/plugin/lines.h"

/* 1970-01-05, a Monday, 00:00 UTC */
#define MONDAY_S (4 * 86400)

static void *base;
static struct qbid_image image;
static struct qbid_openrtb *parser;
static struct qbid_openrtb_request *openrtb;
static struct qbid_common *common;
static struct qbid_terms terms;
static struct qbid_request request;
static uint8_t deal_idx[QBID_REQUEST_DEALS_MAX];
static char *body;

static enum qbid_nobid fill_at(const char *text, uint64_t unix_s)
{
    free(body);
    body = lines_padded(text, strlen(text), 0);
    assert_int_equal(qbid_openrtb_parse(parser, body, strlen(text), openrtb), 0);
    qbid_common_fill(&image, openrtb, "2", unix_s, common);
    return qbid_impression_fill(common, 0, deal_idx, &terms, &request);
}

/* Fields of the request, fields of its impression. */
static enum qbid_nobid fill(const char *fields, const char *imp)
{
    char text[4096];
    snprintf(text, sizeof text, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"%s%s}]%s%s}", *imp ? "," : "",
             imp, *fields ? "," : "", fields);
    return fill_at(text, MONDAY_S);
}

static uint64_t raw(unsigned dim, const char *text)
{
    return qbid_hash_dim(dim, text, strlen(text));
}

static uint64_t name(const char *text)
{
    return qbid_hash_name(text, strlen(text));
}

static void raw_values_are_the_documented_ones(void **state)
{
    (void)state;
    assert_int_equal(
        fill("\"device\":{\"devicetype\":2,\"os\":\"Windows NT\",\"geo\":{\"country\":\"chn\","
             "\"region\":\"1\"}},\"site\":{\"domain\":\"News.Example\",\"id\":\"s\"}",
             "\"banner\":{\"pos\":1,\"w\":300,\"h\":250}"),
        QBID_NOBID_NONE);
    assert_true(request.dim[QBID_DIM_EXCHANGE] == raw(QBID_DIM_EXCHANGE, "2"));
    assert_true(request.dim[QBID_DIM_DEVICE] == raw(QBID_DIM_DEVICE, "2/windows nt"));
    assert_true(request.dim[QBID_DIM_GEO] == raw(QBID_DIM_GEO, "CHN/1"));
    assert_true(request.dim[QBID_DIM_SITE] == raw(QBID_DIM_SITE, "news.example"));
    assert_true(request.dim[QBID_DIM_POSITION] == raw(QBID_DIM_POSITION, "1"));
    assert_true(request.dim[QBID_DIM_HOUR] == raw(QBID_DIM_HOUR, "0"));
}

static void halves_that_are_absent_are_empty(void **state)
{
    (void)state;
    fill("\"device\":{\"os\":\"iOS\",\"geo\":{\"country\":\"USA\"}}", "");
    assert_true(request.dim[QBID_DIM_DEVICE] == raw(QBID_DIM_DEVICE, "/ios"));
    assert_true(request.dim[QBID_DIM_GEO] == raw(QBID_DIM_GEO, "USA/"));
    fill("\"device\":{\"devicetype\":-1},\"user\":{\"geo\":{\"region\":\"CA\"}}", "");
    assert_true(request.dim[QBID_DIM_DEVICE] == raw(QBID_DIM_DEVICE, "-1/"));
    assert_true(request.dim[QBID_DIM_GEO] == raw(QBID_DIM_GEO, "/CA"));
    fill("", "");
    assert_true(request.dim[QBID_DIM_DEVICE] == 0 && request.dim[QBID_DIM_GEO] == 0);
    assert_true(request.dim[QBID_DIM_SITE] == 0 && request.dim[QBID_DIM_POSITION] == 0);
}

static void the_site_is_the_first_name_that_is_there(void **state)
{
    static const struct {
        const char *fields, *site;
    } row[] = {
        {"\"site\":{\"domain\":\"A.b\",\"id\":\"X\"},\"app\":{\"bundle\":\"C\"}", "a.b"},
        {"\"site\":{\"id\":\"X\"},\"app\":{\"bundle\":\"Com.Y\",\"id\":\"Z\"}", "com.y"},
        {"\"site\":{\"id\":\"X\"},\"app\":{\"id\":\"Z\"}", "X"},
        {"\"app\":{\"id\":\"Z\"},\"dooh\":{\"id\":\"D\"}", "Z"},
        {"\"app\":{\"bundle\":835599320}", "835599320"},
        {"\"dooh\":{\"id\":\"D\"}", "D"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        fill(row[i].fields, "");
        assert_true(request.dim[QBID_DIM_SITE] == raw(QBID_DIM_SITE, row[i].site));
    }
}

static void the_hour_is_that_of_the_users_clock(void **state)
{
    static const struct {
        int offset_min;
        uint64_t unix_s;
        const char *hour;
    } row[] = {
        {0, MONDAY_S, "0"},
        {0, MONDAY_S + 3599, "0"},
        {0, MONDAY_S + 3600, "1"},
        {0, MONDAY_S - 1, "167"},
        {480, MONDAY_S, "8"},
        {-480, MONDAY_S, "160"},
        {330, MONDAY_S + 1800, "6"},
        {0, 0, "72"},                    /* 1970-01-01 was a Thursday */
        {0, UINT64_C(1700000000), "46"}, /* Tuesday 2023-11-14 22:13 UTC */
        {480, UINT64_C(1700000000), "54"},
        {100000, MONDAY_S, "0"}, /* no such offset: UTC */
    };
    char text[256];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        snprintf(text, sizeof text,
                 "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"device\":{\"geo\":{\"utcoffset\":%d}}}",
                 row[i].offset_min);
        fill_at(text, row[i].unix_s);
        if (request.dim[QBID_DIM_HOUR] != raw(QBID_DIM_HOUR, row[i].hour))
            fail_msg("row %zu", i);
    }
    fill_at("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"user\":{\"geo\":{\"utcoffset\":60}}}",
            MONDAY_S);
    assert_true(request.dim[QBID_DIM_HOUR] == raw(QBID_DIM_HOUR, "1"));
}

static void slots_come_in_order_of_preference(void **state)
{
    (void)state;
    fill(
        "",
        "\"banner\":{\"w\":300,\"h\":250,\"format\":[{\"w\":728,\"h\":90},{\"w\":9,\"h\":9},{\"w\":"
        "160,\"h\":600}]},\"video\":{\"w\":640,\"h\":360},\"native\":{},\"audio\":{}");
    static const char *const want[] = {"banner:728x90", "banner:160x600", "banner:300x250",
                                       "video:640x360", "video:any",      "audio",
                                       "native"};
    assert_int_equal(request.slot_cnt, 7); /* 9x9 is not in the dictionary */
    for (unsigned i = 0; i < 7; i++)
        assert_true(request.slot[i] == raw(QBID_DIM_SLOT, want[i]));
    fill("", "\"banner\":{\"w\":300,\"h\":250,\"format\":[{\"w\":300,\"h\":250}]}");
    assert_int_equal(request.slot_cnt, 1); /* not twice */
    fill("", "\"banner\":{\"w\":300},\"video\":{\"w\":-640,\"h\":360}");
    assert_int_equal(request.slot_cnt, 1); /* video:any */
    fill("", "");
    assert_int_equal(request.slot_cnt, 0);
}

static void slots_are_used_as_far_as_they_fit(void **state)
{
    char imp[1000] = "\"banner\":{\"w\":300,\"h\":250,\"format\":[";
    (void)state;
    for (unsigned i = 0; i < QBID_REQUEST_SLOTS_MAX; i++)
        strcat(imp, i ? ",{\"w\":728,\"h\":90}" : "{\"w\":728,\"h\":90}");
    strcat(imp, "]},\"video\":{}");
    fill("", imp);
    assert_int_equal(request.slot_cnt, QBID_REQUEST_SLOTS_MAX);
    for (unsigned i = 0; i < QBID_REQUEST_SLOTS_MAX; i++)
        assert_true(request.slot[i] == raw(QBID_DIM_SLOT, "banner:728x90"));
}

static void the_position_is_the_banners_else_the_videos(void **state)
{
    (void)state;
    fill("", "\"banner\":{\"pos\":3},\"video\":{\"pos\":7}");
    assert_true(request.dim[QBID_DIM_POSITION] == raw(QBID_DIM_POSITION, "3"));
    fill("", "\"banner\":{},\"video\":{\"pos\":7}");
    assert_true(request.dim[QBID_DIM_POSITION] == raw(QBID_DIM_POSITION, "7"));
}

static void floors_are_converted_or_refused(void **state)
{
    (void)state;
    assert_int_equal(fill("", "\"bidfloor\":0.5"), QBID_NOBID_NONE); /* USD by default */
    assert_int_equal(request.floor_micros, 3500000);
    assert_int_equal(fill("", "\"bidfloor\":0.5,\"bidfloorcur\":\"CNY\""), QBID_NOBID_NONE);
    assert_int_equal(request.floor_micros, 500000);
    assert_int_equal(fill("", "\"bidfloor\":0.5,\"bidfloorcur\":\"JPY\""), QBID_NOBID_CURRENCY);
    assert_int_equal(fill("", "\"bidfloor\":0.5,\"bidfloorcur\":\"money\""), QBID_NOBID_CURRENCY);
    assert_int_equal(fill("", "\"bidfloor\":0,\"bidfloorcur\":\"JPY\""), QBID_NOBID_NONE);
    assert_int_equal(request.floor_micros, 0);
}

static void deals_without_a_rate_or_a_seat_of_ours_are_left_out(void **state)
{
    (void)state;
    fill("",
         "\"pmp\":{\"private_auction\":1,\"deals\":[{\"id\":\"a\",\"bidfloor\":1,\"bidfloorcur\":"
         "\"JPY\"},{\"id\":\"b\",\"bidfloor\":2},{\"id\":\"c\",\"wseat\":[\"agency\"]},{\"id\":"
         "\"d\","
         "\"bidfloor\":1,\"bidfloorcur\":\"EUR\",\"wseat\":[\"7\"]}]},\"bidfloor\":9,"
         "\"bidfloorcur\":"
         "\"CNY\"");
    assert_int_equal(request.flags, QBID_REQUEST_PRIVATE_ONLY);
    assert_int_equal(request.deal_cnt, 2);
    assert_true(request.deal[0].id_hash == name("b"));
    assert_int_equal(request.deal[0].floor_micros, 14000000); /* USD, not the impression's CNY */
    assert_int_equal(deal_idx[0], 1);
    assert_true(request.deal[1].id_hash == name("d"));
    assert_int_equal(request.deal[1].floor_micros, 8000000);
    assert_int_equal(deal_idx[1], 3);
}

static void deals_that_share_an_id_are_left_out(void **state)
{
    (void)state;
    fill("", "\"pmp\":{\"deals\":[{\"id\":\"a\",\"bidfloor\":1},{\"id\":\"b\"},{\"id\":\"a\"}]}");
    assert_int_equal(request.deal_cnt, 1);
    assert_true(request.deal[0].id_hash == name("b"));
    assert_int_equal(deal_idx[0], 1);
}

static void deals_are_used_as_far_as_they_fit(void **state)
{
    char imp[2048] = "\"pmp\":{\"deals\":[";
    (void)state;
    for (unsigned i = 0; i < QBID_REQUEST_DEALS_MAX + 3; i++)
        snprintf(imp + strlen(imp), sizeof imp - strlen(imp), "%s{\"id\":\"d%u\"}", i ? "," : "",
                 i);
    strcat(imp, "]}");
    fill("", imp);
    assert_int_equal(request.deal_cnt, QBID_REQUEST_DEALS_MAX);
    assert_true(request.deal[QBID_REQUEST_DEALS_MAX - 1].id_hash == name("d15"));
}

static void blocked_names_are_compared_in_lower_case(void **state)
{
    (void)state;
    fill("\"badv\":[\"Shop.Example\",\"b.c\"],\"bcat\":[\"IAB2\",14]", "");
    assert_int_equal(request.badv_cnt, 2);
    assert_true(request.badv[0] == name("shop.example"));
    assert_int_equal(request.bcat_cnt, 2);
    assert_true(request.bcat[0] == name("iab2"));
    assert_true(request.bcat[1] == name("14"));
}

static void only_second_price_is_decided_as_such(void **state)
{
    static const struct {
        const char *fields;
        enum qbid_auction auction;
    } row[] = {{"", QBID_AUCTION_SECOND_PRICE},           {"\"at\":2", QBID_AUCTION_SECOND_PRICE},
               {"\"at\":2.0", QBID_AUCTION_SECOND_PRICE}, {"\"at\":1", QBID_AUCTION_FIRST_PRICE},
               {"\"at\":3", QBID_AUCTION_FIRST_PRICE},    {"\"at\":500", QBID_AUCTION_FIRST_PRICE},
               {"\"at\":0", QBID_AUCTION_FIRST_PRICE}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        fill(row[i].fields, "");
        assert_int_equal(request.auction, row[i].auction);
    }
}

static void flags_come_from_test_and_secure(void **state)
{
    (void)state;
    fill("\"test\":1", "\"secure\":1");
    assert_int_equal(request.flags, QBID_REQUEST_TEST | QBID_REQUEST_SECURE);
    fill("\"test\":0", "\"secure\":0");
    assert_int_equal(request.flags, 0);
}

#define SEGMENT "\"user\":{\"data\":[{\"segment\":[{\"id\":\"vip\"},{\"id\":\"unknown\"}]}]}"

static void segments_are_used_only_where_no_signal_forbids_it(void **state)
{
    static const char *const open[] = {
        "",
        ",\"regs\":{\"coppa\":0,\"gdpr\":0}",
        ",\"device\":{\"lmt\":0,\"dnt\":0}",
        ",\"regs\":{\"us_privacy\":\"1YNN\"}",
        ",\"regs\":{\"us_privacy\":\"1---\"}",
        ",\"regs\":{\"gpp_sid\":[-1]}",
        ",\"regs\":{\"gdpr\":0,\"ext\":{\"gdpr\":1}}", /* the newer place wins */
        ",\"regs\":{\"us_privacy\":\"1NNN\",\"ext\":{\"us_privacy\":\"1YYY\"}}",
        ",\"regs\":{\"ext\":{\"gpc\":\"0\"}}",
    };
    static const char *const restricted[] = {
        ",\"regs\":{\"coppa\":1}",
        ",\"device\":{\"lmt\":1}",
        ",\"device\":{\"dnt\":1}",
        ",\"regs\":{\"gdpr\":1}",
        ",\"regs\":{\"ext\":{\"gdpr\":1}}",
        ",\"regs\":{\"us_privacy\":\"1YYN\"}",
        ",\"regs\":{\"us_privacy\":\"1-Y-\"}",
        ",\"regs\":{\"us_privacy\":\"1-y-\"}",
        ",\"regs\":{\"us_privacy\":\"1Y\"}",
        ",\"regs\":{\"us_privacy\":\"2YNN\"}",
        ",\"regs\":{\"us_privacy\":\"1YXN\"}",
        ",\"regs\":{\"ext\":{\"us_privacy\":\"1NYN\"}}",
        ",\"regs\":{\"gpp_sid\":[7]}",
        ",\"regs\":{\"ext\":{\"gpp_sid\":[-1,2]}}",
        ",\"regs\":{\"ext\":{\"gpc\":\"1\"}}",
        ",\"regs\":{\"ext\":{\"gpc\":1}}",
    };
    char fields[512];
    (void)state;
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        snprintf(fields, sizeof fields, SEGMENT "%s", open[i]);
        fill(fields, "");
        assert_int_equal(request.segment_cnt, 1);
        assert_true(request.segment[0] == raw(QBID_DIM_SEGMENT, "vip"));
    }
    for (size_t i = 0; i < sizeof restricted / sizeof restricted[0]; i++) {
        snprintf(fields, sizeof fields, SEGMENT "%s", restricted[i]);
        fill(fields, "");
        if (request.segment_cnt != 0)
            fail_msg("used: %s", restricted[i]);
    }
}

/* Long ids are known by their beginning to nobody, and no more segments are asked for than fit. */
static void segments_are_used_as_far_as_they_fit(void **state)
{
    char fields[8192], id[320];
    size_t n = 0;
    (void)state;
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    n += (size_t)snprintf(fields, sizeof fields,
                          "\"user\":{\"data\":[{\"segment\":[{\"id\":\"%s\"}", id);
    for (unsigned i = 0; i < QBID_REQUEST_SEGMENTS_MAX + 5; i++)
        n += (size_t)snprintf(fields + n, sizeof fields - n, ",{\"id\":\"vip\"}");
    snprintf(fields + n, sizeof fields - n, "]}]}");
    fill(fields, "");
    assert_int_equal(request.segment_cnt, QBID_REQUEST_SEGMENTS_MAX);
    assert_true(request.segment[QBID_REQUEST_SEGMENTS_MAX - 1] == raw(QBID_DIM_SEGMENT, "vip"));
    assert_int_equal(common->unknown.value[common->unknown.cnt - 1].len, 255);
}

static void what_is_asked_makes_terms(void **state)
{
    static const char *const asks[] = {
        "\"wlang\":[\"en\"]", "\"wlangb\":[\"en\"]", "\"bcat\":[\"IAB1\"],\"cattax\":2",
        "\"bcat\":[\"IAB1\"],\"cattax\":0", "\"bcat\":[\"IAB1\"],\"cattax\":255"};
    static const uint8_t taxonomy[] = {0, 0, 2, UINT8_MAX, UINT8_MAX};
    (void)state;
    for (unsigned i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        fill(asks[i], "");
        assert_ptr_equal(request.terms, &terms);
        assert_int_equal(terms.cattax, taxonomy[i]);
    }
    fill("\"bcat\":[\"IAB1\"]", "");
    assert_null(request.terms);
}

static void any_one_thing_asked_of_media_makes_terms(void **state)
{
    static const char *const asks[] = {
        "\"battr\":[1]",      "\"mimes\":[\"video/mp4\"]", "\"protocols\":[2]",
        "\"linearity\":1",    "\"minduration\":5",         "\"maxduration\":30",
        "\"minbitrate\":300", "\"maxbitrate\":1500",       "\"api\":[1]"};
    char imp[200];
    (void)state;
    for (unsigned i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        snprintf(imp, sizeof imp, "\"video\":{%s}", asks[i]);
        fill("", imp);
        assert_ptr_equal(request.terms, &terms);
    }
    fill("", "\"video\":{}");
    assert_null(request.terms);
}

/* Nothing asks for the user where no line item has a cap. */
static void the_user_is_known_where_a_cap_needs_one(void **state)
{
    struct qbid_image_header header = *image.header;
    struct qbid_image capped = image;
    (void)state;
    fill("\"user\":{\"id\":\"u-1\"},\"regs\":{\"gdpr\":0}", "");
    assert_int_equal(request.user_key, 0);
    header.capped_cnt = 1;
    capped.header = &header;
    qbid_common_fill(&capped, openrtb, "2", MONDAY_S, common);
    assert_true(common->base.user_key != 0);
}

static void one_play_is_one_impression(void **state)
{
    (void)state;
    assert_int_equal(
        fill_at("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"qty\":{\"multiplier\":2}}]}", 0),
        QBID_NOBID_MULTIPLIER);
    assert_int_equal(
        fill_at("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"qty\":{\"multiplier\":1}}]}", 0),
        QBID_NOBID_NONE);
}

static void more_allowed_domains_than_fit_are_no_domain(void **state)
{
    char imp[16384] = "\"pmp\":{\"deals\":[{\"id\":\"a\",\"wadomain\":[";
    size_t n = strlen(imp);
    (void)state;
    for (unsigned i = 0; i < QBID_OPENRTB_WADOMAIN_MAX; i++)
        n += (size_t)snprintf(imp + n, sizeof imp - n, "%s\"d%u.example\"", i ? "," : "", i);
    snprintf(imp + n, sizeof imp - n, "]},{\"id\":\"b\",\"wadomain\":[\"one.example\"]}]}");
    fill("", imp);
    assert_true(terms.deal[1].wadomain_given);
    assert_int_equal(terms.deal[1].wadomain_cnt, 0);
}

static void the_exchange_may_be_nobody(void **state)
{
    (void)state;
    fill("", "");
    assert_true(request.dim[QBID_DIM_EXCHANGE] == raw(QBID_DIM_EXCHANGE, "2"));
    qbid_common_fill(&image, openrtb, NULL, MONDAY_S, common);
    assert_int_equal(qbid_impression_fill(common, 0, deal_idx, &terms, &request), QBID_NOBID_NONE);
    assert_int_equal(request.dim[QBID_DIM_EXCHANGE], 0);
}

static void unknown_raw_values_are_noted_with_their_text(void **state)
{
    (void)state;
    fill("\"device\":{\"devicetype\":2,\"os\":\"Q\"},\"site\":{\"domain\":\"news.example\"}"
         "," SEGMENT,
         "\"banner\":{\"format\":[{\"w\":300,\"h\":250},{\"w\":11,\"h\":22}],\"pos\":4}");
    /* device, hour, segment, slot, position; exchange, site and the other slot are known */
    assert_int_equal(common->unknown.total, 5);
    assert_int_equal(common->unknown.cnt, 5);
    static const struct {
        unsigned dim;
        const char *text;
    } want[] = {{QBID_DIM_DEVICE, "2/q"},
                {QBID_DIM_HOUR, "0"},
                {QBID_DIM_SEGMENT, "unknown"},
                {QBID_DIM_SLOT, "banner:11x22"},
                {QBID_DIM_POSITION, "4"}};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(common->unknown.value[i].dim, want[i].dim);
        assert_int_equal(common->unknown.value[i].len, strlen(want[i].text));
        assert_string_equal(common->unknown.value[i].text, want[i].text);
        assert_true(common->unknown.value[i].hash == raw(want[i].dim, want[i].text));
    }
}

static void long_raw_values_are_noted_by_their_beginning(void **state)
{
    char fields[1024], domain[401];
    (void)state;
    memset(domain, 'a', 400);
    domain[400] = '\0';
    snprintf(fields, sizeof fields, "\"site\":{\"domain\":\"%s\"}", domain);
    fill(fields, "");
    assert_int_equal(common->unknown.value[0].dim, QBID_DIM_SITE);
    assert_int_equal(common->unknown.value[0].len, 255);
    assert_memory_equal(common->unknown.value[0].text, domain, QBID_UNKNOWN_TEXT);
    assert_true(request.dim[QBID_DIM_SITE] == qbid_hash_dim(QBID_DIM_SITE, domain, 256));
}

static void an_impression_without_an_id_cannot_be_answered(void **state)
{
    (void)state;
    assert_int_equal(fill_at("{\"id\":\"r\",\"imp\":[{\"banner\":{}}]}", 0), QBID_NOBID_INVALID);
}

static void impressions_that_share_an_id_cannot_be_answered(void **state)
{
    static const char text[] = "{\"id\":\"r\",\"imp\":[{\"id\":\"a\",\"banner\":{}},{\"id\":\"b\","
                               "\"banner\":{}},{\"id\":\"a\",\"banner\":{}}]}";
    (void)state;
    assert_int_equal(fill_at(text, 0), QBID_NOBID_INVALID);
    assert_int_equal(qbid_impression_fill(common, 1, deal_idx, &terms, &request), QBID_NOBID_NONE);
    assert_int_equal(qbid_impression_fill(common, 2, deal_idx, &terms, &request),
                     QBID_NOBID_INVALID);
}

static void the_random_stream_hangs_on_both_ids(void **state)
{
    (void)state;
    fill_at("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]}", 0);
    uint64_t first = request.id_hash;
    fill_at("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"tmax\":5}", 99);
    assert_true(request.id_hash == first);
    fill_at("{\"id\":\"r\",\"imp\":[{\"id\":\"2\"}]}", 0);
    assert_true(request.id_hash != first);
    fill_at("{\"id\":\"s\",\"imp\":[{\"id\":\"1\"}]}", 0);
    assert_true(request.id_hash != first);
}

static void seats_tell_whether_any_of_ours_may_bid(void **state)
{
    (void)state;
    fill("\"wseat\":[\"1\",\"agency\"]", "");
    assert_true(qbid_seat_any(&openrtb->wseat));
    assert_ptr_equal(request.terms, &terms);
    assert_ptr_equal(terms.wseat, &openrtb->wseat);
    fill("\"wseat\":[\"agency\"]", "");
    assert_false(qbid_seat_any(&openrtb->wseat));
    fill("\"wseat\":[]", "");
    assert_true(qbid_seat_any(&openrtb->wseat));
    assert_null(request.terms);
}

static int setup(void **state)
{
    size_t bytes;
    (void)state;
    base = account_image(1, &bytes);
    openrtb = calloc(1, sizeof *openrtb);
    common = calloc(1, sizeof *common);
    return qbid_image_attach(base, bytes, &image) || qbid_openrtb_new(&parser);
}

static int teardown(void **state)
{
    (void)state;
    qbid_openrtb_free(parser);
    free(common);
    free(openrtb);
    free(base);
    free(body);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_values_are_the_documented_ones),
        cmocka_unit_test(halves_that_are_absent_are_empty),
        cmocka_unit_test(the_site_is_the_first_name_that_is_there),
        cmocka_unit_test(the_hour_is_that_of_the_users_clock),
        cmocka_unit_test(slots_come_in_order_of_preference),
        cmocka_unit_test(slots_are_used_as_far_as_they_fit),
        cmocka_unit_test(the_position_is_the_banners_else_the_videos),
        cmocka_unit_test(floors_are_converted_or_refused),
        cmocka_unit_test(deals_without_a_rate_or_a_seat_of_ours_are_left_out),
        cmocka_unit_test(deals_are_used_as_far_as_they_fit),
        cmocka_unit_test(segments_are_used_as_far_as_they_fit),
        cmocka_unit_test(what_is_asked_makes_terms),
        cmocka_unit_test(any_one_thing_asked_of_media_makes_terms),
        cmocka_unit_test(the_user_is_known_where_a_cap_needs_one),
        cmocka_unit_test(one_play_is_one_impression),
        cmocka_unit_test(more_allowed_domains_than_fit_are_no_domain),
        cmocka_unit_test(the_exchange_may_be_nobody),
        cmocka_unit_test(deals_that_share_an_id_are_left_out),
        cmocka_unit_test(blocked_names_are_compared_in_lower_case),
        cmocka_unit_test(only_second_price_is_decided_as_such),
        cmocka_unit_test(flags_come_from_test_and_secure),
        cmocka_unit_test(segments_are_used_only_where_no_signal_forbids_it),
        cmocka_unit_test(unknown_raw_values_are_noted_with_their_text),
        cmocka_unit_test(long_raw_values_are_noted_by_their_beginning),
        cmocka_unit_test(an_impression_without_an_id_cannot_be_answered),
        cmocka_unit_test(impressions_that_share_an_id_cannot_be_answered),
        cmocka_unit_test(the_random_stream_hangs_on_both_ids),
        cmocka_unit_test(seats_tell_whether_any_of_ours_may_bid),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
