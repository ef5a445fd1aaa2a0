/* SPDX-License-Identifier: Apache-2.0 */
/* Lease, allowance and nonce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fastpath/stage.h"

/* One line item that bids 1,000,000 nanos from a budget. */
static void open_one(struct stage *s, uint32_t budget_idx)
{
    stage_init(s);
    stage_line_item(
        s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f, .budget_idx = budget_idx});
    stage_open(s);
}

static void set_lease(struct stage *s, uint16_t slot, uint64_t valid_until_ns)
{
    atomic_store(&s->live.lease[slot].valid_until_ns, valid_until_ns);
}

static void a_lease_is_good_until_just_before_its_end(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, 0);
    const uint64_t ends[] = {0, STAGE_NOW_NS - 1, STAGE_NOW_NS, STAGE_NOW_NS + 1, UINT64_MAX};
    for (int i = 0; i < 5; i++) {
        set_lease(&s, STAGE_SLOT, ends[i]);
        assert_int_equal(stage_decide(&s, &q, &d), i < 3 ? QBID_NOBID_NO_LEASE : QBID_NOBID_NONE);
    }
    stage_done(&s);
}

static void without_live_page_own_page_or_slot_there_is_no_lease(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, 0);
    s.view.live = NULL;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_LEASE);
    assert_int_equal(d.gen, 77);
    s.view.live = &s.live;
    s.view.page = NULL;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_LEASE);
    s.view.page = &s.page;
    const uint16_t slots[] = {STAGE_WORKERS, QBID_LIVE_SLOT_NONE};
    for (int i = 0; i < 2; i++) {
        s.view.slot = slots[i];
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_LEASE);
    }
    s.view.slot = STAGE_WORKERS - 1;
    set_lease(&s, STAGE_WORKERS - 1, UINT64_MAX); /* valid, but without any allowance */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    stage_done(&s);
}

static void an_allowance_that_is_exactly_enough_is_used_and_one_nano_less_is_not(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, STAGE_BUDGETS - 1);
    stage_set_limit(&s, STAGE_BUDGETS - 1, 1999999);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(stage_committed(&s, STAGE_BUDGETS - 1), 1000000);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    assert_int_equal(stage_committed(&s, STAGE_BUDGETS - 1), 1000000);
    stage_set_limit(&s, STAGE_BUDGETS - 1, 2000000);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(stage_committed(&s, STAGE_BUDGETS - 1), 2000000);
    stage_done(&s);
}

static void a_bid_that_the_allowance_does_not_hold_is_told_and_a_test_request_is_not(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, 2);
    stage_set_limit(&s, 2, 999999);
    q.flags = QBID_REQUEST_TEST;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    assert_int_equal(atomic_load(&s.page.refused[2]), 0);
    q.flags = 0;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    for (int b = 0; b < STAGE_BUDGETS; b++)
        assert_int_equal(atomic_load(&s.page.refused[b]), b == 2 ? 1000000 : 0);
    stage_set_limit(&s, 2, 1000000);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    stage_done(&s);
}

static void other_workers_allowances_are_not_touched(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, 2);
    for (uint32_t i = 0; i < STAGE_WORKERS * STAGE_BUDGETS; i++)
        atomic_store(&s.live.limit[i], i == STAGE_SLOT * STAGE_BUDGETS + 2 ? 0 : INT64_MAX);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    for (uint32_t i = 0; i < STAGE_WORKERS * STAGE_BUDGETS; i++)
        atomic_store(&s.live.limit[i], i == STAGE_SLOT * STAGE_BUDGETS + 2 ? INT64_MAX : 0);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    stage_done(&s);
}

static void a_sum_that_does_not_fit_is_never_committed(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, 0);
    stage_set_limit(&s, 0, INT64_MAX);
    atomic_store(&s.page.committed[0], INT64_MAX - 999999);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    assert_int_equal(stage_committed(&s, 0), INT64_MAX - 999999);
    atomic_store(&s.page.committed[0], INT64_MAX - 1000000);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(stage_committed(&s, 0), INT64_MAX);
    stage_done(&s);
}

static void a_budget_outside_either_page_has_no_allowance(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, STAGE_BUDGETS);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    stage_done(&s);
    open_one(&s, 3);
    for (uint32_t i = 0; i < STAGE_WORKERS * STAGE_BUDGETS; i++)
        atomic_store(&s.live.limit[i], INT64_MAX); /* wherever a wrong index leads */
    s.page.budget_max = 3;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    s.page.budget_max = 4;
    s.live.shape.budget_max = 3;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    stage_done(&s);
}

static void a_test_request_reserves_nothing_but_must_be_affordable(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    q.flags = QBID_REQUEST_TEST;
    open_one(&s, 0);
    stage_set_limit(&s, 0, 1000000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(stage_committed(&s, 0), 0);
    }
    stage_set_limit(&s, 0, 999999);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    stage_done(&s);
}

static void the_next_best_is_bid_for_when_the_best_cannot_be_paid(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    stage_line_item(&s, (struct qbid_line_item){.id = 1, .value_micros = 3e6f, .budget_idx = 1});
    stage_line_item(&s, (struct qbid_line_item){.id = 2, .value_micros = 2e6f, .budget_idx = 2});
    stage_open(&s);
    stage_set_limit(&s, 1, 2999999);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_id, 2);
    assert_int_equal(d.skipped, 1);
    assert_int_equal(stage_committed(&s, 1), 0);
    assert_int_equal(stage_committed(&s, 2), 2000000);
    stage_done(&s);
}

static void nonces_carry_the_uid_and_count_bids_only(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, 0);
    const uint64_t top = UINT64_C(1) << 48, uid = (uint64_t)STAGE_UID << 48;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.nonce, uid);
    q.floor_micros = 9000000;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    assert_int_equal(d.nonce, 0);
    q.floor_micros = 0;
    q.flags = QBID_REQUEST_TEST;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.nonce, uid + 1);
    atomic_store(&s.page.header->seq, top - 1);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.nonce, uid + top - 1);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.nonce, uid);
    assert_int_equal(atomic_load(&s.page.header->seq), top + 1);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_is_good_until_just_before_its_end),
        cmocka_unit_test(without_live_page_own_page_or_slot_there_is_no_lease),
        cmocka_unit_test(an_allowance_that_is_exactly_enough_is_used_and_one_nano_less_is_not),
        cmocka_unit_test(a_bid_that_the_allowance_does_not_hold_is_told_and_a_test_request_is_not),
        cmocka_unit_test(other_workers_allowances_are_not_touched),
        cmocka_unit_test(a_sum_that_does_not_fit_is_never_committed),
        cmocka_unit_test(a_budget_outside_either_page_has_no_allowance),
        cmocka_unit_test(a_test_request_reserves_nothing_but_must_be_affordable),
        cmocka_unit_test(the_next_best_is_bid_for_when_the_best_cannot_be_paid),
        cmocka_unit_test(nonces_carry_the_uid_and_count_bids_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
