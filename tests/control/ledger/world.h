/* SPDX-License-Identifier: Apache-2.0 */
/* A small world around the real ledger: workers that reserve by fastpath/reserve.h on real page and
 * live words, an exchange that wins, loses, delays, repeats and drops, crashes of everybody, all in
 * virtual time and in an order that the seed gives. */
#ifndef QBID_TESTS_CONTROL_LEDGER_WORLD_H
#define QBID_TESTS_CONTROL_LEDGER_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#define WORLD_BUDGETS 2

enum world_store {
    WORLD_STORE_RIGHT,
    WORLD_STORE_NO_HOLD, /* negative control: nothing is held after a restart */
    WORLD_STORE_BEHIND /* negative control: exposure is written now and then, not before each raise
                        */
};

struct world_options {
    uint64_t seed;
    uint32_t steps; /* of 20 ms, slow: of 100 ms */
    uint32_t workers;
    int64_t budget_nanos;
    int64_t bid_nanos_max;
    int64_t grant_nanos_min;
    bool faults;      /* crashes, persist failures, lost and repeated notices, stalls */
    bool hot;         /* a bid wins, at its own price: nothing is left to chance */
    bool slow;        /* notices are good for 20 s instead of 2 s, and come up to 30 s late */
    bool forgets;     /* repeats are not always recognised; hot worlds know losses then */
    bool store_stops; /* the store refuses for seconds, and rings are not drained meanwhile */
    enum world_store store;
};

struct world_result {
    int64_t billed_nanos[WORLD_BUDGETS]; /* by the exchange, on notices that a worker accepted */
    int64_t spent_nanos[WORLD_BUDGETS];  /* as the last ledger says */
    uint32_t bids, crashes, worker_crashes, drops, blocked;
    bool overspent;   /* at any moment */
    int64_t check;    /* first budget whose invariant broke, or -1 */
    int64_t max_over; /* nanos past the budget */
};

struct world_result world_run(const struct world_options *options);

#endif
