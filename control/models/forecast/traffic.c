/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic curves: counts, shrunk ratios, integrals. */
#include "control/models/forecast/traffic.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "control/models/forecast/forecast.h"

#define HOUR_S 3600
#define DAY_S 86400
#define HOURS_A_DAY 24
#define WEEK_S (QBID_TRAFFIC_HOURS * HOUR_S)
#define MONDAY_S (4 * DAY_S) /* 1970-01-05 was the first Monday */
#define WEEK_KEEP 0.5f       /* of a count, a week later */
#define VISIT_VARIANCE 0.04  /* of one hour's traffic around its curve: 20 % */
#define HOUR_LEAST 0.01      /* of the mean: no hour is planned to be without traffic */
#define DAYS_TRUSTED 14      /* before the level of days is forecast */
#define DAY_LEAST (1.0 / 12) /* of the fullest day that make one count */
#define DAY_LEVEL_MAX 4.0

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t positive_mod(int64_t a, int64_t b)
{
    return a - floor_div(a, b) * b;
}

static uint32_t hour_of_week(int64_t hour_unix)
{
    return (uint32_t)positive_mod(hour_unix - MONDAY_S / HOUR_S, QBID_TRAFFIC_HOURS);
}

static void curve_sum(struct qbid_traffic_curve *curve)
{
    double sum = 0;
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
        sum += (double)curve->hour[h] / QBID_TRAFFIC_HOURS;
    double until = 0;
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++) {
        curve->hour[h] = (float)((double)curve->hour[h] / sum);
        curve->until[h] = (float)until;
        until += (double)curve->hour[h] * HOUR_S;
    }
    curve->until[QBID_TRAFFIC_HOURS] = (float)until;
}

void qbid_traffic_flat(struct qbid_traffic_curve *ret_curve)
{
    *ret_curve = (struct qbid_traffic_curve){0};
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++)
        ret_curve->hour[h] = 1;
    for (int d = 0; d < QBID_TRAFFIC_AHEAD; d++)
        ret_curve->day[d] = 1;
    curve_sum(ret_curve);
}

/* Begin an hour: what the same hour of earlier weeks counted fades. */
static void hour_begin(struct qbid_traffic *t, int64_t hour_unix)
{
    uint32_t h = hour_of_week(hour_unix);
    t->events[h] *= WEEK_KEEP;
    t->seconds[h] *= WEEK_KEEP;
    t->visits[h] = t->visits[h] * WEEK_KEEP + 1;
    t->hour_unix = hour_unix;
}

static void day_begin(struct qbid_traffic *t, int64_t day)
{
    int64_t from = t->day_unix && day - t->day_unix < QBID_TRAFFIC_DAYS
                       ? t->day_unix + 1
                       : day - QBID_TRAFFIC_DAYS + 1;
    for (int64_t d = from; d <= day; d++)
        t->day_events[d % QBID_TRAFFIC_DAYS] = t->day_expected[d % QBID_TRAFFIC_DAYS] = 0;
    t->day_unix = day;
}

void qbid_traffic_note(struct qbid_traffic *traffic, double from_unix_s, double to_unix_s,
                       double events, const struct qbid_traffic_curve *curve)
{
    double span = to_unix_s - from_unix_s;
    if (!(from_unix_s > 0) || !(span > 0 && span <= DAY_S) || !(events >= 0 && isfinite(events)) ||
        !(to_unix_s < 1e12))
        return;
    for (double at = from_unix_s; at < to_unix_s;) {
        int64_t hour = (int64_t)(at / HOUR_S), day = hour / HOURS_A_DAY;
        double until = fmin((double)(hour + 1) * HOUR_S, to_unix_s), part = (until - at) / span;
        if (hour != traffic->hour_unix)
            hour_begin(traffic, hour);
        if (day > traffic->day_unix)
            day_begin(traffic, day);
        uint32_t h = hour_of_week(hour);
        traffic->events[h] += (float)(events * part);
        traffic->seconds[h] += (float)(until - at);
        if (day > traffic->day_unix - QBID_TRAFFIC_DAYS) {
            float rate = curve ? curve->hour[h] : 1;
            traffic->day_events[day % QBID_TRAFFIC_DAYS] += (float)(events * part);
            traffic->day_expected[day % QBID_TRAFFIC_DAYS] += (float)(until - at) * rate;
        }
        at = until;
    }
}

double qbid_traffic_rate(const struct qbid_traffic *traffic, const struct qbid_traffic_curve *curve)
{
    double events = 0, seconds = 0;
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++) {
        events += (double)traffic->events[h];
        seconds += (double)traffic->seconds[h] * (curve ? (double)curve->hour[h] : 1);
    }
    return seconds >= HOUR_S ? events / seconds : 0;
}

void qbid_traffic_add(struct qbid_traffic *sum, const struct qbid_traffic *traffic,
                      const struct qbid_traffic_curve *curve)
{
    float rate = (float)qbid_traffic_rate(traffic, curve);
    if (!(rate > 0))
        return;
    for (int h = 0; h < QBID_TRAFFIC_HOURS; h++) {
        sum->events[h] += traffic->events[h];
        sum->seconds[h] += traffic->seconds[h] * rate;
        sum->visits[h] = fmaxf(sum->visits[h], traffic->visits[h]);
    }
    if (traffic->day_unix > sum->day_unix)
        day_begin(sum, traffic->day_unix);
    for (int64_t d = 0; d < QBID_TRAFFIC_DAYS; d++) {
        int64_t day = traffic->day_unix - d;
        if (day <= 0 || day <= sum->day_unix - QBID_TRAFFIC_DAYS)
            break;
        sum->day_events[day % QBID_TRAFFIC_DAYS] += traffic->day_events[day % QBID_TRAFFIC_DAYS];
        sum->day_expected[day % QBID_TRAFFIC_DAYS] +=
            traffic->day_expected[day % QBID_TRAFFIC_DAYS] * rate;
    }
}

/* One level: cells are `period` hours apart; their ratios to the curve so far are shrunk to 1 by
 *     weight = between / (between + visit variance / visits + 1 / events)
 * with `between` the moment estimate of the true ratios' variance. */
static void level_apply(const struct qbid_traffic *t, uint32_t period,
                        struct qbid_traffic_curve *curve)
{
    double events[QBID_TRAFFIC_HOURS] = {0}, expected[QBID_TRAFFIC_HOURS] = {0}, all = 0, seen = 0;
    double visits[QBID_TRAFFIC_HOURS] = {0}, ratio[QBID_TRAFFIC_HOURS], noise[QBID_TRAFFIC_HOURS];
    for (uint32_t h = 0; h < QBID_TRAFFIC_HOURS; h++) {
        events[h % period] += (double)t->events[h];
        expected[h % period] += (double)(t->seconds[h] * curve->hour[h]);
        visits[h % period] += (double)t->visits[h];
        all += (double)t->events[h];
        seen += (double)(t->seconds[h] * curve->hour[h]);
    }
    if (!(all > 0) || !(seen > 0))
        return;
    double between = 0, weights = 0;
    for (uint32_t c = 0; c < period; c++) {
        double mean = expected[c] * all / seen;
        ratio[c] = mean > 0 ? events[c] / mean : 1;
        noise[c] = mean > 0 ? VISIT_VARIANCE / fmax(visits[c], 1) + 1 / mean : INFINITY;
        double weight = 1 / noise[c];
        between += weight * ((ratio[c] - 1) * (ratio[c] - 1) - noise[c] * (mean > 0));
        weights += weight;
    }
    /* less its own standard error: with few counts differences are not believed */
    between = fmax(between / weights - sqrt(2.0 / period) * period / weights, 0);
    for (uint32_t h = 0; h < QBID_TRAFFIC_HOURS; h++) {
        uint32_t c = h % period;
        double weight = isfinite(noise[c]) ? between / (between + noise[c]) : 0;
        double rate = (double)curve->hour[h] * (1 + weight * (ratio[c] - 1));
        curve->hour[h] = (float)fmax(rate, HOUR_LEAST);
    }
    curve_sum(curve);
}

/* Levels of the days counted, oldest first; a day without enough traffic is as the one before. */
static uint32_t days_of(const struct qbid_traffic *t, int64_t today, double *ret)
{
    uint32_t n = 0;
    double most = 0;
    for (int d = 0; d < QBID_TRAFFIC_DAYS; d++)
        most = fmax(most, (double)t->day_expected[d]);
    for (int64_t d = t->day_unix - QBID_TRAFFIC_DAYS + 1; d <= t->day_unix && d < today; d++) {
        uint32_t i = (uint32_t)positive_mod(d, QBID_TRAFFIC_DAYS);
        if ((double)t->day_expected[i] >= DAY_LEAST * most && t->day_events[i] > 0)
            ret[n++] = (double)(t->day_events[i] / t->day_expected[i]);
        else if (n > 0)
            ret[n] = ret[n - 1], n++;
    }
    return n;
}

static void days_forecast(const struct qbid_traffic *t, struct qbid_traffic_curve *curve)
{
    double y[QBID_TRAFFIC_DAYS];
    struct qbid_forecast forecast;
    struct qbid_forecast_path path;
    if (t->day_unix <= 0 || curve->today - t->day_unix > QBID_TRAFFIC_AHEAD)
        return;
    uint32_t n = days_of(t, curve->today, y);
    if (n < DAYS_TRUSTED || qbid_forecast_select(y, n, 1, 0, QBID_TRAFFIC_AHEAD / 4, &forecast) ||
        qbid_forecast_run(&forecast, y, n, QBID_TRAFFIC_AHEAD, &path) || !(path.mean[0] > 0))
        return;
    for (int d = 0; d < QBID_TRAFFIC_AHEAD; d++)
        curve->day[d] =
            (float)fmin(fmax(path.mean[d] / path.mean[0], 1 / DAY_LEVEL_MAX), DAY_LEVEL_MAX);
}

void qbid_traffic_fit(const struct qbid_traffic *traffic, const struct qbid_traffic_curve *parent,
                      int64_t now_unix_s, struct qbid_traffic_curve *ret_curve)
{
    qbid_traffic_refit(traffic, parent, NULL, now_unix_s, ret_curve);
}

void qbid_traffic_refit(const struct qbid_traffic *traffic, const struct qbid_traffic_curve *parent,
                        const struct qbid_traffic_curve *before, int64_t now_unix_s,
                        struct qbid_traffic_curve *ret_curve)
{
    struct qbid_traffic_curve curve;
    qbid_traffic_flat(&curve);
    curve.today = floor_div(now_unix_s, DAY_S);
    if (parent) {
        memcpy(curve.hour, parent->hour, sizeof curve.hour);
        if (parent->today == curve.today)
            memcpy(curve.day, parent->day, sizeof curve.day);
    }
    curve_sum(&curve);
    level_apply(traffic, HOURS_A_DAY, &curve);
    level_apply(traffic, QBID_TRAFFIC_HOURS, &curve);
    if (before && before->today == curve.today)
        memcpy(curve.day, before->day, sizeof curve.day);
    else
        days_forecast(traffic, &curve);
    *ret_curve = curve;
}

/* Mean-traffic seconds since the Monday of 1970-01-05, at the level of today. */
static double curve_since(const struct qbid_traffic_curve *curve, double unix_s)
{
    double weeks = floor((unix_s - MONDAY_S) / WEEK_S), in = unix_s - MONDAY_S - weeks * WEEK_S;
    uint32_t h = (uint32_t)fmin(in / HOUR_S, QBID_TRAFFIC_HOURS - 1);
    return weeks * (double)curve->until[QBID_TRAFFIC_HOURS] + (double)curve->until[h] +
           (in - (double)h * HOUR_S) * (double)curve->hour[h];
}

double qbid_traffic_between(const struct qbid_traffic_curve *curve, double from_unix_s,
                            double to_unix_s)
{
    if (!(to_unix_s > from_unix_s) || !isfinite(to_unix_s - from_unix_s))
        return 0;
    double sum = 0, at = from_unix_s, level = 1;
    for (int d = 0; d < QBID_TRAFFIC_AHEAD && at < to_unix_s; d++) {
        double end = (double)(curve->today + d + 1) * DAY_S; /* past days count as today */
        level = (double)curve->day[d];
        if (end <= at)
            continue;
        double until = fmin(end, to_unix_s);
        sum += level * (curve_since(curve, until) - curve_since(curve, at));
        at = until;
    }
    if (at < to_unix_s)
        sum += level * (curve_since(curve, to_unix_s) - curve_since(curve, at));
    return fmax(sum, 0);
}

double qbid_traffic_at(const struct qbid_traffic_curve *curve, double unix_s)
{
    int64_t hour = (int64_t)floor(unix_s / HOUR_S);
    int64_t ahead = floor_div(hour, HOURS_A_DAY) - curve->today;
    ahead = ahead < 0 ? 0 : ahead >= QBID_TRAFFIC_AHEAD ? QBID_TRAFFIC_AHEAD - 1 : ahead;
    return (double)(curve->hour[hour_of_week(hour)] * curve->day[ahead]);
}
