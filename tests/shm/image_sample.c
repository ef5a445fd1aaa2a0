/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads back the sample image. */
#include "tests/shm/image_sample.h"

#include <stdio.h>
#include <string.h>

#include "shm/frequency.h"

/* Raw values by dimension; the rest have none. */
static const struct {
    unsigned dim, cnt;
    const char *prefix;
} values[] = {
    {QBID_DIM_EXCHANGE, 5, ""},   {QBID_DIM_SLOT, 9, "banner:300x"}, {QBID_DIM_GEO, 30, "CHN/"},
    {QBID_DIM_SITE, 60, "site-"}, {QBID_DIM_SEGMENT, 3, "segment-"}, {QBID_DIM_HOUR, 168, ""},
};
#define VALUE_DIMS (sizeof values / sizeof *values)

static uint32_t below(uint64_t a, uint64_t b, uint32_t n)
{
    return (uint32_t)qbid_mulhi64(qbid_mix64(qbid_mix64(a + 1) + b), n);
}

uint64_t image_sample_context(uint32_t i, unsigned *ret_level)
{
    uint64_t context = 0;
    *ret_level = i % QBID_LEVEL_MAX;
    for (unsigned v = 0; v < VALUE_DIMS; v++)
        context = qbid_dim_pack(context, values[v].dim, 1 + below(v, i, values[v].cnt));
    return context;
}

static void raw_value(unsigned v, unsigned number, char raw[32])
{
    snprintf(raw, 32, "%s%u", values[v].prefix, number);
}

static void fill_values(struct image_fixture *f)
{
    char raw[32];
    for (unsigned v = 0; v < VALUE_DIMS; v++) {
        for (unsigned number = 0; number < values[v].cnt; number++) {
            raw_value(v, number, raw);
            image_fixture_value(f, values[v].dim, raw);
        }
    }
}

static void fill_market(struct image_fixture *f)
{
    struct qbid_shade shade;
    struct qbid_qrow row = {.explore_q32 = UINT32_C(1) << 28, .n = 5, .greedy = 2};
    for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++) {
        shade.ratio[i] = 1.0f - (float)i / 128.0f;
        shade.win[i] = (float)i / 64.0f;
    }
    for (unsigned i = 0; i < QBID_QROW_ACTIONS; i++)
        row.ratio[i] = i < row.n ? 0.5f + 0.25f * (float)i : 1.0f;
    image_fixture_shade(f, &shade);
    image_fixture_q_group(f, &row);
    image_fixture_rate(f, "USD", 7100000);
    image_fixture_rate(f, "EUR", 7700000);
    image_fixture_partner(f, &(struct qbid_partner){.id = 3, .name = "*", .name_len = 1});
    image_fixture_partner(f, &(struct qbid_partner){.exchange_hash = 77,
                                                    .id = 9,
                                                    .coding = QBID_PRICE_CODING_AES_GCM,
                                                    .notices = 7,
                                                    .macro = "${P}",
                                                    .macro_len = 4});
}

static void fill_line_item(struct image_fixture *f, uint32_t i)
{
    char text[64];
    uint32_t li = image_fixture_line_item(
        f, (struct qbid_line_item){.id = 1000 + i,
                                   .campaign_id = 10 + i / 4,
                                   .budget_idx = i / 4,
                                   .value_micros = 1e6f + 1e4f * (float)i,
                                   .floor_micros = 1000,
                                   .adomain_hash = qbid_hash_name("brand.example", 13),
                                   .q_group = i % 2,
                                   .flags = QBID_LINE_ITEM_ACTIVE});
    uint16_t slot = (uint16_t)(1 + i % values[1].cnt);
    snprintf(text, sizeof text, "<a href=\"${CLICK}\">line item %u</a>", i);
    uint32_t creative[2];
    for (uint32_t c = 0; c < 2; c++)
        creative[c] = image_fixture_creative(
            f, &(struct image_fixture_creative){.id = 5000 + 2 * i + c,
                                                .line_item_id = 1000 + i,
                                                .width = 300,
                                                .height = 250,
                                                .slot_idx = slot,
                                                .markup = text,
                                                .crid = "crid",
                                                .adomain = "brand.example",
                                                .landing = "https://brand.example/",
                                                .cat = "IAB1,IAB2"});
    image_fixture_draws(f, li, slot, 2, creative, (const double[]){1, 3});
    image_fixture_draws(f, li, (uint16_t)(slot + 1), 1, creative, (const double[]){1});
    image_fixture_cat(f, li, "IAB1");
    if (li % 2 == 0) {
        const float r[] = {1.0f, 0.5f, 0.25f};
        image_fixture_cap(f, li, (uint8_t)(1 + li % QBID_FREQUENCY_CAP_MAX), li % 4 ? 3 : 0, r);
    }
    if (i % 3 == 0)
        image_fixture_target(f, li, QBID_DIM_GEO, 1 + i % values[2].cnt);
}

void image_sample_fill(struct image_fixture *f, uint64_t gen, uint32_t line_items,
                       uint32_t contexts)
{
    f->header.gen = gen;
    fill_values(f);
    fill_market(f);
    for (uint32_t i = 0; i < line_items; i++)
        fill_line_item(f, i);
    for (uint32_t i = 0; i < contexts; i++) {
        uint32_t idx[40], cnt = 1 + below(90, i, 40);
        float value[40];
        for (uint32_t j = 0; j < cnt; j++) {
            idx[j] = below(i, j, line_items);
            value[j] = 1e5f + (float)below(i, j + 100, 1000000);
        }
        unsigned level;
        uint64_t context = image_sample_context(i, &level);
        image_fixture_row(f, level, context, i % 2, cnt, idx, value);
    }
}

void *image_sample_build(uint64_t gen, uint32_t line_items, uint32_t contexts, size_t *ret_bytes)
{
    struct image_fixture f;
    image_fixture_init(&f);
    /* the same bytes at any time on any host */
    f.header.built_boot_ns = f.header.built_unix_ns = f.header.boot_hash = 0;
    image_sample_fill(&f, gen, line_items, contexts);
    void *base = image_fixture_build(&f, ret_bytes);
    image_fixture_done(&f);
    return base;
}

static uint64_t read_line_item(const struct qbid_image *image, uint32_t i, uint64_t random)
{
    const struct qbid_line_item *item = &image->line_items[i];
    uint64_t digest = item->id + (uint64_t)item->ceiling_micros;
    const struct qbid_shelf *shelf = &image->shelves[i];
    for (uint32_t c = 0; c < shelf->cat_cnt; c++)
        digest += image->names[shelf->cat_first + c];
    uint32_t action;
    float propensity;
    const struct qbid_qrow *row =
        &image->qrows[item->q_group * QBID_QSTATES + random % QBID_QSTATES];
    digest += (uint64_t)(100.0f * qbid_qrow_pick(row, random, &action, &propensity));
    for (uint32_t d = 0; d < shelf->dir_cnt; d++) {
        const struct qbid_slot_dir *dir = &image->slot_dirs[shelf->dir_first + d];
        const struct qbid_draw *draw =
            qbid_draw_pick(&image->draws[dir->draw], dir->cnt, (uint32_t)random);
        digest += image->creatives[draw->creative_idx].id ^ draw->creative_id;
    }
    return digest;
}

static uint64_t read_rows(const struct qbid_image *image, uint32_t contexts)
{
    uint64_t digest = 0;
    for (uint32_t i = 0; i < 2 * contexts; i++) { /* the second half are not in the sample */
        unsigned level;
        uint64_t context = image_sample_context(i, &level);
        uint64_t mask = image->header->level_mask[level];
        struct qbid_row_ref row = qbid_image_row(image, qbid_context_key(context, mask, level));
        for (uint32_t j = 0; j < qbid_row_padded(row.cnt); j++) {
            digest += image->line_items[qbid_row_line_item(&row, j)].id;
            digest += (uint64_t)qbid_micros_from_float(
                qbid_shade_eval(&image->shades[row.segment], row.value_micros[j]));
        }
        if (row.cnt != 0)
            digest += read_line_item(image, qbid_row_line_item(&row, row.cnt - 1), qbid_mix64(i));
    }
    return digest;
}

static uint64_t read_values(const struct qbid_image *image)
{
    uint64_t digest = 0;
    char raw[32];
    for (unsigned v = 0; v < VALUE_DIMS; v++) {
        for (unsigned number = 0; number < values[v].cnt + 3; number++) {
            raw_value(v, number, raw);
            uint64_t hash = qbid_hash_dim(values[v].dim, raw, strlen(raw));
            uint32_t index = qbid_image_value(image, hash);
            const uint64_t *word = qbid_image_elig(image, values[v].dim, index);
            for (uint32_t w = 0; w < image->header->elig_words; w++) {
                for (uint64_t bits = word[w]; bits != 0; bits &= bits - 1)
                    digest += image->line_items[w * 64 + (uint32_t)__builtin_ctzll(bits)].id;
            }
        }
    }
    return digest;
}

static uint64_t read_text(const struct qbid_image *image, uint32_t off, uint32_t len)
{
    uint64_t digest = 0;
    for (uint32_t i = 0; i < len; i++)
        digest = digest * 31 + (unsigned char)image->strings[off + i];
    return digest;
}

uint64_t image_sample_read(const struct qbid_image *image, uint32_t contexts)
{
    uint64_t digest = read_rows(image, contexts) + read_values(image);
    for (uint32_t i = 0; i < image->line_item_cnt; i++)
        digest += read_line_item(image, i, qbid_mix64(i));
    for (uint32_t i = 0; i < image->creative_cnt; i++) {
        const struct qbid_creative *c = &image->creatives[i];
        digest += read_text(image, c->markup_off, c->markup_len);
        digest += read_text(image, c->crid_off, c->crid_len);
        digest += read_text(image, c->adomain_off, c->adomain_len);
        digest += read_text(image, c->landing_off, c->landing_len);
        digest += read_text(image, c->cat_off, c->cat_len);
    }
    for (uint32_t i = 0; i < image->rate_cnt; i++)
        digest += (uint64_t)image->rates[i].micros;
    for (uint32_t i = 0; i < image->partner_cnt; i++)
        digest += qbid_image_partner_by_id(image, image->partners[i].id)->coding +
                  (uint64_t)image->partners[i].macro[image->partners[i].macro_len / 2];
    return digest;
}
