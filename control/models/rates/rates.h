/* SPDX-License-Identifier: Apache-2.0 */
/* Click and conversion rates of sparse contexts: each level shrunk toward the one above it. */
#ifndef QBID_CONTROL_MODELS_RATES_RATES_H
#define QBID_CONTROL_MODELS_RATES_RATES_H

#include <stdint.h>

/* A tree of cells, level by level, coarsest first:
 *
 *   level 0   account           root prior Beta(mean * strength, (1 - mean) * strength)
 *         1   campaign            |  rate of a cell ~ Beta(s * parent, s * (1 - parent)),
 *         2   line item           |  s = strength of its level, fitted
 *         3   coarse context      v
 *         4   mid context       each cell: successes of trials, its children's included
 *         5   full context
 *
 * Evidence goes up (a child of n trials says as much about its parent as n (s+1) / (n+s) trials of
 * the parent's own), the shrunk rates come down; what a cell told its parent is taken out of the
 * prior that it gets back, so no trial counts twice.
 */
#define QBID_RATES_LEVELS_MAX 8
#define QBID_RATES_CELLS_MAX (UINT32_C(1) << 24)
#define QBID_RATES_STRENGTH_MIN 1.0
#define QBID_RATES_STRENGTH_MAX 1e7
#define QBID_RATES_TRIALS_MAX 1e15 /* more in one cell is taken as this */
#define QBID_RATES_RATE_MIN 1e-12  /* no returned rate is nearer to 0 or 1 */
#define QBID_RATES_FIT_CELLS 4096  /* a fit looks at no more than these, evenly picked */

struct qbid_rates_cell {
    /* given */
    uint64_t key;       /* the caller's, untouched */
    uint32_t parent;    /* index in the level above; ignored at level 0 */
    uint32_t child_cnt; /* work */
    double trials;      /* impressions or clicks, children's included; decayed counts are fine */
    double successes;   /* clicks or conversions; above trials counts as trials */
    /* returned: the posterior is Beta(rate * strength, (1 - rate) * strength) */
    double rate;
    double strength;
    /* work: trials outside the listed children, and all evidence about the cell's own rate */
    double rest_trials;
    double rest_successes;
    double seen_trials;
    double seen_successes;
};

struct qbid_rates_level {
    struct qbid_rates_cell *cells;
    uint32_t cell_cnt;
    int fixed;       /* keep `strength` as it is */
    double strength; /* in: the last fit's, from which it goes a little, when all levels have one;
                        0 = unknown; out: fitted. Unused at level 0 */
};

struct qbid_rates_prior {
    double mean;     /* in (0, 1) */
    double strength; /* trials that it is worth, > 0 */
};

/**
 * Posterior mean of one rate under a beta prior.
 *
 * Shapes:  0 <= successes <= trials.
 * Returns: (mean * strength + successes) / (strength + trials).
 * Threads: pure.
 */
double qbid_rates_posterior(struct qbid_rates_prior prior, double trials, double successes);

/**
 * Shrink every cell of a tree and fit the strength of every level below the first.
 *
 * Shapes:  1..QBID_RATES_LEVELS_MAX levels; a level may be empty if all below it are. Pass whole
 *          accounts: a level of one cell has nothing to fit and keeps its start. Negative, NaN or
 *          infinite counts are taken as 0.
 * Returns: 0; rates in (0, 1), strengths > 0.
 * Errors:  QBID_ERR_INVAL for a prior, level count or parent index out of range; nothing written.
 * Threads: pure; writes levels and cells only; no allocation.
 * Cost:    3 fits of about 40 evaluations a level, 0.2 us a cell each, on QBID_RATES_FIT_CELLS at
 *          most, or 1 of 8 where the last strengths are given; two passes over the cells.
 * Source:  beta-binomial empirical Bayes (Efron and Morris 1975) on a tree. Ours: the strength
 *          maximises the leave-one-out predictive likelihood with a weak lognormal prior, which
 *          holds it finite where a level adds nothing and near its start where it has no data.
 */
int qbid_rates_fit(struct qbid_rates_level *levels, uint32_t level_cnt,
                   struct qbid_rates_prior prior);

#endif
