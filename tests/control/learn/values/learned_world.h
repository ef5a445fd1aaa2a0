/* SPDX-License-Identifier: Apache-2.0 */
/* Generated worlds of known click rates, in which the learned models are judged: one line item,
 * contexts of exchange, device and site, outcomes period by period. */
#ifndef QBID_TESTS_CONTROL_LEARN_VALUES_LEARNED_WORLD_H
#define QBID_TESTS_CONTROL_LEARN_VALUES_LEARNED_WORLD_H

#include "control/learn/values/learned.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"

#define WORLD_EXCHANGES 4
#define WORLD_DEVICES 9
#define WORLD_SITES 100
#define WORLD_CONTEXTS (WORLD_EXCHANGES * WORLD_DEVICES * WORLD_SITES)

enum learned_world_kind {
    LEARNED_WORLD_MULTIPLICATIVE, /* the product of one effect by dimension */
    LEARNED_WORLD_INTERACTING     /* a site's grade counts more, less or inversely by device */
};

struct learned_world {
    struct learn_fixture account;
    struct rng rng;
    uint64_t mask[QBID_LEVEL_MAX];
    uint64_t context[WORLD_CONTEXTS];
    double rate[WORLD_CONTEXTS];
    double share[WORLD_CONTEXTS]; /* of traffic; sums to 1 */
    int64_t now_s;
    struct qbid_cells cells;
    struct qbid_values values;
    struct qbid_learned *learned;
};

void learned_world_init(struct learned_world *world, enum learned_world_kind kind, uint64_t seed,
                        bool trees);
void learned_world_done(struct learned_world *world);

/** One period of about `impressions` impressions, then a plan as the learner makes it: step, fit.
 */
void learned_world_period(struct learned_world *world, double impressions);

/** Click rate that a model gives to a context. */
double learned_world_rate(const struct learned_world *world, enum qbid_learned_model model,
                          uint32_t context);

/** True mean log-loss of a model over that of the truth, nats an impression. */
double learned_world_excess(const struct learned_world *world, enum qbid_learned_model model);

struct qbid_learned_view learned_world_view(const struct learned_world *world);

#endif
