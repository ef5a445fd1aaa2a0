/* SPDX-License-Identifier: Apache-2.0 */
/* How late conversions come, by campaign, and how much of each line item's clicks has matured. */
#ifndef QBID_CONTROL_LEARN_RATES_DELAYS_H
#define QBID_CONTROL_LEARN_RATES_DELAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/ingest/outcome.h"
#include "control/keymap.h"
#include "control/models/rates/delay.h"

#define QBID_DELAYS_CONVS_MIN                                                                      \
    20 /* of an account: fewer say nothing, all clicks count as matured                            \
        */

struct qbid_delays_item {
    struct qbid_delay_cohorts clicks;
    uint32_t dirty; /* changed since the last save */
    uint32_t pad;
};

struct qbid_delays_campaign {
    uint32_t id;
    uint32_t dirty;
    double convs[QBID_DELAY_BINS];
    struct qbid_delay_curve curve; /* of the last tick */
};

struct qbid_delays {
    struct qbid_delays_item *item; /* by line item index */
    double *maturity;              /* the same; of the last tick */
    double *matured;               /* the same; clicks ever that conversions had time for */
    uint32_t item_max;
    struct qbid_delays_campaign *campaign; /* in order of arrival */
    uint32_t campaign_cnt;
    uint32_t campaign_capacity;
    struct qbid_keymap map;
    bool known; /* there are conversions enough for curves */
};

void qbid_delays_done(struct qbid_delays *delays);

/** Made when missing; NULL without memory. Valid until the next touch. */
struct qbid_delays_item *qbid_delays_item(struct qbid_delays *delays, uint32_t line_item_idx);
struct qbid_delays_campaign *qbid_delays_campaign(struct qbid_delays *delays, uint32_t id);

/** Count one CLICK or CONV; others are ignored. Ages and delays run from the bid. */
void qbid_delays_post(struct qbid_delays *delays, const struct qbid_outcome *outcome,
                      uint32_t campaign_id, int64_t now_s, double half_life_s);

/**
 * Curves of all campaigns, and maturity by line item.
 *
 * Returns: 0, delays->maturity for account->line_item_max line items; QBID_ERR_NOMEM.
 * Cost:    10 us for each line item with clicks.
 */
int qbid_delays_tick(struct qbid_delays *delays, const struct qbid_account *account, int64_t now_s,
                     double half_life_s);

/** Curve of a campaign; NULL where nothing is known, everything counts as matured then. */
const struct qbid_delay_curve *qbid_delays_curve(const struct qbid_delays *delays, uint32_t id);

#endif
