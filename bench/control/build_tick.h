/* SPDX-License-Identifier: Apache-2.0 */
/* What the control process does between tables: pace factors of every line item to the live page.
 */
#ifndef QBID_BENCH_CONTROL_BUILD_TICK_H
#define QBID_BENCH_CONTROL_BUILD_TICK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds of this thread's CPU time. */
struct build_tick {
    double store_ms;  /* factors and Q states to the live page */
    double within_ms; /* the same and asking the pacer, in the middle of a control period */
    double step_ms;   /* the same when the period of every campaign is over */
};

struct build_world;

/** One tick of each kind; the pacer has seen no traffic, so no price samples are inverted. */
void build_tick_run(const struct build_world *world, struct build_tick *ret_tick);

#ifdef __cplusplus
}
#endif

#endif
