/* SPDX-License-Identifier: Apache-2.0 */
/* Pacing: required spend, bias of the sample, goal and budget multipliers, clamps. */
#include "control/models/pacing/pacing.h"

#include <math.h>

#include "control/models/value.h"

#define FORECAST_WEIGHT 0.05 /* the forecast counts as this part of the plan, already seen */
#define BIAS_MAX 4.0         /* the sample is never held for wronger than this */
#define BIAS_PRIOR 0.002     /* part of the budget that the prediction is trusted for */
#define BIAS_WINS_TRUSTED 25 /* and these many wins at least */
#define BIAS_WINS_KEPT 100   /* the window forgets no faster than this */
#define FEEDBACK_GAIN 0.2    /* times gain; the observed window is several periods long */
#define DUAL_GAIN 0.3        /* times gain; of one period's relative error */
#define DEBT_MAX 20.0        /* periods */
#define BUDGET_SAME 1e-9     /* relative: a budget that differs less is the same */
#define GOAL_SCALE_MAX 4.0
#define SEARCH 1.05 /* times the multiplier of a campaign that is not heard of, a period */

struct qbid_pacing_params qbid_pacing_defaults(void)
{
    return (struct qbid_pacing_params){
        .step_lg = 0.3,
        .pace_min = 1.0 / 64,
        .pace_max = 64,
        .pace_safe = 0.5,
        .ahead = 0.5,
        .velocity_max = 4,
        .gain = 0.5,
        .plan_memory = 0.01,
        .bias_memory = 10,
        .hold_periods = 3,
        .decay_periods = 10,
    };
}

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

struct qbid_pacing_state qbid_pacing_start(const struct qbid_pacing_params *params, double pace)
{
    if (!(pace >= params->pace_min && pace <= params->pace_max))
        pace = clamp(params->pace_safe, params->pace_min, params->pace_max);
    return (struct qbid_pacing_state){
        .pace = pace, .alpha_budget = pace, .alpha_goal = pace, .bias = 1};
}

static int nonnegative(double x)
{
    return x >= 0 && isfinite(x);
}

static int input_valid(const struct qbid_pacing_in *in)
{
    return nonnegative(in->budget_nanos) && nonnegative(in->spent_nanos) &&
           nonnegative(in->plan_done) && in->plan_done <= 1 && nonnegative(in->plan_step) &&
           in->plan_step <= 1 && nonnegative(in->auctions) && nonnegative(in->demand) &&
           nonnegative(in->demand_now) && nonnegative(in->demand_forecast) &&
           nonnegative(in->worth_realised_nanos) && nonnegative(in->worth_predicted_nanos) &&
           nonnegative(in->worth_spent_nanos) && nonnegative(in->goal_scale) &&
           nonnegative(in->alpha_cap) && in->age_periods >= 0;
}

static int state_valid(const struct qbid_pacing_params *params, const struct qbid_pacing_state *s)
{
    return s->pace >= params->pace_min && s->pace <= params->pace_max &&
           s->alpha_budget >= params->pace_min && s->alpha_budget <= params->pace_max &&
           s->alpha_goal >= params->pace_min && s->alpha_goal <= params->pace_max &&
           nonnegative(s->auctions) && nonnegative(s->plan_done) && nonnegative(s->spent_nanos) &&
           nonnegative(s->demand) && nonnegative(s->level) && nonnegative(s->even) &&
           nonnegative(s->budget_nanos) && isfinite(s->debt) && nonnegative(s->bias) &&
           nonnegative(s->window_observed_nanos) && nonnegative(s->window_predicted_nanos) &&
           nonnegative(s->window_auctions);
}

/* What the sample of auctions says, by its table where there is one; 0 without either. */
static int sampled(const struct qbid_pacing_in *in)
{
    return in->resolving || in->market;
}

static double sample_spend(const struct qbid_pacing_in *in, double alpha)
{
    return in->resolving ? qbid_resolving_spend(in->resolving, alpha)
           : in->market  ? qbid_market_spend(in->market, alpha)
                         : 0;
}

/* Mean price of the auctions won. */
static double sample_price(const struct qbid_pacing_in *in, double alpha)
{
    double won = in->resolving ? qbid_resolving_won(in->resolving, alpha)
                 : in->market  ? qbid_market_won(in->market, alpha)
                               : 0;
    return won > 0 ? sample_spend(in, alpha) / won : 0;
}

static double sample_alpha_budget(const struct qbid_pacing_in *in, double rho)
{
    return in->resolving ? qbid_resolving_alpha_budget(in->resolving, rho)
           : in->market  ? qbid_market_alpha_budget(in->market, rho)
                         : 0;
}

static double sample_alpha_goal(const struct qbid_pacing_in *in, double scale)
{
    return in->resolving ? qbid_resolving_alpha_goal(in->resolving, scale)
           : in->market  ? qbid_market_alpha_goal(in->market, scale)
                         : 0;
}

/* Move one multiplier towards its target, by the gain, the step and the limits. */
static double alpha_move(const struct qbid_pacing_params *params, double from, double target,
                         double gain, uint32_t *why)
{
    double move = gain * log2(fmax(target, 1e-300) / from);
    double held = clamp(move, -params->step_lg, params->step_lg);
    double to = clamp(from * exp2(held), params->pace_min, params->pace_max);
    if (held != move || to != from * exp2(held))
        *why |= QBID_PACING_WHY_CLAMPED;
    return to;
}

static double demand_of(const struct qbid_pacing_in *in)
{
    return in->demand > 0 ? in->demand : in->auctions;
}

/* Demand a unit of plan: the forecast, then all that was seen, then what is seen now. */
static void level_update(const struct qbid_pacing_params *params, const struct qbid_pacing_in *in,
                         struct qbid_pacing_state *s)
{
    double plan = in->plan_done - s->plan_done;
    double demand = demand_of(in) - s->demand;
    double weight = in->demand_forecast > 0 ? FORECAST_WEIGHT : 0;
    int restarted = plan < 0 || demand < 0;
    if (restarted || !(s->level > 0)) {
        double seen = in->plan_done + weight;
        s->level = seen > 0 ? (demand_of(in) + weight * in->demand_forecast) / seen : 0;
    } else {
        s->level = (s->level * params->plan_memory + demand) / (params->plan_memory + plan);
    }
}

/* Spend observed and predicted since the last period, with exponential memory: of bias_memory
 * periods, but of BIAS_WINS_KEPT won auctions at least, since a period may hold a single one. A
 * state without a traffic level is new: what was spent before it is not its own doing. */
static void bias_update(const struct qbid_pacing_params *params, const struct qbid_pacing_in *in,
                        struct qbid_pacing_state *s)
{
    double auctions = fmax(in->auctions - s->auctions, 0);
    double predicted = auctions * sample_spend(in, s->pace);
    double price = sample_price(in, s->pace);
    double forget = 1 / fmax(params->bias_memory, 1e-3);
    if (price > 0)
        forget = fmin(forget, predicted / (price * BIAS_WINS_KEPT));
    double keep = exp(-forget);
    s->window_observed_nanos *= keep;
    s->window_predicted_nanos *= keep;
    s->window_auctions *= keep;
    if (s->level > 0) {
        s->window_observed_nanos += fmax(in->spent_nanos - s->spent_nanos, 0);
        s->window_predicted_nanos += predicted;
        s->window_auctions += auctions;
    }
    double prior = fmax(BIAS_PRIOR * in->budget_nanos, BIAS_WINS_TRUSTED * price);
    if (sampled(in) && s->window_predicted_nanos + prior > 0)
        s->bias = clamp((s->window_observed_nanos + prior) / (s->window_predicted_nanos + prior),
                        1 / BIAS_MAX, BIAS_MAX);
}

/* Even rate of a campaign that starts, or whose budget changed: from here to the end. */
static void even_update(const struct qbid_pacing_in *in, struct qbid_pacing_state *s)
{
    double changed = fabs(in->budget_nanos - s->budget_nanos);
    if (s->even > 0 && changed <= BUDGET_SAME * in->budget_nanos && in->plan_done >= s->plan_done)
        return;
    s->budget_nanos = in->budget_nanos;
    s->even = fmax(in->budget_nanos - in->spent_nanos, 0) /
              fmax(fmax(1 - in->plan_done, in->plan_step), 1e-9);
}

/* What is left of the plan, in units of plan at the rate that is wanted now. With a rate that falls
 * evenly from 1 + a to 1 - a over the plan, (1 + a - 2 a x) at x, (1 - x)(1 - a x) is left at x. */
static double plan_left(const struct qbid_pacing_params *params, const struct qbid_pacing_in *in)
{
    double x = in->plan_done, a = in->mode == QBID_PACING_AHEAD ? params->ahead : 0;
    double left = (1 - x) * (1 - a * x) / fmax(1 + a - 2 * a * x, 1e-3);
    return fmax(left, in->plan_step);
}

/* Wanted spend of one auction from here on; 0 where nothing tells. */
static double rho_required(const struct qbid_pacing_params *params, const struct qbid_pacing_in *in,
                           struct qbid_pacing_state *s)
{
    double demand_left = fmax(s->level * plan_left(params, in), 1);
    double now = in->demand_now > 0 ? in->demand_now : 1;
    double budget_left = fmax(in->budget_nanos - in->spent_nanos, 0);
    double rho = s->level > 0 ? now * budget_left / demand_left : 0;
    /* traffic that pauses comes back at once, and its level only after a while */
    double level =
        fmax(s->level, fmax(in->demand_forecast, demand_of(in) / fmax(in->plan_done, 0.01)));
    double most =
        params->velocity_max > 0 ? now * params->velocity_max * s->even / level : INFINITY;
    if (!(rho > most))
        return rho;
    s->why |= QBID_PACING_WHY_VELOCITY;
    return most;
}

/* Without a sample. A period without auctions says nothing. */
static void feedback_step(const struct qbid_pacing_params *params, double spent, double auctions,
                          struct qbid_pacing_state *s)
{
    double gain = params->gain * FEEDBACK_GAIN, target = s->alpha_budget;
    if (params->feedback == QBID_PACING_RECEDING && s->window_auctions > 0) {
        double observed = s->window_observed_nanos / s->window_auctions;
        target *= s->rho_nanos / fmax(observed, s->rho_nanos * 1e-3);
    } else if (params->feedback == QBID_PACING_DUAL && auctions > 0) {
        /* One win may cost many periods' spend: what is beyond a step is acted on in later ones, or
         * a campaign with few wins would only ever be told to bid more. */
        double error = s->debt + 1 - spent / (s->rho_nanos * auctions), now = clamp(error, -1, 1);
        s->debt = clamp(error - now, -DEBT_MAX, DEBT_MAX);
        gain = params->gain * DUAL_GAIN;
        target *= exp(now);
    } else {
        return;
    }
    s->why |= QBID_PACING_WHY_FEEDBACK;
    s->alpha_budget = alpha_move(params, s->alpha_budget, target, gain, &s->why);
}

static void budget_step(const struct qbid_pacing_params *params, const struct qbid_pacing_in *in,
                        double spent, double auctions, struct qbid_pacing_state *s)
{
    if (in->spent_nanos >= in->budget_nanos) {
        s->why |= QBID_PACING_WHY_SPENT;
        s->alpha_budget = alpha_move(params, s->alpha_budget, params->pace_min, 1, &s->why);
        return;
    }
    if (in->mode == QBID_PACING_ASAP) {
        s->alpha_budget = alpha_move(params, s->alpha_budget, 1, 1, &s->why);
        return;
    }
    if (!(s->rho_nanos > 0))
        return;
    double solved = sample_alpha_budget(in, s->rho_nanos / s->bias);
    if (solved > 0) {
        s->why |= QBID_PACING_WHY_SOLVED;
        s->alpha_budget = alpha_move(params, s->alpha_budget, solved, params->gain, &s->why);
    } else {
        feedback_step(params, spent, auctions, s);
    }
}

static void goal_step(const struct qbid_pacing_params *params, const struct qbid_pacing_in *in,
                      struct qbid_pacing_state *s)
{
    if (!in->has_cap) {
        s->alpha_goal = params->pace_max;
        return;
    }
    if (in->goal_search) {
        s->alpha_goal = alpha_move(params, s->alpha_goal, s->alpha_goal * SEARCH, 1, &s->why);
        return;
    }
    if (in->goal_scale > 0 && in->goal_table) {
        double solved = qbid_resolving_alpha_goal(in->goal_table, in->goal_scale);
        if (solved > 0)
            s->alpha_goal = alpha_move(params, s->alpha_goal, solved, params->gain, &s->why);
        return;
    }
    double prior = fmax(params->goal_prior_nanos, 0);
    double scale = 1; /* realised over predicted worth, shrunk to 1 */
    if (in->worth_predicted_nanos + prior > 0)
        scale = clamp((in->worth_realised_nanos + prior) / (in->worth_predicted_nanos + prior),
                      1 / GOAL_SCALE_MAX, GOAL_SCALE_MAX);
    double solved = sample_alpha_goal(in, scale / s->bias);
    if (solved > 0) {
        s->alpha_goal = alpha_move(params, s->alpha_goal, solved, params->gain, &s->why);
    } else if (in->worth_spent_nanos > 0) {
        double ratio = scale * in->worth_predicted_nanos / in->worth_spent_nanos;
        s->alpha_goal = alpha_move(params, s->alpha_goal, s->alpha_goal * ratio,
                                   params->gain * FEEDBACK_GAIN, &s->why);
    }
}

/* Stale or impossible input: hold, and after a while sink to the conservative multiplier. */
static void stale_step(const struct qbid_pacing_params *params, double age,
                       struct qbid_pacing_state *s)
{
    double safe = clamp(params->pace_safe, params->pace_min, params->pace_max);
    s->why = QBID_PACING_WHY_HELD;
    if (!(age <= (double)params->decay_periods) && s->pace > safe) {
        uint32_t clamped = 0; /* it goes by steps, that is no news */
        s->why = QBID_PACING_WHY_DECAYED;
        s->pace = fmax(alpha_move(params, s->pace, safe, 1, &clamped), safe);
        s->alpha_budget = s->alpha_goal = s->pace; /* no jump back when data return */
    }
}

/* Spend and auctions under an operator's override say nothing of the pace, which waits. */
static void override_step(const struct qbid_pacing_in *in, struct qbid_pacing_state *s)
{
    even_update(in, s);
    s->auctions = in->auctions;
    s->demand = demand_of(in);
    s->plan_done = in->plan_done;
    s->spent_nanos = in->spent_nanos;
    s->why = QBID_PACING_WHY_OVERRIDE;
}

struct qbid_pacing_state qbid_pacing_step(const struct qbid_pacing_params *params,
                                          const struct qbid_pacing_in *in,
                                          struct qbid_pacing_state before)
{
    struct qbid_pacing_state s = before;
    if (!state_valid(params, &s)) {
        s = qbid_pacing_start(params, s.pace);
        s.faults = before.faults;
    }
    int valid = input_valid(in);
    s.faults = valid ? 0 : s.faults < UINT32_MAX ? s.faults + 1 : s.faults;
    double age = valid ? in->age_periods : (double)s.faults;
    if (!valid || age > (double)params->hold_periods) {
        stale_step(params, age, &s);
        return s;
    }
    if (in->overridden) {
        override_step(in, &s);
        return s;
    }
    double last = s.pace;
    s.why = 0;
    double spent = s.level > 0 ? fmax(in->spent_nanos - s.spent_nanos, 0) : 0;
    double auctions = s.level > 0 ? fmax(in->auctions - s.auctions, 0) : 0;
    bias_update(params, in, &s);
    level_update(params, in, &s);
    even_update(in, &s);
    s.auctions = in->auctions;
    s.demand = demand_of(in);
    s.plan_done = in->plan_done;
    s.spent_nanos = in->spent_nanos;
    s.rho_nanos = rho_required(params, in, &s);
    budget_step(params, in, spent, auctions, &s);
    goal_step(params, in, &s);
    if (in->alpha_cap > 0) /* found on the same sample, with the same memory: no gain of its own */
        s.alpha_goal = fmin(s.alpha_goal, clamp(in->alpha_cap, params->pace_min, params->pace_max));
    if (s.alpha_goal < s.alpha_budget)
        s.why |= QBID_PACING_WHY_GOAL;
    double pace = qbid_value_alpha(&s.alpha_budget, &s.alpha_goal);
    s.pace = clamp(pace, last * exp2(-params->step_lg), last * exp2(params->step_lg));
    return s;
}
