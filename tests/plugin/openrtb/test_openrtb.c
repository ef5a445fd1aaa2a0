/* SPDX-License-Identifier: Apache-2.0 */
/* The parser field by field: what is read, and what is malformed by its type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/plugin/lines.h"
#include "tests/plugin/openrtb/parsing.h"

static void assert_text(struct qbid_text text, const char *want)
{
    assert_int_equal(text.len, strlen(want));
    assert_memory_equal(text.at, want, text.len);
}

static void the_smallest_request_has_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse_with(""), 0);
    assert_text(request->id, "r");
    assert_int_equal(request->imp_cnt, 1);
    assert_text(request->imp[0].id, "1");
    assert_int_equal(request->at, 2);
    assert_int_equal(request->tmax_ms, 0);
    assert_false(request->test || request->over || request->lmt || request->dnt);
    assert_int_equal(request->cur_cnt + request->badv_cnt + request->bcat_cnt, 0);
    assert_int_equal(request->segment_cnt, 0);
    assert_int_equal(request->devicetype, QBID_OPENRTB_INT_ABSENT);
    assert_int_equal(request->device_geo.utcoffset_min, QBID_OPENRTB_INT_ABSENT);
    assert_int_equal(request->regs.gdpr, QBID_TRI_ABSENT);
    const struct qbid_openrtb_imp *imp = &request->imp[0];
    assert_false(imp->banner || imp->video || imp->audio || imp->native);
    assert_false(imp->secure || imp->private_auction);
    assert_int_equal(imp->floor_micros, 0);
    assert_int_equal(imp->currency, QBID_CURRENCY_NONE);
    assert_int_equal(imp->banner_pos, QBID_OPENRTB_INT_ABSENT);
    assert_int_equal(imp->format_cnt + imp->deal_cnt, 0);
}

static void request_fields_are_read(void **state)
{
    (void)state;
    assert_int_equal(
        parse_with(
            "\"at\":1,\"tmax\":120,\"test\":1,\"cur\":[\"USD\",\"eur\"],\"badv\":[\"A.com\","
            "\"b.com\"],\"bcat\":[\"IAB7\",42],\"wseat\":[\"7\",\"agency\",\"65535\",\"65536\","
            "\"07\"],\"bseat\":[\"9\"],\"site\":{\"id\":\"s\",\"domain\":\"Ex.com\"},\"app\":{"
            "\"id\":5,\"bundle\":\"com.x\"},\"dooh\":{\"id\":\"d\"}"),
        0);
    assert_int_equal(request->at, 1);
    assert_int_equal(request->tmax_ms, 120);
    assert_true(request->test);
    assert_int_equal(request->cur_cnt, 2);
    assert_memory_equal(&request->cur[0], "USD", 4);
    assert_memory_equal(&request->cur[1], "EUR", 4);
    assert_int_equal(request->badv_cnt, 2);
    assert_text(request->badv[0], "A.com");
    assert_int_equal(request->bcat_cnt, 2);
    assert_text(request->bcat[1], "42");
    assert_true(request->wseat.given);
    assert_int_equal(request->wseat.cnt, 2);
    assert_int_equal(request->wseat.tenant[0], 7);
    assert_int_equal(request->wseat.tenant[1], 65535);
    assert_int_equal(request->bseat.tenant[0], 9);
    assert_text(request->site_id, "s");
    assert_text(request->site_domain, "Ex.com");
    assert_text(request->app_id, "5");
    assert_text(request->app_bundle, "com.x");
    assert_text(request->dooh_id, "d");
}

static void device_and_user_fields_are_read(void **state)
{
    (void)state;
    assert_int_equal(
        parse_with(
            "\"device\":{\"devicetype\":4,\"os\":\"iOS\",\"lmt\":1,\"dnt\":0,\"geo\":{"
            "\"country\":\"USA\",\"region\":\"CA\",\"utcoffset\":-480}},\"user\":{\"consent\":"
            "\"C1\",\"ext\":{\"consent\":\"C2\"},\"geo\":{\"country\":\"GBR\",\"region\":12},"
            "\"data\":[{\"id\":\"p\",\"segment\":[{\"id\":\"s1\"},{\"id\":2,\"value\":\"x\"},{}]"
            "},{\"segment\":[{\"id\":\"s3\"}]},{}]}"),
        0);
    assert_int_equal(request->devicetype, 4);
    assert_text(request->os, "iOS");
    assert_true(request->lmt);
    assert_false(request->dnt);
    assert_text(request->device_geo.country, "USA");
    assert_text(request->device_geo.region, "CA");
    assert_int_equal(request->device_geo.utcoffset_min, -480);
    assert_text(request->user_geo.country, "GBR");
    assert_text(request->user_geo.region, "12");
    assert_text(request->consent, "C1");
    assert_text(request->consent_ext, "C2");
    assert_int_equal(request->segment_cnt, 3);
    assert_text(request->segment[0], "s1");
    assert_text(request->segment[1], "2");
    assert_text(request->segment[2], "s3");
}

static void privacy_fields_are_read_in_both_places(void **state)
{
    (void)state;
    assert_int_equal(parse_with("\"regs\":{\"coppa\":1,\"gdpr\":0,\"us_privacy\":\"1YNN\","
                                "\"gpp_sid\":[-1,7],\"ext\":{\"gdpr\":1,\"us_privacy\":\"1---\","
                                "\"gpp_sid\":[-1],\"gpc\":\"1\"}}"),
                     0);
    assert_true(request->regs.coppa);
    assert_int_equal(request->regs.gdpr, QBID_TRI_NO);
    assert_int_equal(request->regs.gdpr_ext, QBID_TRI_YES);
    assert_text(request->regs.us_privacy, "1YNN");
    assert_text(request->regs.us_privacy_ext, "1---");
    assert_int_equal(request->regs.gpp_sid.cnt, 1);
    assert_int_equal(request->regs.gpp_sid.section[0], 7);
    assert_int_equal(request->regs.gpp_sid_ext.cnt, 0);
    assert_true(request->regs.gpc);
    assert_int_equal(parse_with("\"regs\":{\"ext\":{\"gpc\":1}}"), 0);
    assert_true(request->regs.gpc);
}

static void impression_fields_are_read(void **state)
{
    (void)state;
    assert_int_equal(
        parse_imp_with(
            "\"bidfloor\":0.25,\"bidfloorcur\":\"CNY\",\"secure\":1,\"banner\":{\"w\":300,"
            "\"h\":250,\"pos\":1,\"format\":[{\"w\":1,\"h\":2},{\"wratio\":3}]},\"video\":{"
            "\"w\":640,\"h\":360,\"pos\":7},\"audio\":{},\"native\":{\"request\":\"{}\"},"
            "\"pmp\":{\"private_auction\":1,\"deals\":[{\"id\":\"d1\",\"bidfloor\":1.5,"
            "\"bidfloorcur\":\"EUR\",\"wseat\":[\"3\"]},{\"bidfloor\":9},{\"id\":77}]}"),
        0);
    const struct qbid_openrtb_imp *imp = &request->imp[0];
    assert_int_equal(imp->floor_micros, 250000);
    assert_memory_equal(&imp->currency, "CNY", 4);
    assert_true(imp->secure && imp->banner && imp->video && imp->audio && imp->native);
    assert_int_equal(imp->banner_size.width, 300);
    assert_int_equal(imp->banner_size.height, 250);
    assert_int_equal(imp->banner_pos, 1);
    assert_int_equal(imp->video_size.width, 640);
    assert_int_equal(imp->video_size.height, 360);
    assert_int_equal(imp->video_pos, 7);
    assert_int_equal(imp->format_cnt, 2);
    assert_int_equal(imp->format[0].width, 1);
    assert_int_equal(imp->format[0].height, 2);
    assert_int_equal(imp->format[1].width, 0);
    assert_true(imp->private_auction);
    assert_int_equal(imp->deal_cnt, 2); /* the one without an id is no deal */
    assert_text(imp->deal[0].id, "d1");
    assert_int_equal(imp->deal[0].floor_micros, 1500000);
    assert_memory_equal(&imp->deal[0].currency, "EUR", 4);
    assert_int_equal(imp->deal[0].wseat.tenant[0], 3);
    assert_text(imp->deal[1].id, "77");
    assert_int_equal(imp->deal[1].currency, QBID_CURRENCY_NONE);
    assert_false(imp->deal[1].wseat.given);
}

static void flags_may_be_booleans_or_numbers(void **state)
{
    static const struct {
        const char *text;
        bool value;
    } row[] = {{"1", true}, {"true", true}, {"0", false},    {"false", false}, {"1.0", true},
               {"2", true}, {"-1", true},   {"null", false}, {"\"\"", false}};
    char fields[64];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        snprintf(fields, sizeof fields, "\"test\":%s", row[i].text);
        assert_int_equal(parse_with(fields), 0);
        assert_int_equal(request->test, row[i].value);
        snprintf(fields, sizeof fields, "\"secure\":%s", row[i].text);
        assert_int_equal(parse_imp_with(fields), 0);
        assert_int_equal(request->imp[0].secure == QBID_TRI_YES, row[i].value);
    }
}

static void a_negative_floor_is_no_floor_and_sub_micro_floors_round_up(void **state)
{
    (void)state;
    assert_int_equal(parse_imp_with("\"bidfloor\":-0.5"), 0);
    assert_int_equal(request->imp[0].floor_micros, 0);
    assert_int_equal(parse_imp_with("\"bidfloor\":1e-1"), 0);
    assert_int_equal(request->imp[0].floor_micros, 100000);
    assert_int_equal(parse_imp_with("\"bidfloor\":0.30000000000000004"), 0);
    assert_int_equal(request->imp[0].floor_micros, 300001);
    assert_int_equal(parse_imp_with("\"bidfloor\":1e999"), 0);
    assert_true(request->imp[0].floor_micros == INT64_MAX);
}

static void tmax_that_is_no_number_is_absent(void **state)
{
    (void)state;
    assert_int_equal(parse_with("\"tmax\":\"${json-unit.any-number}\""), 0);
    assert_int_equal(request->tmax_ms, 0);
    assert_int_equal(parse_with("\"tmax\":true"), 0);
    assert_int_equal(request->tmax_ms, 0);
    assert_int_equal(parse_with("\"tmax\":1.5"), 0);
    assert_true(request->wrong_type);
    assert_int_equal(parse_with("\"tmax\":tru"), QBID_ERR_PARSE);
}

/* Malformed: what must be there, and what the law is read from. */
static bool is_vital(const char *field)
{
    static const char *const vital[] = {"\"id\":", "\"imp\":", "\"regs\":", "\"consent\":"};
    for (size_t i = 0; i < sizeof vital / sizeof vital[0]; i++)
        if (i < 3 ? strncmp(field, vital[i], strlen(vital[i])) == 0
                  : strstr(field, vital[i]) != NULL)
            return true;
    return false;
}

/* Each field that is read, with values of a wrong type. */
static void a_wrong_type_is_malformed_or_declined(void **state)
{
    static const char *const in_request[] = {
        "\"at\":\"1\"",
        "\"at\":1.5",
        "\"at\":true",
        "\"at\":[]",
        "\"test\":\"1\"",
        "\"test\":{}",
        "\"cur\":\"USD\"",
        "\"cur\":[1]",
        "\"cur\":{}",
        "\"badv\":\"a\"",
        "\"badv\":[true]",
        "\"badv\":[[]]",
        "\"bcat\":{}",
        "\"bcat\":[{}]",
        "\"wseat\":\"1\"",
        "\"wseat\":1",
        "\"bseat\":[false]",
        "\"site\":\"x\"",
        "\"site\":[]",
        "\"site\":{\"domain\":1}",
        "\"site\":{\"id\":true}",
        "\"app\":1",
        "\"app\":{\"bundle\":[]}",
        "\"app\":{\"id\":{}}",
        "\"dooh\":true",
        "\"dooh\":{\"id\":[]}",
        "\"device\":1",
        "\"device\":\"x\"",
        "\"device\":{\"devicetype\":\"2\"}",
        "\"device\":{\"devicetype\":2.5}",
        "\"device\":{\"os\":1}",
        "\"device\":{\"lmt\":\"1\"}",
        "\"device\":{\"dnt\":[]}",
        "\"device\":{\"geo\":1}",
        "\"device\":{\"geo\":{\"country\":1}}",
        "\"device\":{\"geo\":{\"region\":[]}}",
        "\"device\":{\"geo\":{\"utcoffset\":\"60\"}}",
        "\"user\":[]",
        "\"user\":\"x\"",
        "\"user\":{\"consent\":1}",
        "\"user\":{\"ext\":99}",
        "\"user\":{\"ext\":{\"consent\":1}}",
        "\"user\":{\"geo\":[]}",
        "\"user\":{\"data\":{}}",
        "\"user\":{\"data\":[1]}",
        "\"user\":{\"data\":[{\"segment\":{}}]}",
        "\"user\":{\"data\":[{\"segment\":[1]}]}",
        "\"user\":{\"data\":[{\"segment\":[{\"id\":[]}]}]}",
        "\"regs\":1",
        "\"regs\":{\"coppa\":\"1\"}",
        "\"regs\":{\"gdpr\":\"1\"}",
        "\"regs\":{\"us_privacy\":1}",
        "\"regs\":{\"gpp_sid\":7}",
        "\"regs\":{\"gpp_sid\":[\"7\"]}",
        "\"regs\":{\"ext\":\"malformed\"}",
        "\"regs\":{\"ext\":{\"gdpr\":\"1\"}}",
        "\"regs\":{\"ext\":{\"us_privacy\":{}}}",
        "\"regs\":{\"ext\":{\"gpp_sid\":{}}}",
        "\"regs\":{\"ext\":{\"gpc\":true}}",
        "\"imp\":{}",
        "\"imp\":\"x\"",
        "\"imp\":[1]",
        "\"imp\":[null]",
        "\"imp\":[{},[]]",
        "\"id\":1",
        "\"id\":true",
        "\"id\":{}",
    };
    static const char *const in_imp[] = {
        "\"id\":7",
        "\"bidfloor\":\"0.5\"",
        "\"bidfloor\":true",
        "\"bidfloor\":[]",
        "\"bidfloorcur\":1",
        "\"secure\":\"1\"",
        "\"secure\":[]",
        "\"banner\":1",
        "\"banner\":[]",
        "\"banner\":\"x\"",
        "\"banner\":{\"w\":\"300\"}",
        "\"banner\":{\"h\":2.5}",
        "\"banner\":{\"pos\":\"1\"}",
        "\"banner\":{\"format\":{}}",
        "\"banner\":{\"format\":[1]}",
        "\"banner\":{\"format\":[{\"w\":\"1\"}]}",
        "\"video\":[]",
        "\"video\":{\"w\":true}",
        "\"video\":{\"h\":[]}",
        "\"video\":{\"pos\":{}}",
        "\"audio\":1",
        "\"native\":[]",
        "\"pmp\":[]",
        "\"pmp\":{\"private_auction\":\"1\"}",
        "\"pmp\":{\"deals\":{}}",
        "\"pmp\":{\"deals\":[1]}",
        "\"pmp\":{\"deals\":[{\"id\":[]}]}",
        "\"pmp\":{\"deals\":[{\"bidfloor\":\"1\"}]}",
        "\"pmp\":{\"deals\":[{\"bidfloorcur\":1}]}",
        "\"pmp\":{\"deals\":[{\"wseat\":\"1\"}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof in_request / sizeof in_request[0]; i++) {
        int err = parse_with(in_request[i]);
        if (is_vital(in_request[i]) ? err != QBID_ERR_PARSE : err != 0 || !request->wrong_type)
            fail_msg("taken: %s", in_request[i]);
    }
    for (size_t i = 0; i < sizeof in_imp / sizeof in_imp[0]; i++)
        if (parse_imp_with(in_imp[i]) != 0 || !request->wrong_type)
            fail_msg("taken: %s", in_imp[i]);
    assert_int_equal(parse_with("\"at\":1"), 0);
    assert_false(request->wrong_type);
}

/* A value of a wrong type is still to be JSON. */
static void a_wrong_type_that_is_no_json_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(parse_imp_with("\"banner\":\"a\\n\""), 0);
    assert_true(request->wrong_type);
    assert_int_equal(parse_imp_with("\"banner\":\"a\\x\""), QBID_ERR_PARSE);
    assert_int_equal(parse_imp_with("\"banner\":01"), QBID_ERR_PARSE);
    assert_int_equal(parse_imp_with("\"banner\":[1,tru]"), QBID_ERR_PARSE);
}

static void null_and_empty_strings_are_absent_values(void **state)
{
    static const char *const name[] = {"at",   "tmax", "test", "cur",    "badv", "bcat", "wseat",
                                       "site", "app",  "dooh", "device", "user", "regs"};
    char fields[64];
    (void)state;
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        snprintf(fields, sizeof fields, "\"%s\":null", name[i]);
        assert_int_equal(parse_with(fields), 0);
        snprintf(fields, sizeof fields, "\"%s\":\"\"", name[i]);
        assert_int_equal(parse_with(fields), 0);
    }
    assert_int_equal(request->at, 2);
    assert_int_equal(parse_imp_with("\"banner\":null,\"video\":\"\",\"bidfloor\":null,\"pmp\":null,"
                                    "\"bidfloorcur\":\"\",\"secure\":\"\""),
                     0);
    assert_false(request->imp[0].banner || request->imp[0].video);
    assert_int_equal(parse_with("\"regs\":{\"ext\":\"\"},\"user\":{\"ext\":null,\"data\":[null]}"),
                     0);
}

static void id_and_impressions_are_required(void **state)
{
    static const char *const bad[] = {"{}",
                                      "{\"id\":\"r\"}",
                                      "{\"id\":\"r\",\"imp\":[]}",
                                      "{\"id\":\"r\",\"imp\":null}",
                                      "{\"imp\":[{\"id\":\"1\"}]}",
                                      "{\"id\":\"\",\"imp\":[{\"id\":\"1\"}]}",
                                      "{\"id\":null,\"imp\":[{\"id\":\"1\"}]}"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), QBID_ERR_PARSE);
    assert_int_equal(parse("{\"id\":\"r\",\"imp\":[{}]}"), 0);
    assert_int_equal(request->imp[0].id.len, 0);
}

static void a_repeated_key_replaces_the_earlier_value(void **state)
{
    (void)state;
    assert_int_equal(
        parse_with("\"at\":1,\"at\":3,\"cur\":[\"USD\",\"EUR\"],\"cur\":[\"CNY\"],"
                   "\"device\":{\"os\":\"a\",\"devicetype\":2},\"device\":{\"os\":\"b\"},"
                   "\"id\":\"last\",\"imp\":[{\"id\":\"8\"},{\"id\":\"9\"}],"
                   "\"badv\":[\"x\"],\"badv\":null,\"test\":1,\"test\":null"),
        0);
    assert_int_equal(request->at, 3);
    assert_int_equal(request->cur_cnt, 1);
    assert_memory_equal(&request->cur[0], "CNY", 4);
    assert_text(request->os, "b");
    assert_int_equal(request->devicetype, QBID_OPENRTB_INT_ABSENT);
    assert_text(request->id, "last");
    assert_int_equal(request->imp_cnt, 2);
    assert_text(request->imp[0].id, "8");
    assert_int_equal(request->badv_cnt, 0);
    assert_false(request->test);
    assert_int_equal(
        parse_imp_with("\"banner\":{\"w\":1,\"format\":[{\"w\":5,\"h\":5}]},\"banner\":{"
                       "\"h\":2},\"pmp\":{\"deals\":[{\"id\":\"a\"}]},\"pmp\":{}"),
        0);
    assert_int_equal(request->imp[0].banner_size.width, 0);
    assert_int_equal(request->imp[0].banner_size.height, 2);
    assert_int_equal(request->imp[0].format_cnt + request->imp[0].deal_cnt, 0);
    assert_int_equal(parse_with("\"at\":\"1\",\"at\":1"), 0);
    assert_true(request->wrong_type); /* what was wrong once stays so */
}

static void escapes_in_keys_and_values_mean_the_same(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{\"\\u0069d\":\"a\\u0022\\\\\\n\",\"im\\u0070\":[{\"id\":\"\\u00e9\"}]}"), 0);
    assert_text(request->id, "a\"\\\n");
    assert_text(request->imp[0].id, "\xc3\xa9");
    assert_int_equal(parse_with("\"x\\q\":1"), QBID_ERR_PARSE);
    assert_int_equal(parse_with("\"x\":\"\\q\""), QBID_ERR_PARSE);
}

static void what_one_request_said_is_gone_in_the_next(void **state)
{
    (void)state;
    assert_int_equal(
        parse_with("\"at\":1,\"test\":1,\"cur\":[\"USD\"],\"badv\":[\"x\"],\"user\":{"
                   "\"data\":[{\"segment\":[{\"id\":\"s\"}]}]},\"regs\":{\"coppa\":1}"),
        0);
    static struct qbid_openrtb_request kept;
    kept = *request;
    const char *text = "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]}";
    char *second = lines_padded(text, strlen(text), 0);
    assert_int_equal(qbid_openrtb_parse(parser, second, strlen(text), &kept), 0);
    assert_int_equal(kept.at, 2);
    assert_int_equal(kept.cur_cnt + kept.badv_cnt + kept.segment_cnt, 0);
    assert_false(kept.test || kept.regs.coppa);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_request_has_defaults),
        cmocka_unit_test(request_fields_are_read),
        cmocka_unit_test(device_and_user_fields_are_read),
        cmocka_unit_test(privacy_fields_are_read_in_both_places),
        cmocka_unit_test(impression_fields_are_read),
        cmocka_unit_test(flags_may_be_booleans_or_numbers),
        cmocka_unit_test(a_negative_floor_is_no_floor_and_sub_micro_floors_round_up),
        cmocka_unit_test(tmax_that_is_no_number_is_absent),
        cmocka_unit_test(a_wrong_type_is_malformed_or_declined),
        cmocka_unit_test(a_wrong_type_that_is_no_json_is_malformed),
        cmocka_unit_test(null_and_empty_strings_are_absent_values),
        cmocka_unit_test(id_and_impressions_are_required),
        cmocka_unit_test(a_repeated_key_replaces_the_earlier_value),
        cmocka_unit_test(escapes_in_keys_and_values_mean_the_same),
        cmocka_unit_test(what_one_request_said_is_gone_in_the_next),
    };
    return cmocka_run_group_tests(tests, parsing_setup, parsing_teardown);
}
