/* SPDX-License-Identifier: Apache-2.0 */
/* The table lambda(rho) against the market it is made from. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/pacing/resolving.h"
#include "control/models/landscape/shading.h"
#include "tests/control/models/market.h"

#define POINTS 1000

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

/* A sample under pace 0.6: prices won are seen (second price) or not, others are lost. */
static void points_draw(struct rng *r, int first, struct qbid_market_point *p)
{
    for (int i = 0; i < POINTS; i++) {
        double value = market_value(r) * MARKET_UNIT, price = market_price(r) * MARKET_UNIT;
        int won = 0.6 * value >= price;
        p[i] = (struct qbid_market_point){.value_micros = value, .price_micros = 0.6 * value};
        p[i].kind = !won ? QBID_MARKET_LOST : first ? QBID_MARKET_WON : QBID_MARKET_SEEN;
        if (won && !first)
            p[i].price_micros = price;
    }
}

/* Both are steps in second price: within a knot the spend may jump by a point's weight. */
static void table_is_the_market(int first, double alpha_off, double spend_off)
{
    static struct qbid_market_point p[POINTS];
    struct qbid_shade shade = market_shade();
    struct qbid_resolving table;
    struct qbid_market m;
    double worst = 0, worst_goal = 0, worst_spend = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct rng r = rng_init(seed);
        points_draw(&r, first, p);
        assert_int_equal(qbid_market_init(p, POINTS, first ? &shade : NULL, &m), 0);
        qbid_resolving_build(&m, &table);
        double scale = qbid_market_spend(&m, 1), last = 0;
        for (double rho = 0.01 * scale; rho < 3 * scale; rho *= 1.07) {
            double want = qbid_market_alpha_budget(&m, rho);
            double have = qbid_resolving_alpha_budget(&table, rho);
            assert_true(have >= last);
            last = have;
            worst = fmax(worst, fabs(log(have / want)));
            double spend = qbid_market_spend(&m, have); /* what it leads to */
            if (rho < table.most)
                worst_spend = fmax(worst_spend, fabs(spend - rho) / (rho + 0.01 * scale));
        }
        for (double s = 0.1; s < 1.5; s *= 1.1) {
            double want = qbid_market_alpha_goal(&m, s),
                   have = qbid_resolving_alpha_goal(&table, s);
            if (want < 64 && want > 1.0 / 64)
                worst_goal = fmax(worst_goal, fabs(log(have / want)));
        }
        for (double alpha = 0.05; alpha < 1; alpha *= 1.1)
            assert_true(fabs(qbid_resolving_spend(&table, alpha) - qbid_market_spend(&m, alpha)) <
                        0.01 * scale);
    }
    print_message("%s price: multiplier off by %.4f at most, spend by %.4f, the goal's by %.4f\n",
                  first ? "first" : "second", worst, worst_spend, worst_goal);
    assert_true(worst < alpha_off && worst_goal < alpha_off && worst_spend < spend_off);
}

static void the_table_is_the_market_in_second_price(void **state)
{
    (void)state;
    table_is_the_market(0, 0.033, 0.1);
}

static void the_table_is_the_market_in_first_price(void **state)
{
    (void)state;
    table_is_the_market(1, 0.01, 0.02);
}

static void a_sample_that_cannot_be_won_gives_no_multiplier(void **state)
{
    (void)state;
    struct qbid_market_point p[3];
    struct qbid_resolving table;
    struct qbid_market m;
    memset(p, 0, sizeof p);
    for (int i = 0; i < 3; i++)
        p[i] = (struct qbid_market_point){.value_micros = 0, .price_micros = 5};
    assert_int_equal(qbid_market_init(p, 3, NULL, &m), 0);
    qbid_resolving_build(&m, &table);
    assert_true(qbid_resolving_alpha_budget(&table, 5) == 0);
    assert_true(qbid_resolving_alpha_goal(&table, 1) == 0);
    assert_true(qbid_resolving_spend(&table, 1) == 0);
    p[0] = (struct qbid_market_point){.value_micros = 1e6, .price_micros = 1e6};
    assert_int_equal(qbid_market_init(p, 3, NULL, &m), 0);
    qbid_resolving_build(&m, &table);
    assert_true(qbid_resolving_alpha_budget(&table, NAN) == 0);
    assert_true(qbid_resolving_alpha_budget(&table, -1) == 0);
    assert_true(qbid_resolving_alpha_budget(&table, 1e300) <= QBID_MARKET_REACH + 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_the_market_in_second_price),
        cmocka_unit_test(the_table_is_the_market_in_first_price),
        cmocka_unit_test(a_sample_that_cannot_be_won_gives_no_multiplier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
