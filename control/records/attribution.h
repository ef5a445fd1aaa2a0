/* SPDX-License-Identifier: Apache-2.0 */
/* Takes down how conversions are given to bids, and what came of it.
 *
 * There is one way, by the token: whoever reports a conversion sends the token of the impression or
 * click that it follows, and the whole of it goes to that token's bid. A token counts for event_ttl
 * after its bid, by the wall clock, and for one conversion. Nothing is shared out among the
 * impressions that a user saw, for no user is known.
 */
#ifndef QBID_CONTROL_RECORDS_ATTRIBUTION_H
#define QBID_CONTROL_RECORDS_ATTRIBUTION_H

#include "control/account/account.h"
#include "control/learn/learner.h"
#include "control/snapshot/snapshot.h"
#include "control/store/store.h"

struct qbid_attribution_params {
    uint64_t event_ttl_ms;  /* in which a conversion counts */
    uint64_t notice_ttl_ms; /* in which its bid is known by more than its token */
};

/**
 * Write today's row of every tenant, and that of the host (tenant 0).
 *
 * Shapes:  unattributed is how many conversions more were refused since the last call, of the whole
 *          host: their line item is no more, or what they say is impossible. Those with a token
 *          that is forged or too old never come this far; the workers count them among all notices
 *          (token_expired).
 * Returns: rows written; an error of the store.
 */
int qbid_attribution_record(struct qbid_store *store, const struct qbid_account *account,
                            const struct qbid_snapshot *snapshot,
                            const struct qbid_learner *learner,
                            const struct qbid_attribution_params *params, uint64_t unattributed,
                            int64_t unix_s);

#endif
