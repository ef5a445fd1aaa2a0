/* SPDX-License-Identifier: Apache-2.0 */
/* The table image: what was written is found, any changed byte is refused, and no damage that gets
 * past the check can lead a reader out of the image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/image.h"
#include "shm/live.h"
#include "tests/control/models/rng.h"
#include "tests/shm/image_sample.h"

static void every_row_is_found_under_its_context_and_level_and_no_other(void **state)
{
    (void)state;
    enum { ITEMS = 300, CONTEXTS = 3000 };
    struct image_fixture f;
    struct qbid_image image;
    size_t bytes;
    image_fixture_init(&f);
    image_sample_fill(&f, 9, ITEMS, CONTEXTS);
    void *base = image_fixture_build(&f, &bytes);
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    assert_int_equal(image.level_cnt, QBID_LEVEL_MAX);

    for (uint32_t i = 0; i < f.rows.cnt; i++) {
        const struct image_fixture_row *want = &f.rows.item[i];
        bool first = true; /* two contexts that are one at their level: the first row counts */
        for (uint32_t j = 0; j < i && first; j++)
            first = f.rows.item[j].key != want->key;
        struct qbid_row_ref row = qbid_image_row(&image, want->key);
        assert_true(row.cnt != 0);
        if (!first)
            continue;
        assert_int_equal(row.cnt, want->cnt);
        assert_int_equal(row.segment, want->segment);
        for (uint32_t c = 0; c < row.cnt; c++) {
            const struct image_fixture_candidate *candidate = &f.candidates.item[want->first + c];
            assert_int_equal(qbid_row_line_item(&row, c), candidate->line_item_idx);
            assert_true(row.value_micros[c] == candidate->value_micros);
        }
    }
    struct rng r = rng_init(31);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(qbid_image_row(&image, rng_next(&r)).cnt, 0);
    image_fixture_done(&f);
    free(base);
}

static void every_value_has_its_index_and_foreign_ones_have_none(void **state)
{
    (void)state;
    struct image_fixture f;
    struct qbid_image image;
    size_t bytes;
    char raw[32];
    image_fixture_init(&f);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(raw, sizeof raw, "site%u.example", i);
        assert_int_equal(image_fixture_value(&f, QBID_DIM_SITE, raw), i + 1);
    }
    void *base = image_fixture_build(&f, &bytes);
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(raw, sizeof raw, "site%u.example", i);
        size_t len = strlen(raw);
        assert_int_equal(qbid_image_value(&image, qbid_hash_dim(QBID_DIM_SITE, raw, len)),
                         i < 10000 ? i + 1 : 0);
        assert_int_equal(qbid_image_value(&image, qbid_hash_dim(QBID_DIM_GEO, raw, len)), 0);
    }
    assert_int_equal(qbid_image_value(&image, 0), 0);
    image_fixture_done(&f);
    free(base);
}

static void bitmaps_hold_the_targeting_of_each_line_item(void **state)
{
    (void)state;
    struct image_fixture f;
    struct qbid_image image;
    size_t bytes;
    image_fixture_init(&f);
    image_sample_fill(&f, 1, 200, 1);
    void *base = image_fixture_build(&f, &bytes);
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (uint32_t v = 0; v < f.value_cnt[dim] + 2; v++) {
            const uint64_t *row = qbid_image_elig(&image, dim, v);
            uint32_t known = v < f.value_cnt[dim] ? v : 0; /* beyond: as unknown */
            for (uint32_t i = 0; i < 200; i++) {
                bool targeted = dim == QBID_DIM_GEO && i % 3 == 0;
                bool want = !targeted || known == 1 + i % 30;
                assert_int_equal(row[i / 64] >> (i % 64) & 1, want);
            }
        }
    }
    image_fixture_done(&f);
    free(base);
}

/* A copy of exactly its bytes, so that the sanitizer sees the first byte too many. */
static unsigned char *copy_of(const void *base, size_t bytes)
{
    void *copy;
    assert_int_equal(posix_memalign(&copy, QBID_CACHE_LINE, bytes), 0);
    memcpy(copy, base, bytes);
    return copy;
}

#define DIRS 9 /* slots of a line item, at most */

/* Slots ascending, draws behind one another with gaps that fit into a summary or do not. */
static uint16_t draw_dirs(struct rng *r, struct qbid_slot_dir dir[DIRS])
{
    uint16_t cnt = (uint16_t)rng_below(r, DIRS + 1);
    uint32_t draw = rng_below(r, 1000000), slot = 0, gap = rng_below(r, 2) ? 1 : 16;
    for (unsigned i = 0; i < cnt; i++) {
        slot += 1 + rng_below(r, 127 / DIRS);
        dir[i] = (struct qbid_slot_dir){(uint16_t)slot, (uint16_t)(1 + rng_below(r, 8)), draw};
        draw += dir[i].cnt + rng_below(r, gap);
    }
    return cnt;
}

static bool dirs_fit(const struct qbid_slot_dir *dir, unsigned cnt)
{
    return cnt <= 6 && (cnt == 0 || dir[cnt - 1].draw - dir[0].draw < 32);
}

static void assert_slots(const struct qbid_summary *summary, const struct qbid_slot_dir *dir,
                         unsigned cnt)
{
    assert_int_equal(summary->dir_cnt, cnt);
    assert_int_equal(summary->slot_cnt, dirs_fit(dir, cnt) ? cnt : 0);
    if (summary->slot_cnt != cnt)
        return;
    for (uint32_t slot = 1; slot <= qbid_dim_index_max(QBID_DIM_SLOT); slot++) {
        struct qbid_shelf_slot got;
        unsigned i = 0;
        while (i < cnt && dir[i].slot_idx != slot)
            i++;
        assert_int_equal(qbid_summary_find(summary, slot, &got), i < cnt);
        if (i < cnt) {
            assert_int_equal(got.draw, dir[i].draw);
            assert_int_equal(got.cnt, dir[i].cnt);
            assert_int_equal(got.slot_idx, slot);
        }
    }
}

static void summarise(struct qbid_summary *summary, const struct qbid_line_item *item,
                      const struct qbid_slot_dir *dir, uint16_t dir_cnt, const uint64_t *name,
                      uint8_t name_cnt)
{
    struct qbid_shelf shelf;
    qbid_shelf_fill(&shelf, dir, 0, dir_cnt, name, 0, name_cnt);
    memset(summary, 0xa5, sizeof *summary); /* nothing of it must stay */
    qbid_summary_fill(summary, item, &shelf);
}

static void a_summary_says_what_line_item_and_shelf_say(void **state)
{
    (void)state;
    struct rng r = rng_init(64);
    unsigned fitting = 0;
    for (int round = 0; round < 2000; round++) {
        uint64_t name[5] = {0};
        struct qbid_slot_dir dir[DIRS];
        uint16_t dir_cnt = draw_dirs(&r, dir);
        uint8_t name_cnt = (uint8_t)rng_below(&r, 6);
        for (unsigned i = 0; i < name_cnt; i++)
            name[i] = rng_next(&r);
        struct qbid_line_item item = {.id = (uint32_t)rng_next(&r),
                                      .campaign_id = (uint32_t)rng_next(&r),
                                      .budget_idx = rng_below(&r, QBID_LIVE_BUDGETS_MAX),
                                      .floor_micros = (int64_t)(rng_next(&r) >> 1),
                                      .ceiling_micros = (int64_t)(rng_next(&r) >> 1),
                                      .deal_hash = (uint64_t)rng_below(&r, 2) << 63,
                                      .adomain_hash = rng_next(&r),
                                      .q_group = (uint16_t)rng_next(&r),
                                      .flags = (uint8_t)rng_next(&r),
                                      .targeted = (uint8_t)rng_next(&r)};
        struct qbid_summary s;
        summarise(&s, &item, dir, dir_cnt, name, name_cnt);
        assert_slots(&s, dir, dir_cnt);
        fitting += dirs_fit(dir, dir_cnt);
        assert_int_equal(s.cat_cnt, name_cnt);
        for (unsigned i = 0; i < QBID_SUMMARY_CATS; i++)
            assert_int_equal(s.cat_tag[i], (uint32_t)name[i]);
        assert_int_equal(s.adomain_tag, (uint32_t)item.adomain_hash);
        assert_int_equal(s.floor_micros, item.floor_micros);
        assert_int_equal(s.ceiling_micros, item.ceiling_micros);
        assert_int_equal(s.id, item.id);
        assert_int_equal(s.campaign_id, item.campaign_id);
        assert_int_equal(s.budget_idx, item.budget_idx);
        assert_int_equal(s.q_group, item.q_group);
        assert_int_equal(s.flags, item.flags);
        assert_int_equal(s.targeted, item.targeted);
        assert_int_equal(s.deal, item.deal_hash != 0);
        assert_int_equal(s.pad, 0);
    }
    assert_in_range(fitting, 400, 1600);
}

static void a_summary_holds_six_slots_and_draws_up_to_31_behind_the_first(void **state)
{
    (void)state;
    const struct qbid_line_item item = {0};
    struct qbid_slot_dir dir[DIRS] = {{1, 1, 7}};
    struct qbid_summary s;
    for (uint16_t cnt = 0; cnt <= DIRS; cnt++) {
        for (uint16_t i = 0; i < cnt; i++)
            dir[i] = (struct qbid_slot_dir){(uint16_t)(127 - cnt + i + 1), 1, 7u + i};
        summarise(&s, &item, dir, cnt, NULL, 0);
        assert_int_equal(s.slot_cnt, cnt <= 6 ? cnt : 0);
        assert_slots(&s, dir, cnt);
    }
    for (uint32_t behind = 30; behind < 34; behind++) {
        dir[0] = (struct qbid_slot_dir){1, 8, UINT32_MAX - 100};
        dir[1] = (struct qbid_slot_dir){127, 8, UINT32_MAX - 100 + behind};
        summarise(&s, &item, dir, 2, NULL, 0);
        assert_int_equal(s.slot_cnt, behind <= 31 ? 2 : 0);
        assert_slots(&s, dir, 2);
    }
}

static void every_single_changed_byte_is_refused(void **state)
{
    (void)state;
    size_t bytes;
    struct qbid_image image;
    struct rng r = rng_init(32);
    unsigned char *base = image_sample_build(3, 6, 10, &bytes);
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    for (size_t off = 0; off < bytes; off++) {
        unsigned char change = (unsigned char)(1 + rng_below(&r, 255));
        base[off] ^= change;
        assert_int_not_equal(qbid_image_attach(base, bytes, &image), 0);
        base[off] ^= change;
    }
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    free(base);
}

static void changed_bytes_of_a_big_image_are_refused(void **state)
{
    (void)state;
    size_t bytes;
    struct qbid_image image;
    struct rng r = rng_init(33);
    unsigned char *base = image_sample_build(3, 500, 5000, &bytes);
    for (int i = 0; i < 1000; i++) {
        size_t off = (size_t)(rng_uniform(&r) * (double)bytes);
        base[off] ^= 0x10;
        assert_int_not_equal(qbid_image_attach(base, bytes, &image), 0);
        base[off] ^= 0x10;
    }
    free(base);
}

static void a_short_or_long_image_is_refused(void **state)
{
    (void)state;
    size_t bytes;
    struct qbid_image image;
    void *base = image_sample_build(3, 6, 10, &bytes);
    for (size_t len = 0; len < bytes; len += len < 4096 ? 1 : 64) {
        unsigned char *copy = copy_of(base, len);
        assert_true(qbid_image_attach(copy, len, &image) < 0);
        assert_true(qbid_image_attach_unsummed(copy, len, &image) < 0);
        free(copy);
    }
    assert_int_equal(qbid_image_attach_unsummed((char *)base + 8, bytes - 8, &image),
                     QBID_ERR_INVAL);
    free(base);
}

struct damage {
    size_t off;
    unsigned len;
    unsigned char saved[8];
};

static uint64_t nasty(struct rng *r)
{
    static const uint64_t list[] = {
        0,           1,           2,        UINT16_MAX, UINT32_MAX,     UINT64_MAX,
        0x7f800000u, 0x7fc00000u, 1u << 31, 64,         UINT64_MAX - 63};
    uint32_t pick = rng_below(r, 16), shift = rng_below(r, 64);
    return pick < 11 ? list[pick] : rng_next(r) >> shift;
}

/* Header, directory and the start of every section are hit as often as all the rest. */
static size_t damaged_place(struct rng *r, const unsigned char *pristine, size_t bytes)
{
    const struct qbid_section_ref *ref =
        (const void *)(pristine + sizeof(struct qbid_image_header));
    size_t off;
    switch (rng_below(r, 4)) {
    case 0:
        off = rng_below(
            r, (uint32_t)(sizeof(struct qbid_image_header) + QBID_SECTION_CNT * sizeof *ref));
        break;
    case 1:
        ref += rng_below(r, QBID_SECTION_CNT);
        off = ref->off + rng_below(r, 256);
        break;
    default:
        off = rng_below(r, (uint32_t)bytes);
    }
    return off < bytes ? off : bytes - 1;
}

static void damage(struct rng *r, unsigned char *base, const unsigned char *pristine, size_t bytes,
                   struct damage *d)
{
    d->len = 1u << rng_below(r, 4);
    d->off = damaged_place(r, pristine, bytes) / d->len * d->len;
    d->len = d->off + d->len <= bytes ? d->len : 1;
    uint64_t value = nasty(r);
    memcpy(d->saved, base + d->off, d->len);
    if (rng_below(r, 2)) {
        memcpy(base + d->off, &value, d->len);
    } else {
        unsigned char *byte = base + d->off + rng_below(r, d->len);
        *byte = (unsigned char)(*byte ^ 1u << rng_below(r, 8));
    }
}

/* Up to three places at a time, without the checksum; what still attaches is used in full. */
static void no_damage_that_attaches_leads_a_reader_astray(void **state)
{
    (void)state;
    enum { ROUNDS = 120000, CONTEXTS = 12 };
    size_t bytes;
    struct qbid_image image;
    struct rng r = rng_init(34);
    unsigned char *pristine = image_sample_build(3, 8, CONTEXTS, &bytes);
    unsigned char *base = copy_of(pristine, bytes);
    unsigned attached = 0;
    uint64_t digest = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct damage d[3];
        unsigned n = 1 + rng_below(&r, 3);
        for (unsigned i = 0; i < n; i++) {
            damage(&r, base, pristine, bytes, &d[i]);
        }
        if (qbid_image_attach_unsummed(base, bytes, &image) == 0) {
            attached++;
            digest += image_sample_read(&image, CONTEXTS);
        }
        while (n-- > 0)
            memcpy(base + d[n].off, d[n].saved, d[n].len);
    }
    assert_memory_equal(base, pristine, bytes);
    assert_true(digest != 0);
    assert_true(attached > ROUNDS / 20 && attached < ROUNDS * 19 / 20);
    print_message("%d damaged images, %u attached and were read\n", ROUNDS, attached);
    free(base);
    free(pristine);
}

static void deadlines_go_by_the_boot_clock_or_else_by_the_wall_clock(void **state)
{
    (void)state;
    const uint64_t s = QBID_NS_PER_S;
    const struct qbid_image_header h = {.built_boot_ns = 1000 * s,
                                        .built_unix_ns = 5000000 * s,
                                        .valid_ns = 60 * s,
                                        .boot_hash = 77};
    assert_true(qbid_image_deadline_ns(&h, 1010 * s, 9 * s, 77) == 1060 * s);
    assert_true(qbid_image_deadline_ns(&h, 2000 * s, 9 * s, 77) == 1060 * s);
    /* another boot: 20 s old by the wall clock, 40 s are left of now */
    assert_true(qbid_image_deadline_ns(&h, 300 * s, 5000020 * s, 78) == 340 * s);
    assert_true(qbid_image_deadline_ns(&h, 300 * s, 5000100 * s, 78) == 260 * s);
    /* built in the future: never longer than valid_ns from now */
    assert_true(qbid_image_deadline_ns(&h, 900 * s, 9 * s, 77) == 960 * s);
    assert_true(qbid_image_deadline_ns(&h, 300 * s, 4000000 * s, 78) == 360 * s);
    /* older than this boot */
    assert_true(qbid_image_deadline_ns(&h, 30 * s, 6000000 * s, 78) == 0);
    const struct qbid_image_header forever = {.valid_ns = UINT64_MAX};
    assert_true(qbid_image_deadline_ns(&forever, 5 * s, 5 * s, 0) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_under_its_context_and_level_and_no_other),
        cmocka_unit_test(every_value_has_its_index_and_foreign_ones_have_none),
        cmocka_unit_test(bitmaps_hold_the_targeting_of_each_line_item),
        cmocka_unit_test(a_summary_says_what_line_item_and_shelf_say),
        cmocka_unit_test(a_summary_holds_six_slots_and_draws_up_to_31_behind_the_first),
        cmocka_unit_test(every_single_changed_byte_is_refused),
        cmocka_unit_test(changed_bytes_of_a_big_image_are_refused),
        cmocka_unit_test(a_short_or_long_image_is_refused),
        cmocka_unit_test(no_damage_that_attaches_leads_a_reader_astray),
        cmocka_unit_test(deadlines_go_by_the_boot_clock_or_else_by_the_wall_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
