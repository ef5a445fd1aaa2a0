/* SPDX-License-Identifier: Apache-2.0 */
/* An allowance in forced orders: a tick of the ledger runs while a reservation stands between its
 * check and its store, and a reservation runs while a tick stands between its sample and its clock,
 * or before the store, or before the limits. Broken versions of the two sides are in
 * tests/race/broken/. */
#include "tests/race/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/ledger/ledger.h"
#include "fastpath/reserve.h"
#include "tests/fastpath/stage.h"

#ifndef RESERVE
#define RESERVE qbid_allowance_reserve
#endif

#define BUDGET_NANOS INT64_C(1000000000) /* grants halve near its end, down to a bid */
#define BID_MICROS 1000
#define NS_PER_TICK UINT64_C(100000000)
#define TICKS 30

struct money {
    struct stage stage;
    struct qbid_ledger *ledger;
    uint64_t now_ns;
    bool in_clock, in_persist; /* a reservation is made there */
    uint64_t made;             /* reservations that were granted */
    int64_t limit;             /* in the live page when the tick began */
    uint64_t early, asked;     /* limits found raised, times that the store was asked */
};

static int64_t limit_of(const struct money *m)
{
    return atomic_load(&m->stage.live.limit[STAGE_SLOT * STAGE_BUDGETS]);
}

static void reserve(void *context)
{
    struct money *m = context;
    m->made += RESERVE(&m->stage.view, 0, BID_MICROS, true);
}

static void use_up(struct money *m)
{
    uint64_t made;
    do {
        made = m->made;
        reserve(m);
    } while (m->made != made);
}

/* Between the sample of committed and all that is done with it. */
static uint64_t clock_of(void *context)
{
    struct money *m = context;
    if (m->in_clock)
        reserve(m);
    return m->now_ns += NS_PER_TICK;
}

/* Between the plan and the raise. */
static int persist(void *context, const struct qbid_ledger_row *rows, uint32_t cnt)
{
    struct money *m = context;
    (void)rows;
    (void)cnt;
    m->asked++;
    m->early += limit_of(m) != m->limit;
    if (m->in_persist)
        reserve(m);
    return 0;
}

static void tick(void *context)
{
    struct money *m = context;
    m->limit = limit_of(m);
    assert_true(qbid_ledger_tick(m->ledger, &m->stage.live, clock_of, m, persist, m) >= 0);
    assert_int_equal(qbid_ledger_check(m->ledger), -1);
    assert_int_equal(qbid_ledger_counters_load(m->ledger).blocked, 0);
    assert_true(limit_of(m) <= BUDGET_NANOS);
    assert_true(qbid_ledger_exposure(m->ledger, 0) <= BUDGET_NANOS);
}

static void open_money(struct money *m)
{
    memset(m, 0, sizeof *m);
    m->now_ns = STAGE_NOW_NS;
    stage_init(&m->stage);
    stage_line_item(&m->stage, (struct qbid_line_item){.id = 1, .value_micros = 1e3f});
    stage_open(&m->stage);
    for (uint32_t b = 0; b < STAGE_BUDGETS; b++)
        stage_set_limit(&m->stage, b, 0);
    struct qbid_ledger_params params = {.shape = m->stage.live.shape,
                                        .bucket_ns = NS_PER_TICK,
                                        .notice_ttl_ns = 1000 * NS_PER_TICK,
                                        .grace_ns = NS_PER_TICK,
                                        .lease_ns = 100 * NS_PER_TICK,
                                        .grant_ppm = 1000,
                                        .grant_nanos_min = 3 * BID_MICROS};
    assert_int_equal(qbid_ledger_new(&params, &m->ledger), 0);
    assert_int_equal(qbid_ledger_set_budget(m->ledger, 0, BUDGET_NANOS), 0);
    assert_int_equal(
        qbid_ledger_attach(m->ledger, STAGE_SLOT, STAGE_UID, &m->stage.page, m->now_ns), 0);
    tick(m);
    tick(m);
    assert_true(limit_of(m) >= BID_MICROS);
}

static void close_money(struct money *m)
{
    assert_int_equal(stage_committed(&m->stage, 0), (int64_t)m->made * BID_MICROS);
    assert_true(stage_committed(&m->stage, 0) <= limit_of(m));
    qbid_ledger_free(m->ledger);
    stage_done(&m->stage);
}

/* limit loaded and compared, tick, committed stored: the tick must not see money that was not
 * granted, and the store must not pass the limit. Also when there is no allowance left. */
static void a_tick_inside_a_reservation_sees_no_more_than_the_limit(void **state)
{
    (void)state;
    struct money m;
    open_money(&m);
    for (int i = 0; i < TICKS; i++) {
        race_hook_arm("reserve:checked", tick, &m, 1);
        reserve(&m);
        assert_true(stage_committed(&m.stage, 0) <= limit_of(&m));
        race_hook_arm("reserve:checked", tick, &m, 0);
        use_up(&m);
        race_hook_arm("reserve:checked", tick, &m, 1);
        reserve(&m); /* nothing is left: the point is not even reached */
        race_hook_arm("reserve:checked", tick, &m, 0);
        assert_true(stage_committed(&m.stage, 0) + BID_MICROS > limit_of(&m));
        tick(&m);
    }
    assert_true(m.made > TICKS);
    close_money(&m);
}

static void no_limit_is_raised_before_the_store_knows(void **state)
{
    (void)state;
    struct money m;
    uint64_t raises = 0;
    open_money(&m);
    for (int i = 0; i < TICKS; i++) {
        m.in_persist = i % 2 != 0;
        use_up(&m);
        tick(&m);
        raises += limit_of(&m) > m.limit;
    }
    assert_int_equal(m.early, 0);
    assert_true(raises > TICKS / 2 && m.asked >= raises);
    close_money(&m);
}

/* A bid before the sample, after it, after the plan, after the raise, in all combinations. */
static void a_reservation_at_any_point_of_a_tick_stays_inside_its_allowance(void **state)
{
    (void)state;
    struct money m;
    open_money(&m);
    for (unsigned order = 0; order < 8 * TICKS; order++) {
        if (order & 1)
            reserve(&m);
        m.in_clock = order & 2;
        m.in_persist = order & 4;
        tick(&m);
        reserve(&m);
        assert_true(stage_committed(&m.stage, 0) <= limit_of(&m));
    }
    assert_true(m.made > 8 * TICKS);
    close_money(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_inside_a_reservation_sees_no_more_than_the_limit),
        cmocka_unit_test(no_limit_is_raised_before_the_store_knows),
        cmocka_unit_test(a_reservation_at_any_point_of_a_tick_stays_inside_its_allowance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
