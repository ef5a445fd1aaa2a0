/* SPDX-License-Identifier: Apache-2.0 */
/* One result a place, the oldest goes first. */
#include "control/learn/market/price_samples.h"

#include <stdlib.h>

#include "shm/error.h"

int qbid_price_samples_init(struct qbid_price_samples *samples, uint32_t max)
{
    *samples = (struct qbid_price_samples){.max = max};
    samples->sample = max ? calloc(max, sizeof *samples->sample) : NULL;
    return samples->sample ? 0 : max ? QBID_ERR_NOMEM : QBID_ERR_INVAL;
}

void qbid_price_samples_done(struct qbid_price_samples *samples)
{
    free(samples->sample);
    *samples = (struct qbid_price_samples){0};
}

/* The effective value behind a bid: in second price the bid itself. */
static double effective(const struct qbid_outcome *outcome)
{
    if ((outcome->flags & QBID_EVENT_FIRST_PRICE) && outcome->joined)
        return (double)outcome->value_micros * (double)outcome->pace;
    return (double)outcome->bid_nanos;
}

void qbid_price_samples_post(struct qbid_price_samples *samples, const struct qbid_outcome *outcome)
{
    struct qbid_price_sample s = {.context = outcome->context,
                                  .line_item_idx = outcome->line_item_idx};
    int first = (outcome->flags & QBID_EVENT_FIRST_PRICE) != 0;
    if (first && outcome->pace < 0)
        return; /* a fixed price: no worth lies behind it that shading made it from */
    if (outcome->first_win) {
        s.kind = first || outcome->price_nanos <= 0 ? QBID_MARKET_WON : QBID_MARKET_SEEN;
    } else if (outcome->kind == QBID_EVENT_LOSS || outcome->kind == QBID_OUTCOME_EXPIRED) {
        s.kind = outcome->kind == QBID_EVENT_LOSS && outcome->price_nanos > 0 ? QBID_MARKET_SEEN
                                                                              : QBID_MARKET_LOST;
    } else {
        return;
    }
    s.price_micros = s.kind == QBID_MARKET_SEEN ? (double)outcome->price_nanos : effective(outcome);
    samples->first_price = (uint32_t)first;
    samples->sample[samples->next] = s;
    samples->posted++;
    samples->next = (samples->next + 1) % samples->max;
    if (samples->cnt < samples->max)
        samples->cnt++;
}
