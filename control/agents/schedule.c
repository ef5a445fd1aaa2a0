/* SPDX-License-Identifier: Apache-2.0 */
#include "control/agents/schedule.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/agents/synthesiser_cells.h"
#include "control/models/meta/discoveries.h"
#include "control/models/meta/meta.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"

#define NAME "schedule"
#define HOURS 24
#define WEEK_DAYS 7
#define EVENTS_MIN 100 /* of a campaign */
#define TAU_SCALE 0.3  /* about as far as hours of a day differ, in logs */
#define SHARE_MIN 0.02 /* of a line item's spend: less is not worth a change */
#define SHARE_MAX 0.5  /* more is no longer hours among others */
#define NORMAL_90 1.6448536269514722

/* A line item on an exchange, by hour of the day. */
struct stratum {
    uint32_t campaign, line_item, exchange;
    double spend[HOURS], events[2][HOURS]; /* clicks, conversions */
};

struct strata {
    struct stratum *list; /* by campaign and line item */
    uint32_t cnt;
};

/* A campaign's hours. */
struct campaign_hours {
    const struct qbid_campaign_def *def;
    uint32_t from, end; /* its strata */
    bool clicks;        /* what is counted */
    double events;
    struct qbid_gains_effect effect[HOURS];
    double log[HOURS], variance[HOURS], p[HOURS]; /* p > 1: too little to say */
    double own[HOURS], own_sd[HOURS];             /* as believed; 0 where nothing is */
    bool bad[HOURS];
};

/* --- counts */

/* Hour of the day of a context; HOURS where it is not known. */
static uint32_t hour_of(const struct qbid_dictionary *dictionary, uint64_t context)
{
    uint32_t index = qbid_dim_unpack(context, QBID_DIM_HOUR);
    char *end;
    if (index == 0)
        return HOURS;
    const char *text = qbid_dictionary_text(dictionary, QBID_DIM_HOUR, index);
    unsigned long hour = strtoul(text, &end, 10);
    return end == text || *end || hour >= HOURS * WEEK_DAYS ? HOURS : (uint32_t)(hour % HOURS);
}

static int by_stratum(const void *a, const void *b)
{
    const struct stratum *x = a, *y = b;
    if (x->campaign != y->campaign)
        return x->campaign < y->campaign ? -1 : 1;
    if (x->line_item != y->line_item)
        return x->line_item < y->line_item ? -1 : 1;
    return (x->exchange > y->exchange) - (x->exchange < y->exchange);
}

static void stratum_merge(struct stratum *to, const struct stratum *from)
{
    for (int h = 0; h < HOURS; h++) {
        to->spend[h] += from->spend[h];
        to->events[0][h] += from->events[0][h];
        to->events[1][h] += from->events[1][h];
    }
}

/* One line item's cells, exchange by exchange, at the end of the list. */
static void item_collect(const struct qbid_gains_search *search, struct strata *strata,
                         const struct qbid_synthesiser_cell *cell, uint32_t first)
{
    uint32_t h = hour_of(search->dictionary, cell->context), at = first;
    if (h == HOURS)
        return;
    while (at < strata->cnt && strata->list[at].exchange != cell->exchange)
        at++;
    struct stratum *s = &strata->list[at];
    if (at == strata->cnt) {
        strata->cnt++;
        *s = (struct stratum){
            .campaign = cell->campaign, .line_item = cell->line_item, .exchange = cell->exchange};
    }
    s->spend[h] += cell->count[QBID_SYNTHESISER_SPEND];
    s->events[0][h] += cell->count[QBID_SYNTHESISER_CLICKS];
    s->events[1][h] += cell->count[QBID_SYNTHESISER_CONVS];
}

static uint32_t pairs_of(const struct qbid_synthesiser_cells *cells)
{
    uint32_t items = 0;
    for (uint32_t i = 0; i < cells->cnt; i++)
        items += i == 0 || cells->cell[i].line_item != cells->cell[i - 1].line_item;
    uint64_t most = (uint64_t)items << QBID_DIM_BITS_EXCHANGE;
    return most < cells->cnt ? (uint32_t)most : cells->cnt;
}

static int strata_make(const struct qbid_gains_search *search, struct strata *strata)
{
    struct qbid_synthesiser_cells cells;
    int err = qbid_synthesiser_cells_new(search->inputs->account, search->inputs->snapshot,
                                         search->campaign_id, &cells);
    if (err)
        return err;
    uint32_t first = 0;
    strata->list = malloc((pairs_of(&cells) + 1) * sizeof *strata->list);
    for (uint32_t i = 0; strata->list && i < cells.cnt; i++) {
        const struct qbid_synthesiser_cell *cell = &cells.cell[i];
        if (i == 0 || cell->line_item != cells.cell[i - 1].line_item)
            first = strata->cnt;
        item_collect(search, strata, cell, first);
    }
    qbid_synthesiser_cells_done(&cells);
    if (!strata->list)
        return QBID_ERR_NOMEM;
    qsort(strata->list, strata->cnt, sizeof *strata->list, by_stratum);
    return 0;
}

/* --- effects */

static void stratum_add(struct campaign_hours *c, const struct stratum *s)
{
    const double *events = s->events[c->clicks ? 0 : 1];
    double all_events = 0, all_spend = 0;
    for (int h = 0; h < HOURS; h++)
        all_events += events[h], all_spend += s->spend[h];
    c->events += all_events;
    for (int h = 0; h < HOURS; h++)
        qbid_gains_effect_add(&c->effect[h], events[h], s->spend[h], all_events - events[h],
                              all_spend - s->spend[h]);
}

/* The next campaign's strata, tested; its p-values go to the list of all. */
static uint32_t campaign_test(const struct qbid_gains_search *search, const struct strata *strata,
                              uint32_t from, struct campaign_hours *c, double *p, uint32_t *p_cnt)
{
    *c = (struct campaign_hours){.from = from, .end = from};
    c->def = qbid_account_campaign(search->inputs->account, strata->list[from].campaign);
    c->clicks = c->def && qbid_gains_wants_clicks(c->def);
    for (; c->end < strata->cnt && strata->list[c->end].campaign == strata->list[from].campaign;
         c->end++)
        stratum_add(c, &strata->list[c->end]);
    for (int h = 0; h < HOURS; h++) {
        bool told = c->def && c->events >= EVENTS_MIN &&
                    qbid_gains_effect_test(&c->effect[h], &c->log[h], &c->variance[h], &c->p[h]);
        if (told)
            p[(*p_cnt)++] = c->p[h];
        else
            c->p[h] = 2;
    }
    return c->end;
}

/* Hours that bring less, credibly, among those that were found. */
static bool campaign_judge(struct campaign_hours *c, double limit)
{
    struct qbid_meta_study study[HOURS];
    struct qbid_meta_belief belief;
    int hour[HOURS], cnt = 0;
    bool any = false;
    for (int h = 0; h < HOURS; h++) {
        if (c->p[h] > 1)
            continue;
        any |= c->p[h] <= limit && c->log[h] < 0;
        study[cnt] = (struct qbid_meta_study){.effect = c->log[h], .variance = c->variance[h]};
        hour[cnt++] = h;
    }
    if (!any || qbid_meta_believe(study, (uint32_t)cnt, TAU_SCALE, &belief))
        return false;
    any = false;
    for (int i = 0; i < cnt; i++) {
        int h = hour[i];
        c->own[h] = study[i].own, c->own_sd[h] = study[i].own_sd;
        c->bad[h] = c->p[h] <= limit &&
                    0.5 * erfc(c->own[h] / (c->own_sd[h] * sqrt(2))) >= QBID_SCHEDULE_CREDIBLE;
        any |= c->bad[h];
    }
    return any;
}

/* --- proposals */

/* What a line item has at stake. */
struct stake {
    const struct qbid_line_item_def *item;
    double share[HOURS], bad; /* of its spend */
    double value;             /* a day, currency units */
    double events;
};

static bool stake_of(const struct qbid_gains_search *search, const struct campaign_hours *c,
                     const struct stratum *hours, struct stake *s)
{
    struct qbid_series_key key = {.id = hours->line_item, .kind = QBID_SERIES_LINE_ITEM};
    const struct qbid_agent_inputs *in = search->inputs;
    struct qbid_stats day = qbid_snapshot_query(in->snapshot, key, QBID_WINDOW_24H, in->now_ns);
    struct qbid_stats all = qbid_snapshot_query(in->snapshot, key, QBID_WINDOW_ALL, in->now_ns);
    double spend = 0;
    *s = (struct stake){.item = qbid_account_line_item(in->account, hours->line_item)};
    for (int h = 0; h < HOURS; h++)
        spend += hours->spend[h];
    if (!s->item || !s->item->active || !(spend > 0) || day.spend_nanos <= 0)
        return false;
    for (int h = 0; h < HOURS; h++) {
        s->share[h] = hours->spend[h] / spend;
        s->bad += c->bad[h] ? s->share[h] : 0;
        s->events += hours->events[c->clicks ? 0 : 1][h];
    }
    /* a click is worth what it costs, where nothing says what it is worth */
    s->value = (double)day.spend_nanos / (double)QBID_NANOS_PER_UNIT;
    if (all.value_nanos > 0 && all.spend_nanos > 0)
        s->value *= (double)all.value_nanos / (double)all.spend_nanos;
    return s->bad >= SHARE_MIN && s->bad <= SHARE_MAX;
}

static void judge(const struct qbid_gains_search *search, const struct campaign_hours *c,
                  const struct stake *s, const struct qbid_robust *exponent, struct qbid_gains *g)
{
    for (int d = 0; d < QBID_GAINS_DRAWS; d++) {
        double total = 0, kept = 0, rate = s->events + 0.5;
        for (int h = 0; h < HOURS; h++) {
            double x = c->own[h] + c->own_sd[h] * qbid_random_normal(search->random);
            total += s->share[h] * exp(x);
            kept += c->bad[h] ? 0 : s->share[h] * exp(x);
        }
        double shape = qbid_gains_exponent_draw(exponent, search->random);
        rate = qbid_random_gamma(search->random, rate) / rate;
        g->gain[d] = s->value * rate * (kept * pow(1 - s->bad, -shape) / total - 1);
    }
    qbid_gains_judge(g);
}

/* "2, 3 and 17"; the ratio of the worst, and of the best hour. */
static void hours_say(const struct campaign_hours *c, char out[128], int *ret_worst, int *ret_best)
{
    size_t at = 0;
    *ret_worst = *ret_best = -1;
    out[0] = '\0';
    for (int h = 0; h < HOURS; h++) {
        if (c->p[h] <= 1 && (*ret_best < 0 || c->own[h] > c->own[*ret_best]))
            *ret_best = h;
        if (!c->bad[h])
            continue;
        if (*ret_worst < 0 || c->own[h] < c->own[*ret_worst])
            *ret_worst = h;
        at += (size_t)snprintf(out + at, 128 - at, "%s%d", at ? ", " : "", h);
    }
}

static void reason_write(const struct campaign_hours *c, const struct stake *s,
                         const struct qbid_gains *g, double limit, struct qbid_proposal *p)
{
    char hours[128];
    int worst, best;
    hours_say(c, hours, &worst, &best);
    snprintf(
        p->reason, sizeof p->reason,
        "Hours %s on users' clocks bring less %s by money spent than the other hours of campaign "
        "%" PRIu32 ": hour %d x%.2f (90 %% between %.2f and %.2f; p %.2g, reported up to %.2g, so "
        "that a tenth of all that is found is false at most); hour %d is best with x%.2f. They "
        "take %.1f %% of this line item's spend; the same budget without them adds %.2f a day (90 "
        "%% between %.2f and %.2f). Evidence: %.0f %s since the campaign began.",
        hours, c->clicks ? "clicks" : "conversions", c->def->id, worst, exp(c->own[worst]),
        exp(c->own[worst] - NORMAL_90 * c->own_sd[worst]),
        exp(c->own[worst] + NORMAL_90 * c->own_sd[worst]), c->p[worst], limit, best,
        exp(c->own[best]), 100 * s->bad, g->mean, g->low, g->high, c->events,
        c->clicks ? "clicks" : "conversions");
}

/* Hours of the week of the bad hours of the day, as targeting names them. */
static bool recommended_write(const struct campaign_hours *c, const struct stake *s,
                              char out[QBID_PROPOSAL_VALUE_MAX])
{
    char text[HOURS * WEEK_DAYS][8];
    const char *value[HOURS * WEEK_DAYS];
    uint32_t cnt = 0;
    for (int day = 0; day < WEEK_DAYS; day++)
        for (int h = 0; h < HOURS; h++)
            if (c->bad[h]) {
                snprintf(text[cnt], sizeof text[cnt], "%d", day * HOURS + h);
                value[cnt] = text[cnt];
                cnt++;
            }
    return qbid_gains_without(&s->item->target[QBID_DIM_HOUR], value, cnt, out);
}

static void stake_propose(const struct qbid_gains_search *search, const struct campaign_hours *c,
                          const struct stake *s, const struct qbid_robust *exponent, double limit)
{
    const struct qbid_agent_inputs *in = search->inputs;
    struct qbid_gains g;
    struct qbid_proposal p = {.type = QBID_PROPOSAL_SCHEDULE,
                              .agent = NAME,
                              .item = QBID_ITEM_LINE_ITEM,
                              .item_id = s->item->id,
                              .field = "hour",
                              .evidence_from_unix_s = c->def->start_unix_s,
                              .evidence_to_unix_s = in->unix_s};
    judge(search, c, s, exponent, &g);
    uint64_t what = qbid_mix64(qbid_hash_name(NAME, strlen(NAME)) ^ s->item->id);
    if (!qbid_gains_worth(&g, s->value) || !recommended_write(c, s, p.recommended) ||
        !qbid_gains_current(&p, s->item) ||
        (search->memory &&
         qbid_gains_remembered(search->memory, what, in->unix_s, search->again_s)))
        return;
    if (p.evidence_from_unix_s > p.evidence_to_unix_s)
        p.evidence_from_unix_s = p.evidence_to_unix_s;
    qbid_gains_tell(&g, s->value, &p);
    p.touched = qbid_gains_touched(in, s->item, s->bad);
    reason_write(c, s, &g, limit, &p);
    p.id = qbid_proposal_id(&p);
    search->give(search->give_context, &p);
}

static int campaign_propose(const struct qbid_gains_search *search, const struct strata *strata,
                            const struct campaign_hours *c, double limit)
{
    const struct qbid_agent_inputs *in = search->inputs;
    struct qbid_robust exponent;
    if (!c->def->active || c->def->end_unix_s <= in->unix_s || !qbid_gains_bound(in, c->def) ||
        qbid_agent_held(in, c->def->id))
        return 0;
    int err = qbid_gains_exponent(search->store, c->def, &exponent);
    for (uint32_t i = c->from; i < c->end && !err;) {
        struct stratum item = strata->list[i];
        struct stake stake;
        for (i++; i < c->end && strata->list[i].line_item == item.line_item; i++)
            stratum_merge(&item, &strata->list[i]);
        if (stake_of(search, c, &item, &stake))
            stake_propose(search, c, &stake, &exponent, limit);
    }
    return err;
}

int qbid_schedule_find(const struct qbid_gains_search *search)
{
    struct strata strata = {NULL, 0};
    struct campaign_hours *list = NULL;
    double *p = NULL, limit = -1;
    uint32_t campaigns = 0, p_cnt = 0;
    int err = strata_make(search, &strata);
    for (uint32_t i = 0; !err && i < strata.cnt; i++)
        campaigns += i == 0 || strata.list[i].campaign != strata.list[i - 1].campaign;
    if (!err) {
        list = malloc((campaigns + 1) * sizeof *list);
        p = malloc(((size_t)campaigns * HOURS + 1) * sizeof *p);
        err = list && p ? 0 : QBID_ERR_NOMEM;
    }
    campaigns = 0;
    for (uint32_t i = 0; !err && i < strata.cnt; campaigns++)
        i = campaign_test(search, &strata, i, &list[campaigns], p, &p_cnt);
    if (!err)
        limit = qbid_discoveries_limit(p, p_cnt, QBID_DISCOVERIES_FALSE);
    for (uint32_t k = 0; !err && limit >= 0 && k < campaigns; k++)
        if (campaign_judge(&list[k], limit))
            err = campaign_propose(search, &strata, &list[k], limit);
    free(strata.list);
    free(list);
    free(p);
    return err;
}

const struct qbid_gains_kind qbid_schedule_kind = {NAME, QBID_SCHEDULE_PERIOD_NS,
                                                   qbid_schedule_find};
