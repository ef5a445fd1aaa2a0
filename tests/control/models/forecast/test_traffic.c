/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic curves: integrals against sums of seconds, hours against the C library's calendar, what
 * shrinkage buys, and the level of days to come. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "control/models/forecast/traffic.h"
#include "tests/control/models/rng.h"

#define HOUR 3600.0
#define DAY 86400.0
#define MONDAY (20003 * DAY) /* 2024-10-07 */
#define AVITO "../shared/data/pacing/avito_traffic_share.csv"
#define AVITO_REGIONS_MAX 128

static uint32_t poisson(struct rng *r, double mean)
{
    if (mean > 50)
        return (uint32_t)fmax(floor(mean + sqrt(mean) * rng_normal(r) + 0.5), 0);
    uint32_t n = 0;
    for (double p = exp(-mean), u = rng_uniform(r), sum = p; u > sum && n < 1000; sum += p)
        p *= mean / ++n;
    return n;
}

/* A week of counts of `mean` events an hour on average, each hour busier or quieter by a fifth than
 * its curve; hour is relative and Monday's first. */
static void week_note(struct qbid_traffic *t, struct rng *r, const double *hour, double mean,
                      double start)
{
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++) {
        double at = start + h * HOUR;
        qbid_traffic_note(t, at, at + HOUR,
                          poisson(r, mean * hour[h] * rng_lognormal(r, -0.02, 0.2)), NULL);
    }
}

/* Mean squared distance of two curves' hours. */
static double distance(const struct qbid_traffic_curve *curve, const double *hour)
{
    double sum = 0;
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
        sum += ((double)curve->hour[h] - hour[h]) * ((double)curve->hour[h] - hour[h]);
    return sum / QBID_TRAFFIC_HOURS;
}

/* A day's curve that is the account's, and each campaign's own bends of it, mean 1. */
static void hours_draw(struct rng *r, const double *base, double sd, double *ret)
{
    double mean = 0;
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++) {
        double shape = base ? base[h] : 1 - 0.7 * cos(6.283185307 * (h % 24) / 24);
        ret[h] = shape * rng_lognormal(r, 0, sd);
        mean += ret[h] / QBID_TRAFFIC_HOURS;
    }
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
        ret[h] /= mean;
}

static void a_flat_curve_is_the_clock(void **state)
{
    (void)state;
    struct qbid_traffic_curve curve;
    qbid_traffic_flat(&curve);
    assert_true(fabs(qbid_traffic_between(&curve, 1000, 4600) - 3600) < 1e-2);
    assert_true(fabs(qbid_traffic_between(&curve, MONDAY, MONDAY + 100 * DAY) - 100 * DAY) < 1);
    assert_true(qbid_traffic_between(&curve, 5, 5) == 0 && qbid_traffic_between(&curve, 9, 5) == 0);
    assert_true(qbid_traffic_between(&curve, NAN, 5) == 0);
}

static void hours_are_those_of_the_calendar(void **state)
{
    (void)state;
    for (int h = 0; h < 400; h += 7) {
        static struct qbid_traffic t;
        memset(&t, 0, sizeof t);
        time_t at = (time_t)(MONDAY + h * HOUR - 100 * DAY);
        struct tm tm;
        gmtime_r(&at, &tm);
        int want = (tm.tm_wday + 6) % 7 * 24 + tm.tm_hour;
        qbid_traffic_note(&t, (double)at, (double)at + 60, 5, NULL);
        for (int k = 0; k < QBID_TRAFFIC_HOURS; k++)
            assert_true((t.events[k] > 0) == (k == want));
    }
}

static void counts_are_split_at_the_hours_and_fade_by_the_week(void **state)
{
    (void)state;
    static struct qbid_traffic t;
    memset(&t, 0, sizeof t);
    qbid_traffic_note(&t, MONDAY + HOUR - 90, MONDAY + HOUR + 30, 120, NULL);
    assert_true(t.events[0] == 90 && t.events[1] == 30 && t.seconds[0] == 90 && t.seconds[1] == 30);
    qbid_traffic_note(&t, MONDAY + 7 * DAY, MONDAY + 7 * DAY + 10, 1, NULL);
    assert_true(t.events[0] == 46 && t.seconds[0] == 55 && t.visits[0] == 1.5f);
    struct qbid_traffic before = t; /* nothing of this is counted */
    qbid_traffic_note(&t, MONDAY, MONDAY, 5, NULL);
    qbid_traffic_note(&t, MONDAY, MONDAY - 5, 5, NULL);
    qbid_traffic_note(&t, MONDAY, MONDAY + 2 * DAY, 5, NULL);
    qbid_traffic_note(&t, MONDAY, MONDAY + 5, -1, NULL);
    qbid_traffic_note(&t, MONDAY, MONDAY + 5, NAN, NULL);
    qbid_traffic_note(&t, NAN, MONDAY, 5, NULL);
    assert_memory_equal(&t, &before, sizeof t);
}

static void integrals_are_sums_of_hours(void **state)
{
    (void)state;
    struct rng r = rng_init(5);
    static struct qbid_traffic t;
    struct qbid_traffic_curve curve;
    double hour[QBID_TRAFFIC_HOURS];
    hours_draw(&r, NULL, 0.4, hour);
    week_note(&t, &r, hour, 5000, MONDAY);
    qbid_traffic_fit(&t, NULL, (int64_t)(MONDAY + 7 * DAY), &curve);
    for (int d = 0; d < QBID_TRAFFIC_AHEAD; d++)
        curve.day[d] = (float)(1 + 0.02 * d);
    for (int run = 0; run < 200; run++) {
        double from = MONDAY + 6 * DAY + floor(rng_uniform(&r) * 20 * DAY / 60) * 60;
        double to = from + floor(rng_uniform(&r) * 30 * DAY / 60) * 60, sum = 0;
        for (double at = from; at < to; at += 60)
            sum += 60 * qbid_traffic_at(&curve, at);
        assert_true(fabs(qbid_traffic_between(&curve, from, to) - sum) <= 1e-5 * sum + 0.1);
    }
}

/* With many counts the campaign's own curve, with few the account's, in between better than both.
 */
static void shrinkage_beats_the_account_and_the_counts_alone(void **state)
{
    (void)state;
    const double means[] = {0.5, 4, 30, 3000};
    for (int k = 0; k < 4; k++) {
        struct rng r = rng_init(11 + (uint64_t)k);
        double ours = 0, account = 0, alone = 0;
        for (int run = 0; run < 20; run++) {
            struct qbid_traffic all = {0}, one = {0};
            struct qbid_traffic_curve parent, curve, raw;
            double base[QBID_TRAFFIC_HOURS], hour[QBID_TRAFFIC_HOURS];
            hours_draw(&r, NULL, 0.2, base);
            hours_draw(&r, base, 0.3, hour);
            week_note(&all, &r, base, 100000, MONDAY);
            week_note(&one, &r, hour, means[k], MONDAY);
            qbid_traffic_fit(&all, NULL, (int64_t)(MONDAY + 7 * DAY), &parent);
            qbid_traffic_fit(&one, &parent, (int64_t)(MONDAY + 7 * DAY), &curve);
            qbid_traffic_flat(&raw);
            double sum = 0;
            for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
                sum += (double)one.events[h] / QBID_TRAFFIC_HOURS;
            for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
                raw.hour[h] = (float)((double)one.events[h] / fmax(sum, 1e-9));
            ours += distance(&curve, hour);
            account += distance(&parent, hour);
            alone += distance(&raw, hour);
        }
        print_message(
            "%.1f events an hour: squared error %.4f, the account's curve %.4f, the counts "
            "alone %.4f\n",
            means[k], ours / 20, account / 20, alone / 20);
        assert_true(ours <= 1.05 * fmin(account, alone));
    }
}

static void hours_that_were_never_seen_are_the_accounts(void **state)
{
    (void)state;
    struct rng r = rng_init(21);
    struct qbid_traffic all = {0}, one = {0};
    struct qbid_traffic_curve parent, curve;
    double base[QBID_TRAFFIC_HOURS];
    hours_draw(&r, NULL, 0.2, base);
    week_note(&all, &r, base, 1000, MONDAY);
    qbid_traffic_fit(&all, NULL, (int64_t)MONDAY, &parent);
    for (int h = 0; h < 6; h++) /* it only ever ran on a Monday's first hours */
        qbid_traffic_note(&one, MONDAY + h * HOUR, MONDAY + (h + 1) * HOUR, 500 * base[h], NULL);
    qbid_traffic_fit(&one, &parent, (int64_t)MONDAY, &curve);
    for (int h = 6; h < QBID_TRAFFIC_HOURS; h++)
        assert_true(fabs((double)(curve.hour[h] / parent.hour[h]) - 1) < 0.15);
    qbid_traffic_fit(&(struct qbid_traffic){0}, &parent, (int64_t)MONDAY, &curve);
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
        assert_true(fabs((double)(curve.hour[h] / parent.hour[h]) - 1) < 1e-4);
}

/* Campaigns of all sizes that ran at different hours tell one curve. */
static void an_account_is_not_bent_by_who_ran_when(void **state)
{
    (void)state;
    struct rng r = rng_init(31);
    struct qbid_traffic sum = {0};
    struct qbid_traffic_curve curve;
    double base[QBID_TRAFFIC_HOURS];
    hours_draw(&r, NULL, 0.1, base);
    qbid_traffic_flat(&curve);
    for (int round = 0; round < 3; round++) { /* an account is fitted again and again */
        memset(&sum, 0, sizeof sum);
        for (int c = 0; c < 12; c++) {
            struct qbid_traffic one = {0};
            double size = c % 2 ? 9000 : 3000;
            for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
                if (c % 2 == 0 || h % 24 >= 12) /* the large ones run in the second half of days */
                    qbid_traffic_note(&one, MONDAY + h * HOUR, MONDAY + (h + 1) * HOUR,
                                      poisson(&r, size * base[h]), &curve);
            qbid_traffic_add(&sum, &one, &curve);
        }
        qbid_traffic_fit(&sum, NULL, (int64_t)MONDAY, &curve);
    }
    double bent = 0; /* what counts without regard to sizes would say */
    struct qbid_traffic_curve naive;
    qbid_traffic_flat(&naive);
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
        bent += (double)sum.events[h] / QBID_TRAFFIC_HOURS;
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
        naive.hour[h] = (float)((double)sum.events[h] / bent);
    print_message("an account's curve: squared error %.4f; with sizes mixed up %.4f\n",
                  distance(&curve, base), distance(&naive, base));
    assert_true(distance(&curve, base) < 0.012 && distance(&naive, base) > 0.1);
}

static void a_trend_of_the_days_goes_on(void **state)
{
    (void)state;
    struct rng r = rng_init(41);
    static struct qbid_traffic t;
    struct qbid_traffic_curve curve;
    for (int d = 0; d < 35; d++)
        for (int h = 0; h < 24; h++) {
            double at = MONDAY + d * DAY + h * HOUR;
            qbid_traffic_note(&t, at, at + HOUR, poisson(&r, 1000 * (1 + 0.03 * d)), NULL);
        }
    qbid_traffic_fit(&t, NULL, (int64_t)(MONDAY + 35 * DAY), &curve);
    assert_true(curve.day[0] == 1);
    double want = (1 + 0.03 * 49) / (1 + 0.03 * 35);
    assert_true(fabs((double)curve.day[14] / want - 1) < 0.1);
    static struct qbid_traffic few;
    for (int d = 0; d < 5; d++)
        qbid_traffic_note(&few, MONDAY + d * DAY, MONDAY + d * DAY + HOUR, 100 * (d + 1), NULL);
    qbid_traffic_fit(&few, NULL, (int64_t)(MONDAY + 5 * DAY), &curve);
    for (int d = 0; d < QBID_TRAFFIC_AHEAD; d++)
        assert_true(curve.day[d] == 1);
}

/* Real regions as campaigns: one week of counts each, judged by the shares themselves. */
static void real_regions_are_learned_from_a_week(void **state)
{
    (void)state;
    static double share[AVITO_REGIONS_MAX][QBID_TRAFFIC_HOURS];
    FILE *f = fopen(AVITO, "r");
    if (!f) {
        print_message("skipped: no " AVITO "\n");
        skip();
    }
    char head[128];
    int id, dow, hour, regions = 0, region = -1;
    double value;
    assert_non_null(fgets(head, sizeof head, f));
    while (fscanf(f, "%d,%d,%d,%lf", &id, &dow, &hour, &value) == 4) {
        if (id != region) {
            assert_true(regions < AVITO_REGIONS_MAX);
            regions++, region = id;
        }
        if (dow >= 1 && dow <= 7 && hour >= 0 && hour < 24)
            share[regions - 1][(dow - 1) * 24 + hour] = value;
    }
    fclose(f);
    static struct qbid_traffic one[AVITO_REGIONS_MAX], sum;
    struct qbid_traffic_curve parent, curve, flat;
    struct rng r = rng_init(51);
    double ours = 0, account = 0, clock = 0;
    qbid_traffic_flat(&flat);
    for (int k = 0; k < regions; k++) {
        double mean = 0;
        for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
            mean += share[k][h] / QBID_TRAFFIC_HOURS;
        for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
            share[k][h] /= mean;
        week_note(&one[k], &r, share[k], 60, MONDAY);
        qbid_traffic_add(&sum, &one[k], NULL);
    }
    qbid_traffic_fit(&sum, NULL, (int64_t)(MONDAY + 7 * DAY), &parent);
    for (int k = 0; k < regions; k++) {
        qbid_traffic_fit(&one[k], &parent, (int64_t)(MONDAY + 7 * DAY), &curve);
        ours += distance(&curve, share[k]) / regions;
        account += distance(&parent, share[k]) / regions;
        clock += distance(&flat, share[k]) / regions;
    }
    print_message(
        "Avito, %d regions, a week of 60 events an hour: squared error %.4f, the account's "
        "curve %.4f, flat %.4f\n",
        regions, ours, account, clock);
    assert_true(ours < account && account < clock && ours < 0.1 * clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flat_curve_is_the_clock),
        cmocka_unit_test(hours_are_those_of_the_calendar),
        cmocka_unit_test(counts_are_split_at_the_hours_and_fade_by_the_week),
        cmocka_unit_test(integrals_are_sums_of_hours),
        cmocka_unit_test(shrinkage_beats_the_account_and_the_counts_alone),
        cmocka_unit_test(hours_that_were_never_seen_are_the_accounts),
        cmocka_unit_test(an_account_is_not_bent_by_who_ran_when),
        cmocka_unit_test(a_trend_of_the_days_goes_on),
        cmocka_unit_test(real_regions_are_learned_from_a_week),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
