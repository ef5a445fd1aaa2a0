/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling and Platt's line against scikit-learn, the error's bias against simulation, and what
 * calibration does to predictions that are off. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/models/predict/calibration.h"
#include "control/models/isotonic.h"
#include "shm/error.h"
#include "tests/control/models/learned_fixture.h"
#include "tests/control/models/rng.h"

static void fit_values(const double *value, const double *weight, uint32_t n, double *fit)
{
    double sum[64];
    struct qbid_isotonic_block block[64];
    for (uint32_t i = 0; i < n; i++)
        sum[i] = value[i] * weight[i];
    uint32_t cnt = qbid_isotonic_fit(sum, weight, n, block), i = 0;
    for (uint32_t b = 0; b < cnt; b++)
        for (; i < block[b].end; i++)
            fit[i] = block[b].sum / block[b].weight;
    assert_int_equal(i, n);
}

static void pooling_gives_the_hand_example(void **state)
{
    (void)state;
    const double value[6] = {1, 3, 2, 4, 3.5, 5}, weight[6] = {1, 1, 1, 1, 1, 1};
    const double want[6] = {1, 2.5, 2.5, 3.75, 3.75, 5};
    double fit[6];
    fit_values(value, weight, 6, fit);
    for (unsigned i = 0; i < 6; i++)
        assert_true(fit[i] == want[i]);
}

static void pooling_equals_scikit_learn(void **state)
{
    (void)state;
    double worst = 0, fit[64];
    for (size_t c = 0; c < sizeof isotonic_cases / sizeof *isotonic_cases; c++) {
        const struct isotonic_case *k = &isotonic_cases[c];
        fit_values(k->value, k->weight, k->n, fit);
        for (unsigned i = 0; i < k->n; i++)
            worst = fmax(worst, fabs(fit[i] - k->fit[i]));
    }
    assert_true(worst < 1e-12);
}

static void points_without_weight_belong_to_the_block_that_follows(void **state)
{
    (void)state;
    const double sum[5] = {0, 2, 0, 3, 0}, weight[5] = {0, 1, 0, 1, 0};
    struct qbid_isotonic_block block[5];
    assert_int_equal(qbid_isotonic_fit(sum, weight, 5, block), 2);
    assert_int_equal(block[0].end, 2);
    assert_int_equal(block[1].end, 5);
    assert_int_equal(qbid_isotonic_fit(weight, (const double[5]){0}, 5, block), 0);
}

static void platts_line_equals_scikit_learn(void **state)
{
    (void)state;
    double trials[200], worst = 0;
    for (unsigned i = 0; i < 200; i++)
        trials[i] = 1;
    for (size_t c = 0; c < sizeof platt_cases / sizeof *platt_cases; c++) {
        const struct platt_case *k = &platt_cases[c];
        struct qbid_calibration_line line =
            qbid_calibration_platt(k->score, trials, k->good, k->n, 0);
        worst = fmax(worst, fabs(line.slope - k->slope) + fabs(line.intercept - k->intercept));
    }
    assert_true(worst < 2e-4); /* scikit-learn's own stopping rule */
}

static void without_evidence_predictions_stay(void **state)
{
    (void)state;
    struct qbid_calibration_counts counts = {0};
    struct qbid_calibration table;
    qbid_calibration_add(&counts, 0.1, 100, 19);
    qbid_calibration_add(&counts, 0.1, NAN, 19);
    qbid_calibration_add(&counts, 0.1, -5, 19);
    qbid_calibration_fit(&counts, &table);
    assert_int_equal(table.kind, QBID_CALIBRATION_NONE);
    assert_true(qbid_calibration_apply(&table, 0.25) == 0.25);
    for (double p = 1e-10; p < 1; p *= 3)
        assert_true(fabs(qbid_calibration_probability(qbid_calibration_odds(p)) / p - 1) < 1e-9);
}

/* Predictions that are too bold by a factor in log odds, and off by another. */
static double told(double truth, double bold, double off)
{
    return qbid_calibration_probability(bold * qbid_calibration_odds(truth) + off);
}

static double truth_draw(struct rng *r)
{
    return fmin(rng_lognormal(r, -3.5, 1), 0.9);
}

static struct qbid_calibration learn(struct rng *r, unsigned n, double bold, double off)
{
    static struct qbid_calibration_counts counts;
    counts = (struct qbid_calibration_counts){0};
    for (unsigned i = 0; i < n; i++) {
        double p = truth_draw(r);
        qbid_calibration_add(&counts, told(p, bold, off), 1, rng_uniform(r) < p);
    }
    struct qbid_calibration table;
    qbid_calibration_fit(&counts, &table);
    return table;
}

#define POINTS 100000

static struct qbid_calibration_error measure(struct rng *r, const struct qbid_calibration *table,
                                             double bold, double off)
{
    static double p[POINTS], one[POINTS], good[POINTS];
    struct qbid_calibration_error error;
    for (unsigned i = 0; i < POINTS; i++) {
        double truth = truth_draw(r);
        p[i] = qbid_calibration_apply(table, told(truth, bold, off));
        one[i] = 1;
        good[i] = rng_uniform(r) < truth;
    }
    assert_int_equal(qbid_calibration_measure(p, one, good, POINTS, &error), 0);
    return error;
}

static void after_calibration_little_but_chance_is_left(void **state)
{
    (void)state;
    const double bold[] = {1, 1.6, 0.6, 1.2}, off[] = {0, 0.7, -1, 1.5};
    double worst = -1;
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned thin = 0; thin < 2; thin++) {
            struct rng r = rng_init(100 + 2 * i + thin);
            struct qbid_calibration raw = {0};
            struct qbid_calibration table = learn(&r, thin ? 5000 : POINTS, bold[i], off[i]);
            assert_int_equal(table.kind, thin ? QBID_CALIBRATION_PLATT : QBID_CALIBRATION_ISOTONIC);
            struct qbid_calibration_error before = measure(&r, &raw, bold[i], off[i]);
            struct qbid_calibration_error after = measure(&r, &table, bold[i], off[i]);
            if (i > 0)
                assert_true(before.debiased > 0.01 && before.p_value < 1e-6);
            else
                assert_true(before.debiased < 0.001 && before.p_value > 1e-4);
            if (!thin)
                worst = fmax(worst, after.ece - after.perfect);
            assert_true(after.ece <= after.perfect + (thin ? 0.006 : 0.003));
        }
    }
    print_message("calibration: worst ECE - perfect-model bias %.5f (0.003 allowed)\n", worst);
}

static void a_table_only_rises(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct rng r = rng_init(seed);
        struct qbid_calibration table =
            learn(&r, 200 + rng_below(&r, 60000), 0.3 + (double)(seed % 4), 0.5);
        for (uint32_t k = 1; k < table.cnt; k++)
            assert_true(table.at[k] > table.at[k - 1] && table.to[k] >= table.to[k - 1]);
        double last = 0;
        for (double odds = -30; odds < 30; odds += 0.01) {
            double q = qbid_calibration_apply(&table, qbid_calibration_probability(odds));
            assert_true(q >= last && q <= 1);
            last = q;
        }
    }
}

static void bins_without_a_success_are_not_taken_for_certain(void **state)
{
    (void)state;
    struct qbid_calibration_counts counts = {0};
    struct qbid_calibration table;
    qbid_calibration_add(&counts, 0.001, 200, 0);
    qbid_calibration_add(&counts, 0.05, 100000, 5000);
    qbid_calibration_add(&counts, 0.9, 30, 30);
    qbid_calibration_fit(&counts, &table);
    double low = qbid_calibration_apply(&table, 0.001), high = qbid_calibration_apply(&table, 0.9);
    assert_true(fabs(low - 0.5 / 201) < 1e-9);
    assert_true(fabs(high - (1 - 0.5 / 31)) < 1e-9);
}

/* The mean error of true probabilities, simulated, against what is stated with every measurement.
 */
static void a_perfect_model_scores_its_stated_bias(void **state)
{
    (void)state;
    const uint32_t size[] = {1000, 10000, 100000};
    const unsigned rounds[] = {200, 50, 8};
    static double p[POINTS], one[POINTS], good[POINTS];
    for (unsigned s = 0; s < 3; s++) {
        struct rng r = rng_init(7 + s);
        double ece = 0, stated = 0, z = 0;
        for (unsigned k = 0; k < rounds[s]; k++) {
            struct qbid_calibration_error e;
            for (uint32_t i = 0; i < size[s]; i++) {
                p[i] = rng_uniform(&r);
                one[i] = 1;
                good[i] = rng_uniform(&r) < p[i];
            }
            assert_int_equal(qbid_calibration_measure(p, one, good, size[s], &e), 0);
            ece += e.ece / rounds[s];
            stated += e.perfect / rounds[s];
            z += e.z * e.z / rounds[s];
        }
        print_message("calibration: a perfect model scores ECE %.4f at n = %u (stated %.4f)\n", ece,
                      size[s], stated);
        assert_true(fabs(ece / stated - 1) < 0.1);
        if (s == 0)
            assert_true(z > 0.6 && z < 1.5); /* a standard normal */
    }
}

static void counts_and_single_trials_measure_the_same_error(void **state)
{
    (void)state;
    const double p[3] = {0.1, 0.2, 0.4}, trials[3] = {100, 100, 100}, good[3] = {12, 25, 30};
    struct qbid_calibration_error e;
    assert_int_equal(qbid_calibration_measure(p, trials, good, 3, &e), 0);
    assert_true(fabs(e.ece - (2 + 5 + 10) / 300.0) < 1e-12);
    double v = 100 * (0.09 * 0.64 + 0.16 * 0.36 + 0.24 * 0.04);
    assert_true(fabs(e.z - (2 * 0.8 + 5 * 0.6 - 10 * 0.2) / sqrt(v)) < 1e-12);
    assert_int_equal(qbid_calibration_measure(p, (const double[3]){0}, good, 3, &e),
                     QBID_ERR_INVAL);
}

static void faded_counts_weigh_less(void **state)
{
    (void)state;
    struct qbid_calibration_counts counts = {0};
    struct qbid_calibration table;
    qbid_calibration_add(&counts, 0.05, 100000, 10000);
    qbid_calibration_fade(&counts, 0.1);
    qbid_calibration_add(&counts, 0.05, 40000, 2000);
    qbid_calibration_fit(&counts, &table);
    assert_true(fabs(qbid_calibration_apply(&table, 0.05) - 3000.0 / 50000) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pooling_gives_the_hand_example),
        cmocka_unit_test(pooling_equals_scikit_learn),
        cmocka_unit_test(points_without_weight_belong_to_the_block_that_follows),
        cmocka_unit_test(platts_line_equals_scikit_learn),
        cmocka_unit_test(without_evidence_predictions_stay),
        cmocka_unit_test(after_calibration_little_but_chance_is_left),
        cmocka_unit_test(a_table_only_rises),
        cmocka_unit_test(bins_without_a_success_are_not_taken_for_certain),
        cmocka_unit_test(a_perfect_model_scores_its_stated_bias),
        cmocka_unit_test(counts_and_single_trials_measure_the_same_error),
        cmocka_unit_test(faded_counts_weigh_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
