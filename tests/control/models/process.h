/* SPDX-License-Identifier: Apache-2.0 */
/* The reference decision process of the bid learners, and its solution by dynamic programming: the
 * oracle that Q-learning and the DQN are held against. 20 second-price auctions, budget 30, bids 0
 * to 10, prices by a known distribution, worth of each auction seen before the bid. */
#ifndef QBID_TESTS_CONTROL_MODELS_PROCESS_H
#define QBID_TESTS_CONTROL_MODELS_PROCESS_H

#include "tests/control/models/rng.h"

#define PROCESS_STEPS 20
#define PROCESS_BUDGET 30
#define PROCESS_BIDS 11
#define PROCESS_WORTHS 3
#define PROCESS_OPTIMUM                                                                            \
    10.486880684198 /* V*(20, 30), tests/oracle/process.py in rational numbers */

extern const double process_price_p[PROCESS_BIDS];
extern const double process_worth[PROCESS_WORTHS], process_worth_p[PROCESS_WORTHS];

struct process_values {
    double at[PROCESS_STEPS + 1][PROCESS_BUDGET + 1]; /* auctions left, budget left */
};

/* What a policy bids with t auctions and b money left on worth k: 0 to min(b, 10). */
typedef int process_policy_fn(const void *policy, int t, int b, int k);

/* Value of bidding `bid` with b money left, under the values of one auction later. */
double process_bid_value(const double next[PROCESS_BUDGET + 1], int b, double worth, int bid);

/* Value iteration: the best value of every state; V*(20, 30). */
double process_solve(struct process_values *ret_v);

/* The optimal policy as a threshold: the highest bid at which winning is still worth the budget
 * that it costs (Cai et al., WSDM 2017); v from process_solve(). */
int process_threshold(const struct process_values *v, int t, int b, int k);

/* What a policy is truly worth, by its exact expectation. */
double process_policy_value(process_policy_fn *bid, const void *policy);

/* Index drawn from n probabilities. */
int process_draw(struct rng *r, const double *p, int n);

#endif
