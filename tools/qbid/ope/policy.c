/* SPDX-License-Identifier: Apache-2.0 */
/* Reads policies and says what they would have done. */
#include "tools/qbid/ope/policy.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define NEUTRAL 3 /* action of multiplier 1 where a row has all seven */
#define NEUTRAL_OF 7
#define LINE_BYTES 256

static const char forms[] =
    "greedy, uniform, multiplier:X, action:N, explore:P, table:FILE or creative:ID";

/* --- the table file: "group,state,action" lines; # begins a comment */

static bool field(const char **at, const char *name, unsigned long max, unsigned long *ret,
                  char wrong[120])
{
    char *end;
    errno = 0;
    while (**at == ' ')
        (*at)++;
    unsigned long number = strtoul(*at, &end, 10);
    if (**at < '0' || **at > '9' || errno) {
        snprintf(wrong, 120, "%s is missing or no whole number", name);
        return false;
    }
    if (number > max) {
        snprintf(wrong, 120, "%s %lu is not in 0..%lu", name, number, max);
        return false;
    }
    while (*end == ' ')
        end++;
    *at = *end == ',' ? end + 1 : end;
    *ret = number;
    return true;
}

static bool line_read(const char *line, struct qbid_ope_policy *policy, char wrong[120])
{
    unsigned long group, state, action;
    const char *at = line;
    if (!field(&at, "group", QBID_OPE_GROUPS_MAX - 1, &group, wrong) ||
        !field(&at, "state", QBID_QSTATES - 1, &state, wrong) ||
        !field(&at, "action", QBID_QROW_ACTIONS - 1, &action, wrong))
        return false;
    if (*at != 0) {
        snprintf(wrong, 120, "more than group, state and action");
        return false;
    }
    uint8_t *entry = &(*policy->table)[group * QBID_QSTATES + state];
    if (*entry) {
        snprintf(wrong, 120, "group %lu, state %lu stand there twice", group, state);
        return false;
    }
    *entry = (uint8_t)(action + 1);
    return true;
}

static int table_read(const char *path, struct qbid_ope_policy *policy, char *why)
{
    char line[LINE_BYTES], wrong[120];
    FILE *file = fopen(path, "r");
    int err = 0;
    if (!file) {
        snprintf(why, QBID_OPE_WHY_MAX, "table:%.200s: %s", path, strerror(errno));
        return QBID_ERR_SYS;
    }
    policy->table = calloc(1, sizeof *policy->table);
    if (!policy->table)
        err = QBID_ERR_NOMEM;
    for (unsigned number = 1; !err && fgets(line, sizeof line, file); number++) {
        line[strcspn(line, "#\r\n")] = 0;
        if (line[strspn(line, " \t")] == 0 || line_read(line, policy, wrong))
            continue;
        snprintf(why, QBID_OPE_WHY_MAX, "table:%.200s:%u: %s", path, number, wrong);
        err = QBID_ERR_PARSE;
    }
    fclose(file);
    if (err)
        qbid_ope_policy_done(policy);
    return err;
}

/* --- the words */

static bool number_in(const char *text, double least, double most, double *ret)
{
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !(x >= least && x <= most))
        return false;
    *ret = x;
    return true;
}

static int refuse(char *why, const char *text, const char *reason)
{
    snprintf(why, QBID_OPE_WHY_MAX, "policy '%.80s': %s", text, reason);
    return QBID_ERR_INVAL;
}

static int argument_read(const char *text, const char *argument, struct qbid_ope_policy *p,
                         char *why)
{
    switch (p->kind) {
    case QBID_OPE_MULTIPLIER:
        return number_in(argument, 0.25, 4, &p->number)
                   ? 0
                   : refuse(why, text, "the multiplier is not a number in 0.25..4");
    case QBID_OPE_EXPLORE:
        return number_in(argument, 0, 1, &p->number)
                   ? 0
                   : refuse(why, text, "the probability is not a number in 0..1");
    case QBID_OPE_ACTION:
        if (!number_in(argument, 0, QBID_QROW_ACTIONS - 1, &p->number) ||
            p->number != floor(p->number))
            return refuse(why, text, "the action is not a whole number in 0..7");
        break;
    case QBID_OPE_CREATIVE:
        if (!number_in(argument, 1, UINT32_MAX, &p->number) || p->number != floor(p->number))
            return refuse(why, text, "the creative's id is not a whole number from 1");
        break;
    case QBID_OPE_TABLE:
        return table_read(argument, p, why);
    default:
        break;
    }
    p->id = (uint32_t)p->number;
    return 0;
}

int qbid_ope_policy_parse(const char *text, struct qbid_ope_policy *ret_policy,
                          char why[QBID_OPE_WHY_MAX])
{
    static const char *const words[] = {"greedy",  "uniform", "multiplier", "action",
                                        "explore", "table",   "creative"};
    struct qbid_ope_policy policy = {0};
    size_t len = strcspn(text, ":");
    unsigned kind = 0;
    while (kind <= QBID_OPE_CREATIVE &&
           (strlen(words[kind]) != len || memcmp(words[kind], text, len) != 0))
        kind++;
    if (kind > QBID_OPE_CREATIVE) {
        snprintf(why, QBID_OPE_WHY_MAX, "policy '%.80s' is not %s", text, forms);
        return QBID_ERR_INVAL;
    }
    if ((text[len] == ':') != (kind > QBID_OPE_UNIFORM))
        return refuse(why, text, text[len] ? "takes nothing behind ':'" : "lacks what follows ':'");
    policy.kind = (enum qbid_ope_policy_kind)kind;
    snprintf(policy.name, sizeof policy.name, "%s", text);
    int err = text[len] ? argument_read(text, text + len + 1, &policy, why) : 0;
    if (!err)
        *ret_policy = policy;
    return err;
}

void qbid_ope_policy_done(struct qbid_ope_policy *policy)
{
    free(policy->table);
    policy->table = NULL;
}

/* --- what they do */

static uint32_t nearest(const struct qbid_qrow *row, double multiplier)
{
    uint32_t best = 0;
    for (uint32_t a = 1; a < row->n; a++)
        if (fabs(log((double)row->ratio[a] / multiplier)) <
            fabs(log((double)row->ratio[best] / multiplier)))
            best = a;
    return best;
}

/* Greedy with a probability, the others alike. */
static void spread(const struct qbid_qrow *row, uint32_t greedy, double others,
                   double share[QBID_QROW_ACTIONS])
{
    for (uint32_t a = 0; a < row->n; a++)
        share[a] = a == greedy ? (row->n > 1 ? 1 - others : 1) : others / (row->n - 1);
}

uint32_t qbid_ope_policy_actions(const struct qbid_ope_policy *policy,
                                 const struct qbid_ope_bid *bid, const struct qbid_qrow *row,
                                 const struct qbid_qrow *now, double ret_share[QBID_QROW_ACTIONS])
{
    uint32_t greedy = row->greedy, entry = 0;
    uint64_t key = (uint64_t)bid->q_group * QBID_QSTATES + bid->q_state;
    if (policy->kind == QBID_OPE_UNIFORM) {
        spread(row, greedy, 1 - 1.0 / row->n, ret_share);
        return row->n;
    }
    if (policy->kind == QBID_OPE_EXPLORE) {
        spread(row, greedy, policy->number, ret_share);
        return row->n;
    }
    if (policy->kind == QBID_OPE_GREEDY && now && now->greedy < row->n)
        greedy = now->greedy;
    else if (policy->kind == QBID_OPE_MULTIPLIER)
        greedy = nearest(row, policy->number);
    else if (policy->kind == QBID_OPE_ACTION)
        greedy = policy->id;
    else if (policy->kind == QBID_OPE_TABLE && key < sizeof *policy->table)
        entry = (*policy->table)[key];
    spread(row, entry ? entry - 1 : greedy, 0, ret_share);
    return row->n;
}

/* Pace without the greedy action's multiplier, which control puts into it. */
static double neutral_pace(const struct qbid_ope_bid *bid, const struct qbid_qrow *row)
{
    double ratio = row && row->n == NEUTRAL_OF ? (double)row->ratio[NEUTRAL] : 1;
    return (double)bid->pace * ratio;
}

double qbid_ope_reward_of(enum qbid_ope_reward reward, const struct qbid_ope_bid *bid,
                          const struct qbid_qrow *row, double *ret_size)
{
    double pace = neutral_pace(bid, row), value = (double)bid->value_micros / 1e6;
    double cost = (double)bid->cost_nanos / 1e6; /* nanos an impression are micros a thousand */
    *ret_size = value;
    switch (reward) {
    case QBID_OPE_REWARD_SURPLUS:
        return bid->won && pace > 0 ? value - cost / pace : 0;
    case QBID_OPE_REWARD_VALUE:
        return bid->won ? value : 0;
    case QBID_OPE_REWARD_COST:
        *ret_size = value * pace;
        return cost;
    default:
        break;
    }
    *ret_size = 1;
    return 1000 * (reward == QBID_OPE_REWARD_WINS          ? bid->won
                   : reward == QBID_OPE_REWARD_CLICKS      ? bid->clicked
                   : reward == QBID_OPE_REWARD_CONVERSIONS ? (double)bid->conversions
                                                           : bid->revenue);
}

static const char *const rewards[][2] = {
#define X(upper, word, text) {word, text},
    QBID_OPE_REWARD_LIST(X)
#undef X
};

int qbid_ope_reward_find(const char *word)
{
    for (int r = 0; r < QBID_OPE_REWARD_CNT; r++)
        if (strcmp(rewards[r][0], word) == 0)
            return r;
    return -1;
}

const char *qbid_ope_reward_word(enum qbid_ope_reward reward)
{
    return rewards[reward][0];
}

const char *qbid_ope_reward_text(enum qbid_ope_reward reward)
{
    return rewards[reward][1];
}
