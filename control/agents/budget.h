/* SPDX-License-Identifier: Apache-2.0 */
/* The budget agent: moves daily budgets between campaigns of a tenant to where the next unit earns
 * more, as far as that is known. */
#ifndef QBID_CONTROL_AGENTS_BUDGET_H
#define QBID_CONTROL_AGENTS_BUDGET_H

#include "control/agents/agent.h"
#include "control/patterns/patterns.h"
#include "control/store/store.h"

#define QBID_BUDGET_AGENT_PERIOD_NS (UINT64_C(120) * 1000000000)
#define QBID_BUDGET_AGENT_DAYS 60 /* of each campaign that are remembered */

/** Totals of a campaign's past: as qbid_store_load_hours(). */
typedef int qbid_budget_past_fn(struct qbid_store *store, uint32_t campaign_id, int64_t from_unix_s,
                                qbid_store_point_fn *fn, void *context);

/** Exponents of other campaigns, and word of one's own: as qbid_patterns_prior() and
 *  qbid_patterns_see(). */
typedef int qbid_budget_prior_fn(struct qbid_store *store, const struct qbid_pattern_key *key,
                                 const char *source, double vague_mean, double vague_sd,
                                 struct qbid_patterns_prior *ret_prior);
typedef int qbid_budget_tell_fn(struct qbid_store *store, const struct qbid_pattern_key *key,
                                const struct qbid_pattern_source *source);

/** The exponent of value in spend at a campaign's present budget, as its auctions show it
 *  (qbid_learner_response()); false = not known. */
typedef bool qbid_budget_response_fn(const void *context, uint32_t campaign_id,
                                     double *ret_exponent);

struct qbid_budget_agent_params {
    double trust;      /* most that a day's proposals change a budget by, in parts of it */
    double change_min; /* changes below this part of a budget are not proposed */
    double confidence; /* probability of a gain from which it is auto_execute */
    uint32_t again_s;  /* until a proposal that nobody acted on is followed by another */
    double floor;      /* least budget, in parts of an equal share of the tenant's */
    uint64_t seed;
    qbid_budget_past_fn *past;         /* where days before the agent began are; NULL = nowhere */
    qbid_budget_prior_fn *prior;       /* the library of patterns; NULL = none */
    qbid_budget_tell_fn *tell;         /* with prior */
    struct qbid_store *store;          /* of past, prior and tell */
    qbid_budget_response_fn *response; /* NULL = nobody knows */
    const void *response_context;
};

/* Which: active campaigns with a daily budget whose goal is value or conversions. Tenants are
 * apart, and the sum of a tenant's budgets stays as it is to the nano.
 *
 * What is known of a campaign: spend and value of each day (UTC), from the snapshot's totals; of
 * the days before it was first seen, from the past, so that a restart forgets nothing. Once a day
 * curves of all campaigns of a tenant are fitted together (control/models/allocate/fit_group.h) for
 * their exponents; at each run its scale is gamma by all that it has brought so far (explore.h),
 * and the proposal is the Thompson allocation in the trust region. Where auctions show the exponent
 * (response), it is theirs; where neither they do nor spend has varied enough, pairs of budgets are
 * moved against each other a little so that it will.
 *
 * A tenant's money moves once a day at most, best when the day begins: a daily budget is spread
 * over its day, so that what is moved at an hour h bends what is left of the day by 24 / (24 - h)
 * times as much. The trust region of a later proposal is as much smaller. One that nobody acted on
 * is followed by another.
 *
 * With a library (control/patterns) a campaign's exponent starts where those of the tenant's other
 * campaigns were, past ones too, and each day's fit is told to it.
 */
struct qbid_budget_agent; /* opaque */

/** QBID_ERR_INVAL for a number out of range; QBID_ERR_NOMEM. */
int qbid_budget_agent_new(const struct qbid_budget_agent_params *params,
                          struct qbid_budget_agent **ret_agent);
void qbid_budget_agent_free(struct qbid_budget_agent *agent);

/** As an agent of QBID_BUDGET_AGENT_PERIOD_NS; lives as long as its state. */
struct qbid_agent qbid_budget_agent_of(struct qbid_budget_agent *agent);

#endif
