/* SPDX-License-Identifier: Apache-2.0 */
/* Exploring line items: one that looks worse than the others of its campaign wins nothing, and so
 * would never be known better. */
#ifndef QBID_CONTROL_LEARN_VALUES_THOMPSON_H
#define QBID_CONTROL_LEARN_VALUES_THOMPSON_H

#include "control/learn/values/values.h"

#define QBID_THOMPSON_KNOWN_CLICKS                                                                 \
    100.0 /* of a campaign; below it all its line items are alike                                  \
           */
#define QBID_THOMPSON_PERIOD_S 3600

/**
 * What every line item bids by for this hour, in parts of its rates: a draw from their posterior,
 * where its campaign knows others that it is compared with, else 1.
 *
 * Shapes:  values are fitted, their draws have room. A frozen learner draws nothing.
 * Returns: the same within an hour, in (0, 3], of mean 1 or below; what is known by 400 successes
 *          or more is 1.
 * Cost:    0.2 us a line item.
 * Source:  Thompson sampling (Thompson 1933) on the line item's own level: Gamma(shape) / shape,
 *          the shape in successes, those of the fitted prior included.
 */
void qbid_thompson_draw(struct qbid_values *values, const struct qbid_values_in *in);

#endif
