/* SPDX-License-Identifier: Apache-2.0 */
/* Brings predicted probabilities in line with what happened, and measures how far off they are. */
#ifndef QBID_CONTROL_MODELS_PREDICT_CALIBRATION_H
#define QBID_CONTROL_MODELS_PREDICT_CALIBRATION_H

#include <stdint.h>

/* Outcomes by predicted log odds. Bins are 0.25 wide, about 28 % of a small rate. */
#define QBID_CALIBRATION_BINS 64
#define QBID_CALIBRATION_LOW (-14.0) /* log odds where the bins begin */
#define QBID_CALIBRATION_WIDTH 0.25
#define QBID_CALIBRATION_ODDS_MAX 27.0 /* log odds of any probability end here, about 2e-12 */

struct qbid_calibration_bin {
    double trials;
    double successes;
    double score; /* sum of trials times predicted log odds */
};

struct qbid_calibration_counts {
    struct qbid_calibration_bin bin[QBID_CALIBRATION_BINS];
};

enum qbid_calibration_kind {
    QBID_CALIBRATION_NONE,  /* too little is known: predictions stay as they are */
    QBID_CALIBRATION_PLATT, /* a line in log odds */
    QBID_CALIBRATION_ISOTONIC
};

/* Below PLATT successes (or failures) nothing is changed, from ISOTONIC on the shape is free. */
#define QBID_CALIBRATION_PLATT_MIN 20.0
#define QBID_CALIBRATION_ISOTONIC_MIN 1000.0

/* A rising table from predicted to true log odds. */
struct qbid_calibration {
    enum qbid_calibration_kind kind;
    uint32_t cnt;
    double at[QBID_CALIBRATION_BINS]; /* strictly rising */
    double to[QBID_CALIBRATION_BINS]; /* not falling */
};

/** Log odds of a probability, within +-QBID_CALIBRATION_ODDS_MAX, and back. NaN counts as 0. */
double qbid_calibration_odds(double probability);
double qbid_calibration_probability(double odds);

/** Count what came of `trials` predictions of one probability; successes may come later than their
 *  trials, with trials 0. Counts that are negative or no numbers are passed over. */
void qbid_calibration_add(struct qbid_calibration_counts *counts, double probability, double trials,
                          double successes);

/** Let older outcomes count less: all counts times factor in [0, 1]. */
void qbid_calibration_fade(struct qbid_calibration_counts *counts, double factor);

/**
 * Fit the table.
 *
 * Shapes:  counts of predictions that were made before their outcomes were known; in-sample
 *          predictions would make an overfitted model look calibrated.
 * Returns: a table; kind NONE (cnt 0) with too little data.
 * Threads: pure; no allocation. Cost: some microseconds.
 * Source:  Zadrozny and Elkan 2002 (isotonic), Platt 1999 with the targets and the Newton steps of
 *          Lin, Lin and Weng 2007. Ours: a line from few data is held near the identity by a
 *          normal prior, and the step function is joined through the middles of its blocks.
 */
void qbid_calibration_fit(const struct qbid_calibration_counts *counts,
                          struct qbid_calibration *ret_table);

/** The calibrated probability. Between knots linear in log odds; beyond them at the end knot's
 *  distance. Cost: a binary search, two transcendental functions. */
double qbid_calibration_apply(const struct qbid_calibration *table, double probability);

struct qbid_calibration_line {
    double slope;
    double intercept;
};

/**
 * The line in log odds that best explains outcomes.
 *
 * Shapes:  n scores (log odds, or any score) with trials and successes; prior is the precision with
 *          which slope 1 and intercept 0 are believed beforehand, 0 = Platt's own.
 * Returns: the line; slope 1, intercept 0 when there is nothing to learn from.
 * Source:  as above.
 */
struct qbid_calibration_line qbid_calibration_platt(const double *score, const double *trials,
                                                    const double *successes, uint32_t n,
                                                    double prior);

#define QBID_CALIBRATION_ERROR_BINS 15

/* A finite sample makes even the true probabilities look off by `perfect` on average. */
struct qbid_calibration_error {
    double ece;      /* mean distance of predicted and seen rate over bins, weighted by trials */
    double perfect;  /* what it would be on average if every prediction were right */
    double debiased; /* what is left, >= 0 */
    double z;        /* Spiegelhalter's statistic, standard normal if every prediction is right */
    double p_value;  /* two-sided */
};

/**
 * Expected calibration error and its bias.
 *
 * Shapes:  n points; bins of equal trials in order of the prediction.
 * Returns: 0; QBID_ERR_INVAL without trials; QBID_ERR_NOMEM.
 * Source:  ALGORITHMS 9.3; Spiegelhalter 1986. The bias is the normal approximation of the mean
 *          absolute deviation of each bin.
 */
int qbid_calibration_measure(const double *probability, const double *trials,
                             const double *successes, uint32_t n,
                             struct qbid_calibration_error *ret_error);

#endif
