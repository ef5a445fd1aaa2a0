/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to split a budget over campaigns, on the same curves and bounds. */
#ifndef QBID_BENCH_CONTROL_ALLOCATE_WAYS_H
#define QBID_BENCH_CONTROL_ALLOCATE_WAYS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bench_allocate_way {
    BENCH_ALLOCATE_QBID,
    BENCH_ALLOCATE_NOTES,
    BENCH_ALLOCATE_SLSQP,
    BENCH_ALLOCATE_MMA
};

struct bench_allocate; /* opaque: campaigns with scales lognormal(0, 0.5), 0.2 to 5 x an equal split
                        */

/** own: exponents 0.6 to 0.9 by campaign, else 0.8 for all; platforms: 0, or over which they lie.
 */
struct bench_allocate *bench_allocate_new(uint32_t cnt, int own, uint32_t platforms);
void bench_allocate_free(struct bench_allocate *world);

/** One allocation; returns one of its numbers, so that it is not left out. */
double bench_allocate_run(struct bench_allocate *world, enum bench_allocate_way way);

/** Value of the last one of that way, and how far its sum is from the budget, in parts of it. */
double bench_allocate_value(const struct bench_allocate *world, enum bench_allocate_way way);
double bench_allocate_off(const struct bench_allocate *world, enum bench_allocate_way way);

#ifdef __cplusplus
}
#endif

#endif
