/* SPDX-License-Identifier: Apache-2.0 */
/* Backward induction over auctions and budget. */
#include "tools/sim/recorded/players/rlb.h"

#include <stdlib.h>

#include "shm/error.h"

static double *row_of(const struct qbid_recorded_rlb *rlb, uint32_t auctions)
{
    return rlb->v + (size_t)auctions * ((size_t)rlb->budget + 1);
}

int qbid_recorded_rlb_init(struct qbid_recorded_rlb *rlb, const double *pmf, uint32_t price_cnt,
                           double value, uint32_t auctions, uint32_t budget)
{
    *rlb =
        (struct qbid_recorded_rlb){.auctions = auctions, .budget = budget, .price_cnt = price_cnt};
    rlb->v = calloc((size_t)auctions + 1, ((size_t)budget + 1) * sizeof *rlb->v);
    if (!rlb->v)
        return QBID_ERR_NOMEM;
    for (uint32_t t = 1; t <= auctions; t++) {
        const double *last = row_of(rlb, t - 1);
        double *now = row_of(rlb, t);
        for (uint32_t b = 0; b <= budget; b++) {
            double win = 0, worth = 0;
            for (uint32_t d = 0; d < price_cnt && d <= b && value + last[b - d] - last[b] >= 0;
                 d++) {
                win += pmf[d];
                worth += pmf[d] * (value + last[b - d]);
            }
            now[b] = worth + (1 - win) * last[b];
        }
    }
    return 0;
}

void qbid_recorded_rlb_done(struct qbid_recorded_rlb *rlb)
{
    free(rlb->v);
    *rlb = (struct qbid_recorded_rlb){0};
}

uint32_t qbid_recorded_rlb_bid(const struct qbid_recorded_rlb *rlb, uint32_t auctions,
                               uint32_t budget, double value)
{
    const double *last = row_of(rlb, auctions - 1);
    uint32_t bid = 0;
    while (bid + 1 < rlb->price_cnt && bid + 1 <= budget &&
           value + last[budget - bid - 1] - last[budget] >= 0)
        bid++;
    return bid;
}

void qbid_recorded_rlb_smooth(const double *histogram, uint32_t price_cnt, double *ret_pmf)
{
    double sum = 0;
    for (uint32_t d = 0; d < price_cnt; d++)
        sum += histogram[d] + 1;
    for (uint32_t d = 0; d < price_cnt; d++)
        ret_pmf[d] = (histogram[d] + 1) / sum;
}
