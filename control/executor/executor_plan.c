/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: what may go, as options of the decision engine. A group of recommendations is one
 * option; options that touch one campaign exclude each other. A group may touch several campaigns,
 * which exclusive groups alone cannot say, so each way to take such groups is tried. */
#include <stdlib.h>
#include <string.h>

#include "control/account/view.h"
#include "control/executor/executor.h"
#include "control/executor/executor_parts.h"
#include "shm/error.h"
#include "shm/units.h"

#define SUM_MAX                                                                                    \
    (INT64_MAX / (QBID_EXECUTOR_PLAN_MAX * 16)) /* so that no sum of options overflows */
#define WIDE_MAX 6 /* groups over several campaigns that are tried in every combination */

struct option {
    struct qbid_choice_option choice;
    uint32_t member[QBID_EXECUTOR_PLAN_MAX]; /* in the list */
    uint32_t cnt;
    bool wide; /* over several campaigns */
};

struct plan {
    const struct qbid_executor_list *list;
    struct option *option;
    uint32_t option_cnt;
    struct qbid_choice_limits limits;
    bool *chosen, *best; /* by option */
    struct qbid_choice choice, best_choice;
    bool any;
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

static bool touches(const struct plan *plan, const struct option *o, uint32_t campaign)
{
    for (uint32_t i = 0; i < o->cnt; i++)
        if (plan->list->item[o->member[i]].campaign == campaign)
            return true;
    return false;
}

static bool conflict(const struct plan *plan, const struct option *a, const struct option *b)
{
    for (uint32_t i = 0; i < a->cnt; i++)
        if (touches(plan, b, plan->list->item[a->member[i]].campaign))
            return true;
    return false;
}

/* The best of the narrow options beside the wide ones of a combination. */
static int combination_try(struct plan *plan, const uint32_t *wide, uint32_t wide_cnt,
                           uint32_t taken)
{
    struct qbid_choice_limits limits = plan->limits;
    struct qbid_choice_option *options = malloc((plan->option_cnt + 1) * sizeof *options);
    uint32_t *source = malloc((plan->option_cnt + 1) * sizeof *source);
    bool *chosen = malloc((plan->option_cnt + 1) * sizeof *chosen);
    struct qbid_choice base = {0};
    uint32_t cnt = 0;
    bool fits = options && source && chosen;
    int err = fits ? 0 : QBID_ERR_NOMEM;
    memset(plan->chosen, 0, plan->option_cnt * sizeof *plan->chosen);
    for (uint32_t w = 0; w < wide_cnt && fits; w++) {
        const struct option *o = &plan->option[wide[w]];
        if (!(taken >> w & 1))
            continue;
        for (uint32_t v = 0; v < w; v++)
            fits = fits && !((taken >> v & 1) && conflict(plan, o, &plan->option[wide[v]]));
        fits = fits && o->choice.gain_nanos > 0 && o->choice.risk_nanos <= limits.risk_nanos &&
               o->choice.moved_nanos <= limits.moved_nanos;
        limits.risk_nanos -= o->choice.risk_nanos;
        limits.moved_nanos -= o->choice.moved_nanos;
        base.gain_nanos += o->choice.gain_nanos;
        base.risk_nanos += o->choice.risk_nanos;
        base.moved_nanos += o->choice.moved_nanos;
        base.cnt++;
        plan->chosen[wide[w]] = true;
    }
    for (uint32_t i = 0; i < plan->option_cnt && fits; i++) {
        bool free_ = !plan->option[i].wide;
        for (uint32_t w = 0; w < wide_cnt && free_; w++)
            free_ = !((taken >> w & 1) && conflict(plan, &plan->option[i], &plan->option[wide[w]]));
        if (!free_)
            continue;
        options[cnt] = plan->option[i].choice;
        source[cnt++] = i;
    }
    struct qbid_choice choice = {0};
    if (fits)
        err = qbid_choice_solve(options, cnt, &limits, chosen, &choice);
    if (fits && !err) {
        for (uint32_t i = 0; i < cnt; i++)
            plan->chosen[source[i]] = chosen[i];
        choice.gain_nanos += base.gain_nanos;
        choice.risk_nanos += base.risk_nanos;
        choice.moved_nanos += base.moved_nanos;
        choice.bound_nanos += (double)base.gain_nanos;
        choice.cnt += base.cnt;
        if (!plan->any || choice.gain_nanos > plan->best_choice.gain_nanos) {
            plan->best_choice = choice;
            memcpy(plan->best, plan->chosen, plan->option_cnt * sizeof *plan->best);
            plan->any = true;
        }
    }
    free(options);
    free(source);
    free(chosen);
    return err;
}

static int plan_solve(struct plan *plan)
{
    uint32_t wide[WIDE_MAX], wide_cnt = 0;
    int err = 0;
    for (uint32_t i = 0; i < plan->option_cnt && wide_cnt < WIDE_MAX; i++)
        if (plan->option[i].wide)
            wide[wide_cnt++] = i;
    for (uint32_t taken = 0; taken < UINT32_C(1) << wide_cnt && !err; taken++)
        err = combination_try(plan, wide, wide_cnt, taken);
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
        if (!plan->best[i] || picked->cnt + o->cnt > QBID_EXECUTOR_PLAN_MAX)
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
    plan->best = calloc(plan->list->cnt + 1, sizeof *plan->best);
    if (!plan->option || !plan->chosen || !plan->best)
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
            *ret_choice = plan.best_choice;
        *ret_effect = (struct qbid_executor_effect){0};
        if (picked.cnt)
            err = qbid_executor_run(x, call, &picked, ret_effect);
    }
    free(list.item);
    free(picked.item);
    free(plan.option);
    free(plan.chosen);
    free(plan.best);
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
