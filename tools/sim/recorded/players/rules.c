/* SPDX-License-Identifier: Apache-2.0 */
/* The rules' formulas, and grid search for what they leave open. */
#include "tools/sim/recorded/players/rules.h"

#include <math.h>

#include "control/models/landscape/shading.h"

#define GRID 8           /* steps an octave */
#define REFINE 8         /* each round is that much finer */
#define REFINE_ROUNDS 2  /* 8 * 8^2 = 512 an octave */
#define BASE_LG_MIN (-1) /* half of the least price */
#define C_ROUNDS 60

/* --- c of the win rate */

static double win_rate(enum qbid_recorded_rule_kind kind, double c, double b)
{
    return kind == QBID_RECORDED_ORTB1 ? b / (c + b) : b * b / (c * c + b * b);
}

static double misfit(const struct qbid_recorded_log *log, enum qbid_recorded_rule_kind kind,
                     double c)
{
    double sum = 0, error = 0, total = 0;
    for (uint32_t p = 0; p < log->price_cnt; p++)
        total += log->prices[p];
    for (uint32_t p = 0; p < log->price_cnt; p++) {
        sum += log->prices[p];
        double off = win_rate(kind, c, p) - sum / total;
        error += p > 0 ? off * off : 0;
    }
    return error;
}

double qbid_recorded_rule_fit(const struct qbid_recorded_log *log,
                              enum qbid_recorded_rule_kind kind)
{
    double low = -4, high = log2(log->price_cnt) + 4, best = low;
    double least = INFINITY;
    for (double lg = low; lg <= high; lg += 0.25) {
        double error = misfit(log, kind, exp2(lg));
        if (error < least) {
            least = error;
            best = lg;
        }
    }
    low = best - 0.25;
    high = best + 0.25;
    for (int i = 0; i < C_ROUNDS; i++) { /* one valley is left */
        double left = low + (high - low) / 3, right = high - (high - low) / 3;
        if (misfit(log, kind, exp2(left)) < misfit(log, kind, exp2(right)))
            high = right;
        else
            low = left;
    }
    return exp2(0.5 * (low + high));
}

/* --- the rules */

struct qbid_recorded_rule qbid_recorded_rule_make(enum qbid_recorded_rule_kind kind, double base,
                                                  double mean, double c)
{
    struct qbid_recorded_rule r = {kind, base, mean, c, 0};
    /* where the derivative of (mean - lambda b) w(b) is 0 at b = base */
    if (kind == QBID_RECORDED_ORTB1)
        r.lambda = c * mean / (base * (base + 2 * c));
    if (kind == QBID_RECORDED_ORTB2)
        r.lambda = 2 * mean * c * c / (base * (base * base + 3 * c * c));
    return r;
}

double qbid_recorded_rule_bid(const struct qbid_recorded_rule *rule, double value)
{
    if (rule->kind == QBID_RECORDED_CONSTANT)
        return rule->base;
    if (!(value > 0))
        return 0;
    if (rule->kind == QBID_RECORDED_LIN)
        return rule->base * value / rule->mean;
    return rule->kind == QBID_RECORDED_ORTB1 ? qbid_shading_ortb1(value, rule->lambda, rule->c)
                                             : qbid_shading_ortb2(value, rule->lambda, rule->c);
}

static void rule_start(void *self, double budget, uint32_t auctions)
{
    (void)self;
    (void)budget;
    (void)auctions;
}

static double rule_bid(void *self, double value, double budget_left, uint32_t left)
{
    (void)budget_left;
    (void)left;
    return qbid_recorded_rule_bid(self, value);
}

struct qbid_recorded_player qbid_recorded_rule_player(struct qbid_recorded_rule *rule)
{
    return (struct qbid_recorded_player){rule, rule_start, rule_bid, NULL};
}

/* --- tuning */

struct tuning {
    struct qbid_recorded_flights flights;
    struct qbid_recorded_rule best;
    double most; /* expected clicks of the best */
};

static void base_try(struct tuning *t, double base)
{
    struct qbid_recorded_rule rule =
        qbid_recorded_rule_make(t->best.kind, base, t->best.mean, t->best.c);
    struct qbid_recorded_player player = qbid_recorded_rule_player(&rule);
    struct qbid_recorded_result result = {0};
    qbid_recorded_replay(&t->flights, &player, &result);
    if (result.all.expected > t->most || (result.all.expected == t->most && base < t->best.base)) {
        t->most = result.all.expected;
        t->best = rule;
    }
}

struct qbid_recorded_rule qbid_recorded_rule_tune(const struct qbid_recorded_log *log,
                                                  enum qbid_recorded_rule_kind kind, double budget,
                                                  uint32_t episode)
{
    double train = qbid_recorded_replay_auctions(log, 0, log->train_cnt);
    double test = qbid_recorded_replay_auctions(log, log->train_cnt, log->cnt);
    struct tuning t = {.flights = {log, 0, log->train_cnt, episode, budget * train / test},
                       .most = -1};
    double c = kind == QBID_RECORDED_ORTB1 || kind == QBID_RECORDED_ORTB2
                   ? qbid_recorded_rule_fit(log, kind)
                   : 0;
    t.best = qbid_recorded_rule_make(kind, INFINITY, log->value_mean, c);
    int high = (int)ceil(log2(log->price_cnt) + 2) * GRID;
    for (int i = BASE_LG_MIN * GRID; i <= high; i++)
        base_try(&t, exp2((double)i / GRID));
    double step = 1.0 / GRID;
    for (int round = 0; round < REFINE_ROUNDS; round++) {
        double center = log2(t.best.base);
        step /= REFINE;
        for (int i = -REFINE; i <= REFINE; i++)
            base_try(&t, exp2(center + i * step));
    }
    return t.best;
}
