/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: what is read, and what is refused by which name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/http/requests.h"

#define METRICS                                                                                    \
    "\"metrics\":{\"impressions\":1000,\"clicks\":50,\"conversions\":2,\"spend\":12.5,"            \
    "\"revenue\":\"80.000000001\"}"
#define ANALYZE                                                                                    \
    "{\"campaign_id\":7,\"platform\":\"search\"," METRICS ",\"total_budget\":\"500\","             \
    "\"unknown\":[1,{\"x\":null}]}"

static struct qbid_refusal refusal;

static bool analyze(const char *text, struct qbid_analyze_request *ret)
{
    memset(&refusal, 0, sizeof refusal);
    return qbid_analyze_request_read(text, strlen(text), ret, &refusal);
}

static void a_whole_request_is_read_and_unknown_fields_left_out(void **state)
{
    struct qbid_analyze_request r;
    (void)state;
    assert_true(analyze(ANALYZE, &r));
    assert_int_equal(r.campaign_id, 7);
    assert_string_equal(r.platform, "search");
    assert_int_equal(r.metrics.impressions, 1000);
    assert_int_equal(r.metrics.spend_nanos, 12500000000);
    assert_int_equal(r.metrics.revenue_nanos, 80000000001);
    assert_int_equal(r.total_budget_nanos, 500000000000);
    assert_int_equal(r.avg_order_value_nanos, 0);
    assert_int_equal(r.bid_context.ad_set_id, 0);
    assert_int_equal(r.bid_context.hour_of_day, -1);
    assert_true(r.metrics.days == 1);
    assert_true(analyze("{\"campaign_id\":7,\"platform\":\"s\"," METRICS
                        ",\"total_budget\":1,\"avg_order_value\":40,\"bid_context\":{\"ad_set_id\":"
                        "70,\"device_type\":\"2/ios\",\"placement\":\"\",\"hour_of_day\":0}}",
                        &r));
    assert_int_equal(r.avg_order_value_nanos, 40000000000);
    assert_int_equal(r.bid_context.ad_set_id, 70);
    assert_string_equal(r.bid_context.device_type, "2/ios");
    assert_int_equal(r.bid_context.hour_of_day, 0);
}

/* The request with one text in place of another is refused with this status and field. */
static void refused(const char *from, const char *to, int status, const char *field)
{
    struct qbid_analyze_request r;
    static const char whole[] = ANALYZE;
    char text[1024];
    const char *at = strstr(whole, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    if (analyze(text, &r))
        fail_msg("%s is taken", text);
    bool named = !field;
    for (uint32_t i = 0; i < refusal.field_cnt && i < QBID_REFUSAL_FIELDS_MAX; i++)
        named = named || strcmp(refusal.field[i].name, field) == 0;
    if (refusal.status != status || !named || (field && refusal.field_cnt != 1))
        fail_msg("%s: %d %s, %u fields, the first %s", text, refusal.status, refusal.detail,
                 refusal.field_cnt, refusal.field_cnt ? refusal.field[0].name : "-");
}

static void every_wrong_type_and_range_is_refused_by_its_name(void **state)
{
    (void)state;
    refused("\"campaign_id\":7", "\"campaign_id\":\"7\"", 422, "campaign_id");
    refused("\"campaign_id\":7", "\"campaign_id\":0", 422, "campaign_id");
    refused("\"campaign_id\":7", "\"campaign_id\":7.5", 422, "campaign_id");
    refused("\"campaign_id\":7", "\"campaign_id\":4294967296", 422, "campaign_id");
    refused("\"campaign_id\":7", "\"campaign_id\":null", 422, "campaign_id");
    refused("\"campaign_id\":7", "\"campaign_id\":7,\"campaign_id\":8", 422, "campaign_id");
    refused("\"campaign_id\":7", "\"Campaign_id\":7", 422, "campaign_id");
    refused("\"search\"", "\"\"", 422, "platform");
    refused("\"search\"", "[\"search\"]", 422, "platform");
    refused("\"search\"", "\"0123456789012345678901234567890123456789012345678901234567890123\"",
            422, "platform");
    refused("\"impressions\":1000", "\"impressions\":-1", 422, "metrics.impressions");
    refused("\"impressions\":1000", "\"impressions\":1e400", 422, "metrics.impressions");
    refused("\"impressions\":1000", "\"impressions\":10", 422, "metrics.clicks");
    refused("\"clicks\":50,", "", 422, "metrics.clicks");
    refused("\"conversions\":2", "\"conversions\":true", 422, "metrics.conversions");
    refused("\"spend\":12.5", "\"spend\":-0.01", 422, "metrics.spend");
    refused("\"spend\":12.5", "\"spend\":\"12,5\"", 422, "metrics.spend");
    refused("\"spend\":12.5", "\"spend\":\"-1\"", 422, "metrics.spend");
    refused("\"spend\":12.5", "\"spend\":1e10", 422, "metrics.spend");
    refused("\"revenue\":\"80.000000001\"", "\"revenue\":{}", 422, "metrics.revenue");
    refused("\"conversions\":2", "\"conversions\":2,\"days\":0", 422, "metrics.days");
    refused("\"500\"", "0", 422, "total_budget");
    refused("\"unknown\":[1,{\"x\":null}]", "\"bid_context\":7", 422, "bid_context");
    refused("\"unknown\":[1,{\"x\":null}]", "\"bid_context\":{\"hour_of_day\":24}", 422,
            "bid_context.hour_of_day");
    refused("\"unknown\":[1,{\"x\":null}]", "\"bid_context\":{\"ad_set_id\":0}", 422,
            "bid_context.ad_set_id");
    refused("\"unknown\":[1,{\"x\":null}]", "\"avg_order_value\":\"x\"", 422, "avg_order_value");
}

static void what_is_no_json_is_a_bad_request(void **state)
{
    struct qbid_analyze_request r;
    char deep[64];
    (void)state;
    refused("null}", "null", 400, NULL);
    refused("search", "\\u0000", 400, NULL);
    refused("search", "\xff", 400, NULL);
    refused("search", "\xed\xa0\x80", 400, NULL);
    assert_false(analyze("", &r));
    assert_int_equal(refusal.status, 400);
    assert_false(analyze("7", &r));
    assert_int_equal(refusal.status, 422);
    assert_false(analyze(ANALYZE "x", &r));
    assert_int_equal(refusal.status, 400);
    memset(&refusal, 0, sizeof refusal);
    assert_false(qbid_analyze_request_read("{}\0", 3, &r, &refusal));
    assert_int_equal(refusal.status, 400);
    /* sixteen in each other are taken, seventeen are not; a bracket in a text is none */
    snprintf(deep, sizeof deep, "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
    assert_false(analyze(deep, &r));
    assert_int_equal(refusal.status, 422);
    snprintf(deep, sizeof deep, "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]");
    assert_false(analyze(deep, &r));
    assert_int_equal(refusal.status, 400);
    assert_non_null(strstr(refusal.detail, "too deep"));
    refused("\"search\"", "\"[[[[[[[[[[[[[[[[[[\\\"\",\"campaign_id\":1", 422, "campaign_id");
}

#define EXECUTE(id, dry)                                                                           \
    "{\"recommendation\":{\"id\":\"" id "\",\"optimization_type\":\"budget\",\"priority\":0.1,"    \
    "\"campaign_id\":7,\"item\":\"campaign\",\"item_id\":7,\"field\":\"budget\","                  \
    "\"current_value\":\"100\",\"recommended_value\":\"110\",\"confidence_score\":0.9,"            \
    "\"reasoning\":\"because\",\"expected_impact\":{\"mean\":\"5\",\"low\":\"-1.5\","              \
    "\"high\":\"9\",\"loss\":\"0\"},\"risk\":0.1,\"evidence\":{\"from\":"                          \
    "\"2026-11-28T20:00:00Z\",\"to\":\"2026-11-29T20:00:00Z\"}},\"dry_run\":" dry "}"

static bool execute(const char *text, struct qbid_execute_request *ret)
{
    memset(&refusal, 0, sizeof refusal);
    return qbid_execute_request_read(text, strlen(text), ret, &refusal);
}

static void a_recommendation_is_that_of_its_id(void **state)
{
    struct qbid_execute_request r;
    struct qbid_proposal p = {.item = QBID_ITEM_CAMPAIGN,
                              .item_id = 7,
                              .agent = QBID_HTTP_AGENT,
                              .field = "budget",
                              .current = "100",
                              .recommended = "110",
                              .evidence_to_unix_s = 1795982400};
    char id[24], text[1024];
    (void)state;
    snprintf(id, sizeof id, "%016llx", (unsigned long long)qbid_proposal_id(&p));
    strcpy(text, EXECUTE("0123456789abcdef", "true"));
    assert_false(execute(text, &r));
    assert_string_equal(refusal.field[0].name, "recommendation.id");
    memcpy(strstr(text, "0123456789abcdef"), id, 16);
    if (!execute(text, &r))
        fail_msg("%s: %s", refusal.field[0].name, refusal.field[0].reason);
    assert_true(r.dry_run);
    assert_int_equal(r.campaign_id, 7);
    assert_int_equal(r.proposal.type, QBID_PROPOSAL_BUDGET);
    assert_int_equal(r.proposal.impact.low_nanos, -1500000000);
    assert_int_equal(r.proposal.evidence_to_unix_s, 1795982400);
    assert_false(r.proposal.auto_execute);
    *strstr(text, "110") = '2'; /* another value */
    assert_false(execute(text, &r));
    assert_string_equal(refusal.field[0].name, "recommendation.id");
}

static void each_field_of_a_recommendation_is_checked(void **state)
{
    static const struct {
        const char *from, *to, *field;
    } wrong[] = {
        {"\"budget\",\"priority\"", "\"bugdet\",\"priority\"", "recommendation.optimization_type"},
        {"\"item\":\"campaign\"", "\"item\":\"tenant\"", "recommendation.item"},
        {"\"field\":\"budget\"", "\"field\":\"tenant\"", "recommendation.field"},
        {"\"item_id\":7", "\"item_id\":-7", "recommendation.item_id"},
        {"\"current_value\":\"100\"", "\"current_value\":100", "recommendation.current_value"},
        {"\"reasoning\":\"because\",", "", "recommendation.reasoning"},
        {"\"confidence_score\":0.9", "\"confidence_score\":1.1", "recommendation.confidence_score"},
        {"\"low\":\"-1.5\"", "\"low\":-1.5", "recommendation.expected_impact.low"},
        {"\"low\":\"-1.5\"", "\"low\":\"much\"", "recommendation.expected_impact.low"},
        {"\"2026-11-28T20:00:00Z\"", "\"now\"", "recommendation.evidence.from"},
        {"\"2026-11-28T20:00:00Z\"", "\"2026-02-30T20:00:00Z\"", "recommendation.evidence.from"},
        {"\"dry_run\":true", "\"dry_run\":1", "dry_run"},
        {",\"dry_run\":true", "", "dry_run"},
        {"{\"recommendation\":{", "{\"recommendation\":7,\"x\":{", "recommendation"},
    };
    static const char whole[] = EXECUTE("0123456789abcdef", "true");
    struct qbid_execute_request r;
    char text[1024];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *at = strstr(whole, wrong[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, wrong[i].to,
                 at + strlen(wrong[i].from));
        bool taken = execute(text, &r), named = false;
        for (uint32_t f = 0; f < refusal.field_cnt; f++)
            named |= strcmp(refusal.field[f].name, wrong[i].field) == 0;
        if (taken || refusal.status != 422 || !named)
            fail_msg("%s: %d, %s", wrong[i].to, refusal.status, refusal.field[0].name);
    }
}

static void a_refusal_is_problem_details(void **state)
{
    struct qbid_analyze_request r;
    (void)state;
    assert_false(analyze("{}", &r));
    char *body = qbid_refusal_body(&refusal);
    assert_string_equal(
        body, "{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\",\"status\":422,"
              "\"detail\":\"fields of the request are wrong or missing\",\"errors\":["
              "{\"field\":\"campaign_id\",\"reason\":\"is missing\"},"
              "{\"field\":\"platform\",\"reason\":\"is missing\"},"
              "{\"field\":\"metrics\",\"reason\":\"is missing\"},"
              "{\"field\":\"total_budget\",\"reason\":\"is missing\"}]}");
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_request_is_read_and_unknown_fields_left_out),
        cmocka_unit_test(every_wrong_type_and_range_is_refused_by_its_name),
        cmocka_unit_test(what_is_no_json_is_a_bad_request),
        cmocka_unit_test(a_recommendation_is_that_of_its_id),
        cmocka_unit_test(each_field_of_a_recommendation_is_checked),
        cmocka_unit_test(a_refusal_is_problem_details),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
