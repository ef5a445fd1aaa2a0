/* SPDX-License-Identifier: Apache-2.0 */
/* Rotation by what was seen of creatives. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/learn/creatives/creatives.h"
#include "tests/control/learn/fixture.h"

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
        cmocka_unit_test(shares_sum_to_one_by_size_and_only_eight_serve),
        cmocka_unit_test(a_new_creative_is_taken_to_differ_as_the_others_do),
        cmocka_unit_test(what_creatives_showed_fades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
