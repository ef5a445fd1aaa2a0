/* SPDX-License-Identifier: Apache-2.0 */
/* Training of the net on simulated days, and its distillation to a table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/sim/train/train.h"

#define REWARD_SCALE 5.0 /* brings differences between steps near 1 */
#define DISCOUNT 0.8     /* the price of budget stands for what comes later */
#define MARGIN 0.05      /* of action values: a step that promises less over no step is not taken */
#define PENALTY_OVERSPEND 0.5 /* budget gone before the day is: by the part of the plan left */
#define PENALTY_UNDER 0.5     /* by the part of the budget left at the end */
#define PENALTY_QUALITY 0.5   /* by the part of the spend that a goal was missed by */
#define VISITS_MIN 8

struct qbid_train_params qbid_train_defaults(void)
{
    return (struct qbid_train_params){.days = 300,
                                      .periods = 288,
                                      .samples = 256,
                                      .auctions_min = 1000,
                                      .auctions_max = 40000,
                                      .seed = 1};
}

struct qbid_day_kind qbid_train_kind(const struct qbid_train_params *params,
                                     struct qbid_random *random)
{
    double part = qbid_random_uniform(random);
    double auctions = params->auctions_min * pow(params->auctions_max / params->auctions_min, part);
    return qbid_day_kind_draw(auctions, random);
}

static int day_make(const struct qbid_train_params *params, struct qbid_day *day)
{
    return qbid_day_init(day, params->periods, (uint32_t)(QBID_TRAIN_ROOM * params->auctions_max));
}

/* Reward of one step: what it gains at the day's price of budget over the multiplier that price
 * stands for, in parts of a mean period's surplus, less the penalties of where it leads. Measured
 * from what no policy changes, so that a step that brings the pacer into trouble pays for it. */
static double reward_of(const struct qbid_day_run *run, struct qbid_day_result step,
                        struct qbid_day_result priced, double unit_nanos)
{
    const struct qbid_day *day = run->day;
    double gain = (step.worth_nanos - priced.worth_nanos) -
                  day->lambda * (step.spent_nanos - priced.spent_nanos);
    double reward = REWARD_SCALE * gain / unit_nanos;
    double spent = run->spent_nanos + step.spent_nanos, left = 1 - day->plan[run->period + 1];
    int last = run->period + 1 == day->periods;
    if (day->kind.truth > 0) {
        double worth = day->kind.truth * (run->worth_nanos + step.worth_nanos);
        if (last && spent > 0)
            reward -= PENALTY_QUALITY * REWARD_SCALE * fmax(1 - worth / spent, 0);
    } else if (last) {
        reward -= PENALTY_UNDER * REWARD_SCALE * fmax(1 - spent / day->budget_nanos, 0);
    } else if (spent >= 0.998 * day->budget_nanos) {
        reward -= PENALTY_OVERSPEND * left;
    }
    return reward;
}

static int period_learn(struct qbid_dqn *dqn, struct qbid_day_run *run, double unit_nanos)
{
    struct qbid_day_result result[QBID_CORRECTION_ACTIONS];
    double reward[QBID_CORRECTION_ACTIONS], before = run->spent_nanos;
    struct qbid_situation at = run->situation;
    struct qbid_day_result priced = qbid_day_expect_priced(run);
    uint32_t action = qbid_dqn_act(dqn, at.x);
    for (uint32_t a = 0; a < QBID_CORRECTION_ACTIONS; a++)
        result[a] = qbid_day_expect(run, qbid_correction_step(a));
    for (uint32_t a = 0; a < QBID_CORRECTION_ACTIONS; a++)
        reward[a] = reward_of(run, result[a], priced, unit_nanos);
    int on = qbid_day_step(run, qbid_correction_step(action));
    for (uint32_t a = 0; a < QBID_CORRECTION_ACTIONS; a++) {
        double spent = a == action ? run->spent_nanos : before + result[a].spent_nanos;
        struct qbid_situation next = qbid_day_situation_if(run, spent);
        qbid_dqn_observe(dqn, at.x, a, reward[a], next.x, on ? DISCOUNT : 0);
    }
    return on;
}

int qbid_train(const struct qbid_train_params *params, struct qbid_dqn **ret_dqn)
{
    struct qbid_dqn_params p = qbid_dqn_defaults(QBID_CORRECTION_FEATURES, QBID_CORRECTION_ACTIONS);
    double transitions = (double)params->days * params->periods * QBID_CORRECTION_ACTIONS;
    p.seed = params->seed;
    p.replay_max = 200000;
    p.train_every = QBID_CORRECTION_ACTIONS;
    p.explore_steps = transitions / 8;
    p.explore_min = 0.1;
    p.target_every = 200;
    p.loss_memory = (double)params->periods * QBID_CORRECTION_ACTIONS; /* a day */
    p.rate_keep = exp(log(0.1) / (0.8 * transitions / p.train_every));
    struct qbid_day day = {0};
    struct qbid_day_run *run = malloc(sizeof *run);
    struct qbid_random random = qbid_random_init(params->seed);
    struct qbid_shade shade = qbid_day_shade();
    *ret_dqn = NULL;
    int err = run ? day_make(params, &day) : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_dqn_new(&p, ret_dqn);
    for (uint32_t n = 0; n < params->days && !err; n++) {
        struct qbid_day_kind kind = qbid_train_kind(params, &random);
        qbid_day_draw(&day, &kind, &shade, &random);
        qbid_day_reset(run, &day, &shade, params->samples);
        double unit = (day.best_worth_nanos - day.lambda * day.best_spent_nanos) / day.periods;
        if (!(unit > 0))
            continue;
        while (period_learn(*ret_dqn, run, unit))
            ;
    }
    qbid_day_done(&day);
    free(run);
    return err;
}

double qbid_train_no_step(const void *policy, const struct qbid_day_run *run)
{
    (void)policy;
    (void)run;
    return 0;
}

double qbid_train_oracle_step(const void *policy, const struct qbid_day_run *run)
{
    uint32_t best = QBID_CORRECTION_NEUTRAL;
    double most = -INFINITY;
    (void)policy;
    for (uint32_t a = 0; a < QBID_CORRECTION_ACTIONS; a++) {
        struct qbid_day_result r = qbid_day_expect(run, qbid_correction_step(a));
        double gain = r.worth_nanos - run->day->lambda * r.spent_nanos;
        best = gain > most ? a : best;
        most = fmax(most, gain);
    }
    return qbid_correction_step(best);
}

/* The best action of action values summed over cnt situations, if it is clearly better than none.
 */
static uint32_t action_of(const double *q, double cnt)
{
    uint32_t best = QBID_CORRECTION_NEUTRAL;
    for (uint32_t a = 0; a < QBID_CORRECTION_ACTIONS; a++)
        best = q[a] > q[best] ? a : best;
    return q[best] - q[QBID_CORRECTION_NEUTRAL] > MARGIN * cnt ? best : QBID_CORRECTION_NEUTRAL;
}

static double net_step(const struct qbid_dqn *dqn, const struct qbid_situation *situation)
{
    double q[QBID_CORRECTION_ACTIONS];
    qbid_dqn_greedy(dqn, situation->x, q);
    return qbid_correction_step(action_of(q, 1));
}

double qbid_train_net_step(const void *policy, const struct qbid_day_run *run)
{
    return net_step(policy, &run->situation);
}

static double table_step(const struct qbid_correction_table *table,
                         const struct qbid_situation *situation)
{
    double step;
    qbid_correction_find(table, situation, table->trained_unix_s, &step);
    return step;
}

double qbid_train_table_step(const void *policy, const struct qbid_day_run *run)
{
    return table_step(policy, &run->situation);
}

/* Situations that a policy meets. */
struct visits {
    struct qbid_situation *at;
    uint32_t cnt;
};

static int visits_collect(const struct qbid_train_params *params, uint32_t days, uint64_t seed,
                          qbid_train_policy_fn *step, const void *policy, struct visits *ret)
{
    struct qbid_day day = {0};
    struct qbid_day_run *run = malloc(sizeof *run);
    struct qbid_random random = qbid_random_init(seed);
    struct qbid_shade shade = qbid_day_shade();
    ret->cnt = 0;
    ret->at = calloc((size_t)days * params->periods, sizeof *ret->at);
    int err = ret->at && run ? day_make(params, &day) : QBID_ERR_NOMEM;
    for (uint32_t n = 0; n < days && !err; n++) {
        struct qbid_day_kind kind = qbid_train_kind(params, &random);
        qbid_day_draw(&day, &kind, &shade, &random);
        qbid_day_reset(run, &day, &shade, params->samples);
        do
            ret->at[ret->cnt++] = run->situation;
        while (qbid_day_step(run, step(policy, run)));
    }
    qbid_day_done(&day);
    free(run);
    if (err) {
        free(ret->at);
        ret->at = NULL;
    }
    return err;
}

static int double_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Edges of one feature at even quantiles; equal ones fall together. */
static int edges_set(struct qbid_correction_table *table, int f, uint32_t want,
                     const struct visits *visits)
{
    double *sorted = calloc(visits->cnt, sizeof *sorted);
    if (!sorted)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < visits->cnt; i++)
        sorted[i] = visits->at[i].x[f];
    qsort(sorted, visits->cnt, sizeof *sorted, double_order);
    uint32_t n = 0;
    for (uint32_t k = 1; k <= want; k++) {
        float edge = (float)sorted[(uint64_t)visits->cnt * k / (want + 1)];
        if (n == 0 || edge > table->edge[f][n - 1])
            table->edge[f][n++] = edge;
    }
    table->edge_cnt[f] = n;
    free(sorted);
    return 0;
}

static int steps_set(struct qbid_correction_table *table, const struct qbid_dqn *dqn,
                     const struct visits *visits)
{
    struct cell {
        double q[QBID_CORRECTION_ACTIONS];
        uint32_t cnt;
    } *cell = calloc(QBID_CORRECTION_STATES_MAX, sizeof *cell);
    if (!cell)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < visits->cnt; i++) {
        struct cell *c = &cell[qbid_correction_state(table, &visits->at[i])];
        double q[QBID_CORRECTION_ACTIONS];
        qbid_dqn_greedy(dqn, visits->at[i].x, q);
        for (uint32_t a = 0; a < QBID_CORRECTION_ACTIONS; a++)
            c->q[a] += q[a];
        c->cnt++;
    }
    for (uint32_t s = 0; s < QBID_CORRECTION_STATES_MAX; s++) {
        int known = cell[s].cnt >= VISITS_MIN;
        uint32_t best = known ? action_of(cell[s].q, cell[s].cnt) : QBID_CORRECTION_NEUTRAL;
        table->step_lg[s] = (float)qbid_correction_step(best);
    }
    free(cell);
    return 0;
}

int qbid_train_distil(const struct qbid_train_params *params, const struct qbid_dqn *dqn,
                      uint32_t days, struct qbid_correction_table *ret_table)
{
    static const uint32_t want[QBID_CORRECTION_FEATURES] = {5, 5, 3, 2, 3, 7};
    struct visits visits;
    int err = visits_collect(params, days, params->seed + 1000, qbid_train_net_step, dqn, &visits);
    if (err)
        return err;
    qbid_correction_init(ret_table);
    for (int f = 0; f < QBID_CORRECTION_FEATURES && !err; f++)
        if (f != QBID_CORRECTION_GOAL)
            err = edges_set(ret_table, f, want[f], &visits);
    ret_table->edge_cnt[QBID_CORRECTION_GOAL] = 2; /* short of the goal, at it or none, above */
    ret_table->edge[QBID_CORRECTION_GOAL][0] = -0.01f;
    ret_table->edge[QBID_CORRECTION_GOAL][1] = 0.01f;
    if (!err)
        err = steps_set(ret_table, dqn, &visits);
    free(visits.at);
    return err;
}

int qbid_train_fidelity(const struct qbid_train_params *params, const struct qbid_dqn *dqn,
                        const struct qbid_correction_table *table, uint32_t days,
                        struct qbid_train_fidelity *ret_fidelity)
{
    struct visits visits;
    int err =
        visits_collect(params, days, params->seed + 2000, qbid_train_table_step, table, &visits);
    if (err)
        return err;
    uint64_t same = 0, close = 0;
    for (uint32_t i = 0; i < visits.cnt; i++) {
        double off = fabs(net_step(dqn, &visits.at[i]) - table_step(table, &visits.at[i]));
        same += off < 0.05;
        close += off < 0.15;
    }
    *ret_fidelity = (struct qbid_train_fidelity){visits.cnt, (double)same / visits.cnt,
                                                 (double)close / visits.cnt};
    free(visits.at);
    return 0;
}

struct qbid_train_score qbid_train_play(const struct qbid_day *day, const struct qbid_shade *shade,
                                        uint32_t samples, qbid_train_policy_fn *step,
                                        const void *policy)
{
    struct qbid_day_run run;
    qbid_day_reset(&run, day, shade, samples);
    while (qbid_day_step(&run, step(policy, &run)))
        ;
    struct qbid_train_score score = {run.worth_nanos / day->best_worth_nanos, 1, 1};
    if (day->kind.truth > 0) {
        score.met = day->kind.truth * run.worth_nanos / run.spent_nanos;
        score.value *= pow(fmin(score.met, 1), 2);
    } else {
        score.delivered = run.spent_nanos / day->budget_nanos;
    }
    return score;
}
