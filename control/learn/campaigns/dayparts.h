/* SPDX-License-Identifier: Apache-2.0 */
/* Day-parting of the campaigns, read once and kept. */
#ifndef QBID_CONTROL_LEARN_CAMPAIGNS_DAYPARTS_H
#define QBID_CONTROL_LEARN_CAMPAIGNS_DAYPARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/written/week.h"
#include "control/learn/campaigns/campaigns.h"

struct qbid_dayparts {
    char *text; /* as the campaign has it: to see a change */
    char *zone_name;
    struct qbid_week hours;
    struct qbid_zone *zone; /* NULL = UTC */
    bool broken;            /* the zone is gone, or a text that was taken is none: no bids */
};

/** Bring a state's day-parting to what the campaign says; *ret_changed when it was another one.
 *  QBID_ERR_NOMEM. Cost: two comparisons of text where nothing changed. */
int qbid_dayparts_follow(struct qbid_campaign_state *state,
                         const struct qbid_campaign_def *campaign, const char *zone_preset,
                         bool *ret_changed);
void qbid_dayparts_free(struct qbid_dayparts *dayparts);

/** Factor on the pace at an instant: 0 = off, 1 without day-parting. */
float qbid_dayparts_weight(const struct qbid_dayparts *dayparts, int64_t unix_s);

/** Traffic by a curve between two instants, each hour with its weight: what a plan counts. */
double qbid_dayparts_between(const struct qbid_dayparts *dayparts,
                             const struct qbid_traffic_curve *curve, double from_s, double to_s);

#endif
