/* SPDX-License-Identifier: Apache-2.0 */
/* POST analyze: what the models would change. */
#include <math.h>
#include <string.h>

#include "control/account/written/instant.h"
#include "control/api/json.h"
#include "control/api/json_proposal.h"
#include "control/http/analysis.h"
#include "control/http/operations.h"
#include "control/store/store.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"

static void time_add(cJSON *to, const char *name, int64_t unix_s)
{
    char text[QBID_INSTANT_TEXT_MAX];
    qbid_instant_format(unix_s, text);
    cJSON_AddStringToObject(to, name, text);
}

static const char *level_of(double risk)
{
    return risk < 0.02 ? "low" : risk < 0.1 ? "medium" : "high";
}

static void advice_add(cJSON *list, const struct qbid_campaign_def *campaign,
                       const struct qbid_advice *a)
{
    const struct qbid_proposal *p = &a->proposal;
    cJSON *to = cJSON_CreateObject();
    cJSON_AddItemToArray(list, to);
    qbid_json_proposal(to, p);
    cJSON_AddStringToObject(to, "optimization_type", qbid_proposal_type_name(p->type));
    cJSON_AddNumberToObject(to, "campaign_id", campaign->id);
    cJSON_AddNumberToObject(to, "confidence_score", p->confidence);
    cJSON_AddStringToObject(to, "reasoning", p->reason);
    cJSON *impact = cJSON_AddObjectToObject(to, "expected_impact");
    qbid_json_nanos(impact, "mean", p->impact.mean_nanos);
    qbid_json_nanos(impact, "low", p->impact.low_nanos);
    qbid_json_nanos(impact, "high", p->impact.high_nanos);
    qbid_json_nanos(impact, "loss", p->impact.loss_nanos);
    cJSON *improvement = cJSON_AddObjectToObject(to, "estimated_improvement");
    qbid_json_nanos(improvement, "revenue", a->revenue_nanos);
    cJSON_AddNumberToObject(improvement, "roas", a->roas);
    cJSON *risk = cJSON_AddObjectToObject(to, "risk_assessment");
    cJSON_AddStringToObject(risk, "level", level_of(p->risk));
    qbid_json_nanos(risk, "worst_tenth_loss", p->impact.loss_nanos);
    qbid_json_nanos(risk, "money_at_stake", a->moved_nanos);
    cJSON_AddNumberToObject(risk, "probability_of_loss", 1 - p->confidence);
    cJSON *evidence = cJSON_AddObjectToObject(to, "evidence");
    time_add(evidence, "from", p->evidence_from_unix_s);
    time_add(evidence, "to", p->evidence_to_unix_s);
}

/* The line item that the request names, of this campaign. */
static bool line_item_find(struct qbid_operation *o, const struct qbid_line_item_def **ret)
{
    const struct qbid_analyze_request *r = &o->job->request.analyze;
    uint32_t id = r->bid_context.ad_set_id;
    *ret = id ? qbid_account_line_item(o->account, id) : NULL;
    if (id == 0 || (*ret && (*ret)->campaign_id == r->campaign_id))
        return true;
    qbid_refuse_field(&o->refusal, "bid_context.ad_set_id", "is no line item of campaign %u",
                      r->campaign_id);
    return false;
}

static struct qbid_analysis_input input_make(const struct qbid_operation *o)
{
    const struct qbid_config *c = o->operations->config;
    struct qbid_engine *engine = o->operations->engine;
    uint64_t seed;
    memcpy(&seed, o->job->request_hash, sizeof seed);
    return (struct qbid_analysis_input){.request = &o->job->request.analyze,
                                        .account = o->account,
                                        .snapshot = qbid_engine_snapshot(engine),
                                        .dictionary = qbid_engine_dictionary(engine),
                                        .agent = {.trust = c->agents.trust,
                                                  .change_min = c->agents.change_min,
                                                  .confidence = c->agents.confidence,
                                                  .floor = c->agents.floor,
                                                  .past = qbid_store_load_hours,
                                                  .store = qbid_engine_store(engine)},
                                        .item_change = c->execution.item_change,
                                        .day_change = c->execution.day_change,
                                        .risk = c->execution.risk,
                                        .four_eyes_nanos = c->execution.four_eyes * 1000,
                                        .now_ns = o->now_ns,
                                        .unix_s = (int64_t)(o->unix_ns / QBID_NS_PER_S),
                                        .seed = qbid_mix64(seed ^ c->seed)};
}

static cJSON *answer_make(const struct qbid_operation *o, const struct qbid_analysis_input *input,
                          const struct qbid_analysis *analysis)
{
    cJSON *answer = cJSON_CreateObject();
    char currency[4];
    qbid_currency_format(o->operations->config->currency, currency);
    cJSON_AddNumberToObject(answer, "campaign_id", input->campaign->id);
    cJSON_AddStringToObject(answer, "platform", input->request->platform);
    cJSON_AddStringToObject(answer, "currency", currency);
    cJSON *list = cJSON_AddArrayToObject(answer, "recommendations");
    for (uint32_t i = 0; i < analysis->cnt; i++)
        advice_add(list, input->campaign, &analysis->advice[i]);
    list = cJSON_AddArrayToObject(answer, "notes");
    for (uint32_t i = 0; i < analysis->note_cnt; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(analysis->note[i]));
    qbid_json_unix_ns(answer, "timestamp", o->unix_ns);
    return answer;
}

cJSON *qbid_operation_analyze(struct qbid_operation *o)
{
    struct qbid_analysis_input input = input_make(o);
    struct qbid_analysis analysis;
    input.campaign = qbid_account_campaign(o->account, input.request->campaign_id);
    if (!input.campaign) {
        qbid_refuse(&o->refusal, 404, "there is no campaign %u", input.request->campaign_id);
        return NULL;
    }
    if (!line_item_find(o, &input.line_item))
        return NULL;
    int err = qbid_analyze(&input, &analysis);
    if (err) {
        qbid_refuse(&o->refusal, 503, "analysis: %s", qbid_strerror(err));
        return NULL;
    }
    return answer_make(o, &input, &analysis);
}
