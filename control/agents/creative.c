/* SPDX-License-Identifier: Apache-2.0 */
#include "control/agents/creative.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/meta/discoveries.h"
#include "control/models/meta/meta.h"
#include "control/store/store_records.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"

#define NAME "creative"
#define DAY_S 86400
#define WEEK_DAYS 7
#define EVENTS_MIN 30  /* of a slot of a line item */
#define TAU_SCALE 0.5  /* about as far as creatives differ, in logs */
#define SHARE_MIN 0.01 /* of its slot's impressions: less is not worth a change */
#define SLOT_MAX 32
#define NORMAL_90 1.6448536269514722

/* An active creative, and what is found of it. */
struct contestant {
    const struct qbid_creative_def *def;
    const struct qbid_line_item_def *item;
    const struct qbid_campaign_def *campaign;
    char slot[SLOT_MAX];
    bool clicks; /* what is counted */
    struct qbid_gains_effect effect;
    double log, variance, p; /* p > 1: too little to say */
    double own, own_sd;
    double week; /* impressions of the last week */
};

struct day {
    uint32_t contestant, pad;
    int64_t day;
    double shown, events, spend, value;
};

struct contest {
    const struct qbid_gains_search *search;
    struct contestant *list; /* by tenant, line item and slot */
    uint32_t cnt;
    struct day *day; /* by contestant and day */
    uint32_t day_cnt, day_max;
    int64_t today;
    double limit; /* p-value up to which is reported */
};

/* --- who is in it */

static int by_slot(const void *a, const void *b)
{
    const struct contestant *x = a, *y = b;
    if (x->campaign->tenant_id != y->campaign->tenant_id)
        return x->campaign->tenant_id < y->campaign->tenant_id ? -1 : 1;
    if (x->item->id != y->item->id)
        return x->item->id < y->item->id ? -1 : 1;
    int order = strcmp(x->slot, y->slot);
    return order ? order : (x->def->id > y->def->id) - (x->def->id < y->def->id);
}

static int contestants_make(struct contest *c)
{
    const struct qbid_agent_inputs *in = c->search->inputs;
    const struct qbid_account *a = in->account;
    c->list = malloc((a->creative_cnt + 1) * sizeof *c->list);
    if (!c->list)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < a->creative_cnt; i++) {
        const struct qbid_creative_def *def = &a->creatives[i];
        const struct qbid_line_item_def *item = qbid_account_line_item(a, def->line_item_id);
        const struct qbid_campaign_def *campaign =
            item ? qbid_account_campaign(a, item->campaign_id) : NULL;
        if (!campaign || !def->active || !item->active || !campaign->active ||
            campaign->end_unix_s <= in->unix_s ||
            (c->search->campaign_id && c->search->campaign_id != campaign->id))
            continue;
        struct contestant *k = &c->list[c->cnt++];
        *k = (struct contestant){.def = def,
                                 .item = item,
                                 .campaign = campaign,
                                 .clicks = qbid_gains_wants_clicks(campaign),
                                 .p = 2};
        qbid_creative_slot(def, k->slot);
    }
    qsort(c->list, c->cnt, sizeof *c->list, by_slot);
    return 0;
}

/* End of the contestants that are shown in each other's stead. */
static uint32_t siblings_end(const struct contest *c, uint32_t from)
{
    uint32_t end = from;
    while (end < c->cnt && c->list[end].item == c->list[from].item &&
           strcmp(c->list[end].slot, c->list[from].slot) == 0)
        end++;
    return end;
}

/* --- their days */

struct reading {
    struct contest *contest;
    uint32_t contestant;
};

static int day_take(void *context, const struct qbid_store_creative_day *d)
{
    struct reading *r = context;
    struct contest *c = r->contest;
    if (c->day_cnt == c->day_max) {
        uint32_t max = c->day_max ? 2 * c->day_max : 256;
        struct day *more = realloc(c->day, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        c->day = more;
        c->day_max = max;
    }
    const struct contestant *k = &c->list[r->contestant];
    c->day[c->day_cnt++] =
        (struct day){.contestant = r->contestant,
                     .day = d->day,
                     .shown = (double)(d->stats.imps ? d->stats.imps : d->stats.bills),
                     .events = (double)(k->clicks ? d->stats.clicks : d->stats.convs),
                     .spend = (double)d->stats.spend_nanos / (double)QBID_NANOS_PER_UNIT,
                     .value = (double)d->stats.value_nanos / (double)QBID_NANOS_PER_UNIT};
    return 0;
}

/* Days of creatives that have siblings; the others have nobody to be compared with. */
static int days_read(struct contest *c)
{
    int err = 0;
    for (uint32_t i = 0, end; i < c->cnt && !err; i = end) {
        end = siblings_end(c, i);
        for (uint32_t k = i; k < end && end - i >= 2 && !err; k++) {
            struct reading reading = {c, k};
            err = qbid_store_load_creative_days(c->search->store, c->list[k].def->id,
                                                c->today - QBID_CREATIVE_DAYS + 1, day_take,
                                                &reading);
        }
    }
    return err;
}

/* --- effects */

/* What the siblings of a slot did together, day by day. */
struct slot {
    uint32_t from, end;         /* contestants */
    uint32_t day_from, day_end; /* their days */
    double shown[QBID_CREATIVE_DAYS], events[QBID_CREATIVE_DAYS];
    double all, week, value; /* events; impressions and value a day of the last week */
};

/* Place of a day among the last ones; it was read, so it is one of them. */
static uint32_t place_of(const struct contest *c, const struct day *d)
{
    int64_t place = c->today - d->day;
    return place < 0 ? 0 : place >= QBID_CREATIVE_DAYS ? QBID_CREATIVE_DAYS - 1 : (uint32_t)place;
}

static void slot_sum(const struct contest *c, struct slot *s)
{
    double spend = 0, value = 0;
    uint32_t days = 1;
    for (uint32_t i = s->day_from; i < s->day_end; i++) {
        const struct day *d = &c->day[i];
        uint32_t place = place_of(c, d);
        s->shown[place] += d->shown;
        s->events[place] += d->events;
        s->all += d->events;
        if (place >= WEEK_DAYS)
            continue;
        days = place + 1 > days ? place + 1 : days;
        s->week += d->shown;
        spend += d->spend, value += d->value;
    }
    /* an event is worth what it costs, where nothing says what it is worth */
    s->value = (value > 0 ? value : spend) / days;
}

static void slot_test(struct contest *c, const struct slot *s, double *p, uint32_t *p_cnt)
{
    for (uint32_t i = s->day_from; i < s->day_end; i++) {
        const struct day *d = &c->day[i];
        uint32_t place = place_of(c, d);
        struct contestant *k = &c->list[d->contestant];
        qbid_gains_effect_add(&k->effect, d->events, d->shown, s->events[place] - d->events,
                              s->shown[place] - d->shown);
        k->week += place < WEEK_DAYS ? d->shown : 0;
    }
    for (uint32_t i = s->from; i < s->end && s->all >= EVENTS_MIN; i++) {
        struct contestant *k = &c->list[i];
        if (qbid_gains_effect_test(&k->effect, &k->log, &k->variance, &k->p))
            p[(*p_cnt)++] = k->p;
        else
            k->p = 2;
    }
}

/* All slots in order; their days lie in the same order. */
static uint32_t slot_next(const struct contest *c, uint32_t from, uint32_t day_from, struct slot *s)
{
    *s = (struct slot){.from = from, .end = siblings_end(c, from), .day_from = day_from};
    s->day_end = day_from;
    while (s->day_end < c->day_cnt && c->day[s->day_end].contestant < s->end)
        s->day_end++;
    slot_sum(c, s);
    return s->day_end;
}

/* The tenant's creatives from one on, shrunk to each other; returns where they end. */
static uint32_t tenant_believe(struct contest *c, uint32_t from)
{
    struct qbid_meta_study *study = malloc(QBID_META_STUDIES_MAX * sizeof *study);
    struct qbid_meta_belief belief;
    uint32_t end = from, cnt = 0;
    bool any = false;
    for (; end < c->cnt && c->list[end].campaign->tenant_id == c->list[from].campaign->tenant_id;
         end++) {
        const struct contestant *k = &c->list[end];
        any |= k->p <= c->limit && k->log < 0;
        if (study && k->p <= 1 && cnt < QBID_META_STUDIES_MAX)
            study[cnt++] = (struct qbid_meta_study){.effect = k->log, .variance = k->variance};
    }
    if (study && any && qbid_meta_believe(study, cnt, TAU_SCALE, &belief) == 0)
        for (uint32_t i = from, at = 0; i < end && at < cnt; i++)
            if (c->list[i].p <= 1) {
                c->list[i].own = study[at].own;
                c->list[i].own_sd = study[at++].own_sd;
            }
    free(study);
    return end;
}

static bool is_loser(const struct contest *c, const struct contestant *k)
{
    return k->p <= c->limit && k->own_sd > 0 &&
           0.5 * erfc(k->own / (k->own_sd * sqrt(2))) >= QBID_CREATIVE_CREDIBLE;
}

/* --- proposals */

static void reason_write(const struct contest *c, const struct contestant *k, const struct slot *s,
                         const struct qbid_gains *g, struct qbid_proposal *p)
{
    const char *events = k->clicks ? "clicks" : "conversions";
    snprintf(
        p->reason, sizeof p->reason,
        "Creative %" PRIu32 " brings x%.2f (90 %% between %.2f and %.2f) the %s by impression of "
        "the %" PRIu32 " others of line item %" PRIu32 " in %s, day by day over the last %d days: "
        "%.0f of them, %.1f due (p %.2g, reported up to %.2g, so that a tenth of all that is found "
        "is false at most). It takes %.1f %% of their impressions; without it the line item brings "
        "%.2f a day more (90 %% between %.2f and %.2f).",
        k->def->id, exp(k->own), exp(k->own - NORMAL_90 * k->own_sd),
        exp(k->own + NORMAL_90 * k->own_sd), events, s->end - s->from - 1, k->item->id, k->slot,
        QBID_CREATIVE_DAYS, k->effect.ratio.events_on, k->effect.due, k->p, c->limit,
        100 * k->week / s->week, g->mean, g->low, g->high);
}

static void judge(const struct contest *c, const struct contestant *k, const struct slot *s,
                  struct qbid_gains *g)
{
    double share = k->week / s->week;
    for (int d = 0; d < QBID_GAINS_DRAWS; d++) {
        double x = k->own + k->own_sd * qbid_random_normal(c->search->random);
        double rate = s->all + 0.5;
        rate = qbid_random_gamma(c->search->random, rate) / rate;
        g->gain[d] = s->value * rate * (1 / (share * exp(x) + 1 - share) - 1);
    }
    qbid_gains_judge(g);
}

static void loser_propose(const struct contest *c, const struct contestant *k, const struct slot *s)
{
    const struct qbid_gains_search *search = c->search;
    const struct qbid_agent_inputs *in = search->inputs;
    struct qbid_gains g;
    struct qbid_proposal p = {.type = QBID_PROPOSAL_CREATIVE,
                              .agent = NAME,
                              .item = QBID_ITEM_CREATIVE,
                              .item_id = k->def->id,
                              .field = "active",
                              .recommended = "false",
                              .evidence_from_unix_s =
                                  (c->today - QBID_CREATIVE_DAYS + 1) * (int64_t)DAY_S,
                              .evidence_to_unix_s = in->unix_s};
    uint64_t what = qbid_mix64(qbid_hash_name(NAME, strlen(NAME)) ^ k->def->id);
    judge(c, k, s, &g);
    if (!qbid_gains_worth(&g, s->value) || !qbid_gains_current(&p, k->def) ||
        (search->memory &&
         qbid_gains_remembered(search->memory, what, in->unix_s, search->again_s)))
        return;
    qbid_gains_tell(&g, s->value, &p);
    p.touched = qbid_gains_touched(in, k->item, k->week / s->week); /* of one slot: at most this */
    reason_write(c, k, s, &g, &p);
    p.id = qbid_proposal_id(&p);
    search->give(search->give_context, &p);
}

/* The worst of a slot, so that one is left in any case. */
static void slot_propose(const struct contest *c, const struct slot *s)
{
    const struct contestant *worst = NULL;
    for (uint32_t i = s->from; i < s->end; i++) {
        const struct contestant *k = &c->list[i];
        if (is_loser(c, k) && s->week > 0 && k->week >= SHARE_MIN * s->week &&
            (!worst || k->own < worst->own))
            worst = k;
    }
    if (worst && s->value > 0 && !qbid_agent_held(c->search->inputs, worst->campaign->id))
        loser_propose(c, worst, s);
}

static int contest_judge(struct contest *c)
{
    double *p = malloc((c->cnt + 1) * sizeof *p);
    struct slot slot;
    uint32_t p_cnt = 0;
    if (!p)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0, day = 0; i < c->cnt; i = slot.end) {
        day = slot_next(c, i, day, &slot);
        slot_test(c, &slot, p, &p_cnt);
    }
    c->limit = qbid_discoveries_limit(p, p_cnt, QBID_DISCOVERIES_FALSE);
    free(p);
    for (uint32_t i = 0; i < c->cnt && c->limit >= 0;)
        i = tenant_believe(c, i);
    for (uint32_t i = 0, day = 0; i < c->cnt && c->limit >= 0; i = slot.end) {
        day = slot_next(c, i, day, &slot);
        slot_propose(c, &slot);
    }
    return 0;
}

int qbid_creative_find(const struct qbid_gains_search *search)
{
    struct contest c = {.search = search, .today = search->inputs->unix_s / DAY_S};
    int err = contestants_make(&c);
    if (!err)
        err = days_read(&c);
    if (!err)
        err = contest_judge(&c);
    free(c.list);
    free(c.day);
    return err;
}

const struct qbid_gains_kind qbid_creative_kind = {NAME, QBID_CREATIVE_PERIOD_NS,
                                                   qbid_creative_find};
