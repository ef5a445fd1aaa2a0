/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule agent: hours of the day in which a campaign's money brings credibly less than in
 * its other hours, and what its line items would gain without them.
 *
 *   contexts since the beginning --strata: line item on an exchange--> each hour's events by money
 *     spent against the other hours' (clicks where the goal is clicks, else conversions)
 *     --all hours of all campaigns in the run together--> at most a tenth of those found is false
 *     --hours of a campaign shrunk to each other--> P(less) >= 0.95
 *   line item's spend in them, response to spend --> value a day without them --> proposal to
 * exclude them from its hours
 *
 * Hours are on the users' clocks, as targeting has them; needs `hour` in the finest of the
 * configuration's levels.
 */
#ifndef QBID_CONTROL_AGENTS_SCHEDULE_H
#define QBID_CONTROL_AGENTS_SCHEDULE_H

#include "control/agents/gains_agent.h"

#define QBID_SCHEDULE_PERIOD_NS (UINT64_C(900) * 1000000000)
#define QBID_SCHEDULE_CREDIBLE 0.95 /* probability that an hour brings less */

/** As an agent of QBID_SCHEDULE_PERIOD_NS. */
extern const struct qbid_gains_kind qbid_schedule_kind;

/**
 * One run of it.
 *
 * Returns: 0; NOMEM, errors of the store. Proposals are never auto_execute.
 * Source:  effects as control/models/meta/rate_ratio.h, beliefs as meta.h. With shares s_h of a
 * line item's spend, effects x_h and the campaign's response exponent b, the same budget without
 *          the hours B brings sum_{h not in B} s_h exp(x_h) (1 - s_B)^-b / sum_h s_h exp(x_h) times
 *          as much.
 */
int qbid_schedule_find(const struct qbid_gains_search *search);

#endif
