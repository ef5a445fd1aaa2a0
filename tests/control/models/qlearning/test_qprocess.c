/* SPDX-License-Identifier: Apache-2.0 */
/* Action values learned on the reference process, against value iteration. QBID_EPISODES=1000000
 * learns for longer than `make test` waits (tests/figures/04_rl.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/qlearning/qtable.h"
#include "tests/control/models/process.h"

struct learned {
    struct process_values value;
    struct qbid_qcell q[PROCESS_STEPS + 1][PROCESS_BUDGET + 1][PROCESS_WORTHS][PROCESS_BIDS];
};

static int greedy_bid(const void *policy, int t, int b, int k)
{
    const struct learned *p = policy;
    int best = 0;
    for (int bid = 1; bid < PROCESS_BIDS && bid <= b; bid++)
        best = p->q[t][b][k][bid].value > p->q[t][b][k][best].value ? bid : best;
    return best;
}

static int optimal_bid(const void *policy, int t, int b, int k)
{
    return process_threshold(policy, t, b, k);
}

/* One price revealed: every bid of every worth learns from it. */
static void learn_all(struct learned *p, int t, int b, int price)
{
    p->value.at[t][b] = 0;
    for (int k = 0; k < PROCESS_WORTHS; k++) {
        double best = 0;
        for (int bid = 0; bid < PROCESS_BIDS && bid <= b; bid++) {
            double target = price <= bid ? process_worth[k] + p->value.at[t - 1][b - price]
                                         : p->value.at[t - 1][b];
            qbid_qcell_learn(&p->q[t][b][k][bid], target, 1, 0.7);
            best = fmax(best, p->q[t][b][k][bid].value);
        }
        p->value.at[t][b] += process_worth_p[k] * best;
    }
}

static void learn(struct learned *p, int episodes)
{
    struct rng r = rng_init(1);
    memset(p, 0, sizeof *p);
    for (int episode = 0; episode < episodes; episode++) {
        double explore = 1 / (1 + episode / 2000.0);
        for (int t = PROCESS_STEPS, b = PROCESS_BUDGET; t > 0; t--) {
            int k = process_draw(&r, process_worth_p, PROCESS_WORTHS);
            int price = process_draw(&r, process_price_p, PROCESS_BIDS);
            int bid = rng_uniform(&r) < explore ? (int)rng_below(&r, b < 10 ? (uint32_t)b + 1 : 11)
                                                : greedy_bid(p, t, b, k);
            learn_all(p, t, b, price);
            b -= price <= bid ? price : 0;
        }
    }
}

static struct learned learned;
static int episodes = 100000;

static void value_iteration_gives_the_exact_optimum(void **state)
{
    (void)state;
    static struct process_values v;
    double best = process_solve(&v), followed = process_policy_value(optimal_bid, &v);
    print_message("V*(20, 30) = %.12f, its policy is worth %.12f\n", best, followed);
    assert_true(fabs(best - PROCESS_OPTIMUM) < 1e-9);
    assert_true(fabs(followed - PROCESS_OPTIMUM) < 1e-9);
}

static void learning_from_every_bid_nears_the_optimum(void **state)
{
    (void)state;
    learn(&learned, episodes);
    double part = process_policy_value(greedy_bid, &learned) / PROCESS_OPTIMUM;
    print_message("greedy policy after %d episodes: %.5f of V*\n", episodes, part);
    assert_true(part >= (episodes >= 1000000 ? 0.999 : 0.99));
}

/* Greedy action of a row of floats, as the image holds multipliers. */
static int exported_bid(const float q[PROCESS_BIDS], int b)
{
    int best = 0;
    for (int bid = 1; bid < PROCESS_BIDS && bid <= b; bid++)
        best = q[bid] > q[best] ? bid : best;
    return best;
}

static void an_exported_table_keeps_the_greedy_action(void **state)
{
    (void)state;
    int states = 0, same = 0;
    for (int t = 1; t <= PROCESS_STEPS; t++) {
        for (int b = 0; b <= PROCESS_BUDGET; b++) {
            for (int k = 0; k < PROCESS_WORTHS; k++) {
                float q[PROCESS_BIDS];
                for (int bid = 0; bid < PROCESS_BIDS; bid++)
                    q[bid] = (float)learned.q[t][b][k][bid].value;
                states++;
                same += exported_bid(q, b) == greedy_bid(&learned, t, b, k);
            }
        }
    }
    print_message("exported greedy action: %d of %d states\n", same, states);
    assert_true(same >= 0.999 * states);
}

/* The rows of the image: their greedy action against the argmax of the doubles, over learners whose
 * actions are all but equal. */
static void image_rows_keep_the_greedy_action(void **state)
{
    (void)state;
    static struct qbid_qlearner l;
    static struct qbid_qrow rows[QBID_QSTATES];
    struct qbid_qlearner_params params = qbid_qlearner_defaults();
    struct rng r = rng_init(5);
    int states = 0, same = 0;
    params.switch_errors = 0;
    for (int run = 0; run < 200; run++) {
        qbid_qlearner_init(&l);
        for (int s = 0; s < QBID_QSTATES; s++)
            for (int a = 0; a < QBID_QLEARNER_ACTIONS; a++)
                l.cell[s][a] = (struct qbid_qcell){1e-9 * rng_normal(&r), 1e9, 1e9, 1e9};
        qbid_qlearner_decide(&l, &params);
        assert_int_equal(qbid_qlearner_rows(&l, &params, rows), 0);
        for (uint32_t s = 0; s < QBID_QSTATES; s++, states++) {
            uint32_t best = QBID_QLEARNER_NEUTRAL;
            for (uint32_t a = 0; a < QBID_QLEARNER_ACTIONS; a++)
                if (qbid_qlearner_advantage(&l, &params, s, a) >
                    qbid_qlearner_advantage(&l, &params, s, best))
                    best = a;
            same += rows[s].greedy == best && rows[s].ratio[best] == 1.0f;
        }
    }
    print_message("image rows: greedy action %d of %d states\n", same, states);
    assert_true(same >= 0.999 * states);
}

int main(void)
{
    const char *longer = getenv("QBID_EPISODES");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_iteration_gives_the_exact_optimum),
        cmocka_unit_test(learning_from_every_bid_nears_the_optimum),
        cmocka_unit_test(an_exported_table_keeps_the_greedy_action),
        cmocka_unit_test(image_rows_keep_the_greedy_action),
    };
    if (longer && atoi(longer) >= 100000)
        episodes = atoi(longer);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
