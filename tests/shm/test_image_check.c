/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of the image check by itself: one field is put wrong, the checksum is right again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/frequency.h"
#include "shm/image.h"
#include "shm/live.h"
#include "tests/shm/image_sample.h"

#define ITEMS 70 /* two eligibility words, the second not full */
#define CONTEXTS 200

/* A writable image, by section. */
struct draft {
    char *base;
    size_t bytes;
    struct qbid_image_header *header;
    struct qbid_section_ref *ref;
#define X(upper, lower, type) type *lower;
    QBID_SECTION_LIST(X)
#undef X
};

static void resolve(struct draft *d)
{
    d->header = (void *)d->base;
    d->ref = (void *)(d->base + sizeof *d->header);
#define X(upper, lower, type) d->lower = (void *)(d->base + d->ref[QBID_SECTION_##upper].off);
    QBID_SECTION_LIST(X)
#undef X
}

static void open_draft(struct draft *d)
{
    d->base = image_sample_build(1, ITEMS, CONTEXTS, &d->bytes);
    resolve(d);
}

static int attach(struct draft *d)
{
    struct qbid_image image;
    image_fixture_sum(d->base, d->bytes);
    return qbid_image_attach(d->base, d->bytes, &image);
}

/* With summaries of what line items and shelves say by now, so that they are not why it fails. */
static int attach_summarised(struct draft *d)
{
    for (uint32_t i = 0; i < ITEMS; i++)
        qbid_summary_fill(&d->summaries[i], &d->line_items[i], &d->shelves[i]);
    return attach(d);
}

/* One wrong statement, on an image of its own; the unharmed one must attach. */
#define REFUSED_BY(by, want, statement)                                                            \
    do {                                                                                           \
        struct draft d;                                                                            \
        open_draft(&d);                                                                            \
        assert_int_equal(by(&d), 0);                                                               \
        statement;                                                                                 \
        assert_int_equal(by(&d), want);                                                            \
        free(d.base);                                                                              \
    } while (0)
#define REFUSED(want, statement) REFUSED_BY(attach_summarised, want, statement)
#define CORRUPT(statement) REFUSED(QBID_ERR_CORRUPT, statement)
#define CORRUPT_AS_IS(statement) REFUSED_BY(attach, QBID_ERR_CORRUPT, statement)
#define ACCEPTED(statement) REFUSED(0, statement)

static void foreign_images_are_of_another_version(void **state)
{
    (void)state;
    REFUSED(QBID_ERR_VERSION, d.header->magic ^= 1);
    REFUSED(QBID_ERR_VERSION, d.header->abi_major++);
    REFUSED(QBID_ERR_VERSION, d.header->fingerprint++);
}

static void headers_that_make_no_sense_are_corrupt(void **state)
{
    (void)state;
    CORRUPT(d.header->bytes += 64);
    CORRUPT(d.header->gen = 0);
    CORRUPT(d.header->section_cnt--);
    CORRUPT(d.header->section_cnt++);
    CORRUPT(d.header->section_cnt = UINT32_MAX);
    CORRUPT(d.header->stale_factor = NAN);
    CORRUPT(d.header->stale_factor = -0.5f);
    CORRUPT(d.header->stale_factor = 1.5f);
    CORRUPT(d.header->price_ceiling_micros = -1);
    CORRUPT(d.header->price_ceiling_micros = QBID_PRICE_MICROS_MAX + 1);
    CORRUPT(d.header->level_mask[1] = 0);  /* a gap */
    CORRUPT(d.header->level_mask[0] ^= 1); /* half a dimension */
    CORRUPT(d.header->level_mask[0] |= UINT64_C(1) << 63);
    ACCEPTED(d.header->level_mask[3] = 0);
    ACCEPTED(d.header->stale_factor = 0.25f);
}

static void sections_outside_the_image_or_each_other_are_corrupt(void **state)
{
    (void)state;
    for (unsigned s = 0; s < QBID_SECTION_CNT; s++) {
        CORRUPT(d.ref[s].off += 8);
        CORRUPT(d.ref[s].off = 0);
        CORRUPT(d.ref[s].off = d.bytes + 64);
        CORRUPT(d.ref[s].off = UINT64_MAX - 63);
        CORRUPT(d.ref[s].cnt = UINT64_MAX);
        CORRUPT(d.ref[s].cnt = UINT64_MAX / d.ref[s].elem_bytes + 2);
        CORRUPT(d.ref[s].cnt = d.bytes);
        CORRUPT(d.ref[s].elem_bytes++);
        CORRUPT(d.ref[s].elem_bytes = 0);
        for (unsigned other = 0; other < s; other++)
            CORRUPT(d.ref[s].off = d.ref[other].off);
    }
}

/* The sample with one more section, unknown to this version, behind all others; the directory has
 * room for it before the first section. */
static void *grown_by_a_section(uint16_t minor, size_t *ret_bytes)
{
    struct draft d;
    open_draft(&d);
    *ret_bytes = d.bytes + 64;
    char *base = aligned_alloc(64, *ret_bytes);
    memset(base, 0, *ret_bytes);
    memcpy(base, d.base, d.bytes);
    struct qbid_image_header *header = (void *)base;
    struct qbid_section_ref *ref = (void *)(base + sizeof *header);
    ref[QBID_SECTION_CNT] = (struct qbid_section_ref){.off = d.bytes, .cnt = 3, .elem_bytes = 20};
    header->abi_minor = minor;
    header->section_cnt = QBID_SECTION_CNT + 1;
    header->bytes = *ret_bytes;
    image_fixture_sum(base, *ret_bytes);
    free(d.base);
    return base;
}

static void a_newer_minor_version_may_add_sections_at_the_end(void **state)
{
    (void)state;
    struct qbid_image image;
    size_t bytes;
    void *base = grown_by_a_section(QBID_ABI_MINOR + 1, &bytes);
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    assert_int_equal(image.line_item_cnt, ITEMS);
    free(base);
    base = grown_by_a_section(QBID_ABI_MINOR, &bytes);
    assert_int_equal(qbid_image_attach(base, bytes, &image), QBID_ERR_CORRUPT);
    free(base);
}

static struct qbid_dict_entry *used_entry(struct draft *d)
{
    struct qbid_dict_entry *e = d->dict;
    while (e->hash == 0)
        e++;
    return e;
}

static struct qbid_dict_entry *empty_entry(struct draft *d)
{
    struct qbid_dict_entry *e = d->dict;
    while (e->hash != 0)
        e++;
    return e;
}

/* Every empty place taken by an entry that belongs there. */
static void fill_up_dict(struct draft *d)
{
    uint32_t cnt = (uint32_t)d->ref[QBID_SECTION_DICT].cnt;
    for (uint32_t i = 0; i < cnt; i++) {
        if (d->dict[i].hash == 0)
            d->dict[i] = (struct qbid_dict_entry){.hash = i ? i : cnt, .index = 1};
    }
}

static void dictionaries_that_a_lookup_could_not_use_are_corrupt(void **state)
{
    (void)state;
    CORRUPT(d.ref[QBID_SECTION_DICT].cnt--);
    CORRUPT(d.ref[QBID_SECTION_DICT].cnt = 0);
    CORRUPT(used_entry(&d)->dim = QBID_DIM_CNT);
    CORRUPT(used_entry(&d)->index = 0);
    CORRUPT(used_entry(&d)->index = qbid_dim_index_max(used_entry(&d)->dim) + 1);
    CORRUPT(used_entry(&d)->hash += 100); /* not where it belongs */
    CORRUPT(fill_up_dict(&d));
    CORRUPT(empty_entry(&d)->index = 1);
    ACCEPTED(used_entry(&d)->index = 1);
}

/* Two entries of one hash side by side: only the first could ever be found. */
static void a_value_that_stands_twice_is_corrupt(void **state)
{
    (void)state;
    struct draft d;
    open_draft(&d);
    uint64_t cnt = d.ref[QBID_SECTION_DICT].cnt, i = 0;
    while (d.dict[i].hash == 0 || (d.dict[i].hash & (cnt - 1)) != i || d.dict[i + 1].hash != 0)
        i++;
    d.dict[i + 1] = d.dict[i];
    assert_int_equal(attach(&d), QBID_ERR_CORRUPT);
    free(d.base);
}

static void bitmaps_outside_their_section_or_of_absent_line_items_are_corrupt(void **state)
{
    (void)state;
    CORRUPT(d.ref[QBID_SECTION_ELIG_ROWS].cnt--);
    CORRUPT(d.ref[QBID_SECTION_ELIG].cnt--);
    CORRUPT(d.header->elig_words = 0);
    CORRUPT(d.header->elig_words = 1);
    CORRUPT(d.header->elig_words = UINT32_MAX);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        CORRUPT(d.elig_rows[dim].value_cnt = 0);
        CORRUPT(d.elig_rows[dim].value_cnt = qbid_dim_index_max(dim) + 2);
        CORRUPT(d.elig_rows[dim].first_row = UINT32_MAX);
        CORRUPT(d.elig_rows[dim].first_row = (uint32_t)(d.ref[QBID_SECTION_ELIG].cnt / 2));
    }
    CORRUPT(d.elig[1] |= UINT64_C(1) << (ITEMS - 64));
    CORRUPT(d.elig[d.ref[QBID_SECTION_ELIG].cnt - 1] |= UINT64_C(1) << 63);
    CORRUPT(d.elig[1] &= ~(UINT64_C(1) << (ITEMS - 65))); /* not told to be tested */
    ACCEPTED((d.elig[1] &= ~(UINT64_C(1) << (ITEMS - 65)),
              d.line_items[ITEMS - 1].targeted = UINT8_MAX));
}

static void line_items_that_refer_to_nothing_or_hold_no_price_are_corrupt(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ITEMS; i += ITEMS - 1) {
        CORRUPT(d.line_items[i].budget_idx = QBID_LIVE_BUDGETS_MAX);
        CORRUPT(d.line_items[i].q_group = 2);
        CORRUPT(d.line_items[i].value_micros = NAN);
        CORRUPT(d.line_items[i].value_micros = INFINITY);
        CORRUPT(d.line_items[i].value_micros = -1);
        CORRUPT(d.line_items[i].floor_micros = -1);
        CORRUPT(d.line_items[i].floor_micros = QBID_PRICE_MICROS_MAX + 1);
        CORRUPT(d.line_items[i].ceiling_micros = -1);
        CORRUPT(d.line_items[i].ceiling_micros = INT64_MAX);
        CORRUPT(d.shelves[i].cat_first = (uint32_t)d.ref[QBID_SECTION_NAMES].cnt);
        CORRUPT(d.shelves[i].cat_first = UINT32_MAX);
        CORRUPT(d.shelves[i].cat_tag[0] ^= 1);
        CORRUPT(d.shelves[i].cat_cnt = 0); /* the tags say otherwise */
        CORRUPT(d.shelves[i].dir_first = (uint32_t)d.ref[QBID_SECTION_SLOT_DIRS].cnt);
        CORRUPT(d.shelves[i].dir_cnt = UINT16_MAX);
        CORRUPT(d.shelves[i].inline_cnt--);
        CORRUPT(d.shelves[i].slot_idx[0]++);
        CORRUPT(d.shelves[i].draw[1]++);
        CORRUPT(d.shelves[i].draw_first++);
        ACCEPTED(d.line_items[i].budget_idx = QBID_LIVE_BUDGETS_MAX - 1);
        ACCEPTED(d.line_items[i].floor_micros = QBID_PRICE_MICROS_MAX);
        ACCEPTED(d.line_items[i].targeted = UINT8_MAX);
    }
    CORRUPT(d.ref[QBID_SECTION_SHELVES].cnt--);
    /* number 3 accepts one geo only */
    CORRUPT(d.line_items[3].targeted = 0);
    CORRUPT(d.line_items[3].targeted = (uint8_t) ~(1u << QBID_DIM_GEO));
    /* slots out of order, and one twice */
    CORRUPT(d.slot_dirs[d.shelves[5].dir_first].slot_idx = 100);
    CORRUPT(d.slot_dirs[d.shelves[5].dir_first].slot_idx++);
    CORRUPT(d.ref[QBID_SECTION_SHADES].cnt = 0);
    CORRUPT(d.ref[QBID_SECTION_QROWS].cnt = 0);
}

/* Each field by itself, and line items and shelves that are right but not what was summarised. */
static void summaries_that_differ_from_line_item_or_shelf_are_corrupt(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ITEMS; i += ITEMS - 1) {
        for (unsigned slot = 0; slot < QBID_SUMMARY_SLOTS; slot++) {
            CORRUPT_AS_IS(d.summaries[i].slot_idx[slot] ^= 1);
            CORRUPT_AS_IS(d.summaries[i].draw[slot] ^= 1);
        }
        for (unsigned cat = 0; cat < QBID_SUMMARY_CATS; cat++)
            CORRUPT_AS_IS(d.summaries[i].cat_tag[cat] ^= 1);
        CORRUPT_AS_IS(d.summaries[i].slot_cnt--);
        CORRUPT_AS_IS((d.summaries[i].slot_cnt = 0, d.summaries[i].dir_cnt = 0));
        CORRUPT_AS_IS(d.summaries[i].dir_cnt++);
        CORRUPT_AS_IS(d.summaries[i].cat_cnt = 0);
        CORRUPT_AS_IS(d.summaries[i].draw_first++);
        CORRUPT_AS_IS(d.summaries[i].adomain_tag ^= UINT32_C(1) << 31);
        CORRUPT_AS_IS(d.summaries[i].floor_micros--);
        CORRUPT_AS_IS(d.summaries[i].ceiling_micros++);
        CORRUPT_AS_IS(d.summaries[i].id++);
        CORRUPT_AS_IS(d.summaries[i].campaign_id++);
        CORRUPT_AS_IS(d.summaries[i].budget_idx++);
        CORRUPT_AS_IS(d.summaries[i].q_group ^= 1);
        CORRUPT_AS_IS(d.summaries[i].flags ^= QBID_LINE_ITEM_ACTIVE);
        CORRUPT_AS_IS(d.summaries[i].targeted ^= UINT8_MAX);
        CORRUPT_AS_IS(d.summaries[i].deal ^= 1);
        CORRUPT_AS_IS(d.summaries[i].pad = 1);
        CORRUPT_AS_IS(d.line_items[i].floor_micros++);
        CORRUPT_AS_IS(d.line_items[i].flags = 0);
        CORRUPT_AS_IS(d.line_items[i].adomain_hash++);
    }
    CORRUPT_AS_IS(d.summaries[1] = d.summaries[2]);
    CORRUPT_AS_IS(d.ref[QBID_SECTION_SUMMARIES].cnt--);
}

/* Number 2 has a cap and three values, number 4 a cap alone, number 1 none. */
static void caps_and_exposure_values_are_in_range(void **state)
{
    (void)state;
    CORRUPT(d.header->capped_cnt++);
    CORRUPT(d.header->capped_cnt = 0);
    CORRUPT(d.line_items[2].frequency_cap = QBID_FREQUENCY_CAP_MAX + 1);
    CORRUPT(d.line_items[2].frequency_cap = 0);
    CORRUPT(d.line_items[1].frequency_cap = 1);
    CORRUPT(d.line_items[1].exposure_cnt = 1);
    CORRUPT(d.line_items[2].exposure_cnt = QBID_FREQUENCY_VALUES_MAX + 1);
    CORRUPT(d.line_items[2].exposure_first = (uint32_t)d.ref[QBID_SECTION_EXPOSURE_VALUES].cnt - 2);
    CORRUPT(d.line_items[2].exposure_first = UINT32_MAX);
    CORRUPT(d.exposure_values[0] = 1.0001f);
    CORRUPT(d.exposure_values[1] = -0.1f);
    CORRUPT(d.exposure_values[2] = NAN);
    ACCEPTED(d.exposure_values[2] = 0);
    ACCEPTED(d.line_items[4].frequency_cap = QBID_FREQUENCY_CAP_MAX);
}

/* Place of the first row with two candidates or more in its last eight. */
static uint32_t used_place(const struct draft *d)
{
    uint32_t place = 0;
    for (;; place++) {
        const struct qbid_index_bucket *bucket = &d->index[place / QBID_INDEX_WAYS];
        unsigned way = place % QBID_INDEX_WAYS;
        if (bucket->tag[way] != 0 &&
            d->rows[qbid_index_row(bucket, way)].head.cnt % QBID_ROW_PAD >= 2)
            return place;
    }
}

static struct qbid_row_block *used_row(const struct draft *d)
{
    uint32_t place = used_place(d);
    return &d->rows[qbid_index_row(&d->index[place / QBID_INDEX_WAYS], place % QBID_INDEX_WAYS)];
}

static struct qbid_index_bucket *used_bucket(const struct draft *d, unsigned *ret_way)
{
    uint32_t place = used_place(d);
    *ret_way = place % QBID_INDEX_WAYS;
    return &d->index[place / QBID_INDEX_WAYS];
}

static uint32_t padded(const struct draft *d)
{
    return qbid_row_padded(used_row(d)->head.cnt);
}

static uint16_t *row_items(const struct draft *d)
{
    return (uint16_t *)(void *)(&used_row(d)->head + 1);
}

static void set_value(const struct draft *d, uint32_t at, uint32_t bits)
{
    memcpy(row_items(d) + padded(d) + 2 * (size_t)at, &bits, sizeof bits);
}

/* No bucket says any more that the next one must be looked at; the sample has some that ran over.
 */
static void forget_overflow(struct draft *d)
{
    for (uint32_t i = 0; i < d->ref[QBID_SECTION_INDEX].cnt; i++)
        d->index[i].first &= ~QBID_INDEX_MORE;
}

static void buckets_that_lead_nowhere_are_corrupt(void **state)
{
    (void)state;
    unsigned way;
    CORRUPT(d.ref[QBID_SECTION_INDEX].cnt = 0);
    CORRUPT(used_bucket(&d, &way)->first = UINT32_MAX);
    CORRUPT(used_bucket(&d, &way)->first = (uint32_t)d.ref[QBID_SECTION_ROWS].cnt);
    CORRUPT(used_bucket(&d, &way)->first++);
    CORRUPT(used_bucket(&d, &way)->lines = UINT32_MAX);
    CORRUPT(used_bucket(&d, &way)->lines += UINT32_C(1) << 4 * way);
    CORRUPT({
        struct qbid_index_bucket *bucket = used_bucket(&d, &way);
        bucket->tag[way] = 0; /* a row without a tag */
    });
    CORRUPT({
        struct qbid_index_bucket *bucket = used_bucket(&d, &way);
        bucket->tag[way] ^= 0x40; /* that of another hash */
    });
    CORRUPT({
        struct qbid_index_bucket *bucket = used_bucket(&d, &way);
        bucket->tag[7] = 1; /* a tag without a row */
        bucket->lines &= 0x0fffffff;
    });
    CORRUPT(forget_overflow(&d));
    ACCEPTED(d.index[0].first |= QBID_INDEX_MORE);
}

static void rows_that_are_not_their_buckets_are_corrupt(void **state)
{
    (void)state;
    CORRUPT(used_row(&d)->head.cnt = 0);
    CORRUPT(used_row(&d)->head.cnt = QBID_ROW_CANDIDATES_MAX + 1);
    CORRUPT(used_row(&d)->head.cnt = UINT16_MAX);
    CORRUPT(used_row(&d)->head.cnt += QBID_ROW_PAD * 2); /* more lines than the bucket says */
    CORRUPT(used_row(&d)->head.segment = 2);
    CORRUPT(used_row(&d)->head.hash ^= UINT64_C(1) << 63); /* whose bucket is elsewhere */
    CORRUPT(used_row(&d)->head.hash ^= 1);                 /* whose tag is another */
    CORRUPT(used_row(&d)->head.high = 0);
    CORRUPT(used_row(&d)->head.high = used_row(&d)->head.cnt); /* the padding alone */
    ACCEPTED(used_row(&d)->head.segment = 0);
    ACCEPTED(used_row(&d)->head.high = (uint16_t)padded(&d));
}

/* One row of `cnt` line items, the last ones of `items`; far where it is long. */
static void open_draft_of_row(struct draft *d, uint32_t items, uint32_t cnt)
{
    struct image_fixture f;
    uint32_t idx[QBID_ROW_CANDIDATES_MAX];
    float value[QBID_ROW_CANDIDATES_MAX];
    image_fixture_init(&f);
    for (uint32_t i = 0; i < items; i++)
        (void)image_fixture_line_item(&f, (struct qbid_line_item){.id = 1 + i});
    for (uint32_t i = 0; i < cnt; i++) {
        idx[i] = items - cnt + i;
        value[i] = 1 + (float)i;
    }
    image_fixture_row(&f, 0, 7, 0, cnt, idx, value);
    d->base = image_fixture_build(&f, &d->bytes);
    image_fixture_done(&f);
    resolve(d);
}

/* A row longer than a bucket can say, and line items of more than 16 bits. */
static void far_rows_and_high_line_items_are_checked_as_others(void **state)
{
    (void)state;
    static const struct {
        uint32_t items, cnt, high;
    } row[] = {{200, 152, UINT16_MAX}, {200, 153, UINT16_MAX}, {65536 + 20, 40, 20},
               {65536 + 200, 199, 0},  {65536 + 20, 160, 140}, {65536, 160, UINT16_MAX}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct draft d;
        struct qbid_image image;
        open_draft_of_row(&d, row[i].items, row[i].cnt);
        assert_int_equal(qbid_image_attach(d.base, d.bytes, &image), 0);
        struct qbid_row_ref ref =
            qbid_image_row(&image, qbid_context_key(7, image.header->level_mask[0], 0));
        struct qbid_row_head *head = &d.rows[0].head;
        assert_int_equal(ref.cnt, row[i].cnt);
        assert_int_equal(ref.high, row[i].high);
        for (uint32_t k = 0; k < ref.cnt; k++) {
            assert_int_equal(qbid_row_line_item(&ref, k), row[i].items - row[i].cnt + k);
            assert_true(ref.value_micros[k] == 1 + (float)k);
        }
        if (row[i].cnt > QBID_ROW_NEAR_MAX) {
            uint32_t far = d.rows[0].far;
            assert_int_equal(far, 1);
            d.rows[0].far = (uint32_t)d.ref[QBID_SECTION_ROWS].cnt;
            assert_int_equal(attach(&d), QBID_ERR_CORRUPT);
            d.rows[0].far = 2;
            assert_int_equal(attach(&d), QBID_ERR_CORRUPT);
            d.rows[0].far = UINT32_MAX;
            assert_int_equal(attach(&d), QBID_ERR_CORRUPT);
            d.rows[0].far = far;
        }
        head->high = 0; /* all of them: more than there are, unless it was so */
        assert_int_equal(attach(&d), row[i].high == 0 ? 0 : QBID_ERR_CORRUPT);
        free(d.base);
    }
}

static void rows_with_foreign_line_items_or_numbers_are_corrupt(void **state)
{
    (void)state;
    CORRUPT(row_items(&d)[0] = ITEMS);
    CORRUPT(row_items(&d)[1] = row_items(&d)[0]);
    CORRUPT(row_items(&d)[padded(&d) - 1] = ITEMS); /* padding is gathered too */
    CORRUPT(row_items(&d)[padded(&d) - 1] = UINT16_MAX);
    CORRUPT(set_value(&d, 0, 0x7f800000));     /* infinity */
    CORRUPT(set_value(&d, 0, 0x7fc00000));     /* NaN */
    CORRUPT(set_value(&d, 0, 0xbf800000));     /* -1 */
    CORRUPT(set_value(&d, 0, 0x80000000));     /* -0 */
    CORRUPT(set_value(&d, padded(&d) - 1, 1)); /* padding worth something */
    CORRUPT(set_value(&d, padded(&d) - 1, 0x80000000));
    ACCEPTED(row_items(&d)[padded(&d) - 1] = ITEMS - 1);
    ACCEPTED(set_value(&d, 0, 0x7f7fffff));
    ACCEPTED(set_value(&d, 0, 0));
}

static void forget_q_row(struct draft *d, uint32_t i)
{
    d->qrows[i].n = 0;
    d->qheads[i] = (struct qbid_qhead){0};
}

static void market_tables_with_impossible_numbers_are_corrupt(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY, -0.001f, 1.001f, -0.0f};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CORRUPT(d.shades[1].ratio[QBID_SHADE_KNOTS - 1] = bad[i]);
        CORRUPT(d.shades[0].win[0] = bad[i]);
        CORRUPT(d.qrows[QBID_QSTATES].ratio[QBID_QROW_ACTIONS - 1] = bad[i] == 1.001f ? 9 : bad[i]);
    }
    ACCEPTED(d.shades[0].ratio[0] = 1.00005f);
    CORRUPT(d.ref[QBID_SECTION_QROWS].cnt--);
    CORRUPT(d.qrows[2 * QBID_QSTATES - 1].greedy = 5);
    CORRUPT(d.qrows[2 * QBID_QSTATES - 1].n = QBID_QROW_ACTIONS + 1);
    CORRUPT(d.qrows[2 * QBID_QSTATES - 1].n = 0); /* and not its head */
    ACCEPTED(forget_q_row(&d, 2 * QBID_QSTATES - 1));
    CORRUPT(d.qrows[QBID_QSTATES].ratio[d.qrows[QBID_QSTATES].greedy] = 1.5f);
    CORRUPT(d.qheads[0].explore_q32++);
    CORRUPT(d.qheads[1].greedy++);
    CORRUPT(d.qheads[2].pad++);
    CORRUPT(d.ref[QBID_SECTION_QHEADS].cnt--);
    CORRUPT(d.rates[0].micros = 0);
    CORRUPT(d.rates[1].micros = -5);
    CORRUPT(d.rates[1].currency = 0);
}

/* The first draw of a slot directory. */
static uint32_t d_draw(uint32_t dir)
{
    struct draft d;
    open_draft(&d);
    uint32_t draw = d.slot_dirs[dir].draw;
    free(d.base);
    return draw;
}

static void partners_that_make_no_sense_are_corrupt(void **state)
{
    (void)state;
    CORRUPT(d.partners[0].id = 0);
    CORRUPT(d.partners[0].id = 9);
    CORRUPT(d.partners[1].exchange_hash = 0);
    CORRUPT(d.partners[1].coding = QBID_PRICE_CODING_CNT);
    CORRUPT(d.partners[1].required = 1u << QBID_PARTNER_FIELD_CNT);
    CORRUPT(d.partners[1].notices = 1u << QBID_PARTNER_NOTICE_CNT);
    CORRUPT(d.partners[1].name_len = 33);
    CORRUPT(d.partners[1].seat_len = 33);
    CORRUPT(d.partners[1].macro_len = 33);
    CORRUPT(d.partners[1].macro[2] = '"');
    CORRUPT((d.partners[1].seat[0] = '<', d.partners[1].seat_len = 1));
    CORRUPT(d.partners[1].seat_len = 1); /* a zero byte */
    CORRUPT(d.ref[QBID_SECTION_PARTNERS].cnt = QBID_PARTNERS_MAX + 1);
    ACCEPTED(d.partners[1].macro_len = 0);
}

static void creatives_outside_their_sections_are_corrupt(void **state)
{
    (void)state;
    const uint32_t creatives = 2 * ITEMS;
    uint32_t last = 2 * ITEMS - 1; /* slot directories */
    uint32_t draw = d_draw(last);
    CORRUPT(d.slot_dirs[last].cnt = 0);
    CORRUPT(d.slot_dirs[last].cnt++); /* what follows is no draw */
    CORRUPT(d.slot_dirs[last].cnt = QBID_DRAW_MAX + 1);
    CORRUPT(d.slot_dirs[last].draw = (uint32_t)d.ref[QBID_SECTION_DRAWS].cnt);
    CORRUPT(d.slot_dirs[last].draw = UINT32_MAX);
    CORRUPT(d.slot_dirs[last].draw--);
    CORRUPT(d.slot_dirs[last].slot_idx = UINT16_MAX);
    CORRUPT(d.draws[draw].creative_idx = creatives);
    CORRUPT(d.draws[draw].creative_id++);
    CORRUPT(d.draws[draw].propensity_q32--);
    CORRUPT(d.draws[draw].upto_q32--);
    CORRUPT(d.draws[draw].upto_q32 = 0);
    for (uint32_t c = 0; c < creatives; c += creatives - 1) {
        uint32_t off[] = {
            offsetof(struct qbid_creative, markup_off), offsetof(struct qbid_creative, crid_off),
            offsetof(struct qbid_creative, adomain_off),
            offsetof(struct qbid_creative, landing_off), offsetof(struct qbid_creative, cat_off)};
        for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
            CORRUPT(*(uint32_t *)(void *)((char *)&d.creatives[c] + off[i]) = UINT32_MAX);
            CORRUPT(*(uint32_t *)(void *)((char *)&d.creatives[c] + off[i] + 4) = UINT32_MAX);
            CORRUPT(*(uint32_t *)(void *)((char *)&d.creatives[c] + off[i]) =
                        (uint32_t)d.ref[QBID_SECTION_STRINGS].cnt);
        }
        CORRUPT(d.creatives[c].format = 0);
        CORRUPT(d.creatives[c].format = 5);
        CORRUPT(d.creatives[c].slot_idx = 128);
    }
}

static void an_image_without_line_items_is_fine(void **state)
{
    (void)state;
    struct image_fixture f;
    struct qbid_image image;
    size_t bytes;
    image_fixture_init(&f);
    void *base = image_fixture_build(&f, &bytes);
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    assert_int_equal(image.line_item_cnt, 0);
    assert_int_equal(image_sample_read(&image, 50), 0);
    image_fixture_done(&f);
    free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_images_are_of_another_version),
        cmocka_unit_test(headers_that_make_no_sense_are_corrupt),
        cmocka_unit_test(sections_outside_the_image_or_each_other_are_corrupt),
        cmocka_unit_test(a_newer_minor_version_may_add_sections_at_the_end),
        cmocka_unit_test(dictionaries_that_a_lookup_could_not_use_are_corrupt),
        cmocka_unit_test(a_value_that_stands_twice_is_corrupt),
        cmocka_unit_test(bitmaps_outside_their_section_or_of_absent_line_items_are_corrupt),
        cmocka_unit_test(line_items_that_refer_to_nothing_or_hold_no_price_are_corrupt),
        cmocka_unit_test(summaries_that_differ_from_line_item_or_shelf_are_corrupt),
        cmocka_unit_test(caps_and_exposure_values_are_in_range),
        cmocka_unit_test(buckets_that_lead_nowhere_are_corrupt),
        cmocka_unit_test(rows_that_are_not_their_buckets_are_corrupt),
        cmocka_unit_test(far_rows_and_high_line_items_are_checked_as_others),
        cmocka_unit_test(rows_with_foreign_line_items_or_numbers_are_corrupt),
        cmocka_unit_test(market_tables_with_impossible_numbers_are_corrupt),
        cmocka_unit_test(partners_that_make_no_sense_are_corrupt),
        cmocka_unit_test(creatives_outside_their_sections_are_corrupt),
        cmocka_unit_test(an_image_without_line_items_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
