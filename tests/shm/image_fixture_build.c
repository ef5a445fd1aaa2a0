/* SPDX-License-Identifier: Apache-2.0 */
/* Lays a test image out, section by section. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/shm/image_fixture.h"

#define WAYS 8            /* rows of a bucket of the index */
#define NEAR_MAX 152      /* candidates of a row of 15 lines, with its head */
#define CANDIDATE_BYTES 6 /* line item and value */

struct build {
    const struct image_fixture *f;
    struct qbid_section_ref ref[QBID_SECTION_CNT];
    uint64_t dict_cnt, index_cnt, near_blocks, row_blocks, elig_rows, elig_words, bytes;
    struct qbid_dict_entry *dict;
    uint32_t *placed; /* by place of a bucket: 1 + the row that lies there, 0 = none */
    bool *more;       /* by bucket */
    char *base;
};

static void *zeroed(uint64_t cnt, size_t elem_bytes)
{
    void *p = calloc(cnt ? cnt : 1, elem_bytes);
    if (p == NULL)
        abort();
    return p;
}

static uint32_t padded(uint32_t cnt)
{
    return (cnt + QBID_ROW_PAD - 1) / QBID_ROW_PAD * QBID_ROW_PAD;
}

/* 0 when an entry would lie too far from where it belongs. */
static int try_dict(struct build *b)
{
    b->dict = zeroed(b->dict_cnt, sizeof *b->dict);
    for (uint32_t i = 0; i < b->f->dict.cnt; i++) {
        uint64_t at = b->f->dict.item[i].hash & (b->dict_cnt - 1);
        unsigned probe = 0;
        for (; probe < QBID_DICT_PROBE_MAX && b->dict[at].hash != 0; probe++)
            at = (at + 1) & (b->dict_cnt - 1);
        if (probe == QBID_DICT_PROBE_MAX)
            return 0;
        b->dict[at] = b->f->dict.item[i];
    }
    return 1;
}

static void build_dict(struct build *b)
{
    b->dict_cnt = 4;
    while (b->dict_cnt < (uint64_t)b->f->dict_sparse * b->f->dict.cnt)
        b->dict_cnt *= 2;
    while (!try_dict(b)) {
        free(b->dict);
        b->dict_cnt *= 2;
    }
}

/* Of two rows with one key the first stays. */
static int place(struct build *b, uint32_t number)
{
    const struct image_fixture_row *rows = b->f->rows.item;
    uint64_t bucket = qbid_mulhi64(qbid_mix64(rows[number].key), b->index_cnt);
    for (unsigned probe = 0; probe < QBID_INDEX_PROBE_MAX; probe++) {
        uint32_t *placed = &b->placed[bucket * WAYS];
        for (unsigned i = 0; i < WAYS; i++) {
            if (placed[i] != 0 && rows[placed[i] - 1].key == rows[number].key)
                return 1;
            if (placed[i] != 0)
                continue;
            placed[i] = number + 1;
            return 1;
        }
        b->more[bucket] = true;
        bucket = (bucket + 1) % b->index_cnt;
    }
    return 0;
}

static int try_index(struct build *b)
{
    b->placed = zeroed(b->index_cnt * WAYS, sizeof *b->placed);
    b->more = zeroed(b->index_cnt, sizeof *b->more);
    for (uint32_t i = 0; i < b->f->rows.cnt; i++) {
        if (!place(b, i))
            return 0;
    }
    return 1;
}

static uint32_t blocks_for(uint64_t bytes)
{
    return (uint32_t)((bytes + 63) / 64);
}

static bool row_far(const struct image_fixture_row *row)
{
    return row->cnt > NEAR_MAX;
}

/* Blocks among those of the row's bucket. */
static uint32_t near_blocks(const struct image_fixture_row *row)
{
    return row_far(row)
               ? 1
               : blocks_for(sizeof(struct qbid_row_head) + padded(row->cnt) * CANDIDATE_BYTES);
}

static uint32_t far_blocks(const struct image_fixture_row *row)
{
    return row_far(row) ? blocks_for(padded(row->cnt) * CANDIDATE_BYTES) : 0;
}

static void count_blocks(struct build *b)
{
    for (uint64_t i = 0; i < b->index_cnt * WAYS; i++) {
        if (b->placed[i] == 0)
            continue;
        b->near_blocks += near_blocks(&b->f->rows.item[b->placed[i] - 1]);
        b->row_blocks += far_blocks(&b->f->rows.item[b->placed[i] - 1]);
    }
    b->row_blocks += b->near_blocks;
}

/* Load 0.6 at most. */
static void build_index(struct build *b)
{
    b->index_cnt = 1 + (uint64_t)b->f->rows.cnt * 10 / 48;
    while (!try_index(b)) {
        free(b->placed);
        free(b->more);
        b->index_cnt += 1 + b->index_cnt / 4;
    }
    count_blocks(b);
}

static void *section(const struct build *b, enum qbid_section which)
{
    return b->base + b->ref[which].off;
}

static void plan_section(struct build *b, enum qbid_section which, uint64_t cnt, size_t elem_bytes)
{
    b->ref[which] =
        (struct qbid_section_ref){.off = b->bytes, .cnt = cnt, .elem_bytes = (uint32_t)elem_bytes};
    b->bytes = (b->bytes + cnt * elem_bytes + 63) / 64 * 64;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_line_item_and_slot(const void *left, const void *right)
{
    const struct image_fixture_dir *a = left, *b = right;
    int order = compare(a->line_item_idx, b->line_item_idx);
    return order ? order : compare(a->dir.slot_idx, b->dir.slot_idx);
}

static int by_line_item_and_value(const void *left, const void *right)
{
    const struct image_fixture_pair *a = left, *b = right;
    int order = compare(a->line_item_idx, b->line_item_idx);
    return order ? order : compare(a->value, b->value);
}

static void *sorted(const void *from, uint32_t cnt, size_t bytes,
                    int (*order)(const void *, const void *))
{
    void *copy = zeroed(cnt, bytes);
    if (cnt != 0)
        memcpy(copy, from, cnt * bytes);
    qsort(copy, cnt, bytes, order);
    return copy;
}

/* Where the draws of a slot go: in one cache line when they fit into one. */
static uint32_t draws_place(uint32_t at, uint32_t cnt)
{
    return cnt <= 4 && at % 4 + cnt > 4 ? (at + 3) / 4 * 4 : at;
}

static uint32_t draws_total(const struct image_fixture *f)
{
    struct image_fixture_dir *dir =
        sorted(f->dirs.item, f->dirs.cnt, sizeof *dir, by_line_item_and_slot);
    uint32_t at = 0;
    for (uint32_t d = 0; d < f->dirs.cnt; d++)
        at = draws_place(at, dir[d].dir.cnt) + dir[d].dir.cnt;
    free(dir);
    return at;
}

static void plan_sections(struct build *b)
{
    const struct image_fixture *f = b->f;
    const uint64_t cnt[QBID_SECTION_CNT] = {
        [QBID_SECTION_DICT] = b->dict_cnt,
        [QBID_SECTION_ELIG_ROWS] = QBID_DIM_CNT,
        [QBID_SECTION_ELIG] = b->elig_rows * b->elig_words,
        [QBID_SECTION_LINE_ITEMS] = f->line_items.cnt,
        [QBID_SECTION_SHELVES] = f->line_items.cnt,
        [QBID_SECTION_INDEX] = b->index_cnt,
        [QBID_SECTION_ROWS] = b->row_blocks,
        [QBID_SECTION_QROWS] = f->qrows.cnt,
        [QBID_SECTION_QHEADS] = f->qrows.cnt,
        [QBID_SECTION_SHADES] = f->shades.cnt,
        [QBID_SECTION_SLOT_DIRS] = f->dirs.cnt,
        [QBID_SECTION_DRAWS] = draws_total(f),
        [QBID_SECTION_CREATIVES] = f->creatives.cnt,
        [QBID_SECTION_NAMES] = f->cats.cnt,
        [QBID_SECTION_RATES] = f->rates.cnt,
        [QBID_SECTION_STRINGS] = f->strings.cnt,
        [QBID_SECTION_PARTNERS] = f->partners.cnt,
        [QBID_SECTION_EXPOSURE_VALUES] = f->exposures.cnt,
        [QBID_SECTION_TRAITS] = f->creatives.cnt,
        [QBID_SECTION_SUMMARIES] = f->line_items.cnt,
    };
    /* the directory has room for one more section */
    b->bytes = (sizeof f->header + sizeof b->ref + sizeof *b->ref + 63) / 64 * 64;
#define X(upper, lower, type)                                                                      \
    plan_section(b, QBID_SECTION_##upper, cnt[QBID_SECTION_##upper], sizeof(type));
    QBID_SECTION_LIST(X)
#undef X
}

/* The candidates of a row, from *low on; line items of more than 16 bits come last. */
static void write_candidates(const struct build *b, const struct image_fixture_row *row,
                             uint16_t *low, struct qbid_row_head *head)
{
    char *values = (char *)(low + padded(row->cnt));
    head->high = UINT16_MAX;
    for (uint32_t j = row->cnt; j-- > 0;) {
        const struct image_fixture_candidate *c = &b->f->candidates.item[row->first + j];
        low[j] = c->line_item_idx % 65536;
        if (c->line_item_idx >= 65536)
            head->high = (uint16_t)j;
        memcpy(values + j * sizeof(float), &c->value_micros, sizeof c->value_micros);
    }
}

/* Bucket by bucket: what it says, and its rows. */
static void write_index(struct build *b)
{
    struct qbid_index_bucket *index = section(b, QBID_SECTION_INDEX);
    struct qbid_row_block *rows = section(b, QBID_SECTION_ROWS);
    uint32_t block = 0, far = (uint32_t)b->near_blocks;
    for (uint64_t place = 0; place < b->index_cnt * WAYS; place++) {
        struct qbid_index_bucket *bucket = &index[place / WAYS];
        if (place % WAYS == 0)
            bucket->first = block | (b->more[place / WAYS] ? UINT32_C(1) << 31 : 0);
        if (b->placed[place] == 0)
            continue;
        const struct image_fixture_row *row = &b->f->rows.item[b->placed[place] - 1];
        struct qbid_row_block *at = &rows[block];
        uint64_t hash = qbid_mix64(row->key);
        bucket->tag[place % WAYS] = (uint8_t)(hash % 256 ? hash % 256 : 1);
        bucket->lines |= near_blocks(row) << place % WAYS * 4;
        at->head = (struct qbid_row_head){
            .hash = hash, .cnt = (uint16_t)row->cnt, .segment = (uint16_t)row->segment};
        at->far = row_far(row) ? far : 0;
        write_candidates(b, row, row_far(row) ? (void *)&rows[far] : &at->head + 1, &at->head);
        block += near_blocks(row);
        far += far_blocks(row);
    }
}

static void set_bit(struct build *b, uint64_t row, uint32_t line_item_idx, int on)
{
    uint64_t *word = section(b, QBID_SECTION_ELIG);
    uint64_t bit = UINT64_C(1) << (line_item_idx % 64);
    word += row * b->elig_words + line_item_idx / 64;
    *word = on ? *word | bit : *word & ~bit;
}

/* Every line item accepts everything; then named dimensions nothing; then the named values. */
static void write_elig(struct build *b)
{
    const struct image_fixture *f = b->f;
    struct qbid_elig_dim *dims = section(b, QBID_SECTION_ELIG_ROWS);
    uint32_t first = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        dims[dim] = (struct qbid_elig_dim){first, f->value_cnt[dim]};
        first += f->value_cnt[dim];
    }
    for (uint32_t i = 0; i < f->line_items.cnt; i++) {
        for (uint64_t row = 0; row < b->elig_rows; row++)
            set_bit(b, row, i, f->line_items.item[i].id != 0);
    }
    for (uint32_t i = 0; i < f->targets.cnt; i++) {
        const struct image_fixture_pair *t = &f->targets.item[i];
        for (uint32_t v = 0; v < dims[t->dim].value_cnt; v++)
            set_bit(b, dims[t->dim].first_row + v, t->line_item_idx, 0);
    }
    for (uint32_t i = 0; i < f->targets.cnt; i++) {
        const struct image_fixture_pair *t = &f->targets.item[i];
        set_bit(b, dims[t->dim].first_row + t->value, t->line_item_idx, 1);
    }
}

/* What belongs to a line item stands together, draws by slot. */
static void write_line_items(struct build *b)
{
    const struct image_fixture *f = b->f;
    struct image_fixture_dir *dir =
        sorted(f->dirs.item, f->dirs.cnt, sizeof *dir, by_line_item_and_slot);
    struct image_fixture_pair *cat =
        sorted(f->cats.item, f->cats.cnt, sizeof *cat, by_line_item_and_value);
    struct qbid_line_item *items = section(b, QBID_SECTION_LINE_ITEMS);
    struct qbid_shelf *shelves = section(b, QBID_SECTION_SHELVES);
    struct qbid_slot_dir *dirs = section(b, QBID_SECTION_SLOT_DIRS);
    struct qbid_draw *draws = section(b, QBID_SECTION_DRAWS);
    uint64_t *names = section(b, QBID_SECTION_NAMES);
    uint32_t d = 0, c = 0, at = 0;
    for (uint32_t i = 0; i < f->line_items.cnt; i++) {
        items[i] = f->line_items.item[i];
        items[i].targeted = items[i].id == 0 ? UINT8_MAX : 0;
        uint32_t cat_first = c, dir_first = d;
        for (; c < f->cats.cnt && cat[c].line_item_idx == i; c++)
            names[c] = cat[c].value;
        for (; d < f->dirs.cnt && dir[d].line_item_idx == i; d++) {
            dirs[d] = dir[d].dir;
            dirs[d].draw = at = draws_place(at, dirs[d].cnt);
            memcpy(&draws[at], dir[d].draw, dirs[d].cnt * sizeof *draws);
            at += dirs[d].cnt;
        }
        qbid_shelf_fill(&shelves[i], dirs, dir_first, (uint16_t)(d - dir_first), names, cat_first,
                        (uint8_t)(c - cat_first));
    }
    for (uint32_t i = 0; i < f->targets.cnt; i++)
        items[f->targets.item[i].line_item_idx].targeted |= (uint8_t)(1u << f->targets.item[i].dim);
    struct qbid_summary *summaries = section(b, QBID_SECTION_SUMMARIES);
    for (uint32_t i = 0; i < f->line_items.cnt; i++)
        qbid_summary_fill(&summaries[i], &items[i], &shelves[i]);
    free(dir);
    free(cat);
}

static void copy_section(struct build *b, enum qbid_section which, const void *from)
{
    if (b->ref[which].cnt != 0)
        memcpy(section(b, which), from, b->ref[which].cnt * b->ref[which].elem_bytes);
}

void *image_fixture_build(const struct image_fixture *f, size_t *ret_bytes)
{
    struct build b = {.f = f, .elig_words = (f->line_items.cnt + 63u) / 64u};
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        b.elig_rows += f->value_cnt[dim];
    build_dict(&b);
    build_index(&b);
    plan_sections(&b);

    b.base = aligned_alloc(64, b.bytes);
    if (b.base == NULL)
        abort();
    memset(b.base, 0, b.bytes);
    struct qbid_image_header header = f->header;
    header.magic = QBID_IMAGE_MAGIC;
    header.abi_major = QBID_ABI_MAJOR;
    header.abi_minor = QBID_ABI_MINOR;
    header.section_cnt = QBID_SECTION_CNT;
    header.fingerprint = QBID_IMAGE_FINGERPRINT;
    header.bytes = b.bytes;
    header.elig_words = (uint32_t)b.elig_words;
    for (uint32_t i = 0; i < f->line_items.cnt; i++) {
        uint64_t deal = f->line_items.item[i].deal_hash;
        if (deal != 0)
            header.deal_bits[deal % 64 / 32] |= UINT32_C(1) << deal % 32;
    }
    memcpy(b.base, &header, sizeof header);
    memcpy(b.base + sizeof header, b.ref, sizeof b.ref);

    copy_section(&b, QBID_SECTION_DICT, b.dict);
    copy_section(&b, QBID_SECTION_QROWS, f->qrows.item);
    struct qbid_qhead *head = section(&b, QBID_SECTION_QHEADS);
    for (uint32_t i = 0; i < f->qrows.cnt; i++)
        head[i] = qbid_qhead_of(&f->qrows.item[i]);
    copy_section(&b, QBID_SECTION_SHADES, f->shades.item);
    copy_section(&b, QBID_SECTION_CREATIVES, f->creatives.item);
    copy_section(&b, QBID_SECTION_RATES, f->rates.item);
    copy_section(&b, QBID_SECTION_STRINGS, f->strings.item);
    copy_section(&b, QBID_SECTION_PARTNERS, f->partners.item);
    copy_section(&b, QBID_SECTION_EXPOSURE_VALUES, f->exposures.item);
    copy_section(&b, QBID_SECTION_TRAITS, f->traits.item);
    write_index(&b);
    write_elig(&b);
    write_line_items(&b);
    free(b.dict);
    free(b.placed);
    free(b.more);

    image_fixture_sum(b.base, b.bytes);
    *ret_bytes = b.bytes;
    return b.base;
}

void image_fixture_sum(void *base, size_t bytes)
{
    struct qbid_image_header *header = base;
    header->checksum = qbid_image_checksum(base, bytes);
}
