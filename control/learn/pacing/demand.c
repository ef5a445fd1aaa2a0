/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic curves of the campaigns, and plans on them. */
#include "control/learn/pacing/demand.h"

#include <math.h>

#include "control/learn/campaigns/dayparts.h"
#include "shm/units.h"

#define HOUR_S 3600
#define REFIT_MAX 32 /* campaigns a call: with two weeks of days each takes some tenths of a ms */

static double seconds_of(int64_t unix_ns)
{
    return (double)unix_ns / (double)QBID_NS_PER_S;
}

void qbid_demand_note(struct qbid_campaign_state *state, double period_s, int64_t now_unix_ns,
                      double demand)
{
    double now_s = seconds_of(now_unix_ns);
    qbid_traffic_note(&state->traffic, now_s - period_s, now_s, demand, &state->curve);
}

static double flight_total(const struct qbid_campaign_state *state)
{
    return qbid_dayparts_between(state->dayparts, &state->curve, (double)state->flight.start_unix_s,
                                 (double)state->flight.end_unix_s);
}

/* Same demand a second now, same spend: only the parts of the plan are others. */
static void pacing_rebase(struct qbid_campaign_state *state, const struct qbid_traffic_curve *next,
                          double now_s)
{
    double start_s = (double)state->flight.start_unix_s, end_s = (double)state->flight.end_unix_s;
    double was = qbid_dayparts_between(state->dayparts, &state->curve, start_s, end_s);
    double will = qbid_dayparts_between(state->dayparts, next, start_s, end_s);
    struct qbid_pacing_state *pacing = &state->pacing;
    if (state->paced_ns == 0 || !(was > 0) || !(will > 0))
        return;
    double at = fmin(fmax(now_s, start_s), end_s);
    pacing->level *= qbid_traffic_at(&state->curve, at) / was / (qbid_traffic_at(next, at) / will);
    double moved = qbid_dayparts_between(state->dayparts, next, start_s, at) / will -
                   qbid_dayparts_between(state->dayparts, &state->curve, start_s, at) / was;
    pacing->plan_done = fmin(fmax(pacing->plan_done + moved, 0), 1);
}

void qbid_demand_refit(struct qbid_learner *learner, int64_t now_unix_s)
{
    struct qbid_campaigns *campaigns = &learner->campaigns;
    int64_t hour = now_unix_s / HOUR_S;
    if (learner->curve_hour != hour) {
        struct qbid_traffic sum = {0};
        for (uint32_t i = 0; i < campaigns->cnt; i++)
            qbid_traffic_add(&sum, &campaigns->state[i].traffic, &learner->curve);
        struct qbid_traffic_curve before = learner->curve;
        qbid_traffic_refit(&sum, NULL, &before, now_unix_s, &learner->curve);
        learner->curve_hour = hour;
        learner->curve_next = 0;
    }
    for (int n = 0; n < REFIT_MAX && learner->curve_next < campaigns->cnt; n++) {
        struct qbid_campaign_state *state = &campaigns->state[learner->curve_next++];
        struct qbid_traffic_curve next;
        qbid_traffic_refit(&state->traffic, &learner->curve, &state->curve, now_unix_s, &next);
        pacing_rebase(state, &next, (double)now_unix_s);
        state->curve = next;
        state->plan_total = flight_total(state);
    }
}

/* Demand of the whole flight: by the mean of all that was counted, else by the rate of now. */
static double all_of(const struct qbid_campaign_state *state, double now_s)
{
    double rate = qbid_traffic_rate(&state->traffic, &state->curve);
    if (!(rate > 0))
        rate = state->demand_per_s / fmax(qbid_traffic_at(&state->curve, now_s), 1e-3);
    return rate * state->plan_total;
}

struct qbid_demand qbid_demand_at(struct qbid_campaign_state *state, double period_s,
                                  int64_t now_unix_ns)
{
    double now_s = seconds_of(now_unix_ns), start_s = (double)state->flight.start_unix_s;
    if (!(state->plan_total > 0))
        state->plan_total = flight_total(state);
    double over = qbid_dayparts_between(state->dayparts, &state->curve, start_s, now_s);
    double step = qbid_dayparts_between(state->dayparts, &state->curve, now_s, now_s + period_s);
    double total = fmax(state->plan_total, 1e-9);
    return (struct qbid_demand){
        .done = fmin(over / total, 1), .step = fmin(step / total, 1), .all = all_of(state, now_s)};
}
