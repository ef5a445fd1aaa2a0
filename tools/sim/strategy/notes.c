/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the design notes, as ALGORITHMS 2.1, 3.4, 4.3 and 12 quote them:
 *
 *   bid       = order value x cvr / target ROAS, cvr = 0.7 recent + 0.3 historical, x 1.1 in peak
 *               hours, x 1.15 on desktop, x 1.1 in the feed; scaled by recent ROAS / target, with
 *               limits on level and change
 *   budgets   : every two minutes the worst fifth of a campaign's line items gives half of what it
 *               has left to the best fifth
 *   pacing    : auctions are skipped when spend runs ahead of the clock
 *   creatives : rotation weighted by CTR; one whose hourly CTR falls by more than 0.15 rests a day
 *
 * Read kindly where they are silent or wrong: the rate is per impression (per click as written, the
 * bid would be fifty times too high), "recent" is a day, budgets never fall below a tenth of an
 * equal split, and the target is the one that spends the day's money best, found in hindsight.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/event.h"
#include "shm/units.h"
#include "tools/sim/strategy/purse.h"
#include "tools/sim/random.h"

#define HOURS_KEPT 24
#define PEAK_FROM 18
#define PEAK_TO 22
#define DESKTOP 0
#define FEED 0
#define SHIFT_S 120
#define PACE_S 30
#define SCALE_S 300
#define SCALE_STEP 0.2
#define CEILING_MICROS 200e6
#define SLOPE -0.15
#define SLOPE_HOURS 6
#define REST_H 24

struct counts {
    double imps, clicks, convs, value_nanos, spend_nanos;
};

struct line {
    struct counts all, hour[HOURS_KEPT]; /* by hour modulo */
    struct counts creative[QBID_SIM_CREATIVES];
    double ctr_hour[QBID_SIM_CREATIVES][SLOPE_HOURS];
    double hour_imps[QBID_SIM_CREATIVES], hour_clicks[QBID_SIM_CREATIVES];
    uint64_t rests_until_h[QBID_SIM_CREATIVES];
    double scale;
    double cpm_micros;                /* bid before the hand multipliers */
    double budget_nanos, spent_nanos; /* today */
};

struct notes {
    const struct qbid_sim_brief *brief;
    struct qbid_sim_purse purse;
    struct qbid_sim_random r;
    struct line line[QBID_SIM_LINE_ITEMS_MAX];
    double join[QBID_SIM_CAMPAIGNS_MAX]; /* part of the auctions that it takes part in */
    uint64_t day, hour;
};

static int begin(const struct qbid_sim_brief *brief, void **ret_self)
{
    struct notes *s = calloc(1, sizeof *s);
    if (!s)
        return QBID_ERR_NOMEM;
    s->brief = brief;
    s->r = qbid_sim_random_of(brief->seed, 6);
    s->day = s->hour = UINT64_MAX;
    for (uint32_t i = 0; i < brief->market->line_item_cnt; i++)
        s->line[i].scale = 1;
    qbid_sim_purse_init(&s->purse, brief);
    *ret_self = s;
    return 0;
}

static struct counts recent_of(const struct line *l)
{
    struct counts sum = {0};
    for (unsigned h = 0; h < HOURS_KEPT; h++) {
        sum.imps += l->hour[h].imps;
        sum.convs += l->hour[h].convs;
        sum.value_nanos += l->hour[h].value_nanos;
        sum.spend_nanos += l->hour[h].spend_nanos;
    }
    return sum;
}

static double target_of(const struct notes *s, uint32_t campaign)
{
    const struct qbid_sim_task *t = &s->brief->task[campaign];
    if (t->goal == QBID_GOAL_TARGET_ROAS)
        return (double)t->target_micros / 1e6;
    return 1 / s->brief->level[campaign];
}

/* What one conversion is worth to the goal, in micros, before the target. */
static double order_of(const struct notes *s, uint32_t i)
{
    const struct qbid_sim_line_item *li = &s->brief->market->line_item[i];
    const struct qbid_sim_task *t = &s->brief->task[li->campaign];
    return t->goal == QBID_GOAL_TARGET_CPA
               ? (double)t->target_micros / s->brief->level[li->campaign]
               : li->order_value_micros;
}

static void bid_update(struct notes *s, uint32_t i)
{
    struct line *l = &s->line[i];
    struct counts recent = recent_of(l);
    double prior = QBID_SIM_BASE_CTR * QBID_SIM_BASE_CVR;
    double now = recent.convs > 0 ? recent.convs / recent.imps : prior;
    double ever = l->all.convs > 0 ? l->all.convs / l->all.imps : prior;
    double target = target_of(s, s->brief->market->line_item[i].campaign);
    double cvr = 0.7 * now + 0.3 * ever;
    double cpm = order_of(s, i) * cvr / target * 1000 * l->scale;
    l->cpm_micros = fmin(cpm, CEILING_MICROS);
}

static void scale_update(struct notes *s, uint32_t i)
{
    struct line *l = &s->line[i];
    struct counts recent = recent_of(l);
    double target = target_of(s, s->brief->market->line_item[i].campaign);
    double ratio = recent.spend_nanos > 0 && recent.convs > 0
                       ? recent.value_nanos / recent.spend_nanos / target
                       : 1;
    ratio = fmin(fmax(ratio, 1 - SCALE_STEP), 1 + SCALE_STEP);
    l->scale = fmin(fmax(l->scale * (1 + (ratio - 1) * 0.1), 0.5), 2);
}

static bool resting(const struct notes *s, const struct line *l, uint32_t k)
{
    return s->hour != UINT64_MAX && l->rests_until_h[k] > s->hour;
}

static uint32_t creative_draw(struct notes *s, const struct line *l)
{
    double weight[QBID_SIM_CREATIVES], sum = 0;
    for (uint32_t k = 0; k < QBID_SIM_CREATIVES; k++) {
        weight[k] = resting(s, l, k) ? 0
                                     : (l->creative[k].clicks + 1) /
                                           (l->creative[k].imps + 1 / QBID_SIM_BASE_CTR);
        sum += weight[k];
    }
    if (sum <= 0)
        return qbid_sim_below(&s->r, QBID_SIM_CREATIVES);
    double at = qbid_sim_unit(&s->r) * sum;
    uint32_t k = 0;
    while (k + 1 < QBID_SIM_CREATIVES && (at -= weight[k]) > 0)
        k++;
    return k;
}

static double hand_multipliers(const struct qbid_sim_auction *a)
{
    unsigned hour = a->value[QBID_DIM_HOUR] % 24u;
    double m = hour >= PEAK_FROM && hour < PEAK_TO ? 1.1 : 1;
    m *= a->value[QBID_DIM_DEVICE] == DESKTOP ? 1.15 : 1;
    return a->value[QBID_DIM_POSITION] == FEED ? m * 1.1 : m;
}

static bool bid(void *self, const struct qbid_sim_auction *a, struct qbid_sim_bid *ret_bid)
{
    struct notes *s = self;
    const struct qbid_sim_market *m = s->brief->market;
    double best = 0, draw = qbid_sim_unit(&s->r);
    for (uint32_t i = 0; i < m->line_item_cnt; i++) {
        const struct line *l = &s->line[i];
        if (draw < s->join[m->line_item[i].campaign] && l->cpm_micros > best &&
            l->spent_nanos < l->budget_nanos && qbid_sim_eligible(&m->line_item[i], a)) {
            best = l->cpm_micros;
            ret_bid->line_item = i;
        }
    }
    best *= hand_multipliers(a);
    if (best < 1 || best < (double)a->floor_micros)
        return false;
    ret_bid->bid_micros = (int64_t)best;
    ret_bid->creative = creative_draw(s, &s->line[ret_bid->line_item]);
    return qbid_sim_purse_reserve(&s->purse, m->line_item[ret_bid->line_item].campaign, ret_bid);
}

static void hear(void *self, const struct qbid_sim_notice *n, uint32_t worker)
{
    struct notes *s = self;
    struct line *l = &s->line[n->bid.line_item];
    struct counts *hour = &l->hour[s->hour % HOURS_KEPT];
    int64_t spent = qbid_sim_purse_hear(&s->purse, n);
    uint32_t k = n->bid.creative;
    (void)worker;
    l->spent_nanos += (double)spent;
    hour->spend_nanos += (double)spent;
    switch (n->kind) {
    case QBID_EVENT_BILL:
        l->all.imps += spent > 0;
        hour->imps += spent > 0;
        l->creative[k].imps += spent > 0;
        l->hour_imps[k] += spent > 0;
        break;
    case QBID_EVENT_CLICK:
        l->creative[k].clicks++;
        l->hour_clicks[k]++;
        break;
    case QBID_EVENT_CONV:
        l->all.convs++;
        hour->convs++;
        hour->value_nanos +=
            s->brief->task[s->brief->market->line_item[n->bid.line_item].campaign].goal ==
                    QBID_GOAL_TARGET_CPA
                ? order_of(s, n->bid.line_item) * 1000
                : (double)n->price_nanos;
        break;
    default:
        break;
    }
}

/* The line items [first, first + n) of a campaign: the worst fifth gives to the best fifth. */
static void budgets_shift(struct notes *s, uint32_t first, uint32_t n)
{
    uint32_t order[QBID_SIM_LINE_ITEMS_MAX], fifth = n / 5 ? n / 5 : 1;
    double roas[QBID_SIM_LINE_ITEMS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        struct counts recent = recent_of(&s->line[first + i]);
        double value = recent.spend_nanos > 0 ? recent.value_nanos / recent.spend_nanos : 0;
        uint32_t at = i;
        for (; at > 0 && roas[order[at - 1]] > value; at--)
            order[at] = order[at - 1];
        order[at] = i;
        roas[i] = value;
    }
    double least = 0.1 *
                   (double)s->purse.budget_nanos[s->brief->market->line_item[first].campaign] /
                   (double)n;
    for (uint32_t k = 0; k < fifth && n > 1; k++) {
        struct line *from = &s->line[first + order[k]], *to = &s->line[first + order[n - 1 - k]];
        double gift = fmin(0.5 * (from->budget_nanos - from->spent_nanos),
                           from->budget_nanos - fmax(least, from->spent_nanos));
        if (roas[order[k]] < roas[order[n - 1 - k]] && gift > 0) {
            from->budget_nanos -= gift;
            to->budget_nanos += gift;
        }
    }
}

static void pace_update(struct notes *s, uint64_t now_ns)
{
    const uint64_t day_ns = 86400 * QBID_NS_PER_S;
    double plan = (double)(now_ns % day_ns) / (double)day_ns;
    for (uint32_t c = 0; c < s->brief->market->params.campaigns; c++) {
        double wanted = plan * (double)s->purse.budget_nanos[c];
        double ratio = wanted > 0 ? (double)s->purse.spent_nanos[c] / wanted : 1;
        s->join[c] *= ratio > 1.05 ? 0.9 : ratio < 0.95 ? 1.1 : 1;
        s->join[c] = fmin(fmax(s->join[c], 0.01), 1);
    }
}

/* Least squares of the last hours' CTR, against their mean. */
static void fatigue_look(struct notes *s, struct line *l, uint32_t k)
{
    double *ctr = l->ctr_hour[k], mean = 0, slope = 0, spread = 0;
    memmove(ctr, ctr + 1, (SLOPE_HOURS - 1) * sizeof *ctr);
    ctr[SLOPE_HOURS - 1] = l->hour_imps[k] > 0 ? l->hour_clicks[k] / l->hour_imps[k] : 0;
    l->hour_imps[k] = l->hour_clicks[k] = 0;
    for (unsigned h = 0; h < SLOPE_HOURS; h++)
        mean += ctr[h] / SLOPE_HOURS;
    for (unsigned h = 0; h < SLOPE_HOURS; h++) {
        double x = h - (SLOPE_HOURS - 1) / 2.0;
        slope += x * ctr[h];
        spread += x * x;
    }
    if (mean > 0 && slope / spread / mean < SLOPE)
        l->rests_until_h[k] = s->hour + REST_H;
}

static void day_begin(struct notes *s)
{
    const struct qbid_sim_market *m = s->brief->market;
    for (uint32_t i = 0; i < m->line_item_cnt; i++) {
        uint32_t c = m->line_item[i].campaign;
        s->line[i].spent_nanos = 0;
        s->line[i].budget_nanos = (double)s->purse.budget_nanos[c] / (double)m->params.line_items;
    }
    for (uint32_t c = 0; c < m->params.campaigns; c++)
        s->join[c] = 1;
}

static void hour_begin(struct notes *s, uint64_t hour)
{
    s->hour = hour;
    for (uint32_t i = 0; i < s->brief->market->line_item_cnt; i++) {
        s->line[i].hour[hour % HOURS_KEPT] = (struct counts){0};
        for (uint32_t k = 0; k < QBID_SIM_CREATIVES; k++)
            fatigue_look(s, &s->line[i], k);
    }
}

static int tick(void *self, uint64_t now_ns)
{
    struct notes *s = self;
    const struct qbid_sim_market_params *p = &s->brief->market->params;
    uint64_t now_s = now_ns / QBID_NS_PER_S;
    qbid_sim_purse_tick(&s->purse, now_ns);
    if (s->day != s->purse.day)
        day_begin(s);
    s->day = s->purse.day;
    if (s->hour != now_s / 3600)
        hour_begin(s, now_s / 3600);
    for (uint32_t i = 0; i < s->brief->market->line_item_cnt && now_s % SCALE_S == 0; i++)
        scale_update(s, i);
    if (now_s % PACE_S == 0) {
        pace_update(s, now_ns);
        for (uint32_t i = 0; i < s->brief->market->line_item_cnt; i++)
            bid_update(s, i);
    }
    for (uint32_t c = 0; c < p->campaigns && now_s % SHIFT_S == 0; c++)
        budgets_shift(s, c * p->line_items, p->line_items);
    return 0;
}

const struct qbid_sim_strategy qbid_sim_strategy_notes = {.name = "notes",
                                                          .text = "the rules of the design notes",
                                                          .begin = begin,
                                                          .end = free,
                                                          .bid = bid,
                                                          .hear = hear,
                                                          .tick = tick};
