/* SPDX-License-Identifier: Apache-2.0 */
/* Campaign states in order of arrival. */
#include "control/learn/campaigns/campaigns.h"

#include <math.h>
#include <stdlib.h>

#include "control/learn/campaigns/dayparts.h"
#include "shm/units.h"

#define DAY_S 86400
#define WIN_RATE_MEMORY 300.0 /* results */

void qbid_campaigns_done(struct qbid_campaigns *campaigns)
{
    for (uint32_t i = 0; i < campaigns->cnt; i++) {
        qbid_price_samples_done(&campaigns->state[i].samples);
        qbid_dayparts_free(campaigns->state[i].dayparts);
    }
    free(campaigns->state);
    qbid_keymap_done(&campaigns->map);
    *campaigns = (struct qbid_campaigns){0};
}

struct qbid_campaign_state *qbid_campaigns_touch(struct qbid_campaigns *campaigns, uint32_t id)
{
    uint32_t i = qbid_keymap_find(&campaigns->map, 0, id);
    if (i != QBID_KEYMAP_NONE)
        return &campaigns->state[i];
    if (campaigns->cnt == campaigns->capacity) {
        uint32_t capacity = campaigns->capacity ? campaigns->capacity * 2 : 16;
        struct qbid_campaign_state *s = realloc(campaigns->state, capacity * sizeof *s);
        if (!s)
            return NULL;
        campaigns->state = s;
        campaigns->capacity = capacity;
    }
    struct qbid_campaign_state fresh = {.id = id};
    if (qbid_price_samples_init(&fresh.samples, campaigns->sample_max))
        return NULL;
    if (qbid_keymap_add(&campaigns->map, 0, id, campaigns->cnt)) {
        qbid_price_samples_done(&fresh.samples);
        return NULL;
    }
    fresh.pacing = qbid_pacing_start(&campaigns->pacing, 1.0);
    qbid_traffic_flat(&fresh.curve);
    campaigns->state[campaigns->cnt] = fresh;
    return &campaigns->state[campaigns->cnt++];
}

static void result_count(struct qbid_campaign_state *state, bool won)
{
    state->win_rate += ((won ? 1.0 : 0.0) - state->win_rate) / WIN_RATE_MEMORY;
}

/* Whether its bid was made in the flight; one of unknown time is taken to be. */
static bool of_flight(const struct qbid_flight *flight, const struct qbid_outcome *outcome,
                      int64_t now_s)
{
    if (outcome->bid_time_ns == 0 || outcome->bid_time_ns > outcome->time_ns)
        return true;
    int64_t age_s = (int64_t)((outcome->time_ns - outcome->bid_time_ns) / QBID_NS_PER_S);
    return now_s - age_s >= flight->start_unix_s;
}

static void bill_count(struct qbid_campaign_state *state, double predicted_nanos,
                       double billed_nanos, int64_t now_s)
{
    state->flight.predicted_nanos += predicted_nanos;
    state->flight.billed_nanos += billed_nanos;
    qbid_delay_count(&state->predicted, now_s, now_s, predicted_nanos, INFINITY);
    qbid_delay_count(&state->billed, now_s, now_s, billed_nanos, INFINITY);
}

void qbid_campaign_post(struct qbid_campaign_state *state, const struct qbid_outcome *outcome,
                        int64_t spent_nanos, int64_t now_s)
{
    struct qbid_flight *flight = &state->flight;
    qbid_price_samples_post(&state->samples, outcome);
    state->heard_ns = outcome->time_ns;
    state->dirty = true;
    if (outcome->first_win)
        result_count(state, true);
    switch (outcome->kind) {
    case QBID_EVENT_BID:
        flight->bids++;
        flight->demand += state->demand_now > 0 ? state->demand_now : 1;
        break;
    case QBID_EVENT_LOSS:
    case QBID_OUTCOME_EXPIRED:
        result_count(state, false);
        break;
    case QBID_EVENT_BILL:
        if (outcome->joined)
            bill_count(state, (double)outcome->value_micros, (double)spent_nanos, now_s);
        break;
    case QBID_EVENT_CLICK:
        flight->clicks++;
        break;
    case QBID_EVENT_CONV:
        if (of_flight(flight, outcome, now_s)) {
            flight->convs++;
            flight->revenue_nanos = qbid_add_sat(flight->revenue_nanos, outcome->price_nanos);
        }
        break;
    default:
        break;
    }
}

void qbid_campaign_span(const struct qbid_campaign_def *campaign, int64_t now_unix_s,
                        int64_t *ret_start_unix_s, int64_t *ret_end_unix_s)
{
    int64_t start = campaign->start_unix_s, end = campaign->end_unix_s;
    if (campaign->period == QBID_BUDGET_DAILY) {
        int64_t day = now_unix_s - now_unix_s % DAY_S;
        start = day > start ? day : start;
        end = day + DAY_S < end ? day + DAY_S : end;
    }
    *ret_start_unix_s = start;
    *ret_end_unix_s = end;
}

void qbid_campaign_roll(struct qbid_campaign_state *state, const struct qbid_campaign_def *campaign,
                        int64_t spent_nanos, int64_t now_unix_s)
{
    int64_t start, end;
    qbid_campaign_span(campaign, now_unix_s, &start, &end);
    if (start == state->flight.start_unix_s && end == state->flight.end_unix_s)
        return;
    state->flight = (struct qbid_flight){
        .start_unix_s = start, .end_unix_s = end, .spent_before_nanos = spent_nanos};
    state->predicted = state->billed = (struct qbid_delay_cohorts){0};
    qbid_tracking_begin(&state->tracking, start);
    state->paced_ns = 0;
    state->plan_total = 0;
    state->dirty = true;
}
