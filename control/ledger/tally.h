/* SPDX-License-Identifier: Apache-2.0 */
/* The tally of one budget: how much of the authority that workers were given may still be billed.
 *
 * Every bid has its own time and is known twice: as `used`, when a tick sees a worker's committed
 * grow, in the bucket of that tick's clock; and as `noted`, when a notice settles or releases it,
 * in the bucket of the bid's own time. The first bucket is never the earlier one. Buckets expire in
 * order, and with a bucket all that was used in it: no notice for those bids is accepted any more.
 *
 *     exposure = authority - noted (younger buckets) - carry
 *
 * where authority falls by what was used in each expired bucket. carry is what notices have
 * resolved of bids that are older than the last expired bucket but were only seen in a younger one;
 * for each expired bucket carry = max(0, carry + noted - used). It is a lower bound of that sum,
 * because at most `used` of the bids that were noted up to a bucket can have been seen in it. So
 * exposure is never below the truth and never rises unless authority is given.
 */
#ifndef QBID_CONTROL_LEDGER_TALLY_H
#define QBID_CONTROL_LEDGER_TALLY_H

#include <stdint.h>

#define QBID_TALLY_BUCKETS_MAX 4096

struct qbid_tally {
    int64_t *used;  /* by bucket modulo cnt; NULL before init */
    int64_t *noted; /* the same */
    uint64_t next;  /* first bucket that is not expired */
    uint32_t cnt;   /* buckets kept, power of two */
    int64_t authority;
    int64_t used_live;  /* sums of the younger buckets */
    int64_t noted_live; /* the same */
    int64_t carry;
    int64_t forged; /* noted beyond what was used or given: not believed */
};

/** Room for cnt buckets (power of two, at most QBID_TALLY_BUCKETS_MAX) from `next` on. INVAL,
 * NOMEM.
 */
int qbid_tally_init(struct qbid_tally *tally, uint32_t cnt, uint64_t next);
void qbid_tally_done(struct qbid_tally *tally);

/** Give authority to bid. */
void qbid_tally_give(struct qbid_tally *tally, int64_t nanos);

/** Bids seen, not younger than `bucket`; a bucket outside the window counts in its nearest one that
 *  is not earlier than it, or, past the end, in the last. */
void qbid_tally_use(struct qbid_tally *tally, uint64_t bucket, int64_t nanos);

/** A notice resolved a bid of this bucket. STALE when it is expired, INVAL when it is past the
 *  window. What it resolves beyond the authority is void at once. */
int qbid_tally_note(struct qbid_tally *tally, uint64_t bucket, int64_t nanos);

/** Expire all buckets before `next`. */
void qbid_tally_expire(struct qbid_tally *tally, uint64_t next);

/** Call when `used` is up to date: what was noted beyond it is void. Returns the nanos made void.
 */
int64_t qbid_tally_trim(struct qbid_tally *tally);

/** What may still be billed: unused authority and open reservations, >= 0. */
int64_t qbid_tally_exposure(const struct qbid_tally *tally);

#endif
