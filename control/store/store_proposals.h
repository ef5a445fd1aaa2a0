/* SPDX-License-Identifier: Apache-2.0 */
/* Recommendations and what became of them, holds that operators laid on items, and what is watched
 * after an execution. Errors: QBID_ERR_STORE unless said otherwise. */
#ifndef QBID_CONTROL_STORE_STORE_PROPOSALS_H
#define QBID_CONTROL_STORE_STORE_PROPOSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/agents/proposal.h"
#include "control/store/store.h"

#define QBID_STORE_ACTOR_MAX 40

/*     pending -> approved -> applied -> rolled_back
 *        |          |
 *        |          +-> rejected, expired
 *        +-> rejected, expired, superseded */
enum qbid_recommendation_status {
    QBID_RECOMMENDATION_PENDING,
    QBID_RECOMMENDATION_APPROVED,
    QBID_RECOMMENDATION_REJECTED,
    QBID_RECOMMENDATION_EXPIRED,
    QBID_RECOMMENDATION_APPLIED,
    QBID_RECOMMENDATION_ROLLED_BACK,
    QBID_RECOMMENDATION_SUPERSEDED, /* its agent knows better */
    QBID_RECOMMENDATION_STATUS_CNT
};

struct qbid_recommendation {
    struct qbid_proposal proposal;
    uint32_t tenant;
    uint32_t campaign;   /* of the item */
    int64_t money_nanos; /* what the change puts at stake, >= 0 */
    uint64_t unix_ns;
    char proposer[QBID_STORE_ACTOR_MAX];
    enum qbid_recommendation_status status;
    char decider[QBID_STORE_ACTOR_MAX]; /* who approved, rejected or applied it; "" = nobody yet */
    uint64_t decided_unix_ns;
    uint64_t execution; /* 0 = none */
};

/** "pending", "approved", ...; and back, -1 for another word. */
const char *qbid_recommendation_status_name(enum qbid_recommendation_status status);
int qbid_recommendation_status_of(const char *name);

/** Add one that is not there yet. */
int qbid_store_add_recommendation(struct qbid_store *store,
                                  const struct qbid_recommendation *recommendation);

/* 0 and -1 = any. */
struct qbid_recommendation_filter {
    uint64_t id;
    uint64_t bundle;
    int status;
    uint32_t max;
    uint64_t decided_since_ns; /* that were decided on then or later */
};

typedef int qbid_store_recommendation_fn(void *context,
                                         const struct qbid_recommendation *recommendation);
/** Latest first. Stops at fn's first error and returns it; CORRUPT for a row that breaks a
 * contract. fn must not change recommendations. */
int qbid_store_load_recommendations(struct qbid_store *store,
                                    const struct qbid_recommendation_filter *filter,
                                    qbid_store_recommendation_fn *fn, void *context);

/** Pending ones that a proposal of an agent takes the place of: of the same agent, for the same
 * field of the same item, of older evidence, with all of their group; not of its own group. */
int qbid_store_load_superseded(struct qbid_store *store, const struct qbid_proposal *proposal,
                               qbid_store_recommendation_fn *fn, void *context);

/** A new status, by whom and when, and the execution that applied it. */
int qbid_store_set_recommendation(struct qbid_store *store, uint64_t id,
                                  enum qbid_recommendation_status status, const char *decider,
                                  uint64_t unix_ns, uint64_t execution);
/** After qbid_store_executions_undone(): those applied by executions of [from, until] are rolled
 *  back, and what a rollback among these had done to others is as before it. */
int qbid_store_undo_recommendations(struct qbid_store *store, uint64_t from, uint64_t until,
                                    uint64_t by);

/* --- holds: no recommendation touches a held item, or one below it */

struct qbid_store_hold {
    enum qbid_item_kind item;
    uint32_t item_id;
    uint32_t tenant;
    uint64_t unix_ns;
    const char *actor, *why;
};

int qbid_store_add_hold(struct qbid_store *store, const struct qbid_store_hold *hold);
int qbid_store_drop_hold(struct qbid_store *store, enum qbid_item_kind item, uint32_t item_id);
typedef int qbid_store_hold_fn(void *context, const struct qbid_store_hold *hold);
int qbid_store_load_holds(struct qbid_store *store, qbid_store_hold_fn *fn, void *context);

/* --- guards */

struct qbid_store_guard {
    uint64_t execution;
    uint32_t tenant;
    uint32_t campaign;
    uint64_t unix_ns;
    char metric[8];                       /* "ctr", "cvr" */
    uint64_t base_trials, base_successes; /* of the day before the execution */
    uint64_t trials, successes;           /* totals at the execution */
};

int qbid_store_add_guard(struct qbid_store *store, const struct qbid_store_guard *guard);
/** Those of executions of [from, until]. */
int qbid_store_drop_guards(struct qbid_store *store, uint64_t from, uint64_t until);
typedef int qbid_store_guard_fn(void *context, const struct qbid_store_guard *guard);
int qbid_store_load_guards(struct qbid_store *store, qbid_store_guard_fn *fn, void *context);

#endif
