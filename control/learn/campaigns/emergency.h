/* SPDX-License-Identifier: Apache-2.0 */
/* Emergency adjustments of a campaign: what fires, and the factor on its pace while it holds.
 *
 *     outcomes ---> three tests (control/models/watch/alarm.h)
 *                        | fires: one at a time
 *     pace factor: 1 --steps--> factor, for HOLD --steps--> 1, and the tests begin anew
 *
 * The usual rates are the campaign's own since it began, newer ones with more weight, taken two
 * standard deviations low so that an unlucky reference does not fire, and from 100 events on. While
 * an adjustment or an operator's override holds nothing is tested. State is not saved: a restart
 * ends an adjustment.
 */
#ifndef QBID_CONTROL_LEARN_CAMPAIGNS_EMERGENCY_H
#define QBID_CONTROL_LEARN_CAMPAIGNS_EMERGENCY_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/account/written/triggers.h"
#include "control/ingest/outcome.h"
#include "control/models/watch/alarm.h"

#define QBID_EMERGENCY_FALSE_A_DAY 0.01 /* of one test: one false alarm in 100 days at most */
#define QBID_EMERGENCY_HOLD_S 1800

struct qbid_emergency {
    struct qbid_alarm alarm[QBID_TRIGGER_CNT];
    double usual_events[QBID_TRIGGER_CNT], usual_of[QBID_TRIGGER_CNT]; /* CTR and WIN */
    bool holds;
    enum qbid_trigger_kind kind;
    double full_lg, target_lg, now_lg; /* log2 of the factor: whole, where it goes, where it is */
    uint64_t until_ns;                 /* CLOCK_BOOTTIME, while it holds */
    uint64_t stepped_ns;
};

/* What the learner has to tell: one began or ended. */
struct qbid_emergency_news {
    uint32_t campaign_id;
    bool began;
    enum qbid_trigger_kind kind;
    double factor;
};

/** Take an outcome of the campaign; spent_nanos is what a BILL was charged. */
void qbid_emergency_post(struct qbid_emergency *emergency, const struct qbid_campaign_def *campaign,
                         const struct qbid_outcome *outcome, int64_t spent_nanos, int64_t unix_s);

/**
 * Look at the tests and move the factor, at most step_lg octaves a control period.
 *
 * Returns: 1 and *ret_news when an adjustment began or ended, else 0.
 */
int qbid_emergency_step(struct qbid_emergency *emergency, const struct qbid_campaign_def *campaign,
                        bool overridden, double step_lg, uint64_t period_ns, uint64_t now_ns,
                        struct qbid_emergency_news *ret_news);

/** The factor now, 1 where nothing holds. */
double qbid_emergency_factor(const struct qbid_emergency *emergency);

/** When it is over at the latest, on the boot clock, were control to die now; 0 = nothing holds. */
uint64_t qbid_emergency_until(const struct qbid_emergency *emergency, double step_lg,
                              uint64_t period_ns);

#endif
