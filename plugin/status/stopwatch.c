/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the processor's counter can be used, and how long its ticks are. */
#include "plugin/status/stopwatch.h"

#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "shm/units.h"

#define CALIBRATION_NS 2000000
#define TRIES 16 /* at reading both at once: the closest pair counts */
#define EMPTY_TRIES 1000
#define CPUID_POWER 0x80000007u
#define CPUID_POWER_EDX_INVARIANT (1u << 8)

uint64_t qbid_stopwatch_clock(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * QBID_NS_PER_S + (uint64_t)now.tv_nsec;
}

static bool counter_is_even(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    return __get_cpuid(CPUID_POWER, &a, &b, &c, &d) && (d & CPUID_POWER_EDX_INVARIANT);
#else
    return false;
#endif
}

struct instant {
    uint64_t ticks, ns;
};

/* Both at the same moment: the clock between two readings of the counter that lie close. */
static struct instant both(const struct qbid_stopwatch *watch)
{
    struct instant best = {0, 0};
    uint64_t closest = UINT64_MAX;
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t before = qbid_stopwatch_ticks(watch);
        uint64_t ns = qbid_stopwatch_clock();
        uint64_t apart = qbid_stopwatch_ticks(watch) - before;
        if (apart < closest) {
            closest = apart;
            best = (struct instant){before + apart / 2, ns};
        }
    }
    return best;
}

static void measure_empty(struct qbid_stopwatch *watch)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < EMPTY_TRIES; i++) {
        uint64_t before = qbid_stopwatch_ticks(watch);
        uint64_t cost = qbid_stopwatch_ticks(watch) - before;
        least = cost < least ? cost : least;
    }
    watch->empty = least;
}

void qbid_stopwatch_init_clock(struct qbid_stopwatch *watch)
{
    *watch = (struct qbid_stopwatch){.ns_q32 = UINT64_C(1) << 32};
    measure_empty(watch);
}

void qbid_stopwatch_init(struct qbid_stopwatch *watch)
{
    const struct timespec nap = {0, CALIBRATION_NS};
    *watch = (struct qbid_stopwatch){.counter = counter_is_even()};
    if (watch->counter) {
        struct instant from = both(watch);
        nanosleep(&nap, NULL); /* a signal may cut it short */
        while (qbid_stopwatch_clock() - from.ns < CALIBRATION_NS)
            ;
        struct instant to = both(watch);
        uint64_t ticks = to.ticks - from.ticks, ns = to.ns - from.ns;
        if (to.ticks > from.ticks)
            watch->ns_q32 = (uint64_t)(((qbid_stopwatch_wide)ns << 32) / ticks);
    }
    if (watch->ns_q32 == 0) /* no counter, or one that stands still */
        qbid_stopwatch_init_clock(watch);
    else
        measure_empty(watch);
}
