/* SPDX-License-Identifier: Apache-2.0 */
/* Results of `qbid-sim loop` as a table and as JSON. */
#ifndef QBID_TOOLS_SIM_LOOP_REPORT_H
#define QBID_TOOLS_SIM_LOOP_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/sim/loop/options.h"
#include "tools/sim/loop/run.h"

#define QBID_LOOP_LATE_DAYS 14 /* in which what was to be learned is known */

/* One market under all strategies. */
struct qbid_loop_seed {
    struct qbid_loop_result result[QBID_LOOP_STRATEGY_CNT];
    double best;          /* value of the best split by the curves, without luck or latency */
    double best_late;     /* the same of the last QBID_LOOP_LATE_DAYS days */
    int64_t budget_nanos; /* of all days */
};

void qbid_loop_report_table(FILE *out, const struct qbid_loop_options *options,
                            const struct qbid_loop_seed *seeds);
void qbid_loop_report_json(FILE *out, const struct qbid_loop_options *options,
                           const struct qbid_loop_seed *seeds);

/** Whether every check of every run holds, but for those of the notes' rules, which are shown. */
bool qbid_loop_report_holds(const struct qbid_loop_options *options,
                            const struct qbid_loop_seed *seeds);

#endif
