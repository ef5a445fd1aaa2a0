/* SPDX-License-Identifier: Apache-2.0 */
/* The executor on a store alone: a host that keeps the account, "publishes" by a row of the store,
 * and tells statistics that a test sets. */
#ifndef QBID_TESTS_CONTROL_EXECUTOR_RIG_H
#define QBID_TESTS_CONTROL_EXECUTOR_RIG_H

#include "control/executor/executor.h"

#define RIG_CAMPAIGNS 4
#define RIG_TENANTS 2

struct rig {
    struct qbid_store *store;
    struct qbid_account account;
    struct qbid_executor executor;
    /* by campaign id; a test may import one more */
    struct qbid_stats day[RIG_CAMPAIGNS + 2], all[RIG_CAMPAIGNS + 2];
    int64_t committed[RIG_CAMPAIGNS + 2];
    uint64_t unix_ns;
    uint64_t gen;
    bool broken; /* the control of the tests: what belongs to an execution is written after it */
    char refusal[QBID_EXECUTOR_WHY_MAX];
};

/** Open a store and restore what it has; an error of the store. */
int rig_open(struct rig *rig, const char *path, bool strict);
/** Close without another write. */
void rig_close(struct rig *rig);

/** Import a document over the account, as an operator does. */
int rig_import(struct rig *rig, const char *text, const char *actor);

/** A call by somebody. */
struct qbid_executor_call rig_call(struct rig *rig, const char *actor);

/** A proposal of a value for a field, from what the account has now. */
struct qbid_proposal rig_proposal(const struct rig *rig, enum qbid_item_kind item, uint32_t id,
                                  const char *field, const char *value);

/** Hash of every row of the account's tables as they lie in the store: type and bytes of each
 * value. */
uint64_t rig_state(struct rig *rig);

/** One number that SQL says. */
int64_t rig_number(struct rig *rig, const char *sql);

/** Budgets of a tenant's campaigns, active or not; and what they should add up to: what was first
 * imported, and what every execution in force changed, none of them a rollback. Nanos. */
int64_t rig_budgets(struct rig *rig, uint32_t tenant);
int64_t rig_budgets_due(struct rig *rig, uint32_t tenant);

/** Account of four campaigns, with line items and creatives. */
extern const char rig_document[];

#endif
