/* SPDX-License-Identifier: Apache-2.0 */
/* qbidd and an ad server in one process on simulated time: the engine with its SQLite store,
 * publisher and hand-over socket, the crew of agents and the executor, called as control/daemon.c
 * calls them; and a worker that reads tables by the watcher, decides and records.
 *
 * What an operator would write: agents move budgets of campaigns, so that every line item whose
 * money may move is in a campaign of its own. A platform is what its line items target (exchange):
 * it needs no item of its own, for money may go from any platform to any other.
 */
#ifndef QBID_TOOLS_SIM_LOOP_HOST_H
#define QBID_TOOLS_SIM_LOOP_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "control/config/config.h"
#include "control/engine/engine.h"
#include "tools/sim/market/calendar.h"
#include "tools/sim/loop/world.h"

#define QBID_LOOP_WHY_MAX 2304

struct qbid_loop_host; /* opaque */

struct qbid_loop_host_params {
    const struct qbid_loop_world *world;
    const char *folder;   /* of store, images, sockets: exists, empty */
    const char *settings; /* more of qbidd.yaml: the sections execution and agents */
};

/** Everything started, the account imported with equal budgets, the worker at its table. Time
 *  stands at 0. why says what went wrong. */
int qbid_loop_host_new(const struct qbid_loop_host_params *params, struct qbid_loop_host **ret_host,
                       char why[QBID_LOOP_WHY_MAX]);
void qbid_loop_host_free(struct qbid_loop_host *host);

/** Decide an impression of a line item's audience and record it. False: no bid. */
bool qbid_loop_host_bid(struct qbid_loop_host *host, uint32_t line_item, uint64_t id,
                        uint64_t now_ns, struct qbid_sim_bid *ret_bid);

/** A notice with a valid token comes to the worker. False: its ring is full. */
bool qbid_loop_host_notice(struct qbid_loop_host *host, const struct qbid_sim_notice *notice);

/* What qbidd does at its periods, at the present time. agents: expiry, plan and guards too, as
 * after each persist in qbidd; returns executions made, or an error with why. */
void qbid_loop_host_ingest(struct qbid_loop_host *host);
void qbid_loop_host_live(struct qbid_loop_host *host);
void qbid_loop_host_learn(struct qbid_loop_host *host);
void qbid_loop_host_persist(struct qbid_loop_host *host);
int qbid_loop_host_agents(struct qbid_loop_host *host, char why[QBID_LOOP_WHY_MAX]);

/** Somebody sets all budgets by hand: one change with its cause, as `qbid import` makes it. */
int qbid_loop_host_budgets(struct qbid_loop_host *host, const int64_t *micros, const char *actor,
                           const char *cause, char why[QBID_LOOP_WHY_MAX]);

/** Hold the campaign of a line item against all recommendations, or lift that. */
int qbid_loop_host_hold(struct qbid_loop_host *host, uint32_t line_item, bool on,
                        char why[QBID_LOOP_WHY_MAX]);

/** A line item's present daily budget. */
int64_t qbid_loop_host_budget_nanos(const struct qbid_loop_host *host, uint32_t line_item);

struct qbid_engine *qbid_loop_host_engine(struct qbid_loop_host *host);
const struct qbid_config *qbid_loop_host_config(const struct qbid_loop_host *host);

/** Campaign of a line item, by its place in the world; and back. */
static inline uint32_t qbid_loop_campaign(uint32_t line_item)
{
    return line_item + 1;
}

#endif
