/* SPDX-License-Identifier: Apache-2.0 */
/* Off-policy estimates: by hand, against the exact value of a known world, and on two real logs of
 * one shop, where what one policy's log says of the other can be looked up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/ope.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "tests/control/models/rng.h"

#define NEAR(a, b, tol) assert_true(fabs((a) - (b)) <= (tol))

static struct qbid_ope judge(const struct qbid_ope_sample *s, uint64_t n)
{
    struct qbid_ope_params params = qbid_ope_defaults();
    struct qbid_ope ope;
    assert_int_equal(qbid_ope_evaluate(s, n, &params, &ope), 0);
    return ope;
}

static void four_decisions_give_what_they_give_by_hand(void **state)
{
    (void)state;
    const struct qbid_ope_sample s[] = {{1, 0.50, 0.25, 0.5, 0.5},  /* weight 1/2 */
                                        {0, 0.25, 0.50, 0.5, 0.5},  /* 2 */
                                        {1, 0.50, 0.25, 0.5, 0.5},  /* 1/2 */
                                        {0, 0.25, 0.75, 0.5, 0.5}}; /* 3 */
    struct qbid_ope ope = judge(s, 4);
    assert_int_equal(ope.n, 4);
    NEAR(ope.ips.value, 0.25, 1e-15);
    NEAR(ope.snips.value, 1.0 / 6, 1e-15);
    NEAR(ope.model.value, 0.5, 1e-15);
    NEAR(ope.doubly.value, 0, 1e-15); /* 0.75 - 0.5 + 0.75 - 1 */
    NEAR(ope.logged.value, 0.5, 1e-15);
    NEAR(ope.gain.value, -0.5, 1e-15);
    NEAR(ope.effective, 36 / 13.5, 1e-12);
    NEAR(ope.weight_max, 3, 1e-15);
    /* 0.5, 0, 0.5, 0: variance 1/12, four of them; SNIPS: w (r - 1/6) / 1.5 = 5/18, -4/18, 5/18,
     * -6/18, squares 102/324 */
    NEAR(ope.ips.error, sqrt(1.0 / 48), 1e-15);
    NEAR(ope.snips.error, sqrt(102.0 / 324 / 12), 1e-15);
    NEAR(ope.ips.high - ope.ips.value, 1.959963984540054 * ope.ips.error, 1e-12); /* not skewed */
    assert_int_equal(ope.verdict, QBID_OPE_TOO_LITTLE);
}

static void the_policy_that_logged_is_worth_what_it_earned(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    static struct qbid_ope_sample s[5000];
    double sum = 0;
    for (int i = 0; i < 5000; i++) {
        double p = 0.05 + 0.9 * rng_uniform(&r);
        s[i] = (struct qbid_ope_sample){rng_uniform(&r) < 0.3, p, p, 0, 0};
        sum += s[i].reward / 5000;
    }
    struct qbid_ope ope = judge(s, 5000);
    NEAR(ope.ips.value, sum, 1e-12);
    NEAR(ope.snips.value, sum, 1e-12);
    NEAR(ope.doubly.value, sum, 1e-12);
    NEAR(ope.gain.value, 0, 1e-12);
    NEAR(ope.effective, 5000, 1e-6);
    assert_int_equal(ope.verdict, QBID_OPE_EVEN);
}

static void impossible_samples_and_parameters_are_refused(void **state)
{
    (void)state;
    const struct qbid_ope_sample bad[] = {{NAN, 0.5, 0.5, 0, 0}, {1, 0, 0.5, 0, 0},
                                          {1, 1.5, 0.5, 0, 0},   {1, 0.5, -0.1, 0, 0},
                                          {1, 0.5, 1.1, 0, 0},   {1, NAN, 0.5, 0, 0},
                                          {1, 0.5, NAN, 0, 0},   {INFINITY, 0.5, 0.5, 0, 0},
                                          {1, 0.5, 0.5, NAN, 0}, {1, 0.5, 0.5, 0, INFINITY}};
    struct qbid_ope ope = judge(bad, 10);
    assert_int_equal(ope.n, 0);
    assert_int_equal(ope.refused, 10);
    assert_int_equal(ope.verdict, QBID_OPE_TOO_LITTLE);
    assert_true(ope.ips.value == 0 && ope.gain.error == 0);
    struct qbid_ope_params params = qbid_ope_defaults();
    params.confidence = 1;
    assert_int_equal(qbid_ope_evaluate(bad, 1, &params, &ope), QBID_ERR_INVAL);
    params = qbid_ope_defaults();
    params.interval = QBID_OPE_BOOTSTRAP;
    params.rounds = 50;
    assert_int_equal(qbid_ope_evaluate(bad, 1, &params, &ope), QBID_ERR_INVAL);
}

/* --- a world of three contexts and five creatives */

#define CONTEXTS 3
#define CREATIVES 5
#define LOG 2000

static const double context_share[CONTEXTS] = {0.5, 0.3, 0.2};
static const double click[CONTEXTS][CREATIVES] = {{0.005, 0.06, 0.03, 0.05, 0.005},
                                                  {0.03, 0.03, 0.005, 0.03, 0.005},
                                                  {0.05, 0.01, 0.02, 0.07, 0.07}};
static const double logged[CONTEXTS][CREATIVES] = {
    {0.06, 0.12, 0.06, 0.25, 0.51}, {0.13, 0.13, 0.27, 0.40, 0.07}, {0.07, 0.29, 0.07, 0.12, 0.45}};
static const double judged[CONTEXTS][CREATIVES] = {
    {0.05, 0.80, 0.05, 0.05, 0.05}, {0.80, 0.05, 0.05, 0.05, 0.05}, {0.05, 0.05, 0.05, 0.80, 0.05}};

/* By enumeration: what a policy earns; and what it would by a model that knows no contexts. */
static double worth(const double policy[CONTEXTS][CREATIVES])
{
    double sum = 0;
    for (int x = 0; x < CONTEXTS; x++)
        for (int a = 0; a < CREATIVES; a++)
            sum += context_share[x] * policy[x][a] * click[x][a];
    return sum;
}

static double worth_by_the_model(const double policy[CONTEXTS][CREATIVES])
{
    double sum = 0;
    for (int a = 0; a < CREATIVES; a++) {
        double clicks = 0, shown = 0, wanted = 0;
        for (int x = 0; x < CONTEXTS; x++) {
            clicks += context_share[x] * logged[x][a] * click[x][a];
            shown += context_share[x] * logged[x][a];
            wanted += context_share[x] * policy[x][a];
        }
        sum += wanted * clicks / shown;
    }
    return sum;
}

static int draw(struct rng *r, const double *share, int n)
{
    double u = rng_uniform(r);
    int i = 0;
    while (i + 1 < n && u >= share[i])
        u -= share[i++];
    return i;
}

/* A log with the wrong model, that knows creatives alone: each half is told by the other. */
static void log_make(struct rng *r, struct qbid_ope_sample samples[LOG])
{
    static int context[LOG], creative[LOG];
    double clicks[2][CREATIVES] = {{0}}, shown[2][CREATIVES] = {{0}}, all[2] = {0};
    for (int i = 0; i < LOG; i++) {
        int x = context[i] = draw(r, context_share, CONTEXTS);
        int a = creative[i] = draw(r, logged[x], CREATIVES);
        double reward = rng_uniform(r) < click[x][a];
        samples[i] = (struct qbid_ope_sample){reward, logged[x][a], judged[x][a], 0, 0};
        clicks[i % 2][a] += reward;
        shown[i % 2][a]++;
        all[i % 2] += reward / (LOG / 2);
    }
    for (int i = 0; i < LOG; i++) {
        int other = 1 - i % 2;
        for (int a = 0; a < CREATIVES; a++) {
            double model = shown[other][a] > 0 ? clicks[other][a] / shown[other][a] : all[other];
            samples[i].model_value += judged[context[i]][a] * model;
            samples[i].model += a == creative[i] ? model : 0;
        }
    }
}

struct track {
    double sum, square;
    int covered;
};

static void follow(struct track *t, const struct qbid_ope_estimate *e, double truth)
{
    t->sum += e->value - truth;
    t->square += (e->value - truth) * (e->value - truth);
    t->covered += e->low <= truth && truth <= e->high;
}

static void estimates_are_unbiased_where_the_model_is_wrong(void **state)
{
    (void)state;
    enum { ROUNDS = 2000 };
    static struct qbid_ope_sample samples[LOG];
    static const char *const name[] = {"IPS", "SNIPS", "doubly robust", "model alone"};
    struct track track[4] = {{0}};
    struct rng r = rng_init(11);
    double truth = worth(judged);
    NEAR(truth, 0.0472, 1e-12);
    NEAR(worth_by_the_model(judged) - truth, -0.0158, 1e-4);
    for (int k = 0; k < ROUNDS; k++) {
        log_make(&r, samples);
        struct qbid_ope ope = judge(samples, LOG);
        follow(&track[0], &ope.ips, truth);
        follow(&track[1], &ope.snips, truth);
        follow(&track[2], &ope.doubly, truth);
        follow(&track[3], &ope.model, truth);
        assert_true(ope.verdict != QBID_OPE_UNSUPPORTED);
    }
    double rmse[4];
    for (int e = 0; e < 4; e++) {
        double bias = track[e].sum / ROUNDS;
        double sd = sqrt(track[e].square / ROUNDS - bias * bias);
        rmse[e] = sqrt(track[e].square / ROUNDS);
        print_message("%s: bias %+.5f sd %.5f rmse %.5f covered %.3f\n", name[e], bias, sd, rmse[e],
                      (double)track[e].covered / ROUNDS);
        if (e < 3) {
            assert_true(fabs(bias) <= 2 * sd / sqrt(ROUNDS));
            /* some 94 clicks a log, few of them with most of the weight: 1.96 errors to both sides
             * hold the truth in 93 to 94 % of logs */
            assert_true(track[e].covered >= 0.945 * ROUNDS && track[e].covered <= 0.965 * ROUNDS);
        } else {
            NEAR(bias, -0.0158, 1e-3);
            assert_true(track[e].covered < 0.5 * ROUNDS); /* it is sure of what is wrong */
        }
    }
    assert_true(rmse[2] <= rmse[0]);
}

static void bootstrap_intervals_are_about_two_errors_wide(void **state)
{
    (void)state;
    static struct qbid_ope_sample samples[LOG];
    struct rng r = rng_init(5);
    struct qbid_ope_params params = qbid_ope_defaults();
    struct qbid_ope normal, again, drawn;
    log_make(&r, samples);
    normal = judge(samples, LOG);
    params.interval = QBID_OPE_BOOTSTRAP;
    params.rounds = 1000;
    assert_int_equal(qbid_ope_evaluate(samples, LOG, &params, &drawn), 0);
    assert_int_equal(qbid_ope_evaluate(samples, LOG, &params, &again), 0);
    assert_memory_equal(&drawn, &again, sizeof drawn);
    const struct qbid_ope_estimate *n = &normal.logged, *b = &drawn.logged;
    for (int e = 0; e < 6; e++, n++, b++) { /* six estimates lie side by side */
        assert_true(n->value == b->value);
        NEAR(b->low, n->value - 1.96 * n->error, 0.3 * n->error);
        NEAR(b->high, n->value + 1.96 * n->error, 0.3 * n->error);
    }
}

/* Thirty-two policies that are worth what the logging one is, judged on the same log: each by
 * itself one in twenty is found to differ, all together in one log of twenty some is. */
static void policies_judged_together_are_not_found_better_by_chance(void **state)
{
    (void)state;
    enum { ROUNDS = 400, POLICIES = 32, N = 1000 };
    static struct qbid_ope_sample s[N];
    static uint8_t action[N];
    struct rng r = rng_init(17);
    int alone = 0, together = 0;
    for (int k = 0; k < ROUNDS; k++) {
        int found[2] = {0};
        for (int i = 0; i < N; i++)
            action[i] = (uint8_t)rng_below(&r, 2);
        for (int i = 0; i < N; i++)
            s[i] = (struct qbid_ope_sample){rng_uniform(&r) < 0.2, 0.5, 0, 0, 0};
        for (int p = 0; p < POLICIES; p++) {
            struct qbid_ope_params params = qbid_ope_defaults();
            struct qbid_ope ope;
            for (int i = 0; i < N; i++) { /* prefers an action by a context of its own */
                int likes = (int)(qbid_mix64((uint64_t)(i * POLICIES + p)) & 1);
                s[i].target = action[i] == likes ? 0.9 : 0.1;
            }
            for (int all = 0; all < 2; all++) {
                params.together = all ? POLICIES : 1;
                assert_int_equal(qbid_ope_evaluate(s, N, &params, &ope), 0);
                found[all] |= ope.verdict == QBID_OPE_BETTER || ope.verdict == QBID_OPE_WORSE;
            }
        }
        alone += found[0];
        together += found[1];
    }
    print_message(
        "32 equal policies, some found to differ: each judged alone in %.3f of logs, together "
        "in %.3f\n",
        (double)alone / ROUNDS, (double)together / ROUNDS);
    assert_true(alone > ROUNDS / 2);
    assert_true(together <= 0.085 * ROUNDS); /* 0.05 and three errors */
}

static void few_effective_samples_conclude_nothing(void **state)
{
    (void)state;
    static struct qbid_ope_sample s[4000];
    for (int policy = 0; policy < 2; policy++) {
        /* the second action, taken one time in 50, earns far more: 80 of them do not conclude */
        int n = policy ? 1990 * 2 : 4000;
        for (int i = 0; i < n; i++) {
            int rare = i % (policy ? 20 : 50) == 0;
            double p = policy ? 0.05 : 0.02;
            s[i] = (struct qbid_ope_sample){rare ? 10 : 1, rare ? p : 1 - p, rare, 0, 0};
        }
        struct qbid_ope ope = judge(s, (uint64_t)n);
        NEAR(ope.effective, n * (policy ? 0.05 : 0.02), 1);
        NEAR(ope.ips.value, 10, 1e-9);
        assert_int_equal(ope.verdict, policy ? QBID_OPE_BETTER : QBID_OPE_TOO_LITTLE);
    }
}

static void what_the_log_never_did_is_not_told_from_it(void **state)
{
    (void)state;
    static struct qbid_ope_sample s[4000];
    struct rng r = rng_init(3);
    for (int i = 0; i < 4000; i++) { /* half of what is judged would go where the log never went */
        int a = rng_uniform(&r) < 0.5;
        s[i] = (struct qbid_ope_sample){a, 0.5, a ? 0.5 : 0, 0, 0};
    }
    assert_int_equal(judge(s, 4000).verdict, QBID_OPE_UNSUPPORTED);
    for (int i = 0; i < 4000; i++)
        s[i].target = 0;
    struct qbid_ope ope = judge(s, 4000);
    assert_int_equal(ope.verdict, QBID_OPE_UNSUPPORTED);
    assert_true(ope.effective == 0 && ope.snips.value == 0);
    assert_non_null(strstr(qbid_ope_verdict_text(ope.verdict), "never"));
}

/* --- Open Bandit, men: one shop's log of a uniform policy, and of a Thompson sampler */

#define ITEMS 34
#define PLACES 3
#define ROWS_MAX 20000

struct shown {
    int item, place;
    double click, propensity;
};

static int shown_read(const char *path, struct shown *rows)
{
    char line[4096];
    int n = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file) && n < ROWS_MAX) {
        struct shown *row = &rows[n];
        if (sscanf(line, "%*d,%*[^,],%d,%d,%lf,%lf", &row->item, &row->place, &row->click,
                   &row->propensity) == 4)
            n++;
    }
    fclose(file);
    return n;
}

static double click_rate(const struct shown *rows, int n, double *ret_error)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += rows[i].click / n;
    *ret_error = sqrt(sum * (1 - sum) / n);
    return sum;
}

static void say(const char *what, const struct qbid_ope *ope, double truth, double error)
{
    print_message("%s: IPS %.5f [%.5f, %.5f], SNIPS %.5f [%.5f, %.5f], effective %.0f of %llu; "
                  "by its own log %.5f +- %.5f\n",
                  what, ope->ips.value, ope->ips.low, ope->ips.high, ope->snips.value,
                  ope->snips.low, ope->snips.high, ope->effective, (unsigned long long)ope->n,
                  truth, 1.96 * error);
}

static void holds(const struct qbid_ope_estimate *e, double truth)
{
    assert_true(e->low <= truth && truth <= e->high);
}

static void each_real_log_tells_the_others_click_rate(void **state)
{
    (void)state;
    static struct shown uniform[ROWS_MAX], thompson[ROWS_MAX];
    static struct qbid_ope_sample s[ROWS_MAX];
    static double share[PLACES + 1][ITEMS], place[PLACES + 1];
    int u = shown_read("../shared/data/bandit/obd_random_men.csv", uniform);
    int t = shown_read("../shared/data/bandit/obd_bts_men.csv", thompson);
    if (u < 0 || t < 0) {
        print_message("SKIPPED: ../shared/data/bandit is not there\n");
        skip();
    }
    assert_int_equal(u, 10000);
    assert_int_equal(t, 10000);
    double own_error;
    /* the sampler's shares moved while it learned: over the week, what it showed by place */
    for (int i = 0; i < t; i++) {
        assert_in_range(thompson[i].item, 0, ITEMS - 1);
        assert_in_range(thompson[i].place, 1, PLACES);
        share[thompson[i].place][thompson[i].item]++;
        place[thompson[i].place]++;
    }
    for (int i = 0; i < u; i++) {
        double target = share[uniform[i].place][uniform[i].item] / place[uniform[i].place];
        s[i] = (struct qbid_ope_sample){uniform[i].click, uniform[i].propensity, target, 0, 0};
    }
    struct qbid_ope ope = judge(s, (uint64_t)u);
    double own = click_rate(thompson, t, &own_error);
    say("Thompson sampler by the uniform log", &ope, own, own_error);
    holds(&ope.ips, own);
    holds(&ope.snips, own);
    assert_true(ope.effective >= QBID_OPE_EFFECTIVE_MIN);
    /* and back, by the propensities that were logged with each choice */
    for (int i = 0; i < t; i++)
        s[i] =
            (struct qbid_ope_sample){thompson[i].click, thompson[i].propensity, 1.0 / ITEMS, 0, 0};
    ope = judge(s, (uint64_t)t);
    own = click_rate(uniform, u, &own_error);
    say("uniform policy by the sampler's log", &ope, own, own_error);
    holds(&ope.snips, own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_decisions_give_what_they_give_by_hand),
        cmocka_unit_test(the_policy_that_logged_is_worth_what_it_earned),
        cmocka_unit_test(impossible_samples_and_parameters_are_refused),
        cmocka_unit_test(estimates_are_unbiased_where_the_model_is_wrong),
        cmocka_unit_test(bootstrap_intervals_are_about_two_errors_wide),
        cmocka_unit_test(policies_judged_together_are_not_found_better_by_chance),
        cmocka_unit_test(few_effective_samples_conclude_nothing),
        cmocka_unit_test(what_the_log_never_did_is_not_told_from_it),
        cmocka_unit_test(each_real_log_tells_the_others_click_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
