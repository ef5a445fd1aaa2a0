/* SPDX-License-Identifier: Apache-2.0 */
/* How far the audiences of two line items of a tenant are the same traffic, as last measured
 * (control/records/overlaps.h). Errors: QBID_ERR_STORE unless said otherwise. */
#ifndef QBID_CONTROL_STORE_STORE_OVERLAPS_H
#define QBID_CONTROL_STORE_STORE_OVERLAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/store/store.h"

struct qbid_store_overlap {
    uint32_t tenant;
    uint32_t line_item, other;         /* line_item < other */
    int64_t from_unix_s, to_unix_s;    /* what was looked at */
    double bids, other_bids;           /* of the tenant on traffic that each accepts */
    double both_bids;                  /* on traffic that both accept */
    double jaccard, low, high;         /* both of either; 90 % interval */
    double contained, other_contained; /* both of the one's, both of the other's */
    uint32_t contexts;                 /* that either accepts */
    bool bound; /* one of them also asks for what contexts do not tell: at most that much */
};

/** Written in the place of what was measured of the pair before, unless that is of the last day and
 *  rests on more. */
int qbid_store_set_overlap(struct qbid_store *store, const struct qbid_store_overlap *overlap);

typedef int qbid_store_overlap_fn(void *context, const struct qbid_store_overlap *overlap);
/** The greatest first; line_item 0 = any. Stops at fn's first error and returns it. */
int qbid_store_load_overlaps(struct qbid_store *store, uint32_t line_item, uint32_t max,
                             qbid_store_overlap_fn *fn, void *context);

/** Delete those last measured before then, at most max: how many. */
int qbid_store_prune_overlaps(struct qbid_store *store, int64_t unix_s, uint32_t max);

#endif
