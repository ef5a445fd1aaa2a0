/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as text: reading, and the one spelling in which they are kept. */
#include "control/rules/rule.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define DAY_S 86400
#define EVERY_LEAST_S 300

static const char *const metric_name[QBID_RULE_METRIC_CNT] = {
    "ctr", "cvr", "win_rate", "cpc", "cpa", "budget", "viewability", "completion"};
static const char *const mode_name[] = {"dry_run", "propose", "execute"};

const char *qbid_rule_metric_name(enum qbid_rule_metric metric)
{
    return metric_name[metric];
}

const char *qbid_rule_mode_name(enum qbid_rule_mode mode)
{
    return mode_name[mode];
}

static int refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, QBID_RULE_WHY_MAX, format, args);
    va_end(args);
    return QBID_ERR_INVAL;
}

/* --- words and numbers, one after another */

static void blanks(const char **at)
{
    *at += strspn(*at, " \t");
}

/* Whether the next word is this one; *at moves behind it. */
static bool word(const char **at, const char *wanted)
{
    size_t len = strlen(wanted);
    blanks(at);
    if (strncmp(*at, wanted, len) != 0 || ((*at)[len] >= 'a' && (*at)[len] <= 'z') ||
        (*at)[len] == '_')
        return false;
    *at += len;
    return true;
}

/* A plain decimal with an optional sign: no exponent, no "inf". */
static bool number(const char **at, double *ret)
{
    char text[32], *end;
    blanks(at);
    size_t len = strspn(*at, "+-0123456789.");
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, *at, len);
    text[len] = '\0';
    *ret = strtod(text, &end);
    if (end == text || *end || !isfinite(*ret))
        return false;
    *at += len;
    return true;
}

/* A share: "12 %" or 0.12. */
static bool share(const char **at, double *ret)
{
    if (!number(at, ret))
        return false;
    if (word(at, "%"))
        *ret /= 100;
    return true;
}

static bool ended(const char **at)
{
    blanks(at);
    return **at == '\0';
}

/* --- on, when */

static int on_read(const char *text, struct qbid_rule *r, char *why)
{
    const char *at = text;
    double id = 0;
    if (word(&at, "all") && ended(&at))
        return 0;
    at = text;
    bool campaign = word(&at, "campaign");
    if ((campaign || word(&at, "tenant")) && number(&at, &id) && ended(&at) && id >= 1 &&
        id <= UINT32_MAX && id == floor(id)) {
        *(campaign ? &r->campaign : &r->tenant) = (uint32_t)id;
        return 0;
    }
    return refuse(why, "on: '%.40s' is not all, tenant ID or campaign ID", text);
}

static int when_read(const char *text, struct qbid_rule *r, char *why)
{
    const char *at = text;
    double cnt = 0;
    if (word(&at, "hourly") && ended(&at)) {
        r->every_s = 3600;
    } else if (at = text, word(&at, "daily") && ended(&at)) {
        r->every_s = DAY_S;
    } else {
        at = text;
        if (!number(&at, &cnt) || !(cnt >= 1 && cnt <= 1440 && cnt == floor(cnt)) ||
            (*at != 'm' && *at != 'h') || at[1])
            return refuse(why, "when: '%.40s' is not hourly, daily, or like 15m or 6h", text);
        r->every_s = (int64_t)cnt * (*at == 'm' ? 60 : 3600);
    }
    if (r->every_s < EVERY_LEAST_S || r->every_s > DAY_S || DAY_S % r->every_s != 0)
        return refuse(why, "when: '%.40s' is not a part of a day from 5m to 24h", text);
    return 0;
}

/* --- if */

static bool metric_read(const char **at, struct qbid_rule *r)
{
    for (int m = 0; m < QBID_RULE_METRIC_CNT; m++)
        if (word(at, metric_name[m])) {
            r->metric = (enum qbid_rule_metric)m;
            return true;
        }
    return false;
}

/* "average" or "target", then what may follow: "- 20 %", "over 7d". */
static int reference_read(const char **at, struct qbid_rule *r, bool times, char *why)
{
    double more = 0, cnt = 0;
    char sign;
    r->against = word(at, "average") ? QBID_RULE_AVERAGE : QBID_RULE_TARGET;
    if (r->against == QBID_RULE_TARGET && !word(at, "target"))
        return refuse(why, "if: '%.40s' is not average, target or a number", *at);
    blanks(at);
    sign = **at;
    if ((sign == '+' || sign == '-') && !times) {
        ++*at;
        if (!number(at, &more) || !word(at, "%") || !(more > 0))
            return refuse(why, "if: '%.40s' is not like + 20 %%", *at);
        r->value = 1 + (sign == '+' ? more : -more) / 100;
    }
    r->days = 1;
    if (r->against == QBID_RULE_AVERAGE && word(at, "over")) {
        if (!number(at, &cnt) || cnt != floor(cnt) || (**at != 'h' && **at != 'd') ||
            (**at == 'h' && fmod(cnt, 24) != 0))
            return refuse(why, "if: over takes whole days, like 24h or 7d");
        cnt /= **at == 'h' ? 24 : 1;
        ++*at;
        if (!(cnt >= 1 && cnt <= QBID_RULE_DAYS_MAX))
            return refuse(why, "if: over takes 1 to %d days", QBID_RULE_DAYS_MAX);
        r->days = (uint32_t)cnt;
    }
    return 0;
}

static int against_read(const char **at, struct qbid_rule *r, char *why)
{
    const char *begin = *at;
    r->value = 1;
    if (!number(at, &r->value)) {
        *at = begin;
        return reference_read(at, r, false, why);
    }
    if (word(at, "x"))
        return reference_read(at, r, true, why);
    r->against = QBID_RULE_NUMBER;
    if (word(at, "%"))
        r->value /= 100;
    return 0;
}

static bool is_cost(enum qbid_rule_metric metric)
{
    return metric == QBID_RULE_CPC || metric == QBID_RULE_CPA;
}

static int condition_check(const struct qbid_rule *r, char *why)
{
    const char *name = metric_name[r->metric];
    bool rate = !is_cost(r->metric) && r->metric != QBID_RULE_BUDGET;
    if (r->metric == QBID_RULE_BUDGET && (r->against != QBID_RULE_NUMBER || !r->above))
        return refuse(why, "if: budget takes > and a share, like budget > 95 %%");
    if (r->against == QBID_RULE_TARGET && !is_cost(r->metric))
        return refuse(why, "if: there is no target for %s; cpc and cpa have one", name);
    if (r->against == QBID_RULE_NUMBER && !(r->value > 0 && (is_cost(r->metric) || r->value < 1)))
        return refuse(why, "if: %s is held against a number above 0%s", name,
                      is_cost(r->metric) ? "" : " and below 1");
    if (r->against != QBID_RULE_NUMBER && !(r->value >= 0.05 && r->value <= 20))
        return refuse(why, "if: a multiple of the average or target is from 0.05 to 20");
    if (rate && r->against == QBID_RULE_AVERAGE && (r->above ? r->value < 1 : r->value > 1))
        return refuse(why, "if: %s %c %g x average is so when nothing has changed", name,
                      r->above ? '>' : '<', r->value);
    if ((r->metric == QBID_RULE_CVR || r->metric == QBID_RULE_CPA) && r->every_s != DAY_S)
        return refuse(why, "when: %s is judged daily, as conversions come late", name);
    if (r->every_s < 3600 && r->days > 1)
        return refuse(why, "if: an average over more than 24h takes steps of an hour or more");
    return 0;
}

static int condition_read(const char *text, struct qbid_rule *r, char *why)
{
    const char *at = text;
    if (!metric_read(&at, r))
        return refuse(
            why,
            "if: '%.40s' does not begin with ctr, cvr, win_rate, viewability, completion, "
            "cpc, cpa or budget",
            text);
    blanks(&at);
    if (*at != '<' && *at != '>')
        return refuse(why, "if: after %s comes < or >", metric_name[r->metric]);
    r->above = *at++ == '>';
    int err = against_read(&at, r, why);
    if (!err && !ended(&at))
        err = refuse(why, "if: '%.40s' was not expected there", at);
    return err ? err : condition_check(r, why);
}

/* --- then, mode */

static int change_read(const char **at, struct qbid_rule *r, char *why)
{
    if (!share(at, &r->change) || !(fabs(r->change) >= 0.001 && fabs(r->change) <= 0.5))
        return refuse(why, "then: a change is from 0.1 to 50 %%, like -10 %%");
    r->day_most = copysign(fmax(QBID_RULE_DAY_MOST, fabs(r->change)), r->change);
    blanks(at);
    if (**at == ',') {
        ++*at;
        if (!word(at, "at") || !word(at, "most") || !share(at, &r->day_most) || !word(at, "a") ||
            !word(at, "day"))
            return refuse(why, "then: after the comma comes a limit, like at most -30 %% a day");
        if (!(r->day_most * r->change > 0) || fabs(r->day_most) < fabs(r->change) ||
            fabs(r->day_most) > 0.9)
            return refuse(why, "then: the limit of a day is of the change's sign, not below it, "
                               "and at most 90 %%");
    }
    return 0;
}

static int then_read(const char *text, struct qbid_rule *r, char *why)
{
    const char *at = text;
    int err = 0;
    if (word(&at, "bid"))
        r->action = QBID_RULE_BID;
    else if (word(&at, "budget"))
        r->action = QBID_RULE_BUDGETS;
    else if (word(&at, "pause"))
        r->action = QBID_RULE_PAUSE;
    else if (word(&at, "tell"))
        r->action = QBID_RULE_TELL;
    else
        return refuse(why, "then: '%.40s' does not begin with bid, budget, pause or tell", text);
    if (r->action == QBID_RULE_BID || r->action == QBID_RULE_BUDGETS)
        err = change_read(&at, r, why);
    return err || ended(&at) ? err : refuse(why, "then: '%.40s' was not expected there", at);
}

static int mode_read(const char *text, struct qbid_rule *r, char *why)
{
    for (int m = 0; m < 3; m++)
        if (strcmp(text, mode_name[m]) == 0) {
            r->mode = (enum qbid_rule_mode)m;
            return 0;
        }
    return refuse(why, "mode: '%.40s' is not dry_run, propose or execute", text);
}

static int name_check(const char *name, char *why)
{
    size_t len = name ? strlen(name) : 0;
    bool good = len > 0 && len < QBID_RULE_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
                strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
    return good ? 0
                : refuse(why,
                         "name: '%.40s' is not a word of a to z, 0 to 9, - and _, of at most %d",
                         name ? name : "", QBID_RULE_NAME_MAX - 1);
}

int qbid_rule_parse(const struct qbid_rule_text *text, struct qbid_rule *ret_rule,
                    char why[QBID_RULE_WHY_MAX])
{
    struct qbid_rule r = {.confidence = text->confidence, .on = true};
    int err = name_check(text->name, why);
    if (!err && (!text->condition || !text->then))
        err = refuse(why, "%s: is missing", text->condition ? "then" : "if");
    if (!err)
        err = on_read(text->on ? text->on : "all", &r, why);
    if (!err)
        err = when_read(text->when ? text->when : "hourly", &r, why);
    if (!err)
        err = condition_read(text->condition, &r, why);
    if (!err)
        err = then_read(text->then, &r, why);
    if (!err)
        err = mode_read(text->mode ? text->mode : "dry_run", &r, why);
    if (!err && !(r.confidence >= 0.5 && r.confidence <= 0.999999))
        err = refuse(why, "confidence: is from 0.5 to 0.999999");
    if (err)
        return err;
    strcpy(r.name, text->name);
    *ret_rule = r;
    return 0;
}

int qbid_rule_load(const struct qbid_store_rule *stored, struct qbid_rule *ret_rule,
                   char why[QBID_RULE_WHY_MAX])
{
    struct qbid_rule_text text = {.name = stored->name,
                                  .when = stored->every,
                                  .condition = stored->condition,
                                  .then = stored->action,
                                  .mode = stored->mode,
                                  .confidence = stored->confidence};
    int err = qbid_rule_parse(&text, ret_rule, why);
    if (err)
        return err;
    ret_rule->version = stored->version;
    ret_rule->campaign = stored->campaign;
    ret_rule->tenant = stored->tenant;
    ret_rule->on = strcmp(stored->state, "on") == 0;
    return 0;
}

/* --- and back */

static void condition_say(const struct qbid_rule *r, char out[QBID_RULE_TEXT_MAX])
{
    const char *name = metric_name[r->metric];
    char side = r->above ? '>' : '<';
    if (r->against == QBID_RULE_AVERAGE)
        snprintf(out, QBID_RULE_TEXT_MAX, "%s %c %.6g x average over %u%c", name, side, r->value,
                 r->days == 1 ? 24 : r->days, r->days == 1 ? 'h' : 'd');
    else if (r->against == QBID_RULE_TARGET)
        snprintf(out, QBID_RULE_TEXT_MAX, "%s %c %.6g x target", name, side, r->value);
    else if (is_cost(r->metric))
        snprintf(out, QBID_RULE_TEXT_MAX, "%s %c %.6f", name, side, r->value);
    else
        snprintf(out, QBID_RULE_TEXT_MAX, "%s %c %.6g %%", name, side, 100 * r->value);
}

static void then_say(const struct qbid_rule *r, char out[QBID_RULE_TEXT_MAX])
{
    static const char *const words[] = {"bid", "budget", "pause", "tell"};
    if (r->action == QBID_RULE_BID || r->action == QBID_RULE_BUDGETS)
        snprintf(out, QBID_RULE_TEXT_MAX, "%s %+.6g %%, at most %+.6g %% a day", words[r->action],
                 100 * r->change, 100 * r->day_most);
    else
        snprintf(out, QBID_RULE_TEXT_MAX, "%s", words[r->action]);
}

void qbid_rule_say(const struct qbid_rule *rule, struct qbid_rule_words *ret_words)
{
    int64_t s = rule->every_s;
    struct qbid_rule_words *w = ret_words;
    snprintf(w->on, sizeof w->on, "all");
    if (rule->campaign)
        snprintf(w->on, sizeof w->on, "campaign %u", rule->campaign);
    else if (rule->tenant)
        snprintf(w->on, sizeof w->on, "tenant %u", rule->tenant);
    snprintf(w->when, sizeof w->when, "%lld%c", (long long)(s % 3600 ? s / 60 : s / 3600),
             s % 3600 ? 'm' : 'h');
    condition_say(rule, w->condition);
    then_say(rule, w->then);
    w->mode = mode_name[rule->mode];
}
