/* SPDX-License-Identifier: Apache-2.0 */
/* The bid as a textbook writes it, evaluated for each candidate: value x CTR x CVR / target, times
 * a hand-kept multiplier for each dimension, times the best action of a Q-table's row. Handed its
 * candidates; no targeting, creative, event or RCU. */
#ifndef QBID_BENCH_DECISION_DECIDE_FORMULA_H
#define QBID_BENCH_DECISION_DECIDE_FORMULA_H

#include <stdint.h>

#include "bench/decision/decide_world.h"

struct bench_formula;

/** NULL without memory; one is shared. About 90 MB. */
struct bench_formula *bench_formula_new(void);

/** The best candidate for request number `at` of the stream; UINT32_MAX = none has a bid. */
uint32_t bench_formula_decide(struct bench_formula *formula, uint64_t at,
                              struct bench_context context, const struct bench_list *candidates);

#endif
