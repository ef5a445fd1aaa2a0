/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the ledger one by one: grants, settlement, release. */
#include "tests/control/ledger/ledger_rig.h"

static void a_worker_gets_a_limit_and_a_lease_after_the_store_has_them(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    assert_int_equal(tick(r, S / 10), 1);
    assert_int_equal(r->limit_at_persist, 0);
    assert_int_equal(limit(r, 0), 5000);
    assert_int_equal(r->row[1].exposure_nanos, 5000);
    assert_int_equal(r->row[1].spent_nanos, 0);
    assert_int_equal(lease(r, 0), r->now_ns + 2 * S);
    assert_int_equal(lease(r, 1), 0);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 5000);
}

static void nothing_is_raised_while_the_store_refuses(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    r->persist_err = QBID_ERR_SYS;
    assert_int_equal(tick(r, S / 10), QBID_ERR_STORE);
    assert_int_equal(limit(r, 0), 0);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).store_errors, 1);
    assert_int_equal(lease(r, 0), r->now_ns + 2 * S); /* what it has, it may use */
    r->persist_err = 0;
    assert_int_equal(tick(r, S / 10), 1);
    assert_int_equal(limit(r, 0), 5000);
}

static void a_tick_that_changes_nothing_writes_nothing(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    uint32_t persists = r->persists;
    assert_int_equal(tick(r, S / 10), 0);
    assert_int_equal(r->persists, persists);
}

static void the_limit_moves_with_what_is_committed_and_never_falls(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    int64_t before = limit(r, 0);
    for (int i = 0; i < 20; i++) {
        commit(r, 0, (limit(r, 0) - atomic_load(&r->page[0].committed[1])) / 2);
        tick(r, S / 10);
        assert_true(limit(r, 0) >= before);
        before = limit(r, 0);
    }
    assert_true(before > 50000);
    assert_true(qbid_ledger_exposure(r->ledger, 1) <= BUDGET);
}

static void a_bill_settles_at_its_price_and_frees_the_rest(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    uint64_t made = r->now_ns;
    commit(r, 0, 1000);
    assert_int_equal(post(r, QBID_EVENT_WIN, 0, 1000, 400, made), 0);
    assert_int_equal(post(r, QBID_EVENT_BILL, 0, 1000, 400, made), 400);
    assert_int_equal(qbid_ledger_spent(r->ledger, 1), 400);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4000);
}

static void a_loss_frees_the_whole_bid(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    commit(r, 0, 1000);
    assert_int_equal(post(r, QBID_EVENT_LOSS, 0, 1000, 1200, r->now_ns), 0);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4000);
    assert_int_equal(qbid_ledger_spent(r->ledger, 1), 0);
}

static void an_unknown_price_costs_the_bid_and_one_above_it_nothing(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    commit(r, 0, 3000);
    uint64_t made = r->now_ns;
    assert_int_equal(post(r, QBID_EVENT_BILL, QBID_EVENT_PRICE_UNKNOWN, 1000, 0, made), 1000);
    assert_int_equal(post(r, QBID_EVENT_BILL, QBID_EVENT_PRICE_ABOVE, 1000, 5000, made), 0);
    assert_int_equal(post(r, QBID_EVENT_BILL, 0, 1000, 1001, made), 0);
    assert_int_equal(post(r, QBID_EVENT_BILL, 0, 1000, -1, made), 0);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).invalid, 3);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4000);
}

static void a_notice_without_its_bid_moves_its_price_and_no_more(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    commit(r, 0, 1000);
    struct qbid_outcome outcome = {.kind = QBID_EVENT_BILL,
                                   .nonce = (uint64_t)UID << 48 | 1,
                                   .bid_time_ns = r->now_ns,
                                   .budget_idx = 1,
                                   .bid_nanos = 1000,
                                   .price_nanos = 400};
    assert_int_equal(qbid_ledger_post(r->ledger, &outcome), 400);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4600);
    outcome.kind = QBID_EVENT_LOSS;
    assert_int_equal(qbid_ledger_post(r->ledger, &outcome), 0);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4600);
}

static void other_outcomes_and_tests_post_nothing(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    commit(r, 0, 1000);
    assert_int_equal(post(r, QBID_EVENT_BILL, QBID_EVENT_TEST, 1000, 400, r->now_ns), 0);
    assert_int_equal(post(r, QBID_EVENT_IMP, 0, 1000, 400, r->now_ns), 0);
    assert_int_equal(post(r, QBID_OUTCOME_EXPIRED, 0, 1000, 400, r->now_ns), 0);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 5000);
    assert_int_equal(qbid_ledger_spent(r->ledger, 1), 0);
}

static void a_reservation_runs_out_after_the_notice_time_and_not_before(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    uint64_t made = r->now_ns;
    commit(r, 0, 1000);
    tick(r, S / 2);
    while (r->now_ns < made + 11 * S) {
        assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 5000);
        tick(r, S / 2);
    }
    for (int i = 0; i < 6; i++)
        tick(r, S / 2);
    assert_int_equal(qbid_ledger_exposure(r->ledger, 1), 4000);
    assert_int_equal(post(r, QBID_EVENT_BILL, 0, 1000, 400, made), 0);
    assert_int_equal(qbid_ledger_counters_load(r->ledger).late, 1);
}

static void lowering_the_budget_only_stops_grants(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_set_budget(r->ledger, 1, 3000), 0);
    commit(r, 0, 4000);
    assert_int_equal(tick(r, S / 10), 0);
    assert_int_equal(limit(r, 0), 5000);
    assert_int_equal(post(r, QBID_EVENT_BILL, 0, 4000, 3500, r->now_ns - S / 20), 3500);
    assert_int_equal(qbid_ledger_spent(r->ledger, 1), 3500);
    assert_int_equal(qbid_ledger_budget(r->ledger, 1), 3000);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct rig *r = *state;
    struct qbid_ledger *ledger;
    struct qbid_ledger_params params = rig_params();
    params.bucket_ns = 0;
    assert_int_equal(qbid_ledger_new(&params, &ledger), QBID_ERR_INVAL);
    params = rig_params();
    params.shape.worker_max = QBID_LIVE_WORKERS_MAX + 1;
    assert_int_equal(qbid_ledger_new(&params, &ledger), QBID_ERR_INVAL);
    assert_int_equal(qbid_ledger_set_budget(r->ledger, BUDGETS, 1), QBID_ERR_INVAL);
    assert_int_equal(qbid_ledger_set_budget(r->ledger, 0, -1), QBID_ERR_INVAL);
    struct qbid_ledger_row row = {.budget_idx = 0, .spent_nanos = -1};
    assert_int_equal(qbid_ledger_restore(r->ledger, &row, 1), QBID_ERR_INVAL);
    attach(r, 0, UID);
    assert_int_equal(qbid_ledger_attach(r->ledger, 0, UID, &r->page[0], 1), QBID_ERR_INVAL);
    assert_int_equal(qbid_ledger_attach(r->ledger, SLOTS, UID, &r->page[0], 1), QBID_ERR_INVAL);
    struct qbid_outcome outcome = {.kind = QBID_EVENT_BILL, .budget_idx = 99, .bid_nanos = 5};
    assert_int_equal(qbid_ledger_post(r->ledger, &outcome), 0);
    assert_int_equal(qbid_ledger_spent(r->ledger, 99), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_worker_gets_a_limit_and_a_lease_after_the_store_has_them),
        RULE(nothing_is_raised_while_the_store_refuses),
        RULE(a_tick_that_changes_nothing_writes_nothing),
        RULE(the_limit_moves_with_what_is_committed_and_never_falls),
        RULE(a_bill_settles_at_its_price_and_frees_the_rest),
        RULE(a_loss_frees_the_whole_bid),
        RULE(an_unknown_price_costs_the_bid_and_one_above_it_nothing),
        RULE(a_notice_without_its_bid_moves_its_price_and_no_more),
        RULE(other_outcomes_and_tests_post_nothing),
        RULE(a_reservation_runs_out_after_the_notice_time_and_not_before),
        RULE(lowering_the_budget_only_stops_grants),
        RULE(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
