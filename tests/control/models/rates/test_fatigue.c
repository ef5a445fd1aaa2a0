/* SPDX-License-Identifier: Apache-2.0 */
/* r(k): a planted curve under survivorship, the likelihood's maximum, and a real table in which the
 * rate of all users has the wrong sign. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/rates/fatigue.h"
#include "tests/control/models/rng.h"

#define CAP 8

static double planted(int k)
{
    return pow(1 + 0.3 * k, -0.6); /* 1, 0.85, 0.75 ... 0.51 */
}

/* What all users together look like: clicks and impressions by exposure. */
struct pooled {
    double clicks[CAP], shown[CAP];
};

/* Impressions under a cap of 8: who sees the ad often clicks more, by nature. */
static uint64_t users_draw(uint64_t seed, uint64_t impressions, struct qbid_fatigue *f,
                           struct pooled *pooled)
{
    struct rng r = rng_init(seed);
    uint64_t shown = 0;
    memset(f, 0, sizeof *f);
    memset(pooled, 0, sizeof *pooled);
    while (shown < impressions) {
        double activity = rng_lognormal(&r, 0.9, 0.9);
        double base = fmin(0.02 * pow(activity, 0.8) * rng_lognormal(&r, 0, 0.4), 0.5);
        int seen = 1 + (int)activity;
        seen = seen < CAP ? seen : CAP;
        uint32_t clicked = 0;
        for (int k = 0; k < seen; k++) {
            bool click = rng_uniform(&r) < base * planted(k);
            clicked |= (uint32_t)click << k;
            pooled->clicks[k] += click;
            pooled->shown[k]++;
        }
        qbid_fatigue_see(f, (uint32_t)seen, clicked);
        shown += (uint64_t)seen;
    }
    return shown;
}

static void a_planted_curve_comes_back_within_five_percent(void **state)
{
    enum { SEEDS = 20 };
    (void)state;
    double mean = 0, most = 0, wrong = 0, bias[CAP] = {0};
    int within = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct qbid_fatigue f;
        struct pooled pooled;
        double r[QBID_FATIGUE_MAX], worst = 0;
        users_draw(seed, 1000000, &f, &pooled);
        qbid_fatigue_fit(&f, NULL, 20, r);
        assert_true(r[0] == 1);
        for (int k = 0; k < CAP; k++) {
            worst = fmax(worst, fabs(r[k] / planted(k) - 1));
            bias[k] += (r[k] / planted(k) - 1) / SEEDS;
            assert_true(k == 0 || r[k] <= r[k - 1]);
        }
        mean += worst / SEEDS;
        most = fmax(most, worst);
        within += worst <= 0.05;
        wrong =
            (pooled.clicks[CAP - 1] / pooled.shown[CAP - 1]) / (pooled.clicks[0] / pooled.shown[0]);
        assert_true(wrong > 1); /* all users together seem to click more the more they see */
    }
    print_message("r(k) at 1,000,000 impressions, %d seeds: worst error %.4f on average, %.4f at "
                  "most, within 5 %% in %d; r(7) %.3f, over all users %.3f\n",
                  SEEDS, mean, most, within, planted(CAP - 1), wrong);
    assert_true(most <= 0.05);
    print_message("bias at the last exposure %+.4f\n", bias[CAP - 1]);
    for (int k = 0; k < CAP; k++) /* 20 clicks of prior draw towards 1 what few clicks tell */
        assert_true(bias[k] >= -0.01 && bias[k] <= 0.03);
}

static double log_likelihood(const struct qbid_fatigue *f, const double *r)
{
    double sum = 0, all = r[0];
    for (int g = 1; g < QBID_FATIGUE_MAX; g++) {
        all += r[g];
        for (int k = 0; k <= g; k++)
            sum += f->clicks[g][k] * log(r[k] / all);
    }
    return sum;
}

static void the_fit_is_a_maximum_of_the_conditional_likelihood(void **state)
{
    (void)state;
    struct qbid_fatigue f = {{0}, {{0}}};
    double r[QBID_FATIGUE_MAX], near[QBID_FATIGUE_MAX];
    struct rng rng = rng_init(3);
    for (int g = 1; g < QBID_FATIGUE_MAX; g++)
        for (int k = 0; k <= g; k++)
            f.clicks[g][k] = 1e5 * pow(0.8, k) * (1 + 0.02 * rng_uniform(&rng));
    qbid_fatigue_likeliest(&f, r);
    double best = log_likelihood(&f, r);
    for (int i = 0; i < 2000; i++) {
        memcpy(near, r, sizeof near);
        near[1 + rng_below(&rng, QBID_FATIGUE_MAX - 1)] *= rng_uniform(&rng) < 0.5 ? 0.999 : 1.001;
        assert_true(log_likelihood(&f, near) <= best + 1e-6);
    }
}

static void two_exposures_give_the_ratio_of_their_clicks(void **state)
{
    (void)state;
    struct qbid_fatigue f = {{0}, {{0}}}, twice = {{0}, {{0}}};
    double r[QBID_FATIGUE_MAX];
    for (int i = 0; i < 1000; i++) {
        qbid_fatigue_see(&f, 2, i < 300 ? 1 : i < 450 ? 2 : 0);
        qbid_fatigue_see(&f, 1, i < 10); /* compares nothing */
    }
    assert_true(qbid_fatigue_clicks(&f) == 460);
    qbid_fatigue_fit(&f, NULL, 1e-9, r);
    assert_true(fabs(r[1] - 0.5) < 1e-6);
    qbid_fatigue_add(&twice, &f);
    qbid_fatigue_add(&twice, &f);
    assert_true(twice.clicks[1][1] == 300 && twice.users[1] == 2000);
    qbid_fatigue_see(&f, 0, 1);
    qbid_fatigue_see(&f, 40, UINT32_MAX); /* the first 16 of them */
    assert_true(f.users[15] == 1 && qbid_fatigue_clicks(&f) == 460 + 16);
}

static void without_data_the_prior_stands_and_little_data_moves_it_little(void **state)
{
    (void)state;
    struct qbid_fatigue f = {{0}, {{0}}};
    double r[QBID_FATIGUE_MAX], prior[QBID_FATIGUE_MAX];
    qbid_fatigue_fit(&f, NULL, 20, r);
    for (int k = 0; k < QBID_FATIGUE_MAX; k++) {
        assert_true(r[k] == 1);
        prior[k] = planted(k);
    }
    qbid_fatigue_fit(&f, prior, 20, r);
    for (int k = 0; k < QBID_FATIGUE_MAX; k++)
        assert_true(fabs(r[k] - planted(k)) < 1e-12);
    for (int i = 0; i < 10; i++)
        qbid_fatigue_see(&f, 2, 1); /* ten clicks, all at the first exposure */
    qbid_fatigue_fit(&f, NULL, 200, r);
    assert_true(r[1] > 0.9 && r[1] < 1);
    for (int i = 0; i < 10; i++)
        qbid_fatigue_see(&f, 2, 2);
    for (int i = 0; i < 10; i++)
        qbid_fatigue_see(&f, 2, 2); /* more at the second: no later one is worth more */
    qbid_fatigue_fit(&f, NULL, 1, r);
    assert_true(r[0] == 1 && r[1] == 1);
    for (int k = 2; k < QBID_FATIGUE_MAX; k++)
        assert_true(r[k] <= 1 && r[k] > 0.8);
}

/* With clicks enough for every bend to be real nothing is smoothed away; a curve with a step in it
 * keeps the step. */
static void a_real_bend_stays(void **state)
{
    (void)state;
    struct qbid_fatigue f = {{0}, {{0}}};
    double r[QBID_FATIGUE_MAX];
    for (int k = 0; k < CAP; k++)
        f.clicks[CAP - 1][k] = k < 3 ? 1e5 : 4e4;
    qbid_fatigue_fit(&f, NULL, 20, r);
    for (int k = 0; k < CAP; k++)
        assert_true(fabs(r[k] / (k < 3 ? 1 : 0.4) - 1) < 0.005);
}

/* Exposures that nobody had say nothing of those that were had. */
static void what_was_not_seen_lifts_nothing(void **state)
{
    (void)state;
    struct qbid_fatigue f = {{0}, {{0}}};
    double r[QBID_FATIGUE_MAX];
    for (int k = 0; k < 3; k++)
        f.clicks[2][k] = 1000 * planted(k);
    qbid_fatigue_fit(&f, NULL, 1e-6, r);
    for (int k = 0; k < QBID_FATIGUE_MAX; k++)
        assert_true(fabs(r[k] / planted(k < 2 ? k : 2) - 1) < 1e-6);
}

/* The value of a column in the first line of a CSV file whose first columns are as given. */
static double table_value(const char *path, const char *starts, int column)
{
    char line[512];
    double value = NAN;
    FILE *file = fopen(path, "r");
    while (file && isnan(value) && fgets(line, sizeof line, file)) {
        char *at = line;
        if (strncmp(line, starts, strlen(starts)) != 0)
            continue;
        for (int i = 0; i < column && at; i++)
            at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL;
        if (at)
            (void)sscanf(at, "%lf", &value);
    }
    if (file)
        fclose(file);
    return value;
}

/* Criteo's attribution data: 13,664 users with at least five exposures, against everybody. */
static void real_users_tire_while_their_pooled_rate_rises(void **state)
{
    static const char cohort[] = "../shared/data/fatigue/rq1_cohort_ctr_by_exposure.csv";
    static const char all[] = "../shared/data/fatigue/ctr_decline_tests.csv";
    (void)state;
    struct qbid_fatigue f = {{0}, {{0}}};
    double r[QBID_FATIGUE_MAX], rate[5];
    char starts[16];
    if (isnan(table_value(cohort, "1,", 1))) {
        print_message("SKIPPED: ../shared/data/fatigue is not there\n");
        skip();
    }
    for (int k = 0; k < 5; k++) {
        snprintf(starts, sizeof starts, "%d,", k + 1);
        rate[k] = table_value(cohort, starts, 1);
        f.clicks[4][k] = rate[k] * 13664;
    }
    qbid_fatigue_fit(&f, NULL, 20, r);
    double pooled = table_value(all, "1,5,", 3) / table_value(all, "1,5,", 2);
    print_message("Criteo: r(4) %.3f of the same users, %.3f over all users\n", r[4], pooled);
    assert_true(pooled > 1.3);
    assert_true(fabs(r[4] / (rate[4] / rate[0]) - 1) < 0.02);
    assert_true(r[4] < 0.75);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_planted_curve_comes_back_within_five_percent),
        cmocka_unit_test(the_fit_is_a_maximum_of_the_conditional_likelihood),
        cmocka_unit_test(two_exposures_give_the_ratio_of_their_clicks),
        cmocka_unit_test(without_data_the_prior_stands_and_little_data_moves_it_little),
        cmocka_unit_test(a_real_bend_stays),
        cmocka_unit_test(what_was_not_seen_lifts_nothing),
        cmocka_unit_test(real_users_tire_while_their_pooled_rate_rises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
