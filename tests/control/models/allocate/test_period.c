/* SPDX-License-Identifier: Apache-2.0 */
/* Days, weeks and months against the C library's calendar; expected spend, and days that sum to
 * what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "control/models/allocate/period.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define DAY_S 86400
#define UNIT INT64_C(1000000)

static void periods_are_the_calendars(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    for (int i = 0; i < 20000; i++) {
        time_t at = (time_t)(4102444800.0 * rng_uniform(&r)); /* 1970 to 2099 */
        struct tm tm, first;
        struct qbid_period p;
        gmtime_r(&at, &tm);
        assert_int_equal(qbid_period_of(QBID_PERIOD_DAILY, at, &p), 0);
        assert_true(p.from_unix_s == at / DAY_S * DAY_S && p.until_unix_s == p.from_unix_s + DAY_S);
        assert_int_equal(qbid_period_of(QBID_PERIOD_WEEKLY, at, &p), 0);
        assert_true(p.from_unix_s == (at / DAY_S - (tm.tm_wday + 6) % 7) * DAY_S);
        assert_true(p.until_unix_s == p.from_unix_s + 7 * DAY_S);
        assert_int_equal(qbid_period_of(QBID_PERIOD_MONTHLY, at, &p), 0);
        first = (struct tm){.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = 1};
        assert_true(p.from_unix_s == timegm(&first));
        first = (struct tm){.tm_year = tm.tm_year, .tm_mon = tm.tm_mon + 1, .tm_mday = 1};
        assert_true(p.until_unix_s == timegm(&first));
    }
    struct qbid_period p;
    assert_int_equal(qbid_period_of((enum qbid_period_kind)4, 5, &p), QBID_ERR_INVAL);
    assert_int_equal(qbid_period_of(QBID_PERIOD_DAILY, -5, &p), QBID_ERR_INVAL);
}

static void hand_values(void **state)
{
    (void)state;
    struct qbid_period week, month;
    struct qbid_period_stand stand;
    double hours[QBID_PERIOD_HOURS] = {0};
    int64_t monday = INT64_C(1791158400) / DAY_S * DAY_S; /* 2026-10-05 */
    assert_int_equal(qbid_period_of(QBID_PERIOD_WEEKLY, monday, &week), 0);
    assert_true(week.from_unix_s == monday);
    assert_int_equal(qbid_period_stand(&week, monday + 2 * DAY_S + DAY_S / 2, NULL, 700 * UNIT,
                                       300 * UNIT, &stand),
                     0);
    assert_int_equal(stand.expected_micros, 250 * UNIT);
    assert_int_equal(stand.left_micros, 400 * UNIT);
    assert_int_equal(stand.day_cnt, 5);
    assert_true(llabs(stand.day_micros[0] - 400 * UNIT / 9) <= 1);
    assert_true(llabs(stand.day_micros[4] - 800 * UNIT / 9) <= 1);
    for (int h = 0; h < 24; h++)
        hours[5 * 24 + h] = 1; /* Saturdays alone */
    assert_int_equal(qbid_period_stand(&week, monday + DAY_S, hours, 70, 0, &stand), 0);
    assert_true(stand.expected_micros == 0 && stand.day_micros[4] == 70 && stand.day_cnt == 6);
    assert_int_equal(qbid_period_stand(&week, monday + 6 * DAY_S, hours, 70, 60, &stand), 0);
    assert_true(stand.expected_micros == 70 && stand.day_micros[0] == 10 && stand.day_cnt == 1);
    assert_int_equal(qbid_period_stand(&week, monday, NULL, 70, 90, &stand), 0);
    assert_true(stand.left_micros == 0 && stand.day_micros[3] == 0);
    assert_int_equal(qbid_period_of(QBID_PERIOD_MONTHLY, monday, &month), 0);
    assert_int_equal(qbid_period_stand(&month, month.from_unix_s, NULL, 31 * UNIT, 0, &stand), 0);
    assert_true(stand.day_cnt == 31 && stand.day_micros[30] == UNIT);
}

static void days_sum_to_what_is_left(void **state)
{
    (void)state;
    struct rng r = rng_init(2);
    for (int i = 0; i < 3000; i++) {
        struct qbid_period p;
        struct qbid_period_stand stand;
        double hours[QBID_PERIOD_HOURS];
        int64_t at = 1790000000 + (int64_t)(1e8 * rng_uniform(&r)), sum = 0;
        int64_t budget = (int64_t)(1e12 * rng_uniform(&r));
        int64_t actual = (int64_t)(1e12 * rng_uniform(&r));
        for (int h = 0; h < QBID_PERIOD_HOURS; h++)
            hours[h] = rng_below(&r, 3) ? rng_uniform(&r) : 0;
        qbid_period_of((enum qbid_period_kind)(1 + rng_below(&r, 3)), at, &p);
        assert_int_equal(qbid_period_stand(&p, at, hours, budget, actual, &stand), 0);
        for (uint32_t d = 0; d < stand.day_cnt; d++) {
            assert_true(stand.day_micros[d] >= 0);
            sum += stand.day_micros[d];
        }
        assert_true(sum == stand.left_micros);
        assert_true(stand.left_micros == (actual < budget ? budget - actual : 0));
        assert_true(stand.expected_micros >= 0 && stand.expected_micros <= budget);
    }
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    struct qbid_period p;
    struct qbid_period_stand stand;
    double hours[QBID_PERIOD_HOURS] = {0};
    qbid_period_of(QBID_PERIOD_DAILY, 1790000000, &p);
    assert_int_equal(qbid_period_stand(&p, p.until_unix_s, NULL, 1, 1, &stand), QBID_ERR_INVAL);
    assert_int_equal(qbid_period_stand(&p, p.from_unix_s, NULL, -1, 1, &stand), QBID_ERR_INVAL);
    assert_int_equal(qbid_period_stand(&p, p.from_unix_s, NULL, 1, -1, &stand), QBID_ERR_INVAL);
    assert_int_equal(qbid_period_stand(&p, p.from_unix_s, hours, 1, 1, &stand), QBID_ERR_INVAL);
    hours[3] = -1, hours[4] = 2;
    assert_int_equal(qbid_period_stand(&p, p.from_unix_s, hours, 1, 1, &stand), QBID_ERR_INVAL);
    p.from_unix_s++;
    assert_int_equal(qbid_period_stand(&p, p.from_unix_s, NULL, 1, 1, &stand), QBID_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_are_the_calendars),
        cmocka_unit_test(hand_values),
        cmocka_unit_test(days_sum_to_what_is_left),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
