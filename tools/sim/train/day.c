/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing a day, playing it period by period. */
#include "tools/sim/train/day.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/landscape/shading.h"
#include "shm/error.h"

#define UNIT 1e6 /* micros of one CPM unit */
#define TURN 6.283185307179586
#define WIN_MEMORY 300.0 /* auctions that the win rate remembers */
#define SAMPLES_MIN 50

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* Probability that a bid wins, in CPM units of the day's level. */
static double win_probability(double bid)
{
    if (!(bid > 0))
        return 0;
    return 0.6 * normal_cdf(log(bid) / 0.5) + 0.4 * normal_cdf((log(bid) - 1.2) / 0.3);
}

struct qbid_shade qbid_day_shade(void)
{
    static const struct qbid_landscape none;
    struct qbid_landscape_curve curve = {.samples = 1e6};
    struct qbid_shade shade;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        curve.win[i] = win_probability(qbid_landscape_edge(i + 1) / UNIT);
    qbid_shading_build(&none, &curve, 0, 0, &shade);
    return shade;
}

static double between(struct qbid_random *random, double low, double high)
{
    return low + (high - low) * qbid_random_uniform(random);
}

struct qbid_day_kind qbid_day_kind_draw(double auctions, struct qbid_random *random)
{
    struct qbid_day_kind kind = {
        .auctions = auctions,
        .busy = between(random, 0.75, 1.3),
        .jump_at = between(random, 0.2, 0.8),
        .jump = 1,
        .amplitude = between(random, 0.05, 0.45),
        .phase = 0.3 + 0.04 * qbid_random_normal(random),
        .budget_part = between(random, 0.08, 0.65),
    };
    if (qbid_random_uniform(random) < 0.3)
        kind.jump = between(random, 0.5, 1.5);
    if (qbid_random_uniform(random) < 0.2)
        kind.truth = between(random, 0.4, 0.7);
    return kind;
}

int qbid_day_init(struct qbid_day *day, uint32_t periods, uint32_t auction_max)
{
    *day = (struct qbid_day){.periods = periods, .max = auction_max};
    day->value = calloc(auction_max, sizeof *day->value);
    day->price = calloc(auction_max, sizeof *day->price);
    day->start = calloc(periods + 1, sizeof *day->start);
    day->plan = calloc(periods + 1, sizeof *day->plan);
    if (day->value && day->price && day->start && day->plan)
        return 0;
    qbid_day_done(day);
    return QBID_ERR_NOMEM;
}

void qbid_day_done(struct qbid_day *day)
{
    free(day->value);
    free(day->price);
    free(day->start);
    free(day->plan);
    *day = (struct qbid_day){0};
}

static double level_at(const struct qbid_day_kind *kind, double t)
{
    return 1 + kind->amplitude * sin(TURN * (t + kind->phase));
}

/* Traffic over the day: a trough at night, two peaks. */
static double traffic_shape(double t)
{
    return 1 - 0.7 * cos(TURN * (t - 0.1)) + 0.25 * sin(2 * TURN * t);
}

/* One auction at multiplier alpha; nothing past the budget. */
static int auction(const struct qbid_day *day, const struct qbid_shade *shade, uint32_t i,
                   double alpha, double budget_nanos, struct qbid_day_result *sum)
{
    float bid = qbid_shade_eval(shade, (float)(alpha * (double)day->value[i]));
    if (bid < day->price[i] || sum->spent_nanos + (double)bid > budget_nanos)
        return 0;
    sum->spent_nanos += (double)bid;
    sum->worth_nanos += (double)day->value[i];
    return 1;
}

static struct qbid_day_result fixed(const struct qbid_day *day, const struct qbid_shade *shade,
                                    double alpha)
{
    struct qbid_day_result sum = {0, 0};
    for (uint32_t i = 0; i < day->cnt; i++)
        auction(day, shade, i, alpha, day->budget_nanos, &sum);
    return sum;
}

/* The best that one multiplier could have done: a coarse pass over octaves, then a fine one. */
static void best_find(struct qbid_day *day, const struct qbid_shade *shade)
{
    double truth = day->kind.truth;
    day->best_alpha = 0;
    day->best_worth_nanos = 0;
    for (int fine = 0; fine <= 1; fine++) {
        double from = fine ? day->best_alpha / 1.12 : 0.1, to = fine ? day->best_alpha * 1.12 : 3;
        for (double alpha = from; alpha <= to; alpha *= fine ? 1.01 : 1.12) {
            struct qbid_day_result now = fixed(day, shade, alpha);
            if (now.worth_nanos <= day->best_worth_nanos ||
                (truth > 0 && truth * now.worth_nanos < now.spent_nanos))
                continue;
            day->best_alpha = alpha;
            day->best_worth_nanos = now.worth_nanos;
            day->best_spent_nanos = now.spent_nanos;
        }
    }
}

#define HOURS 24
#define GRID 120
#define GRID_LOW 0.05
#define GRID_STEP 1.035
#define VALUES 48

/* Expected spend and worth of an hour's auctions under every multiplier of a grid. By the laws of
 * values and prices and not by what was drawn: a choice fitted to the draws would look better than
 * any policy can be, and would make budget look dearer than it is. */
struct hours {
    struct qbid_day_result at[HOURS][GRID];
};

/* An even sample of the values' law: quantiles of the normal by bisection of its cdf. */
static void values_fill(double value[VALUES])
{
    for (int i = 0; i < VALUES; i++) {
        double low = -8, high = 8;
        for (int n = 0; n < 50; n++) {
            double mid = 0.5 * (low + high);
            if (normal_cdf(mid) < (i + 0.5) / VALUES)
                low = mid;
            else
                high = mid;
        }
        value[i] = exp(1 + 0.6 * low) * UNIT;
    }
}

static void hours_fill(const struct qbid_day *day, const struct qbid_shade *shade,
                       struct hours *hours)
{
    double value[VALUES];
    values_fill(value);
    for (uint32_t h = 0; h < HOURS; h++) {
        double level = UNIT * level_at(&day->kind, (h + 0.5) / HOURS), alpha = GRID_LOW;
        double each = (double)(day->start[(h + 1) * day->periods / HOURS] -
                               day->start[h * day->periods / HOURS]) /
                      VALUES;
        for (uint32_t g = 0; g < GRID; g++, alpha *= GRID_STEP) {
            struct qbid_day_result sum = {0, 0};
            for (int i = 0; i < VALUES; i++) {
                double bid = (double)qbid_shade_eval(shade, (float)(alpha * value[i]));
                double win = each * win_probability(bid / level);
                sum.spent_nanos += win * bid;
                sum.worth_nanos += win * value[i];
            }
            hours->at[h][g] = sum;
        }
    }
}

/* Each hour's best choice at a price of budget. */
static struct qbid_day_result hours_best(const struct hours *hours, double lambda)
{
    struct qbid_day_result sum = {0, 0};
    for (uint32_t h = 0; h < HOURS; h++) {
        const struct qbid_day_result *best = &hours->at[h][0];
        for (const struct qbid_day_result *r = best; r < hours->at[h] + GRID; r++)
            if (r->worth_nanos - lambda * r->spent_nanos >
                best->worth_nanos - lambda * best->spent_nanos)
                best = r;
        sum.spent_nanos += best->spent_nanos;
        sum.worth_nanos += best->worth_nanos;
    }
    return sum;
}

/* The price of budget at which the hours' choices just keep to the budget, or to the goal. */
static void lambda_find(struct qbid_day *day, const struct qbid_shade *shade)
{
    struct hours hours;
    double low = 0.05, high = 50;
    hours_fill(day, shade, &hours);
    for (int i = 0; i < 50; i++) {
        double lambda = sqrt(low * high);
        struct qbid_day_result sum = hours_best(&hours, lambda);
        double most = day->kind.truth > 0 ? day->kind.truth * sum.worth_nanos : day->budget_nanos;
        if (sum.spent_nanos > most)
            low = lambda;
        else
            high = lambda;
    }
    day->lambda = high;
    day->hours_worth_nanos = hours_best(&hours, high).worth_nanos;
}

static double value_draw(struct qbid_random *random)
{
    return exp(1 + 0.6 * qbid_random_normal(random));
}

static double price_draw(struct qbid_random *random)
{
    if (qbid_random_uniform(random) < 0.6)
        return exp(0.5 * qbid_random_normal(random));
    return exp(1.2 + 0.3 * qbid_random_normal(random));
}

void qbid_day_draw(struct qbid_day *day, const struct qbid_day_kind *kind,
                   const struct qbid_shade *shade, struct qbid_random *random)
{
    double sum = 0, carry = 0;
    day->kind = *kind;
    day->cnt = 0;
    for (uint32_t k = 0; k < day->periods; k++)
        sum += traffic_shape((double)k / day->periods);
    day->plan[0] = 0;
    for (uint32_t k = 0; k < day->periods; k++) {
        double t = (double)k / day->periods, share = traffic_shape(t) / sum;
        double level = level_at(kind, t);
        day->plan[k + 1] = fmin(day->plan[k] + share, 1);
        day->start[k] = day->cnt;
        carry += kind->auctions * kind->busy * share * (t < kind->jump_at ? 1 : kind->jump) *
                 between(random, 0.8, 1.2);
        for (; carry >= 1 && day->cnt < day->max; carry--, day->cnt++) {
            day->value[day->cnt] = (float)(value_draw(random) * UNIT);
            day->price[day->cnt] = (float)(price_draw(random) * level * UNIT);
        }
    }
    day->start[day->periods] = day->cnt;
    day->plan[day->periods] = 1;
    day->budget_nanos = 1e300;
    if (kind->truth == 0)
        day->budget_nanos = kind->budget_part * fixed(day, shade, 1).spent_nanos;
    best_find(day, shade);
    lambda_find(day, shade);
}

void qbid_day_reset(struct qbid_day_run *run, const struct qbid_day *day,
                    const struct qbid_shade *shade, uint32_t samples)
{
    *run = (struct qbid_day_run){.day = day, .shade = shade};
    run->samples = samples < QBID_DAY_SAMPLES_MAX ? samples : QBID_DAY_SAMPLES_MAX;
    run->params = qbid_pacing_defaults();
    run->pacing = qbid_pacing_start(&run->params, 0.5);
    run->situation.x[QBID_CORRECTION_TIME] = 1;
}

/* The multiplier that is served: the pacer's, moved by the step. */
static double served(const struct qbid_day_run *run, double step_lg)
{
    double pace = run->pacing.pace * exp2(step_lg);
    return fmin(fmax(pace, run->params.pace_min), run->params.pace_max);
}

static struct qbid_day_result expect_at(const struct qbid_day_run *run, double pace, double left)
{
    const struct qbid_day *day = run->day;
    struct qbid_day_result sum = {0, 0};
    double level = UNIT * level_at(&day->kind, (double)run->period / day->periods);
    for (uint32_t i = day->start[run->period]; i < day->start[run->period + 1]; i++) {
        double bid = (double)qbid_shade_eval(run->shade, (float)(pace * (double)day->value[i]));
        double win = sum.spent_nanos + bid > left ? 0 : win_probability(bid / level);
        sum.spent_nanos += win * bid;
        sum.worth_nanos += win * (double)day->value[i];
    }
    return sum;
}

struct qbid_day_result qbid_day_expect(const struct qbid_day_run *run, double step_lg)
{
    return expect_at(run, served(run, step_lg), run->day->budget_nanos - run->spent_nanos);
}

struct qbid_day_result qbid_day_expect_priced(const struct qbid_day_run *run)
{
    return expect_at(run, 1 / run->day->lambda, INFINITY);
}

static struct qbid_pacing_in input_of(const struct qbid_day_run *run, double spent_nanos)
{
    const struct qbid_day *day = run->day;
    uint32_t k = run->period; /* played */
    return (struct qbid_pacing_in){
        .mode = QBID_PACING_EVEN,
        .budget_nanos = day->budget_nanos,
        .spent_nanos = spent_nanos,
        .plan_done = day->plan[k],
        .plan_step = day->plan[k] - day->plan[k - 1],
        .auctions = day->start[k],
        .demand_forecast = day->kind.auctions,
        .has_cap = day->kind.truth > 0,
        .worth_realised_nanos = day->kind.truth * run->worth_nanos,
        .worth_predicted_nanos = run->worth_nanos,
        .worth_spent_nanos = run->spent_nanos,
    };
}

struct qbid_situation qbid_day_situation_if(const struct qbid_day_run *run, double spent_nanos)
{
    struct qbid_pacing_in in = run->in;
    struct qbid_correction_memory memory = run->memory;
    struct qbid_situation other;
    in.spent_nanos = spent_nanos;
    qbid_correction_situation(&in, &run->pacing, run->win_rate, &memory, &other);
    other.x[QBID_CORRECTION_TREND] = run->situation.x[QBID_CORRECTION_TREND];
    return other;
}

static void auctions_play(struct qbid_day_run *run, double pace)
{
    const struct qbid_day *day = run->day;
    struct qbid_day_result sum = {run->spent_nanos, run->worth_nanos};
    for (uint32_t i = day->start[run->period]; i < day->start[run->period + 1]; i++) {
        int won = auction(day, run->shade, i, pace, day->budget_nanos, &sum);
        run->win_rate += ((double)won - run->win_rate) / WIN_MEMORY;
        if (run->samples == 0)
            continue;
        run->ring[run->seen++ % run->samples] =
            (struct qbid_market_point){.value_micros = (double)day->value[i],
                                       .price_micros = pace * (double)day->value[i],
                                       .kind = won ? QBID_MARKET_WON : QBID_MARKET_LOST};
    }
    run->spent_nanos = sum.spent_nanos;
    run->worth_nanos = sum.worth_nanos;
}

int qbid_day_step(struct qbid_day_run *run, double step_lg)
{
    struct qbid_market_point points[QBID_DAY_SAMPLES_MAX];
    struct qbid_market market;
    uint32_t cnt = run->seen < run->samples ? (uint32_t)run->seen : run->samples;
    double pace = served(run, step_lg);
    auctions_play(run, pace);
    run->period++;
    run->in = input_of(run, run->spent_nanos);
    cnt = run->seen < run->samples ? (uint32_t)run->seen : run->samples;
    memcpy(points, run->ring, cnt * sizeof *points);
    if (cnt >= SAMPLES_MIN && !qbid_market_init(points, cnt, run->shade, &market))
        run->in.market = &market;
    run->pacing.pace = pace; /* what was in force: the pacer's bias compares with that */
    run->pacing = qbid_pacing_step(&run->params, &run->in, run->pacing);
    run->in.market = NULL;
    qbid_correction_situation(&run->in, &run->pacing, run->win_rate, &run->memory, &run->situation);
    return run->period < run->day->periods;
}
