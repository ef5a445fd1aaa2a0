/* SPDX-License-Identifier: Apache-2.0 */
/* One tenant's part of an account. */
#ifndef QBID_CONTROL_ACCOUNT_VIEW_H
#define QBID_CONTROL_ACCOUNT_VIEW_H

#include "control/account/account.h"

/** The items of a tenant, sorted; all of them for 0. Texts stay the account's: the view lives no
 *  longer, and nothing may be changed in it. Release with qbid_account_view_done(). NOMEM. */
int qbid_account_view(const struct qbid_account *account, uint32_t tenant,
                      struct qbid_account *ret_view);
void qbid_account_view_done(struct qbid_account *view);

/** Sum of the active budgets of a tenant; of all for 0. */
int64_t qbid_account_budgets(const struct qbid_account *account, uint32_t tenant);

#endif
