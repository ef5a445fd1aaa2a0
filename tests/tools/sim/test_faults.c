/* SPDX-License-Identifier: Apache-2.0 */
/* No budget is overspent whatever is killed, lost, late or repeated; and a store that loses money
 * is found out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "tools/sim/faults/faults.h"

#if defined(__SANITIZE_ADDRESS__)
#define RUNS 40
#else
#define RUNS 300
#endif

static void nothing_is_overspent_in_hundreds_of_runs(void **state)
{
    uint64_t kills = 0, worker_kills = 0, bills = 0, exhausted = 0, checked = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct qbid_sim_faults_params p = {.seed = seed, .seconds = 8};
        struct qbid_sim_faults_result r;
        assert_int_equal(qbid_sim_faults_run(&p, &r), 0);
        assert_true(r.over_nanos <= 0);
        assert_int_equal(r.broken, 0);
        for (unsigned c = 0; c < 2; c++)
            checked += r.spent_nanos[c] >= 0;
        kills += r.kills;
        worker_kills += r.worker_kills;
        bills += r.bills;
        exhausted += r.exhausted;
    }
    print_message(
        "%d runs: qbidd killed %llu times, workers %llu, %llu bills, %llu of %d budgets all "
        "but used up\n",
        RUNS, (unsigned long long)kills, (unsigned long long)worker_kills,
        (unsigned long long)bills, (unsigned long long)exhausted, 2 * RUNS);
    /* what could go wrong has happened */
    assert_true(kills > RUNS && worker_kills > RUNS / 2 && bills > 20 * RUNS);
    assert_true(exhausted >= RUNS / 20 && checked > RUNS);
}

static void a_store_that_loses_money_is_found_out(void **state)
{
    unsigned overspent = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS / 10; seed++) {
        struct qbid_sim_faults_params p = {.seed = seed, .seconds = 8, .forgetful = true};
        struct qbid_sim_faults_result r;
        assert_int_equal(qbid_sim_faults_run(&p, &r), 0);
        overspent += r.over_nanos > 0;
    }
    assert_true(overspent > 0);
}

static void a_run_is_the_same_again(void **state)
{
    struct qbid_sim_faults_params p = {.seed = 11, .seconds = 8};
    struct qbid_sim_faults_result one, two;
    (void)state;
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    assert_int_equal(qbid_sim_faults_run(&p, &one), 0);
    assert_int_equal(qbid_sim_faults_run(&p, &two), 0);
    assert_true(one.bids == two.bids && one.bills == two.bills && one.over_nanos == two.over_nanos);
    assert_true(one.spent_nanos[0] == two.spent_nanos[0] && one.kills == two.kills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_overspent_in_hundreds_of_runs),
        cmocka_unit_test(a_store_that_loses_money_is_found_out),
        cmocka_unit_test(a_run_is_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
