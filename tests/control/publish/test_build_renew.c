/* SPDX-License-Identifier: Apache-2.0 */
/* A builder that is renewed after any changes writes the bytes that a new builder would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/publish/build_image.h"
#include "shm/error.h"
#include "tests/control/publish/scene.h"

#define STEPS 400

struct course {
    struct scene scene;
    struct qbid_builder *builder;
    uint32_t named;       /* values added to the dictionary */
    struct qbid_plan all; /* the counts that the plan began with */
};

static const struct scene_options options = {
    .seed = 5, .line_items = 90, .contexts = 700, .candidates = 20, .sites = 100};

static void *filled(const struct qbid_builder *builder, size_t *ret_bytes)
{
    *ret_bytes = qbid_builder_bytes(builder);
    void *base = aligned_alloc(QBID_CACHE_LINE, *ret_bytes);
    assert_non_null(base);
    memset(base, 0, *ret_bytes);
    qbid_builder_fill(builder, base);
    return base;
}

static void assert_as_new(struct course *c)
{
    const struct scene *s = &c->scene;
    const char *why = "";
    size_t bytes, want_bytes;
    assert_int_equal(
        qbid_builder_renew(c->builder, &s->account, s->dictionary, &s->plan, &s->params, &why), 0);
    void *base = filled(c->builder, &bytes), *want = scene_build(s, &want_bytes);
    struct qbid_image image;
    assert_int_equal(bytes, want_bytes);
    assert_memory_equal(base, want, bytes);
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    free(base);
    free(want);
}

static uint32_t roll(uint64_t *state, uint32_t n)
{
    return (uint32_t)(scene_roll(state) % n);
}

/* A context's row moves to the end of the candidates: its bytes stay, its place changes. */
static void row_move(struct qbid_plan *plan, uint32_t context_cnt, uint32_t i)
{
    struct qbid_plan_context *context = &plan->contexts[i];
    struct qbid_plan_candidate *row = malloc(context->cnt * sizeof *row);
    struct qbid_plan_candidate *at = plan->candidates;
    uint32_t first = context->first, cnt = context->cnt, behind = plan->candidate_cnt - first - cnt;
    assert_non_null(row);
    memcpy(row, at + first, cnt * sizeof *row);
    memmove(at + first, at + first + cnt, behind * sizeof *row);
    memcpy(at + first + behind, row, cnt * sizeof *row);
    for (uint32_t k = 0; k < context_cnt; k++)
        if (plan->contexts[k].first > first)
            plan->contexts[k].first -= cnt;
    context->first = first + behind;
    free(row);
}

static void change_plan(struct course *c, uint64_t *state, unsigned kind)
{
    struct qbid_plan *plan = &c->scene.plan;
    uint32_t i = roll(state, plan->context_cnt);
    switch (kind) {
    case 0:
        plan->candidates[roll(state, plan->candidate_cnt)].value_micros = (float)roll(state, 1000);
        break;
    case 1:
        plan->line_value_micros[roll(state, plan->line_item_max)] = (float)roll(state, 1000);
        break;
    case 2:
        plan->line_q_group[roll(state, plan->line_item_max)] ^= 1;
        break;
    case 3:
        plan->creatives[roll(state, plan->creative_cnt)].probability = 0.001 * roll(state, 1000);
        break;
    case 4:
        plan->contexts[i].segment = (uint16_t)roll(state, plan->shade_cnt);
        break;
    case 5:
        plan->contexts[i].cnt -= plan->contexts[i].cnt > 1;
        break;
    case 6:
        row_move(plan, c->all.context_cnt, i);
        break;
    case 7: /* the last contexts come and go */
        plan->context_cnt = c->all.context_cnt - roll(state, 3) * 5;
        break;
    case 8:
        plan->creative_cnt = c->all.creative_cnt - roll(state, 3);
        break;
    case 9:
        plan->shades[0].ratio[3] = 0.001f * (float)roll(state, 1000);
        break;
    default:
        plan->contexts[i].key ^=
            i + 1 < plan->context_cnt && plan->contexts[i].key + 1 < plan->contexts[i + 1].key
                ? UINT64_C(1) & ~plan->contexts[i].key
                : 0;
        break;
    }
}

static void change_account(struct course *c, uint64_t *state, unsigned kind)
{
    struct qbid_account *a = &c->scene.account;
    struct qbid_line_item_def *li = &a->line_items[roll(state, a->line_item_cnt)];
    c->scene.params.account_version++;
    switch (kind) {
    case 0:
        li->floor_micros = roll(state, 1000);
        break;
    case 1:
        li->active = !li->active;
        break;
    case 2:
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
            if (li->target[dim].cnt)
                li->target[dim].value[0][0] = li->target[dim].value[0][0] == '!' ? '1' : '!';
        break;
    default:
        a->creatives[roll(state, a->creative_cnt)].markup[4] = (char)('a' + roll(state, 26));
        break;
    }
}

static void change_rest(struct course *c, uint64_t *state, unsigned kind)
{
    char name[32];
    switch (kind) {
    case 0: /* sites that a rule with a star means */
        snprintf(name, sizeof name, "site1-%u.example", c->named++);
        assert_true(qbid_dictionary_add(c->scene.dictionary, QBID_DIM_SITE, name) != 0);
        break;
    case 1:
        c->scene.rate[0].micros = 1 + roll(state, 1000);
        break;
    default:
        c->scene.params.gen++;
        break;
    }
}

static void any_sequence_of_changes_gives_the_bytes_of_a_new_builder(void **unused)
{
    (void)unused;
    struct course c = {0};
    const char *why = "";
    uint64_t state = 99;
    scene_make(&c.scene, &options);
    c.all = c.scene.plan;
    c.scene.params.account_version = 1;
    assert_int_equal(qbid_builder_new(&c.scene.account, c.scene.dictionary, &c.scene.plan,
                                      &c.scene.params, &c.builder, &why),
                     0);
    for (unsigned step = 0; step < STEPS; step++) {
        for (unsigned n = roll(&state, 3); n-- > 0;) {
            unsigned kind = roll(&state, 18);
            if (kind < 11)
                change_plan(&c, &state, kind);
            else if (kind < 15)
                change_account(&c, &state, kind - 11);
            else
                change_rest(&c, &state, kind - 15);
        }
        assert_as_new(&c);
    }
    qbid_builder_free(c.builder);
    scene_done(&c.scene);
}

/* Version 0: nothing that comes from the account is taken from the build before. */
static void an_account_without_a_version_is_always_read_again(void **unused)
{
    (void)unused;
    struct course c = {0};
    const char *why = "";
    uint64_t state = 7;
    scene_make(&c.scene, &options);
    assert_int_equal(qbid_builder_new(&c.scene.account, c.scene.dictionary, &c.scene.plan,
                                      &c.scene.params, &c.builder, &why),
                     0);
    for (unsigned step = 0; step < 20; step++) {
        change_account(&c, &state, roll(&state, 4));
        c.scene.params.account_version = 0;
        assert_as_new(&c);
    }
    qbid_builder_free(c.builder);
    scene_done(&c.scene);
}

static void a_refused_input_leaves_a_builder_that_can_be_renewed(void **unused)
{
    (void)unused;
    struct course c = {0};
    const char *why = "";
    scene_make(&c.scene, &options);
    struct scene *s = &c.scene;
    s->params.account_version = 1;
    assert_int_equal(
        qbid_builder_new(&s->account, s->dictionary, &s->plan, &s->params, &c.builder, &why), 0);
    float kept = s->plan.candidates[0].value_micros;
    s->plan.candidates[0].value_micros = -1;
    assert_int_equal(
        qbid_builder_renew(c.builder, &s->account, s->dictionary, &s->plan, &s->params, &why),
        QBID_ERR_INVAL);
    assert_string_equal(why, "a candidate's value is no number");
    s->plan.candidates[0].value_micros = kept;
    assert_as_new(&c);
    /* half way through the sections: a format that does not exist */
    enum qbid_creative_format format = s->account.creatives[0].format;
    s->account.creatives[0].format = (enum qbid_creative_format)9;
    s->params.account_version++;
    assert_int_equal(
        qbid_builder_renew(c.builder, &s->account, s->dictionary, &s->plan, &s->params, &why),
        QBID_ERR_INVAL);
    s->account.creatives[0].format = format;
    assert_as_new(&c);
    qbid_builder_free(c.builder);
    scene_done(&c.scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sequence_of_changes_gives_the_bytes_of_a_new_builder),
        cmocka_unit_test(an_account_without_a_version_is_always_read_again),
        cmocka_unit_test(a_refused_input_leaves_a_builder_that_can_be_renewed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
