/* SPDX-License-Identifier: Apache-2.0 */
/* What optimization leaves behind: versions of models with their metrics, runs of agents, insights,
 * creatives by the day, budgets that were allotted. Errors: QBID_ERR_STORE unless said otherwise.
 * Every load goes through the views of control/store/schema.c, so it shows the scope's tenant only.
 */
#ifndef QBID_CONTROL_STORE_STORE_RECORDS_H
#define QBID_CONTROL_STORE_STORE_RECORDS_H

#include <stdint.h>

#include "control/store/store.h"

/* Which model serves a campaign's rate, judged on outcomes that it predicted ahead. */
struct qbid_store_model {
    uint32_t tenant, campaign;
    const char *rate; /* "ctr", "cvr" */
    uint32_t version; /* 1, 2, 3 ... of that rate; given by the store */
    int64_t unix_s;
    const char *model;
    double trials, successes;   /* predicted ahead */
    double log_loss;            /* nats a trial */
    double gain, gain_interval; /* of log-loss over the hierarchical rates */
    const char *calibration;
};

int qbid_store_add_model(struct qbid_store *store, const struct qbid_store_model *model);
typedef int qbid_store_model_fn(void *context, const struct qbid_store_model *model);
/** Latest first; campaign 0 and rate "" = any. Stops at fn's first error and returns it, as all
 *  loads below. */
int qbid_store_load_models(struct qbid_store *store, uint32_t campaign, const char *rate,
                           uint32_t max, qbid_store_model_fn *fn, void *context);

/* One cycle of an agent, over all tenants. */
struct qbid_store_run {
    const char *agent;
    uint64_t unix_ns;
    uint64_t spent_ns; /* CPU time */
    uint64_t proposals, refused;
    const char *outcome; /* "ok", or what went wrong */
};

int qbid_store_add_run(struct qbid_store *store, const struct qbid_store_run *run);
typedef int qbid_store_run_fn(void *context, const struct qbid_store_run *run);
int qbid_store_load_runs(struct qbid_store *store, const char *agent, uint32_t max,
                         qbid_store_run_fn *fn, void *context);

/* Something that was found, from the first time to the last without a pause. */
struct qbid_store_insight {
    uint32_t tenant, campaign;
    uint32_t line_item; /* 0 = of the campaign */
    const char *kind, *metric;
    int64_t first_unix_s, last_unix_s;
    double seen, against, confidence;
    int64_t impact_nanos; /* money a day */
    const char *text;
};

/** Found at last_unix_s: goes on with what was found from since_unix_s on, or begins anew. */
int qbid_store_see_insight(struct qbid_store *store, const struct qbid_store_insight *insight,
                           int64_t since_unix_s);
typedef int qbid_store_insight_fn(void *context, const struct qbid_store_insight *insight);
/** Those last found at from_unix_s or later, latest first. */
int qbid_store_load_insights(struct qbid_store *store, int64_t from_unix_s, uint32_t max,
                             qbid_store_insight_fn *fn, void *context);

/* A creative on one UTC day. */
struct qbid_store_creative_day {
    uint32_t tenant, campaign, line_item, creative;
    int64_t day;             /* since 1970 */
    struct qbid_stats stats; /* of that day */
};
typedef int qbid_store_creative_day_fn(void *context, const struct qbid_store_creative_day *day);
/** By creative and day, from a day on; creative 0 = all. qbid_store_save_series() writes them. The
 *  first day that is kept is what the others are counted from. */
int qbid_store_load_creative_days(struct qbid_store *store, uint32_t creative, int64_t from_day,
                                  qbid_store_creative_day_fn *fn, void *context);

/* A campaign's budget as an execution changed it. */
struct qbid_store_allocation {
    uint32_t tenant, campaign;
    uint64_t execution, unix_ns;
    int64_t before_nanos, after_nanos;
    const char *kind, *actor; /* of the execution */
    uint64_t undone_by;
    uint64_t recommendation; /* 0 = none */
    const char *agent;
    int64_t mean_nanos; /* what it was expected to add a day */
};
typedef int qbid_store_allocation_fn(void *context, const struct qbid_store_allocation *allocation);
/** Latest first; campaign 0 = all. */
int qbid_store_load_allocations(struct qbid_store *store, uint32_t campaign, uint32_t max,
                                qbid_store_allocation_fn *fn, void *context);

/** Delete runs from before runs_unix_s, and the rest and firings of rules from before unix_s, at
 *  most max of each: how many. */
int qbid_store_prune_records(struct qbid_store *store, int64_t runs_unix_s, int64_t unix_s,
                             uint32_t max);

#endif
