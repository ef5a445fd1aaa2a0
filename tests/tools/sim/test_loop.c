/* SPDX-License-Identifier: Apache-2.0 */
/* The world of `qbid-sim loop`, its baselines, its checks, and a few days of the whole loop. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/error.h"
#include "tools/sim/loop/check.h"
#include "tools/sim/loop/clock.h"
#include "tools/sim/loop/policy.h"
#include "tools/sim/loop/run.h"
#include "tools/sim/random.h"

#define DRAWS 200000

static struct qbid_loop_world world;
static char folder[64];

static void small_world(void)
{
    struct qbid_loop_params params = qbid_loop_defaults();
    params.line_items = 6;
    params.days = 3;
    params.auctions = 300;
    assert_int_equal(qbid_loop_world_init(&world, &params), 0);
}

static int forget(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/qbid_test_loop_XXXXXX");
    small_world();
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return nftw(folder, forget, 16, FTW_DEPTH | FTW_PHYS);
}

/* By draws of prices, which the closed form does not know of. */
static void a_curve_is_what_auctions_cost_and_bring(void **state)
{
    (void)state;
    const struct qbid_loop_line_item *li = &world.line_item[2];
    struct qbid_sim_random r = qbid_sim_random_of(5, 5);
    double bid = exp(li->price_mu - 0.3), spend = 0, wins = 0;
    for (int i = 0; i < DRAWS; i++) {
        double price = exp(li->price_mu + li->price_sd * qbid_sim_normal(&r));
        wins += price < bid;
        spend += price < bid ? price / 1e9 : 0;
    }
    double each = qbid_loop_supply(&world, 2, 1) / DRAWS;
    double value = wins * each * qbid_loop_worth_nanos(&world, 2, 1) / 1e9;
    struct qbid_loop_point point = qbid_loop_at_bid(&world, 2, 1, bid);
    assert_true(fabs(point.spend / (spend * each) - 1) < 0.02);
    assert_true(fabs(point.value / value - 1) < 0.02);
    assert_true(fabs(qbid_loop_value(&world, 2, 1, point.spend) / point.value - 1) < 1e-9);
}

static void no_move_of_money_betters_the_best_split(void **state)
{
    (void)state;
    int64_t micros[QBID_LOOP_LINE_ITEMS_MAX], sum = 0;
    double value = qbid_loop_best(&world, 1, micros), equal = 0, all = 0;
    uint32_t cnt = world.params.line_items;
    for (uint32_t i = 0; i < cnt; i++) {
        sum += micros[i];
        all += qbid_loop_value(&world, i, 1, (double)micros[i] / 1e6);
        equal += qbid_loop_value(&world, i, 1, (double)world.budget_micros / 1e6 / cnt);
    }
    assert_true(sum == world.budget_micros);
    assert_true(fabs(all / value - 1) < 1e-6);
    assert_true(value > 1.01 * equal);
    for (uint32_t i = 0; i < cnt; i++)
        for (uint32_t j = 0; j < cnt; j++) {
            double from = (double)micros[i] / 1e6, to = (double)micros[j] / 1e6, step = from / 50;
            double gain =
                qbid_loop_value(&world, j, 1, to + step) - qbid_loop_value(&world, j, 1, to) +
                qbid_loop_value(&world, i, 1, from - step) - qbid_loop_value(&world, i, 1, from);
            assert_true(i == j || gain < 1e-9);
        }
}

static void worlds_out_of_range_are_refused(void **state)
{
    (void)state;
    struct qbid_loop_params bad[5];
    for (int i = 0; i < 5; i++)
        bad[i] = qbid_loop_defaults();
    bad[0].days = QBID_LOOP_DAYS_MAX + 1, bad[1].line_items = 2, bad[2].budget = NAN;
    bad[3].auctions = 0, bad[4].platforms = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(qbid_loop_world_init(&world, &bad[i]), QBID_ERR_INVAL);
    small_world();
}

static void the_notes_shift_halves_the_worst_fifth(void **state)
{
    (void)state;
    const double measured[10] = {5, 1, 2, 3, 9, 4, 0.5, 6, 7, 8};
    int64_t micros[10], sum = 0;
    for (int i = 0; i < 10; i++)
        micros[i] = 101;
    qbid_loop_shift(measured, 10, micros);
    assert_true(micros[1] == 51 && micros[6] == 51 && micros[4] == 151 && micros[9] == 151);
    for (int i = 0; i < 10; i++)
        sum += micros[i];
    assert_int_equal(sum, 1010);
    qbid_loop_scale(micros, 10, 1007, 60);
    sum = 0;
    for (int i = 0; i < 10; i++) {
        sum += micros[i];
        assert_true(micros[i] >= 60);
    }
    assert_int_equal(sum, 1007);
}

/* Small as it is, the loop recommends, chooses, executes; and all that must hold does. */
static void days_of_the_whole_loop_keep_every_promise(void **state)
{
    (void)state;
    char why[QBID_LOOP_WHY_MAX] = "";
    struct qbid_loop_result r;
    struct qbid_loop_run_params params = {
        &world, QBID_LOOP_FULL, folder,
        "execution: {automatic: true, day_change: 0.3}\nagents: {confidence: 0.6}\n"};
    int err = qbid_loop_run(&params, &r, why);
    if (err)
        print_message("%s\n", why);
    assert_int_equal(err, 0);
    assert_true(r.check.executions > 0 && r.check.changes >= 2 * r.check.executions);
    assert_true(r.check.audit > r.check.changes && r.check.moved_nanos > 0);
    assert_true(qbid_loop_check_holds(&r.check) && r.lost_notices == 0);
    assert_true(r.auctions > 4000 && r.wins > 500 && r.clicks > 50 && r.conversions > 10);
    double spent = (double)r.spend_nanos / (1000.0 * (double)world.budget_micros * 3);
    assert_true(spent > 0.8 && spent <= 1);
    print_message("loop: %u days of %u line items: %llu executions, %llu budgets changed, %.3f of "
                  "the budget spent\n",
                  world.params.days, world.params.line_items,
                  (unsigned long long)r.check.executions, (unsigned long long)r.check.changes,
                  spent);
}

/* The checks themselves: each is shown what it is there to find. */
static void checks_find_what_is_broken(void **state)
{
    (void)state;
    char why[QBID_LOOP_WHY_MAX] = "";
    int64_t micros[QBID_LOOP_LINE_ITEMS_MAX];
    struct qbid_loop_host_params params = {&world, folder,
                                           "agents: {budget: false, monitor: false}\n"};
    struct qbid_loop_host *host;
    struct qbid_loop_checker *checker;
    struct qbid_loop_check check;
    assert_int_equal(qbid_loop_host_new(&params, &host, why), 0);
    assert_int_equal(qbid_loop_checker_new(&world, &checker), 0);
    qbid_loop_checker_hour(checker, host);
    qbid_loop_checker_spent(checker, 3, qbid_loop_host_budget_nanos(host, 3) + 7);
    qbid_loop_checker_day(checker, host);
    for (uint32_t i = 0; i < world.params.line_items; i++)
        micros[i] = world.budget_micros / world.params.line_items + (i == 2);
    assert_int_equal(qbid_loop_host_budgets(host, micros, "operator", "", why), 0);
    qbid_loop_checker_hour(checker, host);
    assert_int_equal(qbid_loop_checker_end(checker, host, &check, why), 0);
    assert_int_equal(check.overspent, 1);
    assert_int_equal(check.over_nanos, 7);
    assert_int_equal(check.sums, 2);       /* the hour, and the execution */
    assert_int_equal(check.unreasoned, 1); /* a change without a word on it */
    assert_true(!check.chain && !check.history && !check.books && !check.limits);
    assert_false(qbid_loop_check_holds(&check));
    qbid_loop_checker_free(checker);
    qbid_loop_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_curve_is_what_auctions_cost_and_bring, setup, teardown),
        cmocka_unit_test_setup_teardown(no_move_of_money_betters_the_best_split, setup, teardown),
        cmocka_unit_test_setup_teardown(worlds_out_of_range_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_notes_shift_halves_the_worst_fifth, setup, teardown),
        cmocka_unit_test_setup_teardown(days_of_the_whole_loop_keep_every_promise, setup, teardown),
        cmocka_unit_test_setup_teardown(checks_find_what_is_broken, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
