/* SPDX-License-Identifier: Apache-2.0 */
/* The executor: what becomes of recommendations, and the way back.
 *
 *     propose --> pending -- approve --> approved --+-- apply --> applied -- rollback -->
 * rolled_back |                              |                |
 *                    +-- within the limits ---------+     one transaction: rows of the account,
 * history, status, guards, audit; then a generation
 *
 * Every change is one transaction of the store: a crash leaves all of it or nothing, and no change
 * is there without its audit record. A dry run goes the same way and stops before the transaction.
 * Nothing here knows the engine: the host does, so that tests can run it on a store alone.
 */
#ifndef QBID_CONTROL_EXECUTOR_EXECUTOR_H
#define QBID_CONTROL_EXECUTOR_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/diff.h"
#include "control/choice/choice.h"
#include "control/store/store_executions.h"
#include "control/store/store_proposals.h"

#define QBID_EXECUTOR_WHY_MAX 2048
#define QBID_EXECUTOR_PLAN_MAX 256        /* recommendations in one plan */
#define QBID_EXECUTOR_WARNING "rollback " /* metric of a warning, before the execution's number */

struct qbid_executor_limits {
    int64_t four_eyes_nanos; /* above that, somebody else than the proposer approves */
    double item_change;      /* largest change of one number, as a share of it; 0 = any */
    double day_change;       /* money moved in 24 h, as a share of the active budgets; 0 = any */
    double risk;             /* of one plan: losses of its worst tenth, as a share of them */
    bool automatic;          /* what agents hold small and sure enough goes without approval */
    uint64_t expire_ns;      /* a recommendation that nobody decided on */
    double guard_error;      /* probability of a rollback without a fall */
    double guard_fall;       /* share by which a metric may fall */
    uint64_t guard_ns;       /* how long an execution is watched */
};

/* Who can do what the executor cannot. */
struct qbid_executor_host {
    void *context;
    struct qbid_store *store;
    const struct qbid_account *(*account)(void *context);
    /** As qbid_engine_execute(). */
    int (*execute)(void *context, struct qbid_account *next, const struct qbid_diff *diff,
                   const struct qbid_store_cause *cause, qbid_store_also_fn *also,
                   void *also_context, char why[QBID_EXECUTOR_WHY_MAX]);
    /** What is spent of the budget of a campaign as it is given, in its period, and what bidders
     * may still spend of it: nanos. NULL = nobody knows. */
    int64_t (*committed)(void *context, const struct qbid_campaign_def *campaign, uint64_t unix_ns);
    /** Statistics of a campaign: of the last day, or since the beginning. */
    struct qbid_stats (*stats)(void *context, uint32_t campaign_id, bool day);
};

struct qbid_executor {
    struct qbid_executor_host host;
    struct qbid_executor_limits limits;
};

/* One request to it. */
struct qbid_executor_call {
    uint64_t unix_ns;
    const char *actor; /* "uid 1000", an agent's name */
    const char *why;   /* the actor's words, may be "" */
    uint32_t tenant;   /* on whose behalf: the store's scope; 0 = everybody's */
    bool dry_run;
    char *refusal; /* QBID_EXECUTOR_WHY_MAX bytes: why it was refused */
};

/* What a call did, or would do. */
struct qbid_executor_effect {
    struct qbid_diff diff;
    int64_t budgets_before, budgets_after; /* sums of the active ones, nanos */
    int64_t money_nanos;                   /* put at stake */
    uint64_t execution;                    /* 0 = none: a dry run, or nothing to do */
    uint64_t id[QBID_EXECUTOR_PLAN_MAX];   /* of the recommendations in it */
    uint32_t id_cnt;
    uint32_t inactive; /* added items that a rollback leaves behind, not active */
    uint32_t moved;    /* budgets that it takes an amount from or gives it to: set later, too */
    uint32_t kept;     /* other fields that keep the value that they were given later */
};

void qbid_executor_effect_done(struct qbid_executor_effect *effect);

/**
 * Take in a recommendation. One of an agent (the caller) takes the place of what the same agent
 * proposed for the same field on older evidence and nobody has decided on, with all of its group.
 *
 * Returns: 0, also when its id is known already (*ret_new tells).
 * Errors:  INVAL for what qbid_proposal_check() or the account's import refuses, STALE when the
 * item's value is not the current one, NOENT without such an item, STORE.
 */
int qbid_executor_propose(const struct qbid_executor *x, const struct qbid_executor_call *call,
                          const struct qbid_proposal *proposal, bool *ret_new);

/** Approve or reject it, and all of its group. DENIED when the proposer approves above the limit,
 *  INVAL when it is decided already, NOENT, STORE. */
int qbid_executor_decide(const struct qbid_executor *x, const struct qbid_executor_call *call,
                         uint64_t id, bool approve);

/**
 * Apply one recommendation and all of its group.
 *
 * Returns: 0 and *ret_effect (release it). Applied before: execution is that one, and nothing is
 * done. Errors:  DENIED without the approval that it needs, LIMIT above a limit of change, BUSY for
 * a held item, STALE when the value changed meanwhile, INVAL when it was rejected, NOENT, STORE.
 */
int qbid_executor_apply(const struct qbid_executor *x, const struct qbid_executor_call *call,
                        uint64_t id, struct qbid_executor_effect *ret_effect);

/** Choose among what may go (approved, or automatic) what gains most within the limits, and apply
 * that as one execution. ret_choice may be NULL. */
int qbid_executor_plan(const struct qbid_executor *x, const struct qbid_executor_call *call,
                       struct qbid_executor_effect *ret_effect, struct qbid_choice *ret_choice);

/**
 * Take back executions [from, until]; until UINT32_MAX = to the last, which gives the account its
 * bytes from before.
 *
 * Otherwise later ones stay: a field that none of them changed gets its value from before, a budget
 * that one did is moved by the amount (effect->moved), another field keeps their value (kept).
 * Errors: NOENT, STORE; STALE when a later one took it back already or made a budget one of another
 * period, or when it is a rollback that others came after; LIMIT when a budget would not stay above
 * 0; BUSY when it would change what is held, or lower a budget below what is spent or bid of it in
 * its period: nothing is changed then.
 */
int qbid_executor_rollback(const struct qbid_executor *x, const struct qbid_executor_call *call,
                           uint64_t from, uint64_t until, struct qbid_executor_effect *ret_effect);

/** Lay a hold on an item, or lift it. NOENT, STORE. */
int qbid_executor_hold(const struct qbid_executor *x, const struct qbid_executor_call *call,
                       enum qbid_item_kind item, uint32_t item_id, bool on);

/**
 * What time brings: expiry, the plan of automatic recommendations, the guards. One bounded slice.
 * A guard takes back its execution alone. Where something of it is held or has been spent, it waits
 * until the watch is over; where that can never be, or where a person has set one of the budgets
 * since, the watch ends. Both are in the audit, and a warning among the insights.
 *
 * Returns: executions made, >= 0; an error of the store.
 */
int qbid_executor_tick(const struct qbid_executor *x, const struct qbid_executor_call *call);

#endif
