/* SPDX-License-Identifier: Apache-2.0 */
/* How conversions are given to bids, as versions, and what came of each by UTC day: one row of a
 * tenant, version and day. Errors: QBID_ERR_STORE unless said otherwise. */
#ifndef QBID_CONTROL_STORE_STORE_ATTRIBUTION_H
#define QBID_CONTROL_STORE_STORE_ATTRIBUTION_H

#include <stdint.h>

#include "control/store/store.h"

struct qbid_store_attribution {
    uint32_t tenant;        /* 0 = the host: what belongs to no tenant */
    uint32_t version;       /* 1, 2, 3 ... of the tenant's; given by the store */
    const char *type;       /* "token" */
    const char *parameters; /* JSON; another text is another version */
    int64_t unix_s;         /* when it was written; its day is that of its counts */
    /* Written: totals since the beginning as of unix_s. Read: of that day and version. */
    uint64_t attributed;
    int64_t value_nanos;
    uint64_t timed; /* of them, whose delay is known */
    /* Written: more since the row was last written. Read: of that day and version. */
    uint64_t unattributed;
    double lag_median_s, lag_p90_s; /* from bid to conversion, over all so far; 0 = not known */
};

/** Write the row of its day. Totals that fell began anew. */
int qbid_store_see_attribution(struct qbid_store *store, const struct qbid_store_attribution *row);

typedef int qbid_store_attribution_fn(void *context, const struct qbid_store_attribution *row);
/** Latest first; stops at fn's first error and returns it. */
int qbid_store_load_attributions(struct qbid_store *store, uint32_t max,
                                 qbid_store_attribution_fn *fn, void *context);

#endif
