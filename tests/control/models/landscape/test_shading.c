/* SPDX-License-Identifier: Apache-2.0 */
/* First-price shading: closed forms, published values, and the surplus kept on a known market. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/landscape/shading.h"
#include "tests/control/models/market.h"

/* The curve of a distribution given by a function of the price in CPM. */
static struct qbid_landscape_curve curve_of(double (*win)(double), double samples)
{
    struct qbid_landscape_curve curve = {.samples = samples};
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        curve.win[i] = win(qbid_landscape_edge(i + 1) / MARKET_UNIT);
    return curve;
}

static double uniform_win(double b)
{
    return fmin(b, 1);
}

static double square_win(double b)
{
    return fmin(b * b, 1);
}

static double hyperbola_win(double b)
{
    return b / (0.3 + b);
}

static double lognormal_win(double b)
{
    return normal_cdf(log(b));
}

static double best_at(const struct qbid_landscape_curve *curve, double e)
{
    return qbid_shading_best(curve, e * MARKET_UNIT, 0) / MARKET_UNIT;
}

static double surplus_at(double (*win)(double), double e, double b)
{
    return (e - b) * win(b);
}

/* The bins cut F into chords, so a best bid is near, and its surplus nearer, the closed form's. */
static void assert_best(double (*win)(double), double e, double want, double bid_tol)
{
    struct qbid_landscape_curve curve = curve_of(win, 1e6);
    double got = best_at(&curve, e);
    assert_true(fabs(got - want) <= bid_tol * want);
    assert_true(surplus_at(win, e, got) >= surplus_at(win, e, want) * (1 - 2e-3));
}

static void best_bids_meet_the_closed_forms(void **state)
{
    (void)state;
    for (double v = 0.02; v < 1.9; v *= 1.07)
        assert_best(uniform_win, v, v / 2, 1e-9); /* chords of a line are the line */
    for (double v = 0.1; v < 1.4; v *= 1.1)
        assert_best(square_win, v, v * 2 / 3, 0.05);
    assert_best(hyperbola_win, 0.2, 0.0872983346, 0.05);
    assert_best(hyperbola_win, 0.5, 0.1898979486, 0.05);
    assert_best(hyperbola_win, 1.0, 0.3244997998, 0.05);
    assert_best(lognormal_win, 0.5, 0.311943, 0.05);
    assert_best(lognormal_win, 1, 0.548597, 0.05);
    assert_best(lognormal_win, 2, 0.919943, 0.05);
    assert_best(lognormal_win, 5, 1.671444, 0.05);
    assert_best(lognormal_win, 10, 2.459363, 0.05);
}

static void the_best_bid_equals_brute_force_on_random_curves(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    for (int round = 0; round < 60; round++) {
        struct qbid_landscape_curve curve = {.samples = 1000};
        double f = 0;
        for (int i = 0; i < QBID_LANDSCAPE_BINS; i++) {
            f += rng_uniform(&r) < 0.1 ? (1 - f) * rng_uniform(&r) * 0.3 : 0;
            curve.win[i] = f;
        }
        double e = exp(log(2e4) + rng_uniform(&r) * log(1e4));
        double floor = rng_below(&r, 2) ? e * rng_uniform(&r) : 0;
        double got = qbid_shading_best(&curve, e, floor), best = 0;
        assert_true(got >= floor && got <= e);
        for (int k = 0; k <= 200000; k++) {
            double b = floor + (e - floor) * k / 200000;
            best = fmax(best, (e - b) * qbid_landscape_curve_at(&curve, b));
        }
        double surplus = (e - got) * qbid_landscape_curve_at(&curve, got);
        assert_true(surplus >= best * (1 - 1e-12) && surplus <= best * (1 + 1e-3) + 1e-9);
    }
}

static void ortb_forms_give_the_published_bids_and_are_optimal(void **state)
{
    (void)state;
    assert_true(fabs(qbid_shading_ortb1(1e-3, 5.2e-7, 50) - 264.092) < 1e-3);
    assert_true(fabs(qbid_shading_ortb2(1e-3, 5.2e-7, 50) - 200.901) < 1e-3);
    assert_true(fabs(qbid_shading_ortb1(1e-3, 1e-5, 20) - 28.990) < 1e-3);
    assert_true(fabs(qbid_shading_ortb2(1e-3, 1e-5, 20) - 33.978) < 1e-3);
    /* F = b / (c + b): sqrt(c^2 + c v) - c, at c 0.3 */
    assert_true(fabs(qbid_shading_ortb1(0.2, 1, 0.3) - 0.0872983346) < 1e-10);
    assert_true(fabs(qbid_shading_ortb1(0.5, 1, 0.3) - 0.1898979486) < 1e-10);
    assert_true(fabs(qbid_shading_ortb1(1.0, 1, 0.3) - 0.3244997998) < 1e-10);
    const double c[] = {5, 50, 500}, theta[] = {1e-4, 1e-3, 1e-2}, lambda[] = {1e-7, 1e-6, 1e-5};
    for (int i = 0; i < 27; i++) {
        double cc = c[i % 3], t = theta[i / 3 % 3], l = lambda[i / 9];
        double b1 = qbid_shading_ortb1(t, l, cc), b2 = qbid_shading_ortb2(t, l, cc);
        /* first-order conditions, each scaled to its terms */
        assert_true(fabs((t - l * b1) * cc / (cc + b1) - l * b1) <= 1e-9 * l * b1);
        double left = (t - l * b2) * 2 * cc * cc / (cc * cc + b2 * b2);
        assert_true(fabs(left - l * b2) <= 1e-9 * l * b2);
    }
}

static void the_median_of_uncensored_prices_is_the_likeliest_one(void **state)
{
    (void)state;
    struct qbid_landscape ls = {0}, few = {0}, none = {0};
    struct rng r = rng_init(2);
    for (int i = 0; i < 50000; i++) {
        double u = rng_uniform(&r), price = 2.5 * u / (1 - u), bid = rng_lognormal(&r, 1, 1);
        if (price <= bid)
            qbid_landscape_see(&ls, price * MARKET_UNIT, 1);
        else
            qbid_landscape_lose(&ls, bid * MARKET_UNIT, 1);
    }
    assert_true(fabs(qbid_shading_median(&ls, 0) / MARKET_UNIT - 2.5) < 0.05);
    assert_true(qbid_shading_median(&none, 0) == 0);
    assert_true(fabs(qbid_shading_median(&none, 3e6) - 3e6) < 1);
    qbid_landscape_win(&few, 1e6, 1); /* one won bid moves the prior down, not to the ground */
    double m = qbid_shading_median(&few, 0);
    assert_true(m < 1e6 && m > 3e5);
}

/* E[(v - b(v)) F(b(v))] over the market's values, by quadrature on their quantiles. */
static double market_surplus(const struct qbid_shade *shade)
{
    double sum = 0;
    const int n = 4000;
    for (int i = 0; i < n; i++) {
        double lo = -6, hi = 6, u = (i + 0.5) / n; /* normal quantile by bisection */
        for (int k = 0; k < 50; k++) {
            double mid = 0.5 * (lo + hi);
            *(normal_cdf(mid) < u ? &lo : &hi) = mid;
        }
        double v = exp(1 + 0.6 * lo), b = 0;
        if (shade) {
            b = (double)qbid_shade_eval(shade, (float)(v * MARKET_UNIT)) / MARKET_UNIT;
        } else { /* the oracle: a fine grid over bids on the true curve */
            double best = 0;
            for (int k = 1; k < 600; k++) {
                double s = (v - v * k / 600) * market_win(v * k / 600);
                b = s > best ? v * k / 600 : b;
                best = fmax(best, s);
            }
        }
        sum += (v - b) * market_win(b) / n;
    }
    return sum;
}

static struct qbid_shade learned_shade(uint64_t seed, int n, int told)
{
    static struct qbid_landscape ls;
    struct qbid_landscape_curve curve;
    struct qbid_shade shade;
    struct rng r = rng_init(seed);
    memset(&ls, 0, sizeof ls);
    for (int i = 0; i < n; i++) {
        double price = market_price(&r), bid = market_value(&r) * (0.2 + 0.6 * rng_uniform(&r));
        if (told)
            qbid_landscape_see(&ls, price * MARKET_UNIT, 1);
        else if (price <= bid)
            qbid_landscape_win(&ls, bid * MARKET_UNIT, 1);
        else
            qbid_landscape_lose(&ls, bid * MARKET_UNIT, 1);
    }
    assert_int_equal(qbid_landscape_fit(&ls, NULL, 0, &curve), 1);
    qbid_shading_build(&ls, &curve, 0, 0, &shade);
    return shade;
}

static void learned_tables_keep_the_required_part_of_the_surplus(void **state)
{
    (void)state;
    const struct {
        int n, told;
        double need;
    } c[] = {{300, 1, 0.990},  {1000, 1, 0.995},  {10000, 1, 0.999},
             {1000, 0, 0.965}, {10000, 0, 0.985}, {100000, 0, 0.993}};
    double oracle = market_surplus(NULL);
    print_message("oracle surplus %.5f (published 0.98189)\n", oracle);
    assert_true(fabs(oracle - 0.98189) < 2e-3);
    for (size_t k = 0; k < sizeof c / sizeof *c; k++) {
        double mean = 0;
        for (uint64_t seed = 1; seed <= 20; seed++) {
            struct qbid_shade shade = learned_shade(seed, c[k].n, c[k].told);
            mean += market_surplus(&shade) / oracle / 20;
        }
        print_message("%s, n = %6d: %.4f of the surplus\n",
                      c[k].told ? "price told" : "win or lose", c[k].n, mean);
        assert_true(mean >= c[k].need);
    }
}

/* Surplus of the bids that a curve names, on a cell whose prices are the market's times scale. */
static double cell_surplus(const struct qbid_landscape_curve *curve, double scale)
{
    double sum = 0;
    for (double v = 0.6; v < 14; v *= 1.06) {
        double z = (log(v) - 1) / 0.6, b = v;
        if (curve) {
            b = best_at(curve, v);
        } else {
            double best = 0;
            for (int k = 1; k < 400; k++) {
                double s = surplus_at(market_win, v / scale, v * k / 400 / scale);
                b = s > best ? v * k / 400 : b;
                best = fmax(best, s);
            }
        }
        sum += exp(-z * z / 2) * (v - b) * market_win(b / scale);
    }
    return sum;
}

static void blending_sparse_cells_with_their_parent_never_hurts(void **state)
{
    enum { CELLS = 60, PRICES = 20 };
    (void)state;
    static struct qbid_landscape cell[CELLS];
    double scale[CELLS], oracle = 0, pooled = 0, raw = 0, blended = 0;
    struct qbid_landscape all = {0};
    struct qbid_landscape_curve parent, alone, both;
    struct rng r = rng_init(7);
    memset(cell, 0, sizeof cell);
    for (int c = 0; c < CELLS; c++) {
        scale[c] = rng_lognormal(&r, 0, 0.4);
        for (int i = 0; i < PRICES; i++)
            qbid_landscape_see(&cell[c], scale[c] * market_price(&r) * MARKET_UNIT, 1);
        qbid_landscape_mix(&all, 1, &cell[c], 1);
    }
    qbid_landscape_fit(&all, NULL, 0, &parent);
    for (int c = 0; c < CELLS; c++) {
        qbid_landscape_fit(&cell[c], NULL, 0, &alone);
        qbid_landscape_fit(&cell[c], &parent, QBID_LANDSCAPE_PSEUDO, &both);
        oracle += cell_surplus(NULL, scale[c]);
        pooled += cell_surplus(&parent, scale[c]);
        raw += cell_surplus(&alone, scale[c]);
        blended += cell_surplus(&both, scale[c]);
    }
    print_message("20 prices a cell: pooled %.3f, raw %.3f, blended %.3f of the surplus\n",
                  pooled / oracle, raw / oracle, blended / oracle);
    assert_true(blended >= raw && blended >= pooled);
    assert_true(blended / oracle >= 0.95);
}

static void a_table_from_the_true_curve_loses_next_to_nothing(void **state)
{
    (void)state;
    struct qbid_landscape none = {0};
    struct qbid_landscape_curve curve = curve_of(market_win, 1e6);
    struct qbid_shade shade;
    qbid_shading_build(&none, &curve, 0, 0, &shade);
    double kept = market_surplus(&shade) / market_surplus(NULL);
    print_message("bins and knots alone: %.6f of the surplus\n", kept);
    assert_true(kept > 0.9998);
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) {
        double e = (double)qbid_shade_knot(i);
        assert_true(fabs((double)shade.win[i] -
                         qbid_landscape_curve_at(&curve, e * (double)shade.ratio[i])) < 1e-3);
    }
}

static void few_samples_shade_by_the_parametric_form(void **state)
{
    (void)state;
    struct qbid_landscape ls = {0};
    struct qbid_landscape_curve curve;
    struct qbid_shade shade;
    for (int i = 0; i < 199; i++)
        qbid_landscape_see(&ls, 1.0e6 * (0.5 + i / 199.0), 1);
    qbid_landscape_fit(&ls, NULL, 0, &curve);
    qbid_shading_build(&ls, &curve, 0, 0, &shade);
    double c = qbid_shading_median(&ls, 0);
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) {
        double e = (double)qbid_shade_knot(i), b = sqrt(c * e + c * c) - c;
        assert_true(fabs((double)shade.ratio[i] - b / e) < 1e-5);
        assert_true(fabs((double)shade.win[i] - b / (b + c)) < 1e-5);
    }
    memset(&ls, 0, sizeof ls);
    qbid_landscape_fit(&ls, NULL, 0, &curve);
    qbid_shading_build(&ls, &curve, 0, 0, &shade);
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++)
        assert_true(shade.ratio[i] == 1.0f);
}

static void floors_are_met_where_the_value_allows(void **state)
{
    (void)state;
    struct qbid_landscape none = {0};
    struct qbid_landscape_curve curve = curve_of(market_win, 1e6), thin = {0};
    struct qbid_shade shade;
    for (int parametric = 0; parametric <= 1; parametric++) {
        qbid_shading_build(&none, parametric ? &thin : &curve, 2e6, 1e6, &shade);
        double last = 0;
        for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) {
            double e = (double)qbid_shade_knot(i), bid = e * (double)shade.ratio[i];
            assert_true(e < 2e6 ? shade.ratio[i] == 1.0f : bid >= 2e6 * (1 - 1e-6));
            assert_true(bid >= last * (1 - 1e-6));
            assert_true(e >= 2e6 || shade.win[i] == 0);
            last = bid;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_bids_meet_the_closed_forms),
        cmocka_unit_test(the_best_bid_equals_brute_force_on_random_curves),
        cmocka_unit_test(ortb_forms_give_the_published_bids_and_are_optimal),
        cmocka_unit_test(the_median_of_uncensored_prices_is_the_likeliest_one),
        cmocka_unit_test(learned_tables_keep_the_required_part_of_the_surplus),
        cmocka_unit_test(blending_sparse_cells_with_their_parent_never_hurts),
        cmocka_unit_test(a_table_from_the_true_curve_loses_next_to_nothing),
        cmocka_unit_test(few_samples_shade_by_the_parametric_form),
        cmocka_unit_test(floors_are_met_where_the_value_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
