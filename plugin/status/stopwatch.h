/* SPDX-License-Identifier: Apache-2.0 */
/* Short times in nanoseconds: the processor's own counter where it runs evenly, else the clock. */
#ifndef QBID_PLUGIN_STATUS_STOPWATCH_H
#define QBID_PLUGIN_STATUS_STOPWATCH_H

#include <stdbool.h>
#include <stdint.h>

struct qbid_stopwatch {
    uint64_t ns_q32; /* nanoseconds in a tick, Q32.32 */
    uint64_t empty;  /* ticks between two readings with nothing in between: taken off */
    bool counter;    /* ticks are the processor's; else nanoseconds of CLOCK_MONOTONIC_RAW */
};

__extension__ typedef unsigned __int128 qbid_stopwatch_wide;

/**
 * Measure the ticks of this machine against CLOCK_MONOTONIC_RAW.
 *
 * Units:   good to 0.01 % where the counter is used; that is where CPUID calls it invariant: one
 *          rate on every core, in every state of power.
 * Threads: any; once a process, the result is copied.
 * Cost:    2 ms asleep, and system calls: not for the bid path.
 */
void qbid_stopwatch_init(struct qbid_stopwatch *watch);

/** The clock in place of the counter, as on a machine whose counter is of no use; for tests. */
void qbid_stopwatch_init_clock(struct qbid_stopwatch *watch);

uint64_t qbid_stopwatch_clock(void);

/** Now, in ticks: what came before in the program has been done. Cost: 20-30 ns, no system call. */
static inline uint64_t qbid_stopwatch_ticks(const struct qbid_stopwatch *watch)
{
#if defined(__x86_64__)
    if (watch->counter) {
        __builtin_ia32_lfence();
        return __builtin_ia32_rdtsc();
    }
#endif
    (void)watch;
    return qbid_stopwatch_clock();
}

/** Nanoseconds between two readings, less what reading takes; 0 when that is all, or when the
 *  second came from a core whose counter is behind. */
static inline uint64_t qbid_stopwatch_ns(const struct qbid_stopwatch *watch, uint64_t from,
                                         uint64_t to)
{
    if (to < from || to - from <= watch->empty)
        return 0;
    return (uint64_t)(((qbid_stopwatch_wide)(to - from - watch->empty) * watch->ns_q32) >> 32);
}

#endif
