/* SPDX-License-Identifier: Apache-2.0 */
/* The history: every change of the account, with the values before it, so that any suffix can be
 * taken back to the byte.
 *
 *     execution 1   execution 2   execution 3        an operator's import, a recommendation, ...
 *     before/after  before/after  before/after       by field, in the type that its column has
 *     restore(2, 3): of every field that 2 and 3 changed, the value before the first of them
 *     restore(2, 2): the same where 3 changed nothing; of a budget the amount, so that sums stay
 *
 * Executions are written by qbid_store_execute(). Errors: QBID_ERR_STORE unless said otherwise.
 */
#ifndef QBID_CONTROL_STORE_STORE_EXECUTIONS_H
#define QBID_CONTROL_STORE_STORE_EXECUTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/store/store.h"

struct qbid_store_execution {
    uint64_t id;     /* 1, 2, 3 ... */
    uint32_t tenant; /* 0 = of several */
    uint64_t unix_ns;
    const char *actor, *why;
    const char *kind;   /* "change", "recommendation", "rollback" */
    uint64_t undone_by; /* the rollback that took it back, 0 = none: it is in force */
    uint64_t gen;       /* the first generation with it, 0 = not published yet */
};

typedef int qbid_store_execution_fn(void *context, const struct qbid_store_execution *execution);
/** Latest first, at most max; id 0 = all. Stops at fn's first error and returns it. */
int qbid_store_load_executions(struct qbid_store *store, uint64_t id, uint32_t max,
                               qbid_store_execution_fn *fn, void *context);

/* One changed field as text; field "" = the item was added. */
struct qbid_store_execution_change {
    const char *item, *field;
    uint32_t item_id;
    const char *before, *after; /* as the store has them: money in nanos and micros */
};

typedef int qbid_store_execution_change_fn(void *context,
                                           const struct qbid_store_execution_change *change);
int qbid_store_load_execution_changes(struct qbid_store *store, uint64_t execution,
                                      qbid_store_execution_change_fn *fn, void *context);

#define QBID_STORE_BY_HAND_MAX 160

/* What qbid_store_restore() did. */
struct qbid_store_restored {
    uint32_t added; /* items that were added in the executions: they stay, and are not active */
    uint32_t moved; /* budgets that later executions changed too: an amount was taken back */
    uint32_t kept;  /* other fields that keep what later executions made them */
    char by_hand[QBID_STORE_BY_HAND_MAX]; /* a person who set one of `moved` since; "" = nobody */
};

/**
 * Take executions [from, until] out of an account.
 *
 * A field that no later execution changed gets the value from before them. The budget of a campaign
 * that a later one changed too is moved back by what they changed it by, so that the budgets of
 * several add up to the same when money was moved between them. Other fields that a later one
 * changed keep its value.
 *
 * Shapes:  account is a copy of the present one, sorted; until UINT32_MAX = to the last, and then
 * the account is what it was, to the byte. Returns: 0 and *ret_restored. Errors:  NOENT when there
 * is no execution `from`; STALE when a later one took it back already, when it is a rollback and
 * not the last, or when a later one changed the period of a budget; LIMIT when a budget would leave
 * its range; CORRUPT; NOMEM; with words in qbid_store_why().
 */
int qbid_store_restore(struct qbid_store *store, uint64_t from, uint64_t until,
                       struct qbid_account *account, struct qbid_store_restored *ret_restored);

/** Say in an `also` what an execution is; and that it took back those of [from, until]. What one of
 *  these had taken back itself is in force again: undone_by 0 says so of an execution. */
int qbid_store_execution_kind(struct qbid_store *store, uint64_t execution, const char *kind);
int qbid_store_executions_undone(struct qbid_store *store, uint64_t from, uint64_t until,
                                 uint64_t by);

#endif
