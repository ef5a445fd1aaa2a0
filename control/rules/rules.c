/* SPDX-License-Identifier: Apache-2.0 */
#include "control/rules/rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/rules/rule_history.h"
#include "shm/error.h"

#define DAY_S 86400
#define FIRINGS_MAX 400 /* of a campaign in a day: every 5 minutes and more */
#define TEXT_MAX (QBID_PROPOSAL_REASON_MAX + 2 * QBID_PROPOSAL_VALUE_MAX + 64)

/* Up to when a version of a rule was judged in this life. */
struct judged {
    char name[QBID_RULE_NAME_MAX];
    uint32_t version;
    int64_t until_unix_s;
};

struct qbid_rules {
    struct qbid_rule rule[QBID_RULES_MAX];
    uint32_t cnt;
    struct judged judged[QBID_RULES_MAX];
    uint32_t judged_cnt;
    struct qbid_rule_history *history;
};

int qbid_rules_new(struct qbid_rules **ret_rules)
{
    struct qbid_rules *rules = calloc(1, sizeof *rules);
    int err = rules ? qbid_rule_history_new(&rules->history) : QBID_ERR_NOMEM;
    if (err)
        free(rules);
    else
        *ret_rules = rules;
    return err;
}

void qbid_rules_free(struct qbid_rules *rules)
{
    if (rules)
        qbid_rule_history_free(rules->history);
    free(rules);
}

uint64_t qbid_rules_read(const struct qbid_rules *rules)
{
    return qbid_rule_history_read(rules->history);
}

static bool concerns(const struct qbid_rule *rule, const struct qbid_campaign_def *c,
                     int64_t unix_s)
{
    return (rule->campaign == 0 || rule->campaign == c->id) &&
           (rule->tenant == 0 || rule->tenant == c->tenant_id) && c->active &&
           c->start_unix_s < unix_s && unix_s <= c->end_unix_s;
}

uint32_t qbid_rules_campaigns(const struct qbid_rule *rule, const struct qbid_account *account,
                              int64_t unix_s)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        cnt += concerns(rule, &account->campaigns[i], unix_s);
    return cnt;
}

/* --- what a campaign's last day leaves of a rule's limit */

struct past {
    int64_t fired_unix_s;    /* the last, 0 = none */
    int64_t at[FIRINGS_MAX]; /* in the last day, any order */
    double change[FIRINGS_MAX];
    uint32_t cnt;
    bool waits; /* nobody has acted on what it proposed last */
};

static void past_add(struct past *past, int64_t unix_s, double change)
{
    if (unix_s > past->fired_unix_s)
        past->fired_unix_s = unix_s;
    if (past->cnt == FIRINGS_MAX)
        memmove(past->at, past->at + 1, --past->cnt * sizeof past->at[0]),
            memmove(past->change, past->change + 1, past->cnt * sizeof past->change[0]);
    past->at[past->cnt] = unix_s;
    past->change[past->cnt++] = change;
}

static int past_take(void *context, const struct qbid_store_firing *firing)
{
    bool undone =
        strcmp(firing->status, "rejected") == 0 || strcmp(firing->status, "expired") == 0 ||
        strcmp(firing->status, "superseded") == 0 || strcmp(firing->status, "rolled_back") == 0;
    struct past *past = context;
    past_add(past, firing->unix_s, undone ? 0 : firing->change);
    past->waits = past->waits || strcmp(firing->status, "pending") == 0 ||
                  strcmp(firing->status, "approved") == 0;
    return 0;
}

/* The change that a rule may make now: its own, or what its limit leaves; 0 = none. */
static double change_left(const struct qbid_rule *rule, const struct past *past, int64_t unix_s)
{
    double product = 1;
    for (uint32_t i = 0; i < past->cnt; i++)
        if (past->at[i] > unix_s - DAY_S && past->at[i] < unix_s)
            product *= 1 + past->change[i];
    double left = (1 + rule->day_most) / product - 1;
    double change = rule->change < 0 ? fmax(rule->change, left) : fmin(rule->change, left);
    return change * rule->change > 0 && fabs(change) >= QBID_RULE_LEAST ? change : 0;
}

/* --- a firing */

struct firing {
    const struct qbid_campaign_def *campaign;
    struct qbid_rule_verdict verdict;
    struct qbid_proposal proposal;
    bool proposes; /* the proposal is one */
    double change;
    const char *outcome;
    char text[TEXT_MAX];
};

/* What a rule that fired would do. outcome is NULL where there is something to propose. */
static void firing_make(const struct qbid_rule *rule, const struct past *past, struct firing *f)
{
    char reason[QBID_PROPOSAL_REASON_MAX], why[QBID_RULE_WHY_MAX];
    bool changes = rule->action == QBID_RULE_BID || rule->action == QBID_RULE_BUDGETS;
    qbid_rule_explain(rule, &f->verdict, reason);
    f->proposes = false;
    f->outcome = NULL;
    f->change = changes ? change_left(rule, past, f->verdict.to_unix_s) : 0;
    if (rule->action == QBID_RULE_TELL) {
        f->outcome = "told";
        snprintf(f->text, sizeof f->text, "%s", reason);
    } else if (changes && f->change == 0) {
        f->outcome = "limited";
        snprintf(f->text, sizeof f->text, "at the limit of a day, %+.4g %%: %s",
                 100 * rule->day_most, reason);
    } else if (qbid_rule_act(rule, f->campaign, &f->verdict, f->change, &f->proposal, why)) {
        f->outcome = "refused";
        f->change = 0;
        snprintf(f->text, sizeof f->text, "%s: %s", why, reason);
    } else {
        f->proposes = true;
        snprintf(f->text, sizeof f->text, "%s %s -> %s: %s", f->proposal.field,
                 *f->proposal.current ? f->proposal.current : "(none)", f->proposal.recommended,
                 reason);
    }
}

static int firing_keep(struct qbid_store *store, const struct qbid_rule *rule,
                       const struct firing *f)
{
    struct qbid_store_firing row = {.tenant = f->campaign->tenant_id,
                                    .rule = rule->name,
                                    .version = rule->version,
                                    .campaign = f->campaign->id,
                                    .unix_s = f->verdict.to_unix_s,
                                    .change = f->change,
                                    .outcome = f->outcome,
                                    .recommendation =
                                        strcmp(f->outcome, "proposed") == 0 ? f->proposal.id : 0,
                                    .text = f->text};
    return qbid_store_add_firing(store, &row);
}

static double error_of(const struct qbid_rule *rule, const struct qbid_account *account,
                       int64_t unix_s)
{
    return (1 - rule->confidence) / fmax(qbid_rules_campaigns(rule, account, unix_s), 1);
}

/* --- at work */

struct working {
    const struct qbid_account *account;
    struct qbid_store *store;
    struct qbid_rule_history *history;
    qbid_agent_take_fn *give;
    void *give_context;
    struct past past;
    struct firing firing;
};

/* One campaign at the end of a step: 1 when it fired, 0, or an error. */
static int campaign_judge(struct working *w, const struct qbid_rule *rule,
                          const struct qbid_campaign_def *campaign, int64_t at_unix_s)
{
    struct qbid_rule_points points = {0};
    struct firing *f = &w->firing;
    w->past = (struct past){0};
    f->campaign = campaign;
    int err = qbid_rule_history_load(w->history, w->store, rule, campaign->id, at_unix_s, &points);
    if (!err)
        err = qbid_store_load_firings(w->store, rule->name, campaign->id, at_unix_s - DAY_S,
                                      FIRINGS_MAX, past_take, &w->past);
    bool fired = !err && !w->past.waits && w->past.fired_unix_s < at_unix_s &&
                 qbid_rule_judge(rule, campaign, &points, at_unix_s, w->past.fired_unix_s,
                                 error_of(rule, w->account, at_unix_s), &f->verdict) &&
                 f->verdict.fired;
    if (err || !fired)
        return err;
    firing_make(rule, &w->past, f);
    if (f->proposes && rule->mode == QBID_RULE_DRY_RUN)
        f->outcome = "dry_run";
    else if (f->proposes)
        f->outcome = w->give(w->give_context, &f->proposal) == 0 ? "proposed" : "refused";
    f->change = strcmp(f->outcome, "refused") == 0 ? 0 : f->change;
    err = firing_keep(w->store, rule, f);
    return err ? err : 1;
}

static int rule_judge(struct working *w, const struct qbid_rule *rule, int64_t at_unix_s)
{
    int fired = 0;
    for (uint32_t i = 0; i < w->account->campaign_cnt; i++) {
        const struct qbid_campaign_def *c = &w->account->campaigns[i];
        int r = concerns(rule, c, at_unix_s) ? campaign_judge(w, rule, c, at_unix_s) : 0;
        if (r < 0)
            return r;
        fired += r;
    }
    return fired;
}

static int rule_take(void *context, const struct qbid_store_rule *stored)
{
    struct qbid_rules *rules = context;
    char why[QBID_RULE_WHY_MAX];
    if (rules->cnt < QBID_RULES_MAX && qbid_rule_load(stored, &rules->rule[rules->cnt], why) == 0 &&
        rules->rule[rules->cnt].on)
        rules->cnt++;
    return 0;
}

/* The place of a rule's memory; that of another version begins anew. */
static struct judged *judged_of(struct qbid_rules *rules, const struct qbid_rule *rule)
{
    uint32_t i = 0;
    while (i < rules->judged_cnt && strcmp(rules->judged[i].name, rule->name) != 0)
        i++;
    if (i == rules->judged_cnt) {
        if (i == QBID_RULES_MAX) /* of rules that are gone: those in force are judged once more */
            i = rules->judged_cnt = 0;
        rules->judged_cnt++;
        rules->judged[i] = (struct judged){0};
        strcpy(rules->judged[i].name, rule->name);
    }
    if (rules->judged[i].version != rule->version) {
        rules->judged[i].version = rule->version;
        rules->judged[i].until_unix_s = 0;
    }
    return &rules->judged[i];
}

int qbid_rules_tick(struct qbid_rules *rules, const struct qbid_account *account,
                    struct qbid_store *store, int64_t unix_s, qbid_agent_take_fn *give,
                    void *give_context)
{
    int fired = 0;
    rules->cnt = 0;
    int err = qbid_store_load_rules(store, "", false, rule_take, rules);
    struct working *w = rules->cnt && !err ? calloc(1, sizeof *w) : NULL;
    if (err || rules->cnt == 0)
        return err;
    if (!w)
        return QBID_ERR_NOMEM;
    *w = (struct working){account, store, rules->history, give, give_context, {0}, {0}};
    for (uint32_t i = 0; i < rules->cnt && !err; i++) {
        const struct qbid_rule *rule = &rules->rule[i];
        struct judged *judged = judged_of(rules, rule);
        int64_t at = unix_s / rule->every_s * rule->every_s;
        if (at <= judged->until_unix_s)
            continue;
        int r = rule_judge(w, rule, at);
        err = r < 0 ? r : 0;
        fired += r > 0 ? r : 0;
        if (!err)
            judged->until_unix_s = at;
    }
    free(w);
    return err ? err : fired;
}

/* --- rehearsing */

static const char *would(const struct firing *f)
{
    return f->proposes                       ? "would_propose"
           : strcmp(f->outcome, "told") == 0 ? "would_tell"
                                             : f->outcome;
}

struct rehearsal {
    const struct qbid_rule *rule;
    const struct qbid_account *account;
    int64_t from, until;
    qbid_rules_firing_fn *fn;
    void *context;
    uint64_t steps;
    struct past past;
    struct firing firing;
};

static int campaign_rehearse(struct rehearsal *r, const struct qbid_campaign_def *campaign,
                             const struct qbid_rule_points *points)
{
    struct firing *f = &r->firing;
    int64_t every = r->rule->every_s;
    int err = 0;
    r->past = (struct past){0};
    f->campaign = campaign;
    for (int64_t at = (r->from + every - 1) / every * every; at <= r->until && !err; at += every) {
        if (!concerns(r->rule, campaign, at) ||
            !qbid_rule_judge(r->rule, campaign, points, at, r->past.fired_unix_s,
                             error_of(r->rule, r->account, at), &f->verdict))
            continue;
        r->steps++;
        if (!f->verdict.fired)
            continue;
        firing_make(r->rule, &r->past, f);
        struct qbid_rules_firing firing = {campaign, f->verdict, f->change, would(f), f->text};
        past_add(&r->past, at, f->change);
        err = r->fn(r->context, &firing);
    }
    return err;
}

int qbid_rules_rehearse(const struct qbid_rule *rule, const struct qbid_account *account,
                        struct qbid_store *store, int64_t from_unix_s, int64_t until_unix_s,
                        qbid_rules_firing_fn *fn, void *context, uint64_t *ret_steps)
{
    struct rehearsal *r = calloc(1, sizeof *r);
    int err = r ? 0 : QBID_ERR_NOMEM;
    if (err)
        return err;
    *r = (struct rehearsal){.rule = rule,
                            .account = account,
                            .from = from_unix_s,
                            .until = until_unix_s,
                            .fn = fn,
                            .context = context};
    for (uint32_t i = 0; i < account->campaign_cnt && !err; i++) {
        const struct qbid_campaign_def *campaign = &account->campaigns[i];
        struct qbid_rule_points points = {0};
        if ((rule->campaign && rule->campaign != campaign->id) ||
            (rule->tenant && rule->tenant != campaign->tenant_id))
            continue;
        err = qbid_rule_points_load(store, rule, campaign->id, from_unix_s, &points);
        if (!err)
            err = campaign_rehearse(r, campaign, &points);
        qbid_rule_points_done(&points);
    }
    *ret_steps = r->steps;
    free(r);
    return err;
}
