/* SPDX-License-Identifier: Apache-2.0 */
/* Work of a command beside itself: each process has one virtual clock. */
#ifndef QBID_TOOLS_SIM_PROCESSES_H
#define QBID_TOOLS_SIM_PROCESSES_H

#include <stdint.h>

/** The share of one process, its number from 0 on; 0 or an error, which it has told on stderr. */
typedef int qbid_sim_share_fn(void *context, uint32_t process);

/**
 * Plays the shares of `cnt` processes and waits for all; results go to memory that they share.
 *
 * Shapes:  command = its name in messages.
 * Returns: QBID_SIM_OK, QBID_SIM_FAILED where one could not start, failed or was killed.
 */
int qbid_sim_processes(const char *command, uint32_t cnt, qbid_sim_share_fn *play, void *context);

#endif
