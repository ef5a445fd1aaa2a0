/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the account of a market. */
#include "tools/sim/market/portfolio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/hash.h"

#define DAY_S 86400
#define CEILING_MICROS (INT64_C(200) * QBID_MICROS_PER_UNIT)

static char *text(const char *words)
{
    return strdup(words);
}

/* Values that a line item does not accept, as exclusions. */
static int targets_make(const struct qbid_sim_line_item *truth, struct qbid_line_item_def *li)
{
    char name[32], exclude[40];
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        uint32_t cnt = 0;
        for (uint32_t v = 0; v < qbid_sim_dim_values(dim); v++)
            cnt += !truth->accepts[dim][v];
        if (cnt == 0)
            continue;
        struct qbid_target_def *target = &li->target[dim];
        target->value = calloc(cnt, sizeof *target->value);
        for (uint32_t v = 0; target->value && v < qbid_sim_dim_values(dim); v++) {
            if (truth->accepts[dim][v])
                continue;
            qbid_sim_dim_text(dim, v, name);
            snprintf(exclude, sizeof exclude, "!%s", name);
            target->value[target->cnt] = text(exclude);
            if (!target->value[target->cnt++])
                return QBID_ERR_NOMEM;
        }
        if (!target->value)
            return QBID_ERR_NOMEM;
    }
    return 0;
}

static int creatives_make(struct qbid_account *account, uint32_t line_item)
{
    static const uint16_t size[QBID_SIM_SLOTS][2] = {{300, 250}, {728, 90}, {320, 50}};
    for (uint32_t k = 0; k < QBID_SIM_CREATIVES * QBID_SIM_SLOTS; k++) {
        uint32_t slot = k % QBID_SIM_SLOTS;
        uint32_t id = qbid_sim_creative_id(line_item, k / QBID_SIM_SLOTS, slot);
        struct qbid_creative_def *c = qbid_account_add_creative(account, id);
        if (!c)
            return QBID_ERR_NOMEM;
        c->line_item_id = line_item + 1;
        c->width = size[slot][0];
        c->height = size[slot][1];
        c->format = QBID_FORMAT_BANNER;
        c->secure = c->active = true;
        char name[32];
        snprintf(name, sizeof name, "design %u %ux%u", k / QBID_SIM_SLOTS, (unsigned)c->width,
                 (unsigned)c->height);
        c->name = text(name);
        c->markup = text("<a href=\"{{click_url}}\"><img src=\"https://cdn.example/a.png\"></a>");
        c->landing = text("https://shop.example/");
        c->crid = text("cr");
        if (!c->name || !c->markup || !c->landing || !c->crid)
            return QBID_ERR_NOMEM;
    }
    return 0;
}

static int line_item_make(struct qbid_account *account, const struct qbid_sim_market *market,
                          uint32_t i)
{
    const struct qbid_sim_line_item *truth = &market->line_item[i];
    struct qbid_line_item_def *li = qbid_account_add_line_item(account, i + 1);
    if (!li)
        return QBID_ERR_NOMEM;
    li->campaign_id = truth->campaign + 1;
    li->ceiling_micros = CEILING_MICROS;
    li->order_value_micros = (int64_t)truth->order_value_micros;
    li->name = text("line item");
    li->adomain = text("shop.example");
    li->categories = text("");
    li->frequency = text("");
    li->prior_ctr = QBID_SIM_BASE_CTR; /* what an operator would guess */
    li->prior_cvr = QBID_SIM_BASE_CVR;
    li->active = true;
    li->idx = i;
    if (!li->name || !li->adomain || !li->categories || !li->frequency)
        return QBID_ERR_NOMEM;
    int err = targets_make(truth, li);
    return err ? err : creatives_make(account, i);
}

static int account_make(struct qbid_account *account, const struct qbid_sim_market *market,
                        const struct qbid_sim_task *tasks, uint32_t days)
{
    memcpy(&account->currency, "EUR", 4);
    for (uint32_t c = 0; c < market->params.campaigns; c++) {
        struct qbid_campaign_def *campaign = qbid_account_add_campaign(account, c + 1);
        if (!campaign)
            return QBID_ERR_NOMEM;
        campaign->tenant_id = 1;
        campaign->name = text("campaign");
        campaign->budget_nanos = tasks[c].budget_nanos;
        campaign->goal = tasks[c].goal;
        campaign->target_micros = tasks[c].target_micros;
        campaign->pacing = tasks[c].pacing;
        campaign->period = QBID_BUDGET_DAILY;
        campaign->start_unix_s = QBID_SIM_EPOCH_UNIX_S;
        campaign->end_unix_s = QBID_SIM_EPOCH_UNIX_S + (int64_t)days * DAY_S;
        campaign->active = true;
        campaign->budget_idx = c;
        if (!campaign->name)
            return QBID_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < market->line_item_cnt; i++) {
        int err = line_item_make(account, market, i);
        if (err)
            return err;
    }
    qbid_account_sort(account);
    return 0;
}

static int names_make(struct qbid_sim_portfolio *p)
{
    char name[32];
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (uint32_t v = 0; v < qbid_sim_dim_values(dim); v++) {
            qbid_sim_dim_text(dim, v, name);
            p->hash[dim][v] = qbid_hash_dim(dim, name, strlen(name));
            if (qbid_dictionary_add(p->dictionary, dim, name) != v + 1)
                return QBID_ERR_NOMEM;
        }
    }
    return 0;
}

int qbid_sim_portfolio_init(struct qbid_sim_portfolio *portfolio,
                            const struct qbid_sim_market *market, const struct qbid_sim_task *tasks,
                            uint32_t days)
{
    memset(portfolio, 0, sizeof *portfolio);
    int err = qbid_dictionary_new(&portfolio->dictionary);
    if (!err)
        err = names_make(portfolio);
    if (!err)
        err = account_make(&portfolio->account, market, tasks, days);
    if (err)
        qbid_sim_portfolio_done(portfolio);
    portfolio->request = (struct qbid_request){.slot_cnt = 1,
                                               .segment_cnt = 1,
                                               .auction = (uint8_t)market->params.auction,
                                               .flags = QBID_REQUEST_SECURE};
    return err;
}

void qbid_sim_portfolio_done(struct qbid_sim_portfolio *portfolio)
{
    qbid_account_done(&portfolio->account);
    qbid_dictionary_free(portfolio->dictionary);
    memset(portfolio, 0, sizeof *portfolio);
}
