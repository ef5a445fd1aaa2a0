/* SPDX-License-Identifier: Apache-2.0 */
/* A learn tick of the control process: outcomes that came, the plan from all that is known, the
 * table from the plan. */
#ifndef QBID_BENCH_CONTROL_TICK_STEPS_H
#define QBID_BENCH_CONTROL_TICK_STEPS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds of this thread's CPU time, and what came out. */
struct tick_step {
    double post_ms; /* outcomes of a tick */
    double plan_ms; /* fits, rows, shades, rotation */
    double build_ms;
    double total_ms;
    double contexts; /* rows in the table */
    double candidates;
    double cells; /* (line item, context) pairs that were seen */
    double bytes;
    double served; /* (line item, context) pairs that trees serve */
};

struct tick_desk;

/** A learner that has seen every context, its account's line items each targeting one geo and one
 *  size, so that about `line_items` / 1024 may bid in a context; with boosted trees beside the
 *  hierarchy, or without. Lack of memory ends the process.
 */
struct tick_desk *tick_desk_new(uint32_t line_items, uint32_t contexts, int trees);
void tick_desk_free(struct tick_desk *desk);

/** Take in the outcomes of `auctions` won auctions, plan, build and seal. */
void tick_desk_run(struct tick_desk *desk, uint32_t auctions, struct tick_step *ret_step);

/** What trees can cost a tick at most: they are due to be grown again in the next one, and serve
 *  every campaign. Returns 0; -1 when none could be grown yet, with the reason. */
int tick_desk_trees_worst(struct tick_desk *desk, const char **ret_why);

#ifdef __cplusplus
}
#endif

#endif
