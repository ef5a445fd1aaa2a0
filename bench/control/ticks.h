/* SPDX-License-Identifier: Apache-2.0 */
/* Fenced readings of the fastest clock there is. */
#ifndef QBID_BENCH_CONTROL_TICKS_H
#define QBID_BENCH_CONTROL_TICKS_H

#include <stdint.h>
#include <time.h>

static inline uint64_t ticks_clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Before: nothing of what follows has started. After: all that came before has finished. */
#if defined(__x86_64__)
static inline uint64_t ticks_before(void)
{
    __builtin_ia32_lfence();
    uint64_t t = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return t;
}

static inline uint64_t ticks_after(void)
{
    unsigned cpu;
    uint64_t t = __builtin_ia32_rdtscp(&cpu);
    __builtin_ia32_lfence();
    return t;
}
#else
static inline uint64_t ticks_before(void)
{
    return ticks_clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t ticks_after(void)
{
    return ticks_clock_ns(CLOCK_MONOTONIC);
}
#endif

/** Other work of at least so many nanoseconds, during which the memory goes on. */
static inline void ticks_wait(uint64_t ns)
{
    for (uint64_t end = ticks_clock_ns(CLOCK_MONOTONIC) + ns;
         ticks_clock_ns(CLOCK_MONOTONIC) < end;)
        continue;
}

/** Nanoseconds in a tick, measured over 20 ms. */
static inline double ticks_ns(void)
{
    uint64_t ns = ticks_clock_ns(CLOCK_MONOTONIC), ticks = ticks_before(), now;
    do
        now = ticks_clock_ns(CLOCK_MONOTONIC);
    while (now - ns < 20000000u);
    return (double)(now - ns) / (double)(ticks_after() - ticks);
}

/** Ticks between two readings with nothing in between: the smallest of many. */
static inline uint64_t ticks_empty(void)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 10000; i++) {
        uint64_t before = ticks_before(), cost = ticks_after() - before;
        best = cost < best ? cost : best;
    }
    return best;
}

#endif
