/* SPDX-License-Identifier: Apache-2.0 */
/* The guard against corrections that gain, that gain nothing, that harm, that turn, and that are
 * broken: what it lets serve, and what that costs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/qlearning/guard.h"
#include "tests/control/models/rng.h"

#ifdef __SANITIZE_ADDRESS__
#define BLOCKS 1000
#else
#define BLOCKS 4000
#endif
#define AA_RUNS 1000
#define DAY 96 /* blocks */

/* Reward of a block of the pacer alone: a daily rhythm that remembers yesterday, rare large values.
 */
struct world {
    struct rng r;
    double drift;
};

static double reward_plain(struct world *w, int block)
{
    w->drift = 0.98 * w->drift + 0.02 * rng_normal(&w->r);
    double heavy = rng_uniform(&w->r) < 0.01 ? 5 * rng_normal(&w->r) : 0;
    return 1 + 0.5 * sin(6.283185307 * block / DAY) + w->drift + rng_normal(&w->r) + heavy;
}

struct tally {
    int served;    /* whether it ever served */
    int served_at; /* block */
    int corrected; /* blocks with the correction */
    double gain;   /* over the pacer alone, in its deviations */
};

/* Gain of a corrected block, given its number and whether the guard trusts the correction. */
typedef double gain_fn(int block, const struct qbid_guard *guard);

static struct tally play(struct qbid_guard *guard, uint64_t seed, int blocks, gain_fn *gain)
{
    struct world w = {rng_init(seed), 0};
    struct tally t = {0, blocks, 0, 0};
    for (int block = 0; block < blocks; block++) {
        double share = qbid_guard_share(guard);
        int corrected = qbid_guard_draw(guard, rng_next(&w.r));
        double more = corrected ? gain(block, guard) : 0;
        t.corrected += corrected;
        t.gain += more;
        qbid_guard_post(guard, corrected, share, reward_plain(&w, block) + more);
        if (guard->phase == QBID_GUARD_SERVING && !t.served) {
            t.served = 1;
            t.served_at = block;
        }
    }
    return t;
}

static struct qbid_guard fresh(void)
{
    struct qbid_guard guard;
    struct qbid_guard_params params = qbid_guard_defaults();
    qbid_guard_init(&guard, &params);
    return guard;
}

static double gain_none(int block, const struct qbid_guard *guard)
{
    (void)block;
    (void)guard;
    return 0;
}

static double gain_good(int block, const struct qbid_guard *guard)
{
    (void)block;
    (void)guard;
    return 0.4;
}

static double gain_bad(int block, const struct qbid_guard *guard)
{
    (void)block;
    (void)guard;
    return -0.5;
}

/* The worst that is possible: good while it is tried, bad as soon as it is trusted. */
static double gain_two_faced(int block, const struct qbid_guard *guard)
{
    (void)block;
    return guard->phase == QBID_GUARD_SERVING ? -0.8 : 0.8;
}

static void a_correction_that_gains_nothing_is_seldom_served(void **state)
{
    (void)state;
    int served = 0;
    for (uint64_t run = 0; run < AA_RUNS; run++) {
        struct qbid_guard guard = fresh();
        served += play(&guard, 1000 + run, BLOCKS, gain_none).served;
    }
    print_message("no gain: served in %d of %d runs of %d blocks\n", served, AA_RUNS, BLOCKS);
    assert_true(served <= 0.05 * AA_RUNS);
}

/* Looking after every block and stopping at the first good moment, a plain test at 5 % would be
 * wrong far more often: the guard must be of the other kind. */
static void a_plain_test_would_serve_it_often(void **state)
{
    (void)state;
    int wrong = 0;
    for (uint64_t run = 0; run < 200; run++) {
        struct world w = {rng_init(5000 + run), 0};
        double sum[2] = {0}, square[2] = {0}, n[2] = {0};
        int found = 0;
        for (int block = 0; block < 1000 && !found; block++) {
            int arm = rng_uniform(&w.r) < 0.2;
            double reward = reward_plain(&w, block);
            n[arm]++;
            sum[arm] += reward;
            square[arm] += reward * reward;
            if (n[0] < 30 || n[1] < 30)
                continue;
            double var[2];
            for (int i = 0; i < 2; i++)
                var[i] = (square[i] / n[i] - pow(sum[i] / n[i], 2)) / n[i];
            found = sum[1] / n[1] - sum[0] / n[0] > 1.645 * sqrt(var[0] + var[1]);
        }
        wrong += found;
    }
    print_message("a plain test, asked after each block: %d of 200 runs\n", wrong);
    assert_true(wrong > 30);
}

static void a_correction_that_gains_is_served(void **state)
{
    (void)state;
    const int runs = 40, blocks = 3000;
    int served = 0, latest = 0;
    double share = 0;
    for (uint64_t run = 0; run < (uint64_t)runs; run++) {
        struct qbid_guard guard = fresh();
        struct tally t = play(&guard, 100 + run, blocks, gain_good);
        served += t.served;
        latest = t.served && t.served_at > latest ? t.served_at : latest;
        share += (double)t.corrected / blocks / runs;
        assert_true(!t.served || fabs(qbid_guard_gain(&guard) - 0.4) < 0.25);
    }
    print_message(
        "gain of 0.4 deviations: served in %d of %d runs, after %d blocks at most; %.2f of "
        "the blocks corrected\n",
        served, runs, latest, share);
    assert_true(served >= 38 && share > 0.5);
}

static void a_bad_correction_costs_little_and_ends(void **state)
{
    (void)state;
    const int runs = 100, blocks = 4000;
    double worst = 0, mean = 0;
    int served = 0, off = 0;
    for (uint64_t run = 0; run < (uint64_t)runs; run++) {
        struct qbid_guard guard = fresh();
        struct tally t = play(&guard, 300 + run, blocks, gain_bad);
        served += t.served;
        off += guard.phase == QBID_GUARD_OFF && guard.why == QBID_GUARD_WHY_HARM;
        worst = fmax(worst, -t.gain / (0.5 * blocks));
        mean += -t.gain / (0.5 * blocks) / runs;
    }
    print_message("bad everywhere: off in %d of %d runs, served in %d; lost %.4f of what it could "
                  "have cost (at most %.4f)\n",
                  off, runs, served, mean, worst);
    assert_true(off >= 98 && served == 0);
    assert_true(mean <= 0.05 && worst <= 0.08);
}

static void a_correction_that_turns_bad_is_dropped(void **state)
{
    (void)state;
    const int runs = 40, turn = 2000;
    double mean = 0, lost = 0;
    int served = 0, latest = 0;
    for (uint64_t run = 0; run < (uint64_t)runs; run++) {
        struct qbid_guard guard = fresh();
        struct tally before = play(&guard, 600 + run, turn, gain_good);
        served += guard.phase == QBID_GUARD_SERVING;
        int dropped = 0;
        struct tally after = {0, 0, 0, 0};
        for (; guard.phase == QBID_GUARD_SERVING && dropped < 4000; dropped += 50) {
            struct tally t = play(&guard, 10000 * (run + 1) + (uint64_t)dropped, 50, gain_bad);
            after.gain += t.gain;
        }
        after.gain += play(&guard, 7000 + run, 4000, gain_bad).gain;
        latest = dropped > latest ? dropped : latest;
        mean += (double)dropped / runs;
        lost -= after.gain / 0.5 / runs;
        assert_true(before.gain > 0);
        assert_int_equal(guard.phase, QBID_GUARD_OFF);
    }
    print_message(
        "good, then bad: served in %d of %d runs, dropped after %.0f blocks (at most %d); "
        "in all %.0f blocks' harm\n",
        served, runs, mean, latest, lost);
    assert_true(served >= 36 && mean <= 900 && latest <= 2000 && lost <= 1000);
}

static void a_two_faced_correction_is_bounded_too(void **state)
{
    (void)state;
    double most = 0;
    for (uint64_t run = 0; run < 20; run++) {
        struct qbid_guard guard = fresh();
        struct tally t = {0, 0, 0, 0};
        int blocks = 0;
        for (; guard.phase != QBID_GUARD_OFF && blocks < 20000; blocks += 100)
            t.gain += play(&guard, 1000 * (run + 1) + (uint64_t)blocks, 100, gain_two_faced).gain;
        assert_int_equal(guard.phase, QBID_GUARD_OFF);
        assert_int_equal(guard.trials, 3);
        most = fmax(most, -t.gain / 0.8);
    }
    print_message("good on trial, bad in service: off after three trials, %.0f blocks' harm at "
                  "most\n",
                  most);
    assert_true(most <= 2000);
}

/* The wealth written anew, as a product and without logarithms. */
static void wealth_is_the_product_of_its_bets(void **state)
{
    (void)state;
    const double bet[QBID_GUARD_BETS] = {0.02, 0.05, 0.1, 0.2, 0.4, 0.8};
    struct qbid_guard guard = fresh();
    struct rng r = rng_init(44);
    double product[QBID_GUARD_BETS] = {1, 1, 1, 1, 1, 1}, sum = 0, square = 0;
    for (int n = 0; n < 300; n++) {
        int corrected = rng_uniform(&r) < 0.2;
        double reward = rng_normal(&r), mean = n > 0 ? sum / n : 0;
        double deviation = n > 1 ? sqrt((square - n * mean * mean) / (n - 1)) : 0;
        if (n >= 50) {
            double cut = fmin(fmax((reward - mean) / (4 * deviation), -1), 1);
            double y = corrected ? cut : -cut * 0.25;
            for (int i = 0; i < QBID_GUARD_BETS; i++)
                product[i] *= 1 + bet[i] * y;
        }
        sum += reward;
        square += reward * reward;
        qbid_guard_post(&guard, corrected, 0.2, reward);
        double wealth = 0;
        for (int i = 0; i < QBID_GUARD_BETS; i++)
            wealth += product[i] / QBID_GUARD_BETS;
        assert_true(fabs(qbid_guard_evidence(&guard) / wealth - 1) < 1e-9);
        assert_int_equal(guard.phase, QBID_GUARD_TRIAL);
    }
}

static void any_fault_ends_it_until_a_new_table(void **state)
{
    (void)state;
    struct qbid_guard_params params = qbid_guard_defaults();
    const enum qbid_guard_why why[] = {QBID_GUARD_WHY_FAULT, QBID_GUARD_WHY_STALE};
    for (int i = 0; i < 2; i++) {
        struct qbid_guard guard = fresh();
        play(&guard, 70, 2000, gain_good);
        assert_int_equal(guard.phase, QBID_GUARD_SERVING);
        qbid_guard_fault(&guard, why[i]);
        assert_int_equal(guard.phase, QBID_GUARD_OFF);
        assert_int_equal(guard.why, why[i]);
        assert_true(qbid_guard_share(&guard) == 0 && !qbid_guard_draw(&guard, 0));
        struct tally t = play(&guard, 71, 2000, gain_good);
        assert_true(t.corrected == 0 && !t.served);
        qbid_guard_init(&guard, &params);
        assert_int_equal(guard.phase, QBID_GUARD_TRIAL);
    }
}

static void odd_rewards_and_parameters_do_no_harm(void **state)
{
    (void)state;
    const double odd[] = {NAN, INFINITY, -INFINITY};
    struct qbid_guard guard = fresh();
    play(&guard, 80, 500, gain_none);
    struct qbid_guard before = guard;
    for (int i = 0; i < 3; i++) {
        qbid_guard_post(&guard, 1, 0.2, odd[i]);
        qbid_guard_post(&guard, 1, odd[i], 0.5);
        qbid_guard_post(&guard, 1, 0, 0.5);
        qbid_guard_post(&guard, 0, 1, 0.5);
    }
    assert_memory_equal(&guard, &before, sizeof guard);
    struct qbid_guard_params params = {NAN, NAN, NAN, NAN, 0, 0, 0};
    qbid_guard_init(&guard, &params);
    assert_true(qbid_guard_share(&guard) == 0.2 && guard.params.error == 0.05);
    for (int n = 0; n < 1000; n++) /* a reward that never varies tells nothing */
        qbid_guard_post(&guard, n % 5 == 0, 0.2, 1);
    assert_true(qbid_guard_evidence(&guard) == 1);
    for (int n = 0; n < 100; n++)
        qbid_guard_post(&guard, n % 5 == 0, 0.2, n % 2 ? 1e300 : -1e300);
    assert_true(isfinite(qbid_guard_evidence(&guard)) || guard.phase != QBID_GUARD_SERVING);
}

static void a_trial_that_shows_nothing_ends(void **state)
{
    (void)state;
    struct qbid_guard_params params = qbid_guard_defaults();
    struct qbid_guard guard;
    params.trial_max = 400;
    params.harm_error = 1e-9;
    qbid_guard_init(&guard, &params);
    play(&guard, 3, 600, gain_none);
    assert_int_equal(guard.phase, QBID_GUARD_OFF);
    assert_int_equal(guard.why, QBID_GUARD_WHY_IDLE);
    assert_string_equal(qbid_guard_phase_text(guard.phase), "off");
    assert_string_equal(qbid_guard_why_text(guard.why), "idle");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_correction_that_gains_nothing_is_seldom_served),
        cmocka_unit_test(a_plain_test_would_serve_it_often),
        cmocka_unit_test(a_correction_that_gains_is_served),
        cmocka_unit_test(a_bad_correction_costs_little_and_ends),
        cmocka_unit_test(a_correction_that_turns_bad_is_dropped),
        cmocka_unit_test(a_two_faced_correction_is_bounded_too),
        cmocka_unit_test(wealth_is_the_product_of_its_bets),
        cmocka_unit_test(any_fault_ends_it_until_a_new_table),
        cmocka_unit_test(odd_rewards_and_parameters_do_no_harm),
        cmocka_unit_test(a_trial_that_shows_nothing_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
