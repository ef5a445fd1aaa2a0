/* SPDX-License-Identifier: Apache-2.0 */
/* Caps of a campaign: their prices at each plan, their multiplier at each period. */
#include "control/learn/pacing/strategy.h"

#include <math.h>
#include <stdlib.h>

#include "control/learn/pacing/market_points.h"
#include "control/models/pacing/duals.h"
#include "shm/error.h"
#include "shm/units.h"

#define SAMPLES_LEAST 50   /* fewer say nothing about a mix */
#define PLAN_LEAST 0.01    /* of a flight: the part that has passed */
#define MARGIN 0.002       /* part of what a cap allows that is kept back */
#define PRICE_SHIFT 0.1    /* a price moves in log2(price + shift): it can leave 0 and come back */
#define ROUNDS 40          /* halvings of a multiplier */
#define FEEDBACK_LEAST 0.5 /* of a period's multiplier, without a sample */
#define FEEDBACK_MOST 1.25

/* Spend to come: as until now, of what is left of the budget. */
static double rest_nanos(const struct qbid_campaign_state *state, double left_nanos)
{
    double done = fmin(fmax(state->pacing.plan_done, PLAN_LEAST), 1);
    return fmin(fmax(left_nanos, 0), state->tracking.billed_nanos * (1 - done) / done);
}

struct qbid_tracking_now qbid_strategy_now(const struct qbid_learner *learner,
                                           const struct qbid_campaign_state *state,
                                           double left_nanos)
{
    return (struct qbid_tracking_now){.curve = qbid_delays_curve(&learner->delays, state->id),
                                      .now_s = learner->now_s,
                                      .rest_nanos = rest_nanos(state, left_nanos)};
}

bool qbid_strategy_capped(const struct qbid_campaign_def *campaign)
{
    bool capped = false;
    for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++)
        capped |= campaign->cap_micros[cap] > 0;
    return capped;
}

double qbid_strategy_budget_nanos(const struct qbid_campaign_def *campaign, double budget_nanos)
{
    if (campaign->goal != QBID_GOAL_MAX_ROAS || campaign->spend_floor_nanos <= 0)
        return budget_nanos;
    return fmin(budget_nanos, (double)campaign->spend_floor_nanos);
}

void qbid_strategy_post(const struct qbid_learner *learner, struct qbid_campaign_state *state,
                        const struct qbid_campaign_def *campaign,
                        const struct qbid_outcome *outcome, int64_t spent_nanos)
{
    struct qbid_tracking_promise promise = {0};
    uint32_t idx = outcome->line_item_idx;
    if (!qbid_strategy_capped(campaign) && !qbid_value_has_cap(campaign->goal))
        return;
    if (outcome->kind == QBID_EVENT_BILL || outcome->kind == QBID_EVENT_CLICK) {
        if (!learner->planned || idx >= learner->values.line_item_max)
            return;
        struct qbid_rate_pair rates =
            qbid_values_rates(&learner->values, idx, outcome->context, outcome->level);
        promise = (struct qbid_tracking_promise){
            rates.cvr, qbid_values_order(&learner->values, idx, outcome->context)};
    }
    qbid_tracking_post(&state->tracking, outcome, &promise, spent_nanos, learner->now_s);
}

/* --- how much a cap allows for what the rates promise */

/* The campaign's caps as the value model has them; the price is the caller's. */
static struct qbid_value_params params_of(const struct qbid_campaign_def *campaign)
{
    struct qbid_value_params params = {.goal = campaign->goal,
                                       .target_micros = campaign->target_micros};
    for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++)
        params.cap_micros[cap] = campaign->cap_micros[cap];
    return params;
}

/* What the flight says about its caps so far. */
struct record {
    const struct qbid_campaign_state *state;
    struct qbid_tracking_now now;
};

/* Spend that a micro of promised allowance really allows from here on. */
static double factor_of(const struct record *r, const struct qbid_value_params *params,
                        enum qbid_cap cap)
{
    struct qbid_tracking_target target = qbid_tracking_target(cap, params->cap_micros[cap]);
    return qbid_tracking_allowed(&r->state->tracking, &target, &r->now) * (1 - MARGIN);
}

/* --- points of a solve: the market's, with what each cap allows for them */

struct caps {
    uint32_t cnt;
    enum qbid_cap of[QBID_CAP_CNT];
    double factor[QBID_CAP_CNT];
};

static struct caps caps_of(const struct qbid_value_params *params)
{
    struct caps caps = {0};
    for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++)
        if (params->cap_micros[cap] > 0)
            caps.of[caps.cnt++] = (enum qbid_cap)cap;
    return caps;
}

static void factors_find(const struct record *r, const struct qbid_value_params *params,
                         struct caps *caps)
{
    for (uint32_t j = 0; j < caps->cnt; j++)
        caps->factor[j] = factor_of(r, params, caps->of[j]);
}

/* What caps allow for what is promised, by what is known to come of it. */
static void points_scale(struct qbid_learner *learner, const struct caps *caps, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++)
        for (uint32_t j = 0; j < caps->cnt; j++)
            learner->duals_points[i].allow_micros[j] *= caps->factor[j];
}

/* In the market's order. A lost auction stands for itself no more: its weight is spread over the
 * prices above it, as qbid_market_init() does (Kaplan-Meier). */
static void points_fill(struct qbid_learner *learner, const struct qbid_campaign_state *state,
                        const struct qbid_value_params *params, const struct caps *caps,
                        const struct qbid_market *market)
{
    double alive = 1;
    for (uint32_t i = 0; i < market->cnt; i++) {
        const struct qbid_market_point *p = &market->points[i];
        double mass = p->kind == QBID_MARKET_LOST ? 0 : alive / (market->cnt - i);
        alive -= mass;
        const struct qbid_price_sample *s = &state->samples.sample[p->number];
        struct qbid_duals_point *out = &learner->duals_points[i];
        double weight = market->shade ? 1 : mass * market->cnt;
        *out = (struct qbid_duals_point){.weight = weight, .price_micros = p->price_micros};
        if (!(p->value_micros > 0))
            continue;
        struct qbid_rate_pair r =
            qbid_values_rates(&learner->values, s->line_item_idx, s->context, 0);
        int64_t order = (int64_t)qbid_values_order(&learner->values, s->line_item_idx, s->context);
        const struct qbid_value_params *goal = &learner->values.goal[s->line_item_idx];
        out->worth_micros = qbid_value_goal(goal, r.ctr, r.cvr, order);
        for (uint32_t j = 0; j < caps->cnt; j++)
            out->allow_micros[j] = qbid_value_allowed(params, caps->of[j], r.ctr, r.cvr, order);
    }
}

/* --- prices, at each plan */

static double price_move(double from, double target, double step_lg)
{
    double move = log2((target + PRICE_SHIFT) / (from + PRICE_SHIFT));
    move = fmin(fmax(move, -step_lg), step_lg);
    double to = (from + PRICE_SHIFT) * exp2(move) - PRICE_SHIFT;
    return to > 0 && isfinite(to) ? to : 0;
}

/* A goal with a target is one more constraint, on its own worth g: with its price q0 the mix is
 * ((1 + q0) g + sum q u), so that the others count q / (1 + q0). */
static void prices_solve(struct qbid_learner *learner, const struct qbid_campaign_def *campaign,
                         struct qbid_campaign_state *state, const struct caps *caps,
                         const struct qbid_market *market, double step_lg)
{
    struct qbid_duals duals;
    struct qbid_duals_market m = {.points = learner->duals_points,
                                  .cnt = market->cnt,
                                  .cap_cnt = caps->cnt,
                                  .shade = market->shade,
                                  .rho_micros = state->pacing.rho_nanos / state->pacing.bias,
                                  .cost = campaign->goal == QBID_GOAL_MAX_PROFIT};
    double own = 0, seen = 0;
    if (qbid_value_has_cap(campaign->goal)) {
        for (uint32_t i = 0; i < m.cnt; i++)
            learner->duals_points[i].allow_micros[m.cap_cnt] =
                learner->duals_points[i].worth_micros;
        m.cap_cnt++;
    }
    /* auctions whose price nobody knows stand for themselves, and cannot be bought */
    for (uint32_t i = 0; i < m.cnt; i++)
        seen += learner->duals_points[i].weight;
    if (!(seen > 0))
        return;
    m.rho_micros *= m.cnt / seen;
    if (qbid_duals_solve(&m, &duals) != 0)
        return;
    if (m.cap_cnt > caps->cnt)
        own = duals.cap[caps->cnt];
    for (uint32_t j = 0; j < caps->cnt; j++) {
        double *price = &state->strategy.cap_price[caps->of[j]];
        *price = price_move(*price, duals.cap[j] / (1 + own), step_lg);
    }
    state->dirty = true;
}

static void campaign_solve(struct qbid_learner *learner, const struct qbid_account *account,
                           const struct qbid_line_item_def *const *by_idx,
                           const struct qbid_campaign_def *campaign,
                           struct qbid_campaign_state *state)
{
    struct qbid_market market;
    const struct qbid_shade *shade = state->samples.first_price ? &learner->shade : NULL;
    struct qbid_value_params params = params_of(campaign);
    uint32_t cnt =
        qbid_market_points_make(learner, by_idx, account->line_item_max, campaign, &state->samples);
    if (cnt < SAMPLES_LEAST || !(state->pacing.rho_nanos > 0) || !(state->pacing.bias > 0) ||
        qbid_market_init(learner->points, cnt, shade, &market) != 0)
        return;
    double left_nanos = fmax((double)campaign->budget_nanos - state->flight.billed_nanos, 0);
    struct record record = {.state = state, .now = qbid_strategy_now(learner, state, left_nanos)};
    struct caps caps = caps_of(&params);
    factors_find(&record, &params, &caps);
    points_fill(learner, state, &params, &caps, &market);
    points_scale(learner, &caps, market.cnt);
    double step_lg =
        campaign->max_change > 0 ? campaign->max_change : learner->params.step_log2_max;
    prices_solve(learner, campaign, state, &caps, &market, step_lg);
}

/* The caps of a campaign and their prices, in the goal of each of its line items. */
static void goal_mix(struct qbid_learner *learner, uint32_t idx,
                     const struct qbid_campaign_def *campaign,
                     const struct qbid_campaign_state *state)
{
    struct qbid_value_params *goal = &learner->values.goal[idx];
    for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++) {
        goal->cap_micros[cap] = campaign->cap_micros[cap];
        goal->cap_price[cap] = state->strategy.cap_price[cap];
    }
}

static void line_items_mix(struct qbid_learner *learner, const struct qbid_account *account)
{
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
        if (!c || !qbid_strategy_capped(c) || li->idx >= learner->values.line_item_max)
            continue;
        struct qbid_campaign_state *state = qbid_campaigns_touch(&learner->campaigns, c->id);
        if (state)
            goal_mix(learner, li->idx, c, state);
    }
    qbid_values_settle(&learner->values);
}

int qbid_strategy_mix(struct qbid_learner *learner, const struct qbid_account *account)
{
    bool any = false;
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        any |= qbid_strategy_capped(&account->campaigns[i]);
    if (!any)
        return 0;
    const struct qbid_line_item_def **by_idx = calloc(account->line_item_max + 1, sizeof *by_idx);
    if (!by_idx)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        by_idx[account->line_items[i].idx] = &account->line_items[i];
    line_items_mix(learner, account); /* thresholds of the samples go by the mix in force */
    for (uint32_t i = 0; i < account->campaign_cnt && !learner->frozen; i++) {
        const struct qbid_campaign_def *c = &account->campaigns[i];
        struct qbid_campaign_state *state =
            qbid_strategy_capped(c) ? qbid_campaigns_touch(&learner->campaigns, c->id) : NULL;
        if (state)
            campaign_solve(learner, account, by_idx, c, state);
    }
    line_items_mix(learner, account);
    free(by_idx);
    return 0;
}

/* --- multiplier, at each period */

struct kept {
    double spend;
    double allow[QBID_CAP_CNT];
};

static bool kept_all(const struct kept *k, uint32_t cap_cnt)
{
    bool all = true;
    for (uint32_t j = 0; j < cap_cnt; j++)
        all &= k->spend <= k->allow[j];
    return all;
}

static void kept_add(struct kept *k, const struct qbid_duals_point *p, uint32_t cap_cnt, double won,
                     double price)
{
    k->spend += won * price;
    for (uint32_t j = 0; j < cap_cnt; j++)
        k->allow[j] += won * p->allow_micros[j];
}

/* Second price: the last threshold up to which what was bought keeps every cap. */
static double alpha_second(const struct qbid_learner *learner, const struct qbid_market *market,
                           uint32_t cap_cnt)
{
    struct kept k = {0};
    double alpha = 0;
    for (uint32_t i = 0; i < market->top; i++) {
        const struct qbid_duals_point *p = &learner->duals_points[i];
        if (!(p->weight > 0))
            continue;
        kept_add(&k, p, cap_cnt, p->weight, p->price_micros);
        if (kept_all(&k, cap_cnt))
            alpha = market->points[i].threshold;
    }
    bool all = k.spend > 0 && kept_all(&k, cap_cnt);
    return all ? alpha * QBID_MARKET_REACH : alpha;
}

/* What the sample buys at a multiplier. */
static struct kept kept_at(const struct qbid_learner *learner, const struct qbid_market *market,
                           uint32_t cap_cnt, double alpha)
{
    struct kept k = {0};
    for (uint32_t i = 0; i < market->top; i++) {
        const struct qbid_duals_point *p = &learner->duals_points[i];
        float e = (float)fmin(alpha * market->points[i].value_micros, 1e30);
        if (market->shade)
            kept_add(&k, p, cap_cnt, (double)qbid_shade_win(market->shade, e),
                     (double)qbid_shade_eval(market->shade, e));
        else if (market->points[i].threshold <= alpha)
            kept_add(&k, p, cap_cnt, p->weight, p->price_micros);
    }
    return k;
}

/* The points hold what is allowed for promises alone. */
static void fits_take(const struct qbid_learner *learner, struct qbid_campaign_state *state,
                      const struct qbid_value_params *params, const struct caps *caps,
                      const struct qbid_market *market)
{
    struct kept k = kept_at(learner, market, caps->cnt, state->pacing.pace);
    for (uint32_t j = 0; j < caps->cnt; j++) {
        double unit = qbid_tracking_target(caps->of[j], params->cap_micros[caps->of[j]]).unit_nanos;
        double said = k.spend > 0 && unit > 0 ? k.allow[j] / (k.spend * unit) : 0;
        qbid_tracking_fit(&state->tracking, caps->of[j], said, learner->now_s);
    }
}

static double alpha_first(const struct qbid_learner *learner, const struct qbid_market *market,
                          uint32_t cap_cnt)
{
    double low = 0, high = 0;
    for (uint32_t i = 0; i < market->top; i++)
        high = fmax(high, market->points[i].threshold);
    high *= QBID_MARKET_REACH;
    for (int round = 0; round < ROUNDS; round++) {
        double mid = round ? 0.5 * (low + high) : high;
        struct kept k = kept_at(learner, market, cap_cnt, mid);
        if (!kept_all(&k, cap_cnt))
            high = mid;
        else if (round == 0)
            return high;
        else
            low = mid;
    }
    return low;
}

/* Without a sample: what was spent against what the caps allowed for it. */
static double alpha_feedback(const struct qbid_campaign_state *state,
                             const struct qbid_value_params *params, const struct caps *caps)
{
    const struct qbid_tracking *t = &state->tracking;
    double least = FEEDBACK_MOST;
    if (!(t->billed_nanos > 0))
        return 0;
    for (uint32_t j = 0; j < caps->cnt; j++) {
        const double *promised = t->flight.promised;
        double allowed = caps->factor[j] * qbid_value_allowed_realised(
                                               params, caps->of[j], promised[QBID_CAP_CPC],
                                               promised[QBID_CAP_CPA], promised[QBID_CAP_ROAS]);
        least = fmin(least, allowed / t->billed_nanos);
    }
    return state->pacing.pace * fmax(least, FEEDBACK_LEAST);
}

double qbid_strategy_alpha_cap(struct qbid_learner *learner,
                               const struct qbid_campaign_def *campaign,
                               struct qbid_campaign_state *state, const struct qbid_market *market,
                               double left_nanos)
{
    double most = campaign->goal == QBID_GOAL_MAX_PROFIT ? 1 : HUGE_VAL, alpha = HUGE_VAL;
    if (qbid_strategy_capped(campaign)) {
        struct qbid_value_params params = params_of(campaign);
        struct record record = {.state = state,
                                .now = qbid_strategy_now(learner, state, left_nanos)};
        struct caps caps = caps_of(&params);
        if (market) {
            points_fill(learner, state, &params, &caps, market);
            fits_take(learner, state, &params, &caps, market);
        }
        factors_find(&record, &params, &caps);
        if (!market) {
            alpha = alpha_feedback(state, &params, &caps);
        } else {
            points_scale(learner, &caps, market->cnt);
            alpha = market->shade ? alpha_first(learner, market, caps.cnt)
                                  : alpha_second(learner, market, caps.cnt);
            if (!(alpha > 0) && market->top > 0)
                alpha = 1e-9; /* nothing keeps the caps: as low as the pacer goes */
        }
    }
    if (!(alpha > 0))
        alpha = HUGE_VAL;
    alpha = fmin(alpha, most);
    return isfinite(alpha) ? alpha : 0;
}
