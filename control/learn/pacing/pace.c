/* SPDX-License-Identifier: Apache-2.0 */
/* Live pace factors: brings a campaign's money, plan and price samples to the pacing model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/velocity.h"
#include "control/learn/campaigns/dayparts.h"
#include "control/learn/pacing/demand.h"
#include "control/learn/pacing/market_points.h"
#include "control/learn/pacing/strategy.h"
#include "control/learn/pacing/target.h"
#include "control/learn/state/learner_state.h"
#include "shm/error.h"
#include "shm/qtable.h"
#include "shm/units.h"

#define RESOLVE_PART 8       /* a table is made anew when so small a part of its samples is new */
#define SAMPLES_TRUSTED 200  /* from here on a new flight starts at the solved multiplier */
#define RATE_MEMORY_S 30.0   /* of the demand a second */
#define DEMAND_MAX 4.0       /* of an auction, and the inverse */
#define GOAL_PRIOR_EVENTS 20 /* clicks or conversions that predictions are trusted with first */

/* An account as the pacer walks it: line items by campaign, and by index. */
struct pace_account {
    const struct qbid_account *account;
    const struct qbid_line_item_def **by_idx;
    const struct qbid_line_item_def **item; /* campaign by campaign */
    uint32_t *first;                        /* of each campaign's, campaign_cnt + 1 */
};

/* The campaign's table lambda(rho), made anew after a plan and when the samples have moved on;
 * between that a control period only looks it up; with caps each period, for what they allow
 * follows what came. NULL without samples or values. */
static const struct qbid_resolving *resolve(struct qbid_learner *learner,
                                            const struct pace_account *pa,
                                            const struct qbid_campaign_def *campaign,
                                            struct qbid_campaign_state *state, double left_nanos)
{
    struct qbid_price_samples *samples = &state->samples;
    uint64_t fresh = samples->posted - state->resolved.posted;
    if (!learner->planned || learner->plans == 0)
        return NULL;
    if (state->resolved.plan != learner->plans || qbid_strategy_capped(campaign) ||
        fresh > samples->cnt / RESOLVE_PART) {
        struct qbid_market market;
        const struct qbid_shade *shade = samples->first_price ? &learner->shade : NULL;
        uint32_t cnt = qbid_market_points_make(learner, pa->by_idx, pa->account->line_item_max,
                                               campaign, samples);
        state->resolved.plan = learner->plans;
        state->resolved.posted = samples->posted;
        state->resolved.points = 0;
        if (cnt && qbid_market_init(learner->points, cnt, shade, &market) == 0) {
            qbid_resolving_build(&market, &state->resolving);
            qbid_tracking_market_add(&state->market, &state->resolving, samples->posted,
                                     learner->now_s);
            state->alpha_cap =
                qbid_strategy_alpha_cap(learner, campaign, state, &market, left_nanos);
            state->resolved.points = cnt;
        }
    }
    return state->resolved.points ? &state->resolving : NULL;
}

/* What the goal counts one event of: scales how long predictions are trusted. */
static double goal_prior_nanos(const struct qbid_campaign_def *campaign)
{
    if (campaign->goal == QBID_GOAL_TARGET_CPC || campaign->goal == QBID_GOAL_TARGET_CPA)
        return GOAL_PRIOR_EVENTS * (double)campaign->target_micros * 1000.0;
    return GOAL_PRIOR_EVENTS * (double)QBID_NANOS_PER_UNIT;
}

/* Conversions are late: of predicted worth and spend only what they had time for is compared. */
static void worth_mature(const struct qbid_campaign_state *state,
                         const struct qbid_delay_curve *curve, int64_t now_unix_s,
                         struct qbid_pacing_in *in)
{
    double whole;
    in->worth_predicted_nanos =
        qbid_delay_matured(curve, &state->predicted, now_unix_s, INFINITY, &whole);
    in->worth_spent_nanos = qbid_delay_matured(curve, &state->billed, now_unix_s, INFINITY, &whole);
}

static struct qbid_pacing_in input_of(struct qbid_campaign_state *state,
                                      const struct qbid_campaign_def *campaign,
                                      const struct qbid_value_params *goal,
                                      struct qbid_learner_money money, double period_s,
                                      uint64_t all_heard_ns, uint64_t now_ns, int64_t now_unix_ns)
{
    const struct qbid_flight *flight = &state->flight;
    struct qbid_demand demand = qbid_demand_at(state, period_s, now_unix_ns);
    uint64_t heard_ns = state->heard_ns > all_heard_ns ? state->heard_ns : all_heard_ns;
    double quiet_s =
        heard_ns && now_ns > heard_ns ? (double)(now_ns - heard_ns) / (double)QBID_NS_PER_S : 0;
    return (struct qbid_pacing_in){
        .mode = campaign->pacing,
        .has_cap = qbid_value_has_cap(campaign->goal),
        .budget_nanos = qbid_strategy_budget_nanos(
            campaign, (double)(money.budget_nanos - flight->spent_before_nanos)),
        .spent_nanos = (double)(money.spent_nanos - flight->spent_before_nanos),
        .plan_done = demand.done,
        .plan_step = demand.step,
        .auctions = (double)flight->bids,
        .demand = flight->demand,
        .demand_forecast = demand.all,
        .worth_realised_nanos = qbid_value_realised(
            goal, (double)flight->clicks, (double)flight->convs, (double)flight->revenue_nanos),
        .worth_predicted_nanos = flight->predicted_nanos,
        .worth_spent_nanos = flight->billed_nanos,
        .age_periods = quiet_s / period_s,
    };
}

static void rate_follow(struct qbid_campaign_state *state, double period_s, int64_t now_unix_ns)
{
    double demand = state->flight.demand - state->paced_demand, rate = demand / period_s;
    qbid_demand_note(state, period_s, now_unix_ns, demand);
    double weight = fmin(period_s / RATE_MEMORY_S, 1);
    if (state->demand_per_s <= 0)
        weight = 1;
    state->demand_per_s += weight * (rate - state->demand_per_s);
    state->paced_demand = state->flight.demand;
}

/* The most that is wanted, of the even rate: what the ledger would not let through is not planned
 * either. */
static double velocity_max(const struct qbid_pacing_params *params,
                           const struct qbid_campaign_def *campaign)
{
    struct qbid_velocity v = {0};
    if (campaign->velocity && *campaign->velocity)
        (void)qbid_velocity_parse(campaign->velocity, &v);
    return v.window_s ? fmin(params->velocity_max, qbid_velocity_times(&v, campaign))
                      : params->velocity_max;
}

/* Largest move of a campaign's multiplier a period. */
static double step_lg(const struct qbid_learner *learner, const struct qbid_campaign_def *campaign)
{
    return campaign->max_change > 0 ? campaign->max_change : learner->campaigns.pacing.step_lg;
}

/* The emergency factor now. */
static double triggered_step(struct qbid_learner *learner, const struct qbid_campaign_def *campaign,
                             struct qbid_campaign_state *state, uint64_t now_ns)
{
    struct qbid_emergency_news news;
    if (qbid_emergency_step(&state->emergency, campaign, state->overridden,
                            step_lg(learner, campaign), learner->params.pace_period_ns, now_ns,
                            &news) &&
        learner->news_cnt < QBID_LEARNER_NEWS_MAX)
        learner->news[learner->news_cnt++] = news;
    return qbid_emergency_factor(&state->emergency);
}

/* How much more an auction of this hour takes, at the multiplier in force, than one of an hour like
 * all: by the sample, or in proportion to values without one. */
static double demand_now(const struct qbid_learner *learner, const struct pace_account *pa,
                         uint32_t campaign, double pace, const struct qbid_resolving *table)
{
    double hour = qbid_item_hours_mean(&learner->item_hours, pa->item + pa->first[campaign],
                                       pa->first[campaign + 1] - pa->first[campaign]);
    double usual = table && pace > 0 ? qbid_resolving_spend(table, pace / hour) : 0;
    double demand = usual > 0 ? qbid_resolving_spend(table, pace) / usual : hour;
    return fmin(fmax(demand, 1 / DEMAND_MAX), DEMAND_MAX);
}

/* One control period of a campaign that may spend. */
static void campaign_step(struct qbid_learner *learner, const struct pace_account *pa,
                          const struct qbid_campaign_def *campaign,
                          const struct qbid_line_item_def *any, struct qbid_campaign_state *state,
                          struct qbid_learner_money money, uint64_t now_ns, int64_t now_unix_ns)
{
    struct qbid_pacing_params params = learner->campaigns.pacing;
    params.goal_prior_nanos = goal_prior_nanos(campaign);
    params.step_lg = step_lg(learner, campaign);
    params.velocity_max = velocity_max(&params, campaign);
    double period_s = (double)learner->params.pace_period_ns / (double)QBID_NS_PER_S;
    bool first = state->paced_ns == 0;
    if (!first) {
        period_s = (double)(now_ns - state->paced_ns) / (double)QBID_NS_PER_S;
        rate_follow(state, period_s, now_unix_ns);
    }
    struct qbid_value_params goal = {.goal = campaign->goal, .unit_micros = 1};
    if (learner->planned && any->idx < learner->values.line_item_max)
        goal = learner->values.goal[any->idx];
    struct qbid_pacing_in in =
        input_of(state, campaign, &goal, money, period_s, learner->heard_ns, now_ns, now_unix_ns);
    const struct qbid_delay_curve *curve = qbid_delays_curve(&learner->delays, campaign->id);
    if (curve && in.has_cap && campaign->goal != QBID_GOAL_TARGET_CPC)
        worth_mature(state, curve, now_unix_ns / (int64_t)QBID_NS_PER_S, &in);
    in.overridden = state->overridden || state->emergency.holds;
    double left_nanos = in.budget_nanos - in.spent_nanos;
    in.resolving = resolve(learner, pa, campaign, state, left_nanos);
    if (!in.resolving)
        state->alpha_cap = qbid_strategy_alpha_cap(learner, campaign, state, NULL, left_nanos);
    state->demand_now = demand_now(learner, pa, (uint32_t)(campaign - pa->account->campaigns),
                                   state->pacing.pace, in.resolving);
    in.demand_now = state->demand_now;
    in.alpha_cap = state->alpha_cap;
    qbid_target_track(learner, campaign, state, left_nanos, &in);
    if (first) {
        double pace = state->pacing.pace;
        double left = in.budget_nanos - in.spent_nanos;
        if (in.resolving && state->resolved.points >= SAMPLES_TRUSTED && in.demand_forecast > 0 &&
            campaign->pacing != QBID_PACING_ASAP)
            pace = qbid_resolving_alpha_budget(
                in.resolving,
                in.demand_now * left / (in.demand_forecast * fmax(1 - in.plan_done, in.plan_step)));
        state->pacing = qbid_pacing_start(&params, pace);
        qbid_target_start(&params, &in, &state->pacing);
        state->paced_demand = state->flight.demand;
        qbid_corrections_begin(state);
    }
    state->pacing.pace = qbid_corrections_pace(&params, state); /* what this period bid with */
    state->pacing = qbid_pacing_step(&params, &in, state->pacing);
    qbid_corrections_step(&learner->corrections, state, &in, learner->params.pace_period_ns, now_ns,
                          now_unix_ns / (int64_t)QBID_NS_PER_S);
    state->paced_ns = now_ns;
    state->dirty = true;
}

static bool may_spend(const struct qbid_campaign_def *campaign, struct qbid_learner_money money,
                      int64_t now_unix_ns)
{
    int64_t now_s = now_unix_ns / (int64_t)QBID_NS_PER_S;
    return campaign->active && now_s >= campaign->start_unix_s && now_s < campaign->end_unix_s &&
           money.spent_nanos < money.budget_nanos;
}

static uint32_t qstate_of(const struct qbid_campaign_state *state, struct qbid_learner_money money,
                          int64_t now_unix_ns)
{
    const struct qbid_flight *flight = &state->flight;
    double budget = (double)(money.budget_nanos - flight->spent_before_nanos);
    double spent = (double)(money.spent_nanos - flight->spent_before_nanos);
    double length_s = (double)(flight->end_unix_s - flight->start_unix_s);
    double left_s = (double)flight->end_unix_s - (double)now_unix_ns / (double)QBID_NS_PER_S;
    return qbid_qstate(budget > 0 ? (float)(1 - spent / budget) : 0.0f,
                       length_s > 0 ? (float)(left_s / length_s) : 0.0f, (float)state->win_rate);
}

/* Factor of the hour. While it is 0 time does not pass for the pacer: silence is no staleness, and
 * no traffic is missing. */
static int dayparts_step(const struct qbid_learner *learner,
                         const struct qbid_campaign_def *campaign,
                         struct qbid_campaign_state *state, uint64_t now_ns, int64_t now_unix_ns,
                         float *ret_weight)
{
    bool changed;
    int err = qbid_dayparts_follow(state, campaign, learner->params.time_zone, &changed);
    if (err)
        return err;
    if (changed) { /* parts of another plan */
        state->plan_total = 0;
        state->pacing.level = 0;
    }
    *ret_weight = qbid_dayparts_weight(state->dayparts, now_unix_ns / (int64_t)QBID_NS_PER_S);
    if (!(*ret_weight > 0) && state->paced_ns != 0) {
        state->paced_ns = now_ns;
        state->heard_ns = now_ns;
        state->paced_demand = state->flight.demand;
    }
    return 0;
}

/* How the campaign's multiplier came about; a line item's own terms are still 1. */
static struct qbid_pace_terms terms_of(const struct qbid_campaign_state *state,
                                       const struct qbid_pacing_params *params, double corrected)
{
    const struct qbid_pacing_state *p = &state->pacing;
    struct qbid_pace_terms terms;
    double budget = p->alpha_budget > 0 ? p->alpha_budget : p->pace;
    double least = p->alpha_goal > 0 ? fmin(p->alpha_goal, budget) : budget;
    double cap = fmin(fmax(state->alpha_cap, params->pace_min), params->pace_max);
    bool capped = state->alpha_cap > 0 && cap <= p->alpha_goal;
    for (unsigned i = 0; i < QBID_PACE_TERM_CNT; i++)
        terms.factor[i] = 1;
    if (!(budget > 0) || !(least > 0) || !(p->pace > 0))
        return terms; /* it has not begun */
    terms.factor[QBID_PACE_TERM_BUDGET] = (float)budget;
    terms.factor[capped ? QBID_PACE_TERM_CAP : QBID_PACE_TERM_GOAL] = (float)(least / budget);
    terms.factor[QBID_PACE_TERM_STEP] = (float)(p->pace / least);
    terms.factor[QBID_PACE_TERM_CORRECTION] = (float)(corrected / p->pace);
    return terms;
}

/* Pace and Q state of one campaign, for its line items [items, items + cnt). */
static int campaign_pace(struct qbid_learner *learner, const struct pace_account *pa,
                         const struct qbid_campaign_def *campaign, struct qbid_learner_money money,
                         uint64_t now_ns, int64_t now_unix_ns, struct qbid_learner_pace *out)
{
    uint32_t c = (uint32_t)(campaign - pa->account->campaigns);
    const struct qbid_line_item_def *const *items = pa->item + pa->first[c];
    uint32_t cnt = pa->first[c + 1] - pa->first[c];
    struct qbid_campaign_state *state = qbid_campaigns_touch(&learner->campaigns, campaign->id);
    if (!state)
        return QBID_ERR_NOMEM;
    qbid_campaign_roll(state, campaign, money.spent_nanos, now_unix_ns / (int64_t)QBID_NS_PER_S);
    float weight = 0;
    int err = dayparts_step(learner, campaign, state, now_ns, now_unix_ns, &weight);
    if (err)
        return err;
    bool may = weight > 0 && may_spend(campaign, money, now_unix_ns);
    if (may && cnt &&
        (state->paced_ns == 0 || now_ns - state->paced_ns >= learner->params.pace_period_ns))
        campaign_step(learner, pa, campaign, items[0], state, money, now_ns, now_unix_ns);
    uint32_t qstate = qstate_of(state, money, now_unix_ns);
    double greedy = qbid_qlearner_multiplier(&learner->actions[campaign->goal - 1], qstate);
    double corrected = qbid_corrections_pace(&learner->campaigns.pacing, state);
    struct qbid_item_budget_now now = {.params = &learner->campaigns.pacing,
                                       .curve = &state->curve,
                                       .pace = corrected,
                                       .period_ns = learner->params.pace_period_ns,
                                       .now_ns = now_ns,
                                       .now_unix_ns = now_unix_ns};
    struct qbid_pace_terms terms = terms_of(state, &learner->campaigns.pacing, corrected);
    terms.factor[QBID_PACE_TERM_ACTION] = (float)greedy;
    terms.factor[QBID_PACE_TERM_HOUR] = weight;
    double trigger = triggered_step(learner, campaign, state, now_ns);
    terms.factor[QBID_PACE_TERM_TRIGGER] = (float)trigger;
    uint64_t until_ns = 0;
    if (trigger != 1)
        until_ns = qbid_emergency_until(&state->emergency, step_lg(learner, campaign),
                                        learner->params.pace_period_ns);
    for (uint32_t i = 0; i < cnt; i++) {
        double pace = 0;
        if (may && items[i]->active)
            pace = fmin(corrected,
                        qbid_item_budgets_bound(&learner->item_budgets, items[i], campaign, &now));
        terms.factor[QBID_PACE_TERM_ITEM] = (float)(corrected > 0 ? pace / corrected : 0);
        pace *= greedy * (double)weight;
        out[i] = (struct qbid_learner_pace){.line_item_idx = items[i]->idx,
                                            .pace = (float)(pace * trigger),
                                            .q_state = qstate,
                                            .until_ns = pace > 0 ? until_ns : 0,
                                            .after = (float)pace,
                                            .terms = terms};
    }
    return (int)cnt;
}

static void pace_account_done(struct pace_account *pa)
{
    free(pa->by_idx);
    free(pa->item);
    free(pa->first);
    *pa = (struct pace_account){0};
}

/* A line item's campaign; most often that of the line item before it, so try `last` first. */
static const struct qbid_campaign_def *campaign_of(const struct qbid_account *account,
                                                   const struct qbid_line_item_def *li,
                                                   const struct qbid_campaign_def *last)
{
    return last && last->id == li->campaign_id ? last
                                               : qbid_account_campaign(account, li->campaign_id);
}

/* Line items grouped by campaign (counting sort) and by index. */
static int pace_account_init(const struct qbid_account *account, struct pace_account *pa)
{
    uint32_t n = account->line_item_cnt;
    const struct qbid_campaign_def *c = NULL;
    *pa = (struct pace_account){.account = account};
    pa->by_idx = calloc(account->line_item_max + 1, sizeof *pa->by_idx);
    pa->item = calloc(n + 1, sizeof *pa->item);
    pa->first = calloc(account->campaign_cnt + 2, sizeof *pa->first);
    if (!pa->by_idx || !pa->item || !pa->first) {
        pace_account_done(pa);
        return QBID_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        c = campaign_of(account, li, c);
        pa->by_idx[li->idx] = li;
        if (c)
            pa->first[c - account->campaigns + 2]++;
    }
    for (uint32_t k = 2; k <= account->campaign_cnt + 1; k++)
        pa->first[k] += pa->first[k - 1];
    for (uint32_t i = 0; i < n; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        c = campaign_of(account, li, c);
        if (c)
            pa->item[pa->first[c - account->campaigns + 1]++] = li;
    }
    return 0;
}

int qbid_learner_pace(struct qbid_learner *learner, const struct qbid_account *account,
                      const struct qbid_learner_money *money, uint64_t now_ns, int64_t now_unix_ns,
                      struct qbid_learner_pace *out)
{
    struct pace_account pa;
    qbid_demand_refit(learner, now_unix_ns / (int64_t)QBID_NS_PER_S);
    int err = pace_account_init(account, &pa), cnt = 0;
    learner->now_s = now_unix_ns / (int64_t)QBID_NS_PER_S;
    for (uint32_t c = 0; c < account->campaign_cnt && !err; c++) {
        int n = campaign_pace(learner, &pa, &account->campaigns[c], money[c], now_ns, now_unix_ns,
                              out + cnt);
        if (n < 0)
            err = n;
        else
            cnt += n;
    }
    pace_account_done(&pa);
    return err ? err : cnt;
}

int qbid_learner_news(struct qbid_learner *learner, struct qbid_emergency_news *ret_news)
{
    if (learner->news_cnt == 0)
        return 0;
    *ret_news = learner->news[0];
    memmove(learner->news, learner->news + 1, --learner->news_cnt * sizeof *learner->news);
    return 1;
}

void qbid_learner_set_zone(struct qbid_learner *learner, const char *time_zone)
{
    snprintf(learner->params.time_zone, sizeof learner->params.time_zone, "%s", time_zone);
}

void qbid_learner_override(struct qbid_learner *learner, uint32_t campaign_id, bool overridden)
{
    struct qbid_campaign_state *state = qbid_campaigns_touch(&learner->campaigns, campaign_id);
    if (state)
        state->overridden = overridden;
}

void qbid_learner_pace_store(const struct qbid_learner_pace *pace, uint32_t cnt,
                             const struct qbid_live *live)
{
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t idx = pace[i].line_item_idx;
        if (idx >= live->shape.line_item_max)
            continue;
        atomic_store_explicit(&live->qstate[idx], (uint8_t)pace[i].q_state, memory_order_relaxed);
        if (pace[i].until_ns)
            qbid_live_set_override(live, idx, pace[i].pace, pace[i].until_ns, pace[i].after);
        else
            qbid_live_set_pace(live, idx, pace[i].pace);
    }
}
