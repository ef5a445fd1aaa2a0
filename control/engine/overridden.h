/* SPDX-License-Identifier: Apache-2.0 */
/* The overrides of an account, laid over the pacer's factors.
 *
 *     account ---> set (after a change) --+
 *     pacer's factors --------------------+--> apply (each live tick) --> factors, ends
 *                                                                   store --> live page
 */
#ifndef QBID_CONTROL_ENGINE_OVERRIDDEN_H
#define QBID_CONTROL_ENGINE_OVERRIDDEN_H

#include "control/account/account.h"
#include "control/learn/learner.h"
#include "shm/live.h"

struct qbid_overridden; /* opaque */

/** For line items with an index below line_item_max. NOMEM. */
int qbid_overridden_new(uint32_t line_item_max, struct qbid_overridden **ret_overridden);
void qbid_overridden_free(struct qbid_overridden *overridden);

/** Take what the account says; texts were checked when they came. QBID_ERR_NOMEM keeps the last. */
int qbid_overridden_set(struct qbid_overridden *overridden, const struct qbid_account *account);

/** The earliest end, INT64_MAX when nothing is overridden. */
int64_t qbid_overridden_until(const struct qbid_overridden *overridden);

/** Tell the learner of each campaign whether everything that it bids now is overridden. account as
 *  it was set. Cost: linear in line items, nothing without overrides. */
void qbid_overridden_tell(struct qbid_overridden *overridden, const struct qbid_account *account,
                          int64_t now_unix_ns, struct qbid_learner *learner);

/**
 * Lay what is in force now over the pacer's factors.
 *
 * Returns: nothing; a factor of 0 stays 0: no money, not its hours, not active, or over. Ends are
 *          on the boot clock, as both clocks stand to each other now.
 */
void qbid_overridden_apply(const struct qbid_overridden *overridden, uint64_t now_ns,
                           int64_t now_unix_ns, struct qbid_learner_pace *pace, uint32_t cnt);

/** Bring the factors to the live page, so that no reader meets an override without its end, and
 *  take out the ends of those that are no more. */
void qbid_overridden_store(struct qbid_overridden *overridden, const struct qbid_learner_pace *pace,
                           uint32_t cnt, const struct qbid_live *live);

#endif
