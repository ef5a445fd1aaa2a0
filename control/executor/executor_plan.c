/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: what may go, as options of the decision engine. A group of recommendations is one
 * option; options that touch one campaign exclude each other. A group may touch several campaigns:
 * a wide option. */
#include <stdlib.h>
#include <string.h>

#include "control/account/view.h"
#include "control/executor/executor.h"
#include "control/executor/executor_parts.h"
#include "shm/error.h"
#include "shm/units.h"

#define SUM_MAX                                                                                    \
    (INT64_MAX / (QBID_EXECUTOR_PLAN_MAX * 16)) /* so that no sum of options overflows */

struct option {
    struct qbid_choice_option choice;
    uint32_t member[QBID_EXECUTOR_PLAN_MAX]; /* in the list */
    uint32_t cnt;
    bool wide;                                 /* over several campaigns */
    uint64_t campaign[QBID_EXECUTOR_PLAN_MAX]; /* of a wide one, ascending */
    uint32_t campaign_cnt;
};

struct plan {
    const struct qbid_executor_list *list;
    struct option *option;
    uint32_t option_cnt;
    struct qbid_choice_limits limits;
    bool *chosen; /* by option */
    struct qbid_choice choice;
};

static bool goes_alone(const struct qbid_executor *x, const struct qbid_recommendation *r)
{
    return r->status == QBID_RECOMMENDATION_APPROVED ||
           (x->limits.automatic && r->proposal.auto_execute);
}

/* Every member present and allowed: a group stands or falls together. */
static bool option_allowed(const struct qbid_executor *x, const struct qbid_executor_call *call,
                           const struct plan *plan, const struct option *o)
{
    struct qbid_executor_list whole = {0};
    char refusal[QBID_EXECUTOR_WHY_MAX];
    struct qbid_executor_call quiet = *call;
    quiet.refusal = refusal;
    uint64_t first = plan->list->item[o->member[0]].proposal.id;
    bool ok = o->choice.gain_nanos <= SUM_MAX && o->choice.risk_nanos <= SUM_MAX &&
              o->choice.moved_nanos <= SUM_MAX; /* what is beyond all measure a person decides on */
    ok = ok && qbid_executor_bundle(x, &quiet, first, &whole) == 0 && whole.cnt == o->cnt;
    bool approved = true;
    for (uint32_t i = 0; i < o->cnt && ok; i++) {
        const struct qbid_recommendation *r = &plan->list->item[o->member[i]];
        ok = qbid_executor_check(x, &quiet, r) == 0;
        approved = approved && r->status == QBID_RECOMMENDATION_APPROVED;
    }
    ok = ok && (approved || qbid_executor_money(&whole) <= x->limits.four_eyes_nanos);
    free(whole.item);
    return ok;
}

static void option_add(struct plan *plan, uint32_t i)
{
    const struct qbid_recommendation *r = &plan->list->item[i];
    struct option *o = &plan->option[plan->option_cnt];
    uint64_t group = r->proposal.group;
    for (uint32_t j = 0; j < plan->option_cnt && group; j++)
        if (plan->list->item[plan->option[j].member[0]].proposal.group == group)
            o = &plan->option[j];
    if (o == &plan->option[plan->option_cnt]) {
        memset(o, 0, sizeof *o);
        o->choice.id = group ? group : r->proposal.id;
        o->choice.group = r->campaign;
        plan->option_cnt++;
    }
    o->choice.gain_nanos = qbid_add_sat(o->choice.gain_nanos, r->proposal.impact.mean_nanos);
    o->choice.risk_nanos = qbid_add_sat(o->choice.risk_nanos, r->proposal.impact.loss_nanos);
    o->choice.moved_nanos = qbid_add_sat(o->choice.moved_nanos, r->money_nanos);
    o->wide = o->wide || o->choice.group != r->campaign;
    if (o->cnt < QBID_EXECUTOR_PLAN_MAX)
        o->member[o->cnt++] = i;
}

static int campaign_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void campaigns_find(const struct plan *plan, struct option *o)
{
    for (uint32_t i = 0; i < o->cnt; i++)
        o->campaign[i] = plan->list->item[o->member[i]].campaign;
    qsort(o->campaign, o->cnt, sizeof *o->campaign, campaign_compare);
    o->campaign_cnt = 0;
    for (uint32_t i = 0; i < o->cnt; i++)
        if (i == 0 || o->campaign[i] != o->campaign[o->campaign_cnt - 1])
            o->campaign[o->campaign_cnt++] = o->campaign[i];
}

/* Wide options beyond QBID_CHOICE_WIDE_MAX wait for another plan. */
static int plan_solve(struct plan *plan)
{
    struct qbid_choice_wide wide[QBID_CHOICE_WIDE_MAX];
    uint32_t wide_at[QBID_CHOICE_WIDE_MAX], wide_cnt = 0, cnt = 0;
    struct qbid_choice_option *options = malloc((plan->option_cnt + 1) * sizeof *options);
    uint32_t *at = malloc((plan->option_cnt + 1) * sizeof *at);
    bool *chosen = malloc((plan->option_cnt + 1) * sizeof *chosen);
    bool wide_chosen[QBID_CHOICE_WIDE_MAX] = {false};
    int err = options && at && chosen ? 0 : QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < plan->option_cnt && !err; i++) {
        struct option *o = &plan->option[i];
        if (!o->wide) {
            options[cnt] = o->choice;
            at[cnt++] = i;
        } else if (wide_cnt < QBID_CHOICE_WIDE_MAX) {
            campaigns_find(plan, o);
            wide[wide_cnt] = (struct qbid_choice_wide){o->choice, o->campaign, o->campaign_cnt};
            wide_at[wide_cnt++] = i;
        }
    }
    if (!err)
        err = qbid_choice_solve_wide(options, cnt, wide, wide_cnt, &plan->limits, chosen,
                                     wide_chosen, &plan->choice);
    for (uint32_t i = 0; i < cnt && !err; i++)
        plan->chosen[at[i]] = chosen[i];
    for (uint32_t w = 0; w < wide_cnt && !err; w++)
        plan->chosen[wide_at[w]] = wide_chosen[w];
    free(options);
    free(at);
    free(chosen);
    return err;
}

static int limits_set(const struct qbid_executor *x, const struct qbid_executor_call *call,
                      struct plan *plan)
{
    double budgets = (double)qbid_account_budgets(x->host.account(x->host.context), call->tenant);
    int64_t moved = 0;
    int err = qbid_executor_moved(x, call->unix_ns, &moved);
    double left = x->limits.day_change * budgets - (double)moved;
    plan->limits.risk_nanos = (int64_t)(x->limits.risk * budgets);
    plan->limits.moved_nanos = !(x->limits.day_change > 0) ? INT64_MAX / 4
                               : left > 0                  ? (int64_t)left
                                                           : 0;
    return err;
}

/* The members of what was chosen, at most as many as one execution takes. */
static int chosen_collect(const struct plan *plan, struct qbid_executor_list *picked)
{
    picked->item = malloc((plan->list->cnt + 1) * sizeof *picked->item);
    if (!picked->item)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < plan->option_cnt; i++) {
        const struct option *o = &plan->option[i];
        if (!plan->chosen[i] || picked->cnt + o->cnt > QBID_EXECUTOR_PLAN_MAX)
            continue;
        for (uint32_t m = 0; m < o->cnt; m++)
            picked->item[picked->cnt++] = plan->list->item[o->member[m]];
    }
    return 0;
}

static int candidates_load(const struct qbid_executor *x, struct qbid_executor_list *list)
{
    struct qbid_recommendation_filter filter = {.max = QBID_EXECUTOR_PLAN_MAX * 4};
    int err = 0;
    for (int s = QBID_RECOMMENDATION_PENDING; s <= QBID_RECOMMENDATION_APPROVED && !err; s++) {
        filter.status = s;
        err = qbid_executor_list_load(x, &filter, list);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->cnt; i++)
        if (goes_alone(x, &list->item[i]))
            list->item[kept++] = list->item[i];
    list->cnt = kept;
    return err;
}

static int plan_make(const struct qbid_executor *x, const struct qbid_executor_call *call,
                     struct plan *plan, struct qbid_executor_list *picked)
{
    uint32_t allowed = 0;
    plan->option = malloc((plan->list->cnt + 1) * sizeof *plan->option);
    plan->chosen = calloc(plan->list->cnt + 1, sizeof *plan->chosen);
    if (!plan->option || !plan->chosen)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < plan->list->cnt; i++)
        option_add(plan, i);
    for (uint32_t i = 0; i < plan->option_cnt; i++)
        if (option_allowed(x, call, plan, &plan->option[i]))
            plan->option[allowed++] = plan->option[i];
    plan->option_cnt = allowed;
    int err = limits_set(x, call, plan);
    if (!err)
        err = plan_solve(plan);
    return err ? err : chosen_collect(plan, picked);
}

int qbid_executor_plan(const struct qbid_executor *x, const struct qbid_executor_call *call,
                       struct qbid_executor_effect *ret_effect, struct qbid_choice *ret_choice)
{
    struct qbid_executor_list list = {0}, picked = {0};
    struct plan plan = {.list = &list};
    int err = candidates_load(x, &list);
    if (!err)
        err = plan_make(x, call, &plan, &picked);
    if (err) {
        qbid_executor_refuse_store(x, call, err);
    } else {
        if (ret_choice)
            *ret_choice = plan.choice;
        *ret_effect = (struct qbid_executor_effect){0};
        if (picked.cnt)
            err = qbid_executor_run(x, call, &picked, ret_effect);
    }
    free(list.item);
    free(picked.item);
    free(plan.option);
    free(plan.chosen);
    return err;
}

int qbid_executor_tick(const struct qbid_executor *x, const struct qbid_executor_call *call)
{
    struct qbid_executor_effect effect = {0};
    int made = 0;
    int err = qbid_executor_expire(x, call);
    if (err)
        return err;
    if (x->limits.automatic) {
        err = qbid_executor_plan(x, call, &effect, NULL);
        if (err)
            return err;
        made += effect.execution > 0;
        qbid_executor_effect_done(&effect);
    }
    int taken_back = qbid_executor_guards_tick(x, call);
    return taken_back < 0 ? taken_back : made + taken_back;
}
