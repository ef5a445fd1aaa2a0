/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of shm/clock.h, standing where a simulation sets them. Whoever links this file instead
 * of shm/clock.c (a program does that calls a function of it) runs qbidd's engine, the publisher
 * and the watcher's threads on simulated time without a word of theirs being other than in qbidd.
 * Until the first call the clocks are those of the host. */
#ifndef QBID_TOOLS_SIM_LOOP_CLOCK_H
#define QBID_TOOLS_SIM_LOOP_CLOCK_H

#include <stdint.h>

/** Both clocks of the whole process, any thread: nanoseconds since the simulation began, at
 *  QBID_SIM_EPOCH_UNIX_S and QBID_SIM_EPOCH_BOOT_NS. */
void qbid_loop_clock_set(uint64_t now_ns);

#endif
