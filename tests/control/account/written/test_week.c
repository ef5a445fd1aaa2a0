/* SPDX-License-Identifier: Apache-2.0 */
/* Day-parting: what is read, what is refused, and what the clock change does to it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/written/week.h"

#define HOUR 3600
#define MONDAY INT64_C(1767571200) /* 2026-01-05T00:00:00Z */

static struct qbid_week hours_of(const char *text)
{
    struct qbid_week hours;
    const char *wrong = qbid_week_parse(text, &hours);
    if (wrong)
        fail_msg("'%s' %s", text, wrong);
    return hours;
}

static void entries_set_hours_and_later_ones_win(void **state)
{
    (void)state;
    struct qbid_week h = hours_of("mon-fri 8-20; sat,sun 10-18=0.5 ;wed *=2; fri-mon 23; tue 0=0");
    for (int i = 0; i < QBID_WEEK_HOURS; i++) {
        int day = i / 24, hour = i % 24;
        float want = 0;
        if (day <= 4 && hour >= 8 && hour < 20)
            want = 1;
        if (day >= 5 && hour >= 10 && hour < 18)
            want = 0.5f;
        if (day == 2)
            want = 2;
        if ((day >= 4 || day == 0) && hour == 23)
            want = 1;
        assert_true(h.weight[i] == want);
        assert_true(qbid_week_weight(&h, NULL, MONDAY + i * HOUR) == want);
        assert_true(qbid_week_weight(&h, NULL, MONDAY + i * HOUR + HOUR - 1) == want);
        assert_true(qbid_week_weight(&h, NULL, MONDAY + i * HOUR - 3000 * 604800LL) == want);
    }
    struct qbid_week always = hours_of("");
    assert_false(always.given);
    assert_true(qbid_week_weight(&always, NULL, MONDAY) == 1);
}

static void what_is_none_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } bad[] = {{"monday 8-20", "no days"},
               {"mon8-20", "no days"},
               {"mon 20-8", "no hours"},
               {"mon 8-25", "no hours"},
               {"mon", "must have days"},
               {"mon 8-20=5", "no weight"},
               {"mon 8-20=-1", "no weight"},
               {"mon 8-20=nan", "no weight"},
               {"mon 8-20 x", "must have"},
               {"mon 8-20;", NULL},
               {"* *=0", "off at every hour"},
               {"mon 8-8", "no hours"},
               {"mon 8-20;;tue 1", "no days"},
               {"mon- 8", "no days"},
               {"mon,,tue 8", "no days"},
               {"mon 1e1", "must have"},
               {" ", "no days"},
               {"mon 8-20=", "no weight"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct qbid_week hours;
        const char *wrong = qbid_week_parse(bad[i].text, &hours);
        if (bad[i].part ? !wrong || !strstr(wrong, bad[i].part) : wrong != NULL)
            fail_msg("'%s': %s", bad[i].text, wrong ? wrong : "taken");
    }
}

/* 2026: Berlin leaves out 2:00-3:00 on Sunday 29 March and repeats it on Sunday 25 October; New
 * York and Lord Howe (half an hour) have days of their own. */
static void the_clock_change_drops_and_repeats_an_hour(void **state)
{
    (void)state;
    struct qbid_week two = hours_of("sun 2-3"), rest = hours_of("* *; sun 2=0");
    struct qbid_zone *zone;
    if (qbid_zone_new("Europe/Berlin", &zone) != 0) {
        print_message("skipped: no time zone database (Debian: tzdata)\n");
        skip();
    }
    const int64_t spring = 1774742400 - HOUR; /* 2026-03-29T00:00 in Berlin = 03-28T23:00Z */
    const int64_t autumn = 1792879200;        /* 2026-10-25T00:00 in Berlin = 10-24T22:00Z */
    assert_true(qbid_week_seconds(&two, zone, spring, spring + 23 * HOUR) == 0);
    assert_true(qbid_week_seconds(&rest, zone, spring, spring + 23 * HOUR) == 23 * HOUR);
    assert_true(qbid_week_seconds(&two, zone, autumn, autumn + 25 * HOUR) == 2 * HOUR);
    assert_true(qbid_week_seconds(&rest, zone, autumn, autumn + 25 * HOUR) == 23 * HOUR);
    assert_true(qbid_week_weight(&two, zone, spring + 2 * HOUR - 1) == 0);
    assert_true(qbid_week_weight(&two, zone, spring + 2 * HOUR) == 0); /* it is 3:00 */
    assert_true(qbid_week_weight(&two, zone, autumn + 2 * HOUR) == 1);
    assert_true(qbid_week_weight(&two, zone, autumn + 3 * HOUR) == 1);
    assert_true(qbid_week_weight(&two, zone, autumn + 4 * HOUR) == 0);
    qbid_zone_free(zone);
    /* Lord Howe puts its clocks half an hour back on Sunday 5 April, at 2:00 summer time */
    assert_int_equal(qbid_zone_new("Australia/Lord_Howe", &zone), 0);
    struct qbid_week one = hours_of("sun 1");
    const int64_t howe = 1775307600; /* 2026-04-05T00:00 there = 04-04T13:00Z */
    assert_true(qbid_week_seconds(&one, zone, howe, howe + 5 * HOUR) == 1.5 * HOUR);
    qbid_zone_free(zone);
}

/* The sum by quarters and whole weeks is what adding up every minute gives. */
static void sums_are_those_of_every_minute(void **state)
{
    (void)state;
    struct qbid_week h = hours_of("mon-fri 8-20=1.5; sat 10-18=0.25; sun 3,5,7-9");
    struct qbid_zone *zone = NULL;
    (void)qbid_zone_new("America/New_York", &zone);
    for (int run = 0; run < 12; run++) {
        int64_t from = MONDAY + run * 777777, to = from + 5000 + run * run * 31111;
        double sum = 0;
        from -= from % 60;
        to -= to % 60;
        for (int64_t t = from; t < to; t += 60)
            sum += 60 * (double)qbid_week_weight(&h, zone, t);
        double got = qbid_week_seconds(&h, zone, from, to);
        /* whole weeks in between know no clock change: at most two of an hour each */
        assert_true(fabs(got - sum) <= (to - from > 2 * 604800 ? 2 * 1.5 * HOUR : 1e-6));
    }
    assert_true(qbid_week_seconds(&h, zone, MONDAY, MONDAY) == 0);
    assert_true(qbid_week_seconds(&h, zone, MONDAY, MONDAY - 5) == 0);
    qbid_zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_set_hours_and_later_ones_win),
        cmocka_unit_test(what_is_none_is_refused_with_its_reason),
        cmocka_unit_test(the_clock_change_drops_and_repeats_an_hour),
        cmocka_unit_test(sums_are_those_of_every_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
