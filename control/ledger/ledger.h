/* SPDX-License-Identifier: Apache-2.0 */
/* The money: budgets, allowances of workers, reservations, settlement. Overspend is 0 by
 * construction.
 *
 * A worker's committed[b] (its own page) is the sum of all bids that it ever reserved on budget b;
 * it never falls. Its limit[w][b] (live page) is what it may have committed. A reservation is
 * resolved when it is billed, lost, or older than notice_ttl + grace (then no notice for it is
 * accepted any more). With
 *
 *     exposure[w][b] = limit[w][b] - resolved[w][b]        (unused allowance + open reservations)
 *
 * the invariant, asserted at every posting, is   spent[b] + hold[b] + sum_w exposure[w][b] <=
 * budget[b] whenever a limit is raised. An open reservation is billed at no more than its bid, so
 * spent[b] can never pass budget[b], whatever crashes, is lost, repeated or late. hold[b] covers
 * what workers might still owe from before a restart of qbidd: the exposure that was written to the
 * store before the limits were (write-ahead), released when the leases and notices of that time are
 * over.
 *
 * resolved is kept in time buckets of the BID's time: expired buckets count with all that was
 * committed in them, younger ones with what notices resolved. Sampling order makes this safe: a
 * tick reads committed first and the clock after, so a bid is never counted in an earlier bucket
 * than its own.
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
    int64_t exposure_nanos; /* hold + sum of exposures, as of this tick, before limits are raised */
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

/** A worker came (baseline: what it has committed already is covered by hold) or went (its last
 *  committed is read; open reservations run out). page must stay mapped until detach returns. */
int qbid_ledger_attach(struct qbid_ledger *ledger, uint16_t slot, uint16_t uid,
                       const struct qbid_page *page, uint64_t now_ns);
void qbid_ledger_detach(struct qbid_ledger *ledger, uint16_t slot, uint64_t now_ns);

/** Post one outcome: BILL settles at price (unknown price: at the bid; above the bid: nothing, the
 *  reservation runs out), LOSS releases. TEST outcomes post nothing. Others: no effect.
 *  Returns the nanos spent (>= 0). */
int64_t qbid_ledger_post(struct qbid_ledger *ledger, const struct qbid_outcome *outcome);

/** Sample, expire, persist, grant, renew leases. now_fn is read after committed was sampled.
 *  Returns grants made; QBID_ERR_STORE when persist refused (nothing was raised). */
int qbid_ledger_tick(struct qbid_ledger *ledger, const struct qbid_live *live,
                     uint64_t (*now_fn)(void *context), void *now_context,
                     qbid_ledger_persist_fn *persist, void *persist_context);

int64_t qbid_ledger_budget(const struct qbid_ledger *ledger, uint32_t budget_idx);
int64_t qbid_ledger_spent(const struct qbid_ledger *ledger, uint32_t budget_idx);
int64_t qbid_ledger_exposure(const struct qbid_ledger *ledger, uint32_t budget_idx);

/** Check the invariant of every budget; index of the first that breaks it, or -1. */
int64_t qbid_ledger_check(const struct qbid_ledger *ledger);

#endif
