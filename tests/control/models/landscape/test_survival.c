/* SPDX-License-Identifier: Apache-2.0 */
/* The estimators against independent definitions: naive Kaplan-Meier, max-min isotonic, likelihood.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/landscape/survival.h"
#include "tests/control/models/rng.h"

#define BINS 40

static void the_hand_example_of_kaplan_and_meier(void **state)
{
    (void)state;
    /* (time, event): (1,1) (2,0) (3,1) (3,1) (4,0) (5,1) */
    const double event[6] = {0, 1, 0, 2, 0, 1};
    const double above[6] = {0, 0, 1, 0, 1, 0};
    double win[6];
    qbid_survival_km(event, above, 6, 1, win);
    assert_true(fabs(1 - win[1] - 5.0 / 6) < 1e-15);
    assert_true(fabs(1 - win[3] - 5.0 / 12) < 1e-15);
    assert_true(fabs(1 - win[5]) < 1e-15);
}

/* Made by tests/oracle/survfit.R: data sets full of ties and what R's survival::survfit says. */
static void product_limit_equals_r_survfit_on_100_tied_data_sets(void **state)
{
    enum { TIMES = 12 };
    (void)state;
    double event[TIMES], above[TIMES], survival[TIMES], win[TIMES];
    char line[128];
    int sets = 0, set, time, events, losses;
    FILE *file = fopen("tests/control/models/landscape/survfit.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (*line == '#')
            continue;
        double s;
        assert_int_equal(sscanf(line, "%d %d %d %d %lf", &set, &time, &events, &losses, &s), 5);
        assert_true(time >= 0 && time < TIMES && set == sets + 1);
        event[time] = events;
        above[time] = losses;
        survival[time] = s;
        if (time < TIMES - 1)
            continue;
        sets++;
        qbid_survival_km(event, above, TIMES, 1, win);
        for (int t = 0; t < TIMES; t++)
            assert_true(fabs(1 - win[t] - survival[t]) <= 1e-12);
    }
    fclose(file);
    assert_int_equal(sets, 100);
}

/* The definition, observation by observation: at each distinct time with an event, the number who
 * had it and the number still there. */
static double naive_survival(const uint32_t *time, const int *event, int n, uint32_t at)
{
    double s = 1;
    for (uint32_t t = 0; t <= at; t++) {
        int died = 0, there = 0;
        for (int i = 0; i < n; i++) {
            died += time[i] == t && event[i];
            there += time[i] >= t;
        }
        if (died)
            s *= 1 - (double)died / there;
    }
    return s;
}

static void product_limit_equals_the_naive_one_on_100_tied_data_sets(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct rng r = rng_init(seed);
        uint32_t time[300];
        int event[300], n = 20 + (int)rng_below(&r, 280);
        double events[BINS] = {0}, above[BINS] = {0}, win[BINS];
        for (int i = 0; i < n; i++) {
            time[i] = rng_below(&r, BINS);
            event[i] = rng_below(&r, 3) > 0;
            (event[i] ? events : above)[time[i]]++;
        }
        qbid_survival_km(events, above, BINS, 1, win);
        for (uint32_t t = 0; t < BINS; t++)
            assert_true(fabs(1 - win[t] - naive_survival(time, event, n, t)) < 1e-12);
    }
}

static void product_limit_without_losses_is_the_empirical_distribution(void **state)
{
    (void)state;
    const double event[4] = {1, 0, 5, 2}, above[4] = {0};
    double win[4];
    for (int late = 0; late <= 1; late++) {
        qbid_survival_km(event, above, 4, late, win);
        assert_true(fabs(win[0] - 0.125) < 1e-15 && fabs(win[1] - 0.125) < 1e-15);
        assert_true(fabs(win[2] - 0.75) < 1e-15 && fabs(win[3] - 1) < 1e-15);
    }
}

/* Isotonic regression has a closed form: max over starts of min over ends of the mean between. */
static double isotonic_by_max_min(const double *won, const double *lost, int n, int at)
{
    double best = -1;
    for (int from = 0; from <= at; from++) {
        double least = 2;
        for (int to = at; to < n; to++) {
            double w = 0, t = 0;
            for (int i = from; i <= to; i++) {
                w += won[i];
                t += won[i] + lost[i];
            }
            least = t > 0 && w / t < least ? w / t : least;
        }
        best = least <= 1 && least > best ? least : best;
    }
    return best;
}

static void isotonic_fit_equals_the_max_min_formula(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct rng r = rng_init(seed);
        double won[BINS] = {0}, lost[BINS] = {0}, rate[BINS];
        for (int i = 0; i < 100; i++) {
            uint32_t at = rng_below(&r, BINS);
            (rng_uniform(&r) < (double)at / BINS ? won : lost)[at] += rng_below(&r, 3);
        }
        qbid_survival_isotonic(won, lost, BINS, rate);
        for (int i = 0; i < BINS; i++) {
            if (won[i] + lost[i] > 0)
                assert_true(fabs(rate[i] - isotonic_by_max_min(won, lost, BINS, i)) < 1e-12);
            else
                assert_true(isnan(rate[i]));
        }
    }
}

static double log_likelihood(const double *event, const double *above, const double *below, int n,
                             const double *win)
{
    double sum = 0, last = 0;
    for (int i = 0; i < n; i++) {
        double mid = 0.5 * (win[i] + last);
        sum += event[i] > 0 ? event[i] * log(win[i] - last) : 0;
        sum += above[i] > 0 ? above[i] * log(1 - mid) : 0;
        sum += below[i] > 0 ? below[i] * log(mid) : 0;
        last = win[i];
    }
    return sum;
}

/* At the maximum no distribution nearby is likelier: move mass between random pairs of bins. */
static void em_reaches_a_maximum_of_the_likelihood_of_mixed_feedback(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng r = rng_init(seed);
        double event[BINS] = {0}, above[BINS] = {0}, below[BINS] = {0}, win[BINS];
        for (int i = 0; i < 400; i++) {
            uint32_t price = rng_below(&r, BINS), bid = rng_below(&r, BINS);
            if (price > bid)
                (rng_below(&r, 2) ? event : above)[rng_below(&r, 2) ? price : bid] += 1;
            else
                (rng_below(&r, 2) ? event : below)[bid]++;
        }
        for (int i = 0; i < BINS; i++)
            win[i] = (i + 1.0) / BINS;
        qbid_survival_em(event, above, below, BINS, 20000, win);
        double best = log_likelihood(event, above, below, BINS, win), shift[BINS];
        assert_true(isfinite(best) && fabs(win[BINS - 1] - 1) < 1e-9);
        for (int k = 0; k < 400; k++) {
            int a = (int)rng_below(&r, BINS), b = (int)rng_below(&r, BINS);
            double mass = (win[a] - (a ? win[a - 1] : 0)) * 0.1;
            for (int i = 0; i < BINS; i++)
                shift[i] = win[i] - (i >= a ? mass : 0) + (i >= b ? mass : 0);
            assert_true(log_likelihood(event, above, below, BINS, shift) <= best + 1e-4);
        }
    }
}

static void em_on_prices_and_losses_is_the_product_limit(void **state)
{
    (void)state;
    struct rng r = rng_init(3);
    double event[BINS] = {0}, above[BINS] = {0}, below[BINS] = {0}, km[BINS], em[BINS];
    for (int i = 0; i < 2000; i++) {
        uint32_t price = rng_below(&r, BINS / 2) * 2, bid = rng_below(&r, BINS / 2) * 2 + 1;
        price <= bid ? event[price]++ : above[bid]++;
    }
    event[BINS - 2] += 5; /* the last is a price, else the estimates differ in where they stop */
    for (int i = 0; i < BINS; i++)
        em[i] = (i + 1.0) / BINS;
    qbid_survival_km(event, above, BINS, 1, km);
    qbid_survival_em(event, above, below, BINS, 5000, em);
    for (int i = 0; i < BINS - 2;
         i++) /* even bins hold prices only: no share of a bin's own loss */
        assert_true(fabs(km[i] - em[i]) < 1e-6 || i % 2 == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hand_example_of_kaplan_and_meier),
        cmocka_unit_test(product_limit_equals_r_survfit_on_100_tied_data_sets),
        cmocka_unit_test(product_limit_equals_the_naive_one_on_100_tied_data_sets),
        cmocka_unit_test(product_limit_without_losses_is_the_empirical_distribution),
        cmocka_unit_test(isotonic_fit_equals_the_max_min_formula),
        cmocka_unit_test(em_reaches_a_maximum_of_the_likelihood_of_mixed_feedback),
        cmocka_unit_test(em_on_prices_and_losses_is_the_product_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
