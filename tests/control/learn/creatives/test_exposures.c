/* SPDX-License-Identifier: Apache-2.0 */
/* Learned r(k): from outcomes to the image that a bidder reads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/learner.h"
#include "control/learn/state/learner_state.h"
#include "control/publish/build_image.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"

#define CAP 6
#define HOUR_NS (3600 * QBID_NS_PER_S)

static char learned[] = "6 per 24h: learned", plain[] = "6 per 24h";

struct world {
    struct learn_fixture f;
    struct qbid_dictionary *dictionary;
    struct qbid_learner *learner;
    struct rng rng;
    uint64_t now_ns, nonce;
};

static struct qbid_learner *learner_make(void)
{
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
                                    .cell_max = 1000,
                                    .context_max = 1000,
                                    .sample_max = 256,
                                    .rotation_floor = 0.02,
                                    .pace_min = 0.01,
                                    .pace_max = 10,
                                    .pace_period_ns = QBID_NS_PER_S,
                                    .step_log2_max = 0.3};
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_SITE);
    struct qbid_learner *learner;
    assert_int_equal(qbid_learner_new(&p, &learner), 0);
    return learner;
}

static void world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    learn_fixture_init(&w->f);
    w->f.line_item[0].frequency = learned;
    w->f.line_item[1].frequency = plain;
    w->f.line_item[2].frequency = learned;
    assert_int_equal(qbid_dictionary_new(&w->dictionary), 0);
    w->learner = learner_make();
    w->rng = rng_init(1);
    w->now_ns = HOUR_NS;
}

static void world_close(struct world *w)
{
    qbid_learner_free(w->learner);
    qbid_dictionary_free(w->dictionary);
}

static double planted(int k)
{
    return pow(0.85, k);
}

static void post(struct world *w, int kind, uint64_t nonce, uint64_t key, int k)
{
    const struct qbid_line_item_def *li = &w->f.line_item[0];
    struct qbid_outcome o = learn_outcome(kind, li, learn_context(1, 0, 1), 0);
    o.time_ns = w->now_ns;
    o.nonce = nonce;
    o.exposure_key = kind == QBID_EVENT_IMP ? key : 0; /* a late click is joined by its nonce */
    o.exposures = (uint8_t)k;
    o.joined = kind == QBID_EVENT_IMP;
    qbid_learner_post(w->learner, &o, li, &w->f.campaign[0], 0);
}

/* Users see the ad within one window of a day, those who see it often being eager ones; then the
 * day ends. Returns impressions. */
static uint64_t day(struct world *w, uint32_t users)
{
    uint64_t shown = 0;
    for (uint32_t u = 0; u < users; u++) {
        double eager = rng_uniform(&w->rng);
        int seen = 1 + (int)(eager * CAP);
        uint64_t key = rng_next(&w->rng) | 1;
        for (int k = 0; k < seen; k++, shown++) {
            uint64_t nonce = UINT64_C(7) << 48 | ++w->nonce;
            post(w, QBID_EVENT_IMP, nonce, key, k);
            if (rng_uniform(&w->rng) < (0.02 + 0.2 * eager) * planted(k))
                post(w, QBID_EVENT_CLICK, nonce, key, k);
        }
        w->now_ns += HOUR_NS / 10 / users;
    }
    w->now_ns += 25 * HOUR_NS;
    return shown;
}

static void plan_make(struct world *w, struct qbid_plan *plan)
{
    assert_int_equal(qbid_learner_plan(w->learner, &w->f.account, w->dictionary, plan), 0);
}

static void image_check(const struct qbid_builder *builder, const struct qbid_plan *plan)
{
    size_t bytes = qbid_builder_bytes(builder);
    void *base = aligned_alloc(QBID_CACHE_LINE, bytes);
    struct qbid_image image;
    assert_non_null(base);
    memset(base, 0, bytes);
    qbid_builder_fill(builder, base);
    assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
    for (uint32_t idx = 0; idx < 3; idx++) {
        const struct qbid_line_item *li = &image.line_items[idx];
        assert_int_equal(li->frequency_cap, CAP);
        assert_int_equal(li->exposure_cnt, idx == 2 ? 0 : QBID_FREQUENCY_VALUES_MAX);
        for (uint32_t k = 0; k < li->exposure_cnt; k++)
            assert_true(image.exposure_values[li->exposure_first + k] ==
                        plan->exposure_value[idx][k]);
    }
    free(base);
}

static void learned_values_reach_the_image_of_every_plan(void **state)
{
    (void)state;
    struct world w;
    struct qbid_plan before, after;
    struct qbid_builder *builder;
    const char *why = "";
    struct qbid_build_params params = {.gen = 1,
                                       .seed = 1,
                                       .valid_ns = QBID_NS_PER_S,
                                       .notice_ttl_ns = QBID_NS_PER_S,
                                       .event_ttl_ns = QBID_NS_PER_S,
                                       .price_ceiling_micros = 100000000};
    world_open(&w);
    plan_make(&w, &before);
    for (uint32_t k = 0; k < QBID_FREQUENCY_VALUES_MAX; k++)
        assert_true(before.exposure_value[0][k] == 1.0f); /* off until something was learned */
    assert_int_equal(qbid_builder_new(&w.f.account, w.dictionary, &before, &params, &builder, &why),
                     0);
    image_check(builder, &before);
    uint64_t shown = 0;
    for (int d = 0; d < 10; d++)
        shown += day(&w, 20000);
    (void)day(&w, 1); /* the last day's windows are over */
    plan_make(&w, &after);
    double worst = 0;
    for (int k = 0; k < CAP; k++)
        worst = fmax(worst, fabs((double)after.exposure_value[0][k] / planted(k) - 1));
    print_message("%llu impressions: r(k) within %.3f\n", (unsigned long long)shown, worst);
    assert_true(worst < 0.08); /* one run: its noise is that of its clicks */
    /* a line item of another campaign begins with what the account has learned */
    assert_true(after.exposure_value[1][3] < 0.75f && after.exposure_value[1][3] > 0.5f);
    assert_true(after.exposure_value[2][3] == 1.0f); /* its rule does not say learned */
    assert_int_equal(qbid_builder_renew(builder, &w.f.account, w.dictionary, &after, &params, &why),
                     0);
    image_check(builder, &after);
    qbid_builder_free(builder);
    qbid_plan_done(&before);
    qbid_plan_done(&after);
    world_close(&w);
}

static void more_users_than_places_are_followed_in_part_but_wholly(void **state)
{
    (void)state;
    struct world w;
    struct qbid_plan plan;
    world_open(&w);
    (void)day(&w, 150000); /* 65,536 places */
    (void)day(&w, 1);
    const struct qbid_exposures_item *item =
        qbid_exposures_learned_touch(&w.learner->exposures, 100);
    double users = 0;
    for (int g = 0; g < QBID_FATIGUE_MAX; g++)
        users += item->fatigue.users[g];
    assert_true(w.learner->exposures.shift >= 2);
    assert_true(users > 20000 && users < 50000);
    for (int g = 1; g < CAP; g++) /* nobody was left in the middle: groups are alike, as drawn */
        assert_true(fabs(item->fatigue.users[g] / item->fatigue.users[0] - 1) < 0.08);
    plan_make(&w, &plan);
    for (int k = 0; k < CAP; k++)
        assert_true(fabs((double)plan.exposure_value[0][k] / planted(k) - 1) <
                    0.25); /* few clicks are left */
    qbid_plan_done(&plan);
    world_close(&w);
}

struct kept {
    struct qbid_learner *other;
    unsigned cnt;
};

static int restore_one(void *context, uint32_t kind, uint64_t key, const void *data, uint32_t bytes)
{
    struct kept *kept = context;
    kept->cnt++;
    return qbid_learner_restore(kept->other, kind, key, data, bytes);
}

static void what_was_learned_outlives_the_process(void **state)
{
    (void)state;
    struct world w;
    struct qbid_plan before, after;
    world_open(&w);
    (void)day(&w, 20000);
    (void)day(&w, 1);
    struct kept kept = {.other = learner_make()};
    assert_int_equal(qbid_learner_save(w.learner, false, restore_one, &kept), 0);
    plan_make(&w, &before);
    struct qbid_learner *first = w.learner;
    w.learner = kept.other;
    plan_make(&w, &after);
    assert_true(before.exposure_value[0][2] < 0.95f);
    assert_memory_equal(before.exposure_value, after.exposure_value,
                        3 * sizeof *before.exposure_value);
    qbid_learner_free(first);
    qbid_plan_done(&before);
    qbid_plan_done(&after);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learned_values_reach_the_image_of_every_plan),
        cmocka_unit_test(more_users_than_places_are_followed_in_part_but_wholly),
        cmocka_unit_test(what_was_learned_outlives_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
