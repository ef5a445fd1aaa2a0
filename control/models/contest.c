/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of pairwise log-loss differences, and the bound that they must pass. */
#include "control/models/contest.h"

#include <math.h>

#define SQUARE_START 1.0 /* nats^2 at which the bound is tightest: some hundred successes */

void qbid_contest_add(struct qbid_contest *contest, const double *prediction, uint32_t cnt,
                      double trials, double successes)
{
    double hit[QBID_CONTEST_MODELS_MAX], miss[QBID_CONTEST_MODELS_MAX];
    double failures = trials - successes;
    if (!(trials >= 0 && successes >= 0 && isfinite(trials) && isfinite(successes)))
        return;
    for (uint32_t m = 0; m < cnt; m++) {
        double p = fmin(fmax(prediction[m], QBID_CONTEST_RATE_MIN), 1 - QBID_CONTEST_RATE_MIN);
        hit[m] = -log(p);
        miss[m] = -log1p(-p);
        contest->loss[m] += successes * hit[m] + failures * miss[m];
    }
    for (uint32_t a = 0; a < cnt; a++) {
        for (uint32_t b = 0; b < cnt; b++) {
            double h = hit[b] - hit[a], f = miss[b] - miss[a];
            contest->gain[a][b] += successes * h + failures * f;
            contest->square[a][b] += successes * h * h + fabs(failures) * f * f;
        }
    }
    contest->trials += trials;
    contest->successes += successes;
}

void qbid_contest_fade(struct qbid_contest *contest, double factor)
{
    for (uint32_t a = 0; a < QBID_CONTEST_MODELS_MAX; a++) {
        contest->loss[a] *= factor;
        for (uint32_t b = 0; b < QBID_CONTEST_MODELS_MAX; b++) {
            contest->gain[a][b] *= factor;
            contest->square[a][b] *= factor;
        }
    }
    contest->trials *= factor;
    contest->successes *= factor;
}

void qbid_contest_leave(struct qbid_contest *contest, uint32_t model)
{
    for (uint32_t m = 0; m < QBID_CONTEST_MODELS_MAX; m++) {
        contest->gain[model][m] = contest->gain[m][model] = 0;
        contest->square[model][m] = contest->square[m][model] = 0;
    }
    if (contest->serving == model)
        contest->serving = 0;
}

double qbid_contest_bound(double square, double error_rate)
{
    double v = fmax(square, 0) + SQUARE_START;
    return sqrt(v * log(v / (SQUARE_START * error_rate * error_rate)));
}

uint32_t qbid_contest_decide(struct qbid_contest *contest, uint32_t cnt, double error_rate)
{
    uint32_t now = contest->serving < cnt ? contest->serving : 0, best = now;
    for (uint32_t m = 0; m < cnt; m++) {
        double gain = contest->gain[m][now];
        if (gain > qbid_contest_bound(contest->square[m][now], error_rate) &&
            (best == now || gain > contest->gain[best][now]))
            best = m;
    }
    contest->switches += best != contest->serving;
    contest->serving = best;
    return best;
}

double qbid_contest_loss(const struct qbid_contest *contest, uint32_t model)
{
    return contest->trials > 0 ? contest->loss[model] / contest->trials : 0;
}

double qbid_contest_width(const struct qbid_contest *contest, uint32_t model, uint32_t base,
                          double error_rate)
{
    if (!(contest->trials > 0))
        return 0;
    return qbid_contest_bound(contest->square[model][base], error_rate) / contest->trials;
}
