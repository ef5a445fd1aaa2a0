/* SPDX-License-Identifier: Apache-2.0 */
/* The price landscape: bins, censoring, blending, and its error on a market that is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/landscape/landscape.h"
#include "control/models/qlearning/qtable.h"
#include "shm/shade.h"
#include "tests/control/models/market.h"

static void a_price_falls_in_the_bin_whose_edges_hold_it(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    for (int i = 0; i < 200000; i++) {
        double price = exp(log(1000.0) + rng_uniform(&r) * log(1e6));
        uint32_t bin = qbid_landscape_bin(price);
        assert_true(bin == 0 || (float)price >= (float)qbid_landscape_edge(bin));
        assert_true(bin == QBID_LANDSCAPE_BINS - 1 ||
                    (float)price < (float)qbid_landscape_edge(bin + 1));
    }
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        assert_int_equal(qbid_landscape_bin(qbid_landscape_edge(i)), i);
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) /* each knot of a shade table is an edge */
        assert_true((double)qbid_shade_knot(i) == qbid_landscape_edge(4 * i));
}

static void odd_prices_are_counted_at_the_ends_or_not_at_all(void **state)
{
    (void)state;
    struct qbid_landscape ls = {0};
    const double odd[] = {NAN, -1, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        qbid_landscape_see(&ls, odd[i], 1);
        qbid_landscape_lose(&ls, 1e6, odd[i]);
        qbid_landscape_win(&ls, odd[i], 1);
    }
    qbid_landscape_see(&ls, 1e6, INFINITY);
    assert_true(qbid_landscape_samples(&ls) == 0);
    qbid_landscape_see(&ls, 0, 1);
    qbid_landscape_see(&ls, 1e300, 1);
    qbid_landscape_see(&ls, INFINITY, 1);
    assert_true(ls.seen[0] == 1 && ls.seen[QBID_LANDSCAPE_BINS - 1] == 2);
}

static void an_empty_segment_takes_its_parents_curve_or_knows_nothing(void **state)
{
    (void)state;
    struct qbid_landscape none = {0}, some = {0};
    struct qbid_landscape_curve parent, curve;
    qbid_landscape_see(&some, 1e6, 40);
    qbid_landscape_see(&some, 2e6, 60);
    assert_int_equal(qbid_landscape_fit(&none, NULL, 30, &curve), 0);
    assert_true(curve.samples == 0 && qbid_landscape_curve_at(&curve, 1e9) == 0);
    assert_int_equal(qbid_landscape_fit(&some, &curve, 30, &parent), 1);
    assert_int_equal(qbid_landscape_fit(&none, &parent, 30, &curve), 1);
    assert_memory_equal(&curve, &parent, sizeof curve);
    assert_true(fabs(qbid_landscape_curve_at(&curve, 1.5e6) - 0.4) < 1e-12);
    assert_true(qbid_landscape_curve_at(&curve, NAN) == 0);
    assert_true(qbid_landscape_curve_at(&curve, -5) == 0);
    assert_true(fabs(qbid_landscape_curve_at(&curve, 1e15) - 1) < 1e-12);
}

static void blending_prices_is_the_weighted_mean_of_the_two_distributions(void **state)
{
    (void)state;
    struct qbid_landscape a = {0}, b = {0};
    struct qbid_landscape_curve pa, pb, mixed;
    struct rng r = rng_init(2);
    for (int i = 0; i < 5000; i++)
        qbid_landscape_see(&a, market_price(&r) * MARKET_UNIT, 1);
    for (int i = 0; i < 20; i++)
        qbid_landscape_see(&b, market_price(&r) * MARKET_UNIT, 1);
    qbid_landscape_fit(&a, NULL, 0, &pa);
    qbid_landscape_fit(&b, NULL, 0, &pb);
    assert_int_equal(qbid_landscape_fit(&b, &pa, 30, &mixed), 1);
    for (int i = 0; i < QBID_LANDSCAPE_BINS; i++)
        assert_true(fabs(mixed.win[i] - (20 * pb.win[i] + 30 * pa.win[i]) / 50) < 1e-12);
    assert_true(mixed.samples == 5020);
}

static void a_parent_tells_the_part_that_a_segments_bids_never_reached(void **state)
{
    (void)state;
    struct qbid_landscape low = {0}, all = {0};
    struct qbid_landscape_curve parent, alone, blended;
    struct rng r = rng_init(3);
    for (int i = 0; i < 20000; i++) {
        double price = market_price(&r) * MARKET_UNIT;
        qbid_landscape_see(&all, price, 1);
        if (price <= 1e6)
            qbid_landscape_see(&low, price, 1);
        else
            qbid_landscape_lose(&low, 1e6, 1);
    }
    qbid_landscape_fit(&all, NULL, 0, &parent);
    qbid_landscape_fit(&low, NULL, 0, &alone);
    qbid_landscape_fit(&low, &parent, 30, &blended);
    assert_true(fabs(qbid_landscape_curve_at(&alone, 5e6) - market_win(1)) < 0.02);
    for (double b = 0.5; b < 8; b += 0.5)
        assert_true(fabs(qbid_landscape_curve_at(&blended, b * MARKET_UNIT) - market_win(b)) <
                    0.03);
}

/* Largest error of F over all edges, second price, bids at 0.65 of the market's values. */
static double sup_error(uint64_t seed, int n, int wins_only)
{
    struct qbid_landscape ls = {0};
    struct qbid_landscape_curve curve;
    struct rng r = rng_init(seed);
    double worst = 0;
    for (int i = 0; i < n; i++) {
        double price = market_price(&r), bid = 0.65 * market_value(&r);
        if (price <= bid)
            qbid_landscape_see(&ls, price * MARKET_UNIT, 1);
        else if (!wins_only)
            qbid_landscape_lose(&ls, bid * MARKET_UNIT, 1);
    }
    qbid_landscape_fit(&ls, NULL, 0, &curve);
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        worst =
            fmax(worst, fabs(curve.win[i] - market_win(qbid_landscape_edge(i + 1) / MARKET_UNIT)));
    return worst;
}

static void the_error_of_the_censored_estimate_falls_as_published(void **state)
{
    (void)state;
    const int n[] = {1000, 10000, 100000};
    const double allowed[] = {0.050, 0.018, 0.0056};
    for (int k = 0; k < 3; k++) {
        double mean = 0, top = 0;
        for (uint64_t seed = 1; seed <= 20; seed++) {
            double e = sup_error(seed, n[k], 0);
            mean += e / 20;
            top = fmax(top, e);
        }
        print_message("n = %6d: sup error mean %.4f, max %.4f; wins only %.3f\n", n[k], mean, top,
                      sup_error(1, n[k], 1));
        assert_true(mean <= allowed[k]);
        assert_true(sup_error(1, n[k], 1) > 0.25); /* what counting wins alone would give */
    }
}

/* A segment in which every bid is the same but for the Q rows' exploration, of the probability
 * given; largest error of F from that bid up to the highest action's. */
static double error_above_the_bid(uint64_t seed, double explore, int first_price)
{
    struct qbid_qlearner learner;
    struct qbid_qlearner_params params = qbid_qlearner_defaults();
    struct qbid_qrow rows[QBID_QSTATES];
    struct qbid_landscape ls = {0};
    struct qbid_landscape_curve curve;
    struct rng r = rng_init(seed);
    double worst = 0, propensity_sum = 0;
    const double paced = 1.0;
    params.explore = explore;
    qbid_qlearner_init(&learner);
    assert_int_equal(qbid_qlearner_rows(&learner, &params, rows), 0);
    for (int i = 0; i < 200000; i++) {
        uint32_t action;
        float propensity;
        double price = market_price(&r);
        double bid = paced * (double)qbid_qrow_pick(&rows[0], rng_next(&r), &action, &propensity);
        propensity_sum += 1 / (double)propensity / 200000;
        if (price <= bid && first_price)
            qbid_landscape_win(&ls, bid * MARKET_UNIT, 1);
        else if (price <= bid)
            qbid_landscape_see(&ls, price * MARKET_UNIT, 1);
        else
            qbid_landscape_lose(&ls, bid * MARKET_UNIT, 1);
    }
    /* propensities are those of the draws: the inverse of each action's sums to the auctions */
    assert_true(fabs(propensity_sum - (explore > 0 ? QBID_QLEARNER_ACTIONS : 1)) < 0.7);
    assert_int_equal(qbid_landscape_fit(&ls, NULL, 0, &curve), 1);
    double top = learner.multiplier[QBID_QLEARNER_ACTIONS - 1];
    for (int a = QBID_QLEARNER_NEUTRAL; a < QBID_QLEARNER_ACTIONS; a++)
        worst =
            fmax(worst,
                 fabs(qbid_landscape_curve_at(&curve, learner.multiplier[a] * paced * MARKET_UNIT) -
                      market_win(learner.multiplier[a] * paced)));
    /* a price that is told names every bid below the highest one; a win or a loss only the bids */
    for (double b = paced; b < top * paced && !first_price; b *= 1.01)
        worst = fmax(worst, fabs(qbid_landscape_curve_at(&curve, b * MARKET_UNIT) - market_win(b)));
    return worst;
}

static void exploration_tells_the_curve_above_the_bid(void **state)
{
    (void)state;
    for (int first_price = 0; first_price <= 1; first_price++) {
        for (int percent = 1; percent <= 3; percent++) {
            double mean = 0;
            for (uint64_t seed = 1; seed <= 5; seed++)
                mean += error_above_the_bid(seed, percent / 100.0, first_price) / 5;
            print_message("%s price, %d %% explored: sup error above the bid %.4f\n",
                          first_price ? "first" : "second", percent, mean);
            assert_true(mean <= 0.05);
        }
        double blind = error_above_the_bid(1, 0, first_price);
        print_message("%s price, nothing explored: %.4f\n", first_price ? "first" : "second",
                      blind);
        assert_true(blind >= 0.15);
    }
}

static void win_or_lose_feedback_finds_the_curve(void **state)
{
    (void)state;
    struct qbid_landscape ls = {0};
    struct qbid_landscape_curve curve;
    struct rng r = rng_init(5);
    for (int i = 0; i < 200000; i++) {
        double bid = market_value(&r);
        if (market_price(&r) <= bid)
            qbid_landscape_win(&ls, bid * MARKET_UNIT, 1);
        else
            qbid_landscape_lose(&ls, bid * MARKET_UNIT, 1);
    }
    assert_int_equal(qbid_landscape_fit(&ls, NULL, 0, &curve), 1);
    double worst = 0;
    for (double b = 0.8; b < 9; b *= 1.01) /* where there are bids */
        worst = fmax(worst, fabs(qbid_landscape_curve_at(&curve, b * MARKET_UNIT) - market_win(b)));
    print_message("win or lose, n = 200000: largest error %.4f\n", worst);
    assert_true(worst < 0.03);
    for (int i = 1; i < QBID_LANDSCAPE_BINS; i++)
        assert_true(curve.win[i] >= curve.win[i - 1] && curve.win[i] <= 1);
}

static void minimum_to_win_on_losses_with_untold_wins_finds_the_curve(void **state)
{
    (void)state;
    struct qbid_landscape ls = {0};
    struct qbid_landscape_curve curve;
    struct rng r = rng_init(6);
    for (int i = 0; i < 50000; i++) {
        double bid = market_value(&r), price = market_price(&r);
        if (price <= bid)
            qbid_landscape_win(&ls, bid * MARKET_UNIT, 1);
        else
            qbid_landscape_see(&ls, price * MARKET_UNIT, 1);
    }
    assert_int_equal(qbid_landscape_fit(&ls, NULL, 0, &curve), 1);
    for (double b = 1; b < 20; b *= 1.05)
        assert_true(fabs(qbid_landscape_curve_at(&curve, b * MARKET_UNIT) - market_win(b)) < 0.03);
}

static void mixing_decays_and_merges_counts(void **state)
{
    (void)state;
    struct qbid_landscape a = {0}, b = {0};
    qbid_landscape_see(&a, 1e6, 8);
    qbid_landscape_lose(&b, 1e6, 3);
    qbid_landscape_win(&b, 1e6, 1);
    qbid_landscape_mix(&a, 0.5, &b, 2);
    uint32_t i = qbid_landscape_bin(1e6);
    assert_true(a.seen[i] == 4 && a.lost[i] == 6 && a.won[i] == 2);
    qbid_landscape_mix(&a, 0.25, NULL, 0);
    assert_true(qbid_landscape_samples(&a) == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_price_falls_in_the_bin_whose_edges_hold_it),
        cmocka_unit_test(odd_prices_are_counted_at_the_ends_or_not_at_all),
        cmocka_unit_test(an_empty_segment_takes_its_parents_curve_or_knows_nothing),
        cmocka_unit_test(blending_prices_is_the_weighted_mean_of_the_two_distributions),
        cmocka_unit_test(a_parent_tells_the_part_that_a_segments_bids_never_reached),
        cmocka_unit_test(the_error_of_the_censored_estimate_falls_as_published),
        cmocka_unit_test(exploration_tells_the_curve_above_the_bid),
        cmocka_unit_test(win_or_lose_feedback_finds_the_curve),
        cmocka_unit_test(minimum_to_win_on_losses_with_untold_wins_finds_the_curve),
        cmocka_unit_test(mixing_decays_and_merges_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
