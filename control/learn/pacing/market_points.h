/* SPDX-License-Identifier: Apache-2.0 */
/* A campaign's price samples as the market model takes them: at today's values. */
#ifndef QBID_CONTROL_LEARN_PACING_MARKET_POINTS_H
#define QBID_CONTROL_LEARN_PACING_MARKET_POINTS_H

#include <stdint.h>

#include "control/learn/state/learner_state.h"

/**
 * Fill learner->points from a campaign's samples.
 *
 * Shapes:  by_idx: line items by index, line_item_max of them, NULL where there is none.
 * Returns: points; `number` of each is its place in the samples. A price above the line item's
 *          ceiling can never be won: worth 0.
 * Cost:    one look-up of rates a sample.
 */
uint32_t qbid_market_points_make(struct qbid_learner *learner,
                                 const struct qbid_line_item_def *const *by_idx,
                                 uint32_t line_item_max, const struct qbid_campaign_def *campaign,
                                 const struct qbid_price_samples *samples);

#endif
