/* SPDX-License-Identifier: Apache-2.0 */
/* Rules at work: at the end of each step every rule in force is judged for every campaign that it
 * is about; what fires is kept in the store and, unless it is a dry run, proposed.
 *
 *     store: rules, history, firings --> judge --> act --> give() --> decision engine, executor
 *                                                   |                 (as agents' proposals)
 *                                                   +--> firing, with what became of it
 *
 * While what a rule proposed for a campaign waits for a decision, it is not judged there: one
 * proposal at a time.
 *
 * False firings: a rule of confidence c fires without a cause, for any of its campaigns, on a share
 * 1 - c of days at most (control/models/watch/wager.h; the campaigns share that error). It rests on
 * the store alone: a restart forgets nothing and fires nothing twice.
 */
#ifndef QBID_CONTROL_RULES_RULES_H
#define QBID_CONTROL_RULES_RULES_H

#include "control/agents/agent.h"
#include "control/rules/rule_act.h"

#define QBID_RULES_MAX 64 /* in force */

struct qbid_rules; /* opaque */

/** NOMEM. */
int qbid_rules_new(struct qbid_rules **ret_rules);
void qbid_rules_free(struct qbid_rules *rules);

/**
 * Judge what ended.
 *
 * Returns: firings kept; STORE, NOMEM: the step is judged again at the next tick. A rule of the
 *          store that cannot be read is passed over.
 * Threads: one.
 * Cost:    nothing between steps; at one, what came to a campaign's history since the last (the
 *          first time three days of it), and a pass over the steps of the day. Hours and more: a
 *          total an hour since the day before, or what the average needs.
 */
int qbid_rules_tick(struct qbid_rules *rules, const struct qbid_account *account,
                    struct qbid_store *store, int64_t unix_s, qbid_agent_take_fn *give,
                    void *give_context);

/** Points of history read for steps below an hour so far, and totals of hours. */
uint64_t qbid_rules_read(const struct qbid_rules *rules);

/* One firing of a rehearsal. */
struct qbid_rules_firing {
    const struct qbid_campaign_def *campaign;
    struct qbid_rule_verdict verdict;
    double change;       /* 0 = none */
    const char *outcome; /* "would_propose", "would_tell", "limited", "refused" */
    const char *text;    /* valid in the call */
};
typedef int qbid_rules_firing_fn(void *context, const struct qbid_rules_firing *firing);

/** What a rule would have done from one time to another, by the stored history, with the targets
 *  and budgets of now; by campaign, then time. *ret_steps = campaigns x steps that could be judged.
 *  STORE, NOMEM, or fn's first error. */
int qbid_rules_rehearse(const struct qbid_rule *rule, const struct qbid_account *account,
                        struct qbid_store *store, int64_t from_unix_s, int64_t until_unix_s,
                        qbid_rules_firing_fn *fn, void *context, uint64_t *ret_steps);

/** Campaigns that a rule is about at a time: active, in their flight. */
uint32_t qbid_rules_campaigns(const struct qbid_rule *rule, const struct qbid_account *account,
                              int64_t unix_s);

#endif
