/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim recorded`: strategies on recorded auctions. */
#ifndef QBID_TOOLS_SIM_RECORDED_RECORDED_H
#define QBID_TOOLS_SIM_RECORDED_RECORDED_H

#include "tools/sim/command.h"

int qbid_sim_recorded(int argc, char **argv);

#endif
