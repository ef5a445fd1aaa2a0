/* SPDX-License-Identifier: Apache-2.0 */
/* The budget agent and the library of patterns: exponents of response curves, by campaign. */
#ifndef QBID_CONTROL_AGENTS_BUDGET_LIBRARY_H
#define QBID_CONTROL_AGENTS_BUDGET_LIBRARY_H

#include "control/agents/budget_belief.h"

/**
 * Give campaigns of one tenant the exponents that the library and their own days make likely, and
 * tell it what the days say.
 *
 * Shapes:  `fitted`: their exponents were just fitted again; else only a campaign that the library
 * was not asked about yet makes it do anything. Without a library it does nothing. Returns: 0; an
 * error of the library, NOMEM. Source:  control/models/meta/robust.h: a campaign's prior is all
 * other campaigns of the tenant, and the usual 0.8 +- 0.1 where they turn out to be different.
 */
int qbid_budget_inform(struct qbid_budget_campaign *const *campaigns, uint32_t cnt, bool fitted,
                       const struct qbid_budget_agent_params *params);

#endif
