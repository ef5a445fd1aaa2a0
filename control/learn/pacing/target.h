/* SPDX-License-Identifier: Apache-2.0 */
/* Goals with a target: what the pacer may count on for them. */
#ifndef QBID_CONTROL_LEARN_PACING_TARGET_H
#define QBID_CONTROL_LEARN_PACING_TARGET_H

#include "control/learn/state/learner_state.h"

/**
 * Bring a campaign's target to the pacer; once a period, after its sample was looked at.
 *
 * A campaign that is not heard of while others bid has no sample that would say how far its
 * multiplier is off: it is raised until it is heard again.
 *
 * Units:   left_nanos of the budget. Threads: writes state->tracking. Cost: some microseconds.
 */
void qbid_target_track(const struct qbid_learner *learner, const struct qbid_campaign_def *campaign,
                       struct qbid_campaign_state *state, double left_nanos,
                       struct qbid_pacing_in *in);

/** A flight begins at the target's multiplier where that is known, not at the budget's. */
void qbid_target_start(const struct qbid_pacing_params *params, const struct qbid_pacing_in *in,
                       struct qbid_pacing_state *pacing);

#endif
