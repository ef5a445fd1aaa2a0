/* SPDX-License-Identifier: Apache-2.0 */
/* Estimators of a censored price distribution: Kaplan-Meier, isotonic regression, EM. */
#include "control/models/landscape/survival.h"

#include <math.h>

#include "control/models/isotonic.h"

void qbid_survival_km(const double *event, const double *above, uint32_t n, double late,
                      double *ret_win)
{
    double at_risk = 0, alive = 1;
    for (uint32_t i = 0; i < n; i++)
        at_risk += event[i] + above[i];
    for (uint32_t i = 0; i < n; i++) {
        double exposed = fmax(at_risk - (1 - late) * above[i], event[i]);
        if (event[i] > 0)
            alive *= fmax(1 - event[i] / exposed, 0);
        ret_win[i] = 1 - alive;
        /* differences of decayed counts leave dust that is nobody at risk */
        at_risk = fmax(at_risk - event[i] - above[i], 0);
    }
}

void qbid_survival_isotonic(const double *won, const double *lost, uint32_t n, double *ret_rate)
{
    struct qbid_isotonic_block block[QBID_SURVIVAL_BINS_MAX];
    double trials[QBID_SURVIVAL_BINS_MAX] = {0};
    for (uint32_t i = 0; i < n; i++)
        trials[i] = won[i] + lost[i];
    uint32_t b = 0, cnt = qbid_isotonic_fit(won, trials, n, block);
    for (uint32_t i = 0; i < n; i++) {
        while (b + 1 < cnt && i >= block[b].end)
            b++;
        ret_rate[i] = trials[i] > 0 ? fmin(block[b].sum / block[b].weight, 1) : NAN;
    }
}

/* F at the middle of bin i. */
static double win_middle(const double *win, uint32_t i)
{
    return 0.5 * (win[i] + (i > 0 ? win[i - 1] : 0));
}

void qbid_survival_em(const double *event, const double *above, const double *below, uint32_t n,
                      uint32_t rounds, double *ret_win)
{
    double share[QBID_SURVIVAL_BINS_MAX]; /* of each bin's probability: expected events per mass */
    double total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += event[i] + above[i] + below[i];
    for (uint32_t round = 0; round < rounds; round++) {
        double up = 0, down = 0;
        for (uint32_t i = 0; i < n; i++) { /* a lost bid spreads over the bins above it */
            double mine = above[i] / fmax(1 - win_middle(ret_win, i), 1e-12);
            share[i] = up + 0.5 * mine;
            up += mine;
        }
        for (uint32_t i = n; i-- > 0;) { /* a won bid over those below it */
            double mine = below[i] / fmax(win_middle(ret_win, i), 1e-12);
            share[i] += down + 0.5 * mine;
            down += mine;
        }
        double sum = 0, moved = 0, last = 0;
        for (uint32_t i = 0; i < n; i++) {
            double mass = ret_win[i] - last;
            last = ret_win[i];
            sum += (event[i] + mass * share[i]) / total;
            double win = fmin(sum, 1);
            moved = fmax(moved, fabs(win - ret_win[i]));
            ret_win[i] = win;
        }
        if (moved < 1e-9)
            break;
    }
}
