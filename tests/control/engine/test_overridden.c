/* SPDX-License-Identifier: Apache-2.0 */
/* Overrides over the pacer's factors: what counts, what holds, and what the live page says at each
 * moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/written/instant.h"
#include "control/engine/overridden.h"
#include "control/learn/state/learner_state.h"
#include "shm/error.h"

#define ITEMS 8
#define NOW_NS UINT64_C(5000000000000)
#define NOW_UNIX_S INT64_C(1370476800)
#define NOW_UNIX_NS (NOW_UNIX_S * (int64_t)QBID_NS_PER_S)

struct scene {
    struct qbid_account account;
    struct qbid_overridden *overridden;
    struct qbid_learner_pace pace[ITEMS];
    void *base;
    struct qbid_live live;
};

static char *text_of(const char *what, int64_t until_s)
{
    char until[QBID_INSTANT_TEXT_MAX], text[100];
    qbid_instant_format(NOW_UNIX_S + until_s, until);
    snprintf(text, sizeof text, "%s until %s by uid 1: test", what, until);
    return strdup(text);
}

/* Campaigns 1 and 2; line item idx 0 to 3 of the first, 4 to 7 of the second, all at pace 0.5. */
static void scene_init(struct scene *s)
{
    memset(s, 0, sizeof *s);
    for (uint32_t id = 1; id <= 2; id++)
        qbid_account_add_campaign(&s->account, id)->active = true;
    for (uint32_t i = 0; i < ITEMS; i++) {
        struct qbid_line_item_def *li = qbid_account_add_line_item(&s->account, 10 + i);
        li->campaign_id = 1 + i / 4;
        li->idx = i;
        li->active = true;
    }
    qbid_account_sort(&s->account);
    assert_int_equal(qbid_overridden_new(ITEMS, &s->overridden), 0);
    struct qbid_live_shape shape = {ITEMS, 1, 2};
    size_t bytes = ((size_t)qbid_live_footprint(shape) + 63) & ~(size_t)63;
    s->base = aligned_alloc(QBID_CACHE_LINE, bytes);
    memset(s->base, 0, bytes);
    assert_int_equal(qbid_live_format(s->base, shape, 1, &s->live), 0);
}

static void scene_done(struct scene *s)
{
    qbid_overridden_free(s->overridden);
    qbid_account_done(&s->account);
    free(s->base);
}

/* A live tick, seconds after the start. */
static void tick(struct scene *s, double after_s, float pace)
{
    int64_t after_ns = (int64_t)(after_s * 1e9);
    for (uint32_t i = 0; i < ITEMS; i++)
        s->pace[i] = (struct qbid_learner_pace){.line_item_idx = i, .pace = pace};
    qbid_overridden_apply(s->overridden, NOW_NS + (uint64_t)after_ns, NOW_UNIX_NS + after_ns,
                          s->pace, ITEMS);
    qbid_overridden_store(s->overridden, s->pace, ITEMS, &s->live);
}

/* What a bidder reads at a time: by the earliest end in its lease it may not even look. */
static float seen(const struct scene *s, uint32_t idx, double after_s)
{
    uint64_t now_ns = NOW_NS + (uint64_t)(after_s * 1e9);
    uint64_t until_ns = s->live.lease[1].override_until_ns;
    return until_ns && now_ns >= until_ns ? qbid_live_pace_at(&s->live, idx, now_ns)
                                          : qbid_live_pace(&s->live, idx);
}

static void a_line_items_own_override_stands_in_place_of_its_campaigns(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    s.account.campaigns[0].override = text_of("x3", 100);
    s.account.line_items[1].override = text_of("fixed 2.5", 50);
    s.account.line_items[6].override = text_of("x0", 70);
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    assert_int_equal(qbid_overridden_until(s.overridden), NOW_UNIX_S + 50);
    tick(&s, 0, 0.5f);
    const float want[ITEMS] = {1.5f, -2.5e6f, 1.5f, 1.5f, 0.5f, 0.5f, 0, 0.5f};
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_true(seen(&s, i, 0) == want[i]);
    scene_done(&s);
}

/* Control writes nothing after the first tick: every bidder goes by its own clock. */
static void each_ends_at_its_nanosecond_though_nobody_writes(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    s.account.line_items[0].override = text_of("fixed 2.5", 50);
    s.account.line_items[1].override = text_of("x4", 100);
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    tick(&s, 0.25, 0.5f);
    for (unsigned after = 0; after < 2; after++) {
        double off = after ? 0 : -1e-6;
        assert_true(seen(&s, 0, 50 + off) == (after ? 0.5f : -2.5e6f));
        assert_true(seen(&s, 1, 50 + off) == 2.0f);
        assert_true(seen(&s, 1, 100 + off) == (after ? 0.5f : 2.0f));
        assert_true(seen(&s, 2, 100 + off) == 0.5f);
    }
    scene_done(&s);
}

static void control_takes_an_override_back_and_readers_stop_looking(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    s.account.line_items[0].override = text_of("x4", 50);
    s.account.line_items[1].override = text_of("x4", 60);
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    tick(&s, 0, 0.5f);
    tick(&s, 50.1, 0.25f); /* the first is over, whatever the account still says */
    assert_true(seen(&s, 0, 50.1) == 0.25f && seen(&s, 1, 50.1) == 1.0f);
    assert_int_equal(s.live.override[0].until_ns, 0);
    assert_int_equal(s.live.lease[0].override_until_ns, NOW_NS + 60 * QBID_NS_PER_S);
    s.account.line_items[0].override[0] = s.account.line_items[1].override[0] = '\0';
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    tick(&s, 51, 0.125f);
    assert_true(seen(&s, 1, 51) == 0.125f && seen(&s, 1, 1000) == 0.125f);
    assert_int_equal(s.live.lease[1].override_until_ns, 0);
    assert_int_equal(s.live.override[1].until_ns, 0);
    assert_int_equal(qbid_overridden_until(s.overridden), INT64_MAX);
    scene_done(&s);
}

/* The wall clock is set: ends follow it at the next tick. */
static void an_end_is_one_of_the_wall_clock(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    s.account.campaigns[1].override = text_of("x2", 50);
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    tick(&s, 0, 0.5f);
    for (uint32_t i = 0; i < ITEMS; i++)
        s.pace[i] = (struct qbid_learner_pace){.line_item_idx = i, .pace = 0.5f};
    qbid_overridden_apply(s.overridden, NOW_NS + QBID_NS_PER_S,
                          NOW_UNIX_NS + 31 * (int64_t)QBID_NS_PER_S, s.pace, ITEMS);
    assert_int_equal(s.pace[5].until_ns, NOW_NS + 20 * QBID_NS_PER_S);
    assert_int_equal(s.pace[3].until_ns, 0);
    scene_done(&s);
}

/* An emergency factor has an end in the page as well; the operator's word stands in its place. */
static void an_override_replaces_an_emergency_factor(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    s.account.line_items[0].override = text_of("x3", 50);
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    for (uint32_t i = 0; i < ITEMS; i++)
        s.pace[i] = (struct qbid_learner_pace){.line_item_idx = i,
                                               .pace = 0.4f,
                                               .until_ns = NOW_NS + 30 * QBID_NS_PER_S,
                                               .after = 0.5f};
    qbid_overridden_apply(s.overridden, NOW_NS, NOW_UNIX_NS, s.pace, ITEMS);
    qbid_overridden_store(s.overridden, s.pace, ITEMS, &s.live);
    assert_true(seen(&s, 0, 0) == 1.5f && seen(&s, 1, 0) == 0.4f);
    assert_true(seen(&s, 0, 30) == 1.5f && seen(&s, 1, 30) == 0.5f);
    assert_true(seen(&s, 0, 50) == 0.5f && seen(&s, 1, 50) == 0.5f);
    scene_done(&s);
}

static void a_factor_of_zero_stays_zero(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    s.account.campaigns[0].override = text_of("fixed 9", 50);
    s.account.campaigns[1].override = text_of("x16", 50);
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    tick(&s, 0, 0);
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_true(seen(&s, i, 0) == 0 && seen(&s, i, 49) == 0 && s.pace[i].until_ns == 0);
    scene_done(&s);
}

/* Whether a campaign's pacer waits. */
static bool waits(struct qbid_learner *learner, uint32_t campaign_id)
{
    return qbid_campaigns_touch(&learner->campaigns, campaign_id)->overridden;
}

static void a_campaign_waits_while_all_that_bids_is_overridden(void **state)
{
    (void)state;
    struct scene s;
    struct qbid_learner *learner;
    const struct qbid_learner_params params = {.level_mask = {1},
                                               .segment_mask = 1,
                                               .cell_max = 10,
                                               .context_max = 10,
                                               .sample_max = 10,
                                               .pace_min = 0.1,
                                               .pace_max = 10,
                                               .pace_period_ns = QBID_NS_PER_S,
                                               .step_log2_max = 0.3};
    assert_int_equal(qbid_learner_new(&params, &learner), 0);
    scene_init(&s);
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    qbid_overridden_tell(s.overridden, &s.account, NOW_UNIX_NS, learner);
    assert_false(waits(learner, 1) || waits(learner, 2));
    s.account.campaigns[0].override = text_of("x2", 50);
    for (uint32_t i = 4; i < 7; i++)
        s.account.line_items[i].override = text_of("x2", 60);
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    qbid_overridden_tell(s.overridden, &s.account, NOW_UNIX_NS, learner);
    assert_true(waits(learner, 1) && !waits(learner, 2));
    s.account.line_items[7].active = false; /* the last one that bids as the pacer says */
    qbid_overridden_tell(s.overridden, &s.account, NOW_UNIX_NS, learner);
    assert_true(waits(learner, 1) && waits(learner, 2));
    qbid_overridden_tell(s.overridden, &s.account, NOW_UNIX_NS + 50 * (int64_t)QBID_NS_PER_S,
                         learner);
    assert_true(!waits(learner, 1) && waits(learner, 2));
    for (uint32_t i = 4; i < 7; i++)
        s.account.line_items[i].override[0] = '\0';
    s.account.campaigns[0].override[0] = '\0';
    assert_int_equal(qbid_overridden_set(s.overridden, &s.account), 0);
    qbid_overridden_tell(s.overridden, &s.account, NOW_UNIX_NS, learner);
    assert_false(waits(learner, 1) || waits(learner, 2));
    qbid_learner_free(learner);
    scene_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_items_own_override_stands_in_place_of_its_campaigns),
        cmocka_unit_test(each_ends_at_its_nanosecond_though_nobody_writes),
        cmocka_unit_test(control_takes_an_override_back_and_readers_stop_looking),
        cmocka_unit_test(an_end_is_one_of_the_wall_clock),
        cmocka_unit_test(an_override_replaces_an_emergency_factor),
        cmocka_unit_test(a_factor_of_zero_stays_zero),
        cmocka_unit_test(a_campaign_waits_while_all_that_bids_is_overridden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
