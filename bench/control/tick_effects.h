/* SPDX-License-Identifier: Apache-2.0 */
/* What a fit of main effects and of the cells' strength takes. */
#ifndef QBID_BENCH_CONTROL_TICK_EFFECTS_H
#define QBID_BENCH_CONTROL_TICK_EFFECTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Milliseconds of this thread's CPU time for a table of 24 hours, 3 devices, 6 placements and
 *  cells / 432 geos: from nothing, and again from what that found, as each plan does. */
void tick_effects_run(uint32_t cells, double *ret_first_ms, double *ret_again_ms);

#ifdef __cplusplus
}
#endif

#endif
