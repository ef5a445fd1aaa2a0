/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into an image: targeting rules, nothing at all, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/publish/build_image.h"
#include "shm/error.h"
#include "shm/live.h"
#include "tests/control/publish/scene.h"

static void targeting_means_what_it_says(void **state)
{
    (void)state;
    struct qbid_dictionary *d;
    assert_int_equal(qbid_dictionary_new(&d), 0);
    uint32_t chn1 = qbid_dictionary_add(d, QBID_DIM_GEO, "CHN/1");
    uint32_t chn = qbid_dictionary_add(d, QBID_DIM_GEO, "CHN/");
    uint32_t usa = qbid_dictionary_add(d, QBID_DIM_GEO, "USA/1");
    uint32_t chn10 = qbid_dictionary_add(d, QBID_DIM_GEO, "CHN/10");
    static const struct {
        const char *value[3];
        uint32_t cnt;
        int unknown, chn1, chn, usa, chn10;
    } rows[] = {
        {{NULL}, 0, 1, 1, 1, 1, 1},
        {{"CHN/1"}, 1, 0, 1, 0, 0, 0},
        {{"CHN/*"}, 1, 0, 1, 1, 0, 1},
        {{"!CHN/1"}, 1, 1, 0, 1, 1, 1},
        {{"!CHN/*"}, 1, 1, 0, 0, 1, 0},
        {{"CHN/*", "!CHN/1"}, 2, 0, 0, 1, 0, 1},
        {{"!CHN/1", "CHN/*", "USA/1"}, 3, 0, 0, 1, 1, 1},
        {{"!CHN/1", "!USA/1"}, 2, 1, 0, 1, 0, 1},
        {{"nowhere"}, 1, 0, 0, 0, 0, 0},
        {{"!nowhere"}, 1, 1, 1, 1, 1, 1},
        {{"*"}, 1, 0, 1, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct qbid_line_item_def li = {0};
        li.target[QBID_DIM_GEO].value = (char **)(uintptr_t)rows[i].value;
        li.target[QBID_DIM_GEO].cnt = rows[i].cnt;
        assert_int_equal(qbid_target_accepts(&li, QBID_DIM_GEO, 0, d), rows[i].unknown);
        assert_int_equal(qbid_target_accepts(&li, QBID_DIM_GEO, chn1, d), rows[i].chn1);
        assert_int_equal(qbid_target_accepts(&li, QBID_DIM_GEO, chn, d), rows[i].chn);
        assert_int_equal(qbid_target_accepts(&li, QBID_DIM_GEO, usa, d), rows[i].usa);
        assert_int_equal(qbid_target_accepts(&li, QBID_DIM_GEO, chn10, d), rows[i].chn10);
        assert_int_equal(qbid_target_accepts(&li, QBID_DIM_SITE, 0, d), 1);
    }
    qbid_dictionary_free(d);
}

static void an_empty_account_makes_an_image(void **state)
{
    (void)state;
    struct scene scene = {.params = {.gen = 1}};
    assert_int_equal(qbid_dictionary_new(&scene.dictionary), 0);
    size_t bytes;
    void *base = scene_build(&scene, &bytes);
    struct qbid_image image;
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    assert_int_equal(qbid_image_row(&image, 5).cnt, 0);
    assert_true(qbid_shade_eval(&image.shades[0], 1000000.0f) == 1000000.0f);
    free(base);
    qbid_dictionary_free(scene.dictionary);
}

static void assert_refused(const struct scene *s, const char *part)
{
    struct qbid_builder *builder;
    const char *why = NULL;
    int err = qbid_builder_new(&s->account, s->dictionary, &s->plan, &s->params, &builder, &why);
    assert_true(err == QBID_ERR_INVAL || err == QBID_ERR_LIMIT);
    assert_non_null(why);
    if (!strstr(why, part))
        fail_msg("\"%s\" does not speak of \"%s\"", why, part);
}

#define REFUSED(lvalue, bad, part)                                                                 \
    do {                                                                                           \
        __typeof__(lvalue) was = (lvalue);                                                         \
        (lvalue) = (bad);                                                                          \
        assert_refused(s, part);                                                                   \
        (lvalue) = was;                                                                            \
    } while (0)

static void impossible_input_is_refused_with_the_reason(void **state)
{
    (void)state;
    const struct scene_options options = {
        .seed = 11, .line_items = 150, .contexts = 300, .candidates = 40, .sites = 50};
    struct scene scene, *s = &scene;
    scene_make(s, &options);
    struct qbid_plan *p = &s->plan;
    REFUSED(s->params.gen, 0, "generation");
    REFUSED(s->params.price_ceiling_micros, -1, "ceiling");
    REFUSED(s->params.stale_factor, 1.5f, "stale");
    REFUSED(s->rate[0].micros, 0, "rate");
    REFUSED(s->account.line_items[2].idx, s->account.line_items[3].idx, "place");
    REFUSED(s->account.line_items[2].idx, 100000, "place");
    REFUSED(s->account.line_items[2].campaign_id, 5, "campaign");
    REFUSED(s->account.line_items[2].ceiling_micros, -5, "ceiling");
    REFUSED(s->account.creatives[2].line_item_id, 5, "line item");
    REFUSED(s->account.creatives[2].format, (enum qbid_creative_format)9, "format");
    REFUSED(s->account.campaigns[0].tenant_id, 70000, "tenant");
    REFUSED(s->account.campaigns[0].budget_idx, QBID_LIVE_BUDGETS_MAX, "budget");
    REFUSED(p->level_mask[0], 5, "dimensions");
    REFUSED(p->level_mask[1], 0, "level");
    REFUSED(p->contexts[4].key, p->contexts[3].key, "order");
    REFUSED(p->contexts[4].cnt, 0, "row");
    REFUSED(p->contexts[4].first, p->candidate_cnt, "row");
    REFUSED(p->contexts[4].segment, 3, "segment");
    REFUSED(p->candidates[9].line_item_idx, 150, "candidates");
    REFUSED(p->candidates[9].value_micros, -1.0f, "value");
    REFUSED(p->candidates[9].value_micros, -0.0f, "value"); /* readers would refuse the table */
    REFUSED(p->line_value_micros[1], -0.0f, "value");
    REFUSED(p->candidates[9].value_micros, __builtin_nanf(""), "value");
    REFUSED(p->line_value_micros[9], __builtin_inff(), "value");
    REFUSED(p->line_q_group[9], 2, "Q group");
    REFUSED(p->shades[1].win[3], 1.5f, "shade");
    REFUSED(p->qrows[7].greedy, 9, "Q row");
    size_t bytes;
    free(scene_build(s, &bytes)); /* as it was, it is right */
    scene_done(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targeting_means_what_it_says),
        cmocka_unit_test(an_empty_account_makes_an_image),
        cmocka_unit_test(impossible_input_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
