/* SPDX-License-Identifier: Apache-2.0 */
/* What a campaign's plan of spending follows: the traffic forecast of its flight. */
#ifndef QBID_CONTROL_LEARN_PACING_DEMAND_H
#define QBID_CONTROL_LEARN_PACING_DEMAND_H

#include <stdint.h>

#include "control/learn/state/learner_state.h"

/* A moment of a flight. */
struct qbid_demand {
    double done; /* part of the flight's traffic that is over, [0, 1] */
    double step; /* that a control period takes, [0, 1] */
    double all;  /* of the whole flight, forecast; 0 = not known */
};

/** Count the demand of the last period_s, in which a campaign might spend. */
void qbid_demand_note(struct qbid_campaign_state *state, double period_s, int64_t now_unix_ns,
                      double demand);

/** Fit the account's curve anew once an hour, and then each campaign's, some with each call; what
 * the pacer remembers in parts of a plan is brought to the new one. Cost: a microsecond a campaign
 * once, then at most some milliseconds a call. */
void qbid_demand_refit(struct qbid_learner *learner, int64_t now_unix_s);

/** Where a flight stands. Cost: below a microsecond, the first time in a flight some. */
struct qbid_demand qbid_demand_at(struct qbid_campaign_state *state, double period_s,
                                  int64_t now_unix_ns);

#endif
