/* SPDX-License-Identifier: Apache-2.0 */
/* Multiplicative main effects of a context's dimensions, and what single cells differ from them. */
#ifndef QBID_CONTROL_MODELS_RATES_EFFECTS_H
#define QBID_CONTROL_MODELS_RATES_EFFECTS_H

#include <stdint.h>

/* The model of a table of cells, each an index in every dimension:
 *
 *   successes ~ Poisson(exposed * base * prod_d ratio_d[index_d] * cell)
 *   ratio_d   ~ Gamma(s_d, s_d)   one strength a dimension: its log effects have an sd of about
 *                                 1 / sqrt(s_d), so a value of few successes stays near 1
 *   cell      ~ Gamma(k, k)       what main effects do not explain
 *
 * exposed is trials, or trials times a rate that is known already (the offset of a GLM).
 */
#define QBID_EFFECTS_DIMS_MAX 40
#define QBID_EFFECTS_STRENGTH_MIN 0.05
#define QBID_EFFECTS_STRENGTH_MAX 1e5 /* a fit that comes here found no differences: infinite */
#define QBID_EFFECTS_FIT_CELLS                                                                     \
    8192 /* a strength is fitted on no more than these, evenly picked                              \
          */

struct qbid_effects_dim {
    uint32_t value_cnt;
    int exact;        /* no prior: strength is ignored, a value without successes gets ratio 0 */
    uint32_t fit_max; /* values that the strength is fitted on; 0 = QBID_EFFECTS_FIT_CELLS */
    double usual_sd;  /* of log effects, as such dimensions are known to have; 0 = not known */
    double strength;  /* in: start, 0 = unknown; out: fitted, INFINITY = no differences seen */
    double *ratio;    /* value_cnt; in: start, e.g. the last fit, or 1; out: fitted */
    /* work, value_cnt each */
    double *successes;
    double *exposed;
};

struct qbid_effects_table {
    uint32_t dim_cnt;
    uint32_t cell_cnt;
    const uint32_t *index[QBID_EFFECTS_DIMS_MAX]; /* by dimension: cell_cnt of them */
    const double *exposed;
    const double *successes;
    double *fitted; /* out: successes that base and ratios expect, cell_cnt */
};

/**
 * Fit base and ratios by iterative proportional fitting.
 *
 * Shapes:  dims[table->dim_cnt]; every index below its dimension's value_cnt; negative, NaN or
 *          infinite counts are taken as 0, larger ones than 1e15 as that. sweeps_max passes over
 * the dimensions at most, fewer when no log ratio moves by more than tolerance. Strengths are
 *          fitted in the first three, those that are known at the start in the first.
 * Returns: 0; *ret_base >= 0. A value that nothing was exposed to has ratio 1.
 * Errors:  QBID_ERR_INVAL for a count, index or pointer out of range; nothing written.
 * Threads: pure; no allocation.
 * Cost:    a sweep reads the cells once by dimension: 2 ns each and dimension.
 * Source:  iterative proportional fitting (Deming and Stephan 1940) is coordinate ascent on the
 *          likelihood of a Poisson GLM with log link and offset log exposed; exact dimensions give
 *          its coefficients. Ours: gamma priors, whose strengths maximise the negative-binomial
 *          marginal of each dimension's sums. The likelihood of few values is often highest where
 *          they do not differ at all, however much they do (Chung et al. 2013): where a usual sd is
 *          given and no more than QBID_EFFECTS_FEW values were exposed, a lognormal prior around it
 *          holds the strength.
 */
#define QBID_EFFECTS_FEW 1024
int qbid_effects_fit(const struct qbid_effects_table *table, struct qbid_effects_dim *dims,
                     uint32_t sweeps_max, double tolerance, double *ret_base);

/**
 * Strength k of gamma-distributed multipliers by maximum likelihood of the negative-binomial
 * marginal: successes[i] ~ Poisson(expected[i] * m), m ~ Gamma(k, k).
 *
 * Shapes:  cells where nothing is expected say nothing and are passed over.
 * Returns: in [QBID_EFFECTS_STRENGTH_MIN, QBID_EFFECTS_STRENGTH_MAX), or INFINITY where the counts
 *          vary no more than Poisson's, or nothing is known.
 * Threads: pure.
 * Cost:    about 20 evaluations, 30 ns each and cell, on QBID_EFFECTS_FIT_CELLS at most.
 */
double qbid_effects_strength(const double *expected, const double *successes, uint32_t cnt);

/** Posterior mean of a multiplier: (k + successes) / (k + expected); 1 for an infinite strength. */
double qbid_effects_multiplier(double strength, double expected, double successes);

#endif
