/* SPDX-License-Identifier: Apache-2.0 */
/* Training the correction of the pacer in simulated days, making its table, and judging both. */
#ifndef QBID_TOOLS_SIM_TRAIN_TRAIN_H
#define QBID_TOOLS_SIM_TRAIN_TRAIN_H

#include <stdint.h>

#include "control/models/qlearning/dqn.h"
#include "tools/sim/train/day.h"

/* Most auctions of a day against its forecast: busy, jump and the noise of periods. */
#define QBID_TRAIN_ROOM 1.9

struct qbid_train_params {
    uint32_t days;                     /* to train on */
    uint32_t periods;                  /* of a day */
    uint32_t samples;                  /* of auctions that the pacer is shown */
    double auctions_min, auctions_max; /* of a day, drawn evenly in the logarithm */
    uint64_t seed;
};

/** 300 days of 288 periods, 1,000 to 40,000 auctions. */
struct qbid_train_params qbid_train_defaults(void);

/**
 * Train a net.
 *
 * Returns: 0 and *ret_dqn (qbid_dqn_free()); QBID_ERR_INVAL, QBID_ERR_NOMEM.
 * Source:  reward = worth - lambda * cost at the day's best price of budget, in hindsight, so that
 *          what is spent now is charged for what it would have bought later; every action of a
 *          period is learned from its own expected result (ALGORITHMS 3.7, all-bids update).
 */
int qbid_train(const struct qbid_train_params *params, struct qbid_dqn **ret_dqn);

/**
 * Make a table from a net: edges at the quantiles of what the net's own policy visits, the step of
 * a state the best by the mean of the action values seen there; 0 where no step is clearly better,
 * and in a state that was hardly seen.
 *
 * Returns: 0; QBID_ERR_NOMEM.
 */
int qbid_train_distil(const struct qbid_train_params *params, const struct qbid_dqn *dqn,
                      uint32_t days, struct qbid_correction_table *ret_table);

/* A policy: the step for the next period of a run. */
typedef double qbid_train_policy_fn(const void *policy, const struct qbid_day_run *run);

/** The net's step, 0 where none is clearly better; policy is a struct qbid_dqn. */
double qbid_train_net_step(const void *policy, const struct qbid_day_run *run);
/** The table's step; policy is a struct qbid_correction_table. */
double qbid_train_table_step(const void *policy, const struct qbid_day_run *run);
/** The pacer alone. */
double qbid_train_no_step(const void *policy, const struct qbid_day_run *run);
/** What nobody can know: the step of largest expected worth - lambda * cost at the day's true price
 *  of budget and law of prices. How much there is to be gained at all. */
double qbid_train_oracle_step(const void *policy, const struct qbid_day_run *run);

/* What a policy did on a day. */
struct qbid_train_score {
    double value;     /* worth against that of the best single multiplier of the day, in hindsight;
                         times the square of realised worth / spend where a goal was missed */
    double delivered; /* part of the budget; 1 with a goal in place of a budget */
    double met;       /* realised worth / spend with a goal, else 1 */
};

/** Play a whole day. */
struct qbid_train_score qbid_train_play(const struct qbid_day *day, const struct qbid_shade *shade,
                                        uint32_t samples, qbid_train_policy_fn *step,
                                        const void *policy);

/* Of situations that the table's policy meets on new days. */
struct qbid_train_fidelity {
    uint64_t seen;
    double same;  /* part with the net's very step */
    double close; /* part within 0.1 of it */
};

int qbid_train_fidelity(const struct qbid_train_params *params, const struct qbid_dqn *dqn,
                        const struct qbid_correction_table *table, uint32_t days,
                        struct qbid_train_fidelity *ret_fidelity);

/** A day's kind by the training market's law, with its size. */
struct qbid_day_kind qbid_train_kind(const struct qbid_train_params *params,
                                     struct qbid_random *random);

#endif
