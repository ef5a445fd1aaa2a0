/* SPDX-License-Identifier: Apache-2.0 */
/* Plain assignments: nothing here is owned by the account. */
#include "tests/control/learn/fixture.h"

#include <string.h>

static char name[] = "fixture", markup[] = "<img>", landing[] = "https://shop.example/",
            domain[] = "shop.example", categories[] = "IAB1";

static struct qbid_line_item_def line_item_of(uint32_t id, uint32_t campaign_id, uint32_t idx)
{
    return (struct qbid_line_item_def){.id = id,
                                       .campaign_id = campaign_id,
                                       .name = name,
                                       .ceiling_micros = 5000000,
                                       .order_value_micros = 20000000,
                                       .adomain = domain,
                                       .categories = categories,
                                       .prior_ctr = 0.01,
                                       .prior_cvr = 0.1,
                                       .active = true,
                                       .idx = idx};
}

static struct qbid_creative_def creative_of(uint32_t id, uint16_t width, uint16_t height)
{
    return (struct qbid_creative_def){.id = id,
                                      .line_item_id = 100,
                                      .name = name,
                                      .width = width,
                                      .height = height,
                                      .format = QBID_FORMAT_BANNER,
                                      .secure = true,
                                      .active = true,
                                      .markup = markup,
                                      .landing = landing,
                                      .crid = name};
}

void learn_fixture_init(struct learn_fixture *f)
{
    memset(f, 0, sizeof *f);
    for (unsigned i = 0; i < 2; i++)
        f->campaign[i] = (struct qbid_campaign_def){.id = 10 * (i + 1),
                                                    .tenant_id = 1,
                                                    .name = name,
                                                    .budget_nanos = INT64_C(100000000000),
                                                    .start_unix_s = 1000,
                                                    .end_unix_s = 1000 + 3600,
                                                    .pacing = QBID_PACING_EVEN,
                                                    .period = QBID_BUDGET_TOTAL,
                                                    .active = true,
                                                    .budget_idx = i};
    f->campaign[0].goal = QBID_GOAL_MAX_CLICKS;
    f->campaign[1].goal = QBID_GOAL_TARGET_CPC;
    f->campaign[1].target_micros = 500000;
    f->line_item[0] = line_item_of(100, 10, 0);
    f->line_item[1] = line_item_of(101, 10, 2);
    f->line_item[2] = line_item_of(200, 20, 1);
    f->creative[0] = creative_of(1001, 300, 250);
    f->creative[1] = creative_of(1002, 300, 250);
    f->creative[2] = creative_of(1003, 728, 90);
    f->account = (struct qbid_account){.campaigns = f->campaign,
                                       .line_items = f->line_item,
                                       .creatives = f->creative,
                                       .campaign_cnt = 2,
                                       .line_item_cnt = 3,
                                       .creative_cnt = 3,
                                       .line_item_max = 3};
}

uint64_t learn_context(uint32_t exchange, uint32_t device, uint32_t site)
{
    uint64_t context = qbid_dim_pack(0, QBID_DIM_EXCHANGE, exchange);
    context = qbid_dim_pack(context, QBID_DIM_DEVICE, device);
    return qbid_dim_pack(context, QBID_DIM_SITE, site);
}

struct qbid_outcome learn_outcome(int kind, const struct qbid_line_item_def *line_item,
                                  uint64_t context, int64_t price_nanos)
{
    return (struct qbid_outcome){.time_ns = 1000,
                                 .bid_time_ns = 900,
                                 .nonce = 1,
                                 .context = context,
                                 .bid_nanos = 1000000,
                                 .price_nanos = price_nanos,
                                 .line_item_id = line_item->id,
                                 .line_item_idx = line_item->idx,
                                 .value_micros = 1000000.0f,
                                 .pace = 1.0f,
                                 .propensity = 1.0f,
                                 .kind = (uint8_t)kind,
                                 .joined = true,
                                 .first_win = kind == QBID_EVENT_WIN};
}
