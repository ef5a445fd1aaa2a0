/* SPDX-License-Identifier: Apache-2.0 */
/* The creative agent: creatives that do credibly worse than those that are shown in their stead,
 * and what their line item would gain without them.
 *
 *   creatives by the day, four weeks --strata: days--> a creative's events an impression against
 *     those of its siblings: the line item's active creatives of its slot (clicks where the goal is
 *     clicks, else conversions)
 *     --all creatives of the run together--> at most a tenth of those found is false
 *     --a tenant's creatives shrunk to each other--> P(less) >= 0.95
 *   its share of the slot's impressions in the last week --> value a day without it --> proposal to
 *     stop the worst of each slot
 *
 * Rotation takes most impressions from a loser by itself, down to its floor; what is found here is
 * what that leaves, or what the floor is too high for.
 */
#ifndef QBID_CONTROL_AGENTS_CREATIVE_H
#define QBID_CONTROL_AGENTS_CREATIVE_H

#include "control/agents/gains_agent.h"

#define QBID_CREATIVE_PERIOD_NS (UINT64_C(600) * 1000000000)
#define QBID_CREATIVE_DAYS 28
#define QBID_CREATIVE_CREDIBLE 0.95 /* probability that it does worse */

/** As an agent of QBID_CREATIVE_PERIOD_NS. */
extern const struct qbid_gains_kind qbid_creative_kind;

/**
 * One run of it; search->dictionary is not looked at.
 *
 * Returns: 0; NOMEM, errors of the store. Proposals are never auto_execute.
 * Source:  effects as control/models/meta/rate_ratio.h, beliefs as meta.h. With its share w of the
 *          impressions and its effect x, the line item without it brings 1 / (w exp(x) + 1 - w)
 *          times as much.
 */
int qbid_creative_find(const struct qbid_gains_search *search);

#endif
