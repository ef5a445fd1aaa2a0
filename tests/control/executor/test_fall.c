/* SPDX-License-Identifier: Apache-2.0 */
/* The wager against a fallen rate: its arithmetic, its false alarms however often it is asked, and
 * how long it takes to see a fall. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/executor/fall.h"
#include "tests/control/models/rng.h"

#if defined(__SANITIZE_ADDRESS__)
#define EDGE_RUNS 200
#else
#define EDGE_RUNS 1000
#endif

/* P(X >= k) of a binomial: what is left of one, term by term from the bottom. */
static double tail(uint64_t n, uint64_t k, double p)
{
    double term = pow(1 - p, (double)n), sum = 0;
    for (uint64_t i = 0; i < k; i++) {
        sum += term;
        term *= (double)(n - i) / (double)(i + 1) * p / (1 - p);
    }
    return 1 - sum;
}

static void the_lower_end_is_that_of_clopper_and_pearson(void **state)
{
    static const uint64_t cases[][2] = {{10, 1}, {10, 10}, {50, 3}, {200, 100}, {300, 7}};
    (void)state;
    assert_true(qbid_fall_lower(100, 0, 0.05) == 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double low = qbid_fall_lower(cases[i][0], cases[i][1], 0.025);
        assert_true(fabs(tail(cases[i][0], cases[i][1], low) - 0.025) < 1e-9);
    }
    /* Newcombe, Statistics in Medicine 17 (1998) 857, method 5: 15 of 148 */
    assert_true(fabs(qbid_fall_lower(148, 15, 0.025) - 0.0578) < 5e-5);
}

/* One by one, as a gambler who stakes on each observation. */
static void the_evidence_is_the_wealth_of_a_gambler(void **state)
{
    struct rng r = rng_init(3);
    struct qbid_fall f = {10000, 1000, 0, 0, 0.1, 0.05};
    double claim = 0.9 * qbid_fall_lower(10000, 1000, 0.025), wealth[8];
    (void)state;
    for (int i = 0; i < 8; i++)
        wealth[i] = 1;
    for (int n = 0; n < 300; n++) {
        bool success = rng_uniform(&r) < 0.06;
        double sum = 0;
        f.trials++;
        f.successes += success;
        for (int i = 0; i < 8; i++) {
            double rate = claim * (2 * i + 1) / 16;
            double stake = (claim - rate) / (claim * (1 - claim));
            wealth[i] *= 1 + stake * (claim - (success ? 1 : 0));
            sum += wealth[i] / 8;
        }
        assert_true(fabs(qbid_fall_evidence(&f) - log(sum)) < 1e-9);
    }
}

static bool ever_found(struct rng *r, double before, double after, uint64_t base, uint64_t steps,
                       uint64_t *ret_trials)
{
    struct qbid_fall f = {.base_trials = base, .fall = 0.1, .error = 0.05};
    for (uint64_t i = 0; i < base; i++)
        f.base_successes += rng_uniform(r) < before;
    for (uint64_t s = 0; s < steps; s++) {
        for (int i = 0; i < 25; i++)
            f.successes += rng_uniform(r) < after;
        f.trials += 25;
        if (qbid_fall_found(&f)) {
            *ret_trials = f.trials;
            return true;
        }
    }
    return false;
}

static void a_rate_at_the_edge_is_seldom_taken_for_fallen(void **state)
{
    struct rng r = rng_init(1);
    unsigned alarms = 0, runs = EDGE_RUNS;
    uint64_t trials;
    (void)state;
    for (unsigned i = 0; i < runs; i++)
        alarms += ever_found(&r, 0.1, 0.09, 2000, 400, &trials);
    assert_true(alarms <= 0.05 * runs);
}

static void a_rate_that_halves_is_found(void **state)
{
    struct rng r = rng_init(2);
    unsigned found = 0, runs = 200;
    double sum = 0;
    (void)state;
    for (unsigned i = 0; i < runs; i++) {
        uint64_t trials = 0;
        found += ever_found(&r, 0.1, 0.05, 2000, 400, &trials);
        sum += (double)trials / runs;
    }
    assert_int_equal(found, runs);
    assert_true(sum < 1500); /* a test of one look would need about 400 */
}

static void without_data_nothing_is_found(void **state)
{
    const struct qbid_fall none = {0, 0, 1000, 0, 0.1, 0.05},
                           no_base = {100, 0, 1000, 0, 0.1, 0.05};
    const struct qbid_fall no_news = {100, 50, 0, 0, 0.1, 0.05};
    (void)state;
    assert_true(qbid_fall_evidence(&none) == 0 && !qbid_fall_found(&none));
    assert_true(qbid_fall_evidence(&no_base) == 0 && !qbid_fall_found(&no_base));
    assert_true(qbid_fall_evidence(&no_news) == 0 && !qbid_fall_found(&no_news));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lower_end_is_that_of_clopper_and_pearson),
        cmocka_unit_test(the_evidence_is_the_wealth_of_a_gambler),
        cmocka_unit_test(a_rate_at_the_edge_is_seldom_taken_for_fallen),
        cmocka_unit_test(a_rate_that_halves_is_found),
        cmocka_unit_test(without_data_nothing_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
