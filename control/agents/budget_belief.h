/* SPDX-License-Identifier: Apache-2.0 */
/* What the budget agent remembers and believes of campaigns: days, exponents, scales. */
#ifndef QBID_CONTROL_AGENTS_BUDGET_BELIEF_H
#define QBID_CONTROL_AGENTS_BUDGET_BELIEF_H

#include <stdbool.h>
#include <stdint.h>

#include "control/agents/budget.h"
#include "control/models/allocate/explore.h"

/* Exponents before anything is known, and what they are held between. */
#define QBID_BUDGET_SHAPE_MEAN 0.8
#define QBID_BUDGET_SHAPE_SD 0.1
#define QBID_BUDGET_SHAPE_LOW 0.3
#define QBID_BUDGET_SHAPE_HIGH 0.97

struct qbid_budget_campaign {
    uint32_t id;
    uint32_t tenant_id;
    int64_t budget_nanos; /* now */
    bool present;         /* in the account, in this run */
    /* the last proposal for it: when, and from which budget */
    int64_t proposed_unix_s, proposed_nanos;
    /* since the day began, or since it was first seen */
    int64_t from_unix_s;
    double spend_base, value_base; /* totals then, currency units */
    double spend, value;           /* since then */
    bool partial;                  /* today was first seen when it had begun */
    int64_t lowest_nanos;          /* budget of today so far; 0 = not seen yet */
    double most;                   /* that it can spend a day, as far as known; 0 = any budget */
    double gone;                   /* spent since the day began, at most */
    uint64_t convs;                /* in all */
    double value_all;
    /* days that are over, as rates of a whole day, the oldest first */
    double day_spend[QBID_BUDGET_AGENT_DAYS], day_value[QBID_BUDGET_AGENT_DAYS];
    uint32_t day_cnt;
    /* belief */
    double shape, shape_sd;
    double response;   /* exponent by its auctions, 0 = not known; a mean */
    double response_s; /* of so long, a day at most */
    int64_t response_unix_s;
    bool varied;
    bool informed; /* by the library */
    /* the exponent by its own days alone; variance 0 = they say nothing */
    double own_shape, own_variance;
    struct qbid_explore_evidence evidence;
};

/** Take in a campaign's totals; a day that is over becomes one of its days. */
void qbid_budget_campaign_see(struct qbid_budget_campaign *campaign, const struct qbid_stats *all,
                              int64_t unix_s);

/** Days of a campaign that was not seen yet, up to now, from its past; the hours may have gaps
 * where nothing was counted. An error of the past: nothing is known, ask again. */
int qbid_budget_campaign_recall(struct qbid_budget_campaign *campaign,
                                const struct qbid_budget_agent_params *params, int64_t unix_s);

/** Take in what its auctions show now; the exponent, in (0, 1]. */
void qbid_budget_campaign_respond(struct qbid_budget_campaign *campaign, double exponent,
                                  int64_t unix_s);

/** Exponents of a tenant's campaigns, by their days together. Campaigns of fewer than 7 days keep
 *  the prior, 0.8 +- 0.1. NOMEM. */
int qbid_budget_shapes(struct qbid_budget_campaign *const *campaigns, uint32_t cnt);

/** Evidence of scales by all days, older ones counting less, and the prior that fits them; false
 *  while there is none. Counts are conversions of `worth` each. */
bool qbid_budget_scales(struct qbid_budget_campaign *const *campaigns, uint32_t cnt, double worth,
                        int64_t unix_s, struct qbid_explore_prior *ret_prior);

/** The expected curve, value a day by spend a day; and one drawn, which differs in scale and,
 * around the present budget, in exponent. */
struct qbid_curve qbid_budget_curve(const struct qbid_budget_campaign *campaign,
                                    struct qbid_explore_prior prior);
struct qbid_curve qbid_budget_curve_draw(const struct qbid_budget_campaign *campaign,
                                         struct qbid_explore_prior prior,
                                         struct qbid_random *random);

#endif
