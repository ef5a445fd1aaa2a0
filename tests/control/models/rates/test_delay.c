/* SPDX-License-Identifier: Apache-2.0 */
/* Delayed conversions: cohorts against lists of clicks, curves against known delays, and a pacer
 * that must not swing because conversions are late. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/rates/delay.h"
#include "control/models/pacing/pacing.h"
#include "tests/control/models/market.h"

#define DAY_S INT64_C(86400)
#define START_S INT64_C(1700000000)
#define MEAN_S (2 * 86400.0)
#define CVR 0.02
#define LIST_MAX 200000
#define BATCH 10 /* clicks counted at once: seconds apart */

static void an_exponential_curve_is_exact_where_bins_end(void **state)
{
    (void)state;
    struct qbid_delay_curve curve = qbid_delay_exponential(MEAN_S);
    double before = 0;
    assert_int_equal(qbid_delay_bin(0), 0);
    assert_int_equal(qbid_delay_bin(300), 0);
    assert_int_equal(qbid_delay_bin(301), 1);
    assert_int_equal(qbid_delay_bin(1e9), QBID_DELAY_BINS - 1);
    assert_int_equal(qbid_delay_bin(NAN), 0);
    for (int octave = 0; octave <= 14; octave++) {
        double age = 300 * exp2(octave);
        assert_true(fabs(qbid_delay_cdf(&curve, age) - (1 - exp(-age / MEAN_S))) < 1e-12);
    }
    for (double age = 0; age < 70 * 86400; age += 1000) {
        double at = qbid_delay_cdf(&curve, age);
        assert_true(at >= before && at <= 1);
        assert_true(fabs(at - (1 - exp(-age / MEAN_S))) < 8e-3);
        before = at;
    }
    assert_true(qbid_delay_cdf(&curve, 1e9) == 1);
}

static void quantiles_are_those_of_the_list(void **state)
{
    double convs[QBID_DELAY_BINS] = {0}, list[999];
    struct rng r = rng_init(4);
    (void)state;
    assert_true(qbid_delay_quantile(convs, 0.5) == 0);
    for (int i = 0; i < 999; i++) {
        double delay = -MEAN_S * log(rng_uniform(&r));
        int at = i; /* insertion keeps them in order */
        for (; at > 0 && list[at - 1] > delay; at--)
            list[at] = list[at - 1];
        list[at] = delay;
        convs[qbid_delay_bin(delay)]++;
    }
    for (int k = 49; k < 999; k += 50) { /* a bin is a quarter of its delay wide */
        double q = qbid_delay_quantile(convs, (k + 1) / 999.0);
        assert_true(fabs(q / list[k] - 1) < 0.13);
    }
}

/* Clicks at any times over 90 days; the cohorts' sums against those of the list itself. */
static void cohorts_give_the_sums_of_the_list_of_clicks(void **state)
{
    (void)state;
    static int64_t click_s[LIST_MAX];
    struct qbid_delay_curve curve = qbid_delay_exponential(MEAN_S);
    double most = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct rng r = rng_init(seed);
        struct qbid_delay_cohorts cohorts = {0};
        double half_life_s = seed % 2 ? INFINITY : 7 * 86400.0;
        int64_t span_s = (int64_t)(3600 * exp(rng_uniform(&r) * log(90 * 24))), now_s = START_S;
        uint32_t n = 20000;
        for (uint32_t i = 0; i < n; i++) {
            now_s = START_S + (int64_t)((double)span_s * i / n);
            click_s[i] = now_s - (rng_below(&r, 4) ? 0 : rng_below(&r, 3600)); /* told late */
            qbid_delay_count(&cohorts, now_s, click_s[i], 1, half_life_s);
        }
        double whole = 0, matured = 0, exposed[QBID_DELAY_BINS] = {0}, got_whole, list = 0;
        for (uint32_t i = 0; i < n; i++) {
            double age = (double)(now_s - click_s[i]), w = exp2(-age / half_life_s);
            whole += w;
            matured += w * (1 - exp(-age / MEAN_S));
            list += age > 38400; /* the end of bin 21: 300 s * 2^7 */
        }
        double got = qbid_delay_matured(&curve, &cohorts, now_s, half_life_s, &got_whole);
        qbid_delay_expose(&cohorts, now_s, exposed);
        assert_true(fabs(got_whole / whole - 1) < (isfinite(half_life_s) ? 0.01 : 1e-12));
        assert_true(exposed[0] <= n && exposed[0] >= n * 0.8);
        for (uint32_t b = 1; b < QBID_DELAY_BINS; b++)
            assert_true(exposed[b] <= exposed[b - 1] + 1e-9);
        if (list > 0)
            assert_true(fabs(exposed[22] / list - 1) < 0.2 && exposed[22] <= list * 1.05);
        most = fmax(most, fabs((got / got_whole) / (matured / whole) - 1));
    }
    print_message("matured part against the list of clicks: largest relative error %.4f\n", most);
    assert_true(most < 0.02);
}

static void clicks_move_through_the_tiers_without_loss(void **state)
{
    (void)state;
    struct rng r = rng_init(3);
    struct qbid_delay_cohorts cohorts = {0};
    struct qbid_delay_curve curve = qbid_delay_exponential(MEAN_S);
    int64_t now_s = START_S;
    double n = 0, whole;
    for (int i = 0; i < 3000; i++) {
        double gap_s = exp(rng_uniform(&r) * 14) * (rng_below(&r, 50) ? 1e-2 : 3);
        now_s += (int64_t)gap_s;
        qbid_delay_count(&cohorts, now_s, now_s - (int64_t)rng_below(&r, 100), 1, INFINITY);
        n++;
        (void)qbid_delay_matured(&curve, &cohorts, now_s, INFINITY, &whole);
        assert_true(fabs(whole - n) < 1e-9 * n);
    }
    /* of the future, and before everything */
    qbid_delay_count(&cohorts, now_s, now_s + 1000, 1, INFINITY);
    qbid_delay_count(&cohorts, now_s, -5, 1, INFINITY);
    qbid_delay_count(&cohorts, now_s - 100 * DAY_S, now_s, 1, INFINITY);
    (void)qbid_delay_matured(&curve, &cohorts, now_s, INFINITY, &whole);
    assert_true(fabs(whole - n - 3) < 1e-6);
    double matured = qbid_delay_matured(&curve, &cohorts, now_s + 1000 * DAY_S, INFINITY, &whole);
    assert_true(fabs(matured / whole - 1) < 1e-12);
}

struct advertiser {
    struct qbid_delay_cohorts clicks;
    double convs[QBID_DELAY_BINS], seen;
};

typedef double delay_fn(struct rng *r);

static double delay_exponential(struct rng *r)
{
    return -MEAN_S * log(rng_uniform(r));
}

static double delay_weibull(struct rng *r)
{
    return 86400 * pow(-log(rng_uniform(r)), 1 / 0.6);
}

static double delay_mixed(struct rng *r)
{
    return rng_below(r, 2) ? -1800 * log(rng_uniform(r)) : -4 * 86400 * log(rng_uniform(r));
}

static double delay_lognormal(struct rng *r)
{
    return 86400 * rng_lognormal(r, 0, 0.7);
}

/* Clicks evenly over `age_s` up to now, each converting with CVR, later. */
static void advertise(struct advertiser *a, struct rng *r, delay_fn *delay, uint32_t clicks,
                      double age_s, int64_t now_s)
{
    memset(a, 0, sizeof *a);
    for (uint32_t i = 0; i < clicks; i++) {
        double ago_s = age_s * (1 - (i + 0.5) / clicks);
        int64_t at_s = now_s - (int64_t)ago_s;
        if (i % BATCH == 0)
            qbid_delay_count(&a->clicks, at_s, at_s, BATCH, INFINITY);
        if (rng_uniform(r) >= CVR)
            continue;
        double d = delay(r);
        if (d > ago_s)
            continue;
        a->convs[qbid_delay_bin(d)]++;
        a->seen++;
    }
}

static struct qbid_delay_curve history(struct rng *r, delay_fn *delay, double age_s)
{
    struct advertiser a;
    double exposed[QBID_DELAY_BINS] = {0};
    advertise(&a, r, delay, 200000, age_s, START_S);
    qbid_delay_expose(&a.clicks, START_S, exposed);
    return qbid_delay_root(exposed, a.convs);
}

/* Matured and naive rates of campaigns of one age, their advertiser having a month of history. */
static void campaigns(delay_fn *delay, uint64_t seeds, double age_s, double *ret_matured,
                      double *ret_naive)
{
    double convs = 0, matured = 0, clicks = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct rng r = rng_init(seed);
        struct qbid_delay_curve parent = history(&r, delay, 30 * 86400), curve;
        struct advertiser a;
        double exposed[QBID_DELAY_BINS] = {0}, whole;
        advertise(&a, &r, delay, 60000 + (uint32_t)(60000 * MEAN_S / age_s), age_s, START_S);
        qbid_delay_expose(&a.clicks, START_S, exposed);
        curve = qbid_delay_child(&parent, exposed, a.convs);
        matured += qbid_delay_matured(&curve, &a.clicks, START_S, INFINITY, &whole);
        convs += a.seen;
        clicks += whole;
    }
    *ret_matured = convs / matured;
    *ret_naive = convs / clicks;
}

static void matured_rates_are_within_two_percent_at_every_age(void **state)
{
    (void)state;
    static const double ages[] = {0.1, 0.2, 0.5, 1, 2, 5, 10};
    double worst = 0;
    for (unsigned i = 0; i < sizeof ages / sizeof *ages; i++) {
        double matured, naive;
        campaigns(delay_exponential, 40, ages[i] * MEAN_S, &matured, &naive);
        print_message("age of %.1f mean delays: naive rate %.3f %%, matured %.3f %% of 2 %%\n",
                      ages[i], naive * 100, matured * 100);
        worst = fmax(worst, fabs(matured / CVR - 1));
        if (ages[i] == 0.5) /* the guide's: one day of a mean of two */
            assert_true(fabs(naive * 100 - 0.43) < 0.02);
    }
    print_message("matured rates: largest relative bias %.4f\n", worst);
    assert_true(worst <= 0.02);
}

/* Not exponential: the bins must take over from the fitted mean. At half a day one of the shapes
 * has shown 4 % of its conversions. */
static void other_shapes_of_delay_are_followed(void **state)
{
    (void)state;
    delay_fn *const shapes[] = {delay_weibull, delay_mixed, delay_lognormal};
    static const double ages[] = {0.5, 2, 7};
    double worst = 0, worst_young = 0;
    for (unsigned s = 0; s < 3; s++) {
        for (unsigned i = 0; i < 3; i++) {
            double matured, naive;
            campaigns(shapes[s], 20, ages[i] * 86400, &matured, &naive);
            print_message("shape %u, age of %.1f days: naive %.3f %%, matured %.3f %%\n", s,
                          ages[i], naive * 100, matured * 100);
            double *w = i ? &worst : &worst_young;
            *w = fmax(*w, fabs(matured / CVR - 1));
        }
    }
    assert_true(worst <= 0.03 && worst_young <= 0.2);
}

/* Kaplan-Meier of the conversions of one list, each click censored at its age: with 2 % converting,
 * the curve is its distribution scaled to 1. */
static void a_curve_is_kaplan_meiers(void **state)
{
    (void)state;
    static double age[LIST_MAX], delay[LIST_MAX];
    struct rng r = rng_init(11);
    struct qbid_delay_cohorts clicks = {0};
    double convs[QBID_DELAY_BINS] = {0}, exposed[QBID_DELAY_BINS] = {0}, most = 0;
    const double span_s = 45 * 86400.0;
    for (uint32_t i = 0; i < LIST_MAX; i++) {
        age[i] = span_s * (1 - (i + 0.5) / LIST_MAX);
        delay[i] = rng_uniform(&r) < 0.1 ? delay_weibull(&r) : INFINITY;
        int64_t at_s = START_S - (int64_t)age[i];
        qbid_delay_count(&clicks, at_s, at_s, 1, INFINITY);
        if (delay[i] <= age[i])
            convs[qbid_delay_bin(delay[i])]++;
    }
    qbid_delay_expose(&clicks, START_S, exposed);
    struct qbid_delay_curve curve = qbid_delay_root(exposed, convs);
    double survival = 1, at[60], end = 0;
    for (int day = 0; day < 60; day++) { /* product limit over half-day steps */
        double from = day * 43200.0, to = from + 43200, risk = 0, events = 0;
        for (uint32_t i = 0; i < LIST_MAX; i++) {
            risk += fmin(age[i], delay[i]) > from ? fmin((fmin(age[i], 1e9) - from) / 43200, 1) : 0;
            events += delay[i] > from && delay[i] <= to && delay[i] <= age[i];
        }
        survival *= 1 - events / fmax(risk, 1);
        at[day] = 1 - survival;
        end = at[day];
    }
    for (int day = 0; day < 60; day++)
        most = fmax(most, fabs(qbid_delay_cdf(&curve, (day + 1) * 43200.0) /
                                   qbid_delay_cdf(&curve, 30 * 86400.0) -
                               at[day] / end));
    print_message("curve against the product limit: largest difference %.4f\n", most);
    assert_true(most < 0.02);
}

#define TARGET_WORTH 0.4 /* of a value at the target: to win every auction would miss it */
#define AUCTIONS 200     /* a period of an hour */
#define PERIODS 480      /* twenty days */

struct run {
    struct qbid_delay_cohorts predicted, billed;
    double late[PERIODS + 2000]; /* worth that will have been realised by period */
    double pace_high, pace_low, pace_end;
};

/* A target-ROAS campaign by the real pacer. Of the worth that is predicted `truth` comes, later; it
 * starts at the pace for truth 1 and has to go to the one for the truth. `mature` says whether its
 * sums are matured first. */
static void roas_run(struct run *run, double truth, int mature)
{
    struct rng r = rng_init(5);
    static struct qbid_market_point point[2000];
    struct qbid_delay_curve curve = qbid_delay_exponential(MEAN_S);
    struct qbid_pacing_params params = qbid_pacing_defaults();
    struct qbid_market market;
    memset(run, 0, sizeof *run);
    for (int i = 0; i < 2000; i++)
        point[i] = (struct qbid_market_point){.value_micros =
                                                  TARGET_WORTH * market_value(&r) * MARKET_UNIT,
                                              .price_micros = market_price(&r) * MARKET_UNIT,
                                              .kind = QBID_MARKET_SEEN};
    assert_int_equal(qbid_market_init(point, 2000, NULL, &market), 0);
    double goal = qbid_market_alpha_goal(&market, truth);
    struct qbid_pacing_state s = qbid_pacing_start(&params, qbid_market_alpha_goal(&market, 1));
    double realised = 0, spent = 0, predicted = 0;
    params.goal_prior_nanos = 200 * MARKET_UNIT;
    for (int t = 0; t < PERIODS; t++) {
        int64_t now_s = START_S + t * 3600;
        double worth = 0;
        for (int a = 0; a < AUCTIONS; a++) {
            double value = TARGET_WORTH * market_value(&r) * MARKET_UNIT,
                   price = market_price(&r) * MARKET_UNIT;
            if (s.pace * value < price)
                continue;
            worth += value;
            spent += price;
            qbid_delay_count(&run->predicted, now_s, now_s, value, INFINITY);
            qbid_delay_count(&run->billed, now_s, now_s, price, INFINITY);
        }
        predicted += worth;
        for (int k = 0; t + k < PERIODS; k++) /* expected to come k hours later */
            run->late[t + k] +=
                truth * worth * (exp(-k * 3600 / MEAN_S) - exp(-(k + 1) * 3600 / MEAN_S));
        realised += run->late[t];
        struct qbid_pacing_in in = {.mode = QBID_PACING_EVEN,
                                    .has_cap = 1,
                                    .budget_nanos = 1e18,
                                    .spent_nanos = spent,
                                    .plan_done = (t + 1.0) / (2 * PERIODS),
                                    .plan_step = 1.0 / (2 * PERIODS),
                                    .auctions = (t + 1.0) * AUCTIONS,
                                    .worth_realised_nanos = realised,
                                    .worth_predicted_nanos = predicted,
                                    .worth_spent_nanos = spent,
                                    .market = &market};
        double whole;
        if (mature) {
            in.worth_predicted_nanos =
                qbid_delay_matured(&curve, &run->predicted, now_s + 3600, INFINITY, &whole);
            in.worth_spent_nanos =
                qbid_delay_matured(&curve, &run->billed, now_s + 3600, INFINITY, &whole);
        }
        s = qbid_pacing_step(&params, &in, s);
        run->pace_high = t ? fmax(run->pace_high, s.pace / goal) : s.pace / goal;
        run->pace_low = t ? fmin(run->pace_low, s.pace / goal) : s.pace / goal;
        run->pace_end = s.pace / goal;
    }
}

static void a_roas_pacer_does_not_overshoot_when_conversions_are_late(void **state)
{
    (void)state;
    static const double truths[] = {1, 0.7, 1.4};
    for (unsigned i = 0; i < 3; i++) {
        static struct run matured, naive;
        roas_run(&matured, truths[i], 1);
        roas_run(&naive, truths[i], 0);
        print_message("ROAS %.1f of the predicted: pace %.3f to %.3f of the solved one, at the end "
                      "%.3f; not matured %.3f to %.3f\n",
                      truths[i], matured.pace_low, matured.pace_high, matured.pace_end,
                      naive.pace_low, naive.pace_high);
        if (truths[i] <= 1)
            assert_true(matured.pace_low >= 0.95);
        if (truths[i] >= 1)
            assert_true(matured.pace_high <= 1.05);
        assert_true(fabs(matured.pace_end - 1) < 0.05);
        assert_true(naive.pace_low < 0.8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exponential_curve_is_exact_where_bins_end),
        cmocka_unit_test(quantiles_are_those_of_the_list),
        cmocka_unit_test(cohorts_give_the_sums_of_the_list_of_clicks),
        cmocka_unit_test(clicks_move_through_the_tiers_without_loss),
        cmocka_unit_test(matured_rates_are_within_two_percent_at_every_age),
        cmocka_unit_test(other_shapes_of_delay_are_followed),
        cmocka_unit_test(a_curve_is_kaplan_meiers),
        cmocka_unit_test(a_roas_pacer_does_not_overshoot_when_conversions_are_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
