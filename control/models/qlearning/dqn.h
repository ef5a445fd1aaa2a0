/* SPDX-License-Identifier: Apache-2.0 */
/* Deep Q-learning: action values of a continuous state by a small net, from replayed transitions.
 */
#ifndef QBID_CONTROL_MODELS_QLEARNING_DQN_H
#define QBID_CONTROL_MODELS_QLEARNING_DQN_H

#include <stdint.h>

#include "control/models/qlearning/mlp.h"
#include "control/models/random.h"

#define QBID_DQN_IN_MAX 16
#define QBID_DQN_ACTIONS_MAX 16

/*   world --observe--> replay (ring) --batch--> online net --every target_every--> target net
 *                                                  |  ^                              |
 *     act <-- greedy, or exploring ----------------+  +-- reward + discount * target(best of
 * online)
 *
 * Exploration falls from explore_max to explore_min, and rises again while the loss is above what
 * it used to be: the world has changed, what is known of it is wrong. */
struct qbid_dqn_params {
    uint32_t in;           /* numbers of a state, [1, QBID_DQN_IN_MAX], each about within [-1, 1] */
    uint32_t actions;      /* [2, QBID_DQN_ACTIONS_MAX] */
    uint32_t replay_max;   /* transitions kept, default 50,000 */
    uint32_t warm;         /* transitions before learning begins, default 1,000 */
    uint32_t batch;        /* default 32 */
    uint32_t train_every;  /* transitions from one batch to the next, default 2 */
    uint32_t target_every; /* batches from one copy of the target net to the next, default 500 */
    double rate;           /* of Adam, default 1e-3, falling by rate_keep a batch to a tenth */
    double rate_keep;      /* default 1 */
    double clip;           /* longest gradient, default 10 */
    double explore_max;    /* default 1 */
    double explore_min;    /* default 0.02 */
    double explore_steps;  /* in which exploration falls by e, default 5,000 */
    double loss_memory;    /* transitions that make the recent loss, at least 1, default 50 */
    uint64_t seed;
};

struct qbid_dqn; /* opaque */

/** The defaults named above. */
struct qbid_dqn_params qbid_dqn_defaults(uint32_t in, uint32_t actions);

/** Returns 0; QBID_ERR_INVAL for parameters out of range; QBID_ERR_NOMEM. */
int qbid_dqn_new(const struct qbid_dqn_params *params, struct qbid_dqn **ret_dqn);
void qbid_dqn_free(struct qbid_dqn *dqn);

/** The action to take in a state: the greedy one, or with probability qbid_dqn_explore() any. */
uint32_t qbid_dqn_act(struct qbid_dqn *dqn, const double *state);

/** The best action of a state; ret_q, if not NULL, gets all action values. Changes nothing. */
uint32_t qbid_dqn_greedy(const struct qbid_dqn *dqn, const double *state, double *ret_q);

/**
 * Keep a transition, and learn from a batch when one is due.
 *
 * Shapes:  discount in [0, 1]; 0 = the episode ended, next is then not read and may be NULL.
 * Returns: 0; QBID_ERR_INVAL for a number that is not finite or an action out of range: not kept.
 * Cost:    a batch of 32: about 0.15 ms.
 * Source:  Mnih et al. 2015 (replay, target net); van Hasselt, Guez and Silver 2016 (double DQN).
 */
int qbid_dqn_observe(struct qbid_dqn *dqn, const double *state, uint32_t action, double reward,
                     const double *next, double discount);

/** Probability of exploring now. */
double qbid_dqn_explore(const struct qbid_dqn *dqn);

/** The online net; valid as long as the dqn. */
const struct qbid_mlp *qbid_dqn_net(const struct qbid_dqn *dqn);

#endif
