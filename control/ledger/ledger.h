/* SPDX-License-Identifier: Apache-2.0 */
/* The money: budgets, allowances of workers, reservations, settlement. Overspend is 0 by
 * construction.
 *
 * A worker's committed[b] (its own page) is the sum of all bids that it ever reserved on budget b;
 * it never falls. Its limit[w][b] (live page) is what it may have committed. A reservation is
 * resolved when it is billed, lost, or older than notice_ttl + grace (then no notice for it is
 * accepted any more: a later BILL posts nothing). With
 *
 *     exposure[b] = sum of limits - what is resolved    (unused allowance + open reservations)
 *
 * the invariant, asserted at every posting, is   spent[b] + hold[b] + exposure[b] <= budget[b]
 * whenever a limit is raised. An open reservation is billed at no more than its bid, so spent[b]
 * can never pass budget[b], whatever crashes, is lost, repeated or late. hold[b] covers what
 * workers might still owe from before a restart of qbidd: the exposure that was written to the
 * store before the limits were (write-ahead), released when the leases and notices of that time are
 * over.
 *
 * A bid that a limit did not hold is in the worker's page, too (refused[b]): the next tick raises
 * the limit by what it lacked, if the budget has it, before it gives headroom to anybody. Only who
 * gets free money follows from that word, never how much there is: a worker that lies can take what
 * is free, as it could by bids, and no more.
 *
 * What is resolved is kept in time buckets of the BID's time (control/ledger/tally.h). Sampling
 * order makes this safe: a tick reads committed first and the clock after, so a bid is never
 * counted in an earlier bucket than its own. Expiry goes by the time up to which every ring has
 * been read: a ring's tail has come to where its head was. However long qbidd stood still, or its
 * store refused, no reservation runs out while the notice that settles it may lie in a ring.
 *
 * Bids from before this ledger knew the worker (its first tick after attach) are settled against
 * hold: their price moves from hold to spent, and what they reserved above it stays held until hold
 * ends; so a bill that is replayed after a crash can cost delivery but never the limit. A worker
 * that still reads the former live page commits under its old limits until they lapse: what it
 * commits beyond its new limit meanwhile is taken out of hold, too.
 *
 * A notice whose bid is not known (joined = false) may be a repeat that ingest has forgotten: a
 * bill then moves only its price, and a loss releases nothing.
 *
 * A worker that goes may be alive and in the middle of a decision: its unused allowance runs out
 * like a bid made at the end of its lease. Its limits are not lowered here but cleared with its
 * slot (the publisher clears a slot before it hands it out again).
 */
#ifndef QBID_CONTROL_LEDGER_LEDGER_H
#define QBID_CONTROL_LEDGER_LEDGER_H

#include <stdint.h>

#include "control/ingest/outcome.h"
#include "shm/live.h"
#include "shm/page.h"

struct qbid_ledger; /* opaque */

struct qbid_ledger_params {
    struct qbid_live_shape shape;
    uint64_t bucket_ns;     /* of the resolution buckets, e.g. 1 s */
    uint64_t notice_ttl_ns; /* after which a notice is refused (image header) */
    uint64_t grace_ns;      /* ring and clock slack on top */
    uint64_t lease_ns;      /* valid-until of a lease, renewed at each tick */
    int64_t grant_ppm;      /* headroom of one worker, parts per million of the budget, e.g. 1000 */
    int64_t grant_nanos_min; /* but at least this (several bids) */
};

/* What must survive a crash, by budget. */
struct qbid_ledger_row {
    uint32_t budget_idx;
    int64_t spent_nanos;
    int64_t exposure_nanos; /* hold + exposure, with the raises that follow this call */
};

struct qbid_ledger_counters {
    uint64_t grants;
    uint64_t blocked;      /* workers with an impossible committed or ring: they get nothing more */
    uint64_t late;         /* bills and losses of bids whose reservation had run out */
    uint64_t invalid;      /* outcomes of unknown budgets, of the future, or with senseless money */
    uint64_t uncovered;    /* bills of former bids beyond hold (repeats): spent, budget reduced */
    int64_t forged_nanos;  /* resolved beyond what was ever committed: not believed */
    uint64_t store_errors; /* ticks in which nothing was raised because persist refused */
    uint64_t stalls;       /* ticks after a long stop that only caught up */
};

/* Called with changed rows before any limit is raised; an error means: raise nothing this time. */
typedef int qbid_ledger_persist_fn(void *context, const struct qbid_ledger_row *rows, uint32_t cnt);

int qbid_ledger_new(const struct qbid_ledger_params *params, struct qbid_ledger **ret_ledger);
void qbid_ledger_free(struct qbid_ledger *ledger);

/** After a restart, before the first tick: spent, and the exposure of then as hold until
 *  now + lease + notice_ttl + grace. */
int qbid_ledger_restore(struct qbid_ledger *ledger, const struct qbid_ledger_row *row,
                        uint64_t now_ns);

/** Cumulative authority of a budget: total flight budget, or spent at day start + daily budget.
 *  Lowering it below what is spent and exposed stops new grants only. */
int qbid_ledger_set_budget(struct qbid_ledger *ledger, uint32_t budget_idx, int64_t budget_nanos);

/** A worker came: what it has committed before its first tick is covered by hold. page must stay
 *  mapped until detach. The slot's limits and lease in the live page must be zero. INVAL when the
 *  slot is out of range or taken, NOMEM. */
int qbid_ledger_attach(struct qbid_ledger *ledger, uint16_t slot, uint16_t uid,
                       const struct qbid_page *page, uint64_t now_ns);
/** It went: unused allowance and open reservations run out. The page is not read. */
void qbid_ledger_detach(struct qbid_ledger *ledger, uint16_t slot, uint64_t now_ns);

/** Post one outcome, once: BILL settles at price (unknown price: at the bid; above the bid:
 * nothing, the reservation runs out), LOSS releases; of one bid only one of the two. TEST outcomes
 * post nothing. Others: no effect. Returns the nanos spent (>= 0). */
int64_t qbid_ledger_post(struct qbid_ledger *ledger, const struct qbid_outcome *outcome);

/** Sample, expire, persist, grant, renew leases. now_fn is read after committed was sampled. A
 * ring's tail may only be advanced over events whose outcomes were posted; ticks should come
 * several times a lease. Returns grants made; then everything posted before is in the store.
 * QBID_ERR_STORE when persist refused, QBID_ERR_STALE after a long stop, when this tick only caught
 * up: nothing was raised. */
int qbid_ledger_tick(struct qbid_ledger *ledger, const struct qbid_live *live,
                     uint64_t (*now_fn)(void *context), void *now_context,
                     qbid_ledger_persist_fn *persist, void *persist_context);

int64_t qbid_ledger_budget(const struct qbid_ledger *ledger, uint32_t budget_idx);
int64_t qbid_ledger_spent(const struct qbid_ledger *ledger, uint32_t budget_idx);
int64_t qbid_ledger_exposure(const struct qbid_ledger *ledger, uint32_t budget_idx);

/** Check the invariant of every budget: spent + hold + exposure has not grown since limits were
 *  last raised, when it was within the budget. Index of the first that breaks it, or -1. */
int64_t qbid_ledger_check(const struct qbid_ledger *ledger);

struct qbid_ledger_counters qbid_ledger_counters_load(const struct qbid_ledger *ledger);

#endif
