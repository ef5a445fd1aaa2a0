/* SPDX-License-Identifier: Apache-2.0 */
/* The pacer over whole days on a market that is known: 1,440 one-minute periods, traffic by the
 * hour, prices that drift. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/pacing.h"
#include "control/models/shading.h"
#include "tests/control/models/market.h"

#define PERIODS 1440
#define SAMPLE 512
#define DAY_MAX 200000

struct day {
    float value[DAY_MAX], price[DAY_MAX];
    int start[PERIODS + 1]; /* first auction of each period */
    double plan[PERIODS + 1];
    double expected; /* auctions that the forecast promises */
};

static double traffic_shape(double t)
{
    return 1 - 0.7 * cos(6.283185307 * (t - 0.1)) + 0.25 * sin(4 * 6.283185307 * t);
}

/* busy: real traffic against the forecast; halved_at: part of the day after which half is gone. */
static void day_draw(struct day *d, struct rng *r, double busy, double halved_at)
{
    double sum = 0, carry = 0;
    int n = 0;
    for (int k = 0; k < PERIODS; k++)
        sum += traffic_shape((double)k / PERIODS);
    d->plan[0] = 0;
    d->expected = 80000;
    for (int k = 0; k < PERIODS; k++) {
        double t = (double)k / PERIODS, share = traffic_shape(t) / sum;
        d->plan[k + 1] = d->plan[k] + share;
        double level = 1 + 0.15 * sin(6.283185307 * (t + 0.3));
        carry +=
            d->expected * busy * share * (t < halved_at ? 1 : 0.5) * (0.8 + 0.4 * rng_uniform(r));
        d->start[k] = n;
        for (; carry >= 1 && n < DAY_MAX; carry--, n++) {
            d->value[n] = (float)(market_value(r) * MARKET_UNIT);
            d->price[n] = (float)(market_price(r) * level * MARKET_UNIT);
        }
    }
    d->start[PERIODS] = n;
    d->plan[PERIODS] = 1;
}

struct result {
    double spent, worth;
};

/* One auction at multiplier alpha; nothing past the budget. */
static int auction(const struct day *d, const struct qbid_shade *shade, int i, double alpha,
                   double budget, struct result *ret)
{
    float e = (float)(alpha * (double)d->value[i]);
    float bid = shade ? qbid_shade_eval(shade, e) : e;
    if (ret->spent + (double)bid > budget)
        return 0;
    if (bid < d->price[i])
        return 0;
    ret->spent += (double)(shade ? bid : d->price[i]);
    ret->worth += (double)d->value[i];
    return 1;
}

/* The best that one multiplier for the whole day could have done, found in hindsight; truth as in
 * struct pacer. */
static struct result best_fixed(const struct day *d, const struct qbid_shade *shade, double budget,
                                double truth)
{
    struct result best = {0, 0};
    double at = 0;
    for (int fine = 0; fine <= 1; fine++) {
        double from = fine ? at / 1.12 : 0.15, to = fine ? at * 1.12 : 2;
        for (double alpha = from; alpha <= to; alpha *= fine ? 1.008 : 1.12) {
            struct result now = {0, 0};
            for (int i = 0; i < d->start[PERIODS]; i++)
                auction(d, shade, i, alpha, budget, &now);
            if (now.worth > best.worth && (truth == 0 || truth * now.worth >= now.spent)) {
                best = now;
                at = alpha;
            }
        }
    }
    return best;
}

struct pacer {
    struct qbid_pacing_params params;
    struct qbid_pacing_state state;
    struct qbid_market_point ring[SAMPLE], sorted[SAMPLE];
    uint32_t seen;
    int use_market;
    double truth; /* realised worth of one that was predicted; 0 = a goal without a cap */
};

static void pacer_note(struct pacer *p, const struct day *d, const struct qbid_shade *shade, int i,
                       int won)
{
    struct qbid_market_point point = {.value_micros = (double)d->value[i]};
    point.kind = !won ? QBID_MARKET_LOST : shade ? QBID_MARKET_WON : QBID_MARKET_SEEN;
    point.price_micros =
        point.kind == QBID_MARKET_SEEN ? (double)d->price[i] : p->state.pace * (double)d->value[i];
    p->ring[p->seen++ % SAMPLE] = point;
}

static struct result paced_day(struct pacer *p, const struct day *d, const struct qbid_shade *shade,
                               double budget, int every, double *spent_by_period)
{
    struct result now = {0, 0};
    for (int k = 0; k < PERIODS; k++) {
        double bid_nanos = 0;
        for (int i = d->start[k]; i < d->start[k + 1]; i++) {
            double e = p->state.pace * (double)d->value[i];
            bid_nanos = shade ? (double)qbid_shade_eval(shade, (float)e) : e;
            if (now.spent + bid_nanos <= budget)
                pacer_note(p, d, shade, i, auction(d, shade, i, p->state.pace, budget, &now));
        }
        if (spent_by_period)
            spent_by_period[k] = now.spent;
        if ((k + 1) % every)
            continue;
        struct qbid_market m;
        uint32_t cnt = p->seen < SAMPLE ? p->seen : SAMPLE;
        memcpy(p->sorted, p->ring, sizeof p->sorted);
        struct qbid_pacing_in in = {
            .mode = QBID_PACING_EVEN,
            .budget_nanos = budget,
            .spent_nanos = now.spent,
            .plan_done = d->plan[k + 1] < 1 ? d->plan[k + 1] : 1,
            .plan_step = d->plan[k + 1] - d->plan[k + 1 - every],
            .auctions = d->start[k + 1],
            .auctions_forecast = d->expected,
            .has_cap = p->truth > 0,
            .worth_realised_nanos = p->truth * now.worth,
            .worth_predicted_nanos = now.worth,
            .worth_spent_nanos = now.spent,
        };
        if (p->use_market && cnt >= 50 && !qbid_market_init(p->sorted, cnt, shade, &m))
            in.market = &m;
        p->state = qbid_pacing_step(&p->params, &in, p->state);
    }
    return now;
}

static struct pacer *pacer_new(int use_market)
{
    static struct pacer p;
    memset(&p, 0, sizeof p);
    p.params = qbid_pacing_defaults();
    p.state = qbid_pacing_start(&p.params, 0.5);
    p.use_market = use_market;
    return &p;
}

static struct qbid_shade day_shade(void)
{
    static struct qbid_landscape none;
    struct qbid_landscape_curve curve = {.samples = 1e6};
    struct qbid_shade shade;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        curve.win[i] = market_win(qbid_landscape_edge(i + 1) / MARKET_UNIT);
    qbid_shading_build(&none, &curve, 0, 0, &shade);
    return shade;
}

static void run_days(int use_market, const struct qbid_shade *shade, double need_delivered,
                     double need_mean, double need_min, const char *what)
{
    static struct day d;
    const double part[] = {0.1, 0.3, 0.6};
    double mean = 0, least = 2, delivered = 2;
    int runs = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        for (int k = 0; k < 3; k++) {
            struct rng r = rng_init(seed * 100 + (uint64_t)k);
            struct result all = {0, 0};
            day_draw(&d, &r, seed == 1 ? 1 : seed == 2 ? 0.8 : 1.25, 2);
            for (int i = 0; i < d.start[PERIODS]; i++)
                auction(&d, shade, i, 1, 1e300, &all);
            double budget = part[k] * all.spent;
            struct result best = best_fixed(&d, shade, budget, 0);
            struct result ours = paced_day(pacer_new(use_market), &d, shade, budget, 1, NULL);
            assert_true(ours.spent <= budget);
            double ratio = ours.worth / best.worth;
            mean += ratio;
            least = fmin(least, ratio);
            delivered = fmin(delivered, ours.spent / budget);
            runs++;
        }
    }
    mean /= runs;
    print_message("%s: delivered >= %.4f, worth against the best fixed multiplier: mean %.4f, "
                  "min %.4f\n",
                  what, delivered, mean, least);
    assert_true(delivered >= need_delivered);
    assert_true(mean >= need_mean && least >= need_min);
}

static void days_in_second_price_deliver_and_keep_the_worth(void **state)
{
    (void)state;
    run_days(1, NULL, 0.995, 0.975, 0.96, "second price");
}

static void days_in_first_price_deliver_and_keep_the_worth(void **state)
{
    (void)state;
    struct qbid_shade shade = day_shade();
    run_days(1, &shade, 0.995, 0.975, 0.96, "first price");
}

static void days_by_feedback_alone_deliver_and_keep_the_worth(void **state)
{
    (void)state;
    run_days(0, NULL, 0.995, 0.975, 0.96, "feedback alone");
}

/* Predictions are 2.2 times too high: the cap on spend must come from what was realised. */
static void a_binding_goal_is_met_and_costs_little_worth(void **state)
{
    (void)state;
    static struct day d;
    struct qbid_shade shade = day_shade();
    for (int run = 0; run < 4; run++) {
        struct rng r = rng_init(500 + (uint64_t)run);
        const struct qbid_shade *s = run & 1 ? &shade : NULL;
        struct pacer *p = pacer_new(run < 2);
        p->truth = run & 1 ? 0.65 : 0.45;
        day_draw(&d, &r, 1, 2);
        struct result best = best_fixed(&d, s, 1e300, p->truth);
        struct result ours = paced_day(p, &d, s, 1e300, 1, NULL);
        double met = p->truth * ours.worth / ours.spent;
        print_message("%s price, %s: goal met %.4f, worth %.4f of the best fixed multiplier's\n",
                      s ? "first" : "second", run < 2 ? "sample" : "feedback", met,
                      ours.worth / best.worth);
        assert_true(met >= 0.98);
        assert_true(ours.worth >= 0.975 * best.worth);
    }
}

static void the_control_period_does_not_matter_up_to_five_minutes(void **state)
{
    (void)state;
    static struct day d;
    struct rng r = rng_init(42);
    struct result all = {0, 0};
    day_draw(&d, &r, 1, 2);
    for (int i = 0; i < d.start[PERIODS]; i++)
        auction(&d, NULL, i, 1, 1e300, &all);
    double one = paced_day(pacer_new(1), &d, NULL, 0.3 * all.spent, 1, NULL).worth;
    double five = paced_day(pacer_new(1), &d, NULL, 0.3 * all.spent, 5, NULL).worth;
    print_message("period 5 min against 1 min: %.4f\n", five / one);
    assert_true(fabs(five / one - 1) < 0.005);
}

static void halved_traffic_is_back_on_plan_within_thirty_periods(void **state)
{
    (void)state;
    static struct day d;
    static double spent[PERIODS];
    struct rng r = rng_init(43);
    struct result all = {0, 0};
    day_draw(&d, &r, 1, 0.5);
    for (int i = 0; i < d.start[PERIODS]; i++)
        auction(&d, NULL, i, 1, 1e300, &all);
    double budget = 0.4 * all.spent;
    paced_day(pacer_new(1), &d, NULL, budget, 1, spent);
    const int step = PERIODS / 2;
    double rate = (budget - spent[step]) / (d.start[PERIODS] - d.start[step]);
    double over = 0, off = 0;
    for (int k = step + 1; k < PERIODS; k++) {
        double plan = spent[step] + rate * (d.start[k + 1] - d.start[step]);
        over = fmax(over, (spent[k] - plan) / budget);
        if (k >= step + 90 && k % 60 == 0 && k < PERIODS - 60) { /* an hour's spend per auction */
            double may = (budget - spent[k - 60]) / (d.start[PERIODS] - d.start[k - 59]);
            double did = (spent[k] - spent[k - 60]) / (d.start[k + 1] - d.start[k - 59]);
            off = fmax(off, fabs(did / may - 1));
        }
    }
    print_message("after a step: spend per auction off by %.3f at most, ahead of plan by %.4f of "
                  "the budget\n",
                  off, over);
    assert_true(spent[PERIODS - 1] >= 0.995 * budget);
    assert_true(off <= 0.1);
    assert_true(over <= 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_in_second_price_deliver_and_keep_the_worth),
        cmocka_unit_test(days_in_first_price_deliver_and_keep_the_worth),
        cmocka_unit_test(days_by_feedback_alone_deliver_and_keep_the_worth),
        cmocka_unit_test(a_binding_goal_is_met_and_costs_little_worth),
        cmocka_unit_test(the_control_period_does_not_matter_up_to_five_minutes),
        cmocka_unit_test(halved_traffic_is_back_on_plan_within_thirty_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
