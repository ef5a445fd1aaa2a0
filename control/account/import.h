/* SPDX-License-Identifier: Apache-2.0 */
/* Account files (YAML or JSON) to accounts. Upsert by id: a field that the file leaves out keeps
 * its value, or takes its default in a new item.
 *
 *     currency: CNY                      must be the configuration's
 *     campaigns:
 *       - id: 3427                       1..4294967294, unique among campaigns, never moves
 *         tenant: 1                      default 1, never changes
 *         name: spring
 *         budget: "1500.25"              currency units, up to 9 decimals
 *         period: total                  or daily (UTC days)
 *         start: now                     RFC 3339, now, or now plus +90s, +30m, +24h, +7d
 *         end: 2013-06-13T00:00:00Z      after start
 *         goal: target_cpc               max_clicks max_conversions max_value target_cpc target_cpa
 *         target: 1.20                   target_roas fixed_cpm; or goal: {target_cpc: 1.20}
 *                                        max_profit max_roas
 *         cap_cpc: 0.40                  spend a click at most; cap_cpa, min_roas; 0 = none
 *         spend_floor: 100               what max_roas has to spend of the budget
 *         max_change: 0.3                log2 of the pace a period; 0 = the configuration's
 *         hours: [mon-fri 8-20]          or text, see control/account/week.h
 *         time_zone: Europe/Berlin       of the hours; default: the configuration's
 *         velocity: 2x / 1h              most spend in any window: of the even rate, or money
 *         triggers: cpc, ctr=0.8, win    emergency adjustments, see triggers.h; '' = none
 *         override: {multiplier: 1.2, until: +2h, why: launch}   or fixed: CPM; see override.h
 *         pacing: even                   ahead or asap
 *         active: true
 *         line_items:
 *           - id: 1
 *             floor: 0.10                CPM, default 0
 *             ceiling: 80                CPM
 *             budget: 500                bound on its own spend in the flight, default 0 = none
 *             daily_budget: 50           the same in each UTC day
 *             order_value: 25            of a conversion that brings none of its own
 *             override: {fixed: 2.50, until: +2h, why: launch}
 *             deal: D-1                  bids on this deal only
 *             adomain: example.com
 *             categories: [IAB1, IAB2-3]
 *             prior_ctr: 0.0008
 *             prior_cvr: 0.01
 *             targeting: {exchange: ["2"], slot: ["banner:300x250"], geo: ["!CHN/7"]}
 *             creatives:
 *               - id: 11
 *                 format: banner         video, audio, native
 *                 size: 300x250          or width and height
 *                 secure: true
 *                 markup: <a href="...">...</a>
 *                 landing: https://example.com/
 *                 crid: c-11             default: the id
 */
#ifndef QBID_CONTROL_ACCOUNT_IMPORT_H
#define QBID_CONTROL_ACCOUNT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/config/problems.h"

struct qbid_import_params {
    const struct qbid_account *current; /* sorted */
    int64_t now_unix_s;
    bool prune;        /* what the file does not list becomes inactive */
    const char *actor; /* author of overrides; NULL = as the file says */
};

/**
 * The account as it would be with a file's content.
 *
 * Returns: 0 and *ret_next, sorted; new items have no index yet.
 * Errors:  QBID_ERR_PARSE with every problem noted and nothing returned; QBID_ERR_NOMEM.
 */
int qbid_account_import(const char *text, size_t len, const struct qbid_import_params *params,
                        struct qbid_problems *problems, struct qbid_account *ret_next);

#endif
