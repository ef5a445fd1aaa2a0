/* SPDX-License-Identifier: Apache-2.0 */
/* Several objectives at once: the non-dominated sorting genetic algorithm, and what its front
 * covers. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_NSGA_H
#define QBID_CONTROL_MODELS_ALLOCATE_NSGA_H

#include <stdint.h>

#define QBID_NSGA_OBJECTIVES_MAX 4
#define QBID_NSGA_DIMS_MAX 256
#define QBID_NSGA_POPULATION_MAX 1024
#define QBID_NSGA_WHY_MAX 96

/** Objectives at x (dims numbers, each in its range), all to be made small; finite. */
typedef void qbid_nsga_fn(void *context, const double *x, double *ret_objectives);

struct qbid_nsga_params {
    qbid_nsga_fn *objectives;
    void *context;
    const double *low, *high; /* range of each dimension, low < high */
    uint32_t dims, objective_cnt;
    uint32_t population;  /* even, >= 4 */
    uint32_t evaluations; /* at least a population */
    uint64_t seed;
    double index; /* of crossover and mutation, >= 0; 20 is usual, less reaches farther */
};

/* The last population: `front_cnt` points that none dominates come first, in order of the first
 * objective. */
struct qbid_nsga {
    double *x;          /* population x dims */
    double *objectives; /* population x objective_cnt */
    uint32_t cnt, front_cnt;
};

/**
 * Evolve a population towards the Pareto front.
 *
 * Returns: 0; ret_nsga is released by qbid_nsga_done(). The same seed gives the same front.
 * Errors:  QBID_ERR_INVAL, why names the field; QBID_ERR_NOMEM.
 * Threads: pure if the objectives are; allocates work space.
 * Cost:    the evaluations, and population^2 comparisons a generation.
 * Source:  NSGA-II, Deb and others 2002: fast non-dominated sorting, crowding distance, simulated
 *          binary crossover (probability 0.9), polynomial mutation (1 / dims).
 */
int qbid_nsga_new(const struct qbid_nsga_params *params, struct qbid_nsga *ret_nsga,
                  char why[QBID_NSGA_WHY_MAX]);
void qbid_nsga_done(struct qbid_nsga *nsga);

/** Area that a front of two objectives, in order of the first, dominates below a reference point.
 */
double qbid_nsga_area(const double *objectives, uint32_t cnt, const double reference[2]);

#endif
