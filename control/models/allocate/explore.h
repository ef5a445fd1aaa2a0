/* SPDX-License-Identifier: Apache-2.0 */
/* Exploration: budgets that follow what is believed of the curves, as far as it is believed. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_EXPLORE_H
#define QBID_CONTROL_MODELS_ALLOCATE_EXPLORE_H

#include <stdint.h>

#include "control/models/allocate/allocation.h"
#include "control/models/random.h"

#define QBID_EXPLORE_DRAWS_MAX 1024

/* What is known of one campaign's scale: worth of value counted in equal parts (conversions), and
 * what a curve of scale 1 would have brought for the same spend, in the same parts. Given its
 * scale, its count is Poisson; scales of campaigns are gamma(strength, strength / mean). */
struct qbid_explore_evidence {
    double count;
    double exposure;
};

struct qbid_explore_prior {
    double mean;
    double strength; /* counts that the prior is worth */
};

/**
 * The prior of scales that makes the evidence of all campaigns most probable.
 *
 * Shapes:  counts and exposures >= 0, some exposure.
 * Returns: 0.
 * Errors:  QBID_ERR_INVAL.
 * Threads: pure.
 * Cost:    40 evaluations of two lgamma() a campaign.
 * Source:  negative binomial marginal likelihood, by golden section on log strength with a weak
 *          lognormal prior around 4 (scales within a factor of e^+-0.5) that holds it finite.
 */
int qbid_explore_prior_fit(const struct qbid_explore_evidence *evidence, uint32_t cnt,
                           struct qbid_explore_prior *ret_prior);

/** Mean of the posterior of a scale. */
double qbid_explore_mean(struct qbid_explore_prior prior,
                         const struct qbid_explore_evidence *evidence);

/** A scale from the posterior gamma(strength + count, strength / mean + exposure). */
double qbid_explore_scale(struct qbid_explore_prior prior,
                          const struct qbid_explore_evidence *evidence, struct qbid_random *random);

/** Curve of campaign `item` as one draw from what is believed of it. */
typedef struct qbid_curve qbid_explore_draw_fn(void *context, uint32_t item,
                                               struct qbid_random *random);

struct qbid_explore_params {
    qbid_explore_draw_fn *draw;
    void *context;
    uint32_t draws; /* 1..QBID_EXPLORE_DRAWS_MAX */
    double exploit; /* weight in [0, 1] of the allocation by the expected curves */
    double trust;   /* most that a spend may change, in parts of it; one may always rise to this
                       part of an equal share */
};

/**
 * Thompson allocation: the mean of the best allocations of several draws, as near to it as the
 * trust region around the current spends lets come.
 *
 * Shapes:  allocation as for qbid_allocate(), its curves ignored; current_micros by item, near the
 *          budget in sum. Where the trust region holds nothing that meets the bounds it is widened
 *          by doubling.
 * Returns: 0, and spends as qbid_allocate() does.
 * Errors:  those of qbid_allocate(); QBID_ERR_INVAL for draws, exploit or trust out of range.
 * Threads: pure but for its arguments; allocates work space.
 * Cost:    draws + 2 allocations.
 * Source:  Thompson 1933. Ours: what is averaged is the allocation, so that money goes to a
 * campaign in proportion to how probably it earns it; the nearest point of the trust region is by
 *          relative entropy, which is itself a water-filling.
 */
int qbid_explore(struct qbid_allocation *allocation, const int64_t *current_micros,
                 const struct qbid_explore_params *params, struct qbid_random *random,
                 char why[QBID_ALLOCATION_WHY_MAX]);

/**
 * A small random change of spends by which their curves stay known: pairs of neighbours in a random
 * order, one up and one down by the same amount, `part` of the smaller at most.
 *
 * Shapes:  spends in micros, >= 0; an odd one stays. order holds cnt numbers.
 * Returns: nothing; the sum is unchanged, bounds of items are kept.
 */
void qbid_explore_perturb(struct qbid_allocation *allocation, double part,
                          struct qbid_random *random, uint32_t *order);

#endif
