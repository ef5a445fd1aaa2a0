/* SPDX-License-Identifier: Apache-2.0 */
/* Matches of several seeds as figures: means with their 95 % intervals. */
#ifndef QBID_TOOLS_SIM_ARENA_SCORE_H
#define QBID_TOOLS_SIM_ARENA_SCORE_H

#include <stdint.h>

#include "tools/sim/arena/match.h"

struct qbid_sim_mean {
    double mean, half; /* the interval is mean +- half; half is 0 for one seed */
    double least, most;
};

/** Mean of n numbers with the interval of Student's t. Shapes: n >= 1; numbers that are not finite
 * make the mean so. */
struct qbid_sim_mean qbid_sim_mean_of(const double *x, uint32_t n);

/* One strategy, all campaigns of a market together. */
struct qbid_sim_score {
    struct qbid_sim_mean value; /* by the true rates, currency units */
    struct qbid_sim_mean spend; /* currency units */
    struct qbid_sim_mean goal;  /* ROAS / target, or target / CPA: 1 = met; 0 without a target */
    struct qbid_sim_mean roas;
    struct qbid_sim_mean delivery;     /* least of the campaigns: spend / budget */
    struct qbid_sim_mean win_rate;     /* wins / auctions */
    struct qbid_sim_mean to_oracle;    /* value / the oracle's */
    struct qbid_sim_mean to_hindsight; /* value / that of hindsight */
    struct qbid_sim_mean to_notes;     /* value at equal spend / that of the notes' rules */
    double goal_pooled;                /* the goal's ratio of all seeds' sums */
    int64_t overspend_nanos;           /* largest spend beyond a budget of any campaign and seed */
    uint64_t faults;
};

/**
 * Value of strategy s against that of strategy t at the same spend. Who spends more is scaled down
 * by his own value per spend: value is concave in spend, so s is never favoured when it is s who
 * spends more. 0 when t has no value.
 */
double qbid_sim_value_at_equal_spend(const struct qbid_sim_result *s,
                                     const struct qbid_sim_result *t, uint32_t campaigns);

/** Score strategy s over the matches of n seeds. */
struct qbid_sim_score qbid_sim_score_of(const struct qbid_sim_match *matches, uint32_t n,
                                        unsigned s, uint32_t campaigns);

#endif
