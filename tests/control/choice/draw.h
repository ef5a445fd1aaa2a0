/* SPDX-License-Identifier: Apache-2.0 */
/* Random offers to choose among, as the tests and the bench draw them. */
#ifndef QBID_TESTS_CONTROL_CHOICE_DRAW_H
#define QBID_TESTS_CONTROL_CHOICE_DRAW_H

#include "control/choice/choice.h"
#include "tests/control/models/rng.h"

enum draw_kind {
    DRAW_FREE,   /* gains and risks alone */
    DRAW_TIED,   /* risk goes with gain: the hard kind */
    DRAW_COARSE, /* few values, so that many choices are equal */
    DRAW_BOTH    /* like FREE, and the money moved is as scarce as the risk */
};

/* Options in groups of 1 to group_max; limits are a part of what everything would use, that of the
 * money moved a loose one but for COARSE and BOTH. */
static inline void draw_options(struct rng *r, enum draw_kind kind, uint32_t cnt,
                                uint32_t group_max, double part, struct qbid_choice_option *options,
                                struct qbid_choice_limits *limits)
{
    double sum[2] = {0};
    uint64_t group = 1;
    uint32_t left = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (left == 0) {
            group += 1 + rng_below(r, 3);
            left = 1 + rng_below(r, group_max);
        }
        left--;
        struct qbid_choice_option *o = &options[i];
        *o = (struct qbid_choice_option){.id = 100 + i, .group = group};
        if (kind == DRAW_COARSE) {
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
    double moved = kind == DRAW_COARSE || kind == DRAW_BOTH ? part : 0.7;
    *limits = (struct qbid_choice_limits){(int64_t)(part * sum[0]), (int64_t)(moved * sum[1]), 0};
}

#endif
