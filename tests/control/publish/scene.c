/* SPDX-License-Identifier: Apache-2.0 */
/* Random accounts, dictionaries and plans. */
#include "tests/control/publish/scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/hash.h"

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "scene: %s\n", what);
    abort();
}

uint64_t scene_roll(uint64_t *state)
{
    return qbid_mix64(*state += UINT64_C(0x9e3779b97f4a7c15));
}

static uint32_t below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(scene_roll(state) % n);
}

/* Memory that is not zero: a builder that reads what nobody wrote gives other bytes. */
static void *memory(size_t bytes)
{
    static unsigned char fill;
    void *at = malloc(bytes ? bytes : 1);
    must(at != NULL, "memory");
    return memset(at, ++fill, bytes ? bytes : 1);
}

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *format, ...)
{
    char buffer[256];
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    char *copy = memory(strlen(buffer) + 1);
    return strcpy(copy, buffer);
}

static const char *const sizes[] = {"300x250", "728x90", "160x600", "320x50"};

static void dictionary_make(struct scene *s, const struct scene_options *o)
{
    must(qbid_dictionary_new(&s->dictionary) == 0, "dictionary");
    char value[64];
    for (int i = 1; i <= 6; i++) {
        snprintf(value, sizeof value, "%d", i);
        qbid_dictionary_add(s->dictionary, QBID_DIM_EXCHANGE, value);
        qbid_dictionary_add(s->dictionary, QBID_DIM_POSITION, value);
        snprintf(value, sizeof value, "segment-%d", i);
        qbid_dictionary_add(s->dictionary, QBID_DIM_SEGMENT, value);
        snprintf(value, sizeof value, "%d/%s", i, i % 2 ? "windows" : "android");
        qbid_dictionary_add(s->dictionary, QBID_DIM_DEVICE, value);
    }
    for (int i = 0; i < 4; i++) {
        snprintf(value, sizeof value, "banner:%s", sizes[i]);
        qbid_dictionary_add(s->dictionary, QBID_DIM_SLOT, value);
        snprintf(value, sizeof value, "video:%s", sizes[i]);
        qbid_dictionary_add(s->dictionary, QBID_DIM_SLOT, value);
    }
    qbid_dictionary_add(s->dictionary, QBID_DIM_SLOT, "video:any");
    qbid_dictionary_add(s->dictionary, QBID_DIM_SLOT, "native");
    for (int i = 0; i < 60; i++) {
        snprintf(value, sizeof value, "%s/%d", i % 3 ? "CHN" : i % 2 ? "USA" : "CH", i);
        qbid_dictionary_add(s->dictionary, QBID_DIM_GEO, value);
    }
    for (uint32_t i = 0; i < o->sites; i++) {
        snprintf(value, sizeof value, "site%u.example", i);
        qbid_dictionary_add(s->dictionary, QBID_DIM_SITE, value);
    }
    for (int i = 0; i < 168; i++) {
        snprintf(value, sizeof value, "%d", i);
        qbid_dictionary_add(s->dictionary, QBID_DIM_HOUR, value);
    }
}

static const char *const rules[QBID_DIM_CNT][6] = {
    [QBID_DIM_EXCHANGE] = {"1", "2", "!3", "99", "!1", "4"},
    [QBID_DIM_SLOT] = {"banner:*", "banner:300x250", "!video:*", "native", "!native", "video:any"},
    [QBID_DIM_POSITION] = {"1", "!2", "3", "!4", "*", "0"},
    [QBID_DIM_DEVICE] = {"1/*", "2/android", "!2/*", "!1/windows", "3/windows", "9/*"},
    [QBID_DIM_GEO] = {"CHN/*", "CHN/1", "!CHN/*", "USA/*", "!USA/3", "CH/*"},
    [QBID_DIM_SITE] = {"site1.example", "site1*", "!site2.example", "!site3*", "none", "site7*"},
    [QBID_DIM_SEGMENT] = {"segment-1", "!segment-2", "segment-*", "segment-3", "!*", "x"},
    [QBID_DIM_HOUR] = {"1", "!1*", "20", "!5", "16*", "167"},
};

static void targets_make(struct qbid_line_item_def *li, uint64_t *state)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        uint32_t cnt = below(state, 3) ? 0 : 1 + below(state, 3);
        li->target[dim].cnt = cnt;
        li->target[dim].value = cnt ? memory(cnt * sizeof(char *)) : NULL;
        for (uint32_t i = 0; i < cnt; i++)
            li->target[dim].value[i] = text("%s", rules[dim][below(state, 6)]);
    }
}

static void creative_make(struct qbid_creative_def *c, uint32_t id, uint32_t line_item_id,
                          uint64_t *state)
{
    uint32_t kind = below(state, 8), size = below(state, 4);
    *c = (struct qbid_creative_def){.id = id,
                                    .line_item_id = line_item_id,
                                    .name = text("creative %u", id),
                                    .format = kind == 0  ? QBID_FORMAT_NATIVE
                                              : kind < 3 ? QBID_FORMAT_VIDEO
                                                         : QBID_FORMAT_BANNER,
                                    .secure = below(state, 4) != 0,
                                    .active = below(state, 8) != 0,
                                    .markup = text("<a href=\"{{click_url}}\">%u</a>", id),
                                    .landing = text("https://shop%u.example/{{token}}", id),
                                    .crid = text("cr-%u", id)};
    unsigned w = 0, h = 0;
    must(sscanf(sizes[size], "%ux%u", &w, &h) == 2, "size");
    c->width = (uint16_t)(below(state, 10) ? w : w + 1); /* now and then a size nobody has seen */
    c->height = (uint16_t)h;
}

static void account_make(struct scene *s, const struct scene_options *o, uint64_t *state)
{
    struct qbid_account *a = &s->account;
    memcpy(&a->currency, "CNY", 4);
    a->campaign_cnt = 1 + o->line_items / 4;
    a->campaigns = memory(a->campaign_cnt * sizeof *a->campaigns);
    for (uint32_t i = 0; i < a->campaign_cnt; i++)
        a->campaigns[i] = (struct qbid_campaign_def){.id = 100 + i,
                                                     .tenant_id = 1 + i % 3,
                                                     .name = text("campaign %u", i),
                                                     .goal = QBID_GOAL_MAX_CLICKS,
                                                     .pacing = QBID_PACING_EVEN,
                                                     .period = QBID_BUDGET_TOTAL,
                                                     .active = below(state, 10) != 0,
                                                     .budget_idx = i};
    a->line_items = memory((o->line_items + 1) * sizeof *a->line_items);
    a->creatives = memory((size_t)(o->line_items + 10) * 20 * sizeof *a->creatives);
    a->line_item_cnt = a->creative_cnt = 0;
    a->line_item_max = o->line_items;
    for (uint32_t idx = 0; idx < o->line_items; idx++) {
        if (idx % 7 == 3)
            continue; /* a hole */
        struct qbid_line_item_def *li = &a->line_items[a->line_item_cnt++];
        *li = (struct qbid_line_item_def){
            .id = 1000 + idx,
            .campaign_id = 100 + below(state, a->campaign_cnt),
            .name = text("line item %u", idx),
            .floor_micros = below(state, 1000),
            .ceiling_micros = 1000000 + below(state, 1000000),
            .deal = below(state, 5) ? NULL : text("deal-%u", idx),
            .adomain = text("Shop%u.Example", idx % 9),
            .categories = text("IAB%u-%u, IAB2", 1 + idx % 20, idx),
            .frequency = idx % 3 == 1 ? text("%u per 7d: 1, 0.5, 0.25", 1 + idx % 9)
                                      : text("%s", idx % 3 ? "4 per 1h" : ""),
            .prior_ctr = 0.001,
            .prior_cvr = 0.01,
            .active = below(state, 10) != 0,
            .idx = idx};
        targets_make(li, state);
        uint32_t creatives = idx % 10 == 5 ? 40 : below(state, 15);
        for (uint32_t k = 0; k < creatives; k++)
            creative_make(&a->creatives[a->creative_cnt], 5000 + a->creative_cnt, li->id, state),
                a->creative_cnt++;
    }
}

uint64_t scene_context(const struct scene *s, uint64_t random)
{
    uint64_t context = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        context = qbid_dim_pack(context, dim,
                                below(&random, qbid_dictionary_dim_cnt(s->dictionary, dim) + 1));
    return context;
}

static int by_key(const void *a, const void *b)
{
    const struct qbid_plan_context *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void contexts_make(struct scene *s, const struct scene_options *o, uint64_t *state)
{
    struct qbid_plan *plan = &s->plan;
    plan->contexts = memory(o->contexts * sizeof *plan->contexts);
    plan->candidates = memory((size_t)o->contexts * o->candidates * sizeof *plan->candidates);
    for (uint32_t i = 0; i < o->contexts; i++) {
        unsigned level = i % 3;
        uint64_t context = scene_context(s, scene_roll(state));
        plan->contexts[i].key = qbid_context_key(context, plan->level_mask[level], level);
    }
    qsort(plan->contexts, o->contexts, sizeof *plan->contexts, by_key);
    for (uint32_t i = 0; i < o->contexts; i++) {
        if (plan->context_cnt && plan->contexts[plan->context_cnt - 1].key == plan->contexts[i].key)
            continue;
        struct qbid_plan_context *context = &plan->contexts[plan->context_cnt++];
        context->key = plan->contexts[i].key;
        context->first = plan->candidate_cnt;
        context->segment = (uint16_t)below(state, plan->shade_cnt);
        uint32_t step = o->line_items / o->candidates, idx = below(state, step);
        uint32_t want = o->full_rows ? o->candidates : 1 + below(state, o->candidates);
        for (context->cnt = 0; context->cnt < want; context->cnt++, idx += step)
            plan->candidates[plan->candidate_cnt++] =
                (struct qbid_plan_candidate){idx, (float)below(state, 10000000)};
    }
}

static void plan_make(struct scene *s, const struct scene_options *o, uint64_t *state)
{
    struct qbid_plan *plan = &s->plan;
    plan->level_mask[0] = (UINT64_C(1) << QBID_DIM_SHIFT_END) - 1;
    plan->level_mask[1] = plan->level_mask[0] & ~qbid_dim_mask(QBID_DIM_HOUR);
    plan->level_mask[2] = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SITE);
    plan->shade_cnt = 3;
    plan->shades = memory(plan->shade_cnt * sizeof *plan->shades);
    for (uint32_t i = 0; i < plan->shade_cnt; i++) {
        for (unsigned k = 0; k < QBID_SHADE_KNOTS; k++) {
            plan->shades[i].ratio[k] = 0.5f + 0.1f * (float)i;
            plan->shades[i].win[k] = (float)k / QBID_SHADE_KNOTS;
        }
    }
    plan->qgroup_cnt = 2;
    size_t qrows = plan->qgroup_cnt * QBID_QSTATES;
    plan->qrows = aligned_alloc(_Alignof(struct qbid_qrow), qrows * sizeof *plan->qrows);
    must(plan->qrows != NULL, "memory");
    memset(plan->qrows, (int)(scene_roll(state) & 0x7f), qrows * sizeof *plan->qrows);
    for (size_t i = 0; i < qrows; i++) {
        for (unsigned k = 0; k < QBID_QROW_ACTIONS; k++)
            plan->qrows[i].ratio[k] = k == 1 ? 1.0f : 0.5f + 0.25f * (float)k;
        plan->qrows[i].explore_q32 = below(state, 1000000);
        plan->qrows[i].n = 4;
        plan->qrows[i].greedy = 1;
    }
    plan->line_item_max = o->line_items;
    plan->line_value_micros = memory(o->line_items * sizeof(float));
    plan->line_q_group = memory(o->line_items * sizeof(uint16_t));
    for (uint32_t i = 0; i < o->line_items; i++) {
        plan->line_value_micros[i] = (float)below(state, 1000000);
        plan->line_q_group[i] = (uint16_t)below(state, plan->qgroup_cnt);
    }
    plan->creatives = memory((s->account.creative_cnt + 1) * sizeof *plan->creatives);
    for (uint32_t i = 0; i < s->account.creative_cnt; i++)
        if (s->account.creatives[i].line_item_id % 5) /* of some the plan knows nothing */
            plan->creatives[plan->creative_cnt++] = (struct qbid_plan_creative){
                s->account.creatives[i].id, 0.001 * (1 + below(state, 300))};
    contexts_make(s, o, state);
}

void scene_make(struct scene *s, const struct scene_options *o)
{
    uint64_t state = o->seed;
    memset(s, 0, sizeof *s);
    dictionary_make(s, o);
    account_make(s, o, &state);
    plan_make(s, o, &state);
    memcpy(&s->rate[0].currency, "USD", 4);
    memcpy(&s->rate[1].currency, "EUR", 4);
    s->rate[0].micros = 7100000;
    s->rate[1].micros = 7800000;
    s->params = (struct qbid_build_params){.gen = 7,
                                           .seed = 42,
                                           .built_unix_ns = 1700000000 * QBID_NS_PER_S,
                                           .built_boot_ns = 1000 * QBID_NS_PER_S,
                                           .valid_ns = 3600 * QBID_NS_PER_S,
                                           .boot_hash = 0x1234,
                                           .notice_ttl_ns = 600 * QBID_NS_PER_S,
                                           .event_ttl_ns = 86400 * QBID_NS_PER_S,
                                           .price_ceiling_micros = 500 * QBID_MICROS_PER_UNIT,
                                           .stale_factor = 0.5f,
                                           .rates = s->rate,
                                           .rate_cnt = 2};
}

void scene_done(struct scene *s)
{
    qbid_account_done(&s->account);
    qbid_dictionary_free(s->dictionary);
    free(s->plan.contexts);
    free(s->plan.candidates);
    free(s->plan.line_value_micros);
    free(s->plan.line_q_group);
    free(s->plan.creatives);
    free(s->plan.shades);
    free(s->plan.qrows);
}

void *scene_build(const struct scene *s, size_t *ret_bytes)
{
    struct qbid_builder *builder;
    const char *why = "?";
    must(qbid_builder_new(&s->account, s->dictionary, &s->plan, &s->params, &builder, &why) == 0,
         why);
    size_t bytes = qbid_builder_bytes(builder);
    void *base = aligned_alloc(QBID_CACHE_LINE, bytes);
    must(base != NULL, "memory");
    memset(base, 0, bytes);
    qbid_builder_fill(builder, base);
    qbid_builder_free(builder);
    *ret_bytes = bytes;
    return base;
}
