/* SPDX-License-Identifier: Apache-2.0 */
/* Expected clicks of a raw log's auctions, as qbid's learner has them from the train part. */
#ifndef QBID_TOOLS_SIM_RECORDED_LOGS_VALUES_H
#define QBID_TOOLS_SIM_RECORDED_LOGS_VALUES_H

#include "tools/sim/recorded/logs/log.h"

/**
 * Teach a learner the impressions and clicks of the train part, and value every auction by the rows
 * of the plan that it makes.
 *
 * Shapes:  a log that is split, with contexts.
 * Returns: 0, values above 0, as clicks of an impression of the log. In a case-control log a rate p
 *          of the sample becomes its odds p / (1 - p), which are the traffic's rate / sampled: the
 *          share of cases does not change with the context.
 * Errors:  QBID_ERR_NOMEM.
 * Source:  odds of a case-control sample: Prentice and Pyke 1979.
 */
int qbid_recorded_values_fill(struct qbid_recorded_log *log);

#endif
