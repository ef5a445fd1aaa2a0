/* SPDX-License-Identifier: Apache-2.0 */
/* ope: what another policy would have earned on the bids of the decision log. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/error.h"
#include "tools/qbid/ope/judge.h"
#include "tools/qbid/tool.h"

#define POLICIES_MAX 32
#define PATH_BYTES 1100

struct options {
    const char *folder;
    struct qbid_ope_wanted wanted;
    struct qbid_ope_question question;
    struct qbid_ope_policy policy[POLICIES_MAX];
    unsigned policy_cnt;
};

enum option_id {
    OPT_LOG = 256,
    OPT_REWARD,
    OPT_POLICY,
    OPT_LINE_ITEM,
    OPT_HOURS,
    OPT_INTERVAL,
    OPT_CONFIDENCE,
    OPT_CREATIVES
};

static double number_read(const struct argp_state *state, const char *name, const char *text,
                          double least, double most)
{
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !(x >= least && x <= most))
        argp_error(state, "--%s: '%s' is not a number in %g..%g", name, text, least, most);
    return x;
}

static void policy_add(const struct argp_state *state, struct options *o, const char *text)
{
    char why[QBID_OPE_WHY_MAX];
    if (o->policy_cnt == POLICIES_MAX)
        argp_error(state, "--policy: more than %d", POLICIES_MAX);
    else if (qbid_ope_policy_parse(text, &o->policy[o->policy_cnt], why) != 0)
        argp_error(state, "%s", why);
    else
        o->policy_cnt++;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    int reward;
    switch (key) {
    case OPT_LOG:
        o->folder = arg;
        return 0;
    case OPT_REWARD:
        reward = qbid_ope_reward_find(arg);
        if (reward < 0)
            argp_error(state,
                       "--reward: '%s' is not surplus, value, cost, wins, clicks, "
                       "conversions or revenue",
                       arg);
        o->question.reward = (enum qbid_ope_reward)reward;
        return 0;
    case OPT_POLICY:
        policy_add(state, o, arg);
        return 0;
    case OPT_LINE_ITEM:
        o->wanted.line_item_id =
            (uint32_t)number_read(state, "line-item", arg, 1, (double)UINT32_MAX);
        return 0;
    case OPT_HOURS:
        o->wanted.since_ms = (uint64_t)((double)time(NULL) * 1e3 -
                                        number_read(state, "hours", arg, 1e-3, 1e5) * 3.6e6);
        return 0;
    case OPT_INTERVAL:
        if (strcmp(arg, "normal") != 0 && strcmp(arg, "bootstrap") != 0)
            argp_error(state, "--interval: '%s' is not normal or bootstrap", arg);
        o->question.params.interval = *arg == 'n' ? QBID_OPE_NORMAL : QBID_OPE_BOOTSTRAP;
        return 0;
    case OPT_CONFIDENCE:
        o->question.params.confidence = number_read(state, "confidence", arg, 0.5, 0.999);
        return 0;
    case OPT_CREATIVES:
        o->question.creatives = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s': a policy goes with --policy", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int log_failed(const char *folder, int err, const struct qbid_ope_log *log)
{
    if (err == QBID_ERR_SYS && errno == ENOENT && !*log->reading.bad)
        qbid_tool_say("%s: there is no decision log; learning.log_mb in qbidd's configuration "
                      "keeps one",
                      folder);
    else
        qbid_tool_say("%s%s%s: %s", folder, *log->reading.bad ? "/" : "", log->reading.bad,
                      err == QBID_ERR_SYS       ? strerror(errno)
                      : err == QBID_ERR_VERSION ? "is no decision log of this version"
                                                : qbid_strerror(err));
    return QBID_TOOL_FAILED;
}

static int folder_find(struct qbid_tool *tool, const struct options *o, char path[PATH_BYTES])
{
    int code = QBID_TOOL_OK;
    if (o->folder) {
        snprintf(path, PATH_BYTES, "%s", o->folder);
        return code;
    }
    cJSON *status = qbid_tool_ask(tool, qbid_tool_request("status"), &code);
    if (!status)
        return code;
    snprintf(path, PATH_BYTES, "%s/decisions", qbid_tool_text(status, "state_dir"));
    cJSON_Delete(status);
    return QBID_TOOL_OK;
}

/* Less is better where money is spent. */
static enum qbid_ope_verdict verdict_of(const struct options *o, const struct qbid_ope *ope)
{
    bool less = o->question.reward == QBID_OPE_REWARD_COST;
    if (less && ope->verdict == QBID_OPE_BETTER)
        return QBID_OPE_WORSE;
    return less && ope->verdict == QBID_OPE_WORSE ? QBID_OPE_BETTER : ope->verdict;
}

/* --- output */

static void estimate_add(cJSON *to, const char *name, const struct qbid_ope_estimate *e)
{
    cJSON *one = cJSON_AddObjectToObject(to, name);
    cJSON_AddNumberToObject(one, "value", e->value);
    cJSON_AddNumberToObject(one, "error", e->error);
    cJSON_AddNumberToObject(one, "low", e->low);
    cJSON_AddNumberToObject(one, "high", e->high);
}

static void answer_add(cJSON *list, const struct options *o, const struct qbid_ope_policy *policy,
                       const struct qbid_ope_answer *a)
{
    enum qbid_ope_verdict verdict = verdict_of(o, &a->ope);
    cJSON *to = cJSON_CreateObject();
    cJSON_AddItemToArray(list, to);
    cJSON_AddStringToObject(to, "policy", policy->name);
    cJSON_AddNumberToObject(to, "n", (double)a->ope.n);
    cJSON_AddNumberToObject(to, "refused", (double)a->ope.refused);
    cJSON_AddNumberToObject(to, "without_row", (double)a->rowless);
    cJSON_AddNumberToObject(to, "without_choice", (double)a->choiceless);
    cJSON_AddNumberToObject(to, "unsupported", a->unsupported);
    cJSON_AddNumberToObject(to, "effective", a->ope.effective);
    cJSON_AddNumberToObject(to, "weight_mean", a->ope.weight_mean);
    cJSON_AddNumberToObject(to, "weight_max", a->ope.weight_max);
    estimate_add(to, "ips", &a->ope.ips);
    estimate_add(to, "snips", &a->ope.snips);
    estimate_add(to, "doubly_robust", &a->ope.doubly);
    estimate_add(to, "model", &a->ope.model);
    estimate_add(to, "logged", &a->ope.logged);
    estimate_add(to, "gain", &a->ope.gain);
    cJSON_AddStringToObject(to, "verdict", qbid_ope_verdict_word(verdict));
    cJSON_AddStringToObject(to, "reason", qbid_ope_verdict_text(verdict));
}

static int json_print(const struct options *o, const char *folder, const struct qbid_ope_log *log,
                      const struct qbid_ope_answer *answers)
{
    cJSON *to = cJSON_CreateObject();
    cJSON_AddNumberToObject(to, "schema", 1);
    cJSON_AddStringToObject(to, "log", folder);
    cJSON_AddStringToObject(to, "unit", o->question.creatives ? "impression" : "bid");
    cJSON_AddStringToObject(to, "reward", qbid_ope_reward_word(o->question.reward));
    cJSON_AddNumberToObject(to, "per", 1000);
    cJSON_AddNumberToObject(to, "confidence", o->question.params.confidence);
    cJSON_AddNumberToObject(to, "together",
                            o->policy_cnt); /* the gains' intervals hold all at once */
    cJSON_AddNumberToObject(to, "share", log->share);
    cJSON_AddNumberToObject(to, "bids", (double)log->bid_cnt);
    cJSON_AddNumberToObject(to, "open", (double)log->open);
    cJSON_AddNumberToObject(to, "orphans", (double)log->orphan);
    cJSON_AddNumberToObject(to, "cut_bytes", (double)log->reading.cut);
    cJSON *list = cJSON_AddArrayToObject(to, "policies");
    for (unsigned i = 0; i < o->policy_cnt; i++)
        answer_add(list, o, &o->policy[i], &answers[i]);
    int code = qbid_tool_print(to);
    cJSON_Delete(to);
    return code;
}

static void interval_add(struct qbid_columns *columns, const struct qbid_ope_estimate *e)
{
    qbid_columns_add(columns, "%.5g", e->value);
    qbid_columns_add(columns, "%.5g to %.5g", e->low, e->high);
}

static int table_print(struct qbid_tool *tool, const struct options *o, const char *folder,
                       const struct qbid_ope_log *log, const struct qbid_ope_answer *answers)
{
    static const char *const heads[] = {"<POLICY", "ESTIMATE", "<INTERVAL", "GAIN",     "<INTERVAL",
                                        "SNIPS",   "N",        "EFFECTIVE", "<VERDICT", NULL};
    const char *unit = o->question.creatives ? "impressions" : "bids";
    struct qbid_columns columns;
    printf("%s: %s, of a thousand %s; %llu bids", folder, qbid_ope_reward_text(o->question.reward),
           unit, (unsigned long long)log->bid_cnt);
    if (log->share < 1)
        printf(" (%g %% of all)", 100 * log->share);
    printf(", %llu of which nothing is known yet", (unsigned long long)log->open);
    if (answers[0].choiceless)
        printf(", %llu without a choice", (unsigned long long)answers[0].choiceless);
    printf("\nas it was done: %.5g (%.5g to %.5g)\n", answers[0].ope.logged.value,
           answers[0].ope.logged.low, answers[0].ope.logged.high);
    qbid_columns_init(&columns, heads);
    for (unsigned i = 0; i < o->policy_cnt; i++) {
        const struct qbid_ope *ope = &answers[i].ope;
        qbid_columns_add(&columns, "%s", o->policy[i].name);
        interval_add(&columns, &ope->doubly);
        interval_add(&columns, &ope->gain);
        qbid_columns_add(&columns, "%.5g", ope->snips.value);
        qbid_columns_add(&columns, "%llu", (unsigned long long)ope->n);
        qbid_columns_add(&columns, "%.0f", ope->effective);
        qbid_columns_add(&columns, "%s", qbid_ope_verdict_text(verdict_of(o, ope)));
    }
    qbid_columns_print(&columns, stdout, tool->colour);
    qbid_columns_done(&columns);
    return QBID_TOOL_OK;
}

static int judge_all(struct qbid_tool *tool, const struct options *o, const char *folder)
{
    struct qbid_ope_answer answers[POLICIES_MAX];
    struct qbid_ope_question question = o->question;
    char why[QBID_OPE_WHY_MAX];
    struct qbid_ope_log log;
    int code = QBID_TOOL_OK;
    int err = qbid_ope_log_read(folder, &o->wanted, &log);
    question.log = &log;
    question.params.together = o->policy_cnt;
    if (err)
        code = log_failed(folder, err, &log);
    for (unsigned i = 0; i < o->policy_cnt && code == QBID_TOOL_OK; i++) {
        if (qbid_ope_judge(&question, &o->policy[i], &answers[i], why) != 0) {
            qbid_tool_say("%s", why);
            code = QBID_TOOL_FAILED;
        }
    }
    if (code == QBID_TOOL_OK)
        code = tool->json ? json_print(o, folder, &log, answers)
                          : table_print(tool, o, folder, &log, answers);
    qbid_ope_log_done(&log);
    return code;
}

int qbid_tool_ope(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"policy", OPT_POLICY, "P", 0,
         "greedy (of now), uniform, multiplier:X (of the greedy bid), action:N, explore:P, "
         "table:FILE (lines \"group,state,action\"), with --creatives uniform or creative:ID; may "
         "be repeated",
         0},
        {"reward", OPT_REWARD, "R", 0,
         "surplus, value, cost, wins, clicks, conversions, revenue (surplus; clicks with "
         "--creatives)",
         0},
        {"creatives", OPT_CREATIVES, NULL, 0, "judge the rotation, on impressions", 0},
        {"line-item", OPT_LINE_ITEM, "ID", 0, "of one line item (all)", 0},
        {"hours", OPT_HOURS, "H", 0, "of the last H hours (all)", 0},
        {"interval", OPT_INTERVAL, "HOW", 0, "normal or bootstrap (normal)", 0},
        {"confidence", OPT_CONFIDENCE, "X", 0, "of the intervals (0.95)", 0},
        {"log", OPT_LOG, "DIR", 0, "the log's folder (that of the running qbidd)", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "What other policies would have earned on the bids of the decision "
                              "log (learning.log_mb): doubly robust estimate, gain over what was "
                              "done, self-normalised estimate, effective samples. Below 100 of "
                              "these nothing is concluded. Intervals of the gain, and with them "
                              "the verdicts, hold for all policies together.",
                              NULL,
                              NULL,
                              NULL};
    static const char *const preset[] = {"greedy", "uniform", "multiplier:0.8", "multiplier:1.25"};
    struct options o = {.question = {.reward = QBID_OPE_REWARD_CNT, .params = qbid_ope_defaults()}};
    char path[PATH_BYTES], why[QBID_OPE_WHY_MAX];
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    if (o.question.reward == QBID_OPE_REWARD_CNT)
        o.question.reward = o.question.creatives ? QBID_OPE_REWARD_CLICKS : QBID_OPE_REWARD_SURPLUS;
    for (unsigned i = 0; o.policy_cnt == i && i < (o.question.creatives ? 1 : 4); i++)
        o.policy_cnt +=
            qbid_ope_policy_parse(preset[o.question.creatives ? 1 : i], &o.policy[i], why) == 0;
    int code = folder_find(tool, &o, path);
    if (code == QBID_TOOL_OK)
        code = judge_all(tool, &o, path);
    for (unsigned i = 0; i < o.policy_cnt; i++)
        qbid_ope_policy_done(&o.policy[i]);
    return code;
}
