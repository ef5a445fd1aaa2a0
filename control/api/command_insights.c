/* SPDX-License-Identifier: Apache-2.0 */
/* insights: what differs or changed more than chance explains. */
#include "control/insights/insights.h"
#include "control/api/command.h"
#include "control/api/json.h"

static void insight_add(cJSON *list, const struct qbid_insight *insight)
{
    cJSON *to = cJSON_CreateObject();
    cJSON_AddItemToArray(list, to);
    cJSON_AddStringToObject(to, "kind", qbid_insight_kind_name(insight->kind));
    cJSON_AddStringToObject(to, "metric", qbid_insight_metric_name(insight->metric));
    qbid_json_count(to, "campaign_id", insight->campaign_id);
    if (insight->key.kind == QBID_SERIES_LINE_ITEM)
        qbid_json_count(to, "line_item_id", insight->key.id);
    cJSON_AddNumberToObject(to, "trials", insight->trials);
    cJSON_AddNumberToObject(to, "successes", insight->successes);
    cJSON_AddNumberToObject(to, "rate", insight->rate);
    cJSON_AddNumberToObject(to, "low", insight->low);
    cJSON_AddNumberToObject(to, "high", insight->high);
    cJSON_AddNumberToObject(to, "against", insight->against);
    cJSON_AddNumberToObject(to, "confidence", insight->confidence);
    cJSON_AddNumberToObject(to, "p_value", insight->p_value);
    qbid_json_nanos(to, "impact_day", insight->impact_nanos);
    qbid_json_nanos(to, "impact_day_low", insight->impact_low_nanos);
    qbid_json_nanos(to, "impact_day_high", insight->impact_high_nanos);
    cJSON_AddStringToObject(to, "text", insight->text);
}

int qbid_command_insights(struct qbid_command *c)
{
    struct qbid_insights insights;
    int r = qbid_insights_find(qbid_engine_account(c->engine), qbid_engine_snapshot(c->engine),
                               c->now_ns, &insights);
    if (r < 0)
        return qbid_command_fail(c, r, "insights: out of memory");
    qbid_json_count(c->answer, "comparisons", insights.tests);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "insights");
    for (uint32_t i = 0; i < insights.cnt; i++)
        insight_add(list, &insights.list[i]);
    qbid_insights_done(&insights);
    return 0;
}
