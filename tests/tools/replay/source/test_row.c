/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the log: its columns, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "shm/error.h"
#include "tests/tools/replay/source/rows.h"
#include "tools/replay/source/row.h"

static int parse(const char *line, struct qbid_replay_row *row, enum qbid_replay_row_kind *kind,
                 const char **reason)
{
    return qbid_replay_row_parse(line, strlen(line), row, kind, reason);
}

static void assert_span(struct qbid_replay_span span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.at, text, span.len);
}

static void every_column_goes_to_its_field(void **state)
{
    static const char line[] =
        ROW_LINE("49b5a58c3a3c39c3", "20131021192300738", "1", "30", "201", "10006,10110");
    struct qbid_replay_row row;
    enum qbid_replay_row_kind kind;
    const char *reason;
    (void)state;
    assert_int_equal(parse(line, &row, &kind, &reason), 0);
    assert_int_equal(kind, QBID_REPLAY_ROW_IMPRESSION);
    assert_span(row.bidid, "49b5a58c3a3c39c3");
    assert_true(row.timestamp == UINT64_C(20131021192300738));
    assert_span(row.user, "C4NDR12~1B");
    assert_span(row.ua, ROW_UA);
    assert_span(row.ip, "222.218.230.*");
    assert_span(row.region, "238");
    assert_span(row.city, "246");
    assert_int_equal(row.exchange, 3);
    assert_span(row.domain, "9a2acabba41e00373f68053fd73e4d50");
    assert_span(row.url, "19bbcb08106cbd6410a51fe87c40c44e");
    assert_span(row.slot, "mm_12712107_1718689");
    assert_int_equal(row.width, 300);
    assert_int_equal(row.height, 250);
    assert_span(row.visibility, "FirstView");
    assert_int_equal(row.floor_micros, 300000);   /* 30 fen = CNY 0.30 */
    assert_int_equal(row.market_micros, 2010000); /* 201 fen = CNY 2.01 */
    assert_span(row.tags, "10006,10110");
    assert_false(row.click);
    assert_int_equal(row.repeat, 0);
}

static void a_logtype_of_2_is_a_click(void **state)
{
    struct qbid_replay_row row;
    enum qbid_replay_row_kind kind;
    const char *reason;
    (void)state;
    assert_int_equal(parse(ROW_LINE("a", "1", "2", "0", "5", "null"), &row, &kind, &reason), 0);
    assert_int_equal(kind, QBID_REPLAY_ROW_CLICK);
    assert_true(row.click);
    assert_int_equal(row.tags.len, 0);
}

static void training_lines_have_click_weekday_hour_in_front(void **state)
{
    struct qbid_replay_row row;
    enum qbid_replay_row_kind kind;
    const char *reason;
    (void)state;
    for (int click = 0; click <= 1; click++) {
        char line[1024];
        snprintf(line, sizeof line, "%d\t6\t11\t%s", click,
                 ROW_LINE("b7", "20131019110113626", "1", "0", "46", "null"));
        assert_int_equal(parse(line, &row, &kind, &reason), 0);
        assert_int_equal(kind, QBID_REPLAY_ROW_TRAIN);
        assert_int_equal(row.click, click);
        assert_span(row.bidid, "b7");
        assert_int_equal(row.market_micros, 460000);
    }
}

static void damaged_lines_are_refused_with_their_column(void **state)
{
    static const char id65[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    char long_id[1024];
    snprintf(long_id, sizeof long_id, "%s%s", id65, ROW_LINE("", "1", "1", "0", "5", "null"));
    const struct {
        const char *line, *reason;
    } cases[] = {
        {"", "24 columns"},
        {"one column", "24 columns"},
        {"a\tb\tc", "24 columns"},
        {ROW_LINE("a", "1", "1", "0", "5", "null") "\textra", "24 columns"},
        {"2\t1\t1\t" ROW_LINE("a", "1", "1", "0", "5", "null"), "click (column 1 of 27)"},
        {"1\t1\t1\t" ROW_LINE("a", "1", "1", "0", "5", "null") "\tx", "24 columns"},
        {ROW_LINE("null", "1", "1", "0", "5", "null"), "bidid"},
        {ROW_LINE("", "1", "1", "0", "5", "null"), "bidid"},
        {ROW_LINE("a b", "1", "1", "0", "5", "null"), "bidid"},
        {ROW_LINE("caf\xC3\xA9", "1", "1", "0", "5", "null"), "bidid"},
        {long_id, "bidid"},
        {ROW_LINE("a", "2013-10-21", "1", "0", "5", "null"), "timestamp"},
        {ROW_LINE("a", "201310211923007380", "1", "0", "5", "null"), "timestamp"},
        {ROW_LINE("a", "1", "0", "0", "5", "null"), "logtype"},
        {ROW_LINE("a", "1", "3", "0", "5", "null"), "logtype"},
        {ROW_LINE("a", "1", "1", "-1", "5", "null"), "slotprice"},
        {ROW_LINE("a", "1", "1", "", "5", "null"), "slotprice"},
        {ROW_LINE("a", "1", "1", "0", "null", "null"), "payprice"},
        {ROW_LINE("a", "1", "1", "0", "1.5", "null"), "payprice"},
        {ROW_LINE("a", "1", "1", "0", "100000001", "null"), "payprice"},
        {ROW_LINE("a", "1", "1", "0", "99999999999999999999999999", "null"), "payprice"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_row row;
        enum qbid_replay_row_kind kind;
        const char *reason = "";
        assert_int_equal(parse(cases[i].line, &row, &kind, &reason), QBID_ERR_PARSE);
        if (!strstr(reason, cases[i].reason))
            fail_msg("case %zu says: %s", i, reason);
    }
}

static void draws_depend_on_seed_id_repeat_and_use(void **state)
{
    static const char line[] = ROW_LINE("abc", "1", "1", "0", "5", "null");
    struct qbid_replay_row row;
    enum qbid_replay_row_kind kind;
    const char *reason;
    (void)state;
    assert_int_equal(parse(line, &row, &kind, &reason), 0);
    double draw = qbid_replay_row_draw(&row, 1, 1);
    assert_true(draw >= 0 && draw < 1);
    assert_true(draw == qbid_replay_row_draw(&row, 1, 1));
    assert_true(draw != qbid_replay_row_draw(&row, 2, 1));
    assert_true(draw != qbid_replay_row_draw(&row, 1, 2));
    row.repeat = 1;
    assert_true(draw != qbid_replay_row_draw(&row, 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_goes_to_its_field),
        cmocka_unit_test(a_logtype_of_2_is_a_click),
        cmocka_unit_test(training_lines_have_click_weekday_hour_in_front),
        cmocka_unit_test(damaged_lines_are_refused_with_their_column),
        cmocka_unit_test(draws_depend_on_seed_id_repeat_and_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
