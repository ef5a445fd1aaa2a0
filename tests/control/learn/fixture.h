/* SPDX-License-Identifier: Apache-2.0 */
/* A small account in memory for the learner's tests: two campaigns, three line items. */
#ifndef QBID_TESTS_CONTROL_LEARN_FIXTURE_H
#define QBID_TESTS_CONTROL_LEARN_FIXTURE_H

#include "control/account/account.h"
#include "control/ingest/outcome.h"

/* Campaign 10 (max clicks) has line items 100 (idx 0) and 101 (idx 2); campaign 20 (target CPC
 * 0.50) has line item 200 (idx 1). Creatives 1001, 1002 (300x250) and 1003 (728x90) belong to 100.
 */
struct learn_fixture {
    struct qbid_account account;
    struct qbid_campaign_def campaign[2];
    struct qbid_line_item_def line_item[3];
    struct qbid_creative_def creative[3];
};

void learn_fixture_init(struct learn_fixture *fixture);

/** Packed context of exchange, device and site value indices. */
uint64_t learn_context(uint32_t exchange, uint32_t device, uint32_t site);

/** An outcome of a line item's bid of 1.00 CPM at value 1.00 CPM, pace 1, second price. */
struct qbid_outcome learn_outcome(int kind, const struct qbid_line_item_def *line_item,
                                  uint64_t context, int64_t price_nanos);

#endif
