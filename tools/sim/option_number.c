/* SPDX-License-Identifier: Apache-2.0 */
/* Read whole, or not at all. */
#include "tools/sim/option_number.h"

#include <math.h>
#include <stdlib.h>

double qbid_sim_option_number(struct argp_state *state, const char *name, const char *text,
                              double least, double most, bool whole)
{
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !isfinite(x) || x < least || x > most || (whole && x != floor(x)))
        argp_error(state, "--%s: '%s' is no %s in [%g, %g]", name, text,
                   whole ? "whole number" : "number", least, most);
    return x;
}
