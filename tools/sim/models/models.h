/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim models`: the click models of a campaign on recorded impressions, each judged on what it
 * predicted before it was told. */
#ifndef QBID_TOOLS_SIM_MODELS_MODELS_H
#define QBID_TOOLS_SIM_MODELS_MODELS_H

#include "tools/sim/command.h"

qbid_sim_command_fn qbid_sim_models;

#endif
