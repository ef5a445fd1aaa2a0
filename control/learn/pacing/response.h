/* SPDX-License-Identifier: Apache-2.0 */
/* What a campaign's auctions say about more and less money: how its worth answers its spend, before
 * any budget has been varied. */
#ifndef QBID_CONTROL_LEARN_PACING_RESPONSE_H
#define QBID_CONTROL_LEARN_PACING_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/learn/learner.h"

/**
 * The local exponent of worth in spend, d log worth / d log spend, at the multiplier in force.
 *
 * Returns: true and *ret_exponent in (0, 1]; false where the campaign has no price sample of the
 *          last day, or does not bid.
 * Threads: the learner's.
 * Cost:    a look-up in the campaign's table of the last day.
 * Source:  at multiplier alpha an auction is bid for as if worth alpha times its value, so that the
 *          last unit spent returns 1 / alpha, in second price and, shaded, in first price alike;
 *          over the mean return, worth / spend. Values cancel: what the models are off by for the
 *          whole campaign changes nothing.
 */
bool qbid_learner_response(const struct qbid_learner *learner, uint32_t campaign_id,
                           double *ret_exponent);

#endif
