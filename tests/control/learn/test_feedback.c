/* SPDX-License-Identifier: Apache-2.0 */
/* What the learner makes of prices, creatives and keys: segments, samples, rotation, the key map.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/keymap.h"
#include "control/learn/creatives/creatives.h"
#include "control/learn/market/samples.h"
#include "control/learn/market/segments.h"
#include "shm/hash.h"
#include "shm/shade.h"
#include "tests/control/learn/fixture.h"

static void the_key_map_agrees_with_a_plain_list_through_adds_and_removes(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 200000 };
    struct qbid_keymap map = {0};
    uint32_t model[KEYS];
    for (unsigned i = 0; i < KEYS; i++)
        model[i] = QBID_KEYMAP_NONE;
    for (uint64_t n = 0; n < STEPS; n++) {
        uint64_t r = qbid_roll(n, 8, 0);
        uint32_t key = (uint32_t)(r % KEYS);
        uint64_t context = key / 3;
        uint32_t id = key % 3;
        assert_int_equal(qbid_keymap_find(&map, context, id), model[key]);
        if (model[key] == QBID_KEYMAP_NONE) {
            model[key] = (uint32_t)(r >> 33);
            assert_int_equal(qbid_keymap_add(&map, context, id, model[key]), 0);
        } else {
            assert_int_equal(qbid_keymap_remove(&map, context, id), model[key]);
            model[key] = QBID_KEYMAP_NONE;
        }
    }
    assert_int_equal(qbid_keymap_remove(&map, KEYS, 0), QBID_KEYMAP_NONE);
    qbid_keymap_done(&map);
}

static struct qbid_outcome priced(const struct learn_fixture *f, int kind, uint32_t exchange,
                                  int64_t price_nanos, uint8_t flags)
{
    struct qbid_outcome o =
        learn_outcome(kind, &f->line_item[0], learn_context(exchange, 0, 0), price_nanos);
    o.flags = flags;
    return o;
}

static void segments_learn_their_own_prices_and_unknown_ones_go_by_the_whole(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_segments segments;
    assert_int_equal(qbid_segments_init(&segments, qbid_dim_mask(QBID_DIM_EXCHANGE)), 0);
    for (unsigned i = 0; i < 2000; i++) {
        double u = (i + 0.5) / 2000; /* prices uniform in [0, 1] and in [0, 4] CPM */
        struct qbid_outcome cheap = priced(&f, QBID_EVENT_LOSS, 1, (int64_t)(u * 1e6), 0);
        struct qbid_outcome dear = priced(&f, QBID_EVENT_LOSS, 2, (int64_t)(u * 4e6), 0);
        qbid_segments_post(&segments, &cheap);
        qbid_segments_post(&segments, &dear);
    }
    assert_int_equal(segments.cnt, 3);
    assert_int_equal(qbid_segments_find(&segments, learn_context(1, 5, 5)), 1);
    assert_int_equal(qbid_segments_find(&segments, learn_context(2, 0, 0)), 2);
    assert_int_equal(qbid_segments_find(&segments, learn_context(3, 0, 0)), 0);
    struct qbid_shade shade[3];
    qbid_segments_shades(&segments, shade);
    /* Uniform on [0, m]: the best bid is e / 2 up to e = 2 m. */
    assert_true(fabsf(qbid_shade_eval(&shade[1], 1e6f) / 0.5e6f - 1) < 0.05f);
    assert_true(fabsf(qbid_shade_eval(&shade[2], 4e6f) / 2e6f - 1) < 0.05f);
    assert_true(fabsf(qbid_shade_eval(&shade[1], 8e6f) / 1e6f - 1) < 0.08f);
    qbid_segments_done(&segments);
}

static void test_and_overpriced_outcomes_teach_no_price(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_segments segments;
    assert_int_equal(qbid_segments_init(&segments, qbid_dim_mask(QBID_DIM_EXCHANGE)), 0);
    struct qbid_outcome o[] = {priced(&f, QBID_EVENT_WIN, 1, 5, QBID_EVENT_TEST),
                               priced(&f, QBID_EVENT_WIN, 1, 5, QBID_EVENT_PRICE_ABOVE),
                               priced(&f, QBID_EVENT_BILL, 1, 5, 0),
                               priced(&f, QBID_EVENT_CLICK, 1, 5, 0)};
    for (unsigned i = 0; i < 4; i++)
        qbid_segments_post(&segments, &o[i]);
    assert_true(qbid_landscape_samples(&segments.landscape[0]) == 0);
    qbid_segments_done(&segments);
}

static void samples_say_what_each_kind_of_feedback_tells(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_samples samples;
    assert_int_equal(qbid_samples_init(&samples, 4), 0);
    const struct {
        int kind;
        uint8_t flags;
        int64_t price_nanos;
        uint32_t want_kind;
        double want_price;
    } rows[] = {
        {QBID_EVENT_WIN, 0, 700000, QBID_MARKET_SEEN, 700000},
        {QBID_EVENT_WIN, QBID_EVENT_FIRST_PRICE, 600000, QBID_MARKET_WON, 2000000},
        {QBID_EVENT_LOSS, 0, 1500000, QBID_MARKET_SEEN, 1500000},
        {QBID_EVENT_LOSS, 0, 0, QBID_MARKET_LOST, 1000000},
        {QBID_OUTCOME_EXPIRED, QBID_EVENT_FIRST_PRICE, 0, QBID_MARKET_LOST, 2000000},
    };
    for (unsigned i = 0; i < 5; i++) {
        struct qbid_outcome o = priced(&f, rows[i].kind, 1, rows[i].price_nanos, rows[i].flags);
        o.pace = 2; /* the effective value is 2.00 CPM, the bid 1.00 */
        qbid_samples_post(&samples, &o);
        const struct qbid_sample *s = &samples.sample[i % 4];
        assert_int_equal(s->kind, rows[i].want_kind);
        assert_true(s->price_micros == rows[i].want_price);
    }
    assert_int_equal(samples.cnt, 4);
    struct qbid_outcome click = priced(&f, QBID_EVENT_CLICK, 1, 0, 0);
    qbid_samples_post(&samples, &click);
    assert_int_equal(samples.next, 1);
    qbid_samples_done(&samples);
}

static void shares_sum_to_one_by_size_and_only_eight_serve(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_creative_def many[13];
    for (unsigned i = 0; i < 12; i++) {
        many[i] = f.creative[0];
        many[i].id = 2000 + i;
        many[i].active = i != 11;
    }
    many[12] = f.creative[2];
    many[12].id = 3000;
    f.account.creatives = many;
    f.account.creative_cnt = 13;
    struct qbid_creatives creatives = {0};
    for (unsigned i = 0; i < 12; i++) {
        struct qbid_creative_stats *s = qbid_creatives_touch(&creatives, 2000 + i);
        s->imps = 20000;
        s->clicks = 100 + 12 * i; /* later ones are better; 2011 is the best but paused */
    }
    struct qbid_plan plan = {0};
    assert_int_equal(qbid_creatives_rotate(&creatives, &f.account, 0.02, 0, &plan), 0);
    assert_int_equal(plan.creative_cnt, 12);
    double sum = 0;
    unsigned serving = 0;
    for (uint32_t i = 0; i < 11; i++) {
        assert_int_equal(plan.creatives[i].creative_id, 2000 + i);
        sum += plan.creatives[i].probability;
        serving += plan.creatives[i].probability > 0;
        assert_true(i < 3 || plan.creatives[i].probability >= 0.02);
    }
    assert_true(fabs(sum - 1) < 1e-12);
    assert_int_equal(serving, 8);
    assert_true(plan.creatives[10].probability > plan.creatives[9].probability);
    assert_true(plan.creatives[11].probability == 1);
    free(plan.creatives);
    qbid_creatives_done(&creatives);
}

/* Share of a creative that had eight clicks where its rival's rate has four, when the account's
 * other creatives have the given clicks in as many impressions as the rival. */
static double share_of_a_lucky_one(const uint32_t *others, unsigned cnt)
{
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_creative_def many[14];
    struct qbid_creatives creatives = {0};
    for (unsigned i = 0; i < cnt + 2; i++) {
        many[i] = f.creative[0];
        many[i].id = 2000 + i;
        many[i].active = true;
        many[i].line_item_id = i < 2 ? f.line_item[0].id : f.line_item[1].id;
        struct qbid_creative_stats *s = qbid_creatives_touch(&creatives, 2000 + i);
        s->imps = i == 1 ? 200 : 20000;
        s->clicks = i == 0 ? 400 : i == 1 ? 8 : others[i - 2];
    }
    f.account.creatives = many;
    f.account.creative_cnt = cnt + 2;
    struct qbid_plan plan = {0};
    assert_int_equal(qbid_creatives_rotate(&creatives, &f.account, 0, 0, &plan), 0);
    double share = plan.creatives[1].probability;
    free(plan.creatives);
    qbid_creatives_done(&creatives);
    return share;
}

static void a_new_creative_is_taken_to_differ_as_the_others_do(void **state)
{
    (void)state;
    static const uint32_t alike[12] = {400, 402, 398, 400, 401, 399, 400, 400, 403, 397, 400, 400},
                          apart[12] = {400, 150, 800, 500, 200, 100, 300, 900, 250, 600, 120, 700};
    double same = share_of_a_lucky_one(alike, 12), far = share_of_a_lucky_one(apart, 12);
    print_message(
        "share of a lucky new creative: %.3f among alike ones, %.3f among different ones\n", same,
        far);
    assert_true(far > 0.9);
    assert_true(same < 0.85 && same > 0.5);
}

/* What was best for a month is not when another has been better for the last two weeks. */
static void what_creatives_showed_fades(void **state)
{
    (void)state;
    struct learn_fixture f;
    struct qbid_creatives creatives = {0};
    struct qbid_plan plan = {0};
    const int64_t day_s = 86400, start_s = 1700000000;
    learn_fixture_init(&f);
    for (int day = 0; day < 45; day++) {
        for (unsigned i = 0; i < 2; i++) {
            struct qbid_outcome o = learn_outcome(QBID_EVENT_IMP, &f.line_item[0], 0, 0);
            o.creative_id = f.creative[i].id;
            for (int n = 0; n < 1000; n++)
                qbid_creatives_post(&creatives, &o, start_s + day * day_s);
            o.kind = QBID_EVENT_CLICK;
            int clicks = (i == 0) == (day < 30) ? 24 : 18;
            for (int n = 0; n < clicks; n++)
                qbid_creatives_post(&creatives, &o, start_s + day * day_s);
        }
    }
    /* clicks of 30 days at 24 and of 15 at 18 would be more than the other way round */
    assert_int_equal(qbid_creatives_rotate(&creatives, &f.account, 0, start_s + 45 * day_s, &plan),
                     0);
    assert_true(plan.creatives[1].probability > plan.creatives[0].probability);
    free(plan.creatives);
    struct qbid_creative_stats *s = qbid_creatives_touch(&creatives, f.creative[0].id);
    double sum = 0;
    for (int day = 0; day < 45; day++)
        sum += 1000 * exp2((day - 44) / 14.0);
    assert_true(fabs(s->imps / sum - 1) < 1e-9);
    qbid_creatives_done(&creatives);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_map_agrees_with_a_plain_list_through_adds_and_removes),
        cmocka_unit_test(segments_learn_their_own_prices_and_unknown_ones_go_by_the_whole),
        cmocka_unit_test(test_and_overpriced_outcomes_teach_no_price),
        cmocka_unit_test(samples_say_what_each_kind_of_feedback_tells),
        cmocka_unit_test(shares_sum_to_one_by_size_and_only_eight_serve),
        cmocka_unit_test(a_new_creative_is_taken_to_differ_as_the_others_do),
        cmocka_unit_test(what_creatives_showed_fades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
