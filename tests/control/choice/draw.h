/* SPDX-License-Identifier: Apache-2.0 */
/* Random offers to choose among, as the tests and the bench draw them. */
#ifndef QBID_TESTS_CONTROL_CHOICE_DRAW_H
#define QBID_TESTS_CONTROL_CHOICE_DRAW_H

#include <math.h>

#include "control/choice/choice.h"
#include "tests/control/models/rng.h"

enum draw_kind {
    DRAW_FREE,   /* gains and risks alone */
    DRAW_TIED,   /* risk goes with gain: the hard kind */
    DRAW_COARSE, /* few values, so that many choices are equal */
    DRAW_BOTH,   /* like FREE, and the money moved is as scarce as the risk */
    DRAW_ACCOUNT /* budgets of lognormal size, changes of some parts of them, uncertain returns */
};

/* A change of 2 to 20 % of a campaign's budget that returns -0.05 to 0.6 of it, give or take, in
 * money of nanos; its risk is the mean of the worst tenth of a normal. */
static inline void draw_change(struct rng *r, double budget, struct qbid_choice_option *o)
{
    double moved = (0.02 + 0.18 * rng_uniform(r)) * budget;
    double gain = (0.65 * rng_uniform(r) - 0.05) * moved;
    double sd = (0.3 + 1.2 * rng_uniform(r)) * fabs(gain) + 0.05 * moved;
    double loss = 1.755 * sd - gain;
    o->gain_nanos = (int64_t)gain;
    o->risk_nanos = (int64_t)(loss > 0 ? loss : 0);
    o->moved_nanos = (int64_t)moved;
}

/* Options in groups of 1 to group_max; limits are a part of what everything would use, that of the
 * money moved a loose one but for COARSE and BOTH. */
static inline void draw_options(struct rng *r, enum draw_kind kind, uint32_t cnt,
                                uint32_t group_max, double part, struct qbid_choice_option *options,
                                struct qbid_choice_limits *limits)
{
    double sum[2] = {0}, budget = 0, budgets = 0;
    uint64_t group = 1;
    uint32_t left = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (left == 0) {
            group += 1 + rng_below(r, 3);
            left = 1 + rng_below(r, group_max);
            budget = kind == DRAW_ACCOUNT ? 400e9 * exp(1.2 * rng_normal(r)) : 0;
            budgets += budget;
        }
        left--;
        struct qbid_choice_option *o = &options[i];
        *o = (struct qbid_choice_option){.id = 100 + i, .group = group};
        if (kind == DRAW_ACCOUNT) {
            draw_change(r, budget, o);
        } else if (kind == DRAW_COARSE) {
            o->gain_nanos = (int64_t)rng_below(r, 4) - 1;
            o->risk_nanos = (int64_t)rng_below(r, 3);
            o->moved_nanos = (int64_t)rng_below(r, 3);
        } else {
            o->gain_nanos = (int64_t)(1e9 * (rng_uniform(r) - 0.05));
            double risk = kind == DRAW_TIED ? 0.8 * (double)o->gain_nanos + 1e8 * rng_uniform(r)
                                            : 1e9 * rng_uniform(r);
            o->risk_nanos = (int64_t)(risk > 0 ? risk : 0);
            o->moved_nanos = (int64_t)(5e9 * rng_uniform(r));
        }
        sum[0] += (double)o->risk_nanos;
        sum[1] += (double)o->moved_nanos;
    }
    if (kind == DRAW_ACCOUNT) { /* around the presets of `execution` */
        *limits = (struct qbid_choice_limits){(int64_t)(0.08 * part * budgets),
                                              (int64_t)(0.4 * part * budgets), 0, 0};
        return;
    }
    double moved = kind == DRAW_COARSE || kind == DRAW_BOTH ? part : 0.7;
    *limits =
        (struct qbid_choice_limits){(int64_t)(part * sum[0]), (int64_t)(moved * sum[1]), 0, 0};
}

#endif
