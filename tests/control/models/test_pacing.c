/* SPDX-License-Identifier: Apache-2.0 */
/* The pacer: single steps by hand, hostile input, and whole days on a market that is known. */
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

static const struct qbid_pacing_in quiet = {
    .mode = QBID_PACING_EVEN,
    .budget_nanos = 1e12,
    .spent_nanos = 1e11,
    .plan_done = 0.1,
    .plan_step = 0.001,
    .auctions = 1e5,
    .auctions_forecast = 1e6,
};

/* A market whose spend at multiplier alpha is alpha^2 / 2 * 1e6 nanos. */
static struct qbid_market square_market(struct qbid_market_point *p, uint32_t cnt)
{
    struct qbid_market m;
    for (uint32_t i = 0; i < cnt; i++)
        p[i] = (struct qbid_market_point){1e6, 1e6 * (i + 1) / cnt, QBID_MARKET_SEEN, 0, 0, 0, 0};
    assert_int_equal(qbid_market_init(p, cnt, NULL, &m), 0);
    return m;
}

static void the_wanted_spend_is_budget_left_over_auctions_left(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 1);
    s = qbid_pacing_step(&params, &quiet, s);
    assert_true(fabs(s.rho_nanos - 9e11 / 9e5) < 1e-3); /* seen as forecast: a million a day */
    struct qbid_pacing_in in = quiet;
    in.auctions_forecast = 0; /* no forecast: what was seen, over the part of the plan */
    s = qbid_pacing_step(&params, &in, qbid_pacing_start(&params, 1));
    assert_true(fabs(s.rho_nanos - 9e11 / 9e5) < 1e-3);
    in.plan_done = 1; /* the last period may spend what is left */
    s = qbid_pacing_step(&params, &in, qbid_pacing_start(&params, 1));
    assert_true(fabs(s.rho_nanos - 9e11 / (1e5 * 0.001)) < 1e-3);
}

static void steps_lead_to_the_multiplier_that_the_sample_gives(void **state)
{
    (void)state;
    static struct qbid_market_point p[1000];
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_market m = square_market(p, 1000);
    struct qbid_pacing_state s = qbid_pacing_start(&params, 0.125);
    struct qbid_pacing_in in = quiet;
    in.market = &m;
    in.budget_nanos = 1e11 + 9e5 * 0.5e6 * 0.64; /* rho of alpha = 0.8 */
    double last = 0.125;
    for (int i = 0; i < 60; i++) {
        s = qbid_pacing_step(&params, &in, s);
        assert_true(fabs(log2(s.pace / last)) <= 0.3 + 1e-12);
        assert_true(s.why & QBID_PACING_WHY_SOLVED);
        last = s.pace;
    }
    assert_true(fabs(s.pace - 0.8) < 0.002);
    assert_false(s.why & (QBID_PACING_WHY_CLAMPED | QBID_PACING_WHY_GOAL));
}

static void a_goal_stops_the_pace_where_worth_covers_spend(void **state)
{
    (void)state;
    static struct qbid_market_point p[1000];
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_market m = square_market(p, 1000);
    struct qbid_pacing_state s = qbid_pacing_start(&params, 0.25);
    struct qbid_pacing_in in = quiet;
    in.market = &m;
    in.has_cap = 1;
    in.budget_nanos = 1e14;          /* no limit */
    in.worth_predicted_nanos = 1e12; /* half of what was promised came true */
    in.worth_realised_nanos = 0.25e12;
    in.worth_spent_nanos = 1e12;
    for (int i = 0; i < 60; i++)
        s = qbid_pacing_step(&params, &in, s);
    /* 0.25 * alpha = alpha^2 / 2 */
    assert_true(fabs(s.pace - 0.5) < 0.005);
    assert_true(s.why & QBID_PACING_WHY_GOAL);
    assert_true(s.alpha_budget <= s.pace / 0.8 + 1e-12);
    in.worth_realised_nanos = 1e12; /* predictions were right after all */
    in.budget_nanos = 1e11 + 9e5 * 0.5e6 * 0.49;
    for (int i = 0; i < 60; i++)
        s = qbid_pacing_step(&params, &in, s);
    assert_true(fabs(s.pace - 0.7) < 0.005 && !(s.why & QBID_PACING_WHY_GOAL));
}

static void asap_goes_to_one_and_a_spent_budget_to_the_bottom(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 0.1);
    struct qbid_pacing_in in = quiet;
    in.mode = QBID_PACING_ASAP;
    for (int i = 0; i < 30; i++)
        s = qbid_pacing_step(&params, &in, s);
    assert_true(fabs(s.pace - 1) < 1e-12);
    in.spent_nanos = in.budget_nanos;
    for (int i = 0; i < 60; i++)
        s = qbid_pacing_step(&params, &in, s);
    assert_true(s.pace == params.pace_min && (s.why & QBID_PACING_WHY_SPENT));
}

static void stale_snapshots_hold_and_then_sink_to_the_safe_pace(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 4);
    struct qbid_pacing_in in = quiet;
    for (in.age_periods = 4; in.age_periods <= 10; in.age_periods++) {
        s = qbid_pacing_step(&params, &in, s);
        assert_true(s.pace == 4 && s.why == QBID_PACING_WHY_HELD);
    }
    double last = 4;
    for (; in.age_periods < 40; in.age_periods++) {
        s = qbid_pacing_step(&params, &in, s);
        assert_true(s.pace <= last && last / s.pace <= exp2(0.3) + 1e-12);
        last = s.pace;
    }
    assert_true(s.pace == params.pace_safe);
    s = qbid_pacing_start(&params, 0.1); /* already below: no reason to bid more */
    in.age_periods = 100;
    s = qbid_pacing_step(&params, &in, s);
    assert_true(s.pace == 0.1);
}

static void impossible_input_holds_and_counts_as_stale_when_it_stays(void **state)
{
    (void)state;
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_pacing_state s = qbid_pacing_start(&params, 4);
    struct qbid_pacing_in in = quiet;
    in.spent_nanos = NAN;
    for (int i = 1; i <= 10; i++) {
        s = qbid_pacing_step(&params, &in, s);
        assert_true(s.pace == 4 && s.why == QBID_PACING_WHY_HELD);
    }
    s = qbid_pacing_step(&params, &in, s);
    assert_true(s.pace < 4 && s.why == QBID_PACING_WHY_DECAYED);
    s = qbid_pacing_step(&params, &quiet, s);
    assert_int_equal(s.faults, 0);
}

static void no_input_leads_out_of_the_clamps(void **state)
{
    (void)state;
    const double odd[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e-300, 1e300, 0.5, 1, 1e12, 3};
    static struct qbid_market_point p[64];
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct rng r = rng_init(1);
    for (int round = 0; round < 400; round++) {
        struct qbid_pacing_state s = qbid_pacing_start(&params, odd[rng_below(&r, 11)]);
        struct qbid_pacing_in in = quiet;
        for (int i = 0; i < 100; i++) {
            double *field[] = {&in.budget_nanos,
                               &in.spent_nanos,
                               &in.plan_done,
                               &in.plan_step,
                               &in.auctions,
                               &in.auctions_forecast,
                               &in.worth_realised_nanos,
                               &in.worth_predicted_nanos,
                               &in.worth_spent_nanos,
                               &in.age_periods};
            double before = s.pace;
            struct qbid_market m;
            if (rng_below(&r, 3))
                *field[rng_below(&r, 10)] = odd[rng_below(&r, 11)];
            else
                in = quiet;
            for (int k = 0; k < 64; k++) {
                p[k] = (struct qbid_market_point){odd[rng_below(&r, 11)],
                                                  odd[rng_below(&r, 11)],
                                                  (enum qbid_market_kind)rng_below(&r, 3),
                                                  0,
                                                  0,
                                                  0,
                                                  0};
            }
            assert_int_equal(qbid_market_init(p, 64, NULL, &m), 0);
            in.market = rng_below(&r, 2) ? &m : NULL;
            in.has_cap = (int)rng_below(&r, 2);
            in.mode = rng_below(&r, 2) ? QBID_PACING_EVEN : QBID_PACING_ASAP;
            s = qbid_pacing_step(&params, &in, s);
            assert_true(s.pace >= params.pace_min && s.pace <= params.pace_max);
            assert_true(fabs(log2(s.pace / before)) <= params.step_lg + 1e-9);
            assert_true(s.alpha_budget >= params.pace_min && s.alpha_budget <= params.pace_max);
            assert_true(s.alpha_goal >= params.pace_min && s.alpha_goal <= params.pace_max);
            if (rng_below(&r, 50) == 0) { /* a state that came back broken from somewhere */
                s.pace = s.alpha_budget = odd[rng_below(&r, 11)];
                s = qbid_pacing_step(&params, &in, s);
                assert_true(s.pace >= params.pace_min && s.pace <= params.pace_max);
            }
        }
    }
}

/* --- whole days: 1,440 one-minute periods, traffic by the hour, prices that drift */

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
        cmocka_unit_test(the_wanted_spend_is_budget_left_over_auctions_left),
        cmocka_unit_test(steps_lead_to_the_multiplier_that_the_sample_gives),
        cmocka_unit_test(a_goal_stops_the_pace_where_worth_covers_spend),
        cmocka_unit_test(asap_goes_to_one_and_a_spent_budget_to_the_bottom),
        cmocka_unit_test(stale_snapshots_hold_and_then_sink_to_the_safe_pace),
        cmocka_unit_test(impossible_input_holds_and_counts_as_stale_when_it_stays),
        cmocka_unit_test(no_input_leads_out_of_the_clamps),
        cmocka_unit_test(days_in_second_price_deliver_and_keep_the_worth),
        cmocka_unit_test(days_in_first_price_deliver_and_keep_the_worth),
        cmocka_unit_test(days_by_feedback_alone_deliver_and_keep_the_worth),
        cmocka_unit_test(a_binding_goal_is_met_and_costs_little_worth),
        cmocka_unit_test(the_control_period_does_not_matter_up_to_five_minutes),
        cmocka_unit_test(halved_traffic_is_back_on_plan_within_thirty_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
