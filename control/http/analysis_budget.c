/* SPDX-License-Identifier: Apache-2.0 */
/* The budget at which the next unit of it returns what it has to, as far as one step goes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/view.h"
#include "control/account/written/money.h"
#include "control/agents/budget_belief.h"
#include "control/http/analysis_parts.h"
#include "shm/error.h"
#include "shm/units.h"

#define DAY_S 86400.0
#define CENT_NANOS (QBID_NANOS_PER_UNIT / 100)

struct fit {
    struct qbid_budget_campaign campaign[QBID_ANALYSIS_CAMPAIGNS_MAX]; /* [0] is the one analysed */
    struct qbid_budget_campaign *list[QBID_ANALYSIS_CAMPAIGNS_MAX];
    uint32_t cnt;
    struct qbid_explore_prior prior;
    const char *source; /* of what is known of it */
};

static double units(int64_t nanos)
{
    return (double)nanos / (double)QBID_NANOS_PER_UNIT;
}

/* Days that a budget is for. */
static double budget_days(const struct qbid_campaign_def *c)
{
    return c->period == QBID_BUDGET_DAILY
               ? 1
               : fmax((double)(c->end_unix_s - c->start_unix_s) / DAY_S, 1.0 / 24);
}

static int campaign_fill(const struct qbid_analysis_input *input,
                         const struct qbid_campaign_def *def, struct qbid_budget_campaign *c)
{
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = def->id};
    struct qbid_stats all =
        qbid_snapshot_query(input->snapshot, key, QBID_WINDOW_ALL, input->now_ns);
    *c = (struct qbid_budget_campaign){.id = def->id};
    int err = qbid_budget_campaign_recall(c, &input->agent, input->unix_s);
    if (err)
        return err;
    qbid_budget_campaign_see(c, &all, input->unix_s);
    c->budget_nanos = (int64_t)((double)def->budget_nanos / budget_days(def));
    return 0;
}

static double spend_known(const struct qbid_budget_campaign *c)
{
    double sum = c->spend;
    for (uint32_t d = 0; d < c->day_cnt; d++)
        sum += c->day_spend[d];
    return sum;
}

/* What the client reports, as days of the same spend and value each, where it is more than what
 * qbid has counted. */
static void report_take(const struct qbid_analysis_input *input, struct fit *fit)
{
    const struct qbid_analyze_request *r = input->request;
    struct qbid_budget_campaign *c = &fit->campaign[0];
    double days = fmax(r->metrics.days, 1), spend = units(r->metrics.spend_nanos);
    double value = units(r->metrics.revenue_nanos);
    if (!(value > 0))
        value = (double)r->metrics.conversions * units(r->avg_order_value_nanos);
    fit->source = "what qbid has counted";
    if (spend <= spend_known(c))
        return;
    uint32_t cnt = (uint32_t)fmin(days, QBID_BUDGET_AGENT_DAYS);
    for (uint32_t d = 0; d < cnt; d++) {
        c->day_spend[d] = spend / days;
        c->day_value[d] = value / days;
    }
    c->day_cnt = cnt;
    c->convs = r->metrics.conversions;
    c->value_all = value;
    c->spend = c->value = 0;
    fit->source = "the metrics given";
}

static int fit_make(const struct qbid_analysis_input *input, struct fit *fit)
{
    const struct qbid_account *account = input->account;
    int err = campaign_fill(input, input->campaign, &fit->campaign[fit->cnt++]);
    if (err)
        return err;
    report_take(input, fit);
    for (uint32_t i = 0; i < account->campaign_cnt && !err; i++) {
        const struct qbid_campaign_def *def = &account->campaigns[i];
        if (def != input->campaign && def->active && fit->cnt < QBID_ANALYSIS_CAMPAIGNS_MAX)
            err = campaign_fill(input, def, &fit->campaign[fit->cnt++]);
    }
    for (uint32_t i = 0; i < fit->cnt; i++)
        fit->list[i] = &fit->campaign[i];
    return err ? err : qbid_budget_shapes(fit->list, fit->cnt);
}

/* Mean value of a conversion over all of them; 0 before the first. */
static double worth_of(const struct fit *fit, const struct qbid_analyze_request *r)
{
    double value = 0, convs = 0;
    for (uint32_t i = 0; i < fit->cnt; i++) {
        value += fit->campaign[i].value_all;
        convs += (double)fit->campaign[i].convs;
    }
    return convs > 0 && value > 0 ? value / convs : units(r->avg_order_value_nanos);
}

/* Share by which the budget may move: what one number may, and what all may in a day. */
static double step_of(const struct qbid_analysis_input *input)
{
    double budgets = (double)qbid_account_budgets(input->account, 0);
    double day = input->day_change * budgets / fmax((double)input->campaign->budget_nanos, 1);
    double step = qbid_analysis_step(input);
    return input->day_change > 0 ? fmin(step, day) : step;
}

/* Spend a day at which the next unit returns the threshold, within one step and the money there
 * is. */
static double spend_wanted(const struct qbid_analysis_input *input, const struct qbid_curve *curve,
                           double now)
{
    double slope, step = step_of(input);
    double best = qbid_curve_spend(curve, log(qbid_analysis_threshold(input->campaign)), &slope);
    double most = fmin(now * (1 + step),
                       units(input->request->total_budget_nanos) / budget_days(input->campaign));
    return fmax(fmin(best, most), now * (1 - step));
}

static struct qbid_analysis_verdict judge(const struct qbid_analysis_input *input,
                                          const struct fit *fit, double now, double next,
                                          struct qbid_random *random)
{
    double value[QBID_ANALYSIS_DRAWS], net[QBID_ANALYSIS_DRAWS], surplus[QBID_ANALYSIS_DRAWS];
    double threshold = qbid_analysis_threshold(input->campaign);
    for (int d = 0; d < QBID_ANALYSIS_DRAWS; d++) {
        struct qbid_curve curve = qbid_budget_curve_draw(&fit->campaign[0], fit->prior, random);
        value[d] = qbid_curve_value(&curve, next) - qbid_curve_value(&curve, now);
        net[d] = value[d] - (next - now);
        surplus[d] = value[d] - threshold * (next - now);
    }
    return qbid_analysis_judge(value, net, surplus);
}

static void reason_write(const struct qbid_analysis_input *input, const struct fit *fit,
                         const struct qbid_curve *curve, double now,
                         const struct qbid_analysis_verdict *v, struct qbid_proposal *p)
{
    const struct qbid_budget_campaign *c = &fit->campaign[0];
    snprintf(
        p->reason, sizeof p->reason,
        "At %.2f a day the next unit of budget returns %.3f, and it has to return %.3f. By a "
        "power curve of exponent %.2f +- %.2f (%s) from %s: %" PRIu32 " days, %" PRIu64
        " conversions, and %" PRIu32 " other campaigns of the tenant. Moving the budget from "
        "%.40s to %.40s adds %.2f of value a day (90 %% between %.2f and %.2f) and %.2f after its "
        "cost; that it is worth its cost has a probability of %.2f.",
        now, qbid_curve_marginal(curve, now), qbid_analysis_threshold(input->campaign), c->shape,
        c->shape_sd, c->varied ? "fitted" : "the prior's: spend has not varied enough", fit->source,
        c->day_cnt, c->convs, fit->cnt - 1, p->current, p->recommended, v->mean, v->low, v->high,
        v->net, v->sure);
}

static void propose(const struct qbid_analysis_input *input, const struct fit *fit,
                    struct qbid_random *random, struct qbid_analysis *analysis)
{
    const struct qbid_campaign_def *def = input->campaign;
    struct qbid_curve curve = qbid_budget_curve(&fit->campaign[0], fit->prior);
    double days = budget_days(def), now = units(def->budget_nanos) / days;
    double wanted = spend_wanted(input, &curve, now);
    int64_t budget_nanos = qbid_analysis_nanos(wanted * days) / CENT_NANOS * CENT_NANOS;
    double next = units(budget_nanos) / days;
    if (budget_nanos <= 0 || fabs(next - now) < fmax(input->agent.change_min, 1e-6) * now) {
        qbid_analysis_note(analysis,
                           "budget: at %.2f a day the next unit returns %.3f against %.3f wanted; "
                           "no change is worth it within the limits",
                           now, qbid_curve_marginal(&curve, now), qbid_analysis_threshold(def));
        return;
    }
    struct qbid_analysis_verdict v = judge(input, fit, now, next, random);
    if (v.sure < 0.5) {
        qbid_analysis_note(analysis,
                           "budget: %.2f instead of %.2f a day is worth its cost with a "
                           "probability of %.2f only",
                           next, now, v.sure);
        return;
    }
    struct qbid_advice *advice = qbid_analysis_add(analysis);
    if (!advice)
        return;
    struct qbid_proposal *p = &advice->proposal;
    p->type = QBID_PROPOSAL_BUDGET;
    p->item = QBID_ITEM_CAMPAIGN;
    p->item_id = def->id;
    strcpy(p->field, "budget");
    qbid_money_format(def->budget_nanos, p->current);
    qbid_money_format(budget_nanos, p->recommended);
    p->budget_nanos = qbid_analysis_nanos(next - now);
    advice->moved_nanos = llabs(budget_nanos - def->budget_nanos);
    advice->roas = qbid_curve_value(&curve, next) / next - qbid_curve_value(&curve, now) / now;
    reason_write(input, fit, &curve, now, &v, p);
    qbid_analysis_finish(input, &v, qbid_curve_value(&curve, now), advice);
}

int qbid_analysis_budget(const struct qbid_analysis_input *input, struct qbid_random *random,
                         struct qbid_analysis *analysis)
{
    struct fit *fit = calloc(1, sizeof *fit);
    int err = fit ? fit_make(input, fit) : QBID_ERR_NOMEM;
    double worth = err ? 0 : worth_of(fit, input->request);
    if (!err && (!(worth > 0) ||
                 !qbid_budget_scales(fit->list, fit->cnt, worth, input->unix_s, &fit->prior)))
        qbid_analysis_note(analysis, "budget: nothing is known of what spend returns: no revenue, "
                                     "and no conversions with an order value");
    else if (!err)
        propose(input, fit, random, analysis);
    free(fit);
    return err;
}
