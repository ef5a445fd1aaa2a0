/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine allows: a chase through memory, each load waiting for the one before. */
#ifndef QBID_BENCH_LIMITS_H
#define QBID_BENCH_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct limits_chase;

/** A random cycle over the cache lines of `bytes` bytes (huge pages where they are given), kept
 *  until the process ends. */
struct limits_chase *limits_chase_get(size_t bytes);
/** Follow it n steps; returns where it ends. */
const void *limits_chase_run(struct limits_chase *chase, uint64_t n);

#ifdef __cplusplus
}
#endif

#endif
