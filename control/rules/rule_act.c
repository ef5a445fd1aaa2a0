/* SPDX-License-Identifier: Apache-2.0 */
#include "control/rules/rule_act.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/fields.h"
#include "control/account/written/instant.h"
#include "control/account/written/override.h"
#include "shm/error.h"
#include "shm/units.h"

#define OVERRIDE_S 86400
#define TAIL 0.1 /* share of cases whose mean is the risk */

static double money_of(double nanos)
{
    return nanos / (double)QBID_NANOS_PER_UNIT;
}

void qbid_rule_explain(const struct qbid_rule *rule, const struct qbid_rule_verdict *v,
                       char out[QBID_PROPOSAL_REASON_MAX])
{
    static const char *const events[QBID_RULE_METRIC_CNT] = {
        "clicks",        "conversions",      "wins", "clicks", "conversions", "",
        "viewable ones", "played to the end"};
    static const char *const trials[QBID_RULE_METRIC_CNT] = {
        [QBID_RULE_CTR] = "impressions",
        [QBID_RULE_CVR] = "clicks",
        [QBID_RULE_WIN_RATE] = "auctions",
        [QBID_RULE_VIEWABILITY] = "impressions",
        [QBID_RULE_COMPLETION] = "videos begun"};
    char of[64], since[QBID_INSTANT_TEXT_MAX];
    double chance = 1 - v->confidence;
    qbid_instant_format(v->from_unix_s, since);
    if (rule->metric == QBID_RULE_BUDGET) {
        snprintf(out, QBID_PROPOSAL_REASON_MAX,
                 "%.1f %% of the budget spent since %s, %.1f %% of its time passed",
                 100 * v->events, since, 100 * v->events / v->ratio);
        return;
    }
    if (rule->metric == QBID_RULE_CPC || rule->metric == QBID_RULE_CPA)
        snprintf(of, sizeof of, "for %.2f of spend", money_of(v->trials));
    else
        snprintf(of, sizeof of, "of %.0f %s", v->trials, trials[rule->metric]);
    snprintf(out, QBID_PROPOSAL_REASON_MAX,
             "%.0f %s %s since %s, %.1f at the threshold; by chance below %.2g", v->events,
             events[rule->metric], of, since, v->expected, chance > 1e-9 ? chance : 1e-9);
}

/* --- the field and its new value */

static int text_of(const struct qbid_campaign_def *campaign, const char *name, char *out,
                   size_t max)
{
    char *text = qbid_field_text(qbid_fields_find(QBID_ITEM_CAMPAIGN, name), campaign);
    int err = !text ? QBID_ERR_NOMEM : strlen(text) >= max ? QBID_ERR_LIMIT : 0;
    if (!err)
        strcpy(out, text);
    free(text);
    return err;
}

static int refuse(char *why, const char *words, const char *more)
{
    snprintf(why, QBID_RULE_WHY_MAX, "%s%.100s", words, more);
    return QBID_ERR_INVAL;
}

static int64_t changed(int64_t number, double factor)
{
    return (int64_t)llround((double)number * factor);
}

/* A multiplier for a day, or this rule's own one changed further. */
static int override_make(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                         const struct qbid_rule_verdict *v, double change, struct qbid_proposal *p,
                         char *why)
{
    struct qbid_override o = {.kind = QBID_OVERRIDE_NONE};
    char by[QBID_OVERRIDE_BY_MAX], text[QBID_OVERRIDE_TEXT_MAX];
    const char *now = campaign->override ? campaign->override : "";
    snprintf(by, sizeof by, "rule %s", rule->name);
    if (*now && qbid_override_parse(now, v->to_unix_s, &o))
        return refuse(why, "its override cannot be read: ", now);
    bool in_force = o.kind != QBID_OVERRIDE_NONE && o.until_unix_s > v->to_unix_s;
    if (in_force && (o.kind != QBID_OVERRIDE_MULTIPLIER || strcmp(o.by, by) != 0))
        return refuse(why, "it is overridden: ", now);
    double multiplier = (in_force ? o.multiplier : 1) * (1 + change);
    o = (struct qbid_override){.kind = QBID_OVERRIDE_MULTIPLIER,
                               .multiplier = round(1e4 * multiplier) / 1e4,
                               .until_unix_s = v->to_unix_s + OVERRIDE_S};
    snprintf(o.by, sizeof o.by, "%s", by);
    struct qbid_rule_words words;
    qbid_rule_say(rule, &words);
    snprintf(o.why, sizeof o.why, "%s", words.condition);
    qbid_override_format(&o, text);
    strcpy(p->field, "override");
    snprintf(p->recommended, sizeof p->recommended, "%s", text);
    return 0;
}

static int bid_make(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                    const struct qbid_rule_verdict *v, double change, struct qbid_proposal *p,
                    char *why)
{
    struct qbid_campaign_def next = *campaign;
    bool inverse = campaign->goal == QBID_GOAL_TARGET_ROAS;
    p->type = QBID_PROPOSAL_BID;
    if (!inverse && campaign->goal != QBID_GOAL_TARGET_CPC &&
        campaign->goal != QBID_GOAL_TARGET_CPA && campaign->goal != QBID_GOAL_FIXED_CPM)
        return override_make(rule, campaign, v, change, p, why);
    next.target_micros = changed(campaign->target_micros, inverse ? 1 / (1 + change) : 1 + change);
    strcpy(p->field, "target");
    return text_of(&next, "target", p->recommended, sizeof p->recommended);
}

static int value_make(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                      const struct qbid_rule_verdict *v, double change, struct qbid_proposal *p,
                      char *why)
{
    struct qbid_campaign_def next = *campaign;
    if (rule->action == QBID_RULE_BID)
        return bid_make(rule, campaign, v, change, p, why);
    if (rule->action == QBID_RULE_PAUSE) {
        p->type = QBID_PROPOSAL_SCHEDULE;
        next.active = false;
        strcpy(p->field, "active");
    } else {
        p->type = QBID_PROPOSAL_BUDGET;
        next.budget_nanos = changed(campaign->budget_nanos, 1 + change);
        p->budget_nanos = next.budget_nanos - campaign->budget_nanos;
        strcpy(p->field, "budget");
    }
    return text_of(&next, p->field, p->recommended, sizeof p->recommended);
}

/* --- what it is worth */

static int64_t part_of(double share, int64_t spend)
{
    return (int64_t)(fmin(fmax(share, 0), 1) * (double)spend);
}

static void impact_fill(const struct qbid_rule *rule, const struct qbid_rule_verdict *v,
                        double change, struct qbid_proposal *p)
{
    double most = rule->action == QBID_RULE_PAUSE ? 1 : fabs(change);
    bool fewer = v->ratio < 1;
    double near = fewer ? 1 - fmin(v->high, 1) : fmax(v->low, 1) - 1;
    double far = fewer ? 1 - v->low : v->high - 1;
    double off = fewer ? 1 - v->ratio : v->ratio - 1;
    int64_t spend = v->day_spend_nanos > 0 ? v->day_spend_nanos : 0;
    p->impact.mean_nanos = part_of(fmin(most, off), spend);
    p->impact.low_nanos = part_of(fmin(most, near), spend);
    p->impact.high_nanos = part_of(fmin(most, far), spend);
    if (p->impact.low_nanos > p->impact.mean_nanos)
        p->impact.low_nanos = p->impact.mean_nanos;
    if (p->impact.high_nanos < p->impact.mean_nanos)
        p->impact.high_nanos = p->impact.mean_nanos;
    p->confidence = fmin(fmax(v->confidence, 0), 1);
    p->risk = fmin(1, (1 - p->confidence) / TAIL) * most;
    p->impact.loss_nanos = part_of(p->risk, spend);
    p->priority = fmax(fmin(most, off), 1e-6);
}

int qbid_rule_act(const struct qbid_rule *rule, const struct qbid_campaign_def *campaign,
                  const struct qbid_rule_verdict *verdict, double change,
                  struct qbid_proposal *ret_proposal, char why[QBID_RULE_WHY_MAX])
{
    char reason[QBID_PROPOSAL_REASON_MAX];
    struct qbid_rule_words words;
    struct qbid_proposal p = {.item = QBID_ITEM_CAMPAIGN,
                              .item_id = campaign->id,
                              .evidence_from_unix_s = verdict->from_unix_s,
                              .evidence_to_unix_s = verdict->to_unix_s,
                              .auto_execute = rule->mode == QBID_RULE_EXECUTE};
    int err = rule->action == QBID_RULE_TELL ? refuse(why, "it only tells", "")
                                             : value_make(rule, campaign, verdict, change, &p, why);
    if (!err)
        err = text_of(campaign, p.field, p.current, sizeof p.current);
    if (!err && strcmp(p.current, p.recommended) == 0)
        err = refuse(why, "nothing is left to change: it is ", p.current);
    if (err)
        return err;
    snprintf(p.agent, sizeof p.agent, "rule %s", rule->name);
    qbid_rule_explain(rule, verdict, reason);
    qbid_rule_say(rule, &words);
    snprintf(p.reason, sizeof p.reason, "Rule %s, version %u, %s: %.800s.", rule->name,
             rule->version, words.condition, reason);
    impact_fill(rule, verdict, change, &p);
    p.id = qbid_proposal_id(&p);
    *ret_proposal = p;
    return 0;
}
