/* SPDX-License-Identifier: Apache-2.0 */
#include "control/models/watch/counts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/beta.h"
#include "control/models/watch/stl.h"
#include "shm/error.h"

#define DAY 24
#define WEEK 168
#define FIT_ROUNDS 8
#define PARAMETERS (2 * DAY + 7)
#define SIZE_MAX_NB 1e6
#define PSEUDO 0.01     /* hours of the mean in each cell: one that saw nothing is not 0 */
#define OUTLIER 0.05    /* an hour whose weight is below it teaches nothing */
#define MEMORY 168.0    /* hours whose counts make the level */
#define RELEARN 24.0    /* of them are left after an alarm */
#define DOUBT 0.5       /* of the alarm's evidence: the level waits for the outcome */
#define MEAN_LEAST 1e-3 /* counts an hour */

static uint32_t day_of(uint32_t hour_of_week)
{
    return hour_of_week / DAY;
}

static double *cell(struct qbid_counts *c, uint32_t hour_of_week)
{
    return &c->hour[day_of(hour_of_week) >= 5][hour_of_week % DAY];
}

static double shape(struct qbid_counts *c, uint32_t hour_of_week)
{
    return *cell(c, hour_of_week) * c->day[day_of(hour_of_week)];
}

/* --- learning from the history */

struct history {
    const double *y;
    const double *weight;
    uint32_t cnt, first;
    double mean;
};

static uint32_t hour_at(const struct history *h, uint32_t i)
{
    return (h->first + i) % WEEK;
}

static bool teaches(const struct history *h, uint32_t i)
{
    return h->weight[i] >= OUTLIER;
}

/* Each cell becomes counted / expected by the other factor, in turns. */
static void fit_hours(const struct history *h, struct qbid_counts *c)
{
    double seen[2][DAY], due[2][DAY];
    for (uint32_t k = 0; k < 2 * DAY; k++) {
        seen[k / DAY][k % DAY] = PSEUDO * h->mean;
        due[k / DAY][k % DAY] = PSEUDO * h->mean;
    }
    for (uint32_t i = 0; i < h->cnt; i++) {
        uint32_t at = hour_at(h, i), weekend = day_of(at) >= 5;
        if (!teaches(h, i))
            continue;
        seen[weekend][at % DAY] += h->y[i];
        due[weekend][at % DAY] += h->mean * c->day[day_of(at)];
    }
    for (uint32_t k = 0; k < 2 * DAY; k++)
        c->hour[k / DAY][k % DAY] = seen[k / DAY][k % DAY] / due[k / DAY][k % DAY];
}

static void fit_days(const struct history *h, struct qbid_counts *c)
{
    double seen[7], due[7];
    for (uint32_t d = 0; d < 7; d++)
        seen[d] = due[d] = PSEUDO * h->mean;
    for (uint32_t i = 0; i < h->cnt; i++) {
        uint32_t at = hour_at(h, i);
        if (!teaches(h, i))
            continue;
        seen[day_of(at)] += h->y[i];
        due[day_of(at)] += h->mean * *cell(c, at);
    }
    for (uint32_t d = 0; d < 7; d++)
        c->day[d] = seen[d] / due[d];
}

/* Scatter beyond Poisson, by moments: mean of ((y - m)^2 - m) / m^2, the squares made larger by
 * what the fit took from them. */
static void fit_size(const struct history *h, struct qbid_counts *c)
{
    double over = 0, weight = 0, free_part = 1 - (double)PARAMETERS / h->cnt;
    for (uint32_t i = 0; i < h->cnt; i++) {
        double mean = fmax(h->mean * shape(c, hour_at(h, i)), MEAN_LEAST), d = h->y[i] - mean;
        if (!teaches(h, i))
            continue;
        over += d * d / free_part - mean;
        weight += mean * mean;
    }
    double part = weight > 0 ? over / weight : 0;
    c->size = part > 1 / SIZE_MAX_NB ? 1 / part : SIZE_MAX_NB;
}

/* The level of the last week or so. */
static void fit_level(const struct history *h, struct qbid_counts *c)
{
    c->seen = c->due = 0;
    for (uint32_t i = 0; i < h->cnt; i++) {
        if (!teaches(h, i))
            continue;
        c->seen += (h->y[i] - c->seen) / MEMORY;
        c->due += (h->mean * shape(c, hour_at(h, i)) - c->due) / MEMORY;
    }
    for (unsigned weekend = 0; weekend < 2; weekend++) {
        for (unsigned hour = 0; hour < DAY; hour++)
            c->hour[weekend][hour] *= h->mean;
    }
}

/* Outliers are seen on the scale on which Poisson counts scatter alike. */
static int weigh(const double *y, uint32_t cnt, double *ret_weight)
{
    double *root = malloc(3 * (size_t)cnt * sizeof *root);
    if (!root)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < cnt; i++)
        root[i] = sqrt(y[i] + 0.375); /* Anscombe 1948 */
    int r = qbid_stl(root, cnt, (struct qbid_stl_spec){.period = DAY, .robust = true}, root + cnt,
                     root + 2 * (size_t)cnt, ret_weight);
    free(root);
    return r;
}

int qbid_counts_learn(const double *y, uint32_t cnt, uint32_t hour_of_week,
                      struct qbid_counts *ret_counts)
{
    if (cnt < QBID_COUNTS_HISTORY_MIN || cnt > QBID_COUNTS_HISTORY_MAX || hour_of_week >= WEEK)
        return QBID_ERR_INVAL;
    double weight[QBID_COUNTS_HISTORY_MAX], sum = 0, hours = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (!isfinite(y[i]) || y[i] < 0)
            return QBID_ERR_INVAL;
    }
    int r = weigh(y, cnt, weight);
    if (r < 0)
        return r;
    struct history h = {y, weight, cnt, hour_of_week, 0};
    for (uint32_t i = 0; i < cnt; i++) {
        sum += teaches(&h, i) ? y[i] : 0;
        hours += teaches(&h, i);
    }
    h.mean = fmax(hours > 0 ? sum / hours : 0, MEAN_LEAST);
    struct qbid_counts c = {.hour_of_week = hour_at(&h, cnt), .weeks = hours / WEEK};
    for (uint32_t d = 0; d < 7; d++)
        c.day[d] = 1;
    for (unsigned round = 0; round < FIT_ROUNDS; round++) {
        fit_hours(&h, &c);
        fit_days(&h, &c);
    }
    fit_size(&h, &c);
    fit_level(&h, &c);
    *ret_counts = c;
    return 0;
}

/* --- the next hours */

/* Scatter of a count around a mean that is itself known from `hours` like it: each adds its part.
 */
static double size_of(const struct qbid_counts *c, double mean, uint32_t hour_of_week)
{
    double hours = c->weeks * (day_of(hour_of_week) >= 5 ? 2 : 5);
    double part = 1 / c->size, of_mean = (1 / mean + part) / hours;
    return 1 / (part + of_mean);
}

/* Log likelihood ratio of a mean `ratio` times as large, at the same size. */
static double evidence(double count, double mean, double size, double ratio)
{
    double share = (ratio * mean + size) / (mean + size);
    return count * log(ratio / share) - size * log(share);
}

static void add(double *sum, uint32_t *hours, double nats)
{
    *sum = fmax(*sum + nats, 0);
    *hours = *sum > 0 ? *hours + 1 : 0;
}

static void alarm(struct qbid_counts *c, enum qbid_counts_finding finding, double nats,
                  uint32_t hours, struct qbid_counts_verdict *ret)
{
    ret->finding = finding;
    ret->nats = nats;
    ret->for_hours = hours;
    c->fall = c->rise = 0;
    c->fall_hours = c->rise_hours = 0;
    c->seen *= RELEARN / MEMORY;
    c->due *= RELEARN / MEMORY;
}

static void learn_level(struct qbid_counts *c, double count, double due)
{
    if (fmax(c->fall, c->rise) > DOUBT * log(QBID_COUNTS_FALSE_HOURS))
        return;
    c->seen = c->seen * (1 - 1 / MEMORY) + count / MEMORY;
    c->due = c->due * (1 - 1 / MEMORY) + due / MEMORY;
}

int qbid_counts_next(struct qbid_counts *c, double count, struct qbid_counts_verdict *ret)
{
    if (!isfinite(count) || count < 0)
        return QBID_ERR_INVAL;
    double due = fmax(shape(c, c->hour_of_week), MEAN_LEAST);
    double mean = fmax(c->due > 0 ? due * c->seen / c->due : due, MEAN_LEAST);
    double limit = log(QBID_COUNTS_FALSE_HOURS);
    double size = size_of(c, mean, c->hour_of_week);
    *ret = (struct qbid_counts_verdict){QBID_COUNTS_USUAL, mean, 1, 0, 0};
    add(&c->fall, &c->fall_hours, evidence(count, mean, size, QBID_COUNTS_FALL));
    add(&c->rise, &c->rise_hours, evidence(count, mean, size, 1 / QBID_COUNTS_FALL));
    if (c->fall >= limit)
        alarm(c, QBID_COUNTS_FALLS, c->fall, c->fall_hours, ret);
    else if (c->rise >= limit)
        alarm(c, QBID_COUNTS_RISES, c->rise, c->rise_hours, ret);
    if (ret->finding != QBID_COUNTS_USUAL)
        ret->tail = qbid_counts_tail(count, mean, size, ret->finding == QBID_COUNTS_RISES);
    learn_level(c, count, due);
    c->hour_of_week = (c->hour_of_week + 1) % WEEK;
    return 0;
}

/* --- tails */

double qbid_counts_tail(double count, double mean, double size, bool above)
{
    double whole = above ? ceil(count) : floor(count);
    double x = size / (size + mean), y = mean / (size + mean);
    if (above) /* P(X >= k) = I_y(k, size) */
        return whole <= 0 ? 1 : qbid_beta_share(y, x, whole, size);
    return whole < 0 ? 0 : qbid_beta_share(x, y, size, whole + 1);
}
