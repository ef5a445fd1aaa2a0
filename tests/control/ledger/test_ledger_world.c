/* SPDX-License-Identifier: Apache-2.0 */
/* The promise of the ledger, tried in random worlds, and that a broken one is seen. An argument
 * gives how many worlds, e.g. 10000 as tests/figures does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/control/ledger/world.h"

#define BROKEN_RUNS 200
#define DELIVERY_RUNS 40

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUNS 100
#else
#define RUNS 400
#endif

static unsigned runs = RUNS;

static struct world_options faulty(uint64_t seed)
{
    return (struct world_options){.seed = seed,
                                  .steps = 1200,
                                  .workers = seed % 8 < 2 ? 1 + (uint32_t)(seed / 8 % 7) : 8,
                                  .slow = seed % 4 >= 2,
                                  .budget_nanos = 1000 + (int64_t)(seed % 7) * 1000,
                                  .bid_nanos_max = 60,
                                  .grant_nanos_min = seed % 9 < 4 ? 10 : 120,
                                  .faults = true,
                                  .hot = seed % 2 == 0,
                                  .forgets = seed % 3 == 0,
                                  .store_stops = seed % 5 == 0};
}

static void nothing_is_ever_billed_past_the_budget(void **state)
{
    (void)state;
    uint64_t bids = 0, crashes = 0, worker_crashes = 0, drops = 0, blocked = 0;
    double delivered = 0;
    for (uint64_t seed = 1; seed <= runs; seed++) {
        struct world_options options = faulty(seed);
        struct world_result r = world_run(&options);
        if (r.overspent || r.check >= 0)
            fprintf(stderr, "seed %llu: over by %lld, invariant of budget %lld\n",
                    (unsigned long long)seed, (long long)r.max_over, (long long)r.check);
        assert_false(r.overspent);
        assert_int_equal(r.check, -1);
        bids += r.bids, crashes += r.crashes, worker_crashes += r.worker_crashes;
        drops += r.drops, blocked += r.blocked;
        for (int b = 0; b < WORLD_BUDGETS; b++)
            delivered += (double)r.billed_nanos[b] / (double)options.budget_nanos;
    }
    printf("%u worlds: %llu bids, %llu crashes of qbidd, %llu of workers, %llu broken connections, "
           "%llu blocked; %.1f %% of the budgets delivered\n",
           runs, (unsigned long long)bids, (unsigned long long)crashes,
           (unsigned long long)worker_crashes, (unsigned long long)drops,
           (unsigned long long)blocked, 100 * delivered / runs / WORLD_BUDGETS);
    assert_true(crashes > runs / 2 && worker_crashes > runs / 2 && bids > runs * 100);
    assert_true(delivered > 0.2 * runs * WORLD_BUDGETS);
}

static uint32_t worlds_overspent(enum world_store store, uint32_t worlds)
{
    uint32_t cnt = 0;
    for (uint64_t seed = 1; seed <= worlds; seed++) {
        struct world_options options = faulty(2 * seed);
        options.store = store;
        cnt += world_run(&options).overspent;
    }
    return cnt;
}

static void without_hold_after_a_restart_the_world_overspends(void **state)
{
    (void)state;
    uint32_t cnt = worlds_overspent(WORLD_STORE_NO_HOLD, BROKEN_RUNS);
    printf("without hold: %u of %d worlds overspent\n", cnt, BROKEN_RUNS);
    assert_true(cnt > 0);
}

static void with_the_store_written_behind_the_limits_the_world_overspends(void **state)
{
    (void)state;
    uint32_t cnt = worlds_overspent(WORLD_STORE_BEHIND, BROKEN_RUNS);
    printf("written behind: %u of %d worlds overspent\n", cnt, BROKEN_RUNS);
    assert_true(cnt > 0);
}

static void the_budget_is_delivered_when_demand_allows(void **state)
{
    (void)state;
    double least = 1;
    for (uint64_t seed = 1; seed <= DELIVERY_RUNS; seed++) {
        struct world_options options = {.seed = seed,
                                        .steps = 4000,
                                        .workers = 1 + (uint32_t)(seed % 4),
                                        .budget_nanos = (1 + (int64_t)(seed % 4)) * 12000,
                                        .bid_nanos_max = 20,
                                        .grant_nanos_min = seed % 8 < 4 ? 4 : 40};
        struct world_result r = world_run(&options);
        assert_false(r.overspent);
        assert_int_equal(r.blocked, 0);
        for (int b = 0; b < WORLD_BUDGETS; b++) {
            double part = (double)r.spent_nanos[b] / (double)options.budget_nanos;
            least = part < least ? part : least;
            assert_int_equal(r.spent_nanos[b], r.billed_nanos[b]);
        }
    }
    printf("least delivery of %d worlds without faults: %.4f\n", DELIVERY_RUNS, least);
    assert_true(least >= 0.995);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        runs = (unsigned)strtoul(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_ever_billed_past_the_budget),
        cmocka_unit_test(without_hold_after_a_restart_the_world_overspends),
        cmocka_unit_test(with_the_store_written_behind_the_limits_the_world_overspends),
        cmocka_unit_test(the_budget_is_delivered_when_demand_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
