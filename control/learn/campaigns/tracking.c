/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of a campaign's promises, and of what came of them. */
#include "control/learn/campaigns/tracking.h"

#include <math.h>
#include <string.h>

#include "control/models/pacing/tracking.h"
#include "shm/units.h"

#define MEMORY_S 129600.0 /* half-life of what the model is off by */
#define FIT_S 86400.0     /* of what the sample is off by, and of the market: hours even out */
#define PRIOR_EVENTS 400  /* conversions that promises are trusted with first */
#define PRIOR_CLICKS 50   /* clicks that the sample is trusted with first */
#define CARRIED_MOST 0.05 /* of a flight's spend, what the next one pays of its debt */
#define CLICK_BILLS 200.0 /* bills that the mean promise of a click remembers */
#define ORDER_NOISE 1.4   /* events to an order: 1 + squared relative spread of order values */

enum qbid_cap qbid_tracking_metric(enum qbid_goal goal)
{
    switch (goal) {
    case QBID_GOAL_TARGET_CPC:
        return QBID_CAP_CPC;
    case QBID_GOAL_TARGET_CPA:
        return QBID_CAP_CPA;
    case QBID_GOAL_TARGET_ROAS:
        return QBID_CAP_ROAS;
    default:
        return QBID_CAP_CNT;
    }
}

struct qbid_tracking_target qbid_tracking_target(enum qbid_cap metric, int64_t target_micros)
{
    struct qbid_value_params params = {0};
    params.cap_micros[metric] = target_micros;
    return (struct qbid_tracking_target){
        metric, qbid_value_allowed_realised(&params, metric, metric == QBID_CAP_CPC,
                                            metric == QBID_CAP_CPA, metric == QBID_CAP_ROAS)};
}

void qbid_tracking_begin(struct qbid_tracking *tracking, int64_t now_s)
{
    double most = CARRIED_MOST * tracking->billed_nanos;
    tracking->carried_nanos = fmin(fmax(tracking->owed_nanos, -most), most);
    tracking->owed_nanos = tracking->carried_nanos;
    tracking->since_s = now_s;
    tracking->flight = (struct qbid_tracking_counts){0};
    tracking->billed_nanos = 0;
    for (unsigned m = 0; m < QBID_CAP_CNT; m++)
        tracking->fit[m].seen_promised = tracking->fit[m].seen_nanos = tracking->fit[m].expected =
            0;
}

static bool counts_sound(const struct qbid_tracking_counts *c)
{
    bool sound = true;
    for (unsigned m = 0; m < QBID_CAP_CNT; m++)
        sound &= isfinite(c->promised[m]) && c->promised[m] >= 0 && isfinite(c->realised[m]) &&
                 c->realised[m] >= 0;
    return sound;
}

/* A damaged store must not hold a campaign for ever. */
static bool sound(const struct qbid_tracking *tracking)
{
    bool sound = isfinite(tracking->billed_nanos) && isfinite(tracking->owed_nanos) &&
                 isfinite(tracking->carried_nanos) && counts_sound(&tracking->flight) &&
                 counts_sound(&tracking->memory);
    for (unsigned m = 0; m < QBID_CAP_CNT; m++)
        sound &= isfinite(tracking->click[m]) && isfinite(tracking->fit[m].promised) &&
                 tracking->fit[m].promised >= 0 && isfinite(tracking->fit[m].sampled) &&
                 tracking->fit[m].sampled >= 0 && isfinite(tracking->fit[m].expected);
    return sound;
}

bool qbid_tracking_follow(struct qbid_tracking *tracking, const struct qbid_campaign_def *campaign,
                          int64_t now_s)
{
    if (!sound(tracking))
        *tracking = (struct qbid_tracking){0};
    if (tracking->goal == campaign->goal && tracking->target_micros == campaign->target_micros &&
        memcmp(tracking->cap_micros, campaign->cap_micros, sizeof tracking->cap_micros) == 0)
        return false;
    if (tracking->goal != 0) {
        tracking->owed_nanos = 0; /* to another target */
        qbid_tracking_begin(tracking, now_s);
    }
    tracking->goal = campaign->goal;
    tracking->target_micros = campaign->target_micros;
    memcpy(tracking->cap_micros, campaign->cap_micros, sizeof tracking->cap_micros);
    return true;
}

/* --- counts */

static void memory_decay(struct qbid_tracking *tracking, int64_t now_s)
{
    double keep = 0;
    if (tracking->memory_s != 0 && now_s > tracking->memory_s)
        keep = exp2(-(double)(now_s - tracking->memory_s) / MEMORY_S);
    else if (tracking->memory_s != 0)
        return;
    for (unsigned m = 0; m < QBID_CAP_CNT; m++) {
        tracking->memory.promised[m] *= keep;
        tracking->memory.realised[m] *= keep;
    }
    tracking->memory_s = now_s;
}

/* Age of an outcome's bid in seconds; 0 where it is not known. */
static double age_of(const struct qbid_outcome *outcome)
{
    if (outcome->bid_time_ns == 0 || outcome->bid_time_ns > outcome->time_ns)
        return 0;
    return (double)(outcome->time_ns - outcome->bid_time_ns) / (double)QBID_NS_PER_S;
}

static void counts_add(struct qbid_tracking_counts *counts, const double promised[QBID_CAP_CNT],
                       const double realised[QBID_CAP_CNT], double weight)
{
    for (unsigned m = 0; m < QBID_CAP_CNT; m++) {
        counts->promised[m] += weight * promised[m];
        counts->realised[m] += weight * realised[m];
    }
}

static void promise_fill(const struct qbid_tracking_promise *promise, double promised[QBID_CAP_CNT])
{
    promised[QBID_CAP_CPC] = 1;
    promised[QBID_CAP_CPA] = promise->cvr;
    promised[QBID_CAP_ROAS] = promise->cvr * promise->order_micros * 1000;
}

static void click_follow(struct qbid_tracking *tracking,
                         const struct qbid_tracking_promise *promise)
{
    double fresh[QBID_CAP_CNT];
    double part = tracking->click[QBID_CAP_CPC] > 0 ? 1 / CLICK_BILLS : 1;
    promise_fill(promise, fresh);
    for (unsigned m = 0; m < QBID_CAP_CNT; m++)
        tracking->click[m] += part * (fresh[m] - tracking->click[m]);
}

void qbid_tracking_post(struct qbid_tracking *tracking, const struct qbid_outcome *outcome,
                        const struct qbid_tracking_promise *promise, int64_t spent_nanos,
                        int64_t now_s)
{
    double age_s = age_of(outcome), promised[QBID_CAP_CNT] = {0}, realised[QBID_CAP_CNT] = {0};
    int64_t bid_s = now_s - (int64_t)age_s;
    bool ours = bid_s >= tracking->since_s;
    if (outcome->kind == QBID_EVENT_BILL) {
        tracking->billed_nanos += ours ? (double)spent_nanos : 0;
        click_follow(tracking, promise);
    }
    if (outcome->kind != QBID_EVENT_CLICK && outcome->kind != QBID_EVENT_CONV)
        return;
    memory_decay(tracking, now_s);
    if (outcome->kind == QBID_EVENT_CLICK) {
        promise_fill(promise, promised);
        realised[QBID_CAP_CPC] = 1;
        qbid_delay_count(&tracking->memory.convs, now_s, bid_s, promise->cvr, MEMORY_S);
        if (ours)
            qbid_delay_count(&tracking->flight.convs, now_s, bid_s, promise->cvr, INFINITY);
    } else {
        realised[QBID_CAP_CPA] = 1;
        realised[QBID_CAP_ROAS] = fmax((double)outcome->price_nanos, 0);
    }
    counts_add(&tracking->memory, promised, realised, exp2(-age_s / MEMORY_S));
    if (ours)
        counts_add(&tracking->flight, promised, realised, 1);
}

/* --- what they say */

/* Part of the promised that had its time; clicks come at once. */
static double maturity(const struct qbid_tracking_counts *counts, enum qbid_cap metric,
                       const struct qbid_tracking_now *now, double half_life_s)
{
    double whole = 0, matured = 0;
    if (metric == QBID_CAP_CPC || !now->curve)
        return 1;
    matured = qbid_delay_matured(now->curve, &counts->convs, now->now_s, half_life_s, &whole);
    double part = matured / whole;
    return part >= 0 && part < 1 ? part : 1; /* also where there is nothing */
}

/* Worth of an event: that of an order is the mean one's. */
static double event_nanos(const struct qbid_tracking *tracking,
                          const struct qbid_tracking_target *target)
{
    const struct qbid_tracking_counts *c = &tracking->memory;
    double convs = c->realised[QBID_CAP_CPA] + c->promised[QBID_CAP_CPA];
    double orders = c->realised[QBID_CAP_ROAS] + c->promised[QBID_CAP_ROAS];
    if (target->metric != QBID_CAP_ROAS)
        return target->unit_nanos;
    double order = convs > 0 && orders > 0 ? orders / convs : (double)QBID_NANOS_PER_UNIT;
    return ORDER_NOISE * order * target->unit_nanos;
}

static struct qbid_tracking_sums sums_of(const struct qbid_tracking_counts *counts,
                                         const struct qbid_tracking_target *target,
                                         const struct qbid_tracking_now *now, double half_life_s,
                                         double event)
{
    double unit = target->unit_nanos;
    return (struct qbid_tracking_sums){.promised =
                                           unit * counts->promised[target->metric] *
                                           maturity(counts, target->metric, now, half_life_s),
                                       .realised = unit * counts->realised[target->metric],
                                       .event = event};
}

/* Where a flight stands, and the scale of its promises. */
static struct qbid_tracking_flight flight_of(const struct qbid_tracking *tracking,
                                             const struct qbid_tracking_target *target,
                                             const struct qbid_tracking_now *now, double *ret_scale)
{
    double event = event_nanos(tracking, target), unit = target->unit_nanos;
    struct qbid_tracking_sums memory = sums_of(&tracking->memory, target, now, MEMORY_S, event);
    bool goal = target->metric == qbid_tracking_metric(tracking->goal);
    *ret_scale = qbid_tracking_scale(&memory, PRIOR_EVENTS);
    return (struct qbid_tracking_flight){
        .carried = goal ? tracking->carried_nanos : 0,
        .spent = tracking->billed_nanos,
        .expected = unit * tracking->fit[target->metric].expected,
        .promised = unit * tracking->flight.promised[target->metric],
        .click = unit * tracking->click[target->metric],
        .matured = sums_of(&tracking->flight, target, now, INFINITY, event),
        .rest = now->rest_nanos};
}

double qbid_tracking_allowed(const struct qbid_tracking *tracking,
                             const struct qbid_tracking_target *target,
                             const struct qbid_tracking_now *now)
{
    double scale;
    struct qbid_tracking_flight flight = flight_of(tracking, target, now, &scale);
    return qbid_tracking_factor(tracking->fit[target->metric].fit, scale,
                                qbid_tracking_debt(&flight, scale));
}

void qbid_tracking_owe(struct qbid_tracking *tracking, const struct qbid_tracking_target *target,
                       const struct qbid_tracking_now *now)
{
    double scale;
    struct qbid_tracking_flight flight = flight_of(tracking, target, now, &scale);
    double owed = qbid_tracking_owed(&flight, scale);
    tracking->owed_nanos = isfinite(owed) ? owed : 0;
}

void qbid_tracking_fit(struct qbid_tracking *tracking, enum qbid_cap metric, double sampled,
                       int64_t now_s)
{
    double promised = tracking->flight.promised[metric], spent = tracking->billed_nanos;
    double keep = exp2(-fmax((double)(now_s - tracking->fit[metric].at_s), 0) / FIT_S);
    double *said = &tracking->fit[metric].sampled, *kept = &tracking->fit[metric].promised;
    *said *= keep;
    *kept *= keep;
    if (sampled > 0 && isfinite(sampled)) {
        double seen = sampled * fmax(spent - tracking->fit[metric].seen_nanos, 0);
        double fit = tracking->fit[metric].fit;
        *said += seen;
        *kept += fmax(promised - tracking->fit[metric].seen_promised, 0);
        tracking->fit[metric].expected += (fit > 0 ? fit : 1) * seen;
    }
    tracking->fit[metric].seen_promised = promised;
    tracking->fit[metric].seen_nanos = spent;
    tracking->fit[metric].at_s = now_s;
    double prior = PRIOR_CLICKS * tracking->click[metric];
    double fit = (*kept + prior) / (*said + prior);
    tracking->fit[metric].fit = fit > 0 && isfinite(fit) ? fit : 1;
}

/* --- the market of a day */

static void knots_add(float *mean, const float *fresh, float part)
{
    for (uint32_t k = 0; k < QBID_RESOLVING_KNOTS; k++)
        mean[k] += part * (fresh[k] - mean[k]);
}

void qbid_tracking_market_add(struct qbid_tracking_market *market,
                              const struct qbid_resolving *table, uint64_t posted, int64_t now_s)
{
    struct qbid_resolving *mean = &market->table;
    double weight = market->weight * exp2(-fmax((double)(now_s - market->at_s), 0) / FIT_S);
    double fresh = posted > market->posted ? (double)(posted - market->posted) : 0;
    if (fresh <= 0 || !(table->top > 0))
        return;
    float part = (float)(fresh / (weight + fresh));
    if (!(weight > 0))
        *mean = *table;
    knots_add(mean->spend, table->spend, part);
    knots_add(mean->worth, table->worth, part);
    knots_add(mean->won, table->won, part);
    mean->top = table->top;
    market->weight = weight + fresh;
    market->at_s = now_s;
    market->posted = posted;
}
