/* SPDX-License-Identifier: Apache-2.0 */
/* Days of campaigns, and curves from them. */
#include "control/agents/budget_belief.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/allocate/fit_group.h"
#include "shm/error.h"
#include "shm/units.h"

#define DAY_S 86400
#define HOUR_S 3600
#define DAY_PART_MIN 0.5  /* of a day that was seen, for it to count as one */
#define DAYS_FIT 7        /* before a campaign has a say in exponents */
#define HALF_LIFE_DAYS 14 /* of what a day says about a scale */
#define PART_MIN 0.02     /* of today, before it says anything: half an hour */
#define OWN_MIN 0.05      /* of the prior's precision: days that say less say nothing */
#define WORTH_CONVS 5     /* conversions after which its own mean value counts as much as all's */
#define ORDER_NOISE 1.3   /* of a conversion's value: 1 + its squared relative spread */

static double units(int64_t nanos)
{
    return (double)nanos / (double)QBID_NANOS_PER_UNIT;
}

static void day_keep(struct qbid_budget_campaign *c, double part)
{
    if (c->day_cnt == QBID_BUDGET_AGENT_DAYS) {
        size_t rest = (QBID_BUDGET_AGENT_DAYS - 1) * sizeof(double);
        memmove(c->day_spend, c->day_spend + 1, rest);
        memmove(c->day_value, c->day_value + 1, rest);
        c->day_cnt--;
    }
    c->day_spend[c->day_cnt] = c->spend / part;
    c->day_value[c->day_cnt++] = c->value / part;
}

void qbid_budget_campaign_see(struct qbid_budget_campaign *c, const struct qbid_stats *all,
                              int64_t unix_s)
{
    double spend = units(all->spend_nanos), value = units(all->value_nanos);
    if (c->from_unix_s == 0) {
        *c = (struct qbid_budget_campaign){.id = c->id,
                                           .shape = QBID_BUDGET_SHAPE_MEAN,
                                           .shape_sd = QBID_BUDGET_SHAPE_SD,
                                           .from_unix_s = unix_s,
                                           .partial = true,
                                           .spend_base = spend,
                                           .value_base = value};
    }
    c->spend = fmax(spend - c->spend_base, 0);
    c->value = fmax(value - c->value_base, 0);
    c->convs = all->convs;
    c->value_all = value;
    if (unix_s / DAY_S == c->from_unix_s / DAY_S)
        return;
    double part = (double)(unix_s - c->from_unix_s) / DAY_S;
    if (part >= DAY_PART_MIN && c->spend > 0)
        day_keep(c, part);
    c->from_unix_s = unix_s;
    c->partial = false;
    c->spend_base = spend, c->value_base = value;
    c->spend = c->value = 0;
}

void qbid_budget_campaign_respond(struct qbid_budget_campaign *campaign, double exponent,
                                  int64_t unix_s)
{
    double since = fmax((double)(unix_s - campaign->response_unix_s), 0);
    bool first = !(campaign->response > 0);
    double length = first ? 0 : fmin(campaign->response_s + since, DAY_S);
    double weight = length > 0 ? fmin(since / length, 1) : 1;
    campaign->response += weight * (exponent - campaign->response);
    campaign->response_s = length;
    campaign->response_unix_s = unix_s;
}

struct recalling {
    struct qbid_budget_campaign campaign;
    struct qbid_stats before; /* at the last point */
    int64_t before_unix_s;    /* 0 = none yet */
    int64_t now_unix_s;
};

/* Days that ended before this hour began ended with the totals of the point before. */
static void days_end(struct recalling *r, int64_t until_unix_s)
{
    int64_t end = (r->before_unix_s / DAY_S + 1) * DAY_S;
    for (; r->before_unix_s != 0 && end <= until_unix_s; end += DAY_S)
        qbid_budget_campaign_see(&r->campaign, &r->before, end);
}

static int point_recall(void *context, const struct qbid_store_point *point)
{
    struct recalling *r = context;
    if (point->unix_s > r->now_unix_s)
        return 0; /* of the hour that still runs */
    days_end(r, point->unix_s - HOUR_S);
    qbid_budget_campaign_see(&r->campaign, &point->all, point->unix_s);
    r->before = point->all;
    r->before_unix_s = point->unix_s;
    return 0;
}

int qbid_budget_campaign_recall(struct qbid_budget_campaign *campaign,
                                const struct qbid_budget_agent_params *params, int64_t unix_s)
{
    int64_t from = unix_s - QBID_BUDGET_AGENT_DAYS * (int64_t)DAY_S;
    struct recalling r = {.campaign = {.id = campaign->id}, .now_unix_s = unix_s};
    if (!params->past)
        return 0;
    int err = params->past(params->store, campaign->id, from, point_recall, &r);
    if (err)
        return err;
    days_end(&r, unix_s / HOUR_S * HOUR_S);
    *campaign = r.campaign;
    return 0;
}

static double mean_of(const double *x, uint32_t cnt)
{
    double sum = 0;
    for (uint32_t i = 0; i < cnt; i++)
        sum += x[i] / cnt;
    return sum;
}

/* Campaigns with enough days, ready for the common fit. */
static uint32_t inputs_fill(struct qbid_budget_campaign *const *campaigns, uint32_t cnt,
                            struct qbid_fit_channel *channels, struct qbid_fit_input *inputs,
                            uint32_t *ret_idx)
{
    uint32_t used = 0;
    double unit = 0, level = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_budget_campaign *c = campaigns[i];
        if (c->day_cnt < DAYS_FIT)
            continue;
        channels[used] = (struct qbid_fit_channel){
            .spend = c->day_spend, .before = c->day_spend[0], .kind = QBID_CURVE_POWER};
        inputs[used] = (struct qbid_fit_input){.value = c->day_value,
                                               .cnt = c->day_cnt,
                                               .channels = &channels[used],
                                               .channel_cnt = 1,
                                               .noise = QBID_FIT_COUNT};
        ret_idx[used++] = i;
        unit += mean_of(c->day_spend, c->day_cnt);
        level += mean_of(c->day_value, c->day_cnt);
    }
    for (uint32_t k = 0; k < used; k++) {
        channels[k].unit = unit / used;
        qbid_fit_priors(QBID_CURVE_POWER, log(fmax(level / used, 1e-6)), 1, channels[k].prior);
    }
    return used;
}

/* What the days alone say: the posterior without the prior that the group gave it. */
static void own_take(struct qbid_budget_campaign *c, struct qbid_fit_param_estimate e,
                     struct qbid_fit_prior prior)
{
    double given = 1 / (prior.sd * prior.sd), own = 1 / (e.sd * e.sd) - given;
    bool told = c->varied && own > OWN_MIN * given;
    c->own_variance = told ? 1 / own : 0;
    c->own_shape = told ? (e.mean / (e.sd * e.sd) - prior.mean * given) / own : 0;
}

static void shapes_take(struct qbid_budget_campaign *const *campaigns, const uint32_t *idx,
                        struct qbid_fit *fits, uint32_t cnt, struct qbid_fit_prior prior)
{
    for (uint32_t k = 0; k < cnt; k++) {
        struct qbid_budget_campaign *c = campaigns[idx[k]];
        c->shape = fmin(fmax(fits[k].estimate[0][QBID_FIT_SHAPE].mean, QBID_BUDGET_SHAPE_LOW),
                        QBID_BUDGET_SHAPE_HIGH);
        c->shape_sd = fits[k].estimate[0][QBID_FIT_SHAPE].sd;
        c->varied = fits[k].varied[0];
        own_take(c, fits[k].estimate[0][QBID_FIT_SHAPE], prior);
        qbid_fit_done(&fits[k]);
    }
}

int qbid_budget_shapes(struct qbid_budget_campaign *const *campaigns, uint32_t cnt)
{
    struct qbid_fit_channel *channels = calloc(cnt + 1, sizeof *channels);
    struct qbid_fit_input *inputs = calloc(cnt + 1, sizeof *inputs);
    struct qbid_fit *fits = calloc(cnt + 1, sizeof *fits);
    uint32_t *idx = calloc(cnt + 1, sizeof *idx);
    struct qbid_fit_group group;
    char why[QBID_FIT_WHY_MAX];
    int err = channels && inputs && fits && idx ? 0 : QBID_ERR_NOMEM;
    if (!err) {
        uint32_t used = inputs_fill(campaigns, cnt, channels, inputs, idx);
        if (used)
            err = qbid_fit_group_new(inputs, used, fits, &group, why);
        if (used && !err)
            shapes_take(campaigns, idx, fits, used, group.prior[QBID_FIT_SHAPE]);
    }
    free(channels);
    free(inputs);
    free(fits);
    free(idx);
    return err;
}

/* What counts as one event of a campaign's value. Where a conversion is worth much, few of them
 * make much value, and less is known by it. */
static double event_worth(const struct qbid_budget_campaign *c, double worth)
{
    double own = (c->value_all + WORTH_CONVS * worth) / ((double)c->convs + WORTH_CONVS);
    return ORDER_NOISE * own;
}

static struct qbid_explore_evidence evidence_of(const struct qbid_budget_campaign *c, double event,
                                                int64_t unix_s)
{
    struct qbid_explore_evidence e = {0, 0};
    double part = (double)(unix_s - c->from_unix_s) / DAY_S;
    for (uint32_t d = 0; d < c->day_cnt; d++) {
        double weight = exp2(-(double)(c->day_cnt - d) / HALF_LIFE_DAYS) / event;
        e.count += weight * c->day_value[d];
        e.exposure += weight * pow(c->day_spend[d], c->shape);
    }
    if (part >= PART_MIN && c->spend > 0) {
        e.count += c->value / event;
        e.exposure += part * pow(c->spend / part, c->shape) / event;
    }
    return e;
}

bool qbid_budget_scales(struct qbid_budget_campaign *const *campaigns, uint32_t cnt, double worth,
                        int64_t unix_s, struct qbid_explore_prior *ret_prior)
{
    struct qbid_explore_evidence *evidence = calloc(cnt + 1, sizeof *evidence);
    if (evidence == NULL)
        return false;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_budget_campaign *c = campaigns[i];
        evidence[i] = c->evidence = evidence_of(c, event_worth(c, worth), unix_s);
    }
    int err = qbid_explore_prior_fit(evidence, cnt, ret_prior);
    free(evidence);
    return err == 0;
}

struct qbid_curve qbid_budget_curve(const struct qbid_budget_campaign *campaign,
                                    struct qbid_explore_prior prior)
{
    double scale = qbid_explore_mean(prior, &campaign->evidence);
    return (struct qbid_curve){QBID_CURVE_POWER, scale, campaign->shape, 0};
}

struct qbid_curve qbid_budget_curve_draw(const struct qbid_budget_campaign *campaign,
                                         struct qbid_explore_prior prior,
                                         struct qbid_random *random)
{
    double scale = qbid_explore_scale(prior, &campaign->evidence, random);
    double shape = campaign->shape + campaign->shape_sd * qbid_random_normal(random);
    shape = fmin(fmax(shape, QBID_BUDGET_SHAPE_LOW), QBID_BUDGET_SHAPE_HIGH);
    scale *= pow(units(campaign->budget_nanos), campaign->shape - shape);
    return (struct qbid_curve){QBID_CURVE_POWER, fmax(scale, 1e-9), shape, 0};
}
