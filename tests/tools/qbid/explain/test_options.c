/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people write them, and settings by line item. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tools/qbid/explain/options.h"

static struct qbid_explain_options options;
static char message[QBID_EXPLAIN_MESSAGE_BYTES];

static void a_time_is_rfc_3339_or_seconds(void **state)
{
    static const struct {
        const char *text;
        uint64_t unix_s; /* by date -u -d */
    } good[] = {
        {"0", 0},
        {"1772366400", 1772366400},
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-01T12:00:00Z", 1772366400},
        {"2026-03-01T12:00:00.987654z", 1772366400},
        {"2026-03-01T20:00:00+08:00", 1772366400},
        {"2026-03-01T06:30:00-05:30", 1772366400},
        {"2024-02-29T23:59:59Z", 1709251199},
    };
    static const char *const bad[] = {
        "",
        "now",
        "-1",
        "12:00",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01 12:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-03-01T12:00:00+0800",
        "2026-03-01T12:00:00+08:60",
        "2026-03-01T12:00:00Zulu",
        "1970-01-01T00:00:00+01:00",
        "99999999999",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t unix_s;
        assert_int_equal(qbid_explain_time_parse(good[i].text, &unix_s), 0);
        assert_int_equal(unix_s, good[i].unix_s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t unix_s;
        if (qbid_explain_time_parse(bad[i], &unix_s) != QBID_ERR_PARSE)
            fail_msg("'%s' is read as a time", bad[i]);
    }
}

static void settings_are_kept_in_order_and_exactly(void **state)
{
    char *argv[] = {"explain",
                    "--pace=7=0.123456791",
                    "r.json",
                    "--image",
                    "g.qbi",
                    "--pace",
                    "4294967295=1e-7",
                    "--qstate",
                    "7=99",
                    "--exchange",
                    "",
                    NULL};
    (void)state;
    assert_int_equal(qbid_explain_options_parse((int)(sizeof argv / sizeof argv[0]) - 1, argv,
                                                &options, message),
                     0);
    assert_string_equal(options.request, "r.json");
    assert_string_equal(options.image, "g.qbi");
    assert_string_equal(options.exchange, "");
    assert_int_equal(options.pace_cnt, 2);
    assert_int_equal(options.pace[0].line_item_id, 7);
    assert_true(options.pace[0].pace == 0.123456791f);
    assert_int_equal(options.pace[1].line_item_id, UINT32_MAX);
    assert_true(options.pace[1].pace == 1e-7f);
    assert_int_equal(options.qstate_cnt, 1);
    assert_int_equal(options.qstate[0].qstate, 99);
    assert_false(options.json || options.strict || options.has_now || options.help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_rfc_3339_or_seconds),
        cmocka_unit_test(settings_are_kept_in_order_and_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
