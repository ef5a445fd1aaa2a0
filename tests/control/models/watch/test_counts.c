/* SPDX-License-Identifier: Apache-2.0 */
/* Counts watched: false alarms and time to find a fall on generated series, tails against SciPy. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/models/watch/counts.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"
#include "tests/control/models/watch/tails_reference.h"

#define HISTORY 672 /* four weeks */
#define QUIET 720   /* 30 days */
#define FOUND_IN 6
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SERIES 60 /* the sanitizers are slow */
#else
#define SERIES 150
#endif

static uint32_t series = SERIES; /* the first argument, for figures */

/* Hourly counts: a wave over the day, another one at weekends, scatter beyond Poisson. */
struct traffic {
    double base, wave, phase, weekend, weekend_wave, size;
    uint32_t hour; /* of the week */
};

static struct traffic traffic_draw(struct rng *r)
{
    double wave = 0.2 + 0.4 * rng_uniform(r);
    return (struct traffic){60 * exp(rng_uniform(r) * log(1000.0 / 60)),
                            wave,
                            6.283185 * rng_uniform(r),
                            0.6 + 0.6 * rng_uniform(r),
                            wave * (0.5 + 0.7 * rng_uniform(r)),
                            50 + 450 * rng_uniform(r),
                            rng_below(r, 168)};
}

/* A Poisson draw: products of uniforms, or Hoermann's transformed rejection (PTRS, 1993). */
static double poisson_draw(struct rng *r, double mean)
{
    if (mean < 10) {
        double cnt = 0, end = exp(-mean);
        for (double p = rng_uniform(r); p > end; p *= rng_uniform(r))
            cnt++;
        return cnt;
    }
    double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
    double top = 0.9277 - 3.6224 / (b - 2), scale = 1.1239 + 1.1328 / (b - 3.4);
    for (;;) {
        double u = rng_uniform(r) - 0.5, v = rng_uniform(r), near = 0.5 - fabs(u);
        double k = floor((2 * a / near + b) * u + mean + 0.43);
        if (near >= 0.07 && v <= top)
            return k;
        if (k < 0 || (near < 0.013 && v > near))
            continue;
        if (log(v * scale / (a / (near * near) + b)) <= k * log(mean) - mean - lgamma(k + 1))
            return k;
    }
}

static double traffic_next(struct rng *r, struct traffic *t, double level)
{
    double angle = 6.283185 * (t->hour % 24) / 24 + t->phase, mean = t->base * level;
    mean *= t->hour / 24 >= 5 ? t->weekend * (1 + t->weekend_wave * sin(angle))
                              : 1 + t->wave * sin(angle);
    t->hour = (t->hour + 1) % 168;
    return poisson_draw(r, mean * rng_gamma(r, t->size) / t->size);
}

static struct qbid_counts learned(struct rng *r, struct traffic *t)
{
    double y[HISTORY];
    struct qbid_counts c;
    uint32_t first = t->hour;
    for (uint32_t i = 0; i < HISTORY; i++)
        y[i] = traffic_next(r, t, 1);
    assert_int_equal(qbid_counts_learn(y, HISTORY, first, &c), 0);
    assert_int_equal(c.hour_of_week, t->hour);
    return c;
}

/* Hours until `finding` is seen at this level, most `limit`. */
static uint32_t hours_to(struct rng *r, struct traffic *t, struct qbid_counts *c, double level,
                         enum qbid_counts_finding finding, uint32_t limit)
{
    for (uint32_t h = 1; h <= limit; h++) {
        struct qbid_counts_verdict v;
        assert_int_equal(qbid_counts_next(c, traffic_next(r, t, level), &v), 0);
        if (v.finding == finding)
            return h;
    }
    return limit + 1;
}

static void alarms_are_rare_and_falls_are_found(void **state)
{
    (void)state;
    struct rng r = rng_init(31);
    uint32_t false_alarms = 0, found = 0, rises = 0;
    double hours = 0;
    for (uint32_t s = 0; s < series; s++) {
        struct traffic t = traffic_draw(&r);
        struct qbid_counts c = learned(&r, &t), other;
        for (uint32_t h = 0; h < QUIET; h++) {
            struct qbid_counts_verdict v;
            assert_int_equal(qbid_counts_next(&c, traffic_next(&r, &t, 1), &v), 0);
            false_alarms += v.finding != QBID_COUNTS_USUAL;
        }
        (void)hours_to(&r, &t, &c, 1, QBID_COUNTS_USUAL + 9, rng_below(&r, 168)); /* any time */
        struct traffic rising = t;
        other = c;
        uint32_t h = hours_to(&r, &t, &c, 0.7, QBID_COUNTS_FALLS, 48);
        found += h <= FOUND_IN;
        hours += h;
        rises += hours_to(&r, &rising, &other, 1 / 0.7, QBID_COUNTS_RISES, 48) <= FOUND_IN;
    }
    print_message(
        "counts, %u series: %.3f false alarms in 30 days each, 30 %% fall found within %d "
        "h in %.1f %%, on average in %.1f h, 43 %% rise in %.1f %%\n",
        series, (double)false_alarms / series, FOUND_IN, 100.0 * found / series, hours / series,
        100.0 * rises / series);
    assert_true(false_alarms <= series);
    assert_true(found >= 0.95 * series);
    assert_true(rises >= 0.95 * series);
}

static void what_lasts_becomes_usual(void **state)
{
    (void)state;
    struct rng r = rng_init(8);
    struct traffic t = {500, 0.3, 0, 0.9, 0.3, 300, 0};
    struct qbid_counts c = learned(&r, &t);
    struct qbid_counts_verdict v;
    assert_true(hours_to(&r, &t, &c, 0.5, QBID_COUNTS_FALLS, 6) <= 6);
    for (uint32_t h = 0; h < 21 * 24; h++)
        assert_int_equal(qbid_counts_next(&c, traffic_next(&r, &t, 0.5), &v), 0);
    uint32_t last = (c.hour_of_week + 167) % 168, day = last / 24;
    assert_true(fabs(v.expected / (c.hour[day >= 5][last % 24] * c.day[day]) - 0.5) < 0.05);
    uint32_t alarms = 0;
    for (uint32_t h = 0; h < QUIET; h++) {
        assert_int_equal(qbid_counts_next(&c, traffic_next(&r, &t, 0.5), &v), 0);
        alarms += v.finding != QBID_COUNTS_USUAL;
    }
    assert_true(alarms <= 2);
}

static void outages_of_the_past_teach_nothing(void **state)
{
    (void)state;
    struct rng r = rng_init(12);
    struct traffic t = {400, 0.3, 1, 0.8, 0.3, 300, 0};
    double y[HISTORY];
    for (uint32_t i = 0; i < HISTORY; i++)
        y[i] = traffic_next(&r, &t, 1);
    struct qbid_counts clean, holed;
    assert_int_equal(qbid_counts_learn(y, HISTORY, 0, &clean), 0);
    for (uint32_t i = 200; i < 212; i++)
        y[i] = 0;
    assert_int_equal(qbid_counts_learn(y, HISTORY, 0, &holed), 0);
    for (uint32_t hour = 0; hour < 24; hour++)
        assert_true(fabs(holed.hour[0][hour] / clean.hour[0][hour] - 1) < 0.05);
    assert_true(holed.size > 0.5 * clean.size);
}

static void an_outage_shows_in_its_first_hour(void **state)
{
    (void)state;
    struct rng r = rng_init(4);
    struct traffic t = {200, 0.3, 0, 0.9, 0.3, 300, 0};
    struct qbid_counts c = learned(&r, &t);
    struct qbid_counts_verdict v;
    assert_int_equal(qbid_counts_next(&c, 0, &v), 0);
    assert_int_equal(v.finding, QBID_COUNTS_FALLS);
    assert_int_equal(v.for_hours, 1);
    assert_true(v.tail < 1e-9 && v.nats > log(QBID_COUNTS_FALSE_HOURS) && v.expected > 50);
}

static void what_is_no_count_is_refused(void **state)
{
    (void)state;
    struct rng r = rng_init(4);
    struct traffic t = {200, 0.3, 0, 0.9, 0.3, 300, 0};
    struct qbid_counts c = learned(&r, &t), before = c;
    struct qbid_counts_verdict v;
    double y[HISTORY] = {0};
    assert_int_equal(qbid_counts_next(&c, -1, &v), QBID_ERR_INVAL);
    assert_int_equal(qbid_counts_next(&c, NAN, &v), QBID_ERR_INVAL);
    assert_memory_equal(&c, &before, sizeof c);
    assert_int_equal(qbid_counts_learn(y, QBID_COUNTS_HISTORY_MIN - 1, 0, &c), QBID_ERR_INVAL);
    assert_int_equal(qbid_counts_learn(y, HISTORY, 168, &c), QBID_ERR_INVAL);
    assert_int_equal(qbid_counts_learn(y, HISTORY, 0, &c), 0); /* nothing ever: no alarm either */
    assert_int_equal(qbid_counts_next(&c, 0, &v), 0);
    assert_int_equal(v.finding, QBID_COUNTS_USUAL);
    y[5] = INFINITY;
    assert_int_equal(qbid_counts_learn(y, HISTORY, 0, &c), QBID_ERR_INVAL);
}

static void tails_are_scipys(void **state)
{
    (void)state;
    double most = 0;
    for (unsigned i = 0; i < sizeof tails / sizeof *tails; i++) {
        double below = qbid_counts_tail(tails[i].count, tails[i].mean, tails[i].size, false);
        double above = qbid_counts_tail(tails[i].count, tails[i].mean, tails[i].size, true);
        most = fmax(most, fabs(below - tails[i].below) + fabs(above - tails[i].above));
    }
    print_message("tails: %.1e from SciPy's\n", most);
    assert_true(most < 1e-8);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        series = (uint32_t)strtoul(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alarms_are_rare_and_falls_are_found),
        cmocka_unit_test(what_lasts_becomes_usual),
        cmocka_unit_test(outages_of_the_past_teach_nothing),
        cmocka_unit_test(an_outage_shows_in_its_first_hour),
        cmocka_unit_test(what_is_no_count_is_refused),
        cmocka_unit_test(tails_are_scipys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
