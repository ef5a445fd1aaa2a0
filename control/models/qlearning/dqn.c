/* SPDX-License-Identifier: Apache-2.0 */
/* Replay, double Q targets, exploration that follows the loss. */
#include "control/models/qlearning/dqn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define LOSS_USUAL 20.0 /* the usual loss remembers so many times what the recent one does */
#define SURPRISE 2.0    /* recent loss over the usual one from which exploration rises */
#define RATE_PART_MIN 0.1

struct transition {
    double state[QBID_DQN_IN_MAX], next[QBID_DQN_IN_MAX];
    double reward, discount;
    uint32_t action;
};

struct qbid_dqn {
    struct qbid_dqn_params params;
    struct qbid_mlp online, target;
    struct qbid_random random;
    struct transition *replay;
    uint64_t seen;  /* transitions */
    uint64_t batch; /* batches learned */
    double rate;
    double loss_fast, loss_slow;
    double explore_part; /* how far exploration is from min to max */
};

struct qbid_dqn_params qbid_dqn_defaults(uint32_t in, uint32_t actions)
{
    return (struct qbid_dqn_params){
        .in = in,
        .actions = actions,
        .replay_max = 50000,
        .warm = 1000,
        .batch = 32,
        .train_every = 2,
        .target_every = 500,
        .rate = 1e-3,
        .rate_keep = 1,
        .clip = 10,
        .explore_max = 1,
        .explore_min = 0.02,
        .explore_steps = 5000,
        .loss_memory = 50,
        .seed = 1,
    };
}

static int params_valid(const struct qbid_dqn_params *p)
{
    return p->in - 1u < QBID_DQN_IN_MAX && p->actions >= 2 && p->actions <= QBID_DQN_ACTIONS_MAX &&
           p->batch > 0 && p->warm >= p->batch && p->replay_max >= p->warm && p->train_every > 0 &&
           p->target_every > 0 && p->rate > 0 && p->rate_keep > 0 && p->rate_keep <= 1 &&
           p->clip > 0 && p->explore_min >= 0 && p->explore_max <= 1 &&
           p->explore_max >= p->explore_min && p->explore_steps > 0 && p->loss_memory >= 1;
}

int qbid_dqn_new(const struct qbid_dqn_params *params, struct qbid_dqn **ret_dqn)
{
    if (!params_valid(params))
        return QBID_ERR_INVAL;
    struct qbid_dqn *d = calloc(1, sizeof *d);
    if (!d)
        return QBID_ERR_NOMEM;
    d->params = *params;
    d->random = qbid_random_init(params->seed);
    d->rate = params->rate;
    d->explore_part = 1;
    d->replay = calloc(params->replay_max, sizeof *d->replay);
    int err = d->replay ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_mlp_init(&d->online, params->in, params->actions, params->seed);
    if (!err)
        err = qbid_mlp_init(&d->target, params->in, params->actions, params->seed);
    if (err)
        qbid_dqn_free(d);
    else
        *ret_dqn = d;
    return err;
}

void qbid_dqn_free(struct qbid_dqn *dqn)
{
    if (!dqn)
        return;
    qbid_mlp_done(&dqn->online);
    qbid_mlp_done(&dqn->target);
    free(dqn->replay);
    free(dqn);
}

const struct qbid_mlp *qbid_dqn_net(const struct qbid_dqn *dqn)
{
    return &dqn->online;
}

static uint32_t best_of(const double *q, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t a = 1; a < n; a++)
        best = q[a] > q[best] ? a : best;
    return best;
}

uint32_t qbid_dqn_greedy(const struct qbid_dqn *dqn, const double *state, double *ret_q)
{
    struct qbid_mlp_trace trace;
    const double *q = qbid_mlp_forward(&dqn->online, state, &trace);
    if (ret_q)
        memcpy(ret_q, q, dqn->params.actions * sizeof *q);
    return best_of(q, dqn->params.actions);
}

double qbid_dqn_explore(const struct qbid_dqn *dqn)
{
    const struct qbid_dqn_params *p = &dqn->params;
    return p->explore_min + (p->explore_max - p->explore_min) * dqn->explore_part;
}

uint32_t qbid_dqn_act(struct qbid_dqn *dqn, const double *state)
{
    if (qbid_random_uniform(&dqn->random) < qbid_dqn_explore(dqn))
        return qbid_random_below(&dqn->random, dqn->params.actions);
    return qbid_dqn_greedy(dqn, state, NULL);
}

/* What the online net should have said, by the target net's value of the online net's choice. */
static double target_of(const struct qbid_dqn *dqn, const struct transition *t)
{
    if (!(t->discount > 0))
        return t->reward;
    struct qbid_mlp_trace trace;
    uint32_t best = qbid_dqn_greedy(dqn, t->next, NULL);
    return t->reward + t->discount * qbid_mlp_forward(&dqn->target, t->next, &trace)[best];
}

static void batch_learn(struct qbid_dqn *dqn)
{
    const struct qbid_dqn_params *p = &dqn->params;
    uint32_t kept = dqn->seen < p->replay_max ? (uint32_t)dqn->seen : p->replay_max;
    for (uint32_t n = 0; n < p->batch; n++) {
        const struct transition *t = &dqn->replay[qbid_random_below(&dqn->random, kept)];
        struct qbid_mlp_trace trace;
        double slope[QBID_DQN_ACTIONS_MAX] = {0};
        double target = target_of(dqn, t);
        const double *q = qbid_mlp_forward(&dqn->online, t->state, &trace);
        qbid_mlp_huber(q[t->action] - target, &slope[t->action]);
        qbid_mlp_backward(&dqn->online, &trace, slope);
    }
    if (qbid_mlp_step(&dqn->online, dqn->rate, 1.0 / p->batch, p->clip))
        return;
    dqn->rate = fmax(dqn->rate * p->rate_keep, p->rate * RATE_PART_MIN);
    if (++dqn->batch % p->target_every == 0)
        qbid_mlp_copy(&dqn->target, &dqn->online);
}

/* Fresh transitions tell at once what the replay, full of the old world, tells late. */
static void explore_follow(struct qbid_dqn *dqn, const struct transition *t)
{
    struct qbid_mlp_trace trace;
    double slope, q = qbid_mlp_forward(&dqn->online, t->state, &trace)[t->action];
    double loss = qbid_mlp_huber(q - target_of(dqn, t), &slope);
    if (dqn->seen <= dqn->params.warm || !isfinite(loss))
        dqn->loss_fast = dqn->loss_slow = isfinite(loss) ? loss : 0;
    double memory = dqn->params.loss_memory;
    dqn->loss_fast += (loss - dqn->loss_fast) / memory;
    dqn->loss_slow += (loss - dqn->loss_slow) / (LOSS_USUAL * memory);
    double surprise = dqn->loss_slow > 0 ? dqn->loss_fast / dqn->loss_slow - SURPRISE : 0;
    dqn->explore_part *= 1 - 1 / (1 + dqn->params.explore_steps);
    if (surprise > 0)
        dqn->explore_part = fmax(dqn->explore_part, fmin(surprise, 1));
}

static int finite_all(const double *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

int qbid_dqn_observe(struct qbid_dqn *dqn, const double *state, uint32_t action, double reward,
                     const double *next, double discount)
{
    const struct qbid_dqn_params *p = &dqn->params;
    if (action >= p->actions || !isfinite(reward) || !(discount >= 0 && discount <= 1) ||
        !finite_all(state, p->in) || (discount > 0 && (!next || !finite_all(next, p->in))))
        return QBID_ERR_INVAL;
    struct transition *t = &dqn->replay[dqn->seen++ % p->replay_max];
    *t = (struct transition){.reward = reward, .discount = discount, .action = action};
    memcpy(t->state, state, p->in * sizeof *state);
    if (discount > 0)
        memcpy(t->next, next, p->in * sizeof *next);
    explore_follow(dqn, t);
    if (dqn->seen >= p->warm && dqn->seen % p->train_every == 0)
        batch_learn(dqn);
    return 0;
}
