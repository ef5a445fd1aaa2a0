/* SPDX-License-Identifier: Apache-2.0 */
/* NSGA-II: ZDT1's hypervolume, fronts of which no point dominates another, exhaustive optima, and
 * one front a seed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/allocate/nsga.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define DIMS 30
#define INDEX 0.0

static double low[DIMS], high[DIMS];
static char why[QBID_NSGA_WHY_MAX];

/* Zitzler, Deb and Thiele 2000; the front is f2 = 1 - sqrt(f1). */
static void zdt1(void *context, const double *x, double *ret)
{
    uint32_t *evaluations = context;
    double g = 1;
    for (int k = 1; k < DIMS; k++)
        g += 9 * x[k] / (DIMS - 1);
    ret[0] = x[0];
    ret[1] = g * (1 - sqrt(x[0] / g));
    ++*evaluations;
}

static struct qbid_nsga_params zdt1_params(uint64_t seed, uint32_t *evaluations)
{
    for (int k = 0; k < DIMS; k++)
        low[k] = 0, high[k] = 1;
    return (struct qbid_nsga_params){.objectives = zdt1,
                                     .context = evaluations,
                                     .low = low,
                                     .high = high,
                                     .dims = DIMS,
                                     .objective_cnt = 2,
                                     .population = 100,
                                     .evaluations = 25000,
                                     .seed = seed,
                                     .index = 20};
}

static void zdt1_is_covered(void **state)
{
    (void)state;
    double mean = 0, worst = 1;
#ifdef __SANITIZE_ADDRESS__
    int seeds = 2;
#else
    int seeds = 10;
#endif
    for (int seed = 1; seed <= seeds; seed++) {
        struct qbid_nsga nsga;
        uint32_t evaluations = 0;
        struct qbid_nsga_params params = zdt1_params((uint64_t)seed, &evaluations);
        assert_int_equal(qbid_nsga_new(&params, &nsga, why), 0);
        assert_int_equal(evaluations, 25000);
        double area = qbid_nsga_area(nsga.objectives, nsga.front_cnt, (double[]){1.1, 1.1});
        mean += area / seeds;
        worst = fmin(worst, area);
        for (uint32_t i = 1; i < nsga.front_cnt; i++) { /* down and to the right */
            assert_true(nsga.objectives[2 * i] >= nsga.objectives[2 * i - 2]);
            assert_true(nsga.objectives[2 * i + 1] <= nsga.objectives[2 * i - 1]);
        }
        qbid_nsga_done(&nsga);
    }
    print_message("nsga: ZDT1, hypervolume of %d seeds: mean %.4f, worst %.4f, exact 0.8767\n",
                  seeds, mean, worst);
    assert_true(mean >= 0.868 && mean <= 0.87667);
}

static void a_seed_is_a_front(void **state)
{
    (void)state;
    struct qbid_nsga a, b, c;
    uint32_t evaluations = 0;
    struct qbid_nsga_params params = zdt1_params(1, &evaluations);
    params.evaluations = 2050; /* not whole generations */
    assert_int_equal(qbid_nsga_new(&params, &a, why), 0);
    assert_int_equal(evaluations, 2050);
    assert_int_equal(qbid_nsga_new(&params, &b, why), 0);
    params.seed = 2;
    assert_int_equal(qbid_nsga_new(&params, &c, why), 0);
    assert_memory_equal(a.objectives, b.objectives, 200 * sizeof(double));
    assert_memory_equal(a.x, b.x, 100 * DIMS * sizeof(double));
    assert_memory_not_equal(a.objectives, c.objectives, 200 * sizeof(double));
    qbid_nsga_done(&a);
    qbid_nsga_done(&b);
    qbid_nsga_done(&c);
}

/* 5 elements of 6 levels with interactions in pairs: one objective, 7,776 combinations. */
struct design {
    double own[5][6], pair[5][5][6][6];
};

static double design_value(const struct design *d, const int *level)
{
    double sum = 0;
    for (int i = 0; i < 5; i++) {
        sum += d->own[i][level[i]];
        for (int j = 0; j < i; j++)
            sum += d->pair[i][j][level[i]][level[j]];
    }
    return sum;
}

static void design_objective(void *context, const double *x, double *ret)
{
    int level[5];
    for (int i = 0; i < 5; i++)
        level[i] = x[i] < 6 ? (int)x[i] : 5;
    ret[0] = -design_value(context, level);
}

static double design_best(const struct design *d)
{
    double best = -INFINITY;
    for (int c = 0; c < 7776; c++) {
        int level[5] = {c % 6, c / 6 % 6, c / 36 % 6, c / 216 % 6, c / 1296};
        best = fmax(best, design_value(d, level));
    }
    return best;
}

static void one_objective_is_the_exhaustive_optimum(void **state)
{
    (void)state;
    static struct design d;
    struct rng r = rng_init(1);
    double least[5] = {0}, most[5] = {6, 6, 6, 6, 6};
    int found = 0;
    for (int seed = 0; seed < 100; seed++) {
        struct qbid_nsga nsga;
        for (int i = 0; i < 5; i++) {
            for (int k = 0; k < 6; k++)
                d.own[i][k] = rng_normal(&r);
            for (int j = 0; j < i; j++)
                for (int k = 0; k < 36; k++)
                    d.pair[i][j][k / 6][k % 6] = 0.3 * rng_normal(&r);
        }
        struct qbid_nsga_params params = {design_objective, &d,   least, most, 5, 1, 100, 5000,
                                          (uint64_t)seed,   INDEX};
        assert_int_equal(qbid_nsga_new(&params, &nsga, why), 0);
        found += -nsga.objectives[0] == design_best(&d);
        qbid_nsga_done(&nsga);
    }
    print_message("nsga: optimum of 7,776 combinations found in %d of 100\n", found);
    assert_true(found >= 99);
}

static void bad_params_are_named(void **state)
{
    (void)state;
    uint32_t evaluations = 0;
    struct qbid_nsga nsga;
    struct qbid_nsga_params good = zdt1_params(1, &evaluations), p;
#define REFUSED(change, text)                                                                      \
    do {                                                                                           \
        p = good;                                                                                  \
        change;                                                                                    \
        assert_int_equal(qbid_nsga_new(&p, &nsga, why), QBID_ERR_INVAL);                           \
        assert_string_equal(why, text);                                                            \
    } while (0)
    REFUSED(p.dims = 0, "dims is not between 1 and 256");
    REFUSED(p.objective_cnt = 5, "objective_cnt is not between 1 and 4");
    REFUSED(p.population = 5, "population is not an even number between 4 and 1024");
    REFUSED(p.evaluations = 99, "evaluations are fewer than the population");
    REFUSED(p.index = -1, "index is negative");
    REFUSED(high[3] = 0, "low is not below high");
}

static void area_by_hand(void **state)
{
    (void)state;
    static const double front[] = {0.25, 0.75, 0.5, 0.5, 0.75, 0.25, 2, 0};
    assert_true(fabs(qbid_nsga_area(front, 4, (double[]){1, 1}) - 0.375) < 1e-15);
    assert_true(qbid_nsga_area(front, 0, (double[]){1, 1}) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zdt1_is_covered),
        cmocka_unit_test(a_seed_is_a_front),
        cmocka_unit_test(one_objective_is_the_exhaustive_optimum),
        cmocka_unit_test(bad_params_are_named),
        cmocka_unit_test(area_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
