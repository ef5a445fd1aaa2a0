/* SPDX-License-Identifier: Apache-2.0 */
#include "control/agents/gains.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/agents/budget_belief.h"
#include "control/patterns/patterns.h"
#include "shm/units.h"

#define SPENT_MIN 0.8 /* of a day's budget, from which it is the budget that limits a campaign */
#define DAY_S 86400

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void qbid_gains_judge(struct qbid_gains *g)
{
    const int n = QBID_GAINS_DRAWS;
    g->mean = g->sure = g->loss = 0;
    qsort(g->gain, QBID_GAINS_DRAWS, sizeof g->gain[0], by_size);
    for (int d = 0; d < n; d++) {
        g->mean += g->gain[d] / n;
        g->sure += g->gain[d] > 0 ? 1.0 / n : 0;
        g->loss -= d < n / 10 ? g->gain[d] / (n / 10) : 0;
    }
    g->sure = fmin(g->sure, 1);
    g->loss = fmax(g->loss, 0);
    g->low = fmin(g->gain[n / 20], g->mean);
    g->high = fmax(g->gain[n - 1 - n / 20], g->mean);
}

bool qbid_gains_worth(const struct qbid_gains *gains, double value)
{
    return gains->sure >= QBID_GAINS_SURE && gains->mean >= QBID_GAINS_LEAST * value;
}

static int64_t nanos(double units)
{
    return (int64_t)llround(units * (double)QBID_NANOS_PER_UNIT);
}

void qbid_gains_tell(const struct qbid_gains *g, double value, struct qbid_proposal *proposal)
{
    proposal->impact = (struct qbid_proposal_impact){nanos(g->mean), nanos(g->low), nanos(g->high),
                                                     nanos(g->loss)};
    proposal->confidence = g->sure;
    proposal->risk = fmin(g->loss / value, 1);
    proposal->priority = fmax(g->mean / value, 1e-9);
}

double qbid_gains_touched(const struct qbid_agent_inputs *inputs,
                          const struct qbid_line_item_def *item, double share)
{
    struct qbid_series_key of = {.id = item->id, .kind = QBID_SERIES_LINE_ITEM};
    struct qbid_series_key whole = {.id = item->campaign_id, .kind = QBID_SERIES_CAMPAIGN};
    struct qbid_stats part =
        qbid_snapshot_query(inputs->snapshot, of, QBID_WINDOW_24H, inputs->now_ns);
    struct qbid_stats all =
        qbid_snapshot_query(inputs->snapshot, whole, QBID_WINDOW_24H, inputs->now_ns);
    if (part.spend_nanos <= 0 || all.spend_nanos <= 0)
        return 0;
    return fmin(share * (double)part.spend_nanos / (double)all.spend_nanos, 1);
}

bool qbid_gains_current(struct qbid_proposal *proposal, const void *item)
{
    const struct qbid_field *field = qbid_fields_find(proposal->item, proposal->field);
    char *text = field ? qbid_field_text(field, item) : NULL;
    bool fits = text && strlen(text) < sizeof proposal->current;
    if (fits)
        strcpy(proposal->current, text);
    free(text);
    return fits;
}

bool qbid_gains_bound(const struct qbid_agent_inputs *inputs,
                      const struct qbid_campaign_def *campaign)
{
    struct qbid_series_key key = {.id = campaign->id, .kind = QBID_SERIES_CAMPAIGN};
    struct qbid_stats day =
        qbid_snapshot_query(inputs->snapshot, key, QBID_WINDOW_24H, inputs->now_ns);
    double flight = (double)campaign->end_unix_s - (double)campaign->start_unix_s;
    double share = campaign->period == QBID_BUDGET_DAILY ? 1 : fmin(DAY_S / flight, 1);
    return (double)day.spend_nanos >= SPENT_MIN * share * (double)campaign->budget_nanos;
}

bool qbid_gains_wants_clicks(const struct qbid_campaign_def *campaign)
{
    return campaign->goal == QBID_GOAL_MAX_CLICKS || campaign->goal == QBID_GOAL_TARGET_CPC ||
           campaign->goal == QBID_GOAL_FIXED_CPM;
}

int qbid_gains_exponent(struct qbid_store *store, const struct qbid_campaign_def *campaign,
                        struct qbid_robust *ret_exponent)
{
    struct qbid_pattern_key key = {.tenant = campaign->tenant_id,
                                   .metric = "exponent",
                                   .subject = "budget",
                                   .across = "campaign"};
    struct qbid_patterns_prior prior;
    char name[16];
    snprintf(name, sizeof name, "%" PRIu32, campaign->id);
    int err = qbid_patterns_prior(store, &key, name, QBID_BUDGET_SHAPE_MEAN, QBID_BUDGET_SHAPE_SD,
                                  &prior);
    if (!err)
        *ret_exponent = prior.known
                            ? qbid_robust_learn(prior.robust, prior.own.effect, prior.own.variance)
                            : prior.robust;
    return err;
}

double qbid_gains_exponent_draw(const struct qbid_robust *exponent, struct qbid_random *random)
{
    return fmin(fmax(qbid_robust_draw(exponent, random), QBID_BUDGET_SHAPE_LOW),
                QBID_BUDGET_SHAPE_HIGH);
}

void qbid_gains_effect_add(struct qbid_gains_effect *effect, double events_on, double exposed_on,
                           double events_off, double exposed_off)
{
    if (!(exposed_on > 0) || !(exposed_off > 0))
        return;
    qbid_rate_ratio_add(&effect->ratio, events_on, exposed_on, events_off, exposed_off);
    effect->due += exposed_on * events_off / exposed_off;
}

bool qbid_gains_effect_test(const struct qbid_gains_effect *effect, double *ret_log,
                            double *ret_variance, double *ret_p)
{
    if (!(fmax(effect->due, effect->ratio.events_on) >= QBID_GAINS_DUE_MIN))
        return false;
    if (effect->ratio.events_on > 0) {
        if (!qbid_rate_ratio_log(&effect->ratio, ret_log, ret_variance))
            return false;
    } else {
        *ret_log = log(0.5 / effect->due);
        *ret_variance = 2;
    }
    *ret_p = erfc(fabs(*ret_log) / sqrt(2 * *ret_variance));
    return true;
}

/* --- texts of targeting */

static bool listed(const struct qbid_target_def *target, const char *value, bool excluded)
{
    for (uint32_t i = 0; i < target->cnt; i++) {
        const char *each = target->value[i];
        if ((each[0] == '!') == excluded && strcmp(each + excluded, value) == 0)
            return true;
    }
    return false;
}

static bool among(const char *const *values, uint32_t cnt, const char *value)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (strcmp(values[i], value) == 0)
            return true;
    return false;
}

bool qbid_gains_without(const struct qbid_target_def *target, const char *const *values,
                        uint32_t cnt, char out[QBID_PROPOSAL_VALUE_MAX])
{
    char text[QBID_PROPOSAL_VALUE_MAX] = "";
    bool accepts = false, less = false;
    size_t at = 0;
    for (uint32_t i = 0; i < target->cnt; i++)
        accepts = accepts || target->value[i][0] != '!';
    for (uint32_t i = 0; i < target->cnt && at < sizeof text; i++) {
        if (among(values, cnt, target->value[i]))
            less = true;
        else
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", at ? "," : "",
                                   target->value[i]);
    }
    for (uint32_t i = 0; i < cnt && !accepts && at < sizeof text; i++) {
        if (listed(target, values[i], true))
            continue; /* it is excluded: what was spent was spent before */
        at += (size_t)snprintf(text + at, sizeof text - at, "%s!%s", at ? "," : "", values[i]);
        less = true;
    }
    if (!less || at == 0 || at >= sizeof text)
        return false;
    strcpy(out, text);
    return true;
}

bool qbid_gains_remembered(struct qbid_gains_memory *memory, uint64_t what, int64_t unix_s,
                           uint32_t again_s)
{
    for (uint32_t i = 0; i < QBID_GAINS_MEMORY; i++)
        if (memory->slot[i].what == what && memory->slot[i].unix_s > 0 &&
            unix_s < memory->slot[i].unix_s + (int64_t)again_s)
            return true;
    memory->slot[memory->next].what = what;
    memory->slot[memory->next].unix_s = unix_s;
    memory->next = (memory->next + 1) % QBID_GAINS_MEMORY;
    return false;
}
