/* SPDX-License-Identifier: Apache-2.0 */
/* insights: what differs or changed more than chance explains, and the monitor's alarms. */
#include "control/insights/insights.h"

#include <string.h>

#include "control/api/command.h"
#include "control/api/json.h"
#include "control/executor/executor.h"
#include "control/store/store_records.h"
#include "shm/error.h"
#include "shm/units.h"

#define HISTORY_PRESET 200
#define DAY_S 86400

static void insight_add(cJSON *list, const struct qbid_insight *insight)
{
    cJSON *to = qbid_json_row(list);
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

static void alarm_add(cJSON *list, const struct qbid_monitor_alarm *alarm)
{
    char text[QBID_MONITOR_TEXT_MAX];
    cJSON *to = qbid_json_row(list);
    qbid_monitor_say(alarm, text);
    qbid_json_count(to, "campaign_id", alarm->campaign_id);
    cJSON_AddStringToObject(to, "metric", qbid_monitor_metric_name(alarm->metric));
    cJSON_AddStringToObject(to, "finding",
                            alarm->verdict.finding == QBID_COUNTS_FALLS ? "fell" : "rose");
    qbid_json_unix_ns(to, "from", (uint64_t)alarm->from_unix_s * QBID_NS_PER_S);
    qbid_json_unix_ns(to, "to", (uint64_t)alarm->to_unix_s * QBID_NS_PER_S);
    cJSON_AddNumberToObject(to, "seen", alarm->seen);
    cJSON_AddNumberToObject(to, "expected", alarm->expected);
    cJSON_AddNumberToObject(to, "nats", alarm->verdict.nats);
    cJSON_AddNumberToObject(to, "tail", alarm->verdict.tail);
    cJSON_AddStringToObject(to, "text", text);
}

static void monitor_add(const struct qbid_command *c)
{
    const struct qbid_monitor *monitor = c->commands->monitor;
    cJSON *answer = c->answer;
    cJSON *list = cJSON_AddArrayToObject(answer, "alarms");
    if (!monitor)
        return;
    struct qbid_monitor_status status = qbid_monitor_status(monitor);
    if (c->principal.tenant == 0) { /* counts of everybody's */
        qbid_json_count(answer, "campaigns_watched", status.watched);
        qbid_json_count(answer, "campaigns_learning", status.learning);
        qbid_json_count(answer, "hours_judged", status.hours);
    }
    for (uint32_t i = 0; qbid_monitor_alarm(monitor, i); i++)
        if (qbid_account_campaign(c->account, qbid_monitor_alarm(monitor, i)->campaign_id))
            alarm_add(list, qbid_monitor_alarm(monitor, i));
}

/* What should have been taken back and was not (control/executor), of the last day. */
static int kept_add(void *context, const struct qbid_store_insight *insight)
{
    static const char mark[] = QBID_EXECUTOR_WARNING;
    if (strncmp(insight->metric, mark, strlen(mark)) != 0)
        return 0;
    cJSON *to = qbid_json_row(context);
    qbid_json_count(to, "campaign_id", insight->campaign);
    cJSON_AddStringToObject(to, "metric", insight->metric);
    qbid_json_unix_ns(to, "from", (uint64_t)insight->first_unix_s * QBID_NS_PER_S);
    qbid_json_unix_ns(to, "to", (uint64_t)insight->last_unix_s * QBID_NS_PER_S);
    cJSON_AddStringToObject(to, "text", insight->text);
    return 0;
}

static int kept_list(struct qbid_command *c)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    int err =
        qbid_store_load_insights(store, (int64_t)(c->unix_ns / QBID_NS_PER_S) - DAY_S, UINT32_MAX,
                                 kept_add, cJSON_GetObjectItem(c->answer, "alarms"));
    return qbid_command_fail_store(c, err);
}

static int found_add(void *context, const struct qbid_store_insight *insight)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_unix_s(to, "first", insight->first_unix_s);
    qbid_json_unix_s(to, "last", insight->last_unix_s);
    cJSON_AddStringToObject(to, "kind", insight->kind);
    cJSON_AddStringToObject(to, "metric", insight->metric);
    qbid_json_count(to, "campaign_id", insight->campaign);
    if (insight->line_item)
        qbid_json_count(to, "line_item_id", insight->line_item);
    cJSON_AddNumberToObject(to, "rate", insight->seen);
    cJSON_AddNumberToObject(to, "against", insight->against);
    cJSON_AddNumberToObject(to, "confidence", insight->confidence);
    qbid_json_nanos(to, "impact_day", insight->impact_nanos);
    cJSON_AddStringToObject(to, "text", insight->text);
    return 0;
}

/* What was found earlier, as it was last found. */
static int insights_since(struct qbid_command *c)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    int64_t since_s = qbid_json_whole(c->request, "since_s");
    if (since_s < 1)
        return qbid_command_fail(c, QBID_ERR_INVAL, "since_s is a number of seconds from 1 on");
    int err = qbid_store_load_insights(store, (int64_t)(c->unix_ns / QBID_NS_PER_S) - since_s,
                                       qbid_command_max(c, HISTORY_PRESET), found_add,
                                       cJSON_AddArrayToObject(c->answer, "history"));
    return qbid_command_fail_store(c, err);
}

int qbid_command_insights(struct qbid_command *c)
{
    struct qbid_insights insights;
    if (cJSON_HasObjectItem(c->request, "since_s"))
        return insights_since(c);
    int r = qbid_insights_find(c->account, qbid_engine_snapshot(c->engine), c->now_ns, &insights);
    if (r < 0)
        return qbid_command_fail(c, r, "insights: out of memory");
    qbid_json_count(c->answer, "comparisons", insights.tests);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "insights");
    for (uint32_t i = 0; i < insights.cnt; i++)
        insight_add(list, &insights.list[i]);
    qbid_insights_done(&insights);
    monitor_add(c);
    return kept_list(c);
}
