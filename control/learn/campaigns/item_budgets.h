/* SPDX-License-Identifier: Apache-2.0 */
/* Line items with a budget of their own: a bound on their pace beside the campaign's, so that the
 * campaign's money does not all go where it is cheapest to spend.
 *
 * It bounds the pace and is no promise like that of the campaign's budget: what is bid when the
 * money is spent may still be billed, a control period's worth or so.
 */
#ifndef QBID_CONTROL_LEARN_CAMPAIGNS_ITEM_BUDGETS_H
#define QBID_CONTROL_LEARN_CAMPAIGNS_ITEM_BUDGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/ingest/outcome.h"
#include "control/keymap.h"
#include "control/models/forecast/traffic.h"
#include "control/models/pacing/pacing.h"

enum qbid_item_budget_span {
    QBID_ITEM_BUDGET_FLIGHT,
    QBID_ITEM_BUDGET_DAY,
    QBID_ITEM_BUDGET_SPANS
};

/* One budget: of the campaign's whole flight, or of the UTC day. */
struct qbid_item_budget_bound {
    int64_t start_unix_s, end_unix_s;
    int64_t spent_nanos; /* since start, or since it got its budget */
    uint64_t bids;
    uint64_t paced_ns;
    struct qbid_pacing_state pacing;
};

struct qbid_item_budget_state {
    uint32_t id;
    bool dirty; /* changed since the last save */
    struct qbid_item_budget_bound bound[QBID_ITEM_BUDGET_SPANS];
};

struct qbid_item_budgets {
    struct qbid_item_budget_state *state;
    uint32_t cnt, capacity;
    struct qbid_keymap map;
};

/* What a bound follows. */
struct qbid_item_budget_now {
    const struct qbid_pacing_params *params;
    const struct qbid_traffic_curve *curve; /* of the campaign */
    double pace;                            /* of the campaign */
    uint64_t period_ns, now_ns;
    int64_t now_unix_ns;
};

void qbid_item_budgets_done(struct qbid_item_budgets *items);

/** State of a line item, made when missing; NULL without memory. Valid until the next touch. */
struct qbid_item_budget_state *qbid_item_budgets_touch(struct qbid_item_budgets *items,
                                                       uint32_t id);

/** Count a bid or a bill of a line item that has a budget; others are passed over. */
void qbid_item_budgets_post(struct qbid_item_budgets *items,
                            const struct qbid_line_item_def *line_item,
                            const struct qbid_outcome *outcome, int64_t spent_nanos);

/** The most its pace may be: infinite without a budget, 0 when one is spent. Moves once a control
 *  period. Cost: without a budget none. */
double qbid_item_budgets_bound(struct qbid_item_budgets *items,
                               const struct qbid_line_item_def *line_item,
                               const struct qbid_campaign_def *campaign,
                               const struct qbid_item_budget_now *now);

#endif
