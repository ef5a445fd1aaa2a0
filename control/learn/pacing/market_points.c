/* SPDX-License-Identifier: Apache-2.0 */
/* Samples to points. */
#include "control/learn/pacing/market_points.h"

uint32_t qbid_market_points_make(struct qbid_learner *learner,
                                 const struct qbid_line_item_def *const *by_idx,
                                 uint32_t line_item_max, const struct qbid_campaign_def *campaign,
                                 const struct qbid_price_samples *samples)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < samples->cnt; i++) {
        const struct qbid_price_sample *s = &samples->sample[i];
        const struct qbid_line_item_def *li =
            s->line_item_idx < line_item_max ? by_idx[s->line_item_idx] : NULL;
        if (!li || li->campaign_id != campaign->id)
            continue;
        struct qbid_market_point *p = &learner->points[cnt++];
        *p = (struct qbid_market_point){
            .price_micros = s->price_micros, .kind = (enum qbid_market_kind)s->kind, .number = i};
        p->value_micros = qbid_values_impression(&learner->values, li->idx, s->context, 0);
        if (s->kind == QBID_MARKET_SEEN && s->price_micros > (double)li->ceiling_micros)
            p->value_micros = 0;
    }
    return cnt;
}
