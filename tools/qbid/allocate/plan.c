/* SPDX-License-Identifier: Apache-2.0 */
/* What-if: curves from histories, the exact split of a budget over them, intervals by draws. */
#include "tools/qbid/allocate/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/allocate/fit_group.h"
#include "control/models/random.h"
#include "shm/error.h"

#define DRAWS_MOST 400
#define DRAWS_LEAST 50
#define CURVES_MOST 4000000 /* of all draws */
#define BOUNDS_NAMED 3
#define SPREAD_USUAL 1.0 /* sd of the log of campaigns' levels, before they are seen */

/* Value a budget's period of a curve a row's period: spend is the same in each of them. */
static struct qbid_curve stretched(struct qbid_curve curve, double periods)
{
    curve.scale *= periods;
    if (curve.kind == QBID_CURVE_POWER)
        curve.scale *= pow(periods, -curve.shape);
    curve.half *= periods;
    return curve;
}

static double units(int64_t micros)
{
    return (double)micros / 1e6;
}

static double mean_of(const double *x, uint32_t cnt)
{
    double sum = 0;
    for (uint32_t i = 0; i < cnt; i++)
        sum += x[i] / cnt;
    return sum;
}

/* --- curves */

struct fitting {
    struct qbid_fit_channel *channel;
    struct qbid_fit_input *input;
    struct qbid_fit *fit;
    uint32_t *campaign; /* of a fit */
    uint32_t cnt;
    bool done; /* fits are there to release */
};

static int fitting_init(struct fitting *f, uint32_t cnt)
{
    *f = (struct fitting){.channel = calloc(cnt + 1, sizeof *f->channel),
                          .input = calloc(cnt + 1, sizeof *f->input),
                          .fit = calloc(cnt + 1, sizeof *f->fit),
                          .campaign = calloc(cnt + 1, sizeof *f->campaign)};
    return f->channel && f->input && f->fit && f->campaign ? 0 : QBID_ERR_NOMEM;
}

static void fitting_done(struct fitting *f)
{
    for (uint32_t i = 0; i < f->cnt && f->done; i++)
        qbid_fit_done(&f->fit[i]);
    free(f->channel);
    free(f->input);
    free(f->fit);
    free(f->campaign);
}

/* Histories of all campaigns, of value or of reach, fitted together: one unit, one prior. */
static int fitting_run(struct fitting *f, const struct qbid_whatif *w, bool reach,
                       enum qbid_curve_kind kind, char *why)
{
    double unit = 0, level = 0;
    for (uint32_t i = 0; i < w->campaign_cnt; i++) {
        const struct qbid_whatif_history *h = &w->campaign[i].history;
        if (h->cnt == 0)
            continue;
        f->channel[f->cnt] =
            (struct qbid_fit_channel){.spend = h->spend, .before = h->spend[0], .kind = kind};
        f->input[f->cnt] = (struct qbid_fit_input){.value = reach ? h->reach : h->value,
                                                   .cnt = h->cnt,
                                                   .channels = &f->channel[f->cnt],
                                                   .channel_cnt = 1,
                                                   .noise = QBID_FIT_COUNT};
        unit += mean_of(h->spend, h->cnt);
        level += mean_of(f->input[f->cnt].value, h->cnt);
        f->campaign[f->cnt++] = i;
    }
    if (f->cnt == 0)
        return 0;
    if (!(unit > 0) || !(level > 0)) {
        snprintf(why, QBID_CSV_WHY_MAX, "the history has no %s", unit > 0 ? "value" : "spend");
        return QBID_ERR_INVAL;
    }
    for (uint32_t k = 0; k < f->cnt; k++) {
        f->channel[k].unit = unit / f->cnt;
        qbid_fit_priors(kind, log(level / f->cnt), SPREAD_USUAL, f->channel[k].prior);
    }
    struct qbid_fit_group group;
    char reason[QBID_FIT_WHY_MAX] = "";
    int err = qbid_fit_group_new(f->input, f->cnt, f->fit, &group, reason);
    f->done = !err;
    if (err && *reason)
        snprintf(why, QBID_CSV_WHY_MAX, "the history cannot be fitted: %.100s", reason);
    return err;
}

static void curves_take(struct qbid_whatif_plan *plan, const struct fitting *f, double periods)
{
    const struct qbid_whatif *w = plan->input;
    for (uint32_t i = 0; i < w->campaign_cnt; i++)
        if (w->campaign[i].given)
            plan->line[i].curve = stretched(w->campaign[i].curve, periods);
    for (uint32_t k = 0; k < f->cnt; k++) {
        struct qbid_whatif_line *line = &plan->line[f->campaign[k]];
        line->curve = stretched(qbid_fit_curve(&f->fit[k], 0), periods);
        line->shape = f->fit[k].estimate[0][QBID_FIT_SHAPE].mean;
        line->shape_sd = f->fit[k].estimate[0][QBID_FIT_SHAPE].sd;
        line->varied = f->fit[k].varied[0];
    }
}

static int draws_make(struct qbid_whatif_plan *plan, const struct fitting *f,
                      const struct qbid_whatif_question *q)
{
    const struct qbid_whatif *w = plan->input;
    uint32_t cnt = w->campaign_cnt, most = CURVES_MOST / cnt, dims = 1;
    struct qbid_random random = qbid_random_init(q->seed);
    plan->draw_cnt = most > DRAWS_MOST ? DRAWS_MOST : most < DRAWS_LEAST ? DRAWS_LEAST : most;
    plan->draw = malloc((size_t)plan->draw_cnt * cnt * sizeof *plan->draw);
    for (uint32_t k = 0; k < f->cnt; k++)
        dims = f->fit[k].dims > dims ? f->fit[k].dims : dims;
    double *scratch = malloc(dims * sizeof *scratch);
    for (uint32_t d = 0; d < plan->draw_cnt && plan->draw && scratch; d++) {
        struct qbid_curve *draw = &plan->draw[(size_t)d * cnt];
        for (uint32_t i = 0; i < cnt; i++) {
            draw[i] = plan->line[i].curve;
            if (w->campaign[i].scale_sd > 0)
                draw[i].scale *= exp(w->campaign[i].scale_sd * qbid_random_normal(&random));
        }
        for (uint32_t k = 0; k < f->cnt; k++) {
            struct qbid_curve one;
            qbid_fit_draw(&f->fit[k], &random, scratch, &one);
            draw[f->campaign[k]] = stretched(one, q->periods);
        }
    }
    free(scratch);
    return plan->draw && scratch ? 0 : QBID_ERR_NOMEM;
}

static int curves_fit(struct qbid_whatif_plan *plan, const struct qbid_whatif_question *q,
                      char *why)
{
    struct fitting f;
    int err = fitting_init(&f, plan->input->campaign_cnt);
    if (!err)
        err = fitting_run(&f, plan->input, false, q->kind, why);
    if (!err)
        curves_take(plan, &f, q->periods);
    if (!err)
        err = draws_make(plan, &f, q);
    fitting_done(&f);
    return err;
}

/* Reach grows ever slower as the same people are met again: a log curve. */
static int reach_fit(struct qbid_whatif_plan *plan, const struct qbid_whatif_question *q, char *why)
{
    struct fitting f;
    int err = fitting_init(&f, plan->input->campaign_cnt);
    if (!err)
        err = fitting_run(&f, plan->input, true, QBID_CURVE_LOG, why);
    for (uint32_t k = 0; k < f.cnt && !err; k++)
        plan->line[f.campaign[k]].reach = stretched(qbid_fit_curve(&f.fit[k], 0), q->periods);
    fitting_done(&f);
    return err;
}

/* --- the split */

/* What is spent now: as the file says, or the mean of the history. */
static void current_take(struct qbid_whatif_plan *plan, double periods)
{
    const struct qbid_whatif *w = plan->input;
    plan->has_current = true;
    for (uint32_t i = 0; i < w->campaign_cnt; i++) {
        const struct qbid_whatif_campaign *c = &w->campaign[i];
        int64_t micros = c->current_micros;
        if (micros == QBID_WHATIF_UNSET && c->history.cnt)
            micros = llround(1e6 * periods * mean_of(c->history.spend, c->history.cnt));
        plan->line[i].current_micros = micros;
        plan->has_current = plan->has_current && micros != QBID_WHATIF_UNSET;
        plan->current_micros += micros == QBID_WHATIF_UNSET ? 0 : micros;
    }
}

static int64_t or_else(int64_t micros, int64_t preset)
{
    return micros == QBID_WHATIF_UNSET ? preset : micros;
}

/* Bounds of a campaign: its own, and those of the change that is wanted at most. */
static int bounds_fill(const struct qbid_whatif_campaign *c, int64_t current_micros,
                       double change_max, struct qbid_allocation_item *item, char *why)
{
    item->least_micros = or_else(c->min_micros, 0);
    item->most_micros = or_else(c->max_micros, QBID_ALLOCATION_MICROS_MAX);
    if (isinf(change_max))
        return 0;
    if (current_micros == QBID_WHATIF_UNSET) {
        snprintf(why, QBID_CSV_WHY_MAX,
                 "line %u: campaign '%.60s' has no current spend to change by a part of", c->line,
                 c->name);
        return QBID_ERR_INVAL;
    }
    double now = (double)current_micros, low = ceil(now - change_max * now);
    double high = floor(now + change_max * now);
    if (low > (double)item->least_micros)
        item->least_micros = low < (double)item->most_micros ? (int64_t)low : item->most_micros;
    if (high < (double)item->most_micros)
        item->most_micros = high > (double)item->least_micros ? (int64_t)high : item->least_micros;
    return 0;
}

/* Campaigns without a platform stand together as one of their own, which has no quota. */
static int allocation_fill(struct qbid_whatif_plan *plan, const struct qbid_whatif_question *q,
                           char *why)
{
    const struct qbid_whatif *w = plan->input;
    struct qbid_allocation *a = &plan->allocation;
    *a = (struct qbid_allocation){.item_cnt = w->campaign_cnt, .budget_micros = q->budget_micros};
    a->items = calloc(w->campaign_cnt, sizeof *a->items);
    a->group_cnt = w->platform_cnt ? w->platform_cnt + 1 : 0;
    a->groups = a->group_cnt ? calloc(a->group_cnt, sizeof *a->groups) : NULL;
    if (!a->items || (a->group_cnt && !a->groups))
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < w->campaign_cnt; i++) {
        const struct qbid_whatif_campaign *c = &w->campaign[i];
        a->items[i] = (struct qbid_allocation_item){
            .curve = plan->line[i].curve,
            .name = c->name,
            .group = c->platform == QBID_WHATIF_NONE ? w->platform_cnt : c->platform};
        int err = bounds_fill(c, plan->line[i].current_micros, q->change_max, &a->items[i], why);
        if (err)
            return err;
    }
    for (uint32_t p = 0; p < a->group_cnt; p++) {
        bool own = p < w->platform_cnt;
        a->groups[p] = (struct qbid_allocation_group){
            .name = own ? w->platform[p].name : "(none)",
            .least_micros = own ? or_else(w->platform[p].min_micros, 0) : 0,
            .most_micros = own ? or_else(w->platform[p].max_micros, QBID_ALLOCATION_MICROS_MAX)
                               : QBID_ALLOCATION_MICROS_MAX};
    }
    return 0;
}

/* A bound that says something: of a campaign, or of a platform. */
struct named_bound {
    const char *kind, *name;
    int64_t micros;
};

static int bound_compare(const void *a, const void *b)
{
    const struct named_bound *x = a, *y = b;
    return (x->micros < y->micros) - (x->micros > y->micros);
}

static void bound_take(struct named_bound *list, uint32_t *cnt, const char *kind, const char *name,
                       int64_t micros)
{
    if (micros != QBID_WHATIF_UNSET && micros > 0)
        list[(*cnt)++] = (struct named_bound){kind, name, micros};
}

/* The largest of the bounds that leave no way to meet the budget, behind what is said of it. */
static int bounds_name(const struct qbid_whatif *w, bool least, char *why)
{
    uint32_t cnt = 0;
    struct named_bound *list = malloc((w->campaign_cnt + w->platform_cnt + 1) * sizeof *list);
    if (!list)
        return QBID_ERR_NOMEM;
    for (uint32_t p = 0; p < w->platform_cnt; p++)
        bound_take(list, &cnt, "platform", w->platform[p].name,
                   least ? w->platform[p].min_micros : w->platform[p].max_micros);
    for (uint32_t i = 0; i < w->campaign_cnt; i++)
        bound_take(list, &cnt, "campaign", w->campaign[i].name,
                   least ? w->campaign[i].min_micros : w->campaign[i].max_micros);
    qsort(list, cnt, sizeof *list, bound_compare);
    for (uint32_t n = 0; n < cnt && n < BOUNDS_NAMED; n++) {
        size_t len = strlen(why);
        snprintf(why + len, QBID_CSV_WHY_MAX - len, "%s %s of %s '%.24s' is %.2f", n ? "," : ";",
                 least ? "min" : "max", list[n].kind, list[n].name, units(list[n].micros));
    }
    free(list);
    return QBID_ERR_LIMIT;
}

static int split(struct qbid_whatif_plan *plan, char *why)
{
    static const char of_least[] = "budget: the least", of_most[] = "budget: the most";
    char reason[QBID_ALLOCATION_WHY_MAX] = "";
    int err = qbid_allocate(&plan->allocation, reason);
    if (err)
        snprintf(why, QBID_CSV_WHY_MAX, "%s", reason);
    bool least = strncmp(reason, of_least, sizeof of_least - 1) == 0;
    bool most = strncmp(reason, of_most, sizeof of_most - 1) == 0;
    return err == QBID_ERR_LIMIT && (least || most) ? bounds_name(plan->input, least, why) : err;
}

static enum qbid_whatif_bound bound_of(int64_t spend, int64_t least, int64_t most)
{
    return spend >= most    ? QBID_WHATIF_AT_MAX
           : spend <= least ? QBID_WHATIF_AT_MIN
                            : QBID_WHATIF_FREE;
}

/* Value that one unit more room would add: at a max what it holds back there, at a min what it
 * keeps from elsewhere. */
static double cost_of(enum qbid_whatif_bound bound, double marginal, double price)
{
    double cost = bound == QBID_WHATIF_AT_MAX   ? marginal - price
                  : bound == QBID_WHATIF_AT_MIN ? price - marginal
                                                : 0;
    return isfinite(cost) ? fmax(cost, 0) : NAN;
}

/* Most that a campaign of a history has spent; INFINITY for one with a given curve. */
static double tried_most(const struct qbid_whatif_history *h, double periods)
{
    double most = h->cnt ? 0 : INFINITY;
    for (uint32_t t = 0; t < h->cnt; t++)
        most = fmax(most, periods * h->spend[t]);
    return most;
}

static void bounds_price(struct qbid_whatif_plan *plan, double periods)
{
    const struct qbid_allocation *a = &plan->allocation;
    for (uint32_t i = 0; i < a->item_cnt; i++) {
        const struct qbid_allocation_item *item = &a->items[i];
        struct qbid_whatif_line *line = &plan->line[i];
        double price = a->groups ? a->groups[item->group].marginal : a->marginal;
        double spend = units(item->spend_micros);
        line->value = qbid_curve_value(&line->curve, spend);
        line->marginal = qbid_curve_marginal(&line->curve, spend);
        line->bound = bound_of(item->spend_micros, item->least_micros, item->most_micros);
        line->bound_cost = cost_of(line->bound, line->marginal, price);
        line->beyond = spend > tried_most(&plan->input->campaign[i].history, periods);
    }
    for (uint32_t p = 0; p < a->group_cnt; p++) {
        const struct qbid_allocation_group *g = &a->groups[p];
        plan->quota[p] = bound_of(g->spend_micros, g->least_micros, g->most_micros);
        plan->quota_cost[p] = cost_of(plan->quota[p], g->marginal, a->marginal);
    }
}

/* --- how sure */

static int number_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct qbid_whatif_interval interval_of(double *values, uint32_t cnt)
{
    uint32_t tail = (uint32_t)floor(0.5 * (1 - QBID_WHATIF_LEVEL) * (cnt - 1));
    qsort(values, cnt, sizeof *values, number_compare);
    return (struct qbid_whatif_interval){values[tail], values[cnt - 1 - tail]};
}

double qbid_whatif_shortfall(double *values, uint32_t cnt)
{
    uint32_t worst = cnt / 10 ? cnt / 10 : 1;
    double mean = mean_of(values, cnt);
    qsort(values, cnt, sizeof *values, number_compare);
    return fmax(0, mean - mean_of(values, worst));
}

static void line_judge(struct qbid_whatif_plan *plan, uint32_t i, double *values, double *marginals)
{
    double spend = units(plan->allocation.items[i].spend_micros);
    for (uint32_t d = 0; d < plan->draw_cnt; d++) {
        const struct qbid_curve *curve = &plan->draw[(size_t)d * plan->input->campaign_cnt + i];
        values[d] = qbid_curve_value(curve, spend);
        marginals[d] = qbid_curve_marginal(curve, spend);
    }
    plan->line[i].value_in = interval_of(values, plan->draw_cnt);
    plan->line[i].marginal_in = interval_of(marginals, plan->draw_cnt);
}

static void whole_judge(struct qbid_whatif_plan *plan, double *then, double *now, double *gain)
{
    uint32_t cnt = plan->input->campaign_cnt, better = 0;
    for (uint32_t d = 0; d < plan->draw_cnt; d++) {
        const struct qbid_curve *draw = &plan->draw[(size_t)d * cnt];
        then[d] = now[d] = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            then[d] += qbid_curve_value(&draw[i], units(plan->allocation.items[i].spend_micros));
            if (plan->has_current)
                now[d] += qbid_curve_value(&draw[i], units(plan->line[i].current_micros));
        }
        gain[d] = then[d] - now[d];
        better += gain[d] > 0;
    }
    plan->gain_probability = (double)better / plan->draw_cnt;
    plan->value_in = interval_of(then, plan->draw_cnt);
    plan->value_now_in = interval_of(now, plan->draw_cnt);
    plan->gain_in = interval_of(gain, plan->draw_cnt);
}

static int plan_judge(struct qbid_whatif_plan *plan)
{
    double *scratch = malloc(3 * (size_t)plan->draw_cnt * sizeof *scratch);
    if (!scratch)
        return QBID_ERR_NOMEM;
    double *second = scratch + plan->draw_cnt;
    for (uint32_t i = 0; i < plan->input->campaign_cnt; i++) {
        line_judge(plan, i, scratch, second);
        plan->value += plan->line[i].value;
        if (plan->has_current)
            plan->value_now +=
                qbid_curve_value(&plan->line[i].curve, units(plan->line[i].current_micros));
    }
    plan->gain = plan->value - plan->value_now;
    whole_judge(plan, scratch, second, second + plan->draw_cnt);
    free(scratch);
    return 0;
}

int qbid_whatif_plan_new(const struct qbid_whatif *input,
                         const struct qbid_whatif_question *question,
                         struct qbid_whatif_plan *ret_plan, char why[QBID_CSV_WHY_MAX])
{
    *ret_plan = (struct qbid_whatif_plan){.input = input};
    ret_plan->line = calloc(input->campaign_cnt, sizeof *ret_plan->line);
    int err = ret_plan->line ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = curves_fit(ret_plan, question, why);
    if (!err && input->has_reach)
        err = reach_fit(ret_plan, question, why);
    if (!err)
        current_take(ret_plan, question->periods);
    if (!err)
        err = allocation_fill(ret_plan, question, why);
    if (!err)
        err = split(ret_plan, why);
    if (!err) {
        bounds_price(ret_plan, question->periods);
        err = plan_judge(ret_plan);
    }
    return err;
}

void qbid_whatif_plan_done(struct qbid_whatif_plan *plan)
{
    free(plan->line);
    free(plan->draw);
    free(plan->allocation.items);
    free(plan->allocation.groups);
}
