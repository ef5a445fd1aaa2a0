/* SPDX-License-Identifier: Apache-2.0 */
/* A process has one clock, so its time is the one thing here that is not in a context: threads of
 * the watcher read it that nobody hands anything to. */
#include "tools/sim/loop/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "shm/clock.h"
#include "shm/units.h"
#include "tools/sim/market/portfolio.h"

static _Atomic uint64_t stands_ns; /* since the simulation began, and 1; 0 = the host's clocks */

void qbid_loop_clock_set(uint64_t now_ns)
{
    atomic_store_explicit(&stands_ns, now_ns + 1, memory_order_relaxed);
}

static uint64_t host_ns(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * QBID_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t qbid_clock_boot_ns(void)
{
    uint64_t at = atomic_load_explicit(&stands_ns, memory_order_relaxed);
    return at ? QBID_SIM_EPOCH_BOOT_NS + at - 1 : host_ns(CLOCK_BOOTTIME);
}

uint64_t qbid_clock_unix_ns(void)
{
    uint64_t at = atomic_load_explicit(&stands_ns, memory_order_relaxed);
    return at ? (uint64_t)QBID_SIM_EPOCH_UNIX_S * QBID_NS_PER_S + at - 1 : host_ns(CLOCK_REALTIME);
}

/* Images of a simulation are of one boot. */
uint64_t qbid_clock_boot_hash(void)
{
    return 1;
}
