/* SPDX-License-Identifier: Apache-2.0 */
/* runs, creatives, allocations, attribution, overlaps: what agents did, how creatives fare by the
 * day, budgets that were changed, whose conversions are whose, audiences that are the same. */
#include "control/api/command.h"
#include "control/store/store_attribution.h"
#include "control/store/store_overlaps.h"
#include "control/store/store_records.h"
#include "shm/units.h"

#define PRESET 50
#define DAY_S 86400

static int run_add(void *context, const struct qbid_store_run *run)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_unix_s(to, "time", (int64_t)(run->unix_ns / QBID_NS_PER_S));
    cJSON_AddStringToObject(to, "agent", run->agent);
    cJSON_AddNumberToObject(to, "cpu_us", (double)run->spent_ns / 1e3);
    qbid_json_count(to, "proposals", run->proposals);
    qbid_json_count(to, "refused", run->refused);
    cJSON_AddStringToObject(to, "outcome", run->outcome);
    return 0;
}

int qbid_command_runs(struct qbid_command *c)
{
    const char *agent = qbid_json_text(c->request, "agent");
    return qbid_command_fail_store(
        c, qbid_store_load_runs(qbid_engine_store(c->engine), agent ? agent : "",
                                qbid_command_max(c, PRESET), run_add,
                                cJSON_AddArrayToObject(c->answer, "runs")));
}

static int day_add(void *context, const struct qbid_store_creative_day *day)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_unix_s(to, "day", day->day * DAY_S);
    cJSON_AddNumberToObject(to, "creative", day->creative);
    cJSON_AddNumberToObject(to, "line_item", day->line_item);
    cJSON_AddNumberToObject(to, "campaign", day->campaign);
    qbid_command_stats(to, &day->stats);
    return 0;
}

int qbid_command_creatives(struct qbid_command *c)
{
    int64_t days = qbid_json_whole(c->request, "days"), id = qbid_json_whole(c->request, "id");
    int64_t today = (int64_t)(c->unix_ns / QBID_NS_PER_S) / DAY_S;
    if (days < 1)
        days = 7;
    return qbid_command_fail_store(
        c, qbid_store_load_creative_days(qbid_engine_store(c->engine), id > 0 ? (uint32_t)id : 0,
                                         today - days + 1, day_add,
                                         cJSON_AddArrayToObject(c->answer, "creatives")));
}

static int allocation_add(void *context, const struct qbid_store_allocation *a)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_unix_s(to, "time", (int64_t)(a->unix_ns / QBID_NS_PER_S));
    qbid_json_count(to, "execution", a->execution);
    cJSON_AddNumberToObject(to, "campaign", a->campaign);
    qbid_json_nanos(to, "before", a->before_nanos);
    qbid_json_nanos(to, "after", a->after_nanos);
    cJSON_AddStringToObject(to, "kind", a->kind);
    cJSON_AddStringToObject(to, "actor", a->actor);
    qbid_json_count(to, "undone_by", a->undone_by);
    if (a->recommendation) {
        qbid_json_hex(to, "recommendation", a->recommendation);
        cJSON_AddStringToObject(to, "agent", a->agent);
        qbid_json_nanos(to, "expected_impact", a->mean_nanos);
    }
    return 0;
}

int qbid_command_allocations(struct qbid_command *c)
{
    int64_t id = qbid_json_whole(c->request, "id");
    return qbid_command_fail_store(
        c, qbid_store_load_allocations(qbid_engine_store(c->engine), id > 0 ? (uint32_t)id : 0,
                                       qbid_command_max(c, PRESET), allocation_add,
                                       cJSON_AddArrayToObject(c->answer, "allocations")));
}

static int attribution_add(void *context, const struct qbid_store_attribution *a)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_unix_s(to, "day", a->unix_s / DAY_S * DAY_S);
    cJSON_AddNumberToObject(to, "tenant", a->tenant);
    cJSON_AddNumberToObject(to, "version", a->version);
    cJSON_AddStringToObject(to, "type", a->type);
    cJSON *parameters = cJSON_Parse(a->parameters);
    cJSON_AddItemToObject(to, "parameters", parameters ? parameters : cJSON_CreateNull());
    qbid_json_count(to, "attributed", a->attributed);
    qbid_json_nanos(to, "value", a->value_nanos);
    qbid_json_count(to, "unattributed", a->unattributed);
    qbid_json_count(to, "timed", a->timed);
    if (a->lag_median_s > 0) {
        cJSON_AddNumberToObject(to, "lag_median_s", a->lag_median_s);
        cJSON_AddNumberToObject(to, "lag_p90_s", a->lag_p90_s);
    }
    return 0;
}

int qbid_command_attribution(struct qbid_command *c)
{
    return qbid_command_fail_store(
        c, qbid_store_load_attributions(qbid_engine_store(c->engine), qbid_command_max(c, PRESET),
                                        attribution_add,
                                        cJSON_AddArrayToObject(c->answer, "attribution")));
}

static int overlap_add(void *context, const struct qbid_store_overlap *o)
{
    cJSON *to = qbid_json_row(context);
    cJSON_AddNumberToObject(to, "tenant", o->tenant);
    cJSON_AddNumberToObject(to, "line_item", o->line_item);
    cJSON_AddNumberToObject(to, "other", o->other);
    cJSON_AddNumberToObject(to, "bids", o->bids);
    cJSON_AddNumberToObject(to, "other_bids", o->other_bids);
    cJSON_AddNumberToObject(to, "both_bids", o->both_bids);
    cJSON_AddNumberToObject(to, "jaccard", o->jaccard);
    cJSON_AddNumberToObject(to, "low", o->low);
    cJSON_AddNumberToObject(to, "high", o->high);
    cJSON_AddNumberToObject(to, "contained", o->contained);
    cJSON_AddNumberToObject(to, "other_contained", o->other_contained);
    cJSON_AddNumberToObject(to, "contexts", o->contexts);
    cJSON_AddBoolToObject(to, "at_most", o->bound);
    qbid_json_unix_s(to, "from", o->from_unix_s);
    qbid_json_unix_s(to, "to", o->to_unix_s);
    return 0;
}

int qbid_command_overlaps(struct qbid_command *c)
{
    int64_t id = qbid_json_whole(c->request, "id");
    return qbid_command_fail_store(
        c, qbid_store_load_overlaps(qbid_engine_store(c->engine), id > 0 ? (uint32_t)id : 0,
                                    qbid_command_max(c, PRESET), overlap_add,
                                    cJSON_AddArrayToObject(c->answer, "overlaps")));
}
