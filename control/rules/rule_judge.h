/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a rule's condition holds for one campaign, from its totals over time.
 *
 *     totals at the ends of steps --differences--> events and trials of each step since the day (or
 *     the last firing) began, each beside the same step of the days before --wager--> proof or not
 *
 * Everything is taken from the history in the store: what would have happened is judged by the very
 * code that judges what happens. A budget is no matter of chance: it is compared as it is.
 */
#ifndef QBID_CONTROL_RULES_RULE_JUDGE_H
#define QBID_CONTROL_RULES_RULE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/rules/rule.h"
#include "control/store/store.h"

/* Totals of a campaign as of a time; oldest first. */
struct qbid_rule_points {
    struct qbid_store_point *point;
    uint32_t cnt, max;
};

/** Append a point: a qbid_store_point_fn over struct qbid_rule_points. NOMEM. */
int qbid_rule_point_add(void *points, const struct qbid_store_point *point);
void qbid_rule_points_done(struct qbid_rule_points *points);

/** Whether the totals at the ends of hours are enough for a rule; and since when it needs points to
 *  be judged at from_unix_s and later. */
bool qbid_rule_by_hours(const struct qbid_rule *rule);
int64_t qbid_rule_points_from(const struct qbid_rule *rule, int64_t from_unix_s);

/** Load what a rule needs of a campaign to be judged at from_unix_s and later. NOMEM, STORE. */
int qbid_rule_points_load(struct qbid_store *store, const struct qbid_rule *rule,
                          uint32_t campaign_id, int64_t from_unix_s,
                          struct qbid_rule_points *points);

struct qbid_rule_verdict {
    bool fired;
    int64_t from_unix_s, to_unix_s; /* what was looked at */
    double events, trials;          /* clicks of impressions; conversions of money, nanos ... */
    double expected;                /* events at the threshold; a budget: the share */
    double ratio, low, high; /* events to those expected of the reference itself; 90 % interval */
    double won;              /* log of the wager; 0 for a budget */
    double confidence;
    int64_t day_spend_nanos; /* of the 24 h before */
};

/**
 * Judge a campaign at the end of a step.
 *
 * Shapes:  error in (0, 1): probability of a false firing on one day, of this campaign; at_unix_s a
 *          multiple of the rule's step; fired_unix_s = when it last fired, 0 = never: what came
 *          before that is not counted again.
 * Returns: false when there is nothing to judge by (no history, no target); else *ret_verdict.
 * Threads: pure.
 */
bool qbid_rule_judge(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                     const struct qbid_rule_points *points, int64_t at_unix_s, int64_t fired_unix_s,
                     double error, struct qbid_rule_verdict *ret_verdict);

/** Begin of the UTC day that ends at or after a time: wagers begin anew there. */
int64_t qbid_rule_day_begin(int64_t at_unix_s);

#endif
