/* SPDX-License-Identifier: Apache-2.0 */
/* Action values from logged decisions, careful changes of the greedy action, rows for the image. */
#include "control/models/qlearning/qtable.h"

#include <math.h>
#include <string.h>

#define EXPLORE_MAX 0.03
#define ERROR_SAMPLES 10.0
#define ERROR_SD 0.5
#define PROPENSITY_MIN 1e-4 /* a rarer draw than exploration makes is a broken record */

_Static_assert(QBID_QLEARNER_ACTIONS <= QBID_QROW_ACTIONS, "a row holds the actions");

void qbid_qcell_learn(struct qbid_qcell *cell, double target, double weight, double omega)
{
    if (!(weight > 0 && isfinite(weight) && isfinite(target)))
        return;
    cell->weight += weight;
    cell->weight_square += weight * weight;
    double part = weight / cell->weight;
    double off = target - cell->value;
    cell->value += (omega < 1 ? pow(part, omega) : part) * off;
    cell->spread += weight * off * (target - cell->value);
}

static double samples_effective(const struct qbid_qcell *cell)
{
    return cell->weight_square > 0 ? cell->weight * cell->weight / cell->weight_square : 0;
}

double qbid_qcell_error(const struct qbid_qcell *cell)
{
    double n = samples_effective(cell);
    return n >= 2 ? sqrt(cell->spread / cell->weight / (n - 1)) : INFINITY;
}

struct qbid_qlearner_params qbid_qlearner_defaults(void)
{
    return (struct qbid_qlearner_params){
        .prior_samples = 200, .prior_penalty = -0.02, .switch_errors = 2, .explore = 0.02};
}

void qbid_qlearner_init(struct qbid_qlearner *learner)
{
    const double multiplier[QBID_QLEARNER_ACTIONS] = {0.64, 0.8, 0.9, 1, 1 / 0.9, 1.25, 1 / 0.64};
    memset(learner, 0, sizeof *learner);
    memcpy(learner->multiplier, multiplier, sizeof multiplier);
    memset(learner->greedy, QBID_QLEARNER_NEUTRAL, sizeof learner->greedy);
}

static int log_valid(const struct qbid_qlog *log)
{
    return log->state < QBID_QSTATES && log->action < QBID_QLEARNER_ACTIONS &&
           log->greedy < QBID_QLEARNER_ACTIONS && log->propensity >= PROPENSITY_MIN &&
           log->propensity <= 1 && log->value_micros > 0 && isfinite(log->value_micros) &&
           log->pace > 0 && isfinite(log->pace) && log->lambda >= 0 && isfinite(log->lambda) &&
           log->price_micros >= 0 && isfinite(log->price_micros) && log->cost_micros >= 0 &&
           isfinite(log->cost_micros);
}

/* Reward of an action at a known market price, in parts of the value. */
static double reward_at(const struct qbid_qlog *log, double multiplier, double lambda)
{
    double e = fmin(log->value_micros * log->pace * multiplier, 1e30);
    double bid = log->shade ? (double)qbid_shade_eval(log->shade, (float)e) : e;
    if (!(bid >= log->price_micros))
        return 0;
    double cost = log->shade ? bid : log->price_micros;
    return 1 - lambda * cost / log->value_micros;
}

/* What one record says: rewards of the actions [0, cnt), and each one's chance of being told. */
struct lesson {
    uint32_t first, end; /* actions revealed */
    double reward[QBID_QLEARNER_ACTIONS];
    double chance[QBID_QLEARNER_ACTIONS];
};

/* Probability that the drawn action is a or a higher one. */
static double chance_from(const struct qbid_qlog *log, uint32_t a)
{
    double others = QBID_QLEARNER_ACTIONS - 1;
    double greedy = log->action == log->greedy ? log->propensity : 1 - others * log->propensity;
    double each = (1 - greedy) / others, sum = 0;
    for (uint32_t i = a; i < QBID_QLEARNER_ACTIONS; i++)
        sum += i == log->greedy ? greedy : each;
    return sum;
}

static struct lesson lesson_of(const struct qbid_qlearner *learner, const struct qbid_qlog *log)
{
    struct lesson lesson = {.first = log->action, .end = log->action + 1};
    double lambda = log->lambda > 0 ? log->lambda : 1 / log->pace;
    int counterfactual = log->told ? log->price_micros > 0 : !log->shade;
    if (counterfactual)
        lesson.first = 0;
    if (counterfactual && log->told)
        lesson.end = QBID_QLEARNER_ACTIONS;
    for (uint32_t a = lesson.first; a < lesson.end; a++) {
        lesson.chance[a] = !counterfactual ? log->propensity : log->told ? 1 : chance_from(log, a);
        if (counterfactual && log->price_micros > 0)
            lesson.reward[a] = reward_at(log, learner->multiplier[a], lambda);
        else /* lost: so would all lower bids have; or the outcome of this very bid */
            lesson.reward[a] = log->won ? 1 - lambda * log->cost_micros / log->value_micros : 0;
    }
    return lesson;
}

int qbid_qlearner_learn(struct qbid_qlearner *learner, const struct qbid_qlog *log)
{
    const uint32_t neutral = QBID_QLEARNER_NEUTRAL;
    if (!log_valid(log))
        return 0;
    if (!log->shade && log->won && !(log->price_micros > 0))
        return 0; /* a second-price win without its price tells no action's reward */
    struct lesson lesson = lesson_of(learner, log);
    struct qbid_qcell *cell = learner->cell[log->state];
    int knows_neutral = lesson.first <= neutral && neutral < lesson.end, learned = 0;
    for (uint32_t a = lesson.first; a < lesson.end; a++) {
        double chance = lesson.chance[a], target = lesson.reward[a];
        if (a != neutral && knows_neutral) { /* on the same auction: the difference alone */
            chance = fmin(chance, lesson.chance[neutral]);
            target -= lesson.reward[neutral];
        } else if (a != neutral) {
            target -= cell[neutral].value;
        }
        if (!(chance >= PROPENSITY_MIN))
            continue;
        qbid_qcell_learn(&cell[a], target, 1 / chance, 1);
        learned++;
    }
    return learned;
}

void qbid_qlearner_discount(struct qbid_qlearner *learner, double keep)
{
    if (!(keep >= 0 && keep <= 1))
        return;
    for (uint32_t s = 0; s < QBID_QSTATES; s++) {
        for (uint32_t a = 0; a < QBID_QLEARNER_ACTIONS; a++) {
            learner->cell[s][a].weight *= keep;
            learner->cell[s][a].weight_square *= keep;
            learner->cell[s][a].spread *= keep;
        }
    }
}

double qbid_qlearner_advantage(const struct qbid_qlearner *learner,
                               const struct qbid_qlearner_params *params, uint32_t state,
                               uint32_t action)
{
    if (action == QBID_QLEARNER_NEUTRAL)
        return 0;
    const struct qbid_qcell *cell = &learner->cell[state][action];
    double n = samples_effective(cell), k = params->prior_samples;
    double prior = params->prior_penalty * fabs(log2(learner->multiplier[action]));
    return n + k > 0 ? (n * cell->value + k * prior) / (n + k) : 0;
}

/* Error of the shrunk advantage; 0 for multiplier 1, to which all are compared. A few samples that
 * happen to agree must not pass for certainty: the spread starts from ERROR_SAMPLES of ERROR_SD. */
static double advantage_error(const struct qbid_qlearner *learner,
                              const struct qbid_qlearner_params *params, uint32_t state,
                              uint32_t action)
{
    if (action == QBID_QLEARNER_NEUTRAL)
        return 0;
    const struct qbid_qcell *cell = &learner->cell[state][action];
    double n = samples_effective(cell);
    if (!(n >= 2))
        return INFINITY;
    double square = qbid_qcell_error(cell) * qbid_qcell_error(cell) * n; /* of one sample */
    square = (n * square + ERROR_SAMPLES * ERROR_SD * ERROR_SD) / (n + ERROR_SAMPLES);
    return sqrt(square / n) * n / (n + params->prior_samples);
}

/* The greedy action of a state: the present one unless another is surely better. */
static uint32_t state_decide(const struct qbid_qlearner *learner,
                             const struct qbid_qlearner_params *params, uint32_t state)
{
    uint32_t now = learner->greedy[state] < QBID_QLEARNER_ACTIONS ? learner->greedy[state]
                                                                  : QBID_QLEARNER_NEUTRAL;
    double base = qbid_qlearner_advantage(learner, params, state, now);
    double base_error = advantage_error(learner, params, state, now);
    if (!isfinite(base_error)) { /* its data are forgotten: back to what the prior prefers */
        now = QBID_QLEARNER_NEUTRAL;
        base = base_error = 0;
    }
    uint32_t best = now;
    double best_gain = 0;
    for (uint32_t a = 0; a < QBID_QLEARNER_ACTIONS; a++) {
        double gain = qbid_qlearner_advantage(learner, params, state, a) - base;
        double error = hypot(advantage_error(learner, params, state, a), base_error);
        if (a != now && gain > params->switch_errors * error && gain > best_gain) {
            best = a;
            best_gain = gain;
        }
    }
    return best;
}

int qbid_qlearner_decide(struct qbid_qlearner *learner, const struct qbid_qlearner_params *params)
{
    int changed = 0;
    for (uint32_t s = 0; s < QBID_QSTATES; s++) {
        uint32_t greedy = state_decide(learner, params, s);
        changed += greedy != learner->greedy[s];
        learner->greedy[s] = (uint8_t)greedy;
    }
    return changed;
}

static int multipliers_valid(const struct qbid_qlearner *learner)
{
    for (uint32_t a = 0; a < QBID_QLEARNER_ACTIONS; a++)
        if (!(learner->multiplier[a] >= (double)QBID_QROW_RATIO_MIN &&
              learner->multiplier[a] <= (double)QBID_QROW_RATIO_MAX))
            return 0;
    return learner->multiplier[QBID_QLEARNER_NEUTRAL] == 1;
}

int qbid_qlearner_rows(const struct qbid_qlearner *learner,
                       const struct qbid_qlearner_params *params,
                       struct qbid_qrow ret_rows[QBID_QSTATES])
{
    double explore = params->explore > 0 ? fmin(params->explore, EXPLORE_MAX) : 0;
    int refused = 0;
    memset(ret_rows, 0, QBID_QSTATES * sizeof *ret_rows);
    for (uint32_t s = 0; s < QBID_QSTATES; s++) {
        struct qbid_qrow *row = &ret_rows[s];
        uint32_t greedy = learner->greedy[s];
        for (uint32_t a = 0; a < QBID_QROW_ACTIONS; a++)
            row->ratio[a] = 1;
        if (!multipliers_valid(learner) || greedy >= QBID_QLEARNER_ACTIONS) {
            refused++;
            continue;
        }
        for (uint32_t a = 0; a < QBID_QLEARNER_ACTIONS; a++)
            row->ratio[a] = (float)(learner->multiplier[a] / learner->multiplier[greedy]);
        row->n = QBID_QLEARNER_ACTIONS;
        row->greedy = (uint8_t)greedy;
        row->explore_q32 = (uint32_t)(explore * 4294967296.0);
        if (!qbid_qrow_valid(row)) {
            row->n = 0;
            refused++;
        }
    }
    return refused;
}

double qbid_qlearner_multiplier(const struct qbid_qlearner *learner, uint32_t state)
{
    if (state >= QBID_QSTATES || learner->greedy[state] >= QBID_QLEARNER_ACTIONS ||
        !multipliers_valid(learner))
        return 1;
    return learner->multiplier[learner->greedy[state]];
}
