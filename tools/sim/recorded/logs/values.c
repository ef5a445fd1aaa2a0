/* SPDX-License-Identifier: Apache-2.0 */
/* Posts the train part to the learner as outcomes, plans, and looks every context up. */
#include "tools/sim/recorded/logs/values.h"

#include <stdlib.h>

#include "control/learn/learner.h"
#include "shm/units.h"

#define CEILING_MICROS INT64_C(3000000) /* iPinYou's highest bids */
#define DAY_S 86400

/* The levels and the market segment that README names. */
static const uint8_t level_dims[][QBID_DIM_CNT] = {
    {QBID_DIM_EXCHANGE, QBID_DIM_SLOT, QBID_DIM_POSITION, QBID_DIM_DEVICE, QBID_DIM_GEO,
     QBID_DIM_SITE},
    {QBID_DIM_EXCHANGE, QBID_DIM_SLOT, QBID_DIM_DEVICE},
    {QBID_DIM_SLOT},
};
static const uint8_t level_dim_cnt[] = {6, 3, 1};
#define LEVELS (sizeof level_dim_cnt)

/* One campaign with one line item that bids on everything. */
struct valuer {
    struct qbid_campaign_def campaign;
    struct qbid_line_item_def line_item;
    struct qbid_account account;
    struct qbid_learner *learner;
    struct qbid_plan plan;
};

static void account_make(struct valuer *v, double prior_ctr)
{
    static char name[] = "recorded", domain[] = "shop.example", none[] = "";
    v->campaign = (struct qbid_campaign_def){.id = 1,
                                             .tenant_id = 1,
                                             .name = name,
                                             .budget_nanos = QBID_NANOS_PER_UNIT,
                                             .end_unix_s = DAY_S,
                                             .goal = QBID_GOAL_MAX_CLICKS,
                                             .pacing = QBID_PACING_EVEN,
                                             .period = QBID_BUDGET_TOTAL,
                                             .active = true};
    v->line_item = (struct qbid_line_item_def){.id = 1,
                                               .campaign_id = 1,
                                               .name = name,
                                               .ceiling_micros = CEILING_MICROS,
                                               .adomain = domain,
                                               .categories = none,
                                               .prior_ctr = prior_ctr,
                                               .prior_cvr = 0.01,
                                               .active = true};
    v->account = (struct qbid_account){.campaigns = &v->campaign,
                                       .line_items = &v->line_item,
                                       .campaign_cnt = 1,
                                       .line_item_cnt = 1,
                                       .line_item_max = 1};
}

static struct qbid_learner_params params_make(uint32_t auctions)
{
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_SLOT),
                                    .cell_max = auctions + 1,
                                    .context_max = UINT32_C(1) << 20,
                                    .sample_max = 1,
                                    .pace_min = 1.0 / 64,
                                    .pace_max = 64,
                                    .pace_period_ns = QBID_NS_PER_S,
                                    .step_log2_max = 0.3};
    for (unsigned level = 0; level < LEVELS; level++)
        for (unsigned i = 0; i < level_dim_cnt[level]; i++)
            p.level_mask[level] |= qbid_dim_mask(level_dims[level][i]);
    return p;
}

static void auction_post(struct valuer *v, const struct qbid_recorded_auction *a, uint64_t number)
{
    static const uint8_t kinds[] = {QBID_EVENT_BID, QBID_EVENT_WIN, QBID_EVENT_BILL, QBID_EVENT_IMP,
                                    QBID_EVENT_CLICK};
    uint32_t cnt = a->click ? 5 : 4;
    struct qbid_outcome o = {.time_ns = number + 1,
                             .bid_time_ns = number + 1,
                             .nonce = number + 1,
                             .context = a->context,
                             .bid_nanos = CEILING_MICROS,
                             .price_nanos = (int64_t)a->price * 10000,
                             .line_item_id = v->line_item.id,
                             .line_item_idx = v->line_item.idx,
                             .value_micros = (float)CEILING_MICROS,
                             .pace = 1,
                             .propensity = 1,
                             .joined = true};
    for (uint32_t i = 0; i < cnt; i++) {
        o.kind = kinds[i];
        o.first_win = kinds[i] == QBID_EVENT_WIN;
        qbid_learner_post(v->learner, &o, &v->line_item, &v->campaign, 0);
    }
}

/* As the fast path finds it: the row of the finest level that has one, else the default. */
static double value_find(const struct valuer *v, const uint64_t *mask, uint64_t context)
{
    const struct qbid_plan *plan = &v->plan;
    for (unsigned level = 0; level < LEVELS; level++) {
        uint64_t key = qbid_context_key(context, mask[level], level);
        uint32_t low = 0, high = plan->context_cnt;
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            if (plan->contexts[mid].key < key)
                low = mid + 1;
            else
                high = mid;
        }
        if (low < plan->context_cnt && plan->contexts[low].key == key)
            return (double)plan->candidates[plan->contexts[low].first].value_micros;
    }
    return (double)plan->line_value_micros[0];
}

static double prior_of(const struct qbid_recorded_log *log)
{
    double clicks = 0.5;
    for (uint32_t i = 0; i < log->train_cnt; i++)
        clicks += log->auction[i].click;
    return clicks / (log->train_cnt + 1);
}

static void values_read(const struct valuer *v, const uint64_t *mask, struct qbid_recorded_log *log)
{
    /* what the line item's unit makes of a click: control/learn/values/values.h */
    double per_click = (double)CEILING_MICROS / v->line_item.prior_ctr;
    for (uint32_t i = 0; i < log->cnt; i++) {
        double p = value_find(v, mask, log->auction[i].context) / per_click;
        log->auction[i].value = log->sampled < 1 && p < 1 ? p / (1 - p) : p;
    }
}

int qbid_recorded_values_fill(struct qbid_recorded_log *log)
{
    struct valuer v = {0};
    struct qbid_learner_params params = params_make(log->train_cnt);
    account_make(&v, prior_of(log));
    int err = qbid_learner_new(&params, &v.learner);
    if (err)
        return err;
    for (uint32_t i = 0; i < log->train_cnt; i++)
        auction_post(&v, &log->auction[i], i);
    err = qbid_learner_plan(v.learner, &v.account, log->dictionary, &v.plan);
    if (!err) {
        values_read(&v, params.level_mask, log);
        qbid_plan_done(&v.plan);
    }
    qbid_learner_free(v.learner);
    return err;
}
