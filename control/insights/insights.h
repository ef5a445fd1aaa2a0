/* SPDX-License-Identifier: Apache-2.0 */
/* What the numbers of the last 24 hours say that an operator should know: line items that do better
 * or worse than their campaign, campaigns that changed.
 *
 *   snapshot --siblings, days--> contrasts: estimate, interval, p-value, confidence
 *            --all p-values of the call together--> at most a tenth of what is reported is false
 *            --worth of a click or conversion--> money a day, words
 */
#ifndef QBID_CONTROL_INSIGHTS_INSIGHTS_H
#define QBID_CONTROL_INSIGHTS_INSIGHTS_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/snapshot/snapshot.h"

#define QBID_INSIGHT_TEXT_MAX 320
#define QBID_INSIGHT_MATERIAL 0.05 /* a rate nearer to what it is compared with is no news */

enum qbid_insight_kind {
    QBID_INSIGHT_OPPORTUNITY, /* a line item above its campaign */
    QBID_INSIGHT_WARNING,     /* one below it; a campaign's rate that fell */
    QBID_INSIGHT_TREND        /* a campaign's rate that rose */
};

enum qbid_insight_metric { QBID_INSIGHT_WIN_RATE, QBID_INSIGHT_CTR, QBID_INSIGHT_CVR };
#define QBID_INSIGHT_METRIC_CNT 3

struct qbid_insight {
    enum qbid_insight_kind kind;
    enum qbid_insight_metric metric;
    struct qbid_series_key key; /* line item or campaign */
    uint32_t campaign_id;
    double trials, successes; /* of the last 24 hours */
    double rate, low, high;   /* shrunk estimate, 90 % interval */
    double against;           /* rate of the campaign, or before */
    double confidence;        /* probability that the difference has this sign */
    double p_value;
    int64_t impact_nanos, impact_low_nanos, impact_high_nanos; /* money a day by the difference */
    char text[QBID_INSIGHT_TEXT_MAX];
};

struct qbid_insights {
    struct qbid_insight *list; /* the greatest impact first */
    uint32_t cnt;
    uint32_t tests; /* comparisons made, reported or not */
    double p_limit; /* largest p-value reported; negative: none */
};

/**
 * Look.
 *
 * Returns: 0; QBID_ERR_NOMEM. Rates without trials are not compared.
 * Threads: pure; ret_insights is freed by qbid_insights_done().
 * Cost:    about 50 us a line item with clicks.
 */
int qbid_insights_find(const struct qbid_account *account, const struct qbid_snapshot *snapshot,
                       uint64_t now_ns, struct qbid_insights *ret_insights);
void qbid_insights_done(struct qbid_insights *insights);

const char *qbid_insight_kind_name(enum qbid_insight_kind kind);
const char *qbid_insight_metric_name(enum qbid_insight_metric metric);

#endif
