/* SPDX-License-Identifier: Apache-2.0 */
/* Images read back: what went into the builder is what a reader finds, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "control/publish/build_image.h"
#include "shm/hash.h"
#include "tests/control/publish/scene.h"

struct stage {
    struct scene scene;
    struct qbid_image image;
    void *base;
    size_t bytes;
};

static const struct scene_options small = {
    .seed = 11, .line_items = 150, .contexts = 3000, .candidates = 40, .sites = 500};

static int setup(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    scene_make(&stage->scene, &small);
    stage->base = scene_build(&stage->scene, &stage->bytes);
    *state = stage;
    return qbid_image_attach(stage->base, stage->bytes, &stage->image);
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    scene_done(&stage->scene);
    free(stage->base);
    free(stage);
    return 0;
}

static void equal_input_gives_equal_bytes_whatever_the_heap_looks_like(void **state)
{
    struct stage *stage = *state;
    void *dirt[64];
    for (size_t i = 0; i < 64; i++) {
        dirt[i] = malloc(1000 * (i + 1));
        memset(dirt[i], (int)(i * 37 + 1), 1000 * (i + 1));
    }
    for (size_t i = 0; i < 64; i += 2)
        free(dirt[i]);
    struct scene again;
    size_t bytes, bytes2;
    scene_make(&again, &small);
    void *base = scene_build(&again, &bytes), *base2 = scene_build(&again, &bytes2);
    assert_int_equal(bytes, stage->bytes);
    assert_memory_equal(base, stage->base, bytes);
    assert_int_equal(bytes2, bytes);
    assert_memory_equal(base2, base, bytes);
    again.params.gen++;
    void *other = scene_build(&again, &bytes);
    assert_memory_not_equal(other, base, bytes);
    free(other), free(base), free(base2);
    scene_done(&again);
    for (size_t i = 1; i < 64; i += 2)
        free(dirt[i]);
}

static void the_header_says_what_the_builder_was_told(void **state)
{
    struct stage *stage = *state;
    const struct qbid_image_header *h = stage->image.header;
    const struct qbid_build_params *p = &stage->scene.params;
    assert_int_equal(h->gen, p->gen);
    assert_int_equal(h->seed, p->seed);
    assert_int_equal(h->valid_ns, p->valid_ns);
    assert_int_equal(h->notice_ttl_ns, p->notice_ttl_ns);
    assert_int_equal(h->event_ttl_ns, p->event_ttl_ns);
    assert_int_equal(h->price_ceiling_micros, p->price_ceiling_micros);
    assert_true(h->stale_factor == p->stale_factor);
    assert_memory_equal(&h->currency, "CNY", 4);
    assert_memory_equal(h->level_mask, stage->scene.plan.level_mask, sizeof h->level_mask);
    assert_int_equal(stage->image.rate_cnt, 2);
    assert_int_equal(stage->image.rates[1].micros, 7800000);
    assert_int_equal(stage->image.segment_cnt, 3);
    assert_int_equal(stage->image.qgroup_cnt, 2);
    assert_true(stage->image.qrows[130].ratio[3] == 1.25f);
    assert_int_equal(stage->image.qrows[130].pad[5], 0);
}

static void assert_rows_found(const struct qbid_image *image, const struct qbid_plan *plan)
{
    for (uint32_t i = 0; i < plan->context_cnt; i++) {
        const struct qbid_plan_context *context = &plan->contexts[i];
        struct qbid_row_ref row = qbid_image_row(image, context->key);
        assert_int_equal(row.cnt, context->cnt);
        assert_int_equal(row.segment, context->segment);
        for (uint32_t k = 0; k < context->cnt; k++) {
            assert_int_equal(qbid_row_line_item(&row, k),
                             plan->candidates[context->first + k].line_item_idx);
            assert_true(row.value_micros[k] == plan->candidates[context->first + k].value_micros);
        }
        for (uint32_t k = context->cnt; k % QBID_ROW_PAD; k++)
            assert_true(row.value_micros[k] == 0 && row.line_item_low[k] == 0);
    }
}

static int key_cmp(const void *a, const void *b)
{
    const uint64_t *key = a;
    const struct qbid_plan_context *context = b;
    return *key < context->key ? -1 : *key > context->key;
}

static void every_context_of_the_plan_is_found_and_no_other(void **state)
{
    struct stage *stage = *state;
    const struct qbid_plan *plan = &stage->scene.plan;
    assert_true(plan->context_cnt > 2000);
    assert_rows_found(&stage->image, plan);
    uint64_t random = 5;
    uint32_t absent = 0;
    while (absent < 1000000) {
        uint64_t key = scene_roll(&random);
        if (absent % 2) /* every other one looks like a context */
            key = qbid_context_key(scene_context(&stage->scene, key), plan->level_mask[0], 0);
        if (bsearch(&key, plan->contexts, plan->context_cnt, sizeof *plan->contexts, key_cmp))
            continue;
        if (qbid_image_row(&stage->image, key).cnt != 0)
            fail_msg("key %llx is not in the plan", (unsigned long long)key);
        absent++;
    }
}

static void the_index_stays_below_its_load_and_keeps_free_lines(void **state)
{
    struct stage *stage = *state;
    double load = (double)stage->scene.plan.context_cnt /
                  ((double)QBID_INDEX_WAYS * stage->image.index_buckets);
    assert_true(load <= 0.6);
    assert_true(load > 0.4);
}

/* Contexts whose hashes all fall into one line: the index must grow until they can be found. */
static void grows_for_hashes_that_begin_with(uint64_t top, uint32_t many)
{
    struct scene scene;
    scene_make(&scene, &small);
    struct qbid_plan *plan = &scene.plan;
    uint64_t random = 3;
    uint32_t cnt = 0;
    while (cnt < many + 40) { /* the last 40 begin where the others run over to */
        uint64_t key = scene_roll(&random) & plan->level_mask[0];
        if (qbid_mix64(key) >> 56 == top)
            plan->contexts[cnt++].key = key;
    }
    for (uint32_t i = 0; i < cnt; i++) {
        for (uint32_t k = i; k > 0 && plan->contexts[k - 1].key > plan->contexts[k].key; k--) {
            uint64_t key = plan->contexts[k].key;
            plan->contexts[k].key = plan->contexts[k - 1].key;
            plan->contexts[k - 1].key = key;
        }
    }
    plan->context_cnt = cnt;
    size_t bytes;
    void *base = scene_build(&scene, &bytes);
    struct qbid_image image;
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    assert_true(image.index_buckets * QBID_INDEX_WAYS > 8 * cnt);
    assert_rows_found(&image, plan);
    free(base);
    scene_done(&scene);
}

static void contexts_that_collide_make_the_index_grow(void **state)
{
    (void)state;
    grows_for_hashes_that_begin_with(0x55, 200);
    grows_for_hashes_that_begin_with(0x00, 200);
    for (uint32_t many = 160; many < 240; many += 10) /* the last lines run over into the first */
        grows_for_hashes_that_begin_with(0xff, many);
}

static void eligibility_bits_are_what_the_targeting_accepts(void **state)
{
    struct stage *stage = *state;
    const struct scene *s = &stage->scene;
    uint64_t accepted = 0, refused = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        uint32_t values = qbid_dictionary_dim_cnt(s->dictionary, dim) + 1;
        assert_int_equal(stage->image.elig_rows[dim].value_cnt, values);
        for (uint32_t index = 0; index < values; index++) {
            const uint64_t *row = qbid_image_elig(&stage->image, dim, index);
            for (uint32_t i = 0; i < s->account.line_item_cnt; i++) {
                const struct qbid_line_item_def *li = &s->account.line_items[i];
                int bit = row[li->idx / 64] >> (li->idx % 64) & 1;
                assert_int_equal(bit, qbid_target_accepts(li, dim, index, s->dictionary));
                accepted += bit == 1, refused += bit == 0;
            }
            for (uint32_t idx = 3; idx < s->account.line_item_max; idx += 7) /* holes */
                assert_false(row[idx / 64] >> (idx % 64) & 1);
        }
    }
    assert_true(accepted > 10000 && refused > 10000);
}

static void values_get_their_index_and_strangers_none(void **state)
{
    struct stage *stage = *state;
    const struct qbid_dictionary *d = stage->scene.dictionary;
    for (uint32_t i = 0; i < qbid_dictionary_cnt(d); i++) {
        struct qbid_dictionary_entry e = qbid_dictionary_get(d, i);
        assert_int_equal(qbid_image_value(&stage->image, e.hash), e.index);
    }
    assert_int_equal(qbid_image_value(&stage->image, qbid_hash_dim(QBID_DIM_SITE, "no", 2)), 0);
    assert_int_equal(
        qbid_image_value(&stage->image, qbid_hash_dim(QBID_DIM_GEO, "site1.example", 13)), 0);
    assert_true((uint64_t)qbid_dictionary_cnt(d) * 2 <= (uint64_t)stage->image.dict_mask + 1);
}

static void assert_string(const struct qbid_image *image, uint32_t off, uint32_t len,
                          const char *want)
{
    assert_int_equal(len, strlen(want));
    assert_memory_equal(image->strings + off, want, len);
}

static const struct qbid_creative *creative_find(const struct qbid_image *image, uint32_t id)
{
    for (uint32_t i = 0; i < image->creative_cnt; i++)
        if (image->creatives[i].id == id)
            return &image->creatives[i];
    return NULL;
}

static void line_items_and_creatives_are_those_of_the_account(void **state)
{
    struct stage *stage = *state;
    const struct scene *s = &stage->scene;
    const struct qbid_image *image = &stage->image;
    assert_int_equal(image->line_item_cnt, s->account.line_item_max);
    assert_int_equal(image->line_items[3].id, 0);
    uint32_t capped = 0;
    for (uint32_t i = 0; i < s->account.line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &s->account.line_items[i];
        const struct qbid_line_item *item = &image->line_items[li->idx];
        const struct qbid_campaign_def *c = qbid_account_campaign(&s->account, li->campaign_id);
        assert_int_equal(item->id, li->id);
        assert_int_equal(item->campaign_id, c->id);
        assert_int_equal(item->budget_idx, c->budget_idx);
        assert_int_equal(item->tenant, c->tenant_id);
        assert_int_equal(item->floor_micros, li->floor_micros);
        assert_int_equal(item->ceiling_micros, li->ceiling_micros);
        assert_int_equal(item->q_group, s->plan.line_q_group[li->idx]);
        assert_true(item->value_micros == s->plan.line_value_micros[li->idx]);
        assert_int_equal(item->deal_hash,
                         li->deal ? qbid_hash_name(li->deal, strlen(li->deal)) : 0);
        char lower[64];
        snprintf(lower, sizeof lower, "shop%u.example", li->idx % 9);
        assert_int_equal(item->adomain_hash, qbid_hash_name(lower, strlen(lower)));
        assert_int_equal(!!(item->flags & QBID_LINE_ITEM_ACTIVE), li->active && c->active);
        capped += item->frequency_cap != 0;
        assert_int_equal(item->frequency_cap, li->idx % 3 == 1 ? 1 + li->idx % 9
                                              : li->idx % 3    ? 4
                                                               : 0);
        assert_int_equal(item->exposure_cnt, li->idx % 3 == 1 ? 3 : 0);
        for (unsigned k = 0; k < item->exposure_cnt; k++)
            assert_true(image->exposure_values[item->exposure_first + k] == 1.0f / (float)(1 << k));
    }
    assert_int_equal(image->header->capped_cnt, capped);
    assert_int_equal(image->creative_cnt, s->account.creative_cnt);
    for (uint32_t i = 0; i < s->account.creative_cnt; i++) {
        const struct qbid_creative_def *def = &s->account.creatives[i];
        const struct qbid_creative *c = creative_find(image, def->id);
        assert_non_null(c);
        assert_int_equal(c->line_item_id, def->line_item_id);
        assert_int_equal(c->format, def->format);
        assert_int_equal(c->width, def->width);
        assert_string(image, c->markup_off, c->markup_len, def->markup);
        assert_string(image, c->landing_off, c->landing_len, def->landing);
        assert_string(image, c->crid_off, c->crid_len, def->crid);
        const struct qbid_line_item_def *li = qbid_account_line_item(&s->account, c->line_item_id);
        assert_string(image, c->adomain_off, c->adomain_len, li->adomain);
        assert_string(image, c->cat_off, c->cat_len, li->categories);
    }
}

static void categories_are_hashed_in_lower_case_with_their_tier(void **state)
{
    struct stage *stage = *state;
    const struct qbid_shelf *shelf = &stage->image.shelves[5];
    uint64_t want[3] = {qbid_hash_name("iab6-5", 6), qbid_hash_name("iab6", 4),
                        qbid_hash_name("iab2", 4)};
    assert_int_equal(shelf->cat_cnt, 3);
    assert_memory_equal(stage->image.names + shelf->cat_first, want, sizeof want);
}

/* The active creatives of a line item for a slot, by the account alone. */
static uint32_t slot_creatives(const struct scene *s, uint32_t line_item_id, uint16_t slot_idx,
                               uint32_t *ret_id, double *ret_weight)
{
    uint32_t cnt = 0;
    const char *want = qbid_dictionary_text(s->dictionary, QBID_DIM_SLOT, slot_idx);
    for (uint32_t i = 0; i < s->account.creative_cnt; i++) {
        const struct qbid_creative_def *def = &s->account.creatives[i];
        char slot[32];
        qbid_creative_slot(def, slot);
        int any = strcmp(want, "video:any") == 0 && def->format == QBID_FORMAT_VIDEO;
        if (def->line_item_id != line_item_id || !def->active || (strcmp(slot, want) && !any))
            continue;
        double weight = 0;
        for (uint32_t k = 0; k < s->plan.creative_cnt; k++)
            if (s->plan.creatives[k].creative_id == def->id)
                weight = s->plan.creatives[k].probability;
        uint32_t at = cnt++;
        for (; at > 0 && ret_weight[at - 1] < weight; at--)
            ret_weight[at] = ret_weight[at - 1], ret_id[at] = ret_id[at - 1];
        ret_weight[at] = weight, ret_id[at] = def->id;
    }
    return cnt;
}

static void each_slot_draws_its_best_creatives_by_their_probability(void **state)
{
    struct stage *stage = *state;
    const struct scene *s = &stage->scene;
    const struct qbid_image *image = &stage->image;
    uint32_t slots = qbid_dictionary_dim_cnt(s->dictionary, QBID_DIM_SLOT), dirs = 0, full = 0;
    for (uint32_t i = 0; i < s->account.line_item_cnt; i++) {
        uint32_t idx = s->account.line_items[i].idx;
        const struct qbid_line_item *item = &image->line_items[idx];
        const struct qbid_shelf *shelf = &image->shelves[idx];
        uint32_t seen = 0;
        for (uint16_t slot = 1; slot <= slots; slot++) {
            uint32_t id[64];
            double weight[64], sum = 0;
            uint32_t cnt = slot_creatives(s, item->id, slot, id, weight);
            if (cnt == 0)
                continue;
            const struct qbid_slot_dir *dir = &image->slot_dirs[shelf->dir_first + seen++];
            assert_true(seen <= shelf->dir_cnt);
            assert_int_equal(dir->slot_idx, slot);
            uint32_t n = cnt < 8 ? cnt : 8, drawn = 0;
            for (uint32_t k = 0; k < n; k++)
                sum += weight[k];
            for (uint32_t k = 0; k < n; k++) {
                const struct qbid_creative *c = creative_find(image, id[k]);
                double want = sum > 0 ? weight[k] / sum : 1.0 / n, got = 0;
                for (uint32_t at = 0; at < dir->cnt; at++) {
                    const struct qbid_draw *draw = &image->draws[dir->draw + at];
                    if (draw->creative_idx == (uint32_t)(c - image->creatives)) {
                        assert_int_equal(draw->creative_id, id[k]);
                        got = draw->propensity_q32 * 0x1p-32;
                    }
                }
                assert_true(fabs(got - want) < 1e-9);
                drawn += want > 0;
            }
            assert_int_equal(dir->cnt, drawn);
            assert_true(dir->cnt > 4 || dir->draw % 4 + dir->cnt <= 4); /* in one cache line */
            dirs++, full += cnt > 8;
        }
        assert_int_equal(seen, shelf->dir_cnt);
    }
    assert_true(dirs > 200 && full > 0);
}

static void a_line_item_is_secure_when_all_that_it_shows_is(void **state)
{
    struct stage *stage = *state;
    const struct scene *s = &stage->scene;
    uint32_t cnt[2] = {0};
    for (uint32_t i = 0; i < s->account.line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &s->account.line_items[i];
        const struct qbid_line_item *item = &stage->image.line_items[li->idx];
        bool secure = stage->image.shelves[li->idx].dir_cnt > 0;
        for (uint32_t k = 0; k < s->account.creative_cnt; k++) {
            const struct qbid_creative_def *c = &s->account.creatives[k];
            secure &= c->line_item_id != li->id || !c->active || c->secure;
        }
        assert_int_equal(!!(item->flags & QBID_LINE_ITEM_SECURE), secure);
        cnt[secure]++;
    }
    assert_true(cnt[0] > 0 && cnt[1] > 0);
}

static void a_large_image_is_built_in_this_time(void **state)
{
    (void)state;
    struct scene scene;
    const struct scene_options large = {.seed = 2,
                                        .line_items = 2000,
                                        .contexts = 65536,
                                        .candidates = 32,
                                        .sites = 10000,
                                        .full_rows = true};
    scene_make(&scene, &large);
    struct timespec from, to;
    size_t bytes;
    clock_gettime(CLOCK_MONOTONIC, &from);
    void *base = scene_build(&scene, &bytes);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    printf("%u contexts, %u candidates, %u line items, %u values: %.1f MB in %.1f ms\n",
           scene.plan.context_cnt, scene.plan.candidate_cnt, scene.account.line_item_cnt,
           qbid_dictionary_cnt(scene.dictionary), (double)bytes / 1e6, ms);
    struct qbid_image image;
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    assert_rows_found(&image, &scene.plan);
    free(base);
    scene_done(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_input_gives_equal_bytes_whatever_the_heap_looks_like),
        cmocka_unit_test(the_header_says_what_the_builder_was_told),
        cmocka_unit_test(every_context_of_the_plan_is_found_and_no_other),
        cmocka_unit_test(the_index_stays_below_its_load_and_keeps_free_lines),
        cmocka_unit_test(contexts_that_collide_make_the_index_grow),
        cmocka_unit_test(eligibility_bits_are_what_the_targeting_accepts),
        cmocka_unit_test(values_get_their_index_and_strangers_none),
        cmocka_unit_test(line_items_and_creatives_are_those_of_the_account),
        cmocka_unit_test(categories_are_hashed_in_lower_case_with_their_tier),
        cmocka_unit_test(each_slot_draws_its_best_creatives_by_their_probability),
        cmocka_unit_test(a_line_item_is_secure_when_all_that_it_shows_is),
        cmocka_unit_test(a_large_image_is_built_in_this_time),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
