/* SPDX-License-Identifier: Apache-2.0 */
/* What a strategy does with the budgets, and when. */
#ifndef QBID_TOOLS_SIM_LOOP_POLICY_H
#define QBID_TOOLS_SIM_LOOP_POLICY_H

#include "tools/sim/loop/host.h"
#include "tools/sim/loop/run.h"

/** Sections execution and agents of qbidd.yaml under a strategy. */
const char *qbid_loop_policy_settings(enum qbid_loop_strategy strategy);

/** Called at every full hour, the first of day 0 included. An error with why. */
int qbid_loop_policy_hour(enum qbid_loop_strategy strategy, const struct qbid_loop_world *world,
                          struct qbid_loop_host *host, uint64_t hour, char why[QBID_LOOP_WHY_MAX]);

/** The shift of the notes in whole micros: the fifth of the lowest measure gives half of its budget
 *  in equal parts to the fifth of the highest. Ties by index; the sum stays. */
void qbid_loop_shift(const double *measured, uint32_t cnt, int64_t *micros);

/** Scale budgets to a total that they meet exactly, none below `least`. Shapes: cnt x least <=
 * total. */
void qbid_loop_scale(int64_t *micros, uint32_t cnt, int64_t total, int64_t least);

#endif
