/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `qbid-sim arena`. */
#ifndef QBID_TOOLS_SIM_ARENA_OPTIONS_H
#define QBID_TOOLS_SIM_ARENA_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sim/arena/match.h"

#define QBID_SIM_SEEDS_MAX 1000

struct qbid_sim_arena_options {
    struct qbid_sim_match_params match; /* seed: of the first market */
    double profile[QBID_SIM_HOURS];
    uint32_t seeds;
    uint32_t jobs;
    bool json;
    const char *plot; /* NULL = none */
};

/** Parse; a wrong command line ends the program with QBID_SIM_USAGE. The options must stay where
 * they are: the market's profile may point into them. */
void qbid_sim_arena_options_parse(int argc, char **argv,
                                  struct qbid_sim_arena_options *ret_options);

#endif
