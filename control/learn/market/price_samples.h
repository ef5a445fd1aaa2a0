/* SPDX-License-Identifier: Apache-2.0 */
/* Recent auctions of one campaign: what the pacer solves its multiplier from. */
#ifndef QBID_CONTROL_LEARN_MARKET_PRICE_SAMPLES_H
#define QBID_CONTROL_LEARN_MARKET_PRICE_SAMPLES_H

#include <stdint.h>

#include "control/ingest/outcome.h"
#include "control/models/pacing/market.h"

/* The context is kept and not the value, so that a better value model applies to old samples too.
 */
struct qbid_price_sample {
    uint64_t context;
    uint32_t line_item_idx;
    uint32_t kind;       /* enum qbid_market_kind */
    double price_micros; /* as struct qbid_market_point has it */
};

/* A ring of the last `max` results. */
struct qbid_price_samples {
    struct qbid_price_sample *sample;
    uint32_t max;
    uint32_t cnt;
    uint32_t next;
    uint64_t posted;      /* since it was made */
    uint32_t first_price; /* of the last result: 1 = shade tables apply */
};

int qbid_price_samples_init(struct qbid_price_samples *samples, uint32_t max);
void qbid_price_samples_done(struct qbid_price_samples *samples);

/** Take the first word of a win, a LOSS or EXPIRED; others are ignored. */
void qbid_price_samples_post(struct qbid_price_samples *samples,
                             const struct qbid_outcome *outcome);

#endif
