/* SPDX-License-Identifier: Apache-2.0 */
/* What rates make an impression worth to a line item, for the files that implement
 * control/learn/values/values.h. */
#ifndef QBID_CONTROL_LEARN_VALUES_VALUES_WORTH_H
#define QBID_CONTROL_LEARN_VALUES_VALUES_WORTH_H

#include "control/models/value.h"
#include "shm/units.h"

/** CPM micros of rates that are at most 1. */
static inline double qbid_values_worth(const struct qbid_value_line *line, double ctr, double cvr,
                                       double order_micros)
{
    double value =
        line->fixed + ctr * (line->click + cvr * (line->conversion + line->revenue * order_micros));
    return value < (double)QBID_PRICE_MICROS_MAX ? value : (double)QBID_PRICE_MICROS_MAX;
}

static inline double qbid_values_at_most_1(double x)
{
    return x < 1 ? x : 1;
}

#endif
