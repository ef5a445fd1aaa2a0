/* SPDX-License-Identifier: Apache-2.0 */
/* Measures how far line items of a tenant are after the same traffic.
 *
 *   contexts of the last 24 h, each with the tenant's bids on it --targeting--> who would accept it
 *   pair: J = bids where both would / bids where either would;   each one's part that is shared
 *
 * A line item's audience is the traffic that its targeting accepts, as configured, weighed by the
 * tenant's bids on it, whichever line item made them: auctions are what is counted, not people, of
 * whom nothing is known. What a context does not tell (dimensions beyond the finest of the
 * configuration's levels, creatives' sizes) cannot be judged: an overlap is then an upper bound,
 * and says so. A context carries one audience segment, so that segments themselves do not overlap
 * here.
 */
#ifndef QBID_CONTROL_RECORDS_OVERLAPS_H
#define QBID_CONTROL_RECORDS_OVERLAPS_H

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/snapshot/snapshot.h"
#include "control/store/store_overlaps.h"

#define QBID_OVERLAPS_ITEMS_MAX 32 /* of a tenant: those with the most bids; 496 pairs */
#define QBID_OVERLAPS_BIDS_MIN 100 /* of a tenant, to measure it at all */

struct qbid_overlaps_inputs {
    const struct qbid_account *account;
    const struct qbid_snapshot *snapshot;
    const struct qbid_dictionary *dictionary;
    uint64_t now_ns; /* the snapshot's clock */
    int64_t from_unix_s, to_unix_s;
};

/**
 * Measure all pairs of each tenant.
 *
 * Returns: pairs given to fn; its first error; NOMEM.
 * Threads: pure.
 * Cost:    a query for each context; pairs x patterns of who accepts.
 * Source:  J is a ratio estimator over contexts as clusters; its interval by linearisation (Cochran
 *          1977, 6.4), one-sided by the effective number of contexts (Kish 1965) where all or none
 *          is shared.
 */
int qbid_overlaps_measure(const struct qbid_overlaps_inputs *inputs, qbid_store_overlap_fn *fn,
                          void *context);

/** The same into the store. Returns: pairs; NOMEM or an error of the store. */
int qbid_overlaps_record(struct qbid_store *store, const struct qbid_overlaps_inputs *inputs);

#endif
