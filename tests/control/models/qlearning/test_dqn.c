/* SPDX-License-Identifier: Apache-2.0 */
/* Deep Q-learning on the reference process against value iteration; its parts one by one.
 * QBID_STEPS=500000 QBID_SEEDS=5 learns for longer than `make test` waits (tests/figures/04_rl.py).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/qlearning/dqn.h"
#include "shm/error.h"
#include "tests/control/models/process.h"

#define FEATURES 4

#ifdef __SANITIZE_ADDRESS__
static int steps = 30000;
static double need = 0.75;
static uint32_t train_every = 6;
#else
static int steps = 40000;
static double need = 0.95;
static uint32_t train_every = 2;
#endif
static int seeds = 1;

static void features(int t, int b, int k, double x[FEATURES])
{
    x[0] = 2.0 * t / PROCESS_STEPS - 1;
    x[1] = 2.0 * b / PROCESS_BUDGET - 1;
    x[2] = t > 0 ? fmin(b / (4.0 * t), 2) - 1 : 1;
    x[3] = process_worth[k] - 1;
}

static int greedy_bid(const void *policy, int t, int b, int k)
{
    double x[FEATURES];
    features(t, b, k, x);
    int bid = (int)qbid_dqn_greedy(policy, x, NULL);
    return bid < b ? bid : b;
}

static void play(struct qbid_dqn *dqn, int count, uint64_t seed)
{
    struct rng r = rng_init(seed);
    for (int step = 0, t = PROCESS_STEPS, b = PROCESS_BUDGET, k = 0; step < count; step++) {
        double now[FEATURES], next[FEATURES];
        features(t, b, k, now);
        uint32_t action = qbid_dqn_act(dqn, now);
        int price = process_draw(&r, process_price_p, PROCESS_BIDS);
        int won = price <= (int)action && price <= b;
        double reward = won ? process_worth[k] : 0;
        b -= won ? price : 0;
        t--;
        k = process_draw(&r, process_worth_p, PROCESS_WORTHS);
        features(t, b, k, next);
        assert_int_equal(qbid_dqn_observe(dqn, now, action, reward, next, t > 0), 0);
        if (t == 0) {
            t = PROCESS_STEPS;
            b = PROCESS_BUDGET;
        }
    }
}

static struct qbid_dqn_params process_params(int count, uint64_t seed)
{
    struct qbid_dqn_params params = qbid_dqn_defaults(FEATURES, PROCESS_BIDS);
    params.seed = seed;
    params.explore_steps = count / 12.0;
    params.explore_min = 0.05;
    params.loss_memory = 2000; /* rewards are noise for the most part */
    params.train_every = train_every;
    params.rate_keep = exp(log(0.1) / (0.7 * count / params.train_every));
    return params;
}

static void it_nears_the_optimum_of_the_reference_process(void **state)
{
    (void)state;
    double sum = 0;
    for (int seed = 1; seed <= seeds; seed++) {
        struct qbid_dqn_params params = process_params(steps, (uint64_t)seed);
        struct qbid_dqn *dqn;
        assert_int_equal(qbid_dqn_new(&params, &dqn), 0);
        play(dqn, steps, 100 + (uint64_t)seed);
        double part = process_policy_value(greedy_bid, dqn) / PROCESS_OPTIMUM;
        print_message("seed %d: greedy policy after %d steps: %.4f of V*\n", seed, steps, part);
        sum += part / seeds;
        qbid_dqn_free(dqn);
    }
    print_message("mean of %d seeds: %.4f of V*\n", seeds, sum);
    assert_true(sum >= need);
}

/* A corridor of five places, 0 to 4: action 1 goes up, 0 down; reaching 4 pays 1 and ends. Up from
 * place i is worth 0.9^(3-i), down 0.9 times the best of where it leads. */
static void place_of(int at, double x[2])
{
    x[0] = at / 2.0 - 1;
    x[1] = at == 0;
}

static double corridor_value(int at, int up)
{
    int to = up ? at + 1 : at > 0 ? at - 1 : 0;
    return to == 4 ? 1 : 0.9 * pow(0.9, 3 - to);
}

static struct qbid_dqn *corridor_learn(uint64_t seed, int count, double pays)
{
    struct qbid_dqn_params params = qbid_dqn_defaults(2, 2);
    struct qbid_dqn *dqn;
    params.seed = seed;
    params.explore_min = 0.3;
    params.target_every = 100;
    params.batch = 16;
    params.rate_keep = 0.9995;
    assert_int_equal(qbid_dqn_new(&params, &dqn), 0);
    for (int step = 0, at = 0; step < count; step++) {
        double now[2], next[2];
        place_of(at, now);
        uint32_t up = qbid_dqn_act(dqn, now);
        at = up ? at + 1 : at > 0 ? at - 1 : 0;
        place_of(at, next);
        assert_int_equal(
            qbid_dqn_observe(dqn, now, up, at == 4 ? pays : 0, next, at == 4 ? 0 : 0.9), 0);
        at = at == 4 ? 0 : at;
    }
    return dqn;
}

static void values_of_a_corridor_meet_the_exact_ones(void **state)
{
    (void)state;
    struct qbid_dqn *dqn = corridor_learn(3, 12000, 1);
    double worst = 0;
    for (int at = 0; at < 4; at++) {
        double x[2], q[2];
        place_of(at, x);
        assert_int_equal(qbid_dqn_greedy(dqn, x, q), 1);
        for (int up = 0; up < 2; up++)
            worst = fmax(worst, fabs(q[up] - corridor_value(at, up)));
    }
    print_message("corridor: action values off by %.3f at most\n", worst);
    assert_true(worst < 0.05);
    qbid_dqn_free(dqn);
}

static void the_same_seed_gives_the_same_net(void **state)
{
    (void)state;
    struct qbid_dqn *a = corridor_learn(4, 1500, 1), *b = corridor_learn(4, 1500, 1);
    struct qbid_dqn *c = corridor_learn(5, 1500, 1);
    size_t bytes = qbid_dqn_net(a)->weight_cnt * sizeof(double);
    assert_memory_equal(qbid_dqn_net(a)->weight, qbid_dqn_net(b)->weight, bytes);
    assert_memory_not_equal(qbid_dqn_net(a)->weight, qbid_dqn_net(c)->weight, bytes);
    qbid_dqn_free(a);
    qbid_dqn_free(b);
    qbid_dqn_free(c);
}

static void exploration_falls_and_rises_when_the_world_changes(void **state)
{
    (void)state;
    struct qbid_dqn_params params = qbid_dqn_defaults(1, 2);
    struct qbid_dqn *dqn;
    double x = 0.5, before = 0, risen = 0;
    struct rng r = rng_init(8);
    params.explore_steps = 500;
    params.batch = 8;
    assert_int_equal(qbid_dqn_new(&params, &dqn), 0);
    assert_true(qbid_dqn_explore(dqn) == 1);
    for (int step = 0; step < 9000; step++) {
        uint32_t action = qbid_dqn_act(dqn, &x);
        int better = step < 6000 ? 0 : 1; /* the payment moves to the other action */
        double reward = ((int)action == better) + 0.2 * rng_normal(&r);
        assert_int_equal(qbid_dqn_observe(dqn, &x, action, reward, NULL, 0), 0);
        if (step == 5999) {
            before = qbid_dqn_explore(dqn);
            assert_int_equal(qbid_dqn_greedy(dqn, &x, NULL), 0);
        }
        risen = step >= 6000 ? fmax(risen, qbid_dqn_explore(dqn)) : 0;
    }
    print_message("exploration: 1, then %.3f, after a change %.3f at most\n", before, risen);
    assert_true(before < 0.05 && risen > 0.3);
    qbid_dqn_free(dqn);
}

static void impossible_transitions_and_parameters_are_refused(void **state)
{
    (void)state;
    const double odd[] = {NAN, INFINITY, -INFINITY};
    struct qbid_dqn *dqn = corridor_learn(6, 1100, 1);
    size_t bytes = qbid_dqn_net(dqn)->weight_cnt * sizeof(double);
    double *before = malloc(bytes), good[2] = {0, 0};
    assert_non_null(before);
    memcpy(before, qbid_dqn_net(dqn)->weight, bytes);
    for (int i = 0; i < 3; i++) {
        double bad[2] = {0, odd[i]};
        assert_int_equal(qbid_dqn_observe(dqn, bad, 0, 0, good, 0.9), QBID_ERR_INVAL);
        assert_int_equal(qbid_dqn_observe(dqn, good, 0, 0, bad, 0.9), QBID_ERR_INVAL);
        assert_int_equal(qbid_dqn_observe(dqn, good, 0, odd[i], good, 0.9), QBID_ERR_INVAL);
        assert_int_equal(qbid_dqn_observe(dqn, good, 0, 0, good, odd[i]), QBID_ERR_INVAL);
    }
    assert_int_equal(qbid_dqn_observe(dqn, good, 2, 0, good, 0.9), QBID_ERR_INVAL);
    assert_int_equal(qbid_dqn_observe(dqn, good, 0, 0, good, 1.1), QBID_ERR_INVAL);
    assert_int_equal(qbid_dqn_observe(dqn, good, 0, 0, NULL, 0.9), QBID_ERR_INVAL);
    assert_memory_equal(before, qbid_dqn_net(dqn)->weight, bytes);
    free(before);
    qbid_dqn_free(dqn);
    for (int field = 0; field < 10; field++) {
        struct qbid_dqn_params p = qbid_dqn_defaults(2, 2);
        uint32_t *count[] = {&p.in, &p.actions, &p.batch, &p.train_every, &p.target_every};
        double *number[] = {&p.rate, &p.clip, &p.rate_keep, &p.explore_steps, &p.loss_memory};
        if (field < 5)
            *count[field] = 0;
        else
            *number[field - 5] = NAN;
        assert_int_equal(qbid_dqn_new(&p, &dqn), QBID_ERR_INVAL);
    }
}

int main(void)
{
    const char *longer = getenv("QBID_STEPS"), *more = getenv("QBID_SEEDS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_a_corridor_meet_the_exact_ones),
        cmocka_unit_test(the_same_seed_gives_the_same_net),
        cmocka_unit_test(exploration_falls_and_rises_when_the_world_changes),
        cmocka_unit_test(impossible_transitions_and_parameters_are_refused),
        cmocka_unit_test(it_nears_the_optimum_of_the_reference_process),
    };
    if (longer && atoi(longer) >= steps) {
        steps = atoi(longer);
        need = steps >= 500000 ? 0.97 : need;
    }
    if (more && atoi(more) > 0)
        seeds = atoi(more);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
