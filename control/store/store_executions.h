/* SPDX-License-Identifier: Apache-2.0 */
/* The history: every change of the account, with the values before it, so that any suffix can be
 * taken back to the byte.
 *
 *     execution 1   execution 2   execution 3        an operator's import, a recommendation, ...
 *     before/after  before/after  before/after       by field, in the type that its column has
 *     restore(2, 3): of every field that 2 and 3 changed, the value before the first of them
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
    uint64_t undone_by; /* the rollback that took it back, 0 = none */
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

/**
 * Give every field that an execution of [from, until] changed its value from before. A field that a
 * later one changed again keeps its value.
 *
 * Shapes:  account is a copy of the present one, sorted; until UINT32_MAX = to the last.
 * Returns: 0 and *ret_added, the items that were added in them: they stay, and are not active.
 * Errors:  NOENT when there is no execution `from`; CORRUPT; NOMEM.
 */
int qbid_store_restore(struct qbid_store *store, uint64_t from, uint64_t until,
                       struct qbid_account *account, uint32_t *ret_added);

/** Say in an `also` what an execution is; and that it took back those of [from, until]. */
int qbid_store_execution_kind(struct qbid_store *store, uint64_t execution, const char *kind);
int qbid_store_executions_undone(struct qbid_store *store, uint64_t from, uint64_t until,
                                 uint64_t by);

#endif
