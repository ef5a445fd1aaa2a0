/* SPDX-License-Identifier: Apache-2.0 */
/* Takes down what models and statistics say while it is so: versions of models that serve, with
 * their loss on outcomes that they predicted ahead; insights, from when to when. */
#ifndef QBID_CONTROL_RECORDS_RECORDER_H
#define QBID_CONTROL_RECORDS_RECORDER_H

#include "control/account/account.h"
#include "control/learn/values/learned.h"
#include "control/snapshot/snapshot.h"
#include "control/store/store.h"

#define QBID_RECORDER_PERIOD_NS (UINT64_C(600) * 1000000000)

/** A version of a campaign's rate where another model has come to serve it, and once a day where it
 *  was judged on more. learned may be NULL. Returns: versions written; an error of the store. */
int qbid_recorder_models(struct qbid_store *store, const struct qbid_account *account,
                         const struct qbid_learned *learned, int64_t unix_s);

/** What control/insights finds now; what was found in the run before goes on. Returns: insights
 *  found; NOMEM or an error of the store. */
int qbid_recorder_insights(struct qbid_store *store, const struct qbid_account *account,
                           const struct qbid_snapshot *snapshot, uint64_t now_ns, int64_t unix_s);

#endif
