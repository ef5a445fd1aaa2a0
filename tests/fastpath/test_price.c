/* SPDX-License-Identifier: Apache-2.0 */
/* Q action, shading, floors and ceilings. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fastpath/stage.h"

/* One line item worth 1 unit CPM; bids in a first-price auction are `ratio` of that. */
static void open_one(struct stage *s, struct qbid_line_item item, float ratio)
{
    struct qbid_shade shade;
    for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++)
        shade.ratio[i] = shade.win[i] = ratio;
    stage_init(s);
    image_fixture_shade_default(&s->f, &shade);
    item.id = 1;
    item.value_micros = 1e6f;
    stage_line_item(s, item);
    stage_open(s);
}

static void a_second_price_bid_is_the_effective_value(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, (struct qbid_line_item){0}, 0.5f);
    qbid_live_set_pace(&s.live, 0, 0.75f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.bid_micros, 750000);
    assert_true(d.shade_ratio == 1.0f && d.q_ratio == 1.0f && d.pace == 0.75f);
    assert_int_equal(d.q_propensity_q32, UINT32_MAX);
    stage_done(&s);
}

static void a_first_price_bid_is_shaded_by_the_market_segment_of_its_row(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    struct qbid_shade shade;
    stage_init(&s);
    for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++)
        shade.ratio[i] = shade.win[i] = 0.25f;
    uint32_t segment = image_fixture_shade(&s.f, &shade);
    uint32_t li = stage_line_item(&s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f});
    image_fixture_row(&s.f, 3, qbid_dim_pack(0, QBID_DIM_SLOT, 1), segment, 1, &li, &(float){2e6f});
    stage_open(&s);
    q.auction = QBID_AUCTION_FIRST_PRICE;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.segment, segment);
    assert_int_equal(d.bid_micros, 500000);
    assert_true(d.shade_ratio == 0.25f);
    q.dim[QBID_DIM_EXCHANGE] = 1;
    q.slot[0] = stage_hash(QBID_DIM_SLOT, "video:any");
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_CREATIVE);
    assert_int_equal(d.level, QBID_LEVEL_DEFAULT);
    stage_done(&s);
}

static void a_bid_equal_to_the_floor_is_made_and_one_micro_less_is_not(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, (struct qbid_line_item){0}, 1);
    q.floor_micros = 1000000;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.bid_micros, 1000000);
    q.floor_micros = 1000001;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    q.floor_micros = INT64_MAX;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    stage_done(&s);
}

static void a_line_item_s_own_floor_holds_too(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, (struct qbid_line_item){.floor_micros = 1000000}, 1);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    qbid_live_set_pace(&s.live, 0, 0.999f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    stage_done(&s);
}

static void a_shaded_bid_is_raised_to_a_floor_that_the_impression_is_worth(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    q.auction = QBID_AUCTION_FIRST_PRICE;
    open_one(&s, (struct qbid_line_item){0}, 0.5f);
    const int64_t floors[] = {0, 499999, 500000, 500001, 1000000};
    const int64_t bids[] = {500000, 500000, 500000, 500001, 1000000};
    for (int i = 0; i < 5; i++) {
        q.floor_micros = floors[i];
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.bid_micros, bids[i]);
        assert_true(d.shade_ratio == 0.5f);
    }
    q.floor_micros = 1000001;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    stage_done(&s);
}

static void a_ceiling_comes_after_the_floor(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, (struct qbid_line_item){.ceiling_micros = 300000}, 1);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.bid_micros, 300000);
    q.floor_micros = 300000;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    q.floor_micros = 300001;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    stage_done(&s);
}

static void no_bid_passes_the_image_s_ceiling(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    s.f.header.price_ceiling_micros = 200000;
    stage_line_item(
        &s, (struct qbid_line_item){.id = 1, .value_micros = 3e38f, .ceiling_micros = 900000});
    stage_open(&s);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.bid_micros, 200000);
    qbid_live_set_pace(&s.live, 0, 3e38f); /* the price is no number any more */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_VALUE);
    stage_done(&s);
}

static void a_bid_that_rounds_to_nothing_is_not_made(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, (struct qbid_line_item){0}, 0.0f);
    qbid_live_set_pace(&s.live, 0, 0.49e-6f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    qbid_live_set_pace(&s.live, 0, 0.5e-6f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.bid_micros, 1);
    q.auction = QBID_AUCTION_FIRST_PRICE; /* the market's best price is 0 */
    qbid_live_set_pace(&s.live, 0, 1.0f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    stage_done(&s);
}

static void open_with_q(struct stage *s, uint32_t explore_q32)
{
    struct qbid_qrow row = {.explore_q32 = explore_q32, .n = 3, .greedy = 1};
    const float ratio[] = {0.5f, 1, 2, 1, 1, 1, 1, 1};
    for (int i = 0; i < QBID_QROW_ACTIONS; i++)
        row.ratio[i] = ratio[i];
    stage_init(s);
    uint32_t group = image_fixture_q_group(&s->f, &row);
    struct qbid_qrow *seven = &s->f.qrows.item[group * QBID_QSTATES + 7];
    seven->greedy = 2; /* and explores always: one of the two others */
    seven->ratio[0] = seven->ratio[1] = 1.5f;
    seven->ratio[2] = 1;
    seven->explore_q32 = UINT32_MAX;
    stage_line_item(
        s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f, .q_group = (uint16_t)group});
    stage_open(s);
}

static void an_action_multiplies_the_bid_and_is_told_with_its_propensity(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    const int64_t bid[] = {500000, 1000000, 2000000};
    const double share[] = {0.125, 0.75, 0.125};
    unsigned taken[3] = {0};
    enum { N = 20000 };
    open_with_q(&s, UINT32_C(1) << 30);
    q.flags = QBID_REQUEST_TEST;
    for (unsigned i = 0; i < N; i++) {
        q.id_hash = i;
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_true(d.q_action < 3);
        assert_int_equal(d.bid_micros, bid[d.q_action]);
        assert_true(fabs((double)d.q_propensity_q32 / 4294967296.0 - share[d.q_action]) < 1e-7);
        taken[d.q_action]++;
    }
    for (int a = 0; a < 3; a++) /* 4 standard deviations of a binomial */
        assert_true(fabs(taken[a] - N * share[a]) < 4 * sqrt(N * share[a] * (1 - share[a])));
    stage_done(&s);
}

static void the_live_state_picks_the_q_row_and_an_impossible_state_is_state_zero(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_with_q(&s, 0);
    const struct {
        uint8_t live;
        uint16_t state;
        int64_t bid;
    } cases[] = {{0, 0, 1000000},
                 {7, 7, 1500000},
                 {QBID_QSTATES - 1, QBID_QSTATES - 1, 1000000},
                 {QBID_QSTATES, 0, 1000000},
                 {UINT8_MAX, 0, 1000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        atomic_store(&s.live.qstate[0], cases[i].live);
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.q_state, cases[i].state);
        assert_int_equal(d.bid_micros, cases[i].bid);
    }
    stage_done(&s);
}

static void an_exploring_bid_is_held_to_floor_and_ceiling_as_any_other(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    unsigned declined = 0, held = 0;
    open_with_q(&s, UINT32_MAX);
    q.floor_micros = 600000;
    q.flags = QBID_REQUEST_TEST;
    for (unsigned i = 0; i < 400; i++) {
        q.id_hash = i;
        if (stage_decide(&s, &q, &d) == QBID_NOBID_BELOW_FLOOR)
            declined++;
        else
            held += d.bid_micros == 2000000;
    }
    assert_int_equal(declined + held, 400);
    assert_true(declined > 140 && held > 140);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_price_bid_is_the_effective_value),
        cmocka_unit_test(a_first_price_bid_is_shaded_by_the_market_segment_of_its_row),
        cmocka_unit_test(a_bid_equal_to_the_floor_is_made_and_one_micro_less_is_not),
        cmocka_unit_test(a_line_item_s_own_floor_holds_too),
        cmocka_unit_test(a_shaded_bid_is_raised_to_a_floor_that_the_impression_is_worth),
        cmocka_unit_test(a_ceiling_comes_after_the_floor),
        cmocka_unit_test(no_bid_passes_the_image_s_ceiling),
        cmocka_unit_test(a_bid_that_rounds_to_nothing_is_not_made),
        cmocka_unit_test(an_action_multiplies_the_bid_and_is_told_with_its_propensity),
        cmocka_unit_test(the_live_state_picks_the_q_row_and_an_impossible_state_is_state_zero),
        cmocka_unit_test(an_exploring_bid_is_held_to_floor_and_ceiling_as_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
