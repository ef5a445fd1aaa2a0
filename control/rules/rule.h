/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's rule: when / if / then, as text and as numbers.
 *
 *     on    all | tenant 3 | campaign 7
 *     when  hourly | daily | 15m ... 24h          a part of a day without rest
 *     if    ctr | cvr | win_rate | viewability | completion
 *                                  <|>  0.8 x average [over 24h | 7d]     | 0.001 | 0.1 %
 *           cpc | cpa              <|>  target + 20 % | 1.2 x average ... | 0.35
 *           budget                 >    95 %       of the day's or flight's, before its time
 *     then  bid -10 % [, at most -30 % a day] | budget +5 % [, at most ...] | pause | tell
 *     confidence 0.95: all campaigns of the rule together fire without a cause on at most one day
 *           in 20
 *     mode  dry_run (only its history is kept) | propose | execute (by itself, within the limits)
 *
 * "target + 20 %" is 1.2 x target, "average - 20 %" is 0.8 x average. cvr and cpa are judged at
 * whole days: conversions come hours after their clicks.
 */
#ifndef QBID_CONTROL_RULES_RULE_H
#define QBID_CONTROL_RULES_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/store/store_rules.h"

#define QBID_RULE_NAME_MAX 25 /* with its end; "rule NAME" is the name of an agent */
#define QBID_RULE_TEXT_MAX 96
#define QBID_RULE_WHY_MAX 192
#define QBID_RULE_DAYS_MAX 14  /* of an average */
#define QBID_RULE_DAY_MOST 0.3 /* of a change, where the rule says nothing */

enum qbid_rule_metric {
    QBID_RULE_CTR,
    QBID_RULE_CVR,
    QBID_RULE_WIN_RATE,
    QBID_RULE_CPC,
    QBID_RULE_CPA,
    QBID_RULE_BUDGET,
    QBID_RULE_VIEWABILITY, /* impressions told to be viewable */
    QBID_RULE_COMPLETION   /* videos begun that were played to their end */
};
#define QBID_RULE_METRIC_CNT 8

enum qbid_rule_against { QBID_RULE_AVERAGE, QBID_RULE_TARGET, QBID_RULE_NUMBER };
enum qbid_rule_action { QBID_RULE_BID, QBID_RULE_BUDGETS, QBID_RULE_PAUSE, QBID_RULE_TELL };
enum qbid_rule_mode { QBID_RULE_DRY_RUN, QBID_RULE_PROPOSE, QBID_RULE_EXECUTE };

struct qbid_rule {
    char name[QBID_RULE_NAME_MAX];
    uint32_t version;
    uint32_t tenant, campaign; /* 0 = all */
    int64_t every_s;           /* divides a day */
    enum qbid_rule_metric metric;
    bool above; /* ">" */
    enum qbid_rule_against against;
    double value;  /* times the average or target; or the number itself */
    uint32_t days; /* of the average */
    enum qbid_rule_action action;
    double change, day_most; /* of the number, as shares of it, of one sign */
    double confidence;       /* in [0.5, 1) */
    enum qbid_rule_mode mode;
    bool on;
};

/* A rule as it is written. */
struct qbid_rule_text {
    const char *name, *on, *when, *condition, *then, *mode;
    double confidence;
};

/** Read what an operator wrote; when NULL = hourly, on NULL = all, mode NULL = dry_run. Returns: 0;
 *  QBID_ERR_INVAL with why, which names the part and the reason. */
int qbid_rule_parse(const struct qbid_rule_text *text, struct qbid_rule *ret_rule,
                    char why[QBID_RULE_WHY_MAX]);

/** The same for what the store has; it was written by qbid_rule_store(). */
int qbid_rule_load(const struct qbid_store_rule *stored, struct qbid_rule *ret_rule,
                   char why[QBID_RULE_WHY_MAX]);

/* Its parts in one spelling. */
struct qbid_rule_words {
    char on[QBID_RULE_TEXT_MAX], when[QBID_RULE_TEXT_MAX], condition[QBID_RULE_TEXT_MAX];
    char then[QBID_RULE_TEXT_MAX];
    const char *mode;
};
void qbid_rule_say(const struct qbid_rule *rule, struct qbid_rule_words *ret_words);

/** "ctr", "win_rate" ...; "dry_run" ... */
const char *qbid_rule_metric_name(enum qbid_rule_metric metric);
const char *qbid_rule_mode_name(enum qbid_rule_mode mode);

#endif
