/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold in a run, whatever it earns: money exact, changes on record, limits kept. Counted
 * by books of its own, and from what the store holds at the end. */
#ifndef QBID_TOOLS_SIM_LOOP_CHECK_H
#define QBID_TOOLS_SIM_LOOP_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sim/loop/host.h"
#include "tools/sim/loop/world.h"

struct qbid_loop_check {
    /* what was done */
    uint64_t executions;  /* of recommendations */
    uint64_t by_hand;     /* changes of the account by somebody else, the import among them */
    uint64_t rollbacks;   /* by guards */
    uint64_t changes;     /* budgets changed, by all of them */
    int64_t moved_nanos;  /* put at stake by recommendations: both sides of a move */
    uint64_t recommended; /* recommendations of agents, by what became of them */
    uint64_t applied, expired, superseded, pending;
    uint64_t audit; /* records */
    /* what must be 0 */
    uint64_t sums; /* hours and executions after which budgets were not the total, to the nano */
    uint64_t overspent;  /* days on which spend was above the total, or a line item's above the
                            highest budget that it had that day */
    int64_t over_nanos;  /* the most of that */
    uint64_t books;      /* ledger invariants broken */
    uint64_t chain;      /* 1: the audit does not verify */
    uint64_t unreasoned; /* changes without audit record, reason, or execution; and the reverse */
    uint64_t history;    /* executions that do not follow from the one before */
    uint64_t limits;     /* executions beyond the limit of one change or of a day */
    uint64_t held;       /* recommendations executed on a held item */
};

/** Whether everything that must be 0 is. */
bool qbid_loop_check_holds(const struct qbid_loop_check *check);

struct qbid_loop_checker; /* opaque */

int qbid_loop_checker_new(const struct qbid_loop_world *world,
                          struct qbid_loop_checker **ret_checker);
void qbid_loop_checker_free(struct qbid_loop_checker *checker);

/** An impression of a line item is charged. */
void qbid_loop_checker_spent(struct qbid_loop_checker *checker, uint32_t line_item, int64_t nanos);
/** After the strategy's hour. */
void qbid_loop_checker_hour(struct qbid_loop_checker *checker, const struct qbid_loop_host *host);
/** A day is over; the next one has not begun. */
void qbid_loop_checker_day(struct qbid_loop_checker *checker, const struct qbid_loop_host *host);
/** A line item is held from now on, or no more. */
void qbid_loop_checker_hold(struct qbid_loop_checker *checker, uint32_t line_item, bool on,
                            uint64_t unix_ns);

/** Read the store from the first execution to the last. Errors of the store, with why. */
int qbid_loop_checker_end(struct qbid_loop_checker *checker, struct qbid_loop_host *host,
                          struct qbid_loop_check *ret_check, char why[QBID_LOOP_WHY_MAX]);

#endif
