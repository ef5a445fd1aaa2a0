/* SPDX-License-Identifier: Apache-2.0 */
/* What both ring benchmarks need: the sides' processors, shared memory, clocks. */
#ifndef QBID_BENCH_MEMORY_RING_SIDE_H
#define QBID_BENCH_MEMORY_RING_SIDE_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/control/ticks.h"

#define RING_LG_EVENTS 16
#define RING_EVENTS (UINT64_C(1) << RING_LG_EVENTS)
#define RING_BLOCK (RING_EVENTS / 4) /* pushes that are timed together */
#define RING_BLOCKS 64

static inline void ring_must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench: ring: %s\n", what);
    exit(1);
}

/* Where there are two processors the sides have one each. */
static inline void ring_settle_on(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

static inline void *ring_memory(size_t bytes)
{
    void *base =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    ring_must(base != MAP_FAILED, "no memory");
    return base;
}

static inline double ring_cpu_ns(void)
{
    return (double)ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline int ring_by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static inline double ring_median(double *ns, size_t n)
{
    qsort(ns, n, sizeof *ns, ring_by_value);
    return ns[n / 2];
}

/** CPU time of a push into Concurrency Kit's ring of the same records, its consumer alive in
 * another process. */
double ring_peer_push_ns(void);

#endif
