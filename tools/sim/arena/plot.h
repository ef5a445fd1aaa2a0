/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of matches: spend over the judged day against the traffic, and value against the
 * oracle's. */
#ifndef QBID_TOOLS_SIM_ARENA_PLOT_H
#define QBID_TOOLS_SIM_ARENA_PLOT_H

#include "tools/sim/arena/score.h"

/** Write an SVG. QBID_ERR_SYS with errno. */
int qbid_sim_plot(const char *path, const struct qbid_sim_match_params *params,
                  const struct qbid_sim_match *matches, uint32_t seeds);

#endif
