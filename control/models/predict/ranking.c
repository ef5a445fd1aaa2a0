/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of pairwise log-loss differences, and the bound that they must pass. */
#include "control/models/predict/ranking.h"

#include <math.h>

#define SQUARE_START 1.0 /* nats^2 at which the bound is tightest: some hundred successes */

void qbid_ranking_add(struct qbid_ranking *ranking, const double *prediction, uint32_t cnt,
                      double trials, double successes)
{
    double hit[QBID_RANKING_MODELS_MAX], miss[QBID_RANKING_MODELS_MAX];
    double failures = trials - successes;
    if (!(trials >= 0 && successes >= 0 && isfinite(trials) && isfinite(successes)))
        return;
    for (uint32_t m = 0; m < cnt; m++) {
        double p = fmin(fmax(prediction[m], QBID_RANKING_RATE_MIN), 1 - QBID_RANKING_RATE_MIN);
        hit[m] = -log(p);
        miss[m] = -log1p(-p);
        ranking->loss[m] += successes * hit[m] + failures * miss[m];
    }
    for (uint32_t a = 0; a < cnt; a++) {
        for (uint32_t b = 0; b < cnt; b++) {
            double h = hit[b] - hit[a], f = miss[b] - miss[a];
            ranking->gain[a][b] += successes * h + failures * f;
            ranking->square[a][b] += successes * h * h + fabs(failures) * f * f;
        }
    }
    ranking->trials += trials;
    ranking->successes += successes;
}

void qbid_ranking_fade(struct qbid_ranking *ranking, double factor)
{
    for (uint32_t a = 0; a < QBID_RANKING_MODELS_MAX; a++) {
        ranking->loss[a] *= factor;
        for (uint32_t b = 0; b < QBID_RANKING_MODELS_MAX; b++) {
            ranking->gain[a][b] *= factor;
            ranking->square[a][b] *= factor;
        }
    }
    ranking->trials *= factor;
    ranking->successes *= factor;
}

void qbid_ranking_leave(struct qbid_ranking *ranking, uint32_t model)
{
    for (uint32_t m = 0; m < QBID_RANKING_MODELS_MAX; m++) {
        ranking->gain[model][m] = ranking->gain[m][model] = 0;
        ranking->square[model][m] = ranking->square[m][model] = 0;
    }
    if (ranking->serving == model)
        ranking->serving = 0;
}

double qbid_ranking_bound(double square, double error_rate)
{
    double v = fmax(square, 0) + SQUARE_START;
    return sqrt(v * log(v / (SQUARE_START * error_rate * error_rate)));
}

uint32_t qbid_ranking_decide(struct qbid_ranking *ranking, uint32_t cnt, double error_rate)
{
    uint32_t now = ranking->serving < cnt ? ranking->serving : 0, best = now;
    for (uint32_t m = 0; m < cnt; m++) {
        double gain = ranking->gain[m][now];
        if (gain > qbid_ranking_bound(ranking->square[m][now], error_rate) &&
            (best == now || gain > ranking->gain[best][now]))
            best = m;
    }
    ranking->switches += best != ranking->serving;
    ranking->serving = best;
    return best;
}

double qbid_ranking_loss(const struct qbid_ranking *ranking, uint32_t model)
{
    return ranking->trials > 0 ? ranking->loss[model] / ranking->trials : 0;
}

double qbid_ranking_width(const struct qbid_ranking *ranking, uint32_t model, uint32_t base,
                          double error_rate)
{
    if (!(ranking->trials > 0))
        return 0;
    return qbid_ranking_bound(ranking->square[model][base], error_rate) / ranking->trials;
}
