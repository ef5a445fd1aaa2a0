/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the ledger one by one, on real live and worker pages in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/ledger/ledger.h"
#include "shm/error.h"

#define S QBID_NS_PER_S
#define BUDGETS 4
#define SLOTS 4
#define UID 7
#define BUDGET INT64_C(1000000)

struct rig {
    struct qbid_ledger *ledger;
    struct qbid_live live;
    struct qbid_page page[SLOTS];
    void *memory[SLOTS + 1];
    struct qbid_ledger_row row[BUDGETS];
    int64_t limit_at_persist;
    uint64_t now_ns;
    int persist_err;
    uint32_t persists;
};

static void *memory_new(int64_t bytes)
{
    void *memory = aligned_alloc(64, ((size_t)bytes + 63) & ~(size_t)63);
    assert_non_null(memory);
    return memset(memory, 0, ((size_t)bytes + 63) & ~(size_t)63);
}

static struct qbid_ledger_params rig_params(void)
{
    return (struct qbid_ledger_params){
        .shape = {.line_item_max = 1, .budget_max = BUDGETS, .worker_max = SLOTS},
        .bucket_ns = S,
        .notice_ttl_ns = 10 * S,
        .grace_ns = S,
        .lease_ns = 2 * S,
        .grant_ppm = 1000,
        .grant_nanos_min = 5000};
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct qbid_ledger_params params = rig_params();
    r->now_ns = 1000 * S;
    r->memory[SLOTS] = memory_new(qbid_live_footprint(params.shape));
    if (qbid_live_format(r->memory[SLOTS], params.shape, 1, &r->live) ||
        qbid_ledger_new(&params, &r->ledger) || qbid_ledger_set_budget(r->ledger, 1, BUDGET))
        return -1;
    for (int i = 0; i < SLOTS; i++) {
        r->memory[i] = memory_new(qbid_page_footprint(BUDGETS, QBID_PAGE_RING_LG_MIN));
        if (qbid_page_format(r->memory[i], BUDGETS, QBID_PAGE_RING_LG_MIN, &r->page[i]))
            return -1;
    }
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    qbid_ledger_free(r->ledger);
    for (int i = 0; i <= SLOTS; i++)
        free(r->memory[i]);
    free(r);
    return 0;
}

static int64_t limit(const struct rig *r, int slot)
{
    return atomic_load(&r->live.limit[slot * BUDGETS + 1]);
}

static uint64_t lease(const struct rig *r, int slot)
{
    return atomic_load(&r->live.lease[slot].valid_until_ns);
}

static int persist(void *context, const struct qbid_ledger_row *rows, uint32_t cnt)
{
    struct rig *r = context;
    r->persists++;
    r->limit_at_persist = limit(r, 0);
    for (uint32_t i = 0; i < cnt && !r->persist_err; i++)
        r->row[rows[i].budget_idx] = rows[i];
    return r->persist_err;
}

static uint64_t clock_read(void *context)
{
    return ((struct rig *)context)->now_ns;
}

static int tick(struct rig *r, uint64_t later_ns)
{
    r->now_ns += later_ns;
    int ret = qbid_ledger_tick(r->ledger, &r->live, clock_read, r, persist, r);
    assert_int_equal(qbid_ledger_check(r->ledger), -1);
    return ret;
}

static void commit(struct rig *r, int slot, int64_t nanos)
{
    atomic_fetch_add(&r->page[slot].committed[1], nanos);
}

static int64_t post(struct rig *r, uint8_t kind, uint8_t flags, int64_t bid, int64_t price,
                    uint64_t bid_time_ns)
{
    struct qbid_outcome outcome = {.kind = kind,
                                   .flags = flags,
                                   .nonce = (uint64_t)UID << 48 | 1,
                                   .time_ns = r->now_ns,
                                   .bid_time_ns = bid_time_ns,
                                   .budget_idx = 1,
                                   .bid_nanos = bid,
                                   .price_nanos = price,
                                   .joined = true};
    int64_t spent = qbid_ledger_post(r->ledger, &outcome);
    assert_int_equal(qbid_ledger_check(r->ledger), -1);
    return spent;
}

static void attach(struct rig *r, uint16_t slot, uint16_t uid)
{
    assert_int_equal(qbid_ledger_attach(r->ledger, slot, uid, &r->page[slot], r->now_ns), 0);
}

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

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        RULE(a_ring_that_is_not_read_keeps_reservations_alive),
        RULE(a_ring_that_stands_still_while_the_store_works_blocks_its_worker_only),
        RULE(an_impossible_ring_blocks_its_worker_at_once),
        RULE(other_outcomes_and_tests_post_nothing),
        RULE(a_reservation_runs_out_after_the_notice_time_and_not_before),
        RULE(after_a_long_stop_nothing_expires_before_the_rings_were_drained),
        RULE(a_worker_that_goes_keeps_its_money_until_its_lease_and_notices_are_over),
        RULE(a_committed_above_the_limit_blocks_the_worker),
        RULE(a_committed_that_falls_or_is_senseless_blocks_the_worker),
        RULE(after_a_restart_former_exposure_is_held_until_it_must_be_over),
        RULE(a_former_bid_moves_its_price_from_hold_to_spent),
        RULE(limits_of_a_former_qbidd_may_be_used_up_and_are_taken_from_hold),
        RULE(a_worker_that_lost_its_connection_comes_back_and_may_use_its_former_limit),
        RULE(lowering_the_budget_only_stops_grants),
        RULE(forged_notices_give_nothing_to_bid_with),
        RULE(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
