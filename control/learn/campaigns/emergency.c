/* SPDX-License-Identifier: Apache-2.0 */
/* Three counts of events against what was to be expected. */
#include "control/learn/campaigns/emergency.h"

#include <math.h>
#include <string.h>

#include "shm/units.h"

#define EVENTS_LEAST 100.0  /* that the usual rate is known from */
#define EVENTS_KEPT 10000.0 /* then what is older counts half */

/* The usual rate, low; 0 when it is not known yet. */
static double usual(const struct qbid_emergency *t, enum qbid_trigger_kind kind)
{
    double events = t->usual_events[kind];
    return events < EVENTS_LEAST ? 0 : (events - 2 * sqrt(events)) / t->usual_of[kind];
}

static void usual_count(struct qbid_emergency *t, enum qbid_trigger_kind kind, double events,
                        double of)
{
    t->usual_events[kind] += events;
    t->usual_of[kind] += of;
    if (t->usual_events[kind] > EVENTS_KEPT) {
        t->usual_events[kind] /= 2;
        t->usual_of[kind] /= 2;
    }
}

static void test(struct qbid_emergency *t, enum qbid_trigger_kind kind, double expected,
                 double events, int64_t unix_s)
{
    if (!t->holds)
        qbid_alarm_post(&t->alarm[kind], qbid_trigger_ratio(kind), expected, events, unix_s);
}

/* A rate against its usual one: tested first, counted then. */
static void rate_post(struct qbid_emergency *t, enum qbid_trigger_kind kind, double events,
                      double of, int64_t unix_s)
{
    double rate = usual(t, kind);
    if (rate > 0)
        test(t, kind, rate * of, events, unix_s);
    if (!t->holds)
        usual_count(t, kind, events, of);
}

/* Money a click at most, nanos; 0 = nobody says. */
static double click_nanos(const struct qbid_campaign_def *campaign)
{
    int64_t micros = campaign->goal == QBID_GOAL_TARGET_CPC ? campaign->target_micros
                                                            : campaign->cap_micros[QBID_CAP_CPC];
    return (double)micros * 1000;
}

void qbid_emergency_post(struct qbid_emergency *emergency, const struct qbid_campaign_def *campaign,
                         const struct qbid_outcome *outcome, int64_t spent_nanos, int64_t unix_s)
{
    double click = click_nanos(campaign);
    bool lost = outcome->kind == QBID_EVENT_LOSS || outcome->kind == QBID_OUTCOME_EXPIRED;
    if (!campaign->triggers || !*campaign->triggers)
        return;
    if (outcome->first_win || lost)
        rate_post(emergency, QBID_TRIGGER_WIN, outcome->first_win, 1, unix_s);
    if (outcome->kind == QBID_EVENT_BILL) {
        rate_post(emergency, QBID_TRIGGER_CTR, 0, 1, unix_s);
        if (click > 0)
            test(emergency, QBID_TRIGGER_CPC, (double)spent_nanos / click, 0, unix_s);
    } else if (outcome->kind == QBID_EVENT_CLICK) {
        rate_post(emergency, QBID_TRIGGER_CTR, 1, 0, unix_s);
        if (click > 0)
            test(emergency, QBID_TRIGGER_CPC, 0, 1, unix_s);
    }
}

static void tests_begin(struct qbid_emergency *t)
{
    for (unsigned k = 0; k < QBID_TRIGGER_CNT; k++)
        t->alarm[k].evidence = 0;
}

static int begin(struct qbid_emergency *t, const struct qbid_triggers *allowed, uint64_t now_ns)
{
    for (unsigned k = 0; k < QBID_TRIGGER_CNT; k++) {
        if (!(allowed->factor[k] > 0) ||
            !qbid_alarm_fired(&t->alarm[k], QBID_EMERGENCY_FALSE_A_DAY))
            continue;
        t->holds = true;
        t->kind = (enum qbid_trigger_kind)k;
        t->full_lg = t->target_lg = log2(allowed->factor[k]);
        t->until_ns = now_ns + QBID_EMERGENCY_HOLD_S * QBID_NS_PER_S;
        return 1;
    }
    return 0;
}

static void move(struct qbid_emergency *t, double step_lg, uint64_t period_ns, uint64_t now_ns)
{
    double way = t->target_lg - t->now_lg;
    if (way == 0 || now_ns - t->stepped_ns < period_ns)
        return;
    t->now_lg = fabs(way) <= step_lg ? t->target_lg : t->now_lg + copysign(step_lg, way);
    t->stepped_ns = now_ns;
}

int qbid_emergency_step(struct qbid_emergency *emergency, const struct qbid_campaign_def *campaign,
                        bool overridden, double step_lg, uint64_t period_ns, uint64_t now_ns,
                        struct qbid_emergency_news *ret_news)
{
    struct qbid_emergency *t = emergency;
    struct qbid_triggers allowed = {{0}};
    int news = 0;
    if (campaign->triggers && *campaign->triggers)
        (void)qbid_triggers_parse(campaign->triggers, &allowed); /* checked when it came */
    if (overridden) { /* what comes now is not the pace's doing */
        tests_begin(t);
        t->target_lg = t->now_lg = 0;
    }
    bool over = t->holds && (now_ns >= t->until_ns || overridden || !(allowed.factor[t->kind] > 0));
    if (over) {
        t->target_lg = 0;
        if (t->now_lg == 0) {
            t->holds = false;
            tests_begin(t);
            news = 1;
        }
    } else if (!t->holds && !overridden) {
        news = begin(t, &allowed, now_ns);
    }
    move(t, step_lg, period_ns, now_ns);
    if (news)
        *ret_news = (struct qbid_emergency_news){campaign->id, t->holds, t->kind,
                                                 t->holds ? exp2(t->target_lg) : 1};
    return news;
}

double qbid_emergency_factor(const struct qbid_emergency *emergency)
{
    return exp2(emergency->now_lg);
}

uint64_t qbid_emergency_until(const struct qbid_emergency *emergency, double step_lg,
                              uint64_t period_ns)
{
    double steps = ceil(fabs(emergency->full_lg) / step_lg) + 2; /* the way back */
    return emergency->holds ? emergency->until_ns + (uint64_t)steps * period_ns : 0;
}
