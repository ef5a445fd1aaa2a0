/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several models predicts best, from predictions made before their outcomes were known. */
#ifndef QBID_CONTROL_MODELS_PREDICT_RANKING_H
#define QBID_CONTROL_MODELS_PREDICT_RANKING_H

#include <stdint.h>

/* For every pair: the sum of log-loss differences, and of their squares. The one that serves is
 * left only for a better one that is better with confidence, whenever and however often one looks
 * (a test of fixed size that is looked at each tick would in the end always find something). Once
 * left, it must earn its place back the same way: so nothing flaps. */
#define QBID_RANKING_MODELS_MAX 4
#define QBID_RANKING_RATE_MIN 1e-7 /* predictions count as no nearer to 0 or 1 */

struct qbid_ranking {
    double gain[QBID_RANKING_MODELS_MAX][QBID_RANKING_MODELS_MAX]; /* of [a] over [b], nats */
    double square[QBID_RANKING_MODELS_MAX][QBID_RANKING_MODELS_MAX];
    double loss[QBID_RANKING_MODELS_MAX]; /* log-loss, nats */
    double trials;
    double successes;
    uint32_t serving;
    uint32_t switches;
};

/**
 * Count outcomes of one kind of trial.
 *
 * Shapes:  cnt predictions; trials and successes >= 0, finite. Successes may come later than their
 *          trials, and may then exceed them: each takes back the failure that was counted for it.
 */
void qbid_ranking_add(struct qbid_ranking *ranking, const double *prediction, uint32_t cnt,
                      double trials, double successes);

/** Let older evidence count less, so that a world that changed is noticed: factor in [0, 1]. */
void qbid_ranking_fade(struct qbid_ranking *ranking, double factor);

/** Forget a model that takes part no more; model 0 serves in its place. */
void qbid_ranking_leave(struct qbid_ranking *ranking, uint32_t model);

/** Nats that a gain must exceed to be no chance, at a sum of squares; error_rate in (0, 1).
 *  Source: normal mixture of Robbins 1970, as in Howard et al. 2021, proposition 5. */
double qbid_ranking_bound(double square, double error_rate);

/** Decide anew among cnt models. Returns: the one that serves. */
uint32_t qbid_ranking_decide(struct qbid_ranking *ranking, uint32_t cnt, double error_rate);

/** Mean log-loss of a model, nats a trial, and half the width of the interval of its difference to
 *  model `base`, which holds at all times at once. Both 0 without trials. */
double qbid_ranking_loss(const struct qbid_ranking *ranking, uint32_t model);
double qbid_ranking_width(const struct qbid_ranking *ranking, uint32_t model, uint32_t base,
                          double error_rate);

#endif
