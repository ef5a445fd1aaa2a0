/* SPDX-License-Identifier: Apache-2.0 */
/* A race of half-lives by one-step-ahead log-loss. */
#include "control/models/rates/decay.h"

#include <math.h>

#define DAY_S 86400.0
#define SERIES_SUCCESSES 10.0 /* that the whole's rate is worth in a series */
#define LOSS_HALF_LIFE_S (60 * DAY_S)
#define RATE_MIN 1e-9

static const double half_life_s[QBID_DECAY_CANDIDATES] = {INFINITY,  28 * DAY_S, 14 * DAY_S,
                                                          7 * DAY_S, 4 * DAY_S,  2 * DAY_S};

double qbid_decay_half_life_s(uint32_t candidate)
{
    return candidate < QBID_DECAY_CANDIDATES ? half_life_s[candidate] : INFINITY;
}

double qbid_decay_left(double half_life, int64_t from_s, int64_t to_s)
{
    return to_s > from_s ? exp2(-(double)(to_s - from_s) / half_life) : 1;
}

static void series_fade(struct qbid_decay_series *series, int64_t now_s)
{
    if (now_s <= series->at_s)
        return;
    for (uint32_t k = 1; k < QBID_DECAY_CANDIDATES; k++) {
        double left = qbid_decay_left(half_life_s[k], series->at_s, now_s);
        series->trials[k] *= left;
        series->successes[k] *= left;
    }
    series->at_s = now_s;
}

double qbid_decay_rate(const struct qbid_decay_race *race, const struct qbid_decay_series *series,
                       uint32_t k)
{
    double m = (race->whole.successes[k] + 0.5) / (race->whole.trials[k] + 1);
    double strength = SERIES_SUCCESSES / m;
    double q = (strength * m + series->successes[k]) / (strength + series->trials[k]);
    return fmax(q, RATE_MIN);
}

void qbid_decay_post(struct qbid_decay_race *race, struct qbid_decay_series *series, int64_t now_s,
                     double trials, double successes)
{
    if (!(trials >= 0 && successes >= 0 && trials + successes > 0 && isfinite(trials + successes)))
        return;
    series_fade(series, now_s);
    series_fade(&race->whole, now_s);
    double left = qbid_decay_left(LOSS_HALF_LIFE_S, race->loss_s, now_s), longest = 0;
    race->loss_s = now_s > race->loss_s ? now_s : race->loss_s;
    for (uint32_t k = 0; k < QBID_DECAY_CANDIDATES; k++) {
        double q = qbid_decay_rate(race, series, k), loss = q * trials - successes * log(q);
        if (k == 0)
            longest = loss;
        race->loss[k] = race->loss[k] * left + loss;
        race->square[k] = race->square[k] * left + (loss - longest) * (loss - longest);
    }
    for (uint32_t k = 0; k < QBID_DECAY_CANDIDATES; k++) {
        series->trials[k] += trials;
        series->successes[k] += successes;
        race->whole.trials[k] += trials;
        race->whole.successes[k] += successes;
    }
}

uint32_t qbid_decay_choose(struct qbid_decay_race *race)
{
    uint32_t best = race->chosen < QBID_DECAY_CANDIDATES ? race->chosen : 0;
    double least = race->loss[best] - QBID_DECAY_MARGIN;
    for (uint32_t k = 0; k < QBID_DECAY_CANDIDATES; k++) {
        double error = QBID_DECAY_ERRORS * sqrt(race->square[k]);
        if (race->loss[k] < least && (k == 0 || race->loss[k] < race->loss[0] - error)) {
            least = race->loss[k];
            best = k;
        }
    }
    race->chosen = best;
    return best;
}
