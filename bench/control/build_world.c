/* SPDX-License-Identifier: Apache-2.0 */
/* Makes accounts and plans of a given size. A context is a number of 24 bits: exchange 2, slot 2,
 * geo 8, site 12; which numbers are in the plan is a permutation of them cut at its length. */
#include "bench/control/build_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/scratch.h"
#include "shm/hash.h"

#define NUMBER_BITS 24
#define NUMBERS (UINT32_C(1) << NUMBER_BITS)
#define SPREAD UINT32_C(0x9e3779) /* odd: a permutation of the numbers */
#define EXCHANGES 4
#define SLOTS 4
#define GEOS 256
#define SITES 4096
#define SEGMENTS 32
#define HOURS 168
#define SHADES 16
#define Q_GROUPS 7
#define LINE_ITEMS_A_CAMPAIGN 10
#define CREATIVES_A_LINE_ITEM 4
#define TARGETS_A_LINE_ITEM 5
#define TEXT_A_LINE_ITEM 2048

static const char *const sizes[SLOTS] = {"300x250", "728x90", "160x600", "320x50"};

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

static void *memory(size_t cnt, size_t bytes)
{
    void *at = calloc(cnt + 1, bytes);
    require(at != NULL, "memory");
    return at;
}

static uint64_t draw(uint64_t a, uint64_t b)
{
    return qbid_mix64(qbid_mix64(a) + b * UINT64_C(0x9e3779b97f4a7c15));
}

static void value_name(unsigned dim, uint32_t i, char out[BUILD_WORLD_NAME_MAX])
{
    if (dim == QBID_DIM_SLOT)
        snprintf(out, BUILD_WORLD_NAME_MAX, "banner:%s", sizes[i]);
    else if (dim == QBID_DIM_GEO)
        snprintf(out, BUILD_WORLD_NAME_MAX, "CHN/%u", i);
    else if (dim == QBID_DIM_SITE)
        snprintf(out, BUILD_WORLD_NAME_MAX, "site%u.example", i);
    else
        snprintf(out, BUILD_WORLD_NAME_MAX, "%u", i);
}

static uint64_t value_hash(unsigned dim, uint32_t i)
{
    char name[BUILD_WORLD_NAME_MAX];
    value_name(dim, i, name);
    return qbid_hash_dim(dim, name, strlen(name));
}

static void dictionary_make(struct build_world *w)
{
    static const uint32_t cnt[QBID_DIM_CNT] = {
        [QBID_DIM_EXCHANGE] = EXCHANGES, [QBID_DIM_SLOT] = SLOTS, [QBID_DIM_POSITION] = 4,
        [QBID_DIM_DEVICE] = 8,           [QBID_DIM_GEO] = GEOS,   [QBID_DIM_SITE] = SITES,
        [QBID_DIM_SEGMENT] = SEGMENTS,   [QBID_DIM_HOUR] = HOURS};
    require(qbid_dictionary_new(&w->dictionary) == 0, "dictionary");
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (uint32_t i = 0; i < cnt[dim]; i++) {
            char name[BUILD_WORLD_NAME_MAX];
            value_name(dim, i, name);
            require(qbid_dictionary_add(w->dictionary, dim, name) == i + 1, "value index");
        }
    }
}

struct text {
    char *at, *end;
};

static char *text_add(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static char *text_add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *start = text->at;
    int n = vsnprintf(start, (size_t)(text->end - start), format, args);
    va_end(args);
    require(n >= 0 && n < text->end - start, "room for texts");
    text->at += n + 1;
    return start;
}

/* Exclusions, so that nearly every candidate of a row may bid. */
static void targets_make(struct build_world *w, struct qbid_line_item_def *li, struct text *text)
{
    char **value = w->values + (size_t)li->idx * TARGETS_A_LINE_ITEM;
    li->target[QBID_DIM_GEO] = (struct qbid_target_def){value, 2};
    value[0] = text_add(text, "!CHN/%u", (uint32_t)(draw(li->idx, 1) % GEOS));
    value[1] = text_add(text, "!CHN/%u", (uint32_t)(draw(li->idx, 2) % GEOS));
    li->target[QBID_DIM_SITE] = (struct qbid_target_def){value + 2, 2};
    value[2] = text_add(text, "!site%u.example", (uint32_t)(draw(li->idx, 3) % SITES));
    value[3] = text_add(text, "!site%u.example", (uint32_t)(draw(li->idx, 4) % SITES));
    if (li->idx % 3)
        return;
    li->target[QBID_DIM_SEGMENT] = (struct qbid_target_def){value + 4, 1};
    value[4] = text_add(text, "!%u", (uint32_t)(draw(li->idx, 5) % SEGMENTS));
}

static void creatives_make(struct build_world *w, const struct qbid_line_item_def *li,
                           struct text *text)
{
    for (uint32_t k = 0; k < CREATIVES_A_LINE_ITEM; k++) {
        uint32_t id = li->idx * CREATIVES_A_LINE_ITEM + k + 1, slot = k % SLOTS;
        unsigned width = 0, height = 0;
        require(sscanf(sizes[slot], "%ux%u", &width, &height) == 2, "size");
        w->account.creatives[w->account.creative_cnt++] = (struct qbid_creative_def){
            .id = id,
            .line_item_id = li->id,
            .width = (uint16_t)width,
            .height = (uint16_t)height,
            .format = QBID_FORMAT_BANNER,
            .secure = true,
            .active = true,
            .markup = text_add(text,
                               "<a href=\"{{click_url}}\"><img src=\"https://cdn.example/%u.png\" "
                               "width=\"%u\" height=\"%u\"></a><img src=\"{{imp_url}}\">",
                               id, width, height),
            .landing = text_add(text, "https://shop%u.example/%u?t={{token}}", li->idx % 997, id),
            .crid = text_add(text, "cr-%u", id)};
    }
}

static void account_make(struct build_world *w)
{
    struct qbid_account *a = &w->account;
    size_t text_bytes = (size_t)w->line_items * TEXT_A_LINE_ITEM;
    w->text = memory(text_bytes, 1);
    w->values = memory((size_t)w->line_items * TARGETS_A_LINE_ITEM, sizeof *w->values);
    struct text text = {w->text, w->text + text_bytes};
    memcpy(&a->currency, "CNY", 4);
    a->campaign_cnt = (w->line_items + LINE_ITEMS_A_CAMPAIGN - 1) / LINE_ITEMS_A_CAMPAIGN;
    a->line_item_cnt = a->line_item_max = w->line_items;
    a->campaigns = memory(a->campaign_cnt, sizeof *a->campaigns);
    a->line_items = memory(w->line_items, sizeof *a->line_items);
    a->creatives = memory((size_t)w->line_items * CREATIVES_A_LINE_ITEM, sizeof *a->creatives);
    for (uint32_t i = 0; i < a->campaign_cnt; i++)
        a->campaigns[i] = (struct qbid_campaign_def){.id = 1 + i,
                                                     .tenant_id = 1 + i % 100,
                                                     .goal = QBID_GOAL_MAX_CLICKS,
                                                     .pacing = QBID_PACING_EVEN,
                                                     .period = QBID_BUDGET_TOTAL,
                                                     .start_unix_s = 1600000000,
                                                     .end_unix_s = 1800000000,
                                                     .budget_nanos = 1000 * QBID_NANOS_PER_UNIT,
                                                     .active = true,
                                                     .budget_idx = i};
    for (uint32_t i = 0; i < w->line_items; i++) {
        struct qbid_line_item_def *li = &a->line_items[i];
        *li = (struct qbid_line_item_def){.id = 1 + i,
                                          .campaign_id = 1 + i / LINE_ITEMS_A_CAMPAIGN,
                                          .ceiling_micros = 50 * QBID_MICROS_PER_UNIT,
                                          .adomain = text_add(&text, "shop%u.example", i % 997),
                                          .categories =
                                              text_add(&text, "IAB%u-%u", 1 + i % 25, i % 9),
                                          .prior_ctr = 0.001,
                                          .prior_cvr = 0.01,
                                          .active = true,
                                          .idx = i};
        targets_make(w, li, &text);
        creatives_make(w, li, &text);
    }
}

static float value_of(uint32_t line_item_idx, uint64_t number, uint64_t round)
{
    return 4e5f + (float)(draw(number << 20 ^ line_item_idx, 7 + round) >> 44);
}

static void tables_make(struct build_world *w)
{
    struct qbid_plan *plan = &w->plan;
    plan->shade_cnt = SHADES;
    plan->shades = memory(SHADES, sizeof *plan->shades);
    for (uint32_t s = 0; s < SHADES; s++) {
        for (unsigned k = 0; k < QBID_SHADE_KNOTS; k++) {
            plan->shades[s].ratio[k] = 0.95f - 0.006f * (float)k;
            plan->shades[s].win[k] = 0.01f * (float)k;
        }
    }
    plan->qgroup_cnt = Q_GROUPS;
    size_t bytes = (size_t)Q_GROUPS * QBID_QSTATES * sizeof *plan->qrows;
    plan->qrows = aligned_alloc(_Alignof(struct qbid_qrow), bytes);
    require(plan->qrows != NULL, "memory");
    memset(plan->qrows, 0, bytes);
    for (uint32_t i = 0; i < Q_GROUPS * QBID_QSTATES; i++) {
        for (unsigned a = 0; a < QBID_QROW_ACTIONS; a++)
            plan->qrows[i].ratio[a] = a == 3 ? 1.0f : 0.7f + 0.1f * (float)a;
        plan->qrows[i].n = QBID_QROW_ACTIONS;
        plan->qrows[i].greedy = 3;
        plan->qrows[i].explore_q32 = UINT32_MAX / 20;
    }
    plan->line_item_max = w->line_items;
    plan->line_value_micros = memory(w->line_items, sizeof(float));
    plan->line_q_group = memory(w->line_items, sizeof(uint16_t));
    plan->creative_cnt = w->account.creative_cnt;
    plan->creatives = memory(plan->creative_cnt, sizeof *plan->creatives);
    for (uint32_t i = 0; i < plan->creative_cnt; i++)
        plan->creatives[i] = (struct qbid_plan_creative){i + 1, 1.0};
    for (uint32_t i = 0; i < w->line_items; i++)
        plan->line_q_group[i] = (uint16_t)(i % Q_GROUPS);
}

static uint64_t context_of(uint32_t number)
{
    uint64_t context = qbid_dim_pack(0, QBID_DIM_EXCHANGE, 1 + (number & 3));
    context = qbid_dim_pack(context, QBID_DIM_SLOT, 1 + (number >> 2 & 3));
    context = qbid_dim_pack(context, QBID_DIM_GEO, 1 + (number >> 4 & 255));
    return qbid_dim_pack(context, QBID_DIM_SITE, 1 + (number >> 12));
}

static void context_add(struct build_world *w, uint64_t key, uint64_t number)
{
    struct qbid_plan *plan = &w->plan;
    uint32_t stride = w->line_items / BUILD_WORLD_CANDIDATES;
    uint32_t idx = (uint32_t)(draw(number, 6) % stride);
    plan->contexts[plan->context_cnt++] =
        (struct qbid_plan_context){.key = key,
                                   .first = plan->candidate_cnt,
                                   .cnt = BUILD_WORLD_CANDIDATES,
                                   .segment = (uint16_t)(number % SHADES)};
    for (unsigned i = 0; i < BUILD_WORLD_CANDIDATES; i++, idx += stride)
        plan->candidates[plan->candidate_cnt++].line_item_idx = idx;
}

/* Numbers run in the order of the keys. */
static void contexts_make(struct build_world *w)
{
    struct qbid_plan *plan = &w->plan;
    plan->level_mask[1] = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SLOT);
    plan->level_mask[0] =
        plan->level_mask[1] | qbid_dim_mask(QBID_DIM_GEO) | qbid_dim_mask(QBID_DIM_SITE);
    size_t max = (size_t)w->contexts + EXCHANGES * SLOTS;
    plan->contexts = memory(max, sizeof *plan->contexts);
    /* as control/learn has them */
    plan->candidates = qbid_scratch_new(max * BUILD_WORLD_CANDIDATES * sizeof *plan->candidates);
    require(plan->candidates != NULL, "memory");
    for (uint32_t i = 0; i < NUMBERS; i++) {
        if (((i * SPREAD) & (NUMBERS - 1)) < w->contexts)
            context_add(w, qbid_context_key(context_of(i), plan->level_mask[0], 0), i);
    }
    for (uint32_t i = 0; i < EXCHANGES * SLOTS; i++)
        context_add(w, qbid_context_key(context_of(i), plan->level_mask[1], 1), NUMBERS + i);
}

void build_world_learn(struct build_world *w, uint64_t round)
{
    struct qbid_plan *plan = &w->plan;
    for (uint32_t i = 0; i < plan->candidate_cnt; i++)
        plan->candidates[i].value_micros = value_of(plan->candidates[i].line_item_idx, i, round);
    for (uint32_t i = 0; i < w->line_items; i++)
        plan->line_value_micros[i] = value_of(i, UINT32_MAX, round);
}

struct build_world *build_world_new(uint32_t line_items, uint32_t contexts)
{
    struct build_world *w = memory(1, sizeof *w);
    require(line_items >= BUILD_WORLD_CANDIDATES && contexts <= NUMBERS, "world's size");
    w->line_items = line_items;
    w->contexts = contexts;
    dictionary_make(w);
    account_make(w);
    tables_make(w);
    contexts_make(w);
    build_world_learn(w, 0);
    memcpy(&w->rate.currency, "USD", 4);
    w->rate.micros = 7100000;
    w->params = (struct qbid_build_params){.gen = 1,
                                           .seed = 1,
                                           .built_unix_ns = 1,
                                           .valid_ns = 3600 * QBID_NS_PER_S,
                                           .notice_ttl_ns = 600 * QBID_NS_PER_S,
                                           .event_ttl_ns = 600 * QBID_NS_PER_S,
                                           .price_ceiling_micros = 500 * QBID_MICROS_PER_UNIT,
                                           .stale_factor = 0.5f,
                                           .rates = &w->rate,
                                           .rate_cnt = 1,
                                           .account_version = 1};
    return w;
}

void build_world_free(struct build_world *w)
{
    if (!w)
        return;
    free(w->account.campaigns);
    free(w->account.line_items);
    free(w->account.creatives);
    free(w->text);
    free(w->values);
    qbid_dictionary_free(w->dictionary);
    free(w->plan.contexts);
    free(w->plan.candidates);
    free(w->plan.line_value_micros);
    free(w->plan.line_q_group);
    free(w->plan.creatives);
    free(w->plan.shades);
    free(w->plan.qrows);
    free(w);
}

static uint32_t inverse_of(uint32_t odd)
{
    uint32_t x = odd; /* right in the low three bits; each step doubles how many are */
    for (int i = 0; i < 4; i++)
        x *= 2 - odd * x;
    return x;
}

void build_world_request(const struct build_world *w, uint32_t rank, uint64_t id,
                         struct qbid_request *r)
{
    uint32_t number = (rank % w->contexts * inverse_of(SPREAD)) & (NUMBERS - 1);
    memset(r, 0, sizeof *r);
    r->id_hash = qbid_mix64(id);
    r->slot_cnt = 1;
    r->auction = QBID_AUCTION_FIRST_PRICE;
    r->flags = QBID_REQUEST_SECURE;
    r->floor_micros = 1000;
    r->dim[QBID_DIM_EXCHANGE] = value_hash(QBID_DIM_EXCHANGE, number & 3);
    r->slot[0] = value_hash(QBID_DIM_SLOT, number >> 2 & 3);
    r->dim[QBID_DIM_GEO] = value_hash(QBID_DIM_GEO, number >> 4 & 255);
    r->dim[QBID_DIM_SITE] = value_hash(QBID_DIM_SITE, number >> 12);
    r->dim[QBID_DIM_DEVICE] = value_hash(QBID_DIM_DEVICE, r->id_hash & 7);
    r->dim[QBID_DIM_POSITION] = value_hash(QBID_DIM_POSITION, r->id_hash >> 3 & 3);
    r->dim[QBID_DIM_HOUR] = value_hash(QBID_DIM_HOUR, 100);
}
