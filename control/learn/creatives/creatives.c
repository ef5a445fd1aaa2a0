/* SPDX-License-Identifier: Apache-2.0 */
/* Groups creatives by line item and size, finds how much creatives differ, and lets the rotation
 * model share out the impressions. */
#include "control/learn/creatives/creatives.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/rates/decay.h"
#include "control/models/rates/effects.h"
#include "control/models/rotation.h"
#include "shm/error.h"
#include "shm/hash.h"

#define PRIOR_HITS 1.0            /* that the operator's guess of a rate is worth */
#define DESIGN_STRENGTH_MAX 100.0 /* designs are never taken to differ by less than a tenth, */
#define SIZE_STRENGTH_MAX 400.0   /* nor the sizes of one by less than a twentieth */
#define RATE_MAX 0.999
#define PRIOR_NONE 1e-6 /* arms come with their priors in their counts */
#define SHARPER 4.0     /* times the clicks that it goes by: posteriors half as wide */
#define PRIOR_CTR_DEFAULT 0.001

void qbid_creatives_done(struct qbid_creatives *creatives)
{
    free(creatives->stats);
    qbid_keymap_done(&creatives->map);
    *creatives = (struct qbid_creatives){0};
}

struct qbid_creative_stats *qbid_creatives_touch(struct qbid_creatives *creatives, uint32_t id)
{
    uint32_t i = qbid_keymap_find(&creatives->map, 0, id);
    if (i == QBID_KEYMAP_NONE) {
        if (creatives->cnt == creatives->capacity) {
            uint32_t capacity = creatives->capacity ? creatives->capacity * 2 : 64;
            struct qbid_creative_stats *s = realloc(creatives->stats, capacity * sizeof *s);
            if (!s)
                return NULL;
            creatives->stats = s;
            creatives->capacity = capacity;
        }
        if (qbid_keymap_add(&creatives->map, 0, id, creatives->cnt))
            return NULL;
        i = creatives->cnt++;
        creatives->stats[i] = (struct qbid_creative_stats){.creative_id = id};
    }
    creatives->stats[i].dirty = 1;
    return &creatives->stats[i];
}

static void fade(struct qbid_creative_stats *s, int64_t now_s)
{
    double left = s->at_s ? qbid_decay_left(QBID_CREATIVES_HALF_LIFE_S, s->at_s, now_s) : 1;
    s->imps *= left;
    s->bills *= left;
    s->clicks *= left;
    s->convs *= left;
    s->at_s = now_s > s->at_s ? now_s : s->at_s;
}

void qbid_creatives_post(struct qbid_creatives *creatives, const struct qbid_outcome *outcome,
                         int64_t now_s)
{
    if (outcome->kind != QBID_EVENT_IMP && outcome->kind != QBID_EVENT_BILL &&
        outcome->kind != QBID_EVENT_CLICK && outcome->kind != QBID_EVENT_CONV)
        return;
    struct qbid_creative_stats *s = qbid_creatives_touch(creatives, outcome->creative_id);
    if (!s)
        return;
    fade(s, now_s);
    s->imps += outcome->kind == QBID_EVENT_IMP;
    s->bills += outcome->kind == QBID_EVENT_BILL;
    s->clicks += outcome->kind == QBID_EVENT_CLICK;
    s->convs += outcome->kind == QBID_EVENT_CONV;
}

/* Creatives that compete: of one line item, format and size. */
static int group_order(const struct qbid_creative_def *a, const struct qbid_creative_def *b)
{
    if (a->line_item_id != b->line_item_id)
        return a->line_item_id < b->line_item_id ? -1 : 1;
    if (a->format != b->format)
        return a->format < b->format ? -1 : 1;
    if (a->width != b->width)
        return a->width < b->width ? -1 : 1;
    return a->height < b->height ? -1 : a->height > b->height;
}

static int def_order(const void *a, const void *b)
{
    const struct qbid_creative_def *x = *(const struct qbid_creative_def *const *)a;
    const struct qbid_creative_def *y = *(const struct qbid_creative_def *const *)b;
    int order = group_order(x, y);
    return order ? order : x->id < y->id ? -1 : x->id > y->id;
}

static int id_order(const void *a, const void *b)
{
    const struct qbid_plan_creative *x = a, *y = b;
    return x->creative_id < y->creative_id ? -1 : x->creative_id > y->creative_id;
}

/* Of one group while it is shared out. */
struct share {
    struct qbid_plan_creative creative;
    double rate; /* clicks by impression as believed: creatives at the floor differ in it alone */
};

static int share_order(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->creative.probability != y->creative.probability)
        return x->creative.probability > y->creative.probability ? -1 : 1;
    if (x->rate != y->rate)
        return x->rate > y->rate ? -1 : 1;
    return id_order(&x->creative, &y->creative);
}

/* The active creatives by group: what each has shown by now, and what its group's rate would have
 * made of it. */
struct shown {
    const struct qbid_creative_def **def;
    struct qbid_rotation_arm *arm;
    double *expected, *hits; /* clicks */
    double *group_rate;
    uint32_t *design; /* number of its design */
    uint32_t cnt, design_cnt;
};

static void shown_done(struct shown *shown)
{
    free(shown->def);
    free(shown->arm);
    free(shown->expected);
    free(shown->design);
}

static int shown_make(const struct qbid_account *account, struct shown *ret_shown)
{
    size_t room = (size_t)account->creative_cnt + 1;
    struct shown s = {.def = calloc(room, sizeof *s.def),
                      .arm = calloc(room, sizeof *s.arm),
                      .expected = calloc(3 * room, sizeof *s.expected),
                      .design = calloc(room, sizeof *s.design)};
    if (!s.def || !s.arm || !s.expected || !s.design) {
        shown_done(&s);
        return QBID_ERR_NOMEM;
    }
    s.hits = s.expected + room;
    s.group_rate = s.hits + room;
    for (uint32_t i = 0; i < account->creative_cnt; i++)
        if (account->creatives[i].active)
            s.def[s.cnt++] = &account->creatives[i];
    if (s.cnt)
        qsort(s.def, s.cnt, sizeof *s.def, def_order);
    *ret_shown = s;
    return 0;
}

/* Key of a creative's design: its name without its size. Creatives whose names do not say their
 * size are a design each. */
static uint64_t design_key(const struct qbid_creative_def *def)
{
    char size[16];
    snprintf(size, sizeof size, "%ux%u", (unsigned)def->width, (unsigned)def->height);
    const char *at = def->name && def->width ? strstr(def->name, size) : NULL;
    if (!at)
        return qbid_mix64(def->id);
    const char *after = at + strlen(size);
    return qbid_mix64(qbid_hash_name(def->name, (size_t)(at - def->name))) ^
           qbid_hash_name(after, strlen(after));
}

static int designs_number(struct shown *shown)
{
    struct qbid_keymap map = {0};
    int err = 0;
    for (uint32_t i = 0; i < shown->cnt && !err; i++) {
        uint64_t key = design_key(shown->def[i]);
        uint32_t design = qbid_keymap_find(&map, key, shown->def[i]->line_item_id);
        if (design == QBID_KEYMAP_NONE) {
            design = shown->design_cnt++;
            err = qbid_keymap_add(&map, key, shown->def[i]->line_item_id, design);
        }
        shown->design[i] = design;
    }
    qbid_keymap_done(&map);
    return err ? QBID_ERR_NOMEM : 0;
}

static uint32_t group_end(const struct shown *shown, uint32_t first)
{
    uint32_t end = first + 1;
    while (end < shown->cnt && group_order(shown->def[first], shown->def[end]) == 0)
        end++;
    return end;
}

static struct qbid_rotation_arm arm_of(const struct qbid_creatives *creatives, uint32_t id,
                                       int64_t now_s)
{
    uint32_t i = qbid_keymap_find(&creatives->map, 0, id);
    if (i == QBID_KEYMAP_NONE)
        return (struct qbid_rotation_arm){0};
    const struct qbid_creative_stats *stats = &creatives->stats[i];
    struct qbid_rotation_arm arm = {fmax(fmax(stats->imps, stats->bills), stats->clicks),
                                    stats->clicks};
    qbid_rotation_discount(&arm, (double)(now_s - stats->at_s), QBID_CREATIVES_HALF_LIFE_S);
    return arm;
}

static double prior_ctr(const struct qbid_account *account, uint32_t line_item_id)
{
    const struct qbid_line_item_def *li = qbid_account_line_item(account, line_item_id);
    return li && li->prior_ctr > 0 && li->prior_ctr < 1 ? li->prior_ctr : PRIOR_CTR_DEFAULT;
}

/* A group's rate, and what its creatives show against it. */
static void group_count(const struct qbid_creatives *creatives, const struct qbid_account *account,
                        int64_t now_s, struct shown *shown, uint32_t first, uint32_t end)
{
    double hits = PRIOR_HITS,
           trials = PRIOR_HITS / prior_ctr(account, shown->def[first]->line_item_id);
    for (uint32_t i = first; i < end; i++) {
        shown->arm[i] = arm_of(creatives, shown->def[i]->id, now_s);
        hits += shown->arm[i].hits;
        trials += shown->arm[i].trials;
    }
    for (uint32_t i = first; i < end; i++) {
        shown->group_rate[i] = hits / trials;
        shown->expected[i] = shown->arm[i].trials * shown->group_rate[i];
        shown->hits[i] = shown->arm[i].hits;
    }
}

/* What is known of a creative before its own clicks: how much better or worse than its group its
 * design is elsewhere, and in how many clicks that belief counts. */
static int priors_add(struct shown *shown)
{
    uint32_t n = shown->cnt, designs = shown->design_cnt;
    double *expected = calloc(2 * (size_t)designs + 2 * (size_t)n + 1, sizeof *expected);
    uint32_t *sizes = calloc((size_t)designs + 1, sizeof *sizes);
    if (!expected || !sizes) {
        free(expected);
        free(sizes);
        return QBID_ERR_NOMEM;
    }
    double *hits = expected + designs, *ratio = hits + designs, *alone = ratio + n;
    for (uint32_t i = 0; i < n; i++) {
        expected[shown->design[i]] += shown->expected[i];
        hits[shown->design[i]] += shown->hits[i];
        sizes[shown->design[i]]++;
    }
    double strength = fmin(qbid_effects_strength(expected, hits, designs), DESIGN_STRENGTH_MAX);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t d = shown->design[i];
        ratio[i] = qbid_effects_multiplier(strength, fmax(expected[d] - shown->expected[i], 0),
                                           fmax(hits[d] - shown->hits[i], 0));
        alone[i] = sizes[d] > 1 ? shown->expected[i] * ratio[i] : 0;
    }
    double own = fmin(qbid_effects_strength(alone, shown->hits, n), SIZE_STRENGTH_MAX);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t d = shown->design[i];
        double elsewhere = strength + fmax(hits[d] - shown->hits[i], 0);
        double worth = 1 / (1 / own + 1 / elsewhere);
        double rate = fmin(ratio[i] * shown->group_rate[i], RATE_MAX);
        shown->arm[i].hits += worth;
        shown->arm[i].trials += worth / rate;
    }
    free(expected);
    free(sizes);
    return 0;
}

/* Draws from the posterior as it is explore for a horizon without end. What a creative will still
 * show before it has worn out does not pay for that. */
static void group_sharpen(struct qbid_rotation_arm *arm, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        arm[i].hits *= SHARPER;
        arm[i].trials *= SHARPER;
    }
}

/* Shares of one group. More than a slot draws from: the best keep theirs, scaled up. */
static int group_share(const struct shown *shown, uint32_t first, uint32_t end, double floor_share,
                       struct qbid_plan_creative *out)
{
    double probability[QBID_ROTATION_ARMS_MAX], kept = 0;
    struct share share[QBID_ROTATION_ARMS_MAX];
    uint32_t cnt = end - first, n = cnt < QBID_ROTATION_ARMS_MAX ? cnt : QBID_ROTATION_ARMS_MAX;
    struct qbid_rotation_params params = {.prior_hits = PRIOR_NONE,
                                          .prior_misses = PRIOR_NONE,
                                          .floor = floor_share < 1.0 / n ? floor_share : 1.0 / n};
    struct qbid_rotation_arm *arm = shown->arm + first;
    group_sharpen(arm, n);
    int err = qbid_rotation_best(arm, n, &params, probability);
    if (err)
        return err;
    for (uint32_t i = 0; i < n; i++)
        share[i] = (struct share){{shown->def[first + i]->id, probability[i]},
                                  arm[i].hits / arm[i].trials};
    qsort(share, n, sizeof *share, share_order);
    for (uint32_t i = 0; i < n && i < QBID_DRAW_MAX; i++)
        kept += share[i].creative.probability;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct qbid_plan_creative){
            share[i].creative.creative_id,
            i < QBID_DRAW_MAX ? share[i].creative.probability / kept : 0};
    for (uint32_t i = n; i < cnt; i++)
        out[i] = (struct qbid_plan_creative){shown->def[first + i]->id, 0};
    return 0;
}

int qbid_creatives_rotate(const struct qbid_creatives *creatives,
                          const struct qbid_account *account, double floor_share, int64_t now_s,
                          struct qbid_plan *plan)
{
    struct shown shown;
    int err = shown_make(account, &shown);
    if (err)
        return err;
    plan->creatives = calloc((size_t)shown.cnt + 1, sizeof *plan->creatives);
    if (!plan->creatives)
        err = QBID_ERR_NOMEM;
    for (uint32_t first = 0, end; first < shown.cnt && !err; first = end) {
        end = group_end(&shown, first);
        group_count(creatives, account, now_s, &shown, first, end);
    }
    if (!err)
        err = designs_number(&shown);
    if (!err)
        err = priors_add(&shown);
    for (uint32_t first = 0, end; first < shown.cnt && !err; first = end) {
        end = group_end(&shown, first);
        err = group_share(&shown, first, end, floor_share, plan->creatives + first);
    }
    plan->creative_cnt = err ? 0 : shown.cnt;
    if (!err && shown.cnt)
        qsort(plan->creatives, shown.cnt, sizeof *plan->creatives, id_order);
    shown_done(&shown);
    return err;
}
