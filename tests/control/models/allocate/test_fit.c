/* SPDX-License-Identifier: Apache-2.0 */
/* Fitted curves: known ones come back, intervals cover, and what spend did not show is the prior's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/allocate/fit_group.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define CNT_MAX 160

static double spend[CNT_MAX], value[CNT_MAX];
static char why[QBID_FIT_WHY_MAX];

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *x, size_t cnt, double part)
{
    qsort(x, cnt, sizeof *x, by_size);
    return x[(size_t)(part * (double)(cnt - 1) + 0.5)];
}

/* One channel; values by the geometric adstock as ALGORITHMS.md 5.3 writes it, from nothing. */
static void series_draw(struct rng *r, const struct qbid_curve *curve, double adstock, double swing,
                        double noise, uint32_t cnt)
{
    double stock = 0;
    for (uint32_t t = 0; t < cnt; t++) {
        spend[t] = 100 * exp(swing * rng_normal(r));
        stock = spend[t] + adstock * stock;
        value[t] = qbid_curve_value(curve, (1 - adstock) * stock) * exp(noise * rng_normal(r));
    }
}

static struct qbid_fit_channel channel_of(enum qbid_curve_kind kind)
{
    struct qbid_fit_channel channel = {.spend = spend, .before = 0, .unit = 100, .kind = kind};
    qbid_fit_priors(kind, log(100), 3, channel.prior);
    return channel;
}

static struct qbid_fit_input input_of(const struct qbid_fit_channel *channel, uint32_t cnt)
{
    return (struct qbid_fit_input){
        .value = value, .cnt = cnt, .channels = channel, .channel_cnt = 1, .noise = QBID_FIT_RATIO};
}

static void adstock_comes_back(void **state)
{
    (void)state;
    static const struct qbid_curve truths[] = {{QBID_CURVE_POWER, 5, 0.7, 0},
                                               {QBID_CURVE_HILL, 900, 0.9, 120},
                                               {QBID_CURVE_LOG, 300, 0, 80}};
    static const char *const names[] = {"power law", "Hill", "log"};
    for (int kind = 0; kind < QBID_CURVE_KIND_CNT; kind++) {
        double errors[60], curve_errors[60];
        for (int seed = 0; seed < 60; seed++) {
            struct rng r = rng_init(100 + (uint64_t)seed);
            double adstock = 0.2 + 0.01 * seed;
            struct qbid_fit fit;
            series_draw(&r, &truths[kind], adstock, 0.9, 0.15, 156);
            struct qbid_fit_channel channel = channel_of((enum qbid_curve_kind)kind);
            channel.prior[QBID_FIT_ADSTOCK] = (struct qbid_fit_prior){0.3, 0.5};
            struct qbid_fit_input input = input_of(&channel, 156);
            assert_int_equal(qbid_fit_new(&input, &fit, why), 0);
            struct qbid_curve curve = qbid_fit_curve(&fit, 0);
            errors[seed] = fabs(fit.estimate[0][QBID_FIT_ADSTOCK].mean - adstock);
            curve_errors[seed] =
                fabs(qbid_curve_value(&curve, 120) / qbid_curve_value(&truths[kind], 120) - 1);
            assert_true(fit.varied[0]);
            qbid_fit_done(&fit);
        }
        double median = quantile(errors, 60, 0.5), most = quantile(errors, 60, 0.9);
        double off = quantile(curve_errors, 60, 0.5);
        print_message("fit: %s, adstock error of 60 series: median %.4f, nine in ten within %.4f; "
                      "value at 1.2 x "
                      "spend off by %.4f\n",
                      names[kind], median, most, off);
        assert_true(median <= 0.03);
        assert_true(most <= 0.05);
        assert_true(off < 0.03);
    }
}

/* ALGORITHMS.md 4.1: 60 days, +-30 %. */
static void a_shape_is_told_by_variation(void **state)
{
    (void)state;
    double errors[100], inside = 0;
    for (int seed = 0; seed < 100; seed++) {
        struct rng r = rng_init(200 + (uint64_t)seed);
        struct qbid_curve truth = {QBID_CURVE_POWER, rng_lognormal(&r, 1, 0.5), 0, 0};
        struct qbid_fit fit;
        truth.shape = fmin(0.8 + 0.1 * rng_normal(&r), 0.97);
        for (int t = 0; t < 60; t++) {
            spend[t] = 100 * (0.7 + 0.6 * rng_uniform(&r));
            value[t] = qbid_curve_value(&truth, spend[t]) * exp(0.05 * rng_normal(&r));
        }
        struct qbid_fit_channel channel = channel_of(QBID_CURVE_POWER);
        struct qbid_fit_input input = input_of(&channel, 60);
        assert_int_equal(qbid_fit_new(&input, &fit, why), 0);
        struct qbid_fit_param_estimate shape = fit.estimate[0][QBID_FIT_SHAPE];
        errors[seed] = fabs(shape.mean - truth.shape);
        inside += errors[seed] <= 1.645 * shape.sd;
        assert_true(fit.varied[0]);
        qbid_fit_done(&fit);
    }
    double median = quantile(errors, 100, 0.5);
    print_message(
        "fit: 60 days of +-30 %%, exponent off by %.4f in the median, in its 90 %% interval "
        "%.0f of 100\n",
        median, inside);
    assert_true(median <= 0.03);
    assert_true(inside >= 83 && inside <= 97);
}

static void without_variation_the_prior_is_left(void **state)
{
    (void)state;
    struct rng r = rng_init(9);
    struct qbid_fit fit;
    for (int t = 0; t < 60; t++) {
        spend[t] = 100;
        value[t] = 180 * exp(0.1 * rng_normal(&r));
    }
    struct qbid_fit_channel channel = channel_of(QBID_CURVE_POWER);
    channel.before = 100;
    struct qbid_fit_input input = input_of(&channel, 60);
    assert_int_equal(qbid_fit_new(&input, &fit, why), 0);
    struct qbid_fit_param_estimate shape = fit.estimate[0][QBID_FIT_SHAPE];
    assert_false(fit.varied[0]);
    assert_true(fabs(shape.mean - 0.8) < 1e-3 && fabs(shape.sd - 0.1) < 2e-3);
    struct qbid_curve curve = qbid_fit_curve(&fit, 0);
    assert_true(fabs(qbid_curve_value(&curve, 100) / 180 - 1) < 0.05);
    qbid_fit_done(&fit);
}

static void draws_are_the_posterior(void **state)
{
    (void)state;
    struct rng r = rng_init(10);
    struct qbid_random random = qbid_random_init(1);
    struct qbid_curve truth = {QBID_CURVE_POWER, 5, 0.7, 0};
    struct qbid_fit fit;
    double scratch[8], shapes[4000], mean = 0, square = 0;
    series_draw(&r, &truth, 0, 0.3, 0.1, 60);
    struct qbid_fit_channel channel = channel_of(QBID_CURVE_POWER);
    struct qbid_fit_input input = input_of(&channel, 60);
    assert_int_equal(qbid_fit_new(&input, &fit, why), 0);
    for (int i = 0; i < 4000; i++) {
        struct qbid_curve curve;
        qbid_fit_draw(&fit, &random, scratch, &curve);
        assert_null(qbid_curve_fault(&curve));
        shapes[i] = curve.shape;
        mean += shapes[i] / 4000;
    }
    for (int i = 0; i < 4000; i++)
        square += (shapes[i] - mean) * (shapes[i] - mean) / 4000;
    struct qbid_fit_param_estimate shape = fit.estimate[0][QBID_FIT_SHAPE];
    assert_true(fabs(mean - shape.mean) < 0.2 * shape.sd);
    assert_true(fabs(sqrt(square) / shape.sd - 1) < 0.1);
    qbid_fit_done(&fit);
}

/* Two channels and a base: counts, whose noise grows with them. */
static void a_mix_is_taken_apart(void **state)
{
    (void)state;
    struct rng r = rng_init(11);
    double other[CNT_MAX], columns[2 * CNT_MAX], predicted[CNT_MAX];
    struct qbid_curve one = {QBID_CURVE_POWER, 8, 0.6, 0}, two = {QBID_CURVE_LOG, 200, 0, 150};
    for (int t = 0; t < CNT_MAX; t++) {
        spend[t] = rng_lognormal(&r, 4.6, 0.6);
        other[t] = rng_below(&r, 4) ? rng_lognormal(&r, 4.6, 0.6) : 0;
        columns[2 * t] = 1;
        columns[2 * t + 1] = sin(0.12 * t);
        double mean = 300 + 80 * columns[2 * t + 1] + qbid_curve_value(&one, spend[t]) +
                      qbid_curve_value(&two, other[t]);
        value[t] = mean + 0.5 * sqrt(mean) * rng_normal(&r);
    }
    struct qbid_fit_channel channels[2] = {channel_of(QBID_CURVE_POWER),
                                           channel_of(QBID_CURVE_LOG)};
    channels[1].spend = other;
    struct qbid_fit_input input = input_of(channels, CNT_MAX);
    input.channel_cnt = 2, input.columns = columns, input.column_cnt = 2, input.column_sd = 1000;
    input.noise = QBID_FIT_COUNT;
    struct qbid_fit fit;
    assert_int_equal(qbid_fit_new(&input, &fit, why), 0);
    qbid_fit_predict(&fit, &input, predicted);
    struct qbid_curve a = qbid_fit_curve(&fit, 0), b = qbid_fit_curve(&fit, 1);
    double rise_a = qbid_curve_value(&a, 150) - qbid_curve_value(&a, 50);
    double rise_b = qbid_curve_value(&b, 150) - qbid_curve_value(&b, 50);
    assert_true(fabs(rise_a / (qbid_curve_value(&one, 150) - qbid_curve_value(&one, 50)) - 1) <
                0.1);
    assert_true(fabs(rise_b / (qbid_curve_value(&two, 150) - qbid_curve_value(&two, 50)) - 1) <
                0.1);
    assert_true(fabs(fit.at[fit.column_idx + 1] - 80) < 10);
    assert_true(fabs(sqrt(fit.dispersion) - 0.5) < 0.06);
    qbid_fit_done(&fit);
}

/* Forty campaigns of three weeks of noisy days: alone each knows little. */
#define MANY 40
#define DAYS 21
static void campaigns_help_each_other(void **state)
{
    (void)state;
    static double spends[MANY][DAYS], values[MANY][DAYS];
    struct rng r = rng_init(12);
    struct qbid_fit_channel channels[MANY];
    struct qbid_fit_input inputs[MANY];
    struct qbid_fit fits[MANY], alone;
    struct qbid_fit_group group;
    double truth[MANY], together = 0, apart = 0;
    for (int i = 0; i < MANY; i++) {
        truth[i] = 0.65 + 0.04 * rng_normal(&r);
        struct qbid_curve curve = {QBID_CURVE_POWER, 4 * exp(0.3 * rng_normal(&r)), truth[i], 0};
        for (int t = 0; t < DAYS; t++) {
            spends[i][t] = 100 * exp(0.25 * rng_normal(&r));
            values[i][t] = qbid_curve_value(&curve, spends[i][t]) * exp(0.2 * rng_normal(&r));
        }
        channels[i] = channel_of(QBID_CURVE_POWER);
        channels[i].spend = spends[i];
        channels[i].prior[QBID_FIT_SCALE].sd = 1;
        inputs[i] = input_of(&channels[i], DAYS);
        inputs[i].value = values[i];
    }
    assert_int_equal(qbid_fit_group_new(inputs, MANY, fits, &group, why), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(qbid_fit_new(&inputs[i], &alone, why), 0);
        together += fabs(fits[i].estimate[0][QBID_FIT_SHAPE].mean - truth[i]) / MANY;
        apart += fabs(alone.estimate[0][QBID_FIT_SHAPE].mean - truth[i]) / MANY;
        qbid_fit_done(&alone);
        qbid_fit_done(&fits[i]);
    }
    print_message("fit: 40 campaigns of 21 days, exponent off by %.4f together, %.4f each alone\n",
                  together, apart);
    assert_true(together < 0.75 * apart);
    assert_true(fabs(group.prior[QBID_FIT_SHAPE].mean - 0.65) < 0.03);
    assert_true(fabs(group.prior[QBID_FIT_SCALE].sd - 0.3) < 0.25);
    values[5][2] = NAN;
    assert_int_equal(qbid_fit_group_new(inputs, MANY, fits, &group, why), QBID_ERR_INVAL);
    assert_string_equal(why, "campaign 5: value is not a number");
    channels[7].kind = QBID_CURVE_LOG;
    assert_int_equal(qbid_fit_group_new(inputs, MANY, fits, &group, why), QBID_ERR_INVAL);
    assert_string_equal(why, "campaign 7: is not one channel of the group's kind");
    assert_int_equal(qbid_fit_group_new(inputs, 0, fits, &group, why), QBID_ERR_INVAL);
    assert_string_equal(why, "cnt is 0");
}

static void refused(struct qbid_fit_input input, const char *expected)
{
    struct qbid_fit fit;
    assert_int_equal(qbid_fit_new(&input, &fit, why), QBID_ERR_INVAL);
    assert_string_equal(why, expected);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    struct qbid_fit_channel channel = channel_of(QBID_CURVE_POWER);
    struct qbid_fit_input input = input_of(&channel, 10);
    for (int t = 0; t < 10; t++)
        spend[t] = value[t] = 1;
    input.cnt = 1;
    refused(input, "cnt is not between 2 and 4096 periods");
    input.cnt = 10, input.channel_cnt = 17;
    refused(input, "channel_cnt is not between 1 and 16");
    input.channel_cnt = 1, spend[3] = -1;
    refused(input, "spend is negative or not a number");
    spend[3] = 1, value[2] = NAN;
    refused(input, "value is not a number");
    value[2] = 1, channel.unit = 0;
    refused(input, "unit is not positive");
    channel.unit = 1, channel.prior[QBID_FIT_SHAPE].sd = -1;
    refused(input, "prior has a negative sd or no mean");
    channel = channel_of(QBID_CURVE_POWER), channel.before = -1;
    refused(input, "before is negative");
    channel = channel_of((enum qbid_curve_kind)9);
    refused(input, "kind is none of the known ones");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adstock_comes_back),
        cmocka_unit_test(a_shape_is_told_by_variation),
        cmocka_unit_test(without_variation_the_prior_is_left),
        cmocka_unit_test(draws_are_the_posterior),
        cmocka_unit_test(a_mix_is_taken_apart),
        cmocka_unit_test(campaigns_help_each_other),
        cmocka_unit_test(bad_input_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
