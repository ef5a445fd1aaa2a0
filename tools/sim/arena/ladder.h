/* SPDX-License-Identifier: Apache-2.0 */
/* What each thing that qbid learns costs: shadow bidders beside it on the judged day, each of whom
 * is told one part of the truth, or all but one, and knows the rest as qbid does at that moment.
 *
 *     auction -> qbid bids, as always
 *            \-> value of the best line item, as each rung knows it, and what it is truly worth
 *     day over -> for each rung the multipliers at which its budgets are spent, and what it wins
 *
 * Shadows meet the prices and the tired users that qbid met, so that rungs differ by what they know
 * alone. */
#ifndef QBID_TOOLS_SIM_ARENA_LADDER_H
#define QBID_TOOLS_SIM_ARENA_LADDER_H

#include <stdint.h>

#include "tools/sim/strategy/strategy.h"

/* What can be told. */
enum qbid_sim_ladder_part {
    QBID_SIM_LADDER_CLICKS,      /* click rate by context and line item */
    QBID_SIM_LADDER_CONVERSIONS, /* conversion rate by context and line item */
    QBID_SIM_LADDER_ORDERS,      /* order value by context */
    QBID_SIM_LADDER_HOURS,       /* what the hour makes of both rates */
    QBID_SIM_LADDER_CREATIVES,   /* which creative is the best today */
    QBID_SIM_LADDER_FATIGUE,     /* how often this user saw the campaign */
    QBID_SIM_LADDER_PRICES,      /* first price: the landscape of every place */
    QBID_SIM_LADDER_PARTS
};

/* Rungs: nothing told, each part alone, everything, everything but each part. */
#define QBID_SIM_LADDER_RUNGS (2 * QBID_SIM_LADDER_PARTS + 2)
#define QBID_SIM_LADDER_ALL (QBID_SIM_LADDER_PARTS + 1)

struct qbid_sim_ladder; /* opaque */

/** NOMEM. */
int qbid_sim_ladder_new(struct qbid_sim_ladder **ret_ladder);
void qbid_sim_ladder_free(struct qbid_sim_ladder *ladder);

/** Name of a part ("clicks"). */
const char *qbid_sim_ladder_part_text(unsigned part);

/** An auction of the judged day that `qbid` is about to see; least_micros would win it. NOMEM.
 *  Cost: 5 us a line item. */
int qbid_sim_ladder_watch(struct qbid_sim_ladder *ladder, const void *qbid,
                          const struct qbid_sim_brief *brief, const struct qbid_sim_auction *a,
                          float least_micros);

/**
 * What every rung wins with the budgets of the brief that it watched.
 *
 * Returns: 0 and expected value in nanos by rung, at multipliers that spend each budget to 0.1 %.
 * Errors:  INVAL: it watched nothing.
 */
int qbid_sim_ladder_climb(const struct qbid_sim_ladder *ladder,
                          double ret_value_nanos[QBID_SIM_LADDER_RUNGS]);

#endif
