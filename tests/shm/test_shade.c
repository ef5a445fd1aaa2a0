/* SPDX-License-Identifier: Apache-2.0 */
/* The shade table: lookup by float bits against a search over the knots. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "shm/shade.h"
#include "tests/control/models/rng.h"

/* The definition, by a search: bids of the knots around e, interpolated; ratios held at the ends.
 */
static double eval_by_search(const struct qbid_shade *shade, double e)
{
    int last = QBID_SHADE_KNOTS - 1;
    if (e <= (double)qbid_shade_knot(0))
        return e * (double)shade->ratio[0];
    if (e >= (double)qbid_shade_knot((uint32_t)last))
        return e * (double)shade->ratio[last];
    int i = 0;
    while ((double)qbid_shade_knot((uint32_t)i + 1) <= e)
        i++;
    double a = (double)qbid_shade_knot((uint32_t)i), b = (double)qbid_shade_knot((uint32_t)i + 1);
    double ra = (double)shade->ratio[i], rb = (double)shade->ratio[i + 1];
    return a * ra + (e - a) / (b - a) * (b * rb - a * ra);
}

static void knots_lie_four_to_the_octave_over_sixteen_octaves(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) {
        double want = ldexp(1 + (i % 4) / 4.0, QBID_SHADE_BASE_LG + (int)(i / 4));
        assert_true((double)qbid_shade_knot(i) == want);
    }
}

static void the_identity_table_returns_the_value_itself(void **state)
{
    (void)state;
    struct qbid_shade shade;
    struct rng r = rng_init(1);
    qbid_shade_identity(&shade);
    for (int i = 0; i < 100000; i++) {
        float e = (float)exp(log(1e-3) + rng_uniform(&r) * log(1e15));
        assert_true(qbid_shade_eval(&shade, e) == e);
    }
}

static void lookup_by_bits_equals_a_search_over_the_knots(void **state)
{
    (void)state;
    struct qbid_shade shade;
    struct rng r = rng_init(2);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < QBID_SHADE_KNOTS; i++) {
            shade.ratio[i] = (float)rng_uniform(&r);
            shade.win[i] = (float)rng_uniform(&r);
        }
        for (int i = 0; i < 2000; i++) {
            float e = (float)exp(log(100.0) + rng_uniform(&r) * log(1e8));
            double want = eval_by_search(&shade, (double)e);
            want = want < (double)e ? want : (double)e;
            assert_true(fabs((double)qbid_shade_eval(&shade, e) - want) <= 3e-7 * (double)e);
        }
    }
}

static void a_knot_returns_its_own_ratio_and_win_probability(void **state)
{
    (void)state;
    struct qbid_shade shade;
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) {
        shade.ratio[i] = (float)(i + 1) / 128.0f;
        shade.win[i] = (float)i / 64.0f;
    }
    for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) {
        assert_true(qbid_shade_eval(&shade, qbid_shade_knot(i)) ==
                    qbid_shade_knot(i) * shade.ratio[i]);
        assert_true(qbid_shade_win(&shade, qbid_shade_knot(i)) == shade.win[i]);
    }
    assert_true(qbid_shade_win(&shade, 1e30f) == shade.win[QBID_SHADE_KNOTS - 1]);
    assert_true(qbid_shade_win(&shade, 1e-30f) == shade.win[0]);
}

static void the_bid_is_monotone_in_the_value_when_the_knots_are(void **state)
{
    (void)state;
    struct qbid_shade shade;
    struct rng r = rng_init(3);
    for (int round = 0; round < 100; round++) {
        double bid = 0;
        for (uint32_t i = 0; i < QBID_SHADE_KNOTS; i++) { /* a random rising staircase of bids */
            double top = (double)qbid_shade_knot(i);
            if (rng_uniform(&r) < 0.3)
                bid += (top - bid) * rng_uniform(&r);
            shade.ratio[i] = (float)(bid / top);
        }
        float last = 0;
        for (float e = 3000; e < 4e8f; e *= 1.003f) {
            float b = qbid_shade_eval(&shade, e);
            assert_true(b >= last * (1 - 1e-6f));
            last = b;
        }
    }
}

static void hostile_values_bid_nothing(void **state)
{
    (void)state;
    struct qbid_shade shade;
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0f, -0.0f, -1.0f, -3e38f};
    qbid_shade_identity(&shade);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(qbid_shade_eval(&shade, bad[i]) == 0);
        assert_true(qbid_shade_win(&shade, bad[i]) == 0);
    }
    assert_true(qbid_shade_eval(&shade, 1e-40f) <= 1e-40f);
    assert_true(qbid_shade_eval(&shade, 3.4e38f) <= 3.4e38f);
}

static void a_hostile_table_never_bids_above_the_value(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY, -1.0f, 2.0f, 3e38f, 0.5f};
    struct qbid_shade shade;
    struct rng r = rng_init(4);
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < QBID_SHADE_KNOTS; i++) {
            shade.ratio[i] = bad[rng_below(&r, 7)];
            shade.win[i] = bad[rng_below(&r, 7)];
        }
        for (int i = 0; i < 50; i++) {
            float e = (float)exp(log(100.0) + rng_uniform(&r) * log(1e8));
            float b = qbid_shade_eval(&shade, e);
            float w = qbid_shade_win(&shade, e);
            assert_true(b >= 0 && b <= e);
            assert_true(w >= 0 && w <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knots_lie_four_to_the_octave_over_sixteen_octaves),
        cmocka_unit_test(the_identity_table_returns_the_value_itself),
        cmocka_unit_test(lookup_by_bits_equals_a_search_over_the_knots),
        cmocka_unit_test(a_knot_returns_its_own_ratio_and_win_probability),
        cmocka_unit_test(the_bid_is_monotone_in_the_value_when_the_knots_are),
        cmocka_unit_test(hostile_values_bid_nothing),
        cmocka_unit_test(a_hostile_table_never_bids_above_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
