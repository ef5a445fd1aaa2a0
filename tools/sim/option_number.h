/* SPDX-License-Identifier: Apache-2.0 */
/* The number that an option of the command line gives. */
#ifndef QBID_TOOLS_SIM_OPTION_NUMBER_H
#define QBID_TOOLS_SIM_OPTION_NUMBER_H

#include <argp.h>
#include <stdbool.h>

/** text as a number in [least, most]; anything else ends the program with --name and the range. */
double qbid_sim_option_number(struct argp_state *state, const char *name, const char *text,
                              double least, double most, bool whole);

#endif
