/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what is to be built, lays the sections out, writes them, sums them. */
#include "control/publish/build_image.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/publish/section_creatives.h"
#include "control/publish/section_index.h"
#include "control/publish/section_targets.h"
#include "shm/error.h"
#include "shm/live.h"

#define RATIO_MAX 1.0f

struct qbid_builder {
    const struct qbid_account *account;
    const struct qbid_dictionary *dictionary;
    const struct qbid_plan *plan;
    struct qbid_build_params params;
    struct qbid_section_dict dict;
    struct qbid_section_index index;
    struct qbid_section_creatives creatives;
    struct qbid_elig_dim dim[QBID_DIM_CNT];
    struct qbid_section_ref ref[QBID_SECTION_CNT];
    uint32_t elig_words;
    size_t bytes;
};

static bool ratios_valid(const float *ratio)
{
    for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++)
        if (!(ratio[i] >= 0 && ratio[i] <= RATIO_MAX))
            return false;
    return true;
}

static bool value_valid(float micros)
{
    return micros >= 0 && isfinite(micros);
}

static bool price_valid(int64_t micros)
{
    return micros >= 0 && micros <= QBID_PRICE_MICROS_MAX;
}

/* NULL, or what is wrong. */
static const char *params_complaint(const struct qbid_build_params *params)
{
    if (params->gen == 0)
        return "generation 0";
    if (!price_valid(params->price_ceiling_micros))
        return "the price ceiling is out of range";
    if (!(params->stale_factor >= 0 && params->stale_factor <= RATIO_MAX))
        return "the stale factor is not in [0, 1]";
    for (uint32_t i = 0; i < params->rate_cnt; i++)
        if (params->rates[i].currency == 0 || params->rates[i].micros <= 0)
            return "a currency rate is not above 0";
    return NULL;
}

static const char *account_complaint(const struct qbid_account *account)
{
    if (account->line_item_max > QBID_LINE_ITEMS_MAX)
        return "too many line items";
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        if (!price_valid(li->floor_micros) || !price_valid(li->ceiling_micros))
            return "a line item's floor or ceiling is out of range";
    }
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        if (account->campaigns[i].budget_idx >= QBID_LIVE_BUDGETS_MAX)
            return "a campaign's budget index is out of range";
    return NULL;
}

static const char *levels_complaint(const struct qbid_plan *plan)
{
    bool ended = false;
    for (unsigned level = 0; level < QBID_LEVEL_MAX; level++) {
        uint64_t left = plan->level_mask[level];
        if (left != 0 && ended)
            return "an unused level lies before a used one";
        ended |= left == 0;
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
            if ((left & qbid_dim_mask(dim)) == qbid_dim_mask(dim))
                left &= ~qbid_dim_mask(dim);
        if (left != 0)
            return "a level's mask is not made of whole dimensions";
    }
    return NULL;
}

static const char *context_complaint(const struct qbid_plan *plan, uint32_t i,
                                     uint32_t line_item_max)
{
    const struct qbid_plan_context *context = &plan->contexts[i];
    uint64_t mask = plan->level_mask[context->key >> 62];
    if (i > 0 && plan->contexts[i - 1].key >= context->key)
        return "contexts are not in ascending order of their keys";
    if (mask == 0 || (context->key & ~(UINT64_C(3) << 62) & ~mask) != 0)
        return "a context's key does not fit its level";
    if (context->cnt == 0 || context->cnt > QBID_ROW_CANDIDATES_MAX ||
        context->first > plan->candidate_cnt || context->cnt > plan->candidate_cnt - context->first)
        return "a context's row has no candidates, too many, or lies outside the plan";
    if (context->segment >= (plan->shade_cnt ? plan->shade_cnt : 1))
        return "a context's market segment does not exist";
    const struct qbid_plan_candidate *candidate = &plan->candidates[context->first];
    for (uint32_t k = 0; k < context->cnt; k++) {
        if (candidate[k].line_item_idx >= line_item_max ||
            (k > 0 && candidate[k - 1].line_item_idx >= candidate[k].line_item_idx))
            return "candidates of a context are out of range or order";
        if (!value_valid(candidate[k].value_micros))
            return "a candidate's value is no number";
    }
    return NULL;
}

static const char *plan_complaint(const struct qbid_plan *plan, uint32_t line_item_max)
{
    const char *why = levels_complaint(plan);
    for (uint32_t i = 0; i < plan->context_cnt && !why; i++)
        why = context_complaint(plan, i, line_item_max);
    if (plan->shade_cnt > QBID_SEGMENTS_MAX || plan->qgroup_cnt > UINT16_MAX)
        why = "too many market segments or Q groups";
    for (uint32_t i = 0; i < plan->line_item_max && !why; i++) {
        if (!value_valid(plan->line_value_micros[i]))
            why = "a line item's value is no number";
        if (plan->line_q_group[i] >= (plan->qgroup_cnt ? plan->qgroup_cnt : 1))
            why = "a line item's Q group does not exist";
    }
    for (uint32_t i = 0; i < plan->shade_cnt && !why; i++)
        if (!ratios_valid(plan->shades[i].ratio) || !ratios_valid(plan->shades[i].win))
            why = "a shade table is not in [0, 1]";
    for (uint32_t i = 0; i < plan->qgroup_cnt * QBID_QSTATES && !why; i++)
        if (plan->qrows[i].n != 0 && !qbid_qrow_valid(&plan->qrows[i]))
            why = "a Q row is malformed";
    return why;
}

/* Place a section behind the ones before it. */
static void section_place(struct qbid_builder *b, enum qbid_section section, uint64_t cnt,
                          size_t elem_bytes)
{
    b->ref[section] =
        (struct qbid_section_ref){.off = b->bytes, .cnt = cnt, .elem_bytes = (uint32_t)elem_bytes};
    b->bytes += cnt * elem_bytes;
    b->bytes = (b->bytes + QBID_CACHE_LINE - 1) & ~(size_t)(QBID_CACHE_LINE - 1);
}

static void sections_place(struct qbid_builder *b, uint32_t elig_rows)
{
    const struct qbid_plan *plan = b->plan;
    uint64_t cnt[QBID_SECTION_CNT] = {
        [QBID_SECTION_DICT] = b->dict.cnt,
        [QBID_SECTION_ELIG_ROWS] = QBID_DIM_CNT,
        [QBID_SECTION_ELIG] = (uint64_t)elig_rows * b->elig_words,
        [QBID_SECTION_LINE_ITEMS] = b->account->line_item_max,
        [QBID_SECTION_SHELVES] = b->account->line_item_max,
        [QBID_SECTION_INDEX] = b->index.line_cnt,
        [QBID_SECTION_ROWS] = b->index.block_cnt,
        [QBID_SECTION_QROWS] = (uint64_t)(plan->qgroup_cnt ? plan->qgroup_cnt : 1) * QBID_QSTATES,
        [QBID_SECTION_SHADES] = plan->shade_cnt ? plan->shade_cnt : 1,
        [QBID_SECTION_ALIAS_DIRS] = b->creatives.dir_cnt,
        [QBID_SECTION_ALIASES] = b->creatives.dir_cnt,
        [QBID_SECTION_CREATIVES] = b->creatives.creative_cnt,
        [QBID_SECTION_CREATIVE_IDS] = b->creatives.creative_cnt,
        [QBID_SECTION_NAMES] = b->creatives.name_cnt,
        [QBID_SECTION_RATES] = b->params.rate_cnt,
        [QBID_SECTION_STRINGS] = b->creatives.string_bytes};
    b->bytes = sizeof(struct qbid_image_header) + sizeof b->ref;
    b->bytes = (b->bytes + QBID_CACHE_LINE - 1) & ~(size_t)(QBID_CACHE_LINE - 1);
#define X(upper, lower, type)                                                                      \
    section_place(b, QBID_SECTION_##upper, cnt[QBID_SECTION_##upper], sizeof(type));
    QBID_SECTION_LIST(X)
#undef X
}

static int builder_lay_out(struct qbid_builder *b, const char **ret_why)
{
    int err = qbid_section_dict_make(b->dictionary, &b->dict);
    if (err == QBID_ERR_INVAL)
        *ret_why = "two raw values have the same hash";
    if (!err)
        err = qbid_section_index_make(b->plan, &b->index);
    if (!err)
        err =
            qbid_section_creatives_make(b->account, b->dictionary, b->plan, &b->creatives, ret_why);
    if (err)
        return err;
    b->elig_words = (b->account->line_item_max + 63) / 64;
    sections_place(b, qbid_section_targets_rows(b->dictionary, b->dim));
    return b->bytes <= QBID_IMAGE_BYTES_MAX ? 0 : QBID_ERR_LIMIT;
}

int qbid_builder_new(const struct qbid_account *account, const struct qbid_dictionary *dictionary,
                     const struct qbid_plan *plan, const struct qbid_build_params *params,
                     struct qbid_builder **ret_builder, const char **ret_why)
{
    const char *why = params_complaint(params);
    if (!why)
        why = account_complaint(account);
    if (!why)
        why = plan_complaint(plan, account->line_item_max);
    if (why) {
        *ret_why = why;
        return QBID_ERR_INVAL;
    }
    struct qbid_builder *b = calloc(1, sizeof *b);
    if (!b) {
        *ret_why = "out of memory";
        return QBID_ERR_NOMEM;
    }
    b->account = account;
    b->dictionary = dictionary;
    b->plan = plan;
    b->params = *params;
    why = "the account or plan is too large for an image";
    int err = builder_lay_out(b, &why);
    if (err) {
        *ret_why = err == QBID_ERR_NOMEM ? "out of memory" : why;
        qbid_builder_free(b);
        return err;
    }
    *ret_builder = b;
    return 0;
}

void qbid_builder_free(struct qbid_builder *builder)
{
    if (!builder)
        return;
    free(builder->dict.entry);
    free(builder->index.line);
    qbid_section_creatives_done(&builder->creatives);
    free(builder);
}

size_t qbid_builder_bytes(const struct qbid_builder *builder)
{
    return builder->bytes;
}

static void header_fill(const struct qbid_builder *b, struct qbid_image_header *header)
{
    const struct qbid_build_params *p = &b->params;
    header->magic = QBID_IMAGE_MAGIC;
    header->abi_major = QBID_ABI_MAJOR;
    header->abi_minor = QBID_ABI_MINOR;
    header->section_cnt = QBID_SECTION_CNT;
    header->fingerprint = QBID_IMAGE_FINGERPRINT;
    header->bytes = b->bytes;
    header->gen = p->gen;
    header->seed = p->seed;
    header->built_unix_ns = p->built_unix_ns;
    header->built_boot_ns = p->built_boot_ns;
    header->valid_ns = p->valid_ns;
    header->boot_hash = p->boot_hash;
    memcpy(header->level_mask, b->plan->level_mask, sizeof header->level_mask);
    header->notice_ttl_ns = p->notice_ttl_ns;
    header->event_ttl_ns = p->event_ttl_ns;
    header->price_ceiling_micros = p->price_ceiling_micros;
    header->currency = b->account->currency;
    header->elig_words = b->elig_words;
    header->stale_factor = p->stale_factor;
}

/* Copied field by field: what a plan has in its padding must not reach the image. */
static void qrows_fill(const struct qbid_plan *plan, struct qbid_qrow *out)
{
    for (uint32_t i = 0; i < plan->qgroup_cnt * QBID_QSTATES; i++) {
        memcpy(out[i].ratio, plan->qrows[i].ratio, sizeof out[i].ratio);
        out[i].explore_q32 = plan->qrows[i].explore_q32;
        out[i].n = plan->qrows[i].n;
        out[i].greedy = plan->qrows[i].greedy;
    }
}

static void rates_fill(const struct qbid_build_params *params, struct qbid_rate *out)
{
    for (uint32_t i = 0; i < params->rate_cnt; i++) {
        out[i].currency = params->rates[i].currency;
        out[i].micros = params->rates[i].micros;
    }
}

void qbid_builder_fill(const struct qbid_builder *b, void *base)
{
    char *at = base;
    struct qbid_image_header *header = base;
    const struct qbid_section_creatives *c = &b->creatives;
    header_fill(b, header);
    memcpy(at + sizeof *header, b->ref, sizeof b->ref);
#define COPY(section, from)                                                                        \
    do {                                                                                           \
        if (b->ref[section].cnt)                                                                   \
            memcpy(at + b->ref[section].off, from,                                                 \
                   b->ref[section].cnt * b->ref[section].elem_bytes);                              \
    } while (0)
    COPY(QBID_SECTION_DICT, b->dict.entry);
    COPY(QBID_SECTION_ELIG_ROWS, b->dim);
    COPY(QBID_SECTION_LINE_ITEMS, c->line_item);
    COPY(QBID_SECTION_SHELVES, c->shelf);
    COPY(QBID_SECTION_INDEX, b->index.line);
    COPY(QBID_SECTION_ALIAS_DIRS, c->dir);
    COPY(QBID_SECTION_ALIASES, c->alias);
    COPY(QBID_SECTION_CREATIVES, c->creative);
    COPY(QBID_SECTION_NAMES, c->name);
    COPY(QBID_SECTION_STRINGS, c->string);
    uint32_t *creative_id = (void *)(at + b->ref[QBID_SECTION_CREATIVE_IDS].off);
    for (uint32_t i = 0; i < c->creative_cnt; i++)
        creative_id[i] = c->creative[i].id;
    struct qbid_shade *shade = (void *)(at + b->ref[QBID_SECTION_SHADES].off);
    if (b->plan->shade_cnt)
        COPY(QBID_SECTION_SHADES, b->plan->shades);
    else
        qbid_shade_identity(shade);
#undef COPY
    qbid_section_targets_fill(b->account, b->dictionary, b->dim, b->elig_words,
                              (void *)(at + b->ref[QBID_SECTION_ELIG].off));
    qbid_section_rows_fill(b->plan, (void *)(at + b->ref[QBID_SECTION_ROWS].off));
    qrows_fill(b->plan, (void *)(at + b->ref[QBID_SECTION_QROWS].off));
    rates_fill(&b->params, (void *)(at + b->ref[QBID_SECTION_RATES].off));
    header->checksum = qbid_image_checksum(base, b->bytes);
}
