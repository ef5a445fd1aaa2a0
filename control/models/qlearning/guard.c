/* SPDX-License-Identifier: Apache-2.0 */
/* Wealth of the bets, and what it lets happen. */
#include "control/models/qlearning/guard.h"

#include <math.h>
#include <stddef.h>

#define CUT 4.0 /* usual deviations */
#define WEALTH_LG_MAX 600.0

static const double bet[QBID_GUARD_BETS] = {0.02, 0.05, 0.1, 0.2, 0.4, 0.8};

struct qbid_guard_params qbid_guard_defaults(void)
{
    return (struct qbid_guard_params){.error = 0.05,
                                      .harm_error = 1e-3,
                                      .trial_share = 0.2,
                                      .serve_share = 0.8,
                                      .trial_max = 20000,
                                      .trials_max = 3,
                                      .warm = 50};
}

static double within(double x, double low, double high, double otherwise)
{
    return x > low && x < high ? x : otherwise;
}

static void phase_begin(struct qbid_guard *guard, enum qbid_guard_phase phase,
                        enum qbid_guard_why why)
{
    guard->phase = phase;
    guard->why = why;
    guard->blocks = 0;
    for (int i = 0; i < QBID_GUARD_BETS; i++)
        guard->harm[i] = 0;
    if (phase != QBID_GUARD_TRIAL)
        return;
    for (int i = 0; i < QBID_GUARD_BETS; i++)
        guard->proof[i] = 0;
    guard->trials++;
    guard->error *= 0.5; /* a half, a quarter, ...: all trials together spend params.error */
}

void qbid_guard_init(struct qbid_guard *guard, const struct qbid_guard_params *params)
{
    struct qbid_guard_params d = qbid_guard_defaults();
    *guard = (struct qbid_guard){.params = *params};
    struct qbid_guard_params *p = &guard->params;
    p->error = within(p->error, 0, 1, d.error);
    p->harm_error = within(p->harm_error, 0, 1, d.harm_error);
    p->trial_share = within(p->trial_share, 0.01, 0.99, d.trial_share);
    p->serve_share = within(p->serve_share, 0.01, 0.99, d.serve_share);
    guard->error = p->error;
    phase_begin(guard, QBID_GUARD_TRIAL, QBID_GUARD_WHY_NEW);
}

double qbid_guard_share(const struct qbid_guard *guard)
{
    switch (guard->phase) {
    case QBID_GUARD_TRIAL:
        return guard->params.trial_share;
    case QBID_GUARD_SERVING:
        return guard->params.serve_share;
    case QBID_GUARD_OFF:
        break;
    }
    return 0;
}

int qbid_guard_draw(const struct qbid_guard *guard, uint64_t random)
{
    return (double)(random >> 11) * 0x1p-53 < qbid_guard_share(guard);
}

/* Mean of the bets' wealths. */
static double wealth_of(const double *lg)
{
    double sum = 0;
    for (int i = 0; i < QBID_GUARD_BETS; i++)
        sum += exp(fmin(lg[i], WEALTH_LG_MAX));
    return sum / QBID_GUARD_BETS;
}

double qbid_guard_evidence(const struct qbid_guard *guard)
{
    return wealth_of(guard->proof);
}

double qbid_guard_gain(const struct qbid_guard *guard)
{
    return guard->weight_sum > 0 ? guard->gain_sum / guard->weight_sum : 0;
}

/* The reward against what is usual so far, in [-1, 1]; only the past is used, so that the block's
 * own arm has no part in it. Then the usual moves on. */
static double reward_centre(struct qbid_guard *guard, double reward, double *ret_unit)
{
    double n = (double)guard->blocks_all + 1, off = reward - guard->mean;
    double deviation = n > 2 ? sqrt(guard->spread / (n - 2)) : 0;
    guard->mean += off / n;
    guard->spread += off * (reward - guard->mean);
    guard->blocks_all++;
    *ret_unit = CUT * deviation;
    if (guard->blocks_all <= guard->params.warm || !(deviation > 0))
        return NAN;
    return fmin(fmax(off / *ret_unit, -1), 1);
}

static void decide(struct qbid_guard *guard)
{
    if (guard->phase == QBID_GUARD_OFF)
        return;
    if (wealth_of(guard->harm) >= 1 / guard->params.harm_error) {
        if (guard->phase == QBID_GUARD_SERVING && guard->trials < guard->params.trials_max)
            phase_begin(guard, QBID_GUARD_TRIAL, QBID_GUARD_WHY_HARM);
        else
            phase_begin(guard, QBID_GUARD_OFF, QBID_GUARD_WHY_HARM);
    } else if (guard->phase == QBID_GUARD_TRIAL) {
        if (wealth_of(guard->proof) >= 1 / guard->error)
            phase_begin(guard, QBID_GUARD_SERVING, QBID_GUARD_WHY_PROVEN);
        else if (guard->params.trial_max && guard->blocks >= guard->params.trial_max)
            phase_begin(guard, QBID_GUARD_OFF, QBID_GUARD_WHY_IDLE);
    }
}

void qbid_guard_post(struct qbid_guard *guard, int corrected, double share, double reward)
{
    double unit;
    if (!isfinite(reward) || !(share > 0 && share < 1) || guard->phase == QBID_GUARD_OFF)
        return;
    double r = reward_centre(guard, reward, &unit);
    if (!(r >= -1 && r <= 1))
        return;
    double gain = corrected ? r / share : -r / (1 - share); /* its mean is the gain */
    double y = gain * fmin(share, 1 - share);
    guard->gain_sum += gain * unit;
    guard->weight_sum++;
    guard->blocks++;
    for (int i = 0; i < QBID_GUARD_BETS; i++) {
        guard->proof[i] = fmin(guard->proof[i] + log1p(bet[i] * y), WEALTH_LG_MAX);
        guard->harm[i] = fmin(fmax(guard->harm[i], 0) + log1p(-bet[i] * y), WEALTH_LG_MAX);
    }
    decide(guard);
}

void qbid_guard_fault(struct qbid_guard *guard, enum qbid_guard_why why)
{
    if (guard->phase != QBID_GUARD_OFF)
        phase_begin(guard, QBID_GUARD_OFF, why);
}

const char *qbid_guard_phase_text(enum qbid_guard_phase phase)
{
    static const char *const text[] = {"trial", "serving", "off"};
    return phase <= QBID_GUARD_OFF ? text[phase] : "?";
}

const char *qbid_guard_why_text(enum qbid_guard_why why)
{
    static const char *const text[] = {"new", "proven", "harm", "idle", "fault", "stale"};
    return why <= QBID_GUARD_WHY_STALE ? text[why] : "?";
}
