/* SPDX-License-Identifier: Apache-2.0 */
/* Half-lives: fading against its definition, and the race on rates that stay, drift and jump. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/rates/decay.h"
#include "tests/control/models/rng.h"

#define SERIES 40
#define HOUR_S 3600
#define HOURS (24 * 60)

static void half_lives_halve(void **state)
{
    (void)state;
    assert_true(fabs(qbid_decay_left(7 * 86400, 1000, 1000 + 7 * 86400) - 0.5) < 1e-15);
    assert_true(qbid_decay_left(INFINITY, 0, INT64_C(1) << 40) == 1);
    assert_true(qbid_decay_left(60, 1000, 900) == 1);
    for (uint32_t k = 1; k < QBID_DECAY_CANDIDATES; k++)
        assert_true(qbid_decay_half_life_s(k) < qbid_decay_half_life_s(k - 1));
    assert_true(isinf(qbid_decay_half_life_s(0)) && isinf(qbid_decay_half_life_s(99)));
}

static void a_series_is_the_sum_of_its_events_by_age(void **state)
{
    (void)state;
    struct rng r = rng_init(2);
    struct qbid_decay_race race = {0};
    struct qbid_decay_series series = {0};
    double at[200], trials[200], successes[200];
    int64_t now_s = 1700000000;
    for (int i = 0; i < 200; i++) {
        now_s += (int64_t)rng_below(&r, 40000);
        at[i] = (double)now_s;
        trials[i] = rng_below(&r, 100) + 1;
        successes[i] = rng_below(&r, (uint32_t)trials[i]);
        qbid_decay_post(&race, &series, now_s, trials[i], successes[i]);
    }
    for (uint32_t k = 0; k < QBID_DECAY_CANDIDATES; k++) {
        double n = 0, c = 0;
        for (int i = 0; i < 200; i++) {
            double w = exp2(-((double)now_s - at[i]) / qbid_decay_half_life_s(k));
            n += w * trials[i];
            c += w * successes[i];
        }
        assert_true(fabs(series.trials[k] / n - 1) < 1e-12);
        assert_true(fabs(series.successes[k] / c - 1) < 1e-12);
        assert_true(fabs(race.whole.trials[k] / n - 1) < 1e-12);
    }
}

/* Sixty days, hourly, of series whose log rates forget themselves with a memory (0 = they stay).
 * Returns the candidate chosen; excess[k] is each one's log-loss over the truth's. */
static uint32_t race_run(struct qbid_decay_race *race, uint64_t seed, double memory_h,
                         double excess[QBID_DECAY_CANDIDATES])
{
    struct rng r = rng_init(seed);
    struct qbid_decay_series series[SERIES];
    double lg[SERIES], truth = 0;
    memset(series, 0, sizeof series);
    memset(race, 0, sizeof *race);
    for (int i = 0; i < SERIES; i++)
        lg[i] = 0.5 * rng_normal(&r);
    for (int64_t h = 0; h < HOURS; h++) {
        double keep = memory_h > 0 ? exp(-1 / memory_h) : 1;
        for (int i = 0; i < SERIES; i++) {
            lg[i] = keep * lg[i] + sqrt(1 - keep * keep) * 0.5 * rng_normal(&r);
            double p = 0.02 * exp(lg[i]);
            uint32_t n = 50, c = rng_binomial(&r, n, p);
            qbid_decay_post(race, &series[i], 1700000000 + h * HOUR_S, n, c);
            truth += n * p - c * log(p);
        }
    }
    for (uint32_t k = 0; k < QBID_DECAY_CANDIDATES; k++)
        excess[k] = race->loss[k] - truth;
    return qbid_decay_choose(race);
}

static void rates_that_stay_are_never_forgotten(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct qbid_decay_race race;
        double excess[QBID_DECAY_CANDIDATES];
        assert_int_equal(race_run(&race, seed, 0, excess), 0);
    }
}

/* The faster rates forget themselves, the shorter the half-life that wins; the chosen one predicts
 * best, and far better than to keep everything. */
static void drifting_rates_choose_shorter_half_lives(void **state)
{
    (void)state;
    static const double memory_h[] = {24 * 60, 24 * 10, 24 * 2, 12};
    uint32_t last = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct qbid_decay_race race;
        double excess[QBID_DECAY_CANDIDATES];
        uint32_t chosen = race_run(&race, 1, memory_h[i], excess);
        print_message("memory of %4.0f hours: half-life of %3.0f hours, ", memory_h[i],
                      qbid_decay_half_life_s(chosen) / 3600);
        print_message("log-loss saved against keeping all %.0f nats\n", excess[0] - excess[chosen]);
        assert_true(chosen > 0 && chosen >= last);
        for (uint32_t k = 0; k < QBID_DECAY_CANDIDATES; k++)
            assert_true(race.loss[chosen] <= race.loss[k]);
        assert_true(excess[chosen] < excess[0]);
        last = chosen;
    }
    assert_true(last >= 4);
}

static void impossible_counts_change_nothing(void **state)
{
    (void)state;
    struct qbid_decay_race race = {0}, before;
    struct qbid_decay_series series = {0};
    qbid_decay_post(&race, &series, 1000, 100, 3);
    before = race;
    qbid_decay_post(&race, &series, 2000, 0, 0);
    qbid_decay_post(&race, &series, 2000, NAN, 1);
    qbid_decay_post(&race, &series, 2000, 5, NAN);
    qbid_decay_post(&race, &series, 2000, 5, -1);
    qbid_decay_post(&race, &series, 2000, INFINITY, 1);
    assert_memory_equal(&race, &before, sizeof race);
    race.chosen = 77;
    assert_true(qbid_decay_choose(&race) < QBID_DECAY_CANDIDATES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_lives_halve),
        cmocka_unit_test(a_series_is_the_sum_of_its_events_by_age),
        cmocka_unit_test(rates_that_stay_are_never_forgotten),
        cmocka_unit_test(drifting_rates_choose_shorter_half_lives),
        cmocka_unit_test(impossible_counts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
