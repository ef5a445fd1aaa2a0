/* SPDX-License-Identifier: Apache-2.0 */
/* Exploration: priors come back, the trust region holds, sums stay, and noisy cells are climbed
 * where the design notes' rule falls. QBID_SEEDS and QBID_DAYS make the cells' part longer, with
 * QBID_SEED_FIRST it plays other worlds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/models/allocate/explore.h"
#include "shm/error.h"
#include "tests/control/models/allocate/cells.h"
#include "tests/control/models/rng.h"

#ifdef __SANITIZE_ADDRESS__
#define SEEDS 2
#define DAYS 1
#else
#define SEEDS 12
#define DAYS 1
#endif
#define SEEDS_ENOUGH 12 /* for a mean */
#define LEVEL 4.0

static char why[QBID_ALLOCATION_WHY_MAX];

static void gamma_draws_have_their_moments(void **state)
{
    (void)state;
    struct qbid_random random = qbid_random_init(1);
    static const double shapes[] = {0.3, 1, 4, 60};
    for (size_t k = 0; k < 4; k++) {
        double sum = 0, square = 0;
        for (int i = 0; i < 100000; i++) {
            double x = qbid_random_gamma(&random, shapes[k]);
            sum += x / 1e5;
            square += x * x / 1e5;
        }
        assert_true(fabs(sum / shapes[k] - 1) < 0.02);
        assert_true(fabs((square - sum * sum) / shapes[k] - 1) < 0.05);
    }
}

static void the_prior_of_scales_comes_back(void **state)
{
    (void)state;
    struct qbid_random random = qbid_random_init(2);
    struct rng r = rng_init(3);
    static struct qbid_explore_evidence evidence[2000];
    struct qbid_explore_prior prior;
    for (int i = 0; i < 2000; i++) {
        double scale = 0.2 * qbid_random_gamma(&random, 6) / 6, exposure = 50 * rng_uniform(&r);
        evidence[i].exposure = exposure;
        evidence[i].count = 0; /* of a Poisson process: gaps until the exposure is over */
        for (double at = -log(rng_uniform(&r)) / scale; at < exposure;
             at -= log(rng_uniform(&r)) / scale)
            evidence[i].count++;
    }
    assert_int_equal(qbid_explore_prior_fit(evidence, 2000, &prior), 0);
    assert_true(fabs(prior.mean / 0.2 - 1) < 0.04);
    assert_true(fabs(prior.strength / 6 - 1) < 0.25);
    evidence[7].count = -1;
    assert_int_equal(qbid_explore_prior_fit(evidence, 2000, &prior), QBID_ERR_INVAL);
    assert_int_equal(qbid_explore_prior_fit(evidence, 0, &prior), QBID_ERR_INVAL);
}

static struct qbid_curve known(void *context, uint32_t item, struct qbid_random *random)
{
    (void)random;
    const struct qbid_curve *curves = context;
    return curves[item];
}

/* Without doubt the mean is the optimum itself, and the trust region is what is left between. */
static void the_trust_region_holds(void **state)
{
    (void)state;
    struct rng r = rng_init(4);
    struct qbid_random random = qbid_random_init(5);
    struct qbid_curve curves[20];
    struct qbid_allocation_item items[20] = {0}, best[20];
    struct qbid_allocation a = {.items = items, .item_cnt = 20, .budget_micros = 2000000000};
    struct qbid_explore_params params = {known, curves, 3, 0.2, 0.1};
    int64_t current[20];
    for (int i = 0; i < 20; i++) {
        curves[i] = (struct qbid_curve){QBID_CURVE_POWER, rng_lognormal(&r, 0, 0.5), 0.8, 0};
        items[i].most_micros = INT64_MAX;
        items[i].curve = curves[i];
        current[i] = 100000000;
        best[i] = items[i];
    }
    struct qbid_allocation optimum = a;
    optimum.items = best;
    assert_int_equal(qbid_allocate(&optimum, why), 0);
    for (int step = 0; step < 120; step++) {
        int64_t sum = 0;
        assert_int_equal(qbid_explore(&a, current, &params, &random, why), 0);
        for (int i = 0; i < 20; i++) {
            int64_t moved = llabs(items[i].spend_micros - current[i]);
            assert_true(moved <= current[i] / 10 + 1 || items[i].spend_micros <= 10000001);
            current[i] = items[i].spend_micros;
            sum += current[i];
        }
        assert_true(sum == a.budget_micros);
    }
    for (int i = 0; i < 20; i++)
        assert_true(llabs(best[i].spend_micros - current[i]) <= 1);
}

static void bounds_beyond_the_trust_region_are_met(void **state)
{
    (void)state;
    struct qbid_random random = qbid_random_init(6);
    struct qbid_curve curves[2] = {{QBID_CURVE_POWER, 1, 0.5, 0}, {QBID_CURVE_POWER, 1, 0.5, 0}};
    struct qbid_allocation_item items[2] = {
        {.curve = curves[0], .least_micros = 80, .most_micros = 100},
        {.curve = curves[1], .most_micros = 100}};
    struct qbid_allocation a = {.items = items, .item_cnt = 2, .budget_micros = 100};
    struct qbid_explore_params params = {known, curves, 1, 0.5, 0.01};
    int64_t current[2] = {10, 90};
    assert_int_equal(qbid_explore(&a, current, &params, &random, why), 0);
    assert_in_range(items[0].spend_micros, 80, 100);
    params.draws = 0;
    assert_int_equal(qbid_explore(&a, current, &params, &random, why), QBID_ERR_INVAL);
    assert_string_equal(why, "draws is out of range");
    params = (struct qbid_explore_params){known, curves, 1, 0.5, 0};
    assert_int_equal(qbid_explore(&a, current, &params, &random, why), QBID_ERR_INVAL);
    assert_string_equal(why, "trust is out of range");
    params = (struct qbid_explore_params){known, curves, 1, 1.5, 0.1};
    assert_int_equal(qbid_explore(&a, current, &params, &random, why), QBID_ERR_INVAL);
    assert_string_equal(why, "exploit is out of range");
}

static void perturbing_keeps_the_sum(void **state)
{
    (void)state;
    struct qbid_random random = qbid_random_init(7);
    struct qbid_allocation_item items[11] = {0};
    struct qbid_allocation_group groups[2] = {0};
    struct qbid_allocation a = {.items = items, .item_cnt = 11, .groups = groups, .group_cnt = 2};
    uint32_t order[11], moved = 0;
    for (int i = 0; i < 11; i++)
        items[i] = (struct qbid_allocation_item){.spend_micros = 1000000,
                                                 .least_micros = i == 3 ? 1000000 : 0,
                                                 .most_micros = i == 4 ? 1000000 : INT64_MAX,
                                                 .group = (uint32_t)i % 2};
    qbid_explore_perturb(&a, 0.1, &random, order);
    int64_t sums[2] = {0, 0};
    for (int i = 0; i < 11; i++) {
        sums[i % 2] += items[i].spend_micros;
        moved += items[i].spend_micros != 1000000;
        assert_in_range(items[i].spend_micros, 900000, 1100000);
    }
    assert_true(sums[0] == 6000000 && sums[1] == 5000000);
    assert_true(moved >= 2);
    assert_true(items[3].spend_micros >= 1000000 && items[4].spend_micros <= 1000000);
}

static int number_of(const char *name, int preset)
{
    const char *given = getenv(name);
    return given ? atoi(given) : preset;
}

static void noisy_cells_are_climbed(void **state)
{
    (void)state;
    int seeds = number_of("QBID_SEEDS", SEEDS), days = number_of("QBID_DAYS", DAYS);
    int first = number_of("QBID_SEED_FIRST", 1);
    double start = 0, hour = 0, day = 0, end = 0, lowest = 1, least = 1, notes = 0, low_level = 0;
    for (int seed = first; seed < first + seeds; seed++) {
        struct cells_run run = cells_play(CELLS_QBID, (uint64_t)seed, days, LEVEL);
        start += run.start / seeds;
        hour += run.hour / seeds;
        day += run.day / seeds;
        end += run.end / seeds;
        least = fmin(least, run.day);
        lowest = fmin(lowest, run.lowest);
        notes += cells_play(CELLS_NOTES, (uint64_t)seed, 1, LEVEL).day / seeds;
    }
    low_level = cells_play(CELLS_QBID, 1, 1, LEVEL / 4).lowest;
    print_message(
        "cells: %d seeds: start %.4f of the optimum, after 1 h %.4f, 24 h %.4f (least %.4f), "
        "%d days %.4f; never below %.4f x the start\n",
        seeds, start, hour, day, least, days, end, lowest);
    print_message("cells: the notes' rule after 24 h %.4f\n", notes);
    assert_true(seeds < SEEDS_ENOUGH || day >= 0.90);
    assert_true(day > 1.2 * start);
    assert_true(days < 7 || end >= 0.95);
    assert_true(lowest >= 0.98 && low_level >= 0.98);
    assert_true(notes < start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gamma_draws_have_their_moments),
        cmocka_unit_test(the_prior_of_scales_comes_back),
        cmocka_unit_test(the_trust_region_holds),
        cmocka_unit_test(bounds_beyond_the_trust_region_are_met),
        cmocka_unit_test(perturbing_keeps_the_sum),
        cmocka_unit_test(noisy_cells_are_climbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
