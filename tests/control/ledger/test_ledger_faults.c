/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger when somebody dies, stands still, comes back, or lies. */
#include "tests/control/ledger/ledger_rig.h"

static void a_ring_that_is_not_read_keeps_reservations_alive(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    uint64_t made = r->now_ns;
    commit(r, 0, 1000);
    tick(r, S / 10);
    atomic_store(&r->page[0].ring->head, 1); /* a notice that nobody takes: the store is away */
    r->persist_err = QBID_ERR_SYS;
    for (int i = 0; i < 200; i++)
        tick(r, S / 10);
    assert_int_equal(post(r, QBID_EVENT_BILL, 0, 1000, 400, made), 400);
    assert_true(lease(r, 0) < r->now_ns); /* it could not go on for ever */
    atomic_store(&r->page[0].ring->tail, 1);
    r->persist_err = 0;
    for (int i = 0; i < 5; i++)
        tick(r, S / 10);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), limit(r, 0) - 1000);
    assert_int_equal(lease(r, 0), r->now_ns + 2 * S);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 0);
}

static void a_ring_that_stands_still_while_the_store_works_blocks_its_worker_only(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    attach(r, 1, UID + 1);
    tick(r, S / 10);
    atomic_store(&r->page[0].ring->head, 1);
    for (int i = 0; i < 700; i++) {
        if (lease(r, 1) >= r->now_ns && limit(r, 1) > atomic_load(&r->page[1].committed[1]))
            commit(r, 1, 1);
        else if (i % 10 == 0)
            post(r, QBID_EVENT_BILL, QBID_EVENT_PRICE_UNKNOWN, 1, 0, r->now_ns);
        tick(r, S / 10);
    }
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 1);
    assert_int_equal(lease(r, 0), 0);
    assert_true(lease(r, 1) > r->now_ns);
}

static void an_impossible_ring_blocks_its_worker_at_once(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    attach(r, 1, UID + 1);
    tick(r, S / 10);
    atomic_store(&r->page[0].ring->head, UINT64_MAX / 2);
    for (int i = 0; i < 50; i++)
        assert_true(tick(r, S / 10) >= 0);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 1);
    assert_int_equal(lease(r, 0), 0);
    assert_int_equal(lease(r, 1), r->now_ns + 2 * S);
}

static void after_a_long_stop_nothing_expires_before_the_rings_were_drained(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    uint64_t made = r->now_ns;
    commit(r, 0, 1000);
    tick(r, S / 10);
    assert_int_equal(tick(r, 600 * S), QBID_ERR_STALE);
    assert_int_equal(post(r, QBID_EVENT_BILL, 0, 1000, 400, made), 400); /* it lay in a ring */
    assert_int_equal(tick(r, S / 10), QBID_ERR_STALE);
    assert_true(tick(r, S / 10) >= 0);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).stalls, 2);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4000);
    assert_int_equal(lease(r, 0), r->now_ns + 2 * S);
}

static void a_worker_that_goes_keeps_its_money_until_its_lease_and_notices_are_over(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    qbid_ledger_detach(r->ledger, 0, r->now_ns);
    for (int i = 0; i < 24; i++) {
        tick(r, S / 2);
        assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 5000);
        assert_int_equal(limit(r, 0), 0);
        assert_int_equal(lease(r, 0), 0);
    }
    for (int i = 0; i < 8; i++)
        tick(r, S / 2);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 0);
}

static void a_committed_above_the_limit_blocks_the_worker(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    commit(r, 0, 5001);
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 1);
    assert_int_equal(limit(r, 0), 0);
    assert_int_equal(lease(r, 0), 0);
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 1);
    assert_int_equal(limit(r, 0), 0);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 5000);
}

static void a_committed_that_falls_or_is_senseless_blocks_the_worker(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    attach(r, 1, UID + 1);
    attach(r, 2, UID + 2);
    atomic_store(&r->page[1].committed[1], -5);
    atomic_store(&r->page[2].committed[1], INT64_MAX);
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 2);
    commit(r, 0, 100);
    tick(r, S / 10);
    commit(r, 0, -1);
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 3);
    assert_int_equal(limit(r, 0) + limit(r, 1) + limit(r, 2), 0);
}

/* A ledger that follows one which had given 5000 to a worker and spent 300. */
static void restart(struct rig *r)
{
    struct qbid_ledger_params params = rig_params();
    qbid_ledger_free(r->ledger);
    assert_int_equal(qbid_ledger_new(&params, &r->ledger), 0);
    struct qbid_ledger_row row = {.budget_idx = 1, .spent_nanos = 300, .exposure_nanos = 5000};
    assert_int_equal(qbid_ledger_restore(r->ledger, &row, r->now_ns), 0);
    assert_int_equal(qbid_ledger_set_budget(r->ledger, 1, BUDGET), 0);
    memset(r->memory[SLOTS], 0, (size_t)qbid_live_footprint(params.shape));
    assert_int_equal(qbid_live_format(r->memory[SLOTS], params.shape, 1, &r->live), 0);
}

static void after_a_restart_former_exposure_is_held_until_it_must_be_over(void **state)
{
    struct rig *r = *state;
    restart(r);
    for (int i = 0; i < 26; i++) { /* lease 2, notices 10, grace 1 */
        assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 5000);
        assert_int_equal(qbid_ledger_spent(r->ledger, 1), 300);
        tick(r, S / 2);
    }
    for (int i = 0; i < 4; i++)
        tick(r, S / 2);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 0);
    assert_int_equal(r->row[1].exposure_nanos, 0);
}

static void a_former_bid_moves_its_price_from_hold_to_spent(void **state)
{
    struct rig *r = *state;
    restart(r);
    tick(r, S / 10);
    assert_int_equal(post(r, QBID_EVENT_BILL, 0, 1000, 400, r->now_ns - 5 * S), 400);
    assert_int_equal(qbid_ledger_spent(r->ledger, 1), 700);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4600);
    assert_int_equal(post(r, QBID_EVENT_LOSS, 0, 1000, 0, r->now_ns - 5 * S), 0);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4600); /* a repeat must not free money */
}

static void limits_of_a_former_qbidd_may_be_used_up_and_are_taken_from_hold(void **state)
{
    struct rig *r = *state;
    atomic_store(&r->page[0].committed[1], 20000); /* of a limit of 25000 */
    restart(r);
    attach(r, 0, UID);
    tick(r, S / 10);
    int64_t given = limit(r, 0) - 20000;
    assert_true(given > 0);
    commit(r, 0, given + 300); /* still on the former live page */
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 0);
    tick(r, S / 10);
    assert_true(limit(r, 0) > 20000 + given + 300);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 5000 + limit(r, 0) - 20000 - 300);
    commit(r, 0, 6000 + limit(r, 0)); /* more than hold can explain */
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 1);
}

static void a_worker_that_lost_its_connection_comes_back_and_may_use_its_former_limit(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    commit(r, 0, 1000);
    tick(r, S / 10);
    qbid_ledger_detach(r->ledger, 0, r->now_ns);
    commit(r, 0, 500); /* a decision that was under way */
    r->page[1] = r->page[0];
    attach(r, 1, UID);
    tick(r, S / 10);
    int64_t exposure = qbid_ledger_exposure(r->ledger, 1);
    assert_int_equal(exposure, 5000 + 5000);
    atomic_fetch_add(&r->page[0].committed[1], 5200); /* 3500 of the former, the rest of the new */
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).blocked, 0);
    assert_true(limit(r, 1) > 1500 + 5200);
}

static void forged_notices_give_nothing_to_bid_with(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    for (int i = 0; i < 50; i++)
        post(r, QBID_EVENT_LOSS, 0, 100000, 0, r->now_ns);
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 5000);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).forged_nanos, 50 * 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_ring_that_is_not_read_keeps_reservations_alive),
        RULE(a_ring_that_stands_still_while_the_store_works_blocks_its_worker_only),
        RULE(an_impossible_ring_blocks_its_worker_at_once),
        RULE(after_a_long_stop_nothing_expires_before_the_rings_were_drained),
        RULE(a_worker_that_goes_keeps_its_money_until_its_lease_and_notices_are_over),
        RULE(a_committed_above_the_limit_blocks_the_worker),
        RULE(a_committed_that_falls_or_is_senseless_blocks_the_worker),
        RULE(after_a_restart_former_exposure_is_held_until_it_must_be_over),
        RULE(a_former_bid_moves_its_price_from_hold_to_spent),
        RULE(limits_of_a_former_qbidd_may_be_used_up_and_are_taken_from_hold),
        RULE(a_worker_that_lost_its_connection_comes_back_and_may_use_its_former_limit),
        RULE(forged_notices_give_nothing_to_bid_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
