/* SPDX-License-Identifier: Apache-2.0 */
/* analyze and execute, field by field. */
#include "control/http/requests.h"

#include <stdio.h>
#include <string.h>

#include "control/account/written/instant.h"
#include "control/account/written/money.h"
#include "control/http/body.h"
#include "shm/units.h"

#define COUNT_MAX UINT64_C(1000000000000000)
#define DAYS_MAX 3660.0
#define TIME_MAX 40

static void metrics_read(const struct qbid_body_at *body, struct qbid_analyze_request *r)
{
    const cJSON *object = qbid_body_object(body, "metrics", true);
    struct qbid_body_at at = {object, "metrics", body->refusal};
    if (!object)
        return;
    qbid_body_whole(&at, "impressions", true, 0, COUNT_MAX, &r->metrics.impressions);
    bool clicks = qbid_body_whole(&at, "clicks", true, 0, COUNT_MAX, &r->metrics.clicks);
    qbid_body_whole(&at, "conversions", true, 0, COUNT_MAX, &r->metrics.conversions);
    qbid_body_money(&at, "spend", true, &r->metrics.spend_nanos);
    qbid_body_money(&at, "revenue", true, &r->metrics.revenue_nanos);
    qbid_body_real(&at, "days", false, 1.0 / 24, DAYS_MAX, &r->metrics.days);
    if (clicks && r->metrics.clicks > r->metrics.impressions && body->refusal->status == 0)
        qbid_body_refuse(&at, "clicks", "is above metrics.impressions");
}

static void context_read(const struct qbid_body_at *body, struct qbid_analyze_request *r)
{
    const cJSON *object = qbid_body_object(body, "bid_context", false);
    struct qbid_body_at at = {object, "bid_context", body->refusal};
    uint64_t number;
    if (!object)
        return;
    if (qbid_body_whole(&at, "ad_set_id", false, 1, UINT32_MAX, &number))
        r->bid_context.ad_set_id = (uint32_t)number;
    qbid_body_text(&at, "device_type", false, r->bid_context.device_type,
                   sizeof r->bid_context.device_type);
    qbid_body_text(&at, "placement", false, r->bid_context.placement,
                   sizeof r->bid_context.placement);
    if (qbid_body_whole(&at, "hour_of_day", false, 0, 23, &number))
        r->bid_context.hour_of_day = (int)number;
}

bool qbid_analyze_request_read(const char *text, size_t len, struct qbid_analyze_request *ret,
                               struct qbid_refusal *refusal)
{
    struct qbid_analyze_request r = {.metrics.days = 1, .bid_context.hour_of_day = -1};
    cJSON *body = qbid_body_parse(text, len, refusal);
    struct qbid_body_at at = {body, "", refusal};
    uint64_t number;
    if (!body)
        return false;
    if (qbid_body_whole(&at, "campaign_id", true, 1, UINT32_MAX, &number))
        r.campaign_id = (uint32_t)number;
    qbid_body_text(&at, "platform", true, r.platform, sizeof r.platform);
    metrics_read(&at, &r);
    if (qbid_body_money(&at, "total_budget", true, &r.total_budget_nanos) &&
        r.total_budget_nanos == 0)
        qbid_body_refuse(&at, "total_budget", "is 0");
    qbid_body_money(&at, "avg_order_value", false, &r.avg_order_value_nanos);
    context_read(&at, &r);
    cJSON_Delete(body);
    if (refusal->status != 0)
        return false;
    *ret = r;
    return true;
}

/* --- execute */

static void type_read(const struct qbid_body_at *at, struct qbid_proposal *p)
{
    char word[16];
    if (!qbid_body_text(at, "optimization_type", true, word, sizeof word))
        return;
    for (int type = QBID_PROPOSAL_BUDGET; type <= QBID_PROPOSAL_TYPE_CNT; type++)
        if (strcmp(word, qbid_proposal_type_name((enum qbid_proposal_type)type)) == 0)
            p->type = (enum qbid_proposal_type)type;
    if (!p->type)
        qbid_body_refuse(at, "optimization_type",
                         "is none of budget, bid, targeting, creative, schedule");
}

static void item_read(const struct qbid_body_at *at, struct qbid_execute_request *r)
{
    struct qbid_proposal *p = &r->proposal;
    char word[16];
    uint64_t number;
    bool known = false;
    if (qbid_body_whole(at, "campaign_id", true, 1, UINT32_MAX, &number))
        r->campaign_id = (uint32_t)number;
    if (qbid_body_text(at, "item", true, word, sizeof word)) {
        for (int kind = 0; kind < QBID_ITEM_CNT; kind++)
            if (strcmp(word, qbid_item_kind_name((enum qbid_item_kind)kind)) == 0) {
                p->item = (enum qbid_item_kind)kind;
                known = true;
            }
        if (!known)
            qbid_body_refuse(at, "item", "is none of campaign, line_item, creative");
    }
    if (qbid_body_whole(at, "item_id", true, 1, UINT32_MAX, &number))
        p->item_id = (uint32_t)number;
    if (qbid_body_text(at, "field", true, p->field, sizeof p->field) && known &&
        !qbid_fields_find(p->item, p->field))
        qbid_body_refuse(at, "field", "is not one of the item's");
    qbid_body_text(at, "current_value", true, p->current, sizeof p->current);
    qbid_body_text(at, "recommended_value", true, p->recommended, sizeof p->recommended);
    qbid_body_text(at, "reasoning", true, p->reason, sizeof p->reason);
}

/* An amount of money as a text, negative ones too. */
static void impact_money(const struct qbid_body_at *at, const char *name, int64_t *ret_nanos)
{
    char text[32];
    if (qbid_body_text(at, name, true, text, sizeof text) &&
        qbid_money_parse(text, strlen(text), ret_nanos) != 0)
        qbid_body_refuse(at, name, "is not money as a text, like \"-12.50\"");
}

static void impact_read(const struct qbid_body_at *body, struct qbid_proposal *p)
{
    const cJSON *object = qbid_body_object(body, "expected_impact", true);
    struct qbid_body_at at = {object, "recommendation.expected_impact", body->refusal};
    if (!object)
        return;
    impact_money(&at, "mean", &p->impact.mean_nanos);
    impact_money(&at, "low", &p->impact.low_nanos);
    impact_money(&at, "high", &p->impact.high_nanos);
    impact_money(&at, "loss", &p->impact.loss_nanos);
}

static void instant_read(const struct qbid_body_at *at, const char *name, int64_t *ret_unix_s)
{
    char text[TIME_MAX];
    if (qbid_body_text(at, name, true, text, sizeof text) &&
        (!strchr(text, 'Z') || *text == 'n' || qbid_instant_parse(text, 0, ret_unix_s) != 0))
        qbid_body_refuse(at, name, "is not a time like 2026-11-29T18:00:00Z");
}

static void evidence_read(const struct qbid_body_at *body, struct qbid_proposal *p)
{
    const cJSON *object = qbid_body_object(body, "evidence", true);
    struct qbid_body_at at = {object, "recommendation.evidence", body->refusal};
    if (!object)
        return;
    instant_read(&at, "from", &p->evidence_from_unix_s);
    instant_read(&at, "to", &p->evidence_to_unix_s);
}

static void recommendation_read(const struct qbid_body_at *body, struct qbid_execute_request *r)
{
    const cJSON *object = qbid_body_object(body, "recommendation", true);
    struct qbid_body_at at = {object, "recommendation", body->refusal};
    struct qbid_proposal *p = &r->proposal;
    char id[24] = "", want[24], why[QBID_PROPOSAL_WHY_MAX];
    if (!object)
        return;
    strcpy(p->agent, QBID_HTTP_AGENT);
    type_read(&at, p);
    item_read(&at, r);
    impact_read(&at, p);
    evidence_read(&at, p);
    qbid_body_real(&at, "confidence_score", true, 0, 1, &p->confidence);
    qbid_body_real(&at, "priority", true, 0, 1e9, &p->priority);
    qbid_body_real(&at, "risk", true, 0, 1, &p->risk);
    qbid_body_text(&at, "id", true, id, sizeof id);
    if (body->refusal->status != 0)
        return;
    p->id = qbid_proposal_id(p);
    snprintf(want, sizeof want, "%016llx", (unsigned long long)p->id);
    if (strcmp(id, want) != 0)
        qbid_body_refuse(&at, "id", "is not that of item, field, values and evidence");
    else if (qbid_proposal_check(p, why) != 0)
        qbid_refuse_field(body->refusal, "recommendation", "%s", why);
}

bool qbid_execute_request_read(const char *text, size_t len, struct qbid_execute_request *ret,
                               struct qbid_refusal *refusal)
{
    struct qbid_execute_request r = {.dry_run = false};
    cJSON *body = qbid_body_parse(text, len, refusal);
    struct qbid_body_at at = {body, "", refusal};
    if (!body)
        return false;
    recommendation_read(&at, &r);
    qbid_body_flag(&at, "dry_run", true, &r.dry_run);
    cJSON_Delete(body);
    if (refusal->status != 0)
        return false;
    *ret = r;
    return true;
}
