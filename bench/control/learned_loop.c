/* SPDX-License-Identifier: Apache-2.0 */
/* A million contexts of an account of 10,000 line items, most of them seen a few times. */
#include "bench/control/learned_loop.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "control/models/isotonic.h"
#include "control/models/predict/trees.h"
#include "tests/control/models/rng.h"

#define ROWS 1000000
#define COLUMNS 10

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double isotonic(struct rng *r)
{
    double *sum = malloc(ROWS * sizeof *sum), *weight = malloc(ROWS * sizeof *weight);
    struct qbid_isotonic_block *block = malloc(ROWS * sizeof *block);
    double took = NAN;
    for (unsigned i = 0; i < ROWS && sum && weight && block; i++) {
        weight[i] = 1;
        sum[i] = rng_uniform(r) * ROWS < i;
    }
    if (sum && weight && block) {
        double from = cpu_s();
        uint32_t cnt = qbid_isotonic_fit(sum, weight, ROWS, block);
        took = cnt > 0 ? cpu_s() - from : NAN;
    }
    free(sum);
    free(weight);
    free(block);
    return took;
}

static void rows_fill(struct rng *r, uint32_t *value, double *trials, double *successes)
{
    static const uint32_t values[COLUMNS] = {1000, 10000, 30, 100, 7, 60, 1000, 10000, 200, 168};
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned c = 0; c < COLUMNS; c++) {
            double u = rng_uniform(r);
            value[i * COLUMNS + c] = 1 + (uint32_t)(u * u * values[c]);
        }
        trials[i] = 1 + rng_below(r, 20);
        double rate = 0.01 * (1 + value[i * COLUMNS + 1] % 3) * (1 + value[i * COLUMNS + 5] % 2);
        successes[i] = rng_binomial(r, (uint32_t)trials[i], rate);
    }
}

struct bench_learned bench_learned_run(void)
{
    struct rng r = rng_init(1);
    struct bench_learned result = {.isotonic_s = isotonic(&r), .grow_s = NAN, .predict_ns = NAN};
    uint32_t *value = malloc((size_t)ROWS * COLUMNS * sizeof *value);
    double *trials = malloc(ROWS * sizeof *trials), *successes = malloc(ROWS * sizeof *successes);
    struct qbid_trees_params params = qbid_trees_defaults();
    struct qbid_codebook_rows rows = {value, trials, successes, ROWS, COLUMNS};
    struct qbid_trees trees;
    char why[QBID_TREES_WHY_MAX];
    if (value && trials && successes) {
        rows_fill(&r, value, trials, successes);
        double from = cpu_s();
        if (qbid_trees_grow(&rows, &params, &trees, NULL, why) == 0) {
            result.grow_s = cpu_s() - from;
            double sum = 0;
            from = cpu_s();
            for (unsigned i = 0; i < ROWS; i++)
                sum += qbid_trees_predict(&trees, value + (size_t)i * COLUMNS);
            result.predict_ns = sum > 0 ? (cpu_s() - from) / ROWS * 1e9 : NAN;
            qbid_trees_done(&trees);
        }
    }
    free(value);
    free(trials);
    free(successes);
    return result;
}
