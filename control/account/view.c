/* SPDX-License-Identifier: Apache-2.0 */
/* Picking a tenant's items. */
#include "control/account/view.h"

#include <stdlib.h>

#include "shm/error.h"
#include "shm/units.h"

int qbid_account_view(const struct qbid_account *account, uint32_t tenant,
                      struct qbid_account *ret_view)
{
    struct qbid_account view = *account;
    view.campaigns = malloc((account->campaign_cnt + 1) * sizeof *view.campaigns);
    view.line_items = malloc((account->line_item_cnt + 1) * sizeof *view.line_items);
    view.creatives = malloc((account->creative_cnt + 1) * sizeof *view.creatives);
    view.campaign_cnt = view.line_item_cnt = view.creative_cnt = 0;
    if (!view.campaigns || !view.line_items || !view.creatives) {
        qbid_account_view_done(&view);
        return QBID_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        if (tenant == 0 || account->campaigns[i].tenant_id == tenant)
            view.campaigns[view.campaign_cnt++] = account->campaigns[i];
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        if (qbid_account_campaign(&view, account->line_items[i].campaign_id))
            view.line_items[view.line_item_cnt++] = account->line_items[i];
    for (uint32_t i = 0; i < account->creative_cnt; i++)
        if (qbid_account_line_item(&view, account->creatives[i].line_item_id))
            view.creatives[view.creative_cnt++] = account->creatives[i];
    *ret_view = view;
    return 0;
}

void qbid_account_view_done(struct qbid_account *view)
{
    free(view->campaigns);
    free(view->line_items);
    free(view->creatives);
    *view = (struct qbid_account){0};
}

int64_t qbid_account_budgets(const struct qbid_account *account, uint32_t tenant)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        if (account->campaigns[i].active &&
            (tenant == 0 || account->campaigns[i].tenant_id == tenant))
            sum = qbid_add_sat(sum, account->campaigns[i].budget_nanos);
    return sum;
}
