/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger with real live and worker pages, a store that remembers, and a clock in the test's hand.
 */
#ifndef QBID_TESTS_CONTROL_LEDGER_LEDGER_RIG_H
#define QBID_TESTS_CONTROL_LEDGER_LEDGER_RIG_H

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

static inline void *memory_new(int64_t bytes)
{
    void *memory = aligned_alloc(64, ((size_t)bytes + 63) & ~(size_t)63);
    assert_non_null(memory);
    return memset(memory, 0, ((size_t)bytes + 63) & ~(size_t)63);
}

static inline struct qbid_ledger_params rig_params(void)
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

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    struct rig *r = *state;
    qbid_ledger_free(r->ledger);
    for (int i = 0; i <= SLOTS; i++)
        free(r->memory[i]);
    free(r);
    return 0;
}

static inline int64_t limit(const struct rig *r, int slot)
{
    return atomic_load(&r->live.limit[slot * BUDGETS + 1]);
}

static inline uint64_t lease(const struct rig *r, int slot)
{
    return atomic_load(&r->live.lease[slot].valid_until_ns);
}

static inline int persist(void *context, const struct qbid_ledger_row *rows, uint32_t cnt)
{
    struct rig *r = context;
    r->persists++;
    r->limit_at_persist = limit(r, 0);
    for (uint32_t i = 0; i < cnt && !r->persist_err; i++)
        r->row[rows[i].budget_idx] = rows[i];
    return r->persist_err;
}

static inline uint64_t clock_read(void *context)
{
    return ((struct rig *)context)->now_ns;
}

static inline int tick(struct rig *r, uint64_t later_ns)
{
    r->now_ns += later_ns;
    int ret = qbid_ledger_tick(r->ledger, &r->live, clock_read, r, persist, r);
    assert_int_equal(qbid_ledger_check(r->ledger), -1);
    return ret;
}

static inline void commit(struct rig *r, int slot, int64_t nanos)
{
    atomic_fetch_add(&r->page[slot].committed[1], nanos);
}

static inline int64_t post(struct rig *r, uint8_t kind, uint8_t flags, int64_t bid, int64_t price,
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

static inline void attach(struct rig *r, uint16_t slot, uint16_t uid)
{
    assert_int_equal(qbid_ledger_attach(r->ledger, slot, uid, &r->page[slot], r->now_ns), 0);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
