/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `qbid-sim loop`. */
#ifndef QBID_TOOLS_SIM_LOOP_OPTIONS_H
#define QBID_TOOLS_SIM_LOOP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sim/loop/run.h"
#include "tools/sim/loop/world.h"

struct qbid_loop_options {
    struct qbid_loop_params world; /* of the first seed */
    uint32_t seeds, jobs;
    unsigned strategies;  /* bits */
    const char *folder;   /* where runs have their stores */
    const char *settings; /* NULL = the usual ones */
    bool json, keep;
};

/** Ends the program with QBID_SIM_USAGE when the line is wrong. */
void qbid_loop_options_read(int argc, char **argv, struct qbid_loop_options *ret_options);

#endif
