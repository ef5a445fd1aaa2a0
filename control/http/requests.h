/* SPDX-License-Identifier: Apache-2.0 */
/* The two operations' requests, read and checked; unknown fields are left out. */
#ifndef QBID_CONTROL_HTTP_REQUESTS_H
#define QBID_CONTROL_HTTP_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/agents/proposal.h"
#include "control/http/refusal.h"

#define QBID_ANALYZE_WORD_MAX 64

/* What a platform reports of a campaign, and where one bids. */
struct qbid_analyze_request {
    uint32_t campaign_id;
    char platform[QBID_ANALYZE_WORD_MAX];
    struct {
        uint64_t impressions, clicks, conversions;
        int64_t spend_nanos, revenue_nanos;
        double days; /* that they were counted in; 1 when nothing is said */
    } metrics;
    int64_t total_budget_nanos;    /* most that may be spent a period */
    int64_t avg_order_value_nanos; /* 0 = not said */
    struct {
        uint32_t ad_set_id; /* a line item; 0 = not said */
        char device_type[QBID_ANALYZE_WORD_MAX];
        char placement[QBID_ANALYZE_WORD_MAX];
        int hour_of_day; /* 0..23; -1 = not said */
    } bid_context;
};

struct qbid_execute_request {
    struct qbid_proposal proposal; /* of the recommendation; its id is that of its content */
    uint32_t campaign_id;
    bool dry_run;
};

/** Read a body. False with a refusal that names each wrong field. Threads: pure. */
bool qbid_analyze_request_read(const char *text, size_t len, struct qbid_analyze_request *ret,
                               struct qbid_refusal *refusal);
bool qbid_execute_request_read(const char *text, size_t len, struct qbid_execute_request *ret,
                               struct qbid_refusal *refusal);

/** Agent of the recommendations that analyze makes. */
#define QBID_HTTP_AGENT "analyze"

#endif
