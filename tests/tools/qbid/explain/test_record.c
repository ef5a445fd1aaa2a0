/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of recorded answers, good, damaged and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tools/qbid/explain/record.h"

#define TRACE                                                                                      \
    "\\\"gen\\\":18446744073709551615,\\\"line_item\\\":7,\\\"creative\\\":8,\\\"level\\\":4,"     \
    "\\\"value\\\":1.25,\\\"pace\\\":0.123457,\\\"pace_bits\\\":1039972311,\\\"q_action\\\":3,"    \
    "\\\"q_ratio\\\":0.900001,\\\"shade_ratio\\\":1,\\\"skipped\\\":2,\\\"q_state\\\":99,"         \
    "\\\"unix_s\\\":1772366400"
#define BID                                                                                        \
    "{\\\"id\\\":\\\"b\\\",\\\"impid\\\":\\\"i\\\\\\\"1\\\",\\\"price\\\":2.000001,"               \
    "\\\"ext\\\":{\\\"other\\\":[1],\\\"qbid\\\":{" TRACE "}}}"
#define LINE                                                                                       \
    "{\"x\":2,\"request\":{\"id\":\"r\"},\"code\":200,\"answer\":\"{\\\"seatbid\\\":[{"            \
    "\\\"bid\\\":"                                                                                 \
    "[" BID "]},{\\\"seat\\\":\\\"2\\\",\\\"bid\\\":[" BID "]}]}\",\"market\":1.5}"

static struct qbid_explain_record record;

static int read_line(const char *line)
{
    const char *why = NULL;
    int err = qbid_explain_record_read(&record, line, strlen(line), &why);
    assert_non_null(why);
    return err;
}

static void a_line_is_read_whole(void **state)
{
    (void)state;
    assert_int_equal(read_line(LINE), 0);
    assert_true(record.has_exchange);
    assert_string_equal(record.exchange, "2");
    assert_int_equal(record.request.len, 10);
    assert_memory_equal(record.request.at, "{\"id\":\"r\"}", 10);
    assert_int_equal(record.unix_s, 0);
    assert_int_equal(record.bid_cnt, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct qbid_explain_bid *bid = &record.bid[i];
        assert_true(bid->traced && bid->has_impid);
        assert_int_equal(bid->impid.len, 4);
        assert_memory_equal(bid->impid.at, "i\\\"1", 4);
        assert_true(bid->gen == UINT64_MAX && bid->unix_s == 1772366400 && bid->qstate == 99);
        assert_int_equal(bid->facts.line_item_id, 7);
        assert_int_equal(bid->facts.creative_id, 8);
        assert_int_equal(bid->facts.level, 4);
        assert_int_equal(bid->facts.q_action, 3);
        assert_int_equal(bid->facts.price_micros, 2000001);
        assert_int_equal(bid->facts.value_micros, 1250000);
        assert_int_equal(bid->facts.q_ratio_ppm, 900001);
        assert_int_equal(bid->facts.shade_ratio_ppm, 1000000);
    }
}

static void the_pace_is_taken_from_its_bits(void **state)
{
    uint32_t bits;
    (void)state;
    assert_int_equal(read_line(LINE), 0);
    memcpy(&bits, &record.bid[0].pace, sizeof bits);
    assert_int_equal(bits, 1039972311);
}

static void what_is_not_there_is_not_made_up(void **state)
{
    (void)state;
    assert_int_equal(read_line("{\"code\":204,\"answer\":\"\",\"request\":null}"), 0);
    assert_false(record.has_exchange);
    assert_int_equal(record.bid_cnt, 0);
    assert_int_equal(read_line("{\"code\":0,\"answer\":\"\"}"), 0);
    assert_int_equal(read_line("{\"x\":\"a\\/b\",\"time\":5,\"request\":{},\"code\":200,"
                               "\"answer\":\"{\\\"seatbid\\\":[{\\\"bid\\\":[{\\\"ext\\\":"
                               "{\\\"qbid\\\":{\\\"gen\\\":1}}}]}]}\"}"),
                     0);
    assert_string_equal(record.exchange, "a/b");
    assert_int_equal(record.unix_s, 5);
    assert_int_equal(record.bid_cnt, 1);
    assert_false(record.bid[0].traced || record.bid[0].has_impid);
}

static void a_damaged_line_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"code\":200}",
        "{\"code\":200,\"request\":null,\"answer\":\"{}\"}",
        "{\"code\":200,\"request\":{},\"answer\":\"\"}",
        "{\"code\":200,\"request\":{},\"answer\":\"{\"}",
        "{\"code\":200,\"request\":{},\"answer\":\"{} x\"}",
        "{\"code\":2e2,\"request\":{},\"answer\":\"{}\"}",
        "{\"code\":1000,\"request\":{},\"answer\":\"{}\"}",
        "{\"code\":204} x",
        "{\"code\":200,\"request\":{},\"answer\":\"{\\\"seatbid\\\":[{\\\"bid\\\":[{\\\"price\\\":"
        "1.0000001}]}]}\"}",
        "{\"code\":200,\"request\":{},\"answer\":\"{\\\"seatbid\\\":[{\\\"bid\\\":[{\\\"ext\\\":"
        "{\\\"qbid\\\":{\\\"pace_bits\\\":2139095040}}}]}]}\"}", /* infinite */
        "{\"code\":200,\"request\":{},\"answer\":\"{\\\"seatbid\\\":[{\\\"bid\\\":[{\\\"ext\\\":"
        "{\\\"qbid\\\":{\\\"line_item\\\":4294967296}}}]}]}\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_line(bad[i]) >= 0)
            fail_msg("read: %s", bad[i]);
}

static void more_bids_than_impressions_can_be_are_refused(void **state)
{
    static char line[8192] = "{\"code\":200,\"request\":{},\"answer\":\"{\\\"seatbid\\\":[{"
                             "\\\"bid\\\":[{}";
    (void)state;
    for (unsigned i = 1; i < QBID_OPENRTB_IMPS_MAX; i++)
        strcat(line, ",{}");
    size_t len = strlen(line);
    strcat(line, "]}]}\"}");
    assert_int_equal(read_line(line), 0);
    assert_int_equal(record.bid_cnt, QBID_OPENRTB_IMPS_MAX);
    strcpy(line + len, ",{}]}]}\"}");
    assert_int_equal(read_line(line), QBID_ERR_LIMIT);
}

static void a_line_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof LINE - 1; len++) {
        const char *why;
        char *cut = malloc(len ? len : 1); /* of exactly this size: reads beyond are seen */
        memcpy(cut, LINE, len);
        assert_true(qbid_explain_record_read(&record, cut, len, &why) < 0);
        free(cut);
    }
}

static int tear_down(void **state)
{
    (void)state;
    qbid_explain_record_done(&record);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_whole),
        cmocka_unit_test(the_pace_is_taken_from_its_bits),
        cmocka_unit_test(what_is_not_there_is_not_made_up),
        cmocka_unit_test(a_damaged_line_is_refused),
        cmocka_unit_test(more_bids_than_impressions_can_be_are_refused),
        cmocka_unit_test(a_line_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
