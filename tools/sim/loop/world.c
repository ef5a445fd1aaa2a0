/* SPDX-License-Identifier: Apache-2.0 */
/* Draws a market, and its curves in closed form. */
#include "tools/sim/loop/world.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tools/sim/random.h"

#define PRICE_CPM 40.0   /* median of a platform of middle price */
#define PLATFORM_SD 0.25 /* log, of prices and of worth between platforms */
#define PRICE_LEVEL_SD 0.3
#define PRICE_SD_LOW 0.6 /* within a line item */
#define PRICE_SD_HIGH 1.0
#define SUPPLY_SD 0.3
#define WORTH_TO_PRICE 2.0 /* median worth of an impression over its median price */
#define CTR 0.2            /* an auction here stands for some fifty: see the README */
#define CVR 0.25
#define RATE_SD                                                                                    \
    0.2 /* of click rates, order values: what tells line items apart but not in worth              \
         */
#define JUMP_LG 0.5
#define HALVINGS 80
#define NANOS_PER_MICRO 1000.0
#define CVR_MAX 0.95

struct qbid_loop_params qbid_loop_defaults(void)
{
    return (struct qbid_loop_params){.seed = 1,
                                     .platforms = 3,
                                     .line_items = 60,
                                     .days = 28,
                                     .auctions = 400,
                                     .budget = 0.2,
                                     .drift = 0.03,
                                     .jumps = 0.15,
                                     .spread = 0.5};
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static double log_normal(struct qbid_sim_random *r, double sd)
{
    return exp(sd * qbid_sim_normal(r));
}

/* A week of its own: working days against the weekend, and some chance. */
static void week_draw(struct qbid_loop_world *w, uint32_t platform, struct qbid_sim_random *r)
{
    double weekend = 0.35 * qbid_sim_normal(r), sum = 0;
    for (int d = 0; d < 7; d++) {
        w->traffic[platform][d] = exp((d >= 5 ? weekend : 0) + 0.05 * qbid_sim_normal(r));
        sum += w->traffic[platform][d];
    }
    for (int d = 0; d < 7; d++)
        w->traffic[platform][d] *= 7 / sum;
}

static void hours_fill(struct qbid_loop_world *w)
{
    double sum = 0;
    for (int h = 0; h < QBID_LOOP_HOURS; h++) {
        double t = (h + 0.5) / QBID_LOOP_HOURS * 6.283185307179586;
        w->hour[h] = 1 - 0.6 * cos(t - 0.9) + 0.15 * sin(2 * t);
        sum += w->hour[h];
    }
    for (int h = 0; h < QBID_LOOP_HOURS; h++)
        w->hour[h] /= sum;
}

/* Conversion rates by day: a random walk, for some a jump, and the platform's week. */
static void rates_draw(struct qbid_loop_world *w, struct qbid_loop_line_item *li,
                       const double week[7], double cvr, struct qbid_sim_random *r)
{
    const struct qbid_loop_params *p = &w->params;
    double walk = 0;
    uint32_t jump_day = qbid_sim_below(r, p->days);
    double jump = qbid_sim_chance(r, 0.5) ? JUMP_LG : -JUMP_LG;
    bool jumps = qbid_sim_chance(r, p->jumps);
    for (uint32_t day = 0; day < p->days; day++) {
        walk += p->drift * qbid_sim_normal(r) + (jumps && day == jump_day ? jump : 0);
        li->cvr[day] = fmin(cvr * exp(walk) * week[day % 7], CVR_MAX);
    }
}

static void line_item_draw(struct qbid_loop_world *w, uint32_t i, const double *level,
                           const double *worth, const double (*week)[7], struct qbid_sim_random *r)
{
    struct qbid_loop_line_item *li = &w->line_item[i];
    const struct qbid_loop_params *p = &w->params;
    li->platform = i * p->platforms / p->line_items;
    li->supply = p->auctions * log_normal(r, SUPPLY_SD);
    double price = PRICE_CPM * level[li->platform] * log_normal(r, PRICE_LEVEL_SD);
    li->price_mu = log(price * (double)QBID_MICROS_PER_UNIT);
    li->price_sd = PRICE_SD_LOW + (PRICE_SD_HIGH - PRICE_SD_LOW) * qbid_sim_unit(r);
    li->ctr = CTR * log_normal(r, RATE_SD);
    double cvr = CVR * log_normal(r, RATE_SD);
    /* an impression is worth price x WORTH_TO_PRICE x what makes line items differ */
    double ratio = WORTH_TO_PRICE * worth[li->platform] * log_normal(r, p->spread);
    double worth_units = price * ratio / 1000; /* CPM to one impression */
    li->order_micros = floor(worth_units / (li->ctr * cvr) * (double)QBID_MICROS_PER_UNIT);
    rates_draw(w, li, week[li->platform], cvr, r);
}

static int params_check(const struct qbid_loop_params *p)
{
    bool shape = p->platforms >= 1 && p->platforms <= QBID_LOOP_PLATFORMS_MAX &&
                 p->line_items >= p->platforms && p->line_items <= QBID_LOOP_LINE_ITEMS_MAX &&
                 p->days >= 1 && p->days <= QBID_LOOP_DAYS_MAX;
    bool numbers = p->auctions > 0 && p->auctions < 1e6 && p->budget > 0 && p->budget < 1 &&
                   p->drift >= 0 && p->drift < 1 && p->jumps >= 0 && p->jumps <= 1 &&
                   p->spread >= 0 && p->spread < 3;
    return shape && numbers ? 0 : QBID_ERR_INVAL;
}

/* What all impressions of an average day cost, in currency units. */
static double market_cost(const struct qbid_loop_world *w)
{
    double sum = 0;
    for (uint32_t i = 0; i < w->params.line_items; i++) {
        const struct qbid_loop_line_item *li = &w->line_item[i];
        double mean_micros = exp(li->price_mu + li->price_sd * li->price_sd / 2);
        sum += li->supply * mean_micros / 1000 / (double)QBID_MICROS_PER_UNIT;
    }
    return sum;
}

int qbid_loop_world_init(struct qbid_loop_world *world, const struct qbid_loop_params *params)
{
    double level[QBID_LOOP_PLATFORMS_MAX], worth[QBID_LOOP_PLATFORMS_MAX];
    double week[QBID_LOOP_PLATFORMS_MAX][7];
    struct qbid_sim_random r = qbid_sim_random_of(params->seed, 1);
    int err = params_check(params);
    if (err)
        return err;
    memset(world, 0, sizeof *world);
    world->params = *params;
    for (uint32_t p = 0; p < params->platforms; p++) {
        level[p] = log_normal(&r, PLATFORM_SD);
        worth[p] = log_normal(&r, PLATFORM_SD);
        double weekend = 0.2 * qbid_sim_normal(&r);
        for (int d = 0; d < 7; d++)
            week[p][d] = exp(d >= 5 ? weekend : 0);
        week_draw(world, p, &r);
    }
    for (uint32_t i = 0; i < params->line_items; i++)
        line_item_draw(world, i, level, worth, (const double(*)[7])week, &r);
    hours_fill(world);
    /* whole cents for each, so that an equal split is exact */
    double equal = params->budget * market_cost(world) / params->line_items;
    world->budget_micros = (int64_t)(ceil(equal * 100) * 10000) * params->line_items;
    return 0;
}

double qbid_loop_supply(const struct qbid_loop_world *world, uint32_t line_item, uint32_t day)
{
    const struct qbid_loop_line_item *li = &world->line_item[line_item];
    return li->supply * world->traffic[li->platform][day % 7];
}

double qbid_loop_worth_nanos(const struct qbid_loop_world *world, uint32_t line_item, uint32_t day)
{
    const struct qbid_loop_line_item *li = &world->line_item[line_item];
    return li->ctr * li->cvr[day] * li->order_micros * NANOS_PER_MICRO;
}

struct qbid_loop_point qbid_loop_at_bid(const struct qbid_loop_world *world, uint32_t line_item,
                                        uint32_t day, double bid_micros)
{
    const struct qbid_loop_line_item *li = &world->line_item[line_item];
    double supply = qbid_loop_supply(world, line_item, day);
    double z = (log(bid_micros) - li->price_mu) / li->price_sd;
    double mean = exp(li->price_mu + li->price_sd * li->price_sd / 2); /* CPM micros = nanos */
    double unit = (double)QBID_NANOS_PER_UNIT;
    return (struct qbid_loop_point){supply * mean / unit * normal_cdf(z - li->price_sd),
                                    supply * qbid_loop_worth_nanos(world, line_item, day) / unit *
                                        normal_cdf(z)};
}

double qbid_loop_value(const struct qbid_loop_world *world, uint32_t line_item, uint32_t day,
                       double spend)
{
    const struct qbid_loop_line_item *li = &world->line_item[line_item];
    double low = li->price_mu - 12 * li->price_sd, high = li->price_mu + 12 * li->price_sd;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (qbid_loop_at_bid(world, line_item, day, exp(middle)).spend < spend)
            low = middle;
        else
            high = middle;
    }
    return qbid_loop_at_bid(world, line_item, day, exp(high)).value;
}

/* Spends at one price of money; returns the sum. */
static double fill(const struct qbid_loop_world *w, uint32_t day, double lambda, double *spend)
{
    double sum = 0;
    for (uint32_t i = 0; i < w->params.line_items; i++) {
        double bid = qbid_loop_worth_nanos(w, i, day) / lambda;
        spend[i] = qbid_loop_at_bid(w, i, day, bid).spend;
        sum += spend[i];
    }
    return sum;
}

double qbid_loop_best(const struct qbid_loop_world *world, uint32_t day, int64_t *ret_micros)
{
    double spend[QBID_LOOP_LINE_ITEMS_MAX], low = -20, high = 20, value = 0;
    double budget = (double)world->budget_micros / (double)QBID_MICROS_PER_UNIT;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (fill(world, day, exp(middle), spend) > budget)
            low = middle;
        else
            high = middle;
    }
    double sum = fill(world, day, exp(high), spend);
    int64_t left = world->budget_micros;
    uint32_t most = 0;
    for (uint32_t i = 0; i < world->params.line_items; i++) {
        value +=
            qbid_loop_at_bid(world, i, day, qbid_loop_worth_nanos(world, i, day) / exp(high)).value;
        ret_micros[i] = (int64_t)(spend[i] / sum * (double)world->budget_micros);
        left -= ret_micros[i];
        most = spend[i] > spend[most] ? i : most;
    }
    ret_micros[most] += left; /* some micros of rounding */
    return value;
}
