/* SPDX-License-Identifier: Apache-2.0 */
/* Totals of campaigns at the ends of steps, kept between the judgements of rules whose step is
 * below an hour: each reads what came since, not days of history again.
 */
#ifndef QBID_CONTROL_RULES_RULE_HISTORY_H
#define QBID_CONTROL_RULES_RULE_HISTORY_H

#include "control/rules/rule_judge.h"

#define QBID_RULE_HISTORY_POINTS_MAX (UINT32_C(1) << 18) /* of all campaigns: 22 MiB */

struct qbid_rule_history; /* opaque */

/** NOMEM. */
int qbid_rule_history_new(struct qbid_rule_history **ret_history);
void qbid_rule_history_free(struct qbid_rule_history *history);

/**
 * As qbid_rule_points_load(), for one judgement at at_unix_s.
 *
 * Returns: 0 and a view that is valid until the next call: of what lies between the ends of steps
 *          the last point alone.
 * Errors:  NOMEM, STORE: what was kept of that campaign is forgotten.
 * Cost:    the points since the last call for the campaign and step; the first time, and where
 *          QBID_RULE_HISTORY_POINTS_MAX is reached, all of them.
 */
int qbid_rule_history_load(struct qbid_rule_history *history, struct qbid_store *store,
                           const struct qbid_rule *rule, uint32_t campaign_id, int64_t at_unix_s,
                           struct qbid_rule_points *ret_view);

/** Points read from the store so far, by all calls. */
uint64_t qbid_rule_history_read(const struct qbid_rule_history *history);

#endif
