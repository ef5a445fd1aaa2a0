/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim arena`: every strategy in generated markets of many seeds. */
#ifndef QBID_TOOLS_SIM_ARENA_ARENA_H
#define QBID_TOOLS_SIM_ARENA_ARENA_H

/** The command. Exit codes of tools/sim/command.h. */
int qbid_sim_arena(int argc, char **argv);

#endif
