/* SPDX-License-Identifier: Apache-2.0 */
/* Spend, worth and the multipliers of a sample of auctions against sums written out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/landscape/landscape.h"
#include "control/models/pacing/market.h"
#include "control/models/landscape/shading.h"
#include "shm/error.h"
#include "tests/control/models/market.h"

#define N 2000

struct auctions {
    double value[N], price[N];
    struct qbid_market_point point[N];
    int cnt;
};

static void auctions_draw(struct auctions *a, struct rng *r, int cnt)
{
    a->cnt = cnt;
    for (int i = 0; i < cnt; i++) {
        a->value[i] = market_value(r) * MARKET_UNIT;
        a->price[i] = market_price(r) * MARKET_UNIT;
        a->point[i] =
            (struct qbid_market_point){a->value[i], a->price[i], QBID_MARKET_SEEN, 0, 0, 0, 0, 0};
    }
}

/* Mean spend and worth at alpha, second price, every price known. */
static double direct(const struct auctions *a, double alpha, int worth)
{
    double sum = 0;
    for (int i = 0; i < a->cnt; i++)
        if (alpha * a->value[i] >= a->price[i])
            sum += worth ? a->value[i] : a->price[i];
    return sum / a->cnt;
}

static void second_price_sums_are_the_means_over_the_sample(void **state)
{
    (void)state;
    static struct auctions a;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rng r = rng_init(seed);
        struct qbid_market m;
        auctions_draw(&a, &r, 1 + (int)rng_below(&r, 200));
        assert_int_equal(qbid_market_init(a.point, (uint32_t)a.cnt, NULL, &m), 0);
        for (double alpha = 0.05; alpha < 20; alpha *= 1.3) {
            assert_true(fabs(qbid_market_spend(&m, alpha) - direct(&a, alpha, 0)) < 1e-6);
            assert_true(fabs(qbid_market_worth(&m, alpha) - direct(&a, alpha, 1)) < 1e-6);
        }
        assert_true(qbid_market_spend(&m, 0) == 0 && qbid_market_spend(&m, NAN) == 0);
    }
}

/* Largest alpha that meets both limits, by bisection on the sums. */
static double bisected_alpha(const struct auctions *a, double rho, double scale)
{
    double low = 0, high = 64;
    for (int i = 0; i < 200; i++) {
        double mid = 0.5 * (low + high), spend = direct(a, mid, 0);
        if (spend <= rho && scale * direct(a, mid, 1) >= spend)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static void alpha_equals_bisection_and_the_best_of_a_fine_grid(void **state)
{
    (void)state;
    static struct auctions a;
    const double part[] = {0.1, 0.3, 0.6, 0.9};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct rng r = rng_init(seed);
        struct qbid_market m;
        auctions_draw(&a, &r, N);
        assert_int_equal(qbid_market_init(a.point, N, NULL, &m), 0);
        double rho = part[seed - 1] * direct(&a, 64, 0), scale = 0.9;
        double alpha = fmin(qbid_market_alpha_budget(&m, rho), qbid_market_alpha_goal(&m, scale));
        assert_true(fabs(alpha - bisected_alpha(&a, rho, scale)) < 1e-9);
        double best = 0;
        for (int k = 1; k <= 30000; k++) {
            double spend = qbid_market_spend(&m, k * 1e-4), worth = qbid_market_worth(&m, k * 1e-4);
            if (spend <= rho && scale * worth >= spend)
                best = fmax(best, worth);
        }
        assert_true(direct(&a, alpha, 1) >= 0.999 * best);
        assert_true(direct(&a, alpha, 0) <= rho);
        assert_true(scale * direct(&a, alpha, 1) >= direct(&a, alpha, 0));
    }
}

static void small_cases_meet_an_enumeration_of_all_multipliers(void **state)
{
    (void)state;
    static struct auctions a;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct rng r = rng_init(seed);
        struct qbid_market m;
        int cnt = 2 + (int)rng_below(&r, 8);
        auctions_draw(&a, &r, cnt);
        assert_int_equal(qbid_market_init(a.point, (uint32_t)cnt, NULL, &m), 0);
        double rho = rng_uniform(&r) * direct(&a, 1e9, 0), sup = 0;
        /* spend(alpha) only changes at the ratios: the answer is the first that spends too much */
        sup = INFINITY;
        for (int i = 0; i < cnt; i++) {
            double at = a.price[i] / a.value[i];
            if (direct(&a, at * (1 + 1e-12), 0) > rho)
                sup = fmin(sup, at);
        }
        assert_true(fabs(qbid_market_alpha_budget(&m, rho) - sup) < 1e-9 * sup);
    }
}

/* Mass of each price by the redistribute-to-the-right rule, one lost auction after the other. */
static double censored_spend(const struct auctions *a, const double *t, const int *lost, double at)
{
    double mass[N], sum = 0;
    int order[N];
    for (int i = 0; i < a->cnt; i++) {
        int k = i;
        for (; k > 0 && (t[order[k - 1]] > t[i] || (t[order[k - 1]] == t[i] && lost[order[k - 1]]));
             k--)
            order[k] = order[k - 1];
        order[k] = i;
        mass[i] = 1.0 / a->cnt;
    }
    for (int k = 0; k < a->cnt; k++) {
        int i = order[k];
        if (lost[i])
            for (int j = k + 1; j < a->cnt; j++)
                mass[order[j]] += mass[i] / (a->cnt - k - 1);
        else if (t[i] <= at)
            sum += mass[i] * a->price[i];
    }
    return sum;
}

static void lost_auctions_spread_over_the_prices_above_them(void **state)
{
    (void)state;
    static struct auctions a;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rng r = rng_init(seed);
        double t[N];
        int lost[N];
        struct qbid_market m;
        auctions_draw(&a, &r, 20 + (int)rng_below(&r, 100));
        for (int i = 0; i < a.cnt; i++) {
            double pace = 0.3 * (1 + rng_below(&r, 3)); /* three paces were in force: ties */
            lost[i] = a.price[i] > pace * a.value[i];
            t[i] = lost[i] ? pace : a.price[i] / a.value[i];
            if (lost[i]) {
                a.point[i].kind = QBID_MARKET_LOST;
                a.point[i].price_micros = pace * a.value[i];
                t[i] = a.point[i].price_micros / a.value[i];
            }
        }
        assert_int_equal(qbid_market_init(a.point, (uint32_t)a.cnt, NULL, &m), 0);
        for (double alpha = 0.1; alpha < 1; alpha += 0.07)
            assert_true(fabs(qbid_market_spend(&m, alpha) - censored_spend(&a, t, lost, alpha)) <
                        1e-6);
    }
}

static void above_the_sample_spend_goes_on_as_a_power_but_not_far(void **state)
{
    (void)state;
    struct qbid_market_point p[100];
    struct qbid_market m;
    for (int i = 0; i < 100; i++) /* spend(alpha) = alpha^2 / 2 up to 1 */
        p[i] = (struct qbid_market_point){1e6, 1e4 * (i + 1), QBID_MARKET_SEEN, 0, 0, 0, 0, 0};
    assert_int_equal(qbid_market_init(p, 100, NULL, &m), 0);
    double most = qbid_market_spend(&m, 1);
    assert_true(fabs(qbid_market_alpha_budget(&m, most * 1.21) - 1.1) < 0.01);
    assert_true(qbid_market_alpha_budget(&m, most * 1000) == QBID_MARKET_REACH);
    assert_true(qbid_market_alpha_goal(&m, 1) == QBID_MARKET_REACH);
}

static struct qbid_shade market_shade(void)
{
    static struct qbid_landscape none;
    struct qbid_landscape_curve curve = {.samples = 1e6};
    struct qbid_shade shade;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        curve.win[i] = market_win(qbid_landscape_edge(i + 1) / MARKET_UNIT);
    qbid_shading_build(&none, &curve, 0, 0, &shade);
    return shade;
}

static double direct_first(const struct auctions *a, const struct qbid_shade *shade, double alpha,
                           int worth)
{
    double sum = 0;
    for (int i = 0; i < a->cnt; i++) {
        double bid = (double)qbid_shade_eval(shade, (float)(alpha * a->value[i]));
        if (bid >= a->price[i])
            sum += worth ? a->value[i] : bid;
    }
    return sum / a->cnt;
}

static void first_price_with_known_prices_pays_its_own_bids(void **state)
{
    (void)state;
    static struct auctions a;
    struct qbid_shade shade = market_shade();
    struct rng r = rng_init(7);
    struct qbid_market m;
    auctions_draw(&a, &r, N);
    assert_int_equal(qbid_market_init(a.point, N, &shade, &m), 0);
    for (double alpha = 0.2; alpha < 8; alpha *= 1.2) {
        double spend = direct_first(&a, &shade, alpha, 0);
        double worth = direct_first(&a, &shade, alpha, 1);
        assert_true(fabs(qbid_market_spend(&m, alpha) - spend) <= 2e-3 * spend);
        assert_true(fabs(qbid_market_worth(&m, alpha) - worth) <= 2e-3 * worth);
        double back = qbid_market_alpha_budget(&m, spend);
        assert_true(fabs(qbid_market_spend(&m, back) - spend) <= 5e-3 * spend);
    }
    double goal = qbid_market_alpha_goal(&m, 0.7);
    assert_true(0.7 * qbid_market_worth(&m, goal) >= qbid_market_spend(&m, goal));
    assert_true(0.7 * qbid_market_worth(&m, goal * 1.02) < qbid_market_spend(&m, goal * 1.02));
}

/* Told only won or lost, the sample must still predict what another multiplier would spend. */
static void first_price_outcomes_predict_the_spend_of_other_multipliers(void **state)
{
    (void)state;
    static struct auctions a;
    struct qbid_shade shade = market_shade();
    struct rng r = rng_init(8);
    struct qbid_market m;
    auctions_draw(&a, &r, N);
    const double pace = 1.0;
    for (int i = 0; i < N; i++) {
        double e = pace * a.value[i];
        int won = (double)qbid_shade_eval(&shade, (float)e) >= a.price[i];
        a.point[i].kind = won ? QBID_MARKET_WON : QBID_MARKET_LOST;
        a.point[i].price_micros = e;
    }
    assert_int_equal(qbid_market_init(a.point, N, &shade, &m), 0);
    for (double alpha = 0.5; alpha < 2.1; alpha *= 1.15) {
        double spend = direct_first(&a, &shade, alpha, 0);
        assert_true(fabs(qbid_market_spend(&m, alpha) / spend - 1) < 0.05);
        assert_true(qbid_market_spend(&m, alpha * 1.01) >= qbid_market_spend(&m, alpha));
    }
}

static void odd_points_count_as_auctions_that_nobody_wins(void **state)
{
    (void)state;
    const double odd[] = {NAN, INFINITY, -1, -INFINITY};
    for (int first = 0; first <= 1; first++) {
        struct qbid_shade shade = market_shade();
        struct qbid_market_point p[10];
        struct qbid_market m;
        for (int i = 0; i < 10; i++)
            p[i] = (struct qbid_market_point){2e6, 1e6, QBID_MARKET_SEEN, 0, 0, 0, 0, 0};
        for (int i = 0; i < 4; i++)
            p[i].value_micros = odd[i];
        for (int i = 4; i < 8; i++)
            p[i].price_micros = odd[i - 4];
        assert_int_equal(qbid_market_init(p, 10, first ? &shade : NULL, &m), 0);
        double each = first ? (double)qbid_shade_eval(&shade, 2e7f) : 1e6;
        assert_true(fabs(qbid_market_spend(&m, 10) - 0.2 * each) < 1e-6 * each);
        assert_true(isfinite(qbid_market_alpha_budget(&m, 5e5)));
    }
    struct qbid_market_point dead = {0, 1e6, QBID_MARKET_SEEN, 0, 0, 0, 0, 0};
    struct qbid_market m;
    assert_int_equal(qbid_market_init(&dead, 1, NULL, &m), 0);
    assert_true(qbid_market_alpha_budget(&m, 1e6) == 0 && qbid_market_alpha_goal(&m, 1) == 0);
    assert_true(qbid_market_alpha_budget(&m, NAN) == 0 && qbid_market_alpha_goal(&m, NAN) == 0);
    assert_int_equal(qbid_market_init(&dead, 0, NULL, &m), QBID_ERR_INVAL);
    assert_int_equal(qbid_market_init(&dead, QBID_MARKET_POINTS_MAX + 1, NULL, &m), QBID_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_price_sums_are_the_means_over_the_sample),
        cmocka_unit_test(alpha_equals_bisection_and_the_best_of_a_fine_grid),
        cmocka_unit_test(small_cases_meet_an_enumeration_of_all_multipliers),
        cmocka_unit_test(lost_auctions_spread_over_the_prices_above_them),
        cmocka_unit_test(above_the_sample_spend_goes_on_as_a_power_but_not_far),
        cmocka_unit_test(first_price_with_known_prices_pays_its_own_bids),
        cmocka_unit_test(first_price_outcomes_predict_the_spend_of_other_multipliers),
        cmocka_unit_test(odd_points_count_as_auctions_that_nobody_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
