/* SPDX-License-Identifier: Apache-2.0 */
/* Users of line items whose r(k) is learned: how often each saw the ad, which exposures it clicked.
 *
 * A user is a hash of this host that is never stored (shm/frequency.h); what is kept and stored is
 * by line item. A user's exposures count once its window is over and clicks have had their time.
 * A line item's values are means over the exposures that it had, so a learned r(k) below 1 bids
 * less than they by the mean of r: pace makes that good where a budget binds. When there are more
 * users than places, a random half of them is followed, then a quarter, ...: each one followed is
 * followed wholly.
 */
#ifndef QBID_CONTROL_LEARN_CREATIVES_EXPOSURES_H
#define QBID_CONTROL_LEARN_CREATIVES_EXPOSURES_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/ingest/outcome.h"
#include "control/keymap.h"
#include "control/models/rates/fatigue.h"

#define QBID_EXPOSURES_GRACE_NS (600 * QBID_NS_PER_S) /* that clicks have behind the window */
#define QBID_EXPOSURES_STRENGTH                                                                    \
    200.0 /* clicks that the campaign's curve, the account's, and 1 are                            \
             worth to the next finer one */

/* A line item whose r(k) is learned. */
struct qbid_exposures_item {
    uint32_t line_item_id;
    uint32_t dirty;
    struct qbid_fatigue fatigue;
};

struct qbid_exposures_user; /* one user and line item, in exposures.c */
struct qbid_exposures_shown;

struct qbid_exposures_learned {
    struct qbid_exposures_item *item; /* in order of arrival */
    uint32_t cnt, max;
    struct qbid_keymap map; /* by line item id */
    struct qbid_exposures_user *user;
    struct qbid_exposures_shown *shown; /* impressions of late, by nonce, for their clicks */
    uint32_t user_cnt;
    uint32_t shift;     /* one user in 2^shift is followed */
    uint64_t folded_ns; /* when windows were last looked through */
};

void qbid_exposures_learned_done(struct qbid_exposures_learned *e);

/** Count one IMP or CLICK of a line item whose frequency rule says "learned"; others pass. */
void qbid_exposures_learned_post(struct qbid_exposures_learned *e, const struct qbid_outcome *o,
                                 const struct qbid_line_item_def *li);

/** Count the users whose time is over; post does so by the events' time. Cost: one pass over the
 *  places, at most every ten seconds. */
void qbid_exposures_learned_tick(struct qbid_exposures_learned *e, uint64_t now_ns);

/** Counts of a line item, made when missing; NULL without memory. */
struct qbid_exposures_item *qbid_exposures_learned_touch(struct qbid_exposures_learned *e,
                                                         uint32_t line_item_id);

/**
 * r(k) of every line item with a learned rule, by line item index; 1 elsewhere.
 *
 * Returns: 0 and *ret_value, account->line_item_max rows, to be freed; NULL when no rule is
 *          learned. NOMEM. Three decimals, so that noise alone makes no new generation. A line item
 *          is shrunk to its campaign, that to the account, that to 1.
 */
int qbid_exposures_learned_fit(const struct qbid_exposures_learned *e,
                               const struct qbid_account *account,
                               float (**ret_value)[QBID_FREQUENCY_VALUES_MAX]);

#endif
