/* SPDX-License-Identifier: Apache-2.0 */
/* The Q row: what is drawn, how often, and that no bad row can move a bid. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/qtable.h"
#include "tests/control/models/rng.h"

static struct qbid_qrow make_row(uint8_t n, uint8_t greedy, double explore)
{
    struct qbid_qrow row = {.n = n, .greedy = greedy};
    row.explore_q32 = (uint32_t)(explore * 4294967296.0);
    for (int i = 0; i < QBID_QROW_ACTIONS; i++)
        row.ratio[i] = i < n ? powf(1.2f, (float)(i - greedy)) : 1.0f;
    return row;
}

static void states_cover_the_grid_of_buckets_once(void **state)
{
    (void)state;
    const float fifth[] = {0.1f, 0.3f, 0.5f, 0.7f, 0.9f};
    const float win[] = {0.01f, 0.1f, 0.2f, 0.7f};
    uint32_t want = 0;
    for (int b = 0; b < 5; b++)
        for (int t = 0; t < 5; t++)
            for (int w = 0; w < 4; w++)
                assert_int_equal(qbid_qstate(fifth[b], fifth[t], win[w]), want++);
    assert_int_equal(want, QBID_QSTATES);
}

static void states_of_values_outside_the_unit_interval_stay_in_range(void **state)
{
    (void)state;
    assert_int_equal(qbid_qstate(NAN, NAN, NAN), 0);
    assert_int_equal(qbid_qstate(-1, -INFINITY, -1e30f), 0);
    assert_int_equal(qbid_qstate(1.5f, INFINITY, 2), QBID_QSTATES - 1);
    assert_int_equal(qbid_qstate(0.2f, 0.8f, 0.05f), (1 * 5 + 4) * 4 + 1);
}

static void draws_follow_the_stated_propensities(void **state)
{
    (void)state;
    struct qbid_qrow row = make_row(7, 3, 0.03);
    struct rng r = rng_init(5);
    int count[QBID_QROW_ACTIONS] = {0};
    double stated[QBID_QROW_ACTIONS] = {0};
    const int draws = 2000000;
    for (int i = 0; i < draws; i++) {
        uint32_t action;
        float propensity;
        float ratio = qbid_qrow_pick(&row, rng_next(&r), &action, &propensity);
        assert_true(action < 7 && ratio == row.ratio[action]);
        count[action]++;
        stated[action] = (double)propensity;
    }
    double chi2 = 0, total = 0;
    for (int a = 0; a < 7; a++) {
        double want = draws * stated[a];
        chi2 += (count[a] - want) * (count[a] - want) / want;
        total += stated[a];
    }
    assert_true(fabs(stated[3] - 0.97) < 1e-6);
    assert_true(fabs(total - 1) < 1e-6);
    assert_true(chi2 < 22.458); /* p = 0.001 at 6 degrees of freedom */
}

static void a_row_of_one_action_or_no_exploration_is_greedy_with_propensity_one(void **state)
{
    (void)state;
    struct qbid_qrow one = make_row(1, 0, 0.5), still = make_row(5, 2, 0);
    struct rng r = rng_init(6);
    for (int i = 0; i < 1000; i++) {
        uint32_t action;
        float propensity;
        assert_true(qbid_qrow_pick(&one, rng_next(&r), &action, &propensity) == 1.0f);
        assert_true(action == 0 && propensity == 1.0f);
        assert_true(qbid_qrow_pick(&still, rng_next(&r), &action, &propensity) == 1.0f);
        assert_true(action == 2 && propensity == 1.0f);
    }
}

static void assert_row_is_inert(const struct qbid_qrow *row)
{
    struct rng r = rng_init(7);
    assert_false(qbid_qrow_valid(row));
    for (int i = 0; i < 200; i++) {
        uint32_t action = 99;
        float propensity = -1;
        assert_true(qbid_qrow_pick(row, rng_next(&r), &action, &propensity) == 1.0f);
        assert_true(action == 0 && propensity == 1.0f);
    }
}

static void invalid_rows_leave_the_bid_alone(void **state)
{
    (void)state;
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0f, -1.0f, 0.2499f, 4.0001f, 1e30f};
    assert_row_is_inert(&(struct qbid_qrow){0});
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (int a = 0; a < QBID_QROW_ACTIONS; a++) {
            struct qbid_qrow row = make_row(6, 1, 0.5);
            assert_true(qbid_qrow_valid(&row));
            row.ratio[a] = bad[i];
            assert_row_is_inert(&row);
        }
    }
    struct qbid_qrow row = make_row(8, 0, 0.5);
    row.greedy = 8;
    assert_row_is_inert(&row);
    row = make_row(8, 0, 0.5);
    row.n = 9;
    assert_row_is_inert(&row);
    row = make_row(8, 0, 0.5);
    row.n = 0;
    assert_row_is_inert(&row);
}

static void the_limits_of_the_ratio_are_themselves_allowed(void **state)
{
    (void)state;
    struct qbid_qrow row = make_row(3, 1, 0.02);
    row.ratio[0] = QBID_QROW_RATIO_MIN;
    row.ratio[2] = QBID_QROW_RATIO_MAX;
    assert_true(qbid_qrow_valid(&row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_cover_the_grid_of_buckets_once),
        cmocka_unit_test(states_of_values_outside_the_unit_interval_stay_in_range),
        cmocka_unit_test(draws_follow_the_stated_propensities),
        cmocka_unit_test(a_row_of_one_action_or_no_exploration_is_greedy_with_propensity_one),
        cmocka_unit_test(invalid_rows_leave_the_bid_alone),
        cmocka_unit_test(the_limits_of_the_ratio_are_themselves_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
