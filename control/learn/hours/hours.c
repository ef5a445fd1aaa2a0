/* SPDX-License-Identifier: Apache-2.0 */
/* Ratios of the hours by gamma-Poisson effects, and the multiplier of the hours that it is. */
#include "control/learn/hours/hours.h"

#include <math.h>
#include <stdlib.h>

#include "control/models/rates/decay.h"
#include "control/models/rates/effects.h"

#define NOW_HALF_LIFE_S 60.0
#define NOW_HALF_LIVES_MAX 900.0 /* between two ticks; 2^900 of them still add up */
#define WEEK 168
#define PARENTS 3
#define SWEEPS 30
#define TOLERANCE 1e-4

/* Fading takes place at ticks: what comes after one weighs more by as much as it will lose too much
 * at the next. */
static double weight_now(const struct qbid_hours *hours, int64_t now_s)
{
    double half_lives = (double)(now_s - hours->at_s) / NOW_HALF_LIFE_S;
    return exp2(fmin(fmax(half_lives, 0), NOW_HALF_LIVES_MAX));
}

void qbid_hours_post(struct qbid_hours *hours, const struct qbid_outcome *outcome,
                     double expected_ctr, int64_t now_s)
{
    uint32_t h = qbid_dim_unpack(outcome->context, QBID_DIM_HOUR);
    if (h == 0)
        return;
    if (hours->at_s == 0)
        hours->at_s = now_s; /* nothing to fade */
    if (outcome->kind == QBID_EVENT_BID)
        hours->now[h] += weight_now(hours, now_s);
    if (outcome->first_win)
        hours->expected[h] += expected_ctr;
    if (outcome->kind == QBID_EVENT_CLICK)
        hours->clicks[h]++;
    hours->dirty = 1;
}

static void fade(struct qbid_hours *hours, int64_t now_s)
{
    double left = qbid_decay_left(QBID_HOURS_HALF_LIFE_S, hours->at_s, now_s);
    double now_left = qbid_decay_left(NOW_HALF_LIFE_S, hours->at_s, now_s);
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++) {
        hours->clicks[h] *= left;
        hours->expected[h] *= left;
        hours->now[h] *= now_left;
    }
    hours->at_s = now_s > hours->at_s ? now_s : hours->at_s;
}

void qbid_hours_name(struct qbid_hours *hours, const struct qbid_dictionary *dictionary)
{
    uint32_t cnt = qbid_dictionary_dim_cnt(dictionary, QBID_DIM_HOUR);
    for (uint32_t i = 1; i <= cnt && i < QBID_HOURS_MAX; i++) {
        const char *text = qbid_dictionary_text(dictionary, QBID_DIM_HOUR, i);
        char *end;
        unsigned long hour = strtoul(text, &end, 10);
        hours->week[i] = (uint8_t)(end != text && *end == '\0' && hour < WEEK ? hour + 1 : 0);
    }
}

/* An hour of the week is its hour of the day, its weekday, and what it has of its own. */
static void ratios_fit(struct qbid_hours *hours)
{
    static const uint32_t values[PARENTS] = {1 + 24, 1 + 7, QBID_HOURS_MAX};
    double fitted[QBID_HOURS_MAX], ratio[PARENTS][QBID_HOURS_MAX],
        work[2 * PARENTS][QBID_HOURS_MAX];
    double base = 0;
    uint32_t index[PARENTS][QBID_HOURS_MAX];
    struct qbid_effects_dim dim[PARENTS];
    struct qbid_effects_table table = {.dim_cnt = PARENTS,
                                       .cell_cnt = QBID_HOURS_MAX,
                                       .index = {index[0], index[1], index[2]},
                                       .exposed = hours->expected,
                                       .successes = hours->clicks,
                                       .fitted = fitted};
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++) {
        uint32_t week = hours->week[h];
        index[0][h] = week ? 1 + (week - 1) % 24 : 0;
        index[1][h] = week ? 1 + (week - 1) / 24 : 0;
        index[2][h] = h;
        hours->ratio[h] = ratio[0][h] = ratio[1][h] = ratio[2][h] = 1;
    }
    for (unsigned p = 0; p < PARENTS; p++)
        dim[p] = (struct qbid_effects_dim){.value_cnt = values[p],
                                           .ratio = ratio[p],
                                           .successes = work[2 * p],
                                           .exposed = work[2 * p + 1]};
    if (qbid_effects_fit(&table, dim, SWEEPS, TOLERANCE, &base))
        return;
    for (uint32_t h = 0; h < QBID_HOURS_MAX; h++)
        hours->ratio[h] = ratio[0][index[0][h]] * ratio[1][index[1][h]] * ratio[2][h];
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

double qbid_hours_step(double last, double next)
{
    last = last > 0 ? last : 1;
    next = fmin(fmax(next, 1 / QBID_HOURS_MULTIPLIER_MAX), QBID_HOURS_MULTIPLIER_MAX);
    return fmin(fmax(next, last * exp2(-QBID_HOURS_STEP_LG)), last * exp2(QBID_HOURS_STEP_LG));
}

double qbid_hours_tick(struct qbid_hours *hours, int64_t now_s)
{
    fade(hours, now_s);
    ratios_fit(hours);
    double next = qbid_hours_step(hours->multiplier, ratio_now(hours));
    hours->dirty |= next != hours->multiplier;
    hours->multiplier = next;
    return next;
}
