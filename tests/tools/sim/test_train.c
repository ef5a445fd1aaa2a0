/* SPDX-License-Identifier: Apache-2.0 */
/* Training of the correction: the simulated day, the making of a table, the command. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tools/sim/command.h"
#include "tools/sim/train/gate.h"

#ifdef __SANITIZE_ADDRESS__
#define DAYS 2
#else
#define DAYS 6
#endif
#define PERIODS 96

static struct qbid_train_params small(void)
{
    struct qbid_train_params params = qbid_train_defaults();
    params.days = DAYS;
    params.periods = PERIODS;
    params.samples = 128;
    params.auctions_min = 2000;
    params.auctions_max = 4000;
    return params;
}

static void day_draw(struct qbid_day *day, const struct qbid_shade *shade, uint64_t seed,
                     double truth)
{
    struct qbid_random random = qbid_random_init(seed);
    struct qbid_train_params law = small();
    struct qbid_day_kind kind = qbid_train_kind(&law, &random);
    kind.truth = truth;
    assert_int_equal(qbid_day_init(day, PERIODS, 8000), 0);
    qbid_day_draw(day, &kind, shade, &random);
}

static void a_day_keeps_its_budget_under_any_steps(void **state)
{
    (void)state;
    struct qbid_shade shade = qbid_day_shade();
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct qbid_day day;
        struct qbid_day_run run;
        struct qbid_random random = qbid_random_init(seed);
        day_draw(&day, &shade, seed, seed % 3 ? 0 : 0.5);
        qbid_day_reset(&run, &day, &shade, 128);
        int on = 1;
        for (uint32_t k = 0; on; k++) {
            double last = run.pacing.pace;
            on = qbid_day_step(
                &run, qbid_correction_step(qbid_random_below(&random, QBID_CORRECTION_ACTIONS)));
            assert_true(fabs(log2(run.pacing.pace / last)) <= 0.6 + 1e-9);
            for (int f = 0; f < QBID_CORRECTION_FEATURES; f++)
                assert_true(fabs(run.situation.x[f]) <= 1);
            assert_int_equal(run.period, k + 1);
        }
        assert_int_equal(run.period, PERIODS);
        assert_true(run.spent_nanos <= day.budget_nanos);
        assert_true(run.worth_nanos > 0.5 * day.best_worth_nanos);
        qbid_day_done(&day);
    }
}

/* What a period is expected to give is what it gives on average over many draws of its prices. */
static void expectations_are_those_of_the_draws(void **state)
{
    (void)state;
    struct qbid_shade shade = qbid_day_shade();
    double drawn[2] = {0}, expected[2] = {0};
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct qbid_day day;
        struct qbid_day_run run;
        day_draw(&day, &shade, seed, 0.5); /* a goal: no budget that ends either early */
        qbid_day_reset(&run, &day, &shade, 128);
        for (int on = 1; on;) {
            struct qbid_day_result e = qbid_day_expect(&run, 0.2);
            double spent = run.spent_nanos, worth = run.worth_nanos;
            on = qbid_day_step(&run, 0.2);
            drawn[0] += run.spent_nanos - spent;
            drawn[1] += run.worth_nanos - worth;
            expected[0] += e.spent_nanos;
            expected[1] += e.worth_nanos;
        }
        qbid_day_done(&day);
    }
    print_message("drawn against expected: spend %.4f, worth %.4f\n", drawn[0] / expected[0],
                  drawn[1] / expected[1]);
    assert_true(fabs(drawn[0] / expected[0] - 1) < 0.015);
    assert_true(fabs(drawn[1] / expected[1] - 1) < 0.015);
}

static void the_price_of_budget_prices_the_best_hours(void **state)
{
    (void)state;
    struct qbid_shade shade = qbid_day_shade();
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct qbid_day day;
        day_draw(&day, &shade, seed, 0);
        assert_true(day.best_spent_nanos <= day.budget_nanos);
        assert_true(day.best_spent_nanos >= 0.98 * day.budget_nanos);
        assert_true(day.hours_worth_nanos >= 0.97 * day.best_worth_nanos);
        assert_true(day.hours_worth_nanos <= 1.1 * day.best_worth_nanos);
        /* about the multiplier's inverse: value v is worth v * alpha of spend at the margin */
        assert_true(fabs(log2(day.lambda * day.best_alpha)) < 0.5);
        qbid_day_done(&day);
    }
}

static void training_is_repeatable_and_makes_a_sound_table(void **state)
{
    (void)state;
    struct qbid_train_params params = small();
    struct qbid_dqn *dqn, *again;
    struct qbid_train_fidelity fidelity;
    struct qbid_correction_table *table = malloc(sizeof *table);
    assert_non_null(table);
    assert_int_equal(qbid_train(&params, &dqn), 0);
    assert_int_equal(qbid_train(&params, &again), 0);
    const struct qbid_mlp *net = qbid_dqn_net(dqn);
    assert_memory_equal(net->weight, qbid_dqn_net(again)->weight, net->weight_cnt * sizeof(double));
    assert_int_equal(qbid_train_distil(&params, dqn, DAYS, table), 0);
    qbid_correction_seal(table, 10, 20);
    assert_int_equal(qbid_correction_check(table, 15), 0);
    assert_int_equal(qbid_train_fidelity(&params, dqn, table, DAYS, &fidelity), 0);
    print_message("fidelity: same %.2f, within 0.1 %.2f\n", fidelity.same, fidelity.close);
    assert_int_equal(fidelity.seen, DAYS * PERIODS);
    assert_true(fidelity.same >= 0 && fidelity.same <= fidelity.close && fidelity.close <= 1);
    qbid_dqn_free(dqn);
    qbid_dqn_free(again);
    free(table);
}

/* A net that prefers one step everywhere: the table must say the same wherever it was. */
static void a_plain_policy_is_distilled_exactly(void **state)
{
    (void)state;
    struct qbid_train_params params = small();
    struct qbid_dqn_params p = qbid_dqn_defaults(QBID_CORRECTION_FEATURES, QBID_CORRECTION_ACTIONS);
    struct qbid_dqn *dqn;
    struct qbid_train_fidelity fidelity;
    struct qbid_correction_table *table = malloc(sizeof *table);
    struct qbid_random random = qbid_random_init(4);
    double x[QBID_CORRECTION_FEATURES];
    assert_non_null(table);
    p.warm = 64;
    assert_int_equal(qbid_dqn_new(&p, &dqn), 0);
    for (int n = 0; n < 2000; n++) {
        for (int f = 0; f < QBID_CORRECTION_FEATURES; f++)
            x[f] = 2 * qbid_random_uniform(&random) - 1;
        uint32_t action = qbid_random_below(&random, QBID_CORRECTION_ACTIONS);
        qbid_dqn_observe(dqn, x, action, action == 1 ? 1 : -1, NULL, 0);
    }
    assert_int_equal(qbid_train_distil(&params, dqn, 12, table), 0);
    uint32_t taken = 0, other = 0;
    for (uint32_t s = 0; s < QBID_CORRECTION_STATES_MAX; s++) {
        taken += fabs((double)table->step_lg[s] + 0.2) < 1e-6;
        other += table->step_lg[s] != 0 && fabs((double)table->step_lg[s] + 0.2) > 1e-6;
    }
    qbid_correction_seal(table, 10, 20);
    assert_int_equal(qbid_train_fidelity(&params, dqn, table, 2, &fidelity), 0);
    print_message("one step everywhere: in %u states, %.2f of new situations\n", taken,
                  fidelity.same);
    assert_true(taken >= 20 && other == 0 && fidelity.same > 0.2);
    qbid_dqn_free(dqn);
    free(table);
}

static void a_table_without_steps_is_the_pacer_alone(void **state)
{
    (void)state;
    struct qbid_shade shade = qbid_day_shade();
    struct qbid_correction_table *table = malloc(sizeof *table);
    struct qbid_day day;
    assert_non_null(table);
    qbid_correction_init(table);
    qbid_correction_seal(table, 1, 2);
    day_draw(&day, &shade, 9, 0);
    struct qbid_train_score a = qbid_train_play(&day, &shade, 128, qbid_train_no_step, NULL);
    struct qbid_train_score b = qbid_train_play(&day, &shade, 128, qbid_train_table_step, table);
    assert_true(a.value == b.value && a.delivered == b.delivered);
    assert_true(a.delivered > 0.98 && a.delivered <= 1 && a.value > 0.9);
    qbid_day_done(&day);
    free(table);
}

static void the_gate_asks_for_intervals_apart(void **state)
{
    (void)state;
    struct qbid_gate_result r = {.value = {{1, 0.01}, {1.03, 0.01}, {1.015, 0.01}}};
    assert_true(qbid_gate_passes(&r, QBID_GATE_NET));
    assert_false(qbid_gate_passes(&r, QBID_GATE_TABLE));
    assert_false(qbid_gate_passes(&r, QBID_GATE_PACER));
}

static int run(char *argv[], int argc)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stdout);
        (void)!freopen("/dev/null", "w", stderr);
        _exit(qbid_sim_train(argc, argv));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    char *wrong[] = {"--days=0",      "--days=-1",  "--days=x",   "--gate-days=1",
                     "--valid-days=", "--seed=1e3", "--nonsense", "word"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char name[] = "qbid-sim train", *argv[] = {name, wrong[i], NULL};
        int code = run(argv, 2);
        assert_true(code == QBID_SIM_USAGE || code == 64); /* argp's own */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_keeps_its_budget_under_any_steps),
        cmocka_unit_test(expectations_are_those_of_the_draws),
        cmocka_unit_test(the_price_of_budget_prices_the_best_hours),
        cmocka_unit_test(training_is_repeatable_and_makes_a_sound_table),
        cmocka_unit_test(a_plain_policy_is_distilled_exactly),
        cmocka_unit_test(a_table_without_steps_is_the_pacer_alone),
        cmocka_unit_test(the_gate_asks_for_intervals_apart),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
