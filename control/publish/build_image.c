/* SPDX-License-Identifier: Apache-2.0 */
/* Lays the sections of an image out, writes them, sums them. */
#include "control/publish/build_image.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/scratch.h"
#include "control/publish/build_check.h"
#include "control/publish/section_creatives.h"
#include "control/publish/section_dict.h"
#include "control/publish/section_index.h"
#include "control/publish/section_targets.h"
#include "shm/error.h"

/* What the sections of a builder were made from; all zero = they are not to be used again. */
struct origin {
    const struct qbid_account *account;
    const struct qbid_dictionary *dictionary;
    uint64_t account_version;
    uint32_t value_cnt;
    struct qbid_plan_creative *creatives; /* a copy */
    uint32_t creative_cnt;
};

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
    uint64_t *elig; /* the bitmaps */
    uint32_t elig_words;
    size_t bytes;
    struct origin origin;
};

/* Place a section behind the ones before it. */
static void section_place(struct qbid_builder *b, enum qbid_section section, uint64_t cnt,
                          size_t elem_bytes)
{
    b->ref[section] =
        (struct qbid_section_ref){.off = b->bytes, .cnt = cnt, .elem_bytes = (uint32_t)elem_bytes};
    b->bytes += cnt * elem_bytes;
    b->bytes = (b->bytes + QBID_CACHE_LINE - 1) & ~(size_t)(QBID_CACHE_LINE - 1);
}

/* Behind the last dimension's. */
static uint64_t elig_rows(const struct qbid_builder *b)
{
    const struct qbid_elig_dim *last = &b->dim[QBID_DIM_CNT - 1];
    return (uint64_t)last->first_row + last->value_cnt;
}

static void sections_place(struct qbid_builder *b)
{
    const struct qbid_plan *plan = b->plan;
    uint64_t q_rows = (uint64_t)(plan->qgroup_cnt ? plan->qgroup_cnt : 1) * QBID_QSTATES;
    uint64_t cnt[QBID_SECTION_CNT] = {
        [QBID_SECTION_DICT] = b->dict.cnt,
        [QBID_SECTION_ELIG_ROWS] = QBID_DIM_CNT,
        [QBID_SECTION_ELIG] = elig_rows(b) * b->elig_words,
        [QBID_SECTION_LINE_ITEMS] = b->account->line_item_max,
        [QBID_SECTION_SHELVES] = b->account->line_item_max,
        [QBID_SECTION_INDEX] = b->index.bucket_cnt,
        [QBID_SECTION_ROWS] = b->index.block_cnt,
        [QBID_SECTION_QROWS] = q_rows,
        [QBID_SECTION_QHEADS] = q_rows,
        [QBID_SECTION_SHADES] = plan->shade_cnt ? plan->shade_cnt : 1,
        [QBID_SECTION_SLOT_DIRS] = b->creatives.dir_cnt,
        [QBID_SECTION_DRAWS] = b->creatives.draw_cnt,
        [QBID_SECTION_CREATIVES] = b->creatives.creative_cnt,
        [QBID_SECTION_NAMES] = b->creatives.name_cnt,
        [QBID_SECTION_RATES] = b->params.rate_cnt,
        [QBID_SECTION_STRINGS] = b->creatives.string_bytes,
        [QBID_SECTION_PARTNERS] = b->params.partner_cnt,
        [QBID_SECTION_EXPOSURE_VALUES] = b->creatives.exposure_cnt,
        [QBID_SECTION_TRAITS] = b->creatives.creative_cnt,
        [QBID_SECTION_SUMMARIES] = b->account->line_item_max,
    };
    b->bytes = sizeof(struct qbid_image_header) + sizeof b->ref;
    b->bytes = (b->bytes + QBID_CACHE_LINE - 1) & ~(size_t)(QBID_CACHE_LINE - 1);
#define X(upper, lower, type)                                                                      \
    section_place(b, QBID_SECTION_##upper, cnt[QBID_SECTION_##upper], sizeof(type));
    QBID_SECTION_LIST(X)
#undef X
}

static bool creatives_same(const struct origin *origin, const struct qbid_plan *plan)
{
    if (origin->creative_cnt != plan->creative_cnt)
        return false;
    for (uint32_t i = 0; i < plan->creative_cnt; i++)
        if (origin->creatives[i].creative_id != plan->creatives[i].creative_id ||
            !(origin->creatives[i].probability == plan->creatives[i].probability))
            return false;
    return true;
}

static int dict_renew(struct qbid_builder *b, const char **ret_why)
{
    free(b->dict.entry);
    b->dict = (struct qbid_section_dict){0};
    int err = qbid_section_dict_make(b->dictionary, &b->dict);
    if (err == QBID_ERR_INVAL)
        *ret_why = "two raw values have the same hash";
    return err;
}

static int targets_renew(struct qbid_builder *b)
{
    free(b->elig);
    /* whole cache lines: rows are read by vectors of eight words */
    b->elig_words = ((b->account->line_item_max + 63) / 64 + 7) & ~UINT32_C(7);
    size_t bytes =
        (size_t)qbid_section_targets_rows(b->dictionary, b->dim) * b->elig_words * sizeof *b->elig;
    b->elig = qbid_scratch_new(bytes);
    if (!b->elig)
        return QBID_ERR_NOMEM;
    memset(b->elig, 0, bytes);
    qbid_section_targets_fill(b->account, b->dictionary, b->dim, b->elig_words, b->elig);
    return 0;
}

static int creatives_renew(struct qbid_builder *b, const char **ret_why)
{
    qbid_section_creatives_done(&b->creatives);
    return qbid_section_creatives_make(b->account, b->dictionary, b->plan, &b->creatives, ret_why);
}

/* Remember what the sections were made from; without memory for that, nothing is used again. */
static void origin_set(struct qbid_builder *b)
{
    size_t bytes = b->plan->creative_cnt * sizeof *b->origin.creatives;
    b->origin = (struct origin){.creatives = qbid_scratch_new(bytes)};
    if (!b->origin.creatives)
        return;
    if (bytes)
        memcpy(b->origin.creatives, b->plan->creatives, bytes);
    b->origin.creative_cnt = b->plan->creative_cnt;
    b->origin.account = b->account;
    b->origin.account_version = b->params.account_version;
    b->origin.dictionary = b->dictionary;
    b->origin.value_cnt = qbid_dictionary_cnt(b->dictionary);
}

static int builder_lay_out(struct qbid_builder *b, const char **ret_why)
{
    struct origin from = b->origin;
    bool same_values =
        from.dictionary == b->dictionary && from.value_cnt == qbid_dictionary_cnt(b->dictionary);
    bool same_account = same_values && from.account == b->account &&
                        b->params.account_version != 0 &&
                        from.account_version == b->params.account_version;
    bool same_creatives = same_account && creatives_same(&from, b->plan);
    free(from.creatives);
    b->origin = (struct origin){0};
    int err = same_values ? 0 : dict_renew(b, ret_why);
    if (!err)
        err = qbid_section_index_make(b->plan, &b->index);
    if (!err && !same_account)
        err = targets_renew(b);
    if (!err && !same_creatives)
        err = creatives_renew(b, ret_why);
    else if (!err)
        qbid_section_creatives_revalue(b->plan, b->account->line_item_max, &b->creatives);
    if (err)
        return err;
    sections_place(b);
    if (b->bytes > QBID_IMAGE_BYTES_MAX)
        return QBID_ERR_LIMIT;
    origin_set(b);
    return 0;
}

int qbid_builder_renew(struct qbid_builder *b, const struct qbid_account *account,
                       const struct qbid_dictionary *dictionary, const struct qbid_plan *plan,
                       const struct qbid_build_params *params, const char **ret_why)
{
    const char *why = qbid_build_complaint(account, plan, params);
    if (why) {
        *ret_why = why;
        return QBID_ERR_INVAL;
    }
    b->account = account;
    b->dictionary = dictionary;
    b->plan = plan;
    b->params = *params;
    why = "the account or plan is too large for an image";
    int err = builder_lay_out(b, &why);
    if (err)
        *ret_why = err == QBID_ERR_NOMEM ? "out of memory" : why;
    return err;
}

int qbid_builder_new(const struct qbid_account *account, const struct qbid_dictionary *dictionary,
                     const struct qbid_plan *plan, const struct qbid_build_params *params,
                     struct qbid_builder **ret_builder, const char **ret_why)
{
    struct qbid_builder *b = calloc(1, sizeof *b);
    if (!b) {
        *ret_why = "out of memory";
        return QBID_ERR_NOMEM;
    }
    int err = qbid_builder_renew(b, account, dictionary, plan, params, ret_why);
    if (err)
        qbid_builder_free(b);
    else
        *ret_builder = b;
    return err;
}

void qbid_builder_free(struct qbid_builder *builder)
{
    if (!builder)
        return;
    free(builder->dict.entry);
    qbid_section_index_done(&builder->index);
    qbid_section_creatives_done(&builder->creatives);
    free(builder->elig);
    free(builder->origin.creatives);
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
    header->capped_cnt = b->creatives.capped_cnt;
    header->privacy = p->privacy;
    for (uint32_t i = 0; i < b->account->line_item_max; i++) {
        uint64_t deal = b->creatives.line_item[i].deal_hash;
        if (deal != 0)
            header->deal_bits[deal >> 5 & 1] |= UINT32_C(1) << (deal & 31);
    }
}

/* Copied field by field: what a plan has in its padding must not reach the image. */
static void qrows_fill(const struct qbid_plan *plan, struct qbid_qrow *out,
                       struct qbid_qhead *ret_heads)
{
    for (uint32_t i = 0; i < plan->qgroup_cnt * QBID_QSTATES; i++) {
        memcpy(out[i].ratio, plan->qrows[i].ratio, sizeof out[i].ratio);
        out[i].explore_q32 = plan->qrows[i].explore_q32;
        out[i].n = plan->qrows[i].n;
        out[i].greedy = plan->qrows[i].greedy;
        ret_heads[i] = qbid_qhead_of(&out[i]);
    }
}

static void rates_fill(const struct qbid_build_params *params, struct qbid_rate *out)
{
    for (uint32_t i = 0; i < params->rate_cnt; i++) {
        out[i].currency = params->rates[i].currency;
        out[i].micros = params->rates[i].micros;
    }
}

static void summaries_fill(const struct qbid_section_creatives *c, uint32_t line_item_max,
                           struct qbid_summary *out)
{
    for (uint32_t i = 0; i < line_item_max; i++)
        qbid_summary_fill(&out[i], &c->line_item[i], &c->shelf[i]);
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
    COPY(QBID_SECTION_ELIG, b->elig);
    COPY(QBID_SECTION_LINE_ITEMS, c->line_item);
    COPY(QBID_SECTION_SHELVES, c->shelf);
    COPY(QBID_SECTION_SLOT_DIRS, c->dir);
    COPY(QBID_SECTION_DRAWS, c->draw);
    COPY(QBID_SECTION_CREATIVES, c->creative);
    COPY(QBID_SECTION_NAMES, c->name);
    COPY(QBID_SECTION_STRINGS, c->string);
    COPY(QBID_SECTION_PARTNERS, b->params.partners);
    COPY(QBID_SECTION_EXPOSURE_VALUES, c->exposure);
    COPY(QBID_SECTION_TRAITS, c->traits);
    summaries_fill(c, b->account->line_item_max, (void *)(at + b->ref[QBID_SECTION_SUMMARIES].off));
    struct qbid_shade *shade = (void *)(at + b->ref[QBID_SECTION_SHADES].off);
    if (b->plan->shade_cnt)
        COPY(QBID_SECTION_SHADES, b->plan->shades);
    else
        qbid_shade_identity(shade);
#undef COPY
    qbid_section_index_fill(&b->index, (void *)(at + b->ref[QBID_SECTION_INDEX].off));
    qbid_section_rows_fill(&b->index, b->plan, (void *)(at + b->ref[QBID_SECTION_ROWS].off));
    qrows_fill(b->plan, (void *)(at + b->ref[QBID_SECTION_QROWS].off),
               (void *)(at + b->ref[QBID_SECTION_QHEADS].off));
    rates_fill(&b->params, (void *)(at + b->ref[QBID_SECTION_RATES].off));
    header->checksum = qbid_image_checksum(base, b->bytes);
}
