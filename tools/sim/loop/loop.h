/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim loop`: the whole control loop over weeks, beside budgets that stay and the design
 * notes' rules. */
#ifndef QBID_TOOLS_SIM_LOOP_LOOP_H
#define QBID_TOOLS_SIM_LOOP_LOOP_H

#include "tools/sim/command.h"

qbid_sim_command_fn qbid_sim_loop;

#endif
