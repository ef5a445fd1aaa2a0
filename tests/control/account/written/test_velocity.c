/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on the speed of spend from their text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/written/velocity.h"

static void a_multiple_is_of_the_flight_or_the_day(void **state)
{
    (void)state;
    struct qbid_velocity v;
    struct qbid_campaign_def c = {.budget_nanos = INT64_C(240000000000),
                                  .start_unix_s = 1000,
                                  .end_unix_s = 1000 + 10 * 86400,
                                  .period = QBID_BUDGET_TOTAL};
    assert_null(qbid_velocity_parse("2x / 1h", &v));
    assert_int_equal(v.window_s, 3600);
    assert_int_equal(qbid_velocity_nanos(&v, &c), 2000000000); /* 240 in 240 hours, twice */
    assert_true(qbid_velocity_times(&v, &c) == 2);
    c.period = QBID_BUDGET_DAILY;
    assert_int_equal(qbid_velocity_nanos(&v, &c), 20000000000);
    assert_null(qbid_velocity_parse("5.00/30m", &v));
    assert_int_equal(v.window_s, 1800);
    assert_int_equal(qbid_velocity_nanos(&v, &c), 5000000000);
    assert_true(fabs(qbid_velocity_times(&v, &c) - 1) < 1e-12);
    assert_null(qbid_velocity_parse("", &v));
    assert_int_equal(v.window_s, 0);
    assert_null(qbid_velocity_parse("0.000000001 / 7d", &v));
    assert_int_equal(qbid_velocity_nanos(&v, &c), 1);
}

static void what_is_no_limit_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {{"2x", "is not like"},
                                           {"2", "is not like"},
                                           {"/ 1h", "is not like"},
                                           {"x / 1h", "is not like"},
                                           {"-2x / 1h", "is not like"},
                                           {"2y / 1h", "is not like"},
                                           {"0 / 1h", "is not like"},
                                           {"-5 / 1h", "is not like"},
                                           {"0.01x / 1h", "0.1 to 1000"},
                                           {"1001x / 1h", "0.1 to 1000"},
                                           {"nanx / 1h", "is not like"},
                                           {"2x / h", "a window that is not like"},
                                           {"2x / 1w", "not like 90s"},
                                           {"2x / 1hour", "not like 90s"},
                                           {"2x / 59s", "outside 1m to 7d"},
                                           {"2x / 8d", "outside 1m to 7d"},
                                           {"2x / 1234567s", "not like 90s"},
                                           {"2x / 1h / 1h", "not like 90s"}};
    struct qbid_velocity v;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *said = qbid_velocity_parse(wrong[i][0], &v);
        if (!said || !strstr(said, wrong[i][1]))
            fail_msg("'%s': %s", wrong[i][0], said ? said : "was taken");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_multiple_is_of_the_flight_or_the_day),
        cmocka_unit_test(what_is_no_limit_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
