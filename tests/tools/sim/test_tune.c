/* SPDX-License-Identifier: Apache-2.0 */
/* Tuning of the pacer on small days: never worse than its presets where it looked, inside what is
 * allowed, the same again from the same seed, and better than chance at equal cost. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/control/models/rng.h"
#include "tools/sim/train/tune.h"

static const struct qbid_tune_params small = {.auctions_min = 300,
                                              .auctions_max = 600,
                                              .periods = 48,
                                              .samples = 64,
                                              .days = 4,
                                              .judge_days = 4,
                                              .evaluations = 16,
                                              .step_max = 2,
                                              .seed = 3};

static void a_search_is_never_worse_than_the_presets_and_repeats_itself(void **state)
{
    struct qbid_tune_result one, two;
    (void)state;
    assert_int_equal(qbid_tune_run(&small, &one), 0);
    assert_int_equal(qbid_tune_run(&small, &two), 0);
    assert_memory_equal(&one, &two, sizeof one);
    assert_true(one.tuned_value >= one.preset_value && one.preset_value > 0.5);
    assert_true(fabs(one.gain - (one.judged_tuned - one.judged_preset)) < 1e-12);
    assert_true(one.gain_half > 0 && one.spent_most <= 1.0001);
    for (int s = 0; s < QBID_TUNE_SETTINGS; s++) {
        assert_true(one.tuned[s] >= qbid_tune_ranges[s].low * (1 - 1e-9));
        assert_true(one.tuned[s] <= qbid_tune_ranges[s].high * (1 + 1e-9));
    }
}

/* The days of a search, drawn here in their own way, at points drawn evenly. */
static void a_search_finds_what_chance_of_the_same_cost_does_not(void **state)
{
    struct qbid_tune_params params = small;
    struct qbid_tune_result result;
    struct rng r = rng_init(5);
    double chance = 0;
    (void)state;
    assert_int_equal(qbid_tune_run(&params, &result), 0);
    struct qbid_random random = qbid_random_init(params.seed);
    struct qbid_shade shade = qbid_day_shade();
    struct qbid_day days[4];
    for (uint32_t d = 0; d < 4; d++) {
        double part = qbid_random_uniform(&random);
        double auctions =
            params.auctions_min * pow(params.auctions_max / params.auctions_min, part);
        assert_int_equal(qbid_day_init(&days[d], params.periods, (uint32_t)(2.5 * auctions) + 1),
                         0);
        struct qbid_day_kind kind = qbid_day_kind_draw(auctions, &random);
        kind.truth = 0;
        qbid_day_draw(&days[d], &kind, &shade, &random);
    }
    assert_true(fabs(qbid_tune_value(days, 4, params.samples, result.tuned) - result.tuned_value) <
                1e-9);
    for (uint32_t n = 0; n < params.evaluations; n++) {
        double settings[QBID_TUNE_SETTINGS];
        for (int s = 0; s < QBID_TUNE_SETTINGS; s++)
            settings[s] = qbid_tune_ranges[s].low *
                          pow(qbid_tune_ranges[s].high / qbid_tune_ranges[s].low, rng_uniform(&r));
        chance += qbid_tune_value(days, 4, params.samples, settings) / params.evaluations;
    }
    assert_true(result.tuned_value > chance);
    for (uint32_t d = 0; d < 4; d++)
        qbid_day_done(&days[d]);
}

static void a_limit_of_steps_holds_and_nonsense_is_refused(void **state)
{
    struct qbid_tune_params params = small;
    struct qbid_tune_result result;
    (void)state;
    params.evaluations = 8;
    params.step_max = 0.1;
    assert_int_equal(qbid_tune_run(&params, &result), 0);
    assert_true(result.tuned[QBID_TUNE_STEP] <= 0.1 * (1 + 1e-9));
    assert_true(result.preset[QBID_TUNE_STEP] <= 0.1);
    params.step_max = 0.001;
    assert_int_equal(qbid_tune_run(&params, &result), QBID_ERR_INVAL);
    params = small;
    params.days = 1;
    assert_int_equal(qbid_tune_run(&params, &result), QBID_ERR_INVAL);
    params = small;
    params.auctions_max = 10;
    assert_int_equal(qbid_tune_run(&params, &result), QBID_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_is_never_worse_than_the_presets_and_repeats_itself),
        cmocka_unit_test(a_search_finds_what_chance_of_the_same_cost_does_not),
        cmocka_unit_test(a_limit_of_steps_holds_and_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
