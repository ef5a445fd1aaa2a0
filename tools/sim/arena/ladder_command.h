/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim ladder`: what each part of the truth is worth to qbid, in generated markets. */
#ifndef QBID_TOOLS_SIM_ARENA_LADDER_COMMAND_H
#define QBID_TOOLS_SIM_ARENA_LADDER_COMMAND_H

#include "tools/sim/command.h"

qbid_sim_command_fn qbid_sim_ladder;

#endif
