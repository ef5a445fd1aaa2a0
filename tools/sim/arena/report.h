/* SPDX-License-Identifier: Apache-2.0 */
/* The scores of matches, for people and for programs. */
#ifndef QBID_TOOLS_SIM_ARENA_REPORT_H
#define QBID_TOOLS_SIM_ARENA_REPORT_H

#include <stdio.h>

#include "tools/sim/arena/score.h"

/** A row by strategy. Figures are means over the seeds with their 95 % interval. */
void qbid_sim_report_table(FILE *out, const struct qbid_sim_match_params *params,
                           const struct qbid_sim_match *matches, uint32_t seeds);

/** One JSON object: the market's parameters, and by strategy every score and the figures of each
 * seed. */
void qbid_sim_report_json(FILE *out, const struct qbid_sim_match_params *params,
                          const struct qbid_sim_match *matches, uint32_t seeds);

#endif
