/* SPDX-License-Identifier: Apache-2.0 */
/* Ratios of the hours by gamma-Poisson, and the multiplier of the hours that it is. */
#include "control/learn/hours.h"

#include <math.h>

#include "control/models/decay.h"
#include "control/models/effects.h"

#define HALF_LIFE_S (56 * 86400.0)
#define NOW_HALF_LIFE_S 300.0

void qbid_hours_post(struct qbid_hours *hours, const struct qbid_outcome *outcome,
                     double expected_ctr)
{
    uint32_t h = qbid_dim_unpack(outcome->context, QBID_DIM_HOUR);
    if (h == 0)
        return;
    if (outcome->kind == QBID_EVENT_BID)
        hours->now[h]++;
    if (outcome->first_win)
        hours->expected[h] += expected_ctr;
    if (outcome->kind == QBID_EVENT_CLICK)
        hours->clicks[h]++;
    hours->dirty = 1;
}

static void fade(struct qbid_hours *hours, int64_t now_s)
{
    double left = qbid_decay_left(HALF_LIFE_S, hours->at_s, now_s);
    double now_left = qbid_decay_left(NOW_HALF_LIFE_S, hours->at_s, now_s);
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++) {
        hours->clicks[h] *= left;
        hours->expected[h] *= left;
        hours->now[h] *= now_left;
    }
    hours->at_s = now_s > hours->at_s ? now_s : hours->at_s;
}

static void ratios_fit(struct qbid_hours *hours)
{
    double expected[QBID_HOURS_MAX], clicks = 0, all = 0;
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++) {
        clicks += hours->clicks[h];
        all += hours->expected[h];
    }
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++)
        expected[h] = all > 0 ? hours->expected[h] * clicks / all : 0;
    double strength = qbid_effects_strength(expected, hours->clicks, QBID_HOURS_MAX);
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++)
        hours->ratio[h] = qbid_effects_multiplier(strength, expected[h], hours->clicks[h]);
}

/* Mean ratio of the hours that requests come from now; 1 where nothing is known. */
static double ratio_now(const struct qbid_hours *hours)
{
    double sum = 0, bids = 0;
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++) {
        sum += hours->now[h] * hours->ratio[h];
        bids += hours->now[h];
    }
    return bids > 0 ? sum / bids : 1;
}

double qbid_hours_tick(struct qbid_hours *hours, int64_t now_s)
{
    fade(hours, now_s);
    ratios_fit(hours);
    double last = hours->multiplier > 0 ? hours->multiplier : 1, next = ratio_now(hours);
    next = fmin(fmax(next, 1 / QBID_HOURS_MULTIPLIER_MAX), QBID_HOURS_MULTIPLIER_MAX);
    next = fmin(fmax(next, last * exp2(-QBID_HOURS_STEP_LG)), last * exp2(QBID_HOURS_STEP_LG));
    hours->dirty |= next != hours->multiplier;
    hours->multiplier = next;
    return next;
}
