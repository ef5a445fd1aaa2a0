/* SPDX-License-Identifier: Apache-2.0 */
/* Bayesian optimisation: the process against scikit-learn's, Sobol against SciPy's, Branin and
 * Hartmann, and constraints. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/allocate/bayes.h"
#include "shm/error.h"
#include "tests/control/models/allocate/gaussian_fixture.h"
#include "tests/control/models/rng.h"

#ifdef __SANITIZE_ADDRESS__
#define SEEDS 1
#else
#define SEEDS 10
#endif

static char why[QBID_BAYES_WHY_MAX];

static struct qbid_gaussian fixture_process(void)
{
    struct qbid_gaussian g;
    assert_int_equal(qbid_gaussian_new(POINTS, DIMS, &g), 0);
    for (int k = 0; k < DIMS; k++)
        g.params.log_length[k] = log(fixture_length[k]);
    g.params.log_variance = log(fixture_variance);
    g.params.log_noise = log(fixture_noise);
    assert_int_equal(qbid_gaussian_fit(&g, fixture_x[0], fixture_y, POINTS), 0);
    return g;
}

static void posterior_and_improvement_are_scikit_learns(void **state)
{
    (void)state;
    struct qbid_gaussian g = fixture_process();
    double best = INFINITY, worst = 0;
    for (int i = 0; i < POINTS; i++)
        best = fmin(best, fixture_y[i]);
    assert_true(fabs(g.log_likelihood - fixture_likelihood) < 1e-8);
    for (int i = 0; i < PLACES; i++) {
        double mean, variance;
        qbid_gaussian_predict(&g, fixture_at[i], &mean, &variance, NULL, NULL);
        worst = fmax(worst, fabs(mean - fixture_mean[i]));
        worst = fmax(worst, fabs(variance - fixture_variance_at[i]));
        worst = fmax(worst,
                     fabs(qbid_bayes_improvement(best, mean, variance) - fixture_improvement[i]));
    }
    print_message("bayes: mean, variance, improvement against scikit-learn: %.2g apart\n", worst);
    assert_true(worst < 1e-8);
    assert_true(qbid_bayes_improvement(1, 0, 0) == 1 && qbid_bayes_improvement(0, 1, 0) == 0);
    qbid_gaussian_done(&g);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    struct qbid_gaussian g = fixture_process();
    for (int i = 0; i < PLACES; i++) {
        double at[DIMS], mean, variance, mean_by[DIMS], variance_by[DIMS], up[2], down[2];
        memcpy(at, fixture_at[i], sizeof at);
        qbid_gaussian_predict(&g, at, &mean, &variance, mean_by, variance_by);
        for (int k = 0; k < DIMS; k++) {
            at[k] += 1e-5;
            qbid_gaussian_predict(&g, at, &up[0], &up[1], NULL, NULL);
            at[k] -= 2e-5;
            qbid_gaussian_predict(&g, at, &down[0], &down[1], NULL, NULL);
            at[k] += 1e-5;
            assert_true(fabs((up[0] - down[0]) / 2e-5 - mean_by[k]) < 1e-6);
            assert_true(fabs((up[1] - down[1]) / 2e-5 - variance_by[k]) < 1e-6);
        }
    }
    qbid_gaussian_done(&g);
}

/* Learned lengths: a function of one of two inputs makes the other's long. */
static void lengths_are_learned(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    double x[40][2], y[40], mean = 0;
    struct qbid_gaussian g;
    assert_int_equal(qbid_gaussian_new(40, 2, &g), 0);
    for (int i = 0; i < 40; i++) {
        x[i][0] = rng_uniform(&r), x[i][1] = rng_uniform(&r);
        y[i] = sin(6 * x[i][0]);
        mean += y[i] / 40;
    }
    for (int i = 0; i < 40; i++)
        y[i] -= mean;
    assert_int_equal(qbid_gaussian_fit(&g, x[0], y, 40), 0);
    double before = g.log_likelihood;
    assert_int_equal(qbid_gaussian_learn(&g, x[0], y, 40, 100), 0);
    assert_true(g.log_likelihood > before);
    assert_true(g.params.log_length[1] > g.params.log_length[0] + 1);
    qbid_gaussian_done(&g);
}

static void sobol_is_scipys(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SOBOL; i++) {
        double x[SOBOL_DIMS];
        qbid_bayes_sobol(i, SOBOL_DIMS, x);
        for (int k = 0; k < SOBOL_DIMS; k++)
            assert_true(fabs(x[k] - fixture_sobol[i][k]) < 1e-9);
    }
}

static double branin(const double *x)
{
    double a = x[1] - 5.1 / (4 * M_PI * M_PI) * x[0] * x[0] + 5 / M_PI * x[0] - 6;
    return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x[0]) + 10 - 0.39788735772973816;
}

static double hartmann(const double *x)
{
    static const double alpha[4] = {1, 1.2, 3, 3.2};
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                   {0.05, 10, 17, 0.1, 8, 14},
                                   {3, 3.5, 1.7, 10, 17, 8},
                                   {17, 8, 0.05, 10, 0.1, 14}};
    static const double p[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                                   {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                                   {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                                   {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
    double sum = 3.3223680114155147;
    for (int i = 0; i < 4; i++) {
        double inner = 0;
        for (int k = 0; k < 6; k++)
            inner += a[i][k] * (x[k] - p[i][k]) * (x[k] - p[i][k]);
        sum -= alpha[i] * exp(-inner);
    }
    return sum;
}

static const double branin_low[2] = {-5, 0}, branin_high[2] = {10, 15};
static const double cube_low[6], cube_high[6] = {1, 1, 1, 1, 1, 1};

static struct qbid_bayes_params params_of(int six, uint64_t seed)
{
    return (struct qbid_bayes_params){.low = six ? cube_low : branin_low,
                                      .high = six ? cube_high : branin_high,
                                      .dims = six ? 6 : 2,
                                      .points_max = six ? 80 : 50,
                                      .seed = seed};
}

/* Regret after all evaluations. */
static double regret(const struct qbid_bayes_params *params, double (*fn)(const double *))
{
    struct qbid_bayes *bayes;
    double x[6], best;
    assert_int_equal(qbid_bayes_new(params, &bayes, why), 0);
    for (uint32_t i = 0; i < params->points_max; i++) {
        assert_int_equal(qbid_bayes_ask(bayes, x), 0);
        if (params->allowed)
            assert_true(params->allowed(params->context, x));
        assert_int_equal(qbid_bayes_tell(bayes, x, fn(x)), 0);
    }
    assert_int_equal(qbid_bayes_ask(bayes, x), QBID_ERR_FULL);
    best = qbid_bayes_best(bayes, x);
    assert_true(fabs(fn(x) - best) < 1e-9);
    qbid_bayes_free(bayes);
    return best;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void known_minima_are_found(void **state)
{
    (void)state;
    double two[SEEDS], six[SEEDS], random_two = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
        struct qbid_bayes_params params = params_of(0, (uint64_t)seed + 1);
        two[seed] = regret(&params, branin);
        params = params_of(1, (uint64_t)seed + 1);
        six[seed] = regret(&params, hartmann);
        struct rng r = rng_init((uint64_t)seed + 1);
        double best = INFINITY;
        for (int i = 0; i < 50; i++)
            best = fmin(best, branin((double[]){15 * rng_uniform(&r) - 5, 15 * rng_uniform(&r)}));
        random_two += best / SEEDS;
    }
    qsort(two, SEEDS, sizeof(double), by_size);
    qsort(six, SEEDS, sizeof(double), by_size);
    print_message("bayes: Branin, regret after 50 of %d seeds: median %.2g, worst %.2g; at random "
                  "%.2g in the mean\n",
                  SEEDS, two[SEEDS / 2], two[SEEDS - 1], random_two);
    print_message("bayes: Hartmann-6, regret after 80 of %d seeds: median %.4f, worst %.4f\n",
                  SEEDS, 0.5 * (six[(SEEDS - 1) / 2] + six[SEEDS / 2]), six[SEEDS - 1]);
    assert_true(two[SEEDS - 1] <= 0.005);
    assert_true(0.5 * (six[(SEEDS - 1) / 2] + six[SEEDS / 2]) <= 0.15);
    assert_true(six[SEEDS - 1] <= 0.3);
}

/* Two of Branin's three minima are cut off. */
static bool right_of(void *context, const double *x)
{
    return x[0] >= *(const double *)context && x[0] + x[1] <= 15;
}

static void what_is_not_allowed_is_never_proposed(void **state)
{
    (void)state;
    double bar = 4;
    struct qbid_bayes_params params = params_of(0, 3);
    params.points_max = 40;
    params.allowed = right_of;
    params.context = &bar;
    assert_true(regret(&params, branin) < 0.01);
    bar = 9; /* the best is then on the border */
    double best = INFINITY;
    for (int i = 0; i <= 1000; i++)
        for (int j = 0; j <= 1000; j++)
            if (right_of(&bar, (double[]){9 + i * 1e-3, j * 6e-3}))
                best = fmin(best, branin((double[]){9 + i * 1e-3, j * 6e-3}));
    assert_true(regret(&params, branin) < best + 0.01);
    bar = 11;
    struct qbid_bayes *bayes;
    double x[2];
    assert_int_equal(qbid_bayes_new(&params, &bayes, why), 0);
    assert_int_equal(qbid_bayes_ask(bayes, x), QBID_ERR_LIMIT);
    assert_true(isinf(qbid_bayes_best(bayes, x)));
    qbid_bayes_free(bayes);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    struct qbid_bayes *bayes;
    struct qbid_bayes_params good = params_of(0, 1), p = good;
    p.dims = 13;
    assert_int_equal(qbid_bayes_new(&p, &bayes, why), QBID_ERR_INVAL);
    assert_string_equal(why, "dims is not between 1 and 12");
    p = good, p.points_max = 1;
    assert_int_equal(qbid_bayes_new(&p, &bayes, why), QBID_ERR_INVAL);
    assert_string_equal(why, "points_max is not between 2 and 512");
    p = good, p.start_cnt = 51;
    assert_int_equal(qbid_bayes_new(&p, &bayes, why), QBID_ERR_INVAL);
    assert_string_equal(why, "start_cnt is above points_max");
    p = good, p.low = branin_high;
    assert_int_equal(qbid_bayes_new(&p, &bayes, why), QBID_ERR_INVAL);
    assert_string_equal(why, "low is not below high");
    assert_int_equal(qbid_bayes_new(&good, &bayes, why), 0);
    assert_int_equal(qbid_bayes_tell(bayes, (double[]){11, 0}, 1), QBID_ERR_INVAL);
    assert_int_equal(qbid_bayes_tell(bayes, (double[]){1, 0}, NAN), QBID_ERR_INVAL);
    for (int i = 0; i < 2; i++) /* the same point and value twice: nothing divides by 0 */
        assert_int_equal(qbid_bayes_tell(bayes, (double[]){1, 1}, 2), 0);
    for (int i = 2; i < 10; i++) {
        double x[2];
        assert_int_equal(qbid_bayes_ask(bayes, x), 0);
        assert_int_equal(qbid_bayes_tell(bayes, x, 2), 0);
    }
    qbid_bayes_free(bayes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posterior_and_improvement_are_scikit_learns),
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(lengths_are_learned),
        cmocka_unit_test(sobol_is_scipys),
        cmocka_unit_test(known_minima_are_found),
        cmocka_unit_test(what_is_not_allowed_is_never_proposed),
        cmocka_unit_test(bad_input_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
