/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `qbid-sim`, and the exit codes that they share with `qbid`. */
#ifndef QBID_TOOLS_SIM_COMMAND_H
#define QBID_TOOLS_SIM_COMMAND_H

enum qbid_sim_exit {
    QBID_SIM_OK = 0,
    QBID_SIM_FAILED = 1, /* no memory, a file that cannot be read or written */
    QBID_SIM_USAGE = 2,
    QBID_SIM_REFUSED = 5 /* a gate that was asked for is not met */
};

/** One command: argv[0] is how it is called in messages. Returns an exit code. */
typedef int qbid_sim_command_fn(int argc, char **argv);

struct qbid_sim_command {
    const char *name;
    const char *text; /* of the list that --help prints */
    qbid_sim_command_fn *run;
};

qbid_sim_command_fn qbid_sim_train, qbid_sim_tune;

#endif
