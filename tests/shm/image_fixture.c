/* SPDX-License-Identifier: Apache-2.0 */
/* Collects what a test image shall hold; image_fixture_build.c lays it out. */
#include "tests/shm/image_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"

#define NAME_DIM QBID_DIM_CNT

static void require(int condition)
{
    if (!condition)
        abort();
}

static void *grown(void *item, uint32_t *max, uint32_t cnt, size_t bytes)
{
    if (cnt < *max)
        return item;
    *max = *max ? 2 * *max : 16;
    void *bigger = aligned_alloc(64, (*max * bytes + 63) / 64 * 64);
    require(bigger != NULL);
    if (item != NULL)
        memcpy(bigger, item, cnt * bytes);
    free(item);
    return bigger;
}

/* Append one element to an IMAGE_FIXTURE_ARRAY; the value is its index. */
#define APPEND(array, value)                                                                       \
    ((array).item = grown((array).item, &(array).max, (array).cnt, sizeof *(array).item),          \
     (array).item[(array).cnt] = (value), (array).cnt++)

static uint32_t currency_of(const char *name)
{
    uint32_t word = 0;
    require(strlen(name) == 3);
    memcpy(&word, name, 3);
    return word;
}

void image_fixture_init(struct image_fixture *f)
{
    memset(f, 0, sizeof *f);
    f->dict_sparse = 8;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        f->value_cnt[dim] = 1;

    struct qbid_image_header *h = &f->header;
    uint64_t coarse = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SLOT);
    h->level_mask[3] = coarse;
    h->level_mask[2] = coarse | qbid_dim_mask(QBID_DIM_GEO);
    h->level_mask[1] = h->level_mask[2] | qbid_dim_mask(QBID_DIM_SITE);
    h->level_mask[0] = h->level_mask[1] | qbid_dim_mask(QBID_DIM_HOUR);
    h->gen = 1;
    h->privacy.gdpr_unknown_applies_not = 1;
    h->seed = 1;
    h->built_unix_ns = qbid_clock_unix_ns();
    h->built_boot_ns = qbid_clock_boot_ns();
    h->boot_hash = qbid_clock_boot_hash();
    h->valid_ns = 3600 * QBID_NS_PER_S;
    h->notice_ttl_ns = 600 * QBID_NS_PER_S;
    h->event_ttl_ns = 86400 * QBID_NS_PER_S;
    h->price_ceiling_micros = 100000 * QBID_MICROS_PER_UNIT;
    h->currency = currency_of("CNY");

    struct qbid_shade identity;
    struct qbid_qrow none = {0};
    qbid_shade_identity(&identity);
    image_fixture_shade(f, &identity);
    image_fixture_q_group(f, &none);
}

void image_fixture_done(struct image_fixture *f)
{
    free(f->dict.item);
    free(f->line_items.item);
    free(f->targets.item);
    free(f->cats.item);
    free(f->rows.item);
    free(f->candidates.item);
    free(f->qrows.item);
    free(f->shades.item);
    free(f->dirs.item);
    free(f->creatives.item);
    free(f->traits.item);
    free(f->rates.item);
    free(f->partners.item);
    free(f->strings.item);
    free(f->exposures.item);
}

uint32_t image_fixture_value(struct image_fixture *f, unsigned dim, const char *raw)
{
    struct qbid_dict_entry entry = {.hash = qbid_hash_dim(dim, raw, strlen(raw)), .dim = dim};
    for (uint32_t i = 0; i < f->dict.cnt; i++) {
        if (f->dict.item[i].hash == entry.hash)
            return f->dict.item[i].index;
    }
    entry.index = f->value_cnt[dim]++;
    require(entry.index <= qbid_dim_index_max(dim));
    APPEND(f->dict, entry);
    return entry.index;
}

uint32_t image_fixture_line_item(struct image_fixture *f, struct qbid_line_item item)
{
    if (item.ceiling_micros == 0)
        item.ceiling_micros = f->header.price_ceiling_micros;
    return APPEND(f->line_items, item);
}

void image_fixture_target(struct image_fixture *f, uint32_t line_item_idx, unsigned dim,
                          uint32_t index)
{
    require(line_item_idx < f->line_items.cnt && index < f->value_cnt[dim]);
    struct image_fixture_pair pair = {line_item_idx, dim, index};
    APPEND(f->targets, pair);
}

void image_fixture_cat(struct image_fixture *f, uint32_t line_item_idx, const char *name)
{
    require(line_item_idx < f->line_items.cnt);
    struct image_fixture_pair pair = {line_item_idx, NAME_DIM, qbid_hash_name(name, strlen(name))};
    APPEND(f->cats, pair);
}

/* Put a candidate where it belongs in a row that ascends from `first`; of two for one line item the
 * first stays. Returns how many came. */
static uint32_t add_candidate(struct image_fixture *f, uint32_t first,
                              struct image_fixture_candidate candidate)
{
    uint32_t at = f->candidates.cnt;
    while (at > first && f->candidates.item[at - 1].line_item_idx >= candidate.line_item_idx)
        at--;
    if (at < f->candidates.cnt && f->candidates.item[at].line_item_idx == candidate.line_item_idx)
        return 0;
    APPEND(f->candidates, candidate);
    for (uint32_t i = f->candidates.cnt - 1; i > at; i--)
        f->candidates.item[i] = f->candidates.item[i - 1];
    f->candidates.item[at] = candidate;
    return 1;
}

void image_fixture_row(struct image_fixture *f, unsigned level, uint64_t context, uint32_t segment,
                       uint32_t cnt, const uint32_t *line_item_idx, const float *value_micros)
{
    require(level < QBID_LEVEL_MAX && f->header.level_mask[level] != 0);
    require(cnt >= 1 && cnt <= QBID_ROW_CANDIDATES_MAX && segment < f->shades.cnt);
    struct image_fixture_row row = {
        .key = qbid_context_key(context, f->header.level_mask[level], level),
        .first = f->candidates.cnt,
        .segment = segment,
    };
    for (uint32_t i = 0; i < cnt; i++)
        row.cnt += add_candidate(
            f, row.first, (struct image_fixture_candidate){line_item_idx[i], value_micros[i]});
    APPEND(f->rows, row);
}

static void add_string(struct image_fixture *f, const char *text, uint32_t *ret_off,
                       uint32_t *ret_len)
{
    *ret_off = f->strings.cnt;
    *ret_len = 0;
    for (const char *c = text ? text : ""; *c != '\0'; c++, ++*ret_len)
        APPEND(f->strings, *c);
}

uint32_t image_fixture_creative(struct image_fixture *f, const struct image_fixture_creative *c)
{
    struct qbid_creative creative = {
        .id = c->id,
        .line_item_id = c->line_item_id,
        .width = c->width,
        .height = c->height,
        .format = c->format ? c->format : QBID_FORMAT_BANNER,
        .slot_idx = c->slot_idx,
    };
    add_string(f, c->markup, &creative.markup_off, &creative.markup_len);
    add_string(f, c->crid, &creative.crid_off, &creative.crid_len);
    add_string(f, c->adomain, &creative.adomain_off, &creative.adomain_len);
    add_string(f, c->landing, &creative.landing_off, &creative.landing_len);
    add_string(f, c->cat, &creative.cat_off, &creative.cat_len);
    APPEND(f->traits, c->traits);
    return APPEND(f->creatives, creative);
}

void image_fixture_draws(struct image_fixture *f, uint32_t line_item_idx, uint16_t slot_idx,
                         unsigned n, const uint32_t *creative_idx, const double *weight)
{
    require(n >= 1 && n <= QBID_DRAW_MAX && line_item_idx < f->line_items.cnt);
    struct image_fixture_dir dir = {.line_item_idx = line_item_idx,
                                    .dir = {.slot_idx = slot_idx, .cnt = (uint16_t)n}};
    double sum = 0, part = 0;
    for (unsigned i = 0; i < n; i++)
        sum += weight[i];
    uint64_t before = 0;
    for (unsigned i = 0; i < n; i++) {
        part += weight[i];
        /* each of the draws left must have a mass of its own */
        uint64_t upto = i + 1 == n ? QBID_DRAW_WHOLE : (uint64_t)(part / sum * 4294967296.0);
        uint64_t most = QBID_DRAW_WHOLE - (n - 1 - i);
        upto = upto > most ? most : upto <= before ? before + 1 : upto;
        require(creative_idx[i] < f->creatives.cnt);
        dir.draw[i] = qbid_draw_make(creative_idx[i], f->creatives.item[creative_idx[i]].id, before,
                                     upto - before);
        before = upto;
    }
    APPEND(f->dirs, dir);
}

uint32_t image_fixture_shade(struct image_fixture *f, const struct qbid_shade *shade)
{
    require(f->shades.cnt < QBID_SEGMENTS_MAX);
    return APPEND(f->shades, *shade);
}

void image_fixture_shade_default(struct image_fixture *f, const struct qbid_shade *shade)
{
    f->shades.item[0] = *shade;
}

uint32_t image_fixture_q_group(struct image_fixture *f, const struct qbid_qrow *row)
{
    for (unsigned state = 0; state < QBID_QSTATES; state++)
        APPEND(f->qrows, *row);
    return f->qrows.cnt / QBID_QSTATES - 1;
}

void image_fixture_partner(struct image_fixture *f, const struct qbid_partner *partner)
{
    APPEND(f->partners, *partner);
}

void image_fixture_rate(struct image_fixture *f, const char *currency, int64_t micros)
{
    struct qbid_rate rate = {.currency = currency_of(currency), .micros = micros};
    APPEND(f->rates, rate);
}

void image_fixture_cap(struct image_fixture *f, uint32_t line_item_idx, uint8_t cap, unsigned n,
                       const float *value)
{
    require(line_item_idx < f->line_items.cnt && cap > 0);
    struct qbid_line_item *item = &f->line_items.item[line_item_idx];
    f->header.capped_cnt += item->frequency_cap == 0;
    item->frequency_cap = cap;
    item->exposure_cnt = (uint8_t)n;
    item->exposure_first = f->exposures.cnt;
    for (unsigned k = 0; k < n; k++)
        APPEND(f->exposures, value[k]);
}
