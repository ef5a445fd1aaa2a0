/* SPDX-License-Identifier: Apache-2.0 */
/* What every section of a table image must fulfil before a reader trusts it. */
#include "shm/image_check.h"

#include <stdbool.h>
#include <string.h>

#include "shm/error.h"
#include "shm/frequency.h"
#include "shm/live.h"

#define RATIO_MAX 1.0001f /* one, and what rounding may add */

/* [first, first + cnt) inside [0, end). */
static bool range_fits(uint64_t first, uint64_t cnt, uint64_t end)
{
    return first <= end && cnt <= end - first;
}

static bool price_fits(int64_t micros)
{
    return micros >= 0 && micros <= QBID_PRICE_MICROS_MAX;
}

/* Bits of a float that is a number >= 0: negatives, infinity and NaN lie above. */
static bool bits_are_value(uint32_t bits)
{
    return bits <= UINT32_C(0x7f7fffff);
}

static bool is_value(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits_are_value(bits);
}

static bool is_ratio(float x)
{
    return is_value(x) && x <= RATIO_MAX;
}

/* A level's mask is made of whole dimensions; used levels come first. */
static bool header_fits(const struct qbid_image *image)
{
    const struct qbid_image_header *header = image->header;
    for (unsigned level = 0; level < QBID_LEVEL_MAX; level++) {
        uint64_t mask = header->level_mask[level];
        if (mask != 0 && level >= image->level_cnt)
            return false;
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
            uint64_t part = mask & qbid_dim_mask(dim);
            if (part != 0 && part != qbid_dim_mask(dim))
                return false;
            mask &= ~part;
        }
        if (mask != 0)
            return false;
    }
    return price_fits(header->price_ceiling_micros) && is_ratio(header->stale_factor);
}

/* Each entry is the one that a lookup of its hash finds, and at least half are empty. */
static bool dict_fits(const struct qbid_image *image, uint64_t cnt)
{
    if (cnt == 0 || (cnt & (cnt - 1)) != 0)
        return false;
    uint64_t used = 0;
    for (uint64_t i = 0; i < cnt; i++) {
        const struct qbid_dict_entry *e = &image->dict[i];
        if (e->hash == 0 && e->index != 0)
            return false;
        if (e->hash == 0)
            continue;
        used++;
        if (e->dim >= QBID_DIM_CNT || e->index - 1u >= qbid_dim_index_max(e->dim))
            return false;
        uint64_t distance = (i - e->hash) & (cnt - 1);
        if (distance >= QBID_DICT_PROBE_MAX)
            return false;
        for (uint64_t back = 1; back <= distance; back++) {
            uint64_t before = image->dict[(i - back) & (cnt - 1)].hash;
            if (before == 0 || before == e->hash)
                return false;
        }
    }
    return used <= cnt / 2;
}

/* Rows of every value lie in the section; no bit stands for a line item that does not exist. */
static bool elig_fits(const struct qbid_image *image, uint64_t dim_cnt, uint64_t word_cnt)
{
    uint32_t words = image->header->elig_words;
    if (dim_cnt != QBID_DIM_CNT || words > QBID_LINE_ITEMS_MAX / 64 ||
        (uint64_t)words * 64 < image->line_item_cnt)
        return false;
    uint64_t rows = words == 0 ? 0 : word_cnt / words;
    if (rows * words != word_cnt)
        return false;
    for (unsigned dim = 0; dim < QBID_DIM_CNT && words != 0; dim++) {
        const struct qbid_elig_dim *d = &image->elig_rows[dim];
        if (d->value_cnt == 0 || d->value_cnt > qbid_dim_index_max(dim) + 1 ||
            !range_fits(d->first_row, d->value_cnt, rows))
            return false;
    }
    uint32_t full = image->line_item_cnt / 64;
    uint64_t beyond = UINT64_MAX << (image->line_item_cnt % 64);
    for (uint64_t row = 0; row < rows; row++) {
        const uint64_t *word = image->elig + row * words;
        for (uint32_t i = full; i < words; i++) {
            if (word[i] & (i == full ? beyond : UINT64_MAX))
                return false;
        }
    }
    return true;
}

/* A value above 1 would break the order in which capped candidates are tried (fastpath). */
static bool frequency_fits(const struct qbid_image *image, const struct qbid_line_item *item,
                           const uint64_t cnt[QBID_SECTION_CNT])
{
    if (item->frequency_cap > QBID_FREQUENCY_CAP_MAX ||
        item->exposure_cnt > QBID_FREQUENCY_VALUES_MAX ||
        (item->frequency_cap == 0 && item->exposure_cnt != 0) ||
        !range_fits(item->exposure_first, item->exposure_cnt, cnt[QBID_SECTION_EXPOSURE_VALUES]))
        return false;
    for (unsigned k = 0; k < item->exposure_cnt; k++) {
        float value = image->exposure_values[item->exposure_first + k];
        if (!is_value(value) || value > 1.0f)
            return false;
    }
    return true;
}

static bool line_item_fits(const struct qbid_image *image, uint32_t i,
                           const uint64_t cnt[QBID_SECTION_CNT])
{
    const struct qbid_line_item *item = &image->line_items[i];
    const struct qbid_shelf *shelf = &image->shelves[i];
    if (item->budget_idx >= QBID_LIVE_BUDGETS_MAX || item->q_group >= image->qgroup_cnt ||
        !is_value(item->value_micros) || !price_fits(item->floor_micros) ||
        !price_fits(item->ceiling_micros) || !frequency_fits(image, item, cnt) ||
        !range_fits(shelf->cat_first, shelf->cat_cnt, cnt[QBID_SECTION_NAMES]) ||
        !range_fits(shelf->dir_first, shelf->dir_cnt, cnt[QBID_SECTION_SLOT_DIRS]) ||
        (item->deal_hash != 0 && !qbid_image_deal_likely(image, item->deal_hash)))
        return false;
    const struct qbid_slot_dir *dir = &image->slot_dirs[shelf->dir_first];
    for (uint32_t d = 1; d < shelf->dir_cnt; d++) {
        if (dir[d - 1].slot_idx >= dir[d].slot_idx)
            return false;
    }
    struct qbid_shelf want;
    qbid_shelf_fill(&want, image->slot_dirs, shelf->dir_first, shelf->dir_cnt, image->names,
                    shelf->cat_first, shelf->cat_cnt);
    if (memcmp(&want, shelf, sizeof want) != 0)
        return false;
    struct qbid_summary summary;
    qbid_summary_fill(&summary, item, shelf);
    return memcmp(&summary, &image->summaries[i], sizeof summary) == 0;
}

/* Line items that accept every value of a dimension: the AND of its rows. */
static void accept_all(const struct qbid_image *image, unsigned dim, uint64_t *ret_all)
{
    const struct qbid_elig_dim *d = &image->elig_rows[dim];
    uint32_t words = image->header->elig_words;
    const uint64_t *row = image->elig + (size_t)d->first_row * words;
    memset(ret_all, 0xff, words * sizeof *ret_all);
    for (uint32_t value = 0; value < d->value_cnt; value++, row += words) {
        for (uint32_t i = 0; i < words; i++)
            ret_all[i] &= row[i];
    }
}

/* Every dimension that can exclude a line item is one that its `targeted` tells to test. */
static bool targeted_fits(const struct qbid_image *image)
{
    uint64_t all[QBID_LINE_ITEMS_MAX / 64];
    for (unsigned dim = 0; dim < QBID_DIM_CNT && image->line_item_cnt != 0; dim++) {
        accept_all(image, dim, all);
        uint32_t untold = 0;
        for (uint32_t i = 0; i < image->line_item_cnt; i++) {
            uint32_t accepts = (uint32_t)(all[i >> 6] >> (i & 63)) & 1;
            untold |= ~((image->line_items[i].targeted >> dim) | accepts) & 1u;
        }
        if (untold)
            return false;
    }
    return true;
}

/* Segment 0 serves requests without a row, so line items need at least that one. */
static bool line_items_fit(const struct qbid_image *image, const uint64_t cnt[QBID_SECTION_CNT])
{
    if (image->line_item_cnt > QBID_LINE_ITEMS_MAX ||
        (image->line_item_cnt != 0 && image->segment_cnt == 0) ||
        cnt[QBID_SECTION_SHELVES] != image->line_item_cnt ||
        cnt[QBID_SECTION_SUMMARIES] != image->line_item_cnt)
        return false;
    uint32_t capped = 0;
    for (uint32_t i = 0; i < image->line_item_cnt; i++) {
        if (!line_item_fits(image, i, cnt))
            return false;
        capped += image->line_items[i].frequency_cap != 0;
    }
    return capped == image->header->capped_cnt && targeted_fits(image);
}

/* Line items ascend, those of the padding are there as well, since a vector of candidates is
 * gathered at once. */
static bool row_items_fit(const struct qbid_row_ref *row, uint32_t n8, uint32_t line_item_cnt)
{
    const uint16_t *low = row->line_item_low;
    uint32_t bad = 0;
    if (row->high == QBID_ROW_NONE_HIGH) {
        for (uint32_t i = 0; i < n8; i++)
            bad |= low[i] >= line_item_cnt;
        for (uint32_t i = 1; i < row->cnt; i++)
            bad |= low[i - 1] >= low[i];
        return bad == 0;
    }
    for (uint32_t i = 0; i < n8; i++)
        bad |= qbid_row_line_item(row, i) >= line_item_cnt;
    for (uint32_t i = 1; i < row->cnt; i++)
        bad |= qbid_row_line_item(row, i - 1) >= qbid_row_line_item(row, i);
    return bad == 0;
}

/* Eight at a time, since the compiler makes vectors of loops of constant length only. */
static bool candidates_fit(const struct qbid_image *image, const struct qbid_row_ref *row)
{
    const uint32_t *value = (const uint32_t *)(const void *)row->value_micros;
    uint32_t n8 = qbid_row_padded(row->cnt), bad = 0;
    for (uint32_t at = 0; at < n8; at += QBID_ROW_PAD) {
        for (uint32_t i = 0; i < QBID_ROW_PAD; i++)
            bad |= !bits_are_value(value[at + i]);
    }
    for (uint32_t i = row->cnt; i < n8; i++)
        bad |= value[i] != 0;
    return bad == 0 && row_items_fit(row, n8, image->line_item_cnt);
}

/* Whether a lookup that starts at bucket `home` arrives at `bucket`. */
static bool index_reaches(const struct qbid_image *image, uint32_t home, uint32_t bucket)
{
    for (uint32_t probe = 0; probe < QBID_INDEX_PROBE_MAX; probe++) {
        if (home == bucket)
            return true;
        if (!qbid_index_more(&image->index[home]))
            return false;
        home = home + 1 < image->index_buckets ? home + 1 : 0;
    }
    return false;
}

/* A row of `lines` blocks that are there, at a place of a bucket. */
static bool row_fits(const struct qbid_image *image, const struct qbid_row_block *row,
                     uint32_t lines, uint64_t blocks)
{
    uint32_t cnt = row->head.cnt;
    if (cnt == 0 || cnt > QBID_ROW_CANDIDATES_MAX || row->head.segment >= image->segment_cnt ||
        qbid_row_lines(cnt) != lines)
        return false;
    if (cnt > QBID_ROW_NEAR_MAX && !range_fits(row->far, qbid_row_blocks(cnt, false), blocks))
        return false;
    struct qbid_row_ref ref = qbid_row_open(image->rows, row);
    return candidates_fit(image, &ref);
}

/* Every place of a bucket has a row or none. */
static bool bucket_fits(const struct qbid_image *image, uint32_t number, uint64_t blocks)
{
    const struct qbid_index_bucket *bucket = &image->index[number];
    uint64_t at = bucket->first & ~QBID_INDEX_MORE;
    for (unsigned i = 0; i < QBID_INDEX_WAYS; i++) {
        uint32_t lines = bucket->lines >> 4 * i & 15;
        if ((bucket->tag[i] == 0) != (lines == 0))
            return false;
        if (lines == 0)
            continue;
        if (!range_fits(at, lines, blocks))
            return false;
        const struct qbid_row_block *row = &image->rows[at];
        uint64_t home = qbid_mulhi64(row->head.hash, image->index_buckets);
        if (bucket->tag[i] != qbid_index_tag(row->head.hash) ||
            !index_reaches(image, (uint32_t)home, number) || !row_fits(image, row, lines, blocks))
            return false;
        at += lines;
    }
    return true;
}

static bool index_fits(const struct qbid_image *image, uint64_t blocks)
{
    for (uint32_t number = 0; number < image->index_buckets; number++) {
        if (!bucket_fits(image, number, blocks))
            return false;
    }
    return image->index_buckets != 0;
}

static bool qrows_fit(const struct qbid_image *image, uint64_t cnt, uint64_t head_cnt)
{
    if (cnt % QBID_QSTATES != 0 || head_cnt != cnt)
        return false;
    for (uint64_t i = 0; i < cnt; i++) {
        if (image->qrows[i].n != 0 && !qbid_qrow_valid(&image->qrows[i]))
            return false;
        struct qbid_qhead want = qbid_qhead_of(&image->qrows[i]);
        if (memcmp(&want, &image->qheads[i], sizeof want) != 0)
            return false;
    }
    return true;
}

static bool shades_fit(const struct qbid_image *image)
{
    if (image->segment_cnt > QBID_SEGMENTS_MAX)
        return false;
    for (uint32_t s = 0; s < image->segment_cnt; s++) {
        for (unsigned knot = 0; knot < QBID_SHADE_KNOTS; knot++) {
            if (!is_ratio(image->shades[s].ratio[knot]) || !is_ratio(image->shades[s].win[knot]))
                return false;
        }
    }
    return true;
}

/* The draws of one slot are what qbid_draw_make() makes of their masses, which add up to all. */
static bool draws_fit(const struct qbid_image *image, const struct qbid_slot_dir *dir)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < dir->cnt; i++) {
        const struct qbid_draw *draw = &image->draws[dir->draw + i];
        uint64_t mass = (uint64_t)draw->upto_q32 + 1 - before;
        if (draw->creative_idx >= image->creative_cnt || draw->upto_q32 < before)
            return false;
        struct qbid_draw want = qbid_draw_make(
            draw->creative_idx, image->creatives[draw->creative_idx].id, before, mass);
        if (memcmp(&want, draw, sizeof want) != 0)
            return false;
        before += mass;
    }
    return before == QBID_DRAW_WHOLE;
}

static bool slot_dirs_fit(const struct qbid_image *image, const uint64_t cnt[QBID_SECTION_CNT])
{
    for (uint64_t d = 0; d < cnt[QBID_SECTION_SLOT_DIRS]; d++) {
        const struct qbid_slot_dir *dir = &image->slot_dirs[d];
        if (dir->cnt - 1u >= QBID_DRAW_MAX || dir->slot_idx > qbid_dim_index_max(QBID_DIM_SLOT) ||
            !range_fits(dir->draw, dir->cnt, cnt[QBID_SECTION_DRAWS]) || !draws_fit(image, dir))
            return false;
    }
    return true;
}

static bool creatives_fit(const struct qbid_image *image, uint64_t traits_cnt)
{
    if (traits_cnt != image->creative_cnt)
        return false;
    for (uint32_t i = 0; i < image->creative_cnt; i++) {
        const struct qbid_creative *c = &image->creatives[i];
        if (c->format < QBID_FORMAT_BANNER || c->format > QBID_FORMAT_NATIVE ||
            c->slot_idx > qbid_dim_index_max(QBID_DIM_SLOT) ||
            !range_fits(c->markup_off, c->markup_len, image->strings_len) ||
            !range_fits(c->crid_off, c->crid_len, image->strings_len) ||
            !range_fits(c->adomain_off, c->adomain_len, image->strings_len) ||
            !range_fits(c->landing_off, c->landing_len, image->strings_len) ||
            !range_fits(c->cat_off, c->cat_len, image->strings_len))
            return false;
    }
    return true;
}

static bool rates_fit(const struct qbid_image *image)
{
    for (uint32_t i = 0; i < image->rate_cnt; i++) {
        if (image->rates[i].currency == 0 || image->rates[i].micros <= 0)
            return false;
    }
    return true;
}

static bool partner_fits(const struct qbid_partner *p)
{
    return p->id != 0 && p->coding < QBID_PRICE_CODING_CNT &&
           p->required < 1u << QBID_PARTNER_FIELD_CNT &&
           p->notices < 1u << QBID_PARTNER_NOTICE_CNT && p->name_len <= sizeof p->name &&
           p->seat_len <= sizeof p->seat && p->macro_len <= sizeof p->macro &&
           qbid_partner_text_fits(p->seat, p->seat_len) &&
           qbid_partner_text_fits(p->macro, p->macro_len);
}

static bool partners_fit(const struct qbid_image *image)
{
    if (image->partner_cnt > QBID_PARTNERS_MAX)
        return false;
    for (uint32_t i = 0; i < image->partner_cnt; i++) {
        if (!partner_fits(&image->partners[i]))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (image->partners[j].id == image->partners[i].id ||
                image->partners[j].exchange_hash == image->partners[i].exchange_hash)
                return false;
    }
    return true;
}

int qbid_image_check(const struct qbid_image *image, const uint64_t cnt[QBID_SECTION_CNT])
{
    bool good = header_fits(image) && dict_fits(image, cnt[QBID_SECTION_DICT]) &&
                elig_fits(image, cnt[QBID_SECTION_ELIG_ROWS], cnt[QBID_SECTION_ELIG]) &&
                qrows_fit(image, cnt[QBID_SECTION_QROWS], cnt[QBID_SECTION_QHEADS]) &&
                shades_fit(image) && slot_dirs_fit(image, cnt) && line_items_fit(image, cnt) &&
                index_fits(image, cnt[QBID_SECTION_ROWS]) &&
                creatives_fit(image, cnt[QBID_SECTION_TRAITS]) && rates_fit(image) &&
                partners_fit(image);
    return good ? 0 : QBID_ERR_CORRUPT;
}
