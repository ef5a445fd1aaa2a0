/* SPDX-License-Identifier: Apache-2.0 */
/* Deals, private auctions, blocked names, and the creative that fits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shm/hash.h"
#include "tests/fastpath/stage.h"

#define DEAL UINT64_C(0xdea1)
#define OTHER_DEAL UINT64_C(0xdea2)

static void open_one(struct stage *s, struct qbid_line_item item)
{
    stage_init(s);
    item.id = 1;
    item.value_micros = 1e6f;
    stage_line_item(s, item);
    stage_open(s);
}

static void a_deal_line_item_bids_only_where_its_deal_is_offered(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, (struct qbid_line_item){.deal_hash = DEAL});
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_DEAL);
    q.deal[0].id_hash = OTHER_DEAL;
    q.deal_cnt = 1;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_DEAL);
    q.deal[1].id_hash = DEAL;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_DEAL); /* not in the count */
    q.deal_cnt = 2;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.deal, 2);
    stage_done(&s);
}

static void a_deal_s_floor_replaces_that_of_the_impression(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, (struct qbid_line_item){.deal_hash = DEAL});
    q.floor_micros = 5000000;
    q.deal[0] = (struct qbid_deal){DEAL, 1000000};
    q.deal_cnt = 1;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    q.floor_micros = 0;
    q.deal[0].floor_micros = 1000001;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    stage_done(&s);
}

static void an_open_line_item_bids_in_the_open_part_of_an_auction_with_deals(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_one(&s, (struct qbid_line_item){0});
    q.deal[0] = (struct qbid_deal){DEAL, 9000000};
    q.deal_cnt = 1;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.deal, 0);
    q.flags = QBID_REQUEST_PRIVATE_ONLY;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_DEAL);
    assert_int_equal(d.candidates, 1);
    assert_int_equal(d.skipped, 0);
    stage_done(&s);
}

/* 200 open line items are worth more than the one with the deal: no try is spent on them. */
static void a_private_auction_finds_its_deal_among_any_number_of_dearer_line_items(void **state)
{
    (void)state;
    for (int in_row = 0; in_row < 2; in_row++) {
        enum { N = 201, AT = 70 };
        struct stage s;
        struct qbid_decision d;
        struct qbid_request q = stage_request();
        uint32_t idx[N];
        float value[N];
        stage_init(&s);
        for (uint32_t i = 0; i < N; i++) {
            value[i] = i == AT ? 1e6f : 2e6f;
            idx[i] = stage_line_item(&s, (struct qbid_line_item){.id = 1 + i,
                                                                 .value_micros = value[i],
                                                                 .deal_hash = i == AT ? DEAL : 0});
        }
        if (in_row)
            image_fixture_row(&s.f, 3, qbid_dim_pack(0, QBID_DIM_SLOT, 1), 0, N, idx, value);
        stage_open(&s);
        q.flags = QBID_REQUEST_PRIVATE_ONLY;
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_DEAL);
        q.deal[0].id_hash = DEAL;
        q.deal_cnt = 1;
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.line_item_idx, AT);
        assert_int_equal(d.candidates, N);
        assert_int_equal(d.skipped, 0);
        assert_int_equal(d.deal, 1);
        qbid_live_set_pace(&s.live, AT, 0.0f);
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_VALUE);
        stage_done(&s);
    }
}

static void a_blocked_domain_or_category_is_not_bid_for(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    const char *cats[] = {"IAB1", "IAB9-30", "IAB25"};
    stage_init(&s);
    uint32_t li = stage_line_item(
        &s, (struct qbid_line_item){
                .id = 1, .value_micros = 1e6f, .adomain_hash = qbid_hash_name("a.example", 9)});
    for (size_t i = 0; i < 3; i++)
        image_fixture_cat(&s.f, li, cats[i]);
    stage_open(&s);

    uint64_t list[40];
    for (uint64_t i = 0; i < 40; i++)
        list[i] = i + 1;
    q.badv = q.bcat = list;
    q.badv_cnt = q.bcat_cnt = 40;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    list[39] = qbid_hash_name("a.example", 9);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BLOCKED);
    q.badv_cnt = 39;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    for (size_t i = 0; i < 3; i++) {
        list[39] = qbid_hash_name(cats[i], strlen(cats[i]));
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BLOCKED);
    }
    list[39] = qbid_hash_name("IAB2", 4);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    stage_done(&s);
}

/* A line item with creatives for the 300x250 and 728x90 banners and for native, in this order of
 * value indices; native alone has two. */
static void open_three_slots(struct stage *s)
{
    const char *slots[] = {"banner:300x250", "banner:728x90", "video:any", "native"};
    stage_init(s);
    uint32_t li = image_fixture_line_item(
        &s->f,
        (struct qbid_line_item){.id = 1, .value_micros = 1e6f, .flags = QBID_LINE_ITEM_ACTIVE});
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(image_fixture_value(&s->f, QBID_DIM_SLOT, slots[i]), i + 1);
    for (uint32_t slot = 4; slot >= 1; slot--) {
        uint32_t creative[2];
        const double weight[] = {3, 1};
        if (slot == 3)
            continue;
        for (uint32_t i = 0; i < 2; i++)
            creative[i] = image_fixture_creative(
                &s->f,
                &(struct image_fixture_creative){.id = 10 * slot + i, .slot_idx = (uint16_t)slot});
        image_fixture_draws(&s->f, li, (uint16_t)slot, slot == 4 ? 2 : 1, creative, weight);
    }
    stage_open(s);
}

static void the_request_s_order_of_slots_chooses_among_creatives_that_fit(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    const char *slots[] = {"banner:1x1", "video:any", "banner:728x90", "banner:300x250"};
    open_three_slots(&s);
    for (int i = 0; i < 4; i++)
        q.slot[i] = stage_hash(QBID_DIM_SLOT, slots[i]);
    q.slot_cnt = 4;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.slot_idx, 2);
    assert_int_equal(d.creative_id, 20);
    assert_int_equal(qbid_dim_unpack(d.context, QBID_DIM_SLOT), 3); /* the first known one */
    q.slot_cnt = 2;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_CREATIVE);
    q.slot_cnt = 0;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_CREATIVE);
    stage_done(&s);
}

/* Six slots are in the summary, eight in the shelf, more in the directory. */
static void each_of_any_number_of_slots_is_found(void **state)
{
    (void)state;
    for (uint32_t slots = 1; slots < 12; slots++) {
        struct stage s;
        struct qbid_decision d;
        struct qbid_request q = stage_request();
        char name[32];
        const double whole = 1;
        stage_init(&s);
        uint32_t li = image_fixture_line_item(
            &s.f,
            (struct qbid_line_item){.id = 1, .value_micros = 1e6f, .flags = QBID_LINE_ITEM_ACTIVE});
        for (uint32_t slot = 1; slot <= slots + 1; slot++) { /* the last one without a creative */
            snprintf(name, sizeof name, "banner:%ux1", slot);
            uint16_t idx = (uint16_t)image_fixture_value(&s.f, QBID_DIM_SLOT, name);
            uint32_t creative = image_fixture_creative(
                &s.f, &(struct image_fixture_creative){.id = slot, .slot_idx = idx});
            if (slot <= slots)
                image_fixture_draws(&s.f, li, idx, 1, &creative, &whole);
        }
        stage_open(&s);
        q.slot_cnt = 1;
        for (uint32_t slot = 1; slot <= slots + 1; slot++) {
            snprintf(name, sizeof name, "banner:%ux1", slot);
            q.slot[0] = stage_hash(QBID_DIM_SLOT, name);
            assert_int_equal(stage_decide(&s, &q, &d),
                             slot <= slots ? QBID_NOBID_NONE : QBID_NOBID_NO_CREATIVE);
            if (slot <= slots)
                assert_int_equal(d.creative_id, slot);
        }
        stage_done(&s);
    }
}

static void a_creative_for_the_unknown_slot_is_never_shown(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    const double whole = 1;
    stage_init(&s);
    uint32_t li = image_fixture_line_item(
        &s.f,
        (struct qbid_line_item){.id = 1, .value_micros = 1e6f, .flags = QBID_LINE_ITEM_ACTIVE});
    uint32_t creative = image_fixture_creative(&s.f, &(struct image_fixture_creative){.id = 1});
    image_fixture_draws(&s.f, li, 0, 1, &creative, &whole);
    stage_open(&s);
    q.slot[0] = stage_hash(QBID_DIM_SLOT, "banner:1x1");
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_CREATIVE);
    stage_done(&s);
}

static void a_secure_request_needs_secure_creatives(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_three_slots(&s);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    q.flags = QBID_REQUEST_SECURE;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_CREATIVE);
    stage_done(&s);
    open_one(&s, (struct qbid_line_item){0});
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    stage_done(&s);
}

static void creatives_are_drawn_as_often_as_the_decision_says(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    unsigned drawn[2] = {0};
    enum { N = 40000 };
    open_three_slots(&s);
    q.slot[0] = stage_hash(QBID_DIM_SLOT, "native");
    for (unsigned i = 0; i < N; i++) {
        q.id_hash = i;
        q.flags = QBID_REQUEST_TEST;
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        double want = d.creative_id == 40 ? 0.75 : 0.25;
        assert_true(d.creative_id == 40 || d.creative_id == 41);
        assert_true(fabs((double)d.creative_propensity_q32 / 4294967296.0 - want) < 1e-6);
        drawn[d.creative_id - 40]++;
    }
    /* 4 standard deviations of a binomial */
    assert_true(drawn[0] > 0.75 * N - 347 && drawn[0] < 0.75 * N + 347);
    assert_int_equal(drawn[0] + drawn[1], N);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deal_line_item_bids_only_where_its_deal_is_offered),
        cmocka_unit_test(a_deal_s_floor_replaces_that_of_the_impression),
        cmocka_unit_test(an_open_line_item_bids_in_the_open_part_of_an_auction_with_deals),
        cmocka_unit_test(a_private_auction_finds_its_deal_among_any_number_of_dearer_line_items),
        cmocka_unit_test(a_blocked_domain_or_category_is_not_bid_for),
        cmocka_unit_test(the_request_s_order_of_slots_chooses_among_creatives_that_fit),
        cmocka_unit_test(each_of_any_number_of_slots_is_found),
        cmocka_unit_test(a_creative_for_the_unknown_slot_is_never_shown),
        cmocka_unit_test(a_secure_request_needs_secure_creatives),
        cmocka_unit_test(creatives_are_drawn_as_often_as_the_decision_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
