/* SPDX-License-Identifier: Apache-2.0 */
#include "control/rules/rule_judge.h"

#include <math.h>
#include <stdlib.h>

#include "control/models/watch/wager.h"
#include "shm/error.h"

#define DAY_S 86400
#define HOUR_S 3600
/* Wagers of a day, begun 4 hours apart. Against a number there is one: no hours of another day
 * stand beside these, so a few hours that are always low would pass for a fall. */
#define BEGINS 6
#define NORMAL_90 1.6448536269514722

int qbid_rule_point_add(void *context, const struct qbid_store_point *point)
{
    struct qbid_rule_points *points = context;
    if (points->cnt == points->max) {
        uint32_t max = points->max ? 2 * points->max : 256;
        struct qbid_store_point *more = realloc(points->point, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        points->point = more;
        points->max = max;
    }
    points->point[points->cnt++] = *point;
    return 0;
}

void qbid_rule_points_done(struct qbid_rule_points *points)
{
    free(points->point);
    *points = (struct qbid_rule_points){0};
}

int64_t qbid_rule_day_begin(int64_t at_unix_s)
{
    return (at_unix_s - 1) / DAY_S * DAY_S;
}

bool qbid_rule_by_hours(const struct qbid_rule *rule)
{
    return rule->every_s % HOUR_S == 0;
}

int64_t qbid_rule_points_from(const struct qbid_rule *rule, int64_t from_unix_s)
{
    uint32_t days = rule->against == QBID_RULE_AVERAGE ? rule->days : 1;
    return qbid_rule_day_begin(from_unix_s) - (days + 1) * (int64_t)DAY_S;
}

int qbid_rule_points_load(struct qbid_store *store, const struct qbid_rule *rule,
                          uint32_t campaign_id, int64_t from_unix_s,
                          struct qbid_rule_points *points)
{
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = campaign_id};
    int64_t from = qbid_rule_points_from(rule, from_unix_s);
    return qbid_rule_by_hours(rule)
               ? qbid_store_load_hours(store, campaign_id, from, qbid_rule_point_add, points)
               : qbid_store_load_history(store, key, from, qbid_rule_point_add, points);
}

/* Totals at a time: those of the last point up to it; NULL before the first. */
static const struct qbid_stats *totals_at(const struct qbid_rule_points *points, int64_t unix_s)
{
    uint32_t low = 0, high = points->cnt;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (points->point[middle].unix_s <= unix_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &points->point[low - 1].all : NULL;
}

/* What the condition counts. */
static void metric_of(enum qbid_rule_metric metric, const struct qbid_stats *s, double *events,
                      double *trials)
{
    switch (metric) {
    case QBID_RULE_CTR:
        *events = (double)s->clicks, *trials = (double)s->imps;
        break;
    case QBID_RULE_CVR:
        *events = (double)s->convs, *trials = (double)s->clicks;
        break;
    case QBID_RULE_WIN_RATE:
        *events = (double)qbid_stats_wins(s), *trials = *events + (double)s->losses;
        break;
    case QBID_RULE_CPC:
        *events = (double)s->clicks, *trials = (double)s->spend_nanos;
        break;
    case QBID_RULE_CPA:
        *events = (double)s->convs, *trials = (double)s->spend_nanos;
        break;
    case QBID_RULE_BUDGET:
        *events = 0, *trials = (double)s->spend_nanos;
        break;
    case QBID_RULE_VIEWABILITY:
        *events = (double)s->views, *trials = (double)(s->imps ? s->imps : s->bills);
        break;
    case QBID_RULE_COMPLETION:
        *events = (double)s->completes, *trials = (double)s->starts;
        break;
    }
}

/* Events and trials between two times; false when they are not known, or fell. */
static bool between(const struct qbid_rule_points *points, enum qbid_rule_metric metric,
                    int64_t from, int64_t to, double *events, double *trials)
{
    const struct qbid_stats *a = totals_at(points, from), *b = totals_at(points, to);
    double events_a, trials_a;
    if (!a || !b || (metric == QBID_RULE_VIEWABILITY && a->views == 0)) /* nobody measures it */
        return false;
    metric_of(metric, a, &events_a, &trials_a);
    metric_of(metric, b, events, trials);
    *events -= events_a, *trials -= trials_a;
    return *events >= 0 && *trials >= 0;
}

static bool is_cost(const struct qbid_rule *rule)
{
    return rule->metric == QBID_RULE_CPC || rule->metric == QBID_RULE_CPA;
}

/* Events a trial at a threshold that is a number or a target; 0 = the campaign has none. */
static double rate_known(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign)
{
    bool click = rule->metric == QBID_RULE_CPC;
    enum qbid_goal goal = click ? QBID_GOAL_TARGET_CPC : QBID_GOAL_TARGET_CPA;
    double money = rule->value;
    if (!is_cost(rule))
        return rule->value;
    if (rule->against == QBID_RULE_TARGET)
        money *= (double)(campaign->goal == goal
                              ? campaign->target_micros
                              : campaign->cap_micros[click ? QBID_CAP_CPC : QBID_CAP_CPA]) *
                 1e-6;
    return money > 0 ? 1 / (money * 1e9) : 0;
}

/* One wager, and what it was made on. */
struct stake {
    struct qbid_wager wager;
    int64_t from_unix_s;
    double events, trials, expected, events_then;
};

struct judging {
    const struct qbid_rule *rule;
    const struct qbid_rule_points *points;
    double ratio; /* of rates, at the threshold */
    double known; /* rate at the threshold, where it is known */
    struct stake stake[BEGINS];
    int begun; /* of them */
};

static void stakes_count(struct judging *j, double events, double trials, double expected,
                         double then)
{
    for (int i = 0; i < j->begun; i++) {
        struct stake *stake = &j->stake[i];
        stake->events += events, stake->trials += trials;
        stake->expected += expected, stake->events_then += then;
    }
}

/* A step beside the same one of the days before. */
static void step_average(struct judging *j, int64_t from, int64_t to, double events, double trials)
{
    double then = 0, trials_then = 0;
    for (uint32_t d = 1; d <= j->rule->days; d++) {
        double e, t;
        if (!between(j->points, j->rule->metric, from - d * (int64_t)DAY_S, to - d * (int64_t)DAY_S,
                     &e, &t))
            continue;
        then += e, trials_then += t;
    }
    if (!(trials > 0) || !(trials_then > 0))
        return;
    for (int i = 0; i < j->begun; i++)
        qbid_wager_pair(&j->stake[i].wager, j->ratio, events, trials, then, trials_then);
    stakes_count(j, events, trials, j->ratio * trials * then / trials_then, then);
}

static void step_take(struct judging *j, int64_t from, int64_t to)
{
    double events, trials;
    if (!between(j->points, j->rule->metric, from, to, &events, &trials))
        return;
    if (j->rule->against == QBID_RULE_AVERAGE) {
        step_average(j, from, to, events, trials);
        return;
    }
    qbid_wager_mean(&j->stake[0].wager, events, j->known * trials);
    stakes_count(j, events, trials, j->known * trials, 0);
}

/* Events beside those that the reference itself leads to expect, and how well that is known. */
static void verdict_fill(const struct judging *j, const struct stake *stake,
                         struct qbid_rule_verdict *v)
{
    double times = j->rule->against == QBID_RULE_NUMBER ? 1 : j->ratio;
    double of = stake->expected / times;
    double part = 1 / (stake->events + 0.5) + (stake->events_then > 0 ? 1 / stake->events_then : 0);
    v->from_unix_s = stake->from_unix_s;
    v->events = stake->events, v->trials = stake->trials, v->expected = stake->expected;
    v->ratio = of > 0 ? stake->events / of : 1;
    v->low = v->ratio * exp(-NORMAL_90 * sqrt(part));
    v->high = (of > 0 ? (stake->events + 0.5) / of : 1) * exp(NORMAL_90 * sqrt(part));
}

static void stakes_begin(struct judging *j, const struct qbid_rule_verdict *v)
{
    /* a high cost is few events for the money */
    bool fewer = j->rule->above == is_cost(j->rule);
    int64_t day = qbid_rule_day_begin(v->to_unix_s);
    for (int i = 0; i < BEGINS; i++) {
        int64_t from = day + i * (int64_t)(DAY_S / BEGINS);
        j->stake[i] =
            (struct stake){.wager = qbid_wager_init(fewer ? QBID_WAGER_FEWER : QBID_WAGER_MORE),
                           .from_unix_s = from > v->from_unix_s ? from : v->from_unix_s};
    }
}

/* What is won together; the part that won most is what the verdict tells of. */
static bool stakes_judge(const struct judging *j, double error, struct qbid_rule_verdict *v)
{
    int cnt = j->rule->against == QBID_RULE_AVERAGE ? BEGINS : 1, best = 0;
    struct qbid_wager wager[BEGINS];
    for (int i = 0; i < cnt; i++) {
        wager[i] = j->stake[i].wager;
        if (qbid_wager_won(&wager[i]) > qbid_wager_won(&wager[best]))
            best = i;
    }
    if (!(j->stake[best].trials > 0))
        best = 0;
    verdict_fill(j, &j->stake[best], v);
    v->won = qbid_wager_won_together(wager, cnt);
    v->fired = v->won >= -log(error);
    v->confidence = 1 - exp(-fmax(v->won, 0));
    return j->stake[0].trials > 0;
}

static bool rate_judge(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                       const struct qbid_rule_points *points, double error,
                       struct qbid_rule_verdict *v)
{
    int64_t every = rule->every_s, day = qbid_rule_day_begin(v->to_unix_s);
    struct judging j = {.rule = rule,
                        .points = points,
                        .ratio = is_cost(rule) ? 1 / rule->value : rule->value,
                        .begun = 1};
    if (rule->against != QBID_RULE_AVERAGE && !((j.known = rate_known(rule, campaign)) > 0))
        return false;
    stakes_begin(&j, v);
    for (int64_t t = (v->from_unix_s + every - 1) / every * every; t < v->to_unix_s; t += every) {
        if (rule->against == QBID_RULE_AVERAGE)
            j.begun = 1 + (int)((t - day) / (DAY_S / BEGINS));
        step_take(&j, t, t + every);
    }
    return stakes_judge(&j, error, v);
}

/* A budget used up before its time. */
static bool budget_judge(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                         const struct qbid_rule_points *points, int64_t fired_unix_s,
                         struct qbid_rule_verdict *v)
{
    bool daily = campaign->period == QBID_BUDGET_DAILY;
    int64_t day = qbid_rule_day_begin(v->to_unix_s);
    int64_t begin = daily ? day : campaign->start_unix_s;
    double length = daily ? DAY_S : (double)(campaign->end_unix_s - campaign->start_unix_s);
    static const struct qbid_stats nothing = {0};
    const struct qbid_stats *before = daily ? totals_at(points, day) : &nothing;
    if (!before && campaign->start_unix_s >= day)
        before = &nothing; /* it began today */
    const struct qbid_stats *now = totals_at(points, v->to_unix_s);
    if (!before || !now || campaign->budget_nanos <= 0 || !(length > 0))
        return false;
    v->from_unix_s = begin;
    v->trials = (double)(now->spend_nanos - before->spend_nanos);
    v->events = v->trials / (double)campaign->budget_nanos;
    v->expected = rule->value;
    double passed = fmin(fmax((double)(v->to_unix_s - begin) / length, 1e-9), 1);
    v->ratio = v->low = v->high = v->events / passed;
    v->confidence = 1;
    v->fired = v->events > rule->value && passed < rule->value && fired_unix_s <= day;
    return true;
}

bool qbid_rule_judge(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                     const struct qbid_rule_points *points, int64_t at_unix_s, int64_t fired_unix_s,
                     double error, struct qbid_rule_verdict *ret_verdict)
{
    int64_t begin = qbid_rule_day_begin(at_unix_s);
    struct qbid_rule_verdict v = {.from_unix_s = fired_unix_s > begin ? fired_unix_s : begin,
                                  .to_unix_s = at_unix_s};
    double events, spend = 0;
    bool judged = rule->metric == QBID_RULE_BUDGET
                      ? budget_judge(rule, campaign, points, fired_unix_s, &v)
                      : rate_judge(rule, campaign, points, error, &v);
    if (between(points, QBID_RULE_BUDGET, at_unix_s - DAY_S, at_unix_s, &events, &spend))
        v.day_spend_nanos = (int64_t)spend;
    else if (points->cnt && totals_at(points, at_unix_s)) /* younger than a day */
        v.day_spend_nanos =
            totals_at(points, at_unix_s)->spend_nanos - points->point[0].all.spend_nanos;
    if (judged)
        *ret_verdict = v;
    return judged;
}
