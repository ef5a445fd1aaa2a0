/* SPDX-License-Identifier: Apache-2.0 */
/* The crew: agents over a running engine, what they propose taken in by the executor. */
#ifndef QBID_CONTROL_CREW_H
#define QBID_CONTROL_CREW_H

#include "control/agents/monitor.h"
#include "control/agents/scheduler.h"
#include "control/config/config.h"
#include "control/engine/engine.h"
#include "control/log.h"

struct qbid_crew; /* opaque */

/** Agents as `agents` of the configuration says; all must live as long as the crew. NOMEM, INVAL.
 */
int qbid_crew_new(const struct qbid_config *config, struct qbid_engine *engine,
                  struct qbid_log *log, uint64_t now_ns, struct qbid_crew **ret_crew);
void qbid_crew_free(struct qbid_crew *crew);

/** Run what is due; what goes wrong is logged once until it changes. Returns how many ran. */
int qbid_crew_tick(struct qbid_crew *crew, uint64_t now_ns, int64_t unix_s);

/** NULL when it is not wanted. */
const struct qbid_monitor *qbid_crew_monitor(const struct qbid_crew *crew);

#endif
