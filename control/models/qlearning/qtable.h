/* SPDX-License-Identifier: Apache-2.0 */
/* Learning the Q rows: which bid multiplier serves best in which situation of a campaign. */
#ifndef QBID_CONTROL_MODELS_QLEARNING_QTABLE_H
#define QBID_CONTROL_MODELS_QLEARNING_QTABLE_H

#include <stdint.h>

#include "shm/qtable.h"
#include "shm/shade.h"

/* A running average of weighted samples, with its spread. */
struct qbid_qcell {
    double value;
    double weight;        /* sum of weights */
    double weight_square; /* sum of their squares: weight^2 / weight_square = effective samples */
    double spread;        /* weighted sum of squared deviations */
};

/**
 * Learn one sample.
 *
 * Shapes:  weight > 0 and finite, target finite, else nothing happens; omega in (0, 1]: the step is
 *          (weight / sum of weights)^omega. 1 is the average; less forgets early samples, which a
 *          target that itself is still being learned needs.
 * Threads: pure.
 * Source:  Even-Dar and Mansour 2003 on polynomial rates.
 */
void qbid_qcell_learn(struct qbid_qcell *cell, double target, double weight, double omega);

/** Standard error of the average; infinite below two effective samples. */
double qbid_qcell_error(const struct qbid_qcell *cell);

/* One Q-group: states x actions. Reward of a decision = won * value - lambda * cost, in parts of
 * value, so that campaigns of any size share a group. lambda, the price of budget, stands for the
 * future; what is left to learn is where the paced bid itself is off.
 *
 * cell[s][neutral] averages the reward of multiplier 1; the other cells average how much better
 * their multiplier did than 1 on the same auctions, which needs far fewer of them to be told. */
#define QBID_QLEARNER_ACTIONS 7
#define QBID_QLEARNER_NEUTRAL 3

struct qbid_qlearner {
    double multiplier[QBID_QLEARNER_ACTIONS]; /* rising; [NEUTRAL] = 1 */
    struct qbid_qcell cell[QBID_QSTATES][QBID_QLEARNER_ACTIONS];
    uint8_t greedy[QBID_QSTATES];
};

/* One logged decision. */
struct qbid_qlog {
    uint32_t state;
    uint32_t action;
    uint32_t greedy;     /* of the row in force then */
    double propensity;   /* of the action, as logged */
    double value_micros; /* of the impression in its row */
    double pace;         /* multiplier at action NEUTRAL: live pace / multiplier[greedy] */
    double lambda;       /* price of budget; 0 = 1 / pace */
    double price_micros; /* the market price where it is known, else 0 */
    double cost_micros;  /* what was paid; 0 when lost */
    int won;
    int told;                       /* this market tells the price on losses as well */
    const struct qbid_shade *shade; /* first price; NULL = second */
};

struct qbid_qlearner_params {
    double prior_samples; /* that the prior is worth, default 200 */
    double
        prior_penalty; /* advantage of an octave away from 1 before there is data, default -0.02 */
    double switch_errors; /* standard errors by which a new greedy action must be better, default 2:
                             it is asked again each plan */
    double explore;       /* probability of leaving the greedy action, held to [0, 0.03], default
                             0.02 */
};

/** The defaults named above. */
struct qbid_qlearner_params qbid_qlearner_defaults(void);

/** Seven multipliers from 0.64 to 1.56, no data, greedy = 1 everywhere. */
void qbid_qlearner_init(struct qbid_qlearner *learner);

/**
 * Learn from one decision.
 *
 * Shapes:  anything; impossible records change nothing.
 *          Every action whose outcome the record reveals is learned, not only the one taken, each
 *          weighted by the inverse probability that its outcome would be revealed:
 *            price told on wins and losses   all actions
 *            price seen when won (2nd price) actions up to the one taken, wins or not
 *            won or lost only (1st price)    the action taken
 * Returns: actions learned; 0 for a refused record.
 * Threads: pure; writes the learner.
 * Source:  ALGORITHMS 3.7, update of every bid level; inverse propensity weights.
 */
int qbid_qlearner_learn(struct qbid_qlearner *learner, const struct qbid_qlog *log);

/** Forget: all weights times keep in [0, 1]. */
void qbid_qlearner_discount(struct qbid_qlearner *learner, double keep);

/** Advantage of an action over multiplier 1, shrunk towards the prior; 0 for NEUTRAL. */
double qbid_qlearner_advantage(const struct qbid_qlearner *learner,
                               const struct qbid_qlearner_params *params, uint32_t state,
                               uint32_t action);

/**
 * Choose greedy actions anew; one is left only for another that is better by the errors of both.
 *
 * Returns: states whose greedy action changed.
 * Threads: pure; writes greedy only.
 */
int qbid_qlearner_decide(struct qbid_qlearner *learner, const struct qbid_qlearner_params *params);

/**
 * Rows for the image.
 *
 * Returns: rows refused: a learner with an impossible multiplier gives rows without actions, which
 *          leave bids alone.
 * Threads: pure.
 */
int qbid_qlearner_rows(const struct qbid_qlearner *learner,
                       const struct qbid_qlearner_params *params,
                       struct qbid_qrow ret_rows[QBID_QSTATES]);

/** Absolute multiplier of a state's greedy action, for the live pace; 1 where it would be refused.
 */
double qbid_qlearner_multiplier(const struct qbid_qlearner *learner, uint32_t state);

#endif
