/* SPDX-License-Identifier: Apache-2.0 */
/* The correction's situations by hand, and tables that are sound, damaged, stale and hostile. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/qlearning/correction.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

static struct qbid_pacing_in day_at(double done, double spent_part)
{
    return (struct qbid_pacing_in){
        .budget_nanos = 1e9, .spent_nanos = spent_part * 1e9, .plan_done = done, .plan_step = 0.01};
}

static void situations_by_hand(void **state)
{
    (void)state;
    struct qbid_correction_memory memory = {0, 0};
    struct qbid_situation s;
    struct qbid_pacing_state pacing = {.alpha_budget = 0.5,
                                       .rho_nanos = 100,
                                       .window_observed_nanos = 5000,
                                       .window_auctions = 100};
    struct qbid_pacing_in in = day_at(0.25, 0.625); /* half of what the plan would have left */
    assert_int_equal(qbid_correction_situation(&in, &pacing, 0.3, &memory, &s), 0);
    const double want[] = {0.5, -1, -1, 0, -0.4, 0};
    for (int i = 0; i < QBID_CORRECTION_FEATURES; i++)
        assert_true(fabs(s.x[i] - want[i]) < 1e-12);
    in = day_at(0.26, 0.26 * 1.1);
    in.has_cap = 1;
    in.worth_realised_nanos = 3;
    in.worth_spent_nanos = 4;
    pacing.alpha_budget = 0.5 * sqrt(sqrt(2));
    assert_int_equal(qbid_correction_situation(&in, &pacing, 1, &memory, &s), 0);
    assert_true(fabs(s.x[QBID_CORRECTION_BUDGET] - log2((1 - 0.286) / 0.74)) < 1e-12);
    assert_true(fabs(s.x[QBID_CORRECTION_GOAL] - log2(0.75)) < 1e-12);
    assert_true(fabs(s.x[QBID_CORRECTION_TREND] - 0.5) < 1e-12); /* a quarter octave above -1 */
    assert_true(fabs(memory.alpha_lg / memory.weight - (0.02 * -1 + 0.01 * -0.75) / 0.03) < 1e-12);
}

static void impossible_situations_are_refused_and_numbers_stay_in_range(void **state)
{
    (void)state;
    struct rng r = rng_init(3);
    const double odd[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e-300, 1e300, 0.5};
    int refused = 0, taken = 0;
    for (int n = 0; n < 20000; n++) {
        struct qbid_correction_memory memory = {odd[rng_below(&r, 8)], odd[rng_below(&r, 8)]};
        struct qbid_pacing_in in = day_at(0.5, 0.5);
        struct qbid_pacing_state pacing = {.alpha_budget = 0.5, .rho_nanos = 1};
        double *field[] = {&in.budget_nanos,
                           &in.spent_nanos,
                           &in.plan_done,
                           &in.plan_step,
                           &in.worth_realised_nanos,
                           &in.worth_spent_nanos,
                           &pacing.alpha_budget,
                           &pacing.rho_nanos,
                           &pacing.window_auctions,
                           &pacing.window_observed_nanos};
        double wins = n % 7 ? 0.2 : odd[rng_below(&r, 8)];
        in.has_cap = n & 1;
        for (int k = n % 3; k > 0; k--)
            *field[rng_below(&r, 10)] = odd[rng_below(&r, 8)];
        struct qbid_situation s;
        int err = qbid_correction_situation(&in, &pacing, wins, &memory, &s);
        refused += err != 0;
        taken += err == 0;
        for (int i = 0; i < QBID_CORRECTION_FEATURES; i++)
            assert_true(s.x[i] >= -1 && s.x[i] <= 1 && (err == 0 || s.x[i] == 0));
    }
    assert_true(refused > 1000 && taken > 1000);
}

/* Edges of every feature and a step for every state, drawn. */
static struct qbid_correction_table *table_draw(uint64_t seed)
{
    struct rng r = rng_init(seed);
    struct qbid_correction_table *table = malloc(sizeof *table);
    assert_non_null(table);
    qbid_correction_init(table);
    const uint32_t edges[QBID_CORRECTION_FEATURES] = {5, 5, 3, 2, 3, 7};
    for (int f = 0; f < QBID_CORRECTION_FEATURES; f++) {
        table->edge_cnt[f] = edges[f];
        for (uint32_t i = 0; i < edges[f]; i++)
            table->edge[f][i] = (float)(-0.9 + 1.8 * (i + rng_uniform(&r)) / edges[f]);
    }
    for (uint32_t s = 0; s < QBID_CORRECTION_STATES_MAX; s++)
        table->step_lg[s] = (float)qbid_correction_step(rng_below(&r, QBID_CORRECTION_ACTIONS));
    qbid_correction_seal(table, 1000, 2000);
    return table;
}

/* Bucket by counting down from the top: another way to the same index. */
static uint32_t state_plain(const struct qbid_correction_table *t, const struct qbid_situation *s)
{
    uint32_t state = 0, weight = 1;
    for (int f = QBID_CORRECTION_FEATURES; f-- > 0;) {
        uint32_t bucket = t->edge_cnt[f];
        while (bucket > 0 && s->x[f] < (double)t->edge[f][bucket - 1])
            bucket--;
        state += weight * bucket;
        weight *= t->edge_cnt[f] + 1;
    }
    return state;
}

static void steps_are_found_by_state(void **state)
{
    (void)state;
    struct qbid_correction_table *t = table_draw(1);
    struct rng r = rng_init(2);
    assert_int_equal(t->state_cnt, 6 * 6 * 4 * 3 * 4 * 8);
    assert_int_equal(qbid_correction_check(t, 1500), 0);
    for (int n = 0; n < 20000; n++) {
        struct qbid_situation s;
        double step;
        for (int f = 0; f < QBID_CORRECTION_FEATURES; f++)
            s.x[f] = n % 10 ? 2 * rng_uniform(&r) - 1
                            : (double)t->edge[f][rng_below(&r, t->edge_cnt[f])];
        uint32_t want = state_plain(t, &s);
        assert_int_equal(qbid_correction_state(t, &s), want);
        assert_int_equal(qbid_correction_find(t, &s, 1500, &step), 0);
        assert_true(step == (double)t->step_lg[want] && fabs(step) < 0.3 + 1e-6);
    }
    free(t);
}

static void damaged_and_stale_tables_are_refused(void **state)
{
    (void)state;
    struct qbid_correction_table *t = table_draw(4), *spare = malloc(sizeof *spare);
    assert_non_null(spare);
    assert_int_equal(qbid_correction_check(t, 1999), 0);
    assert_int_equal(qbid_correction_check(t, 2000), QBID_ERR_STALE);
    unsigned char *byte = (unsigned char *)t;
    for (size_t bit = 0; bit < 8 * sizeof *t; bit += bit < 2000 ? 1 : 60013) {
        byte[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_true(qbid_correction_check(t, 1500) < 0);
        byte[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    const float odd[] = {NAN, INFINITY, -INFINITY, 0.31f, -0.31f, 1e30f};
    for (int i = 0; i < 6; i++) { /* sealed anew: by a maker that is itself at fault */
        memcpy(spare, t, sizeof *t);
        spare->step_lg[t->state_cnt - 1] = odd[i];
        qbid_correction_seal(spare, 1000, 2000);
        assert_int_equal(qbid_correction_check(spare, 1500), QBID_ERR_CORRUPT);
        memcpy(spare, t, sizeof *t);
        spare->edge[5][3] = i < 3 ? odd[i] : -2;
        qbid_correction_seal(spare, 1000, 2000);
        assert_int_equal(qbid_correction_check(spare, 1500), QBID_ERR_CORRUPT);
    }
    memcpy(spare, t, sizeof *t);
    spare->edge_cnt[1] = QBID_CORRECTION_EDGES_MAX + 1;
    qbid_correction_seal(spare, 1000, 2000);
    assert_int_equal(qbid_correction_check(spare, 1500), QBID_ERR_CORRUPT);
    for (int f = 0; f < QBID_CORRECTION_FEATURES; f++)
        spare->edge_cnt[f] = QBID_CORRECTION_EDGES_MAX; /* 262,144 states */
    qbid_correction_seal(spare, 1000, 2000);
    assert_int_equal(qbid_correction_check(spare, 1500), QBID_ERR_CORRUPT);
    free(spare);
    free(t);
}

static void a_table_that_goes_bad_in_memory_gives_no_step(void **state)
{
    (void)state;
    struct qbid_correction_table *t = table_draw(5);
    struct qbid_situation s = {{0.1, 0.2, 0.3, 0, -0.3, 0.5}};
    const float odd[] = {NAN, INFINITY, -INFINITY, 0.31f, -5, 1e-30f};
    for (int i = 0; i < 6; i++) {
        double step = 9;
        t->step_lg[qbid_correction_state(t, &s)] = odd[i];
        assert_int_equal(qbid_correction_find(t, &s, 1500, &step), i < 5 ? QBID_ERR_CORRUPT : 0);
        assert_true(fabs(step) < 1e-20);
    }
    double step = 9;
    assert_int_equal(qbid_correction_find(t, &s, 2000, &step), QBID_ERR_STALE);
    assert_true(step == 0);
    s.x[2] = NAN;
    assert_int_equal(qbid_correction_find(t, &s, 1500, &step), QBID_ERR_INVAL);
    s.x[2] = 1.5;
    assert_int_equal(qbid_correction_find(t, &s, 1500, &step), QBID_ERR_INVAL);
    memset(t->edge_cnt, 0xff, sizeof t->edge_cnt); /* no index may leave the table */
    s.x[2] = 0.5;
    assert_true(qbid_correction_state(t, &s) < QBID_CORRECTION_STATES_MAX);
    for (int f = 0; f < QBID_CORRECTION_FEATURES; f++)
        t->edge_cnt[f] = QBID_CORRECTION_EDGES_MAX;
    for (int f = 0; f < QBID_CORRECTION_FEATURES; f++)
        s.x[f] = 1;
    assert_true(qbid_correction_state(t, &s) < QBID_CORRECTION_STATES_MAX);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(situations_by_hand),
        cmocka_unit_test(impossible_situations_are_refused_and_numbers_stay_in_range),
        cmocka_unit_test(steps_are_found_by_state),
        cmocka_unit_test(damaged_and_stale_tables_are_refused),
        cmocka_unit_test(a_table_that_goes_bad_in_memory_gives_no_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
