/* SPDX-License-Identifier: Apache-2.0 */
/* The naive layout, to compare with: campaigns as structs on the heap, one hash lookup for each
 * candidate and backoff level, the state of each campaign's own Q-table worked out and its row's
 * best action looked for at every bid. It is handed its candidates and has neither events nor RCU.
 */
#ifndef QBID_BENCH_DECISION_DECIDE_NAIVE_H
#define QBID_BENCH_DECISION_DECIDE_NAIVE_H

#include <stdint.h>

#include "bench/decision/decide_world.h"

struct bench_naive;

struct bench_naive_answer {
    uint32_t line_item_idx; /* UINT32_MAX = no bid */
    uint32_t creative;
    int64_t bid_micros;
};

/** NULL without memory. The same for every K: one is shared. */
struct bench_naive *bench_naive_new(void);

struct bench_naive_answer bench_naive_decide(struct bench_naive *naive,
                                             const struct qbid_request *request,
                                             const struct bench_list *candidates);

#endif
