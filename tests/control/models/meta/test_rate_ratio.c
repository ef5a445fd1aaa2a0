/* SPDX-License-Identifier: Apache-2.0 */
/* The stratified ratio of rates: closed forms, a hand-made example, and what its interval covers
 * where a plain ratio is misled. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/models/meta/rate_ratio.h"
#include "tests/control/models/rng.h"

#define WORLDS 400

static void one_stratum_is_the_plain_ratio(void **state)
{
    (void)state;
    struct qbid_rate_ratio r = {0};
    double log_ratio, variance;
    assert_false(qbid_rate_ratio_log(&r, &log_ratio, &variance));
    qbid_rate_ratio_add(&r, 30, 1000, 80, 4000);
    assert_true(qbid_rate_ratio_log(&r, &log_ratio, &variance));
    assert_true(fabs(log_ratio - log(30.0 / 1000 / (80.0 / 4000))) < 1e-12);
    assert_true(fabs(variance - (1 / 30.0 + 1 / 80.0)) < 1e-12);
    /* strata that cannot be compared, and what is no number, change nothing */
    qbid_rate_ratio_add(&r, 5, 100, 0, 0);
    qbid_rate_ratio_add(&r, 0, 0, 5, 100);
    qbid_rate_ratio_add(&r, NAN, 1, 5, 100);
    qbid_rate_ratio_add(&r, 1, INFINITY, 5, 100);
    double again, variance_again;
    assert_true(qbid_rate_ratio_log(&r, &again, &variance_again));
    assert_true(again == log_ratio && variance_again == variance && r.events_on == 30);
}

/* Two strata: (10 in 100, 10 in 200) and (30 in 200, 20 in 200), by hand: on = 20/3 + 15 = 65/3,
 * off = 10/3 + 10 = 40/3, spread = 20 x 2/9 + 50/4 = 305/18. */
static void strata_add_up_as_by_hand(void **state)
{
    (void)state;
    struct qbid_rate_ratio r = {0};
    double log_ratio, variance;
    qbid_rate_ratio_add(&r, 10, 100, 10, 200);
    qbid_rate_ratio_add(&r, 30, 200, 20, 200);
    assert_true(qbid_rate_ratio_log(&r, &log_ratio, &variance));
    assert_true(fabs(log_ratio - log(65.0 / 40)) < 1e-12);
    assert_true(fabs(variance - 305.0 / 18 / (65.0 / 3 * 40 / 3)) < 1e-12);
}

/* Line items of very different rates, of which the better use the value more: the plain ratio says
 * 2, the truth is 0.8. */
static void strata_do_not_mislead(void **state)
{
    (void)state;
    struct rng rng = rng_init(31);
    int covered = 0;
    double plain = 0, mean = 0;
    for (int w = 0; w < WORLDS; w++) {
        struct qbid_rate_ratio r = {0}, together = {0};
        double sums[4] = {0}, log_ratio, variance;
        for (int i = 0; i < 8; i++) {
            double rate = 0.002 * (1 + i), on = 500.0 * (1 + i * i), off = 12000 - 200.0 * i * i;
            double with = rng_binomial(&rng, (uint32_t)on, 0.8 * rate);
            double without = rng_binomial(&rng, (uint32_t)off, rate);
            qbid_rate_ratio_add(&r, with, on, without, off);
            sums[0] += with, sums[1] += on, sums[2] += without, sums[3] += off;
        }
        qbid_rate_ratio_add(&together, sums[0], sums[1], sums[2], sums[3]);
        assert_true(qbid_rate_ratio_log(&together, &log_ratio, &variance));
        plain += log_ratio / WORLDS;
        assert_true(qbid_rate_ratio_log(&r, &log_ratio, &variance));
        mean += log_ratio / WORLDS;
        covered += fabs(log_ratio - log(0.8)) <= 1.645 * sqrt(variance);
    }
    print_message("rate ratio 0.8: stratified %.3f, plain %.3f; 90 %% intervals cover %.1f %%\n",
                  exp(mean), exp(plain), 100.0 * covered / WORLDS);
    assert_true(fabs(mean - log(0.8)) < 0.01 && exp(plain) > 1.2);
    assert_true(covered >= 0.86 * WORLDS && covered <= 0.95 * WORLDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stratum_is_the_plain_ratio),
        cmocka_unit_test(strata_add_up_as_by_hand),
        cmocka_unit_test(strata_do_not_mislead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
